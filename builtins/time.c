/* SPDX-License-Identifier: MIT */
/*
 * Words of time: what the clock says, and waiting for it. Only the strand
 * that sleeps waits; the others run.
 */
#include "builtins/builtins.h"
#include "vm/exec/scheduler.h"
#include "vm/exec/world.h"
#include <inttypes.h>

enum { NS_PER_MS = 1000000 };

static WordResult word_time_now(Strand *strand) {
    strand_push(strand, value_from_int(clock_wall_us(strand->world->clock)));
    return WORD_OK;
}

static WordResult word_time_nanos(Strand *strand) {
    int64_t *start_ns = world_state(strand->world, &time_family, sizeof *start_ns, NULL);
    if (start_ns == NULL)
        return strand_fault_memory(strand);
    int64_t now_ns = clock_monotonic_ns(strand->world->clock);
    if (*start_ns == 0)
        *start_ns = now_ns;
    strand_push(strand, value_from_int(now_ns - *start_ns + 1)); /* 0 would read as `no time` */
    return WORD_OK;
}

/* No sleep lasts longer than the clock can count. */
static int64_t deadline_after(int64_t now_ns, int64_t ms) {
    int64_t ms_max = (INT64_MAX - now_ns) / NS_PER_MS;
    return now_ns + (ms < ms_max ? ms : ms_max) * NS_PER_MS;
}

static WordResult word_time_sleep_ms(Strand *strand) {
    int64_t ms = strand_peek_int(strand, 0);
    if (ms < 0)
        return strand_fault(strand, "expected 0 or more, got %" PRId64, ms);

    if (ms == 0) {
        WordResult result = strand_park(strand, "time.sleep-ms", 0);
        strand_drop(strand, 1);
        strand_wake(strand);
        return result;
    }
    if (scheduler_sleep(strand->scheduler, strand, deadline_after(clock_monotonic_ns(strand->world->clock), ms)))
        return strand_fault_memory(strand);
    strand_drop(strand, 1);
    return strand_park(strand, "time.sleep-ms", 0);
}

static const Word time_words[] = {
    {"time.now", "( ..a -- ..a Int )", READS, BY_FUNCTION(word_time_now),
     .help = "Microseconds since 1970. May jump when the system's clock is set."},
    {"time.nanos", "( ..a -- ..a Int )", READS, BY_FUNCTION(word_time_nanos),
     .help = "Nanoseconds since the program first asked: more than 0, and never less than before."},
    {"time.sleep-ms", "( ..a Int -- ..a )", READS, BY_FUNCTION(word_time_sleep_ms),
     .help = "This strand goes on after so many milliseconds; the others run meanwhile. 0 lets them run first; a "
             "negative number is a trap."},
};

const WordFamily time_family = {"time", time_words, sizeof time_words / sizeof *time_words};
