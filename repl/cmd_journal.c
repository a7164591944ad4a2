/* SPDX-License-Identifier: MIT */
/* journal: looking into the journals of actors. What changes them is not here; checking all of them is cmd_verify.c. */
#include "repl/journal_view.h"
#include "repl/report.h"
#include "vm/lang/diag.h"
#include "vm/value/print.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- ls --- */

typedef struct Row {
    size_t address; /* offset in the list's `addresses` */
    size_t size;
    uint64_t record_count, bytes;
} Row;

typedef struct List {
    JournalView *view;
    Buffer addresses, rows;
} List;

static int add_row(void *context, const StoreListing *listing) {
    List *list = context;
    Row row = {list->addresses.size, listing->id_size, listing->record_count, listing->size};
    buffer_append(&list->addresses, listing->id, listing->id_size);
    buffer_append(&list->rows, &row, sizeof row);
    return list->addresses.failed || list->rows.failed ? -ENOMEM : 0;
}

/* The bytes of an address, as qsort_r wants them compared. */
static int compare_rows(const void *a, const void *b, void *addresses) {
    const Row *left = a, *right = b;
    size_t size = left->size < right->size ? left->size : right->size;
    const char *bytes = ((const Buffer *)addresses)->bytes;
    int order = memcmp(bytes + left->address, bytes + right->address, size);
    return order ? order : (left->size > right->size) - (left->size < right->size);
}

static int keep_time(void *context, const Record *record) {
    *(int64_t *)context = record->time_ns;
    return 0;
}

/* When the last record was written. Reads the end of the journal only. */
static int last_time(JournalView *view, const char *address, size_t size, int64_t *time_ns) {
    StoreActor *actor;
    int r = store_find(view->store, address, size, &actor);
    if (r)
        return r;
    r = store_read(view->store, actor, actor->last_sequence, keep_time, time_ns);
    store_release(view->store, actor);
    return r;
}

static void append_last(JournalView *view, int r, int64_t time_ns, Buffer *line) {
    if (r == 0)
        history_append_time(line, time_ns);
    else
        buffer_append_text(line, journal_view_reason(view, r, NULL));
}

static int print_row(List *list, const Row *row, Buffer *line) {
    JournalView *view = list->view;
    const char *address = list->addresses.bytes + row->address;
    int64_t time_ns;
    int r = last_time(view, address, row->size, &time_ns);
    if (view->as_json) {
        buffer_append_text(line, "{\"address\":");
        (void)!print_quoted(line, address, row->size);
        buffer_append_format(line, ",\"records\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"%s\":\"", row->record_count,
                             row->bytes, r ? "damage" : "time");
        append_last(view, r, time_ns, line);
        buffer_append_text(line, "\"}");
    } else {
        buffer_append_format(line, "%10" PRIu64 " %12" PRIu64 "  ", row->record_count, row->bytes);
        append_last(view, r, time_ns, line);
        buffer_append_text(line, "  ");
        buffer_append(line, address, row->size);
    }
    journal_view_print(view, line);
    return r == 0 ? EXIT_FINE : r < 0 ? EXIT_FAILED : EXIT_DAMAGED;
}

static int print_rows(List *list) {
    CLEANUP(buffer_deinit) Buffer line;
    buffer_init(&line, list->rows.mem);
    Row *rows = (Row *)(void *)list->rows.bytes;
    size_t count = list->rows.size / sizeof *rows;
    int code = EXIT_FINE;
    if (count > 0)
        qsort_r(rows, count, sizeof *rows, compare_rows, &list->addresses);
    if (!list->view->as_json)
        puts("   records        bytes  last                      address");
    for (size_t index = 0; index < count; index++) {
        int r = print_row(list, &rows[index], &line);
        code = r > code ? r : code;
    }
    return code;
}

static int list_actors(JournalView *view) {
    List list = {.view = view};
    buffer_init(&list.addresses, &view->heap.mem);
    buffer_init(&list.rows, &view->heap.mem);
    int r = store_each_actor(view->store, add_row, &list), code = EXIT_FINE;
    if (r)
        code = journal_view_fail(view, view->path, strlen(view->path), r, NULL);
    if (r >= 0) { /* what is known of a damaged store is shown all the same */
        int printed = print_rows(&list);
        code = printed > code ? printed : code;
    }
    buffer_deinit(&list.addresses);
    buffer_deinit(&list.rows);
    return code;
}

/* --- dump --- */

typedef struct Dump {
    JournalView *view;
    History history;
    uint64_t from, to;
    Buffer line;
} Dump;

enum { DUMP_ENDS = 1000 }; /* beyond all answers of the store */

static int dump_record(void *context, const Record *record) {
    Dump *dump = context;
    if (record->sequence > dump->to)
        return DUMP_ENDS;
    if (record->sequence >= dump->from) {
        HistoryForm form = dump->view->as_json ? HISTORY_JSON : HISTORY_TEXT;
        int r = history_append_record(&dump->history, record, form, &dump->line);
        if (r)
            return r;
        journal_view_print(dump->view, &dump->line);
    }
    return history_add(&dump->history, record);
}

