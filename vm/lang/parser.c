/* SPDX-License-Identifier: MIT */
/*
 * Recursive descent with two tokens in hand; a copy of the lexer shows a third
 * where `: name (` must be told from a symbol. A function that returns bool
 * says whether its reader may simply go on: false means that the error is
 * reported, and that only the next top-level form is firm ground again.
 *
 * The old form `cond if A else B then` needs no looking ahead: an `if` that
 * is not directly behind a literal is put into its body as a call and kept on
 * a list of open ones. A `then` turns the nearest into a branch, by cutting
 * what has been appended since; if none comes, it has been a call all along.
 *
 * The C stack grows with the nesting of quotations, matches and types, which
 * is counted, and with nothing else. The height of the finished tree is
 * counted too, as old forms add to it without recursion here.
 *
 * Not here: what names mean. Even `(` in a body is an error only because
 * nothing can be called so.
 */
#include "vm/lang/parser.h"

#include "vm/base/table.h"
#include "vm/lang/lexer.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

enum { INCLUDE_PATH_MAX = 4096 };

typedef struct Parser {
    Arena *arena;
    const Source *source;
    DiagList *diags;
    Lexer lexer;
    Token token;    /* to be read */
    Token ahead;    /* the one after it */
    Token previous; /* the last one read */
    Module *module;
    struct LintPermission *permissions, **permissions_end; /* waiting for the next definition */
    const char *word;                                      /* being parsed, for messages; or NULL */
    Include **includes_end;
    uint32_t depth;
    bool builtin; /* any identifier is a type */
} Parser;

/* --- tokens --- */

static Token read_token(Parser *parser) {
    if (!parser->arena->failed && !mem_is_exhausted(parser->arena->mem))
        return lexer_next(&parser->lexer);
    parser->arena->failed = true;
    parser->lexer.broken = true;
    uint32_t size = (uint32_t)parser->source->size;
    return (Token){.gap = size, .start = size, .end = size};
}

static void advance(Parser *parser) {
    parser->previous = parser->token;
    parser->token = parser->ahead;
    parser->ahead = read_token(parser);
}

static void parser_init(Parser *parser, Arena *arena, const Source *source, DiagList *diags) {
    *parser = (Parser){.arena = arena, .source = source, .diags = diags};
    parser->permissions_end = &parser->permissions;
    lexer_init(&parser->lexer, source, diags);
    parser->token = read_token(parser);
    parser->ahead = read_token(parser);
}

static const char *bytes_of(const Parser *parser, Token token) {
    return parser->source->text + token.start;
}

static size_t size_of(Token token) {
    return token.end - token.start;
}

static Span span_of(const Parser *parser, Token token) {
    return (Span){parser->source, token.start, token.end};
}

static Span span_from(const Parser *parser, Token first, Token last) {
    return (Span){parser->source, first.start, last.end > first.end ? last.end : first.end};
}

static bool is_word(const Parser *parser, Token token, const char *word) {
    return token.kind == TOKEN_WORD && size_of(token) == strlen(word) &&
           memcmp(bytes_of(parser, token), word, size_of(token)) == 0;
}

static bool starts_with(const Parser *parser, Token token, const char *start) {
    size_t size = strlen(start);
    return token.kind == TOKEN_WORD && size_of(token) >= size && memcmp(bytes_of(parser, token), start, size) == 0;
}

/* The token as a message quotes it. */
static const char *shown(Parser *parser, Token token) {
    return diag_name(parser->diags, bytes_of(parser, token), size_of(token));
}

/* The same in its quotes; the end of the file has none. */
static const char *got(Parser *parser, Token token) {
    const char *text = token.kind == TOKEN_END ? NULL : arena_format(parser->arena, "'%s'", shown(parser, token));
    return text ? text : "end of file";
}

/* An upper case letter, or one beyond ASCII: those we do not tell apart. */
static bool is_upper(const Parser *parser, Token token) {
    if (token.kind != TOKEN_WORD)
        return false;
    uint32_t scalar;
    source_scalar(bytes_of(parser, token), parser->source->text + token.end, &scalar);
    return (scalar >= 'A' && scalar <= 'Z') || (scalar >= 0x80 && scalar != SCALAR_BAD && utf8_is_alphanumeric(scalar));
}

static const char *text_of(Parser *parser, Token token, size_t from) {
    size_t size = size_of(token) - from;
    const char *text =
        arena_copy(parser->arena, bytes_of(parser, token) + from, size < NAME_SIZE_MAX ? size : NAME_SIZE_MAX);
    return text ? text : "";
}

