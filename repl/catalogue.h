/* SPDX-License-Identifier: MIT */
/* Catalogue: all words there are, for people: builtins by family, and the std modules with theirs. */
#pragma once

#include "builtins/builtins.h"
#include "builtins/std.h"
#include "vm/lang/parser.h"

typedef struct Catalogue {
    Mem mem;
    Arena arena;
    WordFamily families[BUILTINS_FAMILY_COUNT];
    WordTable words;
} Catalogue;

/* Returns -ENOMEM. Does not move afterwards. */
int catalogue_init(Catalogue *catalogue) MUST_CHECK;
void catalogue_deinit(Catalogue *catalogue);

/* The std module `NAME` or `std:NAME`, or NULL. */
const StdModule *catalogue_std(const char *name);
/* Its words and unions; lives as long as the catalogue. */
const Module *catalogue_parse(Catalogue *catalogue, const StdModule *std);
/* The comment at its start, without the line of the licence and the signs; in the catalogue's arena. */
const char *catalogue_intro(Catalogue *catalogue, const StdModule *std);
/* A definition's effect as written, with its parentheses and on one line, in the arena; "" when there is none. */
const char *catalogue_effect(Arena *arena, const Definition *definition);
