/* SPDX-License-Identifier: MIT */
/*
 * Node: all actors of one VM, and the store that durable ones live in. What
 * words can do with actors is here; what an actor does with a message is in
 * turn.h.
 *
 * The store is opened when the first durable actor is made, so that a program
 * without any leaves nothing behind. From then on whatever leaves the process
 * waits until all that was appended before it is on disk.
 *
 * The node is the scheduler's companion: it starts turns when there are
 * messages, and takes what the disk has done.
 */
#pragma once

#include "vm/exec/scheduler.h"

typedef struct Node Node;
typedef struct Turn Turn;

enum {
    NODE_ASK_TIMEOUT_MS = 5000,
    NODE_IDLE_MS = 60000, /* after which a durable actor leaves memory */
};

typedef struct NodeOptions {
    const char *store_path; /* outlives the node */
    /* Tells a person what the program does not hear: a parked message, a journal that is damaged. One line. */
    void (*report)(void *context, const char *text);
    void *report_context;
    int64_t pid;
} NodeOptions;

/* NULL when memory is refused. The scheduler and its world outlive the node; the program is loaded. */
Node *node_new(Scheduler *scheduler, const NodeOptions *options) MUST_CHECK;
/* Frees the node after the strands: nothing more is written. */
void node_free(Node *node);
/*
 * The program has ended: waits for the disk and takes a checkpoint. 0, or what
 * is wrong (a negative errno: the disk failed); node_text() says it.
 */
int node_close(Node *node);
/* Why the node failed, or why the store could not be opened: STORE_E_… or a negative errno, 0 when nothing is wrong. */
int node_failure(const Node *node);
const char *node_text(const Node *node);

/* --- for words: each leaves a fault and returns false when it does not do what it should --- */

/* The turn that a strand belongs to, or NULL: it is main, a plain strand, or a weave of these. */
Turn *turn_of(const Strand *strand);
/* The message that came in as the last one was handled, and so on: nothing of it reaches the disk before its group. */
bool node_register(Node *node, Strand *strand, Value name, Value behavior, Value fold) MUST_CHECK;
/* Sends a message, as from a turn or from outside. */
bool node_send(Node *node, Strand *strand, Value address, Value value) MUST_CHECK;
/* Sends a message that asks; the strand is to park. The Ask is held for the caller. NULL leaves a fault. */
struct Ask *node_ask(Node *node, Strand *strand, Value address, Value value, int64_t timeout_ms) MUST_CHECK;
/* Makes an actor, as of a turn or at once; its address. VALUE_ZERO leaves a fault. */
Value node_spawn(Node *node, Strand *strand, Value state, Value behavior, bool is_transient) MUST_CHECK;
bool node_spawn_at(Node *node, Strand *strand, Value address, Value behavior) MUST_CHECK;
bool node_stop(Node *node, Strand *strand, Value address) MUST_CHECK;
/* Whether the actor is alive or has a journal. */
bool node_exists(Node *node, Strand *strand, Value address, bool *exists) MUST_CHECK;
/* Appends the encoded events of an actor, each behind its size as a varint, oldest first. */
bool node_events(Node *node, Strand *strand, Value address, Buffer *out) MUST_CHECK;
