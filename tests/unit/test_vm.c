/* SPDX-License-Identifier: MIT */
/* Whole VMs: several side by side, and their ends. */
#include "tests/unit/vm_fixture.h"

static const char counter[] = "union Message { Add { amount: Int } Get }\n"
                              ": add ( -- ) 1 Make-Add is-Add? [ \"+\" ] [ \"?\" ] if io.write ;\n"
                              ": strands ( -- ) chan.make [ chan.receive drop int->string io.write ] strand.spawn drop\n"
                              "  7 swap chan.send drop ;\n";

static const char other[] = "union Message { Other { text: String } }\n"
                            ": add ( -- ) \"x\" Make-Other Other-text io.write ;\n"
                            ": strands ( -- ) :Other symbol->string io.write ;\n";

/* No state is shared: the same names mean other things, and each prints its own. */
Test(vm, two_in_turns_in_one_thread) {
    static VmFixture a, b;
    fixture_open(&a, counter);
    fixture_open(&b, other);
    for (int turn = 0; turn < 3; turn++) {
        cr_assert_eq(vm_run(&a.vm, fixture_word(&a, "add")).end, SCHEDULER_IDLE);
        cr_assert_eq(vm_run(&b.vm, fixture_word(&b, "add")).end, SCHEDULER_IDLE);
        cr_assert_eq(vm_run(&b.vm, fixture_word(&b, "strands")).end, SCHEDULER_IDLE);
        cr_assert_eq(vm_run(&a.vm, fixture_word(&a, "strands")).end, SCHEDULER_IDLE);
    }
    cr_assert_str_eq(a.out, "+7+7+7");
    cr_assert_str_eq(b.out, "xOtherxOtherxOther");
    fixture_close(&a);
    fixture_close(&b);
}

/* One is closed while the other has not ended; nothing of it goes. */
Test(vm, closing_one_leaves_the_other) {
    static VmFixture a, b;
    fixture_open(&a, counter);
    fixture_open(&b, other);
    cr_assert_eq(vm_run(&a.vm, fixture_word(&a, "add")).end, SCHEDULER_IDLE);
    fixture_close(&a);
    cr_assert_eq(vm_run(&b.vm, fixture_word(&b, "add")).end, SCHEDULER_IDLE);
    cr_assert_str_eq(b.out, "x");
    fixture_close(&b);
}

Test(vm, a_fault_says_word_and_place) {
    static VmFixture vm;
    fixture_open(&vm, ": inner ( Variant -- ) 3 variant.field-at drop ;\n: outer ( -- )\n  :A wrap-0 inner 1 drop ;\n");
    cr_assert_eq(vm_run(&vm.vm, fixture_word(&vm, "outer")).end, SCHEDULER_FAULT);
    const Fault *fault = &vm.vm.scheduler.fault;
    cr_assert_eq(strncmp(fault->message, "variant.field-at: ", 18), 0, "%s", fault->message);
    cr_assert_eq(fault->call_count, 2);
    cr_assert_str_eq(fault->calls[0].word, "inner");
    cr_assert_eq(fault->calls[0].line, 1);
    cr_assert_str_eq(fault->calls[1].word, "outer");
    cr_assert_eq(fault->calls[1].line, 3);
    fixture_close(&vm);
}

/* A strand that stopped in the middle owns values on its stack, its aux stack and in step frames; none is lost. */
Test(vm, what_a_fault_leaves_behind_is_freed) {
    static VmFixture vm;
    fixture_open(&vm, ": each ( -- ) list.make \"a\" list.push \"b\" list.push\n"
                      "  [ \"kept\" >aux \"more\" [ \"deep\" :T wrap-1 0 1 i.- variant.field-at drop ] dip aux> drop drop drop ] list.each ;\n");
    cr_assert_eq(vm_run(&vm.vm, fixture_word(&vm, "each")).end, SCHEDULER_FAULT);
    fixture_close(&vm);
}

Test(vm, fuel_ends_an_endless_loop) {
    static VmFixture vm;
    fixture_open(&vm, ": for-ever ( -- ) for-ever ;\n");
    vm.vm.scheduler.fuel = 100000;
    cr_assert_eq(vm_run(&vm.vm, fixture_word(&vm, "for-ever")).end, SCHEDULER_FAULT);
    cr_assert_str_eq(vm.vm.scheduler.fault.message, "out of fuel");
    fixture_close(&vm);
}

Test(vm, strands_that_wait_for_ever_are_named) {
    static VmFixture vm;
    fixture_open(&vm, ": stuck ( -- ) chan.make chan.receive drop drop ;\n");
    cr_assert_eq(vm_run(&vm.vm, fixture_word(&vm, "stuck")).end, SCHEDULER_DEADLOCK);
    cr_assert_not_null(strstr(vm.vm.scheduler.fault.message, "strand 1 in chan.receive on channel 1"));
    fixture_close(&vm);
}

/* The promise: at most 512 bytes, and what its stack holds. */
Test(vm, a_strand_that_waits_is_small) {
    static VmFixture vm;
    enum { COUNT = 10000 };
    fixture_open(&vm, ": start ( Channel Int -- Channel )\n"
                      "  dup 0 i.= [ drop ] [ 1 i.- >aux [ chan.receive drop drop ] strand.spawn drop aux> start ] if ;\n"
                      ": one ( -- ) chan.make 1 start chan.close ;\n"
                      ": many ( -- ) chan.make 10000 start chan.close ;\n");
    cr_assert_eq(vm_run(&vm.vm, fixture_word(&vm, "one")).end, SCHEDULER_IDLE);
    size_t before = vm.vm.heap.mem.peak_bytes;
    cr_assert_eq(vm_run(&vm.vm, fixture_word(&vm, "many")).end, SCHEDULER_IDLE);
    size_t each = (vm.vm.heap.mem.peak_bytes - before) / COUNT;
    cr_assert_leq(each, 512, "%zu bytes", each);
    fixture_close(&vm);
}
