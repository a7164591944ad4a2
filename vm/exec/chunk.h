/* SPDX-License-Identifier: MIT */
/*
 * Chunk: the code of one definition or one quotation, in two forms. The
 * portable one (instructions, constants, places) is what the emitter makes,
 * the verifier proves, the disassembler shows. From it fuse.c makes the
 * threaded one, which the interpreter runs.
 *
 * Program: what was loaded together. Definitions are linked through cells: a
 * call holds the address of a cell, so a definition can be given other code
 * while its users stand still. Chunks live as long as the program.
 */
#pragma once

#include "vm/exec/word.h"
#include "vm/value/heap.h"
#include "vm/value/quotation.h"

typedef struct Program Program;
typedef struct Cell Cell;

/* One cell of threaded code: a handler's address, or an operand. */
typedef union Code {
    const void *handler;
    const union Code *target;
    Cell *cell;
    const Word *word;
    const Chunk *chunk;
    Value value;
    int64_t number;
} Code;

typedef struct Instruction {
    uint32_t opcode;
    uint32_t first, second; /* operands, by the opcode's row */
} Instruction;

/* Where an instruction comes from; for messages, traces and unwinding. */
typedef struct Place {
    const char *name; /* the word as the author wrote it, or NULL */
    uint32_t line;
    uint16_t column;
    uint16_t aux; /* values on the aux stack when the instruction starts, the floor among them */
} Place;

enum {
    SHAPE_COUNT_MAX = 0xffff,
    CHUNK_OUT_UNKNOWN = 1, /* flag: what it leaves is not known before it runs */
};

/* How many values code takes and leaves. */
typedef struct Shape {
    uint16_t in, out;
} Shape;

static inline uint32_t shape_pack(Shape shape) {
    return ((uint32_t)shape.in << 16) | shape.out;
}
static inline Shape shape_unpack(uint32_t packed) {
    return (Shape){(uint16_t)(packed >> 16), (uint16_t)packed};
}

/* (quotation.h names the type) */
struct Chunk {
    const Code *entry; /* threaded code; set by fuse */
    uint32_t need;     /* stack slots that must be free when it starts: its own highest rise, and its frames */
    Shape shape;       /* with captured values counted among the inputs */
    uint16_t flags;
    uint16_t capture_count;
    const char *name; /* of the definition it is or lies in */
    const char *file;
    bool is_quotation;

    Instruction *instructions;
    Place *places; /* as many */
    uint32_t instruction_count;
    uint32_t instruction_capacity, place_capacity, constant_capacity; /* what the blocks hold, for freeing */
    Value *constants; /* counted */
    uint32_t constant_count;

    Code *code;
    uint32_t *origins; /* for each cell of code the instruction it comes from */
    uint32_t code_count;

    Program *program;
};

/* Where a definition's code is now. */
struct Cell {
    const Code *entry;
    uint32_t need;
    const Chunk *chunk;
    const char *name;
};

struct Program {
    Heap *heap;
    const WordTable *words;
    Cell *cells; /* by number of the definition */
    uint32_t cell_count;
    Chunk **chunks; /* by number: what CHUNK operands name */
    uint32_t chunk_count, chunk_capacity;
    Chunk **by_address; /* chunks sorted by where their code lies; made by program_seal */
    uint32_t sealed_count;
    struct ProgramString *strings; /* names and files that places point at */
};

/* Starts a program of `cell_count` definitions without code. -ENOMEM when refused. */
int program_init(Program *program, Heap *heap, const WordTable *words, uint32_t cell_count) MUST_CHECK;
/* Nothing of it may be running or held in a value any more. */
void program_deinit(Program *program);
/* A copy of `text` that lives as long as the program, or NULL when refused. Equal texts given in a row share one copy. */
const char *program_string(Program *program, const char *text, size_t size);
/* A new empty chunk of the program; `*numberp` is what CHUNK operands name. NULL when refused. */
Chunk *program_chunk_new(Program *program, uint32_t *numberp);

/* After chunks were added and threaded: makes program_chunk_at() find them. -ENOMEM when refused. */
int program_seal(Program *program) MUST_CHECK;
/* The chunk and instruction that a code address belongs to; NULL when it belongs to none (a runtime cell). */
const Chunk *program_chunk_at(const Program *program, const Code *address, uint32_t *instructionp);
