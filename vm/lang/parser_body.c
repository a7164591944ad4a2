/* SPDX-License-Identifier: MIT */
/*
 * Bodies: of words, quotations, branches and arms.
 *
 * The old form `cond if A else B then` needs no looking ahead: an `if` that
 * is not directly behind a literal is put into its body as a call and kept on
 * a list of open ones. A `then` turns the nearest into a branch, by cutting
 * what has been appended since; if none comes, it has been a call all along.
 *
 * The C stack grows with the nesting of quotations and matches, which is
 * counted, and with nothing else. The height of the finished tree is counted
 * too, as old forms add to it without recursion here.
 *
 * Not here: what names mean. Even `(` in a body is an error only because
 * nothing can be called so.
 */
#include "vm/base/decimal.h"
#include "vm/lang/parser_state.h"

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

/* --- growing a body --- */

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

/* With a point or an exponent; a decimal number without is an Int. */
static bool is_float(const char *at, const char *end) {
    size_t size = (size_t)(end - at);
    return decimal_matches(at, size) && (memchr(at, '.', size) || memchr(at, 'e', size) || memchr(at, 'E', size));
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

bool parser_never_calls(Parser *parser, Token token) {
    static const char *const own[] = {"true", "false", "match", "else", "then"};
    const char *at = bytes_of(parser, token), *end = at + size_of(token);
    int64_t number;
    for (size_t index = 0; index < sizeof own / sizeof *own; index++) {
        if (is_word(parser, token, own[index]))
            return true;
    }
    return is_float(at, end) || read_integer(at, end, 10, &number) ||
           (end - at >= 2 && at[0] == '0' && memchr("xXbB", at[1], 4));
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
        append(parser, growing, NODE_FLOAT, span_of(parser, token))->number = decimal_read(at, (size_t)(end - at));
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
    parser_advance(parser);
    return true;
}

/* --- strings and symbols --- */

static void parse_string(Parser *parser, Growing *growing) {
    Node *node = append(parser, growing, NODE_STRING, span_of(parser, parser->token));
    node->string.bytes = lexer_string(parser->source, parser->token, parser->arena, parser->diags, &node->string.size);
    if (!node->string.bytes)
        node->string.bytes = "";
    parser_advance(parser);
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
    parser_advance(parser);
    if (parser->token.kind != TOKEN_WORD) {
        if (!is_cut_short(parser))
            report(parser, colon, "invalid-symbol", "Symbol name cannot be empty: a name must follow ':'");
        append(parser, growing, NODE_SYMBOL, span_of(parser, colon))->string.bytes = "";
        return;
    }
    check_symbol(parser, colon, parser->token);
    Name name = parser_name(parser, parser->token, 0);
    Node *node = append(parser, growing, NODE_SYMBOL, span_from(parser, colon, parser->token));
    node->string.bytes = name.bytes;
    node->string.size = name.size;
    parser_advance(parser);
}

/* --- if, else, then --- */

static void call_word(Parser *parser, Growing *growing, Token token) {
    Name name = parser_name(parser, token, 0);
    Node *node = append(parser, growing, NODE_CALL, span_of(parser, token));
    node->call.name = name.bytes;
    node->call.name_size = name.size;
}

/* `[ A ] [ B ] if`: the first literal becomes the branch. */
static void make_branch(Parser *parser, Growing *growing) {
    Node *then_literal = growing->before_last, *else_literal = growing->body->last;
    Body then_body = then_literal->quotation.body, else_body = else_literal->quotation.body;
    check(then_literal->next == else_literal);
    *then_literal = (Node){.kind = NODE_IF, .span = span_of(parser, parser->token)};
    then_literal->branch = arena_new(parser->arena, Branch);
    then_literal->branch->then_body = then_body;
    then_literal->branch->else_body = else_body;
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
    parser_advance(parser);
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
    parser_advance(parser);
}

/* The nodes behind `before`, up to `last`. */
static Body cut_body(Node *before, Node *last, Span span) {
    return before == last ? (Body){.span = span} : (Body){.first = before->next, .last = last, .span = span};
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
    node->branch = arena_new(parser->arena, Branch);
    node->branch->then_body = then_body;
    node->branch->else_body = else_body;
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
    parser_advance(parser);
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
    node->quotation.body.span = node->span;
    if (!enter(parser, open))
        return false;
    parser_advance(parser);
    uint32_t height = 0;
    bool good = parse_body(parser, &node->quotation.body, END_OF_QUOTATION, &height);
    leave(parser);
    if (!good)
        return false;

    if (parser->token.kind == TOKEN_RIGHT_BRACKET) {
        node->span = node->quotation.body.span = span_from(parser, open, parser->token);
        grow_height(growing, height + 1);
        parser_advance(parser);
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
    binding->field = parser_name(parser, parser->token, from);
    **endp = binding;
    *endp = &binding->next;
    arm->binding_count++;
}

static void parse_binding(Parser *parser, Arm *arm, Binding ***endp) {
    Token token = parser->token;
    const char *name = shown(parser, token);
    if (is_word(parser, token, ">")) {
        report(parser, token, "invalid-binding", "Expected the name of a field directly after '>' in pattern for '%s'",
               diag_name(parser->diags, arm->variant.bytes, arm->variant.size));
        if (parser->ahead.kind == TOKEN_WORD && !is_word(parser, parser->ahead, "->"))
            parser_advance(parser); /* the name stands apart */
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
    parser_advance(parser);
}

static bool is_binding_end(const Parser *parser) {
    switch (parser->token.kind) {
    case TOKEN_WORD:
    case TOKEN_COMMA:
    case TOKEN_STRING:
        return is_word(parser, parser->token, "->") || is_word(parser, parser->token, "end") ||
               parser_is_at_form(parser);
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
    parser_advance(parser);
    while (!is_binding_end(parser))
        parse_binding(parser, arm, &end);
    if (parser->token.kind == TOKEN_RIGHT_BRACE) {
        parser_advance(parser);
        return true;
    }
    if (parser->token.kind == TOKEN_END)
        return report_match_end(parser, match);
    report(parser, parser->token, "invalid-binding", "Expected '}' to end the bindings of '%s', got %s",
           diag_name(parser->diags, arm->variant.bytes, arm->variant.size), got(parser, parser->token));
    return is_word(parser, parser->token, "->");
}

static bool parse_arm(Parser *parser, Arm *arm, Token match, uint32_t *heightp) {
    arm->variant = parser_name(parser, parser->token, 0);
    arm->body.span = arm->variant.span; /* until it has one */
    parser_advance(parser);
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
    parser_advance(parser);
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
        if (kind == TOKEN_END || kind == TOKEN_SEMICOLON || kind == TOKEN_RIGHT_BRACKET || parser_is_at_form(parser))
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
    parser_advance(parser);
    uint32_t height = 0;
    bool good = parse_arms(parser, node, match, &height);
    leave(parser);
    if (!good)
        return false;

    if (node->match.arm_count == 0)
        report(parser, match, "empty-match", "Match must have at least one arm");
    node->span = span_from(parser, match, parser->token);
    grow_height(growing, height + 1);
    parser_advance(parser);
    return true;
}

/* --- statements --- */

/* `(` in a body: Forth's comments and misplaced effects. Skips to its `)`, if that comes soon. */
static void report_paren(Parser *parser) {
    Token token = parser->token;
    report(parser, token, "misplaced-effect", "'(' in the body of word '%s': no stack effect can stand here",
           parser->word)
        ->hint = "It stands directly behind `: NAME`, on the same line; perhaps a ';' is missing before. A comment "
                 "starts with '#'.";
    parser_advance(parser);
    if (!parser_will_close(parser))
        return;
    while (parser->token.kind != TOKEN_RIGHT_PAREN)
        parser_advance(parser);
    parser_advance(parser);
}

static void report_bracket(Parser *parser) {
    report(parser, parser->token, "unmatched-bracket",
           "Undefined word '%s' called in word '%s': nothing is open here that it would close or separate",
           shown(parser, parser->token), parser->word);
    parser_advance(parser);
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
        parser_advance(parser);
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
               parser_is_at_form(parser);
    default:
        return parser_is_at_form(parser);
    }
}

/* Up to what ends it, which is left for the caller to judge. */
static bool parse_body(Parser *parser, Body *body, BodyEnd end, uint32_t *heightp) {
    Growing growing = {.body = body};
    Token before = parser->previous;
    body->span = span_between(parser, before, parser->token); /* until we know better */
    while (!is_body_end(parser, end))
        if (!parse_statement(parser, &growing))
            return false;
    *heightp = finish_ifs(parser, &growing);
    body->span = span_between(parser, before, parser->token);
    return true;
}

bool parser_body(Parser *parser, Body *body) {
    uint32_t height;
    return parse_body(parser, body, END_OF_WORD, &height);
}
