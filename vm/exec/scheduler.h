/* SPDX-License-Identifier: MIT */
/*
 * Scheduler: which strand runs next, in one thread. Ready strands run in
 * turn, each until it parks, ends or has spent its budget of calls and
 * backward jumps. A strand that starts another lets it run first, up to its
 * first wait: then a request it sends finds the other waiting.
 *
 * Sleeping strands lie in a heap of deadlines; descriptors are the poller's.
 * When nothing is ready and nothing outside can wake anyone, strands that
 * still wait wait for ever: that is a deadlock, reported with who waits on
 * what. Dormant weaves do not count.
 */
#pragma once

#include "vm/exec/fault.h"
#include "vm/exec/strand.h"
#include "vm/exec/world.h"

enum {
    SCHEDULER_BUDGET = 10000, /* calls and backward jumps until the next strand's turn */
};

typedef struct StrandQueue {
    Strand *first, *last;
} StrandQueue;

/* What a handle names: the common start of Channel and Weave. */
typedef struct Subject {
    Tag tag;
    Scheduler *scheduler;
    struct Subject *next, *previous; /* all of the scheduler */
    uint64_t number;                 /* for people */
    bool is_dropped;                 /* its last handle went while the scheduler was ending */
} Subject;

typedef struct SleepEntry {
    int64_t deadline_ns;
    Strand *strand;
} SleepEntry;

/* What goes on beside the strands in the same thread: a node of actors. */
typedef struct Companion {
    /* Called now and then, and with `is_idle` when no strand is ready; may make strands, and wake them. */
    void (*work)(void *context, bool is_idle);
    /* When it wants to be called at the latest, by the monotonic clock; INT64_MAX: it does not care. */
    int64_t (*deadline_ns)(void *context);
    /* The companion itself can go no further: the program ends with `fault`. */
    bool (*failed)(void *context);
    void *context;
} Companion;

typedef enum SchedulerEnd {
    SCHEDULER_IDLE,     /* all strands have ended */
    SCHEDULER_EXIT,     /* os.exit: `exit_code` */
    SCHEDULER_FAULT,    /* a strand faulted: `fault` */
    SCHEDULER_DEADLOCK, /* `fault` says who waits on what */
} SchedulerEnd;

struct Scheduler {
    Heap *heap;
    World *world;
    Program *program;                    /* whose code its strands run */
    const Code *step_code, *finish_code; /* the interpreter's (interp.h) */
    StrandQueue ready;
    Strand *strands;       /* all, linked by next/previous */
    uint64_t strand_count; /* all but dormant weaves' bodies */
    uint64_t last_id;
    SleepEntry *sleepers; /* a binary heap by deadline */
    uint32_t sleeper_count, sleeper_capacity;
    Subject *subjects; /* all channels and weaves */
    uint64_t last_subject_number;
    bool is_ending; /* handles that go are only marked */
    bool inherits;  /* the strand at the front of `ready` goes on with the budget of the one before it */
    Companion companion; /* `work` NULL: none */
    Guard *guard;        /* of strands that are new, or NULL */
    Fault fault;
    int exit_code;
    int64_t fuel; /* budget left in all, or -1 for no limit; spent: the trap `out of fuel` */
};

void scheduler_init(Scheduler *scheduler, Heap *heap, World *world, Program *program);
/* Frees what is left of strands, channels and weaves. */
void scheduler_deinit(Scheduler *scheduler);

/* Puts a strand at the end, or at the front, of the ready ones. */
void scheduler_ready(Scheduler *scheduler, Strand *strand);
void scheduler_ready_first(Scheduler *scheduler, Strand *strand);
/* Wakes `strand` (parked by the caller) at `deadline_ns` of the monotonic clock. -ENOMEM when refused. */
int scheduler_sleep(Scheduler *scheduler, Strand *strand, int64_t deadline_ns) MUST_CHECK;
/* Fills in and links what a new channel or weave begins with. */
void subject_init(Scheduler *scheduler, Subject *subject, Tag tag);
void subject_unlink(Subject *subject);
/* Runs until all strands have ended, or something stops the program. */
SchedulerEnd scheduler_run(Scheduler *scheduler);

/* Queues, also for channels. A strand is in at most one. */
void queue_push(StrandQueue *queue, Strand *strand);
void queue_push_first(StrandQueue *queue, Strand *strand);
Strand *queue_pop(StrandQueue *queue);
void queue_remove(StrandQueue *queue, Strand *strand);
