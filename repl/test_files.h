/* SPDX-License-Identifier: MIT */
/* Test files: those named test-*.seq, in folders and in folders inside them. */
#pragma once

#include "vm/base/arena.h"
#include "vm/base/io.h"

typedef struct TestFiles {
    Arena *arena;
    const char **paths; /* sorted, each once */
    uint32_t count, capacity;
} TestFiles;

/* None yet. All of it lives in the arena. */
void test_files_init(TestFiles *files, Arena *arena);
/*
 * Adds a test file, or those of a folder; hidden folders are left out. The
 * exit code, after a complaint on stderr.
 */
int test_files_add(TestFiles *files, const Io *io, const char *path) MUST_CHECK;
/* Sorts them and drops those that are there twice. */
void test_files_sort(TestFiles *files);
