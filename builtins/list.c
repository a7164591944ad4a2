/* SPDX-License-Identifier: MIT */
/*
 * Lists, and any other variant in their place: its tag is kept. The hot words
 * are instructions; here are the rest, and those that run a quotation for
 * each element.
 *
 * These are loops turned inside out. Each element gets a fresh stack, above
 * the frame's base; what its quotation leaves there beyond the result is cut
 * off. kept[0] is the list, kept[1] the quotation, index the next element.
 *
 * map and filter work on a flat list that nobody else sees: their argument
 * itself when it was unshared. It is valid at every moment, because an
 * element that has left it is replaced by 0; so a quotation may fault, park or
 * be given up in the middle.
 */
#include "builtins/builtins.h"
#include "vm/value/list.h"

/* The list or other variant `index` below the top, borrowed; NULL after a fault. */
static Variant *expect_list(Strand *strand, uint32_t index) {
    Value value = strand_peek(strand, index);
    if (LIKELY(value_is_variant(value)))
        return value_variant(value);
    strand_fault_kind(strand, "List or other Variant", value);
    return NULL;
}

/* --- without a quotation --- */

static WordResult word_list_make(Strand *strand) {
    List *list = list_new(strand->heap, SYMBOL_LIST, 0);
    if (list == NULL)
        return strand_fault_memory(strand);
    strand_push(strand, value_from_object(list));
    return WORD_OK;
}

static WordResult word_list_empty(Strand *strand) {
    const Variant *list = expect_list(strand, 0);
    if (list == NULL)
        return WORD_FAULTED;
    strand_replace(strand, 1, value_from_bool(list->count == 0));
    return WORD_OK;
}

static WordResult reply_element(Strand *strand, const Variant *list, uint32_t index) {
    bool found = index < list->count;
    strand_replace_ok(strand, 1, found ? value_ref(variant_at(list, index)) : VALUE_ZERO, found);
    return WORD_OK;
}

static WordResult word_list_first(Strand *strand) {
    const Variant *list = expect_list(strand, 0);
    return list ? reply_element(strand, list, 0) : WORD_FAULTED;
}

static WordResult word_list_last(Strand *strand) {
    const Variant *list = expect_list(strand, 0);
    return list ? reply_element(strand, list, list->count - 1) : WORD_FAULTED; /* of an empty one: beyond its end */
}

/* The list in a slot, made flat and unshared there; NULL after a fault. */
static List *flatten_slot(Strand *strand, Value *slot) {
    List *list = list_flatten(strand->heap, value_variant(*slot)); /* takes the slot's reference */
    if (list == NULL)
        strand_fault_memory(strand);
    else
        *slot = value_from_object(list);
    return list;
}

static WordResult word_list_reverse(Strand *strand) {
    List *list = expect_list(strand, 0) ? flatten_slot(strand, strand->sp) : NULL;
    if (list == NULL)
        return WORD_FAULTED;
    for (uint32_t low = 0, high = list->count; low + 1 < high; low++) {
        Value moved = list->items[low];
        list->items[low] = list->items[--high];
        list->items[high] = moved;
    }
    return WORD_OK;
}

/* --- with a quotation --- */

/* Takes list and quotation off the stack into a frame. What lies below stays outside the quotation's reach. */
static StepFrame *step_over_list(Strand *strand) {
    Value quotation = strand_pop(strand), list = strand_pop(strand);
    return strand_step(strand, strand->word, list, quotation);
}

/* The quotation has left its result on top: takes it, and cuts the rest off. False: a fault. */
static inline bool take_result(Strand *strand, const StepFrame *frame, Value *resultp) {
    if (UNLIKELY(strand_depth(strand) == frame->base)) {
        strand_fault(strand, "its quotation left no result");
        return false;
    }
    *resultp = strand_pop(strand);
    strand_cut_to(strand, frame->base);
    return true;
}

static WordResult list_each_step(Strand *strand, StepFrame *frame) {
    const Variant *list = value_variant(frame->kept[0]);
    strand_cut_to(strand, frame->base);
    if (frame->index == list->count)
        return strand_step_finish(strand, frame);
    strand_push(strand, value_ref(variant_at(list, (uint32_t)frame->index++)));
    return strand_call(strand, frame->kept[1]);
}

