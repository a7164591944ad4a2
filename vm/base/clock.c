/* SPDX-License-Identifier: MIT */
/*
 * The system's clocks as they are. CLOCK_MONOTONIC and not CLOCK_BOOTTIME: a
 * timeout is about time in which the process could do something, and a laptop
 * that wakes up should not find all of them expired.
 */
#include "vm/base/clock.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

static int64_t system_monotonic_ns(void *context) {
    (void)context;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t system_wall_us(void *context) {
    (void)context;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* More than 256 bytes may come in pieces, when a signal arrives between them. */
static int system_random(void *context, void *bytes, size_t size) {
    (void)context;
    char *next = bytes;
    while (size > 0) {
        ssize_t got = getrandom(next, size, 0);
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got > 0) {
            next += got;
            size -= (size_t)got;
        }
    }
    return 0;
}

Clock clock_system(void) {
    return (Clock){.monotonic_ns = system_monotonic_ns, .wall_us = system_wall_us, .random = system_random};
}
