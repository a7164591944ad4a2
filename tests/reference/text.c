/* SPDX-License-Identifier: MIT */
/* Values as text: SON, and floats without an exponent. */
#include "tests/reference/machine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *kind_text(RKind kind) {
    static const char *const names[] = {"Int",     "Float", "Bool",       "String",  "Symbol", "Variant",
                                        "Map",     "Quotation", "Channel", "Weave", "Weave"};
    return names[kind];
}

typedef struct Text {
    char *bytes;
    size_t size, room;
} Text;

static void add(Text *text, const char *bytes, size_t size) {
    if (text->size + size >= text->room) {
        text->room = 2 * (text->size + size) + 64;
        text->bytes = realloc(text->bytes, text->room);
    }
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
}
static void add_text(Text *text, const char *bytes) {
    add(text, bytes, strlen(bytes));
}

/* Digits by "%.*e", as few as read back to the same number; then set out in full. */
static void add_float(Text *text, double number) {
    if (number != number) {
        add_text(text, "NaN");
        return;
    }
    if (isinf(number)) {
        add_text(text, number < 0 ? "-inf" : "inf");
        return;
    }
    char digits[64];
    int precision = 0;
    do
        snprintf(digits, sizeof digits, "%.*e", precision, number);
    while (strtod(digits, NULL) != number && precision++ < 17);
    const char *at = digits;
    if (*at == '-') {
        add_text(text, "-");
        at++;
    }
    int exponent = atoi(strchr(at, 'e') + 1);
    char mantissa[32];
    int count = 0;
    for (; *at != 'e'; at++) {
        if (*at != '.')
            mantissa[count++] = *at;
    }
    while (count > 1 && mantissa[count - 1] == '0')
        count--;
    if (exponent < 0) {
        add_text(text, "0.");
        for (int zero = -1; zero > exponent; zero--)
            add_text(text, "0");
        add(text, mantissa, (size_t)count);
        return;
    }
    for (int index = 0; index <= exponent; index++)
        add(text, index < count ? &mantissa[index] : "0", 1);
    if (count > exponent + 1) {
        add_text(text, ".");
        add(text, mantissa + exponent + 1, (size_t)(count - exponent - 1));
    }
}

/* The generators write ASCII only. */
static void add_string(Text *text, const RBytes *string) {
    add_text(text, "\"");
    for (size_t index = 0; index < string->size; index++) {
        char byte = string->bytes[index];
        if (byte && strchr("\"\\\n\r\t\b\f", byte)) {
            static const char from[] = "\"\\\n\r\t\b\f", to[] = "\"\\nrtbf";
            char pair[2] = {'\\', to[strchr(from, byte) - from]};
            add(text, pair, 2);
        } else if ((unsigned char)byte < 0x20 || byte == 0x7f) {
            char escape[8];
            snprintf(escape, sizeof escape, "\\u%04x", (unsigned char)byte);
            add_text(text, escape);
        } else {
            add(text, &byte, 1);
        }
    }
    add_text(text, "\"");
}

int key_order(RValue a, RValue b) {
    int rank_a = a.kind == R_INT ? 0 : a.kind == R_BOOL ? 1 : 2, rank_b = b.kind == R_INT ? 0 : b.kind == R_BOOL ? 1 : 2;
    if (rank_a != rank_b)
        return rank_a - rank_b;
    if (a.kind == R_BOOL)
        return a.b - b.b;
    if (a.kind == R_INT) { /* negative ones first, by ascending magnitude */
        if ((a.i < 0) != (b.i < 0))
            return a.i < 0 ? -1 : 1;
        int order = (a.i > b.i) - (a.i < b.i);
        return a.i < 0 ? -order : order;
    }
    size_t size = a.string->size < b.string->size ? a.string->size : b.string->size;
    int order = memcmp(a.string->bytes, b.string->bytes, size);
    return order ? order : (a.string->size > b.string->size) - (a.string->size < b.string->size);
}

static int entry_order(const void *a, const void *b) {
    return key_order(*(const RValue *)a, *(const RValue *)b);
}

static void add_value(Text *text, RValue value, int depth) {
    char number[32];
    size_t start = text->size;
    if (depth > 1000)
        return;
    switch (value.kind) {
    case R_INT:
        snprintf(number, sizeof number, "%lld", (long long)value.i);
        add_text(text, number);
        return;
    case R_FLOAT:
        add_float(text, value.f);
        if (isfinite(value.f) && !memchr(text->bytes + start, '.', text->size - start))
            add_text(text, ".0");
        return;
    case R_BOOL:
        add_text(text, value.b ? "true" : "false");
        return;
    case R_STRING:
        add_string(text, value.string);
        return;
    case R_SYMBOL:
        add_text(text, ":");
        add_text(text, value.symbol);
        return;
    case R_VARIANT:
        if (strcmp(value.items->tag, "List") == 0) {
            add_text(text, "list-of");
            for (uint32_t index = 0; index < value.items->count; index++) {
                add_text(text, " ");
                add_value(text, value.items->items[index], depth + 1);
                add_text(text, " lv");
            }
            return;
        }
        add_text(text, ":");
        add_text(text, value.items->tag);
        for (uint32_t index = 0; index < value.items->count; index++) {
            add_text(text, " ");
            add_value(text, value.items->items[index], depth + 1);
        }
        snprintf(number, sizeof number, " wrap-%u", value.items->count);
        add_text(text, number);
        return;
    case R_MAP:
        add_text(text, "map-of");
        qsort(value.items->items, value.items->count / 2, 2 * sizeof(RValue), entry_order);
        for (uint32_t index = 0; index < value.items->count; index += 2) {
            add_text(text, " ");
            add_value(text, value.items->items[index], depth + 1);
            add_text(text, " ");
            add_value(text, value.items->items[index + 1], depth + 1);
            add_text(text, " kv");
        }
        return;
    case R_QUOTATION:
        add_text(text, value.quotation->is_closure ? "<closure>" : "<quotation>");
        return;
    case R_CHANNEL:
        add_text(text, "<channel>");
        return;
    case R_WEAVE:
    case R_CONTEXT:
        add_text(text, "<weave-ctx>");
        return;
    }
}

static RValue to_string(Machine *machine, Text *text) {
    RBytes *string = machine_take(machine, sizeof *string + text->size + 1);
    string->size = text->size;
    if (text->size)
        memcpy(string->bytes, text->bytes, text->size);
    free(text->bytes);
    return (RValue){R_STRING, .string = string};
}

RValue son_text(Machine *machine, RValue value) {
    Text text = {0};
    add_value(&text, value, 0);
    return to_string(machine, &text);
}

RValue float_text(Machine *machine, double number) {
    Text text = {0};
    add_float(&text, number);
    return to_string(machine, &text);
}
