/* SPDX-License-Identifier: MIT */
/*
 * Types as the checker sees them: types of values, stacks of them, effects.
 * Everything lives in the compilation's arena; variables are bound in place
 * (unify.c) and looked through by type_prune() and stack_prune().
 *
 * A stack is a list from its top downwards that ends in a row. What a row
 * may stand for depends on its kind; see RowKind.
 *
 * Types prove less than they say (spec/types.md): an item of a stack carries
 * `proven`, which tells that its value surely is of the base kind (or a
 * quotation of the shape) that its type names. What is not proven is checked
 * by an instruction where it is used as something definite.
 */
#pragma once

#include "vm/base/buffer.h"
#include "vm/base/table.h"
#include "vm/lang/ast.h"
#include "vm/lang/diag.h"
#include "vm/value/value.h"

typedef struct Type Type;
typedef struct Stack Stack;
typedef struct Row Row;
typedef struct Effect Effect;

typedef enum TypeKind {
    TYPE_INT,
    TYPE_FLOAT,
    TYPE_BOOL,
    TYPE_STRING,
    TYPE_SYMBOL,
    TYPE_CHANNEL,
    TYPE_SOCKET, /* an Int at run time */
    TYPE_VARIANT,
    TYPE_LIST,
    TYPE_MAP,
    TYPE_UNION,
    TYPE_VARIABLE,
    TYPE_QUOTATION,
    TYPE_CLOSURE,
} TypeKind;

enum { TYPE_BASE_COUNT = TYPE_MAP + 1 }; /* kinds up to here have a name of their own */

typedef struct BaseType {
    const char *name;
    bool fits_field; /* a variant's field may be of it */
} BaseType;

/* By kind. */
extern const BaseType base_types[TYPE_BASE_COUNT];

/* The kind of this name, or -1. */
int base_type_find(const char *name, size_t size);

struct Effect {
    Stack *in, *out;
    bool yields;
};

struct Type {
    TypeKind kind;
    union {
        struct {
            const char *name; /* as some author wrote it, for messages */
            Type *bound;
        } variable;
        const UnionDef *definition; /* TYPE_UNION */
        Effect *effect;             /* TYPE_QUOTATION, TYPE_CLOSURE */
    };
};

typedef enum RowKind {
    ROW_FRESH,    /* of a call's effect: stands for whatever lies below */
    ROW_RIGID,    /* `..rest` of the word being checked: nothing may be taken from it */
    ROW_DECLARED, /* another row written in that word's effect: taking from it is found out and makes the word loose */
    ROW_OPEN,     /* below a quotation literal: what is taken becomes its input */
    ROW_OWN,      /* of a quotation type that wrote no row: whoever calls it may have anything there */
    ROW_LEFT, /* below what a quotation literal leaves, when that is not known: where a type asks for something, its code counts at its end */
    ROW_UNKNOWN, /* after cond and the like: what lies there is not known; agrees with anything and learns nothing from it */
} RowKind;

struct Row {
    RowKind kind;
    const char *name;
    Stack *bound;
};

struct Stack {
    union {
        Row *row;   /* is_end */
        Stack *end; /* else: the end that `below` leads to, so that nobody walks there; NULL: not known */
    };
    Type *type; /* of the top */
    Stack *below;
    bool proven;
    bool is_end; /* a row; `type`, `below` and `proven` mean nothing */
};

/* --- making --- */

/* A kind that has a name of its own: always the same object. */
Type *type_base(TypeKind kind);
Type *type_quotation(Arena *arena, bool is_closure, Effect *effect);
Type *type_variable(Arena *arena, const char *name);
Stack *stack_push(Arena *arena, Stack *below, Type *type, bool proven);
Stack *stack_row(Arena *arena, RowKind kind, const char *name);
Stack *stack_of_row(Arena *arena, Row *row);
/* Completes items that were made from the top downwards: the last of those that start at `*first` is `bottom`. */
Stack *stack_ending_in(Stack *first, Stack *bottom);

/* --- looking --- */

/* Through bound variables. */
Type *type_prune(Type *type);
/* Through bound rows: an item, or an unbound row. */
Stack *stack_prune(Stack *stack);
/* The unbound row at the bottom; `*countp` (if not NULL) gets the items above it. */
Row *stack_bottom(Stack *stack, uint32_t *countp);
/* The kind that the checker proves for this type, as a Kind, or -1 when it proves none. Quotations: KIND_QUOTATION. */
int type_proves(const Type *type);
static inline bool type_is_quotation(const Type *type) {
    return type->kind == TYPE_QUOTATION || type->kind == TYPE_CLOSURE;
}

/* --- from syntax --- */

/* The letters and rows of one effect, and what they stand for in one use of it. */
typedef struct TypeScope {
    Arena *arena;
    const Table *unions; /* by name, UnionDef */
    bool is_builtin;     /* any unknown name is a variable */
    struct TypeName {
        struct TypeName *next;
        const char *name;
        Type *type;
        Stack *row;
    } * names;
    RowKind rest_kind, row_kind; /* what `..rest` (also unwritten) and other rows become */
} TypeScope;

/* For a call: everything fresh. For the word's own body: rest_kind ROW_RIGID, row_kind ROW_DECLARED. */
TypeScope type_scope(Arena *arena, const Table *unions, bool is_builtin, bool is_own_body);
/* Meaning of a whole effect. Names that mean nothing were reported before; here they become variables. */
Effect *effect_of_syntax(TypeScope *scope, const EffectSyntax *syntax);
Type *type_of_name(TypeScope *scope, const char *name);
Type *type_of_syntax(TypeScope *scope, const TypeSyntax *syntax);
/* The row of this name in this scope, made if needed. */
Stack *scope_row(TypeScope *scope, const char *name);

/* A copy with fresh variables for all unbound ones, and fresh rows for OWN, OPEN and FRESH ones: to apply a quotation once. */
Effect *effect_rename(Arena *arena, Effect *effect);

/* The same for OWN rows alone. */
Effect *effect_rename_rows(Arena *arena, Effect *effect);

/* --- as text, in the arena; deep types are cut with … --- */

const char *type_text(DiagList *diags, Type *type);
const char *stack_text(DiagList *diags, Stack *stack);
/* "(..a Int Int)": one side as the author wrote it. */
const char *side_syntax_text(DiagList *diags, const SideSyntax *side);
/* "( in -- out )" as the author wrote it. */
const char *effect_syntax_text(DiagList *diags, const EffectSyntax *syntax);
