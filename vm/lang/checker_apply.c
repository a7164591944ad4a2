/* SPDX-License-Identifier: MIT */
/*
 * Effects applied: what a call does to the stack by the effect of the word
 * called, and what a quotation does that is no literal when it is run.
 */
#include "vm/lang/checker_state.h"

typedef struct Items { /* of one call, the top first */
    Stack **taken;
    Type **written;
    uint32_t count;
    Row **declared; /* of a quotation: the row below what it takes, when this very word declared it; or NULL */
} Items;

/* What unification says when two stacks on the same rest differ in how many values are on it. */
static const char endless_stack[] = "Occurs check failed: the stack ";

/* What the word called takes, as its author wrote it; a quotation's effect as it stands. */
static const char *wanted_text(Checker *checker, const Node *node, Stack *wanted) {
    if (node->kind == NODE_CALL && node->call.target == TARGET_DEFINITION)
        return side_syntax_text(checker->diags, &node->call.definition->effect->in);
    bool is_word =
        node->kind == NODE_CALL && (node->call.target == TARGET_BUILTIN || node->call.target == TARGET_SUGAR);
    if (is_word && compiler_word(node) == DO_NOTHING)
        return side_syntax_text(checker->diags,
                                &resolver_word_effect(checker->resolved, node->call.word, checker->diags)->in);
    return checker_text(checker, wanted);
}

bool checker_mismatch(Checker *checker, const Node *node, Stack *before, const Effect *wanted) {
    if (checker->lenient || checker->quiet)
        return checker->lenient;
    const char *expected = wanted_text(checker, node, wanted->in), *found = checker_text(checker, before);
    Diag *diag =
        checker_report(checker, node->span, "type-mismatch",
                       arena_format(checker->arena, "%s: stack type mismatch. Expected %s, got %s: %s",
                                    checker_node_name(checker, node), expected, found, checker->unifier.reason));
    diag->expected = expected;
    diag->found = diag->stack_before = found;
    diag->stack_after = checker_text(checker, wanted->out); /* had it fitted */
    checker_explain(checker, diag, node, before);
    const char *reason = checker->unifier.reason; /* NULL when memory was refused */
    if (!diag->hint && reason && strncmp(reason, endless_stack, sizeof endless_stack - 1) == 0)
        diag->hint = "A quotation here takes or leaves more values, or fewer, than the word wants of it.";
    return false;
}

/* Takes the inputs of `effect` off the stack. */
static bool take_items(Checker *checker, Unit *unit, State *state, const Node *node, Stack *in, Items *items,
                       uint32_t *unknownp) {
    Stack *before = state->stack;
    uint32_t count;
    stack_bottom(in, &count);
    items->count = count;
    items->taken = arena_try(checker->arena, count * sizeof(Stack *));
    items->written = arena_try(checker->arena, count * sizeof(Type *));
    items->declared = arena_try(checker->arena, count * sizeof(Row *));
    if (checker->arena->failed)
        return false;
    in = stack_prune(in);
    for (uint32_t index = 0; index < count; index++, in = stack_prune(in->below)) {
        if (!checker_take(checker, unit, state, &items->taken[index], unknownp))
            return checker_underflow(checker, node, before, count);
        items->written[index] = in->type;
        Type *type = type_prune(items->taken[index]->type);
        items->declared[index] = type_is_quotation(type) ? checker_declared_row(type->effect) : NULL;
    }
    return true;
}

static bool takes_quotation(const Effect *effect) {
    for (const Stack *item = effect->in; !item->is_end; item = item->below) { /* as written: its row is bound */
        if (type_is_quotation(type_prune(item->type)))
            return true;
    }
    return false;
}

