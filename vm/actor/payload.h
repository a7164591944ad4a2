/* SPDX-License-Identifier: MIT */
/*
 * Payload: what stands inside the records of an actor's journal, as bytes and
 * back (spec/journal.md). The journal itself knows the frame only.
 *
 * A decoded payload borrows the record's bytes; values in it are still
 * encoded (vm/value/codec.h) and are decoded by whoever wants them.
 */
#pragma once

#include "vm/base/bytes.h"

typedef struct Bytes {
    const uint8_t *bytes;
    size_t size;
} Bytes;

enum { PAYLOAD_E_DAMAGED = 1 };

/* These numbers are on disks. */
typedef enum MessageKind {
    MESSAGE_SEND = 1,
    MESSAGE_ASK = 2,     /* somebody waits for a reply */
    MESSAGE_ANSWER = 3,  /* the reply to what turn `from_turn` of the receiver asked as its `from_counter`th */
    MESSAGE_FAILURE = 4, /* the same: there is no reply; the value is the reason, a Symbol */
} MessageKind;

/* A message, in a turn's record or in one of its own. */
typedef struct MessagePayload {
    MessageKind kind;
    Bytes from;        /* the sender's address; empty: from outside */
    uint64_t from_turn, from_counter; /* of the sender's turn, and which of its sends */
    Bytes value;       /* encoded */
} MessagePayload;

typedef struct BornPayload {
    Bytes kind;        /* the name that was registered; empty: spawned */
    Bytes behavior;    /* the word's name, or empty */
    uint64_t code_hash;
    Bytes captures;    /* encoded values, one behind the other */
    uint64_t capture_count;
    Bytes state;       /* encoded Map */
} BornPayload;

/* What a turn wanted done. The numbers are on disks. */
typedef enum EffectKind {
    EFFECT_SEND = 1,  /* to an address, a value */
    EFFECT_REPLY = 2, /* a value */
    EFFECT_PRINT = 3, /* bytes */
    EFFECT_SPAWN = 4, /* an address */
    EFFECT_STOP = 5,  /* an address */
} EffectKind;

typedef struct EffectPayload {
    EffectKind kind;
    Bytes address;
    Bytes value;
} EffectPayload;

typedef struct TurnPayload {
    uint64_t number;       /* of the turn, from 1 */
    Bytes change;          /* vm/value/difference.h */
    Bytes events;          /* encoded values, one behind the other */
    uint64_t message_sequence; /* of the record that holds the input, or 0: it is here */
    MessagePayload message;
    Bytes observations;    /* encoded values, one behind the other */
    Bytes effects;         /* read with payload_next_effect() */
} TurnPayload;

/* A turn is about to ask. */
typedef struct AskingPayload {
    uint64_t turn_number;
    uint64_t counter;          /* of the request, among what the turn sends */
    uint64_t message_sequence; /* of the record that holds the input, or 0: it is here */
    MessagePayload message;
    Bytes observations; /* since the last such record */
    Bytes address;      /* who is asked */
    Bytes value;        /* what */
    int64_t deadline_ns; /* by the wall clock, since 1970 */
} AskingPayload;

typedef enum FateOutcome {
    FATE_PARKED = 1,
    FATE_DROPPED = 2,
    FATE_EXPIRED = 3,
    FATE_AGAIN = 4, /* a parked message goes to the end of the line */
} FateOutcome;

typedef struct FatePayload {
    FateOutcome outcome;
    uint64_t message_sequence; /* of its record, or of the fate that parked it; 0: it is here */
    MessagePayload message;
    Bytes reason; /* the trap's line */
    Bytes trace;  /* the calls, for people */
} FatePayload;

typedef enum LifeKind {
    LIFE_STOPPED = 1,
    LIFE_STARTED = 2,
} LifeKind;

/* All of an actor as of one record: what a snapshot holds. */
typedef struct ImagePayload {
    BornPayload born; /* its state is the present one */
    uint64_t turn_number;
    uint64_t parked;
    uint64_t is_stopped;
    uint64_t first_waiting; /* sequence of the first record whose message waits; 0: none does */
} ImagePayload;

/* Each appends; a refusal of memory is kept in the buffer. */
void payload_put_bytes(Buffer *out, const void *bytes, size_t size);
void payload_put_message(Buffer *out, const MessagePayload *message);
void payload_put_born(Buffer *out, const BornPayload *born);
void payload_put_effect(Buffer *out, const EffectPayload *effect);
void payload_put_turn(Buffer *out, const TurnPayload *turn);
void payload_put_asking(Buffer *out, const AskingPayload *asking);
void payload_put_fate(Buffer *out, const FatePayload *fate);
void payload_put_life(Buffer *out, LifeKind kind);
void payload_put_image(Buffer *out, const ImagePayload *image);

/* Each reads a whole payload. 0 or PAYLOAD_E_DAMAGED. */
int payload_get_message(Bytes payload, MessagePayload *message) MUST_CHECK;
int payload_get_born(Bytes payload, BornPayload *born) MUST_CHECK;
int payload_get_turn(Bytes payload, TurnPayload *turn) MUST_CHECK;
int payload_get_asking(Bytes payload, AskingPayload *asking) MUST_CHECK;
int payload_get_fate(Bytes payload, FatePayload *fate) MUST_CHECK;
int payload_get_life(Bytes payload, LifeKind *kind) MUST_CHECK;
int payload_get_image(Bytes payload, ImagePayload *image) MUST_CHECK;
/* The next of a turn's effects. False at the end, and when it is damaged, which `effects->failed` tells. */
bool payload_next_effect(ByteReader *effects, EffectPayload *effect);
