/* SPDX-License-Identifier: MIT */
/*
 * A second, naive interpreter of the language, for tests: what it prints and
 * how it ends is what the VM has to do too.
 *
 * It walks the tree, checks the kind of every value at every word, and copies
 * whatever a word changes. It shares no code with vm/exec, vm/value and the
 * builtins; of vm/lang it uses the parser, what names mean, which operator a
 * sugar stands for, and how many values a literal captures. All memory of a
 * run is one pool that goes at its end.
 *
 * It knows the words that the generators use (words.c); another one ends the
 * run with REFERENCE_UNKNOWN.
 */
#pragma once

#include "vm/lang/compile.h"

typedef enum ReferenceEnd {
    REFERENCE_DONE,
    REFERENCE_TRAP,
    REFERENCE_DEADLOCK,
    REFERENCE_EXHAUSTED, /* more steps or memory than a test may take */
    REFERENCE_UNKNOWN,   /* a word that it does not know */
} ReferenceEnd;

typedef struct ReferenceResult {
    ReferenceEnd end;
    char message[256]; /* of a trap */
    char *output;      /* free() it */
    size_t output_size, output_room;
    int64_t status;
} ReferenceResult;

/* Runs the main of a program that was checked. */
ReferenceResult reference_run(Compilation *compilation, uint64_t steps_max);
