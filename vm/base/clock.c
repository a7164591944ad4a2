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

enum { RANDOM_PIECE = 256 };

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

/* In pieces of a size that the kernel gives whole, whatever signals arrive. */
static int system_random(void *context, void *bytes, size_t size) {
    (void)context;
    for (size_t at = 0; at < size; at += RANDOM_PIECE) {
        size_t piece = size - at < RANDOM_PIECE ? size - at : RANDOM_PIECE;
        ssize_t got;
        do
            got = getrandom((char *)bytes + at, piece, 0);
        while (got < 0 && errno == EINTR); /* only while the system starts */
        if (got < 0)
            return -errno;
        check((size_t)got == piece);
    }
    return 0;
}

Clock clock_system(void) {
    return (Clock){.monotonic_ns = system_monotonic_ns, .wall_us = system_wall_us, .random = system_random};
}
