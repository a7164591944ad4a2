/* SPDX-License-Identifier: MIT */
/*
 * Maps. A map and a key are looked at before anything happens: their types in
 * the effects are variables and prove nothing.
 *
 * Words that go through a map do it in key order (map.h). While a quotation
 * runs, its frame owns the entries as a list: key, value, key, value; so the
 * map itself may be changed or dropped meanwhile.
 */
#include "builtins/builtins.h"
#include "vm/value/list.h"
#include "vm/value/map.h"

/* The map `index` below the top, borrowed; NULL after a fault. */
static Map *expect_map(Strand *strand, uint32_t index) {
    Value value = strand_peek(strand, index);
    if (LIKELY(value_is_map(value)))
        return value_map(value);
    strand_fault_kind(strand, "Map", value);
    return NULL;
}

/* The same, with a key `key_index` below the top that may be one. */
static Map *expect_map_and_key(Strand *strand, uint32_t index, uint32_t key_index) {
    Map *map = expect_map(strand, index);
    Value key = strand_peek(strand, key_index);
    if (map == NULL || LIKELY(map_key_is_valid(key)))
        return map;
    strand_fault_kind(strand, "Int, String or Bool as key", key);
    return NULL;
}

/* --- one entry --- */

static WordResult word_map_make(Strand *strand) {
    strand_push(strand, value_from_object(map_new(strand->heap)));
    return WORD_OK;
}

static WordResult word_map_get(Strand *strand) {
    const Map *map = expect_map_and_key(strand, 1, 0);
    if (map == NULL)
        return WORD_FAULTED;
    const Value *found = map_peek(strand->heap, map, strand_peek(strand, 0));
    strand_replace_ok(strand, 2, found ? value_ref(*found) : VALUE_ZERO, found != NULL);
    return WORD_OK;
}

static WordResult word_map_has(Strand *strand) {
    const Map *map = expect_map_and_key(strand, 1, 0);
    if (map == NULL)
        return WORD_FAULTED;
    bool found = map_peek(strand->heap, map, strand_peek(strand, 0)) != NULL;
    strand_replace(strand, 2, value_from_bool(found));
    return WORD_OK;
}

/* The slots' references go in, so a map that lies nowhere else is changed where it is. */
static WordResult word_map_set(Strand *strand) {
    Map *map = expect_map_and_key(strand, 2, 1);
    if (map == NULL)
        return WORD_FAULTED;
    map = map_set(strand->heap, map, strand_peek(strand, 1), strand_peek(strand, 0));
    if (map == NULL)
        return strand_fault_memory(strand);
    strand->sp -= 2;
    *strand->sp = value_from_object(map);
    return WORD_OK;
}

static WordResult word_map_remove(Strand *strand) {
    Map *map = expect_map_and_key(strand, 1, 0);
    if (map == NULL)
        return WORD_FAULTED;
    map = map_remove(strand->heap, map, strand_peek(strand, 0));
    if (map == NULL)
        return strand_fault_memory(strand);
    Value key = strand_pop(strand);
    *strand->sp = value_from_object(map);
    value_unref(strand->heap, key);
    return WORD_OK;
}

static WordResult word_map_size(Strand *strand) {
    const Map *map = expect_map(strand, 0);
    if (map == NULL)
        return WORD_FAULTED;
    strand_replace(strand, 1, value_from_int(map_count(map)));
    return WORD_OK;
}

static WordResult word_map_empty(Strand *strand) {
    const Map *map = expect_map(strand, 0);
    if (map == NULL)
        return WORD_FAULTED;
    strand_replace(strand, 1, value_from_bool(map_count(map) == 0));
    return WORD_OK;
}

/* --- all entries --- */

typedef enum Parts { KEYS = 1, VALUES = 2, KEYS_AND_VALUES = KEYS | VALUES } Parts;

/* Adds another reference to a list that has room for it. */
static void add(List *list, Value value) {
    list->items[list->count++] = value_ref(value);
    if (value_is_object(value))
        list->object.flags |= LIST_HAS_OBJECTS;
}

/* The wanted parts of all entries, in key order. NULL when memory is refused. */
static List *map_list(Heap *heap, const Map *map, Parts parts) {
    uint32_t count = map_count(map);
    uint64_t length = (uint64_t)count * (parts == KEYS_AND_VALUES ? 2 : 1);
    List *list = length <= LIST_COUNT_MAX ? list_new(heap, SYMBOL_LIST, (uint32_t)length) : NULL;
    if (list == NULL || count == 0)
        return list;

    MapEntry *entries = map_sorted(heap, map);
    if (entries == NULL) {
        value_unref(heap, value_from_object(list));
        return NULL;
    }
    for (uint32_t index = 0; index < count; index++) {
        if (parts & KEYS)
            add(list, entries[index].key);
        if (parts & VALUES)
            add(list, entries[index].value);
    }
    mem_free(&heap->mem, entries, count * sizeof *entries);
    return list;
}

static WordResult reply_list(Strand *strand, Parts parts) {
    const Map *map = expect_map(strand, 0);
    if (map == NULL)
        return WORD_FAULTED;
    List *list = map_list(strand->heap, map, parts);
    if (list == NULL)
        return strand_fault_memory(strand);
    strand_replace(strand, 1, value_from_object(list));
    return WORD_OK;
}

static WordResult word_map_keys(Strand *strand) {
    return reply_list(strand, KEYS);
}

