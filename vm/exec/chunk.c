/* SPDX-License-Identifier: MIT */
/* Programs own chunks, chunks own their code and constants; all go together. */
#include "vm/exec/chunk.h"

#include <errno.h>
#include <stdlib.h>

typedef struct ProgramString {
    struct ProgramString *next;
    size_t size;
    char text[];
} ProgramString;

int program_init(Program *program, Heap *heap, const WordTable *words, uint32_t cell_count) {
    *program = (Program){.heap = heap, .words = words};
    program->cells = mem_try(&heap->mem, cell_count * sizeof(Cell));
    if (cell_count && !program->cells)
        return -ENOMEM;
    program->cell_count = cell_count;
    memset(program->cells, 0, cell_count * sizeof(Cell));
    return 0;
}

static void chunk_free(Heap *heap, Chunk *chunk) {
    Mem *mem = &heap->mem;
    for (uint32_t index = 0; index < chunk->constant_count; index++)
        value_unref(heap, chunk->constants[index]);
    mem_free(mem, chunk->constants, chunk->constant_capacity * sizeof(Value));
    mem_free(mem, chunk->instructions, chunk->instruction_capacity * sizeof(Instruction));
    mem_free(mem, chunk->places, chunk->place_capacity * sizeof(Place));
    mem_free(mem, chunk->code, chunk->code_count * sizeof(Code));
    mem_free(mem, chunk->origins, chunk->code_count * sizeof(uint32_t));
    mem_free(mem, chunk, sizeof *chunk);
}

void program_deinit(Program *program) {
    Mem *mem = &program->heap->mem;
    for (uint32_t number = 0; number < program->chunk_count; number++)
        chunk_free(program->heap, program->chunks[number]);
    mem_free(mem, program->chunks, program->chunk_capacity * sizeof(Chunk *));
    mem_free(mem, program->by_address, program->sealed_count * sizeof(Chunk *));
    mem_free(mem, program->cells, program->cell_count * sizeof(Cell));
    for (ProgramString *string = program->strings, *next; string; string = next) {
        next = string->next;
        mem_free(mem, string, sizeof *string + string->size + 1);
    }
    *program = (Program){0};
}

const char *program_string(Program *program, const char *text, size_t size) {
    ProgramString *latest = program->strings;
    if (latest && latest->size == size && memcmp(latest->text, text, size) == 0)
        return latest->text;
    ProgramString *string = mem_try(&program->heap->mem, sizeof *string + size + 1);
    if (!string)
        return NULL;
    *string = (ProgramString){.next = latest, .size = size};
    memcpy(string->text, text, size);
    string->text[size] = '\0';
    program->strings = string;
    return string->text;
}

Chunk *program_chunk_new(Program *program, uint32_t *numberp) {
    Mem *mem = &program->heap->mem;
    if (program->chunk_count == program->chunk_capacity) {
        Chunk **chunks = mem_try_double(mem, program->chunks, sizeof(Chunk *), &program->chunk_capacity);
        if (!chunks)
            return NULL;
        program->chunks = chunks;
    }
    Chunk *chunk = mem_new(mem, Chunk);
    chunk->program = program;
    *numberp = program->chunk_count;
    program->chunks[program->chunk_count++] = chunk;
    return chunk;
}

static int compare_addresses(const void *a, const void *b) {
    uintptr_t left = (uintptr_t)(*(Chunk *const *)a)->code, right = (uintptr_t)(*(Chunk *const *)b)->code;
    return left < right ? -1 : left > right;
}

int program_seal(Program *program) {
    Mem *mem = &program->heap->mem;
    size_t size = program->chunk_count * sizeof(Chunk *);
    Chunk **sorted = mem_try(mem, size);
    if (!sorted)
        return -ENOMEM;
    memcpy(sorted, program->chunks, size);
    qsort(sorted, program->chunk_count, sizeof(Chunk *), compare_addresses);
    mem_free(mem, program->by_address, program->sealed_count * sizeof(Chunk *));
    program->by_address = sorted;
    program->sealed_count = program->chunk_count;
    return 0;
}

const Chunk *program_chunk_at(const Program *program, const Code *address, uint32_t *instructionp) {
    uint32_t low = 0,
             high = program->sealed_count; /* the last chunk that starts at or before the address lies in [low, high) */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if ((uintptr_t)program->by_address[middle]->code <= (uintptr_t)address)
            low = middle;
        else
            high = middle;
    }
    if (low == high)
        return NULL;
    const Chunk *chunk = program->by_address[low];
    uintptr_t offset = ((uintptr_t)address - (uintptr_t)chunk->code) / sizeof(Code);
    if ((uintptr_t)address < (uintptr_t)chunk->code || offset >= chunk->code_count)
        return NULL;
    *instructionp = chunk->origins[offset];
    return chunk;
}
