/* SPDX-License-Identifier: MIT */
/*
 * The emitter: one chunk for each word, one for each literal that is pushed.
 * Branches, matches and literals that only stand before a `call`, `dip` or
 * `cond` become part of the code around them.
 *
 * Each body in tail position ends by itself: with a tail call, or with the
 * checks that are due there and a return. So no jump leads to a return.
 */
#include "vm/lang/emitter.h"

#include "vm/exec/fuse.h"
#include "vm/exec/strand.h"
#include "vm/exec/verify.h"
#include "vm/lang/checker.h"
#include "vm/value/string.h"
#include <errno.h>
#include <string.h>

typedef struct Emitter {
    Program *program;
    const Resolved *resolved;
    Heap *heap;
    bool failed;          /* memory was refused */
    const Source *source; /* whose lines `line_starts` holds: words come file by file */
    uint32_t *line_starts;
    uint32_t line_count;
} Emitter;

typedef struct Builder { /* one chunk in the making */
    Emitter *emitter;
    Chunk *chunk;
    uint32_t landed;       /* the instruction at which a jump landed last: what stands before it is another path's */
    uint32_t aux, aux_max; /* values on the aux stack now, and at most */
    uint32_t height_max;
    bool has_floor;
    bool is_literal;
    bool out_is_known;
} Builder;

enum { NO_LABEL = UINT32_MAX };

static bool emit_body(Builder *builder, const Body *body, bool is_tail);

/* --- instructions --- */

static void forget_lines(Emitter *emitter) {
    mem_free(&emitter->heap->mem, emitter->line_starts, emitter->line_count * sizeof(uint32_t));
    emitter->line_starts = NULL;
    emitter->line_count = 0;
    emitter->source = NULL;
}

/* Where the lines of a source start, so that a place is found without reading the text again. */
static bool find_lines(Emitter *emitter, const Source *source) {
    forget_lines(emitter);
    uint32_t count = 1;
    for (size_t offset = 0; offset < source->size; offset++)
        count += source->text[offset] == '\n';
    emitter->line_starts = mem_try(&emitter->heap->mem, count * sizeof(uint32_t));
    if (!emitter->line_starts)
        return false;
    emitter->line_count = count;
    emitter->source = source;
    emitter->line_starts[0] = source->prefix_size;
    uint32_t line = 1;
    for (size_t offset = 0; offset < source->size; offset++) {
        if (source->text[offset] == '\n')
            emitter->line_starts[line++] = (uint32_t)offset + 1;
    }
    return true;
}

static void find_position(Emitter *emitter, Span span, Place *place) {
    if (emitter->source != span.source && !find_lines(emitter, span.source)) {
        emitter->failed = true;
        return;
    }
    uint32_t low = 0, high = emitter->line_count; /* the line lies in [low, high) */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (emitter->line_starts[middle] <= span.start)
            low = middle;
        else
            high = middle;
    }
    uint32_t start = emitter->line_starts[low], column = span.start < start ? 1 : span.start - start + 1;
    place->line = low + 1;
    place->column = (uint16_t)(column < UINT16_MAX ? column : UINT16_MAX);
}

/* The name as the author wrote it, in a form that lives as long as the program. */
static const char *place_name(Emitter *emitter, const Node *node) {
    if (node->kind == NODE_MATCH)
        return "match";
    if (node->kind == NODE_IF)
        return "if";
    if (node->kind != NODE_CALL)
        return NULL;
    if (node->call.target == TARGET_DEFINITION)
        return emitter->program->cells[node->call.definition->number].name;
    const Word *word = word_find(emitter->program->words, node->call.name, node->call.name_size);
    if (word && (node->call.target == TARGET_BUILTIN || node->call.target == TARGET_SUGAR))
        return word->name;
    return program_string(emitter->program, node->call.name, node->call.name_size);
}

/* The block with room for twice as many items; NULL when refused, and then it is as it was. */
static void *grown(Emitter *emitter, void *block, uint32_t *capacity, size_t item_size) {
    void *moved = mem_try_double(&emitter->heap->mem, block, item_size, capacity);
    if (!moved)
        emitter->failed = true;
    return moved;
}

