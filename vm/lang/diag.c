/* SPDX-License-Identifier: MIT */
/*
 * Whatever is shown may come from a hostile file, so everything passes
 * append_scalar(), which lets no control character through, and nothing that
 * would reorder or hide what stands beside it. Formatting is bounded: names
 * are cut by diag_name(), lines around their caret, and beyond DIAG_MAX
 * errors nothing is formatted at all.
 */
#include "vm/lang/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TAB_WIDTH = 4, DISTANCE_SIZE_MAX = 64 };

void diag_list_init(DiagList *diags, Arena *arena) {
    *diags = (DiagList){.arena = arena};
}

static const char *format_text(Arena *arena, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    check(length >= 0);

    char *text = arena_try(arena, (size_t)length + 1);
    if (!text)
        return "out of memory";
    vsnprintf(text, (size_t)length + 1, format, arguments);
    return text;
}

static Diag *add(DiagList *diags, bool keep, Span span, const char *code, const char *format, va_list arguments) {
    diags->scratch = (Diag){0};
    if (!keep || diags->arena->failed)
        return &diags->scratch;

    Diag *diag = arena_new(diags->arena, Diag);
    diag->span = span;
    diag->code = code;
    diag->message = format_text(diags->arena, format, arguments);
    if (diags->last)
        diags->last->next = diag;
    else
        diags->first = diag;
    diags->last = diag;
    return diag;
}

Diag *diag_error(DiagList *diags, Span span, const char *code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    Diag *diag = add(diags, diags->error_count < DIAG_MAX, span, code, format, arguments);
    va_end(arguments);
    diag->severity = DIAG_ERROR;
    diags->error_count++;
    return diag;
}

Diag *diag_warning(DiagList *diags, Span span, const char *code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    Diag *diag = add(diags, diags->warning_count < DIAG_WARNINGS_MAX, span, code, format, arguments);
    va_end(arguments);
    diag->severity = DIAG_WARNING;
    diags->warning_count++;
    return diag;
}

void diag_add_place(DiagList *diags, Diag *diag, Span span, const char *text) {
    if (diag == &diags->scratch || diags->arena->failed)
        return;
    DiagPlace *place = arena_new(diags->arena, DiagPlace);
    place->span = span;
    place->text = text;
    DiagPlace **end = &diag->places;
    while (*end)
        end = &(*end)->next;
    *end = place;
}

/* --- what may be shown --- */

bool diag_is_hidden(uint32_t scalar) {
    return scalar < 0x20 || (scalar >= 0x7F && scalar < 0xA0) || scalar == 0xAD || scalar == 0x061C ||
           scalar == 0x180E || scalar == 0x200B || scalar == 0x200E || scalar == 0x200F ||
           (scalar >= 0x2028 && scalar <= 0x202E) || (scalar >= 0x2060 && scalar <= 0x206F) || scalar == 0xFEFF ||
           (scalar >= 0xFFF0 && scalar <= 0xFFFB) || (scalar >= 0xE0000 && scalar <= 0xE007F);
}

enum { SHOWN_SIZE_MAX = 16 }; /* bytes that one character may become */

/* Writes the character at `at` as it is shown, NUL-terminated. Gives its size in the text. */
static size_t show_scalar(const char *at, const char *end, char shown[SHOWN_SIZE_MAX], uint32_t *scalarp) {
    size_t size = source_scalar(at, end, scalarp);
    if (*scalarp == SCALAR_BAD) {
        snprintf(shown, SHOWN_SIZE_MAX, "\\x%02x", (unsigned)(unsigned char)*at);
    } else if (diag_is_hidden(*scalarp)) {
        snprintf(shown, SHOWN_SIZE_MAX, "\\u{%x}", (unsigned)*scalarp);
    } else {
        memcpy(shown, at, size);
        shown[size] = 0;
    }
    return size;
}

