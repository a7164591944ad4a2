/* SPDX-License-Identifier: MIT */
#include "tests/unit/lang_fixture.h"
#include "vm/lang/parser.h"

#include <inttypes.h>
#include <stdio.h>

static LangFixture fixture;
static Buffer out;

static void start(void) {
    lang_fixture_start(&fixture);
    buffer_init(&out, &fixture.mem);
}

static void finish(void) {
    buffer_deinit(&out);
    lang_fixture_finish(&fixture);
}

static void again(void) {
    finish();
    start();
}

TestSuite(parser, .init = start, .fini = finish);

/* --- the tree as text --- */

static void write_effect(const EffectSyntax *effect);

static void write_types(const TypeSyntax *type) {
    for (; type; type = type->next) {
        if (type->kind == TYPE_SYNTAX_NAME) {
            buffer_append_format(&out, " %s", type->name.bytes);
            continue;
        }
        buffer_append_text(&out, type->kind == TYPE_SYNTAX_CLOSURE ? " Closure[" : " [");
        write_effect(type->effect);
        buffer_append_text(&out, " ]");
    }
}

static void write_side(const SideSyntax *side) {
    if (side->row.bytes)
        buffer_append_format(&out, " ..%s", side->row.bytes);
    write_types(side->types);
}

static void write_effect(const EffectSyntax *effect) {
    write_side(&effect->in);
    buffer_append_text(&out, " --");
    write_side(&effect->out);
    if (effect->yields) {
        buffer_append_text(&out, " |");
        write_types(effect->yields);
    }
}

static void write_body(const Body *body);

static void write_match(const Node *node) {
    buffer_append_text(&out, " match");
    for (const Arm *arm = node->match.arms; arm; arm = arm->next) {
        buffer_append_format(&out, " %s", arm->variant.bytes);
        if (arm->has_bindings)
            buffer_append_text(&out, "<");
        for (const Binding *binding = arm->bindings; binding; binding = binding->next)
            buffer_append_format(&out, ">%s", binding->field.bytes);
        if (arm->has_bindings)
            buffer_append_text(&out, ">");
        write_body(&arm->body);
    }
}

static void write_node(const Node *node) {
    switch (node->kind) {
    case NODE_INT:
        buffer_append_format(&out, " %" PRId64, node->integer);
        return;
    case NODE_FLOAT:
        buffer_append_format(&out, " %.17gf", node->number);
        return;
    case NODE_BOOL:
        buffer_append_text(&out, node->truth ? " #t" : " #f");
        return;
    case NODE_STRING:
        buffer_append_format(&out, " \"%s\"", node->string.bytes);
        return;
    case NODE_SYMBOL:
        buffer_append_format(&out, " :%s", node->string.bytes);
        return;
    case NODE_QUOTATION:
        buffer_append_text(&out, " [");
        write_body(&node->quotation.body);
        buffer_append_text(&out, "]");
        return;
    case NODE_CALL:
        buffer_append_format(&out, " %s", node->call.name);
        return;
    case NODE_MATCH:
        write_match(node);
        return;
    case NODE_IF:
        buffer_append_text(&out, " IF");
        write_body(&node->branch->then_body);
        write_body(&node->branch->else_body);
        return;
    }
}

static void write_body(const Body *body) {
    buffer_append_text(&out, "{");
    for (const Node *node = body->first; node; node = node->next)
        write_node(node);
    buffer_append_text(&out, " }");
}

static void write_definition(const Definition *definition) {
    buffer_append_format(&out, "%s", definition->name.bytes);
    if (definition->effect) {
        buffer_append_text(&out, " (");
        write_effect(definition->effect);
        buffer_append_text(&out, " )");
    }
    write_body(&definition->body);
    buffer_append_text(&out, "\n");
}

/* --- what always holds of a tree, whatever the text was --- */

static void check_span(Span span, const Source *source) {
    cr_assert_eq(span.source, source);
    cr_assert_leq(span.start, span.end);
    cr_assert_leq(span.end, source->size);
}

static void check_name(Name name, const Source *source) {
    check_span(name.span, source);
    cr_assert_leq(name.size, NAME_SIZE_MAX);
    cr_assert_eq(strlen(name.bytes), name.size);
}

static void check_body(const Body *body, const Source *source, int depth);

static void check_arms(const Node *node, const Source *source, int depth) {
    uint32_t arm_count = 0;
    for (const Arm *arm = node->match.arms; arm; arm = arm->next, arm_count++) {
        uint32_t binding_count = 0;
        for (const Binding *binding = arm->bindings; binding; binding = binding->next, binding_count++)
            check_name(binding->field, source);
        cr_assert_eq(binding_count, arm->binding_count);
        check_body(&arm->body, source, depth + 1);
    }
    cr_assert_eq(arm_count, node->match.arm_count);
}

static void check_node(const Node *node, const Source *source, int depth) {
    check_span(node->span, source);
    if (node->kind == NODE_QUOTATION)
        check_body(&node->quotation.body, source, depth + 1);
    if (node->kind == NODE_MATCH)
        check_arms(node, source, depth);
    if (node->kind == NODE_IF) {
        check_body(&node->branch->then_body, source, depth + 1);
        check_body(&node->branch->else_body, source, depth + 1);
    }
    if (node->kind == NODE_CALL)
        check_name(node_called(node), source);
    if (node->kind == NODE_STRING || node->kind == NODE_SYMBOL)
        cr_assert_eq(node->string.bytes[node->string.size], 0);
}

static void check_body(const Body *body, const Source *source, int depth) {
    const Node *last = NULL;
    cr_assert_leq(depth, NESTING_MAX + 1, "deeper than anybody counts on");
    check_span(body->span, source);
    for (const Node *node = body->first; node; last = node, node = node->next)
        check_node(node, source, depth);
    cr_assert_eq(body->last, last);
}

static void check_effect(const EffectSyntax *effect, const Source *source, int depth);

static uint32_t check_types(const TypeSyntax *type, const Source *source, int depth) {
    uint32_t count = 0;
    for (; type; type = type->next, count++) {
        check_span(type->span, source);
        if (type->kind == TYPE_SYNTAX_NAME)
            check_name(type->name, source);
        else
            check_effect(type->effect, source, depth + 1);
    }
    return count;
}

static void check_effect(const EffectSyntax *effect, const Source *source, int depth) {
    cr_assert_leq(depth, TYPE_NESTING_MAX + 1);
    check_span(effect->span, source);
    cr_assert_eq(check_types(effect->in.types, source, depth), effect->in.count);
    cr_assert_eq(check_types(effect->out.types, source, depth), effect->out.count);
    check_types(effect->yields, source, depth);
}

static void check_unions(const Module *module) {
    const UnionDef *last = NULL;
    for (const UnionDef *definition = module->unions; definition; last = definition, definition = definition->next) {
        uint32_t index = 0;
        check_name(definition->name, module->source);
        for (const VariantDef *variant = definition->variants; variant; variant = variant->next, index++) {
            uint32_t field_count = 0;
            check_name(variant->name, module->source);
            cr_assert_eq(variant->index, index);
            cr_assert_eq(variant->owner, definition);
            for (const Field *field = variant->fields; field; field = field->next, field_count++)
                check_name(field->name, module->source);
            cr_assert_eq(variant->field_count, field_count);
            cr_assert_leq(field_count, UNION_FIELDS_MAX);
        }
        cr_assert_eq(definition->variant_count, index);
    }
    cr_assert_eq(module->unions_last, last);
}

