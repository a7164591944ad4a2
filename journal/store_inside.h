/* SPDX-License-Identifier: MIT */
/* The inside of a store, for the files that are it: store.c, store_open.c, checkpoint.c. */
#pragma once

#include "journal/index.h"
#include "journal/node_log.h"
#include "journal/pack.h"
#include "journal/snapshot.h"
#include "journal/store.h"

enum {
    GROUP_SIZE_MAX = 4 * 1024 * 1024, /* a group that is larger is sealed though the committer is busy */
    GROUP_ROOM_MIN = 128 * 1024,      /* and one that has no more room than this */
    ENTRY_SIZE_MAX = STORE_ID_MAX + 64, /* what stands in a group beside a record */
    INDEX_RUNS_MAX = 64,              /* alive at once */
    STORE_HASH_SIZE = 16,
};

/* A record that no checkpoint has spread: in the payload of a group. */
typedef struct RecordPlace {
    uint64_t group;
    uint32_t offset, size;
} RecordPlace;

typedef struct StoreEntry {
    StoreActor actor; /* first: the same address */
    struct StoreEntry *next; /* in its bucket */
    uint8_t hash[STORE_HASH_SIZE];
    uint32_t holders;
    RecordPlace *places; /* oldest first */
    uint32_t place_count, place_capacity;
    uint32_t dirty_index; /* 1 + its place in store->dirty, or 0 */
    uint64_t group;       /* the forming group in which it has the number below */
    uint32_t number;
    PackPlace newest_run; /* in a pack, as of the last checkpoint */
    uint64_t packed_bytes;
    uint64_t snapshot; /* sequence that the newest snapshot is of; 0: there is none */
    bool is_damaged; /* the header of the newest run: the actor cannot be used */
    char id[];
} StoreEntry;

/* What STORE says. */
typedef struct StoreIdentity {
    uint8_t uuid[STORE_UUID_SIZE];
    uint64_t hash_seed;
    uint64_t epoch;
    uint64_t lowest_segment; /* of the log: it must exist */
} StoreIdentity;

struct Store {
    StoreOptions options;
    Mem *mem;
    const Io *io;
    char path[LOG_PATH_MAX], log_path[LOG_PATH_MAX], pack_path[LOG_PATH_MAX], index_path[LOG_PATH_MAX],
        snapshot_path[LOG_PATH_MAX], quarantine_path[LOG_PATH_MAX];
    StoreIdentity identity;
    int lock; /* descriptor of LOCK, or -1 */
    bool is_reader; /* nothing is written, and nothing may be appended */
    NodeLog log;

    StoreEntry **buckets;
    uint64_t bucket_count, entry_count; /* bucket_count is a power of two */
    StoreEntry **dirty;
    uint32_t dirty_count, dirty_capacity;

    Buffer forming; /* RECORD_HEADER_SIZE bytes, then the entries of the group that is forming */
    uint32_t forming_count; /* actors numbered in it */
    bool is_sealing;
    uint64_t expected; /* bytes of whole records that will be appended as the group is sealed */

    /* as of the last checkpoint */
    LogPosition spread; /* everything before it has been spread */
    IndexRun runs[INDEX_RUNS_MAX]; /* newest first */
    uint64_t run_checksums[INDEX_RUNS_MAX];
    uint32_t run_count;
    uint64_t last_run_number, last_pack_number;
    Pack pack; /* the one that is appended to */

    uint64_t unspread_bytes; /* of the log, sealed since then */
    int64_t checkpoint_ns;   /* when it was done, by the monotonic clock */

    struct Checkpoint *checkpoint; /* the one that is being taken, or NULL */
    Worker worker;
    Mem worker_mem; /* for the worker's job alone */
    int64_t retry_ns; /* no checkpoint before, after one found no room */
    int failed;       /* a negative errno: final */
    char damage[256]; /* where the last STORE_E_DAMAGED about an actor came from; empty before */
};

/* The seed of the header checks of an actor's records, wherever they stand. */
static inline uint32_t incarnation_salt(const uint8_t *incarnation) {
    return bytes_get_u32(incarnation);
}
static inline uint32_t actor_salt(const StoreActor *actor) {
    return incarnation_salt(actor->incarnation);
}

/* --- store.c --- */

void store_hash(const Store *store, const char *id, size_t size, uint8_t *hash);
/* The entry in memory, or NULL. */
StoreEntry *store_entry(const Store *store, const char *id, size_t size);
/* A new entry, of an actor that is not in memory. NULL when memory is refused. */
StoreEntry *store_entry_new(Store *store, const char *id, size_t size) MUST_CHECK;
/* The entry in memory, else what the index says, else a new one. As store_find(), but not held. */
int store_entry_load(Store *store, const char *id, size_t size, StoreEntry **entryp) MUST_CHECK;
void store_entries_free(Store *store);
/* Frees the entry if nobody needs it. */
void store_entry_settle(Store *store, StoreEntry *entry);
/* Notes where a record of the actor stands. -ENOMEM. */
int store_note_place(Store *store, StoreEntry *entry, RecordPlace place) MUST_CHECK;
/* What a snapshot of the actor is called; the sequence is its last. */
SnapshotName store_snapshot_name(const Store *store, const StoreEntry *entry);
/* The actor's newest entry in the index. 0, STORE_E_ABSENT, STORE_E_DAMAGED, or a negative errno. */
int store_index_find(Store *store, const char *id, size_t size, IndexEntry *found) MUST_CHECK;
/* The forming group is a new, empty one. -ENOMEM. */
int store_begin_group(Store *store) MUST_CHECK;
/* Seals the forming group, also while the committer is busy. */
int store_seal(Store *store) MUST_CHECK;
/* Notes what store_damage() will say; STORE_E_DAMAGED. */
int store_say_damage(Store *store, const char *format, ...) FORMAT(2, 3);

/* --- a batch's payload --- */

typedef struct BatchEntry {
    const char *id;
    uint32_t id_size;
    const uint8_t *incarnation;
    Outstanding outstanding;
    uint32_t offset; /* of the record, in the payload */
    uint32_t size;   /* of the whole record */
    Record record;
} BatchEntry;

/* Calls `each` with the entries of a batch in order. LOG_E_DAMAGED when the payload is not a batch's. */
int batch_each(Mem *mem, const uint8_t *payload, uint32_t size, int (*each)(void *context, const BatchEntry *entry),
               void *context) MUST_CHECK;

/* --- checkpoint.c --- */

/* Reads a checkpoint's payload at the start: packs, runs, live list, and where the log goes on. */
int checkpoint_load(Store *store, const uint8_t *payload, uint32_t size, LogPosition *start) MUST_CHECK;
/* Goes on with the checkpoint that is being taken, or begins one when it is time (`now`: in any case). */
int checkpoint_poll(Store *store, bool now) MUST_CHECK;
/* Frees one that is not done, and waits for its job. */
void checkpoint_abandon(Store *store);
