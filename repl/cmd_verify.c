/* SPDX-License-Identifier: MIT */
/*
 * journal verify: reads all there is of every actor, and says what is not as
 * it was written. One damaged actor does not keep the others from being read.
 *
 * It may take long; so on a terminal it says how far it is, and Ctrl-C ends it
 * between two records. (The signal is held back and looked for: a handler
 * would need a variable that outlives a call.)
 */
#include "repl/journal_view.h"
#include "vm/lang/diag.h"
#include "vm/value/print.h"
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    INTERRUPTED = 1000, /* beyond all answers of the store */
    LOOKS_EVERY = 256,  /* records between two looks at signal and clock */
};
static const int64_t PROGRESS_AFTER_NS = 1000000000, PROGRESS_EVERY_NS = 200000000;

typedef struct Verification {
    JournalView *view;
    /* of the actor that is being read */
    History history;
    const char *address;
    size_t address_size;
    Buffer image; /* its snapshot's */
    uint64_t image_sequence, image_checksum; /* the record that it is of; 0: there is none */

    uint64_t actors, records, bytes, damaged;
    bool shows_progress, is_progress_shown;
    int64_t progress_ns; /* when it is shown next */
} Verification;

/* --- while it runs --- */

static void erase_progress(Verification *verification) {
    if (verification->is_progress_shown)
        fputs("\r\x1b[K", stderr);
    verification->is_progress_shown = false;
}

static void show_progress(Verification *verification) {
    int64_t now = clock_monotonic_ns(&verification->view->clock);
    if (!verification->shows_progress || now < verification->progress_ns)
        return;
    verification->progress_ns = now + PROGRESS_EVERY_NS;
    verification->is_progress_shown = true;
    fprintf(stderr, "\r%" PRIu64 " actors, %" PRIu64 " records", verification->actors, verification->records);
}

static bool is_interrupted(void) {
    sigset_t pending;
    return sigpending(&pending) == 0 && sigismember(&pending, SIGINT) == 1;
}

static int look_around(Verification *verification) {
    show_progress(verification);
    return is_interrupted() ? INTERRUPTED : 0;
}

/* --- damage --- */

static void print_damage(Verification *verification, const char *address, size_t size, const char *reason) {
    const JournalView *view = verification->view;
    CLEANUP(buffer_deinit) Buffer line;
    buffer_init(&line, &verification->view->heap.mem);
    erase_progress(verification);
    if (view->as_json) {
        buffer_append_text(&line, "{\"address\":");
        (void)!print_quoted(&line, address, size);
        buffer_append_text(&line, ",\"damage\":");
        (void)!print_quoted(&line, reason, strlen(reason));
        buffer_append_text(&line, "}");
    } else {
        buffer_append(&line, address, size);
        buffer_append_format(&line, ": %s", reason);
    }
    journal_view_print(view, &line);
    verification->damaged++;
}

/* --- one actor --- */

/* A snapshot only saves time, so a wrong one is told of and the journal read on. */
static int verify_image(Verification *verification, const Record *record) {
    History *history = &verification->history;
    const Buffer *image = &verification->image;
    if (record->checksum != verification->image_checksum) {
        print_damage(verification, verification->address, verification->address_size, "its snapshot is of another journal");
        return 0;
    }
    int r = history_compare_image(history, record, (Bytes){(const uint8_t *)image->bytes, image->size});
    if (r > 0) {
        print_damage(verification, verification->address, verification->address_size, history->damage);
        history->damage[0] = '\0';
    }
    return r < 0 ? r : 0;
}

/* Reads the snapshot that a start would use. */
static int take_image(Verification *verification, StoreActor *actor) {
    Store *store = verification->view->store;
    buffer_clear(&verification->image);
    verification->image_sequence = 0;
    int r = store_read_image(store, actor, &verification->image, &verification->image_sequence,
                             &verification->image_checksum);
    if (r == STORE_E_ABSENT)
        verification->image_sequence = 0;
    if (r >= 0 && store_damage(store)[0])
        print_damage(verification, actor->id, actor->id_size, store_damage(store));
    return r < 0 ? r : 0;
}

