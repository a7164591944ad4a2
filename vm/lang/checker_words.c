/* SPDX-License-Identifier: MIT */
/*
 * The words that the checker knows by name, because no effect says what they
 * do: shuffles, pick and roll, the aux stack, and those that run quotations.
 */
#include "vm/lang/checker_state.h"

/* --- shuffles --- */

/* What each shuffle leaves, as indexes from the top of what it takes, deepest first; and which must be uncounted for the raw form. */
typedef struct Shuffle {
    uint8_t in, out;
    uint8_t left[4];
    uint8_t raw[2]; /* items that are copied or dropped */
    uint8_t raw_count;
} Shuffle;

static const Shuffle shuffles[] = {
    [DO_DUP] = {1, 2, {0, 0}, {0}, 1},     [DO_DROP] = {1, 0, {0}, {0}, 1},
    [DO_SWAP] = {2, 2, {0, 1}, {0}, 0},    [DO_OVER] = {2, 3, {1, 0, 1}, {1}, 1},
    [DO_ROT] = {3, 3, {1, 0, 2}, {0}, 0},  [DO_NIP] = {2, 1, {0}, {1}, 1},
    [DO_TUCK] = {2, 3, {0, 1, 0}, {0}, 1}, [DO_2DUP] = {2, 4, {1, 0, 1, 0}, {0, 1}, 2},
    [DO_3DROP] = {3, 0, {0}, {0}, 0},
};

static bool walk_shuffle(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note,
                         const Shuffle *shuffle) {
    Stack *taken[TAKEN_MAX];
    if (!checker_take_some(checker, unit, state, node, note, shuffle->in, taken))
        return false;
    for (uint32_t index = 0; index < shuffle->out; index++)
        checker_push_item(checker, unit, state, taken[shuffle->left[index]]);
    note->raw = shuffle->raw_count > 0;
    for (uint32_t index = 0; index < shuffle->raw_count; index++)
        note->raw &= checker_is_uncounted(taken[shuffle->raw[index]]);
    return true;
}

/* `N pick`, `N roll` with a literal N, typed exactly; and with a number that is known only at run time. */
static bool walk_pick(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note, const Node *previous,
                      bool is_roll) {
    Stack *taken[TAKEN_MAX], *row = stack_row(checker->arena, ROW_OWN, "a");
    const Effect wanted = {.in = stack_push(checker->arena, row, type_base(TYPE_INT), false), .out = row};
    if (!checker_take_some(checker, unit, state, node, note, 1, taken))
        return false;
    if (!unify_types(&checker->unifier, taken[0]->type, wanted.in->type))
        return checker_mismatch(checker, node, stack_push(checker->arena, state->stack, taken[0]->type, false),
                                &wanted);
    Row *bottom = stack_bottom(state->stack, NULL);
    if (previous && previous->kind == NODE_INT) {
        int64_t index = previous->integer;
        if (index < 0) {
            checker_report(checker, node->span, "negative-index",
                           arena_format(checker->arena, "%s: index must be non-negative, got %lld",
                                        checker_node_name(checker, node), (long long)index));
            return false;
        }
        bool can_draw = bottom->kind == ROW_OPEN && !unit->is_closed && index <= INPUTS_MAX;
        bool is_known = index <= UINT32_MAX && checker_peek(state->stack, (uint32_t)index);
        if (is_known || can_draw) {
            uint32_t count = (uint32_t)index + 1, unknown = 0;
            Stack **items = arena_try(checker->arena, count * sizeof(Stack *));
            if (!items)
                return false;
            for (uint32_t item = 0; item < count; item++) {
                if (!checker_take(checker, unit, state, &items[item], &unknown))
                    return checker_underflow(checker, node, state->stack, count);
            }
            note->absorbs_literal = true;
            note->index = (uint32_t)index;
            for (uint32_t item = count; item-- > 0;) {
                if (!is_roll || item != index)
                    checker_push_item(checker, unit, state, items[item]);
            }
            checker_push_item(checker, unit, state, items[index]);
            note->raw = checker_is_uncounted(items[index]);
            return true;
        }
    }
    checker_demand(checker, &note->checks, 0, taken[0], type_base(TYPE_INT), false);
    note->is_dynamic = true;
    if (is_roll) { /* which of them moved nobody knows, only that it is one of this code's own */
        Stack *item;
        uint32_t unknown = 0;
        unit->uses_unknown = true;
        state->stack = checker_unproven(checker, state->stack);
        if (!checker_take(checker, unit, state, &item, &unknown))
            return checker_underflow(checker, node, state->stack, 2);
        if (unknown)
            note->depth_check = 2;
        state->stack = checker_unproven(checker, state->stack);
    }
    checker_push(checker, unit, state, type_variable(checker->arena, "T"), false);
    return true;
}

