/* SPDX-License-Identifier: MIT */
#include "tests/unit/refusing.h"
#include "vm/base/mem.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>

static Refusing refusing;
static Mem mem;

static void start(void) {
    refusing = (Refusing){0};
    cr_assert_eq(mem_init(&mem, refusing_allocator(&refusing), SIZE_MAX), 0);
}

/* Whatever a test did, all of it must be back at the end. */
static void finish(void) {
    cr_expect_eq(mem.live_count, 0);
    mem_deinit(&mem);
    cr_expect_eq(refusing.out_bytes, 0, "%zu bytes were not returned", refusing.out_bytes);
    cr_expect_eq(refusing.out_count, 0);
}

TestSuite(mem, .init = start, .fini = finish);

/* The second round gets blocks that were freed in the first. */
Test(mem, blocks_of_all_small_sizes_are_apart_and_aligned) {
    enum { EACH = 200 };
    static unsigned char *blocks[MEM_SMALL_MAX + 1][EACH];
    for (int round = 0; round < 2; round++) {
        for (int index = 0; index < EACH; index++)
            for (size_t size = 0; size <= MEM_SMALL_MAX; size++) {
                blocks[size][index] = mem_small(&mem, size);
                cr_assert_eq((uintptr_t)blocks[size][index] % 8, 0);
                memset(blocks[size][index], (int)(size + (size_t)index) & 0xff, size);
            }
        for (int index = 0; index < EACH; index++)
            for (size_t size = 0; size <= MEM_SMALL_MAX; size++) {
                for (size_t at = 0; at < size; at++)
                    cr_assert_eq(blocks[size][index][at], (size + (size_t)index) & 0xff);
                mem_free(&mem, blocks[size][index], size);
            }
    }
}

Test(mem, freed_small_blocks_are_used_again) {
    void *blocks[100];
    for (int round = 0; round < 1000; round++) {
        for (int index = 0; index < 100; index++)
            blocks[index] = mem_small(&mem, 40);
        cr_assert_leq(mem.used_bytes, MEM_RESERVE_SIZE + MEM_SLAB_SIZE);
        for (int index = 0; index < 100; index++)
            mem_free(&mem, blocks[index], 40);
    }
}

/* The end of a slab that is too short for a request must not be lost, nor given out twice. */
Test(mem, nothing_of_a_slab_is_lost) {
    enum { BIG = 512, BIGS = (MEM_SLAB_SIZE - 16) / BIG };
    void *blocks[BIGS + 1];
    for (int index = 0; index < BIGS + 1; index++)
        blocks[index] = mem_small(&mem, BIG);
    size_t used = mem.used_bytes;
    void *rest = mem_small(&mem, (MEM_SLAB_SIZE - 16) % BIG);
    if (MEM_POOLED) {
        cr_expect_eq(mem.used_bytes, used);
        cr_expect_eq((char *)rest, (char *)blocks[BIGS - 1] + BIG, "the rest of the first slab is free");
    }
    mem_free(&mem, rest, (MEM_SLAB_SIZE - 16) % BIG);
    for (int index = 0; index < BIGS + 1; index++)
        mem_free(&mem, blocks[index], BIG);
}

Test(mem, a_new_object_is_zeroed) {
    typedef struct Thing {
        char bytes[100];
    } Thing;
    void *dirty = mem_small(&mem, sizeof(Thing));
    memset(dirty, 0xff, sizeof(Thing));
    mem_free(&mem, dirty, sizeof(Thing));
    Thing *thing = mem_new(&mem, Thing);
    for (size_t index = 0; index < sizeof thing->bytes; index++)
        cr_assert_eq(thing->bytes[index], 0);
    mem_free(&mem, thing, sizeof *thing);
}

Test(mem, a_block_keeps_its_content_over_every_step_of_size) {
    static const size_t sizes[] = {0, 1, 8, 9, 100, 104, 512, 513, 4096, 70000, 513, 512, 100, 0, 600, 0};
    unsigned char *block = NULL;
    size_t size = 0;
    for (size_t step = 0; step < sizeof sizes / sizeof *sizes; step++) {
        block = mem_try_resize(&mem, block, size, sizes[step]);
        cr_assert_not_null(block);
        cr_assert_eq(mem.live_count, 1);
        size_t kept = size < sizes[step] ? size : sizes[step];
        for (size_t at = 0; at < kept; at++)
            cr_assert_eq(block[at], (at * 7) & 0xff, "byte %zu from %zu to %zu", at, size, sizes[step]);
        size = sizes[step];
        for (size_t at = 0; at < size; at++)
            block[at] = (at * 7) & 0xff;
    }
    mem_free(&mem, block, size);
}

