/* SPDX-License-Identifier: MIT */
/*
 * Calls by name: which word an operator means, and which effect a name has.
 */
#include "vm/lang/checker_state.h"

#include <stdio.h>
#include <string.h>

/* --- operators --- */

/* The words that an operator may mean; NULL where it means none. */
typedef struct Operator {
    const char *name;
    const Word *for_ints, *for_floats, *for_strings;
} Operator;

static const Word *find_word(const Checker *checker, const char *prefix, const char *name) {
    char whole[32];
    int size = snprintf(whole, sizeof whole, "%s%s", prefix, name);
    check(size > 0 && (size_t)size < sizeof whole);
    const Word *word = word_find(checker->resolved->words, whole, (size_t)size);
    return word ? word_resolve(checker->resolved->words, word) : NULL;
}

/* `+` of Ints is `i.+`, of Floats `f.+`; only the words of Strings are named otherwise. */
static Operator find_operator(const Checker *checker, const Node *node) {
    const char *name = node->call.name;
    return (Operator){
        .name = name,
        .for_ints = find_word(checker, "i.", name),
        .for_floats = find_word(checker, "f.", name),
        .for_strings = strcmp(name, "+") == 0   ? find_word(checker, "string.", "concat")
                       : strcmp(name, "=") == 0 ? find_word(checker, "string.", "equal?")
                                                : NULL,
    };
}

static const char *operand_text(Checker *checker, Type *type, Stack *before) {
    if (type)
        return type_text(checker->diags, type);
    return stack_bottom(before, NULL)->kind == ROW_UNKNOWN ? "unknown" : "empty";
}

static bool fail_operator(Checker *checker, const Node *node, const Operator *operator, Type * left, Type *right,
                          Stack *before) {
    Arena *arena = checker->arena;
    bool nothing_known = !left && !right;
    const char *name = operator->name, *for_ints = operator->for_ints->name;
    const char *for_floats = operator->for_floats   ? operator->for_floats->name : NULL;
    const char *for_strings = operator->for_strings ? operator->for_strings->name : NULL;
    const char *message;
    if (nothing_known)
        message = arena_format(arena, "`%s` can't resolve here — operand types not in scope", name);
    else
        message = arena_format(
            arena, "`%s` requires matching types (Int%sInt%s%s%s%s), got (%s, %s). Use `%s`%s%s%s%s%s%s.", name, name,
            for_floats ? ", Float" : "", for_floats ? name : "", for_floats ? "Float" : "",
            for_strings ? ", or String with String" : "", operand_text(checker, left, before),
            operand_text(checker, right, before), for_ints, for_floats ? ", `" : "", for_floats ? for_floats : "",
            for_floats ? "`" : "", for_strings ? ", or `" : "", for_strings ? for_strings : "", for_strings ? "`" : "");
    Diag *diag = checker_report(checker, node->span, "unresolved-operator", message);
    if (diag) {
        diag->stack_before = checker_text(checker, before);
        checker_explain(checker, diag, node, before);
        diag->hint = nothing_known ? arena_format(arena, "Use the explicit word, such as `%s`.", for_ints) : NULL;
    }
    return false;
}

static bool resolve_operator(Checker *checker, Node *node, const State *state) {
    Operator operator= find_operator(checker, node);
    Type *right = checker_peek(state->stack, 0), *left = checker_peek(state->stack, 1);
    const Word *word = NULL;
    if (left && right && left->kind == right->kind) {
        word = left->kind == TYPE_INT ? operator.for_ints : left->kind == TYPE_FLOAT ? operator.for_floats
            : left->kind == TYPE_STRING
            ?
            operator.for_strings : NULL;
    } else if (checker->lenient) {
        bool is_float = (left && left->kind == TYPE_FLOAT) || (right && right->kind == TYPE_FLOAT);
        word = is_float && operator.for_floats ? operator.for_floats : operator.for_ints;
    }
    if (!word)
        return fail_operator(checker, node, &operator, left, right, state->stack);
    node->call.word = word;
    return true;
}

