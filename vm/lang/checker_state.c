/* SPDX-License-Identifier: MIT */
/*
 * What all files of the checker use: complaining about the word being
 * checked, taking from the stack and pushing, and joining what two ways left.
 */
#include "vm/lang/checker_state.h"

/* --- errors --- */

const char *checker_word_name(Checker *checker) {
    const Name *name = &checker->definition->name;
    return diag_word_name(checker->diags, name->span, name->bytes, name->size);
}

/* An error in the word being checked; NULL when nobody is to hear of it. */
Diag *checker_report(Checker *checker, Span span, const char *diag_code, const char *message) {
    if (checker->lenient)
        return NULL;
    if (checker->quiet) {
        checker->unreported = message;
        return NULL;
    }
    Diag *diag = diag_error(checker->diags, span, diag_code, "%s", message ? message : "out of memory");
    diag->word = checker_word_name(checker);
    return diag;
}

const char *checker_text(Checker *checker, Stack *stack) {
    return stack_text(checker->diags, stack);
}

const char *checker_node_name(Checker *checker, const Node *node) {
    switch (node->kind) {
    case NODE_CALL:
        return diag_name(checker->diags, node->call.name, node->call.name_size);
    case NODE_IF:
        return "if";
    case NODE_MATCH:
        return "match";
    default:
        return "[ ]";
    }
}

static const char *refused_reason(const Checker *checker, const Node *node) {
    for (const RefusedCond *refused = checker->refused_conds; refused; refused = refused->next) {
        if (refused->node == node)
            return refused->reason;
    }
    return "its quotations and their number are not literals directly before it";
}

void checker_explain(Checker *checker, Diag *diag, const Node *node, Stack *before) {
    const Node *cond = checker->untyped_cond;
    before = stack_prune(before);
    if (cond && stack_bottom(before, NULL)->kind == ROW_UNKNOWN)
        diag_add_place(
            checker->diags, diag, cond->span,
            arena_format(checker->arena, "what this cond leaves is not known, as %s", refused_reason(checker, cond)));
    const Literal *literal = checker->capturing;
    if (node && literal && !before->is_end && literal->type == before->type)
        diag->hint = arena_format(checker->arena,
                                  "The body of the quotation needs %u value%s more than '%s' gives it, so it took %s "
                                  "off the stack.",
                                  literal->capture_count, literal->capture_count == 1 ? "" : "s",
                                  checker_node_name(checker, node), literal->capture_count == 1 ? "it" : "them");
}

bool checker_underflow(Checker *checker, const Node *node, Stack *before, uint32_t required) {
    uint32_t provided;
    stack_bottom(before, &provided);
    Diag *diag = checker_report(checker, node->span, "stack-underflow",
                                arena_format(checker->arena,
                                             "In '%s': %s: stack underflow - requires %u value%s, only %u provided",
                                             checker_word_name(checker), checker_node_name(checker, node), required,
                                             required == 1 ? "" : "s", provided));
    if (!diag)
        return false;
    diag->stack_before = checker_text(checker, before);
    checker_explain(checker, diag, node, before);
    return false;
}

void checker_fail_limit(Checker *checker, Span span, const char *format, uint32_t limit) {
    checker_report(checker, span, "too-many-values", arena_format(checker->arena, format, limit));
}

/* --- taking from the stack and pushing --- */

void checker_push(Checker *checker, Unit *unit, State *state, Type *type, bool proven) {
    state->stack = stack_push(checker->arena, state->stack, type, proven);
    if (++state->height > unit->height_max)
        unit->height_max = state->height;
}

void checker_push_item(Checker *checker, Unit *unit, State *state, const Stack *item) {
    checker_push(checker, unit, state, item->type, item->proven);
}

void checker_forget_stack(Checker *checker, Unit *unit, State *state) {
    state->stack = stack_row(checker->arena, ROW_UNKNOWN, "?");
    state->height = 0;
    unit->uses_unknown = true;
}

/* The word's rows say less than their author meant; its callers are to know. */
void checker_note_loose(Checker *checker) {
    checker->found_loose |= !checker->note->loose;
    checker->note->loose = true;
}

/* The top item goes off the stack; false when there is none to take. `*unknownp` counts those that nobody knows to be there. */
bool checker_take(Checker *checker, Unit *unit, State *state, Stack **item, uint32_t *unknownp) {
    Stack *top = stack_prune(state->stack);
    if (!top->is_end) {
        *item = top;
        state->stack = top->below;
        state->height -= state->height > 0;
        return true;
    }
    Row *row = top->row;
    Type *type = type_variable(checker->arena, "T");
    if (row->kind == ROW_FRESH) {
        checker_forget_stack(checker, unit, state);
        bind_row(&checker->unifier, row, state->stack);
        top = stack_prune(state->stack);
        row = top->row;
    }
    switch (row->kind) {
    case ROW_UNKNOWN: /* what is left is another one: two stacks above the same unknown row are equally deep */
        unit->uses_unknown = true;
        (*unknownp)++;
        state->stack = stack_row(checker->arena, ROW_UNKNOWN, row->name);
        *item = stack_push(checker->arena, state->stack, type, false);
        return true;
    case ROW_OPEN:
    case ROW_DECLARED:
        if (unit->is_closed || unit->drawn >= VALUES_MAX)
            return false;
        unit->drawn++;
        if (row->kind == ROW_DECLARED)
            checker_note_loose(checker);
        state->stack = stack_row(checker->arena, row->kind, row->name);
        *item = stack_push(checker->arena, state->stack, type, false);
        bind_row(&checker->unifier, row, *item);
        return true;
    default:
        return false;
    }
}

