/* SPDX-License-Identifier: MIT */
/*
 * call and the combinators. Where a quotation is a literal, or its effect is
 * known, the emitter makes plain code of them; the functions here serve the
 * other cases.
 *
 * They give a quotation the stack as it is, so its frame's base is the outer
 * one, and they count before: code that takes more than lies above the floor
 * would reach values that the checker promised to someone else. What a
 * quotation leaves may be any number, so the next one is counted again.
 */
#include "builtins/builtins.h"
#include "vm/value/list.h"

/* --- what a quotation takes --- */

/* Values it takes from the stack; what it captured is its own. */
static uint64_t quotation_takes(Value value) {
    const Quotation *quotation = value_quotation(value);
    return quotation->chunk->shape.in - (uint64_t)quotation->capture_count;
}

/* Leaves a fault unless the quotation finds its values in the `count` topmost ones. */
static bool expect_enough(Strand *strand, Value quotation, uint64_t count) {
    uint64_t takes = quotation_takes(quotation);
    if (LIKELY(takes <= count))
        return true;
    strand_fault(strand, "quotation needs %llu value%s, only %llu on the stack", (unsigned long long)takes,
                 takes == 1 ? "" : "s", (unsigned long long)count);
    return false;
}

static bool expect_quotation(Strand *strand, Value value) {
    if (LIKELY(value_is_quotation(value)))
        return true;
    strand_fault_kind(strand, "quotation or closure", value);
    return false;
}

/* Values above the floor, less the `count` topmost ones. Only in the function that CALL_FLOOR called. */
static uint64_t depth_below(const Strand *strand, uint32_t count) {
    return strand_depth(strand) - strand->floor - count;
}

/* Runs a quotation and gives the reference up; a step frame is not needed when nothing follows. */
static WordResult run(Strand *strand, TAKEN Value quotation) {
    WordResult result = strand_call(strand, quotation); /* it has copied what it needs */
    value_unref(strand->heap, quotation);
    return result;
}

/* The same; where nothing is known of the stack above `floor`, the quotation may reach down to there. */
static WordResult run_above(Strand *strand, TAKEN Value quotation, uint64_t floor) {
    WordResult result = strand_call_above(strand, quotation, floor);
    value_unref(strand->heap, quotation);
    return result;
}

/* For the function that CALL_FLOOR called. */
static WordResult run_here(Strand *strand, TAKEN Value quotation) {
    return strand->lends_floor ? run_above(strand, quotation, strand->floor) : run(strand, quotation);
}

static Value kept_take(StepFrame *frame, uint32_t index) {
    Value kept = frame->kept[index];
    frame->kept[index] = VALUE_ZERO;
    return kept;
}

/* --- call, if --- */

static WordResult word_call(Strand *strand) {
    Value quotation = strand_peek(strand, 0);
    if (!expect_quotation(strand, quotation) || !expect_enough(strand, quotation, depth_below(strand, 1)))
        return WORD_FAULTED;
    return run_here(strand, strand_pop(strand));
}

static WordResult word_if(Strand *strand) {
    Value chosen = strand_peek(strand, value_to_bool(strand_peek(strand, 2)) ? 1 : 0);
    if (!expect_quotation(strand, strand_peek(strand, 1)) || !expect_quotation(strand, strand_peek(strand, 0)) ||
        !expect_enough(strand, chosen, depth_below(strand, 3)))
        return WORD_FAULTED;
    value_ref(chosen);
    strand_drop(strand, 3);
    return run_here(strand, chosen);
}

/* --- dip, keep, bi: x lies in kept[0] until it is wanted --- */

static StepFrame *step_on_same_stack(Strand *strand, TAKEN Value kept, TAKEN Value also_kept) {
    StepFrame *frame = strand_step(strand, strand->word, kept, also_kept);
    frame->base = frame->outer_base;
    return frame;
}

static WordResult word_dip(Strand *strand) {
    Value quotation = strand_peek(strand, 0);
    if (!expect_quotation(strand, quotation) || !expect_enough(strand, quotation, depth_below(strand, 2)))
        return WORD_FAULTED;
    strand_pop(strand);
    Value x = strand_pop(strand);
    step_on_same_stack(strand, x, VALUE_ZERO);
    return run_here(strand, quotation);
}

