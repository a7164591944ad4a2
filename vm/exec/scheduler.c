/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: one queue of ready strands, a heap of deadlines, and the
 * order of freeing what handles name.
 *
 * Budget: a strand gets SCHEDULER_BUDGET calls. One that was put at the front
 * (a resumed weave, a strand just spawned) goes on with what is left of the
 * budget of the one that put it there; so two that hand over to each other
 * for ever do not starve the rest.
 */
#include "vm/exec/scheduler.h"

#include "vm/base/config.h"
#include "vm/exec/channel.h"
#include "vm/exec/interp.h"
#include "vm/exec/weave.h"
#include <errno.h>
#include <stdio.h>

enum {
    BUDGET = STRESS_PARK ? 1 : SCHEDULER_BUDGET,
    POLL_INTERVAL = 16,  /* slices between looks at clock and descriptors while strands are ready */
    DEADLOCK_LISTED = 6, /* strands named in a deadlock's message */
};

/* --- queues --- */

void queue_push(StrandQueue *queue, Strand *strand) {
    strand->queue = queue;
    strand->queue_next = NULL;
    strand->queue_previous = queue->last;
    if (queue->last)
        queue->last->queue_next = strand;
    else
        queue->first = strand;
    queue->last = strand;
}

void queue_push_first(StrandQueue *queue, Strand *strand) {
    strand->queue = queue;
    strand->queue_previous = NULL;
    strand->queue_next = queue->first;
    if (queue->first)
        queue->first->queue_previous = strand;
    else
        queue->last = strand;
    queue->first = strand;
}

void queue_remove(StrandQueue *queue, Strand *strand) {
    if (strand->queue_previous)
        strand->queue_previous->queue_next = strand->queue_next;
    else
        queue->first = strand->queue_next;
    if (strand->queue_next)
        strand->queue_next->queue_previous = strand->queue_previous;
    else
        queue->last = strand->queue_previous;
    strand->queue_next = strand->queue_previous = NULL;
    strand->queue = NULL;
}

Strand *queue_pop(StrandQueue *queue) {
    Strand *strand = queue->first;
    if (strand)
        queue_remove(queue, strand);
    return strand;
}

/* --- what handles name --- */

void subject_init(Scheduler *scheduler, Subject *subject, Tag tag) {
    *subject = (Subject){
        .tag = tag,
        .scheduler = scheduler,
        .next = scheduler->subjects,
        .number = ++scheduler->last_subject_number,
    };
    if (subject->next)
        subject->next->previous = subject;
    scheduler->subjects = subject;
}

void subject_unlink(Subject *subject) {
    if (subject->previous)
        subject->previous->next = subject->next;
    else
        subject->scheduler->subjects = subject->next;
    if (subject->next)
        subject->next->previous = subject->previous;
}

static void subject_free(Subject *subject, Tag tag) {
    if (tag == TAG_CHANNEL) {
        channel_empty((Channel *)(void *)subject);
        channel_free((Channel *)(void *)subject);
    } else {
        weave_free((Weave *)(void *)subject);
    }
}

/* heap->handle_dropped. The heap sees to it that handles dropped in here come one after the other. */
static void handle_dropped(Heap *heap, Tag tag, void *pointer) {
    (void)heap;
    Subject *subject = pointer;
    if (!subject) /* a weave's token names nothing */
        return;
    if (subject->scheduler->is_ending) {
        subject->is_dropped = true;
        return;
    }
    subject_free(subject, tag);
}

/* --- life --- */

void scheduler_init(Scheduler *scheduler, Heap *heap, World *world, Program *program) {
    *scheduler = (Scheduler){
        .heap = heap,
        .world = world,
        .program = program,
        .step_code = interp_step_code(),
        .finish_code = interp_finish_code(),
        .fuel = -1,
    };
    heap->handle_dropped = handle_dropped;
}

void scheduler_deinit(Scheduler *scheduler) {
    while (scheduler->strands)
        strand_free(scheduler->strands);
    /* what is left lies in itself, or in a ring of such: all are emptied, which drops them all, before the first is freed */
    scheduler->is_ending = true;
    for (Subject *subject = scheduler->subjects; subject; subject = subject->next)
        channel_empty((Channel *)(void *)subject);
    for (Subject *subject = scheduler->subjects, *next; subject; subject = next) {
        next = subject->next;
        check(subject->is_dropped && subject->tag == TAG_CHANNEL);
        channel_free((Channel *)(void *)subject);
    }
    mem_free(&scheduler->heap->mem, scheduler->sleepers, scheduler->sleeper_capacity * sizeof(SleepEntry));
    scheduler->heap->handle_dropped = NULL;
}

