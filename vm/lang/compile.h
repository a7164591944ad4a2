/* SPDX-License-Identifier: MIT */
/*
 * Compile: the steps from text to code, in order, once. Nothing here prints
 * or opens; what is wrong is in `diags`, and the front ends show it.
 */
#pragma once

#include "vm/exec/chunk.h"
#include "vm/lang/checker.h"
#include "vm/lang/module.h"

typedef struct Compilation {
    Arena arena; /* the tree and all that is said about it live here */
    DiagList diags;
    Tree tree;
    Resolved resolved;
} Compilation;

void compilation_init(Compilation *compilation, Mem *mem);
void compilation_deinit(Compilation *compilation);

/*
 * Parses, resolves and checks a program. Returns 0 when it may run,
 * COMPILE_E_REFUSED when `diags` says why not, -ENOMEM when memory was refused.
 * `source` and what `reader` gives must outlive the compilation.
 */
enum { COMPILE_E_REFUSED = 1 };
int compile_check(Compilation *compilation, const Source *source, const ModuleReader *reader, const WordTable *words,
                  bool needs_main) MUST_CHECK;
/* Makes the code of a program that compile_check found good. Returns -ENOMEM; then too `program` is to be ended. */
int compile_emit(Compilation *compilation, Program *program, Heap *heap) MUST_CHECK;
