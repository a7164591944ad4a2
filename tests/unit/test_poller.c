/* SPDX-License-Identifier: MIT */
#include "tests/unit/refusing.h"
#include "vm/base/clock.h"
#include "vm/base/poller.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MS = 1000000 };

static Refusing refusing;
static Mem mem;
static Poller poller;

static void start(void) {
    cr_assert_eq(mem_init(&mem, refusing_allocator(&refusing), SIZE_MAX), 0);
    poller_init(&poller, &mem);
}

static void finish(void) {
    poller_deinit(&poller);
    cr_expect_eq(mem.live_count, 0);
    mem_deinit(&mem);
}

TestSuite(poller, .init = start, .fini = finish, .timeout = 20);

/* One pipe, and how often it was called back. */
typedef struct Pipe {
    int in, out; /* out is what one reads */
    int calls;
} Pipe;

static void pipe_open(Pipe *pipe_) {
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    *pipe_ = (Pipe){.out = ends[0], .in = ends[1]};
}

static void pipe_close(Pipe *pipe_) {
    close(pipe_->in);
    close(pipe_->out);
}

static void say(const Pipe *pipe_) {
    cr_assert_eq(write(pipe_->in, "x", 1), 1);
}

static void note(void *context, int descriptor) {
    Pipe *pipe_ = (Pipe *)context;
    cr_assert_eq(descriptor, pipe_->out);
    pipe_->calls++;
}

static void note_and_read(void *context, int descriptor) {
    note(context, descriptor);
    char byte;
    cr_assert_eq(read(descriptor, &byte, 1), 1);
}

static int64_t now(void) {
    Clock clock = clock_system();
    return clock_monotonic_ns(&clock);
}

