/* SPDX-License-Identifier: MIT */
#include "vm/base/hash.h"

#include <criterion/criterion.h>

Test(hash, depends_on_seed_bytes_and_size) {
    cr_expect_neq(hash_bytes(1, "abc", 3), hash_bytes(2, "abc", 3));
    cr_expect_neq(hash_bytes(1, "abc", 3), hash_bytes(1, "abd", 3));
    cr_expect_neq(hash_bytes(1, "ab\0", 3), hash_bytes(1, "ab", 2));
    cr_expect_eq(hash_bytes(1, "abc", 3), hash_bytes(1, "abc", 3));
}

/* Each bit of number and seed turns about half of the bits of the hash, and most often some of the last five. */
Test(hash, of_an_int_is_spread) {
    for (int bit = 0; bit < 64; bit++) {
        int by_number = 0, by_seed = 0, low = 0;
        for (int64_t number = 0; number < 1000; number++) {
            uint64_t hash = hash_int(12345, number);
            uint64_t turned = hash ^ hash_int(12345, number ^ (int64_t)((uint64_t)1 << bit));
            by_number += __builtin_popcountll(turned);
            low += (turned & 31) != 0;
            by_seed += __builtin_popcountll(hash ^ hash_int(12345 ^ (uint64_t)1 << bit, number));
        }
        cr_expect(by_number > 28000 && by_number < 36000, "bit %d of the number turns %d", bit, by_number / 1000);
        cr_expect_gt(low, 900, "bit %d of the number leaves the last five alone %d times of 1000", bit, 1000 - low);
        cr_expect(by_seed > 28000 && by_seed < 36000, "bit %d of the seed turns %d", bit, by_seed / 1000);
    }
}

/* Keys that fall together under one seed do not under another: the difference of two hashes depends on the seed. */
Test(hash, of_an_int_cannot_be_aimed_without_the_seed) {
    int both = 0;
    for (int64_t number = 0; number < 100000; number++) {
        bool first = ((hash_int(1, number) ^ hash_int(1, number + 1)) & 0xff) == 0;
        bool second = ((hash_int(2, number) ^ hash_int(2, number + 1)) & 0xff) == 0;
        both += first && second;
    }
    cr_expect_lt(both, 15, "%d pairs, by chance there would be two", both);
}
