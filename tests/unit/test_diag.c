/* SPDX-License-Identifier: MIT */
#include "tests/unit/lang_fixture.h"
#include "vm/lang/diag.h"

#include <stdio.h>

static LangFixture fixture;
static Buffer out;

static void start(void) {
    lang_fixture_start(&fixture);
    buffer_init(&out, &fixture.mem);
}

static void finish(void) {
    buffer_deinit(&out);
    lang_fixture_finish(&fixture);
}

TestSuite(diag, .init = start, .fini = finish);

static Span span_in(const Source *source, size_t at, size_t size) {
    return (Span){source, (uint32_t)at, (uint32_t)(at + size)};
}

/* Where a piece stands in a text. */
static Span span_of(const Source *source, const char *piece) {
    const char *at = strstr(source->text, piece);
    cr_assert_not_null(at);
    return span_in(source, (size_t)(at - source->text), strlen(piece));
}

static const char *printed(const Diag *diag) {
    buffer_clear(&out);
    diag_print(&out, diag, false);
    return buffer_text(&out);
}

static const char *printed_json(const Diag *diag) {
    buffer_clear(&out);
    diag_print_json(&out, diag);
    return buffer_text(&out);
}

Test(diag, shows_the_line_and_all_parts) {
    const Source *source = lang_fixture_source(&fixture, ": a ( -- )\n  1 swap drop\n;\n");
    Diag *diag =
        diag_error(&fixture.diags, span_of(source, "swap"), "stack-underflow", "%s: stack %s", "swap", "underflow");
    diag->word = "a";
    diag->expected = "( ..a T U )";
    diag->found = "( Int )";
    diag->stack_before = "( T Int )";
    diag->stack_after = "( )";
    diag->hint = "Push one more.";
    diag_add_place(&fixture.diags, diag, span_of(source, "a ("), "in this word");
    diag_add_place(&fixture.diags, diag, span_of(source, ";"), "which ends here");
    cr_expect_str_eq(printed(diag), "test.seq:2:5: error: swap: stack underflow\n"
                                    "    2 |   1 swap drop\n"
                                    "      |     ^^^^\n"
                                    "  in word: a\n"
                                    "  expected: ( ..a T U )\n"
                                    "  found: ( Int )\n"
                                    "  stack before: ( T Int )\n"
                                    "  stack after: ( )\n"
                                    "  hint: Push one more.\n"
                                    "  test.seq:1:3: in this word\n"
                                    "  test.seq:3:1: which ends here\n");
    cr_expect_str_eq(printed_json(diag),
                     "{\"file\":\"test.seq\",\"line\":2,\"column\":5,\"end_line\":2,\"end_column\":9,"
                     "\"severity\":\"error\",\"code\":\"stack-underflow\",\"message\":\"swap: stack underflow\","
                     "\"word\":\"a\",\"expected\":\"( ..a T U )\",\"found\":\"( Int )\",\"stack_before\":\"( T Int )\","
                     "\"stack_after\":\"( )\",\"hint\":\"Push one more.\",\"places\":["
                     "{\"file\":\"test.seq\",\"line\":1,\"column\":3,\"end_line\":1,\"end_column\":6,"
                     "\"message\":\"in this word\"},"
                     "{\"file\":\"test.seq\",\"line\":3,\"column\":1,\"end_line\":3,\"end_column\":2,"
                     "\"message\":\"which ends here\"}]}\n");
}

Test(diag, shows_what_was_found_once) {
    const Source *source = lang_fixture_source(&fixture, "x");
    Diag *diag = diag_error(&fixture.diags, span_of(source, "x"), "type-mismatch", "odd");
    diag->found = diag->stack_before = "( Int )";
    diag->stack_after = "( )";
    cr_expect_str_eq(printed(diag),
                     "test.seq:1:1: error: odd\n    1 | x\n      | ^\n  found: ( Int )\n  stack after: ( )\n");
}

