/* SPDX-License-Identifier: MIT */
/* Where included texts come from: modules built in, and files. */
#pragma once

#include "vm/base/io.h"
#include "vm/lang/module.h"

typedef struct FileReader {
    const Io *io;
    /* Where std modules are looked for that are not built in, in this order, and a NULL behind them; or NULL. */
    const char *const *std_folders;
} FileReader;

/* `files` outlives what is returned. */
ModuleReader reader_of_files(const FileReader *files);
