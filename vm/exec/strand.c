/* SPDX-License-Identifier: MIT */
/*
 * Strands: their block of stack and frames, and what words do to them. The
 * layout is drawn in strand.h; here is what keeps it true: the block moves
 * only in strand_reserve(), and whoever walks frames does it by frame_walk().
 */
#include "vm/exec/strand.h"

#include "vm/base/config.h"
#include "vm/exec/fault.h"
#include "vm/exec/interp.h"
#include "vm/exec/scheduler.h"
#include "vm/exec/weave.h"
#include <errno.h>
#include <stdio.h>

static_assert(sizeof(Slot) == sizeof(Value), "values and frames share one block");
static_assert(sizeof(Strand) + (STRAND_SLOTS_MIN + 1) * sizeof(Slot) <= 512,
              "a strand that rests costs at most 512 bytes");

enum { STEP_FRAME_SLOTS = sizeof(StepFrame) / sizeof(Slot) };
static_assert(STEP_FRAME_SLOTS + 2 <= FRAME_ROOM,
              "a step frame, its return address and the quotation's fit what `need` includes");

/* --- the block: one slot before `stack`, so that the interpreter's sp of an empty stack stays inside --- */

static size_t block_size(uint64_t slots) {
    return (size_t)(slots + 1) * sizeof(Slot);
}
static uint64_t strand_slots(const Strand *strand) {
    return (uint64_t)((Value *)(void *)strand->end - strand->stack);
}

static bool block_init(Strand *strand, uint64_t slots) {
    Value *block = mem_try(&strand->heap->mem, block_size(slots));
    if (!block)
        return false;
    block[0] = block[1] = VALUE_ZERO; /* the scratch slot is read when an empty stack is loaded */
    strand->stack = block + 1;
    strand->end = (Slot *)(void *)(strand->stack + slots);
    strand->sp = strand->stack;
    strand->rp = strand->end;
    return true;
}

int strand_reserve(Strand *strand, uint64_t slots) {
    if ((Value *)(void *)strand->rp - strand->sp > (int64_t)slots)
        return 0;
    uint64_t old = strand_slots(strand), wanted = old + slots + 1;
    uint64_t grown = STRESS_GROW || wanted > 2 * old ? wanted : 2 * old;
    if (grown > STRAND_SLOTS_MAX)
        grown = STRAND_SLOTS_MAX;
    if (grown < wanted) {
        strand_fault(strand, "recursion too deep: the stack of one strand may hold %d values and calls",
                     (int)STRAND_SLOTS_MAX);
        return -ENOMEM;
    }
    Value *block = mem_try_resize(&strand->heap->mem, strand->stack - 1, block_size(old), block_size(grown));
    if (!block) {
        strand_fault_memory(strand);
        return -ENOMEM;
    }
    uint64_t depth = strand_depth(strand), frames = (uint64_t)(strand->end - strand->rp);
    strand->stack = block + 1;
    strand->sp = strand->stack + depth;
    strand->end = (Slot *)(void *)(strand->stack + grown);
    strand->rp = strand->end - frames;
    memmove(strand->rp, strand->stack + old - frames, frames * sizeof(Slot));
    return 0;
}

/* --- faults --- */

WordResult strand_fault(Strand *strand, const char *format, ...) {
    char *message = strand->scheduler->fault.message;
    int used = 0;
    if (strand->word)
        used = snprintf(message, FAULT_MESSAGE_MAX, "%s: ", strand->word->name);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message + used, FAULT_MESSAGE_MAX - (size_t)used, format, arguments);
    va_end(arguments);
    strand->has_fault = true;
    return WORD_FAULTED;
}

WordResult strand_fault_kind(Strand *strand, const char *want, Value found) {
    return strand_fault(strand, "expected %s, got %s", want, kind_name(value_kind(found)));
}

WordResult strand_fault_memory(Strand *strand) {
    return strand_fault(strand, "out of memory");
}

/* --- quotations --- */

StepFrame *strand_step(Strand *strand, const Word *word, Value kept, Value also_kept) {
    (--strand->rp)->ip = strand->ip;
    strand->rp -= STEP_FRAME_SLOTS;
    StepFrame *frame = (StepFrame *)(void *)strand->rp;
    *frame = (StepFrame){
        .word = word,
        .base = strand_depth(strand),
        .outer_base = strand->base,
        .kept = {kept, also_kept},
    };
    strand->ip = strand->scheduler->step_code;
    return frame;
}

