/* SPDX-License-Identifier: MIT */
#include "repl/journal_view.h"

#include "repl/json.h"
#include "repl/report.h"
#include "repl/script.h"
#include <errno.h>
#include <signal.h>
#include <string.h>

/* --- opening --- */

static int fail_open(const char *path, int r, const StoreReport *report) {
    report_error("%s: %s", path, report->text[0] ? report->text : r < 0 ? strerror(-r) : "it cannot be opened");
    switch (r) {
    case STORE_E_DAMAGED:
    case STORE_E_FOREIGN:
        return EXIT_DAMAGED;
    case STORE_E_OWNED:
        return EXIT_BUSY;
    default:
        return EXIT_FAILED;
    }
}

static int open_store(JournalView *view) {
    StoreReport report;
    StoreOptions options = {
        .mem = &view->heap.mem, .io = &view->io, .clock = &view->clock, .path = view->path, .signal = -1};
    int r = store_open_reader(&view->store, &options, &report);
    if (r)
        return fail_open(view->path, r, &report);
    if (report.is_cut)
        view->exit = fail_open(view->path, STORE_E_DAMAGED, &report);
    return EXIT_FINE;
}

int journal_view_open(JournalView *view, const Invocation *invocation) {
    /* whoever started us may ignore it, and then `seqvm journal dump | head` would run on */
    signal(SIGPIPE, SIG_DFL);
    *view = (JournalView){
        .io = io_system(),
        .clock = clock_system(),
        .path = script_store_path(invocation),
        .as_json = options_has(&invocation->options, OPTION_JSON),
    };
    uint64_t seed;
    int r = clock_random(&view->clock, &seed, sizeof seed);
    if (!r)
        r = heap_init(&view->heap, allocator_default(), VM_MEMORY_LIMIT, seed);
    if (r) {
        report_error("cannot start: %s", strerror(-r));
        return EXIT_FAILED;
    }
    r = open_store(view);
    if (r)
        heap_deinit(&view->heap);
    return r;
}

void journal_view_close(JournalView *view) {
    store_abandon(view->store);
    heap_deinit(&view->heap);
}

/* --- actors --- */

const char *journal_view_reason(const JournalView *view, int r, const History *history) {
    if (r < 0)
        return strerror(-r);
    return history && history->damage[0] ? history->damage : store_damage(view->store);
}

int journal_view_fail(const JournalView *view, const char *address, size_t size, int r, const History *history) {
    report_error("%.*s: %s", (int)size, address, journal_view_reason(view, r, history));
    return r < 0 ? EXIT_FAILED : EXIT_DAMAGED;
}

int journal_view_find(JournalView *view, const char *address, size_t size, StoreActor **actorp) {
    if (size > STORE_ID_MAX) {
        report_error("an address has at most %d bytes", STORE_ID_MAX);
        return EXIT_FAILED;
    }
    int r = store_find(view->store, address, size, actorp);
    if (r)
        return journal_view_fail(view, address, size, r, NULL);
    if ((*actorp)->last_sequence > 0)
        return EXIT_FINE;
    store_release(view->store, *actorp);
    report_error("there is no actor '%.*s' in %s", (int)size, address, view->path);
    return EXIT_FAILED;
}

static int add_record(void *context, const Record *record) {
    return history_add(context, record);
}

int journal_view_read(const JournalView *view, StoreActor *actor, History *history) {
    return store_read(view->store, actor, 1, add_record, history);
}

/* --- printing --- */

void journal_view_print(const JournalView *view, Buffer *line) {
    CLEANUP(buffer_deinit) Buffer shown;
    buffer_init(&shown, line->mem);
    if (view->as_json)
        json_append_shown(&shown, line->bytes, line->size);
    else if (line->size > 0)
        diag_append_shown(&shown, line->bytes, line->size);
    buffer_append_byte(&shown, '\n');
    if (line->failed || shown.failed)
        report_error("out of memory; a line is missing");
    else
        fwrite(shown.bytes, 1, shown.size, stdout);
    buffer_clear(line);
}
