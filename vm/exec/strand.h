/* SPDX-License-Identifier: MIT */
/*
 * Strand: one line of execution. Data stack and frames share one block: the
 * data grows up from its start, the frames grow down from its end, and one
 * comparison at a call (`sp + need <= rp`) guards both. A strand that is new
 * costs its struct and a block of STRAND_SLOTS_MIN slots.
 *
 *   block ->  [scratch][value 1][value 2] ... [value depth]   free   [frame] ... [first frame]  <- end
 *                                                ^ sp                ^ rp
 *
 * While the interpreter runs a strand, the top value is in a register; for
 * words, and whenever the strand rests, it is in memory as drawn, and sp
 * points at it (at the scratch slot when the stack is empty).
 *
 * Frames hold return addresses, aux values and step frames. Which slots are
 * values is not marked: the place of a return address says how many aux
 * values lie above it (chunk.h), so unwinding and traces walk exactly.
 *
 * How a word is written (builtins/): arguments are read in place with
 * strand_peek() and stay until the result is ready, so a fault has nothing to
 * free; strand_replace() or strand_drop()/strand_push() then exchange them.
 * The emitter has reserved room for what the effect says; a word that pushes
 * more calls strand_reserve().
 *
 * How a word runs a quotation: never by calling the interpreter. It starts a
 * step frame with strand_step(), which holds its state, and returns
 * strand_call(). When the quotation returns, the row's step function is
 * called with the frame; it calls again, or ends with strand_step_finish().
 */
#pragma once

#include "vm/exec/chunk.h"
#include "vm/value/heap.h"

typedef struct Scheduler Scheduler;
typedef struct World World;
typedef struct Weave Weave;

enum {
    STRAND_SLOTS_MIN = 24,
    STRAND_SLOTS_KEPT = 256, /* one with more slots is not worth keeping */
    STRAND_SLOTS_MAX = 32 * 1024 * 1024, /* 256 MiB of stack and frames: beyond is the trap `recursion too deep` */
    FRAME_ROOM = 10, /* slots that every `need` includes: a return address, a step frame, some results of a word */
};

typedef union Slot {
    const Code *ip;
    Value value;
    const Word *word;
    uint64_t number;
} Slot;

/* The state of a word that is running a quotation. Lies among the frames. */
struct StepFrame {
    const Word *word;
    uint64_t base;       /* depth on which the quotation's stack starts */
    uint64_t outer_base; /* of the strand, before this step */
    uint64_t index;      /* the word's own */
    Value kept[2];       /* the word's own; owned by the frame */
};

typedef enum StrandState { STRAND_READY, STRAND_RUNNING, STRAND_PARKED, STRAND_DORMANT, STRAND_DONE } StrandState;

/* Why a strand waits: for the deadlock report and for people. */
typedef struct ParkReason {
    const char *what;     /* "chan.receive on channel", "time.sleep-ms", ... */
    uint64_t number;      /* which one, or 0 */
} ParkReason;

struct Strand {
    Value *sp;
    Slot *rp;
    const Code *ip;
    Value *stack; /* the block */
    Slot *end;
    uint64_t base;  /* depth below which code running now has no business (a step's fresh stack) */
    uint64_t floor; /* set by CALL_FLOOR for the word it calls */
    bool
        lends_floor; /* and whether nothing below the word is known, so that quotations it runs may reach down to there */
    uint64_t lent_floor; /* 1 + the floor lent to the quotation that starts, or 0 */
    Heap *heap;
    Scheduler *scheduler;
    World *world;
    const Word *word;        /* that is running, for messages */
    bool has_fault;          /* its message is in scheduler->fault */
    Strand *next, *previous; /* all strands of the scheduler */
    Strand *queue_next, *queue_previous;
    struct StrandQueue *queue; /* the one it waits in: ready, or a channel's receivers */
    Weave *weave;              /* whose body it is, or NULL */
    struct Guard *guard;       /* between it and the outside, or NULL: see world.h */
    uint64_t id;
    StrandState state;
    ParkReason reason;
    /*
     * Told once when it ends; NULL: nobody. Set by who started it. With
     * `is_kept` set there, the strand is not freed but rests, empty, until it
     * is started again or freed.
     */
    void (*done)(Strand *strand, void *context);
    void *done_context;
    bool is_kept;
};

/* --- the data stack, for words --- */

