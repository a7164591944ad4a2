/* SPDX-License-Identifier: MIT */
/*
 * Positions are counted from the start of the text each time: they are
 * wanted for messages only, of which there are few. Not here: where a text
 * comes from (module.h).
 */
#include "vm/lang/source.h"

#include <string.h>

Source *source_new(Arena *arena, const char *name, const char *text, size_t size) {
    if (size > SOURCE_SIZE_MAX)
        return NULL;
    const char *own_name = arena_copy(arena, name, strlen(name));
    const char *own_text = arena_copy(arena, text, size);
    if (!own_name || !own_text)
        return NULL;

    Source *source = arena_new(arena, Source);
    source->name = own_name;
    source->text = own_text;
    source->size = size;
    return source;
}

/* The offset, or the nearest one in what the author wrote. */
static uint32_t own_offset(const Source *source, uint32_t offset) {
    check(offset <= source->size && source->prefix_size + source->suffix_size <= source->size);
    uint32_t end = (uint32_t)source->size - source->suffix_size;
    return offset < source->prefix_size ? source->prefix_size : offset > end ? end : offset;
}

const char *source_line(const Source *source, uint32_t offset, size_t *sizep) {
    const char *start = source->text + own_offset(source, offset);
    while (start > source->text + source->prefix_size && start[-1] != '\n')
        start--;

    size_t rest = source->size - (size_t)(start - source->text);
    const char *end = rest > 0 ? memchr(start, '\n', rest) : NULL;
    *sizep = end ? (size_t)(end - start) : rest;
    return start;
}

void source_position(const Source *source, uint32_t offset, uint32_t *linep, uint32_t *columnp) {
    const char *at = source->text + source->prefix_size, *end = source->text + source->size;
    const char *target = source->text + own_offset(source, offset);
    uint32_t line = 1, column = 1, scalar;

    for (const char *feed; at < target && (feed = memchr(at, '\n', (size_t)(target - at))); at = feed + 1)
        line++;
    for (; at < target; column++) {
        size_t size = source_scalar(at, end, &scalar);
        if (at + size > target)
            break; /* inside a character: its column */
        at += size;
    }
    *linep = line;
    *columnp = column;
}

Span span_join(Span first, Span last) {
    check(first.source == last.source);
    return (Span){first.source, first.start, last.end > first.end ? last.end : first.end};
}
