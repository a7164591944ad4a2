/* SPDX-License-Identifier: MIT */
/*
 * An allocator that refuses when told to, and that knows what is still out:
 * how tests reach "allocation k fails, once or for ever".
 */
#pragma once

#include "vm/base/mem.h"
#include <stdlib.h>

typedef struct Refusing {
    uint64_t asked;    /* requests that could be refused, so far */
    uint64_t first;    /* the number of the first one to refuse, from 1; 0: none */
    bool for_ever;     /* the later ones too */
    uint64_t refused;  /* how many were */
    size_t out_bytes;  /* given and not returned, by the sizes we were told */
    int64_t out_count; /* blocks */
} Refusing;

static inline bool refusing_refuses(Refusing *refusing) {
    uint64_t number = ++refusing->asked;
    return refusing->first != 0 && (number == refusing->first || (refusing->for_ever && number > refusing->first));
}

static inline void *refusing_resize(void *context, void *block, size_t old_size, size_t new_size) {
    Refusing *refusing = (Refusing *)context;
    if (new_size > old_size && refusing_refuses(refusing)) {
        refusing->refused++;
        return NULL;
    }
    refusing->out_bytes += new_size - old_size;
    refusing->out_count += (new_size > 0) - (old_size > 0);
    if (new_size == 0) {
        free(block);
        return NULL;
    }
    char *moved = (char *)realloc(block, new_size);
    if (moved && new_size > old_size)
        memset(moved + old_size, 0xa5, new_size - old_size); /* nobody may count on zeros */
    return moved;
}

static inline Allocator refusing_allocator(Refusing *refusing) {
    return (Allocator){.resize = refusing_resize, .context = refusing};
}

/* From now on nothing is given any more; */
static inline void refusing_start(Refusing *refusing) {
    refusing->first = refusing->asked + 1;
    refusing->for_ever = true;
}
/* and now it is again. */
static inline void refusing_stop(Refusing *refusing) {
    refusing->first = 0;
    refusing->for_ever = false;
}
