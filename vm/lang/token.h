/* SPDX-License-Identifier: MIT */
/*
 * Token: a piece of source text that belongs together. White space and
 * comments are no tokens; they lie in the gap before one.
 */
#pragma once

#include "vm/base/check.h"

typedef enum TokenKind {
    TOKEN_END,    /* of the text; also given after an error that leaves nothing to read */
    TOKEN_WORD,   /* a run of other characters: names, numbers, `--`, `|`, `->` */
    TOKEN_STRING, /* with its quotes, escapes not yet read */
    TOKEN_LEFT_PAREN,
    TOKEN_RIGHT_PAREN,
    TOKEN_LEFT_BRACKET,
    TOKEN_RIGHT_BRACKET,
    TOKEN_LEFT_BRACE,
    TOKEN_RIGHT_BRACE,
    TOKEN_COLON,
    TOKEN_SEMICOLON,
    TOKEN_COMMA,
} TokenKind;

typedef struct Token {
    TokenKind kind;
    bool first_on_line;  /* only white space and ends of comments or strings stand before it on its line */
    uint32_t gap;        /* where the gap before it begins: the end of the token before */
    uint32_t start, end; /* byte offsets */
} Token;