static WordResult word_list_each(Strand *strand) {
    if (!expect_list(strand, 1) || !strand_expect_quotation(strand, 0, 1, -1))
        return WORD_FAULTED;
    return list_each_step(strand, step_over_list(strand));
}

/* Moves the next element to the quotation, or the list to the stack. */
static inline WordResult list_map_next(Strand *strand, StepFrame *frame) {
    List *list = value_list(frame->kept[0]);
    if (frame->index == list->count) {
        strand_push(strand, frame->kept[0]);
        frame->kept[0] = VALUE_ZERO;
        return strand_step_finish(strand, frame);
    }
    strand_push(strand, list->items[frame->index]);
    list->items[frame->index] = VALUE_ZERO;
    return strand_call(strand, frame->kept[1]);
}

static WordResult list_map_step(Strand *strand, StepFrame *frame) {
    List *list = value_list(frame->kept[0]);
    Value result;
    if (!take_result(strand, frame, &result))
        return WORD_FAULTED;
    list->items[frame->index++] = result;
    if (value_is_object(result))
        list->object.flags |= LIST_HAS_OBJECTS;
    return list_map_next(strand, frame);
}

static WordResult word_list_map(Strand *strand) {
    if (!expect_list(strand, 1) || !strand_expect_quotation(strand, 0, 1, -1) || !flatten_slot(strand, strand->sp - 1))
        return WORD_FAULTED;
    return list_map_next(strand, step_over_list(strand));
}

/* Of filter, the index holds two: the element that is looked at, and above it how many were kept. */
enum { FILTER_KEPT_SHIFT = 32 };

static inline WordResult list_filter_next(Strand *strand, StepFrame *frame) {
    List *list = value_list(frame->kept[0]);
    if ((uint32_t)frame->index == list->count) {
        list->count = (uint32_t)(frame->index >> FILTER_KEPT_SHIFT); /* behind it are only zeros */
        strand_push(strand, frame->kept[0]);
        frame->kept[0] = VALUE_ZERO;
        return strand_step_finish(strand, frame);
    }
    strand_push(strand, value_ref(list->items[(uint32_t)frame->index]));
    return strand_call(strand, frame->kept[1]);
}

static WordResult list_filter_step(Strand *strand, StepFrame *frame) {
    List *list = value_list(frame->kept[0]);
    Value result;
    if (!take_result(strand, frame, &result))
        return WORD_FAULTED;
    if (UNLIKELY(!value_is_bool(result))) {
        WordResult faulted = strand_fault_kind(strand, "Bool from its quotation", result);
        value_unref(strand->heap, result);
        return faulted;
    }

    Value *seen = &list->items[(uint32_t)frame->index++], element = *seen;
    *seen = VALUE_ZERO;
    if (value_to_bool(result)) {
        list->items[frame->index >> FILTER_KEPT_SHIFT] = element;
        frame->index += (uint64_t)1 << FILTER_KEPT_SHIFT;
    } else {
        value_unref(strand->heap, element);
    }
    return list_filter_next(strand, frame);
}

static WordResult word_list_filter(Strand *strand) {
    if (!expect_list(strand, 1) || !strand_expect_quotation(strand, 0, 1, -1) || !flatten_slot(strand, strand->sp - 1))
        return WORD_FAULTED;
    return list_filter_next(strand, step_over_list(strand));
}

/* The accumulator lies on the quotation's stack; at the end it is there that it is wanted. */
static inline WordResult list_fold_next(Strand *strand, StepFrame *frame) {
    const Variant *list = value_variant(frame->kept[0]);
    if (frame->index == list->count)
        return strand_step_finish(strand, frame);
    strand_push(strand, value_ref(variant_at(list, (uint32_t)frame->index++)));
    return strand_call(strand, frame->kept[1]);
}

static WordResult list_fold_step(Strand *strand, StepFrame *frame) {
    Value accumulator;
    if (!take_result(strand, frame, &accumulator))
        return WORD_FAULTED;
    strand_push(strand, accumulator);
    return list_fold_next(strand, frame);
}

