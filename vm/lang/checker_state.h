/* SPDX-License-Identifier: MIT */
/*
 * What the files of the checker share, and nobody else includes.
 *
 * The checker walks each body with the stack as it would be, item by item.
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
 * reaches (checker_walk_literal); and as a try that may be taken back (a cond
 * whose quotations are literals). Only the first reports errors.
 *
 * What walks returns false when it met something that does not fit, and has
 * reported it then.
 */
#pragma once

#include "vm/lang/checker.h"
#include "vm/lang/unify.h"

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

typedef struct RefusedCond { /* it did not fit as a chain of branches */
    struct RefusedCond *next;
    const Node *node;
    const char *reason;
} RefusedCond;

typedef struct Checker {
    Resolved *resolved;
    Arena *arena;
    DiagList *diags;
    Unifier unifier;
    Definition *definition;
    DefinitionNote *note;
    Stack *declared_out;
    Type *wanted; /* the topmost declared output when it is a quotation: what literals in the word are expected to be */
    const Node *untyped_cond; /* the last one passed in the word of which it is not known what it leaves; or NULL */
    struct RefusedCond *refused_conds;
    const Literal *capturing; /* the last literal that captured; or NULL */
    const char *unreported;   /* the last error that was not, as this is a try */
    bool lenient;             /* counting: types need not fit */
    bool quiet;               /* trying: errors are not reported */
    bool found_loose;         /* a word turned out loose: its callers are to be checked again */
    bool inlined_cond;        /* in the word being checked, a cond became a chain of branches */
    bool no_inlined_cond;     /* none may: what they leave was found to be in the way */
} Checker;

/* --- errors --- */

const char *checker_word_name(Checker *checker);
/* An error in the word being checked; NULL when nobody is to hear of it. A `message` of NULL: there was no memory for it. */
Diag *checker_report(Checker *checker, Span span, const char *diag_code, const char *message);
const char *checker_text(Checker *checker, Stack *stack);
const char *checker_node_name(Checker *checker, const Node *node);
/* Adds to an error of `node` (NULL: at the end of a word) what the stack before it does not tell by itself. */
void checker_explain(Checker *checker, Diag *diag, const Node *node, Stack *before);
/* Reports, and returns false. */
bool checker_underflow(Checker *checker, const Node *node, Stack *before, uint32_t required);
void checker_fail_limit(Checker *checker, Span span, const char *format, uint32_t limit);

/* --- taking from the stack and pushing --- */

enum { TAKEN_MAX = 4 };

void checker_push(Checker *checker, Unit *unit, State *state, Type *type, bool proven);
void checker_push_item(Checker *checker, Unit *unit, State *state, const Stack *item);
/* The top item goes off the stack; false when there is none to take. `*unknownp` counts those that nobody knows to be there. */
bool checker_take(Checker *checker, Unit *unit, State *state, Stack **item, uint32_t *unknownp);
/* Takes `count` items, the top first. */
bool checker_take_some(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note, uint32_t count,
                       Stack *taken[TAKEN_MAX]);
/* From here on nothing is known of what lies on the stack. */
void checker_forget_stack(Checker *checker, Unit *unit, State *state);
/* The word's rows say less than their author meant; its callers are to know. */
void checker_note_loose(Checker *checker);
/* One more value waits on the aux stack; false when that is too many. */
bool checker_count_aux(Checker *checker, State *state, const Node *node);
/* The type of the item `index` below the top, without taking anything; NULL when it is not known to be there. */
Type *checker_peek(Stack *stack, uint32_t index);
/* The same items, none of them proven. */
Stack *checker_unproven(Checker *checker, Stack *stack);
/* The same items, none of them proven, above another row. */
Stack *checker_with_bottom(Checker *checker, Stack *stack, RowKind kind);
/* Its value surely needs no counting of references. */
bool checker_is_uncounted(const Stack *item);
/* The notes of a quotation literal, made when they are first asked for. */
Literal *checker_literal_of(Checker *checker, Node *node);

/* --- joining what two ways left; false, with the unifier's reason, when they do not agree --- */

bool checker_join_stacks(Checker *checker, Unit *unit, Stack *a, Stack *b, Stack **joined);
bool checker_join_aux(Checker *checker, Stack *a, Stack *b, Stack **joined);

/* --- checks that are noted (checker_demand.c) --- */