/* The word as a name, without its first `from` bytes. */
static Name name_from(Parser *parser, Token token, size_t from) {
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

static Name name_of(Parser *parser, Token token) {
    return name_from(parser, token, 0);
}

/* --- errors --- */

#define report(parser, token, ...)                                                                                     \
    in_word((parser), diag_error((parser)->diags, span_of((parser), (token)), __VA_ARGS__))

static Diag *in_word(const Parser *parser, Diag *diag) {
    diag->word = parser->word;
    return diag;
}

/* True at the end of a text that was cut short: what is missing was not forgotten, we just cannot see it. */
static bool is_cut_short(const Parser *parser) {
    return parser->token.kind == TOKEN_END && parser->lexer.broken;
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

/* True where a top-level form surely begins, even inside a body: nothing valid in one looks like it. */
static bool is_form(const Parser *parser) {
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
    if (token.first_on_line && is_word(parser, token, "include") && ahead.kind == TOKEN_STRING)
        return true;
    return is_form(parser) || is_definition_with_effect(parser);
}

/* To the next form, or behind the next `;`. */
static void skip_to_form(Parser *parser) {
    while (parser->token.kind != TOKEN_END && !may_be_form(parser)) {
        bool is_end = parser->token.kind == TOKEN_SEMICOLON;
        advance(parser);
        if (is_end)
            return;
    }
}

/* --- nesting --- */

static bool report_too_deep(Parser *parser, Token token) {
    report(parser, token, "too-deep", "Nested too deep: at most %d levels of quotations, matches and ifs", NESTING_MAX);
    return false;
}

static bool enter(Parser *parser, Token token) {
    if (parser->depth == NESTING_MAX)
        return report_too_deep(parser, token);
    parser->depth++;
    return true;
}

static void leave(Parser *parser) {
    parser->depth--;
}

/* --- stack effects --- */

static bool parse_effect_body(Parser *parser, EffectSyntax *effect, Token open, TokenKind closer, uint32_t depth);

static bool is_side_end(const Parser *parser) {
    switch (parser->token.kind) {
    case TOKEN_END:
    case TOKEN_SEMICOLON:
    case TOKEN_RIGHT_PAREN:
    case TOKEN_RIGHT_BRACKET:
        return true;
    case TOKEN_WORD:
        return is_word(parser, parser->token, "--") || is_word(parser, parser->token, "|");
    default:
        return is_form(parser);
    }
}

/* What is missing in an effect, at the token that stands there instead. */
static bool report_effect(Parser *parser, Token open, TokenKind closer, const char *expected) {
    if (is_cut_short(parser))
        return false;
    bool is_quotation = closer == TOKEN_RIGHT_BRACKET;
    const char *code = is_quotation ? "invalid-quotation-type" : "invalid-effect";
    const char *what = is_quotation ? "quotation type" : "stack effect";
    Diag *diag;
    if (parser->token.kind == TOKEN_END)
        diag = report(parser, open, code, "Unexpected end of file in %s - expected %s", what, expected);
    else
        diag = report(parser, parser->token, code, "Expected %s in %s, got %s", expected, what,
                      got(parser, parser->token));
    diag->hint = is_quotation ? "A quotation type looks like [ Int -- Int ]; the '--' is needed even in [ -- ]."
                              : "A stack effect looks like ( Int Int -- Int ): inputs, '--', outputs.";
    return false;
}

/* Whether this effect still gets its `)`. */
static bool will_close(const Parser *parser) {
    Parser look = *parser;
    look.lexer.diags = NULL;
    for (;; advance(&look)) {
        TokenKind kind = look.token.kind;
        if (kind == TOKEN_RIGHT_PAREN)
            return true;
        if (kind == TOKEN_END || kind == TOKEN_SEMICOLON || kind == TOKEN_LEFT_PAREN)
            return false;
    }
}

static const char *const base_types[] = {"Int", "Float", "Bool", "String", "Symbol", "Channel", "Socket", "Variant"};

/* The base type that the author may have meant by a name in lower case, or NULL. */
static const char *meant_type(const Parser *parser, Token token) {
    for (size_t i = 0; i < sizeof base_types / sizeof *base_types; i++) {
        size_t size = strlen(base_types[i]);
        if (size_of(token) > 1 &&
            diag_distance(base_types[i] + 1, size - 1, bytes_of(parser, token) + 1, size_of(token) - 1, 1) <= 1)
            return base_types[i];
    }
    return NULL;
}

static bool report_type(Parser *parser, Token token) {
    if (token.kind != TOKEN_WORD) {
        report(parser, token, "invalid-type", "Invalid type: '%s'", shown(parser, token));
        return false;
    }
    Diag *diag = report(parser, token, "unknown-type", "Unknown type: '%s'", shown(parser, token));
    const char *meant = meant_type(parser, token);
    diag->hint = !will_close(parser) ? "Or is the ')' of the stack effect missing before it?"
                 : meant             ? arena_format(parser->arena, "Did you mean '%s'?", meant)
                         : "Types are Int, Float, Bool, String, Symbol, Channel, Socket, Variant, the names of unions, "
                           "and variables of one upper case letter.";
    return false;
}

static TypeSyntax *add_type(Parser *parser, TypeSyntax ***endp, TypeSyntaxKind kind) {
    TypeSyntax *type = arena_new(parser->arena, TypeSyntax);
    type->kind = kind;
    type->span = span_of(parser, parser->token);
    **endp = type;
    *endp = &type->next;
    return type;
}

/* `[ in -- out ]`, at its bracket; `depth` is of the effect around it. */
static bool parse_type_effect(Parser *parser, TypeSyntax *type, uint32_t depth) {
    Token open = parser->token;
    if (depth == TYPE_NESTING_MAX) {
        report(parser, open, "too-deep", "Nested too deep: at most %d levels of quotation types", TYPE_NESTING_MAX);
        return false;
    }
    type->effect = arena_new(parser->arena, EffectSyntax);
    bool good = parse_effect_body(parser, type->effect, open, TOKEN_RIGHT_BRACKET, depth + 1);
    type->span = span_join(type->span, type->effect->span);
    return good;
}

static bool parse_closure_type(Parser *parser, TypeSyntax ***endp, uint32_t depth) {
    if (parser->ahead.kind != TOKEN_LEFT_BRACKET) {
        report(parser, parser->token, "invalid-type", "Expected '[' after 'Closure'")->hint =
            "A closure type looks like Closure[ Int -- Int ].";
        return false;
    }
    TypeSyntax *type = add_type(parser, endp, TYPE_SYNTAX_CLOSURE);
    advance(parser);
    return parse_type_effect(parser, type, depth);
}

static bool parse_type(Parser *parser, TypeSyntax ***endp, uint32_t depth) {
    Token token = parser->token;
    if (token.kind == TOKEN_LEFT_BRACKET)
        return parse_type_effect(parser, add_type(parser, endp, TYPE_SYNTAX_QUOTATION), depth);
    if (is_word(parser, token, "Closure"))
        return parse_closure_type(parser, endp, depth);
    if (is_word(parser, token, "Quotation")) {
        report(parser, token, "invalid-type", "'Quotation' is not a valid type")->hint =
            "Write what the quotation takes and leaves: [ -- ] or [ Int -- Int ].";
        return false;
    }
    if (!is_upper(parser, token) && !(parser->builtin && token.kind == TOKEN_WORD))
        return report_type(parser, token);

    add_type(parser, endp, TYPE_SYNTAX_NAME)->name = name_of(parser, token);
    advance(parser);
    return true;
}

static bool is_type_name(const Parser *parser, Token token, size_t from) {
    for (size_t i = 0; i < sizeof base_types / sizeof *base_types; i++)
        if (size_of(token) - from == strlen(base_types[i]) &&
            memcmp(bytes_of(parser, token) + from, base_types[i], size_of(token) - from) == 0)
            return true;
    return false;
}

static bool is_row_start(uint32_t scalar) {
    return (scalar >= 'a' && scalar <= 'z') || (scalar >= 0x80 && scalar != SCALAR_BAD && utf8_is_alphanumeric(scalar));
}

/* Checks the name behind the dots. */
static bool is_good_row(Parser *parser, Token token) {
    const char *at = bytes_of(parser, token) + 2, *end = parser->source->text + token.end;
    const char *name = shown(parser, token);
    if (at == end) {
        report(parser, token, "invalid-row", "Row variable needs a name after '..'");
        return false;
    }
    if (is_type_name(parser, token, 2)) {
        report(parser, token, "invalid-row", "Row variable '%s' cannot have the name of a type", name);
        return false;
    }
    uint32_t scalar;
    size_t size = source_scalar(at, end, &scalar);
    if (!is_row_start(scalar)) {
        report(parser, token, "invalid-row", "Row variable '%s' must start with a lowercase letter", name);
        return false;
    }
    for (at += size; at < end; at += size) {
        size = source_scalar(at, end, &scalar);
        if (is_row_start(scalar) || (scalar < 0x80 && (utf8_is_alphanumeric(scalar) || scalar == '_')))
            continue;
        report(parser, token, "invalid-row", "Row variable '%s' contains invalid character '%s'", name,
               diag_name(parser->diags, at, size))
            ->hint = "Letters, digits and '_' may stand in the name of a row.";
        return false;
    }
    return true;
}

static bool parse_row(Parser *parser, SideSyntax *side) {
    Token token = parser->token;
    if (!is_good_row(parser, token))
        return false;
    if (side->row.bytes || side->count > 0) {
        report(parser, token, "invalid-row", "Row variable '%s' must be the first item of its side",
               shown(parser, token))
            ->hint = "It stands for the rest of the stack, below everything else.";
        return false;
    }
    side->row = name_from(parser, token, 2);
    advance(parser);
    return true;
}

static bool parse_side(Parser *parser, SideSyntax *side, uint32_t depth) {
    TypeSyntax **end = &side->types;
    while (!is_side_end(parser)) {
        if (starts_with(parser, parser->token, "..")) {
            if (!parse_row(parser, side))
                return false;
            continue;
        }
        if (!parse_type(parser, &end, depth))
            return false;
        side->count++;
    }
    return true;
}

/* Behind `|`. */
static bool parse_yields(Parser *parser, EffectSyntax *effect, uint32_t depth) {
    TypeSyntax **end = &effect->yields;
    advance(parser);
    if (is_side_end(parser) && !is_cut_short(parser)) {
        report(parser, parser->previous, "invalid-yield", "Expected an effect after '|'")->hint =
            "The only effect is Yield with a type: ( Ctx Int -- Ctx | Yield Int ).";
        return false;
    }
    while (!is_side_end(parser)) {
        if (!is_word(parser, parser->token, "Yield")) {
            report(parser, parser->token, "invalid-yield", "Unknown effect '%s'. Expected 'Yield'",
                   shown(parser, parser->token));
            return false;
        }
        advance(parser);
        if (is_side_end(parser)) {
            report(parser, parser->previous, "invalid-yield", "'Yield' must be followed by a type");
            return false;
        }
        if (!parse_type(parser, &end, depth))
            return false;
    }
    return true;
}

/* From the bracket or parenthesis that opens it to behind the one that closes it. */
static bool parse_effect_body(Parser *parser, EffectSyntax *effect, Token open, TokenKind closer, uint32_t depth) {
    const char *closer_text = closer == TOKEN_RIGHT_PAREN ? "')'" : "']'";
    effect->span = span_of(parser, open);
    advance(parser);
    if (!parse_side(parser, &effect->in, depth))
        return false;
    if (!is_word(parser, parser->token, "--"))
        return report_effect(parser, open, closer,
                             parser->token.kind != TOKEN_END ? "'--'"
                             : closer == TOKEN_RIGHT_PAREN   ? "'--' or ')'"
                                                             : "'--' or ']'");
    advance(parser);
    if (!parse_side(parser, &effect->out, depth))
        return false;
    if (is_word(parser, parser->token, "|") && !parse_yields(parser, effect, depth))
        return false;
    if (parser->token.kind != closer)
        return report_effect(parser, open, closer, closer_text);
    effect->span = span_from(parser, open, parser->token);
    advance(parser);
    return true;
}

/*
 * At its `(`. What could be read is returned also after an error, and the
 * rest is skipped: to behind the `)`, if there is one.
 */
static EffectSyntax *parse_effect(Parser *parser, bool *goodp) {
    EffectSyntax *effect = arena_new(parser->arena, EffectSyntax);
    Token open = parser->token;
    uint32_t errors_before = parser->diags->error_count;
    *goodp = parse_effect_body(parser, effect, open, TOKEN_RIGHT_PAREN, 0);
    if (*goodp || parser->token.kind == TOKEN_END)
        return effect;

    if (!will_close(parser)) {
        /* one mistake, one message: it is missing where we stand, unless that is what we have just said */
        if (parser->diags->error_count == errors_before)
            report_effect(parser, open, TOKEN_RIGHT_PAREN, "')'");
        return effect;
    }
    while (parser->token.kind != TOKEN_RIGHT_PAREN)
        advance(parser);
    effect->span = span_from(parser, open, parser->token);
    advance(parser);
    return effect;
}

/* --- bodies --- */

typedef enum BodyEnd { END_OF_WORD, END_OF_QUOTATION, END_OF_ARM } BodyEnd;

/* An `if` whose `then` may still come. */
typedef struct OpenIf {
    struct OpenIf *outer;
    Node *node;        /* the call that it is so far */
    Node *before_else; /* the last node of the first part, once `else` has come */
    Token keyword, else_keyword;
    bool has_else;
    uint32_t outer_height;
} OpenIf;

/* A body while it grows. */
typedef struct Growing {
    Body *body;
    OpenIf *open;      /* the nearest */
    Node *before_last; /* of the nodes; meaningful while `literals` is 2 */
    int literals;      /* how many nodes at the end are quotations with nothing but gaps between; counts to 2 */
    uint32_t height;   /* of what was appended since the nearest open `if` */
} Growing;

static bool parse_body(Parser *parser, Body *body, BodyEnd end, uint32_t *heightp);

static Node *append(Parser *parser, Growing *growing, NodeKind kind, Span span) {
    Node *node = arena_new(parser->arena, Node);
    node->kind = kind;
    node->span = span;
    growing->before_last = growing->body->last;
    if (growing->body->last)
        growing->body->last->next = node;
    else
        growing->body->first = node;
    growing->body->last = node;
    growing->literals = 0;
    return node;
}

static void grow_height(Growing *growing, uint32_t height) {
    if (height > growing->height)
        growing->height = height;
}

/* --- numbers --- */

static const char *skip_digits(const char *at, const char *end) {
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

/* sign? digits? (. digits?)? (e sign? digits)?, with a digit before the exponent, and with `.` or `e` somewhere. */
static bool is_float(const char *at, const char *end) {
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    const char *digits = at;
    at = skip_digits(at, end);
    bool has_digit = at > digits, has_mark = false;
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        at = skip_digits(at, end);
        has_digit |= at > fraction;
        has_mark = true;
    }
    if (has_digit && at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '-' || *at == '+'))
            at++;
        const char *exponent = at;
        at = skip_digits(at, end);
        if (at == exponent)
            return false;
        has_mark = true;
    }
    return has_digit && has_mark && at == end;
}

