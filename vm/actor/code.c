/* SPDX-License-Identifier: MIT */
/*
 * How a behavior is found again. A quotation that only calls a word is known
 * by that word's name, and follows it when its code changes. Any other is
 * known by its hash alone: of its instructions, with words and tags by name,
 * and of all code that it reaches, in the order in which it is reached. So
 * the hash is the same in every process and on every machine.
 */
#include "vm/actor/node_inside.h"

#include "vm/exec/opcode.h"
#include "vm/value/quotation.h"

/* --- the hash --- */

typedef struct CodeHash {
    const Node *node;
    XXH3_state_t *state;
    const Chunk **reached; /* in order */
    uint32_t count, capacity;
    Table numbers; /* from a chunk's address to 1 + its place above */
    Buffer bytes;
    bool failed;
} CodeHash;

static void add_number(CodeHash *hash, uint64_t number) {
    char bytes[8];
    bytes_put_u64(bytes, number);
    XXH3_64bits_update(hash->state, bytes, sizeof bytes);
}

static void add_text(CodeHash *hash, const char *text) {
    size_t size = text ? strlen(text) : 0;
    add_number(hash, size);
    if (size > 0)
        XXH3_64bits_update(hash->state, text, size);
}

/* The chunk's place among those reached; it is hashed in its turn. */
static uint32_t reach(CodeHash *hash, const Chunk *const *chunkp) {
    Mem *mem = &hash->node->heap->mem;
    uintptr_t found = (uintptr_t)table_find(&hash->numbers, (const char *)chunkp, sizeof *chunkp);
    if (found)
        return (uint32_t)found - 1;
    if (hash->count == hash->capacity) {
        uint32_t capacity = hash->capacity ? 2 * hash->capacity : 16;
        const Chunk **reached = mem_try_resize(mem, hash->reached, hash->capacity * sizeof *reached,
                                               capacity * sizeof *reached);
        if (reached == NULL) {
            hash->failed = true;
            return 0;
        }
        hash->reached = reached;
        hash->capacity = capacity;
    }
    hash->reached[hash->count++] = *chunkp;
    if (table_put(&hash->numbers, (const char *)chunkp, sizeof *chunkp, (void *)(uintptr_t)hash->count))
        hash->failed = true;
    return hash->count - 1;
}

static void add_constant(CodeHash *hash, Value value) {
    Kind refused;
    if (value_has_tag(value, TAG_QUOTATION) || value_has_tag(value, TAG_CLOSURE)) {
        add_number(hash, reach(hash, (const Chunk *const *)&value_quotation(value)->chunk));
        return;
    }
    buffer_clear(&hash->bytes);
    if (codec_encode(hash->node->heap, value, &hash->bytes, &refused))
        hash->failed = true;
    XXH3_64bits_update(hash->state, hash->bytes.bytes, hash->bytes.size);
}

static void add_operand(CodeHash *hash, const Chunk *chunk, OperandKind kind, uint32_t operand) {
    const Program *program = chunk->program;
    switch (kind) {
    case OPERAND_NONE:
        break;
    case OPERAND_CONSTANT:
        add_constant(hash, chunk->constants[operand]);
        break;
    case OPERAND_WORD:
        add_text(hash, program->words->words[operand].name);
        break;
    case OPERAND_DEFINITION:
        add_text(hash, program->cells[operand].name);
        add_number(hash, reach(hash, &program->cells[operand].chunk));
        break;
    case OPERAND_CHUNK:
        add_number(hash, reach(hash, (const Chunk *const *)&program->chunks[operand]));
        break;
    default:
        if (kind == OPERAND_SYMBOL) {
            size_t size;
            add_text(hash, symbol_text(&hash->node->heap->symbols, operand, &size));
        } else {
            add_number(hash, operand);
        }
    }
}

static void add_chunk(CodeHash *hash, const Chunk *chunk) {
    add_number(hash, chunk->instruction_count);
    for (uint32_t index = 0; index < chunk->instruction_count; index++) {
        const Instruction *instruction = &chunk->instructions[index];
        const OpcodeInfo *info = opcode_info((Opcode)instruction->opcode);
        add_text(hash, info->name);
        add_operand(hash, chunk, info->first, instruction->first);
        add_operand(hash, chunk, info->second, instruction->second);
    }
}