static void check_module(const Module *module) {
    const Definition *last = NULL;
    bool any_errors = false;
    for (const Definition *definition = module->definitions; definition;
         last = definition, definition = definition->next) {
        check_name(definition->name, module->source);
        check_span(definition->whole, module->source);
        cr_assert_leq(definition->whole.start, definition->span.start);
        cr_assert_geq(definition->whole.end, definition->span.end);
        if (definition->effect)
            check_effect(definition->effect, module->source, 0);
        check_body(&definition->body, module->source, 0);
        any_errors |= definition->has_errors;
    }
    cr_assert_eq(module->definitions_last, last);
    if (any_errors)
        cr_assert_gt(fixture.diags.error_count, 0);
    check_unions(module);
}

static const Module *parse_source(const Source *source) {
    const Module *module = parser_parse(&fixture.arena, source, &fixture.diags);
    check_module(module);
    return module;
}

static const Module *parse(const char *text) {
    return parse_source(lang_fixture_source(&fixture, text));
}

/* The definitions of a text without errors. */
static const char *tree_of(const char *text) {
    const Module *module = parse(text);
    buffer_clear(&out);
    if (fixture.diags.error_count)
        cr_expect_fail("%s: %s", text, fixture.diags.first->message);
    for (const Definition *definition = module->definitions; definition; definition = definition->next)
        write_definition(definition);
    return buffer_text(&out);
}

/* --- bodies --- */

/* The body of `: w ( -- ) TEXT ;`, without its braces. */
static const char *body_of(const char *text) {
    char whole[4096];
    snprintf(whole, sizeof whole, ": w ( -- ) %s ;", text);
    const char *tree = tree_of(whole);
    size_t head = strlen("w ( -- ){"), tail = strlen(" }\n");
    cr_assert_gt(strlen(tree), head + tail - 1);
    out.bytes[out.size - tail] = 0;
    return tree + head;
}

