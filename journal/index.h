/* SPDX-License-Identifier: MIT */
/*
 * Index: where each actor's journal lies, and up to which record it is
 * spread there. It consists of runs: files of entries sorted by the hash of
 * the actor's id, never changed once written. A checkpoint writes one with
 * the actors it touched; several are merged into one in the background. Who
 * looks an actor up asks the newest run first and stops at the first answer.
 *
 * A run that is open holds a descriptor and no memory, whatever its size.
 * Every page read is checked; what a run answers was written by index_write()
 * or index_merge(), or it answers INDEX_E_DAMAGED.
 *
 * Which runs there are, and in which order, is not known here: the checkpoint
 * record names them with their numbers and checksums.
 */
#pragma once

#include "vm/base/io.h"

enum {
    INDEX_HASH_SIZE = 16,
    INDEX_STORE_SIZE = 16,
    INDEX_ID_SIZE_MAX = 3992, /* what the header of a journal has room for */
};

/* Answers; the functions name theirs. */
enum {
    INDEX_E_ABSENT = 1, /* the run has no such actor */
    INDEX_E_END,        /* nothing is left to list */
    INDEX_E_DAMAGED,    /* what was read is not what was written */
    INDEX_E_FOREIGN,    /* whole, but not the run that was asked for */
    INDEX_E_VERSION,    /* whole, but of a format this program does not read */
};

/* What every page of a run carries, so that one from elsewhere is known as such. */
typedef struct IndexStamp {
    uint8_t store[INDEX_STORE_SIZE]; /* the store's UUID */
    uint64_t number;                 /* the run's; a store never gives it twice */
} IndexStamp;

typedef struct IndexEntry {
    uint8_t hash[INDEX_HASH_SIZE]; /* of the id, under the store's seed */
    const char *id;                /* any bytes; borrowed */
    size_t id_size;                /* at most INDEX_ID_SIZE_MAX */
    uint64_t sequence;             /* of the last record that was spread, */
    uint64_t checksum;             /* and that record's checksum */
    uint64_t pack_place;           /* of the newest run in a pack: pack number << 40 | offset */
    uint32_t packed_size;          /* bytes in packs */
    uint32_t flags;                /* the store's; not read here */
    uint64_t snapshot_sequence;    /* of the newest snapshot */
} IndexEntry;

/* An open run. Nothing in it changes, so several threads may look up in it at once. */
typedef struct IndexRun {
    const Io *io; /* borrowed */
    int descriptor;
    IndexStamp stamp;
    uint64_t entry_count;
    uint64_t id_page_first, id_page_count; /* where the ids lie, in pages of the file */
    uint64_t entries_chain, ids_chain;     /* the checksums of all pages of each kind, as one */
} IndexRun;

/* Negative, zero or positive: the order of a run's entries, by hash, then by id. */
int index_entry_order(const IndexEntry *a, const IndexEntry *b);

/*
 * Writes a run of entries, which are in order and name no actor twice, and
 * syncs the file; its name is durable when the caller has synced the folder.
 * `*checksum` then stands for the whole content. Returns -EEXIST when there
 * is something at `path`, and otherwise, after any failure, leaves no file.
 */
int index_write(const Io *io, Mem *mem, const char *path, const IndexStamp *stamp, const IndexEntry *entries,
                size_t count, uint64_t *checksum) MUST_CHECK;

/*
 * Opens the run that was written with this stamp and got this checksum; to be
 * closed with index_close(). `io` must outlive it. INDEX_E_DAMAGED,
 * INDEX_E_FOREIGN, INDEX_E_VERSION, or a negative errno: nothing is open then.
 */
int index_open(IndexRun *run, const Io *io, const char *path, const IndexStamp *stamp, uint64_t checksum) MUST_CHECK;
/* Nothing was written by it, so nothing can fail. */
void index_close(IndexRun *run);

/*
 * Looks an actor up. Of random hashes some 2.2 pages are read, and one more
 * with the id when the hash is there. `entry->id` is the caller's `id`.
 * INDEX_E_ABSENT, INDEX_E_DAMAGED, or a negative errno: `*entry` is untouched.
 */
int index_find(const IndexRun *run, const uint8_t hash[INDEX_HASH_SIZE], const char *id, size_t id_size,
               IndexEntry *entry) MUST_CHECK;

/*
 * Writes one run with the actors of several, each as the first of the runs
 * that knows it says; so the newest comes first. As index_write(), and
 * INDEX_E_DAMAGED when one of the runs is. Takes 256 KiB, and as much for each run.
 */
int index_merge(const Io *io, Mem *mem, const char *path, const IndexStamp *stamp, const IndexRun *const *runs,
                size_t count, uint64_t *checksum) MUST_CHECK;

/* --- all actors, in order --- */

typedef struct IndexCursor IndexCursor;

typedef struct IndexList {
    Mem *mem;
    IndexCursor *cursors; /* one for each run; owned */
    size_t count;
    int result; /* what ended the list, which it then says again; 0 before */
} IndexList;

/*
 * Begins to list the actors of the runs as index_merge() would write them.
 * The runs are borrowed until index_list_close(). -ENOMEM: nothing to close.
 */
int index_list_open(IndexList *list, Mem *mem, const IndexRun *const *runs, size_t count) MUST_CHECK;
void index_list_close(IndexList *list);
/*
 * The next actor; `entry->id` lives until the next call. INDEX_E_END: that
 * was all, and every page of every run is the one that was written. Only this
 * vouches for what was listed: a page left from an earlier file of the same
 * stamp is found when all were read. INDEX_E_DAMAGED or a negative errno: no
 * more can be had.
 */
int index_list_next(IndexList *list, IndexEntry *entry) MUST_CHECK;
