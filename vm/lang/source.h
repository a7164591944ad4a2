/* SPDX-License-Identifier: MIT */
/*
 * Source: the text of one file and where things stand in it. A Span is a
 * piece of a source; lines and columns are worked out only when someone
 * wants to show them. Columns count characters (Unicode scalar values, a
 * byte that is no UTF-8 counts as one), from 1.
 */
#pragma once

#include "vm/base/arena.h"
#include "vm/base/utf8.h"

typedef struct Source Source;

struct Source {
    const char *name; /* as shown to people: a path, `std:json`, `<stdin>` */
    const char *text; /* `size` bytes, with a NUL behind them */
    size_t size;
    const char *folder;   /* where its relative includes are looked for; NULL: nowhere */
    const char *identity; /* its canonical path: the same file is the same text; NULL: it has none */
    bool is_std;          /* a module of the standard library */
    uint32_t prefix_size; /* bytes in front that no author wrote: they make the body of a main of what he did write */
    uint32_t suffix_size; /* and behind; what is wrong there is shown at the end of what he wrote */
};

typedef struct Span {
    const Source *source;
    uint32_t start, end; /* byte offsets */
} Span;

/* A source named `name` with a copy of the text; NULL when memory is refused or the text is too large. */
Source *source_new(Arena *arena, const char *name, const char *text, size_t size);

/* Line and column of an offset, both from 1; an offset in the prefix is where the text starts, one in the suffix where it ends. */
void source_position(const Source *source, uint32_t offset, uint32_t *linep, uint32_t *columnp);
static inline uint32_t span_line(Span span) {
    uint32_t line, column;
    source_position(span.source, span.start, &line, &column);
    return line;
}
/* The line that holds `offset`, without its line feed: where it starts, and its size. */
const char *source_line(const Source *source, uint32_t offset, size_t *sizep);
/* From the start of `first` to the end of `last` (of the same source). */
Span span_join(Span first, Span last);

#define SCALAR_BAD UINT32_MAX
/*
 * The character at `at` (before `end`): gives its size in bytes and stores
 * its scalar value, or SCALAR_BAD for a byte that is no UTF-8 (of size 1).
 */
static inline size_t source_scalar(const char *at, const char *end, uint32_t *scalarp) {
    size_t size = utf8_decode(at, (size_t)(end - at), scalarp);
    if (size > 0)
        return size;
    *scalarp = SCALAR_BAD;
    return 1;
}

enum { SOURCE_SIZE_MAX = 256 * 1024 * 1024 };
