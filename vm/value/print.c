/* SPDX-License-Identifier: MIT */
/*
 * SON: a stack of the containers we are inside of takes the place of
 * recursion. Each step of the top one first ends the item printed before,
 * then begins the next, or ends the container. A frame's place in the stack
 * is its depth, which is its indentation.
 *
 * Floats: of all decimals that read back as the number, one with the fewest
 * digits, and of those the nearest. The C library rounds correctly in both
 * directions, so we ask it for few digits and look whether they read back.
 */
#include "vm/value/print.h"

#include "vm/base/utf8.h"
#include "vm/value/list.h"
#include "vm/value/map.h"
#include "vm/value/string.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* --- Int --- */

static const char digit_pairs[] = "0001020304050607080910111213141516171819"
                                  "2021222324252627282930313233343536373839"
                                  "4041424344454647484950515253545556575859"
                                  "6061626364656667686970717273747576777879"
                                  "8081828384858687888990919293949596979899";

/* Writes the digits so that they end at `end`; gives where they start. */
static char *digits_before(char *end, uint64_t number) {
    while (number >= 100) {
        end -= 2;
        memcpy(end, digit_pairs + number % 100 * 2, 2);
        number /= 100;
    }
    if (number < 10) {
        *--end = (char)('0' + number);
        return end;
    }
    end -= 2;
    memcpy(end, digit_pairs + number * 2, 2);
    return end;
}

