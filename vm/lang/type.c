/* SPDX-License-Identifier: MIT */
/* Types: making them from what was written, and writing them as the author would. */
#include "vm/lang/type.h"

#include <string.h>

enum {
    TEXT_DEPTH_MAX = 4,  /* quotation types inside each other that a message shows */
    TEXT_ITEMS_MAX = 12, /* items of a stack that a message shows */
};

const BaseType base_types[TYPE_BASE_COUNT] = {
    [TYPE_INT] = {"Int", true},       [TYPE_FLOAT] = {"Float", true},      [TYPE_BOOL] = {"Bool", true},
    [TYPE_STRING] = {"String", true}, [TYPE_SYMBOL] = {"Symbol", false},   [TYPE_CHANNEL] = {"Channel", true},
    [TYPE_SOCKET] = {"Socket", true}, [TYPE_VARIANT] = {"Variant", false}, [TYPE_LIST] = {"List", false},
    [TYPE_MAP] = {"Map", false},
};

int base_type_find(const char *name, size_t size) {
    for (int kind = 0; kind < TYPE_BASE_COUNT; kind++) {
        if (strlen(base_types[kind].name) == size && memcmp(base_types[kind].name, name, size) == 0)
            return kind;
    }
    return -1;
}

Type *type_base(TypeKind kind) {
    /* Nobody writes to a type that is no variable once it is made; these have nothing to fill in. */
    static const Type types[TYPE_BASE_COUNT] = {
        [TYPE_INT] = {.kind = TYPE_INT},       [TYPE_FLOAT] = {.kind = TYPE_FLOAT},
        [TYPE_BOOL] = {.kind = TYPE_BOOL},     [TYPE_STRING] = {.kind = TYPE_STRING},
        [TYPE_SYMBOL] = {.kind = TYPE_SYMBOL}, [TYPE_CHANNEL] = {.kind = TYPE_CHANNEL},
        [TYPE_SOCKET] = {.kind = TYPE_SOCKET}, [TYPE_VARIANT] = {.kind = TYPE_VARIANT},
        [TYPE_LIST] = {.kind = TYPE_LIST},     [TYPE_MAP] = {.kind = TYPE_MAP},
    };
    check((int)kind < TYPE_BASE_COUNT);
    return (Type *)&types[kind];
}

static Type *type_new(Arena *arena, TypeKind kind) {
    Type *type = arena_new(arena, Type);
    type->kind = kind;
    return type;
}

Type *type_quotation(Arena *arena, bool is_closure, Effect *effect) {
    Type *type = type_new(arena, is_closure ? TYPE_CLOSURE : TYPE_QUOTATION);
    type->effect = effect;
    return type;
}

Type *type_variable(Arena *arena, const char *name) {
    Type *type = type_new(arena, TYPE_VARIABLE);
    type->variable.name = name;
    return type;
}

Stack *stack_push(Arena *arena, Stack *below, Type *type, bool proven) {
    Stack *stack = arena_new(arena, Stack);
    Stack *end = below && !below->is_end ? below->end : below;
    *stack = (Stack){.end = end, .type = type, .below = below, .proven = proven};
    return stack;
}

Stack *stack_row(Arena *arena, RowKind kind, const char *name) {
    Row *row = arena_new(arena, Row);
    *row = (Row){.kind = kind, .name = name};
    return stack_of_row(arena, row);
}

Stack *stack_of_row(Arena *arena, Row *row) {
    Stack *stack = arena_new(arena, Stack);
    *stack = (Stack){.row = row, .is_end = true};
    return stack;
}

Stack *stack_ending_in(Stack *first, Stack *bottom) {
    Stack *end = bottom->is_end ? bottom : bottom->end;
    for (Stack *item = first; item != bottom; item = item->below)
        item->end = end;
    return first;
}

Type *type_prune(Type *type) {
    while (type->kind == TYPE_VARIABLE && type->variable.bound)
        type = type->variable.bound;
    return type;
}

Stack *stack_prune(Stack *stack) {
    while (stack->is_end && stack->row->bound)
        stack = stack->row->bound;
    return stack;
}