static WordResult word_list_fold(Strand *strand) {
    if (!expect_list(strand, 2) || !strand_expect_quotation(strand, 0, 2, -1))
        return WORD_FAULTED;
    Value quotation = strand_pop(strand), accumulator = strand_pop(strand), list = strand_pop(strand);
    StepFrame *frame = strand_step(strand, strand->word, list, quotation);
    strand_push(strand, accumulator);
    return list_fold_next(strand, frame);
}

static const Word list_words[] = {
    {"list.make", "( ..a -- ..a V )", PURE, BY_FUNCTION(word_list_make),
     .help = "An empty list."},
    {"list.length", "( ..a V -- ..a Int )", PURE, BY_OPCODE(LIST_LENGTH),
     .help = "How many elements it has. Anything but a list or other variant is a trap."},
    {"list.empty?", "( ..a V -- ..a Bool )", PURE, BY_FUNCTION(word_list_empty),
     .help = "Has it no elements? Anything but a list or other variant is a trap."},
    {"list.get", "( ..a V Int -- ..a T Bool )", PURE, BY_OPCODE(LIST_GET),
     .help = "( list index -- x ok ) The element with this index, counted from 0, and true. A negative or too large "
             "index, or something that is no variant, gives 0 and false."},
    {"list.first", "( ..a V -- ..a T Bool )", PURE, BY_FUNCTION(word_list_first),
     .help = "The first element and true; 0 and false when there is none. Anything but a list or other variant is a "
             "trap."},
    {"list.last", "( ..a V -- ..a T Bool )", PURE, BY_FUNCTION(word_list_last),
     .help = "The last element and true; 0 and false when there is none. Anything but a list or other variant is a "
             "trap."},
    {"list.push", "( ..a V T -- ..a V )", PURE, BY_OPCODE(LIST_PUSH),
     .help = "The same with one more element at its end; other copies stay as they are. Anything but a list or other "
             "variant is a trap."},
    {"list.set", "( ..a V Int T -- ..a V Bool )", PURE, BY_OPCODE(LIST_SET),
     .help = "( list index x -- list2 ok ) The same with x in the place of the element with this index, and true. A "
             "negative or too large index gives the list as it was and false. Anything but a list or other variant is "
             "a trap."},
    {"list.reverse", "( ..a V -- ..a V )", PURE, BY_FUNCTION(word_list_reverse),
     .help = "The elements in the other order. Anything but a list or other variant is a trap."},
    {"list.each", "( ..a V [..b T -- ..b] -- ..a )", PURE, BY_STEPS(word_list_each, list_each_step),
     .help = "Runs the quotation or closure for each element, from the first on, on a stack that holds only the "
             "element. What it leaves is dropped. A quotation that takes more is a trap, and so is anything but a list "
             "or other variant."},
    {"list.map", "( ..a V [..b T -- ..b U] -- ..a V2 )", PURE, BY_STEPS(word_list_map, list_map_step),
     .help = "The results of the quotation or closure, which runs for each element on a stack that holds only the "
             "element; what lies below its result is dropped. No result is a trap, and so is a quotation that takes "
             "more, or anything but a list or other variant."},
    {"list.filter", "( ..a V [..b T -- ..b Bool] -- ..a V2 )", PURE, BY_STEPS(word_list_filter, list_filter_step),
     .help = "The elements for which the quotation or closure gives true. It runs on a stack that holds only the "
             "element; what lies below its result is dropped. A result that is no Bool is a trap, and so is a "
             "quotation that takes more, or anything but a list or other variant."},
    {"list.fold", "( ..a V Acc [..b Acc T -- ..b Acc] -- ..a Acc )", PURE, BY_STEPS(word_list_fold, list_fold_step),
     .help = "( list start q -- result ) Runs the quotation or closure for each element, on a stack that holds only "
             "the last result (first the start) and the element; what lies below its result is dropped. An empty list "
             "gives the start. No result is a trap, and so is a quotation that takes more, or anything but a list or "
             "other variant."},
};

const WordFamily list_family = {"list", list_words, sizeof list_words / sizeof *list_words};