void checker_add_check(Checker *checker, SlotCheck **checks, uint32_t index, Kind kind, Shape shape);
/* The shape that a quotation of this effect has for whoever calls it: any change of depth when the two rows differ. */
Shape checker_shape_of(Effect *effect);
/*
 * Notes the check, if one is needed, of slot `index` where `item` is used as
 * `written` says. A quotation that belongs to a row of the word's own is checked
 * too: what it was declared to be does not bind its depth.
 */
void checker_demand(Checker *checker, SlotCheck **checks, uint32_t index, const Stack *item, Type *written,
                    bool was_declared);
/* In a loose word: the check of how a quotation changes the depth. */
void checker_demand_change(Checker *checker, SlotCheck **checks, uint32_t index, Effect *effect);
/* The check of a quotation that is to run on a stack of which nothing is known. */
void checker_demand_counted(Checker *checker, CallNote *note, uint32_t index, const Stack *item, Type *written,
                            uint32_t taken);
/* The condition of a branch is a Bool, or an error. */
bool checker_demand_bool(Checker *checker, const Node *node, const Stack *item, SlotCheck **checks, uint32_t index);
/* A quotation type that says how it changes the depth. */
bool checker_changes_known(const Type *type);
/* The row below what a quotation takes, when the word being checked declared it. */
Row *checker_declared_row(const Effect *effect);
/* Whether a quotation of a row that its word declared is run on just that row. */
bool checker_runs_on_its_row(const Unit *unit, const Row *declared, Stack *stack);
/* The notes of a body's end, made when they are first asked for. */
BodyNote *checker_body_note(Checker *checker, Body *body);
/* Notes what is to be checked at the end of a body where its word may end. */
void checker_note_exit(Checker *checker, Body *body, Stack *left);

/* --- effects applied (checker_apply.c) --- */

typedef struct Applied {
    bool trusted;           /* definite outputs are proven */
    bool checks_quotations; /* by itself, when it runs: a builtin */
    uint32_t more_inputs;   /* that a loose word takes beyond its effect */
} Applied;

bool checker_apply_effect(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note, Effect *effect,
                          Applied how);
/* What running the quotation `item`, slot `index` of the call, does to the stack. */
bool checker_apply_quotation(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note, const Stack *item,
                             uint32_t index);
/* Reports that the stack is not what `wanted` takes. True when types need not fit. */
bool checker_mismatch(Checker *checker, const Node *node, Stack *before, const Effect *wanted);
/* Reports a quotation that yields where none may; returns false. */
bool checker_fail_yielding(Checker *checker, Node *node);

static inline CompilerWord compiler_word(const Node *node) {
    return node->kind == NODE_CALL && node->call.target == TARGET_BUILTIN ? node->call.does : DO_NOTHING;
}

/* --- calls (checker_call.c), and the words that the checker knows (checker_words.c) --- */

bool checker_walk_call(Checker *checker, Unit *unit, State *state, Node *node, const Node *previous, CallNote *note,
                       bool is_tail);
bool checker_walk_compiler_word(Checker *checker, Unit *unit, State *state, Node *node, const Node *previous,
                                CallNote *note, bool is_tail);

/* --- literals (checker_literal.c) --- */

bool checker_walk_literal(Checker *checker, Unit *unit, State *state, Node *node);
/* The call that the run of literals starting at `first` is part of, or NULL; `*countp` is how many literals it takes. */
Node *checker_inlining_call(Checker *checker, Node *first, uint32_t *countp);
/* The body of a literal, as a part of the code around it. */
bool checker_walk_inline(Checker *checker, Unit *unit, Node *node, Node *literal, State *state, bool is_tail);
/* A call, dip, keep or bi with the literals before it. */
bool checker_walk_inlined(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note, CompilerWord word,
                          bool is_tail);

/* --- branches (checker_branch.c) --- */

bool checker_walk_if(Checker *checker, Unit *unit, State *state, Node *node, bool is_tail);
bool checker_walk_match(Checker *checker, Unit *unit, State *state, Node *node, bool is_tail);
/* A cond as a chain of branches; false, with all as it was before, when it cannot be one. */
bool checker_walk_cond_inline(Checker *checker, Unit *unit, State *state, Node *node, CallNote *note, bool is_tail);
/* Reports two branches that leave different stacks. True when types need not fit. */
bool checker_fail_branches(Checker *checker, const Node *node, const char *what, Stack *first, Stack *second);

/* --- bodies (checker.c) and trust (checker_trust.c) --- */

bool checker_walk_body(Checker *checker, Unit *unit, Body *body, State *state, bool is_tail);
/* Finds out which words' outputs are trusted; all are until then. */
void checker_find_trusted(Checker *checker);
