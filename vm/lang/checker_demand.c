/* SPDX-License-Identifier: MIT */
/*
 * Checks that are noted where types do not prove what is relied on; the
 * emitter turns each into an instruction.
 */
#include "vm/lang/checker_state.h"

void checker_add_check(Checker *checker, SlotCheck **checks, uint32_t index, Kind kind, Shape shape) {
    SlotCheck *check = arena_new(checker->arena, SlotCheck);
    *check = (SlotCheck){.next = *checks, .index = index, .kind = kind, .shape = shape};
    *checks = check;
}

/* The shape that a quotation of this effect has for whoever calls it: any change of depth when the two rows differ. */
Shape checker_shape_of(Effect *effect) {
    uint32_t in, out;
    Row *below_in = stack_bottom(effect->in, &in), *below_out = stack_bottom(effect->out, &out);
    return (Shape){
        .in = (uint16_t)(in < INPUTS_MAX ? in : INPUTS_MAX),
        .out = (uint16_t)(below_in != below_out ? SHAPE_ANY
                          : out < INPUTS_MAX    ? out
                                                : INPUTS_MAX),
    };
}

/*
 * In a word whose rows turned out to mean less than they say, what quotations
 * of such rows do to the depth was never compared with anything: their
 * change of depth is checked where it is relied on. How many values they take
 * is the caller's promise, and stands.
 */
void checker_demand_change(Checker *checker, SlotCheck **checks, uint32_t index, Effect *effect) {
    enum { IN = SHAPE_COUNT_MAX / 2 };
    if (!checker->note->loose)
        return;
    Shape shape = checker_shape_of(effect);
    if (shape.out == SHAPE_ANY || shape.in >= IN / 2 || shape.out >= IN / 2)
        return;
    shape = (Shape){.in = IN, .out = (uint16_t)(IN + shape.out - shape.in)};
    checker_add_check(checker, checks, index, KIND_QUOTATION, shape);
}

/* A quotation type that says how it changes the depth. */
bool checker_changes_known(const Type *type) {
    return stack_bottom(type->effect->in, NULL) == stack_bottom(type->effect->out, NULL);
}

/* The row below what a quotation takes, when the word being checked declared it. */
Row *checker_declared_row(const Effect *effect) {
    Row *row = stack_bottom(effect->in, NULL);
    return row->kind == ROW_DECLARED ? row : NULL;
}

/*
 * A quotation of a row that its word declared may take as much as it likes,
 * as long as it runs on just that row: the caller has put there what it wants.
 * On any other stack nobody has promised that there is enough for it.
 */
bool checker_runs_on_its_row(const Unit *unit, const Row *declared, Stack *stack) {
    return !unit->literal && !declared->bound && stack_bottom(stack, NULL) == declared;
}

/*
 * Notes the check, if one is needed, of slot `index` where `item` is used as
 * `written` says. A quotation that belongs to a row of the word's own is checked
 * too: what it was declared to be does not bind its depth.
 */
void checker_demand(Checker *checker, SlotCheck **checks, uint32_t index, const Stack *item, Type *written,
                    bool was_declared) {
    int kind = type_proves(written);
    if (kind < 0 || (item->proven && !was_declared))
        return;
    Shape shape = {0};
    if (kind == KIND_QUOTATION)
        shape = checker_shape_of(written->effect);
    checker_add_check(checker, checks, index, (Kind)kind, shape);
}

/*
 * A quotation that is to run on a stack of which nothing is known: so many
 * values as it takes must be there, and it must take no more than its type says.
 */
void checker_demand_counted(Checker *checker, CallNote *note, uint32_t index, const Stack *item, Type *written,
                            uint32_t taken) {
    Shape shape = checker_shape_of(written->effect);
    uint32_t takes = 0;
    Type *type = type_prune(item->type);
    if (type_is_quotation(type)) /* a lenient walk goes on with what does not fit */
        stack_bottom(type->effect->in, &takes);
    if (takes > shape.in) {
        uint32_t more = takes - shape.in;
        if (shape.out != SHAPE_ANY)
            shape.out = (uint16_t)(shape.out + more < INPUTS_MAX ? shape.out + more : INPUTS_MAX);
        shape.in = (uint16_t)takes;
    }
    checker_add_check(checker, &note->checks, index, KIND_QUOTATION, shape);
    if (note->depth_check < taken + shape.in)
        note->depth_check = taken + shape.in;
}

bool checker_demand_bool(Checker *checker, const Node *node, const Stack *item, SlotCheck **checks, uint32_t index) {
    if (!unify_types(&checker->unifier, item->type, type_base(TYPE_BOOL))) {
        checker_report(checker, node->span, "condition-not-bool",
                       arena_format(checker->arena,
                                    "%s condition must be Bool: Type mismatch: cannot unify Bool with %s",
                                    checker_node_name(checker, node), type_text(checker->diags, item->type)));
        return checker->lenient;
    }
    checker_demand(checker, checks, index, item, type_base(TYPE_BOOL), false);
    return true;
}

BodyNote *checker_body_note(Checker *checker, Body *body) {
    if (!body->checked)
        body->checked = arena_new(checker->arena, BodyNote);
    return body->checked;
}

/*
 * Where a word may end: what its effect promises and the stack does not prove
 * is checked there, in each branch for itself, so that a branch that ends in
 * a tail call keeps it.
 */
void checker_note_exit(Checker *checker, Body *body, Stack *left) {
    SlotCheck *checks = NULL;
    if (body->checked)
        body->checked->exit_checks = NULL;
    if (!checker->note->trusted)
        return;
    Stack *item = stack_prune(left), *declared = checker->declared_out;
    const Stack any = {.type = type_variable(checker->arena, "T")};
    for (uint32_t index = 0; !declared->is_end && (!item->is_end || item->row->kind == ROW_UNKNOWN); index++) {
        checker_demand(checker, &checks, index, item->is_end ? &any : item, declared->type, false);
        if (!item->is_end)
            item = stack_prune(item->below);
        declared = declared->below;
    }
    if (checks)
        checker_body_note(checker, body)->exit_checks = checks;
}