static bool walk_aux(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note, bool is_from) {
    if (is_from) {
        if (!state->aux) {
            Diag *diag = checker_report(checker, node->span, "aux-underflow", "aux>: aux stack is empty");
            if (diag)
                diag->hint = "Move a value there with >aux first, in the same word or quotation.";
            return false;
        }
        checker_push_item(checker, unit, state, state->aux);
        state->aux = state->aux->below;
        state->aux_count--;
        return true;
    }
    Stack *taken[TAKEN_MAX];
    if (!checker_take_some(checker, unit, state, node, note, 1, taken) || !checker_count_aux(checker, state, node))
        return false;
    state->aux = stack_push(checker->arena, state->aux, taken[0]->type, taken[0]->proven);
    return true;
}

/* --- words that run quotations --- */

/* dip keep bi if call on values. */
static bool walk_dynamic(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note, CompilerWord word) {
    static const uint8_t inputs[] = {[DO_CALL] = 1, [DO_DIP] = 2, [DO_KEEP] = 2, [DO_BI] = 3, [DO_IF] = 3};
    Stack *taken[TAKEN_MAX];
    if (!checker_take_some(checker, unit, state, node, note, inputs[word], taken))
        return false;
    State other;
    switch (word) {
    case DO_CALL:
        return checker_apply_quotation(checker, unit, state, node, note, taken[0], 0);
    case DO_DIP:
        if (!checker_apply_quotation(checker, unit, state, node, note, taken[0], 0))
            return false;
        checker_push_item(checker, unit, state, taken[1]);
        return true;
    case DO_KEEP:
        checker_push_item(checker, unit, state, taken[1]);
        if (!checker_apply_quotation(checker, unit, state, node, note, taken[0], 0))
            return false;
        checker_push_item(checker, unit, state, taken[1]);
        return true;
    case DO_BI:
        checker_push_item(checker, unit, state, taken[2]);
        if (!checker_apply_quotation(checker, unit, state, node, note, taken[1], 1))
            return false;
        checker_push_item(checker, unit, state, taken[2]);
        return checker_apply_quotation(checker, unit, state, node, note, taken[0], 0);
    default:
        if (!checker_demand_bool(checker, node, taken[2], &note->checks, 2))
            return false;
        other = *state;
        if (!checker_apply_quotation(checker, unit, state, node, note, taken[1], 1) ||
            !checker_apply_quotation(checker, unit, &other, node, note, taken[0], 0))
            return false;
        if (!checker_join_stacks(checker, unit, state->stack, other.stack, &state->stack))
            return checker_fail_branches(checker, node, "if", state->stack, other.stack);
        return true;
    }
}

/* Nothing is known about what a cond takes, not even that its number is there: the word looks when it runs. */
static bool walk_cond_word(Checker *checker, Unit *unit, State *state, const Node *node, CallNote *note) {
    checker->untyped_cond = node;
    note->is_dynamic = note->needs_room = true;
    checker_forget_stack(checker, unit, state);
    return true;
}

bool checker_walk_compiler_word(Checker *checker, Unit *unit, State *state, Node *node, const Node *previous,
                                CallNote *note, bool is_tail) {
    CompilerWord word = compiler_word(node);
    switch (word) {
    case DO_PICK:
    case DO_ROLL:
        return walk_pick(checker, unit, state, node, note, previous, word == DO_ROLL);
    case DO_TO_AUX:
    case DO_FROM_AUX:
        return walk_aux(checker, unit, state, node, note, word == DO_FROM_AUX);
    case DO_CALL:
    case DO_DIP:
    case DO_KEEP:
    case DO_BI:
        return note->inlined ? checker_walk_inlined(checker, unit, state, node, note, word, is_tail)
                             : walk_dynamic(checker, unit, state, node, note, word);
    case DO_IF:
        return walk_dynamic(checker, unit, state, node, note, word);
    case DO_COND:
        return walk_cond_word(checker, unit, state, node, note);
    default:
        return walk_shuffle(checker, unit, state, node, note, &shuffles[word]);
    }
}
