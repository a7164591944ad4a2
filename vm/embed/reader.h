/* SPDX-License-Identifier: MIT */
/* Where included texts come from: modules built in, and files. */
#pragma once

#include "vm/base/io.h"
#include "vm/lang/module.h"

/* `io` outlives the reader. Folders of other std modules: $SEQ_STDLIB, then `stdlib` beside the program, then `./stdlib`. */
ModuleReader reader_of_files(const Io *io);