/* strtod() asks the locale of the process what a decimal point is; that is our host's affair. */
static double read_float(const char *text) {
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double number = plain ? strtod_l(text, NULL, plain) : strtod(text, NULL);
    if (plain)
        freelocale(plain);
    return number;
}

static int digit_value(char byte) {
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return 16;
}

/* An optional sign and digits that fit 64 bits; the whole of it. */
static bool read_integer(const char *at, const char *end, unsigned base, int64_t *numberp) {
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (at == end)
        return false;
    uint64_t limit = (uint64_t)INT64_MAX + negative, magnitude = 0;
    for (; at < end; at++) {
        unsigned digit = (unsigned)digit_value(*at);
        if (digit >= base || magnitude > (limit - digit) / base)
            return false;
        magnitude = magnitude * base + digit;
    }
    *numberp = (int64_t)(negative ? 0 - magnitude : magnitude);
    return true;
}

static void append_integer(Parser *parser, Growing *growing, int64_t number) {
    append(parser, growing, NODE_INT, span_of(parser, parser->token))->integer = number;
}

/* True if the token is a number, or was meant as one. */
static bool parse_number(Parser *parser, Growing *growing) {
    Token token = parser->token;
    const char *at = bytes_of(parser, token), *end = at + size_of(token);
    int64_t number = 0;
    if (is_float(at, end)) {
        append(parser, growing, NODE_FLOAT, span_of(parser, token))->number = read_float(at);
    } else if (end - at >= 2 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X' || at[1] == 'b' || at[1] == 'B')) {
        bool is_hex = at[1] == 'x' || at[1] == 'X';
        if (!read_integer(at + 2, end, is_hex ? 16 : 2, &number))
            report(parser, token, "invalid-number", "Invalid %s literal: %s", is_hex ? "hex" : "binary",
                   shown(parser, token));
        append_integer(parser, growing, number);
    } else if (read_integer(at, end, 10, &number)) {
        append_integer(parser, growing, number);
    } else {
        return false;
    }
    advance(parser);
    return true;
}