static bool has_room(Builder *builder) {
    Chunk *chunk = builder->chunk;
    if (chunk->instruction_count == chunk->instruction_capacity) {
        void *moved = grown(builder->emitter, chunk->instructions, &chunk->instruction_capacity, sizeof(Instruction));
        if (!moved)
            return false;
        chunk->instructions = moved;
    }
    if (chunk->instruction_count == chunk->place_capacity) {
        void *moved = grown(builder->emitter, chunk->places, &chunk->place_capacity, sizeof(Place));
        if (!moved)
            return false;
        chunk->places = moved;
    }
    return true;
}

/* Appends an instruction and returns its number; its place is `node`'s. */
static uint32_t emit(Builder *builder, Opcode opcode, uint32_t first, uint32_t second, const Place *place) {
    Chunk *chunk = builder->chunk;
    if (!has_room(builder))
        return 0;
    uint32_t at = chunk->instruction_count++;
    chunk->instructions[at] = (Instruction){.opcode = opcode, .first = first, .second = second};
    chunk->places[at] = *place;
    chunk->places[at].aux = (uint16_t)builder->aux;
    switch (opcode) {
    case OP_TO_AUX:
    case OP_ENTER_UNKNOWN:
        builder->aux++;
        break;
    case OP_FROM_AUX:
    case OP_LEAVE_UNKNOWN:
    case OP_FORGET_FLOOR:
        builder->aux--;
        break;
    default:
        break;
    }
    if (builder->aux > builder->aux_max)
        builder->aux_max = builder->aux;
    return at;
}

static Place place_of(Builder *builder, const Node *node) {
    Place place = {.name = place_name(builder->emitter, node)};
    find_position(builder->emitter, node->span, &place);
    return place;
}

/* Lets the jump at `at` lead to the next instruction. */
static void land(Builder *builder, uint32_t at) {
    if (builder->emitter->failed || at == NO_LABEL)
        return;
    builder->landed = builder->chunk->instruction_count;
    Instruction *jump = &builder->chunk->instructions[at];
    if (jump->opcode == OP_MATCH_UNLESS)
        jump->second = builder->chunk->instruction_count;
    else
        jump->first = builder->chunk->instruction_count;
}

/* Jumps that lead to the same place are linked through their operands until it is known. */
static void jump_to_end(Builder *builder, uint32_t *chain, const Place *place) {
    *chain = emit(builder, OP_JUMP, *chain, 0, place);
}

static void land_chain(Builder *builder, uint32_t chain) {
    while (chain != NO_LABEL && !builder->emitter->failed) {
        uint32_t next = builder->chunk->instructions[chain].first;
        land(builder, chain);
        chain = next;
    }
}

/* --- constants --- */

static uint32_t add_constant(Builder *builder, TAKEN Value value) {
    Emitter *emitter = builder->emitter;
    Chunk *chunk = builder->chunk;
    if (chunk->constant_count == chunk->constant_capacity) {
        void *moved = grown(emitter, chunk->constants, &chunk->constant_capacity, sizeof(Value));
        if (!moved) {
            value_unref(emitter->heap, value);
            return 0;
        }
        chunk->constants = moved;
    }
    chunk->constants[chunk->constant_count] = value;
    return chunk->constant_count++;
}

static void emit_constant(Builder *builder, TAKEN Value value, const Place *place) {
    Opcode opcode = value_is_object(value) ? OP_PUSH_REF : OP_PUSH;
    uint32_t constant = add_constant(builder, value);
    emit(builder, opcode, constant, 0, place);
}

static uint32_t symbol_of(Builder *builder, const char *bytes, size_t size) {
    uint32_t symbol = symbol_intern(&builder->emitter->heap->symbols, &builder->emitter->heap->mem, bytes, size);
    if (symbol == SYMBOL_NONE) {
        builder->emitter->failed = true;
        return SYMBOL_LIST;
    }
    return symbol;
}