WordResult strand_call(Strand *strand, Value value) {
    Quotation *quotation = value_quotation(value);
    if (strand_reserve(strand, (uint64_t)quotation->chunk->need + quotation->capture_count))
        return WORD_FAULTED;
    if (strand->ip == strand->scheduler->step_code)
        strand->base = ((StepFrame *)(void *)strand->rp)->base;
    for (uint32_t index = 0; index < quotation->capture_count; index++)
        strand_push(strand, value_ref(quotation->captures[index]));
    (--strand->rp)->ip = strand->ip;
    strand->ip = quotation->chunk->entry;
    return WORD_CALL;
}

WordResult strand_call_above(Strand *strand, Value value, uint64_t floor) {
    WordResult result = strand_call(strand, value);
    const Chunk *chunk = value_quotation(value)->chunk;
    bool keeps_floor = chunk->instructions[0].opcode == OP_ENTER_UNKNOWN;
    if (result == WORD_CALL && keeps_floor && (chunk->flags & CHUNK_OUT_UNKNOWN))
        strand->lent_floor = floor + 1;
    return result;
}

WordResult strand_step_finish(Strand *strand, StepFrame *frame) {
    Value kept = frame->kept[0], also_kept = frame->kept[1];
    strand->base = frame->outer_base;
    strand->rp += STEP_FRAME_SLOTS;
    strand->ip = (strand->rp++)->ip;
    value_unref(strand->heap, kept);
    value_unref(strand->heap, also_kept);
    return WORD_OK;
}

bool strand_expect_quotation(Strand *strand, uint32_t index, uint32_t in, int out) {
    Value value = strand_peek(strand, index);
    if (!value_is_quotation(value)) {
        strand_fault_kind(strand, "quotation or closure", value);
        return false;
    }
    const Quotation *quotation = value_quotation(value);
    const Chunk *chunk = quotation->chunk;
    int takes = chunk->shape.in - (int)quotation->capture_count;
    if (takes > (int)in) {
        strand_fault(strand, "its quotation takes %d value%s, but gets %u", takes, takes == 1 ? "" : "s", in);
        return false;
    }
    if (out >= 0 && !(chunk->flags & CHUNK_OUT_UNKNOWN) && chunk->shape.out - takes != out - (int)in) {
        strand_fault(strand, "its quotation takes %d and leaves %u value%s; expected one that takes %u and leaves %d",
                     takes, chunk->shape.out, chunk->shape.out == 1 ? "" : "s", in, out);
        return false;
    }
    return true;
}

/* --- waiting --- */

WordResult strand_park(Strand *strand, const char *what, uint64_t number) {
    strand->state = STRAND_PARKED;
    strand->reason = (ParkReason){what, number};
    return WORD_PARKED;
}

void strand_wake(Strand *strand) {
    check(strand->state == STRAND_PARKED || strand->state == STRAND_DORMANT);
    scheduler_ready(strand->scheduler, strand);
}

/* --- life --- */

Strand *strand_new(Scheduler *scheduler) {
    Strand *strand = mem_new(&scheduler->heap->mem, Strand);
    strand->heap = scheduler->heap;
    strand->scheduler = scheduler;
    strand->world = scheduler->world;
    strand->guard = scheduler->guard;
    strand->state = STRAND_DORMANT;
    if (!block_init(strand, STRESS_GROW ? FRAME_ROOM + 4 : STRAND_SLOTS_MIN)) {
        mem_free(&scheduler->heap->mem, strand, sizeof *strand);
        return NULL;
    }
    strand->id = ++scheduler->last_id;
    strand->next = scheduler->strands;
    if (strand->next)
        strand->next->previous = strand;
    scheduler->strands = strand;
    scheduler->strand_count++;
    (--strand->rp)->ip = scheduler->finish_code;
    return strand;
}

bool strand_is_small(const Strand *strand) {
    return strand_slots(strand) <= STRAND_SLOTS_KEPT;
}

void strand_reset(Strand *strand) {
    strand_cut_to(strand, 0);
    strand->state = STRAND_DORMANT;
    strand->rp = strand->end;
    (--strand->rp)->ip = strand->scheduler->finish_code;
    strand->base = strand->floor = strand->lent_floor = 0;
    strand->lends_floor = strand->has_fault = strand->is_kept = false;
    strand->word = NULL;
}

