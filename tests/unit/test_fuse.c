/* SPDX-License-Identifier: MIT */
/* Threaded code made from chunks by hand: which sequences run as one instruction, and where they may not. */
#include "tests/unit/vm_fixture.h"
#include "vm/exec/fuse.h"
#include "vm/exec/interp.h"
#include "vm/exec/opcode.h"

enum { COUNT_MAX = 600, SEQUENCE_MAX = 4 };

typedef struct Sequence {
    const char *name;
    uint32_t length;
    Opcode opcodes[SEQUENCE_MAX];
} Sequence;

static const Sequence rows[] = {
#define FUSED(name, length, ...) {#name, length, {__VA_ARGS__}},
#include "vm/exec/fused.h"
};

enum FusedRow {
#define FUSED(name, length, ...) ROW_##name,
#include "vm/exec/fused.h"
    ROW_COUNT,
};

static VmFixture fixture;
static Instruction instructions[COUNT_MAX];
static Value constants[1];
static Chunk chunk;

static void start(void) {
    fixture_open(&fixture, ": word ( -- ) ;\n");
    memset(instructions, 0, sizeof instructions);
    constants[0] = value_from_int(5);
    chunk = (Chunk){
        .program = &fixture.vm.program,
        .instructions = instructions,
        .constants = constants,
        .constant_count = 1,
    };
}

static void forget_code(void) {
    Mem *mem = &fixture.vm.heap.mem;
    mem_free(mem, chunk.code, chunk.code_count * sizeof *chunk.code);
    mem_free(mem, chunk.origins, chunk.code_count * sizeof *chunk.origins);
    chunk.code = NULL;
    chunk.origins = NULL;
}

static void end(void) {
    forget_code();
    fixture_close(&fixture);
}

static void add(Opcode opcode, uint32_t first) {
    instructions[chunk.instruction_count++] = (Instruction){opcode, first, 0};
}

static void fuse(void) {
    cr_assert_eq(fuse_chunk(&chunk), 0);
    cr_assert_eq((const void *)chunk.entry, (const void *)chunk.code);
}

static const void *plain(Opcode opcode) {
    return interp_handlers()[opcode];
}

static const void *fused(uint32_t row) {
    return interp_handlers()[OPCODE_COUNT + row];
}

TestSuite(fuse, .init = start, .fini = end);

Test(fuse, a_sequence_becomes_one_instruction) {
    add(OP_PUSH, 0);
    add(OP_ADD_INT, 0);
    add(OP_SUB_INT, 0);
    add(OP_RETURN, 0);
    fuse();
    cr_assert_eq(chunk.code_count, 4);
    cr_assert_eq(chunk.code[0].handler, fused(ROW_PUSH_ADD));
    cr_assert_eq(chunk.code[1].value.bits, constants[0].bits, "the operand stands behind it");
    cr_assert_eq(chunk.code[2].handler, plain(OP_SUB_INT));
    cr_assert_eq(chunk.code[3].handler, plain(OP_RETURN));
}

Test(fuse, the_longest_sequence_wins) {
    add(OP_DUP_RAW, 0);
    add(OP_PUSH, 0);
    add(OP_LT_INT, 0);
    add(OP_JUMP_UNLESS, 5);
    add(OP_NEG_INT, 0);
    add(OP_RETURN, 0);
    fuse();
    cr_assert_eq(chunk.code_count, 5);
    cr_assert_eq(chunk.code[0].handler, fused(ROW_DUP_PUSH_LT_JUMP));
    cr_assert_eq(chunk.code[1].value.bits, constants[0].bits);
    cr_assert_eq((const void *)chunk.code[2].target, (const void *)&chunk.code[4], "labels name cells");
}

Test(fuse, each_cell_knows_its_instruction) {
    static const uint32_t origins[] = {0, 1, 3, 4, 4};
    add(OP_DUP_RAW, 0);
    add(OP_PUSH, 0);
    add(OP_ADD_INT, 0);
    add(OP_NEG_INT, 0);
    add(OP_TAIL_CALL, 0);
    fuse();
    cr_assert_eq(chunk.code_count, 5);
    cr_assert_arr_eq(chunk.origins, origins, sizeof origins);
}

/* PUSH ADD_INT is a sequence, but whoever jumps to the ADD_INT wants that alone. */
Test(fuse, not_over_the_target_of_a_jump) {
    add(OP_JUMP_UNLESS, 2);
    add(OP_PUSH, 0);
    add(OP_ADD_INT, 0);
    add(OP_RETURN, 0);
    fuse();
    cr_assert_eq(chunk.code[2].handler, plain(OP_PUSH));
    cr_assert_eq((const void *)chunk.code[1].target, (const void *)&chunk.code[4]);
    cr_assert_eq(chunk.code[4].handler, fused(ROW_ADD_RETURN), "a sequence may start there");
}

/* The instructions of a row, with labels that lead to what stands behind them. */
static void add_row(const Sequence *row) {
    uint32_t behind = chunk.instruction_count + row->length;
    for (uint32_t part = 0; part < row->length; part++) {
        Instruction *instruction = &instructions[chunk.instruction_count];
        add(row->opcodes[part], 0);
        uint32_t *label = (uint32_t *)(uintptr_t)instruction_label(instruction);
        if (label)
            *label = row->opcodes[part] == OP_LOOP ? 0 : behind;
    }
    add(OP_RETURN, 0);
}

static void start_again(void) {
    forget_code();
    chunk.instruction_count = 0;
}

/* No row is hidden by one before it that is its beginning. */
Test(fuse, each_row_is_chosen_for_its_own_sequence) {
    for (uint32_t row = 0; row < ROW_COUNT; row++) {
        start_again();
        add_row(&rows[row]);
        fuse();
        cr_expect_eq(chunk.code[0].handler, fused(row), "%s", rows[row].name);
    }
}

Test(fuse, no_row_is_chosen_over_a_target_in_it) {
    for (uint32_t row = 0; row < ROW_COUNT; row++) {
        for (uint32_t part = 1; part < rows[row].length; part++) {
            start_again();
            add(OP_JUMP_UNLESS, 1 + part);
            add_row(&rows[row]);
            fuse();
            cr_expect_neq(chunk.code[2].handler, fused(row), "%s, a jump to its part %u", rows[row].name, part);
            uint32_t target = (uint32_t)(chunk.code[1].target - chunk.code);
            cr_expect_eq(chunk.origins[target], 1 + part, "%s, a jump to its part %u", rows[row].name, part);
        }
    }
}

/* So many instructions that each table is a request of its own to the allocator. */
Test(fuse, a_refusal_leaves_nothing_behind) {
    while (chunk.instruction_count < COUNT_MAX - 1)
        add(OP_NEG_INT, 0);
    add(OP_RETURN, 0);
    int64_t live_before = fixture.vm.heap.mem.live_count;
    int refused = 0;
    for (;; refused++) {
        fixture.refusing.first = fixture.refusing.asked + 1 + (uint64_t)refused;
        if (fuse_chunk(&chunk) == 0)
            break;
        cr_assert_null(chunk.code);
        cr_assert_null(chunk.origins);
        cr_assert_eq(fixture.vm.heap.mem.live_count, live_before, "refusal %d", refused);
    }
    refusing_stop(&fixture.refusing);
    cr_assert_eq(refused, 5, "three tables, code and origins");
}
