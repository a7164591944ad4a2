/* SPDX-License-Identifier: MIT */
/*
 * One block that doubles. `failed` is sticky: after a refusal nothing more is
 * appended, even what would fit, so the bytes are always a prefix of what the
 * caller meant and never a text with a hole.
 */
#include "vm/base/buffer.h"

#include <errno.h>
#include <stdio.h>

enum { CAPACITY_MIN = 64 };

void buffer_init(Buffer *buffer, Mem *mem) {
    *buffer = (Buffer){.mem = mem};
}

void buffer_deinit(Buffer *buffer) {
    mem_free(buffer->mem, buffer->bytes, buffer->capacity);
    *buffer = (Buffer){.mem = buffer->mem};
}

void buffer_clear(Buffer *buffer) {
    buffer->size = 0;
    buffer->failed = false;
}

static bool grow(Buffer *buffer, size_t size) {
    if (size > SIZE_MAX / 2 - buffer->size)
        return false;
    size_t needed = buffer->size + size;
    size_t capacity = buffer->capacity > 0 ? buffer->capacity * 2 : CAPACITY_MIN;
    if (capacity < needed)
        capacity = needed;

    char *bytes = mem_try_resize(buffer->mem, buffer->bytes, buffer->capacity, capacity);
    if (!bytes)
        return false;
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return true;
}

char *buffer_reserve(Buffer *buffer, size_t size) {
    if (buffer->failed)
        return NULL;
    bool fits = buffer->bytes && size <= buffer->capacity - buffer->size;
    if (!fits && !grow(buffer, size)) {
        buffer->failed = true;
        return NULL;
    }
    return buffer->bytes + buffer->size;
}

int buffer_append(Buffer *buffer, const void *bytes, size_t size) {
    char *room = buffer_reserve(buffer, size);
    if (!room)
        return -ENOMEM;
    if (size > 0)
        memcpy(room, bytes, size);
    buffer->size += size;
    return 0;
}

int buffer_append_text(Buffer *buffer, const char *text) {
    return buffer_append(buffer, text, strlen(text));
}

int buffer_append_byte(Buffer *buffer, char byte) {
    return buffer_append(buffer, &byte, 1);
}

int buffer_append_vformat(Buffer *buffer, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    check(length >= 0);

    size_t size = (size_t)length;
    char *room = buffer_reserve(buffer, size + 1); /* vsnprintf adds a NUL */
    if (!room)
        return -ENOMEM;
    vsnprintf(room, size + 1, format, arguments);
    buffer->size += size;
    return 0;
}

int buffer_append_format(Buffer *buffer, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int r = buffer_append_vformat(buffer, format, arguments);
    va_end(arguments);
    return r;
}

const char *buffer_text(Buffer *buffer) {
    /* past `failed`: what was gathered before a refusal may still be shown */
    if (buffer->size == buffer->capacity && !grow(buffer, 1))
        return "";
    buffer->bytes[buffer->size] = '\0';
    return buffer->bytes;
}
