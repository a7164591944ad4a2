/* SPDX-License-Identifier: MIT */
/*
 * Two tokens in hand, and a copy of the lexer shows a third where
 * `: name (` must be told from a symbol. So a token is read at most three
 * times, and the whole in linear time. When memory is refused the text seems
 * to end, and `broken` keeps everybody from complaining about that.
 */
#include "vm/lang/parser_state.h"

static Token read_token(Parser *parser) {
    if (!parser->arena->failed && !mem_is_exhausted(parser->arena->mem))
        return lexer_next(&parser->lexer);
    parser->arena->failed = true;
    parser->lexer.broken = true;
    uint32_t size = (uint32_t)parser->source->size;
    return (Token){.gap = size, .start = size, .end = size};
}

void parser_advance(Parser *parser) {
    parser->previous = parser->token;
    parser->token = parser->ahead;
    parser->ahead = read_token(parser);
}

void parser_start(Parser *parser, Arena *arena, const Source *source, DiagList *diags) {
    *parser = (Parser){.arena = arena, .source = source, .diags = diags};
    parser->permissions_end = &parser->permissions;
    lexer_init(&parser->lexer, source, diags);
    parser->token = read_token(parser);
    parser->ahead = read_token(parser);
}

static const char *text_of(Parser *parser, Token token, size_t from) {
    size_t size = size_of(token) - from;
    const char *text =
        arena_copy(parser->arena, bytes_of(parser, token) + from, size < NAME_SIZE_MAX ? size : NAME_SIZE_MAX);
    return text ? text : "";
}

Name parser_name(Parser *parser, Token token, size_t from) {
    size_t size = size_of(token) - from;
    if (size > NAME_SIZE_MAX) {
        diag_error(parser->diags, span_of(parser, token), "name-too-long",
                   "Name too long: '%s' has %zu bytes, but the maximum is %d", shown(parser, token), size,
                   NAME_SIZE_MAX);
        size = NAME_SIZE_MAX;
    }
    const char *text = text_of(parser, token, from);
    return (Name){text, *text ? (uint32_t)size : 0, span_of(parser, token)};
}

/* --- where to go on after an error --- */

static Token third_token(const Parser *parser) {
    Lexer lexer = parser->lexer;
    lexer.diags = NULL;
    return lexer_next(&lexer);
}

/* `: name (` on one line. */
static bool is_definition_with_effect(const Parser *parser) {
    if (parser->token.kind != TOKEN_COLON || parser->ahead.kind != TOKEN_WORD)
        return false;
    Token third = third_token(parser);
    return third.kind == TOKEN_LEFT_PAREN && !third.first_on_line;
}

bool parser_is_at_form(const Parser *parser) {
    Token token = parser->token, ahead = parser->ahead;
    if (!token.first_on_line)
        return false;
    if (token.kind == TOKEN_COLON)
        return is_definition_with_effect(parser);
    if (is_word(parser, token, "union"))
        return is_upper(parser, ahead) && third_token(parser).kind == TOKEN_LEFT_BRACE;
    if (is_word(parser, token, "include") && (is_word(parser, ahead, "std") || is_word(parser, ahead, "ffi")))
        return third_token(parser).kind == TOKEN_COLON;
    return false;
}

/* True where one may begin: good enough when we are lost anyway. */
static bool may_be_form(const Parser *parser) {
    Token token = parser->token, ahead = parser->ahead;
    if (token.first_on_line && token.kind == TOKEN_COLON)
        return ahead.kind == TOKEN_WORD && ahead.start > token.end;
    if (token.first_on_line && is_word(parser, token, "include"))
        return ahead.kind == TOKEN_STRING || is_word(parser, ahead, "std") || is_word(parser, ahead, "ffi");
    return parser_is_at_form(parser) || is_definition_with_effect(parser);
}

void parser_skip_line(Parser *parser) {
    while (parser->token.kind != TOKEN_END && !parser->token.first_on_line && !may_be_form(parser))
        parser_advance(parser);
}

void parser_skip_to_form(Parser *parser) {
    while (parser->token.kind != TOKEN_END && !may_be_form(parser)) {
        bool is_end = parser->token.kind == TOKEN_SEMICOLON;
        parser_advance(parser);
        if (is_end)
            return;
    }
}

bool parser_will_close(const Parser *parser) {
    Parser look = *parser;
    look.lexer.diags = NULL;
    for (;; parser_advance(&look)) {
        TokenKind kind = look.token.kind;
        if (kind == TOKEN_RIGHT_PAREN)
            return true;
        if (kind == TOKEN_END || kind == TOKEN_SEMICOLON || kind == TOKEN_LEFT_PAREN)
            return false;
    }
}
