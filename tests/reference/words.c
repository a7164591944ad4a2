/* SPDX-License-Identifier: MIT */
/*
 * The words, one function each, found by name. What an effect names by a base
 * type is checked before the function runs; the rest it checks itself.
 */
#include "tests/reference/machine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void Do(Machine *machine);

#define POP_INT machine_pop_kind(machine, R_INT).i
#define POP_FLOAT machine_pop_kind(machine, R_FLOAT).f
#define POP_BOOL machine_pop_kind(machine, R_BOOL).b
#define POP_STRING machine_pop_kind(machine, R_STRING).string
#define PUSH(value) machine_push(machine, value)

/* --- shuffles --- */

static void do_dup(Machine *machine) { RValue a = machine_pop(machine); PUSH(a); PUSH(a); }
static void do_drop(Machine *machine) { machine_pop(machine); }
static void do_swap(Machine *machine) { RValue b = machine_pop(machine), a = machine_pop(machine); PUSH(b); PUSH(a); }
static void do_over(Machine *machine) { RValue b = machine_pop(machine), a = machine_pop(machine); PUSH(a); PUSH(b); PUSH(a); }
static void do_rot(Machine *machine) { RValue c = machine_pop(machine), b = machine_pop(machine), a = machine_pop(machine); PUSH(b); PUSH(c); PUSH(a); }
static void do_nip(Machine *machine) { RValue b = machine_pop(machine); machine_pop(machine); PUSH(b); }
static void do_tuck(Machine *machine) { RValue b = machine_pop(machine), a = machine_pop(machine); PUSH(b); PUSH(a); PUSH(b); }
static void do_2dup(Machine *machine) { RValue b = machine_pop(machine), a = machine_pop(machine); PUSH(a); PUSH(b); PUSH(a); PUSH(b); }
static void do_3drop(Machine *machine) { machine_pop(machine); machine_pop(machine); machine_pop(machine); }

static RValue *indexed(Machine *machine) {
    int64_t index = POP_INT;
    RStrand *strand = machine->current;
    if (index < 0 || index >= (int64_t)(strand->depth - strand->base))
        TRAP("bad index");
    return &strand->stack[strand->depth - 1 - (uint32_t)index];
}
static void do_pick(Machine *machine) { RValue picked = *indexed(machine); PUSH(picked); }
static void do_roll(Machine *machine) {
    RStrand *strand = machine->current;
    RValue *at = indexed(machine), moved = *at;
    for (; at + 1 < strand->stack + strand->depth; at++)
        *at = at[1];
    *at = moved;
}
static void do_to_aux(Machine *machine) {
    RStrand *strand = machine->current;
    RValue value = machine_pop(machine);
    if (strand->aux_depth == strand->aux_room) {
        uint32_t room = strand->aux_room ? 2 * strand->aux_room : 16;
        RValue *grown = machine_take(machine, room * sizeof(RValue));
        if (strand->aux_depth)
            memcpy(grown, strand->aux, strand->aux_depth * sizeof(RValue));
        strand->aux = grown;
        strand->aux_room = room;
    }
    strand->aux[strand->aux_depth++] = value;
}
static void do_from_aux(Machine *machine) { PUSH(machine->current->aux[--machine->current->aux_depth]); }

/* --- Int --- */