static void emit_string(Builder *builder, const Node *node, const Place *place) {
    String *string = string_new(builder->emitter->heap, node->string.bytes, node->string.size);
    if (string)
        emit_constant(builder, value_from_object(string), place);
    else
        builder->emitter->failed = true;
}

/* --- checks and ends --- */

static void emit_checks(Builder *builder, const SlotCheck *checks, const Place *place) {
    for (const SlotCheck *slot = checks; slot; slot = slot->next) {
        if (slot->kind == KIND_QUOTATION)
            emit(builder, OP_CHECK_QUOTATION, shape_pack(slot->shape), slot->index, place);
        else
            emit(builder, slot->kind == KIND_INT ? OP_CHECK_INT : OP_CHECK,
                 slot->kind == KIND_INT ? slot->index : slot->kind, slot->kind == KIND_INT ? 0 : slot->index, place);
    }
}

/* The floor was saved first, so it lies below all that is on the aux stack now. */
static uint32_t floor_operand(const Builder *builder) {
    return builder->has_floor ? builder->aux : 0;
}

static void emit_depth_check(Builder *builder, uint32_t wanted, const Place *place) {
    if (wanted)
        emit(builder, OP_CHECK_DEPTH, wanted, floor_operand(builder), place);
}

static const BodyNote *note_of(const Body *body) {
    static const BodyNote nothing;
    return body->checked ? body->checked : &nothing;
}

static void emit_return(Builder *builder, const Body *body, const Place *place) {
    Place end = *place;
    end.name = builder->chunk->name;
    uint32_t aux = builder->aux;
    if (builder->has_floor) /* first: what is looked at behind it must be there */
        emit(builder, builder->out_is_known ? OP_LEAVE_UNKNOWN : OP_FORGET_FLOOR,
             builder->out_is_known ? builder->chunk->shape.out : 0, 0, &end);
    emit_checks(builder, note_of(body)->exit_checks, &end);
    emit(builder, OP_RETURN, 0, 0, &end);
    builder->aux = aux;
}

/* --- chunks of literals --- */

static void finish_chunk(Builder *builder);

static Builder builder_start(Emitter *emitter, const char *name, Span span, uint32_t *numberp) {
    Builder builder = {.emitter = emitter};
    builder.chunk = program_chunk_new(emitter->program, numberp);
    const char *file = program_string(emitter->program, span.source->name, strlen(span.source->name));
    if (!builder.chunk || !file) {
        emitter->failed = true;
        return builder;
    }
    builder.chunk->name = name;
    builder.chunk->file = file;
    return builder;
}

/* What the literal takes and leaves, now that all is known about its type. False when what it leaves is not. */
static bool literal_shape(const Literal *literal, Shape *shape) {
    uint32_t in, out;
    bool same_row = stack_bottom(literal->type->effect->in, &in) == stack_bottom(literal->type->effect->out, &out);
    int64_t takes = (int64_t)literal->expected + literal->drawn;
    int64_t leaves = takes + (int64_t)out - in;
    bool known = same_row && leaves >= 0;
    *shape = (Shape){(uint16_t)(takes + literal->capture_count), (uint16_t)(known ? leaves : 0)};
    return known;
}

/*
 * The word behind it takes the literal at once, and looks itself at what it
 * leaves: so what is not known when it is compiled need not be checked at its end.
 */
static bool is_taken_by_builtin(const Node *node) {
    const Literal *literal = node->quotation.checked;
    return literal->uses_unknown && node->next && node->next->kind == NODE_CALL &&
           node->next->call.target == TARGET_BUILTIN && node->next->call.word->how == WORD_BY_FUNCTION;
}

