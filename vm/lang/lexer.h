/* SPDX-License-Identifier: MIT */
/*
 * Lexer: text to tokens, one at a time, each byte looked at once. A copy of
 * a lexer looks ahead: it goes its own way, and says nothing when its
 * `diags` is NULL.
 *
 * Errors: nul-byte, invalid-utf8 (the first of each in a text; reading goes
 * on), unclosed-string (then the text counts as ended), unknown-escape,
 * invalid-escape.
 */
#pragma once

#include "vm/lang/diag.h"
#include "vm/lang/token.h"

typedef struct Lexer {
    const Source *source;
    DiagList *diags;
    uint32_t at;      /* the next byte */
    bool broken;      /* a string never ended: what follows is unknown, not missing */
    Token suspicious; /* the first string that swallowed what looks like a definition; TOKEN_END when none did */
} Lexer;

/* Starts at the front. Reports here what is no text at all: NUL bytes and bad UTF-8. A byte order mark is skipped. */
void lexer_init(Lexer *lexer, const Source *source, DiagList *diags);
/* The next token; TOKEN_END again and again once the text is over. */
Token lexer_next(Lexer *lexer);
/*
 * What a string literal stands for, NUL-terminated in the arena. Reports bad
 * escapes and leaves them out. NULL only when memory is refused.
 */
const char *lexer_string(const Source *source, Token token, Arena *arena, DiagList *diags, uint32_t *sizep);
/* Whether the characters all may stand in the name of a symbol; else the first that may not, and its size. */
bool lexer_is_symbol_name(const char *bytes, size_t size, size_t *badp, size_t *bad_sizep);
