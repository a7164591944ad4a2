/* SPDX-License-Identifier: MIT */
/*
 * Parser: tokens to tree. It never stops at the first error: it reports,
 * goes on at the next thing that looks like a top-level form, and marks the
 * definitions in which something was wrong (`has_errors`).
 *
 * The codes of its errors (those of lexer.h come on top):
 *
 *   expected-definition      something else at top level
 *   missing-name             `:` without a name
 *   missing-semicolon        the next definition, or the end of the file, inside a body
 *   name-too-long            a name of more than NAME_SIZE_MAX bytes
 *   misplaced-effect         `(` in a body, or on a line below the name
 *   unmatched-bracket        `]`, `)`, `}`, `{` or `,` in a body
 *   invalid-number           `0x` or `0b` without a number behind it
 *   invalid-symbol           `:` without a name, or with one that cannot be
 *   unclosed-quotation       `[` without `]`
 *   too-deep                 more than NESTING_MAX levels, or TYPE_NESTING_MAX in types
 *   old-keyword              `else` or `then` without an `if` of the old form
 *   unclosed-match           `match` without `end`
 *   empty-match              a match without an arm
 *   invalid-pattern          an arm that does not begin with a variant's name
 *   missing-arrow            a pattern without `->`
 *   invalid-binding          what stands in the braces of a pattern without `>`
 *   invalid-include          none of the three forms; `std` or `ffi` without `:NAME`
 *   invalid-include-path     empty, absolute, or with a NUL byte
 *   invalid-union            name, brace or end missing; a name in lower case
 *   empty-union              no variants
 *   duplicate-variant        in one union
 *   duplicate-field          in one variant
 *   invalid-field            no name, `:` or type
 *   too-many-fields          more than UNION_FIELDS_MAX
 *   invalid-effect           `--` missing or twice, `)` missing
 *   invalid-quotation-type   `--` or `]` missing
 *   unknown-type             a name that no type can have
 *   invalid-type             no name at all; `Quotation`; `Closure` without `[`
 *   invalid-row              `..` without a name, with a bad one, or not first
 *   invalid-yield            after `|`: nothing, another effect than `Yield`, `Yield` without a type
 */
#pragma once

#include "vm/lang/ast.h"
#include "vm/lang/diag.h"

/*
 * Parses one file. Everything in the result lives in the arena, except the
 * texts of spans, which are the source's. Never NULL; when memory is refused
 * `arena->failed` is set and the module ends early.
 */
Module *parser_parse(Arena *arena, const Source *source, DiagList *diags);
/*
 * Parses an effect that is the whole text: `( Int -- Int )`. NULL after an
 * error. With `builtin` any identifier is taken for the name of a type
 * variable, as the tables of words write them (`ctx`, `handle`, `b`).
 */
EffectSyntax *parser_parse_effect(Arena *arena, const Source *source, DiagList *diags, bool builtin);
