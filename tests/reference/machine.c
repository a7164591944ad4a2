/* SPDX-License-Identifier: MIT */
#include "tests/reference/machine.h"

#include "vm/lang/checker.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POOL_MAX = 64 << 20, DEPTH_MAX = 200000 };

struct RBlock {
    struct RBlock *next;
    size_t used, size;
    _Alignas(16) char bytes[];
};

/* --- ends and memory --- */

void machine_end(Machine *machine, ReferenceEnd end, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int used = snprintf(machine->result.message, sizeof machine->result.message, "%s: ", machine->word ? machine->word : "?");
    vsnprintf(machine->result.message + used, sizeof machine->result.message - (size_t)used, format, arguments);
    va_end(arguments);
    machine->result.end = end;
    longjmp(machine->end, 1);
}

void *machine_take(Machine *machine, size_t size) {
    size = (size + 15) & ~(size_t)15;
    if (machine->pool_used + size > POOL_MAX)
        machine_end(machine, REFERENCE_EXHAUSTED, "memory");
    machine->pool_used += size;
    struct RBlock *block = machine->blocks;
    if (!block || block->size - block->used < size) {
        size_t room = size > 65536 ? size : 65536;
        block = malloc(sizeof *block + room);
        *block = (struct RBlock){.next = machine->blocks, .size = room};
        machine->blocks = block;
    }
    void *taken = block->bytes + block->used;
    block->used += size;
    return memset(taken, 0, size);
}

void machine_print(Machine *machine, const char *bytes, size_t size) {
    ReferenceResult *result = &machine->result;
    if (result->output_size + size >= result->output_room) {
        result->output_room = 2 * (result->output_size + size) + 64;
        result->output = realloc(result->output, result->output_room);
    }
    memcpy(result->output + result->output_size, bytes, size);
    result->output_size += size;
}

static void *room_for(Machine *machine, void *old, uint32_t count, uint32_t *room, size_t item) {
    if (count < *room)
        return old;
    if (count > DEPTH_MAX)
        machine_end(machine, REFERENCE_EXHAUSTED, "depth");
    *room = *room ? 2 * *room : 16;
    void *grown = machine_take(machine, *room * item);
    if (count)
        memcpy(grown, old, count * item);
    return grown;
}

/* --- the stack --- */

void strand_give(Machine *machine, RStrand *strand, RValue value) {
    strand->stack = room_for(machine, strand->stack, strand->depth, &strand->stack_room, sizeof(RValue));
    strand->stack[strand->depth++] = value;
}
void machine_push(Machine *machine, RValue value) {
    strand_give(machine, machine->current, value);
}
void machine_push_int(Machine *machine, int64_t number) {
    machine_push(machine, (RValue){R_INT, .i = (int64_t)((uint64_t)number << 1) >> 1});
}
void machine_push_bool(Machine *machine, bool truth) {
    machine_push(machine, (RValue){R_BOOL, .b = truth});
}
void machine_push_string(Machine *machine, const char *bytes, size_t size) {
    RBytes *string = machine_take(machine, sizeof *string + size + 1);
    string->size = size;
    memcpy(string->bytes, bytes, size);
    machine_push(machine, (RValue){R_STRING, .string = string});
}

RValue machine_pop(Machine *machine) {
    RStrand *strand = machine->current;
    if (strand->depth == strand->base)
        TRAP("stack underflow");
    return strand->stack[--strand->depth];
}

RValue machine_pop_kind(Machine *machine, RKind kind) {
    RValue value = machine_pop(machine);
    if (value.kind != kind)
        TRAP("expected %s, got %s", kind_text(kind), kind_text(value.kind));
    return value;
}

/* --- strands --- */

RStrand *machine_strand(Machine *machine) {
    RStrand *strand = machine_take(machine, sizeof *strand);
    strand->id = ++machine->last_id;
    strand->state = R_DORMANT;
    strand->next = machine->strands;
    machine->strands = strand;
    return strand;
}
void machine_ready(Machine *machine, RStrand *strand) {
    strand->state = R_READY;
    strand->queue_next = NULL;
    if (machine->ready_last)
        machine->ready_last->queue_next = strand;
    else
        machine->ready_first = strand;
    machine->ready_last = strand;
}
void machine_ready_first(Machine *machine, RStrand *strand) {
    strand->state = R_READY;
    strand->queue_next = machine->ready_first;
    machine->ready_first = strand;
    if (!machine->ready_last)
        machine->ready_last = strand;
}

