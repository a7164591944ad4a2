/* SPDX-License-Identifier: MIT */
/*
 * Calls by name: which word an operator means, and which effect a name has.
 */
#include "vm/lang/checker_state.h"

#include <string.h>

/* --- sugar --- */

typedef struct Sugar {
    const char *name, *for_ints, *for_floats, *for_strings;
} Sugar;

static const Sugar sugars[] = {
    {"+", "i.+", "f.+", "string.concat"},
    {"-", "i.-", "f.-", NULL},
    {"*", "i.*", "f.*", NULL},
    {"/", "i./", "f./", NULL},
    {"%", "i.%", NULL, NULL},
    {"=", "i.=", "f.=", "string.equal?"},
    {"<", "i.<", "f.<", NULL},
    {">", "i.>", "f.>", NULL},
    {"<=", "i.<=", "f.<=", NULL},
    {">=", "i.>=", "f.>=", NULL},
    {"<>", "i.<>", "f.<>", NULL},
};

static const char *operand_text(Checker *checker, Type *type) {
    return type ? type_text(checker->diags, type) : "empty";
}

/* The type of the item `index` below the top, without taking anything; NULL when it is not known to be there. */
static Type *peek(Stack *stack, uint32_t index) {
    for (stack = stack_prune(stack); !stack->row; stack = stack_prune(stack->below)) {
        if (index-- == 0)
            return type_prune(stack->type);
    }
    return NULL;
}

static bool fail_sugar(Checker *checker, const Node *node, const Sugar *sugar, Type *left, Type *right, Stack *before) {
    Arena *arena = checker->arena;
    bool nothing_known = !left && !right;
    const char *message;
    if (nothing_known)
        message = arena_format(arena, "`%s` can't resolve here — operand types not in scope", sugar->name);
    else
        message = arena_format(
            arena, "`%s` requires matching types (Int%sInt%s%s%s%s), got (%s, %s). Use `%s`%s%s%s%s%s%s.", sugar->name,
            sugar->name, sugar->for_floats ? ", Float" : "", sugar->for_floats ? sugar->name : "",
            sugar->for_floats ? "Float" : "", sugar->for_strings ? ", or String with String" : "",
            operand_text(checker, left), operand_text(checker, right), sugar->for_ints, sugar->for_floats ? ", `" : "",
            sugar->for_floats ? sugar->for_floats : "", sugar->for_floats ? "`" : "",
            sugar->for_strings ? ", or `" : "", sugar->for_strings ? sugar->for_strings : "",
            sugar->for_strings ? "`" : "");
    Diag *diag = checker_report(checker, node->span, "unresolved-operator", message);
    if (diag) {
        diag->stack_before = checker_text(checker, before);
        diag->hint =
            nothing_known ? arena_format(arena, "Use the explicit word, such as `%s`.", sugar->for_ints) : NULL;
    }
    return false;
}

static bool resolve_sugar(Checker *checker, Node *node, const State *state) {
    const Sugar *sugar = sugars;
    while (strcmp(sugar->name, node->call.name.bytes) != 0 && sugar + 1 < sugars + sizeof sugars / sizeof sugars[0])
        sugar++;
    Type *right = peek(state->stack, 0), *left = peek(state->stack, 1);
    const char *name = NULL;
    if (left && right && left->kind == right->kind) {
        name = left->kind == TYPE_INT      ? sugar->for_ints
               : left->kind == TYPE_FLOAT  ? sugar->for_floats
               : left->kind == TYPE_STRING ? sugar->for_strings
                                           : NULL;
    } else if (checker->lenient) {
        bool is_float = (left && left->kind == TYPE_FLOAT) || (right && right->kind == TYPE_FLOAT);
        name = is_float && sugar->for_floats ? sugar->for_floats : sugar->for_ints;
    }
    if (!name)
        return fail_sugar(checker, node, sugar, left, right, state->stack);
    const WordTable *words = checker->resolved->words;
    node->call.word = word_resolve(words, word_find(words, name, strlen(name)));
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
    Type *left = node->call.target == TARGET_IS ? type_base(arena, TYPE_BOOL) : type_of_name(&scope, field->type.bytes);
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
    if (called->checked->loose) { /* it may have taken more than it says, and left something else */
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
        if (!resolve_sugar(checker, node, state))
            return false;
        return call_builtin(checker, unit, state, node, note);
    case TARGET_BUILTIN:
        if (checker_compiler_word(node) != DO_NOTHING)
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
