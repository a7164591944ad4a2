/* SPDX-License-Identifier: MIT */
/*
 * Words of strands, channels and weaves. They are thin rows: what a channel,
 * a weave and the scheduler do is written in vm/exec.
 *
 * A word that gives way parks its strand first and puts it among the ready
 * ones afterwards: so whoever looks at a strand in a queue finds it at rest.
 */
#include "builtins/builtins.h"
#include "vm/exec/channel.h"
#include "vm/exec/scheduler.h"
#include "vm/exec/weave.h"
#include "vm/value/quotation.h"

/* --- channels --- */

static WordResult word_chan_make(Strand *strand) {
    Handle *handle = channel_new(strand->scheduler);
    if (handle == NULL)
        return strand_fault_memory(strand);
    strand_push(strand, value_from_object(handle));
    return WORD_OK;
}

static WordResult word_chan_send(Strand *strand) {
    int sent = channel_send(value_subject(strand_peek(strand, 0)), strand_peek(strand, 1));
    if (sent < 0)
        return strand_fault_memory(strand);

    /* the value is no longer ours; the handle goes last, for it may be the channel's only one */
    Value handle = strand_pop(strand);
    strand_pop(strand);
    strand_push(strand, value_from_bool(sent > 0));
    value_unref(strand->heap, handle);
    return WORD_OK;
}

static WordResult word_chan_receive(Strand *strand) {
    return channel_receive(value_subject(strand_peek(strand, 0)), strand);
}

static WordResult word_chan_close(Strand *strand) {
    channel_close(value_subject(strand_peek(strand, 0)));
    strand_drop(strand, 1);
    return WORD_OK;
}

static WordResult word_chan_yield(Strand *strand) {
    WordResult result = strand_park(strand, "chan.yield", 0);
    strand_wake(strand);
    return result;
}

/* --- strands --- */

/* Values that the child starts with: all that code here may see, without the quotation; for a closure none. */
static uint32_t spawn_input_count(const Strand *strand) {
    if (value_has_tag(strand_peek(strand, 0), TAG_CLOSURE))
        return 0;
    return (uint32_t)(strand_depth(strand) - 1 - strand->base);
}

/* A strand that is to run the quotation on top of `parent`, on copies. NULL with a fault when it cannot. */
static Strand *spawn_child(Strand *parent) {
    Strand *child = strand_new(parent->scheduler);
    if (child == NULL) {
        strand_fault_memory(parent);
        return NULL;
    }
    child->word = parent->word; /* what goes wrong before it runs is strand.spawn's fault */
    child->guard = parent->guard;

    uint32_t input_count = spawn_input_count(parent);
    if (strand_reserve(child, input_count)) {
        strand_free(child);
        return NULL;
    }
    for (uint32_t index = input_count; index > 0; index--)
        strand_push(child, value_ref(strand_peek(parent, index)));
    if (!strand_start(child, strand_peek(parent, 0))) {
        strand_free(child);
        return NULL;
    }
    return child;
}

static WordResult word_strand_spawn(Strand *strand) {
    Strand *child = spawn_child(strand);
    if (child == NULL)
        return WORD_FAULTED;
    strand_replace(strand, 1, value_from_int((int64_t)child->id));

    /* the child goes first, up to its first wait: then it stands there when the spawner sends it something */
    WordResult result = strand_park(strand, "strand.spawn", child->id);
    scheduler_ready_first(strand->scheduler, strand);
    scheduler_ready_first(strand->scheduler, child);
    return result;
}

static const Word strand_words[] = {
    {"chan.make", "( ..a -- ..a Channel )", PURE, BY_FUNCTION(word_chan_make),
     .help = "A new channel: a queue of any length, for any number of senders and receivers."},
    {"chan.send", "( ..a T Channel -- ..a Bool )", PURE, BY_FUNCTION(word_chan_send),
     .help = "Puts a value into a channel; never waits. True, or false when the channel is closed, and then the "
             "value is dropped. If strands wait there, the one that has waited longest gets it."},
    {"chan.receive", "( ..a Channel -- ..a T Bool )", PURE, BY_FUNCTION(word_chan_receive),
     .help = "Takes the oldest value and true; the strand waits while there is none. From a closed channel the "
             "values left in it still come, then 0 false for ever."},
    {"chan.close", "( ..a Channel -- ..a )", PURE, BY_FUNCTION(word_chan_close),
     .help = "Closes a channel: nothing more can be sent, what lies in it can still be received, and strands that "
             "wait there get 0 false. Closing it again changes nothing."},
    {"chan.yield", "( ..a -- ..a )", PURE, BY_FUNCTION(word_chan_yield),
     .help = "Lets the other strands that are ready run first."},
    {"strand.spawn", "( ..a [..spawn_in -- ..spawn_out] -- ..a Int )", ESCAPES, BY_FUNCTION(word_strand_spawn),
     .help = "Starts a strand and gives its number, which is positive. A plain quotation runs on a copy of the whole "
             "stack below it, a closure on its captured values only; what it leaves is dropped. The new strand runs "
             "at once, up to its first wait. The program ends when all its strands have; a trap in one of them ends "
             "it at once. A quotation that takes more than the stack holds is a trap."},
    {"strand.weave", "( ..a [..weave_in -- ..weave_out] -- ..a handle )", PURE, BY_FUNCTION(weave_make),
     .help = "A coroutine that has not started. The first strand.resume puts a context and its value on a copy of "
             "the stack below a plain quotation, or on an empty stack below the captured values of a closure. It "
             "must leave the context on top when it ends, else it is a trap; so is one that takes more than there is."},
    {"strand.resume", "( ..a handle b -- ..a handle b Bool )", PURE, BY_FUNCTION(weave_resume),
     .help = "Runs a weave, which gets the value. When it yields: the yielded value and true; when it has ended: 0 "
             "false. To resume a weave that has ended or was cancelled, or anything that is no weave, is a trap."},
    {"strand.weave-cancel", "( ..a handle -- ..a )", PURE, BY_FUNCTION(weave_cancel),
     .help = "Ends a weave: its quotation never runs on. One that has ended already is left alone. Anything that is "
             "no weave is a trap."},
    {"yield", "( ..a ctx b -- ..a ctx b | Yield b )", PURE, BY_FUNCTION(weave_yield),
     .help = "Inside a weave: hands the value to whoever resumed it and rests; goes on with the value of the next "
             "strand.resume. Anything but a weave's context below it is a trap."},
};

const WordFamily strand_family = {"strand", strand_words, sizeof strand_words / sizeof *strand_words};