/* What was put in front of the code is no part of its first line, and the word that it begins has no name. */
Test(diag, hides_the_prefix_of_a_source) {
    Source source = *lang_fixture_source(&fixture, ": main ( -- ) x\n;");
    source.prefix_size = strlen(": main ( -- ) ");
    Diag *diag = diag_error(&fixture.diags, span_of(&source, "x"), "undefined-word", "odd");
    diag->word = diag_word_name(&fixture.diags, span_of(&source, "main"), "main", 4);
    cr_expect_str_eq(printed(diag), "test.seq:1:1: error: odd\n    1 | x\n      | ^\n");
    diag = diag_error(&fixture.diags, span_of(&source, "main"), "effect-mismatch", "odd");
    cr_expect_str_eq(printed(diag), "test.seq:1:1: error: odd\n    1 | x\n      | ^\n");
    cr_expect_str_eq(diag_word_name(&fixture.diags, span_of(&source, "x"), "x", 1), "x");
}

Test(diag, leaves_absent_parts_out) {
    const Source *source = lang_fixture_source(&fixture, "x");
    Diag *diag = diag_warning(&fixture.diags, span_of(source, "x"), "some-lint", "odd");
    cr_expect_str_eq(printed(diag), "test.seq:1:1: warning: odd\n    1 | x\n      | ^\n");
    cr_expect_str_eq(printed_json(diag),
                     "{\"file\":\"test.seq\",\"line\":1,\"column\":1,\"end_line\":1,\"end_column\":2,"
                     "\"severity\":\"warning\",\"code\":\"some-lint\",\"message\":\"odd\"}\n");
    cr_expect_eq(fixture.diags.error_count, 0);
    cr_expect_eq(fixture.diags.warning_count, 1);
}

Test(diag, needs_no_place) {
    Diag *diag = diag_error(&fixture.diags, (Span){0}, "no-main", "No main word defined");
    cr_expect_str_eq(printed(diag), "error: No main word defined\n");
    cr_expect_str_eq(printed_json(diag),
                     "{\"severity\":\"error\",\"code\":\"no-main\",\"message\":\"No main word defined\"}\n");
}

Test(diag, indents_the_further_lines_of_a_text) {
    Diag *diag = diag_error(&fixture.diags, (Span){0}, "duplicate-word",
                            "Word 'w' is defined twice:\n  - a.seq:1\n\nHint: rename");
    diag->hint = "one\ntwo";
    cr_expect_str_eq(printed(diag), "error: Word 'w' is defined twice:\n"
                                    "    - a.seq:1\n"
                                    "\n"
                                    "  Hint: rename\n"
                                    "  hint: one\n"
                                    "    two\n");
}

Test(diag, names_the_word_only_when_the_message_does_not) {
    Diag *diag = diag_error(&fixture.diags, (Span){0}, "x", "In 'ab': wrong");
    diag->word = "ab";
    cr_expect_str_eq(printed(diag), "error: In 'ab': wrong\n");
    diag->word = "a"; /* which only happens to stand in it */
    cr_expect_str_eq(printed(diag), "error: In 'ab': wrong\n  in word: a\n");
}

/* The two lines below the first: the source and the carets. */
static const char *excerpt(const char *text, size_t at, size_t size) {
    const Source *source = lang_fixture_source(&fixture, text);
    Diag *diag = diag_error(&fixture.diags, span_in(source, at, size), "x", "m");
    return strchr(printed(diag), '\n') + 1;
}

