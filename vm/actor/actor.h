/* SPDX-License-Identifier: MIT */
/*
 * Actor, Message, Ask: what a node consists of, seen from inside vm/actor.
 *
 * An actor has an address, a state (a Map), a behavior (a quotation
 * `( Map M -- Map )`) and a line of messages. A durable one has a place in the
 * store too, and nothing of it is lost; its journal is read when its first
 * message is to be handled.
 *
 * A message to a durable actor lives in that actor's journal and nowhere
 * else: in the record of the turn that handled it, or, when it still waits as
 * its group is sealed, in a record of its own.
 */
#pragma once

#include "journal/store.h"
#include "vm/actor/payload.h"
#include "vm/exec/scheduler.h"
#include "vm/value/string.h"

typedef struct Node Node;
typedef struct Actor Actor;
typedef struct Turn Turn;

/* Somebody outside who waits for a reply. Held by the one who waits, by the message and by the gate. */
typedef enum AskState { ASK_WAITS, ASK_ANSWERED, ASK_FAILED } AskState;

typedef struct Ask {
    Node *node;
    struct Ask *next, *previous;   /* all of the node */
    struct Ask *later, *earlier;   /* those that wait, by deadline */
    uint32_t holders;
    AskState state;
    Strand *strand;     /* that waits; NULL: it has gone on, or is no more */
    Value value;        /* the answer */
    const char *reason; /* of the failure, without its colon */
    int64_t deadline_ns;
} Ask;

typedef struct Message {
    struct Message *next;
    Value value;
    Value sender; /* String; empty: from outside */
    Ask *ask;     /* or NULL */
    MessageKind kind;
    uint64_t sequence; /* of the record that holds it; 0: none does yet */
    uint64_t from_turn, from_counter;
    uint32_t size; /* of the encoded value; 0 for a transient actor's */
    uint8_t bytes[];
} Message;

/*
 * What is known of a turn that asks: what it has seen and asked so far, from
 * its `asking` records. A turn that was cut off is run again with it, and
 * then sees and asks the same.
 */
typedef struct Asked {
    struct Asked *next;
    uint64_t counter;
    uint64_t hash; /* of whom and what it asked */
    int64_t deadline_ns; /* by the wall clock */
} Asked;

typedef struct CutOff {
    Buffer observations; /* encoded, one behind the other */
    size_t used;         /* bytes of them given already */
    Asked *first, *last; /* what was asked and not yet asked again */
    Message *answers;    /* that were recorded, in no order */
} CutOff;

/* A name whose addresses are alive on demand. */
typedef struct ActorKind {
    struct ActorKind *next;
    Value name;     /* String */
    Value behavior; /* quotation */
    Value fold;     /* of a sourced kind: quotation; else VALUE_ZERO */
} ActorKind;

struct Actor {
    Actor *next;     /* in its bucket */
    Node *node;
    Value address;   /* String */
    Value state;     /* Map; VALUE_ZERO while it is not loaded */
    Value behavior;  /* quotation; VALUE_ZERO: not known */
    Value fold;      /* quotation of a sourced kind; else VALUE_ZERO */
    StoreActor *place; /* NULL: transient */
    uint64_t turn_number; /* of its last recorded turn */
    Message *first, *last;     /* the line */
    uint64_t recorded;         /* of those in line, how many a record holds */
    Message *first_unrecorded; /* of those at its end that no record holds and one must; or NULL */
    uint32_t parked;       /* messages set aside */
    Actor *queue_next;     /* in the queue of those that can run */
    Actor *unrecorded_next;
    Actor *idle_newer, *idle_older; /* durable ones that have nothing to do, by when they last had */
    int64_t idle_since_ns;          /* 0: it is not among those */
    Turn *turn; /* that runs, or NULL */
    CutOff *cut_off; /* of the turn that is to be run again first, or NULL */
    bool is_queued, is_loaded, is_stopped, in_unrecorded;
    bool is_resumed; /* made to go on by actor-spawn-at; its journal may still say that it has stopped */
    bool is_broken; /* its journal could not be read: its messages wait, askers hear it */
};

enum {
    MESSAGE_SIZE_MAX = 1024 * 1024, /* encoded */
    MESSAGE_FRAME_SIZE = 64,        /* of a message's record, beside address and value */
    REPLY_FRAME_SIZE = 256,         /* of an answer's record, beside addresses and value */
    BORN_FRAME_SIZE = 2048,         /* of the birth of a kind's actor: the kind's and the word's name */
    ADDRESS_SIZE_MAX = STORE_ID_MAX,
    UUID_TEXT_SIZE = 36,
};

/* --- messages --- */

/* Whether a record must hold it while it waits: one that asks dies with who asked. */
static inline bool message_is_kept(const Actor *actor, const Message *message) {
    return actor->place != NULL && message->ask == NULL;
}
/* A message with `size` encoded bytes. Takes the values; holds the ask. NULL when memory is refused, and then nothing is taken. */
Message *message_new(Node *node, TAKEN Value value, TAKEN Value sender, Ask *ask, const void *bytes, size_t size)
    MUST_CHECK;
void message_free(Node *node, Message *message);
/* How it stands in a record. */
MessagePayload message_payload(const Message *message);

/* --- the line --- */

void actor_push(Actor *actor, TAKEN Message *message);
void actor_push_first(Actor *actor, TAKEN Message *message);
Message *actor_pop(Actor *actor);
/* `first_unrecorded` goes on to the next that no record holds. */
void actor_skip_recorded(Actor *actor);
/*
 * What the live list must know once the records so far count. The message of
 * the turn that runs waits still, unless this is for the record that settles it.
 */
Outstanding actor_outstanding(const Actor *actor, bool is_settled);

CutOff *cut_off_new(Node *node);
/* An answer that has come before the turn asks for it again. */
void cut_off_keep(CutOff *cut_off, TAKEN Message *answer);
/* An answer that no record holds, or NULL; `cut_off` may be NULL. */
Message *cut_off_unrecorded(const CutOff *cut_off);
/* Accepts NULL. */
void cut_off_free(Node *node, CutOff *cut_off);

/* --- asks --- */

/* Held once, by the caller. */
Ask *ask_new(Node *node, Strand *strand, int64_t timeout_ms);
void ask_hold(Ask *ask);
void ask_release(Ask *ask);
/* Whoever holds it: at the end of the node. */
void ask_free(Ask *ask);
/* From now on. */
void ask_set_timeout(Ask *ask, int64_t timeout_ms);
/* Fails those whose time is over. */
void asks_expire(Node *node);
/* The outcome, at once: wakes who waits. Nothing happens when there is one already. */
void ask_answer(Ask *ask, TAKEN Value value);
void ask_fail(Ask *ask, const char *reason);
