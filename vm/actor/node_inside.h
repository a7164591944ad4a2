/* SPDX-License-Identifier: MIT */
/* The inside of a node, for the files of vm/actor. */
#pragma once

#include "vm/actor/actor.h"
#include "vm/actor/node.h"
#include "vm/actor/turn.h"
#include "vm/value/codec.h"
#include <xxhash.h>

typedef struct GateItem GateItem;

enum { SPAWN_SEED_SIZE = 16 };

struct Node {
    Scheduler *scheduler;
    Heap *heap;
    World *world;
    NodeOptions options;
    Store *store; /* NULL: not open */
    int failed;   /* STORE_E_… of opening, or a negative errno; final */
    char text[640];

    Actor **buckets;
    uint64_t bucket_count, actor_count;
    ActorKind *kinds;
    Actor *runnable_first, *runnable_last;
    Actor *idle_oldest, *idle_newest;
    Actor *unrecorded; /* durable actors with messages that no record holds */
    Ask *asks, *first_waiting, *last_waiting;
    Value empty_map, empty_string;
    uint64_t spawned; /* from outside turns */
    uint8_t spawn_seed[SPAWN_SEED_SIZE + 8]; /* of their addresses: random bytes, and the number of the actor */
    uint64_t dropped; /* messages to nobody, replies to nobody */

    /* the gate: what leaves the process, in order */
    Guard guard; /* of main and plain strands, once the store is open */
    void (*write)(void *context, const char *bytes, size_t size);
    void *write_context;
    GateItem *gate_first, *gate_last;
    size_t gate_bytes;
    StrandQueue gate_waiting; /* strands that print more than the gate holds, or change the outside */
    Turn *printing;           /* the turn whose word runs now: what it writes is its own */
    Turn *turns;              /* free ones, to be used again */

    uint32_t unsealed_rounds; /* of work since a group was to be sealed */
    int64_t now_ns; /* by the monotonic clock, as of the last look */
    int signal; /* an eventfd: the store has something to do; -1: none */
    bool is_watching;
    bool is_full; /* the store had no room */
    int64_t retry_ns;
    Buffer scratch; /* for encoding; empty between uses */
    Buffer payload; /* the same, as a group is sealed */
};

/* --- node.c --- */

void node_report(Node *node, const char *format, ...) FORMAT(2, 3);
/* The disk has failed, or the store is damaged beyond use: nothing goes on. */
void node_fail(Node *node, int r, const char *text);
/* Opens the store if it is not. False leaves a fault. */
bool node_need_store(Node *node, Strand *strand) MUST_CHECK;
/* The actor in memory, or NULL. */
Actor *node_find(const Node *node, const char *address, size_t size);
/* A new actor in memory. NULL when memory is refused. */
Actor *node_add(Node *node, Value address) MUST_CHECK;
void node_remove(Node *node, Actor *actor);
/* The kind that an address belongs to, or NULL. */
ActorKind *node_kind(const Node *node, const char *address, size_t size);
/* A turn of it is over, or it has stopped: it goes on, or goes. Do not use the actor afterwards. */
void node_settle(Node *node, Actor *actor);
/* Puts it in the queue if it can run. */
void node_schedule(Node *node, Actor *actor);
/* The message is in the actor's line from now on. */
void node_deliver(Node *node, Actor *actor, TAKEN Message *message);
/* The group that is sealed next must hold the actor's waiting messages. */
void node_note_unrecorded(Node *node, Actor *actor);
/* The reply to a message that asked; nothing when it did not. */
void node_answer(Node *node, const Actor *from, const Message *asked, MessageKind kind, TAKEN Value value);
/* There is no reply, for this reason. */
void node_refuse(Node *node, const Actor *from, const Message *asked, const char *reason);
/* The actor is read from its journal again when its next message is handled. */
void node_unload(Node *node, Actor *actor);
/* What node_target() found. */
typedef enum Target { TARGET_FOUND, TARGET_NOBODY, TARGET_FAILED } Target;
/* Finds the actor of an address, brings it into memory if it has to be. TARGET_FAILED leaves a fault in the strand. */
Target node_target(Node *node, Strand *strand, Value address, Actor **actorp) MUST_CHECK;
/* A durable actor that is new: its first record is written with its first turn, or now if `is_born`. */
Actor *node_make(Node *node, Value address, Value state, Value behavior, bool is_transient) MUST_CHECK;
/* The behavior of an actor is another from now on. */
void node_bind(Node *node, Actor *actor, Value behavior);
/* The actor of that address stops, if there is one. `reserves`: room for the record is not there yet. */
void node_stop_now(Node *node, Value address, bool reserves);
/* 16 random-looking bytes as the text of a UUID, a String. VALUE_ZERO when memory is refused. */
Value node_uuid_text(Node *node, const uint8_t *bytes);
/* Appends a record of the actor, for which there is room. 0, -ENOMEM; a failure of the disk has failed the node. */
int node_append(Node *node, Actor *actor, RecordType type, const Buffer *payload, const Outstanding *outstanding)
    MUST_CHECK;
/* Room for `count` records with `size` bytes of payload together, in one group. STORE_E_FULL, and as node_append(). */
int node_reserve(Node *node, uint64_t size, uint32_t count) MUST_CHECK;
uint64_t message_record_size(const Message *message);
/* Its birth. As node_append(). */
int node_append_born(Node *node, Actor *actor) MUST_CHECK;

/* --- gate.c --- */

void gate_init(Node *node);
void gate_free(Node *node);
/* From now on everything goes through the gate. */
void gate_begin(Node *node);
/* Lets out what is on disk. */
void gate_release(Node *node);
/* Bytes to standard output, or an answer, once all that is appended so far is on disk. -ENOMEM. */
int gate_print(Node *node, const char *bytes, size_t size) MUST_CHECK;
void gate_answer(Node *node, Ask *ask, TAKEN Value value);
void gate_fail_ask(Node *node, Ask *ask, const char *reason);
bool gate_is_empty(const Node *node);

/* --- replay.c --- */

/* Reads the actor's journal: state, turn number, waiting messages, behavior. 0, STORE_E_DAMAGED, -ENOMEM, or an errno. */
int replay_load(Node *node, Actor *actor) MUST_CHECK;

/* --- code.c --- */

/* What a behavior is known by: the word it calls, if it does nothing else; and a hash of its code and all that it calls. */
typedef struct CodeIdentity {
    const char *word; /* or NULL */
    uint64_t hash;
} CodeIdentity;

CodeIdentity code_identity(const Node *node, Value behavior);
/* The quotation that a `born` record names, with its captured values. VALUE_ZERO: not found, or memory was refused. */
Value code_find(Node *node, const BornPayload *born);