static void emit_literal(Builder *builder, const Node *node, const Place *place) {
    Emitter *emitter = builder->emitter;
    const Literal *literal = node->quotation.checked;
    uint32_t number;
    Builder inner = builder_start(emitter, builder->chunk->name, node->span, &number);
    if (emitter->failed)
        return;
    inner.is_literal = true;
    inner.chunk->is_quotation = true;
    inner.chunk->capture_count = (uint16_t)literal->capture_count;
    inner.out_is_known = literal_shape(literal, &inner.chunk->shape) && !is_taken_by_builtin(node);
    if (!inner.out_is_known)
        inner.chunk->flags |= CHUNK_OUT_UNKNOWN;
    inner.height_max = literal->height_max;
    inner.has_floor = literal->uses_unknown;
    if (inner.has_floor)
        emit(&inner, OP_ENTER_UNKNOWN, inner.chunk->shape.in, 0, place);
    emit_body(&inner, &node->quotation.body, true);
    finish_chunk(&inner);
    if (emitter->failed)
        return;
    if (literal->is_closure) {
        emit(builder, OP_PUSH_CLOSURE, number, literal->capture_count, place);
        return;
    }
    Quotation *quotation = quotation_new(emitter->heap, TAG_QUOTATION, inner.chunk, 0, NULL);
    if (quotation)
        emit_constant(builder, value_from_object(quotation), place);
    else
        emitter->failed = true;
}

/* --- calls --- */

typedef struct ShuffleCode {
    Opcode counted, raw;
} ShuffleCode;

static const ShuffleCode shuffle_codes[COMPILER_WORD_COUNT] = {
    [DO_DUP] = {OP_DUP, OP_DUP_RAW},      [DO_DROP] = {OP_DROP, OP_DROP_RAW},
    [DO_SWAP] = {OP_SWAP, OP_SWAP},       [DO_OVER] = {OP_OVER, OP_OVER_RAW},
    [DO_ROT] = {OP_ROT, OP_ROT},          [DO_NIP] = {OP_NIP, OP_NIP_RAW},
    [DO_TUCK] = {OP_TUCK, OP_TUCK_RAW},   [DO_2DUP] = {OP_TWO_DUP, OP_TWO_DUP_RAW},
    [DO_TO_AUX] = {OP_TO_AUX, OP_TO_AUX}, [DO_FROM_AUX] = {OP_FROM_AUX, OP_FROM_AUX},
};

static void emit_pick(Builder *builder, const CallNote *note, bool is_roll, const Place *place) {
    if (is_roll) {
        if (note->index == 0)
            return;
        emit(builder, note->index == 1 ? OP_SWAP : note->index == 2 ? OP_ROT : OP_ROLL, note->index, 0, place);
    } else if (note->index == 0) {
        emit(builder, note->raw ? OP_DUP_RAW : OP_DUP, 0, 0, place);
    } else if (note->index == 1) {
        emit(builder, note->raw ? OP_OVER_RAW : OP_OVER, 0, 0, place);
    } else {
        emit(builder, note->raw ? OP_PICK_RAW : OP_PICK, note->index, 0, place);
    }
}

static void emit_room(Builder *builder, const CallNote *note, const Place *place) {
    if (note->needs_room)
        emit(builder, OP_ROOM, 0, 0, place); /* how much is filled in when the chunk is finished */
}

/* `[ … ] dip` and the like; the literals' code lies here. True when the path ended. */
static bool emit_inlined(Builder *builder, const Node *node, bool is_tail, const Place *place) {
    const CallNote *note = node->call.checked;
    const Body *body = &note->inlined->quotation.body;
    if (node->call.does == DO_CALL)
        return emit_body(builder, body, is_tail);
    if (node->call.does != DO_DIP)
        emit(builder, note->raw ? OP_DUP_RAW : OP_DUP, 0, 0, place);
    emit(builder, OP_TO_AUX, 0, 0, place);
    emit_body(builder, body, false);
    emit(builder, OP_FROM_AUX, 0, 0, place);
    if (node->call.does == DO_BI)
        emit_body(builder, &note->inlined->next->quotation.body, false);
    return false;
}

