/* SPDX-License-Identifier: MIT */
/* The inside of the reference interpreter: values, strands, and what words need. */
#pragma once

#include "tests/reference/reference.h"

#include <setjmp.h>

typedef enum RKind {
    R_INT,
    R_FLOAT,
    R_BOOL,
    R_STRING,
    R_SYMBOL,
    R_VARIANT, /* lists too */
    R_MAP,
    R_QUOTATION,
    R_CHANNEL,
    R_WEAVE,
    R_CONTEXT, /* of a weave, inside its body */
} RKind;

typedef struct RValue RValue;

typedef struct RBytes {
    size_t size;
    char bytes[];
} RBytes;

typedef struct RItems { /* of a variant, or key, value, key, value ... of a map in no order */
    const char *tag;
    uint32_t count;
    RValue *items;
} RItems;

typedef struct RStrand RStrand;

typedef struct RChannel {
    RValue *queue;
    uint32_t count, capacity;
    RStrand *waiting; /* the longest first, by queue_next */
    bool closed;
} RChannel;

typedef struct RWeave {
    RStrand *body; /* NULL when it has ended */
    RStrand *resumer;
    bool started;
} RWeave;

typedef struct RQuotation {
    const Node *literal;
    bool is_closure;
    uint32_t count;
    RValue *captured;
} RQuotation;

struct RValue {
    RKind kind;
    union {
        int64_t i;
        double f;
        bool b;
        const char *symbol;
        const RBytes *string;
        const RItems *items;
        const RQuotation *quotation;
        RChannel *channel;
        RWeave *weave;
    };
};

/* What is to be done when the code above it is through. */
typedef enum RFrameKind {
    F_BODY,    /* go on at `node` */
    F_RESTORE, /* push values[0]: dip, keep */
    F_BI,      /* push values[0], run values[1] */
    F_COND,    /* a predicate has run */
    F_EACH,
    F_MAP,
    F_FILTER,
    F_FOLD,
    F_MAP_EACH,
    F_MAP_FOLD,
    F_MEND,    /* a branch that was taken not to return has */
} RFrameKind;

typedef struct RFrame {
    RFrameKind kind;
    const Node *node;
    RValue values[2];
    uint32_t index, depth, outer_base;
    RItems results;
    const Body *body; /* F_MEND */
} RFrame;

typedef enum RState { R_READY, R_PARKED, R_DORMANT, R_ENDED } RState;

struct RStrand {
    RValue *stack, *aux;
    RFrame *frames;
    uint32_t depth, stack_room, aux_depth, aux_room, frame_count, frame_room;
    uint32_t base;
    RWeave *weave;
    int64_t id;
    RState state;
    RStrand *queue_next, *next;
};

typedef struct Machine {
    Compilation *compilation;
    struct RBlock *blocks;
    size_t pool_used;
    RStrand *strands, *current;
    RStrand *ready_first, *ready_last;
    int64_t last_id;
    uint64_t steps_left;
    bool parked; /* the word that ran parked the strand */
    ReferenceResult result;
    jmp_buf end;
    const char *word; /* that runs */
} Machine;

/* Ends the run. */
_Noreturn void machine_end(Machine *machine, ReferenceEnd end, const char *format, ...) FORMAT(3, 4);
#define TRAP(...) machine_end(machine, REFERENCE_TRAP, __VA_ARGS__)

void *machine_take(Machine *machine, size_t size);
void machine_print(Machine *machine, const char *bytes, size_t size);

RValue machine_pop(Machine *machine);
RValue machine_pop_kind(Machine *machine, RKind kind);
void strand_give(Machine *machine, RStrand *strand, RValue value);
void machine_push(Machine *machine, RValue value);
void machine_push_int(Machine *machine, int64_t number);
void machine_push_bool(Machine *machine, bool truth);
void machine_push_string(Machine *machine, const char *bytes, size_t size);

RFrame *machine_frame(Machine *machine, RFrameKind kind);
/* Runs a quotation on the stack as it is. */
void machine_enter(Machine *machine, RValue quotation);

RStrand *machine_strand(Machine *machine);
void machine_ready(Machine *machine, RStrand *strand);
void machine_ready_first(Machine *machine, RStrand *strand);

/* Of words.c: runs a builtin. */
void word_run(Machine *machine, const Node *node);
/* Goes on with a frame of a word that runs quotations. */
void word_step(Machine *machine, RFrame *frame);
/* Of text.c: SON, in the pool. */
RValue son_text(Machine *machine, RValue value);
RValue float_text(Machine *machine, double number);
/* The text of an element, as string.join has it. */
int key_order(RValue a, RValue b);
const char *kind_text(RKind kind);
