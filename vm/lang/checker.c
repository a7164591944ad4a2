/* SPDX-License-Identifier: MIT */
/*
 * Bodies and whole words. A word is walked with the stack that its effect
 * promises, and what its body leaves is compared with what it declares;
 * again and again, until no more words turn out to be loose.
 */
#include "vm/lang/checker_state.h"

#include <errno.h>

/* --- bodies --- */

static void push_base(Checker *checker, Unit *unit, State *state, TypeKind kind) {
    checker_push(checker, unit, state, type_base(kind), true);
}

static bool walk_node(Checker *checker, Unit *unit, State *state, Node *node, const Node *previous, bool is_tail) {
    switch (node->kind) {
    case NODE_INT:
        push_base(checker, unit, state, TYPE_INT);
        return true;
    case NODE_FLOAT:
        push_base(checker, unit, state, TYPE_FLOAT);
        return true;
    case NODE_BOOL:
        push_base(checker, unit, state, TYPE_BOOL);
        return true;
    case NODE_STRING:
        push_base(checker, unit, state, TYPE_STRING);
        return true;
    case NODE_SYMBOL:
        push_base(checker, unit, state, TYPE_SYMBOL);
        return true;
    case NODE_QUOTATION:
        return checker_walk_literal(checker, unit, state, node);
    case NODE_CALL:
        return checker_walk_call(checker, unit, state, node, previous, arena_new(checker->arena, CallNote), is_tail);
    case NODE_IF:
        return checker_walk_if(checker, unit, state, node, is_tail);
    case NODE_MATCH:
        return checker_walk_match(checker, unit, state, node, is_tail);
    }
    unreachable();
}

/* Its branches are bodies that end where this one does, and see to what is checked there. */
static bool is_branching(const Node *node) {
    if (node->kind == NODE_IF || node->kind == NODE_MATCH)
        return true;
    CompilerWord word = compiler_word(node);
    return (word == DO_CALL || word == DO_COND) && node->call.checked->inlined;
}

bool checker_walk_body(Checker *checker, Unit *unit, Body *body, State *state, bool is_tail) {
    Node *previous = NULL;
    for (Node *node = body->first; node; previous = node, node = node->next) {
        if (checker->arena->failed)
            return false;
        uint32_t count;
        Node *call = node->kind == NODE_QUOTATION ? checker_inlining_call(checker, node, &count) : NULL;
        if (call) {
            CallNote *note = arena_new(checker->arena, CallNote);
            *note = (CallNote){.inlined = node, .inlined_count = count};
            bool is_last = is_tail && !call->next;
            if (compiler_word(call) == DO_COND) {
                note->absorbs_literal = true;
                note->is_tail = is_last;
                if (checker_walk_cond_inline(checker, unit, state, call, note, is_last)) {
                    checker->inlined_cond = true;
                    call->call.checked = note;
                    node = call;
                    continue;
                }
                checker_literal_of(checker, node)->cond_failed = true;
            } else {
                if (!checker_walk_call(checker, unit, state, call, NULL, note, is_last))
                    return false;
                node = call;
                continue;
            }
        }
        if (!walk_node(checker, unit, state, node, previous, is_tail && !node->next))
            return false;
    }
    if (is_tail && !unit->literal && !(body->last && is_branching(body->last)))
        checker_note_exit(checker, body, state->stack);
    return true;
}

/* --- whole words --- */

static bool fail_end(Checker *checker, Stack *left) {
    Diag *diag =
        checker_report(checker, checker->definition->span, "effect-mismatch",
                       arena_format(checker->arena, "Word '%s': declared output stack %s doesn't match inferred %s",
                                    checker_word_name(checker), checker_text(checker, checker->declared_out),
                                    checker_text(checker, left)));
    if (diag) {
        diag->expected = checker_text(checker, checker->declared_out);
        diag->found = checker_text(checker, left);
        diag->stack_after = diag->found;
        diag->hint = checker->unifier.reason;
        checker_explain(checker, diag, NULL, left);
    }
    return false;
}

static bool check_end(Checker *checker, const Unit *unit, const State *state, const Effect *declared) {
    if (state->aux) {
        Stack *aux = stack_row(checker->arena, ROW_OWN, "aux");
        for (Stack *item = state->aux; item; item = item->below)
            aux = stack_push(checker->arena, aux, item->type, false);
        checker_report(checker, checker->definition->span, "unbalanced-aux",
                       arena_format(checker->arena, "Word '%s': aux stack is not empty at word return: %s remain",
                                    checker_word_name(checker), checker_text(checker, aux)));
        return false;
    }
    if (!unify_stacks(&checker->unifier, state->stack, declared->out))
        return fail_end(checker, state->stack);
    if (stack_bottom(state->stack, NULL)->kind == ROW_UNKNOWN &&
        stack_bottom(declared->out, NULL) != stack_bottom(declared->in, NULL))
        checker_note_loose(checker); /* nothing says how the one row came from the other */
    if (unit->yields == declared->yields)
        return true;
    checker_report(checker, checker->definition->span, "yield-mismatch",
                   arena_format(checker->arena,
                                unit->yields
                                    ? "Word '%s': body produces effect 'Yield T' but no matching effect is declared"
                                    : "Word '%s': declares effect 'Yield' but body doesn't produce it",
                                checker_word_name(checker)));
    return false;
}