void diag_append_shown(Buffer *out, const char *bytes, size_t size) {
    const char *end = bytes + size;
    char shown[SHOWN_SIZE_MAX];
    uint32_t scalar;
    while (bytes < end) {
        bytes += show_scalar(bytes, end, shown, &scalar);
        buffer_append_text(out, shown);
    }
}

void diag_copy_shown(char *to, size_t room, const char *bytes, size_t size) {
    const char *end = bytes + size;
    char shown[SHOWN_SIZE_MAX];
    uint32_t scalar;
    while (bytes < end) {
        bytes += show_scalar(bytes, end, shown, &scalar);
        size_t shown_size = strlen(shown);
        if (shown_size >= room)
            break;
        memcpy(to, shown, shown_size);
        to += shown_size;
        room -= shown_size;
    }
    *to = 0;
}

const char *diag_name(DiagList *diags, const char *bytes, size_t size) {
    char text[DIAG_NAME_MAX * SHOWN_SIZE_MAX + 4];
    size_t used = 0;
    const char *end = bytes + size;
    uint32_t scalar;
    for (int count = 0; bytes < end && count < DIAG_NAME_MAX; count++) {
        char shown[SHOWN_SIZE_MAX];
        bytes += show_scalar(bytes, end, shown, &scalar);
        size_t shown_size = strlen(shown);
        memcpy(text + used, shown, shown_size);
        used += shown_size;
    }
    if (bytes < end) {
        memcpy(text + used, "…", strlen("…"));
        used += strlen("…");
    }
    const char *copy = arena_copy(diags->arena, text, used);
    return copy ? copy : "?";
}

const char *diag_word_name(DiagList *diags, Span span, const char *bytes, size_t size) {
    return span.start < span.source->prefix_size ? span.source->name : diag_name(diags, bytes, size);
}

/* --- order --- */

static void insert_by_place(Diag **list, Diag *diag) {
    while (*list && (*list)->span.start <= diag->span.start)
        list = &(*list)->next;
    diag->next = *list;
    *list = diag;
}

/* Takes all of one source out of `rest`, in order. */
static Diag *take_source(Diag **rest, const Source *source) {
    Diag *taken = NULL;
    while (*rest) {
        Diag *diag = *rest;
        if (diag->span.source != source) {
            rest = &diag->next;
            continue;
        }
        *rest = diag->next;
        insert_by_place(&taken, diag);
    }
    return taken;
}

/* Files stand in the order in which they first had something said about them; the main file mostly leads. */
void diag_list_sort(DiagList *diags) {
    Diag *rest = diags->first, *last = NULL;
    Diag **end = &diags->first;
    *end = NULL;
    while (rest) {
        *end = take_source(&rest, rest->span.source);
        for (; *end; end = &(*end)->next)
            last = *end;
    }
    diags->last = last;
}

/* --- as people see it --- */

typedef struct Colours {
    const char *bold, *error, *warning, *quiet, *plain;
} Colours;

static const Colours colours_on = {"\x1b[1m", "\x1b[1;31m", "\x1b[1;35m", "\x1b[34m", "\x1b[0m"};
static const Colours colours_off = {"", "", "", "", ""};

static void append_place(Buffer *out, Span span) {
    uint32_t line, column;
    source_position(span.source, span.start, &line, &column);
    diag_append_shown(out, span.source->name, strlen(span.source->name));
    buffer_append_format(out, ":%u:%u", line, column);
}

/* A text of ours that may have several lines: those below the first are indented. */
static void append_lines(Buffer *out, const char *text, const char *indent) {
    for (const char *feed; (feed = strchr(text, '\n')); text = feed + 1) {
        diag_append_shown(out, text, (size_t)(feed - text));
        buffer_append_format(out, "\n%s", feed[1] && feed[1] != '\n' ? indent : "");
    }
    diag_append_shown(out, text, strlen(text));
    buffer_append_byte(out, '\n');
}