/* --- strings and symbols --- */

static void parse_string(Parser *parser, Growing *growing) {
    Node *node = append(parser, growing, NODE_STRING, span_of(parser, parser->token));
    node->string.bytes = lexer_string(parser->source, parser->token, parser->arena, parser->diags, &node->string.size);
    if (!node->string.bytes)
        node->string.bytes = "";
    advance(parser);
}

/* Checks what stands behind the colon. */
static void check_symbol(Parser *parser, Token colon, Token token) {
    const char *at = bytes_of(parser, token);
    size_t bad, bad_size;
    Span span = span_from(parser, colon, token);
    if (*at >= '0' && *at <= '9') {
        in_word(parser, diag_error(parser->diags, span, "invalid-symbol",
                                   "Symbol name cannot start with a digit: ':%s'", shown(parser, token)));
    } else if (!lexer_is_symbol_name(at, size_of(token), &bad, &bad_size)) {
        Diag *diag =
            diag_error(parser->diags, span, "invalid-symbol", "Symbol name ':%s' contains invalid character '%s'",
                       shown(parser, token), diag_name(parser->diags, at + bad, bad_size));
        in_word(parser, diag)->hint = "Letters, digits and - _ . ? ! may stand in a symbol.";
    }
}

static void parse_symbol(Parser *parser, Growing *growing) {
    Token colon = parser->token;
    advance(parser);
    if (parser->token.kind != TOKEN_WORD) {
        if (!is_cut_short(parser))
            report(parser, colon, "invalid-symbol", "Symbol name cannot be empty: a name must follow ':'");
        append(parser, growing, NODE_SYMBOL, span_of(parser, colon))->string.bytes = "";
        return;
    }
    check_symbol(parser, colon, parser->token);
    Name name = name_of(parser, parser->token);
    Node *node = append(parser, growing, NODE_SYMBOL, span_from(parser, colon, parser->token));
    node->string.bytes = name.bytes;
    node->string.size = name.size;
    advance(parser);
}

/* --- if, else, then --- */

static void call_word(Parser *parser, Growing *growing, Token token) {
    Name name = name_of(parser, token);
    append(parser, growing, NODE_CALL, span_of(parser, token))->call.name = name;
}

/* `[ A ] [ B ] if`: the first literal becomes the branch. */
static void make_branch(Parser *parser, Growing *growing) {
    Node *then_literal = growing->before_last, *else_literal = growing->body->last;
    Body then_body = then_literal->quotation.body, else_body = else_literal->quotation.body;
    Node *next = then_literal->next;
    check(next == else_literal);
    *then_literal = (Node){.kind = NODE_IF, .span = span_of(parser, parser->token)};
    then_literal->branch.then_body = then_body;
    then_literal->branch.else_body = else_body;
    growing->body->last = then_literal;
    growing->literals = 0;
}

static void open_if(Parser *parser, Growing *growing) {
    call_word(parser, growing, parser->token);
    OpenIf *open = arena_new(parser->arena, OpenIf);
    *open = (OpenIf){
        .outer = growing->open, .node = growing->body->last, .keyword = parser->token, .outer_height = growing->height};
    growing->open = open;
    growing->height = 0;
}

static void parse_if(Parser *parser, Growing *growing) {
    if (growing->literals == 2)
        make_branch(parser, growing);
    else if (growing->literals == 1) /* behind a `]`: a quotation is no condition */
        call_word(parser, growing, parser->token);
    else
        open_if(parser, growing);
    advance(parser);
}

static void report_old_keyword(Parser *parser, Token token, const char *why) {
    const char *keyword = shown(parser, token);
    report(parser, token, "old-keyword", "'%s' is no longer a parser keyword (since 6.0), and %s", keyword, why)->hint =
        "Write: cond [ then-body ] [ else-body ] if, with [ ] for an absent else.";
}

static void parse_else(Parser *parser, Growing *growing) {
    OpenIf *open = growing->open;
    if (!open || open->has_else) {
        report_old_keyword(parser, parser->token,
                           open ? "its 'if' already has one" : "no 'if' is open that it could belong to");
    } else {
        open->has_else = true;
        open->else_keyword = parser->token;
        open->before_else = growing->body->last;
    }
    growing->literals = 0;
    advance(parser);
}

/* The nodes behind `before`, up to `last`. */
static Body cut_body(Node *before, Node *last, Span span) {
    return before == last ? (Body){.span = span} : (Body){before->next, last, span};
}

static Span span_between(const Parser *parser, Token first, Token last) {
    return (Span){parser->source, first.end, last.start};
}

static void close_if(Parser *parser, Growing *growing) {
    OpenIf *open = growing->open;
    Node *node = open->node, *last = growing->body->last;
    Token then_end = open->has_else ? open->else_keyword : parser->token;
    Node *then_last = open->has_else ? open->before_else : last;
    Body then_body = cut_body(node, then_last, span_between(parser, open->keyword, then_end));
    Body else_body = cut_body(then_last, last, span_between(parser, then_end, parser->token));
    if (!open->has_else)
        else_body.span = (Span){parser->source, parser->token.start, parser->token.start};
    if (then_body.last)
        then_body.last->next = NULL;

    *node = (Node){.kind = NODE_IF, .span = node->span};
    node->branch.then_body = then_body;
    node->branch.else_body = else_body;
    growing->body->last = node;
    growing->open = open->outer;
    uint32_t height = growing->height + 1;
    growing->height = open->outer_height;
    grow_height(growing, height);
}

static bool parse_then(Parser *parser, Growing *growing) {
    if (!growing->open)
        report_old_keyword(parser, parser->token, "no 'if' is open that it could belong to");
    else
        close_if(parser, growing);
    growing->literals = 0;
    if (growing->height + parser->depth > NESTING_MAX)
        return report_too_deep(parser, parser->token);
    advance(parser);
    return true;
}

/* Those left at the end of a body have been calls all along; unless an `else` shows that they were not. */
static uint32_t finish_ifs(Parser *parser, Growing *growing) {
    uint32_t height = growing->height;
    for (OpenIf *open = growing->open; open; open = open->outer) {
        if (open->outer_height > height)
            height = open->outer_height;
        if (open->has_else && !is_cut_short(parser))
            report_old_keyword(parser, open->else_keyword, "no 'then' closes it");
    }
    return height;
}

/* --- quotations and matches --- */

static bool parse_quotation(Parser *parser, Growing *growing) {
    Token open = parser->token;
    int literals = growing->literals;
    Node *node = append(parser, growing, NODE_QUOTATION, span_of(parser, open));
    growing->literals = literals < 2 ? literals + 1 : 2;
    if (!enter(parser, open))
        return false;
    advance(parser);
    uint32_t height = 0;
    bool good = parse_body(parser, &node->quotation.body, END_OF_QUOTATION, &height);
    leave(parser);
    if (!good)
        return false;

    if (parser->token.kind == TOKEN_RIGHT_BRACKET) {
        node->span = node->quotation.body.span = span_from(parser, open, parser->token);
        grow_height(growing, height + 1);
        advance(parser);
        return true;
    }
    if (is_cut_short(parser))
        return false;
    if (parser->token.kind == TOKEN_END)
        report(parser, open, "unclosed-quotation", "Unexpected end of file in quotation - missing ']'");
    else
        report(parser, open, "unclosed-quotation", "Unexpected '%s' in quotation - missing ']' for this '['",
               shown(parser, parser->token));
    return false;
}