/* 0 when memory is refused. */
static uint64_t code_hash(const Node *node, const Chunk *const *chunkp) {
    Mem *mem = &node->heap->mem;
    CodeHash hash = {.node = node, .state = XXH3_createState()};
    if (hash.state == NULL)
        return 0;
    XXH3_64bits_reset(hash.state);
    table_init(&hash.numbers, mem);
    buffer_init(&hash.bytes, mem);
    reach(&hash, chunkp);
    for (uint32_t index = 0; index < hash.count && !hash.failed; index++)
        add_chunk(&hash, hash.reached[index]);
    uint64_t result = hash.failed ? 0 : XXH3_64bits_digest(hash.state);
    table_deinit(&hash.numbers);
    buffer_deinit(&hash.bytes);
    mem_free(mem, hash.reached, hash.capacity * sizeof *hash.reached);
    XXH3_freeState(hash.state);
    return result;
}

/* --- names --- */

/* What the compiler puts before a call, and the author did not write. */
static bool is_check(Opcode opcode) {
    return opcode == OP_CHECK || opcode == OP_CHECK_INT || opcode == OP_CHECK_QUOTATION || opcode == OP_CHECK_DEPTH;
}

/* The definition that a chunk calls and does nothing else, or NULL. */
static const Cell *only_call(const Chunk *chunk) {
    uint32_t at = 0;
    if (chunk->capture_count > 0)
        return NULL;
    while (at < chunk->instruction_count && is_check((Opcode)chunk->instructions[at].opcode))
        at++;
    uint32_t left = chunk->instruction_count - at;
    const Instruction *first = &chunk->instructions[at];
    bool is_tail = left == 1 && first->opcode == OP_TAIL_CALL;
    bool is_call = left == 2 && first->opcode == OP_CALL && first[1].opcode == OP_RETURN;
    return is_tail || is_call ? &chunk->program->cells[first->first] : NULL;
}

CodeIdentity code_identity(const Node *node, Value behavior) {
    const Quotation *quotation = value_quotation(behavior);
    const Cell *cell = only_call(quotation->chunk);
    return (CodeIdentity){
        .word = cell ? cell->name : NULL,
        .hash = code_hash(node, (const Chunk *const *)&quotation->chunk),
    };
}

/* --- finding --- */

static bool has_name(const Cell *cell, Bytes word) {
    return cell && cell->name && strlen(cell->name) == word.size && memcmp(cell->name, word.bytes, word.size) == 0;
}

static bool calls_word(const Chunk *chunk, Bytes word) {
    return has_name(only_call(chunk), word);
}

static Value with_captures(Node *node, const Chunk *chunk, const BornPayload *born) {
    Value captures[UINT8_MAX] = {VALUE_ZERO};
    uint32_t count = 0;
    Bytes left = born->captures;
    if (born->capture_count > UINT8_MAX || born->capture_count != chunk->capture_count)
        return VALUE_ZERO;
    for (; count < born->capture_count; count++) {
        size_t used;
        if (codec_decode(node->heap, (const char *)left.bytes, left.size, &used, &captures[count]))
            break;
        left.bytes += used;
        left.size -= used;
    }
    Quotation *quotation = count < born->capture_count
                               ? NULL
                               : quotation_new(node->heap, count > 0 ? TAG_CLOSURE : TAG_QUOTATION, chunk, count,
                                               captures);
    if (quotation)
        return value_from_object(quotation);
    while (count > 0)
        value_unref(node->heap, captures[--count]);
    return VALUE_ZERO;
}

Value code_find(Node *node, const BornPayload *born) {
    const Program *program = node->scheduler->program;
    for (uint32_t index = 0; index < program->chunk_count; index++) {
        const Chunk *const *chunkp = (const Chunk *const *)&program->chunks[index];
        if (!(*chunkp)->is_quotation)
            continue;
        bool fits = born->behavior.size > 0 ? calls_word(*chunkp, born->behavior)
                                            : code_hash(node, chunkp) == born->code_hash && born->code_hash != 0;
        if (fits)
            return with_captures(node, *chunkp, born);
    }
    /* a word that this program does not quote anywhere, but has */
    for (uint32_t index = 0; index < program->cell_count && born->behavior.size > 0; index++) {
        if (has_name(&program->cells[index], born->behavior))
            return with_captures(node, program->cells[index].chunk, born);
    }
    return VALUE_ZERO;
}
