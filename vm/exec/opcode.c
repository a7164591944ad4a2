/* SPDX-License-Identifier: MIT */
#include "vm/exec/opcode.h"

#include "vm/exec/chunk.h"

static const OpcodeInfo infos[] = {
#define VARIES OPCODE_VARIES
#define OPCODE(name, first, second, pops, pushes, sentence)                                                            \
    [OP_##name] = {#name, OPERAND_##first, OPERAND_##second, pops, pushes, sentence},
#include "vm/exec/opcodes.h"
#undef VARIES
};

const OpcodeInfo *opcode_info(Opcode opcode) {
    check(opcode < OPCODE_COUNT);
    return &infos[opcode];
}

bool opcode_ends_path(Opcode opcode) {
    switch (opcode) {
    case OP_JUMP:
    case OP_RETURN:
    case OP_TAIL_CALL:
    case OP_LOOP:
    case OP_TAIL_CALL_QUOTATION:
    case OP_MATCH_FAIL:
    case OP_NO_RETURN:
    case OP_COND_FAIL:
        return true;
    default:
        return false;
    }
}

const uint32_t *instruction_label(const Instruction *instruction) {
    const OpcodeInfo *info = opcode_info((Opcode)instruction->opcode);
    if (info->first == OPERAND_LABEL)
        return &instruction->first;
    return info->second == OPERAND_LABEL ? &instruction->second : NULL;
}