static bool is_arm_start(const Parser *parser) {
    return is_upper(parser, parser->token) &&
           (is_word(parser, parser->ahead, "->") || parser->ahead.kind == TOKEN_LEFT_BRACE);
}

static void add_binding(Parser *parser, Arm *arm, Binding ***endp, size_t from) {
    Binding *binding = arena_new(parser->arena, Binding);
    binding->field = name_from(parser, parser->token, from);
    **endp = binding;
    *endp = &binding->next;
    arm->binding_count++;
}

static void parse_binding(Parser *parser, Arm *arm, Binding ***endp) {
    Token token = parser->token;
    const char *name = shown(parser, token);
    if (is_word(parser, token, ">")) {
        report(parser, token, "invalid-binding", "Expected the name of a field directly after '>' in pattern for '%s'",
               arm->variant.bytes);
    } else if (starts_with(parser, token, ">")) {
        add_binding(parser, arm, endp, 1);
    } else if (token.kind == TOKEN_WORD) {
        report(parser, token, "invalid-binding",
               "Match bindings must use '>' prefix to indicate stack extraction. Use '>%s' instead of '%s' in pattern "
               "for '%s'",
               name, name, diag_name(parser->diags, arm->variant.bytes, arm->variant.size));
        add_binding(parser, arm, endp, 0);
    } else {
        report(parser, token, "invalid-binding",
               "Unexpected '%s' in pattern for '%s': bindings are separated by spaces", name,
               diag_name(parser->diags, arm->variant.bytes, arm->variant.size));
    }
    advance(parser);
}

static bool is_binding_end(const Parser *parser) {
    switch (parser->token.kind) {
    case TOKEN_WORD:
    case TOKEN_COMMA:
    case TOKEN_STRING:
        return is_word(parser, parser->token, "->") || is_word(parser, parser->token, "end") || is_form(parser);
    default:
        return true;
    }
}

static bool report_match_end(Parser *parser, Token match) {
    if (is_cut_short(parser))
        return false;
    if (parser->token.kind == TOKEN_END)
        report(parser, match, "unclosed-match", "Unexpected end of file in match expression - missing 'end'");
    else
        report(parser, match, "unclosed-match", "Unexpected '%s' in match expression - missing 'end' for this 'match'",
               shown(parser, parser->token));
    return false;
}

/* In braces, between a variant and its arrow. */
static bool parse_bindings(Parser *parser, Arm *arm, Token match) {
    Binding **end = &arm->bindings;
    arm->has_bindings = true;
    advance(parser);
    while (!is_binding_end(parser))
        parse_binding(parser, arm, &end);
    if (parser->token.kind == TOKEN_RIGHT_BRACE) {
        advance(parser);
        return true;
    }
    if (parser->token.kind == TOKEN_END)
        return report_match_end(parser, match);
    report(parser, parser->token, "invalid-binding", "Expected '}' to end the bindings of '%s', got %s",
           diag_name(parser->diags, arm->variant.bytes, arm->variant.size), got(parser, parser->token));
    return is_word(parser, parser->token, "->");
}

static bool parse_arm(Parser *parser, Arm *arm, Token match, uint32_t *heightp) {
    arm->variant = name_of(parser, parser->token);
    advance(parser);
    if (parser->token.kind == TOKEN_LEFT_BRACE && !parse_bindings(parser, arm, match))
        return false;
    if (parser->token.kind == TOKEN_END)
        return report_match_end(parser, match);
    if (!is_word(parser, parser->token, "->")) {
        report(parser, parser->token, "missing-arrow", "Expected '->' after pattern '%s', got %s",
               diag_name(parser->diags, arm->variant.bytes, arm->variant.size), got(parser, parser->token))
            ->hint = "An arm looks like Circle -> ... or Circle { >radius } -> ..., with spaces around the arrow.";
        return false;
    }
    advance(parser);
    return parse_body(parser, &arm->body, END_OF_ARM, heightp);
}

static bool report_pattern(Parser *parser) {
    report(parser, parser->token, "invalid-pattern", "Expected a variant name in match, got %s",
           got(parser, parser->token))
        ->hint = "Each arm names a variant, which starts with an upper case letter; there is no wildcard.";
    return false;
}

/* The arms, up to `end`. */
static bool parse_arms(Parser *parser, Node *node, Token match, uint32_t *heightp) {
    for (Arm **end = &node->match.arms; !is_word(parser, parser->token, "end"); end = &(*end)->next) {
        TokenKind kind = parser->token.kind;
        if (kind == TOKEN_END || kind == TOKEN_SEMICOLON || kind == TOKEN_RIGHT_BRACKET || is_form(parser))
            return report_match_end(parser, match);
        if (!is_upper(parser, parser->token))
            return report_pattern(parser);
        *end = arena_new(parser->arena, Arm);
        node->match.arm_count++;
        uint32_t height = 0;
        if (!parse_arm(parser, *end, match, &height))
            return false;
        if (height > *heightp)
            *heightp = height;
    }
    return true;
}

static bool parse_match(Parser *parser, Growing *growing) {
    Token match = parser->token;
    Node *node = append(parser, growing, NODE_MATCH, span_of(parser, match));
    if (!enter(parser, match))
        return false;
    advance(parser);
    uint32_t height = 0;
    bool good = parse_arms(parser, node, match, &height);
    leave(parser);
    if (!good)
        return false;

    if (node->match.arm_count == 0)
        report(parser, match, "empty-match", "Match must have at least one arm");
    node->span = span_from(parser, match, parser->token);
    grow_height(growing, height + 1);
    advance(parser);
    return true;
}

/* --- statements --- */

/* `(` in a body: Forth's comments and misplaced effects. Skips to its `)`, if that comes soon. */
static void report_paren(Parser *parser) {
    Token token = parser->token;
    report(parser, token, "misplaced-effect", "Undefined word '(' called in word '%s'", parser->word)->hint =
        "A stack effect stands behind the name, on the same line; a comment starts with '#'.";
    advance(parser);
    if (!will_close(parser))
        return;
    while (parser->token.kind != TOKEN_RIGHT_PAREN)
        advance(parser);
    advance(parser);
}

static void report_bracket(Parser *parser) {
    report(parser, parser->token, "unmatched-bracket",
           "Undefined word '%s' called in word '%s': nothing is open here that it would close or separate",
           shown(parser, parser->token), parser->word);
    advance(parser);
}

static bool parse_word(Parser *parser, Growing *growing) {
    Token token = parser->token;
    if (parse_number(parser, growing))
        return true;
    if (is_word(parser, token, "match"))
        return parse_match(parser, growing);
    if (is_word(parser, token, "then"))
        return parse_then(parser, growing);

    if (is_word(parser, token, "if")) {
        parse_if(parser, growing);
    } else if (is_word(parser, token, "else")) {
        parse_else(parser, growing);
    } else {
        bool truth = is_word(parser, token, "true");
        if (truth || is_word(parser, token, "false"))
            append(parser, growing, NODE_BOOL, span_of(parser, token))->truth = truth;
        else
            call_word(parser, growing, token);
        advance(parser);
    }
    return true;
}

