/* SPDX-License-Identifier: MIT */
/*
 * Unification. Stacks are walked by loops; recursion follows only quotation
 * types inside quotation types, and is cut off at UNIFY_DEPTH_MAX.
 */
#include "vm/lang/unify.h"

enum {
    UNIFY_DEPTH_MAX = 200,
    /* types shared inside themselves are walked as if they were trees: beyond this they are too large to compare */
    UNIFY_STEPS_MAX = 200000,
};

static const char too_large[] = "Type mismatch: the types are too large to compare";

static bool types_agree(Unifier *unifier, Type *a, Type *b, uint32_t depth);
static bool stacks_agree(Unifier *unifier, Stack *a, Stack *b, uint32_t depth);

void unifier_init(Unifier *unifier, Arena *arena, DiagList *diags, Mem *mem) {
    *unifier = (Unifier){.arena = arena, .diags = diags, .trail = {.mem = mem}};
}

void unifier_deinit(Unifier *unifier) {
    Trail *trail = &unifier->trail;
    mem_free(trail->mem, trail->bindings, trail->capacity * sizeof *trail->bindings);
}

static void trail_add(Trail *trail, Type *type, Row *row) {
    if (trail->count == trail->capacity) {
        uint32_t capacity = trail->capacity ? 2 * trail->capacity : 64;
        void *grown = mem_try_resize(trail->mem, trail->bindings, trail->capacity * sizeof *trail->bindings,
                                     capacity * sizeof *trail->bindings);
        if (!grown) {
            trail->failed = true;
            return;
        }
        trail->bindings = grown;
        trail->capacity = capacity;
    }
    trail->bindings[trail->count++] = (struct Binding_){type, row};
}

void unifier_undo(Unifier *unifier, uint32_t mark) {
    Trail *trail = &unifier->trail;
    while (trail->count > mark) {
        struct Binding_ binding = trail->bindings[--trail->count];
        if (binding.type)
            binding.type->variable.bound = NULL;
        else
            binding.row->bound = NULL;
    }
}

void bind_row(Unifier *unifier, Row *row, Stack *stack) {
    row->bound = stack;
    trail_add(&unifier->trail, NULL, row);
}

/* --- does a variable or row occur in what it is to be bound to? --- */

static bool occurs_in_stack(Unifier *unifier, Stack *stack, const Type *variable, const Row *row, uint32_t depth);

static bool occurs_in_type(Unifier *unifier, Type *type, const Type *variable, const Row *row, uint32_t depth) {
    type = type_prune(type);
    if (type == variable || ++unifier->steps > UNIFY_STEPS_MAX)
        return true;
    return type_is_quotation(type) &&
           (depth > UNIFY_DEPTH_MAX || occurs_in_stack(unifier, type->effect->in, variable, row, depth + 1) ||
            occurs_in_stack(unifier, type->effect->out, variable, row, depth + 1));
}

static bool occurs_in_stack(Unifier *unifier, Stack *stack, const Type *variable, const Row *row, uint32_t depth) {
    for (stack = stack_prune(stack); !stack->is_end; stack = stack_prune(stack->below)) {
        if (occurs_in_type(unifier, stack->type, variable, row, depth))
            return true;
    }
    return stack->row == row;
}

/* --- types --- */

static bool fail_types(Unifier *unifier, Type *a, Type *b) {
    unifier->reason = arena_format(unifier->arena, "Type mismatch: cannot unify %s with %s",
                                   type_text(unifier->diags, a), type_text(unifier->diags, b));
    return false;
}

static bool is_variant_like(const Type *type) {
    return type->kind == TYPE_VARIANT || type->kind == TYPE_LIST || type->kind == TYPE_MAP || type->kind == TYPE_UNION;
}

