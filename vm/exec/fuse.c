/* SPDX-License-Identifier: MIT */
/*
 * Two passes: choose where each threaded instruction starts (a sequence may
 * not run over the target of a jump, only start at one), then write the
 * cells. Operands of the parts of a sequence follow each other.
 */
#include "vm/exec/fuse.h"

#include "vm/exec/interp.h"
#include "vm/exec/opcode.h"
#include <errno.h>

enum { SEQUENCE_MAX = 4 };

typedef struct Fused {
    uint32_t length;
    Opcode opcodes[SEQUENCE_MAX];
} Fused;

static const Fused fused_rows[] = {
#define FUSED(name, length, ...) {length, {__VA_ARGS__}},
#include "vm/exec/fused.h"
};
enum { FUSED_COUNT = sizeof fused_rows / sizeof fused_rows[0] };

typedef struct Fuser {
    Chunk *chunk;
    uint8_t *is_target;    /* by instruction */
    uint32_t *code_starts; /* by instruction: its cell, or of the sequence it is in */
    uint16_t *rows;        /* by instruction: 1 + the row of fused.h that starts here, or 0 */
    /* by opcode: 1 + the first row that begins with it, or 0; and by row: the next one, likewise */
    uint16_t first_rows[OPCODE_COUNT];
    uint16_t next_rows[FUSED_COUNT];
} Fuser;

static bool row_fits(const Fuser *fuser, const Fused *row, uint32_t at) {
    const Chunk *chunk = fuser->chunk;
    if (at + row->length > chunk->instruction_count)
        return false;
    for (uint32_t part = 0; part < row->length; part++) {
        if (chunk->instructions[at + part].opcode != row->opcodes[part] || (part && fuser->is_target[at + part]))
            return false;
    }
    return true;
}

static uint32_t operand_count(const Instruction *instruction) {
    const OpcodeInfo *info = opcode_info((Opcode)instruction->opcode);
    return (info->first != OPERAND_NONE) + (info->second != OPERAND_NONE);
}

static Code operand_code(const Fuser *fuser, OperandKind kind, uint32_t operand) {
    const Chunk *chunk = fuser->chunk;
    const Program *program = chunk->program;
    switch (kind) {
    case OPERAND_CONSTANT:
        return (Code){.value = chunk->constants[operand]};
    case OPERAND_LABEL:
        return (Code){.target = chunk->code + fuser->code_starts[operand]};
    case OPERAND_WORD:
        return (Code){.word = &program->words->words[operand]};
    case OPERAND_DEFINITION:
        return (Code){.cell = &program->cells[operand]};
    case OPERAND_CHUNK:
        return (Code){.chunk = program->chunks[operand]};
    default:
        return (Code){.number = operand};
    }
}

static void index_rows(Fuser *fuser) {
    for (uint32_t row = FUSED_COUNT; row-- > 0;) {
        uint16_t *first = &fuser->first_rows[fused_rows[row].opcodes[0]];
        fuser->next_rows[row] = *first;
        *first = (uint16_t)(row + 1);
    }
}

static void mark_targets(Fuser *fuser) {
    for (uint32_t at = 0; at < fuser->chunk->instruction_count; at++) {
        const uint32_t *label = instruction_label(&fuser->chunk->instructions[at]);
        if (label)
            fuser->is_target[*label] = 1;
    }
}

/* Chooses the sequences; how many cells the code will have. */
static uint32_t lay_out(Fuser *fuser) {
    uint32_t cells = 0;
    for (uint32_t at = 0; at < fuser->chunk->instruction_count;) {
        uint32_t length = 1;
        uint16_t row = fuser->first_rows[fuser->chunk->instructions[at].opcode];
        while (row && !row_fits(fuser, &fused_rows[row - 1], at))
            row = fuser->next_rows[row - 1];
        fuser->rows[at] = row;
        if (row)
            length = fused_rows[row - 1].length;
        uint32_t start = cells++;
        for (uint32_t part = 0; part < length; part++, at++) {
            fuser->code_starts[at] = start;
            cells += operand_count(&fuser->chunk->instructions[at]);
        }
    }
    return cells;
}

static void write_cells(Fuser *fuser) {
    Chunk *chunk = fuser->chunk;
    const void *const *handlers = interp_handlers();
    uint32_t cell = 0;
    for (uint32_t at = 0; at < chunk->instruction_count;) {
        uint32_t row = fuser->rows[at], length = row ? fused_rows[row - 1].length : 1;
        uint32_t handler = row ? OPCODE_COUNT + row - 1 : chunk->instructions[at].opcode;
        chunk->code[cell] = (Code){.handler = handlers[handler]};
        chunk->origins[cell++] = at;
        for (uint32_t part = 0; part < length; part++, at++) {
            const Instruction *instruction = &chunk->instructions[at];
            const OpcodeInfo *info = opcode_info((Opcode)instruction->opcode);
            for (uint32_t operand = 0; operand < operand_count(instruction); operand++) {
                chunk->code[cell] = operand_code(fuser, operand ? info->second : info->first,
                                                 operand ? instruction->second : instruction->first);
                chunk->origins[cell++] = at;
            }
        }
    }
    check(cell == chunk->code_count);
}

int fuse_chunk(Chunk *chunk) {
    Mem *mem = &chunk->program->heap->mem;
    uint32_t count = chunk->instruction_count;
    int r = -ENOMEM;
    Fuser fuser = {
        .chunk = chunk,
        .is_target = mem_try(mem, count),
        .code_starts = mem_try(mem, count * sizeof(uint32_t)),
        .rows = mem_try(mem, count * sizeof(uint16_t)),
    };
    if (fuser.is_target && fuser.code_starts && fuser.rows) {
        memset(fuser.is_target, 0, count);
        memset(fuser.rows, 0, count * sizeof(uint16_t));
        index_rows(&fuser);
        mark_targets(&fuser);
        uint32_t cells = lay_out(&fuser);
        chunk->code = mem_try(mem, cells * sizeof(Code));
        chunk->origins = mem_try(mem, cells * sizeof(uint32_t));
        if (chunk->code && chunk->origins) {
            chunk->code_count = cells;
            write_cells(&fuser);
            chunk->entry = chunk->code;
            r = 0;
        } else {
            mem_free(mem, chunk->code, cells * sizeof(Code));
            mem_free(mem, chunk->origins, cells * sizeof(uint32_t));
            chunk->code = NULL;
            chunk->origins = NULL;
        }
    }
    mem_free(mem, fuser.is_target, count);
    mem_free(mem, fuser.code_starts, count * sizeof(uint32_t));
    mem_free(mem, fuser.rows, count * sizeof(uint16_t));
    return r;
}