/* The row below the outputs takes the place of what is left; then the outputs, proven where `trusted` and definite. */
static void push_outputs(Checker *checker, Unit *unit, State *state, CallNote *note, Effect *effect, bool trusted) {
    uint32_t own = 0, below_count;
    Row *out_row = stack_bottom(effect->out, NULL);
    Row *rest = stack_bottom(state->stack, NULL);
    bool was_unknown = rest->kind == ROW_UNKNOWN;
    /* as written: what the row below them is bound to is there already */
    for (Stack *item = effect->out; !item->is_end; item = item->below)
        own++;
    Type **types = arena_try(checker->arena, own * sizeof(Type *));
    if (!types)
        return;
    own = 0;
    for (Stack *item = effect->out; !item->is_end; item = item->below)
        types[own++] = item->type;
    Stack *bottom = effect->out;
    while (!bottom->is_end)
        bottom = bottom->below;
    bottom = stack_prune(bottom);
    bool is_same = bottom == stack_prune(state->stack);
    state->stack = bottom;
    if (out_row->kind == ROW_FRESH || out_row->kind == ROW_LEFT) {
        checker_forget_stack(checker, unit, state);
        bind_row(&checker->unifier, out_row, state->stack);
        note->needs_room = true;
    } else if (was_unknown) {
        /*
         * What it took from there was counted, and what it put there is on top: below that, still nothing is known.
         * Only who runs no quotation on the stack of its caller surely leaves all that it does not take; then the
         * items stay as they are, or many calls on many items would copy these each time.
         */
        if (!is_same || !trusted || takes_quotation(effect))
            state->stack = checker_with_bottom(checker, state->stack, ROW_UNKNOWN);
        stack_bottom(state->stack, &below_count);
        state->height = below_count;
        unit->uses_unknown = true;
        note->needs_room = true;
    } else if (!is_same) {
        stack_bottom(bottom, &below_count);
        state->height = below_count;
        note->needs_room = out_row != rest;
    }
    while (own > 0) {
        Type *type = types[--own];
        /* two rows that differ here may be found equal later, of which the value knows nothing */
        bool is_definite = type_proves(type) >= 0 && (!type_is_quotation(type) || checker_changes_known(type));
        checker_push(checker, unit, state, type, trusted && is_definite);
    }
}

/* A quotation that wrote no row runs on anything: where a definite row is asked for, it is one that runs on that. */
static Type *usable_type(Checker *checker, Type *type, Type *written) {
    type = type_prune(type);
    if (!type_is_quotation(type) || !type_is_quotation(written) ||
        stack_bottom(type->effect->in, NULL)->kind != ROW_OWN ||
        stack_bottom(written->effect->in, NULL)->kind == ROW_OWN)
        return type;
    Effect *effect = effect_rename_rows(checker->arena, type->effect);
    return type_quotation(checker->arena, type->kind == TYPE_CLOSURE, effect);
}

bool checker_apply_effect(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note, Effect *effect,
                          Applied how) {
    Stack *before = state->stack;
    Items items;
    uint32_t unknown = 0;
    bool forgets = false;
    if (!take_items(checker, unit, state, node, effect->in, &items, &unknown))
        return false;
    if (unknown)
        note->depth_check = items.count;
    bind_row(&checker->unifier, stack_bottom(effect->in, NULL), state->stack);
    for (uint32_t index = items.count; index-- > 0;) {
        if (!unify_types(&checker->unifier, usable_type(checker, items.taken[index]->type, items.written[index]),
                         items.written[index]) &&
            !checker_mismatch(checker, node, before, effect))
            return false;
    }
    for (uint32_t index = 0; index < items.count; index++) {
        bool is_quotation = type_is_quotation(items.written[index]);
        if (is_quotation && how.checks_quotations)
            continue;
        if (is_quotation && stack_bottom(items.written[index]->effect->in, NULL)->kind == ROW_UNKNOWN) {
            checker_demand_counted(checker, note, index, items.taken[index], items.written[index], items.count);
            continue;
        }
        if (is_quotation)
            checker_demand_change(checker, &note->checks, index, items.written[index]->effect);
        bool was_declared = is_quotation && items.declared[index];
        checker_demand(checker, &note->checks, index, items.taken[index], items.written[index],
                       was_declared && stack_bottom(items.written[index]->effect->in, NULL)->kind == ROW_OWN);
        if (was_declared && !checker_runs_on_its_row(unit, items.declared[index], state->stack)) {
            Shape shape = checker_shape_of(items.written[index]->effect);
            checker_add_check(checker, &note->checks, index, KIND_QUOTATION, shape);
            forgets |= shape.out == SHAPE_ANY;
        }
    }
    push_outputs(checker, unit, state, note, effect, how.trusted);
    if (forgets)
        checker_forget_stack(checker, unit, state);
    return true;
}