/* How many columns a terminal gives a character. */
static int scalar_width(uint32_t scalar) {
    if ((scalar >= 0x0300 && scalar <= 0x036F) || (scalar >= 0x1AB0 && scalar <= 0x1AFF) ||
        (scalar >= 0x20D0 && scalar <= 0x20FF) || (scalar >= 0xFE00 && scalar <= 0xFE0F) || scalar == 0x200C ||
        scalar == 0x200D)
        return 0;
    if ((scalar >= 0x1100 && scalar <= 0x115F) || (scalar >= 0x2E80 && scalar <= 0xA4CF && scalar != 0x303F) ||
        (scalar >= 0xAC00 && scalar <= 0xD7A3) || (scalar >= 0xF900 && scalar <= 0xFAFF) ||
        (scalar >= 0xFE30 && scalar <= 0xFE6F) || (scalar >= 0xFF00 && scalar <= 0xFF60) ||
        (scalar >= 0xFFE0 && scalar <= 0xFFE6) || (scalar >= 0x1F300 && scalar <= 0x1F64F) ||
        (scalar >= 0x1F680 && scalar <= 0x1F6FF) || (scalar >= 0x1F900 && scalar <= 0x1FAFF) ||
        (scalar >= 0x20000 && scalar <= 0x3FFFD))
        return 2;
    return 1;
}

/* Appends one character of a source line, standing at `column` of those shown; gives its width there. */
static int append_cell(Buffer *out, const char **atp, const char *end, int column) {
    if (**atp == '\t') {
        int width = TAB_WIDTH - column % TAB_WIDTH;
        buffer_append_format(out, "%*s", width, "");
        *atp += 1;
        return width;
    }
    char shown[SHOWN_SIZE_MAX];
    uint32_t scalar;
    *atp += show_scalar(*atp, end, shown, &scalar);
    buffer_append_text(out, shown);
    return scalar == SCALAR_BAD || diag_is_hidden(scalar) ? (int)strlen(shown) : scalar_width(scalar);
}

/* `count` characters back from `at`, not before `start`. */
static const char *step_back(const char *at, const char *start, int count) {
    for (; count > 0 && at > start; count--) {
        const char *last = at;
        do
            at--;
        while (at > start && last - at < UTF8_SIZE_MAX && ((unsigned char)*at & 0xC0) == 0x80);
        uint32_t scalar;
        if (at + source_scalar(at, last, &scalar) != last)
            at = last - 1; /* no character: a single bad byte */
    }
    return at;
}

/* What of a line is shown, and which part of that is marked. */
typedef struct Excerpt {
    const char *start, *end;           /* of what is shown */
    const char *mark_start, *mark_end; /* in it; empty at an end of line */
    bool cut_before, cut_after;
} Excerpt;

static Excerpt excerpt_of(Span span) {
    size_t line_size;
    const char *line = source_line(span.source, span.start, &line_size);
    const char *line_end = line + line_size, *text = span.source->text;
    if (line_end > line && line_end[-1] == '\r')
        line_end--;

    Excerpt excerpt = {.mark_start = text + span.start, .mark_end = text + span.end};
    if (excerpt.mark_start < line) /* in the prefix */
        excerpt.mark_start = line;
    if (excerpt.mark_start > line_end)
        excerpt.mark_start = line_end;
    if (excerpt.mark_end > line_end)
        excerpt.mark_end = line_end;
    if (excerpt.mark_end < excerpt.mark_start)
        excerpt.mark_end = excerpt.mark_start;

    const char *end = line;
    uint32_t scalar;
    int count = 0;
    for (; count < DIAG_LINE_MAX && end < line_end; count++)
        end += source_scalar(end, line_end, &scalar);
    excerpt.start = line;
    if (end < line_end && end - excerpt.mark_end < DIAG_LINE_MAX / 4) { /* the mark is not well inside the front */
        excerpt.start = step_back(excerpt.mark_start, line, DIAG_LINE_MAX / 2);
        end = excerpt.start;
        for (count = 0; count < DIAG_LINE_MAX && end < line_end; count++)
            end += source_scalar(end, line_end, &scalar);
    }
    excerpt.end = end;
    if (excerpt.mark_end > end)
        excerpt.mark_end = end;
    excerpt.cut_before = excerpt.start > line;
    excerpt.cut_after = end < line_end;
    return excerpt;
}

