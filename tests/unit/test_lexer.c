/* SPDX-License-Identifier: MIT */
#include "tests/unit/lang_fixture.h"
#include "vm/lang/lexer.h"

static LangFixture fixture;

static void start(void) {
    lang_fixture_start(&fixture);
}

static void finish(void) {
    lang_fixture_finish(&fixture);
}

TestSuite(lexer, .init = start, .fini = finish);

/* All tokens as written, with a space between. Checks that tokens and gaps cover the whole text. */
static const char *tokens_of(const Source *source) {
    static char text[4096];
    size_t used = 0;
    Lexer lexer;
    lexer_init(&lexer, source, &fixture.diags);
    uint32_t previous_end = lexer.at;
    for (;;) {
        Token token = lexer_next(&lexer);
        cr_assert_eq(token.gap, previous_end);
        cr_assert_leq(token.gap, token.start);
        cr_assert_leq(token.start, token.end);
        cr_assert_leq(token.end, source->size);
        previous_end = token.end;
        if (token.kind == TOKEN_END)
            break;
        cr_assert_lt(token.start, token.end, "every token has bytes, so reading ends");
        size_t size = token.end - token.start;
        if (used + size + 2 < sizeof text) {
            if (used > 0)
                text[used++] = ' ';
            memcpy(text + used, source->text + token.start, size);
            used += size;
        }
    }
    cr_assert_eq(lexer_next(&lexer).kind, TOKEN_END, "and the end stays the end");
    text[used] = 0;
    return text;
}

Test(lexer, splits_text_into_tokens) {
    static const struct {
        const char *text, *tokens;
    } rows[] = {
        {"", ""},
        {" \t\r\n\v\f", ""},
        {"#", ""},
        {"#!/usr/bin/env seqc\nx", "x"},
        {"a b", "a b"},
        {"std:json", "std : json"},
        {"[dup]", "[ dup ]"},
        {"a,b", "a , b"},
        {"a;b:c{d}e(f)g[h]i", "a ; b : c { d } e ( f ) g [ h ] i"},
        {"::;;", ": : ; ;"},
        {"foo#bar", "foo"},
        {"foo#bar\nbaz", "foo baz"},
        {"foo #bar\r\n baz", "foo baz"},
        {"foo\"bar\"baz", "foo \"bar\" baz"},
        {"\"a\"\"b\"", "\"a\" \"b\""},
        {"\"\"", "\"\""},
        {"\"a # b\" # c", "\"a # b\""},
        {"\"a\nb\"", "\"a\nb\""},
        {"\"a\\\"b\" c", "\"a\\\"b\" c"},
        {"\"\\\\\" c", "\"\\\\\" c"},
        {"\"\\\\\\\"\" c", "\"\\\\\\\"\" c"},
        {"-- -> | >x", "-- -> | >x"},
        {"( Int--Int )", "( Int--Int )"},
        {"Circle->", "Circle->"},
        {"Closure[Int -- Int]", "Closure [ Int -- Int ]"},
        {"[..b", "[ ..b"},
        {"a\r\nb\r\n", "a b"},
        {"\xEF\xBB\xBFx", "x"}, /* a byte order mark at the front */
        {"a\xC2\xA0"            /* no-break space */
         "b\xE2\x80\x83"        /* em space */
         "c\xE3\x80\x80"        /* ideographic space */
         "d\xE2\x80\xA8"        /* line separator */
         "e\xC2\x85"            /* next line */
         "f",
         "a b c d e f"},
        {"a\xE2\x80\x8B"
         "b",
         "a\xE2\x80\x8B"
         "b"},                                /* a zero width space is no white space in Unicode */
        {"x\xEF\xBB\xBFy", "x\xEF\xBB\xBFy"}, /* a mark elsewhere belongs to its word */
        {"h\xC3\xA9llo\xE2\x86\x92", "h\xC3\xA9llo\xE2\x86\x92"},
        {"a\x01"
         "b\x7F",
         "a\x01"
         "b\x7F"}, /* controls are no white space either */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_str_eq(tokens_of(lang_fixture_source(&fixture, rows[i].text)), rows[i].tokens, "row %zu", i);
        cr_expect_eq(fixture.diags.error_count, 0, "row %zu", i);
        lang_fixture_again(&fixture);
    }
}

Test(lexer, knows_what_comes_first_on_a_line) {
    const Source *source = lang_fixture_source(&fixture, "a b # c\nd \"x\ny\" e\n  # f\n g");
    static const bool expected[] = {true, false, true, false, false, true};
    Lexer lexer;
    lexer_init(&lexer, source, &fixture.diags);
    for (size_t i = 0; i < sizeof expected; i++)
        cr_expect_eq(lexer_next(&lexer).first_on_line, expected[i], "token %zu", i);
}