/* --- calls --- */

static Effect *union_effect(Checker *checker, const Node *node) {
    Arena *arena = checker->arena;
    TypeScope scope = type_scope(arena, &checker->resolved->unions, false, false);
    const VariantDef *variant = node->call.variant;
    Stack *row = scope_row(&scope, "rest");
    Type *owner = type_of_name(&scope, variant->owner->name.bytes);
    Effect *effect = arena_new(arena, Effect);
    effect->in = effect->out = row;
    if (node->call.target == TARGET_CONSTRUCT) {
        for (const Field *field = variant->fields; field; field = field->next)
            effect->in = stack_push(arena, effect->in, type_of_name(&scope, field->type.bytes), false);
        effect->out = stack_push(arena, row, owner, false);
        return effect;
    }
    effect->in = stack_push(arena, row, owner, false);
    const Field *field = variant->fields;
    for (uint32_t index = 0; index < node->call.field_index; index++)
        field = field->next;
    Type *left = node->call.target == TARGET_IS ? type_base(TYPE_BOOL) : type_of_name(&scope, field->type.bytes);
    effect->out = stack_push(arena, row, left, false);
    return effect;
}

static bool call_definition(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note) {
    const Definition *called = node->call.definition;
    if (!called->effect) /* reported where it is defined */
        return false;
    TypeScope scope = type_scope(checker->arena, &checker->resolved->unions, false, false);
    Effect *effect = effect_of_syntax(&scope, called->effect);
    unit->yields |= effect->yields;
    if (!checker_apply_effect(checker, unit, state, node, note, effect, (Applied){.trusted = called->checked->trusted}))
        return false;
    if (called->checked->loose &&
        !checker->lenient) { /* it may have taken more than it says, and left something else */
        note->depth_check = called->checked->shape.in + called->checked->drawn;
        note->needs_room = true;
        checker_forget_stack(checker, unit, state);
    }
    return true;
}

static bool call_builtin(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note) {
    TypeScope scope = type_scope(checker->arena, &checker->resolved->unions, true, false);
    const EffectSyntax *syntax = resolver_word_effect(checker->resolved, node->call.word, checker->diags);
    if (!syntax)
        return false;
    Effect *effect = effect_of_syntax(&scope, syntax);
    unit->yields |= effect->yields;
    return checker_apply_effect(checker, unit, state, node, note, effect,
                                (Applied){.trusted = true, .checks_quotations = true});
}

bool checker_walk_call(Checker *checker, Unit *unit, State *state, Node *node, const Node *previous, CallNote *note,
                       bool is_tail) {
    node->call.checked = note;
    note->is_tail = is_tail;
    switch (node->call.target) {
    case TARGET_SUGAR:
        if (!resolve_operator(checker, node, state))
            return false;
        return call_builtin(checker, unit, state, node, note);
    case TARGET_BUILTIN:
        if (compiler_word(node) != DO_NOTHING)
            return checker_walk_compiler_word(checker, unit, state, node, previous, note, is_tail);
        return call_builtin(checker, unit, state, node, note);
    case TARGET_DEFINITION:
        return call_definition(checker, unit, state, node, note);
    case TARGET_CONSTRUCT:
    case TARGET_IS:
    case TARGET_FIELD: {
        Effect *effect = union_effect(checker, node);
        bool trusted = node->call.target == TARGET_IS;
        if (node->call.target == TARGET_CONSTRUCT) /* fields are checked where they are used */
            return checker_apply_effect(checker, unit, state, node, note, effect,
                                        (Applied){.checks_quotations = true}) &&
                   (note->checks = NULL, true);
        return checker_apply_effect(checker, unit, state, node, note, effect,
                                    (Applied){.trusted = trusted, .checks_quotations = true});
    }
    case TARGET_NONE:
        return false; /* the resolver has said so */
    }
    unreachable();
}