bool strand_can_start(Strand *strand, Value value, uint32_t coming) {
    if (!value_is_quotation(value)) {
        strand_fault_kind(strand, "quotation or closure", value);
        return false;
    }
    const Quotation *quotation = value_quotation(value);
    int takes = quotation->chunk->shape.in - (int)quotation->capture_count;
    int64_t given = (int64_t)strand_depth(strand) + coming;
    if (takes > given)
        strand_fault(strand, "stack underflow: the quotation takes %d value%s, only %lld on the stack", takes,
                     takes == 1 ? "" : "s", (long long)given);
    return takes <= given;
}

bool strand_start(Strand *strand, Value value) {
    if (!strand_can_start(strand, value, 0))
        return false;
    const Quotation *quotation = value_quotation(value);
    if (strand_reserve(strand, (uint64_t)quotation->chunk->need + quotation->capture_count))
        return false;
    for (uint32_t index = 0; index < quotation->capture_count; index++)
        strand_push(strand, value_ref(quotation->captures[index]));
    strand->ip = quotation->chunk->entry;
    return true;
}

int strand_start_chunk(Strand *strand, const Chunk *chunk) {
    if (strand_reserve(strand, chunk->need))
        return -ENOMEM;
    strand->ip = chunk->entry;
    return 0;
}

void strand_free(Strand *strand) {
    Scheduler *scheduler = strand->scheduler;
    Mem *mem = &strand->heap->mem;

    if (strand->queue) /* first: its stack may hold the last handle of the channel in whose queue it waits */
        queue_remove(strand->queue, strand);
    strand->state = STRAND_DONE; /* dropping its values may come back here: its own weave's handle may be among them */
    strand_cut_to(strand, 0);
    FrameInfo info;
    for (FrameWalk walk = frame_walk(strand); frame_walk_next(&walk, &info);) {
        for (uint32_t index = 0; index < info.aux_count; index++)
            value_unref(strand->heap, info.aux[index].value);
        if (info.step) {
            value_unref(strand->heap, info.step->kept[0]);
            value_unref(strand->heap, info.step->kept[1]);
        }
    }
    if (strand->weave)
        weave_forget_body(strand->weave);
    mem_free(mem, strand->stack - 1, block_size(strand_slots(strand)));
    if (strand->previous)
        strand->previous->next = strand->next;
    else
        scheduler->strands = strand->next;
    if (strand->next)
        strand->next->previous = strand->previous;
    scheduler->strand_count--;
    mem_free(mem, strand, sizeof *strand);
}

/* --- frames --- */

/* program_chunk_at() through a small cache: deep recursion comes by the same few addresses again and again. */
static const Chunk *chunk_at(FrameWalk *walk, const Code *address, uint32_t *instructionp) {
    FrameSite *site = &walk->sites[(uintptr_t)address / sizeof(Code) % FRAME_SITES];
    if (site->address != address) {
        site->address = address;
        site->chunk = program_chunk_at(walk->strand->scheduler->program, address, &site->instruction);
    }
    *instructionp = site->instruction;
    return site->chunk;
}

FrameWalk frame_walk(const Strand *strand) {
    return (FrameWalk){.strand = strand, .slot = strand->rp, .address = strand->ip, .innermost = true};
}

bool frame_walk_next(FrameWalk *walk, FrameInfo *info) {
    const Scheduler *scheduler = walk->strand->scheduler;
    *info = (FrameInfo){0};
    if (!walk->address || walk->address == scheduler->finish_code)
        return false;
    if (walk->address == scheduler->step_code) {
        info->step = (StepFrame *)(void *)walk->slot;
        walk->slot += STEP_FRAME_SLOTS;
    } else {
        /*
         * The aux values are those of the instruction that runs next; the
         * call that is open stands in the cell before a return address.
         */
        uint32_t next;
        info->chunk = chunk_at(walk, walk->address, &next);
        check(info->chunk);
        info->aux = walk->slot;
        info->aux_count = info->chunk->places[next].aux;
        info->instruction = next;
        if (!walk->innermost)
            chunk_at(walk, walk->address - 1, &info->instruction);
        walk->slot += info->aux_count;
    }
    walk->innermost = false;
    walk->address = (walk->slot++)->ip;
    return true;
}