#define INT_WORD(name, result) static void name(Machine *machine) { int64_t b = POP_INT, a = POP_INT; (void)a; (void)b; machine_push_int(machine, (int64_t)(result)); }
#define INT_COMPARE(name, operator) static void name(Machine *machine) { int64_t b = POP_INT, a = POP_INT; machine_push_bool(machine, a operator b); }
INT_WORD(do_add, (uint64_t)a + (uint64_t)b)
INT_WORD(do_sub, (uint64_t)a - (uint64_t)b)
INT_WORD(do_mul, (uint64_t)a * (uint64_t)b)
INT_WORD(do_band, a & b)
INT_WORD(do_bor, a | b)
INT_WORD(do_bxor, a ^ b)
INT_COMPARE(do_eq, ==)
INT_COMPARE(do_ne, !=)
INT_COMPARE(do_lt, <)
INT_COMPARE(do_le, <=)
INT_COMPARE(do_gt, >)
INT_COMPARE(do_ge, >=)
static void do_neg(Machine *machine) { machine_push_int(machine, (int64_t)(0 - (uint64_t)POP_INT)); }
static void do_bnot(Machine *machine) { machine_push_int(machine, ~POP_INT); }
static void do_div(Machine *machine) {
    int64_t b = POP_INT, a = POP_INT;
    machine_push_int(machine, b == 0 ? 0 : a / b);
    machine_push_bool(machine, b != 0);
}
static void do_mod(Machine *machine) {
    int64_t b = POP_INT, a = POP_INT;
    machine_push_int(machine, b == 0 ? 0 : a % b);
    machine_push_bool(machine, b != 0);
}
static int64_t fit(uint64_t bits) {
    int64_t number = (int64_t)bits;
    return number >= -((int64_t)1 << 62) && number < (int64_t)1 << 62 ? number : 0;
}
static void do_shl(Machine *machine) {
    int64_t b = POP_INT, a = POP_INT;
    machine_push_int(machine, b < 0 || b > 63 ? 0 : fit((uint64_t)a << b));
}
static void do_shr(Machine *machine) {
    int64_t b = POP_INT, a = POP_INT;
    machine_push_int(machine, b < 0 || b > 63 ? 0 : fit((uint64_t)a >> b));
}
static void do_popcount(Machine *machine) {
    uint64_t bits = (uint64_t)POP_INT & (UINT64_MAX >> 1);
    int64_t count = 0;
    for (; bits; bits >>= 1)
        count += bits & 1;
    machine_push_int(machine, count);
}
static void do_clz(Machine *machine) {
    uint64_t bits = (uint64_t)POP_INT & (UINT64_MAX >> 1);
    int64_t count = 63;
    for (; bits; bits >>= 1)
        count--;
    machine_push_int(machine, count);
}
static void do_ctz(Machine *machine) {
    uint64_t bits = (uint64_t)POP_INT & (UINT64_MAX >> 1);
    int64_t count = 0;
    while (count < 63 && !(bits >> count & 1))
        count++;
    machine_push_int(machine, count);
}
static void do_pow(Machine *machine) {
    int64_t exponent = POP_INT, base = POP_INT;
    __int128 result = 1;
    bool fits = exponent >= 0 && exponent <= 0xffffffff;
    if (fits && (base == 0 || base == 1 || base == -1))
        result = exponent == 0 ? 1 : base == -1 && exponent % 2 == 0 ? 1 : base;
    else
        for (int64_t round = 0; fits && round < exponent; round++) {
            result *= base;
            fits = result <= INT64_MAX && result >= INT64_MIN;
        }
    machine_push_int(machine, fits ? (int64_t)result : 0);
    machine_push_bool(machine, fits);
}
static void do_int_to_string(Machine *machine) {
    char text[32];
    int size = snprintf(text, sizeof text, "%lld", (long long)POP_INT);
    machine_push_string(machine, text, (size_t)size);
}
static void do_int_to_float(Machine *machine) { int64_t a = POP_INT; PUSH(((RValue){R_FLOAT, .f = (double)a})); }

/* --- Bool, Float, Symbol --- */

static void do_and(Machine *machine) { bool b = POP_BOOL, a = POP_BOOL; machine_push_bool(machine, a && b); }
static void do_or(Machine *machine) { bool b = POP_BOOL, a = POP_BOOL; machine_push_bool(machine, a || b); }
static void do_not(Machine *machine) { machine_push_bool(machine, !POP_BOOL); }

#define FLOAT_WORD(name, operator) static void name(Machine *machine) { double b = POP_FLOAT, a = POP_FLOAT; PUSH(((RValue){R_FLOAT, .f = a operator b})); }
#define FLOAT_COMPARE(name, operator) static void name(Machine *machine) { double b = POP_FLOAT, a = POP_FLOAT; machine_push_bool(machine, a operator b); }
FLOAT_WORD(do_fadd, +)
FLOAT_WORD(do_fsub, -)
FLOAT_WORD(do_fmul, *)
FLOAT_WORD(do_fdiv, /)
FLOAT_COMPARE(do_feq, ==)
FLOAT_COMPARE(do_fne, !=)
FLOAT_COMPARE(do_flt, <)
FLOAT_COMPARE(do_fle, <=)
FLOAT_COMPARE(do_fgt, >)
FLOAT_COMPARE(do_fge, >=)
static void do_float_to_int(Machine *machine) {
    double a = POP_FLOAT, limit = 4611686018427387904.0;
    machine_push_int(machine, a != a ? 0 : a >= limit ? (((int64_t)1 << 62) - 1) : a < -limit ? -((int64_t)1 << 62) : (int64_t)a);
}
static void do_float_to_string(Machine *machine) { double a = POP_FLOAT; PUSH(float_text(machine, a)); }
static void do_symbol_eq(Machine *machine) {
    const char *b = machine_pop_kind(machine, R_SYMBOL).symbol, *a = machine_pop_kind(machine, R_SYMBOL).symbol;
    machine_push_bool(machine, strcmp(a, b) == 0);
}
static void do_symbol_to_string(Machine *machine) {
    const char *a = machine_pop_kind(machine, R_SYMBOL).symbol;
    machine_push_string(machine, a, strlen(a));
}

