/* SPDX-License-Identifier: MIT */
/*
 * Random programs from a seed. Each prints a trace of its values.
 *
 * GENERATE_TYPED: what types claim holds, so a program runs to its end or
 * to a trap that the language asks for (a cond without a match, a bad index).
 * GENERATE_LOOSE: the same, but now and then a value is not what the checker
 * was told: through free type variables, lists of anything, variants with
 * fields of wrong kinds, rows that mean less than they say, unknown stacks.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef enum GenerateMode { GENERATE_TYPED, GENERATE_LOOSE } GenerateMode;

/* The text is NUL-terminated; free() it. */
char *generate_program(uint64_t seed, GenerateMode mode, size_t *sizep);
