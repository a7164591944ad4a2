/* SPDX-License-Identifier: MIT */
/*
 * Buffer: growable bytes. After a refusal of memory it keeps what it has,
 * ignores what is appended and says -ENOMEM from then on; so a caller that
 * appends many pieces may look only once, at the end.
 */
#pragma once

#include "vm/base/mem.h"
#include <stdarg.h>

typedef struct Buffer {
    Mem *mem;
    char *bytes; /* not NUL-terminated, except by buffer_text() */
    size_t size, capacity;
    bool failed; /* memory was refused since the last clear */
} Buffer;

/* An empty buffer; takes no memory before the first byte. */
void buffer_init(Buffer *buffer, Mem *mem);
/* Frees its block; the buffer is then empty, as after buffer_init(). */
void buffer_deinit(Buffer *buffer);
/* Empty again; keeps its block. Clears `failed`. */
void buffer_clear(Buffer *buffer);

/* Room for `size` more bytes: where they go, or NULL when refused. The caller then adds to `size`. */
char *buffer_reserve(Buffer *buffer, size_t size);
/* Each appends and returns 0, or -ENOMEM. The bytes must not be the buffer's own. */
int buffer_append(Buffer *buffer, const void *bytes, size_t size);
int buffer_append_text(Buffer *buffer, const char *text);
int buffer_append_byte(Buffer *buffer, char byte);
int buffer_append_format(Buffer *buffer, const char *format, ...) FORMAT(2, 3);
int buffer_append_vformat(Buffer *buffer, const char *format, va_list arguments);
/* The bytes with a NUL byte behind them (not counted); "" when even that was refused. */
const char *buffer_text(Buffer *buffer);
