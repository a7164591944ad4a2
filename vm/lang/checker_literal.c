/* SPDX-License-Identifier: MIT */
/*
 * Quotation literals: those that are pushed, as quotations or as closures
 * over what lies below, and those that become part of the code around them.
 */
#include "vm/lang/checker_state.h"

/* --- literals that are pushed --- */

static bool walk_apart(Checker *checker, Unit *unit, Body *body, State *state, bool is_tail) {
    /* a literal that became part of the code around it keeps an aux stack of its own */
    Stack *aux = state->aux;
    state->aux = NULL;
    if (!checker_walk_body(checker, unit, body, state, is_tail))
        return false;
    if (state->aux) {
        checker_report(
            checker, body->span, "unbalanced-aux",
            arena_format(checker->arena, "Quotation has unbalanced aux stack: %s remain%s",
                         checker_text(checker, stack_push(checker->arena, stack_row(checker->arena, ROW_OWN, "aux"),
                                                          state->aux->type, false)),
                         state->aux->below ? "" : "s"));
        return checker->lenient;
    }
    state->aux = aux;
    return true;
}

/* Unit that is one literal's, on a stack of its own. */
static bool walk_literal_code(Checker *checker, Node *node, Stack *start, bool is_closed, Unit *unit, Stack **left) {
    uint32_t count;
    stack_bottom(start, &count);
    State state = {.stack = start, .height = count};
    *unit = (Unit){.literal = checker_literal_of(checker, node), .is_closed = is_closed, .height_max = count};
    bool good = walk_apart(checker, unit, &node->quotation.body, &state, true);
    *left = state.stack;
    return good;
}

/* The expected inputs, as items that nobody has proven. */
static Stack *push_expected(Checker *checker, Stack *stack, Effect *expected, uint32_t *countp) {
    uint32_t count;
    stack_bottom(expected->in, &count);
    Type **types = arena_try(checker->arena, count * sizeof(Type *));
    *countp = count;
    if (!types)
        return stack;
    uint32_t index = 0;
    for (Stack *item = stack_prune(expected->in); !item->is_end; item = stack_prune(item->below))
        types[index++] = item->type;
    while (index > 0)
        stack = stack_push(checker->arena, stack, types[--index], false);
    return stack;
}

/*
 * How many values below the expected inputs the body reaches: a matter of depth
 * only, and of what the words called declare. Whether one of them is loose does
 * not count, as that may be found out later.
 */
static uint32_t count_captures(Checker *checker, Node *node, Effect *expected) {
    Literal *literal = checker_literal_of(checker, node);
    if (literal->is_counted)
        return literal->counted;
    bool was_lenient = checker->lenient;
    uint32_t mark = unifier_mark(&checker->unifier), count;
    DefinitionNote note = *checker->note;
    bool found_loose = checker->found_loose;
    Unit unit;
    Stack *left;
    checker->lenient = true;
    walk_literal_code(checker, node,
                      push_expected(checker, stack_row(checker->arena, ROW_OPEN, "rest"), expected, &count), false,
                      &unit, &left);
    checker->lenient = was_lenient;
    *checker->note = note;
    checker->found_loose = found_loose;
    unifier_undo(&checker->unifier, mark);
    literal->is_counted = true;
    literal->counted = unit.drawn;
    return unit.drawn;
}

static void push_literal(Checker *checker, Unit *unit, State *state, Node *node, const Unit *walked, Stack *in,
                         Stack *left) {
    Literal *literal = node->quotation.checked;
    Effect *effect = arena_new(checker->arena, Effect);
    bool is_known = stack_bottom(left, NULL)->kind != ROW_UNKNOWN;
    left = is_known ? checker_unproven(checker, left) : checker_with_bottom(checker, left, ROW_LEFT);
    *effect = (Effect){.in = in, .out = left, .yields = walked->yields};
    Type *type = type_quotation(checker->arena, literal->is_closure, effect);
    literal->mode = LITERAL_PUSHED;
    literal->type = type;
    literal->drawn = walked->drawn;
    literal->uses_unknown = walked->uses_unknown;
    literal->height_max = walked->height_max;
    checker_push(checker, unit, state, type, is_known);
}

/* A literal whose place expects inputs, or a closure: it takes what more it needs off the stack, into the closure. */
static bool walk_expected(Checker *checker, Unit *unit, State *state, Node *node, Type *expected) {
    Literal *literal = checker_literal_of(checker, node);
    uint32_t captures = count_captures(checker, node, expected->effect), unknown = 0;
    Stack *before = state->stack;
    Stack **captured = arena_try(checker->arena, captures * sizeof(Stack *));
    if (!captured)
        return false;
    for (uint32_t index = 0; index < captures; index++) {
        if (!checker_take(checker, unit, state, &captured[index], &unknown)) {
            Diag *diag = checker_report(
                checker, node->span, "closure-capture",
                arena_format(checker->arena,
                             "Closure capture error: the body needs %u value%s below its inputs, only %u "
                             "are on the stack",
                             captures, captures == 1 ? "" : "s", index));
            if (diag)
                diag->stack_before = checker_text(checker, before);
            return false;
        }
    }
    literal->capture_count = captures;
    literal->is_closure = expected->kind == TYPE_CLOSURE || captures > 0;
    if (checker->lenient) {
        checker_push(checker, unit, state, expected, true);
        return true;
    }
    if (unknown) { /* nothing says that they are there: refused rather than checked, as a closure's inputs are its type */
        Diag *diag = checker_report(
            checker, node->span, "closure-capture",
            "Closure capture error: what lies on the stack here is not known, so nothing can be captured");
        if (diag)
            checker_explain(checker, diag, node, before);
        return false;
    }
    Stack *bottom = stack_row(checker->arena, ROW_OPEN, "rest");
    Stack *start = push_expected(checker, bottom, expected->effect, &literal->expected);
    Stack *in = start;
    for (uint32_t index = captures; index-- > 0;)
        start = stack_push(checker->arena, start, captured[index]->type, captured[index]->proven);
    Unit walked;
    Stack *left;
    if (!walk_literal_code(checker, node, start, true, &walked, &left))
        return false;
    push_literal(checker, unit, state, node, &walked, in, left);
    if (captures > 0)
        checker->capturing = literal;
    return true;
}