static bool types_agree(Unifier *unifier, Type *a, Type *b, uint32_t depth) {
    a = type_prune(a);
    b = type_prune(b);
    if (a == b)
        return true;
    if (++unifier->steps > UNIFY_STEPS_MAX) {
        unifier->reason = too_large;
        return false;
    }
    if (a->kind != TYPE_VARIABLE && b->kind == TYPE_VARIABLE) {
        Type *swapped = a;
        a = b;
        b = swapped;
    }
    if (a->kind == TYPE_VARIABLE) {
        if (occurs_in_type(unifier, b, a, NULL, 0)) {
            unifier->reason = unifier->steps > UNIFY_STEPS_MAX
                                  ? too_large
                                  : arena_format(unifier->arena, "Occurs check failed: %s would contain itself",
                                                 type_text(unifier->diags, a));
            return false;
        }
        a->variable.bound = b;
        trail_add(&unifier->trail, a, NULL);
        return true;
    }
    if (type_is_quotation(a) && type_is_quotation(b)) {
        if (depth > UNIFY_DEPTH_MAX) {
            unifier->reason = "Type mismatch: quotation types too deep";
            return false;
        }
        return stacks_agree(unifier, a->effect->in, b->effect->in, depth + 1) &&
               stacks_agree(unifier, a->effect->out, b->effect->out, depth + 1);
    }
    if (is_variant_like(a) && is_variant_like(b)) {
        if (a->kind == TYPE_VARIANT || b->kind == TYPE_VARIANT)
            return true;
        if (a->kind == b->kind && (a->kind != TYPE_UNION || a->definition == b->definition))
            return true;
    } else if (a->kind == b->kind) {
        return true;
    }
    return fail_types(unifier, a, b);
}

/* --- rows --- */

static bool fail_stacks(Unifier *unifier, Stack *a, Stack *b) {
    unifier->reason = arena_format(unifier->arena, "Stack shape mismatch: cannot unify %s with %s",
                                   stack_text(unifier->diags, a), stack_text(unifier->diags, b));
    return false;
}

/* Whether a row of kind `a` gives way to one of kind `b`, in order of what is known about them. */
static bool row_yields(RowKind a, RowKind b) {
    static const int order[] = {
        [ROW_FRESH] = 0, [ROW_LEFT] = 1, [ROW_OPEN] = 2, [ROW_DECLARED] = 3, [ROW_OWN] = 4, [ROW_RIGID] = 5,
    };
    return order[a] <= order[b];
}

/*
 * Two ways may share an unknown stack, and what the code of one has found
 * there says nothing about the other: so its row is never bound. What is asked
 * of it is counted when the program runs.
 */
static bool unify_unknown(Unifier *unifier, Row *unknown, Stack *unknown_stack, Row *other) {
    bool gives_way = other->kind == ROW_FRESH || other->kind == ROW_LEFT || other->kind == ROW_OPEN;
    if (other != unknown && gives_way)
        bind_row(unifier, other, unknown_stack);
    return true;
}

bool unify_row(Unifier *unifier, Row *row, Stack *stack) {
    stack = stack_prune(stack);
    if (stack->is_end && stack->row == row)
        return true;
    Stack *as_stack = stack_of_row(unifier->arena, row);
    Row *bottom = stack_bottom(stack, NULL);
    if (row->kind == ROW_UNKNOWN)
        return unify_unknown(unifier, row, as_stack, bottom);
    if (bottom->kind == ROW_UNKNOWN)
        return unify_unknown(unifier, bottom, stack, row);
    if (stack->is_end) { /* two rows */
        if (!row_yields(row->kind, stack->row->kind)) {
            Row *other = stack->row;
            stack = as_stack;
            row = other;
        }
        if (row->kind == ROW_RIGID || (row->kind == ROW_OWN && stack->row->kind == ROW_RIGID))
            return fail_stacks(unifier, as_stack, stack);
        bind_row(unifier, row, stack);
        return true;
    }
    if (row->kind == ROW_RIGID || row->kind == ROW_OWN)
        return fail_stacks(unifier, as_stack, stack);
    if (occurs_in_stack(unifier, stack, NULL, row, 0)) {
        unifier->reason = arena_format(unifier->arena, "Occurs check failed: the stack %s would contain itself",
                                       stack_text(unifier->diags, as_stack));
        return false;
    }
    bind_row(unifier, row, stack);
    return true;
}

static bool stacks_agree(Unifier *unifier, Stack *a, Stack *b, uint32_t depth) {
    Stack *whole_a = a, *whole_b = b;
    for (;;) {
        a = stack_prune(a);
        b = stack_prune(b);
        if (a == b)
            return true;
        if (a->is_end || b->is_end)
            break;
        if (!types_agree(unifier, a->type, b->type, depth))
            return false;
        a = a->below;
        b = b->below;
    }
    if (a->is_end ? unify_row(unifier, a->row, b) : unify_row(unifier, b->row, a))
        return true;
    if (unifier->reason && unifier->reason[0] == 'S')
        return fail_stacks(unifier, whole_a, whole_b);
    return false;
}

bool unify_types(Unifier *unifier, Type *a, Type *b) {
    unifier->steps = 0;
    return types_agree(unifier, a, b, 0);
}

bool unify_stacks(Unifier *unifier, Stack *a, Stack *b) {
    unifier->steps = 0;
    return stacks_agree(unifier, a, b, 0);
}
