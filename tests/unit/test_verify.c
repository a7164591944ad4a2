/* SPDX-License-Identifier: MIT */
/* Chunks made by hand, each wrong in one way: the verifier must say so before anything runs. */
#include "tests/unit/vm_fixture.h"
#include "vm/exec/verify.h"

enum { COUNT_MAX = 8 };

static VmFixture fixture;
static Instruction instructions[COUNT_MAX];
static Place places[COUNT_MAX];
static Value constants[1];
static Chunk chunk;

static void start(void) {
    fixture_open(&fixture, ": word ( -- ) ;\n");
    memset(places, 0, sizeof places);
    constants[0] = value_from_int(1);
    chunk = (Chunk){
        .program = &fixture.vm.program,
        .instructions = instructions,
        .places = places,
        .constants = constants,
        .constant_count = 1,
    };
}

static void end(void) {
    fixture_close(&fixture);
}

/* `count` instructions of {opcode, first, second}; what the verifier says. */
static const char *verdict(uint32_t count, const uint32_t rows[][3]) {
    uint32_t at;
    for (uint32_t index = 0; index < count; index++)
        instructions[index] = (Instruction){rows[index][0], rows[index][1], rows[index][2]};
    chunk.instruction_count = count;
    return verify_chunk(&chunk, &at);
}

#define VERDICT(...) verdict(sizeof((uint32_t[][3]){__VA_ARGS__}) / 12, (const uint32_t[][3]){__VA_ARGS__})

TestSuite(verify, .init = start, .fini = end);

Test(verify, accepts_what_is_right) {
    cr_assert_null(VERDICT({OP_PUSH, 0, 0}, {OP_DROP_RAW, 0, 0}, {OP_RETURN, 0, 0}));
    cr_assert_null(VERDICT({OP_PUSH, 0, 0}, {OP_JUMP_UNLESS, 3, 0}, {OP_RETURN, 0, 0}, {OP_RETURN, 0, 0}));
    cr_assert_null(VERDICT({OP_LOOP, 0, 0}));
}

Test(verify, operands_must_name_what_exists) {
    cr_assert_str_eq(VERDICT({OP_PUSH, 1, 0}, {OP_RETURN, 0, 0}), "no such constant");
    cr_assert_str_eq(VERDICT({OP_CALL, 1, 0}, {OP_RETURN, 0, 0}), "no such definition");
    cr_assert_str_eq(VERDICT({OP_CALL_WORD, 100000, 0}, {OP_RETURN, 0, 0}), "no such word");
    cr_assert_str_eq(VERDICT({OP_PUSH_CLOSURE, 100000, 0}, {OP_RETURN, 0, 0}), "no such chunk");
    cr_assert_str_eq(VERDICT({OP_IS_VARIANT, 100000, 0}, {OP_RETURN, 0, 0}), "no such symbol");
    cr_assert_str_eq(VERDICT({OP_CHECK, KIND_COUNT, 0}, {OP_RETURN, 0, 0}), "no such kind");
    cr_assert_str_eq(VERDICT({OPCODE_COUNT, 0, 0}, {OP_RETURN, 0, 0}), "no such instruction");
    cr_assert_str_eq(VERDICT({OP_STEP, 0, 0}, {OP_RETURN, 0, 0}), "no such instruction");
}

Test(verify, jumps_go_ahead_to_instructions) {
    const char *wrong = "the jump does not go ahead to an instruction";
    cr_assert_str_eq(VERDICT({OP_JUMP, 0, 0}), wrong);
    cr_assert_str_eq(VERDICT({OP_PUSH, 0, 0}, {OP_JUMP_UNLESS, 1, 0}, {OP_RETURN, 0, 0}), wrong);
    cr_assert_str_eq(VERDICT({OP_JUMP, 2, 0}, {OP_RETURN, 0, 0}), wrong);
    cr_assert_str_eq(VERDICT({OP_PUSH, 0, 0}, {OP_LOOP, 1, 0}), "a loop leads to the start of its chunk");
}

Test(verify, every_path_ends) {
    cr_assert_str_eq(VERDICT({OP_PUSH, 0, 0}), "it runs over the end");
    cr_assert_str_eq(verdict(0, NULL), "no instructions");
}

Test(verify, the_aux_stack_is_the_same_on_all_ways) {
    cr_assert_str_eq(VERDICT({OP_FROM_AUX, 0, 0}, {OP_RETURN, 0, 0}), "the aux stack is empty");
    places[1].aux = 1;
    cr_assert_str_eq(VERDICT({OP_TO_AUX, 0, 0}, {OP_RETURN, 0, 0}), "the aux stack is not empty at the end");
    uint32_t pick = word_find(&fixture.vm.words, "pick", 4)->number;
    cr_assert_str_eq(VERDICT({OP_CALL_FLOOR, pick, 1}, {OP_RETURN, 0, 0}), "the floor lies deeper than the aux stack");
    places[1].aux = 0;
    cr_assert_str_eq(VERDICT({OP_TO_AUX, 0, 0}, {OP_RETURN, 0, 0}), "its place is wrong about the aux stack");
    cr_assert_str_eq(VERDICT({OP_JUMP_UNLESS, 2, 0}, {OP_TO_AUX, 0, 0}, {OP_RETURN, 0, 0}),
                     "two ways to it differ in the aux stack");
}