Test(diag, puts_carets_under_the_exact_characters) {
    static const struct {
        const char *text;
        size_t at, size;
        const char *excerpt;
    } rows[] = {
        {"abc", 0, 3, "    1 | abc\n      | ^^^\n"},
        {"abc", 1, 1, "    1 | abc\n      |  ^\n"},
        {"abc", 3, 0, "    1 | abc\n      |    ^\n"}, /* at the end of the text */
        {"", 0, 0, "    1 | \n      | ^\n"},
        {"abc", 1, 0, "    1 | abc\n      |  ^\n"},     /* nothing: still one */
        {"a\nbc\n", 4, 1, "    2 | bc\n      |   ^\n"}, /* the line feed itself */
        {"a\nbc\n", 5, 0, "    3 | \n      | ^\n"},     /* behind the last one */
        {"ab\r\nc", 0, 2, "    1 | ab\n      | ^^\n"},  /* no carriage return is shown */
        {"ab\r\nc", 2, 1, "    1 | ab\n      |   ^\n"},
        {"abc\ndef", 1, 5, "    1 | abc\n      |  ^^\n"}, /* over lines: the rest of the first */
        {"\tx", 1, 1, "    1 |     x\n      |     ^\n"},  /* tabs go to the next fourth column */
        {"ab\tx", 3, 1, "    1 | ab  x\n      |     ^\n"},
        {"a\tb", 1, 1, "    1 | a   b\n      |  ^^^\n"}, /* the tab itself */
        {"\xC3\xA9x", 2, 1, "    1 | \xC3\xA9x\n      |  ^\n"},
        {"\xC3\xA9x", 0, 2, "    1 | \xC3\xA9x\n      | ^\n"},
        {"\xE5\x90\x8Dx", 3, 1, "    1 | \xE5\x90\x8Dx\n      |   ^\n"}, /* wide */
        {"\xE5\x90\x8Dx", 0, 3, "    1 | \xE5\x90\x8Dx\n      | ^^\n"},
        {"\xF0\x9F\x98\x80x", 4, 1, "    1 | \xF0\x9F\x98\x80x\n      |   ^\n"},
        {"e\xCC\x81x", 3, 1, "    1 | e\xCC\x81x\n      |  ^\n"}, /* an accent on its own takes no room */
        {"\x1bx", 1, 1, "    1 | \\u{1b}x\n      |       ^\n"},
        {"\x1bx", 0, 1, "    1 | \\u{1b}x\n      | ^^^^^^\n"},
        {"\xFFx", 1, 1, "    1 | \\xffx\n      |     ^\n"},
        {"\xE2\x80\xAEx", 3, 1, "    1 | \\u{202e}x\n      |         ^\n"}, /* would turn the line around */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_str_eq(excerpt(rows[i].text, rows[i].at, rows[i].size), rows[i].excerpt, "row %zu", i);
        finish();
        start();
    }
}

/* How many characters a text has, whatever they are. */
static size_t count(const char *text, size_t size) {
    return utf8_count(text, size);
}

Test(diag, cuts_long_lines_around_the_caret) {
    enum { SIZE = 1000000 };
    static const size_t places[] = {0, 50, 158, 159, 160, 161, 500, SIZE / 2, SIZE - 200, SIZE - 1};
    char *text = malloc(SIZE + 1);
    memset(text, 'a', SIZE);
    text[SIZE] = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        text[places[i]] = 'X';
        const char *line = excerpt(text, places[i], 1), *end = strchr(line, '\n');
        const char *shown = line + strlen("    1 | ");
        const char *caret = strchr(end, '^') - strlen("      | ");
        const char *mark = strchr(shown, 'X');
        cr_assert(mark && mark < end, "place %zu: what is marked is shown", places[i]);
        cr_expect_eq(count(shown, (size_t)(mark - shown)), (size_t)(caret - (end + 1)), "place %zu", places[i]);
        cr_expect_leq(count(shown, (size_t)(end - shown)), DIAG_LINE_MAX + 2);
        cr_expect_geq(count(shown, (size_t)(end - shown)), DIAG_LINE_MAX / 2);
        cr_expect_eq(strncmp(end - strlen("…"), "…", strlen("…")) == 0, places[i] < SIZE - 100, "place %zu", places[i]);
        cr_expect_eq(strncmp(shown, "…", strlen("…")) == 0, places[i] > DIAG_LINE_MAX * 3 / 4, "place %zu", places[i]);
        text[places[i]] = 'a';
        finish();
        start();
    }
    /* a mark longer than what is shown */
    const char *line = excerpt(text, 500, 100000);
    cr_expect_lt(strlen(line), 1000);
    free(text);
}

