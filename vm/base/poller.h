/* SPDX-License-Identifier: MIT */
/*
 * Poller: waits for descriptors to become readable and for time to pass. Who
 * watches a descriptor is called back once from poller_wait(), and watches
 * again if it wants more. One thread.
 */
#pragma once

#include "vm/base/mem.h"

/* The descriptor can be read without waiting, or has ended or failed, which reading will tell. */
typedef void PollerCallback(void *context, int descriptor);

typedef struct Poller {
    Mem *mem;
    struct PollerWatch *watches; /* by descriptor */
    uint32_t capacity;
    uint32_t count;       /* watched now */
    uint32_t last_serial; /* tells a watch from an earlier one of the same descriptor */
    int epoll;            /* -1 until there is something to watch */
} Poller;

/* An empty poller; takes nothing from the system yet. */
void poller_init(Poller *poller, Mem *mem);
/* Forgets what is still watched. */
void poller_deinit(Poller *poller);

/*
 * Calls back once when `descriptor`, which is not watched now, is readable. It
 * must stay open until then or be unwatched first. -EPERM for what never
 * makes one wait (a regular file): read it at once. -ENOMEM, or whatever else
 * the system says; then nothing is watched.
 */
int poller_watch(Poller *poller, int descriptor, PollerCallback *callback, void *context) MUST_CHECK;
/* No callback any more, even when it was due. Nothing happens when it is not watched. */
void poller_unwatch(Poller *poller, int descriptor);
/* How many descriptors are watched. */
static inline uint32_t poller_count(const Poller *poller) {
    return poller->count;
}

/*
 * Waits until a watched descriptor is readable, the time is over (-1: never)
 * or a signal arrives, and calls back for all that is ready. How many that
 * were, or a negative errno. Callbacks may watch and unwatch.
 */
int poller_wait(Poller *poller, int64_t timeout_ns) MUST_CHECK;