/* A literal on its own: what its body takes are its inputs. */
static bool walk_unexpected(Checker *checker, Unit *unit, State *state, Node *node) {
    Literal *literal = checker_literal_of(checker, node);
    Stack *in = stack_row(checker->arena, ROW_OPEN, "rest"), *left;
    Unit walked;
    literal->capture_count = literal->expected = 0;
    literal->is_closure = false;
    if (!walk_literal_code(checker, node, in, false, &walked, &left))
        return false;
    push_literal(checker, unit, state, node, &walked, in, left);
    return true;
}

/* The type of quotation that the word behind a literal wants on top; NULL when it wants none. */
static Type *expected_by(Checker *checker, const Node *next) {
    const EffectSyntax *effect = NULL;
    bool is_builtin = false;
    if (!next || next->kind != NODE_CALL)
        return NULL;
    if (next->call.target == TARGET_BUILTIN) {
        effect = resolver_word_effect(checker->resolved, next->call.word, checker->diags);
        is_builtin = true;
    } else if (next->call.target == TARGET_DEFINITION) {
        effect = next->call.definition->effect;
    }
    const TypeSyntax *top = effect ? effect->in.types : NULL;
    while (top && top->next)
        top = top->next;
    if (!top || top->kind == TYPE_SYNTAX_NAME)
        return NULL;
    TypeScope scope = type_scope(checker->arena, &checker->resolved->unions, is_builtin, false);
    return type_of_syntax(&scope, top);
}

bool checker_walk_literal(Checker *checker, Unit *unit, State *state, Node *node) {
    Type *expected = expected_by(checker, node->next);
    if (!expected && !unit->literal && !unit->inlined)
        expected = checker->wanted;
    uint32_t inputs = 0;
    if (expected)
        stack_bottom(expected->effect->in, &inputs);
    if (expected && (expected->kind == TYPE_CLOSURE || inputs > 0))
        return walk_expected(checker, unit, state, node, expected);
    return walk_unexpected(checker, unit, state, node);
}

/* --- literals that are part of the code around them --- */

bool checker_walk_inline(Checker *checker, Unit *unit, Node *node, Node *literal, State *state, bool is_tail) {
    checker_literal_of(checker, literal)->mode = LITERAL_INLINE;
    bool yields = unit->yields;
    unit->yields = false;
    unit->inlined++;
    bool good = walk_apart(checker, unit, &literal->quotation.body, state, is_tail);
    unit->inlined--;
    if (good && unit->yields)
        good = checker_fail_yielding(checker, node);
    unit->yields |= yields;
    return good;
}

bool checker_walk_inlined(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note, CompilerWord word,
                          bool is_tail) {
    Stack *taken[TAKEN_MAX];
    if (word == DO_CALL)
        return checker_walk_inline(checker, unit, node, note->inlined, state, is_tail);
    if (!checker_take_some(checker, unit, state, node, note, 1, taken) || !checker_count_aux(checker, state, node))
        return false;
    note->raw = checker_is_uncounted(taken[0]);
    if (word != DO_DIP)
        checker_push_item(checker, unit, state, taken[0]);
    if (!checker_walk_inline(checker, unit, node, note->inlined, state, false))
        return false;
    state->aux_count--;
    checker_push_item(checker, unit, state, taken[0]);
    return word != DO_BI || checker_walk_inline(checker, unit, node, note->inlined->next, state, false);
}

/* The call that the run of literals starting at `first` is part of, or NULL; `*countp` is how many literals it takes. */
Node *checker_inlining_call(Checker *checker, Node *first, uint32_t *countp) {
    Node *next = first->next;
    CompilerWord word = next ? compiler_word(next) : DO_NOTHING;
    *countp = 1;
    if (word == DO_CALL || word == DO_DIP || word == DO_KEEP)
        return next;
    if (!next || next->kind != NODE_QUOTATION)
        return NULL;
    uint32_t run = 1;
    for (; next && next->kind == NODE_QUOTATION; next = next->next)
        run++;
    if (!next)
        return NULL;
    if (run == 2 && compiler_word(next) == DO_BI) {
        *countp = 2;
        return next;
    }
    bool is_cond = next->kind == NODE_INT && next->next && compiler_word(next->next) == DO_COND;
    if (!is_cond || checker->lenient || checker->no_inlined_cond || checker_literal_of(checker, first)->cond_failed ||
        next->integer < 1 || next->integer * 2 != run)
        return NULL;
    *countp = run;
    return next->next;
}
