/* SPDX-License-Identifier: MIT */
/* A channel alone: values in order, receivers in order, closing, and who owns what when it ends. */
#include "tests/unit/vm_fixture.h"
#include "vm/exec/channel.h"
#include "vm/value/string.h"
#include <errno.h>

static VmFixture fixture;
static Handle *handle;
static Channel *channel;

static void start(void) {
    fixture_open(&fixture, ": nothing ( -- ) ;\n");
    handle = channel_new(&fixture.vm.scheduler);
    cr_assert_not_null(handle);
    channel = value_subject(value_from_object(handle));
}

static void forget_channel(void) {
    value_unref(&fixture.vm.heap, value_from_object(handle));
    channel = NULL;
}

static void end(void) {
    if (channel)
        forget_channel();
    fixture_close(&fixture);
}

TestSuite(channel, .init = start, .fini = end);

/* A strand that asks for the next value: it has `value flag` on its stack afterwards, or waits. */
static Strand *receiver(void) {
    Strand *strand = strand_new(&fixture.vm.scheduler);
    cr_assert_not_null(strand);
    strand_push(strand, value_ref(value_from_object(handle)));
    WordResult result = channel_receive(channel, strand);
    cr_assert_eq(result, strand->state == STRAND_PARKED ? WORD_PARKED : WORD_OK);
    return strand;
}

static void send(int64_t number) {
    cr_assert_eq(channel_send(channel, value_from_int(number)), 1);
}

/* What it got; frees it. */
static void expect(Strand *strand, int64_t number, bool ok) {
    cr_expect_neq(strand->state, STRAND_PARKED, "no one woke it");
    cr_expect_eq(strand_depth(strand), 2);
    cr_expect_eq(value_to_bool(strand_peek(strand, 0)), ok);
    cr_expect_eq(strand_peek_int(strand, 1), number);
    strand_free(strand);
}

/* The ring grows and its start moves on, in all ways of the two. */
Test(channel, values_come_in_the_order_they_were_sent) {
    int64_t sent = 0, received = 0;
    for (int round = 1; round <= 20; round++) {
        for (int index = 0; index < 2 * round; index++)
            send(sent++);
        for (int index = 0; index < round; index++)
            expect(receiver(), received++, true);
    }
    while (received < sent)
        expect(receiver(), received++, true);
    Strand *waits = receiver();
    cr_assert_eq(waits->state, STRAND_PARKED);
    strand_free(waits);
}

Test(channel, who_has_waited_longest_gets_the_value) {
    Strand *first = receiver(), *second = receiver(), *third = receiver();
    send(1);
    cr_assert_eq(second->state, STRAND_PARKED);
    send(2);
    expect(second, 2, true);
    expect(first, 1, true);
    cr_assert_eq(third->state, STRAND_PARKED);
    strand_free(third);
}

/* A strand may be freed while it waits; the next value is for the one behind it. */
Test(channel, one_that_is_gone_gets_nothing) {
    Strand *gone = receiver(), *stays = receiver();
    strand_free(gone);
    send(7);
    expect(stays, 7, true);
    send(8);
    expect(receiver(), 8, true);
}

Test(channel, closing_wakes_all_who_wait) {
    Strand *first = receiver(), *second = receiver();
    channel_close(channel);
    expect(first, 0, false);
    expect(second, 0, false);
    expect(receiver(), 0, false);
}

Test(channel, what_lies_in_a_closed_one_still_comes) {
    send(1);
    send(2);
    channel_close(channel);
    channel_close(channel);
    cr_assert_eq(channel_send(channel, value_from_int(3)), 0);
    expect(receiver(), 1, true);
    expect(receiver(), 2, true);
    expect(receiver(), 0, false);
}

static Value text(void) {
    String *string = string_new(&fixture.vm.heap, "text", 4);
    cr_assert_not_null(string);
    return value_from_object(string);
}

/* fixture_close() sees what is not given back. */
Test(channel, a_closed_one_drops_what_is_sent) {
    Value value = text();
    channel_close(channel);
    cr_assert_eq(channel_send(channel, value_ref(value)), 0);
    cr_assert_eq(value_object(value)->count, 1);
    value_unref(&fixture.vm.heap, value);
}

Test(channel, the_last_handle_takes_all_with_it) {
    int64_t live_before = fixture.vm.heap.mem.live_count;
    Value value = text();
    for (int index = 0; index < 10; index++)
        cr_assert_eq(channel_send(channel, value_ref(value)), 1);
    forget_channel();
    cr_assert_eq(value_object(value)->count, 1);
    cr_assert_null(fixture.vm.scheduler.subjects);
    value_unref(&fixture.vm.heap, value);
    cr_assert_eq(fixture.vm.heap.mem.live_count, live_before - 2, "channel and handle");
}

/* A ring of two channels, each in the other: only the end of the scheduler frees them. */
Test(channel, a_circle_goes_with_the_scheduler) {
    Handle *other = channel_new(&fixture.vm.scheduler);
    cr_assert_eq(channel_send(channel, value_ref(value_from_object(other))), 1);
    Channel *inner = value_subject(value_from_object(other));
    cr_assert_eq(channel_send(inner, value_ref(value_from_object(handle))), 1);
    value_unref(&fixture.vm.heap, value_from_object(other));
    forget_channel();
    cr_assert_not_null(fixture.vm.scheduler.subjects);
}

/* The waiting receiver held the last handle; its answer takes the place of that. */
Test(channel, the_answer_may_take_the_last_handle) {
    Strand *waits = receiver();
    value_unref(&fixture.vm.heap, value_from_object(handle));
    cr_assert_eq(channel_send(channel, value_from_int(5)), 1);
    channel = NULL;
    cr_assert_null(fixture.vm.scheduler.subjects);
    expect(waits, 5, true);
}

/* Rings up to MEM_SMALL_MAX come from slabs; the first larger one is asked of the allocator. */
Test(channel, a_refused_send_leaves_the_value) {
    Value value = text();
    refusing_start(&fixture.refusing);
    uint32_t sent = 0;
    int r;
    while ((r = channel_send(channel, value_ref(value))) == 1)
        sent++;
    refusing_stop(&fixture.refusing);
    cr_assert_eq(r, -ENOMEM);
    cr_assert_eq(value_object(value)->count, sent + 2, "ours, those sent, and the one that was refused");
    cr_assert_eq(channel_send(channel, value), 1, "later there is room, and what was sent is there");
    for (uint32_t index = 0; index <= sent; index++) {
        Strand *strand = receiver();
        cr_assert_eq(strand_peek(strand, 1).bits, value.bits);
        strand_free(strand);
    }
    cr_assert_eq(value_object(value)->count, 1);
    value_unref(&fixture.vm.heap, value);
}