/* --- ready strands --- */

void scheduler_ready(Scheduler *scheduler, Strand *strand) {
    strand->state = STRAND_READY;
    queue_push(&scheduler->ready, strand);
}

void scheduler_ready_first(Scheduler *scheduler, Strand *strand) {
    strand->state = STRAND_READY;
    queue_push_first(&scheduler->ready, strand);
    scheduler->inherits = true;
}

/* --- sleepers: a binary heap, the earliest first --- */

int scheduler_sleep(Scheduler *scheduler, Strand *strand, int64_t deadline_ns) {
    if (scheduler->sleeper_count == scheduler->sleeper_capacity) {
        SleepEntry *sleepers =
            mem_try_double(&scheduler->heap->mem, scheduler->sleepers, sizeof *sleepers, &scheduler->sleeper_capacity);
        if (!sleepers)
            return -ENOMEM;
        scheduler->sleepers = sleepers;
    }
    uint32_t place = scheduler->sleeper_count++;
    for (uint32_t parent; place > 0; place = parent) {
        parent = (place - 1) / 2;
        if (scheduler->sleepers[parent].deadline_ns <= deadline_ns)
            break;
        scheduler->sleepers[place] = scheduler->sleepers[parent];
    }
    scheduler->sleepers[place] = (SleepEntry){deadline_ns, strand};
    return 0;
}

static Strand *sleepers_pop(Scheduler *scheduler) {
    Strand *strand = scheduler->sleepers[0].strand;
    SleepEntry last = scheduler->sleepers[--scheduler->sleeper_count];
    uint32_t place = 0, child;
    for (; (child = 2 * place + 1) < scheduler->sleeper_count; place = child) {
        if (child + 1 < scheduler->sleeper_count &&
            scheduler->sleepers[child + 1].deadline_ns < scheduler->sleepers[child].deadline_ns)
            child++;
        if (last.deadline_ns <= scheduler->sleepers[child].deadline_ns)
            break;
        scheduler->sleepers[place] = scheduler->sleepers[child];
    }
    scheduler->sleepers[place] = last;
    return strand;
}

/* Wakes whom time or the outside calls; waits for that if `blocking`. False when nothing outside could wake anyone. */
static bool look_outside(Scheduler *scheduler, bool blocking) {
    World *world = scheduler->world;
    int64_t deadline_ns = scheduler->sleeper_count ? scheduler->sleepers[0].deadline_ns : INT64_MAX;
    if (scheduler->companion.work) {
        int64_t companion_ns = scheduler->companion.deadline_ns(scheduler->companion.context);
        deadline_ns = companion_ns < deadline_ns ? companion_ns : deadline_ns;
    }
    if (deadline_ns == INT64_MAX && poller_count(world->poller) == 0)
        return false;
    int64_t timeout_ns = blocking ? -1 : 0;
    if (blocking && deadline_ns != INT64_MAX) {
        int64_t left = deadline_ns - clock_monotonic_ns(world->clock);
        timeout_ns = left > 0 ? left : 0;
    }
    if (poller_wait(world->poller, timeout_ns) < 0)
        return false;
    if (scheduler->sleeper_count) {
        int64_t now = clock_monotonic_ns(world->clock);
        while (scheduler->sleeper_count && scheduler->sleepers[0].deadline_ns <= now)
            strand_wake(sleepers_pop(scheduler));
    }
    return true;
}

static void work_beside(Scheduler *scheduler, bool is_idle) {
    if (scheduler->companion.work)
        scheduler->companion.work(scheduler->companion.context, is_idle);
}

/* --- the ends --- */

/*
 * A strand that waits for ever inside something that can be undone, an actor's
 * turn: its guard hears, and has dealt with it. False: there is none.
 */
static bool undo_waiting(Scheduler *scheduler) {
    for (Strand *strand = scheduler->strands; strand; strand = strand->next) {
        if (strand->state != STRAND_PARKED || !strand->guard)
            continue;
        snprintf(scheduler->fault.message, FAULT_MESSAGE_MAX, "deadlock: it waits for ever in %.40s %llu",
                 strand->reason.what, (unsigned long long)strand->reason.number);
        fault_trace(&scheduler->fault, strand);
        if (strand->guard->faulted(strand->guard, strand))
            return true;
    }
    return false;
}

