/* SPDX-License-Identifier: MIT */
/*
 * Assertions and the few attributes the whole project uses.
 *
 * check() states what we know. It stays in release builds: a broken
 * invariant stops the process at once with file and line, because going on
 * with wrong data is worse than stopping. It is for our mistakes only; a
 * Seq program's mistake is a Fault, the outside's is an int.
 */
#pragma once

#include <assert.h> /* static_assert; for conditions at run time there is check() */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* The result of the function must be looked at. */
#define MUST_CHECK __attribute__((warn_unused_result))
/* In a parameter list: the callee takes this reference over. For people; expands to nothing. */
#define TAKEN
/* Calls `function(&variable)` when the variable goes out of scope. */
#define CLEANUP(function) __attribute__((cleanup(function)))
/* Checks arguments like printf does. */
#define FORMAT(string_index, first_index) __attribute__((format(printf, string_index, first_index)))

_Noreturn void check_failed(const char *condition, const char *file, int line);

#define check(condition) (LIKELY(condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__))
#define unreachable() check_failed("unreachable", __FILE__, __LINE__)
