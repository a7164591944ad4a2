/* SPDX-License-Identifier: MIT */
#include "vm/base/clock.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

Test(clock, goes_forward) {
    Clock clock = clock_system();
    int64_t before = clock_monotonic_ns(&clock);
    cr_expect_gt(before, 0);
    usleep(2000);
    int64_t passed = clock_monotonic_ns(&clock) - before;
    cr_expect(passed >= 2000000 && passed < 2000000000, "%lld ns", (long long)passed);
}

Test(clock, knows_the_date) {
    Clock clock = clock_system();
    int64_t seconds = clock_wall_us(&clock) / 1000000;
    cr_expect_leq(llabs(seconds - time(NULL)), 1);
}

Test(clock, fills_all_bytes_at_random) {
    Clock clock = clock_system();
    for (size_t size = 0; size <= 600; size += 60) {
        static unsigned char first[700], second[700];
        memset(first, 0xee, sizeof first);
        memset(second, 0xee, sizeof second);
        cr_assert_eq(clock_random(&clock, first, size), 0);
        cr_assert_eq(clock_random(&clock, second, size), 0);
        size_t same = 0;
        for (size_t index = 0; index < size; index++)
            same += first[index] == second[index];
        cr_expect_lt(same, 20, "by chance it is one in 256");
        for (size_t index = size; index < sizeof first; index++)
            cr_assert_eq(first[index], 0xee);
    }
}