/* The value `index` below the top, borrowed. */
static inline Value strand_peek(const Strand *strand, uint32_t index) {
    return strand->sp[-(int64_t)index];
}
static inline int64_t strand_peek_int(const Strand *strand, uint32_t index) {
    return value_to_int(strand_peek(strand, index));
}
/* Values on the stack. */
static inline uint64_t strand_depth(const Strand *strand) {
    return (uint64_t)(strand->sp - strand->stack);
}
static inline void strand_push(Strand *strand, TAKEN Value value) {
    *++strand->sp = value;
}
/* Takes the top value off; now the caller's. */
static inline Value strand_pop(Strand *strand) {
    return *strand->sp--;
}
static inline void strand_drop(Strand *strand, uint32_t count) {
    for (uint32_t index = 0; index < count; index++)
        value_unref(strand->heap, *strand->sp--);
}
/* Drops `count` values and pushes `value`. */
static inline void strand_replace(Strand *strand, uint32_t count, TAKEN Value value) {
    strand_drop(strand, count);
    strand_push(strand, value);
}
/* Drops `count` values and pushes `value` and a success flag. */
static inline void strand_replace_ok(Strand *strand, uint32_t count, TAKEN Value value, bool ok) {
    strand_replace(strand, count, value);
    strand_push(strand, value_from_bool(ok));
}
/* Drops all that lies above `depth`. */
static inline void strand_cut_to(Strand *strand, uint64_t depth) {
    while (strand_depth(strand) > depth)
        value_unref(strand->heap, strand_pop(strand));
}
/* Room for `slots` more; -ENOMEM leaves the fault `out of memory` or `recursion too deep`. Moves the stack. */
int strand_reserve(Strand *strand, uint64_t slots) MUST_CHECK;

/* --- faults --- */

/*
 * Leaves a fault: the word that runs is put before the text. Returns
 * WORD_FAULTED, so that a word can `return strand_fault(strand, "…")`.
 */
WordResult strand_fault(Strand *strand, const char *format, ...) FORMAT(2, 3);
/* "expected WANT, got KIND of the value". */
WordResult strand_fault_kind(Strand *strand, const char *want, Value found);
WordResult strand_fault_memory(Strand *strand);

/* --- quotations, for words --- */

/*
 * Starts a step frame for `word`, the one that runs: the quotation's stack
 * begins at the present depth (put `frame->base` lower, down to
 * `frame->outer_base`, if it should see more).
 * Takes the two kept values.
 */
StepFrame *strand_step(Strand *strand, const Word *word, TAKEN Value kept, TAKEN Value also_kept);
/* Runs a quotation (borrowed; checked to be one); to be returned: `return strand_call(…)`. From a step, the step runs again after it. */
WordResult strand_call(Strand *strand, Value quotation);
/*
 * The same from code that knows nothing of the stack above `floor`: if the
 * quotation does not know either, it may reach down to there.
 */
WordResult strand_call_above(Strand *strand, Value quotation, uint64_t floor);
/* Ends a step: drops its kept values and its frame; results stay on the stack. To be returned. */
WordResult strand_step_finish(Strand *strand, StepFrame *frame);
/*
 * Checks that slot `index` below the top is a quotation that takes at most
 * `in` values and leaves `out - in` more than it takes (any number when
 * `out` is negative); else leaves a fault and returns false.
 */
bool strand_expect_quotation(Strand *strand, uint32_t index, uint32_t in, int out);

/* --- waiting --- */

/* The strand rests until strand_wake(); to be returned: `return strand_park(…)`. */
WordResult strand_park(Strand *strand, const char *what, uint64_t number);
/* Whoever parked it has pushed the word's results. */
void strand_wake(Strand *strand);

/* --- life, for scheduler, weave, tests --- */

/* A strand that is not yet ready. NULL when memory is refused. */
Strand *strand_new(Scheduler *scheduler) MUST_CHECK;
/*
 * What it runs first: a quotation, on the values pushed so far. False, with a
 * fault, when these are not enough for it or memory is refused.
 */
bool strand_start(Strand *strand, Value quotation) MUST_CHECK;
/* Whether that would do once `coming` more values are pushed; false with a fault. */
bool strand_can_start(Strand *strand, Value quotation, uint32_t coming) MUST_CHECK;
/* The same for a definition's code, which takes nothing. -ENOMEM when memory is refused. */
int strand_start_chunk(Strand *strand, const Chunk *chunk) MUST_CHECK;
/* Whether it may be kept when it ends, as far as its size goes. */
bool strand_is_small(const Strand *strand);
/* One that has ended is as strand_new() made it, but for guard and done. */
void strand_reset(Strand *strand);
/* Drops all values and frames, unlinks and frees the strand. */
void strand_free(Strand *strand);

/* --- the frames of a strand that rests, innermost first; for unwinding and traces --- */

enum { FRAME_SITES = 8 };

typedef struct FrameSite { /* an address that was looked up */
    const Code *address;
    const Chunk *chunk;
    uint32_t instruction;
} FrameSite;

typedef struct FrameWalk {
    const Strand *strand;
    Slot *slot;          /* the next frame starts here */
    const Code *address; /* where that frame goes on */
    bool innermost;
    FrameSite sites[FRAME_SITES];
} FrameWalk;

typedef struct FrameInfo {
    const Chunk *chunk;   /* NULL in a step frame */
    uint32_t instruction; /* that runs, or that made the call */
    Slot *aux;            /* its aux values */
    uint32_t aux_count;
    StepFrame *step; /* or NULL */
} FrameInfo;

FrameWalk frame_walk(const Strand *strand);
/* False when there is none left. */
bool frame_walk_next(FrameWalk *walk, FrameInfo *info);