static int dump_actor(JournalView *view, StoreActor *actor, const Options *options) {
    Dump dump = {.view = view, .from = options->from, .to = options->to ? options->to : UINT64_MAX};
    history_init(&dump.history, &view->heap);
    buffer_init(&dump.line, &view->heap.mem);
    int r = store_read(view->store, actor, 1, dump_record, &dump), code = EXIT_FINE;
    if (r && r != DUMP_ENDS)
        code = journal_view_fail(view, actor->id, actor->id_size, r, &dump.history);
    buffer_deinit(&dump.line);
    history_deinit(&dump.history);
    return code;
}

/* --- inspect --- */

typedef struct Inspection {
    History history;
    uint64_t turn; /* to end behind; UINT64_MAX: none */
} Inspection;

static int inspect_record(void *context, const Record *record) {
    Inspection *inspection = context;
    int r = history_add(&inspection->history, record);
    return r ? r : inspection->history.turn_number == inspection->turn ? DUMP_ENDS : 0;
}

static void print_head(JournalView *view, const StoreActor *actor, const History *history, Buffer *line) {
    if (view->as_json) {
        buffer_append_text(line, "{\"address\":");
        (void)!print_quoted(line, actor->id, actor->id_size);
        buffer_append_format(line, ",\"turn\":%" PRIu64 ",\"sequence\":%" PRIu64 ",\"time\":\"", history->turn_number,
                             history->last_sequence);
        history_append_time(line, history->last_time_ns);
        buffer_append_format(line, "\",\"stopped\":%s,\"asks\":%" PRIu64, history->is_stopped ? "true" : "false",
                             history->asks);
        return;
    }
    buffer_append(line, actor->id, actor->id_size);
    buffer_append_format(line, ": turn %" PRIu64 ", record %" PRIu64 ", ", history->turn_number,
                         history->last_sequence);
    history_append_time(line, history->last_time_ns);
    buffer_append_text(line, history->is_stopped ? ", stopped" : "");
    buffer_append_text(line, history->asks > 0 ? ", its next turn has asked and is not done" : "");
    journal_view_print(view, line);
}

static int print_state(JournalView *view, const History *history, Buffer *line) {
    CLEANUP(buffer_deinit) Buffer state, shown;
    buffer_init(&state, line->mem);
    buffer_init(&shown, line->mem);
    if (print_son(&view->heap, &state, history->state, view->as_json ? PRINT_COMPACT : PRINT_PRETTY))
        return -ENOMEM;
    if (view->as_json) {
        buffer_append_text(line, ",\"state\":");
        return print_quoted(line, state.bytes, state.size);
    }
    report_append_lines(&shown, state.bytes, state.size);
    if (!shown.failed)
        printf("%.*s\n", (int)shown.size, shown.bytes);
    return shown.failed ? -ENOMEM : 0;
}

static int print_line(JournalView *view, const History *history, const HistoryLine *messages, const char *name,
                      Buffer *line) {
    int r = 0;
    if (view->as_json)
        buffer_append_format(line, ",\"%s\":[", name);
    else if (messages->count > 0)
        printf("%s: %" PRIu64 "\n", name, messages->count);
    for (const HistoryMessage *message = messages->first; message && !r; message = message->next) {
        buffer_append_text(line, !view->as_json ? "  " : message == messages->first ? "" : ",");
        r = history_append_message(history, message, view->as_json ? HISTORY_JSON : HISTORY_TEXT, line);
        if (!view->as_json)
            journal_view_print(view, line);
    }
    if (view->as_json)
        buffer_append_text(line, "]");
    return r;
}

static int print_inspection(JournalView *view, const StoreActor *actor, const History *history) {
    CLEANUP(buffer_deinit) Buffer line;
    buffer_init(&line, &view->heap.mem);
    print_head(view, actor, history, &line);
    int r = print_state(view, history, &line);
    if (!r)
        r = print_line(view, history, &history->waiting, "waiting", &line);
    if (!r)
        r = print_line(view, history, &history->parked, "parked", &line);
    if (view->as_json) {
        buffer_append_text(&line, "}");
        journal_view_print(view, &line);
    }
    return r;
}

static int inspect_actor(JournalView *view, StoreActor *actor, uint64_t turn) {
    Inspection inspection = {.turn = turn};
    History *history = &inspection.history;
    history_init(history, &view->heap);
    int r = store_read(view->store, actor, 1, inspect_record, &inspection), code = EXIT_FINE;
    if (r == DUMP_ENDS)
        r = 0;
    if (r == 0 && turn != UINT64_MAX && history->turn_number < turn) {
        report_error("%.*s has %" PRIu64 " turns", (int)actor->id_size, actor->id, history->turn_number);
        code = EXIT_FAILED;
    } else {
        if (!r)
            r = print_inspection(view, actor, history);
        if (r)
            code = journal_view_fail(view, actor->id, actor->id_size, r, history);
    }
    history_deinit(history);
    return code;
}

