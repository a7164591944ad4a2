/* SPDX-License-Identifier: MIT */
/*
 * The gate: what leaves the process, in the order it was made, each thing once
 * all that was appended before it is on disk. One position for the whole
 * process: values wander between strands, and the wait is one sync at most.
 *
 * What goes through it: bytes for standard output, and answers to whoever
 * asks from outside. A word that changes the outside at once (CHANGES) waits
 * in front of it instead; so does one that prints while the gate is full, or
 * sends while the store has no room.
 */
#include "vm/actor/node_inside.h"
#include <errno.h>

enum {
    GATE_BYTES_MAX = 64 * 1024, /* printed and waiting */
    GATE_ROOM_MIN = 64 * 1024,  /* in the store */
};

struct GateItem {
    GateItem *next;
    uint64_t position;
    Ask *ask; /* NULL: bytes to print */
    Value value;
    const char *reason; /* the ask fails for it; NULL: it gets the value */
    size_t size;
    char bytes[];
};

bool gate_is_empty(const Node *node) {
    return node->gate_first == NULL;
}

static bool must_wait(const Node *node) {
    return node->gate_first != NULL || store_position(node->store) > store_durable(node->store);
}

static void item_free(Node *node, GateItem *item) {
    if (item->ask)
        ask_release(item->ask);
    value_unref(node->heap, item->value);
    node->gate_bytes -= item->size;
    mem_free(&node->heap->mem, item, sizeof *item + item->size);
}

static void item_push(Node *node, GateItem *item) {
    item->position = store_position(node->store);
    if (node->gate_last)
        node->gate_last->next = item;
    else
        node->gate_first = item;
    node->gate_last = item;
    node->gate_bytes += item->size;
}

static void item_leave(Node *node, GateItem *item) {
    if (!item->ask)
        node->write(node->write_context, item->bytes, item->size);
    else if (item->reason)
        ask_fail(item->ask, item->reason);
    else
        ask_answer(item->ask, value_ref(item->value));
}

void gate_release(Node *node) {
    uint64_t durable = node->store ? store_durable(node->store) : UINT64_MAX;
    if (node->store && store_position(node->store) == durable)
        durable = UINT64_MAX; /* also what waited for a group that came to nothing */
    while (node->gate_first && node->gate_first->position <= durable) {
        GateItem *item = node->gate_first;
        node->gate_first = item->next;
        if (!item->next)
            node->gate_last = NULL;
        item_leave(node, item);
        item_free(node, item);
    }
    if (!node->store || must_wait(node))
        return;
    for (Strand *strand; (strand = queue_pop(&node->gate_waiting)) != NULL;)
        strand_wake(strand);
}

int gate_print(Node *node, const char *bytes, size_t size) {
    if (!node->store || !must_wait(node)) {
        node->write(node->write_context, bytes, size);
        return 0;
    }
    GateItem *item = mem_try(&node->heap->mem, sizeof *item + size);
    if (item == NULL)
        return -ENOMEM;
    *item = (GateItem){.value = VALUE_ZERO, .size = size};
    memcpy(item->bytes, bytes, size);
    item_push(node, item);
    return 0;
}

static void let_out(Node *node, Ask *ask, TAKEN Value value, const char *reason) {
    GateItem *item = mem_new(&node->heap->mem, GateItem);
    *item = (GateItem){.ask = ask, .value = value, .reason = reason};
    ask_hold(ask);
    if (node->store && must_wait(node)) {
        item_push(node, item);
        return;
    }
    item_leave(node, item);
    item_free(node, item);
}

void gate_answer(Node *node, Ask *ask, TAKEN Value value) {
    let_out(node, ask, value, NULL);
}

void gate_fail_ask(Node *node, Ask *ask, const char *reason) {
    let_out(node, ask, VALUE_ZERO, reason);
}

/* --- strands that have no turn --- */

/* The strand may pass: the word that it came to runs now. */
static WordResult gate_pass(Strand *strand, StepFrame *frame) {
    const Word *word = &strand->scheduler->program->words->words[frame->index];
    WordResult finished = strand_step_finish(strand, frame);
    if (finished != WORD_OK)
        return finished;
    strand->word = word;
    return word->function(strand);
}

static const Word gate_word = {.name = "(waits for the disk)", .effect = "( -- )", .step = gate_pass};

static int gate_call(Guard *guard, Strand *strand, const Word *word) {
    Node *node = (Node *)(void *)((char *)guard - offsetof(Node, guard));
    bool is_held = node->gate_bytes > GATE_BYTES_MAX || store_room(node->store) < GATE_ROOM_MIN;
    bool waits = must_wait(node) && (word->touches == CHANGES || (word->touches == ACTS && is_held));
    if (!waits)
        return word->function(strand);
    StepFrame *frame = strand_step(strand, &gate_word, VALUE_ZERO, VALUE_ZERO);
    frame->index = word->number;
    queue_push(&node->gate_waiting, strand);
    return strand_park(strand, word->name, 0);
}

/* It has been let through already. */
static int gate_stepped(Guard *guard, Strand *strand, const Word *word) {
    (void)guard;
    (void)strand;
    (void)word;
    return WORD_OK;
}

/* A fault of main or of a plain strand ends the program, as ever. */
static bool gate_faulted(Guard *guard, Strand *strand) {
    (void)guard;
    (void)strand;
    return false;
}

/* The world's write, for all strands: a turn keeps what it prints. */
static void gate_write(void *context, const char *bytes, size_t size) {
    Node *node = context;
    int r = node->printing ? turn_print(node->printing, bytes, size) : gate_print(node, bytes, size);
    if (r)
        node->heap->mem.exhausted = true; /* the word's return turns it into a fault */
}

void gate_init(Node *node) {
    node->write = node->world->write;
    node->write_context = node->world->write_context;
    node->world->write = gate_write;
    node->world->write_context = node;
    node->guard = (Guard){.call = gate_call, .stepped = gate_stepped, .faulted = gate_faulted};
}

void gate_begin(Node *node) {
    node->scheduler->guard = &node->guard;
    for (Strand *strand = node->scheduler->strands; strand; strand = strand->next) {
        if (strand->guard == NULL)
            strand->guard = &node->guard;
    }
}

void gate_free(Node *node) {
    for (GateItem *item = node->gate_first, *next; item; item = next) {
        next = item->next;
        item_free(node, item);
    }
    node->world->write = node->write;
    node->world->write_context = node->write_context;
}
