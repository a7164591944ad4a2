/* SPDX-License-Identifier: MIT */
/*
 * Store: the journals of many actors, which survive. Bytes in, bytes out:
 * what a record means is the business of whoever appends it, apart from what
 * the live list must know (Outstanding).
 *
 * Appending never waits. Records gather in a group; a group is sealed by
 * store_flush(), goes to disk as one, and is durable when store_durable() has
 * reached its number. Groups are whole or not there at all, and a group is
 * never there without all before it.
 *
 * A failure of the disk is final: from then on every call that writes says
 * so, because nobody knows any more what is on it. Open the store again.
 *
 * Order of calls: store_open; store_find an actor to append to it or to read
 * it; store_poll whenever `signal` is raised and once a round; store_close.
 */
#pragma once

#include "journal/record.h"
#include "vm/base/clock.h"
#include "vm/base/io.h"

typedef struct Store Store;

enum {
    STORE_ID_MAX = 1024,   /* bytes of an actor's id */
    STORE_PATH_MAX = 3900, /* bytes of a store's path */
};

/* Answers that are not success. */
enum {
    STORE_E_DAMAGED = 1, /* the disk does not hold what it must; the report says what */
    STORE_E_FULL,        /* no room for the record now; nothing has changed */
    STORE_E_ABSENT,      /* there is no such store, or no such actor */
    STORE_E_OWNED,       /* another process has it open; the report names its pid */
    STORE_E_FOREIGN,     /* made by a version that this one does not understand */
};

typedef struct StoreActor StoreActor;

typedef struct StoreOptions {
    Mem *mem;
    const Io *io;
    const Clock *clock;
    const char *path;    /* of the folder; copied */
    bool may_create;     /* makes the store when there is none; otherwise STORE_E_ABSENT */
    bool is_threaded;    /* syncs and checkpoints on threads of their own; else in store_flush() and store_poll() */
    int signal;          /* an eventfd raised when store_poll() has something to do; -1: none */
    int64_t pid;         /* written into LOCK, for the second owner's message */
    /* 0: the default */
    uint64_t segment_size_min, segment_size_max;
    uint64_t checkpoint_size; /* bytes of log after which a checkpoint begins */
    uint64_t snapshot_records; /* after which an actor gets a snapshot, at the next checkpoint */
    /* A group is about to be sealed: the last chance to append to it. */
    void (*sealing)(void *context);
    /*
     * Appends the image of an actor as of its last record; false: there is
     * none now. Asked for at checkpoints, of actors with a long tail. NULL: no
     * snapshots.
     */
    bool (*image)(void *context, StoreActor *actor, Buffer *out);
    void *context;
} StoreOptions;

#define STORE_SEGMENT_SIZE_MIN ((uint64_t)1 << 20)
#define STORE_SEGMENT_SIZE_MAX ((uint64_t)64 << 20)
#define STORE_CHECKPOINT_SIZE ((uint64_t)64 << 20)
#define STORE_SNAPSHOT_RECORDS ((uint64_t)1000)

/* What was found at opening, for people. */
typedef struct StoreReport {
    char text[512];      /* why it failed; empty when it did not */
    uint64_t torn_bytes; /* put aside, of a group that nobody was told of */
    uint64_t records;    /* actors' records read from the log */
    bool is_cut;         /* a reader's: the log is damaged from some point on, as `text` says; it stands before that */
} StoreReport;

/* What of an actor is not settled: kept in the live list, so that a start finds it without reading journals. */
typedef enum OutstandingFlags {
    OUTSTANDING_MESSAGES = 1, /* wait; from `first_waiting` on */
    OUTSTANDING_TIMERS = 2,   /* the next is due at `next_timer_ns` */
    OUTSTANDING_ASK = 4,      /* a turn was cut off while it asked */
    OUTSTANDING_PARKED = 8,   /* messages lie aside for a person to look at */
    OUTSTANDING_SUSPENDED = 16,
} OutstandingFlags;

typedef struct Outstanding {
    uint32_t flags; /* 0: nothing */
    uint64_t first_waiting;
    int64_t next_timer_ns;
} Outstanding;

/*
 * An actor's place in the store. In memory while somebody holds it, while it
 * has records that no checkpoint has spread, and while anything is
 * outstanding.
 */
struct StoreActor {
    const char *id;
    uint32_t id_size;
    uint8_t incarnation[16];
    uint64_t last_sequence; /* 0: it has no journal */
    uint64_t last_checksum;
    Outstanding outstanding;
    void *owner; /* whoever holds it may keep something here; NULL when nobody does */
};

/* Opens, or makes, a store, and recovers. `*storep` is NULL after a failure. */
int store_open(Store **storep, const StoreOptions *options, StoreReport *report) MUST_CHECK;
/*
 * Opens a store to read it only, also while somebody else has it open: no lock
 * is taken and nothing is written, nothing deleted. What is found is the
 * store as it was at one moment, and stays so. Of the options `mem`, `io`,
 * `clock` and `path` count. Nothing may be appended; it ends with
 * store_abandon(). A log that is damaged somewhere is read up to there:
 * 0, and `report->is_cut`. STORE_E_ABSENT, STORE_E_DAMAGED, STORE_E_FOREIGN;
 * STORE_E_OWNED: its owner changed it whenever it was to be read.
 */