/* A row of the effect that the body bound to something says less than its author meant: callers cannot rely on depths. */
static void find_loose(Checker *checker, const TypeScope *scope) {
    for (const struct TypeName *name = scope->names; name; name = name->next) {
        bool is_rest = name->row && name->row->row->kind == ROW_RIGID;
        if (name->row && !is_rest && name->row->row->bound)
            checker_note_loose(checker);
    }
}

/* Walks the word's body; false when it does not do what its effect says. */
static bool walk_definition(Checker *checker, Definition *definition) {
    TypeScope scope = type_scope(checker->arena, &checker->resolved->unions, false, true);
    Effect *declared = effect_of_syntax(&scope, definition->effect);
    uint32_t count;
    stack_bottom(declared->in, &count);
    checker->definition = definition;
    checker->untyped_cond = NULL;
    checker->capturing = NULL;
    checker->note = definition->checked;
    checker->declared_out = declared->out;
    checker->wanted = !declared->out->is_end && type_is_quotation(declared->out->type) ? declared->out->type : NULL;

    /* declared inputs of base types are proven: callers see to it */
    Stack *start = declared->in;
    for (Stack *item = start; !item->is_end; item = item->below)
        item->proven = type_proves(item->type) >= 0;
    State state = {.stack = start, .height = count};
    Unit unit = {.height_max = count};
    if (!checker_walk_body(checker, &unit, &definition->body, &state, true) ||
        !check_end(checker, &unit, &state, declared))
        return false;
    find_loose(checker, &scope);
    definition->checked->drawn = unit.drawn;
    definition->checked->uses_unknown = unit.uses_unknown;
    definition->checked->height_max = unit.height_max;
    return true;
}

/* Without a word about errors; leaves no trace of the walk when there were some. */
static bool try_definition(Checker *checker, Definition *definition) {
    DefinitionNote note = *definition->checked;
    bool found_loose = checker->found_loose;
    checker->quiet = true;
    bool good = walk_definition(checker, definition);
    checker->quiet = false;
    if (good)
        return true;
    unifier_undo(&checker->unifier, 0);
    *definition->checked = note;
    checker->found_loose = found_loose;
    return false;
}

/*
 * A cond is not type-checked (spec/language.md), yet knowing what it leaves makes
 * good code. So it is looked into first; if the word then does not fit, it is
 * walked again with conds of which nothing is known. If it does not fit either
 * way, the errors are those of the first: what is known about a cond says more
 * than that an operator behind it finds nothing known.
 */
static void check_definition(Checker *checker, Definition *definition) {
    if (!definition->effect || definition->has_errors)
        return;
    if (definition->effect->in.count > VALUES_MAX || definition->effect->out.count > VALUES_MAX) {
        checker->definition = definition;
        checker_fail_limit(checker, definition->span, "an effect of more than %u values on a side", VALUES_MAX);
        definition->has_errors = true;
        return;
    }
    checker->inlined_cond = false;
    if (try_definition(checker, definition))
        return;
    if (checker->inlined_cond) {
        checker->no_inlined_cond = true;
        bool good = try_definition(checker, definition);
        checker->no_inlined_cond = false;
        if (good)
            return;
    }
    definition->has_errors = !walk_definition(checker, definition);
}

static void start_notes(Checker *checker) {
    for (Definition *definition = checker->resolved->tree->definitions; definition; definition = definition->next) {
        DefinitionNote *note = arena_new(checker->arena, DefinitionNote);
        note->trusted = true;
        if (definition->effect)
            note->shape = (Shape){(uint16_t)definition->effect->in.count, (uint16_t)definition->effect->out.count};
        definition->checked = note;
    }
}

int checker_check(Resolved *resolved, DiagList *diags) {
    Checker checker = {.resolved = resolved, .arena = resolved->arena, .diags = diags};
    unifier_init(&checker.unifier, checker.arena, diags, checker.arena->mem);
    start_notes(&checker);
    checker_find_trusted(&checker);
    uint32_t errors;
    do {
        checker.found_loose = false;
        errors = diags->error_count;
        for (Definition *definition = resolved->tree->definitions; definition && !checker.arena->failed;
             definition = definition->next) {
            check_definition(&checker, definition);
            checker.unifier.trail.count = 0; /* nothing goes back beyond a word */
        }
    } while (checker.found_loose && diags->error_count == errors && !checker.arena->failed);
    bool failed = checker.arena->failed || checker.unifier.trail.failed;
    unifier_deinit(&checker.unifier);
    return failed ? -ENOMEM : 0;
}
