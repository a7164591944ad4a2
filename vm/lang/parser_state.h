/* SPDX-License-Identifier: MIT */
/*
 * What the files of the parser share, and nobody else includes: where it
 * stands in the text, the words it uses to look at a token and to complain,
 * and how it finds firm ground again.
 *
 * parser.c reads the forms at top level, parser_effect.c stack effects,
 * parser_body.c what stands between an effect and its `;`.
 */
#pragma once

#include "vm/lang/ast.h"
#include "vm/lang/diag.h"
#include "vm/lang/lexer.h"

#include <string.h>

typedef struct Parser {
    Arena *arena;
    const Source *source;
    DiagList *diags;
    Lexer lexer;
    Token token;    /* to be read */
    Token ahead;    /* the one after it */
    Token previous; /* the last one read; TOKEN_END before the first */
    Module *module;
    Include **includes_end;
    struct LintPermission *permissions, **permissions_end; /* waiting for the next definition */
    const char *word;                                      /* being parsed, for messages; or NULL */
    uint32_t depth;                                        /* quotations and matches that are open */
    bool builtin;                                          /* any identifier is a type */
} Parser;

void parser_start(Parser *parser, Arena *arena, const Source *source, DiagList *diags);
void parser_advance(Parser *parser);

/* The word as a name, without its first `from` bytes. */
Name parser_name(Parser *parser, Token token, size_t from);

/*
 * The pieces of the grammar that call each other. What returns bool says
 * whether its caller may simply go on: false means that the error is
 * reported, and that only the next form at top level is firm ground again.
 */

/*
 * A stack effect, at its `(`. What could be read is returned also after an
 * error, and the rest is skipped: to behind the `)`, if there is one.
 */
EffectSyntax *parser_effect(Parser *parser, bool *goodp);
/* The body of a word, up to its `;` or what stands there instead, which is left to be read. */
bool parser_body(Parser *parser, Body *body);
/* Whether the token in a body is never the call of a word: a number, `true`, `match` and the like. */
bool parser_never_calls(Parser *parser, Token token);

/* True where a form at top level surely begins, even inside a body: nothing valid in one looks like it. */
bool parser_is_at_form(const Parser *parser);
/* To the next thing that may be a form, or behind the next `;`. */
void parser_skip_to_form(Parser *parser);
/* To the next line, unless a form may begin before. */
void parser_skip_line(Parser *parser);
/* Whether a `)` comes before the effect is over and something else begins. */
bool parser_will_close(const Parser *parser);

/* --- looking at tokens --- */

static inline const char *bytes_of(const Parser *parser, Token token) {
    return parser->source->text + token.start;
}

static inline size_t size_of(Token token) {
    return token.end - token.start;
}

static inline Span span_of(const Parser *parser, Token token) {
    return (Span){parser->source, token.start, token.end};
}

static inline Span span_from(const Parser *parser, Token first, Token last) {
    return (Span){parser->source, first.start, last.end > first.end ? last.end : first.end};
}

static inline bool is_word(const Parser *parser, Token token, const char *word) {
    return token.kind == TOKEN_WORD && size_of(token) == strlen(word) &&
           memcmp(bytes_of(parser, token), word, size_of(token)) == 0;
}

static inline bool starts_with(const Parser *parser, Token token, const char *start) {
    size_t size = strlen(start);
    return token.kind == TOKEN_WORD && size_of(token) >= size && memcmp(bytes_of(parser, token), start, size) == 0;
}

/* The token as a message quotes it. */
static inline const char *shown(Parser *parser, Token token) {
    return diag_name(parser->diags, bytes_of(parser, token), size_of(token));
}

/* The same in its quotes; the end of the file has none. */
static inline const char *got(Parser *parser, Token token) {
    const char *text = token.kind == TOKEN_END ? NULL : arena_format(parser->arena, "'%s'", shown(parser, token));
    return text ? text : "end of file";
}

/* An upper case letter, or one beyond ASCII: those we do not tell apart. */
static inline bool is_upper(const Parser *parser, Token token) {
    if (token.kind != TOKEN_WORD)
        return false;
    uint32_t scalar;
    source_scalar(bytes_of(parser, token), parser->source->text + token.end, &scalar);
    return (scalar >= 'A' && scalar <= 'Z') || (scalar >= 0x80 && scalar != SCALAR_BAD && utf8_is_alphanumeric(scalar));
}

/* --- errors --- */

#define report(parser, token, ...)                                                                                     \
    in_word((parser), diag_error((parser)->diags, span_of((parser), (token)), __VA_ARGS__))

static inline Diag *in_word(const Parser *parser, Diag *diag) {
    diag->word = parser->word;
    return diag;
}

/* True at the end of a text that was cut short: what is missing was not forgotten, we just cannot see it. */
static inline bool is_cut_short(const Parser *parser) {
    return parser->token.kind == TOKEN_END && parser->lexer.broken;
}
