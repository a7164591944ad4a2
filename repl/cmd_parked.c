/* SPDX-License-Identifier: MIT */
/* parked: the messages that were set aside because their turn failed, for a person to look at. */
#include "repl/journal_view.h"
#include "repl/report.h"
#include "vm/lang/diag.h"
#include "vm/value/print.h"
#include "vm/value/string.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- ls --- */

typedef struct ParkedList {
    JournalView *view;
    Buffer line;
    int exit;
} ParkedList;

static int print_parked(ParkedList *list, const StoreActor *actor, const History *history) {
    JournalView *view = list->view;
    int r = 0;
    for (const HistoryMessage *message = history->parked.first; message && !r; message = message->next) {
        if (view->as_json)
            buffer_append_text(&list->line, "{\"address\":");
        (void)!print_quoted(&list->line, actor->id, actor->id_size);
        buffer_append_text(&list->line, view->as_json ? ",\"parked\":" : " ");
        r = history_append_message(history, message, view->as_json ? HISTORY_JSON : HISTORY_TEXT, &list->line);
        buffer_append_text(&list->line, view->as_json ? "}" : "");
        journal_view_print(view, &list->line);
    }
    return r;
}

/* The live list knows who has any, so no other journal is read. */
static int list_parked_of(void *context, StoreActor *listed) {
    ParkedList *list = context;
    JournalView *view = list->view;
    StoreActor *actor;
    History history;
    if (!(listed->outstanding.flags & OUTSTANDING_PARKED))
        return 0;
    history_init(&history, &view->heap);
    int r = store_find(view->store, listed->id, listed->id_size, &actor);
    if (!r) {
        r = journal_view_read(view, actor, &history);
        if (!r)
            r = print_parked(list, actor, &history);
        store_release(view->store, actor);
    }
    if (r > 0) /* the others can be shown */
        list->exit = journal_view_fail(view, listed->id, listed->id_size, r, &history);
    history_deinit(&history);
    return r < 0 ? r : 0;
}

int cmd_parked_ls(const Invocation *invocation) {
    JournalView view;
    int r = journal_view_open(&view, invocation);
    if (r)
        return r;
    ParkedList list = {.view = &view, .exit = view.exit};
    buffer_init(&list.line, &view.heap.mem);
    r = store_each_outstanding(view.store, list_parked_of, &list);
    if (r)
        list.exit = journal_view_fail(&view, view.path, strlen(view.path), r, NULL);
    buffer_deinit(&list.line);
    journal_view_close(&view);
    return list.exit;
}

/* --- show --- */

static int print_message(JournalView *view, const History *history, const HistoryMessage *message) {
    CLEANUP(buffer_deinit) Buffer line, trace;
    buffer_init(&line, &view->heap.mem);
    buffer_init(&trace, &view->heap.mem);
    int r = history_append_message(history, message, view->as_json ? HISTORY_JSON : HISTORY_TEXT, &line);
    if (r)
        return r;
    journal_view_print(view, &line);
    if (view->as_json)
        return 0;
    report_append_lines(&trace, string_bytes(value_string(message->trace)), value_string(message->trace)->size);
    printf("%s\n", buffer_text(&trace));
    return trace.failed ? -ENOMEM : 0;
}

static int show(JournalView *view, StoreActor *actor, uint64_t sequence) {
    History history;
    int code = EXIT_FINE;
    history_init(&history, &view->heap);
    int r = journal_view_read(view, actor, &history);
    const HistoryMessage *message = history.parked.first;
    while (message && message->sequence != sequence)
        message = message->next;
    if (!r && message)
        r = print_message(view, &history, message);
    if (r) {
        code = journal_view_fail(view, actor->id, actor->id_size, r, &history);
    } else if (!message) {
        report_error("%.*s has no parked message %" PRIu64, (int)actor->id_size, actor->id, sequence);
        code = EXIT_FAILED;
    }
    history_deinit(&history);
    return code;
}

int cmd_parked_show(const Invocation *invocation) {
    JournalView view;
    StoreActor *actor;
    const char *address = invocation->arguments[0], *number = invocation->arguments[1];
    char *end;
    errno = 0;
    uint64_t sequence = strtoull(number, &end, 10);
    if (number[0] < '0' || number[0] > '9' || *end || errno) {
        report_error("a parked message is named by its number, which `parked ls` shows, not by '%s'", number);
        return EXIT_USAGE;
    }
    int r = journal_view_open(&view, invocation);
    if (r)
        return r;
    r = journal_view_find(&view, address, strlen(address), &actor);
    if (!r) {
        r = show(&view, actor, sequence);
        store_release(view.store, actor);
    }
    r = r ? r : view.exit;
    journal_view_close(&view);
    return r;
}
