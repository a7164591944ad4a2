/* SPDX-License-Identifier: MIT */
/* What chunks look like as text: a line of each kind of operand. */
#include "tests/unit/vm_fixture.h"
#include "vm/exec/disasm.h"
#include "vm/value/string.h"
#include <stdio.h>

static VmFixture fixture;
static Buffer text;

static void start(void) {
    fixture_open(&fixture, ": first ( -- ) ;\n: second ( -- ) ;\n");
    buffer_init(&text, &fixture.vm.heap.mem);
}

static void end(void) {
    buffer_deinit(&text);
    fixture_close(&fixture);
}

TestSuite(disasm, .init = start, .fini = end);

Test(disasm, each_kind_of_operand) {
    Vm *vm = &fixture.vm;
    uint32_t symbol = symbol_intern(&vm->heap.symbols, &vm->heap.mem, "Leaf", 4);
    uint32_t word = word_find(&vm->words, "io.write", 8)->number, floor = word_find(&vm->words, "pick", 4)->number;
    uint32_t cell = (uint32_t)(strcmp(vm->program.cells[0].name, "second") != 0);
    Value constants[] = {value_from_int(-7), value_from_object(string_new(&vm->heap, "a\"b", 3))};
    Instruction instructions[] = {
        {OP_PUSH, 0, 0},
        {OP_PUSH_REF, 1, 0},
        {OP_PUSH_CLOSURE, 1, 2},
        {OP_JUMP_UNLESS, 12, 0},
        {OP_CALL_OUTSIDE, word, 0},
        {OP_CALL_FLOOR, floor, 3},
        {OP_CALL, cell, 0},
        {OP_MATCH_UNLESS, symbol, 12},
        {OP_MATCH_FIELD, 4, 5},
        {OP_CHECK, KIND_STRING, 6},
        {OP_CHECK_QUOTATION, shape_pack((Shape){2, 3}), 1},
        {OP_DROP, 0, 0},
        {OP_RETURN, 0, 0},
    };
    Place places[] = {
        {.line = 3, .name = "-7"},
        {.line = 3},
        {.line = 4},
        {.line = 5, .name = "if"},
        {.line = 6},
        {.line = 7},
        {.line = 8, .name = "second"},
        {.line = 9},
        {.line = 9},
        {.line = 10},
        {.line = 10},
        {.line = 11},
        {.line = 1234},
    };
    Chunk chunk = {
        .program = &vm->program,
        .name = "show",
        .file = "some/file.seq",
        .shape = {1, 2},
        .instructions = instructions,
        .places = places,
        .instruction_count = sizeof instructions / sizeof *instructions,
        .constants = constants,
        .constant_count = 2,
    };
    disasm_chunk(&text, &chunk);
    cr_expect_str_eq(buffer_text(&text), "show ( 1 -- 2 )  some/file.seq\n"
                                         "     0  PUSH -7                         # line 3: -7\n"
                                         "     1  PUSH_REF \"a\\\"b\"                 # line 3\n"
                                         "     2  PUSH_CLOSURE [1] 2              # line 4\n"
                                         "     3  JUMP_UNLESS -> 12               # line 5: if\n"
                                         "     4  CALL_OUTSIDE io.write           # line 6\n"
                                         "     5  CALL_FLOOR pick 3               # line 7\n"
                                         "     6  CALL second                     # line 8: second\n"
                                         "     7  MATCH_UNLESS :Leaf -> 12        # line 9\n"
                                         "     8  MATCH_FIELD 4 5                 # line 9\n"
                                         "     9  CHECK String 6                  # line 10\n"
                                         "    10  CHECK_QUOTATION ( 2 -- 3 ) 1    # line 10\n"
                                         "    11  DROP                            # line 11\n"
                                         "    12  RETURN                          # line 1234\n");
    value_unref(&vm->heap, constants[1]);
}

/* A line that is wider than the column still has a space before what follows. */
Test(disasm, a_long_constant_pushes_the_place_aside) {
    Heap *heap = &fixture.vm.heap;
    const char *long_text = "0123456789012345678901234567890123456789";
    Value constant = value_from_object(string_new(heap, long_text, strlen(long_text)));
    Chunk chunk = {
        .program = &fixture.vm.program,
        .name = "show",
        .file = "f",
        .is_quotation = true,
        .flags = CHUNK_OUT_UNKNOWN,
        .instructions = &(Instruction){OP_PUSH_REF, 0, 0},
        .places = &(Place){.line = 1},
        .instruction_count = 1,
        .constants = &constant,
        .constant_count = 1,
    };
    disasm_chunk(&text, &chunk);
    cr_expect_str_eq(buffer_text(&text), "show [quotation] ( 0 -- ? )  f\n"
                                         "     0  PUSH_REF \"0123456789012345678901234567890123456789\" # line 1\n");
    value_unref(heap, constant);
}

/* A quotation is named by the number under which its own code is shown. */
Test(disasm, a_quotation_is_its_number) {
    static VmFixture other;
    fixture_open(&other, ": quoted ( -- ) [ 1 i.+ ] drop ;\n");
    const Program *program = &other.vm.program;
    Chunk *inner = NULL, *outer = NULL;
    uint32_t number = 0;
    for (uint32_t index = 0; index < program->chunk_count; index++) {
        Chunk *each = program->chunks[index];
        if (each->is_quotation && strcmp(each->name, "quoted") == 0) {
            inner = each;
            number = index;
        } else if (strcmp(each->name, "quoted") == 0) {
            outer = each;
        }
    }
    cr_assert(inner && outer);
    disasm_chunk(&text, outer);
    char wanted[32];
    snprintf(wanted, sizeof wanted, "PUSH_REF [%u] ", number);
    cr_expect_not_null(strstr(buffer_text(&text), wanted), "%s", buffer_text(&text));
    fixture_close(&other);
}