/* `[ p ] [ b ] … N cond` as a chain of branches. */
static bool emit_cond(Builder *builder, const Node *node, bool is_tail, const Place *place) {
    const CallNote *note = node->call.checked;
    const Node *literal = note->inlined;
    uint32_t ends = NO_LABEL, aux = builder->aux;
    bool all_ended = true;
    for (uint32_t pair = 0; pair < note->inlined_count / 2; pair++, literal = literal->next->next) {
        emit_body(builder, &literal->quotation.body, false);
        emit_checks(builder, literal->quotation.checked->condition_checks, place);
        uint32_t skip = emit(builder, OP_JUMP_UNLESS, 0, 0, place);
        bool ended = emit_body(builder, &literal->next->quotation.body, is_tail);
        if (!ended)
            jump_to_end(builder, &ends, place);
        all_ended &= ended;
        builder->aux = aux;
        land(builder, skip);
    }
    emit(builder, OP_COND_FAIL, 0, 0, place);
    land_chain(builder, ends);
    return all_ended;
}

/* Words that move or run what lies on the stack are told the floor, unless types say what they do to it. */
static void emit_dynamic(Builder *builder, const Node *node, const CallNote *note, const Place *place) {
    CompilerWord word = node->call.does;
    bool is_typed = !note->is_unknown && word != DO_COND && word != DO_PICK && word != DO_ROLL;
    if (word == DO_CALL && !note->is_unknown)
        emit(builder, OP_CALL_QUOTATION, 0, 0, place);
    else
        emit(builder, OP_CALL_FLOOR, node->call.word->number, is_typed ? 0 : floor_operand(builder), place);
}

static void emit_compiler_word(Builder *builder, const Node *node, const CallNote *note, const Place *place) {
    CompilerWord word = node->call.does;
    switch (word) {
    case DO_3DROP:
        for (int index = 0; index < 3; index++)
            emit(builder, OP_DROP, 0, 0, place);
        return;
    case DO_PICK:
    case DO_ROLL:
        emit_pick(builder, note, word == DO_ROLL, place);
        return;
    default:
        emit(builder, note->raw ? shuffle_codes[word].raw : shuffle_codes[word].counted, 0, 0, place);
        return;
    }
}

static void emit_builtin(Builder *builder, const Node *node, const CallNote *note, const Place *place) {
    const Word *word = node->call.word;
    if (note->is_dynamic)
        emit_dynamic(builder, node, note, place);
    else if (word->how == WORD_BY_COMPILER)
        emit_compiler_word(builder, node, note, place);
    else if (word->how == WORD_BY_OPCODE)
        emit(builder, word->opcode, 0, 0, place);
    else if (word->needs_floor)
        emit(builder, OP_CALL_FLOOR, word->number, floor_operand(builder), place);
    else
        emit(builder, word->touches == PURE ? OP_CALL_WORD : OP_CALL_OUTSIDE, word->number, 0, place);
    emit_room(builder, note, place);
}

static void emit_union_word(Builder *builder, const Node *node, const Place *place) {
    const VariantDef *variant = node->call.variant;
    uint32_t symbol = symbol_of(builder, variant->name.bytes, variant->name.size);
    if (node->call.target == TARGET_CONSTRUCT)
        emit(builder, OP_MAKE_VARIANT, symbol, variant->field_count, place);
    else if (node->call.target == TARGET_IS)
        emit(builder, OP_IS_VARIANT, symbol, 0, place);
    else
        emit(builder, OP_GET_FIELD, node->call.field_index, 0, place);
}

/* Nothing is left to do behind the last call of `body`: the floor, a check or the aux stack would be. */
static bool can_tail_call(const Builder *builder, const Body *body) {
    const BodyNote *note = note_of(body);
    return !builder->has_floor && !note->exit_checks && !note->never_returns && !note->surplus && builder->aux == 0;
}

/* A call came back that was taken not to: what its branch left too much goes. */
static void emit_surplus(Builder *builder, const BodyNote *note, const Place *place) {
    for (uint32_t count = 0; count < note->aux_surplus; count++) {
        emit(builder, OP_FROM_AUX, 0, 0, place);
        emit(builder, OP_DROP, 0, 0, place);
    }
    for (uint32_t count = 0; count < note->surplus; count++) {
        if (note->kept)
            emit(builder, OP_ROLL, note->kept, 0, place);
        emit(builder, OP_DROP, 0, 0, place);
    }
}

