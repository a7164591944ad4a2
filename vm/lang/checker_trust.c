/* SPDX-License-Identifier: MIT */
/*
 * Which words' outputs are trusted: those that surely leave what they
 * declare, whatever the types in them do not prove.
 */
#include "vm/lang/checker_state.h"

static bool names_variable(const Checker *checker, const TypeSyntax *type) {
    TypeScope scope = type_scope(checker->arena, &checker->resolved->unions, false, false);
    return type->kind == TYPE_SYNTAX_NAME && type_of_name(&scope, type->name.bytes)->kind == TYPE_VARIABLE;
}

static bool leaves_variables(const Checker *checker, const Definition *definition) {
    const TypeSyntax *type = definition->effect ? definition->effect->out.types : NULL;
    while (type && !names_variable(checker, type))
        type = type->next;
    return type != NULL;
}

/* Whether the code that a body ends in can be relied on to leave what the word declares, as far as is known so far. */
static bool ends_trusted(const Checker *checker, const Body *body) {
    const Node *last = body->last;
    if (!last)
        return true;
    if (last->kind == NODE_IF)
        return ends_trusted(checker, &last->branch.then_body) && ends_trusted(checker, &last->branch.else_body);
    if (last->kind == NODE_MATCH) {
        for (const Arm *arm = last->match.arms; arm; arm = arm->next) {
            if (!ends_trusted(checker, &arm->body))
                return false;
        }
        return true;
    }
    if (last->kind != NODE_CALL)
        return true;
    if (last->call.target == TARGET_DEFINITION)
        return last->call.definition->checked->trusted && !leaves_variables(checker, last->call.definition);
    CompilerWord word = compiler_word(last);
    if (word != DO_CALL && word != DO_COND)
        return true;
    bool has_literals = false;
    for (const Node *node = body->first; node != last; node = node->next) {
        if (node->kind != NODE_QUOTATION)
            continue;
        has_literals = true;
        if (!ends_trusted(checker, &node->quotation.body))
            return false;
    }
    return has_literals || word == DO_COND;
}

/* From "all are" downwards until nothing changes: a tail call hands on what the word called leaves. */
void checker_find_trusted(Checker *checker) {
    for (bool changed = true; changed;) {
        changed = false;
        for (Definition *definition = checker->resolved->tree->definitions; definition; definition = definition->next) {
            if (definition->checked->trusted && !ends_trusted(checker, &definition->body)) {
                definition->checked->trusted = false;
                changed = true;
            }
        }
    }
}