/* --- String: ASCII in the programs of the generators --- */

static void do_concat(Machine *machine) {
    const RBytes *b = POP_STRING, *a = POP_STRING;
    RBytes *both = machine_take(machine, sizeof *both + a->size + b->size + 1);
    both->size = a->size + b->size;
    memcpy(both->bytes, a->bytes, a->size);
    memcpy(both->bytes + a->size, b->bytes, b->size);
    PUSH(((RValue){R_STRING, .string = both}));
}
static void do_string_length(Machine *machine) { machine_push_int(machine, (int64_t)POP_STRING->size); }
static void do_string_empty(Machine *machine) { machine_push_bool(machine, POP_STRING->size == 0); }
static void do_string_equal(Machine *machine) {
    const RBytes *b = POP_STRING, *a = POP_STRING;
    machine_push_bool(machine, a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0);
}
static void do_substring(Machine *machine) {
    int64_t length = POP_INT, start = POP_INT;
    const RBytes *a = POP_STRING;
    if (start < 0 || length < 0 || start > (int64_t)a->size)
        start = length = 0;
    if (length > (int64_t)a->size - start)
        length = (int64_t)a->size - start;
    machine_push_string(machine, a->bytes + start, (size_t)length);
}

/* --- variants and lists --- */

static RItems *copy_items(Machine *machine, const RItems *items, uint32_t more) {
    RItems *copy = machine_take(machine, sizeof *copy);
    *copy = (RItems){items->tag, items->count, machine_take(machine, (items->count + more) * sizeof(RValue))};
    if (items->count)
        memcpy(copy->items, items->items, items->count * sizeof(RValue));
    return copy;
}
static const RItems *pop_variant(Machine *machine) { return machine_pop_kind(machine, R_VARIANT).items; }
static void push_items(Machine *machine, RKind kind, const RItems *items) { PUSH(((RValue){kind, .items = items})); }
static void push_found(Machine *machine, const RItems *items, int64_t index) {
    bool found = index >= 0 && index < (int64_t)items->count;
    PUSH(found ? items->items[index] : ((RValue){R_INT, .i = 0}));
    machine_push_bool(machine, found);
}

static void do_list_make(Machine *machine) { push_items(machine, R_VARIANT, copy_items(machine, &(RItems){.tag = "List"}, 0)); }
static void do_list_length(Machine *machine) { machine_push_int(machine, pop_variant(machine)->count); }
static void do_list_empty(Machine *machine) { machine_push_bool(machine, pop_variant(machine)->count == 0); }
static void do_list_get(Machine *machine) {
    int64_t index = POP_INT;
    RValue list = machine_pop(machine);
    push_found(machine, list.kind == R_VARIANT ? list.items : &(RItems){0}, index);
}
static void do_list_first(Machine *machine) { push_found(machine, pop_variant(machine), 0); }
static void do_list_last(Machine *machine) { const RItems *list = pop_variant(machine); push_found(machine, list, (int64_t)list->count - 1); }
static void do_list_push(Machine *machine) {
    RValue item = machine_pop(machine);
    RItems *list = copy_items(machine, pop_variant(machine), 1);
    list->items[list->count++] = item;
    push_items(machine, R_VARIANT, list);
}
static void do_list_set(Machine *machine) {
    RValue item = machine_pop(machine);
    int64_t index = POP_INT;
    RItems *list = copy_items(machine, pop_variant(machine), 0);
    bool found = index >= 0 && index < (int64_t)list->count;
    if (found)
        list->items[index] = item;
    push_items(machine, R_VARIANT, list);
    machine_push_bool(machine, found);
}
static void do_list_reverse(Machine *machine) {
    const RItems *list = pop_variant(machine);
    RItems *copy = copy_items(machine, list, 0);
    for (uint32_t index = 0; index < list->count; index++)
        copy->items[index] = list->items[list->count - 1 - index];
    push_items(machine, R_VARIANT, copy);
}
static void do_wrap(Machine *machine) {
    const char *name = machine->word;
    uint32_t count = (uint32_t)atoi(strrchr(name, '-') + 1);
    RItems *items = machine_take(machine, sizeof *items);
    *items = (RItems){machine_pop_kind(machine, R_SYMBOL).symbol, count, machine_take(machine, count * sizeof(RValue))};
    for (uint32_t index = count; index-- > 0;)
        items->items[index] = machine_pop(machine);
    push_items(machine, R_VARIANT, items);
}
static void do_tag(Machine *machine) { PUSH(((RValue){R_SYMBOL, .symbol = pop_variant(machine)->tag})); }
static void do_field_at(Machine *machine) {
    int64_t index = POP_INT;
    const RItems *items = pop_variant(machine);
    if (index < 0 || index >= (int64_t)items->count)
        TRAP("no such field");
    PUSH(items->items[index]);
}
static const RItems *pop_some(Machine *machine) {
    const RItems *items = pop_variant(machine);
    if (items->count == 0)
        TRAP("no fields");
    return items;
}
static void do_variant_first(Machine *machine) { PUSH(pop_some(machine)->items[0]); }
static void do_variant_last(Machine *machine) { const RItems *items = pop_some(machine); PUSH(items->items[items->count - 1]); }
static void do_variant_init(Machine *machine) {
    RItems *copy = copy_items(machine, pop_some(machine), 0);
    copy->count--;
    push_items(machine, R_VARIANT, copy);
}