/* The line, and below it carets under what is marked: at least one, also under an end of line. */
static void append_excerpt(Buffer *out, Span span, const Colours *colours, const char *mark_colour) {
    Excerpt excerpt = excerpt_of(span);
    uint32_t line, column;
    source_position(span.source, span.start, &line, &column);

    buffer_append_format(out, "%s%5u |%s ", colours->quiet, line, colours->plain);
    int width = 0, mark_column = 0, mark_width = 0;
    if (excerpt.cut_before) {
        buffer_append_text(out, "…");
        width = 1;
    }
    mark_column = width;
    for (const char *at = excerpt.start; at < excerpt.end;) {
        bool is_marked = at >= excerpt.mark_start && at < excerpt.mark_end;
        if (at == excerpt.mark_start)
            mark_column = width;
        int cell = append_cell(out, &at, excerpt.end, width);
        width += cell;
        if (is_marked)
            mark_width += cell;
    }
    if (excerpt.mark_start == excerpt.end)
        mark_column = width;
    buffer_append_format(out, "%s\n%s      |%s %*s%s", excerpt.cut_after ? "…" : "", colours->quiet, colours->plain,
                         mark_column, "", mark_colour);
    for (int i = 0; i == 0 || i < mark_width; i++)
        buffer_append_byte(out, '^');
    buffer_append_format(out, "%s\n", colours->plain);
}

static void append_part(Buffer *out, const char *label, const char *text, const Colours *colours) {
    if (!text)
        return;
    buffer_append_format(out, "  %s%s:%s ", colours->bold, label, colours->plain);
    append_lines(out, text, "    ");
}

/* Whether the text has 'word' in it. */
static bool is_quoted_in(const char *text, const char *word) {
    size_t size = strlen(word);
    for (const char *at = strchr(text, '\''); at; at = strchr(at + 1, '\''))
        if (strncmp(at + 1, word, size) == 0 && at[size + 1] == '\'')
            return true;
    return false;
}

static const char *unless_same(const char *text, const char *shown) {
    return text && shown && strcmp(text, shown) == 0 ? NULL : text;
}

void diag_print(Buffer *out, const Diag *diag, bool colour) {
    const Colours *colours = colour ? &colours_on : &colours_off;
    bool is_error = diag->severity == DIAG_ERROR;
    const char *own_colour = is_error ? colours->error : colours->warning;

    buffer_append_text(out, colours->bold);
    if (diag->span.source) {
        append_place(out, diag->span);
        buffer_append_text(out, ": ");
    }
    buffer_append_format(out, "%s%s%s: ", own_colour, is_error ? "error" : "warning", colours->plain);
    append_lines(out, diag->message, "  ");
    if (diag->span.source)
        append_excerpt(out, diag->span, colours, own_colour);

    bool is_in_prefixed = diag->span.source && diag->span.source->prefix_size > 0;
    if (diag->word && !is_in_prefixed && !is_quoted_in(diag->message, diag->word))
        append_part(out, "in word", diag->word, colours);
    append_part(out, "expected", diag->expected, colours);
    append_part(out, "found", diag->found, colours);
    append_part(out, "stack before", unless_same(diag->stack_before, diag->found), colours);
    append_part(out, "stack after", unless_same(diag->stack_after, diag->found), colours);
    append_part(out, "hint", diag->hint, colours);
    for (const DiagPlace *place = diag->places; place; place = place->next) {
        buffer_append_text(out, "  ");
        append_place(out, place->span);
        buffer_append_text(out, ": ");
        append_lines(out, place->text, "    ");
    }
}

void diag_list_print(Buffer *out, DiagList *diags, bool colour) {
    diag_list_sort(diags);
    for (const Diag *diag = diags->first; diag; diag = diag->next)
        diag_print(out, diag, colour);
    if (diags->error_count > DIAG_MAX)
        buffer_append_format(out, "... and %u more error%s\n", diags->error_count - DIAG_MAX,
                             diags->error_count - DIAG_MAX == 1 ? "" : "s");
}