Test(mem, an_array_doubles_and_keeps_its_items) {
    uint64_t *items = NULL;
    uint32_t capacity = 0, count = 0;
    for (; count < 1000; count++) {
        uint32_t before = capacity;
        if (count == capacity) {
            items = mem_try_double(&mem, items, sizeof *items, &capacity);
            cr_assert_not_null(items);
            cr_assert(before ? capacity == 2 * before : capacity > 0);
        }
        items[count] = count;
    }
    for (uint32_t index = 0; index < count; index++)
        cr_assert_eq(items[index], index);

    uint32_t before = capacity, too_many = UINT32_MAX / 2 + 1;
    refusing_start(&refusing);
    cr_assert_null(mem_try_double(&mem, items, sizeof *items, &capacity));
    cr_assert_eq(capacity, before);
    cr_assert_null(mem_try_double(&mem, items, sizeof *items, &too_many), "its double does not fit the count");
    mem_free(&mem, items, capacity * sizeof *items);
}

Test(mem, counts_what_it_took) {
    size_t before = mem.used_bytes;
    void *block = mem_try(&mem, 10000);
    cr_expect_eq(mem.used_bytes, before + 10000);
    void *moved = mem_try_resize(&mem, block, 10000, 30000);
    cr_expect_eq(mem.used_bytes, before + 30000);
    mem_free(&mem, moved, 30000);
    cr_expect_eq(mem.used_bytes, before);
    cr_expect_eq(mem.peak_bytes, before + 30000);
    cr_expect_eq(refusing.out_bytes, before);
    mem_free(&mem, NULL, 10000);
    mem_free(&mem, NULL, 10);
}

Test(mem, refuses_beyond_its_limit_and_not_before) {
    mem.limit_bytes = mem.used_bytes + 100000;
    uint64_t asked = refusing.asked;
    cr_expect_null(mem_try(&mem, 100001));
    cr_expect_null(mem_try(&mem, SIZE_MAX));
    cr_expect_eq(refusing.asked, asked, "the allocator is not even asked");

    void *block = mem_try(&mem, 100000);
    cr_assert_not_null(block);
    cr_expect_null(mem_try_resize(&mem, block, 100000, 100001));
    cr_expect_null(mem_try_resize(&mem, block, 100000, SIZE_MAX));
    block = mem_try_resize(&mem, block, 100000, 50000);
    cr_assert_not_null(block);

    mem.limit_bytes = 0; /* below what is in use: only giving back is left */
    cr_expect_null(mem_try(&mem, 1000));
    block = mem_try_resize(&mem, block, 50000, 20000);
    cr_assert_not_null(block);
    mem_free(&mem, block, 20000);
    mem.limit_bytes = SIZE_MAX;
}

Test(mem, needs_its_reserve_to_start) {
    Refusing none = {.first = 1, .for_ever = true};
    Mem other;
    cr_expect_eq(mem_init(&other, refusing_allocator(&none), SIZE_MAX), -ENOMEM);
    none = (Refusing){0};
    cr_expect_eq(mem_init(&other, refusing_allocator(&none), MEM_RESERVE_SIZE - 1), -ENOMEM);
    cr_expect_eq(none.out_bytes, 0);
}

/* --- refusals --- */

Test(mem, a_refused_try_is_null_and_changes_nothing) {
    char *block = mem_try(&mem, 1000);
    memset(block, 'x', 1000);
    refusing_start(&refusing);
    size_t used = mem.used_bytes;
    cr_expect_null(mem_try(&mem, 1000));
    cr_expect_null(mem_try(&mem, 10));
    cr_expect_null(mem_try_resize(&mem, block, 1000, 2000));
    cr_expect_eq(mem.used_bytes, used);
    cr_expect_eq(mem.live_count, 1);
    cr_expect_not(mem_is_exhausted(&mem), "who can be refused does not touch the reserve");
    for (int index = 0; index < 1000; index++)
        cr_assert_eq(block[index], 'x');
    mem_free(&mem, block, 1000);
}

