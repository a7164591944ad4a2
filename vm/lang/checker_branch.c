/* SPDX-License-Identifier: MIT */
/*
 * Branches: if, match, and the cond whose quotations are literals. Each way
 * is walked from the same stack, and what the ways left is joined.
 */
#include "vm/lang/checker_state.h"

/* --- cond --- */

/* Keeps the reason for errors that come of it. */
static bool refuse_cond(Checker *checker, const Node *node, const char *reason) {
    RefusedCond *refused = arena_new(checker->arena, RefusedCond);
    *refused =
        (RefusedCond){.next = checker->refused_conds, .node = node, .reason = reason ? reason : "it is too large"};
    checker->refused_conds = refused;
    return false;
}

/* Why a quotation of the cond does not fit by itself. */
static bool refuse_quotation(Checker *checker, const Node *node, const char *which, uint32_t number) {
    const char *why = checker->unreported ? checker->unreported : "it calls what is wrong itself";
    return refuse_cond(checker, node, arena_format(checker->arena, "its %s %u is refused: %s", which, number, why));
}

/* The predicate of pair `number` leaves the stack of `state` as it was, and a Bool above it. */
static bool try_predicate(Checker *checker, Unit *unit, State *state, Node *node, Node *literal, uint32_t number) {
    Arena *arena = checker->arena;
    State tried = *state;
    Stack *taken;
    uint32_t unknown = 0;
    SlotCheck **checks = &checker_literal_of(checker, literal)->condition_checks;
    *checks = NULL;
    checker->unreported = NULL;
    if (!checker_walk_inline(checker, unit, node, literal, &tried, false))
        return refuse_quotation(checker, node, "predicate", number);
    if (!checker_take(checker, unit, &tried, &taken, &unknown) || unknown)
        return refuse_cond(checker, node, arena_format(arena, "its predicate %u leaves no Bool", number));
    if (!checker_demand_bool(checker, node, taken, checks, 0))
        return refuse_cond(checker, node,
                           arena_format(arena, "its predicate %u leaves %s and not Bool", number,
                                        type_text(checker->diags, taken->type)));
    if (!checker_join_stacks(checker, unit, state->stack, tried.stack, &state->stack))
        return refuse_cond(checker, node,
                           arena_format(arena, "its predicate %u finds the stack %s and leaves %s below its Bool",
                                        number, checker_text(checker, state->stack),
                                        checker_text(checker, tried.stack)));
    return true;
}

static bool fail_cond_bodies(Checker *checker, const Node *node, uint32_t number, const State *result,
                             const State *tried) {
    return refuse_cond(checker, node,
                       arena_format(checker->arena,
                                    "its bodies leave different stacks: %s before body %u, which leaves %s",
                                    checker_text(checker, result->stack), number, checker_text(checker, tried->stack)));
}

/*
 * A cond whose quotations are all literals runs as a chain of branches, if
 * predicates leave the stack as it was and bodies agree. Nothing is lost if they
 * do not: then the literals are pushed and the word looks when it runs.
 */
static bool try_cond(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note, bool is_tail) {
    State result = {0};
    Node *literal = note->inlined;
    for (uint32_t number = 1; number <= note->inlined_count / 2; number++, literal = literal->next->next) {
        if (!try_predicate(checker, unit, state, node, literal, number))
            return false;
        State tried = *state;
        checker->unreported = NULL;
        if (!checker_walk_inline(checker, unit, node, literal->next, &tried, is_tail))
            return refuse_quotation(checker, node, "body", number);
        if (number == 1)
            result = tried;
        else if (!checker_join_stacks(checker, unit, result.stack, tried.stack, &result.stack))
            return fail_cond_bodies(checker, node, number, &result, &tried);
        Row *bottom = stack_bottom(result.stack, NULL);
        if (bottom->kind == ROW_UNKNOWN && bottom != stack_bottom(state->stack, NULL))
            return refuse_cond(checker, node,
                               arena_format(checker->arena, "it is not known what its body %u leaves", number));
        if (tried.height > result.height)
            result.height = tried.height;
    }
    result.aux = state->aux;
    *state = result;
    return true;
}