/* The only message, and where it is. */
static const Diag *only_error(const char *code, uint32_t line, uint32_t column) {
    cr_assert_eq(fixture.diags.error_count, 1, "%u errors", fixture.diags.error_count);
    const Diag *diag = fixture.diags.first;
    uint32_t found_line, found_column;
    source_position(diag->span.source, diag->span.start, &found_line, &found_column);
    cr_expect_str_eq(diag->code, code);
    cr_expect_eq(found_line, line, "line %u", found_line);
    cr_expect_eq(found_column, column, "column %u", found_column);
    return diag;
}

Test(lexer, an_unclosed_string_ends_the_text) {
    static const char *const rows[] = {"a\n  b \"", "a\n  b \"c\\", "a\n  b \"c\\\"", "a\n  b \"c\n\nd e"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_str_eq(tokens_of(lang_fixture_source(&fixture, rows[i])), "a b");
        const Diag *diag = only_error("unclosed-string", 2, 5);
        cr_expect_str_eq(diag->message, "Unclosed string literal at line 2, column 5 - missing closing quote");
        cr_expect_null(diag->places);
        lang_fixture_again(&fixture);
    }
}

/* A forgotten quote turns all later strings inside out; the report came at the last of them, far from the mistake. */
Test(lexer, an_unclosed_string_points_at_the_one_that_swallowed_a_definition) {
    tokens_of(lang_fixture_source(&fixture, "\"a\nb\" : x \"oops ;\n: y \"fine\" ;\n: z \"fine\" ;\n"));
    const Diag *diag = only_error("unclosed-string", 4, 10);
    cr_assert_not_null(diag->places);
    uint32_t line, column;
    source_position(diag->places->span.source, diag->places->span.start, &line, &column);
    cr_expect_eq(line, 2);
    cr_expect_eq(column, 8);
}

Test(lexer, says_where_the_text_is_no_text) {
    static const struct {
        const char *text;
        size_t size;
        const char *code, *message;
        uint32_t line, column;
    } rows[] = {
        {"a\nb \0c", 6, "nul-byte", "NUL byte in the source: this is no text file", 2, 3},
        {"\0", 1, "nul-byte", "NUL byte in the source: this is no text file", 1, 1},
        {"a\n\xC3\xA9\xFF\xFE", 6, "invalid-utf8", "Byte 0xFF is not valid UTF-8", 2, 2},
        {"# \xE2\x82", 4, "invalid-utf8", "Byte 0xE2 is not valid UTF-8", 1, 3},       /* cut short */
        {"\"\xC0\x80\"", 4, "invalid-utf8", "Byte 0xC0 is not valid UTF-8", 1, 2},     /* overlong */
        {"\xED\xA0\x80", 3, "invalid-utf8", "Byte 0xED is not valid UTF-8", 1, 1},     /* a surrogate */
        {"\xF4\x90\x80\x80", 4, "invalid-utf8", "Byte 0xF4 is not valid UTF-8", 1, 1}, /* beyond the last */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tokens_of(lang_fixture_source_of_size(&fixture, "x", rows[i].text, rows[i].size));
        cr_expect_str_eq(only_error(rows[i].code, rows[i].line, rows[i].column)->message, rows[i].message, "row %zu",
                         i);
        lang_fixture_again(&fixture);
    }
}

Test(lexer, reads_on_behind_nul_and_bad_bytes) {
    cr_expect_str_eq(tokens_of(lang_fixture_source_of_size(&fixture, "x",
                                                           "a\0b\xFF"
                                                           "c d",
                                                           7)),
                     "a b\xFF"
                     "c d");
    cr_expect_eq(fixture.diags.error_count, 2);
}

Test(lexer, a_copy_without_diags_is_silent) {
    const Source *source = lang_fixture_source(&fixture, "a \"b");
    Lexer lexer;
    lexer_init(&lexer, source, &fixture.diags);
    Lexer ahead = lexer;
    ahead.diags = NULL;
    while (lexer_next(&ahead).kind != TOKEN_END)
        ;
    cr_expect_eq(fixture.diags.error_count, 0);
    while (lexer_next(&lexer).kind != TOKEN_END)
        ;
    cr_expect_eq(fixture.diags.error_count, 1);
}

static const char *string_of(const char *text, uint32_t *sizep) {
    const Source *source = lang_fixture_source(&fixture, text);
    Lexer lexer;
    lexer_init(&lexer, source, &fixture.diags);
    Token token = lexer_next(&lexer);
    cr_assert_eq(token.kind, TOKEN_STRING);
    return lexer_string(source, token, &fixture.arena, &fixture.diags, sizep);
}