static void emit_definition_call(Builder *builder, const Definition *called, bool as_tail, const Place *place) {
    if (as_tail && !builder->is_literal && builder->emitter->program->cells[called->number].chunk == builder->chunk)
        emit(builder, OP_LOOP, 0, 0, place);
    else
        emit(builder, as_tail ? OP_TAIL_CALL : OP_CALL, called->number, 0, place);
}

/* True when the path ended. */
static bool emit_call(Builder *builder, const Body *body, const Node *node, bool is_tail, const Place *place) {
    const CallNote *note = node->call.checked;
    bool as_tail = is_tail && can_tail_call(builder, body);
    emit_depth_check(builder, note->depth_check, place);
    emit_checks(builder, note->checks, place);
    switch (node->call.target) {
    case TARGET_DEFINITION:
        emit_definition_call(builder, node->call.definition, as_tail, place);
        if (note_of(body)->never_returns && !node->next) {
            emit(builder, OP_NO_RETURN, 0, 0, place);
            return true;
        }
        if (as_tail)
            return true;
        emit_room(builder, note, place);
        if (!node->next)
            emit_surplus(builder, note_of(body), place);
        return false;
    case TARGET_CONSTRUCT:
    case TARGET_IS:
    case TARGET_FIELD:
        emit_union_word(builder, node, place);
        return false;
    default:
        break;
    }
    if (note->inlined)
        return node->call.does == DO_COND ? emit_cond(builder, node, is_tail, place)
                                          : emit_inlined(builder, node, is_tail, place);
    if (as_tail && note->is_dynamic && !note->is_unknown && node->call.does == DO_CALL) {
        emit(builder, OP_TAIL_CALL_QUOTATION, 0, 0, place);
        return true;
    }
    emit_builtin(builder, node, note, place);
    return false;
}

/* --- branches --- */

/* The condition the other way round: a comparison just made, or its negation. */
static void negate_condition(Builder *builder, const Place *place) {
    static const uint8_t opposites[OPCODE_COUNT] = {
        [OP_EQ_INT] = OP_NE_INT, [OP_NE_INT] = OP_EQ_INT, [OP_LT_INT] = OP_GE_INT,
        [OP_GE_INT] = OP_LT_INT, [OP_GT_INT] = OP_LE_INT, [OP_LE_INT] = OP_GT_INT,
    };
    Chunk *chunk = builder->chunk;
    if (builder->emitter->failed)
        return;
    Instruction *last =
        chunk->instruction_count > builder->landed ? &chunk->instructions[chunk->instruction_count - 1] : NULL;
    if (last && opposites[last->opcode])
        last->opcode = opposites[last->opcode];
    else
        emit(builder, OP_NOT_BOOL, 0, 0, place);
}

/* `[ ] [ … ] if`: one jump, over the other branch. */
static bool emit_if_not(Builder *builder, const Node *node, const Place *place) {
    negate_condition(builder, place);
    uint32_t skip = emit(builder, OP_JUMP_UNLESS, 0, 0, place), aux = builder->aux;
    emit_body(builder, &node->branch->else_body, false);
    builder->aux = aux;
    land(builder, skip);
    return false;
}

static bool emit_if(Builder *builder, const Node *node, bool is_tail, const Place *place) {
    emit_depth_check(builder, node->branch->depth_check, place);
    emit_checks(builder, node->branch->checks, place);
    if (!is_tail && !node->branch->then_body.first && node->branch->else_body.first)
        return emit_if_not(builder, node, place);
    uint32_t skip = emit(builder, OP_JUMP_UNLESS, 0, 0, place), ends = NO_LABEL;
    uint32_t aux = builder->aux;
    bool then_ended = emit_body(builder, &node->branch->then_body, is_tail);
    uint32_t then_aux = builder->aux;
    if (!then_ended && (is_tail || node->branch->else_body.first))
        jump_to_end(builder, &ends, place);
    builder->aux = aux;
    land(builder, skip);
    bool else_ended = emit_body(builder, &node->branch->else_body, is_tail);
    land_chain(builder, ends);
    if (else_ended)
        builder->aux = then_aux;
    return then_ended && else_ended;
}