/* --- quotations that are not literals: call dip keep bi if --- */

static bool fail_not_quotation(Checker *checker, Node *node, Type *type) {
    checker_report(checker, node->span, "not-a-quotation",
                   arena_format(checker->arena, "%s: expected quotation or closure on %sstack, got %s",
                                checker_node_name(checker, node), compiler_word(node) == DO_CALL ? "" : "top of ",
                                type_text(checker->diags, type)));
    return false;
}

bool checker_fail_yielding(Checker *checker, Node *node) {
    const char *name = checker_node_name(checker, node);
    checker_report(checker, node->span, "yield-in-call",
                   compiler_word(node) == DO_CALL
                       ? "Cannot call quotation with Yield effect directly. Use strand.weave to create a weave from it."
                       : arena_format(checker->arena, "%s: quotation must not have Yield effects", name));
    return false;
}

/* What running the quotation `item`, slot `index` of the call, does to the stack. */
bool checker_apply_quotation(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note, const Stack *item,
                             uint32_t index) {
    Type *type = type_prune(item->type);
    note->is_dynamic = note->needs_room = true;
    if (type->kind == TYPE_VARIABLE) {
        note->is_unknown = true;
        checker_forget_stack(checker, unit, state);
        return true;
    }
    if (!type_is_quotation(type))
        return checker->lenient ? (checker_forget_stack(checker, unit, state), true)
                                : fail_not_quotation(checker, node, type);
    if (type->effect->yields)
        return checker_fail_yielding(checker, node);
    Effect *effect = effect_rename(checker->arena, type->effect);
    Stack *before = state->stack;
    Items items;
    uint32_t unknown = 0;
    if (stack_bottom(state->stack, NULL)->kind == ROW_UNKNOWN) {
        note->is_unknown = true; /* its row's function counts what is there */
        if (stack_bottom(effect->in, NULL)->kind != ROW_FRESH) {
            checker_forget_stack(checker, unit, state);
            return true;
        }
    }
    if (!take_items(checker, unit, state, node, effect->in, &items, &unknown))
        return false;
    if (unknown) /* counted from the whole stack of the call; one that is too low is caught by the word itself */
        note->depth_check = items.count;
    for (uint32_t taken = items.count; taken-- > 0;) {
        if (!unify_types(&checker->unifier, items.taken[taken]->type, items.written[taken]) &&
            !checker_mismatch(checker, node, before, effect))
            return false;
    }
    Row *declared = checker_declared_row(effect);
    bool is_honest = !declared || checker_runs_on_its_row(unit, declared, state->stack);
    if (!unify_row(&checker->unifier, stack_bottom(effect->in, NULL), state->stack) &&
        !checker_mismatch(checker, node, before, effect))
        return false;
    if (!is_honest) {
        note->is_unknown = true; /* its row's function counts what is there */
        checker_forget_stack(checker, unit, state);
        return true;
    }
    if (!item->proven)
        checker_add_check(checker, &note->checks, index, KIND_QUOTATION, checker_shape_of(effect));
    else
        checker_demand_change(checker, &note->checks, index, effect);
    push_outputs(checker, unit, state, note, effect, false);
    return true;
}
