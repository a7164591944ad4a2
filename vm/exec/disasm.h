/* SPDX-License-Identifier: MIT */
/* Disasm: chunks as text, one instruction a line. */
#pragma once

#include "vm/base/buffer.h"
#include "vm/exec/chunk.h"

/*
 * The code of one chunk:
 *
 *   double ( 1 -- 1 )  program.seq
 *       0  PUSH 2                      # line 3: 2
 */
void disasm_chunk(Buffer *out, const Chunk *chunk);
