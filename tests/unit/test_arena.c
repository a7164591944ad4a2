/* SPDX-License-Identifier: MIT */
#include "tests/unit/refusing.h"
#include "vm/base/arena.h"

#include <criterion/criterion.h>
#include <signal.h>

static Refusing refusing;
static Mem mem;
static Arena arena;

static void start(void) {
    refusing = (Refusing){0};
    cr_assert_eq(mem_init(&mem, refusing_allocator(&refusing), SIZE_MAX), 0);
    arena_init(&arena, &mem);
}

static void finish(void) {
    arena_deinit(&arena);
    cr_expect_eq(mem.live_count, 0);
    mem_deinit(&mem);
    cr_expect_eq(refusing.out_bytes, 0);
}

TestSuite(arena, .init = start, .fini = finish);

/* Sizes on both sides of what gets a block of its own. */
Test(arena, pieces_are_apart_aligned_and_zeroed) {
    enum { COUNT = 3000 };
    static unsigned char *pieces[COUNT];
    static size_t sizes[COUNT];
    for (size_t index = 0; index < COUNT; index++) {
        sizes[index] = index % 7 == 0 ? index * 3 : index % 60;
        pieces[index] = arena_try(&arena, sizes[index]);
        cr_assert_not_null(pieces[index]);
        cr_assert_eq((uintptr_t)pieces[index] % 8, 0);
        for (size_t at = 0; at < sizes[index]; at++)
            cr_assert_eq(pieces[index][at], 0);
        memset(pieces[index], (int)(index & 0xff), sizes[index]);
    }
    for (size_t index = 0; index < COUNT; index++)
        for (size_t at = 0; at < sizes[index]; at++)
            cr_assert_eq(pieces[index][at], index & 0xff);
}

Test(arena, a_large_piece_does_not_end_the_block) {
    if (!MEM_POOLED)
        return; /* each piece is a block */
    char *first = arena_try(&arena, 16);
    arena_try(&arena, 100000);
    cr_expect_eq((char *)arena_try(&arena, 16), first + 16);
}

Test(arena, copies_end_with_a_nul) {
    char text[100];
    memset(text, 'x', sizeof text);
    for (size_t size = 0; size < sizeof text; size++) {
        char *copy = arena_copy(&arena, text, size);
        cr_assert_eq(strlen(copy), size);
    }
    cr_expect_eq(memcmp(arena_copy(&arena, "a\0b", 3), "a\0b", 4), 0);
    cr_expect_str_eq(arena_copy(&arena, NULL, 0), "");
}

Test(arena, formats) {
    cr_expect_str_eq(arena_format(&arena, "%s-%d", "x", 12), "x-12");
    char *wide = arena_format(&arena, "%20000s|", "");
    cr_expect_eq(strlen(wide), 20001);
}

Test(arena, is_empty_again_after_deinit) {
    arena_small(&arena, 100);
    refusing_start(&refusing);
    arena_try(&arena, 100000);
    refusing_stop(&refusing);
    arena_deinit(&arena);
    cr_expect_eq(mem.live_count, 0);
    cr_expect_not(arena.failed);
    cr_expect_not_null(arena_small(&arena, 100));
}

Test(arena, what_can_fail_says_so) {
    refusing_start(&refusing);
    cr_expect_null(arena_try(&arena, 100));
    cr_expect(arena.failed);
    cr_expect_null(arena_copy(&arena, "text", 4));
    cr_expect_null(arena_format(&arena, "text"));
    refusing_stop(&refusing);
    arena_deinit(&arena);
    arena_small(&arena, 8);
    cr_expect_null(arena_try(&arena, SIZE_MAX));
    cr_expect_null(arena_try(&arena, SIZE_MAX - 10));
    cr_expect_null(arena_copy(&arena, "", SIZE_MAX));
    cr_expect(arena.failed);
}

Test(arena, small_objects_never_fail) {
    typedef struct Node {
        char bytes[ARENA_SMALL_MAX];
    } Node;
    refusing_start(&refusing);
    for (int index = 0; index < 100; index++) {
        Node *node = arena_new(&arena, Node);
        for (size_t at = 0; at < sizeof node->bytes; at++)
            cr_assert_eq(node->bytes[at], 0);
        memset(node, 'x', sizeof *node);
    }
    cr_expect(arena.failed, "the step that made them must end");
    cr_expect(mem_is_exhausted(&mem));
}

Test(arena, small_objects_must_be_small, .signal = SIGABRT) {
    arena_small(&arena, ARENA_SMALL_MAX + 1);
}
