/* SPDX-License-Identifier: MIT */
/*
 * Source: the text of one file and where things stand in it. A Span is a
 * piece of a source; lines and columns are worked out only when someone
 * wants to show them. Columns count characters (Unicode scalar values, a
 * byte that is no UTF-8 counts as one), from 1.
 */
#pragma once

#include "vm/base/arena.h"

typedef struct Source Source;

struct Source {
    const char *name; /* as shown to people: a path, `std:json`, `<stdin>` */
    const char *text; /* `size` bytes, with a NUL behind them */
    size_t size;
    const char *folder; /* where its relative includes are looked for; NULL: nowhere */
    bool is_std;        /* a module of the standard library */
};

typedef struct Span {
    const Source *source;
    uint32_t start, end; /* byte offsets */
} Span;

/* Line and column of an offset, both from 1. */
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

enum { SOURCE_SIZE_MAX = 256 * 1024 * 1024 };
