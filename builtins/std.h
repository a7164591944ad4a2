/* SPDX-License-Identifier: MIT */
/*
 * Std: the modules written in Seq, builtins/std/NAME.seq, which programs
 * include as std:NAME. Their texts are part of the program; they are compiled
 * when they are included.
 */
#pragma once

#include <stddef.h>

typedef struct StdModule {
    const char *name; /* without `std:` */
    const char *text; /* `size` bytes, with a NUL behind them */
    size_t size;
} StdModule;

/* All of them, sorted by name; one whose name is NULL ends the list. */
extern const StdModule std_modules[];
