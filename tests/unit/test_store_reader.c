/* SPDX-License-Identifier: MIT */
/*
 * Readers beside a writer that takes checkpoints all the time: each sees the
 * store at one position of its log, whole groups only, and never less than
 * the one before.
 */
#include "journal/store.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ACTORS = 20,
    READS = 80, /* at least, and until so many rounds have been added */
    ROUNDS = 300,
    READS_MAX = 100000,
};

static char folder[64];
static Mem mem;
static Io io;
static Clock clock_used;

static void start(void) {
    snprintf(folder, sizeof folder, "/tmp/seqvm-reader-XXXXXX");
    cr_assert(mkdtemp(folder));
    cr_assert_eq(mem_init(&mem, allocator_default(), SIZE_MAX), 0);
    io = io_system();
    clock_used = clock_system();
}

static void finish(void) {
    char command[128];
    cr_expect_eq(mem.live_count, 0);
    mem_deinit(&mem);
    snprintf(command, sizeof command, "rm -r %s", folder);
    cr_expect_eq(system(command), 0);
}

TestSuite(store_reader, .init = start, .fini = finish, .timeout = 120);

static StoreOptions options(void) {
    return (StoreOptions){
        .mem = &mem,
        .io = &io,
        .clock = &clock_used,
        .path = folder,
        .may_create = true,
        .signal = -1,
        .segment_size_min = 4096,
        .segment_size_max = 16384,
        .checkpoint_size = 4096,
    };
}

static Store *opened(bool is_threaded) {
    StoreOptions own = options();
    StoreReport report;
    Store *store;
    own.is_threaded = is_threaded;
    int r = store_open(&store, &own, &report);
    cr_assert_eq(r, 0, "%d: %s", r, report.text);
    return store;
}

static Store *reader(StoreReport *report) {
    StoreOptions own = options();
    Store *store;
    int r = store_open_reader(&store, &own, report);
    cr_assert_eq(r, 0, "%d: %s", r, report->text);
    return store;
}

static void append(Store *store, uint32_t number, uint64_t round) {
    char id[16], payload[200] = {0};
    StoreActor *actor;
    snprintf(id, sizeof id, "actor/%u", number);
    snprintf(payload, sizeof payload, "%llu", (unsigned long long)round);
    cr_assert_eq(store_find(store, id, strlen(id), &actor), 0);
    /* those with odd numbers always have something outstanding */
    Outstanding outstanding = {.flags = number % 2 ? OUTSTANDING_MESSAGES : 0, .first_waiting = round};
    cr_assert_eq(store_append(store, actor, RECORD_MESSAGE, payload, sizeof payload, &outstanding), 0);
    store_release(store, actor);
}

/* One group: a record for each actor. */
static void append_round(Store *store, uint64_t round) {
    cr_assert_eq(store_reserve(store, ACTORS * 256, ACTORS), 0);
    for (uint32_t number = 0; number < ACTORS; number++)
        append(store, number, round);
    cr_assert_eq(store_wait(store), 0);
    cr_assert_eq(store_flush(store), 0);
        cr_assert_eq(store_poll(store), 0);
}

/* --- what a reader sees --- */

typedef struct View {
    Store *store;
    uint64_t rounds; /* of the actor that was seen first; all must have as many */
    uint32_t actors;
    uint64_t next; /* record */
} View;

static int check_record(void *context, const Record *record) {
    View *view = context;
    cr_assert_eq(record->sequence, view->next);
    cr_assert_eq(strtoull((const char *)record->payload, NULL, 10), view->next);
    view->next++;
    return 0;
}

static int check_actor(void *context, const StoreListing *listing) {
    View *view = context;
    StoreActor *actor;
    int r = store_find(view->store, listing->id, listing->id_size, &actor);
    cr_assert_eq(r, 0, "%s", store_damage(view->store));
    view->next = 1;
    r = store_read(view->store, actor, 1, check_record, view);
    cr_assert_eq(r, 0, "%s", store_damage(view->store));
    if (view->actors++ == 0)
        view->rounds = actor->last_sequence;
    cr_assert_eq(actor->last_sequence, view->rounds, "a group is there in part");
    cr_assert_eq(listing->record_count, view->rounds);
    store_release(view->store, actor);
    return 0;
}

static int count_outstanding(void *context, StoreActor *actor) {
    cr_assert_eq(actor->outstanding.first_waiting, actor->last_sequence);
    ++*(uint32_t *)context;
    return 0;
}