/* --- maps --- */

static const RItems *pop_map(Machine *machine) { return machine_pop_kind(machine, R_MAP).items; }
static RValue pop_key(Machine *machine) {
    RValue key = machine_pop(machine);
    if (key.kind != R_INT && key.kind != R_STRING && key.kind != R_BOOL)
        TRAP("bad key");
    return key;
}
static int64_t find(const RItems *map, RValue key) {
    for (uint32_t index = 0; index < map->count; index += 2) {
        if (map->items[index].kind == key.kind && key_order(map->items[index], key) == 0)
            return index;
    }
    return -1;
}
static int entry_order(const void *a, const void *b) { return key_order(*(const RValue *)a, *(const RValue *)b); }
static RItems *sorted(Machine *machine, const RItems *map) {
    RItems *copy = copy_items(machine, map, 0);
    qsort(copy->items, copy->count / 2, 2 * sizeof(RValue), entry_order);
    return copy;
}
static void do_map_make(Machine *machine) { push_items(machine, R_MAP, copy_items(machine, &(RItems){0}, 0)); }
static void do_map_get(Machine *machine) {
    RValue key = pop_key(machine);
    const RItems *map = pop_map(machine);
    int64_t at = find(map, key);
    push_found(machine, map, at < 0 ? -1 : at + 1);
}
static void do_map_has(Machine *machine) { RValue key = pop_key(machine); machine_push_bool(machine, find(pop_map(machine), key) >= 0); }
static void do_map_set(Machine *machine) {
    RValue value = machine_pop(machine), key = pop_key(machine);
    RItems *map = copy_items(machine, pop_map(machine), 2);
    int64_t at = find(map, key);
    if (at < 0) {
        at = map->count;
        map->items[at] = key;
        map->count += 2;
    }
    map->items[at + 1] = value;
    push_items(machine, R_MAP, map);
}
static void do_map_remove(Machine *machine) {
    RValue key = pop_key(machine);
    RItems *map = copy_items(machine, pop_map(machine), 0);
    int64_t at = find(map, key);
    if (at >= 0) {
        map->count -= 2;
        map->items[at] = map->items[map->count];
        map->items[at + 1] = map->items[map->count + 1];
    }
    push_items(machine, R_MAP, map);
}
static void do_map_size(Machine *machine) { machine_push_int(machine, pop_map(machine)->count / 2); }
static void do_map_empty(Machine *machine) { machine_push_bool(machine, pop_map(machine)->count == 0); }
static void push_half(Machine *machine, uint32_t which) {
    RItems *entries = sorted(machine, pop_map(machine));
    entries->tag = "List";
    entries->count /= 2;
    for (uint32_t index = 0; index < entries->count; index++)
        entries->items[index] = entries->items[2 * index + which];
    push_items(machine, R_VARIANT, entries);
}
static void do_map_keys(Machine *machine) { push_half(machine, 0); }
static void do_map_values(Machine *machine) { push_half(machine, 1); }

/* --- quotations --- */

