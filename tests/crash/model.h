/* SPDX-License-Identifier: MIT */
/*
 * Model: what was appended to a store, and how much of that it has
 * acknowledged. After a crash the store must hold
 *
 *   - all that was acknowledged;
 *   - of the rest the first groups, each whole: a beginning of what was appended;
 *   - of a snapshot what the actor was at a record that is there;
 *   - nothing else, each record with the bytes and in the place it was given,
 *     and what is outstanding as the last record of each actor says.
 *
 * A plain value, copied by assignment.
 */
#pragma once

#include "journal/store.h"

enum {
    MODEL_ACTORS = 5,
    MODEL_RECORDS = 400,
    MODEL_PAYLOAD_MAX = 6000,
};

typedef struct ModelRecord {
    uint32_t actor;
    RecordType type;
    uint32_t size;
    uint64_t seed;  /* of the payload's bytes */
    uint64_t group; /* the store's number of it */
    uint64_t checksum;
    Outstanding outstanding;
} ModelRecord;

typedef struct Model {
    ModelRecord records[MODEL_RECORDS]; /* in the order they were appended */
    uint32_t count;
    uint32_t durable_count; /* the first so many were acknowledged */
    uint64_t next_seed;     /* so that no two payloads are the same, also of records in the place of lost ones */
} Model;

/* What model_check() and model_check_actor() say when the disk has not let them read. */
extern const char model_unreadable[];

/* The ids that the actors have in the store. */
const char *model_id(uint32_t actor);

/*
 * Appends one, for which there is room, to the store and notes it. What
 * store_append() says; nothing is noted when that is not 0. A full model
 * appends nothing.
 */
int model_append(Model *model, Store *store, StoreActor *actor, uint32_t number, RecordType type, uint32_t size,
                 const Outstanding *outstanding);
/* Notes what the store has acknowledged so far. */
void model_note_durable(Model *model, const Store *store);

/*
 * Reads all from a store that was opened and compares. What it has lost is
 * then forgotten, and what it has is taken as acknowledged: others have seen
 * it. NULL, or what is wrong, static.
 */
const char *model_check(Model *model, Store *store, Mem *mem);
/* What the model's actors give as their image: the store's options ask for it. `context` is not looked at. */
bool model_image(void *context, StoreActor *actor, Buffer *out);
/* The actor's journal in the store is what was appended, all of it. NULL, or what is wrong. */
const char *model_check_actor(const Model *model, Store *store, StoreActor *actor, uint32_t number, uint64_t from);