Test(diag, cuts_lines_between_characters) {
    char text[4000] = "";
    for (int i = 0; i < 1000; i++)
        strcat(text, i == 700 ? "X" : "\xC3\xA9");
    const char *line = excerpt(text, 1400, 1);
    cr_expect(utf8_is_valid(line, strlen(line)));
    const char *shown = line + strlen("    1 | "), *mark = strchr(shown, 'X'), *end = strchr(line, '\n');
    cr_assert_not_null(mark);
    cr_expect_eq(count(shown, (size_t)(mark - shown)), (size_t)(strchr(end, '^') - end - 1) - strlen("      | "));
}

static bool has_raw_control(const char *text, size_t size) {
    const char *end = text + size;
    uint32_t scalar;
    for (; text < end; text += source_scalar(text, end, &scalar)) {
        source_scalar(text, end, &scalar);
        if (scalar == SCALAR_BAD || (scalar < 0x20 && scalar != '\n') || (scalar >= 0x7F && scalar < 0xA0) ||
            (scalar >= 0x202A && scalar <= 0x202E) || (scalar >= 0x2066 && scalar <= 0x2069))
            return true;
    }
    return false;
}

/* --- a reader of JSON that only says whether it is some --- */

static const char *json_string(const char *at, const char *end) {
    if (at == end || *at++ != '"')
        return NULL;
    while (at < end && *at != '"') {
        if ((unsigned char)*at < 0x20)
            return NULL;
        if (*at++ != '\\')
            continue;
        if (at == end || !strchr("\"\\/bfnrtu", *at))
            return NULL;
        if (*at++ == 'u') {
            if (end - at < 4 || strspn(at, "0123456789abcdef") < 4)
                return NULL;
            at += 4;
        }
    }
    return at < end ? at + 1 : NULL;
}

static const char *json_value(const char *at, const char *end);

static const char *json_items(const char *at, const char *end, char close, bool is_object) {
    if (at < end && *at == close)
        return at + 1;
    while (at) {
        if (is_object) {
            at = json_string(at, end);
            if (!at || at == end || *at++ != ':')
                return NULL;
        }
        at = json_value(at, end);
        if (!at || at == end)
            return NULL;
        if (*at == close)
            return at + 1;
        if (*at++ != ',')
            return NULL;
    }
    return NULL;
}

static const char *json_value(const char *at, const char *end) {
    if (at == end)
        return NULL;
    if (*at == '{')
        return json_items(at + 1, end, '}', true);
    if (*at == '[')
        return json_items(at + 1, end, ']', false);
    if (*at == '"')
        return json_string(at, end);
    size_t digits = strspn(at, "0123456789");
    return digits > 0 ? at + digits : NULL;
}

static bool is_json_line(const char *text, size_t size) {
    const char *end = json_value(text, text + size);
    return end && end == text + size - 1 && *end == '\n' && utf8_is_valid(text, size);
}

/* Every part may come from a hostile file, the file's name included. */
Test(diag, passes_no_control_character_on) {
    uint64_t state = 7;
    for (int round = 0; round < 2000; round++) {
        char bytes[64];
        uint32_t size = 1 + lang_fixture_random(&state) % (sizeof bytes - 1);
        for (uint32_t i = 0; i < size; i++)
            bytes[i] = (char)lang_fixture_random(&state);
        if (round < 256)
            bytes[0] = (char)round;
        if (round % 7 == 0 && size > 3)
            memcpy(bytes, "\xE2\x80\xAE", 3);
        char name[sizeof bytes + 1] = "";
        memcpy(name, bytes, size);

        Source *source = lang_fixture_source_of_size(&fixture, name, bytes, size);
        uint32_t at = lang_fixture_random(&state) % (size + 1);
        Span span = span_in(source, at, lang_fixture_random(&state) % (size - at + 1));
        Diag *diag = diag_error(&fixture.diags, span, "x", "%s", name);
        diag->word = diag->hint = diag->expected = name;
        diag_add_place(&fixture.diags, diag, span, name);
        printed(diag);
        cr_assert_not(has_raw_control(out.bytes, out.size), "round %d", round);
        printed_json(diag);
        cr_assert(is_json_line(out.bytes, out.size), "round %d: %s", round, buffer_text(&out));
        cr_assert_not(has_raw_control(out.bytes, out.size), "round %d", round);
        finish();
        start();
    }
}