bool checker_walk_cond_inline(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note, bool is_tail) {
    State start = *state;
    Unit code_before = *unit;
    DefinitionNote note_before = *checker->note;
    bool was_quiet = checker->quiet, found_loose = checker->found_loose;
    uint32_t mark = unifier_mark(&checker->unifier);
    checker->quiet = true;
    bool good = try_cond(checker, unit, state, node, note, is_tail);
    checker->quiet = was_quiet;
    if (!good) {
        unifier_undo(&checker->unifier, mark);
        *state = start;
        *unit = code_before;
        *checker->note = note_before;
        checker->found_loose = found_loose;
    }
    return good;
}

/* --- if --- */

bool checker_fail_branches(Checker *checker, const Node *node, const char *what, Stack *first, Stack *second) {
    Diag *diag = checker_report(
        checker, node->span, "branch-mismatch",
        arena_format(
            checker->arena,
            "%s branches have incompatible stack effects:\n  then branch produces: %s\n  else branch produces: %s",
            what, checker_text(checker, first), checker_text(checker, second)));
    if (diag) {
        diag->found = checker->unifier.reason;
        diag->hint = "Both branches of an if must leave the same stack; push or drop in one of them.";
    }
    return checker->lenient;
}

/* The stack without the `count` items that lie below the `kept` topmost ones. */
static Stack *without_below(Checker *checker, Stack *stack, uint32_t kept, uint32_t count) {
    Stack *result = NULL, **hole = &result;
    for (stack = stack_prune(stack); kept > 0; kept--, stack = stack_prune(stack->below)) {
        *hole = stack_push(checker->arena, NULL, stack->type, stack->proven);
        hole = &(*hole)->below;
    }
    for (; count > 0; count--)
        stack = stack_prune(stack->below);
    *hole = stack;
    return stack_ending_in(result, stack);
}

/* A branch that ends in a call of the word itself, or of one that calls it back, is taken not to return. */
static bool body_diverges(const Checker *checker, const Body *body) {
    const Node *last = body->last;
    return last && last->kind == NODE_CALL && last->call.target == TARGET_DEFINITION &&
           last->call.definition->component == checker->definition->component;
}

/*
 * One branch diverges: the other decides what is on the stack behind the if.
 * Should the call return after all, what the branch left too much goes: values
 * below the call's results, and on the aux stack. What cannot be mended so is
 * a trap there.
 */
static void join_divergent(Checker *checker, Unit *unit, Body *diverging, const State *left, State *state,
                           bool is_end) {
    uint32_t mark = unifier_mark(&checker->unifier), left_count, count, aux_count = 0;
    Row *left_row = stack_bottom(left->stack, &left_count), *row = stack_bottom(state->stack, &count);
    uint32_t results = diverging->last->call.definition->checked->shape.out;
    Stack *aux = left->aux, *joined, *joined_aux, *mended = left->stack;
    uint32_t aux_kept = 0;
    for (Stack *item = state->aux; item; item = item->below)
        aux_kept++;
    for (Stack *item = left->aux; item; item = item->below)
        aux_count++;
    BodyNote *note = checker_body_note(checker, diverging);
    note->surplus = note->aux_surplus = 0;
    for (; aux_count > aux_kept; aux_count--, aux = aux->below)
        note->aux_surplus++;
    if (left_row == row && left_count > count && results <= count) {
        note->surplus = left_count - count;
        mended = without_below(checker, left->stack, results, note->surplus);
    }
    note->kept = results;
    note->never_returns = !checker_join_aux(checker, state->aux, aux, &joined_aux) ||
                          !checker_join_stacks(checker, unit, state->stack, mended, &joined);
    if (note->never_returns)
        unifier_undo(&checker->unifier, mark);
    else
        state->stack = joined;
    if (is_end) /* what is checked there lies elsewhere when the surplus is gone */
        checker_note_exit(checker, diverging, mended);
}

