/* SPDX-License-Identifier: MIT */
/*
 * One epoll, level-triggered and one-shot. After it fired, a descriptor stays
 * in the epoll, disarmed; watching it again then costs one call, not two. If
 * it was closed in between, the kernel has dropped it and says so, and we add
 * what is now of that number.
 *
 * Ready events are taken as a list, and a callback may unwatch a descriptor
 * that is later in it, even close it and watch another of the same number. So
 * each watch has a serial, which its event carries: an event whose serial is
 * not that of a watch is nobody's any more.
 */
#include "vm/base/poller.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 64, /* taken at once; the others are still ready in the next round */
    CAPACITY_MIN = 8,
};

typedef struct PollerWatch {
    PollerCallback *callback; /* NULL: not watched */
    void *context;
    uint32_t serial;
    bool is_known; /* to the epoll, perhaps disarmed */
} PollerWatch;

void poller_init(Poller *poller, Mem *mem) {
    *poller = (Poller){.mem = mem, .epoll = -1};
}

void poller_deinit(Poller *poller) {
    if (poller->epoll >= 0)
        close(poller->epoll);
    mem_free(poller->mem, poller->watches, poller->capacity * sizeof(PollerWatch));
    poller_init(poller, poller->mem);
}

/* --- watching --- */

static int open_epoll(Poller *poller) {
    if (poller->epoll < 0)
        poller->epoll = epoll_create1(EPOLL_CLOEXEC);
    return poller->epoll < 0 ? -errno : 0;
}

static int make_room(Poller *poller, uint32_t descriptor) {
    if (descriptor < poller->capacity)
        return 0;
    uint32_t capacity = poller->capacity > 0 ? poller->capacity : CAPACITY_MIN;
    while (capacity <= descriptor)
        capacity *= 2;

    PollerWatch *watches =
        mem_try_resize(poller->mem, poller->watches, poller->capacity * sizeof *watches, capacity * sizeof *watches);
    if (!watches)
        return -ENOMEM;
    memset(watches + poller->capacity, 0, (capacity - poller->capacity) * sizeof *watches);
    poller->watches = watches;
    poller->capacity = capacity;
    return 0;
}

static int arm(const Poller *poller, int descriptor, const PollerWatch *watch) {
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLONESHOT,
        .data.u64 = (uint64_t)watch->serial << 32 | (uint32_t)descriptor,
    };
    if (watch->is_known && epoll_ctl(poller->epoll, EPOLL_CTL_MOD, descriptor, &event) == 0)
        return 0;
    if (watch->is_known && errno != ENOENT)
        return -errno;
    return epoll_ctl(poller->epoll, EPOLL_CTL_ADD, descriptor, &event) < 0 ? -errno : 0;
}

int poller_watch(Poller *poller, int descriptor, PollerCallback *callback, void *context) {
    if (descriptor < 0)
        return -EBADF;
    int r = open_epoll(poller);
    if (!r)
        r = make_room(poller, (uint32_t)descriptor);
    if (r)
        return r;

    PollerWatch *watch = &poller->watches[descriptor];
    check(!watch->callback);
    watch->serial = ++poller->last_serial;
    r = arm(poller, descriptor, watch);
    watch->is_known = !r;
    if (r)
        return r;

    watch->callback = callback;
    watch->context = context;
    poller->count++;
    return 0;
}

void poller_unwatch(Poller *poller, int descriptor) {
    if (descriptor < 0 || (uint32_t)descriptor >= poller->capacity || !poller->watches[descriptor].callback)
        return;
    epoll_ctl(poller->epoll, EPOLL_CTL_DEL, descriptor, NULL);
    poller->watches[descriptor] = (PollerWatch){0};
    poller->count--;
}

/* --- waiting --- */

/* epoll_wait() counts in milliseconds, which is too coarse for a sleep; so poll() does the waiting. */
static int wait_for_time(const Poller *poller, int64_t timeout_ns) {
    struct pollfd epoll = {.fd = poller->epoll, .events = POLLIN};
    struct timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    int r = ppoll(&epoll, poller->count > 0, timeout_ns < 0 ? NULL : &timeout, NULL);
    return r < 0 ? -errno : 0;
}

/* Returns 1 if the event was still someone's. */
static int deliver(Poller *poller, const struct epoll_event *event) {
    int descriptor = (int)(uint32_t)event->data.u64;
    PollerWatch *watch = &poller->watches[descriptor];
    if (!watch->callback || watch->serial != event->data.u64 >> 32)
        return 0;

    PollerCallback *callback = watch->callback;
    watch->callback = NULL; /* first, for the callback may watch again */
    poller->count--;
    callback(watch->context, descriptor);
    return 1;
}

static int deliver_ready(Poller *poller, int timeout_ms) {
    struct epoll_event events[EVENTS_MAX];
    int ready = epoll_wait(poller->epoll, events, EVENTS_MAX, timeout_ms);
    if (ready < 0)
        return errno == EINTR ? 0 : -errno;
    int delivered = 0;
    for (int index = 0; index < ready; index++)
        delivered += deliver(poller, &events[index]);
    return delivered;
}

int poller_wait(Poller *poller, int64_t timeout_ns) {
    if (poller->count > 0 && timeout_ns <= 0)
        return deliver_ready(poller, timeout_ns < 0 ? -1 : 0);

    int r = timeout_ns == 0 ? 0 : wait_for_time(poller, timeout_ns);
    if (r && r != -EINTR)
        return r;
    return poller->count > 0 ? deliver_ready(poller, 0) : 0;
}