Row *stack_bottom(Stack *stack, uint32_t *countp) {
    if (!countp) {
        for (stack = stack_prune(stack); !stack->is_end; stack = stack_prune(stack))
            stack = stack->end ? stack->end : stack->below;
        return stack->row;
    }
    *countp = 0;
    for (stack = stack_prune(stack); !stack->is_end; stack = stack_prune(stack->below))
        (*countp)++;
    return stack->row;
}

int type_proves(const Type *type) {
    switch (type->kind) {
    case TYPE_INT:
    case TYPE_SOCKET:
        return KIND_INT;
    case TYPE_FLOAT:
        return KIND_FLOAT;
    case TYPE_BOOL:
        return KIND_BOOL;
    case TYPE_STRING:
        return KIND_STRING;
    case TYPE_SYMBOL:
        return KIND_SYMBOL;
    case TYPE_CHANNEL:
        return KIND_CHANNEL;
    case TYPE_QUOTATION:
    case TYPE_CLOSURE:
        return KIND_QUOTATION;
    default:
        return -1;
    }
}

/* --- from syntax --- */

TypeScope type_scope(Arena *arena, const Table *unions, bool is_builtin, bool is_own_body) {
    return (TypeScope){
        .arena = arena,
        .unions = unions,
        .is_builtin = is_builtin,
        .rest_kind = is_own_body ? ROW_RIGID : ROW_FRESH,
        .row_kind = is_own_body ? ROW_DECLARED : ROW_FRESH,
    };
}

static struct TypeName *scope_name(TypeScope *scope, const char *name, bool is_row) {
    for (struct TypeName *known = scope->names; known; known = known->next) {
        if ((known->row != NULL) == is_row && strcmp(known->name, name) == 0)
            return known;
    }
    struct TypeName *known = arena_new(scope->arena, struct TypeName);
    *known = (struct TypeName){.next = scope->names, .name = name};
    if (is_row)
        known->row = stack_row(scope->arena, strcmp(name, "rest") == 0 ? scope->rest_kind : scope->row_kind, name);
    else
        known->type = type_variable(scope->arena, name);
    scope->names = known;
    return known;
}

Stack *scope_row(TypeScope *scope, const char *name) {
    return scope_name(scope, name, true)->row;
}

Type *type_of_name(TypeScope *scope, const char *name) {
    const UnionDef *definition = scope->is_builtin ? NULL : table_find(scope->unions, name, strlen(name));
    if (definition) { /* first: a program's own union may be named List or Map */
        Type *type = type_new(scope->arena, TYPE_UNION);
        type->definition = definition;
        return type;
    }
    int kind = base_type_find(name, strlen(name));
    return kind >= 0 ? type_base((TypeKind)kind) : scope_name(scope, name, false)->type;
}

static Effect *effect_build(TypeScope *scope, const EffectSyntax *syntax, Stack *own_row);

Type *type_of_syntax(TypeScope *scope, const TypeSyntax *syntax) {
    if (syntax->kind == TYPE_SYNTAX_NAME)
        return type_of_name(scope, syntax->name.bytes);
    Effect *effect = effect_build(scope, syntax->effect, stack_row(scope->arena, ROW_OWN, "rest"));
    return type_quotation(scope->arena, syntax->kind == TYPE_SYNTAX_CLOSURE, effect);
}

static Stack *side_build(TypeScope *scope, const SideSyntax *side, Stack *own_row) {
    Stack *stack = side->row.bytes ? scope_row(scope, side->row.bytes) : own_row;
    for (const TypeSyntax *item = side->types; item; item = item->next)
        stack = stack_push(scope->arena, stack, type_of_syntax(scope, item), false);
    return stack;
}

static Effect *effect_build(TypeScope *scope, const EffectSyntax *syntax, Stack *own_row) {
    Effect *effect = arena_new(scope->arena, Effect);
    effect->in = side_build(scope, &syntax->in, own_row);
    effect->out = side_build(scope, &syntax->out, own_row);
    effect->yields = syntax->yields != NULL;
    return effect;
}