/* --- code --- */

RFrame *machine_frame(Machine *machine, RFrameKind kind) {
    RStrand *strand = machine->current;
    strand->frames = room_for(machine, strand->frames, strand->frame_count, &strand->frame_room, sizeof(RFrame));
    RFrame *frame = &strand->frames[strand->frame_count++];
    *frame = (RFrame){.kind = kind};
    return frame;
}

/*
 * What a branch leaves that ends in recursion is not compared with the other
 * branch. Should it come back, what it left too much goes (vm/lang/checker.h).
 */
static void mend(Machine *machine, const BodyNote *note) {
    RStrand *strand = machine->current;
    machine->word = "if";
    if (note->never_returns)
        TRAP("a branch returned");
    strand->aux_depth -= note->aux_surplus;
    if (strand->depth - strand->base < note->kept + note->surplus)
        TRAP("stack underflow");
    RValue *top = strand->stack + strand->depth;
    memmove(top - note->kept - note->surplus, top - note->kept, note->kept * sizeof(RValue));
    strand->depth -= note->surplus;
}

static void enter_body(Machine *machine, const Body *body) {
    const BodyNote *note = body->checked;
    if (note && (note->never_returns || note->surplus || note->aux_surplus))
        machine_frame(machine, F_MEND)->body = body;
    if (body->first)
        machine_frame(machine, F_BODY)->node = body->first;
}

void machine_enter(Machine *machine, RValue value) {
    if (value.kind != R_QUOTATION)
        TRAP("expected quotation, got %s", kind_text(value.kind));
    for (uint32_t index = 0; index < value.quotation->count; index++)
        machine_push(machine, value.quotation->captured[index]);
    enter_body(machine, &value.quotation->literal->quotation.body);
}

static void push_literal(Machine *machine, const Node *node) {
    const Literal *literal = node->quotation.checked;
    RQuotation *quotation = machine_take(machine, sizeof *quotation);
    quotation->literal = node;
    if (literal->mode == LITERAL_PUSHED) {
        quotation->is_closure = literal->is_closure;
        quotation->count = literal->capture_count;
        quotation->captured = machine_take(machine, quotation->count * sizeof(RValue));
        for (uint32_t index = quotation->count; index-- > 0;)
            quotation->captured[index] = machine_pop(machine);
    }
    machine_push(machine, (RValue){R_QUOTATION, .quotation = quotation});
}

static void run_match(Machine *machine, const Node *node) {
    machine->word = "match";
    RValue value = machine_pop_kind(machine, R_VARIANT);
    for (const Arm *arm = node->match.arms; arm; arm = arm->next) {
        if (strcmp(arm->variant.bytes, value.items->tag) != 0)
            continue;
        if (arm->has_bindings) {
            for (const Binding *binding = arm->bindings; binding; binding = binding->next) {
                if (binding->index >= value.items->count)
                    TRAP("no such field");
                machine_push(machine, value.items->items[binding->index]);
            }
        } else {
            if (arm->definition->field_count > value.items->count)
                TRAP("no such field");
            for (uint32_t index = 0; index < arm->definition->field_count; index++)
                machine_push(machine, value.items->items[index]);
        }
        enter_body(machine, &arm->body);
        return;
    }
    TRAP("no arm");
}

static void run_union_word(Machine *machine, const Node *node) {
    const VariantDef *variant = node->call.variant;
    machine->word = node->call.name;
    if (node->call.target == TARGET_CONSTRUCT) {
        RItems *items = machine_take(machine, sizeof *items);
        *items = (RItems){variant->name.bytes, variant->field_count, machine_take(machine, variant->field_count * sizeof(RValue))};
        for (uint32_t index = items->count; index-- > 0;)
            items->items[index] = machine_pop(machine);
        machine_push(machine, (RValue){R_VARIANT, .items = items});
        return;
    }
    RValue value = machine_pop_kind(machine, R_VARIANT);
    if (node->call.target == TARGET_IS) {
        machine_push_bool(machine, strcmp(value.items->tag, variant->name.bytes) == 0);
        return;
    }
    if (node->call.field_index >= value.items->count)
        TRAP("no such field");
    machine_push(machine, value.items->items[node->call.field_index]);
}