static bool parse_statement(Parser *parser, Growing *growing) {
    switch (parser->token.kind) {
    case TOKEN_WORD:
        return parse_word(parser, growing);
    case TOKEN_STRING:
        parse_string(parser, growing);
        return true;
    case TOKEN_COLON:
        parse_symbol(parser, growing);
        return true;
    case TOKEN_LEFT_BRACKET:
        return parse_quotation(parser, growing);
    case TOKEN_LEFT_PAREN:
        report_paren(parser);
        return true;
    default:
        report_bracket(parser);
        return true;
    }
}

static bool is_body_end(const Parser *parser, BodyEnd end) {
    switch (parser->token.kind) {
    case TOKEN_END:
    case TOKEN_SEMICOLON:
        return true;
    case TOKEN_RIGHT_BRACKET:
        return end == END_OF_QUOTATION || (end == END_OF_ARM && parser->depth > 1);
    case TOKEN_WORD:
        return (end == END_OF_ARM && (is_word(parser, parser->token, "end") || is_arm_start(parser))) ||
               is_form(parser);
    default:
        return is_form(parser);
    }
}

/* Up to what ends it, which is left for the caller to judge. */
static bool parse_body(Parser *parser, Body *body, BodyEnd end, uint32_t *heightp) {
    Growing growing = {.body = body};
    Token before = parser->previous;
    while (!is_body_end(parser, end))
        if (!parse_statement(parser, &growing))
            return false;
    *heightp = finish_ifs(parser, &growing);
    body->span = span_between(parser, before, parser->token);
    return true;
}

/* --- comments above a definition --- */

/* Text without the white space at its ends. */
typedef struct Piece {
    const char *at, *end;
} Piece;