static RValue pop_quotation(Machine *machine) { return machine_pop_kind(machine, R_QUOTATION); }
static void do_call(Machine *machine) { machine_enter(machine, pop_quotation(machine)); }
static void do_dip(Machine *machine) {
    RValue quotation = pop_quotation(machine), x = machine_pop(machine);
    machine_frame(machine, F_RESTORE)->values[0] = x;
    machine_enter(machine, quotation);
}
static void do_keep(Machine *machine) {
    RValue quotation = pop_quotation(machine), x = machine_pop(machine);
    machine_frame(machine, F_RESTORE)->values[0] = x;
    PUSH(x);
    machine_enter(machine, quotation);
}
static void do_bi(Machine *machine) {
    RValue second = pop_quotation(machine), first = pop_quotation(machine), x = machine_pop(machine);
    RFrame *frame = machine_frame(machine, F_BI);
    frame->values[0] = x;
    frame->values[1] = second;
    PUSH(x);
    machine_enter(machine, first);
}
static void do_if(Machine *machine) {
    RValue otherwise = pop_quotation(machine), then = pop_quotation(machine);
    machine_enter(machine, POP_BOOL ? then : otherwise);
}
static void try_predicate(Machine *machine, RFrame *frame) {
    if (frame->index == frame->results.count)
        TRAP("no predicate matched");
    machine_enter(machine, frame->results.items[frame->index]);
}
static void do_cond(Machine *machine) {
    int64_t pairs = POP_INT;
    RStrand *strand = machine->current;
    if (pairs <= 0 || pairs > (int64_t)(strand->depth - strand->base) / 2)
        TRAP("bad number of pairs");
    RItems quotations = {.count = (uint32_t)(2 * pairs), .items = machine_take(machine, (size_t)(2 * pairs) * sizeof(RValue))};
    for (uint32_t index = quotations.count; index-- > 0;) {
        quotations.items[index] = pop_quotation(machine);
        if (quotations.items[index].quotation->is_closure)
            TRAP("a closure");
    }
    RFrame *frame = machine_frame(machine, F_COND);
    frame->results = quotations;
    frame->depth = strand->depth;
    try_predicate(machine, frame);
}

/* Words that run a quotation on fresh stacks: the frame holds the list, the quotation and the next element. */
static void loop_start(Machine *machine, RFrameKind kind, const RItems *items, RValue quotation, const RValue *accumulator) {
    RFrame *frame = machine_frame(machine, kind);
    RStrand *strand = machine->current;
    frame->values[1] = quotation;
    frame->results = *items;
    frame->outer_base = strand->base;
    frame->depth = strand->base = strand->depth;
    frame->index = 0;
    frame->values[0] = (RValue){R_INT, .i = 0}; /* how many were kept */
    if (accumulator)
        PUSH(*accumulator);
    word_step(machine, frame);
}
static void do_each(Machine *machine) { RValue q = pop_quotation(machine); loop_start(machine, F_EACH, pop_variant(machine), q, NULL); }
static void do_list_map(Machine *machine) { RValue q = pop_quotation(machine); loop_start(machine, F_MAP, copy_items(machine, pop_variant(machine), 0), q, NULL); }
static void do_filter(Machine *machine) { RValue q = pop_quotation(machine); loop_start(machine, F_FILTER, copy_items(machine, pop_variant(machine), 0), q, NULL); }
static void do_fold(Machine *machine) { RValue q = pop_quotation(machine), a = machine_pop(machine); loop_start(machine, F_FOLD, pop_variant(machine), q, &a); }
static void do_map_each(Machine *machine) { RValue q = pop_quotation(machine); loop_start(machine, F_MAP_EACH, sorted(machine, pop_map(machine)), q, NULL); }
static void do_map_fold(Machine *machine) { RValue q = pop_quotation(machine), a = machine_pop(machine); loop_start(machine, F_MAP_FOLD, sorted(machine, pop_map(machine)), q, &a); }

static void loop_end(Machine *machine, const RFrame *frame) {
    machine->current->base = frame->outer_base;
    machine->current->depth = frame->depth;
    machine->current->frame_count--;
}

