/* SPDX-License-Identifier: MIT */
/* Channels: a ring of values, or a queue of receivers; never both. */
#include "vm/exec/channel.h"

#include <errno.h>

struct Channel {
    Subject subject;
    Value *ring;
    uint32_t capacity; /* a power of two, or 0 */
    uint32_t first, count;
    StrandQueue receivers;
    bool is_closed;
};

enum { RING_MIN = 4, RING_MAX = 1 << 30 };

Handle *channel_new(Scheduler *scheduler) {
    Channel *channel = mem_new(&scheduler->heap->mem, Channel);
    subject_init(scheduler, &channel->subject, TAG_CHANNEL);
    return handle_new(scheduler->heap, TAG_CHANNEL, channel);
}

static int ring_grow(Channel *channel) {
    Mem *mem = &channel->subject.scheduler->heap->mem;
    uint32_t capacity = channel->capacity ? 2 * channel->capacity : RING_MIN;
    Value *ring = channel->capacity < RING_MAX ? mem_try(mem, capacity * sizeof(Value)) : NULL;
    if (!ring)
        return -ENOMEM;
    for (uint32_t index = 0; index < channel->count; index++)
        ring[index] = channel->ring[(channel->first + index) & (channel->capacity - 1)];
    mem_free(mem, channel->ring, channel->capacity * sizeof(Value));
    channel->ring = ring;
    channel->capacity = capacity;
    channel->first = 0;
    return 0;
}

/* The receiver's stack still has the channel on top: it makes way for the answer. */
static void answer(Strand *receiver, Value value, bool ok) {
    strand_replace_ok(receiver, 1, value, ok);
}

int channel_send(Channel *channel, Value value) {
    if (channel->is_closed) {
        value_unref(channel->subject.scheduler->heap, value);
        return 0;
    }
    Strand *receiver = queue_pop(&channel->receivers);
    if (receiver) {
        /* wake first: answering may drop the channel's last reference */
        strand_wake(receiver);
        answer(receiver, value, true);
        return 1;
    }
    if (channel->count == channel->capacity && ring_grow(channel))
        return -ENOMEM;
    channel->ring[(channel->first + channel->count++) & (channel->capacity - 1)] = value;
    return 1;
}

WordResult channel_receive(Channel *channel, Strand *strand) {
    if (channel->count == 0 && !channel->is_closed) {
        queue_push(&channel->receivers, strand);
        return strand_park(strand, "chan.receive on channel", channel->subject.number);
    }
    if (channel->count == 0) {
        answer(strand, VALUE_ZERO, false);
        return WORD_OK;
    }
    Value value = channel->ring[channel->first];
    channel->first = (channel->first + 1) & (channel->capacity - 1);
    channel->count--;
    answer(strand, value, true);
    return WORD_OK;
}

void channel_close(Channel *channel) {
    channel->is_closed = true;
    for (Strand *receiver; (receiver = queue_pop(&channel->receivers)) != NULL;) {
        strand_wake(receiver);
        answer(receiver, VALUE_ZERO, false);
    }
}

void channel_empty(Channel *channel) {
    Heap *heap = channel->subject.scheduler->heap;
    Value *ring = channel->ring;
    uint32_t capacity = channel->capacity, first = channel->first, count = channel->count;
    channel->ring = NULL; /* detached first: dropping a value may free this very channel */
    channel->capacity = channel->count = channel->first = 0;
    for (uint32_t index = 0; index < count; index++)
        value_unref(heap, ring[(first + index) & (capacity - 1)]);
    mem_free(&heap->mem, ring, capacity * sizeof(Value));
}

void channel_free(Channel *channel) {
    check(channel->count == 0 && !channel->receivers.first);
    subject_unlink(&channel->subject);
    mem_free(&channel->subject.scheduler->heap->mem, channel, sizeof *channel);
}