static Piece trim(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    while (at < end && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        end--;
    return (Piece){at, end};
}

#define PERMISSION_START "seq:allow("

/* The id in `seq:allow(ID)`, or an empty piece. */
static Piece permission_in(const char *comment, const char *end) {
    Piece piece = trim(comment + 1, end);
    size_t start_size = strlen(PERMISSION_START);
    if ((size_t)(piece.end - piece.at) < start_size || memcmp(piece.at, PERMISSION_START, start_size) != 0)
        return (Piece){0};
    piece.at += start_size;
    const char *close = memchr(piece.at, ')', (size_t)(piece.end - piece.at));
    return close ? trim(piece.at, close) : (Piece){0};
}

static void add_permission(Parser *parser, Piece id) {
    struct LintPermission *permission = arena_new(parser->arena, struct LintPermission);
    permission->id = arena_copy(parser->arena, id.at, (size_t)(id.end - id.at));
    if (!permission->id)
        permission->id = "";
    *parser->permissions_end = permission;
    parser->permissions_end = &permission->next;
}

static const char *line_end(const char *at, const char *end) {
    const char *feed = memchr(at, '\n', (size_t)(end - at));
    return feed ? feed : end;
}

/* The next comment in a gap, or `end`. */
static const char *next_comment(const char *at, const char *end) {
    const char *comment = at < end ? memchr(at, '#', (size_t)(end - at)) : NULL;
    return comment ? comment : end;
}

static void collect_permissions(Parser *parser, Token token) {
    const char *at = parser->source->text + token.gap, *end = bytes_of(parser, token);
    for (at = next_comment(at, end); at < end; at = next_comment(line_end(at, end), end)) {
        Piece id = permission_in(at, line_end(at, end));
        if (id.at < id.end)
            add_permission(parser, id);
    }
}

static int count_feeds(const char *at, const char *end) {
    int count = 0;
    for (; count < 2 && at < end && (at = memchr(at, '\n', (size_t)(end - at))); at++)
        count++;
    return count;
}

/* Where the comment lines directly above the token begin; its own start when there are none. */
static const char *help_start(const Parser *parser, Token token) {
    const char *gap = parser->source->text + token.gap, *end = bytes_of(parser, token), *start = NULL;
    const char *behind = gap; /* the last comment */
    for (const char *at = next_comment(gap, end); at < end; at = next_comment(behind, end)) {
        int feeds = count_feeds(behind, at);
        bool alone = feeds > 0 || parser->previous.kind == TOKEN_END; /* not behind something on its line */
        if (!start || feeds != 1)
            start = alone && !(at == parser->source->text && at[1] == '!') ? at : NULL;
        behind = line_end(at, end);
    }
    return start && count_feeds(behind, end) == 1 ? start : end;
}

/* The comment lines directly above a definition, without their `#`. */
static const char *help_above(Parser *parser, Token token) {
    const char *end = bytes_of(parser, token), *at = help_start(parser, token);
    if (at == end)
        return NULL;
    char *help = arena_try(parser->arena, (size_t)(end - at) + 1);
    if (!help)
        return NULL;

    size_t size = 0;
    for (; at < end; at = next_comment(line_end(at, end), end)) {
        Piece id = permission_in(at, line_end(at, end));
        if (id.at)
            continue;
        const char *text = at[1] == ' ' ? at + 2 : at + 1;
        Piece piece = trim(at + 1, line_end(at, end));
        if (text < piece.end) {
            memcpy(help + size, text, (size_t)(piece.end - text));
            size += (size_t)(piece.end - text);
        }
        help[size++] = '\n';
    }
    while (size > 0 && help[size - 1] == '\n')
        size--;
    help[size] = 0;
    return size > 0 ? help : NULL;
}

/* --- word definitions --- */

/* False when the text ended in it, which then is said. */
static bool parse_definition_effect(Parser *parser, Definition *definition) {
    if (parser->token.kind != TOKEN_LEFT_PAREN)
        return true;
    if (parser->token.first_on_line) /* a mistake, but we see what is meant */
        report(parser, parser->token, "misplaced-effect", "Undefined word '(' called in word '%s'", parser->word)
            ->hint = "The stack effect must start on the same line as the name of the word.";
    bool good;
    definition->effect = parse_effect(parser, &good);
    return good || parser->token.kind != TOKEN_END;
}

static void report_definition_end(Parser *parser, const Definition *definition) {
    if (is_cut_short(parser))
        return;
    Diag *diag;
    if (parser->token.kind == TOKEN_END)
        diag = diag_error(parser->diags, definition->span, "missing-semicolon",
                          "Unexpected end of file in word '%s' - missing ';'", parser->word);
    else
        diag = diag_error(parser->diags, definition->span, "missing-semicolon",
                          "Unexpected '%s' in word '%s' - missing ';' before the next definition",
                          shown(parser, parser->token), parser->word);
    in_word(parser, diag);
    if (parser->token.kind != TOKEN_END)
        diag_add_place(parser->diags, diag, span_of(parser, parser->token), "the next one starts here");
}

/* From the name to behind the `;`. */
static void parse_definition_rest(Parser *parser, Definition *definition, Token colon) {
    uint32_t height;
    bool good =
        parse_definition_effect(parser, definition) && parse_body(parser, &definition->body, END_OF_WORD, &height);
    if (!good) {
        definition->whole = span_from(parser, colon, parser->previous);
        skip_to_form(parser);
        return;
    }
    if (parser->token.kind != TOKEN_SEMICOLON) {
        definition->whole = span_from(parser, colon, parser->previous);
        report_definition_end(parser, definition);
        return;
    }
    definition->whole = span_from(parser, colon, parser->token);
    advance(parser);
}

static void parse_definition(Parser *parser) {
    Token colon = parser->token;
    const char *help = help_above(parser, colon);
    advance(parser);
    if (parser->token.kind != TOKEN_WORD) {
        if (!is_cut_short(parser))
            report(parser, colon, "missing-name", "Expected a word name after ':', got %s", got(parser, parser->token));
        skip_to_form(parser);
        return;
    }

    uint32_t errors_before = parser->diags->error_count;
    Definition *definition = arena_new(parser->arena, Definition);
    definition->name = name_of(parser, parser->token);
    definition->span = definition->name.span;
    definition->help = help;
    definition->is_std = parser->source->is_std;
    definition->permissions = parser->permissions;
    parser->permissions = NULL;
    parser->permissions_end = &parser->permissions;
    parser->word = shown(parser, parser->token);
    advance(parser);
    parse_definition_rest(parser, definition, colon);
    definition->has_errors = parser->diags->error_count > errors_before || parser->lexer.broken;
    parser->word = NULL;

    Module *module = parser->module;
    if (module->definitions_last)
        module->definitions_last->next = definition;
    else
        module->definitions = definition;
    module->definitions_last = definition;
}

/* --- unions --- */

/* Out of the braces: `depth` of them are open. */
static void skip_braces(Parser *parser, int depth) {
    while (parser->token.kind != TOKEN_END && !is_form(parser) && depth > 0) {
        if (parser->token.kind == TOKEN_LEFT_BRACE)
            depth++;
        else if (parser->token.kind == TOKEN_RIGHT_BRACE)
            depth--;
        advance(parser);
    }
}

static bool report_union_end(Parser *parser, const UnionDef *definition) {
    const char *name = diag_name(parser->diags, definition->name.bytes, definition->name.size);
    if (is_cut_short(parser))
        return false;
    if (parser->token.kind == TOKEN_END)
        diag_error(parser->diags, definition->name.span, "invalid-union",
                   "Unexpected end of file in union '%s' - missing '}'", name);
    else
        diag_error(parser->diags, definition->name.span, "invalid-union", "Unexpected '%s' in union '%s' - missing '}'",
                   shown(parser, parser->token), name);
    return false;
}

/* A field that was read: into its variant, unless there are too many or one is called so. */
static void add_field(Parser *parser, VariantDef *variant, Field ***endp, Field field) {
    const char *variant_name = diag_name(parser->diags, variant->name.bytes, variant->name.size);
    for (const Field *other = variant->fields; other; other = other->next) {
        if (other->name.size != field.name.size || memcmp(other->name.bytes, field.name.bytes, field.name.size) != 0)
            continue;
        Diag *diag =
            diag_error(parser->diags, field.name.span, "duplicate-field", "Duplicate field '%s' in variant '%s'",
                       diag_name(parser->diags, field.name.bytes, field.name.size), variant_name);
        diag_add_place(parser->diags, diag, other->name.span, "first declared here");
        return;
    }
    variant->field_count++;
    if (variant->field_count > UNION_FIELDS_MAX)
        return;
    **endp = arena_new(parser->arena, Field);
    ***endp = field;
    *endp = &(**endp)->next;
}

/* `name : Type`, and the comma behind it if there is one. */
static bool parse_field(Parser *parser, VariantDef *variant, Field ***endp) {
    Field field = {0};
    if (parser->token.kind != TOKEN_WORD) {
        report(parser, parser->token, "invalid-field", "Expected a field name in variant '%s', got %s",
               diag_name(parser->diags, variant->name.bytes, variant->name.size), got(parser, parser->token));
        return false;
    }
    field.name = name_of(parser, parser->token);
    const char *name = shown(parser, parser->token);
    advance(parser);
    if (parser->token.kind != TOKEN_COLON) {
        report(parser, parser->previous, "invalid-field", "Expected ':' after field name '%s', got %s", name,
               got(parser, parser->token))
            ->hint = "A field looks like radius: Float.";
        return false;
    }
    advance(parser);
    if (parser->token.kind != TOKEN_WORD) {
        report(parser, parser->token, "invalid-field", "Expected a type for field '%s', got %s", name,
               got(parser, parser->token))
            ->hint = "Field types are Int, Float, Bool, String, Channel, Socket and the names of unions.";
        return false;
    }
    field.type = name_of(parser, parser->token);
    advance(parser);
    if (parser->token.kind == TOKEN_COMMA)
        advance(parser);
    add_field(parser, variant, endp, field);
    return true;
}

/* In braces. */
static bool parse_fields(Parser *parser, const UnionDef *definition, VariantDef *variant) {
    Field **end = &variant->fields;
    advance(parser);
    while (parser->token.kind != TOKEN_RIGHT_BRACE) {
        if (parser->token.kind == TOKEN_END || is_form(parser))
            return report_union_end(parser, definition);
        if (!parse_field(parser, variant, &end))
            return parser->token.kind == TOKEN_END ? report_union_end(parser, definition) : false;
    }
    advance(parser);
    if (variant->field_count > UNION_FIELDS_MAX) {
        diag_error(
            parser->diags, variant->name.span, "too-many-fields", "Variant '%s' has %u fields, but the maximum is %d",
            diag_name(parser->diags, variant->name.bytes, variant->name.size), variant->field_count, UNION_FIELDS_MAX)
            ->hint = "Group some of them in a union of their own.";
        variant->field_count = UNION_FIELDS_MAX;
    }
    return true;
}

/* The variants so far: those in the union, and the same by name. */
typedef struct Variants {
    Table names;
    VariantDef **end;
} Variants;

static void add_variant(Parser *parser, UnionDef *definition, Variants *variants, VariantDef *variant) {
    const VariantDef *other = table_find(&variants->names, variant->name.bytes, variant->name.size);
    if (other) {
        Diag *diag = diag_error(parser->diags, variant->name.span, "duplicate-variant",
                                "Duplicate variant '%s' in union '%s'", shown(parser, parser->token),
                                diag_name(parser->diags, definition->name.bytes, definition->name.size));
        diag_add_place(parser->diags, diag, other->name.span, "first declared here");
        return;
    }
    if (table_put(&variants->names, variant->name.bytes, variant->name.size, variant))
        parser->arena->failed = true;
    variant->index = definition->variant_count++;
    *variants->end = variant;
    variants->end = &variant->next;
}

/* False after an error inside its braces, with how many of them are open. */
static bool parse_variant(Parser *parser, UnionDef *definition, Variants *variants, int *openp) {
    if (!is_upper(parser, parser->token))
        report(parser, parser->token, "invalid-union", "Variant name '%s' must start with an uppercase letter",
               shown(parser, parser->token));
    *openp = 1;
    if (parser->token.kind == TOKEN_WORD && parser->ahead.kind == TOKEN_COLON) {
        if (is_upper(parser, parser->token))
            report(parser, parser->token, "invalid-union",
                   "Expected '{' around the fields of a variant, got field '%s'", shown(parser, parser->token));
        return false; /* one message is enough */
    }
    if (parser->token.kind != TOKEN_WORD) {
        bool go_on = parser->token.kind == TOKEN_COMMA || parser->token.kind == TOKEN_STRING;
        if (go_on)
            advance(parser);
        return go_on;
    }
    VariantDef *variant = arena_new(parser->arena, VariantDef);
    variant->owner = definition;
    variant->name = name_of(parser, parser->token);
    add_variant(parser, definition, variants, variant);
    advance(parser);
    *openp = 2;
    return parser->token.kind != TOKEN_LEFT_BRACE || parse_fields(parser, definition, variant);
}

static bool parse_variants(Parser *parser, UnionDef *definition, Variants *variants, int *openp) {
    *openp = 1;
    while (parser->token.kind != TOKEN_RIGHT_BRACE) {
        if (parser->token.kind == TOKEN_END || parser->token.kind == TOKEN_SEMICOLON || is_form(parser))
            return report_union_end(parser, definition);
        if (!parse_variant(parser, definition, variants, openp))
            return false;
    }
    if (definition->variant_count == 0)
        diag_error(parser->diags, definition->name.span, "empty-union", "Union '%s' must have at least one variant",
                   diag_name(parser->diags, definition->name.bytes, definition->name.size));
    advance(parser);
    return true;
}

static void parse_union_body(Parser *parser, UnionDef *definition) {
    Variants variants = {.end = &definition->variants};
    table_init(&variants.names, parser->arena->mem);
    int open;
    advance(parser);
    if (!parse_variants(parser, definition, &variants, &open))
        skip_braces(parser, open);
    table_deinit(&variants.names);
}

static void add_union(Module *module, UnionDef *definition) {
    if (module->unions_last)
        module->unions_last->next = definition;
    else
        module->unions = definition;
    module->unions_last = definition;
}

static void parse_union(Parser *parser) {
    advance(parser);
    if (parser->token.kind != TOKEN_WORD) {
        report(parser, parser->previous, "invalid-union", "Expected a union name after 'union', got %s",
               got(parser, parser->token));
        skip_to_form(parser);
        return;
    }
    const char *name = shown(parser, parser->token);
    if (!is_upper(parser, parser->token))
        report(parser, parser->token, "invalid-union", "Union name '%s' must start with an uppercase letter", name);
    UnionDef *definition = arena_new(parser->arena, UnionDef);
    definition->name = name_of(parser, parser->token);
    add_union(parser->module, definition);
    advance(parser);
    if (parser->token.kind == TOKEN_LEFT_BRACE) {
        parse_union_body(parser, definition);
        return;
    }
    if (!is_cut_short(parser))
        report(parser, parser->previous, "invalid-union", "Expected '{' after union name '%s', got %s", name,
               got(parser, parser->token));
    skip_to_form(parser);
}

/* --- includes --- */
static void report_include(Parser *parser, Token include) {
    report(parser, include, "invalid-include", "Invalid include syntax: got %s", got(parser, parser->token))->hint =
        "Write include std:NAME, include ffi:NAME or include \"path/without-extension\".";
}

static void add_include(Parser *parser, IncludeKind kind, Name name, Span span) {
    Include *include = arena_new(parser->arena, Include);
    include->kind = kind;
    include->name = name;
    include->span = span;
    *parser->includes_end = include;
    parser->includes_end = &include->next;
}

/* `std:NAME` and `ffi:NAME`, at the first word. */
static void parse_named_include(Parser *parser, IncludeKind kind, Token include) {
    Token family = parser->token;
    advance(parser);
    if (parser->token.kind != TOKEN_COLON || parser->token.first_on_line) {
        report(parser, family, "invalid-include", "Expected ':' after '%s' in include", shown(parser, family))->hint =
            "Write include std:NAME or include ffi:NAME.";
        if (parser->token.kind == TOKEN_WORD && !parser->token.first_on_line)
            advance(parser);
        return;
    }
    advance(parser);
    if (parser->token.kind != TOKEN_WORD || parser->token.first_on_line) {
        report(parser, family, "invalid-include", "Expected a module name after '%s:' in include",
               shown(parser, family));
        return;
    }
    add_include(parser, kind, name_of(parser, parser->token), span_from(parser, include, parser->token));
    advance(parser);
}

static void parse_path_include(Parser *parser, Token include) {
    Token token = parser->token;
    uint32_t size;
    uint32_t errors_before = parser->diags->error_count;
    const char *path = lexer_string(parser->source, token, parser->arena, parser->diags, &size);
    advance(parser);
    if (!path || parser->diags->error_count > errors_before)
        return;
    const char *problem = size == 0                 ? "cannot be empty"
                          : path[0] == '/'          ? "must be relative, not absolute"
                          : memchr(path, 0, size)   ? "cannot contain a NUL byte"
                          : size > INCLUDE_PATH_MAX ? "is too long"
                                                    : NULL;
    if (problem) {
        report(parser, token, "invalid-include-path", "Include path %s: %s", problem, shown(parser, token));
        return;
    }
    add_include(parser, INCLUDE_FILE, (Name){path, size, span_of(parser, token)}, span_from(parser, include, token));
}

static void parse_include(Parser *parser) {
    Token include = parser->token;
    advance(parser);
    if (is_word(parser, parser->token, "std"))
        parse_named_include(parser, INCLUDE_STD, include);
    else if (is_word(parser, parser->token, "ffi"))
        parse_named_include(parser, INCLUDE_FFI, include);
    else if (parser->token.kind == TOKEN_STRING)
        parse_path_include(parser, include);
    else if (!is_cut_short(parser)) {
        report_include(parser, include);
        if (parser->token.kind == TOKEN_WORD && !parser->token.first_on_line)
            skip_to_form(parser);
    }
}

/* --- the whole --- */

static void parse_form(Parser *parser) {
    Token token = parser->token;
    collect_permissions(parser, token);
    if (token.kind == TOKEN_COLON) {
        parse_definition(parser);
    } else if (is_word(parser, token, "union")) {
        parse_union(parser);
    } else if (is_word(parser, token, "include")) {
        parse_include(parser);
    } else {
        report(parser, token, "expected-definition", "Expected ':' to start word definition, got %s",
               got(parser, token));
        advance(parser);
        if (token.kind != TOKEN_SEMICOLON)
            skip_to_form(parser);
    }
}

Module *parser_parse(Arena *arena, const Source *source, DiagList *diags) {
    Parser parser;
    parser_init(&parser, arena, source, diags);
    parser.module = arena_new(arena, Module);
    parser.module->source = source;
    parser.includes_end = &parser.module->includes;
    while (parser.token.kind != TOKEN_END)
        parse_form(&parser);
    return parser.module;
}

EffectSyntax *parser_parse_effect(Arena *arena, const Source *source, DiagList *diags, bool builtin) {
    Parser parser;
    parser_init(&parser, arena, source, diags);
    parser.builtin = builtin;
    if (parser.token.kind != TOKEN_LEFT_PAREN) {
        report(&parser, parser.token, "invalid-effect", "Expected '(' to start a stack effect, got %s",
               got(&parser, parser.token));
        return NULL;
    }
    bool good;
    EffectSyntax *effect = parse_effect(&parser, &good);
    if (good && parser.token.kind != TOKEN_END) {
        report(&parser, parser.token, "invalid-effect", "Unexpected '%s' after the stack effect",
               shown(&parser, parser.token));
        return NULL;
    }
    return good ? effect : NULL;
}
