/* SPDX-License-Identifier: MIT */
/*
 * Disk: a disk in memory behind the Io of a journal, on which calls fail and
 * from which the power goes as a test says.
 *
 * Everything exists twice: as it is seen, and as it is durable. A write, a
 * change of a file's size, a name created, changed or deleted is seen at once
 * and pending until it is synced: bytes and size by the sync of the file, names
 * by the sync of their folder. A crash keeps any part of what is pending, each
 * change for itself:
 *
 *   - a write sector by sector. One in which it is torn holds new bytes up to
 *     any place or from any place on, and old ones or zeros in the rest; bytes
 *     that were not written stay as they are;
 *   - where a file is longer than its durable bytes and the bytes are lost,
 *     there stand zeros, bytes that stood there before, or anything;
 *   - a cut file may be as long as before, with zeros in the rest of its last sector;
 *   - a rename wholly or not at all: the file has one of its names. One
 *     between two folders ties them: to sync one of them syncs both.
 *
 * A sync that fails drops the pages it was to write: they are still read, yet
 * no later sync or crash keeps them, and forget() shows what is really there.
 * Linux does it that way.
 *
 * Paths are taken from the root, with a slash before them or not; there is no
 * "..". Left out: real_path, remove_folder, IO_WRITE and IO_APPEND (-ENOSYS).
 * The disk itself never runs out of memory; it stops the process.
 *
 * One thread at a time. Clones share what neither has changed.
 */
#pragma once

#include "vm/base/io.h"

#include <stdio.h>

typedef enum DiskCall {
    DISK_OPEN,
    DISK_READ,  /* read and read_at */
    DISK_WRITE, /* write and write_at */
    DISK_CLOSE,
    DISK_INFO,
    DISK_DELETE_FILE,
    DISK_MAKE_FOLDER,
    DISK_LIST_FOLDER,
    DISK_SIZE,
    DISK_CUT,
    DISK_SYNC,
    DISK_SYNC_FOLDER,
    DISK_RENAME,
    DISK_LOCK,
    DISK_FORGET,
    DISK_ANY, /* whichever it is; not a kind of its own */
    DISK_CALL_COUNT = DISK_ANY,
} DiskCall;

typedef struct DiskCounts {
    uint64_t calls[DISK_CALL_COUNT]; /* also those that failed */
    uint64_t call_count;             /* of all kinds */
    uint64_t bytes_read, bytes_written;
    uint64_t fault_count;  /* calls that a DiskFault made fail */
    uint64_t misuse_count; /* calls with a descriptor that is not open, or not open for this */
} DiskCounts;

typedef struct DiskFault {
    DiskCall call;
    uint64_t number; /* of the first call of that kind to fail, from 1, counted from disk_fail() on; 0: none */
    bool for_ever;   /* those after it too */
    int error;       /* what it returns, negative; it changes nothing, but see the top on sync */
    uint64_t seed;   /* which of its pages a failing sync has written all the same; 0: none */
} DiskFault;

/* Seeds for disk_crash() that mean something; the rest are random. */
enum {
    DISK_LOSE_ALL,
    DISK_KEEP_ALL,
    DISK_KEEP_FIRST_HALF, /* of the changes, in the order they were made */
    DISK_KEEP_LAST_HALF,
    DISK_NAMES_ONLY = 7,     /* files are as long and hold what they did */
    DISK_RANDOM = 13,        /* the first that is random; below it see disk_variant_name() */
    DISK_VARIANT_COUNT = 20, /* for tests that try some */
};

typedef struct Disk Disk;

/* An empty disk. */
Disk *disk_new(void);
/* Accepts NULL and returns it. What is still open does not matter. */
Disk *disk_free(Disk *disk);
/* The same seen, durable and pending, and as limited; nothing is open or locked, nothing counted, no fault is set. */
Disk *disk_clone(const Disk *disk);
/* Its calls; lives as long as the disk. */
Io disk_io(Disk *disk);

/* --- ends --- */

/* The power goes. What is left is durable; nothing is open or locked; faults are over. */
void disk_crash(Disk *disk, uint64_t seed);
/* The process ends: nothing is open or locked, faults are over. What is pending stays so, and the next one sees it. */
void disk_kill(Disk *disk);
/*
 * The process is to die at call `number` of this kind, from 1 and counted from now: that one and each after it, of
 * any kind, fails with -EIO and changes nothing. 0: none does.
 */
void disk_stop_at(Disk *disk, DiskCall call, uint64_t number);
/* Whether a call was stopped by that. */
bool disk_has_stopped(const Disk *disk);
/* What disk_crash() does with this seed, in a few words. */
const char *disk_variant_name(uint64_t seed);

/* --- faults --- */

/* In place of the fault before; `(DiskFault){0}` ends it. */
void disk_fail(Disk *disk, DiskFault fault);
/* From now on reads and writes do a part of what they are asked, at least one byte. 0: no longer. */
void disk_set_short(Disk *disk, uint64_t seed);
/* Room for so many bytes, in sectors of 512: a write does what fits, -ENOSPC if nothing. UINT64_MAX: no limit. */
void disk_set_room(Disk *disk, uint64_t size);
/* Bytes of room that files take now. Zeros that a cut appends take none. */
uint64_t disk_room_used(const Disk *disk);

/* --- damage: what is seen and what is durable alike; the file has nothing pending --- */

/* `bit` counts from the first byte's lowest one, and is inside the file. */
void disk_flip_bit(Disk *disk, const char *path, uint64_t bit);
/* Makes it shorter. */
void disk_truncate(Disk *disk, const char *path, uint64_t size);

/* --- looking; none of this counts as a call --- */

const DiskCounts *disk_counts(const Disk *disk);
void disk_reset_counts(Disk *disk);
/* Changes that a crash might lose. */
uint64_t disk_pending_count(const Disk *disk);
/* Descriptors that are open. */
uint64_t disk_open_count(const Disk *disk);
/* Calls `file` for each file that is seen; the path lives until it returns. The disk must not be changed meanwhile. */
typedef void DiskFileFunction(void *context, const char *path, uint64_t size);
void disk_each_file(const Disk *disk, DiskFileFunction *file, void *context);
/* Bytes of the file, or -ENOENT. */
int64_t disk_file_size(const Disk *disk, const char *path);
/* What is seen on both: the same folders, and the same files with the same bytes. */
bool disk_equal(const Disk *disk, const Disk *other);
/* All files in hex, as they are seen, and what is pending: for a report. */
void disk_dump(const Disk *disk, FILE *out);
