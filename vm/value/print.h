/* SPDX-License-Identifier: MIT */
/*
 * Values as text: SON, the form that is also Seq source (with std:son), and
 * numbers as the language prints them. No recursion: a list a million deep
 * prints like any other.
 */
#pragma once

#include "vm/base/buffer.h"
#include "vm/value/heap.h"

typedef enum PrintStyle {
    PRINT_COMPACT, /* one line */
    PRINT_PRETTY,  /* a line for each item, indented by two spaces a level */
} PrintStyle;

/* Appends the SON text of `value`. -ENOMEM when memory is refused. */
int print_son(Heap *heap, Buffer *out, Value value, PrintStyle style) MUST_CHECK;
/* Appends the shortest decimal digits that read back as `number`, never with an exponent: 1.0 is `1`. */
int print_float(Buffer *out, double number) MUST_CHECK;
/* Appends decimal digits. */
int print_int(Buffer *out, int64_t number) MUST_CHECK;
/* The `String` display of SON: quotes, escapes, U+FFFD for what is not UTF-8. */
int print_quoted(Buffer *out, const char *bytes, size_t size) MUST_CHECK;
