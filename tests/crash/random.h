/* SPDX-License-Identifier: MIT */
/* Random numbers that are the same for the same seed (SplitMix64): a failure is told by its seed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct Random {
    uint64_t state; /* any number is a seed */
} Random;

static inline uint64_t random_next(Random *random) {
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
/* From 0 to before `count`, which is greater than 0. */
static inline uint64_t random_below(Random *random, uint64_t count) {
    return random_next(random) % count;
}
static inline bool random_chance(Random *random, uint32_t percent) {
    return random_below(random, 100) < percent;
}
