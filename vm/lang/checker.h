/* SPDX-License-Identifier: MIT */
/*
 * Checker: infers the effect of each body and compares it with the declared
 * one (spec/types.md). What the emitter needs to know it writes into the
 * tree, in the notes below.
 *
 * After an error in a word it trusts that word's declared effect and goes on
 * with the next word.
 */
#pragma once

#include "vm/exec/chunk.h"
#include "vm/exec/word.h"
#include "vm/lang/ast.h"
#include "vm/lang/diag.h"
#include "vm/lang/resolver.h"
#include "vm/lang/type.h"

/*
 * Code takes at most so many values from its stack, and keeps at most so many
 * on its aux stack; beyond that: the error `too-many-values`, or an underflow.
 */
enum { VALUES_MAX = 10000, AUX_MAX = 10000 };

/* An instruction that checks a slot, because types alone do not prove it. */
typedef struct SlotCheck {
    struct SlotCheck *next;
    uint32_t index; /* slots below the top */
    Kind kind;
    Shape shape; /* KIND_QUOTATION; out == SHAPE_COUNT_MAX: any */
} SlotCheck;

/* How a quotation literal becomes code. */
typedef enum LiteralMode {
    LITERAL_PUSHED, /* a value: plain, or a closure over `capture_count` values */
    LITERAL_INLINE, /* part of the enclosing code: call, dip, keep, bi, cond behind it */
} LiteralMode;

typedef struct Literal {
    LiteralMode mode;
    bool is_closure;
    uint32_t capture_count;
    bool is_counted; /* `counted` was found in an earlier walk */
    uint32_t counted;
    Type *type;
    uint32_t drawn;              /* inputs that the body takes beyond the expected ones */
    uint32_t expected;           /* inputs that were expected; with what it captures and draws, all of its inputs */
    bool uses_unknown;           /* its code keeps a floor */
    uint32_t height_max;         /* values on its stack at most, its inputs included */
    SlotCheck *condition_checks; /* LITERAL_INLINE, the predicate of a cond: of the Bool that it leaves */
    bool cond_failed;            /* first of a cond's literals: they do not fit together, so it runs as a word */
} Literal;

/* What is to be done where a body ends. */
typedef struct BodyNote {
    SlotCheck *exit_checks; /* where a word ends with it */
    /* A branch that ends in a call that is taken not to return. Should it return: */
    uint32_t surplus, kept; /* so many values below the `kept` topmost ones are too much, */
    uint32_t aux_surplus;   /* so many on the aux stack; */
    bool never_returns;     /* or its stack does not fit at all */
} BodyNote;

/* What a call is turned into beyond its target. */
typedef struct CallNote {
    SlotCheck *checks;    /* before the call */
    uint32_t depth_check; /* before the call: at least so many values above the floor; 0: none */
    bool raw;             /* shuffle of uncounted values */
    bool absorbs_literal; /* pick, roll: the Int before it is `index` and not pushed */
    bool is_dynamic;      /* call, dip, keep, bi, if, cond, pick, roll: the row's function does it */
    bool is_unknown;      /* is_dynamic, and of a quotation nothing is known: its row's function looks at it */
    bool needs_room;      /* what it leaves is not counted in `height_max` */
    uint32_t index;
    Node *inlined; /* first of the literals that are part of it */
    uint32_t inlined_count;
    bool is_tail; /* nothing is left to do behind it but return */
} CallNote;

typedef struct TailCaller { /* a word that ends in a call of this one, and hands on what it leaves */
    struct TailCaller *next;
    Definition *definition;
} TailCaller;

typedef struct DefinitionNote {
    Shape shape;
    bool trusted;      /* its outputs are surely of the declared base kinds */
    bool loose;        /* its rows do not mean what they say: after a call the stack is unknown */
    uint32_t drawn;    /* values that it takes beyond its inputs */
    bool uses_unknown; /* its code keeps a floor */
    uint32_t height_max;
    TailCaller *tail_callers;   /* while it is found out who is trusted, */
    Definition *next_untrusted; /* as is this */
} DefinitionNote;

/* Checks a resolved program. Returns -ENOMEM when memory was refused; errors go to `diags`. */
int checker_check(Resolved *resolved, DiagList *diags) MUST_CHECK;
