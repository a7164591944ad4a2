/* SPDX-License-Identifier: MIT */
/*
 * World: what a strand may touch of the outside: the doors (files, clock,
 * poller), the program's arguments and standard output. Set up by whoever
 * owns the VM; words reach it through strand->world and nowhere else.
 */
#pragma once

#include "vm/base/clock.h"
#include "vm/base/io.h"
#include "vm/base/mem.h"
#include "vm/base/poller.h"

typedef struct World World;
typedef struct Strand Strand;
typedef struct Word Word;
typedef struct Guard Guard;

/*
 * Who stands between a strand and the outside: an actor's turn, which notes
 * and holds back, or whoever waits for the disk. The weaves that a strand
 * makes have its guard. Most strands have none.
 */
struct Guard {
    /* Called in place of the function of every word that is not PURE; its result is the word's (a WordResult). */
    int (*call)(Guard *guard, Strand *strand, const Word *word);
    /* The same when such a word ends in a step, so later: its results are on the stack. */
    int (*stepped)(Guard *guard, Strand *strand, const Word *word);
    /* The strand, or a weave's body, has faulted (scheduler->fault). True: the guard has dealt with it and freed it. */
    bool (*faulted)(Guard *guard, Strand *strand);
};

struct World {
    Mem *mem;
    Io *io;
    Clock *clock;
    Poller *poller;
    /* Standard output, in the order things were said. Errors are the owner's business. */
    void (*write)(void *context, const char *bytes, size_t size);
    void *write_context;
    int input;                    /* descriptor of standard input */
    const char *const *arguments; /* the program first */
    uint32_t argument_count;
    const char *const *environment; /* NAME=VALUE texts and a NULL behind them; NULL: no variable is set */
    struct Node *node;              /* the actors of this VM; NULL: there can be none */
    struct WorldState *states;      /* what word families keep per VM */
};

/*
 * The state of one family in this VM, zeroed when it is first asked for.
 * `key` is the address of something constant of that family. `deinit` may be
 * NULL. NULL when memory is refused.
 */
void *world_state(World *world, const void *key, size_t size, void (*deinit)(World *world, void *state));
/* Ends all states. */
void world_deinit(World *world);