static WordResult word_keep(Strand *strand) {
    Value quotation = strand_peek(strand, 0);
    if (!expect_quotation(strand, quotation) || !expect_enough(strand, quotation, depth_below(strand, 1)))
        return WORD_FAULTED;
    strand_pop(strand);
    step_on_same_stack(strand, value_ref(strand_peek(strand, 0)), VALUE_ZERO);
    return run_here(strand, quotation);
}

/* Of both: x comes back. Its frame has gone by then, and left more room than x needs. */
static WordResult push_kept_step(Strand *strand, StepFrame *frame) {
    Value x = kept_take(frame, 0);
    WordResult result = strand_step_finish(strand, frame);
    strand_push(strand, x);
    return result;
}

static WordResult word_bi(Strand *strand) {
    Value second = strand_peek(strand, 0), first = strand_peek(strand, 1);
    if (!expect_quotation(strand, first) || !expect_quotation(strand, second) ||
        !expect_enough(strand, first, depth_below(strand, 2)))
        return WORD_FAULTED;
    strand->sp -= 2;
    StepFrame *frame = step_on_same_stack(strand, value_ref(strand_peek(strand, 0)), second);
    frame->index = strand->floor; /* for the second quotation */
    return run_here(strand, first);
}

/* The first has returned. The second is the last thing that happens, so no frame waits for it. */
static WordResult bi_step(Strand *strand, StepFrame *frame) {
    uint64_t floor = frame->index;
    if (!expect_enough(strand, frame->kept[1], strand_depth(strand) + 1 - floor))
        return WORD_FAULTED;
    Value x = kept_take(frame, 0), second = kept_take(frame, 1);
    strand_step_finish(strand, frame);
    strand_push(strand, x);
    return run(strand, second);
}

/* --- cond: kept[0] the quotations in a list, kept[1] floor and depth as an Int, index the one that runs --- */

static Value cond_pack(uint64_t floor, uint64_t depth) {
    static_assert(STRAND_SLOTS_MAX <= 1 << 30, "two depths fit an Int");
    return value_from_int((int64_t)(floor << 32 | depth));
}
static uint64_t cond_floor(const StepFrame *frame) {
    return (uint64_t)value_to_int(frame->kept[1]) >> 32;
}
static uint64_t cond_depth(const StepFrame *frame) {
    return (uint32_t)value_to_int(frame->kept[1]);
}

/* The number of pairs on top: a positive Int with twice as many plain quotations below it. Zero: a fault. */
static uint64_t cond_expect(Strand *strand) {
    if (strand_depth(strand) == strand->floor) {
        strand_fault(strand, "expected the number of pairs, the stack is empty");
        return 0;
    }
    Value top = strand_peek(strand, 0);
    if (!value_is_int(top)) {
        strand_fault_kind(strand, "Int", top);
        return 0;
    }

    int64_t count = value_to_int(top);
    uint64_t below = depth_below(strand, 1);
    if (count <= 0) {
        strand_fault(strand, "expected at least one pair, got %lld", (long long)count);
        return 0;
    }
    if ((uint64_t)count > below / 2) {
        strand_fault(strand, "%lld pair%s requested but stack has only %llu value%s", (long long)count,
                     count == 1 ? "" : "s", (unsigned long long)below, below == 1 ? "" : "s");
        return 0;
    }
    for (uint32_t index = 1; index <= 2 * (uint64_t)count; index++) {
        Value value = strand_peek(strand, index);
        if (value_has_tag(value, TAG_CLOSURE)) {
            strand_fault(strand, "expected plain quotations, got a closure");
            return 0;
        }
        if (!value_is_quotation(value)) {
            strand_fault_kind(strand, "quotation", value);
            return 0;
        }
    }
    return (uint64_t)count;
}

/* Runs the predicate whose turn it is. */
static WordResult cond_try(Strand *strand, StepFrame *frame) {
    const List *quotations = value_list(frame->kept[0]);
    if (frame->index == quotations->count)
        return strand_fault(strand, "no predicate matched");
    Value predicate = list_at(quotations, (uint32_t)frame->index);
    if (!expect_enough(strand, predicate, strand_depth(strand) - cond_floor(frame)))
        return WORD_FAULTED;
    return strand_call_above(strand, predicate, cond_floor(frame));
}

