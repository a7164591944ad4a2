/* SPDX-License-Identifier: MIT */
/*
 * Unification of types and stacks. Bindings are noted in a trail, so that a
 * try can be taken back.
 *
 * Which types agree: equal base types; a variable with anything in which it
 * does not occur; `Variant` with `List`, `Map` and every union; `List`, `Map`
 * and a union with themselves; quotation and closure types whose stacks agree.
 */
#pragma once

#include "vm/lang/type.h"

typedef struct Trail {
    Mem *mem;
    struct Binding_ {
        Type *type;
        Row *row;
    } * bindings;
    uint32_t count, capacity;
    bool failed; /* memory was refused */
} Trail;

typedef struct Unifier {
    Arena *arena;
    DiagList *diags; /* for texts only */
    Trail trail;
    uint32_t steps;     /* of the comparison that runs; see UNIFY_STEPS_MAX */
    const char *reason; /* after a failure: "cannot unify Int with String"; in the arena */
} Unifier;

void unifier_init(Unifier *unifier, Arena *arena, DiagList *diags, Mem *mem);
void unifier_deinit(Unifier *unifier);

/* False, with `reason`, when they do not agree; what was bound on the way stays bound. */
bool unify_types(Unifier *unifier, Type *a, Type *b);
bool unify_stacks(Unifier *unifier, Stack *a, Stack *b);
/* Binds an unbound row to a stack, by the rules of its kind; false with `reason`. */
bool unify_row(Unifier *unifier, Row *row, Stack *stack);
/* Unconditional, for draws and rests. */
void bind_row(Unifier *unifier, Row *row, Stack *stack);

/* A point to come back to. */
static inline uint32_t unifier_mark(const Unifier *unifier) {
    return unifier->trail.count;
}
/* Takes back all bindings since `mark`. */
void unifier_undo(Unifier *unifier, uint32_t mark);
