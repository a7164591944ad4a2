/* SPDX-License-Identifier: MIT */
/*
 * Exit: how a command ends, one row for each exit code. A program that ran
 * to its end gives its own instead: what main left, cut to 32 bits (of which
 * the system keeps the low 8), or what os.exit was given.
 */
#pragma once

/*        name         code  meaning */
#define EXIT_CODES(ROW) \
    ROW(FINE,          0,    "All is well.") \
    ROW(FAILED,        1,    "It could not run: a file cannot be read, memory is refused, output cannot be written.") \
    ROW(USAGE,         2,    "Wrong usage, or no tests found.") \
    ROW(REFUSED,       3,    "The compiler refused a program, also one that was to be run or tested.") \
    ROW(TESTS_FAILED,  4,    "Tests failed.") \
    ROW(DAMAGED,       5,    "Damaged data was found in a store; nothing of it was changed.") \
    ROW(DISK,          74,   "The disk failed: what was acknowledged is safe, what was not may be lost.") \
    ROW(BUSY,          75,   "Try again later: the store is open in another process, or the disk is full.") \
    ROW(INTERRUPTED,   130,  "Interrupted by Ctrl-C.") \
    ROW(TRAP,          134,  "The program stopped with a trap.")

typedef enum ExitCode {
#define ROW(name, code, meaning) EXIT_##name = (code),
    EXIT_CODES(ROW)
#undef ROW
} ExitCode;
