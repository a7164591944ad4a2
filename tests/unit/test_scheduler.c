/* SPDX-License-Identifier: MIT */
/* Whose turn it is, who sleeps how long, and what is said of strands that nobody can wake. */
#include "tests/unit/vm_fixture.h"
#include "vm/exec/scheduler.h"

enum { STRANDS_MAX = 300 };

static VmFixture fixture;
static uint64_t ended_ids[STRANDS_MAX];
static int ended_count;
static int64_t now_ns, ended_ns;

static void start(void) {
    fixture_open(&fixture, ": nothing ( -- ) ;\n");
}

static void end(void) {
    fixture_close(&fixture);
}

static void note_end(Strand *strand, void *context) {
    cr_assert_lt(ended_count, STRANDS_MAX);
    ended_ids[ended_count++] = strand->id;
    ended_ns = now_ns;
}

/* A strand with nothing to do, at rest. */
static Strand *resting_strand(void) {
    const Program *program = &fixture.vm.program;
    Strand *strand = strand_new(&fixture.vm.scheduler);
    cr_assert_not_null(strand);
    cr_assert_eq(strand_start_chunk(strand, program->cells[fixture_word(&fixture, "nothing")->number].chunk), 0);
    strand->done = note_end;
    (void)strand_park(strand, "test", 0);
    return strand;
}

/* Time goes on by a nanosecond with each look. */
static int64_t ticking_clock(void *context) {
    return ++now_ns;
}

static void set_clock(int64_t start_ns) {
    now_ns = start_ns;
    fixture.vm.clock.monotonic_ns = ticking_clock;
}

static SchedulerEnd run(const char *word) {
    return vm_run(&fixture.vm, fixture_word(&fixture, word)).end;
}

TestSuite(scheduler, .init = start, .fini = end);
TestSuite(scheduler_program);

/* --- turns --- */

Test(scheduler, ready_strands_run_in_turn) {
    Scheduler *scheduler = &fixture.vm.scheduler;
    for (int index = 0; index < 4; index++)
        scheduler_ready(scheduler, resting_strand());
    scheduler_ready_first(scheduler, resting_strand());
    cr_assert_eq(scheduler_run(scheduler), SCHEDULER_IDLE);
    static const uint64_t order[] = {5, 1, 2, 3, 4};
    cr_assert_eq(ended_count, 5);
    cr_assert_arr_eq(ended_ids, order, sizeof order);
    cr_assert_eq(scheduler->strand_count, 0);
}

Test(scheduler, a_queue_lets_go_of_any_of_its_strands) {
    for (int removed = 0; removed < 3; removed++) {
        StrandQueue queue = {0};
        Strand strands[3] = {0};
        for (int index = 0; index < 3; index++)
            queue_push(&queue, &strands[index]);
        queue_remove(&queue, &strands[removed]);
        cr_assert_null(strands[removed].queue);
        for (int index = 0; index < 3; index++) {
            if (index != removed)
                cr_assert_eq(queue_pop(&queue), &strands[index]);
        }
        cr_assert_null(queue_pop(&queue));
        cr_assert(!queue.first && !queue.last);
    }
}

Test(scheduler_program, a_new_strand_goes_first_up_to_its_first_wait) {
    fixture_open(&fixture, ": main ( -- )\n"
                           "  [ \"a\" io.write chan.yield \"b\" io.write ] strand.spawn drop \"c\" io.write\n"
                           "  chan.yield \"d\" io.write ;\n");
    cr_assert_eq(run("main"), SCHEDULER_IDLE);
    cr_assert_str_eq(fixture.out, "acbd");
    fixture_close(&fixture);
}

/* The other one ends the program in its turn; that must not be as late as when the fuel is spent. */
static void expect_turn_of_the_other(void) {
    fixture.vm.scheduler.fuel = 5 * SCHEDULER_BUDGET;
    cr_assert_eq(run("main"), SCHEDULER_EXIT);
    cr_assert_geq(fixture.vm.scheduler.fuel, 3 * SCHEDULER_BUDGET);
    fixture_close(&fixture);
}

Test(scheduler_program, one_that_never_waits_gives_way) {
    fixture_open(&fixture, ": spin ( -- ) spin ;\n"
                           ": main ( -- ) [ chan.yield 3 os.exit ] strand.spawn drop spin ;\n");
    expect_turn_of_the_other();
}

/* A weave and its resumer go before others each time; but on one budget. */
Test(scheduler_program, two_that_hand_over_to_each_other_give_way) {
    fixture_open(&fixture,
                 ": echo ( C Int -- C | Yield Int ) yield echo ;\n"
                 ": ask ( W -- W ) 1 strand.resume drop drop ask ;\n"
                 ": main ( -- ) [ chan.yield 3 os.exit ] strand.spawn drop [ echo ] strand.weave ask drop ;\n");
    expect_turn_of_the_other();
}

/* --- sleepers --- */

