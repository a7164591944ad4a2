/* SPDX-License-Identifier: MIT */
/*
 * Emitter: a checked tree to chunks. Nothing can be wrong with the program
 * any more; only memory can be refused.
 */
#pragma once

#include "vm/exec/chunk.h"
#include "vm/lang/resolver.h"

/*
 * Fills `program`, which was started with a cell for each definition: makes,
 * verifies and threads all chunks. Returns -ENOMEM when memory was refused.
 */
int emitter_emit(Program *program, const Resolved *resolved) MUST_CHECK;