Test(parser, reads_literals_in_their_order) {
    static const struct {
        const char *text, *tree;
    } rows[] = {
        {"0 -0 +5 -17 007", " 0 0 5 -17 7"},
        {"9223372036854775807 -9223372036854775808", " 9223372036854775807 -9223372036854775808"},
        {"9223372036854775808 -9223372036854775809", " 9223372036854775808 -9223372036854775809"}, /* names */
        {"99999999999999999999999999999999", " 99999999999999999999999999999999"},
        {"1_000 1a -- -a + -", " 1_000 1a -- -a + -"},
        {"3.5 .5 5. 1e5 -.5e-1 1E+2 +1.5 -0.0", " 3.5f 0.5f 5f 100000f -0.050000000000000003f 100f 1.5f -0f"},
        {"1e400 -1e400 1e-400", " inff -inff 0f"},
        {"0.1 1e23", " 0.10000000000000001f 9.9999999999999992e+22f"}, /* nearest */
        {". e E e5 .e5 1e 1e+ 1.5.2 dup.e 1.x -", " . e E e5 .e5 1e 1e+ 1.5.2 dup.e 1.x -"},
        {"inf nan infinity --1.5", " inf nan infinity --1.5"},
        {"0x10 0XfF 0x-5 0x+5 0xe 0x1e5", " 16 255 -5 5 14 485"},
        {"0x7fffffffffffffff 0x-8000000000000000", " 9223372036854775807 -9223372036854775808"},
        {"0b101 0B1 0b-11 -0x5 0", " 5 1 -3 -0x5 0"},
        {"true false True", " #t #f True"},
        {":ok :not-found? : spaced :a.b_c! :true", " :ok :not-found? :spaced :a.b_c! :true"},
        {"\"a\" \"\" foo\"bar\"baz", " \"a\" \"\" foo \"bar\" baz"},
        {"[ ] [ 1 ] [[dup]drop]", " [{ }] [{ 1 }] [{ [{ dup }] drop }]"},
        {"", ""},
        {"# comment ; [\n 1", " 1"},
        {"* <= 2dup >aux map.get |", " * <= 2dup >aux map.get |"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_str_eq(body_of(rows[i].text), rows[i].tree, "row %zu", i);
        again();
    }
}

Test(parser, rounds_long_floats_to_the_nearest) {
    char many[2000] = "0.";
    memset(many + 2, '3', 1900);
    cr_expect_str_eq(body_of(many), " 0.33333333333333331f");
}

Test(parser, keeps_all_bytes_of_a_string) {
    const Module *module = parse(": w ( -- String ) \"a\\x00b\\xE9\" ;");
    const Node *node = module->definitions->body.first;
    cr_assert_eq(node->string.size, 4);
    cr_expect_arr_eq(node->string.bytes, "a\0b\xE9", 5);
}

Test(parser, tells_both_forms_of_if_apart) {
    static const struct {
        const char *text, *tree;
    } rows[] = {
        {"c [ a ] [ b ] if", " c IF{ a }{ b }"},
        {"c [ a ] # x ]\n\n [ b ]\n if", " c IF{ a }{ b }"},
        {"c [ ] [ ] if d", " c IF{ }{ } d"},
        {"[ x ] [ a ] [ b ] if", " [{ x }] IF{ a }{ b }"},
        {"[ a ] if", " [{ a }] if"}, /* from elsewhere */
        {"[ a ] x [ b ] if", " [{ a }] x [{ b }] if"},
        {"[ ] swap if", " [{ }] swap if"}, /* no `then` comes */
        {"if", " if"},
        {"[ c [ a ] [ b ] if ]", " [{ c IF{ a }{ b } }]"},
        {"[ [ a ] [ b ] if ] [ ] if", " IF{ IF{ a }{ b } }{ }"},
        {"[ a ] [ b ] if [ c ] if", " IF{ a }{ b } [{ c }] if"},
        {"[ a ] [ b ] if [ c ] [ d ] if", " IF{ a }{ b } IF{ c }{ d }"},
        {"match A -> 1 end [ b ] if", " match A{ 1 } [{ b }] if"},
        /* the old form */
        {"c if a then", " c IF{ a }{ }"},
        {"c if a else b then d", " c IF{ a }{ b } d"},
        {"c if then", " c IF{ }{ }"},
        {"c if else then", " c IF{ }{ }"},
        {"c if else b then", " c IF{ }{ b }"},
        {"c if a else then", " c IF{ a }{ }"},
        {"c if d if a else b then else e then", " c IF{ d IF{ a }{ b } }{ e }"},
        {"c if a else d if b else e then then", " c IF{ a }{ d IF{ b }{ e } }"},
        {"c if if if then then then", " c IF{ IF{ IF{ }{ } }{ } }{ }"},
        {"c if a then d if b then", " c IF{ a }{ } d IF{ b }{ }"},
        {"[ c if a then ] x", " [{ c IF{ a }{ } }] x"},
        {"match A -> c if a then B -> b end", " match A{ c IF{ a }{ } } B{ b }"},
        {"c if [ a ] [ b ] if then", " c IF{ IF{ a }{ b } }{ }"},
        {"c if [ a ] else [ b ] if then", " c IF{ [{ a }] }{ [{ b }] if }"}, /* the literals are of two branches */
        {"c if [ a ] then [ b ] if", " c IF{ [{ a }] }{ } [{ b }] if"},
        {"c if [ ] swap if then", " c if [{ }] swap IF{ }{ }"}, /* the nearest */
        {"c if a then if", " c IF{ a }{ } if"},
        {"[ if ] a if b then", " [{ if }] a IF{ b }{ }"}, /* each in its own body */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_str_eq(body_of(rows[i].text), rows[i].tree, "row %zu", i);
        again();
    }
}

Test(parser, reads_matches) {
    static const struct {
        const char *text, *tree;
    } rows[] = {
        {"match A -> end", " match A{ }"},
        {"match Circle { >r } -> r Rect -> area Dot { } -> end x", " match Circle<>r>{ r } Rect{ area } Dot<>{ } x"},
        {"match A { >f >g-h } -> 1 end", " match A<>f>g-h>{ 1 }"},
        {"match A{>f}-> 1 end", " match A<>f>{ 1 }"},
        {"match A -> B C D -> end", " match A{ B C } D{ }"}, /* upper case alone begins no arm */
        {"match A -> match B -> 1 end C -> 2 end", " match A{ match B{ 1 } } C{ 2 }"},
        {"match A -> [ end B ] D -> [ ] end", " match A{ [{ end B }] } D{ [{ }] }"},
        {"[ match A -> 1 end ] call", " [{ match A{ 1 } }] call"},
        {"match A -> A -> end", " match A{ } A{ }"},
        {"end", " end"}, /* a name like any other out here */
        {"match A\n# c\n->\n[ 1 ] [ 2 ] if\nend", " match A{ IF{ 1 }{ 2 } }"},
        {"match \xC3\x89t\xC3\xA9 -> end", " match \xC3\x89t\xC3\xA9{ }"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_str_eq(body_of(rows[i].text), rows[i].tree, "row %zu", i);
        again();
    }
}

Test(parser, gives_spans) {
    const char *text = ": w ( -- ) 1 [ a ] [ b ] if c if d else e then :s match A -> f end [ g ] ;";
    const Module *module = parse(text);
    static const char *const nodes[] = {"1", "if", "c", "if", ":s", "match A -> f end", "[ g ]"};
    const Node *node = module->definitions->body.first;
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++, node = node->next) {
        cr_assert_not_null(node);
        cr_expect_eq(node->span.end - node->span.start, strlen(nodes[i]), "node %zu", i);
        cr_expect_eq(strncmp(text + node->span.start, nodes[i], strlen(nodes[i])), 0, "node %zu", i);
    }
    const Node *combinator = module->definitions->body.first->next, *old = combinator->next->next;
    cr_expect_eq(strncmp(text + combinator->branch->then_body.span.start, "[ a ]", 5), 0);
    cr_expect_eq(strncmp(text + combinator->branch->else_body.span.start, "[ b ]", 5), 0);
    cr_expect_eq(combinator->span.start, strlen(": w ( -- ) 1 [ a ] [ b ] "));
    cr_expect_eq(strncmp(text + old->branch->then_body.span.start, " d ", 3), 0);
    cr_expect_eq(strncmp(text + old->branch->else_body.span.start, " e ", 3), 0);
    cr_expect_eq(module->definitions->whole.start, 0);
    cr_expect_eq(module->definitions->whole.end, strlen(text));
}

/* --- forms --- */

Test(parser, reads_definitions) {
    static const struct {
        const char *text, *tree;
    } rows[] = {
        {"", ""},
        {"#!/usr/bin/env seqc\n: a ( -- ) ;", "a ( -- ){ }\n"},
        {": a ( -- ) ; : b ( Int -- ) drop ;", "a ( -- ){ }\nb ( Int -- ){ drop }\n"},
        {": a dup ;", "a{ dup }\n"}, /* no effect: the checker's affair */
        {": 1+ ( Int -- Int ) 1 + ;", "1+ ( Int -- Int ){ 1 + }\n"},
        {": match ( -- ) ; : if ( -- ) ; : union ( -- ) ;", "match ( -- ){ }\nif ( -- ){ }\nunion ( -- ){ }\n"},
        {":a( -- )b;", "a ( -- ){ b }\n"},
        {": a ( Int\n  -- # two\n  Int ) # three\n dup\n;", "a ( Int -- Int ){ dup }\n"},
        {": a ( -- ) :b :c ;", "a ( -- ){ :b :c }\n"},
        {": a ( -- )\n:b\n: c\n;", "a ( -- ){ :b :c }\n"}, /* symbols may begin lines */
        {": a ( -- ) union include ;\n: b ( -- )\n  union\n ;", "a ( -- ){ union include }\nb ( -- ){ union }\n"},
        {"\xEF\xBB\xBF: a ( -- ) ;\r\n: b ( -- ) ;\r\n", "a ( -- ){ }\nb ( -- ){ }\n"},
        {": \xC3\xA9 ( -- ) \xF0\x9F\x98\x80 ;", "\xC3\xA9 ( -- ){ \xF0\x9F\x98\x80 }\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_str_eq(tree_of(rows[i].text), rows[i].tree, "row %zu", i);
        again();
    }
}

Test(parser, reads_effects) {
    static const struct {
        const char *text, *effect;
    } rows[] = {
        {"( -- )", " --"},
        {"( Int Float -- Bool )", " Int Float -- Bool"},
        {"( ..a T -- ..a T T )", " ..a T -- ..a T T"},
        {"( ..rest_1 -- ..b2 )", " ..rest_1 -- ..b2"},
        {"(Int--Int)", NULL}, /* `Int--Int` is one token */
        {"(Int -- Int)", " Int -- Int"},
        {"( [ -- ] -- )", " [ -- ] --"},
        {"( ..a V [..b T -- ..b U] -- ..a V )", " ..a V [ ..b T -- ..b U ] -- ..a V"},
        {"( [ [ Int -- ] -- [ -- Int ] ] -- )", " [ [ Int -- ] -- [ -- Int ] ] --"},
        {"( -- Closure[Int -- Int] )", " -- Closure[ Int -- Int ]"},
        {"( Closure [ -- ] -- )", " Closure[ -- ] --"},
        {"( Ctx Int -- Ctx Int | Yield Int )", " Ctx Int -- Ctx Int | Int"},
        {"( -- | Yield Int Yield [ -- ] )", " -- | Int [ -- ]"},
        {"( [ Int -- Int | Yield T ] -- )", " [ Int -- Int | T ] --"},
        {"( Shape List_Of V2 -- )", " Shape List_Of V2 --"},
        {"(\n Int # in\n --\n Int # out\n)", " Int -- Int"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const EffectSyntax *effect =
            parser_parse_effect(&fixture.arena, lang_fixture_source(&fixture, rows[i].text), &fixture.diags, false);
        cr_assert_eq(effect != NULL, rows[i].effect != NULL, "row %zu", i);
        cr_expect_eq(fixture.diags.error_count, rows[i].effect ? 0 : 1);
        if (effect) {
            check_effect(effect, fixture.sources[0], 0);
            write_effect(effect);
            cr_expect_str_eq(buffer_text(&out), rows[i].effect, "row %zu", i);
            cr_expect_eq(effect->span.start, 0);
            cr_expect_eq(effect->span.end, strlen(rows[i].text));
        }
        again();
    }
}

Test(parser, takes_any_name_for_a_type_in_tables) {
    static const char *const rows[] = {
        "( ..a ctx b -- ..a ctx b | Yield b )",
        "( ..a [ ..weave_in -- ..weave_out ] -- ..a handle )",
        "( ..a T Q1 Q2 -- ..b )",
        "( ..a V Acc [ ..b Acc T -- ..b Acc ] -- ..a Acc )",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const Source *source = lang_fixture_source(&fixture, rows[i]);
        const EffectSyntax *effect = parser_parse_effect(&fixture.arena, source, &fixture.diags, true);
        cr_expect_not_null(effect, "row %zu", i);
        cr_expect_eq(fixture.diags.error_count, 0);
        again();
    }
    static const char *const bad[] = {"",      "Int",     "( -- ) x",   "( -- ) ( -- )",
                                      "( -- ", "( Int )", "( -- 1 ; )", "( \"a\" -- )"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const Source *source = lang_fixture_source(&fixture, bad[i]);
        cr_expect_null(parser_parse_effect(&fixture.arena, source, &fixture.diags, true), "row %zu", i);
        cr_expect_eq(fixture.diags.error_count, 1, "row %zu", i);
        again();
    }
}

Test(parser, reads_unions) {
    const Module *module = parse("union Shape { Circle { r: Float } Rect { w: Float, h : Float, } Dot Nil { } }\n"
                                 "union A{B{c:A d:Int}}");
    cr_assert_eq(fixture.diags.error_count, 0);
    for (const UnionDef *definition = module->unions; definition; definition = definition->next) {
        buffer_append_text(&out, definition->name.bytes);
        for (const VariantDef *variant = definition->variants; variant; variant = variant->next) {
            buffer_append_format(&out, " %s(", variant->name.bytes);
            for (const Field *field = variant->fields; field; field = field->next)
                buffer_append_format(&out, " %s:%s", field->name.bytes, field->type.bytes);
            buffer_append_text(&out, " )");
        }
        buffer_append_text(&out, "\n");
    }
    cr_expect_str_eq(buffer_text(&out), "Shape Circle( r:Float ) Rect( w:Float h:Float ) Dot( ) Nil( )\n"
                                        "A B( c:A d:Int )\n");
}

Test(parser, reads_includes) {
    const Module *module = parse("include std:json include ffi:libedit\ninclude \"../a/b\"\ninclude std : imath # x\n");
    static const struct {
        IncludeKind kind;
        const char *name, *span;
    } rows[] = {{INCLUDE_STD, "json", "include std:json"},
                {INCLUDE_FFI, "libedit", "include ffi:libedit"},
                {INCLUDE_FILE, "../a/b", "include \"../a/b\""},
                {INCLUDE_STD, "imath", "include std : imath"}};
    const Include *include = module->includes;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++, include = include->next) {
        cr_assert_not_null(include);
        cr_expect_eq(include->kind, rows[i].kind);
        cr_expect_str_eq(include->name.bytes, rows[i].name);
        cr_expect_eq(strncmp(module->source->text + include->span.start, rows[i].span, strlen(rows[i].span)), 0);
        cr_expect_eq(include->span.end - include->span.start, strlen(rows[i].span));
    }
    cr_expect_null(include);
    cr_expect_eq(fixture.diags.error_count, 0);
}

Test(parser, keeps_the_comments_directly_above) {
    static const struct {
        const char *text, *help;
    } rows[] = {
        {"# one\n#two\n#   three  \r\n: w ( -- ) ;", "one\ntwo\n  three"},
        {"# one\n\n: w ( -- ) ;", NULL},
        {"# one\n\n# two\n: w ( -- ) ;", "two"},
        {"#!/usr/bin/env seqc\n: w ( -- ) ;", NULL},
        {"#!/usr/bin/env seqc\n# one\n: w ( -- ) ;", "one"},
        {"\xEF\xBB\xBF# one\n: w ( -- ) ;", "one"},
        {"  # one\n  : w ( -- ) ;", "one"},
        {"include std:a # trailing\n: w ( -- ) ;", NULL},
        {"include std:a # trailing\n# one\n: w ( -- ) ;", "one"},
        {"# one\n# seq:allow(x)\n# two\n: w ( -- ) ;", "one\ntwo"},
        {"# seq:allow(x)\n: w ( -- ) ;", NULL},
        {"#\n#\n: w ( -- ) ;", NULL},
        {"# a\n#\n# b\n: w ( -- ) ;", "a\n\nb"},
        {": w ( -- ) ;", NULL},
        {"# one\ninclude std:a : w ( -- ) ;", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *help = parse(rows[i].text)->definitions->help;
        cr_assert_eq(help != NULL, rows[i].help != NULL, "row %zu", i);
        if (help)
            cr_expect_str_eq(help, rows[i].help, "row %zu", i);
        cr_expect_eq(fixture.diags.error_count, 0);
        again();
    }
}

Test(parser, hands_permissions_to_the_next_definition) {
    const Module *module = parse("# seq:allow(a)\n\n# other\n#seq:allow( b ) because\nunion U { V }\n# seq:allow(c)\n"
                                 ": w ( -- ) # seq:allow(inside)\n ;\n"
                                 ": x ( -- ) ; # seq:allow(d)\n"
                                 "# seq:allow()\n# seq:allow(e\n# noseq:allow(f)\n"
                                 ": y ( -- ) ;\n");
    static const char *const expected[] = {"abc", "", "d"};
    const Definition *definition = module->definitions;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++, definition = definition->next) {
        char ids[32] = "";
        for (const struct LintPermission *permission = definition->permissions; permission;
             permission = permission->next)
            strcat(ids, permission->id);
        cr_expect_str_eq(ids, expected[i], "definition %zu", i);
    }
}

/* --- errors --- */

/*
 * Each row is one mistake: exactly one message, at `place` (the last one in
 * the text), and whatever stands on the next line is read as if nothing had
 * been wrong.
 */
static const struct {
    const char *text, *code, *message, *place;
} mistakes[] = {
    /* strings */
    {": w ( -- ) \"a\\qb\" ;", "unknown-escape", "Unknown escape sequence '\\q'", "\\q"},
    {": w ( -- ) \"a\\x4\" ;", "invalid-escape", "Incomplete hex escape", "\\x4"},
    {": w ( -- ) \"a\\xzz\" ;", "invalid-escape", "Invalid hex digits", "\\xzz"},
    /* symbols */
    {": w ( -- ) : ;", "invalid-symbol", "Symbol name cannot be empty", ": ;"},
    {": w ( -- ) :\"a\" ;", "invalid-symbol", "Symbol name cannot be empty", ":\"a"},
    {": w ( -- ) :9a ;", "invalid-symbol", "cannot start with a digit: ':9a'", ":9a"},
    {": w ( -- ) :a/b ;", "invalid-symbol", "':a/b' contains invalid character '/'", ":a/b"},
    /* numbers */
    {": w ( -- ) 0xZZ ;", "invalid-number", "Invalid hex literal: 0xZZ", "0xZZ"},
    {": w ( -- ) 0x ;", "invalid-number", "Invalid hex literal: 0x", "0x"},
    {": w ( -- ) 0x1.8 ;", "invalid-number", "Invalid hex literal: 0x1.8", "0x1.8"},
    {": w ( -- ) 0x8000000000000000 ;", "invalid-number", "Invalid hex literal", "0x8"},
    {": w ( -- ) 0x-8000000000000001 ;", "invalid-number", "Invalid hex literal", "0x-8"},
    {": w ( -- ) 0X1_0 ;", "invalid-number", "Invalid hex literal: 0X1_0", "0X1"},
    {": w ( -- ) 0b2 ;", "invalid-number", "Invalid binary literal: 0b2", "0b2"},
    {": w ( -- ) 0b ;", "invalid-number", "Invalid binary literal: 0b", "0b"},
    /* top level */
    {"foo", "expected-definition", "Expected ':' to start word definition, got 'foo'", "foo"},
    {"foo bar [ ] ( x ) \"s\"", "expected-definition", "got 'foo'", "foo"},
    {"\"s\"", "expected-definition", "got '\"s\"'", "\"s\""},
    {": w ( -- ) ; ;", "expected-definition", "got ';'", ";"},
    {"foo : w ( -- ) ;", "expected-definition", "got 'foo'", "foo"},
    {"\x1b[2J", "expected-definition", "got '\\u{1b}'", "\x1b"},
    /* words */
    {": ;", "missing-name", "Expected a word name after ':', got ';'", ": ;"},
    {": ( Int -- ) ;", "missing-name", "Expected a word name after ':', got '('", ": ("},
    {": \"a\" ( Int -- ) ;", "missing-name", "got '\"a\"'", ": \""},
    {": w ( -- ) 1", "missing-semicolon", "Unexpected ':' in word 'w' - missing ';'", "w"},
    {": w\n( -- ) ;", "misplaced-effect", "The stack effect of word 'w' must start on the line of its name", "("},
    {": w ( -- ) ( Int ) ;", "misplaced-effect", "'(' in the body of word 'w': no stack effect can stand here",
     "( Int"},
    {": w ( -- ) ] ;", "unmatched-bracket", "Undefined word ']' called in word 'w'", "]"},
    {": w ( -- ) ) ;", "unmatched-bracket", "Undefined word ')' called in word 'w'", ") ;"},
    {": w ( -- ) { ;", "unmatched-bracket", "Undefined word '{'", "{"},
    {": w ( -- ) } ;", "unmatched-bracket", "Undefined word '}'", "}"},
    {": w ( -- ) [ 1 , ] ;", "unmatched-bracket", "Undefined word ','", ","},
    /* includes */
    {"include", "invalid-include", "Invalid include syntax: got ':'", "include"},
    {"include foo", "invalid-include", "Invalid include syntax: got 'foo'", "include"},
    {"include foo:bar", "invalid-include", "Invalid include syntax: got 'foo'", "include"},
    {"include std", "invalid-include", "Expected ':' after 'std'", "std"},
    {"include foo/bar,baz : w ( -- ) ;", "invalid-include", "Invalid include syntax: got 'foo/bar'", "include"},
    {"include foo\ninclude std:json", "invalid-include", "Invalid include syntax: got 'foo'", "include foo"},
    {"include std:, x", "invalid-include", "Expected a module name after 'std:'", "std"},
    {"include std json", "invalid-include", "Expected ':' after 'std'", "std"},
    {"include ffi", "invalid-include", "Expected ':' after 'ffi'", "ffi"},
    {"include std:", "invalid-include", "Expected a module name after 'std:'", "std"},
    {"include \"\"", "invalid-include-path", "Include path cannot be empty", "\"\""},
    {"include \"/etc/passwd\"", "invalid-include-path", "Include path must be relative, not absolute", "\"/etc"},
    {"include \"a\\x00b\"", "invalid-include-path", "Include path cannot contain a NUL byte", "\"a"},
    {"include \"a\\q\"", "unknown-escape", "Unknown escape sequence '\\q'", "\\q"},
    /* unions */
    {"union", "invalid-union", "Expected a union name after 'union', got ':'", "union"},
    {"union { A }", "invalid-union", "Expected a union name after 'union', got '{'", "union"},
    {"union shape { A }", "invalid-union", "Union name 'shape' must start with an uppercase letter", "shape"},
    {"union Shape A", "invalid-union", "Expected '{' after union name 'Shape', got 'A'", "Shape"},
    {"union Shape", "invalid-union", "Expected '{' after union name 'Shape', got ':'", "Shape"},
    {"union Shape { }", "empty-union", "Union 'Shape' must have at least one variant", "Shape"},
    {"union Shape { A, B }", "invalid-union", "Variant name ',' must start with an uppercase letter", ","},
    {"union Shape { a }", "invalid-union", "Variant name 'a' must start with an uppercase letter", "a }"},
    {"union Shape { a { x: Int } }", "invalid-union", "Variant name 'a' must start with an uppercase letter", "a {"},
    {"union Shape { a: Int b: Int }", "invalid-union", "Variant name 'a' must start with", "a:"},
    {"union Shape { X: Int Y: Int }", "invalid-union", "Expected '{' around the fields", "X:"},
    {"union Shape { [ ] }", "invalid-union", "Variant name '[' must start with", "["},
    {"union Shape { A B A }", "duplicate-variant", "Duplicate variant 'A' in union 'Shape'", "A }"},
    {"union Shape { A { x: Int x: Int } }", "duplicate-field", "Duplicate field 'x' in variant 'A'", "x: Int }"},
    {"union Shape { A { x Int } B }", "invalid-field", "Expected ':' after field name 'x', got 'Int'", "x Int"},
    {"union Shape { A { x } B }", "invalid-field", "Expected ':' after field name 'x', got '}'", "x }"},
    {"union Shape { A { : Int } }", "invalid-field", "Expected a field name in variant 'A', got ':'", ": Int"},
    {"union Shape { A { x: } }", "invalid-field", "Expected a type for field 'x', got '}'", "} }"},
    {"union Shape { A { x: [ Int -- ] } B }", "invalid-field", "Expected a type for field 'x', got '['", "["},
    {"union Shape { A { a: Int b: Int c: Int d: Int e: Int f: Int g: Int h: Int i: Int j: Int k: Int l: Int m: Int } }",
     "too-many-fields", "Variant 'A' has 13 fields, but the maximum is 12", "A"},
    {"union Shape { A", "invalid-union", "Unexpected ':' in union 'Shape' - missing '}'", "Shape"},
    {"union Shape { A { x: Int", "invalid-union", "Unexpected ':' in union 'Shape' - missing '}'", "Shape"},
    /* effects */
    {": w ( Int Int ) dup ;", "invalid-effect", "Expected '--' in stack effect, got ')'", ") dup"},
    {": w ( ) ;", "invalid-effect", "Expected '--' in stack effect, got ')'", ")"},
    {": w ( Int -- Int -- Int ) ;", "invalid-effect", "Expected ')' in stack effect, got '--'", "-- Int )"},
    {": w ( Int -- ;", "invalid-effect", "Expected ')' in stack effect, got ';'", ";"},
    {": w ( Int ;", "invalid-effect", "Expected '--' in stack effect, got ';'", ";"},
    {": w ( Int -- ] ) ;", "invalid-effect", "Expected ')' in stack effect, got ']'", "]"},
    {": w ( [ Int ] -- ) ;", "invalid-quotation-type", "Expected '--' in quotation type, got ']'", "] --"},
    {": w ( [ Int -- Int ) ;", "invalid-quotation-type", "Expected ']' in quotation type, got ')'", ")"},
    {": w ( [ Int -- Int ;", "invalid-quotation-type", "Expected ']' in quotation type, got ';'", ";"},
    {": w ( -- Closure ) ;", "invalid-type", "Expected '[' after 'Closure'", "Closure"},
    {": w ( Closure Int -- ) ;", "invalid-type", "Expected '[' after 'Closure'", "Closure"},
    {": w ( Quotation -- ) ;", "invalid-type", "'Quotation' is not a valid type", "Quotation"},
    {": w ( int -- Int ) ;", "unknown-type", "Unknown type: 'int'", "int"},
    {": w ( a b -- c ) ;", "unknown-type", "Unknown type: 'a'", "a b"},
    {": w ( 3 -- ) ;", "unknown-type", "Unknown type: '3'", "3"},
    {": w ( -- * ) ;", "unknown-type", "Unknown type: '*'", "*"},
    {": w ( Int -- Int dup * ;", "unknown-type", "Unknown type: 'dup'", "dup"},
    {": w ( \"Int\" -- ) ;", "invalid-type", "Invalid type: '\"Int\"'", "\"Int"},
    {": w ( Int, Int -- ) ;", "invalid-type", "Invalid type: ','", ","},
    {": w ( { } -- ) ;", "invalid-type", "Invalid type: '{'", "{"},
    {": w ( .. -- ) ;", "invalid-row", "Row variable needs a name after '..'", ".."},
    {": w ( ..A -- ) ;", "invalid-row", "Row variable '..A' must start with a lowercase letter", "..A"},
    {": w ( ..1 -- ) ;", "invalid-row", "Row variable '..1' must start with a lowercase letter", "..1"},
    {": w ( ..a-b -- ) ;", "invalid-row", "Row variable '..a-b' contains invalid character '-'", "..a-b"},
    {": w ( ..Int -- ) ;", "invalid-row", "Row variable '..Int' cannot have the name of a type", "..Int"},
    {": w ( Int ..a -- ) ;", "invalid-row", "Row variable '..a' must be the first item of its side", "..a"},
    {": w ( ..a ..b -- ) ;", "invalid-row", "Row variable '..b' must be the first item", "..b"},
    {": w ( -- | ) ;", "invalid-yield", "Expected an effect after '|'", "|"},
    {": w ( -- | Foo ) ;", "invalid-yield", "Unknown effect 'Foo'", "Foo"},
    {": w ( -- | Yield ) ;", "invalid-yield", "'Yield' must be followed by a type", "Yield"},
    {": w ( -- | Yield Int Foo ) ;", "invalid-yield", "Unknown effect 'Foo'", "Foo"},
    /* quotations and matches */
    {": w ( -- ) [ 1 ;", "unclosed-quotation", "Unexpected ';' in quotation - missing ']'", "["},
    {": w ( -- ) [ [ 1 ] ;", "unclosed-quotation", "Unexpected ';' in quotation - missing ']'", "[ ["},
    {": w ( -- ) [ 1", "unclosed-quotation", "Unexpected ':' in quotation - missing ']'", "["},
    {": w ( -- ) match end ;", "empty-match", "Match must have at least one arm", "match"},
    {": w ( -- ) match A -> ;", "unclosed-match", "Unexpected ';' in match expression - missing 'end'", "match"},
    {": w ( -- ) match A -> 1", "unclosed-match", "Unexpected ':' in match expression - missing 'end'", "match"},
    {": w ( -- ) [ match A -> ] ;", "unclosed-match", "Unexpected ']' in match expression", "match"},
    {": w ( -- ) match A 1 end ;", "missing-arrow", "Expected '->' after pattern 'A', got '1'", "1"},
    {": w ( -- ) match A end ;", "missing-arrow", "Expected '->' after pattern 'A', got 'end'", "end"},
    {": w ( -- ) match A { >x } 1 end ;", "missing-arrow", "Expected '->' after pattern 'A', got '1'", "1"},
    {": w ( -- ) match _ -> 1 end ;", "invalid-pattern", "Expected a variant name in match, got '_'", "_"},
    {": w ( -- ) match 1 -> 1 end ;", "invalid-pattern", "Expected a variant name in match, got '1'", "1 ->"},
    {": w ( -- ) match A { f } -> 1 end ;", "invalid-binding",
     "Match bindings must use '>' prefix to indicate stack extraction. Use '>f' instead of 'f' in pattern for 'A'",
     "f }"},
    {": w ( -- ) match A { >f, >g } -> 1 end ;", "invalid-binding", "Unexpected ',' in pattern for 'A'", ","},
    {": w ( -- ) match A { > f } -> 1 end ;", "invalid-binding", "Expected the name of a field directly after '>'",
     "> f"},
    {": w ( -- ) match A { >f -> 1 end ;", "invalid-binding", "Expected '}' to end the bindings of 'A', got '->'",
     "->"},
    /* old keywords */
    {": w ( -- ) 1 else 2 ;", "old-keyword", "'else' is no longer a parser keyword", "else"},
    {": w ( -- ) 1 then ;", "old-keyword", "'then' is no longer a parser keyword", "then"},
    {": w ( -- ) [ 1 ] if then ;", "old-keyword", "'then' is no longer a parser keyword", "then"},
    {": w ( -- ) if [ else ] then ;", "old-keyword", "'else' is no longer a parser keyword", "else"},
    {": w ( -- ) c if a else b else d then ;", "old-keyword", "its 'if' already has one", "else d"},
    {": w ( -- ) c if a else b ;", "old-keyword", "no 'then' closes it", "else"},
};

/* Checks the only message of a text. */
static void check_mistake(size_t row, const char *text) {
    cr_assert_eq(fixture.diags.error_count, 1, "row %zu: %s: %u errors%s%s", row, text, fixture.diags.error_count,
                 fixture.diags.first ? ", the last: " : "", fixture.diags.last ? fixture.diags.last->message : "");
    const Diag *diag = fixture.diags.first;
    cr_expect_str_eq(diag->code, mistakes[row].code, "row %zu", row);
    cr_expect(strstr(diag->message, mistakes[row].message), "row %zu: %s", row, diag->message);

    const char *place = NULL;
    for (const char *at = mistakes[row].text; (at = strstr(at, mistakes[row].place)); at++)
        place = at;
    cr_assert_not_null(place, "row %zu", row);
    cr_expect_eq(diag->span.start, (uint32_t)(place - mistakes[row].text), "row %zu: at %u", row, diag->span.start);
}

static const Definition *find_definition(const Module *module, const char *name) {
    for (const Definition *definition = module->definitions; definition; definition = definition->next)
        if (strcmp(definition->name.bytes, name) == 0)
            return definition;
    return NULL;
}

Test(parser, says_each_mistake_once_and_reads_on) {
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        char text[400];
        snprintf(text, sizeof text, "%s\n: after ( Int -- ) dup drop ;\nunion After { Ok }\n", mistakes[i].text);
        const Module *module = parse(text);
        check_mistake(i, text);
        const Definition *after = find_definition(module, "after"), *wrong = find_definition(module, "w");
        cr_assert_not_null(after, "row %zu: the next definition is found", i);
        cr_expect_not(after->has_errors, "row %zu", i);
        write_definition(after);
        cr_expect_str_eq(buffer_text(&out), "after ( Int -- ){ dup drop }\n", "row %zu", i);
        cr_expect_str_eq(module->unions_last->name.bytes, "After", "row %zu", i);
        if (wrong)
            cr_expect_eq(wrong->has_errors,
                         fixture.diags.first->span.start >= wrong->whole.start &&
                             fixture.diags.first->span.start < wrong->whole.end,
                         "row %zu", i);
        again();
    }
}

Test(parser, says_what_the_end_of_the_file_cuts_off) {
    static const struct {
        const char *text, *code, *message;
        uint32_t at;
    } rows[] = {
        {": w ( -- ) 1", "missing-semicolon", "Unexpected end of file in word 'w'", 2},
        {": w", "missing-semicolon", "Unexpected end of file in word 'w'", 2},
        {":", "missing-name", "Expected a word name after ':', got end of file", 0},
        {": w ( -- ) [ 1", "unclosed-quotation", "Unexpected end of file in quotation", 11},
        {": w ( -- ) [ [ ] 1", "unclosed-quotation", "Unexpected end of file in quotation", 11},
        {": w ( -- ) match", "unclosed-match", "Unexpected end of file in match", 11},
        {": w ( -- ) match A", "unclosed-match", "Unexpected end of file in match", 11},
        {": w ( -- ) match A {", "unclosed-match", "Unexpected end of file in match", 11},
        {": w ( -- ) match A { >x", "unclosed-match", "Unexpected end of file in match", 11},
        {": w ( -- ) match A -> 1", "unclosed-match", "Unexpected end of file in match", 11},
        {": w (", "invalid-effect", "Unexpected end of file in stack effect - expected '--' or ')'", 4},
        {": w ( Int", "invalid-effect", "Unexpected end of file in stack effect - expected '--' or ')'", 4},
        {": w ( Int --", "invalid-effect", "Unexpected end of file in stack effect - expected ')'", 4},
        {": w ( [ Int", "invalid-quotation-type", "Unexpected end of file in quotation type - expected '--' or ']'", 6},
        {": w ( [ Int --", "invalid-quotation-type", "Unexpected end of file in quotation type - expected ']'", 6},
        {"union", "invalid-union", "Expected a union name after 'union', got end of file", 0},
        {"union A", "invalid-union", "Expected '{' after union name 'A', got end of file", 6},
        {"union A {", "invalid-union", "Unexpected end of file in union 'A'", 6},
        {"union A { B", "invalid-union", "Unexpected end of file in union 'A'", 6},
        {"union A { B {", "invalid-union", "Unexpected end of file in union 'A'", 6},
        {"union A { B { x: Int", "invalid-union", "Unexpected end of file in union 'A'", 6},
        {"include", "invalid-include", "Invalid include syntax: got end of file", 0},
        {"include std", "invalid-include", "Expected ':' after 'std'", 8},
        {"include std:", "invalid-include", "Expected a module name after 'std:'", 8},
        /* an unclosed string leaves the rest unknown: nothing is said about that */
        {": w ( -- ) [ match A -> \"x ] ;", "unclosed-string", "Unclosed string literal at line 1, column 25", 24},
        {": w ( \"", "unclosed-string", "Unclosed string literal", 6},
        {": w ( [ \"", "unclosed-string", "Unclosed string literal", 8},
        {": w ( -- | \"", "unclosed-string", "Unclosed string literal", 11},
        {": w ( -- ) c if a else \"", "unclosed-string", "Unclosed string literal", 23},
        {": w ( -- ) : \"", "unclosed-string", "Unclosed string literal", 13},
        {": \"", "unclosed-string", "Unclosed string literal", 2},
        {": w ( -- | Yield \"", "unclosed-string", "Unclosed string literal", 17},
        {"union A \"", "unclosed-string", "Unclosed string literal", 8},
        {"union A { B { x \"", "unclosed-string", "Unclosed string literal", 16},
        {"union A { B { x : \"", "unclosed-string", "Unclosed string literal", 18},
        {"union A { B { \"", "unclosed-string", "Unclosed string literal", 14},
        {"union \"", "unclosed-string", "Unclosed string literal", 6},
        {"include \"", "unclosed-string", "Unclosed string literal", 8},
        {"include std \"", "unclosed-string", "Unclosed string literal", 12},
        {"include std:\"", "unclosed-string", "Unclosed string literal", 12},
        {"\"", "unclosed-string", "Unclosed string literal", 0},
        {": w ( -- ) match A \"", "unclosed-string", "Unclosed string literal", 19},
        {": w ( -- ) match A { \"", "unclosed-string", "Unclosed string literal", 21},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        parse(rows[i].text);
        cr_assert_eq(fixture.diags.error_count, 1, "row %zu: %s: %u errors", i, rows[i].text,
                     fixture.diags.error_count);
        cr_expect_str_eq(fixture.diags.first->code, rows[i].code, "row %zu", i);
        cr_expect(strstr(fixture.diags.first->message, rows[i].message), "row %zu: %s", i,
                  fixture.diags.first->message);
        cr_expect_eq(fixture.diags.first->span.start, rows[i].at, "row %zu: at %u", i, fixture.diags.first->span.start);
        again();
    }
}

Test(parser, gives_advice) {
    static const struct {
        const char *text, *hint;
    } rows[] = {
        {": w ( int -- ) ;", "Did you mean 'Int'?"},
        {": w ( string -- ) ;", "Did you mean 'String'?"},
        {": w ( bol -- ) ;", "Did you mean 'Bool'?"},
        {": w ( count -- ) ;", "Types are Int, Float"},
        {": w ( Int -- Int dup ;", "is the ')' of the stack effect missing"},
        {": w ( Quotation -- ) ;", "[ -- ]"},
        {": w ( -- ) else ;", "cond [ then-body ] [ else-body ] if, with [ ] for an absent else"},
        {"union A { B { a: Int b: Int c: Int d: Int e: Int f: Int g: Int h: Int i: Int j: Int k: Int l: Int m: Int } }",
         "Group"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        parse(rows[i].text);
        cr_assert_eq(fixture.diags.error_count, 1, "row %zu", i);
        cr_assert_not_null(fixture.diags.first->hint, "row %zu", i);
        cr_expect(strstr(fixture.diags.first->hint, rows[i].hint), "row %zu: %s", i, fixture.diags.first->hint);
        again();
    }
}

Test(parser, says_many_mistakes_at_once) {
    parse("foo\n: a ( Int ) ;\n: b ( int -- ) 0xZ :9 ;\n: c ( -- ) [ ;\nunion d { }\n: e ( -- ) match end\ninclude "
          "\"\"\n: f ( -- ) 1 ;");
    static const char *const codes[] = {"expected-definition", "invalid-effect",     "unknown-type",  "invalid-number",
                                        "invalid-symbol",      "unclosed-quotation", "invalid-union", "empty-union",
                                        "empty-match",         "missing-semicolon"};
    diag_list_sort(&fixture.diags);
    const Diag *diag = fixture.diags.first;
    size_t found = 0;
    for (; diag; diag = diag->next)
        for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
            found += strcmp(diag->code, codes[i]) == 0;
    cr_expect_geq(found, sizeof codes / sizeof *codes - 1, "%zu of them", found);
}

/* --- limits --- */

/* `count` times `unit`, between `head` and `tail`. */
static const Source *repeated(const char *head, const char *unit, size_t unit_count, const char *middle,
                              const char *closing, size_t closing_count, const char *tail) {
    Buffer text;
    buffer_init(&text, &fixture.mem);
    buffer_append_text(&text, head);
    for (size_t i = 0; i < unit_count; i++)
        buffer_append_text(&text, unit);
    buffer_append_text(&text, middle);
    for (size_t i = 0; i < closing_count; i++)
        buffer_append_text(&text, closing);
    buffer_append_text(&text, tail);
    cr_assert_not(text.failed);
    const Source *source = lang_fixture_source_of_size(&fixture, "deep.seq", text.bytes, text.size);
    buffer_deinit(&text);
    return source;
}

Test(parser, allows_nesting_up_to_the_limit) {
    static const struct {
        const char *head, *unit, *middle, *closing, *tail;
        int limit; /* the last count that is fine */
    } rows[] = {
        {": w ( -- ) ", "[ ", "1 ", "] ", ";", NESTING_MAX},
        {": w ( -- ) ", "match A -> ", "1 ", "end ", ";", NESTING_MAX},
        {": w ( -- ) ", "c if ", "1 ", "then ", ";", NESTING_MAX},
        {": w ( -- ) ", "c if 1 else ", "1 ", "then ", ";", NESTING_MAX},
        {": w ( -- ) [ ", "c if ", "1 ", "then ", "] ;", NESTING_MAX - 1},
        {": w ( -- ) c if ", "[ ", "1 ", "] ", "then ;", NESTING_MAX - 1},
        {": w ( -- ) ", "[ c if ", "1 ", "then ] ", ";", NESTING_MAX / 2},
        {": w ( -- ) ", "[ ", "1 ", "] [ ] if ", ";", NESTING_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int more = 0; more < 2; more++) {
            size_t count = (size_t)(rows[i].limit + more);
            parse_source(
                repeated(rows[i].head, rows[i].unit, count, rows[i].middle, rows[i].closing, count, rows[i].tail));
            cr_assert_eq(fixture.diags.error_count, (uint32_t)more, "row %zu: %zu levels: %u errors", i, count,
                         fixture.diags.error_count);
            if (more) {
                cr_expect_str_eq(fixture.diags.first->code, "too-deep");
                cr_expect(strstr(fixture.diags.first->message, "too deep"));
            }
            again();
        }
    }
}

Test(parser, counts_no_nesting_where_there_is_none) {
    parse_source(repeated(": w ( -- ) ", "[ ] swap if ", 5000, "", "c if 1 then ", 5000, ";"));
    cr_expect_eq(fixture.diags.error_count, 0);
}

Test(parser, allows_types_inside_each_other_up_to_the_limit) {
    for (size_t count = TYPE_NESTING_MAX; count <= TYPE_NESTING_MAX + 1; count++) {
        uint32_t errors = count > TYPE_NESTING_MAX;
        parse_source(repeated(": w ( ", "[ ", count, "-- ] ", "-- ] ", count - 1, "-- ) ;"));
        cr_assert_eq(fixture.diags.error_count, errors);
        if (errors)
            cr_expect_str_eq(fixture.diags.first->code, "too-deep");
        again();
        parse_source(repeated(": w ( -- ", "Closure[ -- ", count, "", "] ", count, ") ;"));
        cr_assert_eq(fixture.diags.error_count, errors);
        again();
    }
}

/* Deeper than any stack: no crash, a clear message, and in time. */
Test(parser, survives_nesting_a_million_deep, .timeout = 60) {
    static const struct {
        const char *head, *unit, *closing;
        bool is_fine;
    } rows[] = {
        {": w ( -- ) ", "[", "]", false},
        {": w ( -- ) ", "[\n", "", false},
        {": w ( -- ) ", "match A -> ", "end ", false},
        {": w ( -- ) ", "match A { ", "", false},
        {": w ( -- ) ", "c if ", "then ", false},
        {": w ( -- ) ", "[ match A -> c if ", "", false},
        {": w ( ", "[", "]", false},
        {": w ( ", "Closure[", "]", false},
        {": w ", "(", ")", false},
        {": w ( -- ) ", "(", ")", false},
        {": w ( -- ) ", "]", "", false},
        {"union A { ", "{ ", "} ", false},
        {"", "[", "]", false},
        {"", ":", "", false},
        {": w ( -- ) ", ":", "", false},
        {"", "( ", "", false},
        {"", ": w ( x\n", "", false},
        {"", ": w ( -- ) [\n", "", false},
        {"", ": w\n", "", true}, /* symbols */
        {"", "union A {\n", "", false},
        {"", "include std\n", "", false},
        {": w ( -- ) ", "\n:a", "", true},
        {": w ( -- )", "\n: a", "", true},
        {": w ( -- ) match A -> ", "B ", "", false},
        {"", "# seq:allow(x)\n", "", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t unit_count = i == 0 ? 1000000 : 300000 / strlen(rows[i].unit);
        parse_source(repeated(rows[i].head, rows[i].unit, unit_count, " ", rows[i].closing, unit_count, " ;"));
        cr_assert_eq(fixture.diags.error_count == 0, rows[i].is_fine, "row %zu", i);
        again();
    }
}

Test(parser, survives_a_line_of_a_megabyte, .timeout = 60) {
    static const struct {
        const char *head, *unit, *tail;
        uint32_t errors;
    } rows[] = {
        {": w ( -- ) ", "dup ", ";", 0},  {": w ( -- ) \"", "a", "\" ;", 0}, {": w ( -- ) \"", "\\n", "\" ;", 0},
        {": w ( -- ) ", "a", " ;", 1}, /* name too long */
        {": w ( -- ) 0.", "1", " ;", 0},  {": w ( -- ) 1e", "1", " ;", 0},   {": w ( -- ) :", "a", " ;", 1},
        {": ", "a", " ( -- ) ;", 1},      {": w ( ", "A", " -- ) ;", 1},     {": w ( ..", "a", " -- ) ;", 1},
        {": w ( ", "Int ", " -- ) ;", 0}, {": w ( -- ) 0x", "1", " ;", 1},   {": w ( -- ) match ", "A", " -> end ;", 1},
        {"union A { ", "B", " }", 1},     {"include std:", "a", "", 1},      {"include \"", "a", "\"", 1},
        {"#", " ", "\n: w ( -- ) ;", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        parse_source(repeated(rows[i].head, rows[i].unit, 1000000, "", "", 0, rows[i].tail));
        cr_assert_eq(fixture.diags.error_count, rows[i].errors, "row %zu: %u errors", i, fixture.diags.error_count);
        diag_list_print(&out, &fixture.diags, false);
        cr_expect_lt(out.size, 2000, "row %zu: what is printed stays short", i);
        again();
    }
}

Test(parser, allows_names_up_to_the_limit) {
    for (size_t more = 0; more < 2; more++) {
        const Module *module = parse_source(repeated(": ", "a", NAME_SIZE_MAX + more, "", "", 0, " ( -- ) ;"));
        cr_expect_eq(fixture.diags.error_count, more);
        if (more)
            cr_expect_str_eq(fixture.diags.first->code, "name-too-long");
        else
            cr_expect_eq(module->definitions->name.size, NAME_SIZE_MAX);
        again();
    }
}

/* --- anything at all --- */

static const char sample[] =
    "#!/usr/bin/env seqc\n"
    "# Doc of the shape.\n"
    "include std:json include \"lib/util\"\n"
    "union Shape { Circle { r: Float } Rect { w: Float, h: Float, } Dot }\n"
    "# seq:allow(prefer-nip)\n"
    "# Area.\n"
    ": area ( ..a Shape [ ..b T -- ..b | Yield T ] Closure[ Int -- Int ] -- ..a Float | Yield Int ) # c\n"
    "  match\n    Circle { >r } -> dup f.* 3.14 f.*\n    Rect -> f.* \"\\x41\\n\\\"\" drop\n    Dot { } -> 0.0\n  end\n"
    "  0x1F 0b101 -5 true :ok [ [ 1 ] [ 2 ] if ] call\n"
    "  dup 0 i.= if drop 1 else 1 i.- if 2 then then ;\n"
    ": main ( -- Int ) \xC3\xA9t\xC3\xA9 [ ] swap if ;\n";

Test(parser, reads_the_sample) {
    parse(sample);
    cr_expect_eq(fixture.diags.error_count, 0, "%s", fixture.diags.first ? fixture.diags.first->message : "");
}

Test(parser, survives_every_start_of_a_program) {
    for (size_t size = 0; size < sizeof sample; size++) {
        Source source = {.name = "cut", .text = memcpy(calloc(1, size + 1), sample, size), .size = size};
        parse_source(&source);
        free((char *)source.text);
        again();
    }
}

Test(parser, survives_programs_with_pieces_changed, .timeout = 60) {
    static const char *const pieces[] = {
        "[",  "]",    "(",    ")",   "{",       "}",      ":",       ";",      "\n",       " ",
        "\"", "\\",   "#",    "if ", " then ",  " else ", " match ", " end ",  " -> ",     "--",
        "|",  "\xFF", "\xC3", "A",   " Yield ", "..",     "\n: x (", "union ", "include ", ","};
    uint64_t state = 3;
    for (int round = 0; round < 4000; round++) {
        char text[2 * sizeof sample];
        size_t size = sizeof sample - 1;
        memcpy(text, sample, size);
        for (uint32_t count = 1 + lang_fixture_random(&state) % 5; count > 0; count--) {
            size_t at = lang_fixture_random(&state) % size, gone = lang_fixture_random(&state) % 8;
            const char *piece = pieces[lang_fixture_random(&state) % (sizeof pieces / sizeof *pieces)];
            if (gone > size - at)
                gone = size - at;
            memmove(text + at + strlen(piece), text + at + gone, size - at - gone);
            memcpy(text + at, piece, strlen(piece));
            size = size - gone + strlen(piece);
        }
        Source source = {.name = "changed", .text = memcpy(calloc(1, size + 1), text, size), .size = size};
        parse_source(&source);
        diag_list_print(&out, &fixture.diags, false);
        free((char *)source.text);
        again();
    }
}

Test(parser, survives_refused_memory) {
    for (uint64_t refuse = 1;; refuse++) {
        for (int for_ever = 0; for_ever < 2; for_ever++) {
            const Source *source = lang_fixture_source(&fixture, sample);
            fixture.refusing.first = fixture.refusing.asked + refuse;
            fixture.refusing.for_ever = for_ever;
            const Module *module = parser_parse(&fixture.arena, source, &fixture.diags);
            bool was_refused = fixture.refusing.refused > 0;
            refusing_stop(&fixture.refusing);
            cr_assert_not_null(module);
            if (was_refused)
                cr_expect(fixture.arena.failed, "refusal %" PRIu64 " went unseen", refuse);
            if (!was_refused)
                return;
            again();
        }
    }
}