Effect *effect_of_syntax(TypeScope *scope, const EffectSyntax *syntax) {
    return effect_build(scope, syntax, scope_row(scope, "rest"));
}

/* --- renaming --- */

enum { RENAME_STEPS_MAX = 20000 }; /* a larger type is left as it is: to compare it would fail anyway */

typedef struct Renaming {
    Arena *arena;
    uint32_t steps;
    bool own_rows_only;
    struct Renamed {
        struct Renamed *next;
        const void *from;
        void *to;
    } * renamed;
} Renaming;

static void *renamed_find(Renaming *renaming, const void *from) {
    for (struct Renamed *entry = renaming->renamed; entry; entry = entry->next) {
        if (entry->from == from)
            return entry->to;
    }
    return NULL;
}

static void *renamed_add(Renaming *renaming, const void *from, void *to) {
    struct Renamed *entry = arena_new(renaming->arena, struct Renamed);
    *entry = (struct Renamed){.next = renaming->renamed, .from = from, .to = to};
    renaming->renamed = entry;
    return to;
}

static Effect *rename_effect(Renaming *renaming, Effect *effect);

static Type *rename_type(Renaming *renaming, Type *type) {
    type = type_prune(type);
    if (++renaming->steps > RENAME_STEPS_MAX)
        return type;
    if (type->kind == TYPE_VARIABLE && renaming->own_rows_only)
        return type;
    if (type->kind == TYPE_VARIABLE) {
        Type *known = renamed_find(renaming, type);
        return known ? known : renamed_add(renaming, type, type_variable(renaming->arena, type->variable.name));
    }
    if (!type_is_quotation(type))
        return type;
    return type_quotation(renaming->arena, type->kind == TYPE_CLOSURE, rename_effect(renaming, type->effect));
}

static Stack *rename_row(Renaming *renaming, Stack *stack) {
    if ((renaming->own_rows_only && stack->row->kind != ROW_OWN) || stack->row->kind == ROW_RIGID ||
        stack->row->kind == ROW_DECLARED || stack->row->kind == ROW_UNKNOWN)
        return stack;
    Stack *known = renamed_find(renaming, stack->row);
    return known ? known : renamed_add(renaming, stack->row, stack_row(renaming->arena, ROW_FRESH, stack->row->name));
}

static Stack *rename_stack(Renaming *renaming, Stack *stack) {
    /* built from the top downwards without recursion: each item's `below` is filled in next */
    Stack *result = NULL, **hole = &result;
    for (stack = stack_prune(stack); !stack->is_end; stack = stack_prune(stack->below)) {
        *hole = stack_push(renaming->arena, NULL, rename_type(renaming, stack->type), false);
        hole = &(*hole)->below;
    }
    *hole = rename_row(renaming, stack);
    return stack_ending_in(result, *hole);
}

static Effect *rename_effect(Renaming *renaming, Effect *effect) {
    Effect *copy = arena_new(renaming->arena, Effect);
    copy->in = rename_stack(renaming, effect->in);
    copy->out = rename_stack(renaming, effect->out);
    copy->yields = effect->yields;
    return copy;
}

Effect *effect_rename(Arena *arena, Effect *effect) {
    return rename_effect(&(Renaming){.arena = arena}, effect);
}

Effect *effect_rename_rows(Arena *arena, Effect *effect) {
    return rename_effect(&(Renaming){.arena = arena, .own_rows_only = true}, effect);
}

/* --- as text --- */

static void print_stack(Buffer *out, Stack *stack, uint32_t depth);

static void print_type(Buffer *out, Type *type, uint32_t depth) {
    type = type_prune(type);
    if (type->kind == TYPE_VARIABLE) {
        buffer_append_text(out, type->variable.name);
    } else if (type->kind == TYPE_UNION) {
        buffer_append_format(out, "%.64s", type->definition->name.bytes);
    } else if (type_is_quotation(type)) {
        buffer_append_text(out, type->kind == TYPE_CLOSURE ? "Closure[" : "[");
        if (depth >= TEXT_DEPTH_MAX) {
            buffer_append_text(out, " … ]");
            return;
        }
        buffer_append_byte(out, ' ');
        print_stack(out, type->effect->in, depth + 1);
        buffer_append_text(out, "-- ");
        print_stack(out, type->effect->out, depth + 1);
        if (type->effect->yields)
            buffer_append_text(out, "| Yield ");
        buffer_append_byte(out, ']');
    } else {
        buffer_append_text(out, base_types[type->kind].name);
    }
}