Test(scheduler, sleepers_wake_by_deadline) {
    enum { COUNT = 200 };
    static int64_t deadlines[COUNT + 1]; /* by strand's number */
    Scheduler *scheduler = &fixture.vm.scheduler;
    set_clock(1000000); /* all of them are over: nobody waits in earnest */
    uint64_t random = 7;
    for (int index = 0; index < COUNT; index++) {
        Strand *strand = resting_strand();
        random = random * 6364136223846793005u + 1442695040888963407u;
        deadlines[strand->id] = (int64_t)(random >> 33) % 100000;
        cr_assert_eq(scheduler_sleep(scheduler, strand, deadlines[strand->id]), 0);
    }
    cr_assert_eq(scheduler_run(scheduler), SCHEDULER_IDLE);
    cr_assert_eq(ended_count, COUNT);
    for (int index = 1; index < COUNT; index++)
        cr_assert_leq(deadlines[ended_ids[index - 1]], deadlines[ended_ids[index]], "the one woken as number %d",
                      index);
}

Test(scheduler, nobody_wakes_before_the_deadline) {
    Scheduler *scheduler = &fixture.vm.scheduler;
    set_clock(100);
    Strand *late = resting_strand(), *early = resting_strand();
    uint64_t late_id = late->id, early_id = early->id;
    cr_assert_eq(scheduler_sleep(scheduler, late, 400), 0);
    cr_assert_eq(scheduler_sleep(scheduler, early, 200), 0);
    cr_assert_eq(scheduler_run(scheduler), SCHEDULER_IDLE);
    cr_assert_eq(ended_count, 2);
    cr_assert_eq(ended_ids[0], early_id);
    cr_assert_eq(ended_ids[1], late_id);
    cr_assert_geq(ended_ns, 400);
}

Test(scheduler, those_who_are_ready_do_not_wait_for_a_sleeper) {
    Scheduler *scheduler = &fixture.vm.scheduler;
    set_clock(100);
    Strand *sleeper = resting_strand(), *ready = resting_strand();
    uint64_t ready_id = ready->id;
    cr_assert_eq(scheduler_sleep(scheduler, sleeper, 400), 0);
    scheduler_ready(scheduler, ready);
    cr_assert_eq(scheduler_run(scheduler), SCHEDULER_IDLE);
    cr_assert_eq(ended_ids[0], ready_id);
}

Test(scheduler, a_refused_sleep_is_told) {
    Scheduler *scheduler = &fixture.vm.scheduler;
    set_clock(1000000);
    int asleep = 0, refused = 0;
    while (refused == 0 && asleep < STRANDS_MAX) {
        Strand *strand = resting_strand();
        refusing_start(&fixture.refusing);
        if (scheduler_sleep(scheduler, strand, asleep)) {
            strand_free(strand);
            refused++;
        } else {
            asleep++;
        }
        refusing_stop(&fixture.refusing);
    }
    cr_assert_eq(refused, 1);
    cr_assert_eq(scheduler_run(scheduler), SCHEDULER_IDLE);
    cr_assert_eq(ended_count, asleep, "those that sleep already are not lost");
}

/* --- deadlock --- */

Test(scheduler_program, a_deadlock_names_who_waits_on_what) {
    fixture_open(&fixture, ": wait-for ( Channel -- ) chan.receive drop drop ;\n"
                           ": main ( -- )\n"
                           "  chan.make [ wait-for ] strand.spawn drop\n"
                           "  chan.make wait-for drop ;\n");
    cr_assert_eq(run("main"), SCHEDULER_DEADLOCK);
    const Fault *fault = &fixture.vm.scheduler.fault;
    cr_assert_str_eq(fault->message, "deadlock: 2 strands wait for ever: strand 2 in chan.receive on channel 1,"
                                     " strand 1 in chan.receive on channel 2");
    cr_assert_eq(fault->call_count, 2, "where the oldest one stands");
    cr_assert_str_eq(fault->calls[0].word, "wait-for");
    cr_assert_str_eq(fault->calls[1].word, "main");
    cr_assert_eq(fault->calls[1].line, 4);
    fixture_close(&fixture);
}

Test(scheduler_program, a_long_deadlock_is_cut) {
    fixture_open(&fixture,
                 ": start ( Channel Int -- Channel )\n"
                 "  dup 0 i.= [ drop ] [ 1 i.- >aux [ chan.receive drop drop ] strand.spawn drop aux> start ] if ;\n"
                 ": main ( -- ) chan.make 20 start drop ;\n");
    cr_assert_eq(run("main"), SCHEDULER_DEADLOCK);
    const char *message = fixture.vm.scheduler.fault.message;
    cr_assert_eq(strncmp(message, "deadlock: 20 strands wait for ever: strand ", 43), 0, "%s", message);
    cr_assert_str_eq(message + strlen(message) - 12, " and 14 more");
    fixture_close(&fixture);
}

Test(scheduler_program, a_weave_at_rest_is_no_deadlock) {
    fixture_open(&fixture,
                 ": echo ( C Int -- C | Yield Int ) yield echo ;\n"
                 ": main ( -- ) [ echo ] strand.weave 1 strand.resume drop drop drop ;\n"
                 ": kept ( -- ) chan.make [ echo ] strand.weave 1 strand.resume drop drop swap chan.send drop ;\n");
    cr_assert_eq(run("main"), SCHEDULER_IDLE);
    cr_assert_eq(run("kept"), SCHEDULER_IDLE);
    fixture_close(&fixture);
}
