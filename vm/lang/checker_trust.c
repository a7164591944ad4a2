/* SPDX-License-Identifier: MIT */
/*
 * Which words' outputs are trusted: those that surely leave what they
 * declare, whatever the types in them do not prove.
 *
 * A word that ends in calls hands on what these leave, so it is trusted only
 * if all of them are. All words are, to begin with; each that turns out not to
 * be takes the words with it that end in a call of it.
 */
#include "vm/lang/checker_state.h"

static bool names_variable(const Checker *checker, const TypeSyntax *type) {
    return type->kind == TYPE_SYNTAX_NAME && base_type_find(type->name.bytes, type->name.size) < 0 &&
           !table_find(&checker->resolved->unions, type->name.bytes, type->name.size);
}

static bool leaves_variables(const Checker *checker, const Definition *definition) {
    const TypeSyntax *type = definition->effect ? definition->effect->out.types : NULL;
    while (type && !names_variable(checker, type))
        type = type->next;
    return type != NULL;
}

/* Whether what a body ends in can be relied on, if the words can that it ends in a call of; these note `caller`. */
static bool ends_trusted(const Checker *checker, const Body *body, Definition *caller) {
    const Node *last = body->last;
    if (!last)
        return true;
    if (last->kind == NODE_IF)
        return ends_trusted(checker, &last->branch->then_body, caller) &&
               ends_trusted(checker, &last->branch->else_body, caller);
    if (last->kind == NODE_MATCH) {
        for (const Arm *arm = last->match.arms; arm; arm = arm->next) {
            if (!ends_trusted(checker, &arm->body, caller))
                return false;
        }
        return true;
    }
    if (last->kind != NODE_CALL)
        return true;
    if (last->call.target == TARGET_DEFINITION) {
        DefinitionNote *called = last->call.definition->checked;
        TailCaller *entry = arena_new(checker->arena, TailCaller);
        *entry = (TailCaller){.next = called->tail_callers, .definition = caller};
        called->tail_callers = entry;
        return !leaves_variables(checker, last->call.definition);
    }
    CompilerWord word = compiler_word(last);
    if (word != DO_CALL && word != DO_COND)
        return true;
    bool has_literals = false;
    for (const Node *node = body->first; node != last; node = node->next) {
        if (node->kind != NODE_QUOTATION)
            continue;
        has_literals = true;
        if (!ends_trusted(checker, &node->quotation.body, caller))
            return false;
    }
    return has_literals || word == DO_COND;
}

void checker_find_trusted(Checker *checker) {
    Definition *waiting = NULL; /* not trusted, and their callers do not know yet */
    for (Definition *definition = checker->resolved->tree->definitions; definition; definition = definition->next) {
        if (ends_trusted(checker, &definition->body, definition))
            continue;
        definition->checked->trusted = false;
        definition->checked->next_untrusted = waiting;
        waiting = definition;
    }
    while (waiting) {
        const TailCaller *caller = waiting->checked->tail_callers;
        waiting = waiting->checked->next_untrusted;
        for (; caller; caller = caller->next) {
            DefinitionNote *note = caller->definition->checked;
            if (!note->trusted)
                continue;
            note->trusted = false;
            note->next_untrusted = waiting;
            waiting = caller->definition;
        }
    }
}