static bool binds_all(const Arm *arm) {
    uint32_t index = 0;
    for (const Binding *binding = arm->bindings; binding; binding = binding->next) {
        if (binding->index != index++)
            return false;
    }
    return index == arm->definition->field_count;
}

/* The variant on top makes way for the fields that the pattern names. */
static void emit_fields(Builder *builder, const Arm *arm, const Place *place) {
    uint32_t count = arm->has_bindings ? arm->binding_count : arm->definition->field_count;
    if (count == 0) {
        emit(builder, OP_DROP, 0, 0, place);
        return;
    }
    if (!arm->has_bindings || binds_all(arm)) {
        emit(builder, OP_MATCH_ALL, count, 0, place);
        return;
    }
    uint32_t above = 0;
    for (const Binding *binding = arm->bindings; binding; binding = binding->next)
        emit(builder, OP_MATCH_FIELD, binding->index, above++, place);
    if (count == 1) {
        emit(builder, OP_NIP, 0, 0, place);
        return;
    }
    emit(builder, OP_ROLL, count, 0, place);
    emit(builder, OP_DROP, 0, 0, place);
}

static bool emit_match(Builder *builder, const Node *node, bool is_tail, const Place *place) {
    uint32_t ends = NO_LABEL, aux = builder->aux, end_aux = aux;
    bool all_ended = true;
    emit_depth_check(builder, node->match.depth_check, place);
    for (const Arm *arm = node->match.arms; arm; arm = arm->next) {
        uint32_t symbol = symbol_of(builder, arm->variant.bytes, arm->variant.size);
        uint32_t skip = emit(builder, OP_MATCH_UNLESS, symbol, 0, place);
        emit_fields(builder, arm, place);
        bool ended = emit_body(builder, &arm->body, is_tail);
        if (!ended) {
            end_aux = builder->aux;
            jump_to_end(builder, &ends, place);
        }
        all_ended &= ended;
        builder->aux = aux;
        land(builder, skip);
    }
    emit(builder, OP_MATCH_FAIL, 0, 0, place);
    land_chain(builder, ends);
    builder->aux = end_aux;
    return all_ended;
}

/* --- bodies --- */

/* A literal that belongs to the call behind it, or an Int that pick, roll or cond takes at compile time. */
static bool is_absorbed(const Node *node) {
    if (node->kind == NODE_QUOTATION)
        return node->quotation.checked->mode == LITERAL_INLINE;
    return node->kind == NODE_INT && node->next && node->next->kind == NODE_CALL &&
           node->next->call.checked->absorbs_literal;
}

static bool emit_node(Builder *builder, const Body *body, const Node *node, bool is_tail, const Place *place) {
    switch (node->kind) {
    case NODE_INT:
        emit_constant(builder, value_from_int(node->integer), place);
        return false;
    case NODE_FLOAT:
        emit_constant(builder, value_from_float(builder->emitter->heap, node->number), place);
        return false;
    case NODE_BOOL:
        emit_constant(builder, value_from_bool(node->truth), place);
        return false;
    case NODE_STRING:
        emit_string(builder, node, place);
        return false;
    case NODE_SYMBOL:
        emit_constant(builder, value_from_symbol(symbol_of(builder, node->string.bytes, node->string.size)), place);
        return false;
    case NODE_QUOTATION:
        emit_literal(builder, node, place);
        return false;
    case NODE_CALL:
        return emit_call(builder, body, node, is_tail, place);
    case NODE_IF:
        return emit_if(builder, node, is_tail, place);
    case NODE_MATCH:
        return emit_match(builder, node, is_tail, place);
    }
    unreachable();
}

/* True when the path ended: in tail position it always does. */
static bool emit_body(Builder *builder, const Body *body, bool is_tail) {
    Place place = {.line = 1, .column = 1};
    if (body->span.source)
        find_position(builder->emitter, body->span, &place);
    for (const Node *node = body->first; node && !builder->emitter->failed; node = node->next) {
        if (is_absorbed(node))
            continue;
        place = place_of(builder, node);
        bool is_last = !node->next;
        if (emit_node(builder, body, node, is_tail && is_last, &place) && is_last)
            return true;
    }
    if (is_tail)
        emit_return(builder, body, &place);
    return is_tail;
}

