/* SPDX-License-Identifier: MIT */
/*
 * The states of word families: a short list, because a program touches few
 * families that keep something, and each looks its state up once a word.
 */
#include "vm/exec/world.h"
#include <stdalign.h>

struct WorldState {
    struct WorldState *older;
    const void *key;
    size_t size; /* of `bytes` */
    void (*deinit)(World *world, void *state);
    alignas(8) char bytes[];
};

void *world_state(World *world, const void *key, size_t size, void (*deinit)(World *world, void *state)) {
    for (struct WorldState *state = world->states; state != NULL; state = state->older) {
        if (state->key == key)
            return state->bytes;
    }

    struct WorldState *state = mem_try(world->mem, sizeof *state + size);
    if (state == NULL)
        return NULL;
    *state = (struct WorldState){.older = world->states, .key = key, .size = size, .deinit = deinit};
    memset(state->bytes, 0, size);
    world->states = state;
    return state->bytes;
}

void world_deinit(World *world) {
    while (world->states != NULL) {
        struct WorldState *state = world->states;
        world->states = state->older;
        if (state->deinit != NULL)
            state->deinit(world, state->bytes);
        mem_free(world->mem, state, sizeof *state + state->size);
    }
}