/* Items with a space behind each; an unwritten row is not shown inside a quotation type. */
static void print_stack(Buffer *out, Stack *stack, uint32_t depth) {
    Type *items[TEXT_ITEMS_MAX];
    uint32_t count = 0;
    for (stack = stack_prune(stack); !stack->is_end && count < TEXT_ITEMS_MAX; stack = stack_prune(stack->below))
        items[count++] = stack->type;
    if (!stack->is_end)
        buffer_append_text(out, "… ");
    else if (stack->row->kind == ROW_UNKNOWN)
        buffer_append_text(out, "..? ");
    else if (depth == 0 ||
             (stack->row->kind != ROW_OWN && stack->row->kind != ROW_OPEN && strcmp(stack->row->name, "rest") != 0))
        buffer_append_format(out, "..%.64s ", stack->row->name);
    while (count > 0) {
        print_type(out, items[--count], depth);
        buffer_append_byte(out, ' ');
    }
}

static const char *text_of(DiagList *diags, Buffer *out) {
    while (out->size && out->bytes[out->size - 1] == ' ')
        out->size--;
    const char *text = arena_copy(diags->arena, buffer_text(out), out->size);
    buffer_deinit(out);
    return text ? text : "";
}

const char *type_text(DiagList *diags, Type *type) {
    Buffer out;
    buffer_init(&out, diags->arena->mem);
    print_type(&out, type, 0);
    return text_of(diags, &out);
}

const char *stack_text(DiagList *diags, Stack *stack) {
    Buffer out;
    buffer_init(&out, diags->arena->mem);
    buffer_append_byte(&out, '(');
    print_stack(&out, stack, 0);
    while (out.size && out.bytes[out.size - 1] == ' ')
        out.size--;
    buffer_append_byte(&out, ')');
    return text_of(diags, &out);
}

static void print_effect_syntax(Buffer *out, const EffectSyntax *syntax);

static void print_side_syntax(Buffer *out, const SideSyntax *side) {
    if (side->row.bytes)
        buffer_append_format(out, "..%.64s ", side->row.bytes);
    for (const TypeSyntax *item = side->types; item; item = item->next) {
        if (item->kind == TYPE_SYNTAX_NAME) {
            buffer_append_format(out, "%.64s ", item->name.bytes);
        } else {
            buffer_append_text(out, item->kind == TYPE_SYNTAX_CLOSURE ? "Closure[ " : "[ ");
            print_effect_syntax(out, item->effect);
            buffer_append_text(out, "] ");
        }
    }
}

static void print_effect_syntax(Buffer *out, const EffectSyntax *syntax) {
    print_side_syntax(out, &syntax->in);
    buffer_append_text(out, "-- ");
    print_side_syntax(out, &syntax->out);
    for (const TypeSyntax *yield = syntax->yields; yield; yield = yield->next)
        buffer_append_format(out, "| Yield %.64s ", yield->name.bytes ? yield->name.bytes : "[ … ]");
}

const char *side_syntax_text(DiagList *diags, const SideSyntax *side) {
    Buffer out;
    buffer_init(&out, diags->arena->mem);
    buffer_append_text(&out, side->row.bytes ? "(" : "(..rest ");
    print_side_syntax(&out, side);
    while (out.size && out.bytes[out.size - 1] == ' ')
        out.size--;
    buffer_append_byte(&out, ')');
    return text_of(diags, &out);
}

const char *effect_syntax_text(DiagList *diags, const EffectSyntax *syntax) {
    Buffer out;
    buffer_init(&out, diags->arena->mem);
    buffer_append_text(&out, "( ");
    print_effect_syntax(&out, syntax);
    buffer_append_byte(&out, ')');
    return text_of(diags, &out);
}
