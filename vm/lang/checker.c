/* SPDX-License-Identifier: MIT */
/*
 * The checker walks each body with the stack as it would be, item by item.
 *
 * A `Unit` is what becomes one chunk of code: a word, or a literal that is pushed.
 * Literals that are only there for a `call`, `dip`, `if`, `cond` behind them are
 * part of the code around them. A `State` is the stack at one point of it.
 *
 * What is proven and what not (spec/types.md): an item is proven when it
 * comes from a literal, from a builtin or a trusted word that names its base
 * type, or from a declared input of such a type. What comes through a type
 * variable, out of a variant, or out of a quotation is not; where a base type is
 * asked of such an item, a check is noted.
 *
 * Three ways to look at a body: as it is; leniently, to count how deep it
 * reaches (walk_literal); and as a try that may be taken back (a cond whose
 * quotations are literals). Only the first reports errors.
 */
#include "vm/lang/checker.h"

#include "vm/lang/unify.h"
#include <errno.h>
#include <string.h>

enum { SHAPE_ANY = SHAPE_COUNT_MAX, INPUTS_MAX = SHAPE_COUNT_MAX - 1 };

typedef struct Unit {
    Literal *literal; /* NULL for a word */
    bool is_closed;   /* nothing may be drawn from an open row: all its inputs are known */
    bool yields;
    bool uses_unknown;
    uint32_t inlined; /* literals that became part of it and surround what is walked now */
    uint32_t drawn;
    uint32_t height_max;
} Unit;

typedef struct State {
    Stack *stack;
    uint32_t height;    /* items above the bottom, roughly: for how much room the code needs */
    Stack *aux;         /* items only; NULL when empty */
    uint32_t aux_count; /* on the aux stack, with what the code around this literal has there */
} State;

typedef struct Checker {
    Resolved *resolved;
    Arena *arena;
    DiagList *diags;
    Unifier unifier;
    Definition *definition;
    DefinitionNote *note;
    Stack *declared_out;
    Type *wanted; /* the topmost declared output when it is a quotation: what literals in the word are expected to be */
    bool lenient; /* counting: types need not fit */
    bool quiet;   /* trying: errors are not reported */
    bool found_loose;     /* a word turned out loose: its callers are to be checked again */
    bool inlined_cond;    /* in the word being checked, a cond became a chain of branches */
    bool no_inlined_cond; /* none may: what they leave was found to be in the way */
} Checker;

static bool walk_body(Checker *checker, Unit *unit, Body *body, State *state, bool is_tail);
static void note_exit(Checker *checker, Body *body, Stack *left);

/* --- errors --- */

static const char *word_name(Checker *checker) {
    return diag_name(checker->diags, checker->definition->name.bytes, checker->definition->name.size);
}

/* An error in the word being checked; NULL when nobody is to hear of it. */
static Diag *report(Checker *checker, Span span, const char *diag_code, const char *message) {
    if (checker->quiet || checker->lenient)
        return NULL;
    Diag *diag = diag_error(checker->diags, span, diag_code, "%s", message ? message : "out of memory");
    diag->word = word_name(checker);
    return diag;
}

static const char *text(Checker *checker, Stack *stack) {
    return stack_text(checker->diags, stack);
}

static const char *node_name(Checker *checker, const Node *node) {
    switch (node->kind) {
    case NODE_CALL:
        return diag_name(checker->diags, node->call.name.bytes, node->call.name.size);
    case NODE_IF:
        return "if";
    case NODE_MATCH:
        return "match";
    default:
        return "[ ]";
    }
}

static bool underflow(Checker *checker, const Node *node, Stack *before, uint32_t required) {
    uint32_t provided;
    stack_bottom(before, &provided);
    Diag *diag =
        report(checker, node->span, "stack-underflow",
               arena_format(checker->arena, "In '%s': %s: stack underflow - requires %u value(s), only %u provided",
                            word_name(checker), node_name(checker, node), required, provided));
    if (diag)
        diag->stack_before = text(checker, before);
    return false;
}

static void fail_limit(Checker *checker, Span span, const char *format, uint32_t limit) {
    report(checker, span, "too-many-values", arena_format(checker->arena, format, limit));
}

/* --- taking from the stack and pushing --- */

static void push(Checker *checker, Unit *unit, State *state, Type *type, bool proven) {
    state->stack = stack_push(checker->arena, state->stack, type, proven);
    if (++state->height > unit->height_max)
        unit->height_max = state->height;
}

static void push_base(Checker *checker, Unit *unit, State *state, TypeKind kind) {
    push(checker, unit, state, type_base(checker->arena, kind), true);
}

static void forget_stack(Checker *checker, Unit *unit, State *state) {
    state->stack = stack_row(checker->arena, ROW_UNKNOWN, "?");
    state->height = 0;
    unit->uses_unknown = true;
}

/* The word's rows say less than their author meant; its callers are to know. */
static void note_loose(Checker *checker) {
    checker->found_loose |= !checker->note->loose;
    checker->note->loose = true;
}

/* The top item goes off the stack; false when there is none to take. `*unknownp` counts those that nobody knows to be there. */
static bool take(Checker *checker, Unit *unit, State *state, Stack **item, uint32_t *unknownp) {
    Stack *top = stack_prune(state->stack);
    if (!top->row) {
        *item = top;
        state->stack = top->below;
        state->height -= state->height > 0;
        return true;
    }
    Row *row = top->row;
    Type *type = type_variable(checker->arena, "T");
    if (row->kind == ROW_FRESH) {
        forget_stack(checker, unit, state);
        bind_row(&checker->unifier, row, state->stack);
        top = stack_prune(state->stack);
        row = top->row;
    }
    switch (row->kind) {
    case ROW_UNKNOWN: /* what is left is another one: two stacks above the same unknown row are equally deep */
        unit->uses_unknown = true;
        (*unknownp)++;
        state->stack = stack_row(checker->arena, ROW_UNKNOWN, row->name);
        *item = stack_push(checker->arena, state->stack, type, false);
        return true;
    case ROW_OPEN:
    case ROW_DECLARED:
        if (unit->is_closed || unit->drawn >= VALUES_MAX)
            return false;
        unit->drawn++;
        if (row->kind == ROW_DECLARED)
            note_loose(checker);
        state->stack = stack_row(checker->arena, row->kind, row->name);
        *item = stack_push(checker->arena, state->stack, type, false);
        bind_row(&checker->unifier, row, *item);
        return true;
    default:
        return false;
    }
}

/* The type of the item `index` below the top, without taking anything; NULL when it is not known to be there. */
static Type *peek(Stack *stack, uint32_t index) {
    for (stack = stack_prune(stack); !stack->row; stack = stack_prune(stack->below)) {
        if (index-- == 0)
            return type_prune(stack->type);
    }
    return NULL;
}

/* The same items, none of them proven. */
static Stack *unproven(Checker *checker, Stack *stack) {
    Stack *result = NULL, **hole = &result;
    for (stack = stack_prune(stack); !stack->row; stack = stack_prune(stack->below)) {
        *hole = stack_push(checker->arena, NULL, stack->type, false);
        hole = &(*hole)->below;
    }
    *hole = stack;
    return result;
}

static bool is_uncounted(const Stack *item) {
    if (!item->proven)
        return false;
    TypeKind kind = type_prune(item->type)->kind;
    return kind == TYPE_INT || kind == TYPE_BOOL || kind == TYPE_SYMBOL || kind == TYPE_SOCKET;
}

/* --- checks --- */

static void add_check(Checker *checker, SlotCheck **checks, uint32_t index, Kind kind, Shape shape) {
    SlotCheck *check = arena_new(checker->arena, SlotCheck);
    *check = (SlotCheck){.next = *checks, .index = index, .kind = kind, .shape = shape};
    *checks = check;
}

