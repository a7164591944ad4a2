/* SPDX-License-Identifier: MIT */
/*
 * Mutant: stands before a disk and leaves out one of the things that a journal
 * must do. A test that does not notice proves nothing.
 */
#pragma once

#include "tests/crash/disk.h"

enum { MUTANT_FILES = 64 };

/* Whose calls are changed. */
typedef enum MutantFile {
    MUTANT_LOG,
    MUTANT_PACK,
    MUTANT_INDEX,
    MUTANT_SNAPSHOT,
    MUTANT_STORE, /* the file STORE, and the folder of the store */
    MUTANT_OTHER,
} MutantFile;

typedef enum MutantTrick {
    MUTANT_SKIP,   /* the call is not made, and succeeds */
    MUTANT_RETRY,  /* one that fails is made once more */
    MUTANT_IGNORE, /* one that fails passes for success */
    MUTANT_SPLIT,  /* of a rename: the old file is deleted, then the new one renamed */
} MutantTrick;

typedef struct MutantKind {
    const char *name;
    MutantFile file;
    DiskCall call; /* DISK_SYNC, DISK_SYNC_FOLDER, DISK_WRITE, DISK_FORGET or DISK_RENAME */
    MutantTrick trick;
    const char *harmless; /* why no crash can tell; NULL: it must be caught */
} MutantKind;

extern const MutantKind mutant_kinds[];
extern const uint32_t mutant_count;

typedef struct Mutant {
    const MutantKind *kind;
    Io io; /* the disk's */
    struct {
        int descriptor;
        MutantFile file;
    } open[MUTANT_FILES];
    uint32_t open_count; /* since the start; older ones are overwritten */
} Mutant;

/* The calls of a disk as the mutant makes them; it lives as long as they are used. */
Io mutant_init(Mutant *mutant, const MutantKind *kind, Disk *disk);
