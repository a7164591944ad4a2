/* SPDX-License-Identifier: MIT */
/*
 * Workload: what is done with a store, as a text. Each letter is a step:
 *
 *   1 … 5  a small record for an actor, nothing outstanding
 *   A … E  a small record for an actor, with which a message waits
 *   + -    the next record is large, or larger than a segment
 *   m      a message is accepted: its record is appended when the group is sealed
 *   f p w  store_flush, store_poll, store_wait
 *   k      store_checkpoint
 *   t      half a minute goes by
 *   o      the actors are released
 *   v      all journals are read
 *   r      the store is closed and opened again
 *   x      the process ends without closing, and another opens the store
 *
 * The store is opened before the first step, and made if there is none.
 */
#pragma once

#include "tests/crash/disk.h"
#include "tests/crash/model.h"
#include "tests/crash/random.h"
#include "tests/crash/scripted_clock.h"

typedef struct Session {
    Disk *disk;
    Mem *mem;
    Model *model;
    Io io; /* the disk's, or what stands before it */
    ScriptedClock scripted;
    Clock clock;
    StoreOptions options;
    StoreReport report;
    Store *store; /* NULL: not open */
    StoreActor *actors[MODEL_ACTORS];
    uint32_t message_count; /* accepted, in no group yet */
    uint32_t next_size;     /* of the next record; 0: small */
    bool may_be_full;       /* the disk has no room, so that STORE_E_FULL is no surprise */
    const char *wrong;      /* what should not be; NULL: nothing. Static */
} Session;

/* Nothing is opened yet. All that is given outlives the session; `seed` decides what chance brings. */
void session_init(Session *session, Disk *disk, Mem *mem, Model *model, uint64_t seed);
/*
 * Opens the store and compares it with the model, which becomes what is
 * there. A negative errno: it is not open, or could not be read (-ECANCELED) and is not open any more.
 */
int session_open(Session *session);
/* Frees the store, if it is open, as if the process had ended. */
void session_abandon(Session *session);

/*
 * Runs a workload until its end, or until a call of the store fails or
 * something is wrong. A negative errno, or 0; the store may be open then.
 * Opens it first if it is not.
 */
int session_run(Session *session, const char *text);

/* A random workload, of at most `size` - 1 letters. */
void workload_generate(Random *random, char *text, size_t size);