static void loop_step(Machine *machine, RFrame *frame) {
    RStrand *strand = machine->current;
    uint32_t width = frame->kind == F_MAP_EACH || frame->kind == F_MAP_FOLD ? 2 : 1;
    RValue result = {0};
    bool has_result = strand->depth > frame->depth;
    if (has_result)
        result = strand->stack[strand->depth - 1];
    bool is_fold = frame->kind == F_FOLD || frame->kind == F_MAP_FOLD;
    if (is_fold || (frame->index > 0 && (frame->kind == F_MAP || frame->kind == F_FILTER))) {
        if (!has_result)
            TRAP("no result");
    }
    strand->depth = frame->depth;
    if (frame->kind == F_MAP && frame->index > 0)
        frame->results.items[frame->index - 1] = result;
    if (frame->kind == F_FILTER && frame->index > 0) {
        if (result.kind != R_BOOL)
            TRAP("no Bool");
        if (result.b)
            frame->results.items[frame->values[0].i++] = frame->results.items[frame->index - 1];
    }
    if (is_fold)
        PUSH(result);
    if (frame->index < frame->results.count) {
        RItems items = frame->results;
        RValue quotation = frame->values[1];
        for (uint32_t part = 0; part < width; part++)
            PUSH(items.items[frame->index + part]);
        frame->index += width;
        machine_enter(machine, quotation);
        return;
    }
    RFrame ended = *frame;
    loop_end(machine, &ended);
    if (is_fold)
        PUSH(result);
    if (ended.kind == F_MAP || ended.kind == F_FILTER) {
        if (ended.kind == F_FILTER)
            ended.results.count = (uint32_t)ended.values[0].i;
        push_items(machine, R_VARIANT, copy_items(machine, &ended.results, 0));
    }
}

void word_step(Machine *machine, RFrame *frame) {
    static const char *const names[] = {"", "dip", "bi", "cond", "list.each", "list.map", "list.filter", "list.fold", "map.each", "map.fold"};
    RStrand *strand = machine->current;
    RFrame ended = *frame;
    machine->word = names[frame->kind];
    switch (frame->kind) {
    case F_RESTORE:
        strand->frame_count--;
        PUSH(ended.values[0]);
        return;
    case F_BI:
        strand->frame_count--;
        PUSH(ended.values[0]);
        machine_enter(machine, ended.values[1]);
        return;
    case F_COND:
        if (strand->depth != frame->depth + 1)
            TRAP("the predicate changed the depth");
        if (!POP_BOOL) {
            frame->index += 2;
            try_predicate(machine, frame);
            return;
        }
        strand->frame_count--;
        machine_enter(machine, ended.results.items[ended.index + 1]);
        return;
    default:
        loop_step(machine, frame);
    }
}

/* --- channels, strands, weaves --- */