static int open_descriptors(void) {
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* --- what is called back --- */

Test(poller, calls_back_what_is_readable_and_nothing_else) {
    Pipe a, b;
    pipe_open(&a);
    pipe_open(&b);
    cr_assert_eq(poller_watch(&poller, a.out, note_and_read, &a), 0);
    cr_assert_eq(poller_watch(&poller, b.out, note_and_read, &b), 0);
    cr_expect_eq(poller_count(&poller), 2);
    cr_expect_eq(poller_wait(&poller, 0), 0);
    say(&b);
    cr_expect_eq(poller_wait(&poller, -1), 1);
    cr_expect(a.calls == 0 && b.calls == 1);
    cr_expect_eq(poller_count(&poller), 1);
    say(&a);
    cr_expect_eq(poller_wait(&poller, 1000 * MS), 1);
    cr_expect(a.calls == 1 && b.calls == 1);
    cr_expect_eq(poller_count(&poller), 0);
    pipe_close(&a);
    pipe_close(&b);
}

Test(poller, calls_back_once) {
    Pipe a;
    pipe_open(&a);
    say(&a);
    cr_assert_eq(poller_watch(&poller, a.out, note, &a), 0);
    cr_expect_eq(poller_wait(&poller, -1), 1);
    cr_expect_eq(poller_wait(&poller, 10 * MS), 0, "still readable, but nobody asks any more");
    cr_expect_eq(a.calls, 1);
    for (int again = 2; again < 10; again++) {
        cr_assert_eq(poller_watch(&poller, a.out, note, &a), 0);
        cr_expect_eq(poller_wait(&poller, -1), 1);
        cr_expect_eq(a.calls, again);
    }
    pipe_close(&a);
}

Test(poller, an_end_is_readable) {
    Pipe a;
    pipe_open(&a);
    cr_assert_eq(poller_watch(&poller, a.out, note, &a), 0);
    close(a.in);
    cr_expect_eq(poller_wait(&poller, -1), 1);
    close(a.out);
}

Test(poller, more_than_are_taken_at_once) {
    enum { COUNT = 300 };
    struct rlimit limit = {.rlim_cur = 2 * COUNT + 100, .rlim_max = 2 * COUNT + 100};
    setrlimit(RLIMIT_NOFILE, &limit);
    static Pipe pipes[COUNT];
    for (int index = 0; index < COUNT; index++) {
        pipe_open(&pipes[index]);
        cr_assert_eq(poller_watch(&poller, pipes[index].out, note, &pipes[index]), 0);
        say(&pipes[index]);
    }
    int called = 0;
    while (poller_count(&poller) > 0) {
        int r = poller_wait(&poller, 1000 * MS);
        cr_assert_gt(r, 0);
        called += r;
    }
    cr_expect_eq(called, COUNT);
    for (int index = 0; index < COUNT; index++)
        cr_assert_eq(pipes[index].calls, 1);
}

/* --- unwatching --- */

Test(poller, an_unwatched_one_is_not_called) {
    Pipe a;
    pipe_open(&a);
    say(&a);
    cr_assert_eq(poller_watch(&poller, a.out, note, &a), 0);
    poller_unwatch(&poller, a.out);
    cr_expect_eq(poller_count(&poller), 0);
    cr_expect_eq(poller_wait(&poller, 10 * MS), 0);
    cr_expect_eq(a.calls, 0);
    poller_unwatch(&poller, a.out);
    poller_unwatch(&poller, 9999);
    poller_unwatch(&poller, -1);
    cr_expect_eq(poller_count(&poller), 0);

    cr_assert_eq(poller_watch(&poller, a.out, note, &a), 0);
    cr_expect_eq(poller_wait(&poller, 10 * MS), 1);
    pipe_close(&a);
}

static Pipe pair[2];

/* Ends the other one of the pair, whichever comes first. */
static void unwatch_other(void *context, int descriptor) {
    note(context, descriptor);
    Pipe *other = &pair[context == &pair[0]];
    poller_unwatch(&poller, other->out);
}

Test(poller, a_callback_may_unwatch_what_is_due) {
    for (int index = 0; index < 2; index++) {
        pipe_open(&pair[index]);
        say(&pair[index]);
        cr_assert_eq(poller_watch(&poller, pair[index].out, unwatch_other, &pair[index]), 0);
    }
    cr_expect_eq(poller_wait(&poller, -1), 1);
    cr_expect_eq(pair[0].calls + pair[1].calls, 1);
    cr_expect_eq(poller_count(&poller), 0);
}

/* Closes the other one and watches a new pipe, which gets the same number and has nothing to say yet. */
static void replace_other(void *context, int descriptor) {
    note(context, descriptor);
    Pipe *other = &pair[context == &pair[0]];
    int number = other->out;
    poller_unwatch(&poller, number);
    pipe_close(other);
    Pipe fresh;
    pipe_open(&fresh);
    if (fresh.out != number)
        cr_assert_eq(dup2(fresh.out, number), number);
    *other = fresh;
    other->out = number;
    cr_assert_eq(poller_watch(&poller, number, note, other), 0);
}

Test(poller, an_event_of_a_closed_descriptor_is_not_for_its_successor) {
    for (int index = 0; index < 2; index++) {
        pipe_open(&pair[index]);
        say(&pair[index]);
        cr_assert_eq(poller_watch(&poller, pair[index].out, replace_other, &pair[index]), 0);
    }
    cr_expect_eq(poller_wait(&poller, -1), 1);
    cr_expect_eq(pair[0].calls + pair[1].calls, 1);
    cr_expect_eq(poller_count(&poller), 1, "the successor waits");
    cr_expect_eq(poller_wait(&poller, 10 * MS), 0);
}

static int rounds;

static void watch_again(void *context, int descriptor) {
    note(context, descriptor);
    if (++rounds < 5)
        cr_assert_eq(poller_watch(&poller, descriptor, watch_again, context), 0);
}

Test(poller, a_callback_may_watch_again) {
    Pipe a;
    pipe_open(&a);
    say(&a);
    cr_assert_eq(poller_watch(&poller, a.out, watch_again, &a), 0);
    for (int round = 1; round <= 5; round++) {
        cr_expect_eq(poller_wait(&poller, -1), 1, "once a wait, though it stays readable");
        cr_expect_eq(rounds, round);
    }
    cr_expect_eq(poller_count(&poller), 0);
    pipe_close(&a);
}

static void watch_a_high_one(void *context, int descriptor) {
    note(context, descriptor);
    int high = dup2(descriptor, 200); /* the table of watches moves */
    cr_assert_eq(poller_watch(&poller, high, watch_again, context), 0);
}

Test(poller, a_callback_may_watch_what_needs_more_room) {
    for (int index = 0; index < 2; index++) {
        pipe_open(&pair[index]);
        say(&pair[index]);
    }
    cr_assert_eq(poller_watch(&poller, pair[0].out, watch_a_high_one, &pair[0]), 0);
    cr_assert_eq(poller_watch(&poller, pair[1].out, note, &pair[1]), 0);
    cr_expect_eq(poller_wait(&poller, -1), 2);
    cr_expect_eq(poller_count(&poller), 1);
}

/* A number that was closed after its callback, and is now of something else. */
Test(poller, a_number_may_come_back) {
    for (int round = 0; round < 3; round++) {
        Pipe a;
        pipe_open(&a);
        cr_assert_eq(poller_watch(&poller, a.out, note, &a), 0);
        cr_expect_eq(poller_wait(&poller, 0), 0);
        say(&a);
        cr_expect_eq(poller_wait(&poller, -1), 1);
        pipe_close(&a);
    }
}

/* --- what cannot be watched --- */

Test(poller, files_are_read_at_once) {
    int descriptor = open("/proc/self/exe", O_RDONLY);
    Pipe a;
    pipe_open(&a);
    cr_expect_eq(poller_watch(&poller, descriptor, note, NULL), -EPERM);
    cr_expect_eq(poller_watch(&poller, -1, note, NULL), -EBADF);
    cr_expect_eq(poller_watch(&poller, 500, note, NULL), -EBADF);
    cr_expect_eq(poller_count(&poller), 0);
    poller_unwatch(&poller, descriptor);

    cr_assert_eq(dup2(a.out, descriptor), descriptor);
    a.out = descriptor;
    cr_expect_eq(poller_watch(&poller, descriptor, note, &a), 0, "a refusal leaves nothing behind");
    say(&a);
    cr_expect_eq(poller_wait(&poller, -1), 1);
}

Test(poller, a_descriptor_is_watched_once, .signal = SIGABRT) {
    Pipe a;
    pipe_open(&a);
    cr_assert_eq(poller_watch(&poller, a.out, note, &a), 0);
    cr_assert_neq(poller_watch(&poller, a.out, note, &a), 0);
}

Test(poller, says_when_memory_is_refused) {
    Pipe a;
    pipe_open(&a);
    refusing_start(&refusing);
    mem.exhausted = true; /* so that not even a slab is cut */
    cr_expect_eq(poller_watch(&poller, a.out, note, &a), -ENOMEM);
    cr_expect_eq(poller_count(&poller), 0);
    mem.exhausted = false;
    refusing_stop(&refusing);
    cr_expect_eq(poller_watch(&poller, a.out, note, &a), 0);
}

/* --- time --- */

Test(poller, takes_no_descriptor_before_it_is_needed) {
    int before = open_descriptors();
    cr_expect_eq(poller_wait(&poller, 0), 0);
    cr_expect_eq(poller_wait(&poller, MS), 0);
    cr_expect_eq(open_descriptors(), before);
}

static void expect_waits(int64_t timeout_ns) {
    int64_t before = now();
    cr_expect_eq(poller_wait(&poller, timeout_ns), 0);
    int64_t passed = now() - before;
    cr_expect(passed >= timeout_ns && passed < timeout_ns + 5000 * (int64_t)MS, "asked for %lld ns, waited %lld",
              (long long)timeout_ns, (long long)passed);
}

Test(poller, waits_as_long_as_told) {
    static const int64_t timeouts[] = {0, 1, 300000, 20 * MS, 1100 * (int64_t)MS};
    for (size_t index = 0; index < sizeof timeouts / sizeof *timeouts; index++)
        expect_waits(timeouts[index]);
    Pipe a;
    pipe_open(&a);
    cr_assert_eq(poller_watch(&poller, a.out, note, &a), 0);
    for (size_t index = 0; index < sizeof timeouts / sizeof *timeouts; index++)
        expect_waits(timeouts[index]);
}

Test(poller, what_was_called_back_does_not_keep_it_awake) {
    Pipe a, b;
    pipe_open(&a);
    pipe_open(&b);
    say(&a);
    cr_assert_eq(poller_watch(&poller, a.out, note, &a), 0);
    cr_assert_eq(poller_watch(&poller, b.out, note, &b), 0);
    cr_expect_eq(poller_wait(&poller, -1), 1);
    expect_waits(20 * MS); /* although a is still readable */
}

/* Short sleeps are not stretched to a millisecond. */
Test(poller, waits_in_microseconds) {
    Pipe a;
    pipe_open(&a);
    cr_assert_eq(poller_watch(&poller, a.out, note, &a), 0);
    int64_t best = INT64_MAX;
    for (int round = 0; round < 50; round++) {
        int64_t before = now();
        cr_assert_eq(poller_wait(&poller, 100000), 0);
        int64_t passed = now() - before;
        best = passed < best ? passed : best;
    }
    cr_expect_lt(best, 700000);
}

static void *say_late(void *context) {
    usleep(20000);
    say(context);
    return NULL;
}

Test(poller, wakes_when_something_comes) {
    for (int round = 0; round < 2; round++) {
        Pipe a;
        pipe_open(&a);
        cr_assert_eq(poller_watch(&poller, a.out, note, &a), 0);
        pthread_t speaker;
        cr_assert_eq(pthread_create(&speaker, NULL, say_late, &a), 0);
        cr_expect_eq(poller_wait(&poller, round == 0 ? -1 : 10000 * (int64_t)MS), 1);
        pthread_join(speaker, NULL);
        pipe_close(&a);
    }
}

static void nothing(int signal_number) {
    (void)signal_number;
}

static void *signal_late(void *thread) {
    usleep(20000);
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

/* A program that waits for a signal must be able to look whether it came. */
Test(poller, a_signal_ends_the_wait) {
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = nothing}, NULL);
    Pipe a;
    pipe_open(&a);
    static pthread_t self;
    self = pthread_self();
    for (int round = 0; round < 4; round++) {
        if (round == 2)
            cr_assert_eq(poller_watch(&poller, a.out, note, &a), 0);
        pthread_t signaller;
        cr_assert_eq(pthread_create(&signaller, NULL, signal_late, &self), 0);
        cr_expect_eq(poller_wait(&poller, round % 2 ? -1 : 10000 * (int64_t)MS), 0);
        pthread_join(signaller, NULL);
    }
}

Test(poller, gives_its_descriptor_back) {
    Pipe a;
    pipe_open(&a);
    int before = open_descriptors();
    cr_assert_eq(poller_watch(&poller, a.out, note, &a), 0);
    cr_expect_eq(open_descriptors(), before + 1);
    poller_deinit(&poller);
    cr_expect_eq(open_descriptors(), before);
    cr_expect_eq(poller_count(&poller), 0);
}