Test(lexer, reads_escapes) {
    static const struct {
        const char *text, *bytes;
        uint32_t size;
    } rows[] = {
        {"\"\"", "", 0},
        {"\"abc\"", "abc", 3},
        {"\"a\\n\\r\\t\\\"\\\\b\"", "a\n\r\t\"\\b", 7},
        {"\"\\xE9\"", "\xE9", 1},
        {"\"\\xc3\\xA9\\x00\\xff\"", "\xC3\xA9\0\xFF", 4},
        {"\"a\nb\r\n\"", "a\nb\r\n", 5},
        {"\"\xC3\xA9\"", "\xC3\xA9", 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t size;
        const char *bytes = string_of(rows[i].text, &size);
        cr_assert_eq(size, rows[i].size, "row %zu: size %u", i, size);
        cr_expect_arr_eq(bytes, rows[i].bytes, size + 1, "row %zu, with its NUL", i);
        cr_expect_eq(fixture.diags.error_count, 0);
        lang_fixture_again(&fixture);
    }
}

Test(lexer, refuses_bad_escapes_and_points_at_them) {
    static const struct {
        const char *text, *code, *message;
        uint32_t column, size;
        const char *rest;
    } rows[] = {
        {"\"a\\qb\"", "unknown-escape", "Unknown escape sequence '\\q'", 3, 2, "ab"},
        {"\"a\\0b\"", "unknown-escape", "Unknown escape sequence '\\0'", 3, 2, "ab"},
        {"\"a\\Xffb\"", "unknown-escape", "Unknown escape sequence '\\X'", 3, 2, "affb"},
        {"\"a\\\nb\"", "unknown-escape", "Unknown escape sequence '\\\\u{a}'", 3, 2, "ab"},
        {"\"a\\\xC3\xA9"
         "b\"",
         "unknown-escape", "Unknown escape sequence '\\\xC3\xA9'", 3, 3, "ab"},
        {"\"a\\x\"", "invalid-escape", "Incomplete hex escape sequence: two digits must follow in '\\x'", 3, 2, "a"},
        {"\"a\\x4\"", "invalid-escape", "Incomplete hex escape sequence: two digits must follow in '\\x4'", 3, 3, "a"},
        {"\"a\\xg1b\"", "invalid-escape", "Invalid hex digits in escape sequence '\\xg1'", 3, 4, "ag1b"},
        {"\"a\\x1gb\"", "invalid-escape", "Invalid hex digits in escape sequence '\\x1g'", 3, 4, "a1gb"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t size;
        const char *bytes = string_of(rows[i].text, &size);
        const Diag *diag = only_error(rows[i].code, 1, rows[i].column);
        cr_expect_str_eq(diag->message, rows[i].message, "row %zu", i);
        cr_expect_eq(diag->span.end - diag->span.start, rows[i].size, "row %zu", i);
        cr_expect(strstr(diag->hint, "\\xHH"), "the hint lists what there is");
        cr_expect_str_eq(bytes, rows[i].rest, "row %zu", i);
        lang_fixture_again(&fixture);
    }
}

Test(lexer, knows_the_names_of_symbols) {
    static const char *const good[] = {"ok", "not-found?", "a.b_c!", "-", "\xC3\xA9t\xC3\xA9", "\xE5\x90\x8D", "a1"};
    static const struct {
        const char *text;
        size_t bad, size;
    } bad[] = {{"a/b", 1, 1}, {"a+", 1, 1}, {"*", 0, 1}, {"a\xE2\x86\x92", 1, 3}, {"ab\xFF", 2, 1}, {"a>b", 1, 1}};
    size_t at, size;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect(lexer_is_symbol_name(good[i], strlen(good[i]), &at, &size), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_expect_not(lexer_is_symbol_name(bad[i].text, strlen(bad[i].text), &at, &size), "%s", bad[i].text);
        cr_expect_eq(at, bad[i].bad);
        cr_expect_eq(size, bad[i].size);
    }
}

/* With each text in a block of its own, a sanitizer sees any byte read too far. */
Test(lexer, survives_all_pairs_of_bytes) {
    for (int first = 0; first < 256; first++) {
        for (int second = 0; second < 256; second += 1) {
            char text[] = {(char)first, (char)second};
            for (size_t size = 1; size <= 2; size++) {
                Source source = {.name = "pair", .text = memcpy(malloc(size), text, size), .size = size};
                tokens_of(&source);
                free((char *)source.text);
            }
        }
        lang_fixture_again(&fixture);
    }
}

Test(lexer, survives_random_text) {
    static const char *const pieces[] = {
        "\"", "\\", "#",  "\n",   " ",    "[",  "]", ":", ";",        "a",
        "(",  ")",  "--", "\xC3", "\xA9", "\0", ",", "x", "\xE2\x80", "\xF0\x9F\x98\x80"};
    uint64_t state = 1;
    for (int round = 0; round < 3000; round++) {
        char text[256];
        size_t size = 0;
        for (uint32_t count = lang_fixture_random(&state) % 40; count > 0; count--) {
            const char *piece = pieces[lang_fixture_random(&state) % (sizeof pieces / sizeof *pieces)];
            size_t piece_size = *piece ? strlen(piece) : 1;
            memcpy(text + size, piece, piece_size);
            size += piece_size;
        }
        Source source = {.name = "random", .text = memcpy(malloc(size ? size : 1), text, size), .size = size};
        tokens_of(&source);
        free((char *)source.text);
        lang_fixture_again(&fixture);
    }
}
