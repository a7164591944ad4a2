/* SPDX-License-Identifier: MIT */
#include "tests/unit/refusing.h"
#include "vm/base/buffer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

static Refusing refusing;
static Mem mem;
static Buffer buffer;

static void start(void) {
    refusing = (Refusing){0};
    cr_assert_eq(mem_init(&mem, refusing_allocator(&refusing), SIZE_MAX), 0);
    buffer_init(&buffer, &mem);
}

static void finish(void) {
    buffer_deinit(&buffer);
    cr_expect_eq(mem.live_count, 0);
    mem_deinit(&mem);
    cr_expect_eq(refusing.out_bytes, 0);
}

TestSuite(buffer, .init = start, .fini = finish);

Test(buffer, takes_nothing_before_the_first_byte) {
    cr_expect_eq(mem.live_count, 0);
    cr_expect_str_eq(buffer_text(&buffer), "");
}

Test(buffer, holds_what_was_appended_in_order) {
    char expected[40000];
    size_t size = 0;
    for (int index = 0; index < 3000; index++) {
        size += (size_t)sprintf(expected + size, "%d,", index);
        size += (size_t)sprintf(expected + size, "-x");
        cr_assert_eq(buffer_append_format(&buffer, "%d,", index), 0);
        cr_assert_eq(buffer_append_byte(&buffer, '-'), 0);
        cr_assert_eq(buffer_append_text(&buffer, "x"), 0);
    }
    cr_expect_eq(buffer.size, size);
    cr_expect_str_eq(buffer_text(&buffer), expected);
    cr_expect_eq(buffer.size, size, "the NUL is not counted");
}

Test(buffer, a_text_of_any_size_gets_its_nul) {
    for (size_t size = 1; size < 300; size++) {
        cr_assert_eq(buffer_append_byte(&buffer, 'x'), 0);
        cr_assert_eq(strlen(buffer_text(&buffer)), size);
    }
}

Test(buffer, a_format_fits_exactly_or_makes_room) {
    for (int width = 0; width < 300; width++) {
        Buffer out;
        buffer_init(&out, &mem);
        cr_assert_eq(buffer_append_format(&out, "%*s|", width, ""), 0);
        cr_assert_eq(out.size, (size_t)width + 1);
        cr_assert_eq(out.bytes[width], '|');
        buffer_deinit(&out);
    }
}

Test(buffer, reserved_room_is_there) {
    char *room = buffer_reserve(&buffer, 1000);
    memset(room, 'x', 1000);
    buffer.size += 1000;
    room = buffer_reserve(&buffer, 5000);
    memset(room, 'y', 5000);
    buffer.size += 5000;
    cr_expect_eq(strspn(buffer_text(&buffer), "x"), 1000);
    cr_expect_eq(strspn(buffer_text(&buffer) + 1000, "y"), 5000);
}

Test(buffer, appends_nothing_of_nowhere) {
    cr_expect_eq(buffer_append(&buffer, NULL, 0), 0);
    cr_expect_eq(buffer.size, 0);
}

/* After a refusal even what would fit is left out, so that no text has a hole. */
Test(buffer, keeps_a_prefix_after_a_refusal) {
    cr_assert_eq(buffer_append_text(&buffer, "before"), 0);
    refusing_start(&refusing);
    char big[1000] = {0};
    cr_expect_eq(buffer_append(&buffer, big, sizeof big), -ENOMEM);
    refusing_stop(&refusing);
    cr_expect_eq(buffer_append_byte(&buffer, 'x'), -ENOMEM);
    cr_expect_eq(buffer_append_format(&buffer, "x"), -ENOMEM);
    cr_expect_null(buffer_reserve(&buffer, 1));
    cr_expect_str_eq(buffer_text(&buffer), "before");

    buffer_clear(&buffer);
    cr_expect_eq(buffer_append_text(&buffer, "after"), 0);
    cr_expect_str_eq(buffer_text(&buffer), "after");
}

Test(buffer, refuses_sizes_that_overflow) {
    cr_assert_eq(buffer_append_text(&buffer, "x"), 0);
    cr_expect_null(buffer_reserve(&buffer, SIZE_MAX));
    buffer_clear(&buffer);
    cr_assert_eq(buffer_append_text(&buffer, "x"), 0);
    cr_expect_null(buffer_reserve(&buffer, SIZE_MAX / 2));
}

Test(buffer, has_a_text_even_when_there_is_no_room_for_its_nul) {
    mem.limit_bytes = mem.used_bytes; /* not even a slab */
    mem.exhausted = true;
    cr_expect_str_eq(buffer_text(&buffer), "");
    mem.exhausted = false;
}
