/* SPDX-License-Identifier: MIT */
/*
 * StdFolders: where a module like `std:NAME` may be that is not built in: the
 * folder that SEQ_STDLIB names, then `stdlib` beside the program seqvm, then
 * `./stdlib`.
 */
#pragma once

#include <limits.h>

enum { STD_FOLDERS_MAX = 3 };

typedef struct StdFolders {
    const char *paths[STD_FOLDERS_MAX + 1]; /* in this order, whether they exist or not; a NULL behind them */
    char beside[PATH_MAX];
} StdFolders;

/* The paths point into `folders` and into the environment. A SEQ_STDLIB that names no folder is told, and left out. */
void std_folders_find(StdFolders *folders);
