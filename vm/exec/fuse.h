/* SPDX-License-Identifier: MIT */
/*
 * Fuse: portable instructions to threaded code. Sequences that stand in
 * fused.h become one instruction.
 */
#pragma once

#include "vm/exec/chunk.h"

/* Makes the chunk's threaded code. All chunks and cells it names must exist. -ENOMEM when refused. */
int fuse_chunk(Chunk *chunk) MUST_CHECK;
