/* SPDX-License-Identifier: MIT */
/*
 * Clock: the door to time and randomness. Nothing else in the project asks
 * the system for either, so a test that puts its own functions here decides
 * what time it is and what chance brings.
 */
#pragma once

#include "vm/base/check.h"

typedef struct Clock {
    /* Nanoseconds since some instant in the past: greater than 0, never goes back. */
    int64_t (*monotonic_ns)(void *context);
    /* Microseconds since 1970; may jump. */
    int64_t (*wall_us)(void *context);
    /* Fills `bytes` with what nobody can guess. Negative errno when there is none. */
    int (*random)(void *context, void *bytes, size_t size);
    void *context;
} Clock;

/* The system's time and randomness. */
Clock clock_system(void);

static inline int64_t clock_monotonic_ns(const Clock *clock) {
    return clock->monotonic_ns(clock->context);
}
static inline int64_t clock_wall_us(const Clock *clock) {
    return clock->wall_us(clock->context);
}
static inline MUST_CHECK int clock_random(const Clock *clock, void *bytes, size_t size) {
    return clock->random(clock->context, bytes, size);
}