/* Takes small blocks until the reserve is touched; how many. */
static size_t exhaust(void **blocks, size_t max) {
    size_t count = 0;
    while (!mem_is_exhausted(&mem) && count < max)
        blocks[count++] = mem_small(&mem, 64);
    cr_assert(mem_is_exhausted(&mem));
    return count;
}

Test(mem, a_small_block_comes_from_the_reserve) {
    static void *blocks[2048];
    refusing_start(&refusing);
    size_t count = exhaust(blocks, 2048);
    for (int index = 0; index < 900; index++) { /* the reserve holds a good thousand of them */
        blocks[count] = mem_small(&mem, 64);
        memset(blocks[count++], 'x', 64);
    }
    cr_expect_null(mem_try(&mem, 64), "who can be refused does not eat the reserve");

    for (size_t index = 0; index < count; index++)
        mem_free(&mem, blocks[index], 64);
    for (size_t index = 0; index < 900; index++) { /* and what was freed serves again */
        blocks[index] = mem_small(&mem, 64);
        cr_assert_not_null(blocks[index]);
    }
    for (size_t index = 0; index < 900; index++)
        mem_free(&mem, blocks[index], 64);
}

Test(mem, blocks_of_the_reserve_can_be_resized) {
    static void *blocks[2048];
    refusing_start(&refusing);
    size_t count = exhaust(blocks, 2048);
    char *block = mem_small(&mem, 64);
    memset(block, 'x', 64);
    cr_expect_null(mem_try_resize(&mem, block, 64, 1000));
    refusing_stop(&refusing);
    block = mem_try_resize(&mem, block, 64, 1000);
    cr_assert_not_null(block);
    for (int index = 0; index < 64; index++)
        cr_assert_eq(block[index], 'x');
    mem_free(&mem, block, 1000);
    while (count > 0)
        mem_free(&mem, blocks[--count], 64);
}

Test(mem, recovers_when_memory_is_back) {
    static void *first[2048], *second[4096];
    refusing_start(&refusing);
    size_t first_count = exhaust(first, 2048);
    mem_recover(&mem);
    cr_expect(mem_is_exhausted(&mem), "there is still none");

    refusing_stop(&refusing);
    mem_recover(&mem);
    cr_expect_not(mem_is_exhausted(&mem));
    void *block = mem_try(&mem, 48);
    cr_expect_not_null(block);
    mem_free(&mem, block, 48);

    refusing_start(&refusing); /* and the new reserve is as good as the first */
    size_t second_count = exhaust(second, 4096);
    for (int index = 0; index < 900; index++)
        second[second_count++] = mem_small(&mem, 64);

    while (first_count > 0)
        mem_free(&mem, first[--first_count], 64);
    while (second_count > 0)
        mem_free(&mem, second[--second_count], 64);
}

/* The straight code that makes small objects does not notice a refusal, whichever request it is. */
Test(mem, a_single_refusal_at_any_place) {
    enum { COUNT = 4000 };
    static void *blocks[COUNT];
    uint64_t k = 2; /* the first is the reserve */
    for (bool refused = true; refused; k += k < 9 ? 1 : k / 2) {
        Refusing once = {.first = k};
        Mem other;
        cr_assert_eq(mem_init(&other, refusing_allocator(&once), SIZE_MAX), 0);
        for (int index = 0; index < COUNT; index++) {
            blocks[index] = mem_small(&other, 100);
            memset(blocks[index], 'x', 100);
        }
        refused = once.refused > 0;
        cr_assert_eq(mem_is_exhausted(&other), refused);
        mem_recover(&other);
        cr_assert_not(mem_is_exhausted(&other));
        for (int index = 0; index < COUNT; index++)
            mem_free(&other, blocks[index], 100);
        cr_assert_eq(other.live_count, 0);
        mem_deinit(&other);
        cr_assert_eq(once.out_bytes, 0);
    }
    cr_expect_gt(k, 6, "several slabs were asked for");
}

Test(mem, an_empty_reserve_stops_the_process, .signal = SIGABRT) {
    refusing_start(&refusing);
    for (int index = 0; index < 5000; index++)
        mem_small(&mem, 64);
}

Test(mem, a_small_request_must_be_small, .signal = SIGABRT) {
    mem_small(&mem, MEM_SMALL_MAX + 1);
}