/* Takes `count` items, the top first. */
bool checker_take_some(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note, uint32_t count,
                       Stack *taken[TAKEN_MAX]) {
    Stack *before = state->stack;
    uint32_t unknown = 0;
    for (uint32_t index = 0; index < count; index++) {
        if (!checker_take(checker, unit, state, &taken[index], &unknown))
            return checker_underflow(checker, node, before, count);
    }
    if (unknown)
        note->depth_check = count;
    return true;
}

/* The same items, none of them proven. */
Type *checker_peek(Stack *stack, uint32_t index) {
    for (stack = stack_prune(stack); !stack->is_end; stack = stack_prune(stack->below)) {
        if (index-- == 0)
            return type_prune(stack->type);
    }
    return NULL;
}

Stack *checker_unproven(Checker *checker, Stack *stack) {
    Stack *result = NULL, **hole = &result;
    for (stack = stack_prune(stack); !stack->is_end; stack = stack_prune(stack->below)) {
        *hole = stack_push(checker->arena, NULL, stack->type, false);
        hole = &(*hole)->below;
    }
    *hole = stack;
    return stack_ending_in(result, stack);
}

/* The same items, none of them proven, above another row. */
Stack *checker_with_bottom(Checker *checker, Stack *stack, RowKind kind) {
    Stack *result = NULL, **hole = &result;
    for (stack = stack_prune(stack); !stack->is_end; stack = stack_prune(stack->below)) {
        *hole = stack_push(checker->arena, NULL, stack->type, false);
        hole = &(*hole)->below;
    }
    *hole = stack_row(checker->arena, kind, "?");
    return stack_ending_in(result, *hole);
}

bool checker_is_uncounted(const Stack *item) {
    if (!item->proven)
        return false;
    TypeKind kind = type_prune(item->type)->kind;
    return kind == TYPE_INT || kind == TYPE_BOOL || kind == TYPE_SYMBOL || kind == TYPE_SOCKET;
}

/* One more value waits on the aux stack; false when that is too many. */
bool checker_count_aux(Checker *checker, State *state, const Node *node) {
    if (++state->aux_count <= AUX_MAX)
        return true;
    checker_fail_limit(checker, node->span, "more than %u values on the aux stack", AUX_MAX);
    return false;
}

Literal *checker_literal_of(Checker *checker, Node *node) {
    if (!node->quotation.checked)
        node->quotation.checked = arena_new(checker->arena, Literal);
    return node->quotation.checked;
}

/* --- joining what two ways left --- */

static bool are_equally_deep(Stack *a, Stack *b) {
    uint32_t a_count, b_count;
    stack_bottom(a, &a_count);
    stack_bottom(b, &b_count);
    return a_count == b_count;
}

bool checker_join_stacks(Checker *checker, Unit *unit, Stack *a, Stack *b, Stack **joined) {
    Stack *result = NULL, **hole = &result;
    Stack *whole_a = a, *whole_b = b;
    Row *a_row = stack_bottom(a, NULL), *b_row = stack_bottom(b, NULL);
    bool is_unknown = a_row->kind == ROW_UNKNOWN || b_row->kind == ROW_UNKNOWN;
    if (is_unknown && (a_row != b_row || !are_equally_deep(a, b))) {
        unit->uses_unknown = true;
        *joined = stack_row(checker->arena, ROW_UNKNOWN, "?");
        return true;
    }
    for (;;) {
        a = stack_prune(a);
        b = stack_prune(b);
        if (a == b || a->is_end || b->is_end)
            break;
        if (!unify_types(&checker->unifier, a->type, b->type))
            return false;
        Type *type = type_prune(a->type)->kind == TYPE_VARIANT ? b->type : a->type;
        *hole = stack_push(checker->arena, NULL, type, a->proven && b->proven);
        hole = &(*hole)->below;
        a = a->below;
        b = b->below;
    }
    if (a != b) {
        if (!unify_stacks(&checker->unifier, a, b)) {
            checker->unifier.reason = arena_format(checker->arena, "Stack shape mismatch: cannot unify %s with %s",
                                                   checker_text(checker, whole_a), checker_text(checker, whole_b));
            return false;
        }
        a = checker_unproven(checker, a);
    }
    *hole = a;
    *joined = stack_ending_in(result, a);
    return true;
}

bool checker_join_aux(Checker *checker, Stack *a, Stack *b, Stack **joined) {
    Stack *result = NULL, **hole = &result;
    for (; a && b; a = a->below, b = b->below) {
        if (!unify_types(&checker->unifier, a->type, b->type))
            return false;
        *hole = stack_push(checker->arena, NULL, a->type, a->proven && b->proven);
        hole = &(*hole)->below;
    }
    *joined = result;
    return !a && !b;
}
