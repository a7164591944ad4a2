/* SPDX-License-Identifier: MIT */
/*
 * Path: a String argument as the name of a file, for the words that open
 * something. A String that is not UTF-8, or that holds a NUL byte, names
 * nothing: it becomes the empty path, which the system finds nowhere.
 */
#pragma once

#include "vm/base/buffer.h"
#include "vm/exec/strand.h"
#include "vm/value/string.h"

/* The bytes that text words see: none when the String is not UTF-8. */
typedef struct Text {
    const char *bytes;
    size_t size;
} Text;

Text text_of(Value string);
/*
 * Starts `path` with the argument `index` below the top, for buffer_text();
 * the caller deinits it in any case. False: memory was refused, and a fault
 * says so.
 */
bool path_init(Buffer *path, Strand *strand, uint32_t index);