static RChannel *pop_channel(Machine *machine) { return machine_pop_kind(machine, R_CHANNEL).channel; }
static void do_chan_make(Machine *machine) { PUSH(((RValue){R_CHANNEL, .channel = machine_take(machine, sizeof(RChannel))})); }
static void answer(Machine *machine, RStrand *strand, RValue value, bool ok) {
    strand_give(machine, strand, value);
    strand_give(machine, strand, (RValue){R_BOOL, .b = ok});
    machine_ready(machine, strand);
}
static void do_send(Machine *machine) {
    RChannel *channel = pop_channel(machine);
    RValue value = machine_pop(machine);
    machine_push_bool(machine, !channel->closed);
    if (channel->closed)
        return;
    if (channel->waiting) {
        RStrand *receiver = channel->waiting;
        channel->waiting = receiver->queue_next;
        answer(machine, receiver, value, true);
        return;
    }
    if (channel->count == channel->capacity) {
        uint32_t capacity = channel->capacity ? 2 * channel->capacity : 8;
        RValue *grown = machine_take(machine, capacity * sizeof(RValue));
        if (channel->count)
            memcpy(grown, channel->queue, channel->count * sizeof(RValue));
        channel->queue = grown;
        channel->capacity = capacity;
    }
    channel->queue[channel->count++] = value;
}
static void do_receive(Machine *machine) {
    RChannel *channel = pop_channel(machine);
    if (channel->count) {
        PUSH(channel->queue[0]);
        memmove(channel->queue, channel->queue + 1, --channel->count * sizeof(RValue));
        machine_push_bool(machine, true);
        return;
    }
    if (channel->closed) {
        machine_push_int(machine, 0);
        machine_push_bool(machine, false);
        return;
    }
    RStrand **last = &channel->waiting;
    while (*last)
        last = &(*last)->queue_next;
    *last = machine->current;
    machine->current->queue_next = NULL;
    machine->current->state = R_PARKED;
    machine->parked = true;
}
static void do_close(Machine *machine) {
    RChannel *channel = pop_channel(machine);
    channel->closed = true;
    while (channel->waiting) {
        RStrand *receiver = channel->waiting;
        channel->waiting = receiver->queue_next;
        answer(machine, receiver, (RValue){R_INT, .i = 0}, false);
    }
}
static void do_yield_all(Machine *machine) {
    machine->parked = true;
    machine_ready(machine, machine->current);
}
/* A strand that will run the quotation on a copy of what lies below it; for a closure on nothing. */
static RStrand *child_of(Machine *machine, RValue quotation) {
    RStrand *parent = machine->current, *child = machine_strand(machine);
    if (!quotation.quotation->is_closure) {
        for (uint32_t index = parent->base; index < parent->depth; index++)
            strand_give(machine, child, parent->stack[index]);
    }
    return child;
}
static void enter_in(Machine *machine, RStrand *strand, RValue quotation) {
    RStrand *current = machine->current;
    machine->current = strand;
    machine_enter(machine, quotation);
    machine->current = current;
}
static void do_spawn(Machine *machine) {
    RValue quotation = pop_quotation(machine);
    RStrand *parent = machine->current, *child = child_of(machine, quotation);
    enter_in(machine, child, quotation);
    machine_push_int(machine, child->id);
    machine_ready_first(machine, parent);
    machine_ready_first(machine, child);
    machine->parked = true;
}
static void do_weave(Machine *machine) {
    RValue quotation = pop_quotation(machine);
    RStrand *body = child_of(machine, quotation);
    RWeave *weave = machine_take(machine, sizeof *weave);
    weave->body = body;
    body->weave = weave;
    body->aux = machine_take(machine, sizeof(RValue)); /* the quotation waits there for the first resume */
    body->aux[0] = quotation;
    PUSH(((RValue){R_WEAVE, .weave = weave}));
}
static void do_resume(Machine *machine) {
    RValue value = machine_pop(machine);
    RValue handle = machine_pop_kind(machine, R_WEAVE);
    RWeave *weave = handle.weave;
    if (!weave->body || weave->resumer)
        TRAP("ended, or running");
    PUSH(handle);
    RStrand *body = weave->body;
    if (!weave->started) {
        RValue quotation = body->aux[0];
        strand_give(machine, body, (RValue){R_CONTEXT, .weave = weave});
        strand_give(machine, body, value);
        enter_in(machine, body, quotation);
    } else {
        strand_give(machine, body, value);
    }
    weave->started = true;
    weave->resumer = machine->current;
    machine->current->state = R_PARKED;
    machine->parked = true;
    machine_ready_first(machine, body);
}
static void do_yield(Machine *machine) {
    RStrand *strand = machine->current;
    RValue value = machine_pop(machine);
    RValue context = machine_pop_kind(machine, R_CONTEXT);
    RWeave *weave = strand->weave;
    if (!weave)
        TRAP("not inside a weave");
    PUSH(context);
    RStrand *resumer = weave->resumer;
    weave->resumer = NULL;
    strand_give(machine, resumer, value);
    strand_give(machine, resumer, (RValue){R_BOOL, .b = true});
    strand->state = R_DORMANT;
    machine->parked = true;
    machine_ready_first(machine, resumer);
}
static void do_cancel(Machine *machine) {
    RWeave *weave = machine_pop_kind(machine, R_WEAVE).weave;
    if (weave->resumer)
        TRAP("running");
    if (weave->body)
        weave->body->state = R_ENDED;
    weave->body = NULL;
}

/* --- output --- */

static void do_write(Machine *machine) { const RBytes *a = POP_STRING; machine_print(machine, a->bytes, a->size); }
static void do_write_line(Machine *machine) { do_write(machine); machine_print(machine, "\n", 1); }
static void do_son_dump(Machine *machine) { RValue a = machine_pop(machine); PUSH(son_text(machine, a)); }