static void run_node(Machine *machine, const Node *node) {
    switch (node->kind) {
    case NODE_INT:
        machine_push_int(machine, node->integer);
        return;
    case NODE_FLOAT:
        machine_push(machine, (RValue){R_FLOAT, .f = node->number});
        return;
    case NODE_BOOL:
        machine_push_bool(machine, node->truth);
        return;
    case NODE_STRING:
        machine_push_string(machine, node->string.bytes, node->string.size);
        return;
    case NODE_SYMBOL:
        machine_push(machine, (RValue){R_SYMBOL, .symbol = node->string.bytes});
        return;
    case NODE_QUOTATION:
        push_literal(machine, node);
        return;
    case NODE_IF:
        machine->word = "if";
        enter_body(machine, machine_pop_kind(machine, R_BOOL).b ? &node->branch->then_body : &node->branch->else_body);
        return;
    case NODE_MATCH:
        run_match(machine, node);
        return;
    case NODE_CALL:
        switch (node->call.target) {
        case TARGET_DEFINITION:
            enter_body(machine, &node->call.definition->body);
            return;
        case TARGET_BUILTIN:
        case TARGET_SUGAR:
            word_run(machine, node);
            return;
        default:
            run_union_word(machine, node);
            return;
        }
    }
}

/* One step of the strand; false when it has nothing left to do. */
static bool step(Machine *machine) {
    RStrand *strand = machine->current;
    if (strand->frame_count == 0)
        return false;
    RFrame *frame = &strand->frames[strand->frame_count - 1];
    if (frame->kind == F_MEND) {
        strand->frame_count--;
        mend(machine, frame->body->checked);
        return true;
    }
    if (frame->kind != F_BODY) {
        word_step(machine, frame);
        return true;
    }
    const Node *node = frame->node;
    if (node->next)
        frame->node = node->next;
    else
        strand->frame_count--; /* first: a last call is a tail call */
    run_node(machine, node);
    return true;
}

static void strand_over(Machine *machine, RStrand *strand) {
    strand->state = R_ENDED;
    RWeave *weave = strand->weave;
    if (!weave)
        return;
    machine->word = "strand.weave";
    if (strand->depth == 0 || strand->stack[strand->depth - 1].kind != R_CONTEXT)
        TRAP("the body must end with its context on top");
    RStrand *resumer = weave->resumer;
    weave->resumer = NULL;
    weave->body = NULL;
    strand_give(machine, resumer, (RValue){R_INT, .i = 0});
    strand_give(machine, resumer, (RValue){R_BOOL, .b = false});
    machine_ready_first(machine, resumer);
}

static void run(Machine *machine) {
    while (machine->ready_first) {
        RStrand *strand = machine->ready_first;
        machine->ready_first = strand->queue_next;
        if (!machine->ready_first)
            machine->ready_last = NULL;
        machine->current = strand;
        machine->parked = false;
        while (!machine->parked) {
            if (machine->steps_left-- == 0)
                machine_end(machine, REFERENCE_EXHAUSTED, "steps");
            if (!step(machine)) {
                if (strand->id == 1 && strand->depth > 0 && strand->stack[strand->depth - 1].kind == R_INT)
                    machine->result.status = strand->stack[strand->depth - 1].i;
                strand_over(machine, strand);
                break;
            }
        }
    }
    for (RStrand *strand = machine->strands; strand; strand = strand->next) {
        if (strand->state == R_PARKED)
            machine_end(machine, REFERENCE_DEADLOCK, "deadlock");
    }
}

ReferenceResult reference_run(Compilation *compilation, uint64_t steps_max) {
    Machine *machine = calloc(1, sizeof *machine);
    machine->compilation = compilation;
    machine->steps_left = steps_max;
    if (setjmp(machine->end) == 0) {
        machine->current = machine_strand(machine);
        machine_ready(machine, machine->current);
        enter_body(machine, &compilation->resolved.main->body);
        run(machine);
    }
    ReferenceResult result = machine->result;
    while (machine->blocks) {
        struct RBlock *next = machine->blocks->next;
        free(machine->blocks);
        machine->blocks = next;
    }
    free(machine);
    return result;
}
