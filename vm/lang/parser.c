/* SPDX-License-Identifier: MIT */
/*
 * The forms at top level: definitions with the comments above them, unions,
 * includes. Each begins on firm ground and ends on it, whatever was wrong
 * inside; so one mistake is one message, and the next form is read as if
 * nothing had happened.
 */
#include "vm/lang/parser.h"

#include "vm/base/table.h"
#include "vm/lang/parser_state.h"

enum { INCLUDE_PATH_MAX = 4096 };

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
        report(parser, parser->token, "misplaced-effect",
               "The stack effect of word '%s' must start on the line of its name", parser->word);
    bool good;
    definition->effect = parser_effect(parser, &good);
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
    bool good = parse_definition_effect(parser, definition) && parser_body(parser, &definition->body);
    if (!good) {
        parser_skip_to_form(parser);
        definition->whole = span_from(parser, colon, parser->previous);
        return;
    }
    if (parser->token.kind != TOKEN_SEMICOLON) {
        definition->whole = span_from(parser, colon, parser->previous);
        report_definition_end(parser, definition);
        return;
    }
    definition->whole = span_from(parser, colon, parser->token);
    parser_advance(parser);
}

static void parse_definition(Parser *parser) {
    Token colon = parser->token;
    const char *help = help_above(parser, colon);
    parser_advance(parser);
    if (parser->token.kind != TOKEN_WORD) {
        if (!is_cut_short(parser))
            report(parser, colon, "missing-name", "Expected a word name after ':', got %s", got(parser, parser->token));
        parser_skip_to_form(parser);
        return;
    }

    uint32_t errors_before = parser->diags->error_count;
    Definition *definition = arena_new(parser->arena, Definition);
    definition->name = parser_name(parser, parser->token, 0);
    definition->span = definition->name.span;
    if (parser_never_calls(parser, parser->token))
        diag_warning(parser->diags, definition->span, "hidden-word",
                     "'%s' means something else wherever it stands: this definition is never used",
                     shown(parser, parser->token))
            ->hint = "Rename it.";
    definition->body.span = definition->span; /* until it has one */
    definition->help = help;
    definition->is_std = parser->source->is_std;
    definition->permissions = parser->permissions;
    parser->permissions = NULL;
    parser->permissions_end = &parser->permissions;
    parser->word = diag_word_name(parser->diags, span_of(parser, parser->token), bytes_of(parser, parser->token),
                                  size_of(parser->token));
    parser_advance(parser);
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
    while (parser->token.kind != TOKEN_END && !parser_is_at_form(parser) && depth > 0) {
        if (parser->token.kind == TOKEN_LEFT_BRACE)
            depth++;
        else if (parser->token.kind == TOKEN_RIGHT_BRACE)
            depth--;
        parser_advance(parser);
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

/* `name : Type`, and the comma behind it if there is one. Says nothing of an end of file. */
static bool parse_field(Parser *parser, VariantDef *variant, Field ***endp) {
    Field field = {0};
    if (parser->token.kind != TOKEN_WORD) {
        report(parser, parser->token, "invalid-field", "Expected a field name in variant '%s', got %s",
               diag_name(parser->diags, variant->name.bytes, variant->name.size), got(parser, parser->token));
        return false;
    }
    field.name = parser_name(parser, parser->token, 0);
    const char *name = shown(parser, parser->token);
    parser_advance(parser);
    if (parser->token.kind == TOKEN_END)
        return false;
    if (parser->token.kind != TOKEN_COLON) {
        report(parser, parser->previous, "invalid-field", "Expected ':' after field name '%s', got %s", name,
               got(parser, parser->token))
            ->hint = "A field looks like radius: Float.";
        return false;
    }
    parser_advance(parser);
    if (parser->token.kind == TOKEN_END)
        return false;
    if (parser->token.kind != TOKEN_WORD) {
        report(parser, parser->token, "invalid-field", "Expected a type for field '%s', got %s", name,
               got(parser, parser->token))
            ->hint = "Field types are Int, Float, Bool, String, Channel, Socket and the names of unions.";
        return false;
    }
    field.type = parser_name(parser, parser->token, 0);
    parser_advance(parser);
    if (parser->token.kind == TOKEN_COMMA)
        parser_advance(parser);
    add_field(parser, variant, endp, field);
    return true;
}

/* In braces. */
static bool parse_fields(Parser *parser, const UnionDef *definition, VariantDef *variant) {
    Field **end = &variant->fields;
    parser_advance(parser);
    while (parser->token.kind != TOKEN_RIGHT_BRACE) {
        if (parser->token.kind == TOKEN_END || parser_is_at_form(parser))
            return report_union_end(parser, definition);
        if (!parse_field(parser, variant, &end))
            return parser->token.kind == TOKEN_END ? report_union_end(parser, definition) : false;
    }
    parser_advance(parser);
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
    if (parser->token.kind == TOKEN_WORD && parser->ahead.kind == TOKEN_COLON && !parser->ahead.first_on_line) {
        if (is_upper(parser, parser->token))
            report(parser, parser->token, "invalid-union",
                   "Expected '{' around the fields of a variant, got field '%s'", shown(parser, parser->token));
        return false; /* one message is enough */
    }
    if (parser->token.kind != TOKEN_WORD) {
        bool go_on = parser->token.kind == TOKEN_COMMA || parser->token.kind == TOKEN_STRING;
        if (go_on)
            parser_advance(parser);
        return go_on;
    }
    VariantDef *variant = arena_new(parser->arena, VariantDef);
    variant->owner = definition;
    variant->name = parser_name(parser, parser->token, 0);
    add_variant(parser, definition, variants, variant);
    parser_advance(parser);
    *openp = 2;
    return parser->token.kind != TOKEN_LEFT_BRACE || parse_fields(parser, definition, variant);
}

static bool parse_variants(Parser *parser, UnionDef *definition, Variants *variants, int *openp) {
    *openp = 1;
    while (parser->token.kind != TOKEN_RIGHT_BRACE) {
        if (parser->token.kind == TOKEN_END || parser->token.kind == TOKEN_SEMICOLON || parser_is_at_form(parser))
            return report_union_end(parser, definition);
        if (!parse_variant(parser, definition, variants, openp))
            return false;
    }
    if (definition->variant_count == 0)
        diag_error(parser->diags, definition->name.span, "empty-union", "Union '%s' must have at least one variant",
                   diag_name(parser->diags, definition->name.bytes, definition->name.size));
    parser_advance(parser);
    return true;
}

static void parse_union_body(Parser *parser, UnionDef *definition) {
    Variants variants = {.end = &definition->variants};
    table_init(&variants.names, parser->arena->mem);
    int open;
    parser_advance(parser);
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
    parser_advance(parser);
    if (parser->token.kind != TOKEN_WORD) {
        if (!is_cut_short(parser))
            report(parser, parser->previous, "invalid-union", "Expected a union name after 'union', got %s",
                   got(parser, parser->token));
        parser_skip_to_form(parser);
        return;
    }
    const char *name = shown(parser, parser->token);
    if (!is_upper(parser, parser->token))
        report(parser, parser->token, "invalid-union", "Union name '%s' must start with an uppercase letter", name);
    UnionDef *definition = arena_new(parser->arena, UnionDef);
    definition->name = parser_name(parser, parser->token, 0);
    add_union(parser->module, definition);
    parser_advance(parser);
    if (parser->token.kind == TOKEN_LEFT_BRACE) {
        parse_union_body(parser, definition);
        return;
    }
    if (!is_cut_short(parser))
        report(parser, parser->previous, "invalid-union", "Expected '{' after union name '%s', got %s", name,
               got(parser, parser->token));
    parser_skip_to_form(parser);
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
    parser_advance(parser);
    if (is_cut_short(parser))
        return;
    if (parser->token.kind != TOKEN_COLON || parser->token.first_on_line) {
        report(parser, family, "invalid-include", "Expected ':' after '%s' in include", shown(parser, family))->hint =
            "Write include std:NAME or include ffi:NAME.";
        parser_skip_line(parser);
        return;
    }
    parser_advance(parser);
    if (is_cut_short(parser))
        return;
    if (parser->token.kind != TOKEN_WORD || parser->token.first_on_line) {
        report(parser, family, "invalid-include", "Expected a module name after '%s:' in include",
               shown(parser, family));
        parser_skip_line(parser);
        return;
    }
    add_include(parser, kind, parser_name(parser, parser->token, 0), span_from(parser, include, parser->token));
    parser_advance(parser);
}

static void parse_path_include(Parser *parser, Token include) {
    Token token = parser->token;
    uint32_t size;
    uint32_t errors_before = parser->diags->error_count;
    const char *path = lexer_string(parser->source, token, parser->arena, parser->diags, &size);
    parser_advance(parser);
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
    parser_advance(parser);
    if (is_word(parser, parser->token, "std"))
        parse_named_include(parser, INCLUDE_STD, include);
    else if (is_word(parser, parser->token, "ffi"))
        parse_named_include(parser, INCLUDE_FFI, include);
    else if (parser->token.kind == TOKEN_STRING)
        parse_path_include(parser, include);
    else if (!is_cut_short(parser)) {
        report_include(parser, include);
        parser_skip_line(parser);
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
        parser_advance(parser);
        if (token.kind != TOKEN_SEMICOLON)
            parser_skip_to_form(parser);
    }
}

Module *parser_parse(Arena *arena, const Source *source, DiagList *diags) {
    Parser parser;
    parser_start(&parser, arena, source, diags);
    parser.module = arena_new(arena, Module);
    parser.module->source = source;
    parser.includes_end = &parser.module->includes;
    while (parser.token.kind != TOKEN_END)
        parse_form(&parser);
    return parser.module;
}

EffectSyntax *parser_parse_effect(Arena *arena, const Source *source, DiagList *diags, bool builtin) {
    Parser parser;
    parser_start(&parser, arena, source, diags);
    parser.builtin = builtin;
    if (parser.token.kind != TOKEN_LEFT_PAREN) {
        report(&parser, parser.token, "invalid-effect", "Expected '(' to start a stack effect, got %s",
               got(&parser, parser.token));
        return NULL;
    }
    bool good;
    EffectSyntax *effect = parser_effect(&parser, &good);
    if (good && parser.token.kind != TOKEN_END) {
        report(&parser, parser.token, "invalid-effect", "Unexpected '%s' after the stack effect",
               shown(&parser, parser.token));
        return NULL;
    }
    return good ? effect : NULL;
}
