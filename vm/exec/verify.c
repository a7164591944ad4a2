/* SPDX-License-Identifier: MIT */
/*
 * One pass from the first instruction to the last suffices, because jumps go
 * ahead only: when an instruction is reached, all ways to it are known.
 */
#include "vm/exec/verify.h"

#include "vm/exec/opcode.h"

enum { UNREACHED = UINT32_MAX };

static const char *operand_fault(const Chunk *chunk, OperandKind kind, uint32_t operand, uint32_t at, uint32_t aux) {
    const Program *program = chunk->program;
    switch (kind) {
    case OPERAND_NONE:
    case OPERAND_COUNT:
    case OPERAND_SHAPE:
        return NULL;
    case OPERAND_CONSTANT:
        return operand < chunk->constant_count ? NULL : "no such constant";
    case OPERAND_LABEL:
        return operand > at && operand < chunk->instruction_count ? NULL
                                                                  : "the jump does not go ahead to an instruction";
    case OPERAND_WORD:
        if (operand >= program->words->count)
            return "no such word";
        return program->words->words[operand].function ? NULL : "the word has no function";
    case OPERAND_DEFINITION:
        return operand < program->cell_count ? NULL : "no such definition";
    case OPERAND_CHUNK:
        return operand < program->chunk_count ? NULL : "no such chunk";
    case OPERAND_SYMBOL:
        return operand < program->heap->symbols.count ? NULL : "no such symbol";
    case OPERAND_KIND:
        return operand < KIND_COUNT ? NULL : "no such kind";
    case OPERAND_AUX:
        return operand <= aux ? NULL : "the floor lies deeper than the aux stack";
    }
    return "no such kind of operand";
}

/* What the instruction does to the aux stack. */
static int aux_change(Opcode opcode) {
    switch (opcode) {
    case OP_TO_AUX:
    case OP_ENTER_UNKNOWN:
        return 1;
    case OP_FROM_AUX:
    case OP_LEAVE_UNKNOWN:
    case OP_FORGET_FLOOR:
        return -1;
    default:
        return 0;
    }
}

/* Ends the chunk in good order, with nothing of its own left among the frames. */
static bool opcode_leaves(Opcode opcode) {
    return opcode == OP_RETURN || opcode == OP_LOOP || opcode == OP_TAIL_CALL || opcode == OP_TAIL_CALL_QUOTATION;
}

static const char *join(uint32_t *aux_at, uint32_t aux) {
    if (*aux_at != UNREACHED && *aux_at != aux)
        return "two ways to it differ in the aux stack";
    *aux_at = aux;
    return NULL;
}

static const char *step(const Chunk *chunk, uint32_t at, uint32_t *aux_by_instruction) {
    const Instruction *instruction = &chunk->instructions[at];
    uint32_t aux = aux_by_instruction[at];
    if (aux == UNREACHED)
        return NULL;
    if (instruction->opcode >= OPCODE_COUNT || instruction->opcode == OP_STEP || instruction->opcode == OP_FINISH)
        return "no such instruction";
    if (aux != chunk->places[at].aux)
        return "its place is wrong about the aux stack";

    Opcode opcode = (Opcode)instruction->opcode;
    const OpcodeInfo *info = opcode_info(opcode);
    bool is_loop = opcode == OP_LOOP; /* the one jump back, and only to the start */
    const char *fault = is_loop ? (instruction->first == 0 ? NULL : "a loop leads to the start of its chunk")
                                : operand_fault(chunk, info->first, instruction->first, at, aux);
    if (!fault)
        fault = operand_fault(chunk, info->second, instruction->second, at, aux);
    if (fault)
        return fault;

    int change = aux_change(opcode);
    if ((int64_t)aux + change < 0)
        return "the aux stack is empty";
    aux += (uint32_t)change;
    const uint32_t *label = instruction_label(instruction);
    if (label && !is_loop && (fault = join(&aux_by_instruction[*label], aux)) != NULL)
        return fault;
    if (opcode_ends_path(opcode))
        return !opcode_leaves(opcode) || aux == 0 ? NULL : "the aux stack is not empty at the end";
    return at + 1 < chunk->instruction_count ? join(&aux_by_instruction[at + 1], aux) : "it runs over the end";
}

const char *verify_chunk(const Chunk *chunk, uint32_t *atp) {
    Mem *mem = &chunk->program->heap->mem;
    uint32_t count = chunk->instruction_count;
    *atp = 0;
    if (count == 0)
        return "no instructions";
    uint32_t *aux = mem_try(mem, count * sizeof(uint32_t));
    if (!aux)
        return "out of memory";
    for (uint32_t at = 1; at < count; at++)
        aux[at] = UNREACHED;
    aux[0] = 0;
    const char *fault = NULL;
    for (uint32_t at = 0; at < count && !fault; at++) {
        *atp = at;
        fault = step(chunk, at, aux);
    }
    mem_free(mem, aux, count * sizeof(uint32_t));
    return fault;
}
