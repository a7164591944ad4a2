/* SPDX-License-Identifier: MIT */
/*
 * A clock that goes on by a step each time it is asked, and whose chance comes
 * from a seed: the same test sees the same times and the same bytes. The
 * fields may be set at any time; wall time may jump that way, also back.
 */
#pragma once

#include "tests/crash/random.h"
#include "vm/base/clock.h"

typedef struct ScriptedClock {
    int64_t monotonic_ns, monotonic_step_ns; /* the time to be given next; 0 or more on top of it each time */
    int64_t wall_us, wall_step_us;           /* the same; may be negative */
    Random random;
    int random_error; /* what asking for random bytes says: 0, or a negative errno */
} ScriptedClock;

static inline int64_t scripted_clock_monotonic_ns(void *context) {
    ScriptedClock *scripted = (ScriptedClock *)context;
    int64_t now = scripted->monotonic_ns;
    scripted->monotonic_ns += scripted->monotonic_step_ns;
    return now;
}

static inline int64_t scripted_clock_wall_us(void *context) {
    ScriptedClock *scripted = (ScriptedClock *)context;
    int64_t now = scripted->wall_us;
    scripted->wall_us += scripted->wall_step_us;
    return now;
}

static inline int scripted_clock_random(void *context, void *bytes, size_t size) {
    ScriptedClock *scripted = (ScriptedClock *)context;
    if (scripted->random_error)
        return scripted->random_error;
    for (size_t index = 0; index < size; index++)
        ((uint8_t *)bytes)[index] = (uint8_t)random_next(&scripted->random);
    return 0;
}

/* One second after its start, in September 2001; a microsecond goes by with each question. */
static inline ScriptedClock scripted_clock(uint64_t seed) {
    return (ScriptedClock){
        .monotonic_ns = 1000000000,
        .monotonic_step_ns = 1000,
        .wall_us = 1000000000000000,
        .wall_step_us = 1,
        .random = {.state = seed},
    };
}

/* The clock lives as long as what it is handed to. */
static inline Clock scripted_clock_clock(ScriptedClock *scripted) {
    return (Clock){
        .monotonic_ns = scripted_clock_monotonic_ns,
        .wall_us = scripted_clock_wall_us,
        .random = scripted_clock_random,
        .context = scripted,
    };
}