/* True when strands wait that nobody can wake; then the fault says which, and shows where the oldest one stands. */
static bool find_deadlock(Scheduler *scheduler) {
    char *message = scheduler->fault.message;
    uint64_t count = 0;
    Strand *oldest = NULL;
    for (Strand *strand = scheduler->strands; strand; strand = strand->next) {
        if (strand->state != STRAND_PARKED)
            continue;
        count++;
        if (!oldest || strand->id < oldest->id)
            oldest = strand;
    }
    if (count == 0)
        return false;
    int used = snprintf(message, FAULT_MESSAGE_MAX, "deadlock: %llu strand%s for ever:", (unsigned long long)count,
                        count == 1 ? " waits" : "s wait");
    uint64_t listed = 0;
    for (Strand *strand = scheduler->strands; strand && listed < DEADLOCK_LISTED; strand = strand->next) {
        if (strand->state != STRAND_PARKED)
            continue;
        used += snprintf(message + used, FAULT_MESSAGE_MAX - (size_t)used, "%s strand %llu in %.40s %llu",
                         listed ? "," : "", (unsigned long long)strand->id, strand->reason.what,
                         (unsigned long long)strand->reason.number);
        listed++;
    }
    if (count > listed)
        snprintf(message + used, FAULT_MESSAGE_MAX - (size_t)used, " and %llu more",
                 (unsigned long long)(count - listed));
    fault_trace(&scheduler->fault, oldest);
    return true;
}

static void strand_end(Strand *strand) {
    if (strand->done)
        strand->done(strand, strand->done_context);
    if (strand->is_kept)
        strand_reset(strand);
    else
        strand_free(strand);
}

/* What a slice of `strand` came to. False: the program stops with `*end`. */
static bool after_slice(Scheduler *scheduler, Strand *strand, InterpEnd slice, SchedulerEnd *end) {
    switch (slice) {
    case INTERP_FINISHED:
        if (strand->weave && !weave_finish(strand)) {
            fault_trace(&scheduler->fault, strand);
            if (strand->guard && strand->guard->faulted(strand->guard, strand))
                return true;
            *end = SCHEDULER_FAULT;
            return false;
        }
        strand_end(strand);
        return true;
    case INTERP_PARKED:
        return true;
    case INTERP_PREEMPTED:
        scheduler_ready(scheduler, strand);
        return true;
    case INTERP_FAULTED:
        if (strand->guard && strand->guard->faulted(strand->guard, strand))
            return true;
        *end = SCHEDULER_FAULT;
        return false;
    case INTERP_EXIT:
        *end = SCHEDULER_EXIT;
        return false;
    }
    unreachable();
}

SchedulerEnd scheduler_run(Scheduler *scheduler) {
    SchedulerEnd end = SCHEDULER_IDLE;
    int64_t budget = BUDGET;
    for (uint32_t slices = 1;; slices++) {
        if (slices % POLL_INTERVAL == 0) {
            look_outside(scheduler, false);
            work_beside(scheduler, false);
        }
        if (!scheduler->ready.first)
            work_beside(scheduler, true);
        if (scheduler->companion.work && scheduler->companion.failed(scheduler->companion.context))
            return SCHEDULER_FAULT;
        Strand *strand = queue_pop(&scheduler->ready);
        if (!strand) {
            if (look_outside(scheduler, true))
                continue;
            if (undo_waiting(scheduler))
                continue;
            return find_deadlock(scheduler) ? SCHEDULER_DEADLOCK : SCHEDULER_IDLE;
        }
        if (scheduler->inherits && --budget < 0) {
            /* its turn was someone else's: behind the others */
            scheduler->inherits = false;
            scheduler_ready(scheduler, strand);
            continue;
        }
        if (!scheduler->inherits)
            budget = BUDGET;
        scheduler->inherits = false;
        if (scheduler->fuel >= 0 && budget > scheduler->fuel)
            budget = scheduler->fuel;
        int64_t before = budget;
        strand->state = STRAND_RUNNING;
        InterpEnd slice = interp_run(strand, &budget);
        if (scheduler->fuel >= 0) {
            scheduler->fuel -= before - (budget > 0 ? budget : 0);
            if (scheduler->fuel <= 0 && slice == INTERP_PREEMPTED) {
                strand->word = NULL;
                strand_fault(strand, "out of fuel");
                fault_trace(&scheduler->fault, strand);
                return SCHEDULER_FAULT;
            }
        }
        if (!after_slice(scheduler, strand, slice, &end))
            return end;
    }
}
