/* SPDX-License-Identifier: MIT */
/*
 * Weaves. The resumer waits with the handle on top of its stack while the
 * body runs; `yield` and the body's end push the answer there. So the handle
 * cannot go while its body runs.
 */
#include "vm/exec/weave.h"

struct Weave {
    Subject subject;
    Strand *body;    /* NULL once it has ended or was cancelled */
    Strand *resumer; /* while the body runs */
    Value quotation; /* until the first resume: what it captured comes above token and value, as in any call */
    bool has_started;
};

static bool is_token(Value value) {
    return value_has_tag(value, TAG_WEAVE) && !value_subject(value);
}

/* The weave that slot `index` names; NULL with a fault when it is no handle. */
static Weave *weave_at(Strand *strand, uint32_t index) {
    Value value = strand_peek(strand, index);
    if (value_has_tag(value, TAG_WEAVE) && value_subject(value))
        return value_subject(value);
    strand_fault(strand, "expected weave handle, got %s", is_token(value) ? "weave-ctx" : kind_name(value_kind(value)));
    return NULL;
}

WordResult weave_make(Strand *strand) {
    Value quotation = strand_peek(strand, 0);
    Strand *body = strand_new(strand->scheduler);
    if (!body)
        return strand_fault_memory(strand);
    body->word = strand->word;
    body->guard = strand->guard;
    bool copies_stack = value_has_tag(quotation, TAG_QUOTATION);
    uint64_t copied = copies_stack ? strand_depth(strand) - 1 - strand->base : 0;
    if (strand_reserve(body, copied + FRAME_ROOM)) {
        strand_free(body);
        return WORD_FAULTED;
    }
    for (uint64_t index = copied; index > 0; index--)
        strand_push(body, value_ref(strand_peek(strand, (uint32_t)index)));
    if (!strand_can_start(body, quotation, 2)) {
        strand_free(body);
        return WORD_FAULTED;
    }
    Weave *weave = mem_new(&strand->heap->mem, Weave);
    subject_init(strand->scheduler, &weave->subject, TAG_WEAVE);
    weave->body = body;
    weave->quotation = value_ref(quotation);
    body->weave = weave;
    strand_replace(strand, 1, value_from_object(handle_new(strand->heap, TAG_WEAVE, weave)));
    return WORD_OK;
}

WordResult weave_resume(Strand *strand) {
    Weave *weave = weave_at(strand, 1);
    if (!weave)
        return WORD_FAULTED;
    if (!weave->body)
        return strand_fault(strand, "the weave has ended");
    if (weave->resumer)
        return strand_fault(strand, "the weave is running: it was resumed by strand %llu",
                            (unsigned long long)weave->resumer->id);
    if (!weave->has_started)
        strand_push(weave->body, value_from_object(handle_new(strand->heap, TAG_WEAVE, NULL)));
    strand_push(weave->body, strand_pop(strand));
    if (!weave->has_started && !strand_start(weave->body, weave->quotation))
        return WORD_FAULTED;
    weave->has_started = true;
    weave->resumer = strand;
    scheduler_ready_first(strand->scheduler, weave->body);
    return strand_park(strand, "strand.resume of weave", weave->subject.number);
}

/* Gives the resumer `value more?`, and the processor. */
static void answer_resumer(Weave *weave, Value value, bool more) {
    Strand *resumer = weave->resumer;
    weave->resumer = NULL;
    strand_push(resumer, value);
    strand_push(resumer, value_from_bool(more));
    scheduler_ready_first(resumer->scheduler, resumer);
}

WordResult weave_yield(Strand *strand) {
    if (!strand->weave)
        return strand_fault(strand, "not inside a weave");
    if (!is_token(strand_peek(strand, 1)))
        return strand_fault(strand, "expected weave-ctx below the value, got %s",
                            kind_name(value_kind(strand_peek(strand, 1))));
    answer_resumer(strand->weave, strand_pop(strand), true);
    strand->state = STRAND_DORMANT;
    return WORD_PARKED;
}

bool weave_finish(Strand *body) {
    if (strand_depth(body) == 0 || !is_token(strand_peek(body, 0))) {
        body->word = NULL;
        strand_fault(body, "strand.weave: the body must end with its weave-ctx on top");
        return false;
    }
    answer_resumer(body->weave, VALUE_ZERO, false);
    return true;
}

WordResult weave_cancel(Strand *strand) {
    Weave *weave = weave_at(strand, 0);
    if (!weave)
        return WORD_FAULTED;
    if (weave->resumer)
        return strand_fault(strand, "the weave is running: it was resumed by strand %llu",
                            (unsigned long long)weave->resumer->id);
    if (weave->body)
        strand_free(weave->body);
    strand_drop(strand, 1);
    return WORD_OK;
}

void weave_forget_body(Weave *weave) {
    weave->body = NULL;
    weave->resumer = NULL;
}

void weave_free(Weave *weave) {
    if (weave->body && weave->body->state != STRAND_DONE)
        strand_free(weave->body);
    else if (weave->body)
        weave->body->weave = NULL; /* it is being freed, and its values held the last handle */
    value_unref(weave->subject.scheduler->heap, weave->quotation);
    subject_unlink(&weave->subject);
    mem_free(&weave->subject.scheduler->heap->mem, weave, sizeof *weave);
}