/* The shape that a quotation of this effect has for whoever calls it: any change of depth when the two rows differ. */
static Shape shape_of(Effect *effect) {
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
static void demand_change(Checker *checker, SlotCheck **checks, uint32_t index, Effect *effect) {
    enum { IN = SHAPE_COUNT_MAX / 2 };
    Shape shape = shape_of(effect);
    if (!checker->note->loose || shape.out == SHAPE_ANY || shape.in >= IN / 2 || shape.out >= IN / 2)
        return;
    shape = (Shape){.in = IN, .out = (uint16_t)(IN + shape.out - shape.in)};
    add_check(checker, checks, index, KIND_QUOTATION, shape);
}

/* A quotation type that says how it changes the depth. */
static bool changes_known(const Type *type) {
    return stack_bottom(type->effect->in, NULL) == stack_bottom(type->effect->out, NULL);
}

/* The row below what a quotation takes, when the word being checked declared it. */
static Row *declared_row(const Effect *effect) {
    Row *row = stack_bottom(effect->in, NULL);
    return row->kind == ROW_DECLARED ? row : NULL;
}

/*
 * A quotation of a row that its word declared may take as much as it likes,
 * as long as it runs on just that row: the caller has put there what it wants.
 * On any other stack nobody has promised that there is enough for it.
 */
static bool runs_on_its_row(const Unit *unit, const Row *declared, Stack *stack) {
    return !unit->literal && !declared->bound && stack_bottom(stack, NULL) == declared;
}

/*
 * Notes the check, if one is needed, of slot `index` where `item` is used as
 * `written` says. A quotation that belongs to a row of the word's own is checked
 * too: what it was declared to be does not bind its depth.
 */
static void demand(Checker *checker, SlotCheck **checks, uint32_t index, const Stack *item, Type *written,
                   bool was_declared) {
    int kind = type_proves(written);
    if (kind < 0 || (item->proven && !was_declared))
        return;
    Shape shape = {0};
    if (kind == KIND_QUOTATION)
        shape = shape_of(written->effect);
    add_check(checker, checks, index, (Kind)kind, shape);
}

/*
 * A quotation that is to run on a stack of which nothing is known: so many
 * values as it takes must be there, and it must take no more than its type says.
 */
static void demand_counted(Checker *checker, CallNote *note, uint32_t index, const Stack *item, Type *written,
                           uint32_t taken) {
    Shape shape = shape_of(written->effect);
    uint32_t takes;
    stack_bottom(type_prune(item->type)->effect->in, &takes);
    if (takes > shape.in) {
        uint32_t more = takes - shape.in;
        if (shape.out != SHAPE_ANY)
            shape.out = (uint16_t)(shape.out + more < INPUTS_MAX ? shape.out + more : INPUTS_MAX);
        shape.in = (uint16_t)takes;
    }
    add_check(checker, &note->checks, index, KIND_QUOTATION, shape);
    if (note->depth_check < taken + shape.in)
        note->depth_check = taken + shape.in;
}

/* --- joining what two ways left --- */

static bool join_stacks(Checker *checker, Unit *unit, Stack *a, Stack *b, Stack **joined) {
    Stack *result = NULL, **hole = &result;
    Stack *whole_a = a, *whole_b = b;
    uint32_t a_count, b_count;
    Row *a_row = stack_bottom(a, &a_count), *b_row = stack_bottom(b, &b_count);
    bool is_unknown = a_row->kind == ROW_UNKNOWN || b_row->kind == ROW_UNKNOWN;
    if (is_unknown && (a_row != b_row || a_count != b_count)) {
        unit->uses_unknown = true;
        *joined = stack_row(checker->arena, ROW_UNKNOWN, "?");
        return true;
    }
    for (;;) {
        a = stack_prune(a);
        b = stack_prune(b);
        if (a == b || a->row || b->row)
            break;
        if (!unify_types(&checker->unifier, a->type, b->type))
            return false;
        Type *type = type_prune(a->type)->kind == TYPE_VARIANT ? b->type : a->type;
        *hole = stack_push(checker->arena, NULL, type, a->proven && b->proven);
        hole = &(*hole)->below;
        a = a->below;
        b = b->below;
    }
    if (a != b) {
        if (!unify_stacks(&checker->unifier, a, b)) {
            checker->unifier.reason = arena_format(checker->arena, "Stack shape mismatch: cannot unify %s with %s",
                                                   text(checker, whole_a), text(checker, whole_b));
            return false;
        }
        a = unproven(checker, a);
    }
    *hole = a;
    *joined = result;
    return true;
}

static bool join_aux(Checker *checker, Stack *a, Stack *b, Stack **joined) {
    Stack *result = NULL, **hole = &result;
    for (; a && b; a = a->below, b = b->below) {
        if (!unify_types(&checker->unifier, a->type, b->type))
            return false;
        *hole = stack_push(checker->arena, NULL, a->type, a->proven && b->proven);
        hole = &(*hole)->below;
    }
    *joined = result;
    return !a && !b;
}

/* --- the words that the checker knows --- */

typedef enum CompilerWord {
    DO_DUP,
    DO_DROP,
    DO_SWAP,
    DO_OVER,
    DO_ROT,
    DO_NIP,
    DO_TUCK,
    DO_2DUP,
    DO_3DROP,
    DO_PICK,
    DO_ROLL,
    DO_TO_AUX,
    DO_FROM_AUX,
    DO_CALL,
    DO_DIP,
    DO_KEEP,
    DO_BI,
    DO_IF,
    DO_COND,
    DO_NOTHING,
} CompilerWord;

static CompilerWord compiler_word(const Node *node) {
    static const char *const names[] = {
        "dup",  "drop", "swap", "over", "rot", "nip",  "tuck", "2dup", "3drop", "pick",
        "roll", ">aux", "aux>", "call", "dip", "keep", "bi",   "if",   "cond",
    };
    if (node->kind != NODE_CALL || node->call.target != TARGET_BUILTIN || node->call.word->how != WORD_BY_COMPILER)
        return DO_NOTHING;
    for (int word = 0; word < DO_NOTHING; word++) {
        if (strcmp(names[word], node->call.word->name) == 0)
            return (CompilerWord)word;
    }
    return DO_NOTHING;
}

/* --- calls by an effect --- */

typedef struct Items { /* of one call, the top first */
    Stack **taken;
    Type **written;
    uint32_t count;
    Row **declared; /* of a quotation: the row below what it takes, when this very word declared it; or NULL */
} Items;

/* What the word called takes, as its author wrote it; a quotation's effect as it stands. */
static const char *wanted_text(Checker *checker, const Node *node, Stack *wanted) {
    if (node->kind == NODE_CALL && node->call.target == TARGET_DEFINITION)
        return side_syntax_text(checker->diags, &node->call.definition->effect->in);
    if (node->kind == NODE_CALL && node->call.word && compiler_word(node) == DO_NOTHING)
        return side_syntax_text(checker->diags,
                                &resolver_word_effect(checker->resolved, node->call.word, checker->diags)->in);
    return text(checker, wanted);
}

static bool mismatch(Checker *checker, const Node *node, Stack *before, const Effect *wanted) {
    if (checker->lenient || checker->quiet)
        return checker->lenient;
    const char *expected = wanted_text(checker, node, wanted->in), *found = text(checker, before);
    Diag *diag = report(checker, node->span, "type-mismatch",
                        arena_format(checker->arena, "%s: stack type mismatch. Expected %s, got %s: %s",
                                     node_name(checker, node), expected, found, checker->unifier.reason));
    diag->expected = expected;
    diag->found = diag->stack_before = found;
    diag->stack_after = text(checker, wanted->out); /* had it fitted */
    return false;
}

/* Takes the inputs of `effect` off the stack. */
static bool take_items(Checker *checker, Unit *unit, State *state, const Node *node, Stack *in, Items *items,
                       uint32_t *unknownp) {
    Stack *before = state->stack;
    uint32_t count;
    stack_bottom(in, &count);
    items->count = count;
    items->taken = arena_try(checker->arena, count * sizeof(Stack *));
    items->written = arena_try(checker->arena, count * sizeof(Type *));
    items->declared = arena_try(checker->arena, count * sizeof(Row *));
    if (checker->arena->failed)
        return false;
    in = stack_prune(in);
    for (uint32_t index = 0; index < count; index++, in = stack_prune(in->below)) {
        if (!take(checker, unit, state, &items->taken[index], unknownp))
            return underflow(checker, node, before, count);
        items->written[index] = in->type;
        Type *type = type_prune(items->taken[index]->type);
        items->declared[index] = type_is_quotation(type) ? declared_row(type->effect) : NULL;
    }
    return true;
}

/* The same items, none of them proven, above another row. */
static Stack *with_bottom(Checker *checker, Stack *stack, RowKind kind) {
    Stack *result = NULL, **hole = &result;
    for (stack = stack_prune(stack); !stack->row; stack = stack_prune(stack->below)) {
        *hole = stack_push(checker->arena, NULL, stack->type, false);
        hole = &(*hole)->below;
    }
    *hole = stack_row(checker->arena, kind, "?");
    return result;
}

/* The row below the outputs takes the place of what is left; then the outputs, proven where `trusted` and definite. */
static void push_outputs(Checker *checker, Unit *unit, State *state, CallNote *note, Effect *effect, bool trusted) {
    uint32_t own = 0, below_count;
    Row *out_row = stack_bottom(effect->out, NULL);
    Row *rest = stack_bottom(state->stack, NULL);
    bool was_unknown = rest->kind == ROW_UNKNOWN;
    /* as written: what the row below them is bound to is there already */
    for (Stack *item = effect->out; !item->row; item = item->below)
        own++;
    Type **types = arena_try(checker->arena, own * sizeof(Type *));
    if (!types)
        return;
    own = 0;
    for (Stack *item = effect->out; !item->row; item = item->below)
        types[own++] = item->type;
    Stack *bottom = effect->out;
    while (!bottom->row)
        bottom = bottom->below;
    bottom = stack_prune(bottom);
    bool is_same = bottom == stack_prune(state->stack);
    state->stack = bottom;
    if (out_row->kind == ROW_FRESH || out_row->kind == ROW_LEFT) {
        forget_stack(checker, unit, state);
        bind_row(&checker->unifier, out_row, state->stack);
        note->needs_room = true;
    } else if (was_unknown) {
        /* what it took from there was counted, and what it put there is on top: below that, still nothing is known */
        state->stack = with_bottom(checker, state->stack, ROW_UNKNOWN);
        stack_bottom(state->stack, &below_count);
        state->height = below_count;
        unit->uses_unknown = true;
        note->needs_room = true;
    } else if (!is_same) {
        stack_bottom(bottom, &below_count);
        state->height = below_count;
        note->needs_room = out_row != rest;
    }
    while (own > 0) {
        Type *type = types[--own];
        /* two rows that differ here may be found equal later, of which the value knows nothing */
        bool is_definite = type_proves(type) >= 0 && (!type_is_quotation(type) || changes_known(type));
        push(checker, unit, state, type, trusted && is_definite);
    }
}

typedef struct Applied {
    bool trusted;           /* definite outputs are proven */
    bool checks_quotations; /* by itself, when it runs: a builtin */
    uint32_t more_inputs;   /* that a loose word takes beyond its effect */
} Applied;

/* A quotation that wrote no row runs on anything: where a definite row is asked for, it is one that runs on that. */
static Type *usable_type(Checker *checker, Type *type, Type *written) {
    type = type_prune(type);
    if (!type_is_quotation(type) || !type_is_quotation(written) ||
        stack_bottom(type->effect->in, NULL)->kind != ROW_OWN ||
        stack_bottom(written->effect->in, NULL)->kind == ROW_OWN)
        return type;
    Type *used = type_base(checker->arena, type->kind);
    used->effect = effect_rename_rows(checker->arena, type->effect);
    return used;
}

static bool apply_effect(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note, Effect *effect,
                         Applied how) {
    Stack *before = state->stack;
    Items items;
    uint32_t unknown = 0;
    bool forgets = false;
    if (!take_items(checker, unit, state, node, effect->in, &items, &unknown))
        return false;
    if (unknown)
        note->depth_check = items.count;
    bind_row(&checker->unifier, stack_bottom(effect->in, NULL), state->stack);
    for (uint32_t index = items.count; index-- > 0;) {
        if (!unify_types(&checker->unifier, usable_type(checker, items.taken[index]->type, items.written[index]),
                         items.written[index]) &&
            !mismatch(checker, node, before, effect))
            return false;
    }
    for (uint32_t index = 0; index < items.count; index++) {
        bool is_quotation = type_is_quotation(items.written[index]);
        if (is_quotation && how.checks_quotations)
            continue;
        if (is_quotation && stack_bottom(items.written[index]->effect->in, NULL)->kind == ROW_UNKNOWN) {
            demand_counted(checker, note, index, items.taken[index], items.written[index], items.count);
            continue;
        }
        if (is_quotation)
            demand_change(checker, &note->checks, index, items.written[index]->effect);
        demand(checker, &note->checks, index, items.taken[index], items.written[index],
               items.declared[index] && stack_bottom(items.written[index]->effect->in, NULL)->kind == ROW_OWN);
        if (is_quotation && items.declared[index] && !runs_on_its_row(unit, items.declared[index], state->stack)) {
            Shape shape = shape_of(items.written[index]->effect);
            add_check(checker, &note->checks, index, KIND_QUOTATION, shape);
            forgets |= shape.out == SHAPE_ANY;
        }
    }
    push_outputs(checker, unit, state, note, effect, how.trusted);
    if (forgets)
        forget_stack(checker, unit, state);
    return true;
}

/* --- quotations that are not literals: call dip keep bi if --- */

static bool fail_not_quotation(Checker *checker, Node *node, Type *type) {
    report(checker, node->span, "not-a-quotation",
           arena_format(checker->arena, "%s: expected quotation or closure on %sstack, got %s",
                        node_name(checker, node), strcmp(node->call.name.bytes, "call") == 0 ? "" : "top of ",
                        type_text(checker->diags, type)));
    return false;
}

static bool fail_yielding(Checker *checker, Node *node) {
    const char *name = node_name(checker, node);
    bool is_call = strcmp(name, "call") == 0;
    report(checker, node->span, "yield-in-call",
           is_call ? "Cannot call quotation with Yield effect directly. Use strand.weave to create a weave from it."
                   : arena_format(checker->arena, "%s: quotation must not have Yield effects", name));
    return false;
}

/* What running the quotation `item`, slot `index` of the call, does to the stack. */
static bool apply_quotation(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note, const Stack *item,
                            uint32_t index) {
    Type *type = type_prune(item->type);
    note->is_dynamic = note->needs_room = true;
    if (type->kind == TYPE_VARIABLE) {
        note->is_unknown = true;
        forget_stack(checker, unit, state);
        return true;
    }
    if (!type_is_quotation(type))
        return checker->lenient ? (forget_stack(checker, unit, state), true) : fail_not_quotation(checker, node, type);
    if (type->effect->yields)
        return fail_yielding(checker, node);
    Effect *effect = effect_rename(checker->arena, type->effect);
    Stack *before = state->stack;
    Items items;
    uint32_t unknown = 0;
    if (stack_bottom(state->stack, NULL)->kind == ROW_UNKNOWN) {
        note->is_unknown = true; /* its row's function counts what is there */
        if (stack_bottom(effect->in, NULL)->kind != ROW_FRESH) {
            forget_stack(checker, unit, state);
            return true;
        }
    }
    if (!take_items(checker, unit, state, node, effect->in, &items, &unknown))
        return false;
    if (unknown) /* counted from the whole stack of the call; one that is too low is caught by the word itself */
        note->depth_check = items.count;
    for (uint32_t taken = items.count; taken-- > 0;) {
        if (!unify_types(&checker->unifier, items.taken[taken]->type, items.written[taken]) &&
            !mismatch(checker, node, before, effect))
            return false;
    }
    Row *declared = declared_row(effect);
    bool is_honest = !declared || runs_on_its_row(unit, declared, state->stack);
    if (!unify_row(&checker->unifier, stack_bottom(effect->in, NULL), state->stack) &&
        !mismatch(checker, node, before, effect))
        return false;
    if (!is_honest) {
        note->is_unknown = true; /* its row's function counts what is there */
        forget_stack(checker, unit, state);
        return true;
    }
    if (!item->proven)
        add_check(checker, &note->checks, index, KIND_QUOTATION, shape_of(effect));
    else
        demand_change(checker, &note->checks, index, effect);
    push_outputs(checker, unit, state, note, effect, false);
    return true;
}

/* --- literals --- */

static bool walk_apart(Checker *checker, Unit *unit, Body *body, State *state, bool is_tail) {
    /* a literal that became part of the code around it keeps an aux stack of its own */
    Stack *aux = state->aux;
    state->aux = NULL;
    if (!walk_body(checker, unit, body, state, is_tail))
        return false;
    if (state->aux) {
        report(checker, body->span, "unbalanced-aux",
               arena_format(checker->arena, "Quotation has unbalanced aux stack: %s remain%s",
                            text(checker, stack_push(checker->arena, stack_row(checker->arena, ROW_OWN, "aux"),
                                                     state->aux->type, false)),
                            state->aux->below ? "" : "s"));
        return checker->lenient;
    }
    state->aux = aux;
    return true;
}

static Literal *literal_of(Checker *checker, Node *node) {
    if (!node->quotation.checked)
        node->quotation.checked = arena_new(checker->arena, Literal);
    return node->quotation.checked;
}

/* Unit that is one literal's, on a stack of its own. */
static bool walk_literal_code(Checker *checker, Node *node, Stack *start, bool is_closed, Unit *unit, Stack **left) {
    uint32_t count;
    stack_bottom(start, &count);
    State state = {.stack = start, .height = count};
    *unit = (Unit){.literal = literal_of(checker, node), .is_closed = is_closed, .height_max = count};
    bool good = walk_apart(checker, unit, &node->quotation.body, &state, true);
    *left = state.stack;
    return good;
}

/* The expected inputs, as items that nobody has proven. */
static Stack *push_expected(Checker *checker, Stack *stack, Effect *expected, uint32_t *countp) {
    uint32_t count;
    stack_bottom(expected->in, &count);
    Type **types = arena_try(checker->arena, count * sizeof(Type *));
    *countp = count;
    if (!types)
        return stack;
    uint32_t index = 0;
    for (Stack *item = stack_prune(expected->in); !item->row; item = stack_prune(item->below))
        types[index++] = item->type;
    while (index > 0)
        stack = stack_push(checker->arena, stack, types[--index], false);
    return stack;
}

/* How many values below the expected inputs the body reaches: a matter of depth only. */
static uint32_t count_captures(Checker *checker, Node *node, Effect *expected) {
    Literal *literal = literal_of(checker, node);
    if (literal->is_counted)
        return literal->counted;
    bool was_lenient = checker->lenient;
    uint32_t mark = unifier_mark(&checker->unifier), count;
    DefinitionNote note = *checker->note;
    bool found_loose = checker->found_loose;
    Unit unit;
    Stack *left;
    checker->lenient = true;
    walk_literal_code(checker, node,
                      push_expected(checker, stack_row(checker->arena, ROW_OPEN, "rest"), expected, &count), false,
                      &unit, &left);
    checker->lenient = was_lenient;
    *checker->note = note;
    checker->found_loose = found_loose;
    unifier_undo(&checker->unifier, mark);
    literal->is_counted = true;
    literal->counted = unit.drawn;
    return unit.drawn;
}

static void push_literal(Checker *checker, Unit *unit, State *state, Node *node, const Unit *walked, Stack *in,
                         Stack *left) {
    Literal *literal = node->quotation.checked;
    Type *type = type_base(checker->arena, literal->is_closure ? TYPE_CLOSURE : TYPE_QUOTATION);
    type->effect = arena_new(checker->arena, Effect);
    bool is_known = stack_bottom(left, NULL)->kind != ROW_UNKNOWN;
    left = is_known ? unproven(checker, left) : with_bottom(checker, left, ROW_LEFT);
    *type->effect = (Effect){.in = in, .out = left, .yields = walked->yields};
    literal->mode = LITERAL_PUSHED;
    literal->type = type;
    literal->drawn = walked->drawn;
    literal->uses_unknown = walked->uses_unknown;
    literal->height_max = walked->height_max;
    push(checker, unit, state, type, is_known);
}

/* A literal whose place expects inputs, or a closure: it takes what more it needs off the stack, into the closure. */
static bool walk_expected(Checker *checker, Unit *unit, State *state, Node *node, Type *expected) {
    Literal *literal = literal_of(checker, node);
    uint32_t captures = count_captures(checker, node, expected->effect), unknown = 0;
    Stack *before = state->stack;
    Stack **captured = arena_try(checker->arena, captures * sizeof(Stack *));
    if (!captured)
        return false;
    for (uint32_t index = 0; index < captures; index++) {
        if (!take(checker, unit, state, &captured[index], &unknown)) {
            Diag *diag =
                report(checker, node->span, "closure-capture",
                       arena_format(checker->arena,
                                    "Closure capture error: the body needs %u value(s) below its inputs, only %u "
                                    "are on the stack",
                                    captures, index));
            if (diag)
                diag->stack_before = text(checker, before);
            return false;
        }
    }
    literal->capture_count = captures;
    literal->is_closure = expected->kind == TYPE_CLOSURE || captures > 0;
    if (checker->lenient) {
        push(checker, unit, state, expected, true);
        return true;
    }
    if (unknown) { /* nothing says that they are there: refused rather than checked, as a closure's inputs are its type */
        report(checker, node->span, "closure-capture",
               "Closure capture error: what lies on the stack here is not known, so nothing can be captured");
        return false;
    }
    Stack *bottom = stack_row(checker->arena, ROW_OPEN, "rest");
    Stack *start = push_expected(checker, bottom, expected->effect, &literal->expected);
    Stack *in = start;
    for (uint32_t index = captures; index-- > 0;)
        start = stack_push(checker->arena, start, captured[index]->type, captured[index]->proven);
    Unit walked;
    Stack *left;
    if (!walk_literal_code(checker, node, start, true, &walked, &left))
        return false;
    push_literal(checker, unit, state, node, &walked, in, left);
    return true;
}

/* A literal on its own: what its body takes are its inputs. */
static bool walk_unexpected(Checker *checker, Unit *unit, State *state, Node *node) {
    Literal *literal = literal_of(checker, node);
    Stack *in = stack_row(checker->arena, ROW_OPEN, "rest"), *left;
    Unit walked;
    literal->capture_count = literal->expected = 0;
    literal->is_closure = false;
    if (!walk_literal_code(checker, node, in, false, &walked, &left))
        return false;
    push_literal(checker, unit, state, node, &walked, in, left);
    return true;
}

/* The type of quotation that the word behind a literal wants on top; NULL when it wants none. */
static Type *expected_by(Checker *checker, const Node *next) {
    const EffectSyntax *effect = NULL;
    bool is_builtin = false;
    if (!next || next->kind != NODE_CALL)
        return NULL;
    if (next->call.target == TARGET_BUILTIN) {
        effect = resolver_word_effect(checker->resolved, next->call.word, checker->diags);
        is_builtin = true;
    } else if (next->call.target == TARGET_DEFINITION) {
        effect = next->call.definition->effect;
    }
    const TypeSyntax *top = effect ? effect->in.types : NULL;
    while (top && top->next)
        top = top->next;
    if (!top || top->kind == TYPE_SYNTAX_NAME)
        return NULL;
    TypeScope scope = type_scope(checker->arena, &checker->resolved->unions, is_builtin, false);
    return type_of_syntax(&scope, top);
}

static bool walk_literal(Checker *checker, Unit *unit, State *state, Node *node) {
    Type *expected = expected_by(checker, node->next);
    if (!expected && !unit->literal && !unit->inlined)
        expected = checker->wanted;
    uint32_t inputs = 0;
    if (expected)
        stack_bottom(expected->effect->in, &inputs);
    if (expected && (expected->kind == TYPE_CLOSURE || inputs > 0))
        return walk_expected(checker, unit, state, node, expected);
    return walk_unexpected(checker, unit, state, node);
}

/* --- shuffles --- */

enum { TAKEN_MAX = 4 };

/* Takes `count` items, the top first. */
static bool take_some(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note, uint32_t count,
                      Stack *taken[TAKEN_MAX]) {
    Stack *before = state->stack;
    uint32_t unknown = 0;
    for (uint32_t index = 0; index < count; index++) {
        if (!take(checker, unit, state, &taken[index], &unknown))
            return underflow(checker, node, before, count);
    }
    if (unknown)
        note->depth_check = count;
    return true;
}

static void push_item(Checker *checker, Unit *unit, State *state, const Stack *item) {
    push(checker, unit, state, item->type, item->proven);
}

/* What each shuffle leaves, as indexes from the top of what it takes, deepest first; and which must be uncounted for the raw form. */
typedef struct Shuffle {
    uint8_t in, out;
    uint8_t left[4];
    uint8_t raw[2]; /* items that are copied or dropped */
    uint8_t raw_count;
} Shuffle;

static const Shuffle shuffles[] = {
    [DO_DUP] = {1, 2, {0, 0}, {0}, 1},     [DO_DROP] = {1, 0, {0}, {0}, 1},
    [DO_SWAP] = {2, 2, {0, 1}, {0}, 0},    [DO_OVER] = {2, 3, {1, 0, 1}, {1}, 1},
    [DO_ROT] = {3, 3, {1, 0, 2}, {0}, 0},  [DO_NIP] = {2, 1, {0}, {1}, 1},
    [DO_TUCK] = {2, 3, {0, 1, 0}, {0}, 1}, [DO_2DUP] = {2, 4, {1, 0, 1, 0}, {0, 1}, 2},
    [DO_3DROP] = {3, 0, {0}, {0}, 0},
};

static bool walk_shuffle(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note,
                         const Shuffle *shuffle) {
    Stack *taken[TAKEN_MAX];
    if (!take_some(checker, unit, state, node, note, shuffle->in, taken))
        return false;
    for (uint32_t index = 0; index < shuffle->out; index++)
        push_item(checker, unit, state, taken[shuffle->left[index]]);
    note->raw = shuffle->raw_count > 0;
    for (uint32_t index = 0; index < shuffle->raw_count; index++)
        note->raw &= is_uncounted(taken[shuffle->raw[index]]);
    return true;
}

/* `N pick`, `N roll` with a literal N, typed exactly; and with a number that is known only at run time. */
static bool walk_pick(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note, const Node *previous,
                      bool is_roll) {
    Stack *taken[TAKEN_MAX], *row = stack_row(checker->arena, ROW_OWN, "a");
    const Effect wanted = {.in = stack_push(checker->arena, row, type_base(checker->arena, TYPE_INT), false),
                           .out = row};
    if (!take_some(checker, unit, state, node, note, 1, taken))
        return false;
    if (!unify_types(&checker->unifier, taken[0]->type, wanted.in->type))
        return mismatch(checker, node, stack_push(checker->arena, state->stack, taken[0]->type, false), &wanted);
    uint32_t known;
    Row *bottom = stack_bottom(state->stack, &known);
    if (previous && previous->kind == NODE_INT) {
        int64_t index = previous->integer;
        if (index < 0) {
            report(checker, node->span, "negative-index",
                   arena_format(checker->arena, "%s: index must be non-negative, got %lld", node_name(checker, node),
                                (long long)index));
            return false;
        }
        bool can_draw = bottom->kind == ROW_OPEN && !unit->is_closed && index <= INPUTS_MAX;
        if (index < known || can_draw) {
            uint32_t count = (uint32_t)index + 1, unknown = 0;
            Stack **items = arena_try(checker->arena, count * sizeof(Stack *));
            if (!items)
                return false;
            for (uint32_t item = 0; item < count; item++) {
                if (!take(checker, unit, state, &items[item], &unknown))
                    return underflow(checker, node, state->stack, count);
            }
            note->absorbs_literal = true;
            note->index = (uint32_t)index;
            for (uint32_t item = count; item-- > 0;) {
                if (!is_roll || item != index)
                    push_item(checker, unit, state, items[item]);
            }
            push_item(checker, unit, state, items[index]);
            note->raw = is_uncounted(items[index]);
            return true;
        }
    }
    demand(checker, &note->checks, 0, taken[0], type_base(checker->arena, TYPE_INT), false);
    note->is_dynamic = true;
    if (is_roll) { /* which of them moved nobody knows, only that it is one of this code's own */
        Stack *item;
        uint32_t unknown = 0;
        unit->uses_unknown = true;
        state->stack = unproven(checker, state->stack);
        if (!take(checker, unit, state, &item, &unknown))
            return underflow(checker, node, state->stack, 2);
        if (unknown)
            note->depth_check = 2;
        state->stack = unproven(checker, state->stack);
    }
    push(checker, unit, state, type_variable(checker->arena, "T"), false);
    return true;
}

/* One more value waits on the aux stack; false when that is too many. */
static bool count_aux(Checker *checker, State *state, const Node *node) {
    if (++state->aux_count <= AUX_MAX)
        return true;
    fail_limit(checker, node->span, "more than %u values on the aux stack", AUX_MAX);
    return false;
}

static bool walk_aux(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note, bool is_from) {
    if (is_from) {
        if (!state->aux) {
            Diag *diag = report(checker, node->span, "aux-underflow", "aux>: aux stack is empty");
            if (diag)
                diag->hint = "Move a value there with >aux first, in the same word or quotation.";
            return false;
        }
        push_item(checker, unit, state, state->aux);
        state->aux = state->aux->below;
        state->aux_count--;
        return true;
    }
    Stack *taken[TAKEN_MAX];
    if (!take_some(checker, unit, state, node, note, 1, taken) || !count_aux(checker, state, node))
        return false;
    state->aux = stack_push(checker->arena, state->aux, taken[0]->type, taken[0]->proven);
    return true;
}

static bool demand_bool(Checker *checker, const Node *node, const Stack *item, SlotCheck **checks, uint32_t index) {
    if (!unify_types(&checker->unifier, item->type, type_base(checker->arena, TYPE_BOOL))) {
        report(checker, node->span, "condition-not-bool",
               arena_format(checker->arena, "%s condition must be Bool: Type mismatch: cannot unify Bool with %s",
                            node_name(checker, node), type_text(checker->diags, item->type)));
        return checker->lenient;
    }
    demand(checker, checks, index, item, type_base(checker->arena, TYPE_BOOL), false);
    return true;
}

static bool fail_branches(Checker *checker, const Node *node, const char *what, Stack *first, Stack *second) {
    Diag *diag = report(
        checker, node->span, "branch-mismatch",
        arena_format(
            checker->arena,
            "%s branches have incompatible stack effects:\n  then branch produces: %s\n  else branch produces: %s",
            what, text(checker, first), text(checker, second)));
    if (diag) {
        diag->found = checker->unifier.reason;
        diag->hint = "Both branches of an if must leave the same stack; push or drop in one of them.";
    }
    return checker->lenient;
}

/* dip keep bi if call on values. */
static bool walk_dynamic(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note, CompilerWord word) {
    static const uint8_t inputs[] = {[DO_CALL] = 1, [DO_DIP] = 2, [DO_KEEP] = 2, [DO_BI] = 3, [DO_IF] = 3};
    Stack *taken[TAKEN_MAX];
    if (!take_some(checker, unit, state, node, note, inputs[word], taken))
        return false;
    State other;
    switch (word) {
    case DO_CALL:
        return apply_quotation(checker, unit, state, node, note, taken[0], 0);
    case DO_DIP:
        if (!apply_quotation(checker, unit, state, node, note, taken[0], 0))
            return false;
        push_item(checker, unit, state, taken[1]);
        return true;
    case DO_KEEP:
        push_item(checker, unit, state, taken[1]);
        if (!apply_quotation(checker, unit, state, node, note, taken[0], 0))
            return false;
        push_item(checker, unit, state, taken[1]);
        return true;
    case DO_BI:
        push_item(checker, unit, state, taken[2]);
        if (!apply_quotation(checker, unit, state, node, note, taken[1], 1))
            return false;
        push_item(checker, unit, state, taken[2]);
        return apply_quotation(checker, unit, state, node, note, taken[0], 0);
    default:
        if (!demand_bool(checker, node, taken[2], &note->checks, 2))
            return false;
        other = *state;
        if (!apply_quotation(checker, unit, state, node, note, taken[1], 1) ||
            !apply_quotation(checker, unit, &other, node, note, taken[0], 0))
            return false;
        if (!join_stacks(checker, unit, state->stack, other.stack, &state->stack))
            return fail_branches(checker, node, "if", state->stack, other.stack);
        return true;
    }
}

/* Nothing is known about what a cond takes, not even that its number is there: the word looks when it runs. */
static bool walk_cond_word(Checker *checker, Unit *unit, State *state, CallNote *note) {
    note->is_dynamic = note->needs_room = true;
    forget_stack(checker, unit, state);
    return true;
}

/* --- literals that are part of the code around them --- */

static bool walk_inline(Checker *checker, Unit *unit, Node *node, Node *literal, State *state, bool is_tail) {
    literal_of(checker, literal)->mode = LITERAL_INLINE;
    bool yields = unit->yields;
    unit->yields = false;
    unit->inlined++;
    bool good = walk_apart(checker, unit, &literal->quotation.body, state, is_tail);
    unit->inlined--;
    if (good && unit->yields)
        good = fail_yielding(checker, node);
    unit->yields |= yields;
    return good;
}

static bool walk_inlined(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note, CompilerWord word,
                         bool is_tail) {
    Stack *taken[TAKEN_MAX];
    if (word == DO_CALL)
        return walk_inline(checker, unit, node, note->inlined, state, is_tail);
    if (!take_some(checker, unit, state, node, note, 1, taken) || !count_aux(checker, state, node))
        return false;
    note->raw = is_uncounted(taken[0]);
    if (word != DO_DIP)
        push_item(checker, unit, state, taken[0]);
    if (!walk_inline(checker, unit, node, note->inlined, state, false))
        return false;
    state->aux_count--;
    push_item(checker, unit, state, taken[0]);
    return word != DO_BI || walk_inline(checker, unit, node, note->inlined->next, state, false);
}

/*
 * A cond whose quotations are all literals runs as a chain of branches, if
 * predicates leave the stack as it was and bodies agree. Nothing is lost if they
 * do not: then the literals are pushed and the word looks when it runs.
 */
static bool try_cond(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note, bool is_tail) {
    State result = {0};
    Node *literal = note->inlined;
    for (uint32_t pair = 0; pair < note->inlined_count / 2; pair++, literal = literal->next->next) {
        State tried = *state;
        Stack *taken;
        uint32_t unknown = 0;
        Body *predicate = &literal->quotation.body;
        predicate->exit_checks = NULL;
        if (!walk_inline(checker, unit, node, literal, &tried, false) ||
            !take(checker, unit, &tried, &taken, &unknown) || unknown ||
            !demand_bool(checker, node, taken, &predicate->exit_checks, 0) ||
            !join_stacks(checker, unit, state->stack, tried.stack, &state->stack))
            return false;
        tried = *state;
        if (!walk_inline(checker, unit, node, literal->next, &tried, is_tail))
            return false;
        if (pair == 0)
            result = tried;
        else if (!join_stacks(checker, unit, result.stack, tried.stack, &result.stack))
            return false;
        Row *bottom = stack_bottom(result.stack, NULL);
        if (bottom->kind == ROW_UNKNOWN && bottom != stack_bottom(state->stack, NULL))
            return false;
        if (tried.height > result.height)
            result.height = tried.height;
    }
    result.aux = state->aux;
    *state = result;
    return true;
}

static bool walk_cond_inline(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note, bool is_tail) {
    State start = *state;
    Unit code_before = *unit;
    DefinitionNote note_before = *checker->note;
    bool was_quiet = checker->quiet, found_loose = checker->found_loose;
    uint32_t mark = unifier_mark(&checker->unifier);
    checker->quiet = true;
    bool good = try_cond(checker, unit, state, node, note, is_tail);
    checker->quiet = was_quiet;
    if (!good) {
        unifier_undo(&checker->unifier, mark);
        *state = start;
        *unit = code_before;
        *checker->note = note_before;
        checker->found_loose = found_loose;
    }
    return good;
}

/* The call that the run of literals starting at `first` is part of, or NULL; `*countp` is how many literals it takes. */
static Node *inlining_call(Checker *checker, Node *first, uint32_t *countp) {
    Node *next = first->next;
    CompilerWord word = next ? compiler_word(next) : DO_NOTHING;
    *countp = 1;
    if (word == DO_CALL || word == DO_DIP || word == DO_KEEP)
        return next;
    if (!next || next->kind != NODE_QUOTATION)
        return NULL;
    uint32_t run = 1;
    for (; next && next->kind == NODE_QUOTATION; next = next->next)
        run++;
    if (!next)
        return NULL;
    if (run == 2 && compiler_word(next) == DO_BI) {
        *countp = 2;
        return next;
    }
    bool is_cond = next->kind == NODE_INT && next->next && compiler_word(next->next) == DO_COND;
    if (!is_cond || checker->lenient || checker->no_inlined_cond || literal_of(checker, first)->cond_failed ||
        next->integer < 1 || next->integer * 2 != run)
        return NULL;
    *countp = run;
    return next->next;
}

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
    Diag *diag = report(checker, node->span, "unresolved-operator", message);
    if (diag) {
        diag->stack_before = text(checker, before);
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
    if (!apply_effect(checker, unit, state, node, note, effect, (Applied){.trusted = called->checked->trusted}))
        return false;
    if (called->checked->loose) { /* it may have taken more than it says, and left something else */
        note->depth_check = called->checked->shape.in + called->checked->drawn;
        note->needs_room = true;
        forget_stack(checker, unit, state);
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
    return apply_effect(checker, unit, state, node, note, effect,
                        (Applied){.trusted = true, .checks_quotations = true});
}

static bool walk_compiler_word(Checker *checker, Unit *unit, State *state, Node *node, const Node *previous,
                               CallNote *note, bool is_tail) {
    CompilerWord word = compiler_word(node);
    switch (word) {
    case DO_PICK:
    case DO_ROLL:
        return walk_pick(checker, unit, state, node, note, previous, word == DO_ROLL);
    case DO_TO_AUX:
    case DO_FROM_AUX:
        return walk_aux(checker, unit, state, node, note, word == DO_FROM_AUX);
    case DO_CALL:
    case DO_DIP:
    case DO_KEEP:
    case DO_BI:
        return note->inlined ? walk_inlined(checker, unit, state, node, note, word, is_tail)
                             : walk_dynamic(checker, unit, state, node, note, word);
    case DO_IF:
        return walk_dynamic(checker, unit, state, node, note, word);
    case DO_COND:
        return walk_cond_word(checker, unit, state, note);
    default:
        return walk_shuffle(checker, unit, state, node, note, &shuffles[word]);
    }
}

static bool walk_call(Checker *checker, Unit *unit, State *state, Node *node, const Node *previous, CallNote *note,
                      bool is_tail) {
    node->call.checked = note;
    note->is_tail = is_tail;
    switch (node->call.target) {
    case TARGET_SUGAR:
        if (!resolve_sugar(checker, node, state))
            return false;
        return call_builtin(checker, unit, state, node, note);
    case TARGET_BUILTIN:
        if (compiler_word(node) != DO_NOTHING)
            return walk_compiler_word(checker, unit, state, node, previous, note, is_tail);
        return call_builtin(checker, unit, state, node, note);
    case TARGET_DEFINITION:
        return call_definition(checker, unit, state, node, note);
    case TARGET_CONSTRUCT:
    case TARGET_IS:
    case TARGET_FIELD: {
        Effect *effect = union_effect(checker, node);
        bool trusted = node->call.target == TARGET_IS;
        if (node->call.target == TARGET_CONSTRUCT) /* fields are checked where they are used */
            return apply_effect(checker, unit, state, node, note, effect, (Applied){.checks_quotations = true}) &&
                   (note->checks = NULL, true);
        return apply_effect(checker, unit, state, node, note, effect,
                            (Applied){.trusted = trusted, .checks_quotations = true});
    }
    case TARGET_NONE:
        return false; /* the resolver has said so */
    }
    unreachable();
}

/* --- branches --- */

/* The stack without the `count` items that lie below the `kept` topmost ones. */
static Stack *without_below(Checker *checker, Stack *stack, uint32_t kept, uint32_t count) {
    Stack *result = NULL, **hole = &result;
    for (stack = stack_prune(stack); kept > 0; kept--, stack = stack_prune(stack->below)) {
        *hole = stack_push(checker->arena, NULL, stack->type, stack->proven);
        hole = &(*hole)->below;
    }
    for (; count > 0; count--)
        stack = stack_prune(stack->below);
    *hole = stack;
    return result;
}

/* A branch that ends in a call of the word itself, or of one that calls it back, is taken not to return. */
static bool body_diverges(const Checker *checker, const Body *body) {
    const Node *last = body->last;
    return last && last->kind == NODE_CALL && last->call.target == TARGET_DEFINITION &&
           last->call.definition->component == checker->definition->component;
}

/*
 * One branch diverges: the other decides what is on the stack behind the if.
 * Should the call return after all, what the branch left too much goes: values
 * below the call's results, and on the aux stack. What cannot be mended so is
 * a trap there.
 */
static void join_divergent(Checker *checker, Unit *unit, Body *diverging, const State *left, State *state,
                           bool is_end) {
    uint32_t mark = unifier_mark(&checker->unifier), left_count, count, aux_count = 0;
    Row *left_row = stack_bottom(left->stack, &left_count), *row = stack_bottom(state->stack, &count);
    uint32_t results = diverging->last->call.definition->checked->shape.out;
    Stack *aux = left->aux, *joined, *joined_aux, *mended = left->stack;
    uint32_t aux_kept = 0;
    for (Stack *item = state->aux; item; item = item->below)
        aux_kept++;
    for (Stack *item = left->aux; item; item = item->below)
        aux_count++;
    diverging->surplus = diverging->aux_surplus = 0;
    for (; aux_count > aux_kept; aux_count--, aux = aux->below)
        diverging->aux_surplus++;
    if (left_row == row && left_count > count && results <= count) {
        diverging->surplus = left_count - count;
        mended = without_below(checker, left->stack, results, diverging->surplus);
    }
    diverging->kept = results;
    diverging->never_returns =
        !join_aux(checker, state->aux, aux, &joined_aux) || !join_stacks(checker, unit, state->stack, mended, &joined);
    if (diverging->never_returns)
        unifier_undo(&checker->unifier, mark);
    else
        state->stack = joined;
    if (is_end) /* what is checked there lies elsewhere when the surplus is gone */
        note_exit(checker, diverging, mended);
}

static bool walk_if(Checker *checker, Unit *unit, State *state, Node *node, bool is_tail) {
    Stack *before = state->stack, *taken;
    Body *then_body = &node->branch.then_body, *else_body = &node->branch.else_body;
    uint32_t unknown = 0;
    node->branch.checks = NULL;
    if (!take(checker, unit, state, &taken, &unknown))
        return underflow(checker, node, before, 1);
    node->branch.depth_check = unknown ? 1 : 0;
    if (!demand_bool(checker, node, taken, &node->branch.checks, 0))
        return false;
    State other = *state;
    then_body->never_returns = else_body->never_returns = false;
    then_body->surplus = then_body->aux_surplus = else_body->surplus = else_body->aux_surplus = 0;
    if (!walk_body(checker, unit, then_body, state, is_tail) || !walk_body(checker, unit, else_body, &other, is_tail))
        return false;
    bool then_diverges = body_diverges(checker, then_body), else_diverges = body_diverges(checker, else_body);
    if (then_diverges != else_diverges) {
        State ended = then_diverges ? *state : other;
        if (then_diverges)
            *state = other;
        join_divergent(checker, unit, then_diverges ? then_body : else_body, &ended, state, is_tail && !unit->literal);
        return true;
    }
    if (!join_aux(checker, state->aux, other.aux, &state->aux)) {
        report(checker, node->span, "branch-mismatch",
               "if/else branches have incompatible aux stack effects: they leave different values on it");
        return checker->lenient;
    }
    Stack *joined;
    if (!join_stacks(checker, unit, state->stack, other.stack, &joined))
        return fail_branches(checker, node, "if/else", state->stack, other.stack);
    state->stack = joined;
    if (other.height > state->height)
        state->height = other.height;
    return true;
}

static void push_fields(Checker *checker, Unit *unit, State *state, const Arm *arm) {
    TypeScope scope = type_scope(checker->arena, &checker->resolved->unions, false, false);
    if (!arm->has_bindings) {
        for (const Field *field = arm->definition->fields; field; field = field->next)
            push(checker, unit, state, type_of_name(&scope, field->type.bytes), false);
        return;
    }
    for (const Binding *binding = arm->bindings; binding; binding = binding->next) {
        const Field *field = arm->definition->fields;
        for (uint32_t index = 0; index < binding->index; index++)
            field = field->next;
        push(checker, unit, state, type_of_name(&scope, field->type.bytes), false);
    }
    if (unit->height_max <= state->height) /* the variant stays below its fields while these are pushed */
        unit->height_max = state->height + 1;
}

static bool fail_arms(Checker *checker, const Node *node, const char *what, const State *states) {
    Buffer out;
    buffer_init(&out, checker->arena->mem);
    buffer_append_format(&out, "match arms have incompatible %s effects:", what);
    uint32_t index = 0;
    for (const Arm *arm = node->match.arms; arm; arm = arm->next, index++)
        buffer_append_format(&out, "\n  arm %u (line %u) produces: %s", index, span_line(arm->variant.span),
                             text(checker, states[index].stack));
    Diag *diag = report(checker, node->span, "arm-mismatch", arena_copy(checker->arena, buffer_text(&out), out.size));
    if (diag)
        diag->found = checker->unifier.reason;
    buffer_deinit(&out);
    return checker->lenient;
}

static bool walk_match(Checker *checker, Unit *unit, State *state, Node *node, bool is_tail) {
    Stack *before = state->stack, *taken;
    uint32_t unknown = 0;
    if (!take(checker, unit, state, &taken, &unknown))
        return underflow(checker, node, before, 1);
    node->match.depth_check = unknown ? 1 : 0;
    State *states = arena_try(checker->arena, node->match.arm_count * sizeof(State));
    if (!states)
        return false;
    uint32_t index = 0;
    for (Arm *arm = node->match.arms; arm; arm = arm->next, index++) {
        if (!arm->definition)
            return false; /* the resolver has said so */
        states[index] = *state;
        push_fields(checker, unit, &states[index], arm);
        if (!walk_body(checker, unit, &arm->body, &states[index], is_tail))
            return false;
    }
    State result = states[0];
    for (index = 1; index < node->match.arm_count; index++) {
        if (!join_stacks(checker, unit, result.stack, states[index].stack, &result.stack))
            return fail_arms(checker, node, "stack", states);
        if (!join_aux(checker, result.aux, states[index].aux, &result.aux))
            return fail_arms(checker, node, "aux stack", states);
        if (states[index].height > result.height)
            result.height = states[index].height;
    }
    *state = result;
    return true;
}

/* --- bodies --- */

/*
 * Where a word may end: what its effect promises and the stack does not prove
 * is checked there, in each branch for itself, so that a branch that ends in
 * a tail call keeps it.
 */
static void note_exit(Checker *checker, Body *body, Stack *left) {
    body->exit_checks = NULL;
    if (!checker->note->trusted)
        return;
    Stack *item = stack_prune(left), *declared = checker->declared_out;
    const Stack any = {.type = type_variable(checker->arena, "T")};
    for (uint32_t index = 0; !declared->row && (!item->row || item->row->kind == ROW_UNKNOWN); index++) {
        demand(checker, &body->exit_checks, index, item->row ? &any : item, declared->type, false);
        if (!item->row)
            item = stack_prune(item->below);
        declared = declared->below;
    }
}

static bool walk_node(Checker *checker, Unit *unit, State *state, Node *node, const Node *previous, bool is_tail) {
    switch (node->kind) {
    case NODE_INT:
        push_base(checker, unit, state, TYPE_INT);
        return true;
    case NODE_FLOAT:
        push_base(checker, unit, state, TYPE_FLOAT);
        return true;
    case NODE_BOOL:
        push_base(checker, unit, state, TYPE_BOOL);
        return true;
    case NODE_STRING:
        push_base(checker, unit, state, TYPE_STRING);
        return true;
    case NODE_SYMBOL:
        push_base(checker, unit, state, TYPE_SYMBOL);
        return true;
    case NODE_QUOTATION:
        return walk_literal(checker, unit, state, node);
    case NODE_CALL:
        return walk_call(checker, unit, state, node, previous, arena_new(checker->arena, CallNote), is_tail);
    case NODE_IF:
        return walk_if(checker, unit, state, node, is_tail);
    case NODE_MATCH:
        return walk_match(checker, unit, state, node, is_tail);
    }
    unreachable();
}

/* Its branches are bodies that end where this one does, and see to what is checked there. */
static bool is_branching(const Node *node) {
    if (node->kind == NODE_IF || node->kind == NODE_MATCH)
        return true;
    CompilerWord word = compiler_word(node);
    return (word == DO_CALL || word == DO_COND) && node->call.checked->inlined;
}

static bool walk_body(Checker *checker, Unit *unit, Body *body, State *state, bool is_tail) {
    Node *previous = NULL;
    for (Node *node = body->first; node; previous = node, node = node->next) {
        if (checker->arena->failed)
            return false;
        uint32_t count;
        Node *call = node->kind == NODE_QUOTATION ? inlining_call(checker, node, &count) : NULL;
        if (call) {
            CallNote *note = arena_new(checker->arena, CallNote);
            *note = (CallNote){.inlined = node, .inlined_count = count};
            bool is_last = is_tail && !call->next;
            if (compiler_word(call) == DO_COND) {
                note->absorbs_literal = true;
                note->is_tail = is_last;
                if (walk_cond_inline(checker, unit, state, call, note, is_last)) {
                    checker->inlined_cond = true;
                    call->call.checked = note;
                    node = call;
                    continue;
                }
                literal_of(checker, node)->cond_failed = true;
            } else {
                if (!walk_call(checker, unit, state, call, NULL, note, is_last))
                    return false;
                node = call;
                continue;
            }
        }
        if (!walk_node(checker, unit, state, node, previous, is_tail && !node->next))
            return false;
    }
    if (is_tail && !unit->literal && !(body->last && is_branching(body->last)))
        note_exit(checker, body, state->stack);
    return true;
}

/* --- whole words --- */

static bool fail_end(Checker *checker, Stack *left) {
    Diag *diag = report(checker, checker->definition->span, "effect-mismatch",
                        arena_format(checker->arena, "Word '%s': declared output stack %s doesn't match inferred %s",
                                     word_name(checker), text(checker, checker->declared_out), text(checker, left)));
    if (diag) {
        diag->expected = text(checker, checker->declared_out);
        diag->found = text(checker, left);
        diag->stack_after = diag->found;
        diag->hint = checker->unifier.reason;
    }
    return false;
}

static bool check_end(Checker *checker, const Unit *unit, const State *state, const Effect *declared) {
    if (state->aux) {
        Stack *aux = stack_row(checker->arena, ROW_OWN, "aux");
        for (Stack *item = state->aux; item; item = item->below)
            aux = stack_push(checker->arena, aux, item->type, false);
        report(checker, checker->definition->span, "unbalanced-aux",
               arena_format(checker->arena, "Word '%s': aux stack is not empty at word return: %s remain",
                            word_name(checker), text(checker, aux)));
        return false;
    }
    if (!unify_stacks(&checker->unifier, state->stack, declared->out))
        return fail_end(checker, state->stack);
    if (stack_bottom(state->stack, NULL)->kind == ROW_UNKNOWN &&
        stack_bottom(declared->out, NULL) != stack_bottom(declared->in, NULL))
        note_loose(checker); /* nothing says how the one row came from the other */
    if (unit->yields == declared->yields)
        return true;
    report(checker, checker->definition->span, "yield-mismatch",
           arena_format(checker->arena,
                        unit->yields ? "Word '%s': body produces effect 'Yield T' but no matching effect is declared"
                                     : "Word '%s': declares effect 'Yield' but body doesn't produce it",
                        word_name(checker)));
    return false;
}

/* A row of the effect that the body bound to something says less than its author meant: callers cannot rely on depths. */
static void find_loose(Checker *checker, const TypeScope *scope) {
    for (const struct TypeName *name = scope->names; name; name = name->next) {
        bool is_rest = name->row && name->row->row->kind == ROW_RIGID;
        if (name->row && !is_rest && name->row->row->bound)
            note_loose(checker);
    }
}

/* Walks the word's body; false when it does not do what its effect says. */
static bool walk_definition(Checker *checker, Definition *definition) {
    TypeScope scope = type_scope(checker->arena, &checker->resolved->unions, false, true);
    Effect *declared = effect_of_syntax(&scope, definition->effect);
    uint32_t count;
    stack_bottom(declared->in, &count);
    checker->definition = definition;
    checker->note = definition->checked;
    checker->declared_out = declared->out;
    checker->wanted = !declared->out->row && type_is_quotation(declared->out->type) ? declared->out->type : NULL;

    /* declared inputs of base types are proven: callers see to it */
    Stack *start = declared->in;
    for (Stack *item = start; !item->row; item = item->below)
        item->proven = type_proves(item->type) >= 0;
    State state = {.stack = start, .height = count};
    Unit unit = {.height_max = count};
    if (!walk_body(checker, &unit, &definition->body, &state, true) || !check_end(checker, &unit, &state, declared))
        return false;
    find_loose(checker, &scope);
    definition->checked->drawn = unit.drawn;
    definition->checked->uses_unknown = unit.uses_unknown;
    definition->checked->height_max = unit.height_max;
    return true;
}

/*
 * A cond is not type-checked (spec/language.md), yet knowing what it leaves makes
 * good code. So it is looked into first; if the word then does not fit, it is
 * walked again with conds of which nothing is known, and that walk's word holds.
 */
static void check_definition(Checker *checker, Definition *definition) {
    if (!definition->effect || definition->has_errors)
        return;
    if (definition->effect->in.count > VALUES_MAX || definition->effect->out.count > VALUES_MAX) {
        checker->definition = definition;
        fail_limit(checker, definition->span, "an effect of more than %u values on a side", VALUES_MAX);
        definition->has_errors = true;
        return;
    }
    DefinitionNote note = *definition->checked;
    bool found_loose = checker->found_loose;
    checker->quiet = true;
    checker->inlined_cond = false;
    bool good = walk_definition(checker, definition);
    checker->quiet = false;
    if (good)
        return;
    unifier_undo(&checker->unifier, 0);
    *definition->checked = note;
    checker->found_loose = found_loose;
    checker->no_inlined_cond = checker->inlined_cond;
    definition->has_errors = !walk_definition(checker, definition);
    checker->no_inlined_cond = false;
}

/* --- which words' outputs are trusted --- */

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
static void find_trusted(Checker *checker) {
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

static void start_notes(Checker *checker) {
    for (Definition *definition = checker->resolved->tree->definitions; definition; definition = definition->next) {
        DefinitionNote *note = arena_new(checker->arena, DefinitionNote);
        note->trusted = true;
        if (definition->effect)
            note->shape = (Shape){(uint16_t)definition->effect->in.count, (uint16_t)definition->effect->out.count};
        definition->checked = note;
    }
}

int checker_check(Resolved *resolved, DiagList *diags) {
    Checker checker = {.resolved = resolved, .arena = resolved->arena, .diags = diags};
    unifier_init(&checker.unifier, checker.arena, diags, checker.arena->mem);
    start_notes(&checker);
    find_trusted(&checker);
    uint32_t errors;
    do {
        checker.found_loose = false;
        errors = diags->error_count;
        for (Definition *definition = resolved->tree->definitions; definition && !checker.arena->failed;
             definition = definition->next) {
            check_definition(&checker, definition);
            checker.unifier.trail.count = 0; /* nothing goes back beyond a word */
        }
    } while (checker.found_loose && diags->error_count == errors && !checker.arena->failed);
    bool failed = checker.arena->failed || checker.unifier.trail.failed;
    unifier_deinit(&checker.unifier);
    return failed ? -ENOMEM : 0;
}
