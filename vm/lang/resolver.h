/* SPDX-License-Identifier: MIT */
/*
 * Resolver: what names mean. Builtins come first, then the program's own
 * words and those that its unions make; a builtin that is ours alone yields to a
 * program's word.
 *
 * Codes of its errors: duplicate-word, duplicate-union, missing-main,
 * invalid-main, undefined-word, renamed-word, absent-word,
 * missing-effect, unknown-type, invalid-field-type, unknown-variant,
 * unknown-field, non-exhaustive; warning: hidden-word.
 */
#pragma once

#include "vm/exec/word.h"
#include "vm/lang/ast.h"
#include "vm/lang/diag.h"
#include "vm/lang/module.h"

typedef struct Resolved {
    Arena *arena;
    Tree *tree;
    const WordTable *words;
    Table unions;                /* by name: UnionDef */
    Table variants;              /* by name: VariantDef */
    Table names;                 /* by name: ResolvedName, the program's own words */
    Definition *main;            /* or NULL */
    EffectSyntax **word_effects; /* of builtins by number, parsed when first needed */
    Source *word_sources;        /* their texts */
} Resolved;

typedef struct ResolvedName {
    TargetKind target;
    Definition *definition;
    VariantDef *variant;
    uint32_t field_index;
    Span span; /* where it is defined: the word, or the union's variant or field */
} ResolvedName;

/*
 * Fills in `resolved` and the tree; `reader` is for hints. With `needs_main` a program without a
 * proper main is wrong. Returns -ENOMEM when memory was refused; errors go to
 * `diags`.
 */
int resolver_resolve(Resolved *resolved, Tree *tree, const WordTable *words, const ModuleReader *reader,
                     bool needs_main, DiagList *diags) MUST_CHECK;
void resolver_deinit(Resolved *resolved);

/* The parsed effect of a builtin. */
const EffectSyntax *resolver_word_effect(Resolved *resolved, const Word *word, DiagList *diags);
/* True when the definition's effect is `( -- )` with any row and no yield: what a test must be. */
bool definition_is_plain(const Definition *definition);
