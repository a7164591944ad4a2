/* SPDX-License-Identifier: MIT */
#include "tests/unit/refusing.h"
#include "vm/base/table.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

enum { COUNT = 5000 };

static Refusing refusing;
static Mem mem;
static Table table;
static char keys[COUNT][8];
static int things[COUNT];

static void start(void) {
    refusing = (Refusing){0};
    cr_assert_eq(mem_init(&mem, refusing_allocator(&refusing), SIZE_MAX), 0);
    table_init(&table, &mem);
    for (int index = 0; index < COUNT; index++)
        sprintf(keys[index], "k%d", index);
}

static void finish(void) {
    table_deinit(&table);
    cr_expect_eq(mem.live_count, 0);
    mem_deinit(&mem);
    cr_expect_eq(refusing.out_bytes, 0);
}

static int put(int index) {
    return table_put(&table, keys[index], strlen(keys[index]), &things[index]);
}

static void *find(int index) {
    return table_find(&table, keys[index], strlen(keys[index]));
}

TestSuite(table, .init = start, .fini = finish);

Test(table, an_empty_one_has_nothing) {
    cr_expect_null(find(0));
    cr_expect_null(table_find(&table, NULL, 0));
    cr_expect_eq(mem.live_count, 0);
}

Test(table, finds_what_was_put_and_nothing_else) {
    for (int index = 0; index < COUNT; index++) {
        cr_assert_null(find(index));
        cr_assert_eq(put(index), 0);
        cr_assert_eq(find(index), &things[index]);
    }
    for (int index = 0; index < COUNT; index++)
        cr_assert_eq(find(index), &things[index]);
    cr_expect_null(table_find(&table, "k", 1));
    cr_expect_null(table_find(&table, "k99999", 6));
}

Test(table, keeps_the_order_of_insertion) {
    for (int index = COUNT - 1; index >= 0; index--)
        cr_assert_eq(put(index), 0);
    cr_assert_eq(table.count, COUNT);
    for (int index = 0; index < COUNT; index++) {
        cr_assert_eq(table.entries[index].key, keys[COUNT - 1 - index]);
        cr_assert_eq(table.entries[index].pointer, &things[COUNT - 1 - index]);
    }
}

Test(table, replaces_in_place) {
    for (int index = 0; index < 100; index++)
        cr_assert_eq(put(index), 0);
    char same[] = "k7";
    cr_assert_eq(table_put(&table, same, 2, &things[1000]), 0);
    cr_expect_eq(table.count, 100);
    cr_expect_eq(find(7), &things[1000]);
    cr_expect_eq(table.entries[7].key, keys[7], "the old key stays, for the new one may live shorter");
}

Test(table, keys_are_bytes) {
    cr_assert_eq(table_put(&table, "", 0, &things[0]), 0);
    cr_assert_eq(table_put(&table, "\0", 1, &things[1]), 0);
    cr_assert_eq(table_put(&table, "\0a", 2, &things[2]), 0);
    cr_assert_eq(table_put(&table, "\0b", 2, &things[3]), 0);
    cr_expect_eq(table_find(&table, NULL, 0), &things[0]);
    cr_expect_eq(table_find(&table, "\0", 1), &things[1]);
    cr_expect_eq(table_find(&table, "\0a", 2), &things[2]);
    cr_expect_eq(table_find(&table, "\0b", 2), &things[3]);
}

Test(table, a_refused_put_changes_nothing) {
    int refusals = 0;
    for (int index = 0; index < COUNT; index++) {
        refusing.first = refusing.asked + 1 + (uint64_t)(index % 2); /* entries or slots */
        int r = put(index);
        refusing.first = 0;
        if (r) {
            refusals++;
            cr_assert_eq(r, -ENOMEM);
            cr_assert_null(find(index));
            cr_assert_eq(table.count, (uint32_t)index);
            for (int before = 0; before < index; before++)
                cr_assert_eq(find(before), &things[before]);
            cr_assert_eq(put(index), 0);
        }
    }
    cr_expect_gt(refusals, 5);
}

Test(table, a_growing_table_is_refused_at_each_request) {
    for (uint64_t k = 2, refused = 1; refused; k++) {
        Refusing once = {.first = k};
        Mem other_mem;
        Table other;
        cr_assert_eq(mem_init(&other_mem, refusing_allocator(&once), SIZE_MAX), 0);
        table_init(&other, &other_mem);
        for (int index = 0; index < COUNT; index++) {
            int r = table_put(&other, keys[index], strlen(keys[index]), &things[index]);
            if (r)
                r = table_put(&other, keys[index], strlen(keys[index]), &things[index]);
            cr_assert_eq(r, 0);
        }
        refused = once.refused;
        table_deinit(&other);
        cr_assert_eq(other_mem.live_count, 0);
        mem_deinit(&other_mem);
        cr_assert_eq(once.out_bytes, 0);
    }
}
