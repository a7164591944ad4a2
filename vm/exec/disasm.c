/* SPDX-License-Identifier: MIT */
/* Chunks as text. Each chunk is shown under a number; a quotation's chunk where its number is named. */
#include "vm/exec/disasm.h"

#include "vm/exec/opcode.h"
#include "vm/value/print.h"

enum { OPERANDS_COLUMN = 40 };

static void print_operand(Buffer *out, const Chunk *chunk, OperandKind kind, uint32_t operand) {
    const Program *program = chunk->program;
    Shape shape = shape_unpack(operand);
    size_t size;
    switch (kind) {
    case OPERAND_NONE:
        return;
    case OPERAND_CONSTANT:
        if (value_is_quotation(chunk->constants[operand])) {
            const Chunk *code = value_quotation(chunk->constants[operand])->chunk;
            uint32_t number = 0;
            while (program->chunks[number] != code)
                number++;
            buffer_append_format(out, " [%u]", number);
        } else {
            buffer_append_byte(out, ' ');
            if (print_son(program->heap, out, chunk->constants[operand], PRINT_COMPACT))
                return;
        }
        return;
    case OPERAND_LABEL:
        buffer_append_format(out, " -> %u", operand);
        return;
    case OPERAND_WORD:
        buffer_append_format(out, " %s", program->words->words[operand].name);
        return;
    case OPERAND_DEFINITION:
        buffer_append_format(out, " %s", program->cells[operand].name);
        return;
    case OPERAND_CHUNK:
        buffer_append_format(out, " [%u]", operand);
        return;
    case OPERAND_SYMBOL:
        buffer_append_format(out, " :%s", symbol_text(&program->heap->symbols, operand, &size));
        return;
    case OPERAND_KIND:
        buffer_append_format(out, " %s", kind_name((Kind)operand));
        return;
    case OPERAND_SHAPE:
        buffer_append_format(out, " ( %u -- %u )", shape.in, shape.out);
        return;
    case OPERAND_COUNT:
    case OPERAND_AUX:
        buffer_append_format(out, " %u", operand);
        return;
    }
}

static void print_instruction(Buffer *out, const Chunk *chunk, uint32_t at) {
    const Instruction *instruction = &chunk->instructions[at];
    const OpcodeInfo *info = opcode_info((Opcode)instruction->opcode);
    size_t start = out->size;
    buffer_append_format(out, "%6u  %s", at, info->name);
    print_operand(out, chunk, info->first, instruction->first);
    print_operand(out, chunk, info->second, instruction->second);
    size_t width = out->size - start;
    buffer_append_format(out, "%*s# line %u", width < OPERANDS_COLUMN ? (int)(OPERANDS_COLUMN - width) : 1, "",
                         chunk->places[at].line);
    if (chunk->places[at].name)
        buffer_append_format(out, ": %s", chunk->places[at].name);
    buffer_append_byte(out, '\n');
}

void disasm_chunk(Buffer *out, const Chunk *chunk) {
    buffer_append_format(out, "%s%s ( %u -- ", chunk->name, chunk->is_quotation ? " [quotation]" : "", chunk->shape.in);
    if (chunk->flags & CHUNK_OUT_UNKNOWN)
        buffer_append_text(out, "? )");
    else
        buffer_append_format(out, "%u )", chunk->shape.out);
    buffer_append_format(out, "  %s\n", chunk->file);
    for (uint32_t at = 0; at < chunk->instruction_count; at++)
        print_instruction(out, chunk, at);
}
