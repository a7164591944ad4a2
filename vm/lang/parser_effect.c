/* SPDX-License-Identifier: MIT */
/*
 * Stack effects. After the first mistake in one the rest of it is skipped,
 * as more messages would only follow from it: a name in lower case may be a
 * type misspelt, or the first word of a body whose effect was never closed.
 */
#include "vm/lang/parser_state.h"
#include "vm/lang/type.h"

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
        return parser_is_at_form(parser);
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

/* The base type that the author may have meant by a name in lower case, or NULL. */
static const char *meant_type(const Parser *parser, Token token) {
    const char *name = bytes_of(parser, token);
    for (int kind = 0; kind < TYPE_BASE_COUNT; kind++) {
        const char *type = base_types[kind].name;
        bool same_start = (name[0] | 0x20) == (type[0] | 0x20);
        if (same_start && diag_distance(type + 1, strlen(type) - 1, name + 1, size_of(token) - 1, 1) <= 1)
            return type;
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
    diag->hint =
        !parser_will_close(parser) ? "Or is the ')' of the stack effect missing before it?"
        : meant
            ? arena_format(parser->arena, "Did you mean '%s'?", meant)
            : "Types are Int, Float, Bool, String, Symbol, Channel, Socket, Variant, List, Map, the names of unions, "
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
    type->effect = arena_new(parser->arena, EffectSyntax);
    type->effect->span = span_of(parser, open);
    if (depth == TYPE_NESTING_MAX) {
        report(parser, open, "too-deep", "Nested too deep: at most %d levels of quotation types", TYPE_NESTING_MAX);
        return false;
    }
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
    parser_advance(parser);
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

    add_type(parser, endp, TYPE_SYNTAX_NAME)->name = parser_name(parser, token, 0);
    parser_advance(parser);
    return true;
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
    if (base_type_find(at, (size_t)(end - at)) >= 0) {
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
    side->row = parser_name(parser, token, 2);
    parser_advance(parser);
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
        TypeSyntax **end_before = end;
        bool good = parse_type(parser, &end, depth);
        side->count += end != end_before; /* what was begun is in the list */
        if (!good)
            return false;
    }
    return true;
}

/* Behind `|`. */
static bool parse_yields(Parser *parser, EffectSyntax *effect, uint32_t depth) {
    TypeSyntax **end = &effect->yields;
    parser_advance(parser);
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
        parser_advance(parser);
        if (is_side_end(parser)) {
            if (!is_cut_short(parser))
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
    parser_advance(parser);
    if (!parse_side(parser, &effect->in, depth))
        return false;
    if (!is_word(parser, parser->token, "--"))
        return report_effect(parser, open, closer,
                             parser->token.kind != TOKEN_END ? "'--'"
                             : closer == TOKEN_RIGHT_PAREN   ? "'--' or ')'"
                                                             : "'--' or ']'");
    parser_advance(parser);
    if (!parse_side(parser, &effect->out, depth))
        return false;
    if (is_word(parser, parser->token, "|") && !parse_yields(parser, effect, depth))
        return false;
    if (parser->token.kind != closer)
        return report_effect(parser, open, closer, closer_text);
    effect->span = span_from(parser, open, parser->token);
    parser_advance(parser);
    return true;
}

EffectSyntax *parser_effect(Parser *parser, bool *goodp) {
    EffectSyntax *effect = arena_new(parser->arena, EffectSyntax);
    Token open = parser->token;
    *goodp = parse_effect_body(parser, effect, open, TOKEN_RIGHT_PAREN, 0);
    if (*goodp || !parser_will_close(parser))
        return effect;
    while (parser->token.kind != TOKEN_RIGHT_PAREN)
        parser_advance(parser);
    effect->span = span_from(parser, open, parser->token);
    parser_advance(parser);
    return effect;
}
