/* SPDX-License-Identifier: MIT */
/*
 * Turn: one actor handles one message, as one transaction. The behavior runs
 * on a strand of its own; what it wants done is held back. When it leaves
 * exactly one Map, one record is appended, the state is the new one, and what
 * was held back is done. When it traps, it is as if it had not begun.
 */
#pragma once

#include "vm/actor/actor.h"

/* Starts the turn of the first message in line. False: not now (no memory, no room in the store). */
bool turn_start(Actor *actor) MUST_CHECK;
/* What the turn prints. -ENOMEM. */
int turn_print(Turn *turn, const char *bytes, size_t size) MUST_CHECK;
/* Frees one that runs, with its message and its strand: at the end of the node. */
void turn_abandon(Turn *turn);
/* Those that wait to be used again. */
void turns_free(Node *node);

/* --- for words inside the turn; false leaves a fault --- */

Actor *turn_actor(const Turn *turn);
const Message *turn_message(const Turn *turn);
Value turn_sender(const Turn *turn); /* borrowed */
/* The state at the start, with the events folded since. Borrowed. */
Value turn_state(const Turn *turn);
bool turn_send(Turn *turn, Strand *strand, Value address, TAKEN Message *message) MUST_CHECK;
bool turn_reply(Turn *turn, Strand *strand, Value value) MUST_CHECK;
/* A fresh address, the same if the turn is run again. VALUE_ZERO leaves a fault. */
Value turn_spawn(Turn *turn, Strand *strand, Value state, Value behavior, bool is_transient);
bool turn_spawn_at(Turn *turn, Strand *strand, Value address, Value behavior) MUST_CHECK;
bool turn_stop(Turn *turn, Strand *strand, Value address) MUST_CHECK;
/* Adds an event to the record. */
bool turn_append(Turn *turn, Strand *strand, Value event) MUST_CHECK;
/* In a sourced actor: the quotation that folds, and what it came to. */
Value turn_fold(const Turn *turn);
bool turn_folded(Turn *turn, Strand *strand, TAKEN Value state) MUST_CHECK;
/*
 * Asks from inside the turn: the request is in the journal before it leaves.
 * The Ask is held for the caller, and may have its outcome already. NULL
 * leaves a fault.
 */
Ask *turn_ask(Turn *turn, Strand *strand, Value address, Value value, int64_t timeout_ms) MUST_CHECK;
/* The outcome of an Ask is what the turn sees. */
bool turn_note_answer(Turn *turn, Strand *strand, bool is_answered, Value value) MUST_CHECK;
/* An answer has come for the actor. Taken when the turn waits for it; else false. */
bool turn_take_answer(Turn *turn, TAKEN Message *message) MUST_CHECK;
/* It has asked: an `asking` record says so. */
bool turn_has_asked(const Turn *turn);
/* What of the turn no record holds: its message, the answer it got. One after the other; NULL: all is recorded. */
Message *turn_unrecorded(Turn *turn);

/* For the next send: the turn's number and the count of its sends. */
void turn_stamp(Turn *turn, Message *message);
