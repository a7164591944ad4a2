/* SPDX-License-Identifier: MIT */
/*
 * What each test of the front end starts with: memory, an arena, an empty
 * list of messages, and sources whose text lies in a block of exactly its
 * size, so that a sanitizer sees who reads past an end.
 */
#pragma once

#include "tests/unit/refusing.h"
#include "vm/lang/diag.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { FIXTURE_SOURCES_MAX = 64 };

typedef struct LangFixture {
    Refusing refusing;
    Mem mem;
    Arena arena;
    DiagList diags;
    Source *sources[FIXTURE_SOURCES_MAX];
    char *texts[FIXTURE_SOURCES_MAX];
    int source_count;
} LangFixture;

static inline void lang_fixture_start(LangFixture *fixture) {
    *fixture = (LangFixture){0};
    cr_assert_eq(mem_init(&fixture->mem, refusing_allocator(&fixture->refusing), SIZE_MAX), 0);
    arena_init(&fixture->arena, &fixture->mem);
    diag_list_init(&fixture->diags, &fixture->arena);
}

static inline void lang_fixture_finish(LangFixture *fixture) {
    for (int i = 0; i < fixture->source_count; i++) {
        free(fixture->sources[i]);
        free(fixture->texts[i]);
    }
    arena_deinit(&fixture->arena);
    cr_expect_eq(fixture->mem.live_count, 0);
    mem_deinit(&fixture->mem);
    cr_expect_eq(fixture->refusing.out_bytes, 0);
}

/* Forgets everything, for the next row of a table. */
static inline void lang_fixture_again(LangFixture *fixture) {
    lang_fixture_finish(fixture);
    lang_fixture_start(fixture);
}

static inline Source *lang_fixture_source_of_size(LangFixture *fixture, const char *name, const char *text,
                                                  size_t size) {
    cr_assert_lt(fixture->source_count, FIXTURE_SOURCES_MAX);
    Source *source = calloc(1, sizeof *source);
    char *copy = malloc(size + 1);
    memcpy(copy, text, size);
    copy[size] = 0;
    *source = (Source){.name = name, .text = copy, .size = size, .folder = "."};
    fixture->texts[fixture->source_count] = copy;
    fixture->sources[fixture->source_count++] = source;
    return source;
}

static inline Source *lang_fixture_source(LangFixture *fixture, const char *text) {
    return lang_fixture_source_of_size(fixture, "test.seq", text, strlen(text));
}

/* The next of a sequence of numbers that is the same in every run. */
static inline uint32_t lang_fixture_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}