static WordResult word_map_values(Strand *strand) {
    return reply_list(strand, VALUES);
}

/* --- with a quotation: kept[0] the entries as a list, kept[1] the quotation, index the next item --- */

/* The map `index` below the top as a list of its entries, in its slot. False: a fault. */
static bool list_entries(Strand *strand, uint32_t index) {
    const Map *map = expect_map(strand, index);
    if (map == NULL)
        return false;
    List *list = map_list(strand->heap, map, KEYS_AND_VALUES);
    if (list == NULL) {
        strand_fault_memory(strand);
        return false;
    }
    value_unref(strand->heap, strand_peek(strand, index));
    strand->sp[-(int64_t)index] = value_from_object(list);
    return true;
}

/* Runs the quotation on what lies above the base and the next entry; or ends. */
static WordResult entry_next(Strand *strand, StepFrame *frame) {
    const List *entries = value_list(frame->kept[0]);
    if (frame->index == entries->count)
        return strand_step_finish(strand, frame);
    strand_push(strand, value_ref(entries->items[frame->index++]));
    strand_push(strand, value_ref(entries->items[frame->index++]));
    return strand_call(strand, frame->kept[1]);
}

static WordResult map_each_step(Strand *strand, StepFrame *frame) {
    strand_cut_to(strand, frame->base);
    return entry_next(strand, frame);
}

static WordResult word_map_each(Strand *strand) {
    if (!expect_map(strand, 1) || !strand_expect_quotation(strand, 0, 2, -1) || !list_entries(strand, 1))
        return WORD_FAULTED;
    Value quotation = strand_pop(strand), entries = strand_pop(strand);
    return entry_next(strand, strand_step(strand, strand->word, entries, quotation));
}

static WordResult map_fold_step(Strand *strand, StepFrame *frame) {
    if (strand_depth(strand) == frame->base)
        return strand_fault(strand, "its quotation left no result");
    Value accumulator = strand_pop(strand);
    strand_cut_to(strand, frame->base);
    strand_push(strand, accumulator);
    return entry_next(strand, frame);
}

static WordResult word_map_fold(Strand *strand) {
    if (!expect_map(strand, 2) || !strand_expect_quotation(strand, 0, 3, -1) || !list_entries(strand, 2))
        return WORD_FAULTED;
    Value quotation = strand_pop(strand), accumulator = strand_pop(strand), entries = strand_pop(strand);
    StepFrame *frame = strand_step(strand, strand->word, entries, quotation);
    strand_push(strand, accumulator);
    return entry_next(strand, frame);
}

static const Word map_words[] = {
    {"map.make", "( ..a -- ..a M )", PURE, BY_FUNCTION(word_map_make),
     .help = "An empty map."},
    {"map.get", "( ..a M K -- ..a V Bool )", PURE, BY_FUNCTION(word_map_get),
     .help = "( map key -- value ok ) The value under this key and true; 0 and false when there is none. A key that is "
             "no Int, String or Bool is a trap, and so is anything but a map."},
    {"map.set", "( ..a M K V -- ..a M2 )", PURE, BY_FUNCTION(word_map_set),
     .help = "( map key value -- map2 ) The same with this value under this key, also where there was one; other "
             "copies stay as they are. A key that is no Int, String or Bool is a trap, and so is anything but a map."},
    {"map.has?", "( ..a M K -- ..a Bool )", PURE, BY_FUNCTION(word_map_has),
     .help = "Is there something under this key? A key that is no Int, String or Bool is a trap, and so is anything "
             "but a map."},
    {"map.remove", "( ..a M K -- ..a M2 )", PURE, BY_FUNCTION(word_map_remove),
     .help = "The same without this key; a key that is not there changes nothing. A key that is no Int, String or Bool "
             "is a trap, and so is anything but a map."},
    {"map.keys", "( ..a M -- ..a V )", PURE, BY_FUNCTION(word_map_keys),
     .help = "The list of all keys, in key order: Ints, false, true, Strings. (Negative Ints come first, -1 before "
             "-2.) Anything but a map is a trap."},
    {"map.values", "( ..a M -- ..a V )", PURE, BY_FUNCTION(word_map_values),
     .help = "The list of all values, in the order of map.keys. Anything but a map is a trap."},
    {"map.size", "( ..a M -- ..a Int )", PURE, BY_FUNCTION(word_map_size),
     .help = "How many entries it has. Anything but a map is a trap."},
    {"map.empty?", "( ..a M -- ..a Bool )", PURE, BY_FUNCTION(word_map_empty),
     .help = "Has it no entries? Anything but a map is a trap."},
    {"map.each", "( ..a M [..b K V -- ..b] -- ..a )", PURE, BY_STEPS(word_map_each, map_each_step),
     .help = "Runs the quotation or closure for each entry, in key order, on a stack that holds only key and value. "
             "What it leaves is dropped. A quotation that takes more is a trap, and so is anything but a map."},
    {"map.fold", "( ..a M Acc [..b Acc K V -- ..b Acc] -- ..a Acc )", PURE, BY_STEPS(word_map_fold, map_fold_step),
     .help = "( map start q -- result ) Runs the quotation or closure for each entry, in key order, on a stack that "
             "holds only the last result (first the start), key and value; what lies below its result is dropped. An "
             "empty map gives the start. No result is a trap, and so is a quotation that takes more, or anything but a "
             "map."},
};

const WordFamily map_family = {"map", map_words, sizeof map_words / sizeof *map_words};
