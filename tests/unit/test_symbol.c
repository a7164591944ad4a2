/* SPDX-License-Identifier: MIT */
#include "tests/unit/heap_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

static uint32_t intern(Heap *heap, const char *bytes, size_t size) {
    return symbol_intern(&heap->symbols, &heap->mem, bytes, size);
}

Test(symbol, list_is_the_first) {
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);

    cr_assert_eq(intern(&heap, "List", 4), SYMBOL_LIST);
    cr_assert_str_eq(symbol_text(&heap.symbols, SYMBOL_LIST, NULL), "List");
    heap_deinit(&heap);
}

Test(symbol, equal_texts_have_one_number_and_others_another) {
    enum { COUNT = 20000 };
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);

    char text[32];
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t index = 0; index < COUNT; index++) {
            int size = snprintf(text, sizeof text, "name-%u", index);
            cr_assert_eq(intern(&heap, text, (size_t)size), index + 1, "round %u", round);
        }
    }
    for (uint32_t index = 0; index < COUNT; index++) {
        size_t size;
        snprintf(text, sizeof text, "name-%u", index);
        cr_assert_str_eq(symbol_text(&heap.symbols, index + 1, &size), text);
        cr_assert_eq(size, strlen(text));
    }
    heap_deinit(&heap);
}

Test(symbol, any_bytes_make_a_symbol) {
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);

    uint32_t empty = intern(&heap, "", 0);
    uint32_t nul = intern(&heap, "\0", 1);
    uint32_t two = intern(&heap, "\0\0", 2);
    uint32_t inside = intern(&heap, "a\0b", 3);
    uint32_t before = intern(&heap, "a", 1);
    uint32_t all[] = {empty, nul, two, inside, before};
    for (int a = 0; a < 5; a++)
        for (int b = 0; b < a; b++)
            cr_assert_neq(all[a], all[b]);

    size_t size;
    cr_assert_arr_eq(symbol_text(&heap.symbols, inside, &size), "a\0b", 4);
    cr_assert_eq(size, 3);
    cr_assert_eq(symbol_text(&heap.symbols, empty, &size)[0], '\0');
    cr_assert_eq(size, 0);
    heap_deinit(&heap);
}

Test(symbol, a_text_stays_where_it_is) {
    TestAllocator allocator;
    Heap heap;
    test_heap_init(&heap, &allocator);

    uint32_t first = intern(&heap, "first", 5);
    const char *text = symbol_text(&heap.symbols, first, NULL);
    for (uint32_t number = 0; number < 1000; number++)
        intern(&heap, (const char *)&number, sizeof number);
    cr_assert_eq(symbol_text(&heap.symbols, first, NULL), text);
    heap_deinit(&heap);
}

/* A refused symbol is not in the table: asked again it is there, and those before it never changed. */
Test(symbol, a_refusal_changes_nothing) {
    enum { COUNT = 200 };
    for (uint64_t point = 0;; point++) {
        TestAllocator allocator;
        Heap heap;
        test_heap_init(&heap, &allocator);
        test_refuse_after(&allocator, point, false);

        uint32_t refused = 0;
        for (uint32_t index = 1; index <= COUNT; index++) {
            uint32_t number = intern(&heap, (const char *)&index, sizeof index);
            if (number == SYMBOL_NONE) {
                refused++;
                number = intern(&heap, (const char *)&index, sizeof index);
            }
            cr_assert_eq(number, index);
        }
        for (uint32_t index = 1; index <= COUNT; index++)
            cr_assert_eq(intern(&heap, (const char *)&index, sizeof index), index);

        bool finished = allocator.refusing.refused == 0;
        cr_assert_eq(refused, finished ? 0 : 1);
        heap_deinit(&heap);
        if (finished)
            return;
    }
}

Test(symbol, a_heap_that_cannot_start_leaves_nothing) {
    for (uint64_t point = 0;; point++) {
        TestAllocator allocator = {.refusing = {.first = point + 1, .for_ever = true}};
        Heap heap;
        int r = heap_init(&heap, (Allocator){.resize = test_resize, .context = &allocator}, SIZE_MAX, 1);
        if (r == 0) {
            cr_assert_gt(point, 0);
            heap_deinit(&heap);
            return;
        }
        cr_assert_eq(r, -ENOMEM);
    }
}