/* "@12" */
static bool read_turn(const Invocation *invocation, uint64_t *turn) {
    *turn = UINT64_MAX;
    if (invocation->argument_count < 2)
        return true;
    const char *text = invocation->arguments[1];
    char *end = NULL;
    errno = 0;
    if (text[0] == '@' && text[1] >= '0' && text[1] <= '9')
        *turn = strtoull(text + 1, &end, 10);
    if (end && *end == '\0' && errno == 0)
        return true;
    report_error("a turn is written @NUMBER, not '%s'", text);
    return false;
}

/* --- stat --- */

typedef struct Totals {
    uint64_t actors, records;
    uint64_t waiting, parked, asking, suspended, timers; /* actors with any */
} Totals;

static int count_actor(void *context, const StoreListing *listing) {
    Totals *totals = context;
    totals->actors++;
    totals->records += listing->record_count;
    return 0;
}

static int count_outstanding(void *context, StoreActor *actor) {
    Totals *totals = context;
    uint32_t flags = actor->outstanding.flags;
    totals->waiting += (flags & OUTSTANDING_MESSAGES) != 0;
    totals->timers += (flags & OUTSTANDING_TIMERS) != 0;
    totals->asking += (flags & OUTSTANDING_ASK) != 0;
    totals->parked += (flags & OUTSTANDING_PARKED) != 0;
    totals->suspended += (flags & OUTSTANDING_SUSPENDED) != 0;
    return 0;
}

static void print_figures(JournalView *view, const Totals *totals, const StoreFigures *figures) {
    const struct {
        const char *json_name, *text;
        uint64_t number;
    } rows[] = {
        {"format", "format", figures->format},
        {"epoch", "opened to write", figures->epoch},
        {"actors", "actors", totals->actors},
        {"records", "records", totals->records},
        {"actors_waiting", "actors with messages that wait", totals->waiting},
        {"actors_parked", "actors with parked messages", totals->parked},
        {"actors_asking", "actors with a turn cut off while it asked", totals->asking},
        {"actors_suspended", "actors that are suspended", totals->suspended},
        {"actors_timers", "actors with timers", totals->timers},
        {"log_bytes", "bytes of the log", figures->log_size},
        {"log_files", "files of the log", figures->log_count},
        {"pack_bytes", "bytes of packs", figures->pack_size},
        {"pack_files", "packs", figures->pack_count},
        {"index_bytes", "bytes of the index", figures->index_size},
        {"index_files", "files of the index", figures->index_count},
        {"snapshot_bytes", "bytes of snapshots", figures->snapshot_size},
        {"snapshot_files", "snapshots", figures->snapshot_count},
        {"quarantine_bytes", "bytes put aside: torn tails, bad snapshots", figures->quarantine_size},
        {"quarantine_files", "files put aside", figures->quarantine_count},
    };
    for (size_t index = 0; index < sizeof rows / sizeof *rows; index++) {
        if (view->as_json)
            printf("%s\"%s\":%" PRIu64, index ? "," : "{", rows[index].json_name, rows[index].number);
        else
            printf("%12" PRIu64 "  %s\n", rows[index].number, rows[index].text);
    }
    fputs(view->as_json ? "}\n" : "", stdout);
}

static int print_stat(JournalView *view) {
    Totals totals = {0};
    StoreFigures figures;
    int r = store_each_actor(view->store, count_actor, &totals), code = EXIT_FINE;
    if (r)
        code = journal_view_fail(view, view->path, strlen(view->path), r, NULL);
    r = store_each_outstanding(view->store, count_outstanding, &totals);
    if (!r)
        r = store_figures(view->store, &figures);
    if (r)
        return journal_view_fail(view, view->path, strlen(view->path), r, NULL);
    print_figures(view, &totals, &figures);
    return code;
}

/* --- the commands --- */

static int end(JournalView *view, int code) {
    code = code ? code : view->exit;
    journal_view_close(view);
    return code;
}

int cmd_journal_ls(const Invocation *invocation) {
    JournalView view;
    int r = journal_view_open(&view, invocation);
    return r ? r : end(&view, list_actors(&view));
}

int cmd_journal_stat(const Invocation *invocation) {
    JournalView view;
    int r = journal_view_open(&view, invocation);
    return r ? r : end(&view, print_stat(&view));
}

int cmd_journal_dump(const Invocation *invocation) {
    JournalView view;
    StoreActor *actor;
    const char *address = invocation->arguments[0];
    int r = journal_view_open(&view, invocation);
    if (r)
        return r;
    r = journal_view_find(&view, address, strlen(address), &actor);
    if (r)
        return end(&view, r);
    r = dump_actor(&view, actor, &invocation->options);
    store_release(view.store, actor);
    return end(&view, r);
}

int cmd_journal_inspect(const Invocation *invocation) {
    JournalView view;
    StoreActor *actor;
    uint64_t turn;
    const char *address = invocation->arguments[0];
    if (!read_turn(invocation, &turn))
        return EXIT_USAGE;
    int r = journal_view_open(&view, invocation);
    if (r)
        return r;
    r = journal_view_find(&view, address, strlen(address), &actor);
    if (r)
        return end(&view, r);
    r = inspect_actor(&view, actor, turn);
    store_release(view.store, actor);
    return end(&view, r);
}
