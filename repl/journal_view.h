/* SPDX-License-Identifier: MIT */
/*
 * JournalView: a store that is opened to be looked at, and what the commands
 * that do so share. It writes nothing to the store and takes no lock, so that
 * it works beside the program that owns it.
 *
 * Each step says on stderr what is wrong and returns the exit code for it.
 */
#pragma once

#include "journal/store.h"
#include "repl/command.h"
#include "vm/actor/history.h"

typedef struct JournalView {
    Heap heap; /* of all that is decoded */
    Io io;
    Clock clock;
    const char *path;
    Store *store;
    bool as_json;
    int exit; /* what the command ends with when nothing else goes wrong: EXIT_DAMAGED when the log is */
} JournalView;

/* Opens the store of --store. Only after EXIT_FINE is there something to close. It does not move afterwards. */
int journal_view_open(JournalView *view, const Invocation *invocation) MUST_CHECK;
void journal_view_close(JournalView *view);

/* Holds the actor of that address; store_release() lets it go. EXIT_FAILED: there is none. */
int journal_view_find(JournalView *view, const char *address, size_t size, StoreActor **actorp) MUST_CHECK;
/*
 * What went wrong with an actor: an answer of the store or of a history, the latter NULL when it did not get that far.
 * Gives the exit code.
 */
int journal_view_fail(const JournalView *view, const char *address, size_t size, int r, const History *history);
/* The sentence of that, not escaped, NUL-terminated. */
const char *journal_view_reason(const JournalView *view, int r, const History *history);

/* Prints a line to stdout and empties it: as people may see it, or as JSON. */
void journal_view_print(const JournalView *view, Buffer *line);
/* Reads an actor's journal from the start into a history. As history_add() and store_read(). */
int journal_view_read(const JournalView *view, StoreActor *actor, History *history) MUST_CHECK;
