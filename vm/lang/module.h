/* SPDX-License-Identifier: MIT */
/*
 * Module: a program from its files. The main file is parsed, then all that
 * it includes, and so on; each file once, however often and by whatever path
 * it is named. Nothing is opened here: texts come from a ModuleReader.
 *
 * Codes of its errors: include-not-found, include-unreadable,
 * include-too-large, unknown-std-module, unknown-ffi-library.
 */
#pragma once

#include "vm/lang/ast.h"
#include "vm/lang/diag.h"

enum { MODULE_E_NOT_FOUND = 1 };

/* Where texts come from. A function that is NULL has nothing to offer. */
typedef struct ModuleReader {
    /* The text of a module that is built in, or NULL; borrowed, it outlives the tree. */
    const char *(*std_text)(void *context, const char *name, size_t *sizep);
    /* The names of those modules one by one, then NULL; for "Did you mean". */
    const char *(*std_name)(void *context, uint32_t index);
    /* The folders in which other modules are looked for, in this order, then NULL. Only folders that exist. */
    const char *(*std_folder)(void *context, uint32_t index);
    /* The canonical path of a file, in the arena. MODULE_E_NOT_FOUND when there is none, or negative. */
    int (*find)(void *context, Arena *arena, const char *path, const char **identityp);
    /* The text of the file with this canonical path, in the arena, with a NUL behind it. 0 or negative. */
    int (*read)(void *context, Arena *arena, const char *identity, const char **textp, size_t *sizep);
    void *context;
} ModuleReader;

/*
 * Fills in the tree: all modules, with their definitions and unions in one
 * list each, the main file's first, then each include's in order of
 * appearance, then theirs. What is wrong goes to `diags`, and the rest is
 * there all the same. Returns -ENOMEM when memory was refused.
 */
int module_load(Tree *tree, Arena *arena, const Source *main_source, const ModuleReader *reader, DiagList *diags)
    MUST_CHECK;
