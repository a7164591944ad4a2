/* SPDX-License-Identifier: MIT */
/*
 * An Int is hashed by steps that can each be undone (xor with a shift,
 * multiplication by an odd number, xor with the seed), so two numbers never
 * have the same hash: the cost of chosen keys is bounded by that alone. The
 * seed enters twice, the second time between the multiplications, because
 * after a single xor at the front the difference of two keys often survives
 * whatever the seed is.
 */
#include "vm/base/hash.h"

uint64_t hash_int(uint64_t seed, int64_t number) {
    uint64_t hash = (uint64_t)number ^ seed;
    hash = (hash ^ (hash >> 32)) * 0x3c79ac492ba7b653; /* the constants of "moremur", by Pelle Evensen */
    hash ^= (seed << 23) | (seed >> 41);
    hash = (hash ^ (hash >> 33)) * 0x1c69b3f74ac4ae35;
    return hash ^ (hash >> 27);
}