/* The block without the room that `count` items leave. */
static void *trimmed(Emitter *emitter, void *block, uint32_t *capacity, uint32_t count, size_t item_size) {
    if (count == 0 || count == *capacity)
        return block;
    void *moved = mem_try_resize(&emitter->heap->mem, block, *capacity * item_size, count * item_size);
    if (!moved)
        return block;
    *capacity = count;
    return moved;
}

/* Most chunks are short quotations: what was taken for more instructions would be the larger part of them. */
static void trim_chunk(Emitter *emitter, Chunk *chunk) {
    chunk->instructions = trimmed(emitter, chunk->instructions, &chunk->instruction_capacity, chunk->instruction_count,
                                  sizeof(Instruction));
    chunk->places = trimmed(emitter, chunk->places, &chunk->place_capacity, chunk->instruction_count, sizeof(Place));
    chunk->constants =
        trimmed(emitter, chunk->constants, &chunk->constant_capacity, chunk->constant_count, sizeof(Value));
}

static void finish_chunk(Builder *builder) {
    Chunk *chunk = builder->chunk;
    if (!chunk)
        return;
    trim_chunk(builder->emitter, chunk);
    chunk->need = builder->height_max + builder->aux_max + FRAME_ROOM;
    for (uint32_t at = 0; at < chunk->instruction_count; at++) {
        if (chunk->instructions[at].opcode == OP_ROOM)
            chunk->instructions[at].first = chunk->need;
    }
}

static void emit_definition(Emitter *emitter, const Definition *definition) {
    Cell *cell = &emitter->program->cells[definition->number];
    const DefinitionNote *note = definition->checked;
    uint32_t number;
    Builder builder = builder_start(emitter, cell->name, definition->span, &number);
    if (emitter->failed)
        return;
    cell->chunk = builder.chunk;
    builder.chunk->shape = note->shape;
    builder.out_is_known = !note->loose;
    builder.height_max = note->height_max;
    builder.has_floor = note->uses_unknown;
    if (builder.has_floor) {
        Place place = {.name = cell->name};
        find_position(emitter, definition->span, &place);
        emit(&builder, OP_ENTER_UNKNOWN, note->shape.in + note->drawn, 0, &place);
    }
    emit_body(&builder, &definition->body, true);
    finish_chunk(&builder);
}

static int thread_chunks(Program *program) {
    for (uint32_t number = 0; number < program->chunk_count; number++) {
        uint32_t at;
        const char *fault = verify_chunk(program->chunks[number], &at);
        if (fault && strcmp(fault, "out of memory") == 0)
            return -ENOMEM;
        check(!fault);
    }
    for (uint32_t number = 0; number < program->chunk_count; number++) {
        if (fuse_chunk(program->chunks[number]))
            return -ENOMEM;
    }
    for (uint32_t number = 0; number < program->cell_count; number++) {
        Cell *cell = &program->cells[number];
        cell->entry = cell->chunk->entry;
        cell->need = cell->chunk->need;
    }
    return program_seal(program);
}

int emitter_emit(Program *program, const Resolved *resolved) {
    Emitter emitter = {.program = program, .resolved = resolved, .heap = program->heap};
    for (const Definition *definition = resolved->tree->definitions; definition; definition = definition->next) {
        const char *name = program_string(program, definition->name.bytes, definition->name.size);
        if (!name)
            return -ENOMEM;
        program->cells[definition->number].name = name;
    }
    for (const Definition *definition = resolved->tree->definitions; definition && !emitter.failed;
         definition = definition->next)
        emit_definition(&emitter, definition);
    forget_lines(&emitter);
    if (emitter.failed || mem_is_exhausted(&program->heap->mem))
        return -ENOMEM;
    return thread_chunks(program);
}