static WordResult word_cond(Strand *strand) {
    uint64_t pairs = cond_expect(strand);
    if (pairs == 0)
        return WORD_FAULTED;

    uint32_t count = (uint32_t)(2 * pairs);
    List *quotations = list_new(strand->heap, SYMBOL_LIST, count);
    if (quotations == NULL)
        return strand_fault_memory(strand);
    strand->sp -= count + 1;
    memcpy(quotations->items, strand->sp + 1, count * sizeof(Value));
    quotations->count = count;
    quotations->object.flags |= LIST_HAS_OBJECTS;

    Value depths = cond_pack(strand->floor, strand_depth(strand));
    return cond_try(strand, step_on_same_stack(strand, value_from_object(quotations), depths));
}

/* A predicate has returned: it must have pushed a Bool and nothing else. */
static WordResult cond_step(Strand *strand, StepFrame *frame) {
    int64_t left = (int64_t)strand_depth(strand) - (int64_t)cond_depth(frame);
    if (left != 1)
        return strand_fault(strand, "a predicate must push a Bool and nothing else, this one changed the depth by %lld",
                            (long long)left);
    if (!value_is_bool(strand_peek(strand, 0)))
        return strand_fault_kind(strand, "Bool from the predicate", strand_peek(strand, 0));
    if (!value_to_bool(strand_pop(strand))) {
        frame->index += 2;
        return cond_try(strand, frame);
    }

    Value body = list_at(value_list(frame->kept[0]), (uint32_t)frame->index + 1);
    if (!expect_enough(strand, body, cond_depth(frame) - cond_floor(frame)))
        return WORD_FAULTED;
    uint64_t floor = cond_floor(frame);
    value_ref(body);
    strand_step_finish(strand, frame);
    return run_above(strand, body, floor); /* like the second of bi: nothing waits for it */
}

static const Word quotation_words[] = {
    {"call", "( ..a Q -- ..b )", PURE, BY_COMPILER, .function = word_call, .needs_floor = true,
     .help = "Runs the quotation or closure on top with the rest of the stack. A call at the end of a body takes no "
             "room. Anything else on top is a trap, and so is a stack with fewer values than the quotation takes."},
    {"dip", "( ..a T Q -- ..b T )", PURE, BY_COMPILER, .function = word_dip, .step = push_kept_step,
     .needs_floor = true,
     .help = "( x q -- .. x ) Takes x off, runs the quotation or closure, puts x back. Anything but a quotation on top "
             "is a trap, and so is a stack with fewer values than it takes."},
    {"keep", "( ..a T Q -- ..b T )", PURE, BY_COMPILER, .function = word_keep, .step = push_kept_step,
     .needs_floor = true,
     .help = "( x q -- .. x ) Runs the quotation or closure on x, then pushes x again. Anything but a quotation on top "
             "is a trap, and so is a stack with fewer values than it takes."},
    {"bi", "( ..a T Q1 Q2 -- ..b )", PURE, BY_COMPILER, .function = word_bi, .step = bi_step, .needs_floor = true,
     .help = "( x p q -- .. ) Runs the quotation or closure p on x, then q on x, above what p left. Anything but two "
             "quotations on top is a trap, and so is a stack with fewer values than one of them takes."},
    {"if", "( ..a Bool Q1 Q2 -- ..b )", PURE, BY_COMPILER, .function = word_if, .needs_floor = true,
     .help = "( condition then else -- .. ) Runs one of two quotations or closures. Two literals become part of the "
             "word around them: they share its side stack, and calls at their end take no room. Anything but "
             "quotations is a trap, and so is a stack with fewer values than the chosen one takes."},
    {"cond", "( ..a -- ..b )", PURE, BY_COMPILER, .function = word_cond, .step = cond_step, .needs_floor = true,
     .help = "( value [p1] [b1] .. [pN] [bN] N -- .. ) Runs the predicates in order on the stack as it is; each leaves "
             "a Bool on top of it. The first true one's body runs, with the value still there. When none is true it is "
             "a trap; so is an N below 1, a closure or anything else among the quotations, and a predicate that leaves "
             "something else."},
};

const WordFamily quotation_family = {"quotation", quotation_words, sizeof quotation_words / sizeof *quotation_words};
