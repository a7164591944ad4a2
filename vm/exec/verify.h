/* SPDX-License-Identifier: MIT */
/*
 * Verify: proves that a chunk can be threaded and run without looking
 * again: operands name things that exist, jumps go ahead to instructions,
 * every path ends, and the aux stack is the same on all paths to an
 * instruction, equal to what its place says, and empty at the end.
 */
#pragma once

#include "vm/exec/chunk.h"

/* NULL, or what is wrong; then `*atp` is the instruction. "out of memory" when refused. */
const char *verify_chunk(const Chunk *chunk, uint32_t *atp);
