/* SPDX-License-Identifier: MIT */
/*
 * Snapshot: an actor's image as of one record of its journal, compressed, in
 * a file of its own. It only makes a start shorter: a bad one is put aside,
 * and the one before it, or the whole journal, is read instead. So a bad
 * snapshot never means a new actor.
 *
 * It is written under another name, synced, read back and compared before it
 * gets the name that counts. The record it is of is named by its sequence and
 * checksum, so that it belongs to this history and to no other.
 */
#pragma once

#include "journal/segment.h"
#include "vm/base/io.h"

enum {
    SNAPSHOT_PATH_MAX = 4096,
    SNAPSHOT_RAW_SIZE_MAX = 256 * 1024 * 1024,
    SNAPSHOT_KEPT = 2, /* of an actor; older ones are deleted once a newer one was read back */
};

enum {
    SNAPSHOT_E_ABSENT = 1,
    SNAPSHOT_E_DAMAGED,
};

/* Which one. */
typedef struct SnapshotName {
    uint8_t store[STORE_UUID_SIZE];
    uint8_t incarnation[16];
    const char *id;
    uint32_t id_size;
    uint64_t sequence; /* of the last record in it */
    uint64_t checksum; /* of that record */
    uint64_t damaged;  /* after reading: the sequence of the newest that is damaged; 0: none was found */
} SnapshotName;

/*
 * An id as a file name: `a-z 0-9 - _` stay, any other byte becomes =XX; what
 * gets longer than 120 bytes is # and 32 hex digits of its hash. Into at
 * least 128 bytes.
 */
void snapshot_encode_id(const char *id, size_t size, char *name);

/*
 * Writes a snapshot in `folder`/HH, HH being two hex digits of the hash of the
 * id; makes that folder. Durable when it returns 0. -ENOSPC and the like:
 * nothing is left of it. Another negative errno: the disk failed.
 */
int snapshot_write(const Io *io, Mem *mem, const char *folder, const SnapshotName *name, const void *image,
                   size_t size) MUST_CHECK;
/*
 * Appends the image of the newest snapshot that is whole and at most
 * name->sequence; the sequence and checksum that it is of are put there. Bad
 * ones are moved into `quarantine` if that is not NULL. SNAPSHOT_E_ABSENT: none is left.
 */
int snapshot_read(const Io *io, Mem *mem, const char *folder, SnapshotName *name, Buffer *image, const char *quarantine)
    MUST_CHECK;
/* Deletes all but the newest SNAPSHOT_KEPT. */
int snapshot_trim(const Io *io, Mem *mem, const char *folder, const SnapshotName *name) MUST_CHECK;