static const struct {
    const char *name;
    Do *function;
} rows[] = {
    {"dup", do_dup}, {"drop", do_drop}, {"swap", do_swap}, {"over", do_over}, {"rot", do_rot}, {"nip", do_nip},
    {"tuck", do_tuck}, {"2dup", do_2dup}, {"3drop", do_3drop}, {"pick", do_pick}, {"roll", do_roll},
    {">aux", do_to_aux}, {"aux>", do_from_aux},
    {"i.+", do_add}, {"i.-", do_sub}, {"i.*", do_mul}, {"i./", do_div}, {"i.%", do_mod}, {"i.neg", do_neg}, {"i.pow", do_pow},
    {"i.=", do_eq}, {"i.<>", do_ne}, {"i.<", do_lt}, {"i.<=", do_le}, {"i.>", do_gt}, {"i.>=", do_ge},
    {"band", do_band}, {"bor", do_bor}, {"bxor", do_bxor}, {"bnot", do_bnot}, {"shl", do_shl}, {"shr", do_shr},
    {"popcount", do_popcount}, {"clz", do_clz}, {"ctz", do_ctz}, {"int->string", do_int_to_string}, {"int->float", do_int_to_float},
    {"and", do_and}, {"or", do_or}, {"not", do_not},
    {"f.+", do_fadd}, {"f.-", do_fsub}, {"f.*", do_fmul}, {"f./", do_fdiv}, {"f.=", do_feq}, {"f.<>", do_fne},
    {"f.<", do_flt}, {"f.<=", do_fle}, {"f.>", do_fgt}, {"f.>=", do_fge},
    {"float->int", do_float_to_int}, {"float->string", do_float_to_string},
    {"symbol.=", do_symbol_eq}, {"symbol->string", do_symbol_to_string},
    {"string.concat", do_concat}, {"string.length", do_string_length}, {"string.byte-length", do_string_length},
    {"string.empty?", do_string_empty}, {"string.equal?", do_string_equal}, {"string.substring", do_substring},
    {"list.make", do_list_make}, {"list.length", do_list_length}, {"list.empty?", do_list_empty}, {"list.get", do_list_get},
    {"list.first", do_list_first}, {"list.last", do_list_last}, {"list.push", do_list_push}, {"list.set", do_list_set},
    {"list.reverse", do_list_reverse}, {"list.each", do_each}, {"list.map", do_list_map}, {"list.filter", do_filter}, {"list.fold", do_fold},
    {"variant.append", do_list_push}, {"variant.field-count", do_list_length}, {"variant.tag", do_tag}, {"variant.field-at", do_field_at},
    {"variant.first", do_variant_first}, {"variant.last", do_variant_last}, {"variant.init", do_variant_init},
    {"map.make", do_map_make}, {"map.get", do_map_get}, {"map.has?", do_map_has}, {"map.set", do_map_set}, {"map.remove", do_map_remove},
    {"map.size", do_map_size}, {"map.empty?", do_map_empty}, {"map.keys", do_map_keys}, {"map.values", do_map_values},
    {"map.each", do_map_each}, {"map.fold", do_map_fold},
    {"call", do_call}, {"dip", do_dip}, {"keep", do_keep}, {"bi", do_bi}, {"if", do_if}, {"cond", do_cond},
    {"chan.make", do_chan_make}, {"chan.send", do_send}, {"chan.receive", do_receive}, {"chan.close", do_close}, {"chan.yield", do_yield_all},
    {"strand.spawn", do_spawn}, {"strand.weave", do_weave}, {"strand.resume", do_resume}, {"yield", do_yield}, {"strand.weave-cancel", do_cancel},
    {"io.write", do_write}, {"io.write-line", do_write_line}, {"son.dump", do_son_dump},
};

/* What the effect says of base types holds before the word does anything. */
static void expect_kinds(Machine *machine, const Word *word) {
    static const struct {
        const char *name;
        RKind kind;
    } kinds[] = {{"Int", R_INT}, {"Float", R_FLOAT}, {"Bool", R_BOOL}, {"String", R_STRING}, {"Symbol", R_SYMBOL}, {"Channel", R_CHANNEL}, {"Socket", R_INT}};
    RStrand *strand = machine->current;
    const EffectSyntax *effect = resolver_word_effect(&machine->compilation->resolved, word, &machine->compilation->diags);
    uint32_t below = effect->in.count;
    if (strand->depth - strand->base < below)
        TRAP("stack underflow");
    for (const TypeSyntax *type = effect->in.types; type; type = type->next, below--) {
        RValue value = strand->stack[strand->depth - below];
        for (size_t index = 0; type->kind == TYPE_SYNTAX_NAME && index < sizeof kinds / sizeof *kinds; index++) {
            if (strcmp(type->name.bytes, kinds[index].name) == 0 && value.kind != kinds[index].kind)
                TRAP("expected %s, got %s", kinds[index].name, kind_text(value.kind));
        }
    }
}

void word_run(Machine *machine, const Node *node) {
    const Word *word = word_resolve(machine->compilation->resolved.words, node->call.word);
    static Do *by_number[1024];
    machine->word = word->name;
    if (!by_number[word->number]) {
        for (size_t index = 0; index < sizeof rows / sizeof *rows; index++) {
            if (strcmp(rows[index].name, word->name) == 0)
                by_number[word->number] = rows[index].function;
        }
        if (strncmp(word->name, "variant.make-", 13) == 0)
            by_number[word->number] = do_wrap;
        if (!by_number[word->number])
            machine_end(machine, REFERENCE_UNKNOWN, "not known here");
    }
    expect_kinds(machine, word);
    by_number[word->number](machine);
}