static int verify_record(void *context, const Record *record) {
    Verification *verification = context;
    verification->records++;
    verification->bytes += record_size(record->size);
    int r = verification->records % LOOKS_EVERY == 0 ? look_around(verification) : 0;
    if (!r)
        r = history_add(&verification->history, record);
    return !r && record->sequence == verification->image_sequence ? verify_image(verification, record) : r;
}

/* What the live list says must be what the journal comes to: it decides who is woken at the start. */
static const char *compare_outstanding(const StoreActor *actor, const History *history) {
    const Outstanding *listed = &actor->outstanding;
    if (!history_waits_from(history, listed->flags & OUTSTANDING_MESSAGES ? listed->first_waiting : 0))
        return "the live list does not say which messages wait";
    if (!(listed->flags & OUTSTANDING_PARKED) != (history->parked.first == NULL))
        return "the live list does not say whether messages are parked";
    return NULL;
}

static int verify_journal(Verification *verification, StoreActor *actor) {
    History *history = &verification->history;
    const JournalView *view = verification->view;
    const char *reason = NULL;
    int r = take_image(verification, actor);
    if (r)
        return r;
    verification->address = actor->id;
    verification->address_size = actor->id_size;
    history_init(history, &verification->view->heap);
    r = store_read(view->store, actor, 1, verify_record, verification);
    if (r == 0)
        reason = compare_outstanding(actor, history);
    else if (r > 0 && r != INTERRUPTED)
        reason = journal_view_reason(view, r, history);
    if (reason)
        print_damage(verification, actor->id, actor->id_size, reason);
    history_deinit(history);
    return r == INTERRUPTED || r < 0 ? r : 0;
}

static int verify_actor(void *context, const StoreListing *listing) {
    Verification *verification = context;
    const JournalView *view = verification->view;
    StoreActor *actor;
    int r = look_around(verification);
    if (r)
        return r;
    verification->actors++;
    r = store_find(view->store, listing->id, listing->id_size, &actor);
    if (r < 0)
        return r;
    if (r) {
        print_damage(verification, listing->id, listing->id_size, journal_view_reason(view, r, NULL));
        return 0;
    }
    r = verify_journal(verification, actor);
    store_release(view->store, actor);
    return r;
}

/* --- all of them --- */

static void print_totals(const Verification *verification) {
    if (verification->view->as_json) {
        printf("{\"actors\":%" PRIu64 ",\"records\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"damaged\":%" PRIu64 "}\n",
               verification->actors, verification->records, verification->bytes, verification->damaged);
        return;
    }
    printf("%" PRIu64 " actors, %" PRIu64 " records, %" PRIu64 " bytes: ", verification->actors,
           verification->records, verification->bytes);
    if (verification->damaged)
        printf("%" PRIu64 " damaged\n", verification->damaged);
    else
        puts("no damage");
}

static int verify(JournalView *view) {
    Verification verification = {
        .view = view,
        .shows_progress = isatty(STDERR_FILENO),
        .progress_ns = clock_monotonic_ns(&view->clock) + PROGRESS_AFTER_NS,
    };
    buffer_init(&verification.image, &view->heap.mem);
    int r = store_each_actor(view->store, verify_actor, &verification);
    buffer_deinit(&verification.image);
    erase_progress(&verification);
    if (r == STORE_E_DAMAGED)
        print_damage(&verification, view->path, strlen(view->path), store_damage(view->store));
    else if (r < 0)
        return journal_view_fail(view, view->path, strlen(view->path), r, NULL);
    print_totals(&verification);
    if (r == INTERRUPTED)
        return EXIT_INTERRUPTED;
    return verification.damaged > 0 ? EXIT_DAMAGED : view->exit;
}

int cmd_journal_verify(const Invocation *invocation) {
    JournalView view;
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    int r = journal_view_open(&view, invocation);
    if (r)
        return r;
    sigprocmask(SIG_BLOCK, &interrupt, NULL);
    r = verify(&view);
    journal_view_close(&view);
    return r;
}
