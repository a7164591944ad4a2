/* SPDX-License-Identifier: MIT */
/* The table of opcodes.h as data. */
#pragma once

#include "vm/exec/word.h"

typedef enum OperandKind {
    OPERAND_NONE,
    OPERAND_CONSTANT,
    OPERAND_LABEL,
    OPERAND_WORD,
    OPERAND_DEFINITION,
    OPERAND_CHUNK,
    OPERAND_COUNT,
    OPERAND_SYMBOL,
    OPERAND_KIND,
    OPERAND_SHAPE,
    OPERAND_AUX,
} OperandKind;

enum { OPCODE_VARIES = -1 };

typedef struct OpcodeInfo {
    const char *name;
    OperandKind first, second;
    int pops, pushes; /* or OPCODE_VARIES */
    const char *sentence;
} OpcodeInfo;

/* The row of an opcode. */
const OpcodeInfo *opcode_info(Opcode opcode);
/* After it, control never goes on at the next instruction. */
bool opcode_ends_path(Opcode opcode);
/* The instruction's LABEL operand, or NULL. */
struct Instruction;
const uint32_t *instruction_label(const struct Instruction *instruction);