bool checker_walk_if(Checker *checker, Unit *unit, State *state, Node *node, bool is_tail) {
    Stack *before = state->stack, *taken;
    Body *then_body = &node->branch->then_body, *else_body = &node->branch->else_body;
    uint32_t unknown = 0;
    node->branch->checks = NULL;
    if (!checker_take(checker, unit, state, &taken, &unknown))
        return checker_underflow(checker, node, before, 1);
    node->branch->depth_check = unknown ? 1 : 0;
    if (!checker_demand_bool(checker, node, taken, &node->branch->checks, 0))
        return false;
    State other = *state;
    then_body->checked = else_body->checked = NULL; /* of an earlier walk */
    if (!checker_walk_body(checker, unit, then_body, state, is_tail) ||
        !checker_walk_body(checker, unit, else_body, &other, is_tail))
        return false;
    bool then_diverges = body_diverges(checker, then_body), else_diverges = body_diverges(checker, else_body);
    if (then_diverges != else_diverges) {
        State ended = then_diverges ? *state : other;
        if (then_diverges)
            *state = other;
        join_divergent(checker, unit, then_diverges ? then_body : else_body, &ended, state, is_tail && !unit->literal);
        return true;
    }
    if (!checker_join_aux(checker, state->aux, other.aux, &state->aux)) {
        checker_report(checker, node->span, "branch-mismatch",
                       "if/else branches have incompatible aux stack effects: they leave different values on it");
        return checker->lenient;
    }
    Stack *joined;
    if (!checker_join_stacks(checker, unit, state->stack, other.stack, &joined))
        return checker_fail_branches(checker, node, "if/else", state->stack, other.stack);
    state->stack = joined;
    if (other.height > state->height)
        state->height = other.height;
    return true;
}

/* --- match --- */

static void push_fields(Checker *checker, Unit *unit, State *state, const Arm *arm) {
    TypeScope scope = type_scope(checker->arena, &checker->resolved->unions, false, false);
    if (!arm->has_bindings) {
        for (const Field *field = arm->definition->fields; field; field = field->next)
            checker_push(checker, unit, state, type_of_name(&scope, field->type.bytes), false);
        return;
    }
    for (const Binding *binding = arm->bindings; binding; binding = binding->next) {
        const Field *field = arm->definition->fields;
        for (uint32_t index = 0; index < binding->index; index++)
            field = field->next;
        checker_push(checker, unit, state, type_of_name(&scope, field->type.bytes), false);
    }
    if (unit->height_max <= state->height) /* the variant stays below its fields while these are pushed */
        unit->height_max = state->height + 1;
}

static bool fail_arms(Checker *checker, const Node *node, const char *what, const State *states) {
    Buffer out;
    buffer_init(&out, checker->arena->mem);
    buffer_append_format(&out, "match arms have incompatible %s effects:", what);
    uint32_t index = 0;
    for (const Arm *arm = node->match.arms; arm; arm = arm->next, index++)
        buffer_append_format(&out, "\n  arm %u (line %u) produces: %s", index, span_line(arm->variant.span),
                             checker_text(checker, states[index].stack));
    Diag *diag =
        checker_report(checker, node->span, "arm-mismatch", arena_copy(checker->arena, buffer_text(&out), out.size));
    if (diag)
        diag->found = checker->unifier.reason;
    buffer_deinit(&out);
    return checker->lenient;
}

bool checker_walk_match(Checker *checker, Unit *unit, State *state, Node *node, bool is_tail) {
    Stack *before = state->stack, *taken;
    uint32_t unknown = 0;
    if (!checker_take(checker, unit, state, &taken, &unknown))
        return checker_underflow(checker, node, before, 1);
    node->match.depth_check = unknown ? 1 : 0;
    State *states = arena_try(checker->arena, node->match.arm_count * sizeof(State));
    if (!states)
        return false;
    uint32_t index = 0;
    for (Arm *arm = node->match.arms; arm; arm = arm->next, index++) {
        if (!arm->definition)
            return false; /* the resolver has said so */
        states[index] = *state;
        push_fields(checker, unit, &states[index], arm);
        if (!checker_walk_body(checker, unit, &arm->body, &states[index], is_tail))
            return false;
    }
    State result = states[0];
    for (index = 1; index < node->match.arm_count; index++) {
        if (!checker_join_stacks(checker, unit, result.stack, states[index].stack, &result.stack))
            return fail_arms(checker, node, "stack", states);
        if (!checker_join_aux(checker, result.aux, states[index].aux, &result.aux))
            return fail_arms(checker, node, "aux stack", states);
        if (states[index].height > result.height)
            result.height = states[index].height;
    }
    *state = result;
    return true;
}
