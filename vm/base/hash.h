/* SPDX-License-Identifier: MIT */
/*
 * Hashes for tables and maps, keyed by a seed: whoever does not know it cannot
 * choose keys that fall together. They live in this process only; nothing on
 * a disk or in an order that a program sees depends on them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <xxhash.h>

/* `bytes` may be NULL when `size` is 0. */
static inline uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t size) {
    return XXH3_64bits_withSeed(bytes, size, seed);
}

/* Different numbers have different hashes, and all bits of the result depend on all bits of the number and the seed. */
uint64_t hash_int(uint64_t seed, int64_t number);