int store_open_reader(Store **storep, const StoreOptions *options, StoreReport *report) MUST_CHECK;
/*
 * Waits for the disk, takes a last checkpoint and frees the store. The
 * result says whether all that was appended is durable.
 */
int store_close(Store *store);
/* Frees the store as it is, as if the process had ended. */
void store_abandon(Store *store);

/*
 * The entry of an actor, held until store_release(). One that the store does
 * not know has last_sequence 0. A negative errno or STORE_E_DAMAGED: this
 * actor cannot be used, others can.
 */
int store_find(Store *store, const char *id, size_t size, StoreActor **actorp) MUST_CHECK;
void store_release(Store *store, StoreActor *actor);
/* Whether the actor has a journal, without keeping anything of it. 0, STORE_E_ABSENT, or a failure. */
int store_look(Store *store, const char *id, size_t size) MUST_CHECK;
/* After STORE_E_DAMAGED about an actor: in which file, where, and what is wrong. Until the next call. */
const char *store_damage(const Store *store);

/*
 * Appends a record to an actor's journal, in the group that is forming, for
 * which there must be room (store_reserve, store_expect). The payload is
 * copied. -ENOMEM: nothing has changed. Any other negative errno: the disk
 * has failed.
 */
int store_append(Store *store, StoreActor *actor, RecordType type, const void *payload, uint32_t size,
                 const Outstanding *outstanding) MUST_CHECK;
/* Bytes that can be appended now. When there are few, let no turn begin, and wait for the disk. */
uint64_t store_room(const Store *store);

/* Seals the group that is forming, if it holds anything and the disk can take one. */
int store_flush(Store *store) MUST_CHECK;
/* The number of the newest group that holds anything; the forming one included. */
uint64_t store_position(const Store *store);
/*
 * The group that is forming will hold `size` more bytes of payload, in one
 * record, when it is sealed: store_position() counts it from now on, and
 * store_room() no longer counts these bytes.
 */
void store_expect(Store *store, uint64_t size);
/*
 * Sees to it that records with `size` bytes of payload, `count` of them, fit
 * into the group that is forming; for that it may be sealed, and another
 * begun. What has to be in one group is reserved at once. Waits only for what
 * is unusually large. STORE_E_FULL, -ENOMEM, or another negative errno.
 */
int store_reserve(Store *store, uint64_t size, uint32_t count) MUST_CHECK;
/* Whether threads are at work, so that `signal` will be raised. */
bool store_is_busy(const Store *store);
/* Groups up to this number are on disk. */
uint64_t store_durable(const Store *store);
/* Takes what the disk has done, goes on with checkpoints. A negative errno: the disk has failed. */
int store_poll(Store *store) MUST_CHECK;
/* Flushes and waits until everything appended is on disk. */
int store_wait(Store *store) MUST_CHECK;
/* Takes a checkpoint and waits for it. STORE_E_FULL: there is no room for it, and all is as it was. */
int store_checkpoint(Store *store) MUST_CHECK;

/* Called with each record, in order; anything but 0 ends the reading and is its result. */
typedef int StoreRecordFunction(void *context, const Record *record);
/* Reads an actor's records from sequence `from` on, those that are not yet durable included. */
int store_read(Store *store, StoreActor *actor, uint64_t from, StoreRecordFunction *each, void *context) MUST_CHECK;

/*
 * Appends the image of the newest good snapshot of an actor; `*sequence` and
 * `*checksum` say which record it is of, and whoever reads on from there must
 * find that record. STORE_E_ABSENT: there is none. Damaged ones are passed
 * over; store_damage() tells of the newest of them, and is empty otherwise.
 */
int store_read_image(Store *store, StoreActor *actor, Buffer *image, uint64_t *sequence, uint64_t *checksum) MUST_CHECK;

/* Called for each actor with anything outstanding; its entry is not held. */
typedef int StoreActorFunction(void *context, StoreActor *actor);
int store_each_outstanding(Store *store, StoreActorFunction *each, void *context) MUST_CHECK;

/* --- the whole store --- */

/* What is known of an actor without reading its journal. */
typedef struct StoreListing {
    const char *id; /* until the call returns */
    size_t id_size;
    uint64_t record_count;
    uint64_t size; /* bytes, in packs and in the log */
} StoreListing;

/* May find, read and release actors, and do nothing else to the store. */
typedef int StoreListingFunction(void *context, const StoreListing *listing);
/*
 * Calls `each` with every actor that has a journal, once, in no order;
 * anything but 0 ends it and is its result. STORE_E_DAMAGED: a part of the
 * index is; actors may be missing.
 */
int store_each_actor(Store *store, StoreListingFunction *each, void *context) MUST_CHECK;

/* Bytes of the files as they are now. */
typedef struct StoreFigures {
    uint32_t format;
    uint64_t epoch; /* how often it was opened to write */
    uint64_t log_size, log_count, pack_size, pack_count, index_size, index_count;
    uint64_t snapshot_size, snapshot_count;
    uint64_t quarantine_size, quarantine_count; /* torn tails and bad snapshots that were put aside */
} StoreFigures;
int store_figures(const Store *store, StoreFigures *figures) MUST_CHECK;