/* How many rounds there are. */
static uint64_t look(void) {
    StoreReport report;
    View view = {.store = reader(&report)};
    uint32_t outstanding = 0;
    cr_assert(!report.is_cut, "%s", report.text);
    cr_assert_eq(store_each_actor(view.store, check_actor, &view), 0);
    cr_assert_eq(view.actors, view.rounds ? ACTORS : 0);
    cr_assert_eq(store_each_outstanding(view.store, count_outstanding, &outstanding), 0);
    cr_assert_eq(outstanding, view.rounds ? ACTORS / 2 : 0);
    store_abandon(view.store);
    return view.rounds;
}

/* --- tests --- */

Test(store_reader, beside_a_writer) {
    store_abandon(opened(false)); /* so that there is a store when the first one looks */
    pid_t writer = fork();
    cr_assert_geq(writer, 0);
    if (writer == 0) {
        Store *store = opened(true);
        for (uint64_t round = 1;; round++)
            append_round(store, round);
    }
    uint64_t rounds = 0;
    while (rounds == 0) /* it opens the store */
        rounds = look();
    uint64_t first = rounds;
    for (int index = 0; index < READS_MAX && (index < READS || rounds < first + ROUNDS); index++) {
        uint64_t seen = look();
        cr_assert_geq(seen, rounds);
        rounds = seen;
    }
    kill(writer, SIGKILL);
    waitpid(writer, NULL, 0);
    cr_expect_geq(rounds, first + ROUNDS, "the writer did not get far");
    cr_expect_geq(look(), rounds);
}

Test(store_reader, sees_what_is_not_spread) {
    Store *store = opened(false);
    for (uint64_t round = 1; round <= 3; round++)
        append_round(store, round);
    cr_expect_eq(look(), 3);
    store_abandon(store);
    cr_expect_eq(look(), 3);
    cr_assert_eq(store_close(opened(false)), 0);
    cr_expect_eq(look(), 3);
}

Test(store_reader, makes_nothing) {
    StoreOptions own = options();
    StoreReport report;
    Store *store;
    cr_expect_eq(store_open_reader(&store, &own, &report), STORE_E_ABSENT);
    cr_expect_null(store);
    cr_expect_eq(rmdir(folder), 0); /* it is empty */
    cr_expect_eq(store_open_reader(&store, &own, &report), STORE_E_ABSENT);
    cr_assert_eq(io_make_folder(&io, folder), 0);
}

Test(store_reader, cannot_append, .signal = SIGABRT) {
    cr_assert_eq(store_close(opened(false)), 0);
    StoreReport report;
    append(reader(&report), 0, 1);
}

/* A damaged log is shown up to the damage, and stays as it is. */
Test(store_reader, stops_where_the_log_is_damaged) {
    StoreOptions own = options();
    own.checkpoint_size = 1 << 20; /* all stays in the log */
    own.segment_size_min = own.segment_size_max = 1 << 20;
    StoreReport report;
    Store *store;
    char path[128];
    cr_assert_eq(store_open(&store, &own, &report), 0);
    for (uint64_t round = 1; round <= 9; round++)
        append_round(store, round);
    store_abandon(store);

    StoreFigures figures;
    store = reader(&report);
    cr_assert_eq(store_figures(store, &figures), 0);
    cr_expect_eq(figures.epoch, 1);
    store_abandon(store);
    snprintf(path, sizeof path, "%s/log/%016x.nl", folder, 2);
    int file = io_open(&io, path, IO_OWN_UPDATE);
    if (file < 0) {
        snprintf(path, sizeof path, "%s/log/%016x.nl", folder, 1);
        file = io_open(&io, path, IO_OWN_UPDATE);
    }
    cr_assert_geq(file, 0);
    /* somewhere in the fifth group or so: each has some 20 records of 250 bytes */
    cr_assert_eq(io_write_all_at(&io, file, 25000, "damage", 6), 0);
    io_close(&io, file);

    store = reader(&report);
    View view = {.store = store};
    cr_expect(report.is_cut);
    cr_expect_neq(strstr(report.text, "is damaged or missing"), NULL, "%s", report.text);
    cr_assert_eq(store_each_actor(store, check_actor, &view), 0);
    cr_expect(view.rounds > 0 && view.rounds < 9, "%llu", (unsigned long long)view.rounds);
    store_abandon(store);
    cr_expect_eq(store_open(&store, &own, &report), STORE_E_DAMAGED);
}