/* --- as JSON --- */

static void append_json_text(Buffer *out, const char *text) {
    const char *end = text + strlen(text);
    buffer_append_byte(out, '"');
    while (text < end) {
        uint32_t scalar;
        size_t size = source_scalar(text, end, &scalar);
        if (scalar == SCALAR_BAD)
            buffer_append_text(out, "\\ufffd");
        else if (scalar == '\n')
            buffer_append_text(out, "\\n");
        else if (scalar == '"' || scalar == '\\')
            buffer_append_format(out, "\\%c", (int)scalar);
        else if (scalar < 0x10000 && diag_is_hidden(scalar))
            buffer_append_format(out, "\\u%04x", (unsigned)scalar);
        else
            buffer_append(out, text, size);
        text += size;
    }
    buffer_append_byte(out, '"');
}

static void append_json_pair(Buffer *out, const char *key, const char *text) {
    if (!text)
        return;
    buffer_append_format(out, ",\"%s\":", key);
    append_json_text(out, text);
}

/* The members that say where; without the brace. */
static void append_json_span(Buffer *out, Span span) {
    uint32_t line, column, end_line, end_column;
    source_position(span.source, span.start, &line, &column);
    source_position(span.source, span.end, &end_line, &end_column);
    buffer_append_text(out, "\"file\":");
    append_json_text(out, span.source->name);
    buffer_append_format(out, ",\"line\":%u,\"column\":%u,\"end_line\":%u,\"end_column\":%u,", line, column, end_line,
                         end_column);
}

void diag_print_json(Buffer *out, const Diag *diag) {
    buffer_append_byte(out, '{');
    if (diag->span.source)
        append_json_span(out, diag->span);
    buffer_append_format(out, "\"severity\":\"%s\"", diag->severity == DIAG_ERROR ? "error" : "warning");
    append_json_pair(out, "code", diag->code);
    append_json_pair(out, "message", diag->message);
    append_json_pair(out, "word", diag->word);
    append_json_pair(out, "expected", diag->expected);
    append_json_pair(out, "found", diag->found);
    append_json_pair(out, "stack_before", diag->stack_before);
    append_json_pair(out, "stack_after", diag->stack_after);
    append_json_pair(out, "hint", diag->hint);
    for (const DiagPlace *place = diag->places; place; place = place->next) {
        buffer_append_text(out, place == diag->places ? ",\"places\":[{" : ",{");
        append_json_span(out, place->span);
        buffer_append_text(out, "\"message\":");
        append_json_text(out, place->text);
        buffer_append_byte(out, '}');
    }
    buffer_append_text(out, diag->places ? "]}\n" : "}\n");
}

/* --- "Did you mean" --- */

static uint32_t least_of(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t least = a < b ? a : b;
    return least < c ? least : c;
}

uint32_t diag_distance(const char *left, size_t left_size, const char *right, size_t right_size, uint32_t limit) {
    size_t difference = left_size > right_size ? left_size - right_size : right_size - left_size;
    if (difference > limit || left_size > DISTANCE_SIZE_MAX || right_size > DISTANCE_SIZE_MAX)
        return limit + 1;

    uint32_t row[DISTANCE_SIZE_MAX + 1]; /* from the first i bytes of left to the first j of right, row by row */
    for (uint32_t j = 0; j <= right_size; j++)
        row[j] = j;
    for (size_t i = 0; i < left_size; i++) {
        uint32_t diagonal = row[0];
        row[0] = (uint32_t)i + 1;
        for (size_t j = 0; j < right_size; j++) {
            uint32_t changed = diagonal + (left[i] != right[j]);
            diagonal = row[j + 1];
            row[j + 1] = least_of(changed, row[j] + 1, diagonal + 1);
        }
    }
    return row[right_size] <= limit ? row[right_size] : limit + 1;
}