Test(diag, colours_only_when_asked) {
    const Source *source = lang_fixture_source(&fixture, "x");
    Diag *diag = diag_error(&fixture.diags, span_of(source, "x"), "c", "m");
    diag_print(&out, diag, true);
    cr_expect_not_null(strstr(buffer_text(&out), "\x1b["));
    cr_expect_null(strchr(printed(diag), '\x1b'));
}

Test(diag, keeps_the_first_errors_and_counts_all) {
    const Source *source = lang_fixture_source(&fixture, "x");
    for (int i = 0; i < 1000; i++) {
        Diag *diag = diag_error(&fixture.diags, span_of(source, "x"), "c", "number %d", i);
        cr_assert_not_null(diag);
        diag->hint = "a caller fills it in unseen";
        diag_add_place(&fixture.diags, diag, span_of(source, "x"), "and this");
    }
    diag_warning(&fixture.diags, span_of(source, "x"), "w", "still there");
    cr_expect_eq(fixture.diags.error_count, 1000);
    int kept = 0;
    for (const Diag *diag = fixture.diags.first; diag; diag = diag->next)
        kept++;
    cr_expect_eq(kept, DIAG_MAX + 1);
    diag_list_print(&out, &fixture.diags, false);
    cr_expect_not_null(strstr(buffer_text(&out), "number 19\n"));
    cr_expect_null(strstr(buffer_text(&out), "number 20\n"));
    cr_expect_not_null(strstr(buffer_text(&out), "... and 980 more errors\n"));
}

