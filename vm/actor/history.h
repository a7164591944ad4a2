/* SPDX-License-Identifier: MIT */
/*
 * History: an actor's journal as people look at it. It goes through the
 * records from the first one on, keeps what they come to (the state, the
 * messages that wait, those that are parked) and says what each of them
 * means. No code is needed for it and none is run.
 *
 * All that a record holds is decoded on the way, so a journal that a History
 * has gone through is sound to its last value.
 *
 * Texts are not escaped beyond what SON does: whoever shows them to people
 * sees to it that nothing of them acts upon a terminal. JSON texts are JSON.
 */
#pragma once

#include "journal/record.h"
#include "vm/actor/payload.h"
#include "vm/value/heap.h"

/* A message that waits or is parked. */
typedef struct HistoryMessage {
    struct HistoryMessage *next;
    uint64_t sequence; /* of the record that holds it; of a parked one, of the fate that parked it */
    int64_t time_ns;   /* of that record */
    MessageKind kind;
    uint64_t from_turn, from_counter;
    Value from; /* String, the sender's address; empty: from outside */
    Value value;
    Value reason, trace; /* Strings, of a parked one; else VALUE_ZERO */
} HistoryMessage;

typedef struct HistoryLine {
    HistoryMessage *first, *last;
    uint64_t count;
} HistoryLine;

typedef struct History {
    Heap *heap;
    Value state; /* Map */
    uint64_t turn_number;   /* of the last turn */
    uint64_t last_sequence; /* of the last record; 0: there was none */
    int64_t last_time_ns;
    bool is_stopped;
    HistoryLine waiting, parked; /* oldest first; a turn that asks has the first of those that wait */
    uint64_t asks;               /* how often the turn that follows the last one has asked */
    char damage[128];            /* after STORE_E_DAMAGED or STORE_E_FOREIGN: what is wrong */
} History;

/* The heap outlives the history. */
void history_init(History *history, Heap *heap);
void history_deinit(History *history);
/*
 * The next record has happened. 0; STORE_E_DAMAGED; STORE_E_FOREIGN: a record that this version does not know;
 * -ENOMEM. After any but 0 the history is what it was before that record, or a part of it: it is good for
 * history_deinit() only.
 */
int history_add(History *history, const Record *record) MUST_CHECK;

/*
 * Whether whoever looks for messages that wait from record `sequence` on (0: there are none) misses none. It may find
 * nothing there: answers that nobody waits for any more.
 */
bool history_waits_from(const History *history, uint64_t sequence);
/*
 * Whether a snapshot's image says what the records up to the last one come to. 0; STORE_E_DAMAGED, when it does not;
 * -ENOMEM. The history goes on in any case.
 */
int history_compare_image(History *history, const Record *record, Bytes image) MUST_CHECK;

typedef enum HistoryForm { HISTORY_TEXT, HISTORY_JSON } HistoryForm;

/*
 * Appends what the record says: one line without its line feed, or a JSON object. To be called before the record is
 * added, as what a change replaces is in the state before. As history_add(); then what was appended is of no use.
 */
int history_append_record(History *history, const Record *record, HistoryForm form, Buffer *out) MUST_CHECK;
/* Appends a message: a piece of a line, or a JSON object. -ENOMEM. */
int history_append_message(const History *history, const HistoryMessage *message, HistoryForm form, Buffer *out)
    MUST_CHECK;
/* Appends "2025-11-20T17:22:01.123Z". */
void history_append_time(Buffer *out, int64_t time_ns);