int print_int(Buffer *out, int64_t number) {
    char text[24];
    char *end = text + sizeof text;
    char *start = digits_before(end, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
    if (number < 0)
        *--start = '-';
    return buffer_append(out, start, (size_t)(end - start));
}

/* --- Float --- */

enum {
    DIGITS_MAX = 17,      /* enough for any double */
    DIGITS_SAFE = 15,     /* a decimal of so many digits survives the way into a normal double and back */
    FLOAT_TEXT_MAX = 400, /* sign, 0., 323 zeros, 17 digits; or 309 digits */
};

/* `digits` x 10^`exponent`, the digits read as one whole number. */
typedef struct Decimal {
    uint64_t digits;
    int exponent;
} Decimal;

/* Spelled without a decimal point, whose character depends on the locale of the host. */
static bool decimal_reads_back(Decimal decimal, double number) {
    char text[48];
    snprintf(text, sizeof text, "%llue%d", (unsigned long long)decimal.digits, decimal.exponent);
    return strtod(text, NULL) == number;
}

/* The nearest decimal of `count` digits. */
static Decimal decimal_nearest(double number, int count) {
    char text[48];
    snprintf(text, sizeof text, "%.*e", count - 1, number);

    Decimal decimal = {0};
    const char *at = text;
    for (; *at != 'e'; at++)
        if (*at >= '0' && *at <= '9')
            decimal.digits = decimal.digits * 10 + (uint64_t)(*at - '0');
    decimal.exponent = (int)strtol(at + 1, NULL, 10) - (count - 1);
    return decimal;
}

/*
 * A decimal of `count` digits that reads back as `number`, if there is one.
 * Below a power of two doubles lie closer together than above it, so the
 * nearest decimal may be too far below while its neighbour above still reads
 * back.
 */
static bool decimal_find(Decimal *found, double number, int count) {
    Decimal nearest = decimal_nearest(number, count);
    Decimal above = {nearest.digits + 1, nearest.exponent};
    Decimal below = {nearest.digits - 1, nearest.exponent};

    *found = nearest;
    if (decimal_reads_back(nearest, number))
        return true;
    *found = above;
    if (decimal_reads_back(above, number))
        return true;
    *found = below;
    return decimal_reads_back(below, number);
}

/*
 * The usual case, without the C library: few digits before and behind the
 * point. Both operands of the division are exact, so it rounds as strtod()
 * would, and the first decimal that it gives back is the shortest: no two of
 * at most DIGITS_SAFE digits are the same double.
 */
static bool decimal_find_quickly(Decimal *found, double number) {
    double power = 1;
    for (int places = 0; places <= DIGITS_SAFE; places++, power *= 10) {
        double digits = rint(number * power);
        if (digits >= 1e15)
            return false;
        if (digits / power == number) {
            *found = (Decimal){(uint64_t)digits, -places};
            return true;
        }
    }
    return false;
}

/*
 * For a normal number a decimal of at most DIGITS_SAFE digits that reads back
 * is the nearest one of DIGITS_SAFE digits without its last zeros. So we need
 * not look for fewer.
 */
static Decimal decimal_shortest(double number) {
    Decimal decimal;
    if (decimal_find_quickly(&decimal, number))
        return decimal;
    int count = number >= DBL_MIN ? DIGITS_SAFE : 1;
    while (!decimal_find(&decimal, number, count))
        check(++count <= DIGITS_MAX);
    while (decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        decimal.exponent++;
    }
    return decimal;
}

static char *zeros_put(char *at, int count) {
    for (; count > 0; count--)
        *at++ = '0';
    return at;
}

static char *bytes_put(char *at, const char *bytes, int count) {
    memcpy(at, bytes, (size_t)count);
    return at + count;
}

/* Writes it with as many zeros as it takes; gives where it ends. */
static char *decimal_put(char *at, Decimal decimal) {
    char digits[24];
    char *end = digits + sizeof digits;
    const char *start = digits_before(end, decimal.digits);
    int count = (int)(end - start);
    int whole = count + decimal.exponent; /* digits before the point */

    if (whole >= count)
        return zeros_put(bytes_put(at, start, count), whole - count);
    if (whole <= 0)
        return bytes_put(zeros_put(bytes_put(at, "0.", 2), -whole), start, count);
    at = bytes_put(bytes_put(at, start, whole), ".", 1);
    return bytes_put(at, start + whole, count - whole);
}

/* Whole numbers this small are their own digits: each has a double of its own. */
static bool is_plain_int(double magnitude) {
    return magnitude < 0x1p53 && magnitude == floor(magnitude);
}

int print_float(Buffer *out, double number) {
    if (isnan(number))
        return buffer_append_text(out, "NaN");
    if (isinf(number))
        return buffer_append_text(out, number < 0 ? "-inf" : "inf");

    char text[FLOAT_TEXT_MAX];
    char *end = text;
    double magnitude = fabs(number);
    if (signbit(number))
        *end++ = '-';
    Decimal decimal = is_plain_int(magnitude) ? (Decimal){(uint64_t)magnitude, 0} : decimal_shortest(magnitude);
    end = decimal_put(end, decimal);
    return buffer_append(out, text, (size_t)(end - text));
}

static int print_son_float(Buffer *out, double number) {
    size_t start = out->size;
    int r = print_float(out, number);
    if (r)
        return r;
    bool has_point = memchr(out->bytes + start, '.', out->size - start) != NULL;
    return isfinite(number) && !has_point ? buffer_append_text(out, ".0") : 0;
}

/* --- String --- */

/* What stands for this character behind a backslash, or 0. */
static char escape_letter(uint32_t scalar) {
    switch (scalar) {
    case '"':
    case '\\':
        return (char)scalar;
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    default:
        return 0;
    }
}

static bool is_control(uint32_t scalar) {
    return scalar < 0x20 || (scalar >= 0x7f && scalar < 0xa0);
}

static int print_scalar(Buffer *out, uint32_t scalar) {
    char letter = escape_letter(scalar);
    if (letter)
        return buffer_append_format(out, "\\%c", letter);
    if (is_control(scalar))
        return buffer_append_format(out, "\\u%04x", (unsigned)scalar);
    return utf8_append(out, scalar);
}

/* How many bytes at the start stand for themselves: the common case, appended in one go. */
static size_t plain_run(const char *bytes, size_t size) {
    size_t count = 0;
    while (count < size && bytes[count] >= 0x20 && bytes[count] < 0x7f && bytes[count] != '"' && bytes[count] != '\\')
        count++;
    return count;
}

int print_quoted(Buffer *out, const char *bytes, size_t size) {
    int r = buffer_append_byte(out, '"');
    for (size_t index = 0; !r && index < size;) {
        size_t count = plain_run(bytes + index, size - index);
        if (count > 0) {
            r = buffer_append(out, bytes + index, count);
        } else {
            uint32_t scalar;
            count = utf8_decode_lossy(bytes + index, size - index, &scalar);
            r = print_scalar(out, scalar);
        }
        index += count;
    }
    return r ? r : buffer_append_byte(out, '"');
}

/* --- SON --- */

/* A container, printed up to `index`. */
typedef struct PrintFrame {
    Value container;
    uint32_t index, count;
    MapEntry *entries; /* of a map, in key order */
} PrintFrame;

/*
 * Refusals of the buffer's memory are kept by the buffer (buffer.h), so most
 * of what follows appends without looking; print_son() looks at each step.
 */
typedef struct PrintWalk {
    Heap *heap;
    Buffer *out;
    PrintStyle style;
    PrintFrame *frames;
    uint32_t count, capacity;
} PrintWalk;

static void put_text(PrintWalk *walk, const char *text) {
    (void)buffer_append_text(walk->out, text);
}

static void put_line(PrintWalk *walk, uint32_t depth) {
    (void)buffer_append_byte(walk->out, '\n');
    size_t size = (size_t)depth * 2;
    char *at = buffer_reserve(walk->out, size);
    if (at) {
        memset(at, ' ', size);
        walk->out->size += size;
    }
}

/* --- atoms --- */

static void put_symbol(PrintWalk *walk, uint32_t symbol) {
    size_t size;
    const char *text = symbol_text(&walk->heap->symbols, symbol, &size);
    (void)buffer_append_byte(walk->out, ':');
    (void)buffer_append(walk->out, text, size);
}

static int print_atom(PrintWalk *walk, Value value) {
    switch (value_kind(value)) {
    case KIND_INT:
        return print_int(walk->out, value_to_int(value));
    case KIND_FLOAT:
        return print_son_float(walk->out, value_to_float(value));
    case KIND_BOOL:
        return buffer_append_text(walk->out, value_to_bool(value) ? "true" : "false");
    case KIND_STRING:
        return print_quoted(walk->out, string_bytes(value_string(value)), value_string(value)->size);
    case KIND_SYMBOL:
        put_symbol(walk, value_to_symbol(value));
        return 0;
    case KIND_QUOTATION:
        return buffer_append_text(walk->out, value_has_tag(value, TAG_CLOSURE) ? "<closure>" : "<quotation>");
    case KIND_CHANNEL:
        return buffer_append_text(walk->out, "<channel>");
    case KIND_WEAVE:
        return buffer_append_text(walk->out, "<weave-ctx>");
    case KIND_VARIANT:
    case KIND_MAP:
    case KIND_COUNT:
        break;
    }
    unreachable();
}

/* --- containers --- */

static bool is_list(Value value) {
    return value_is_variant(value) && value_variant(value)->symbol == SYMBOL_LIST;
}

static void put_head(PrintWalk *walk, Value container) {
    if (value_is_map(container))
        put_text(walk, "map-of");
    else if (is_list(container))
        put_text(walk, "list-of");
    else
        put_symbol(walk, value_variant(container)->symbol);
}

static int walk_reserve(PrintWalk *walk) {
    if (walk->count < walk->capacity)
        return 0;
    PrintFrame *frames = mem_try_double(&walk->heap->mem, walk->frames, sizeof *frames, &walk->capacity);
    if (frames == NULL)
        return -ENOMEM;
    walk->frames = frames;
    return 0;
}

static int walk_enter(PrintWalk *walk, Value container) {
    int r = walk_reserve(walk);
    if (r)
        return r;
    PrintFrame frame = {.container = container};
    if (value_is_map(container)) {
        frame.count = map_count(value_map(container));
        frame.entries = map_sorted(walk->heap, value_map(container));
        if (frame.entries == NULL && frame.count > 0)
            return -ENOMEM;
    } else {
        frame.count = value_variant(container)->count;
    }
    walk->frames[walk->count++] = frame;
    put_head(walk, container);
    return 0;
}

static void walk_leave(PrintWalk *walk) {
    PrintFrame *frame = &walk->frames[--walk->count];
    mem_free(&walk->heap->mem, frame->entries, frame->count * sizeof(MapEntry));
}

static int walk_begin(PrintWalk *walk, Value value) {
    if (value_is_variant(value) || value_is_map(value))
        return walk_enter(walk, value);
    return print_atom(walk, value);
}

static void put_item_end(PrintWalk *walk, Value container) {
    if (value_is_map(container))
        put_text(walk, " kv");
    else if (is_list(container))
        put_text(walk, " lv");
}

static int print_container_end(PrintWalk *walk, const PrintFrame *frame) {
    if (value_is_map(frame->container) || is_list(frame->container))
        return 0;
    if (walk->style == PRINT_PRETTY && frame->count > 0)
        put_line(walk, walk->count - 1);
    put_text(walk, " wrap-");
    return print_int(walk->out, frame->count);
}

static void put_item_start(PrintWalk *walk) {
    if (walk->style == PRINT_PRETTY)
        put_line(walk, walk->count);
    else
        put_text(walk, " ");
}

/* The next item; a map's key is printed on the way, as keys are never containers. */
static Value frame_next(PrintWalk *walk, PrintFrame *frame) {
    uint32_t index = frame->index++;
    if (!frame->entries)
        return variant_at(value_variant(frame->container), index);
    (void)print_atom(walk, frame->entries[index].key);
    put_text(walk, " ");
    return frame->entries[index].value;
}

static int walk_step(PrintWalk *walk) {
    PrintFrame *frame = &walk->frames[walk->count - 1];
    if (frame->index > 0)
        put_item_end(walk, frame->container);
    if (frame->index == frame->count) {
        int r = print_container_end(walk, frame);
        walk_leave(walk);
        return r;
    }
    put_item_start(walk);
    return walk_begin(walk, frame_next(walk, frame));
}

int print_son(Heap *heap, Buffer *out, Value value, PrintStyle style) {
    PrintWalk walk = {.heap = heap, .out = out, .style = style};

    int r = walk_begin(&walk, value);
    while (!r && !out->failed && walk.count > 0)
        r = walk_step(&walk);

    while (walk.count > 0)
        walk_leave(&walk);
    mem_free(&heap->mem, walk.frames, walk.capacity * sizeof *walk.frames);
    return !r && out->failed ? -ENOMEM : r;
}
