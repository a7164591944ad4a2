/* SPDX-License-Identifier: MIT */
/*
 * Diag: what the compiler has to say to the author. Every step adds to one
 * list and goes on; nobody prints. At most DIAG_MAX errors are kept.
 *
 * A diag has one sentence (`message`), a place, and optional parts that a
 * front end shows each on lines of its own: what was expected and found, the
 * stack before and after, a hint, further places. Texts live in the arena.
 * Messages quote what the author wrote through diag_name(), which cuts long
 * names and shows control characters as \u{..}.
 */
#pragma once

#include "vm/base/buffer.h"
#include "vm/lang/source.h"

enum {
    DIAG_MAX = 20,            /* errors kept; then one line says that there were more */
    DIAG_WARNINGS_MAX = 1000, /* warnings kept */
    DIAG_NAME_MAX = 64,       /* characters of a name that are shown */
    DIAG_LINE_MAX = 160,      /* characters of a source line that are shown around the caret */
};

typedef enum DiagSeverity { DIAG_ERROR, DIAG_WARNING } DiagSeverity;

typedef struct DiagPlace { /* "also defined here" */
    struct DiagPlace *next;
    Span span;
    const char *text;
} DiagPlace;

typedef struct Diag {
    struct Diag *next;
    DiagSeverity severity;
    const char *code; /* a stable short name for tools: "undefined-word", "stack-underflow" ... */
    Span span;
    const char *message;
    const char *word;     /* the word it is in, or NULL */
    const char *expected; /* "( ..a Int Int )", or NULL */
    const char *found;
    const char *stack_before; /* "( ..rest Int String )", or NULL */
    const char *stack_after;
    const char *hint; /* "Did you mean `list.map`?", or NULL */
    DiagPlace *places;
} Diag;

typedef struct DiagList {
    Arena *arena;
    Diag *first, *last;
    uint32_t error_count, warning_count; /* all, also those that were not kept */
    Diag scratch;                        /* given out for those */
} DiagList;

void diag_list_init(DiagList *diags, Arena *arena);
/*
 * Adds an error or warning; the caller may fill in the optional parts of what
 * it returns (never NULL: beyond DIAG_MAX a scratch object is returned).
 */
Diag *diag_error(DiagList *diags, Span span, const char *code, const char *format, ...) FORMAT(4, 5);
Diag *diag_warning(DiagList *diags, Span span, const char *code, const char *format, ...) FORMAT(4, 5);
void diag_add_place(DiagList *diags, Diag *diag, Span span, const char *text);
/* `name` safe to show: at most DIAG_NAME_MAX characters and then `…`, controls and bad bytes escaped. In the arena. */
const char *diag_name(DiagList *diags, const char *bytes, size_t size);
/* The same of the word that is defined at `span`; the one that no author wrote is called like its source. */
const char *diag_word_name(DiagList *diags, Span span, const char *bytes, size_t size);

/* Orders by file and place, errors and warnings together; keeps insertion order for equal places. */
void diag_list_sort(DiagList *diags);
/*
 * The text of one diag as people see it, ending in a line feed:
 *
 *   FILE:LINE:COLUMN: error: MESSAGE
 *      12 | source line
 *         |        ^^^^
 *     expected: ...      (each optional part a line)
 *
 * `colour` adds terminal colours. Control characters are never passed on raw.
 */
void diag_print(Buffer *out, const Diag *diag, bool colour);
/* All of them, sorted, and a last line when there were more errors than are kept. */
void diag_list_print(Buffer *out, DiagList *diags, bool colour);
/*
 * The same as one line of JSON, ending in a line feed: file, line, column,
 * end_line, end_column, severity, code, message, word, expected, found,
 * stack_before, stack_after, hint, places. Absent parts are left out; bytes
 * that are no UTF-8 become U+FFFD.
 */
void diag_print_json(Buffer *out, const Diag *diag);
/* Controls, and what changes the direction of text or is invisible: nothing that a terminal should get. */
bool diag_is_hidden(uint32_t scalar);
/* Appends text for a terminal: control characters as \u{1b}, bytes that are no UTF-8 as \xff, the rest unchanged. */
void diag_append_shown(Buffer *out, const char *bytes, size_t size);
/* The same into `room` bytes with a NUL behind it; what does not fit is left away. */
void diag_copy_shown(char *to, size_t room, const char *bytes, size_t size);
/* How many characters must be changed to make one name the other, or `limit` + 1 when more; for "Did you mean". */
uint32_t diag_distance(const char *left, size_t left_size, const char *right, size_t right_size, uint32_t limit);