Test(diag, sorts_by_file_and_place_and_keeps_equal_ones) {
    const Source *a = lang_fixture_source(&fixture, "0123456789"), *b = lang_fixture_source(&fixture, "0123456789");
    static const struct {
        int source;
        size_t at;
        const char *text;
    } rows[] = {{0, 5, "d"}, {1, 3, "f"}, {0, 2, "b"}, {0, 5, "e"}, {1, 9, "h"}, {0, 2, "c"}, {1, 3, "g"}, {0, 0, "a"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Span span = span_in(rows[i].source ? b : a, rows[i].at, 1);
        if (i % 2)
            diag_error(&fixture.diags, span, "c", "%s", rows[i].text);
        else
            diag_warning(&fixture.diags, span, "c", "%s", rows[i].text);
    }
    diag_list_sort(&fixture.diags);
    char order[16] = "";
    for (const Diag *diag = fixture.diags.first; diag; diag = diag->next)
        strcat(order, diag->message);
    cr_expect_str_eq(order, "abcdefgh");
    cr_expect_str_eq(fixture.diags.last->message, "h");
    diag_error(&fixture.diags, span_in(b, 9, 1), "c", "i");
    cr_expect_str_eq(fixture.diags.first->message, "a");
    cr_expect_str_eq(fixture.diags.last->message, "i");

    DiagList empty;
    diag_list_init(&empty, &fixture.arena);
    diag_list_sort(&empty);
    cr_expect_null(empty.first);
    cr_expect_null(empty.last);
}

Test(diag, cuts_names_and_escapes_them) {
    char many[301];
    memset(many, 'a', 300);
    many[300] = 0;
    const char *cut = diag_name(&fixture.diags, many, 300);
    cr_expect_eq(strlen(cut), DIAG_NAME_MAX + strlen("…"));
    cr_expect_str_eq(cut + DIAG_NAME_MAX, "…");
    cr_expect_eq(strlen(diag_name(&fixture.diags, many, DIAG_NAME_MAX)), DIAG_NAME_MAX,
                 "a name of just that size is whole");
    cr_expect_str_eq(diag_name(&fixture.diags, "a\x1b[0m\nb\xFF\0c", 10), "a\\u{1b}[0m\\u{a}b\\xff\\u{0}c");
    cr_expect_str_eq(diag_name(&fixture.diags, "", 0), "");
    memset(many, '\xFF', 300);
    cr_expect_eq(strlen(diag_name(&fixture.diags, many, 300)), DIAG_NAME_MAX * 4 + strlen("…"));
}

Test(diag, measures_how_far_names_are_apart) {
    static const struct {
        const char *left, *right;
        uint32_t distance;
    } rows[] = {
        {"", "", 0},        {"a", "", 1},          {"abc", "abc", 0},  {"abc", "abd", 1}, {"abc", "ac", 1},
        {"ac", "abc", 1},   {"abcd", "abdc", 2},   {"jsn", "json", 1}, {"abc", "xyz", 3}, {"kitten", "sitting", 3},
        {"a", "abcdef", 3}, {"String", "Strng", 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_eq(diag_distance(rows[i].left, strlen(rows[i].left), rows[i].right, strlen(rows[i].right), 2),
                     rows[i].distance, "%s %s", rows[i].left, rows[i].right);
        cr_expect_eq(diag_distance(rows[i].right, strlen(rows[i].right), rows[i].left, strlen(rows[i].left), 2),
                     rows[i].distance, "%s %s", rows[i].right, rows[i].left);
    }
    char many[200] = {0};
    cr_expect_eq(diag_distance(many, 200, many, 200, 2), 3, "names that long are not compared");
}

Test(diag, knows_positions) {
    static const char text[] = "ab\n\n\xC3\xA9x\xFFy\n";
    static const struct {
        uint32_t offset, line, column;
    } rows[] = {{0, 1, 1}, {1, 1, 2}, {2, 1, 3}, {3, 2, 1}, {4, 3, 1}, {5, 3, 1},
                {6, 3, 2}, {7, 3, 3}, {8, 3, 4}, {9, 3, 5}, {10, 4, 1}};
    const Source *source = lang_fixture_source(&fixture, text);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t line, column;
        source_position(source, rows[i].offset, &line, &column);
        cr_expect_eq(line, rows[i].line, "offset %u: line %u", rows[i].offset, line);
        cr_expect_eq(column, rows[i].column, "offset %u: column %u", rows[i].offset, column);
    }
    size_t size;
    cr_expect_eq(source_line(source, 5, &size), source->text + 4);
    cr_expect_eq(size, 5);
    cr_expect_eq(source_line(source, 10, &size), source->text + 10);
    cr_expect_eq(size, 0);
    cr_expect_eq(source_line(source, 2, &size), source->text);
    cr_expect_eq(size, 2);
    Span joined = span_join(span_in(source, 1, 1), span_in(source, 4, 2));
    cr_expect(joined.start == 1 && joined.end == 6);
}

Test(diag, survives_refused_memory) {
    for (uint64_t refuse = 1; refuse < 60; refuse++) {
        lang_fixture_again(&fixture);
        const Source *source = lang_fixture_source(&fixture, "abc");
        fixture.refusing.first = fixture.refusing.asked + refuse;
        fixture.refusing.for_ever = true;
        Buffer text;
        buffer_init(&text, &fixture.mem);
        for (int i = 0; i < 10; i++) {
            Diag *diag = diag_error(&fixture.diags, span_of(source, "b"), "c", "%s", diag_name(&fixture.diags, "b", 1));
            diag_add_place(&fixture.diags, diag, span_of(source, "c"), "x");
        }
        diag_list_print(&text, &fixture.diags, true);
        cr_expect_eq(fixture.diags.error_count, 10);
        buffer_deinit(&text);
        refusing_stop(&fixture.refusing);
    }
}
