/* SPDX-License-Identifier: MIT */
/*
 * The text is checked to be text once, when a lexer starts; after that only
 * spaces beyond ASCII need decoding, and everything else goes byte by byte.
 * No byte at or behind `size` is ever read, though a NUL stands there.
 *
 * What a word token means (a number, a name, `--`) depends on where it
 * stands and is the parser's question.
 */
#include "vm/lang/lexer.h"

#include <string.h>

static Span span_of(const Source *source, size_t start, size_t end) {
    return (Span){source, (uint32_t)start, (uint32_t)end};
}

static size_t bom_size(const Source *source) {
    return source->size >= 3 && memcmp(source->text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

static void report_nul(const Source *source, DiagList *diags) {
    const char *nul = source->size > 0 ? memchr(source->text, 0, source->size) : NULL;
    if (!nul)
        return;
    size_t at = (size_t)(nul - source->text);
    diag_error(diags, span_of(source, at, at + 1), "nul-byte", "NUL byte in the source: this is no text file");
}

static void report_bad_utf8(const Source *source, DiagList *diags) {
    if (utf8_is_valid(source->text, source->size))
        return;
    size_t offset = 0, size;
    for (uint32_t scalar; (size = utf8_decode(source->text + offset, source->size - offset, &scalar)) > 0;)
        offset += size;

    Diag *diag = diag_error(diags, span_of(source, offset, offset + 1), "invalid-utf8",
                            "Byte 0x%02X is not valid UTF-8", (unsigned)(unsigned char)source->text[offset]);
    diag->hint = "A source file is UTF-8 text; in a string a single byte is written \\xHH.";
}

void lexer_init(Lexer *lexer, const Source *source, DiagList *diags) {
    check(source->size <= SOURCE_SIZE_MAX);
    *lexer = (Lexer){.source = source, .diags = diags, .at = (uint32_t)bom_size(source)};
    if (diags) {
        report_nul(source, diags);
        report_bad_utf8(source, diags);
    }
}

/* --- gaps --- */

/* The size of the white space character at `at`, or 0. A NUL byte, once reported, separates too. */
static size_t space_size(const char *at, const char *end) {
    unsigned char byte = (unsigned char)*at;
    if (byte == ' ' || (byte >= '\t' && byte <= '\r') || byte == 0)
        return 1;
    if (byte < 0x80)
        return 0;
    uint32_t scalar;
    size_t size = source_scalar(at, end, &scalar);
    return scalar != SCALAR_BAD && utf8_is_space(scalar) ? size : 0;
}

static const char *comment_end(const char *at, const char *end) {
    const char *feed = memchr(at, '\n', (size_t)(end - at));
    return feed ? feed : end;
}

/* Over white space and comments; true when a line feed was among them. */
static bool skip_gap(Lexer *lexer) {
    const char *text = lexer->source->text, *at = text + lexer->at, *end = text + lexer->source->size;
    bool fed = false;
    while (at < end) {
        size_t size = space_size(at, end);
        if (size > 0) {
            fed |= *at == '\n';
            at += size;
        } else if (*at == '#') {
            at = comment_end(at, end);
        } else {
            break;
        }
    }
    lexer->at = (uint32_t)(at - text);
    return fed;
}

/* --- tokens --- */

static TokenKind single_kind(char byte) {
    switch (byte) {
    case '(':
        return TOKEN_LEFT_PAREN;
    case ')':
        return TOKEN_RIGHT_PAREN;
    case '[':
        return TOKEN_LEFT_BRACKET;
    case ']':
        return TOKEN_RIGHT_BRACKET;
    case '{':
        return TOKEN_LEFT_BRACE;
    case '}':
        return TOKEN_RIGHT_BRACE;
    case ':':
        return TOKEN_COLON;
    case ';':
        return TOKEN_SEMICOLON;
    case ',':
        return TOKEN_COMMA;
    default:
        return TOKEN_END;
    }
}

static const char *word_end(const char *at, const char *end) {
    while (at < end && *at != '"' && *at != '#' && single_kind(*at) == TOKEN_END && space_size(at, end) == 0)
        at++; /* the later bytes of a character are no spaces: each of those starts above 0xC1 */
    return at;
}

/*
 * Behind the closing quote, or NULL when there is none. Notes when a line
 * inside starts like a definition: most likely a quote is missing before it.
 */
static const char *string_end(const char *at, const char *end, bool *suspiciousp) {
    for (; at < end && *at != '"'; at++) {
        if (*at == '\\' && end - at > 1)
            at++; /* whatever it is, it does not close */
        else if (*at == '\n' && end - at > 2 && at[1] == ':' && at[2] == ' ')
            *suspiciousp = true;
    }
    return at < end ? at + 1 : NULL;
}

static void report_unclosed(Lexer *lexer, Token token) {
    uint32_t line, column;
    source_position(lexer->source, token.start, &line, &column);
    Diag *diag = diag_error(lexer->diags, span_of(lexer->source, token.start, token.start + 1), "unclosed-string",
                            "Unclosed string literal at line %u, column %u - missing closing quote", line, column);
    if (lexer->suspicious.kind == TOKEN_STRING)
        diag_add_place(lexer->diags, diag, span_of(lexer->source, lexer->suspicious.start, lexer->suspicious.start + 1),
                       "or is it missing already here? This string contains what looks like a definition");
}

static void read_string(Lexer *lexer, Token *token) {
    const char *text = lexer->source->text, *end = text + lexer->source->size;
    bool suspicious = false;
    const char *close = string_end(text + token->start + 1, end, &suspicious);
    token->end = close ? (uint32_t)(close - text) : (uint32_t)lexer->source->size;
    if (close) {
        token->kind = TOKEN_STRING;
        if (suspicious && lexer->suspicious.kind == TOKEN_END)
            lexer->suspicious = *token;
        return;
    }

    if (lexer->diags && !lexer->broken)
        report_unclosed(lexer, *token);
    lexer->broken = true;
    token->kind = TOKEN_END;
    token->start = token->end;
}

Token lexer_next(Lexer *lexer) {
    const Source *source = lexer->source;
    Token token = {.gap = lexer->at};
    bool is_first = lexer->at == bom_size(source);
    token.first_on_line = skip_gap(lexer) || is_first;
    token.start = lexer->at;
    token.end = lexer->at;
    if (lexer->at == source->size)
        return token;

    const char *at = source->text + lexer->at;
    if (*at == '"') {
        read_string(lexer, &token);
    } else if ((token.kind = single_kind(*at)) != TOKEN_END) {
        token.end = token.start + 1;
    } else {
        token.kind = TOKEN_WORD;
        token.end = (uint32_t)(word_end(at, source->text + source->size) - source->text);
    }
    lexer->at = token.end;
    return token;
}

/* --- strings --- */

static int hex_digit(char byte) {
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

static int simple_escape(char letter) {
    switch (letter) {
    case '"':
    case '\\':
        return letter;
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return -1;
    }
}

typedef struct Escape {
    const Source *source;
    DiagList *diags;
    const char *at, *end; /* `at` is the backslash; `end` the closing quote, so a letter always follows */
} Escape;

static Diag *escape_error(const Escape *escape, size_t size, const char *code, const char *text) {
    size_t start = (size_t)(escape->at - escape->source->text);
    Diag *diag = diag_error(escape->diags, span_of(escape->source, start, start + size), code, "%s '%s'", text,
                            diag_name(escape->diags, escape->at, size));
    diag->hint = "Supported escapes: \\\" \\\\ \\n \\r \\t and \\xHH with two hex digits.";
    return diag;
}

/* The size of `\xHH` and its byte; or -1 as byte after a message. */
static size_t read_hex(const Escape *escape, int *bytep) {
    size_t size = (size_t)(escape->end - escape->at) < 4 ? (size_t)(escape->end - escape->at) : 4;
    if (size < 4) {
        escape_error(escape, size, "invalid-escape", "Incomplete hex escape sequence: two digits must follow in");
        *bytep = -1;
        return size;
    }
    int high = hex_digit(escape->at[2]), low = hex_digit(escape->at[3]);
    if (high >= 0 && low >= 0) {
        *bytep = high * 16 + low;
        return 4;
    }
    escape_error(escape, 4, "invalid-escape", "Invalid hex digits in escape sequence");
    *bytep = -1;
    return 2;
}

/* Gives the size of the escape, and its byte or -1. */
static size_t read_escape(const Escape *escape, int *bytep) {
    char letter = escape->at[1];
    if (letter == 'x')
        return read_hex(escape, bytep);
    *bytep = simple_escape(letter);
    if (*bytep >= 0)
        return 2;
    uint32_t scalar;
    size_t size = 1 + source_scalar(escape->at + 1, escape->end, &scalar);
    escape_error(escape, size, "unknown-escape", "Unknown escape sequence");
    return size;
}

const char *lexer_string(const Source *source, Token token, Arena *arena, DiagList *diags, uint32_t *sizep) {
    check(token.kind == TOKEN_STRING && token.end - token.start >= 2);
    *sizep = 0;
    char *bytes = arena_try(arena, token.end - token.start); /* never longer than it is written */
    if (!bytes)
        return NULL;

    uint32_t size = 0;
    Escape escape = {source, diags, source->text + token.start + 1, source->text + token.end - 1};
    while (escape.at < escape.end) {
        if (*escape.at != '\\') {
            bytes[size++] = *escape.at++;
            continue;
        }
        int byte;
        size_t step = read_escape(&escape, &byte);
        if (byte >= 0)
            bytes[size++] = (char)byte;
        escape.at += step;
    }
    bytes[size] = 0;
    *sizep = size;
    return bytes;
}

/* --- symbols --- */

static bool is_symbol_scalar(uint32_t scalar) {
    if (scalar < 0x80)
        return (scalar >= '0' && scalar <= '9') || (scalar >= 'a' && scalar <= 'z') ||
               (scalar >= 'A' && scalar <= 'Z') || (scalar != 0 && strchr("-_.?!", (int)scalar));
    return scalar != SCALAR_BAD && utf8_is_alphanumeric(scalar);
}

bool lexer_is_symbol_name(const char *bytes, size_t size, size_t *badp, size_t *bad_sizep) {
    uint32_t scalar;
    for (size_t at = 0, step; at < size; at += step) {
        step = source_scalar(bytes + at, bytes + size, &scalar);
        if (!is_symbol_scalar(scalar)) {
            *badp = at;
            *bad_sizep = step;
            return false;
        }
    }
    return true;
}
