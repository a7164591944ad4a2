/* SPDX-License-Identifier: MIT */
/*
 * The loop: direct threading (each cell of code is the address of its
 * handler), the top of the stack in a register.
 *
 * Nothing here checks what the type checker proved: ADD_INT adds. Room on the
 * stack is looked at once a call (`need` of the code called), the budget at
 * each call. Both happen before an instruction changes anything, so an
 * instruction that is stopped there is simply run again later.
 *
 * While the loop runs: `tos` is the top value, `sp` points at the one below
 * it, `rp` at the innermost frame slot, `ip` behind the handler's cell. SAVE
 * and LOAD exchange them with the strand, in the form strand.h draws.
 *
 * What is not an instruction does not belong here.
 */
#include "vm/exec/interp.h"

#include "vm/base/config.h"
#include "vm/exec/fault.h"
#include "vm/exec/scheduler.h"
#include "vm/value/list.h"
#include "vm/value/variant.h"

enum {
#define OPCODE(name, first, second, pops, pushes, sentence) HANDLER_##name,
#include "vm/exec/opcodes.h"
#define FUSED(name, length, ...) HANDLER_##name,
#include "vm/exec/fused.h"
    HANDLER_COUNT
};

typedef struct InterpTables {
    const void *const *handlers;
    const Code *step_code, *finish_code;
} InterpTables;

static bool kind_fits(Value value, Kind kind) {
    switch (kind) {
    case KIND_INT:
        return value_is_int(value);
    case KIND_FLOAT:
        return value_is_float(value);
    case KIND_BOOL:
        return value_is_bool(value);
    case KIND_STRING:
        return value_is_string(value);
    case KIND_SYMBOL:
        return value_is_symbol(value);
    case KIND_CHANNEL:
        return value_has_tag(value, TAG_CHANNEL);
    default:
        return value_kind(value) == kind;
    }
}

/* True when calling it takes at most shape.in values and changes the depth as shape says (anyhow, for an `out` of SHAPE_COUNT_MAX). */
static bool shape_fits(const Quotation *quotation, Shape shape) {
    int in = quotation->chunk->shape.in - (int)quotation->capture_count;
    int out = quotation->chunk->shape.out;
    if (in > shape.in || shape.out == SHAPE_COUNT_MAX)
        return in <= shape.in;
    return !(quotation->chunk->flags & CHUNK_OUT_UNKNOWN) && out - in == shape.out - shape.in;
}

/*
 * The name the author wrote at the instruction that runs, for a fault. A
 * check stands under the name of the word that it checks for. Literals have no
 * name: a fused sequence that begins with some goes by its first word.
 */
static const char *place_name(const Strand *strand) {
    uint32_t instruction;
    const Chunk *chunk = program_chunk_at(strand->scheduler->program, strand->ip, &instruction);
    for (; chunk && instruction < chunk->instruction_count; instruction++) {
        if (chunk->places[instruction].name)
            return chunk->places[instruction].name;
    }
    return "?";
}

static void fault_kind(Strand *strand, const char *want, Value found) {
    strand->word = NULL;
    strand_fault(strand, "%s: expected %s, got %s", place_name(strand), want, kind_name(value_kind(found)));
}

/* Words on lists and words on variants share instructions. */
static void fault_list(Strand *strand, Value found) {
    fault_kind(strand, strncmp(place_name(strand), "list.", 5) == 0 ? "List" : "Variant", found);
}

static void fault_shape(Strand *strand, Shape shape) {
    const char *name = place_name(strand);
    if (shape.out == SHAPE_COUNT_MAX)
        strand_fault(strand, "%s: expected a quotation that takes at most %u value%s", name, shape.in,
                     shape.in == 1 ? "" : "s");
    else if (shape.in >= SHAPE_COUNT_MAX / 2)
        strand_fault(strand, "%s: expected a quotation that changes the depth by %d", name, shape.out - shape.in);
    else
        strand_fault(strand, "%s: expected a quotation that takes %u and leaves %u value%s", name, shape.in, shape.out,
                     shape.out == 1 ? "" : "s");
}

/* Field `index` of a value that a match or a field word wants; faults when it has none. */
static bool field_of(Strand *strand, Value value, uint32_t index, Value *field) {
    if (!value_is_variant(value)) {
        fault_kind(strand, "Variant", value);
        return false;
    }
    if (index >= value_variant(value)->count) {
        size_t size;
        strand->word = NULL;
        strand_fault(strand, "%s: `%s` has %u fields, number %u was wanted", place_name(strand),
                     symbol_text(&strand->heap->symbols, value_variant(value)->symbol, &size),
                     value_variant(value)->count, index + 1);
        return false;
    }
    *field = variant_at(value_variant(value), index);
    return true;
}

static int64_t shift_left(int64_t number, int64_t count) {
    if (count < 0 || count >= 64)
        return 0;
    int64_t result = (int64_t)((uint64_t)number << count);
    return result > INT_MAX_VALUE || result < INT_MIN_VALUE ? 0 : result;
}

/* Logical, of the 64-bit sign-extended pattern: spec/language.md calls for it, and for 0 where 63 bits do not hold the result. */
static int64_t shift_right(int64_t number, int64_t count) {
    if (count < 0 || count >= 64)
        return 0;
    if (count == 0)
        return number;
    uint64_t result = (uint64_t)number >> count;
    return result > (uint64_t)INT_MAX_VALUE ? 0 : (int64_t)result;
}

/* Both operands of most divisions fit 32 bits, where dividing takes half as long. */
static inline int64_t divide(int64_t a, int64_t b) {
    if (LIKELY((((uint64_t)a | (uint64_t)b) >> 32) == 0))
        return (uint32_t)a / (uint32_t)b;
    return a / b;
}
static inline int64_t modulo(int64_t a, int64_t b) {
    if (LIKELY((((uint64_t)a | (uint64_t)b) >> 32) == 0))
        return (uint32_t)a % (uint32_t)b;
    return a % b;
}

static inline bool list_is_flat(Value value) {
    return value_has_tag(value, TAG_LIST) && ((List *)value_object(value))->items != NULL;
}

/* Element `index` of what may be a list, borrowed; false for a bad index and for what is no variant. */
static inline bool element_at(Value list, int64_t index, Value *element) {
    if (LIKELY(list_is_flat(list))) {
        List *flat = (List *)value_object(list);
        if ((uint64_t)index >= flat->count)
            return false;
        *element = flat->items[index];
        return true;
    }
    if (!value_is_variant(list) || (uint64_t)index >= value_variant(list)->count)
        return false;
    *element = variant_at(value_variant(list), (uint32_t)index);
    return true;
}

/* Sets element `index` of a plain list; false, and nothing done, for any other list and a bad index. */
static inline bool plain_set(Value value, int64_t index, Value item) {
    if (!list_is_plain(value) || STRESS_COPY)
        return false;
    List *list = (List *)value_object(value);
    if ((uint64_t)index >= list->count)
        return false;
    list->object.flags |= value_is_object(item) ? LIST_HAS_OBJECTS : 0;
    list->items[index] = item;
    return true;
}

static inline bool plain_push(Value value, Value item) {
    if (!list_is_plain(value) || STRESS_COPY)
        return false;
    List *list = (List *)value_object(value);
    if (list->count >= list->capacity)
        return false;
    list->object.flags |= value_is_object(item) ? LIST_HAS_OBJECTS : 0;
    list->items[list->count++] = item;
    return true;
}

/* The same for an unshared flat list of any values; `*old` is what stood there. */
static inline bool exchange_element(Value list, int64_t index, Value item, Value *old) {
    if (!list_is_flat(list))
        return false;
    List *flat = (List *)value_object(list);
    if (!object_is_unshared(&flat->object) || (uint64_t)index >= flat->count)
        return false;
    *old = flat->items[index];
    flat->object.flags |= value_is_object(item) ? LIST_HAS_OBJECTS : 0;
    flat->items[index] = item;
    return true;
}

/* Runs the strand, or, without one, gives the tables. */
static InterpEnd loop(Strand *strand, int64_t *budget_left, InterpTables *tables) {
    static const void *const handlers[] = {
#define OPCODE(name, first, second, pops, pushes, sentence) &&L_##name,
#include "vm/exec/opcodes.h"
#define FUSED(name, length, ...) &&L_##name,
#include "vm/exec/fused.h"
    };
    static const Code step_code[] = {{.handler = &&L_STEP}};
    static const Code finish_code[] = {{.handler = &&L_FINISH}};

    if (tables) {
        *tables = (InterpTables){handlers, step_code, finish_code};
        return INTERP_FINISHED;
    }

    const Code *ip;
    Value *sp;
    Slot *rp;
    Value tos;
    int64_t budget = *budget_left;
    Heap *const heap = strand->heap;
    uint64_t room;
    WordResult result;

#define OP(name) L_##name:
#define NEXT goto *(ip++)->handler
#define SAVE (sp[1] = tos, strand->sp = sp + 1, strand->rp = rp, strand->ip = ip)
#define LOAD (sp = strand->sp - 1, tos = sp[1], rp = strand->rp, ip = strand->ip)
/* The instruction that runs has changed nothing yet, and is the one that the strand stands at. */
#define SAVE_AT_START (sp[1] = tos, strand->sp = sp + 1, strand->rp = rp, strand->ip = ip - 1)
#define PUSH(value) (*++sp = tos, tos = (value))
#define DROP_TO(value) (tos = (value), sp--)
#define FAULT goto faulted
#define CALL_CHECK(wanted)                                                                                             \
    if (UNLIKELY(--budget < 0))                                                                                        \
        goto preempt;                                                                                                  \
    if (UNLIKELY((Slot *)(void *)(sp + (wanted)) > rp)) {                                                              \
        room = (wanted);                                                                                               \
        goto grow;                                                                                                     \
    }

    LOAD;
    NEXT;

    /* --- literals --- */
    OP(PUSH) {
        PUSH(ip[0].value);
        ip += 1;
        NEXT;
    }
    OP(PUSH_REF) {
        PUSH(ip[0].value);
        value_object(tos)->count++;
        ip += 1;
        NEXT;
    }
    OP(PUSH_CLOSURE) {
        uint32_t count = (uint32_t)ip[1].number;
        sp[1] = tos;
        Quotation *closure = quotation_new(heap, TAG_CLOSURE, ip[0].chunk, count, sp + 2 - count);
        if (UNLIKELY(!closure))
            goto out_of_memory;
        sp += 1 - (int64_t)count;
        tos = value_from_object(closure);
        if (mem_is_exhausted(&heap->mem))
            goto out_of_memory;
        ip += 2;
        NEXT;
    }

    /* --- shuffles --- */
    OP(DUP) {
        *++sp = value_ref(tos);
        NEXT;
    }
    OP(DUP_RAW) {
        *++sp = tos;
        NEXT;
    }
    OP(DROP) {
        value_unref(heap, tos);
        tos = *sp--;
        NEXT;
    }
    OP(DROP_RAW) {
        tos = *sp--;
        NEXT;
    }
    OP(SWAP) {
        Value second = *sp;
        *sp = tos;
        tos = second;
        NEXT;
    }
    OP(OVER) {
        Value second = value_ref(*sp);
        PUSH(second);
        NEXT;
    }
    OP(OVER_RAW) {
        Value second = *sp;
        PUSH(second);
        NEXT;
    }
    OP(ROT) {
        Value third = sp[-1];
        sp[-1] = sp[0];
        sp[0] = tos;
        tos = third;
        NEXT;
    }
    OP(NIP) {
        value_unref(heap, *sp--);
        NEXT;
    }
    OP(NIP_RAW) {
        sp--;
        NEXT;
    }
    OP(TUCK) {
        Value second = *sp;
        *sp = value_ref(tos);
        *++sp = second;
        NEXT;
    }
    OP(TUCK_RAW) {
        Value second = *sp;
        *sp = tos;
        *++sp = second;
        NEXT;
    }
    OP(TWO_DUP) {
        Value second = value_ref(*sp);
        *++sp = value_ref(tos);
        *++sp = second;
        NEXT;
    }
    OP(TWO_DUP_RAW) {
        Value second = *sp;
        *++sp = tos;
        *++sp = second;
        NEXT;
    }
    OP(PICK) {
        int64_t index = ip[0].number;
        sp[1] = tos;
        Value picked = value_ref(sp[1 - index]);
        PUSH(picked);
        ip += 1;
        NEXT;
    }
    OP(PICK_RAW) {
        int64_t index = ip[0].number;
        sp[1] = tos;
        Value picked = sp[1 - index];
        PUSH(picked);
        ip += 1;
        NEXT;
    }
    OP(ROLL) {
        int64_t index = ip[0].number;
        sp[1] = tos;
        Value rolled = sp[1 - index];
        memmove(sp + 1 - index, sp + 2 - index, (size_t)index * sizeof(Value));
        tos = rolled;
        ip += 1;
        NEXT;
    }
    OP(TO_AUX) {
        (--rp)->value = tos;
        tos = *sp--;
        NEXT;
    }
    OP(FROM_AUX) {
        PUSH((rp++)->value);
        NEXT;
    }

    /* --- Int: on tagged numbers, 2n + 1 --- */
#define INT_ADD(a, b) ((Value){(a).bits + (b).bits - 1})
#define INT_SUB(a, b) ((Value){(a).bits - (b).bits + 1})
#define INT_MUL(a, b) ((Value){((a).bits - 1) * (uint64_t)((int64_t)(b).bits >> 1) + 1})
#define INT_AND_BITS(a, b) ((Value){(a).bits & (b).bits})
#define INT_OR_BITS(a, b) ((Value){(a).bits | (b).bits})
#define INT_XOR_BITS(a, b) ((Value){((a).bits ^ (b).bits) | 1})
#define INT_SHL_BITS(a, b) value_from_int(shift_left(value_to_int(a), value_to_int(b)))
#define INT_SHR_BITS(a, b) value_from_int(shift_right(value_to_int(a), value_to_int(b)))
#define INT_OPERATION(name, operation)                                                                                 \
    OP(name) {                                                                                                         \
        DROP_TO(operation(*sp, tos));                                                                                  \
        NEXT;                                                                                                          \
    }
    INT_OPERATION(ADD_INT, INT_ADD)
    INT_OPERATION(SUB_INT, INT_SUB)
    INT_OPERATION(MUL_INT, INT_MUL)
    INT_OPERATION(AND_BITS, INT_AND_BITS)
    INT_OPERATION(OR_BITS, INT_OR_BITS)
    INT_OPERATION(XOR_BITS, INT_XOR_BITS)
    INT_OPERATION(SHL_BITS, INT_SHL_BITS)
    INT_OPERATION(SHR_BITS, INT_SHR_BITS)
    OP(NEG_INT) {
        tos.bits = 2 - tos.bits;
        NEXT;
    }
    OP(NOT_BITS) {
        tos.bits ^= ~(uint64_t)1;
        NEXT;
    }
    /* -2^62 / -1 is 2^62, which fits 64 bits and wraps when it is tagged */
#define INT_DIVISION(name, operation)                                                                                  \
    OP(name) {                                                                                                         \
        int64_t divisor = value_to_int(tos);                                                                           \
        *sp = divisor ? value_from_int(operation(value_to_int(*sp), divisor)) : VALUE_ZERO;                            \
        tos = value_from_bool(divisor != 0);                                                                           \
        NEXT;                                                                                                          \
    }
    INT_DIVISION(DIV_INT, divide)
    INT_DIVISION(MOD_INT, modulo)
#define INT_DIVISION_DROP(name, operation)                                                                             \
    OP(name) {                                                                                                         \
        int64_t divisor = value_to_int(tos);                                                                           \
        DROP_TO(divisor ? value_from_int(operation(value_to_int(*sp), divisor)) : VALUE_ZERO);                         \
        NEXT;                                                                                                          \
    }
    INT_DIVISION_DROP(MOD_DROP, modulo)
    INT_DIVISION_DROP(DIV_DROP, divide)
#define INT_DIVISION_PUSH_DROP(name, operation)                                                                        \
    OP(name) {                                                                                                         \
        int64_t divisor = value_to_int(ip[0].value);                                                                   \
        tos = divisor ? value_from_int(operation(value_to_int(tos), divisor)) : VALUE_ZERO;                            \
        ip += 1;                                                                                                       \
        NEXT;                                                                                                          \
    }
    INT_DIVISION_PUSH_DROP(PUSH_MOD_DROP, modulo)
    INT_DIVISION_PUSH_DROP(PUSH_DIV_DROP, divide)
    OP(TWO_DUP_MOD_DROP) {
        int64_t divisor = value_to_int(tos);
        Value remainder = divisor ? value_from_int(modulo(value_to_int(*sp), divisor)) : VALUE_ZERO;
        PUSH(remainder);
        NEXT;
    }

#define INT_COMPARISONS(EACH) EACH(EQ, ==) EACH(NE, !=) EACH(LT, <) EACH(LE, <=) EACH(GT, >) EACH(GE, >=)
#define COMPARED(a, operator, b) ((int64_t)(a).bits operator(int64_t)(b).bits)
#define BRANCH(truth, label_cell, length)                                                                              \
    do {                                                                                                               \
        if (truth)                                                                                                     \
            ip += (length);                                                                                            \
        else                                                                                                           \
            ip = ip[label_cell].target;                                                                                \
        NEXT;                                                                                                          \
    } while (0)
#define INT_COMPARISON(name, operator)                                                                                 \
    OP(name##_INT) {                                                                                                   \
        DROP_TO(value_from_bool(COMPARED(*sp, operator, tos)));                                                        \
        NEXT;                                                                                                          \
    }                                                                                                                  \
    OP(PUSH_##name) {                                                                                                  \
        tos = value_from_bool(COMPARED(tos, operator, ip[0].value));                                                   \
        ip += 1;                                                                                                       \
        NEXT;                                                                                                          \
    }                                                                                                                  \
    OP(DUP_PUSH_##name) {                                                                                              \
        *++sp = tos;                                                                                                   \
        tos = value_from_bool(COMPARED(tos, operator, ip[0].value));                                                   \
        ip += 1;                                                                                                       \
        NEXT;                                                                                                          \
    }                                                                                                                  \
    OP(name##_JUMP) {                                                                                                  \
        bool truth = COMPARED(*sp, operator, tos);                                                                     \
        tos = sp[-1];                                                                                                  \
        sp -= 2;                                                                                                       \
        BRANCH(truth, 0, 1);                                                                                           \
    }                                                                                                                  \
    OP(PUSH_##name##_JUMP) {                                                                                           \
        bool truth = COMPARED(tos, operator, ip[0].value);                                                             \
        tos = *sp--;                                                                                                   \
        BRANCH(truth, 1, 2);                                                                                           \
    }                                                                                                                  \
    OP(DUP_PUSH_##name##_JUMP) {                                                                                       \
        BRANCH(COMPARED(tos, operator, ip[0].value), 1, 2);                                                            \
    }                                                                                                                  \
    OP(OVER_PUSH_##name##_JUMP) {                                                                                      \
        BRANCH(COMPARED(*sp, operator, ip[0].value), 1, 2);                                                            \
    }                                                                                                                  \
    OP(TWO_DUP_##name##_JUMP) {                                                                                        \
        BRANCH(COMPARED(*sp, operator, tos), 0, 1);                                                                    \
    }
    INT_COMPARISONS(INT_COMPARISON)

#define INT_PUSH_OPERATION(name, operation)                                                                            \
    OP(name) {                                                                                                         \
        tos = operation(tos, ip[0].value);                                                                             \
        ip += 1;                                                                                                       \
        NEXT;                                                                                                          \
    }
    INT_PUSH_OPERATION(PUSH_ADD, INT_ADD)
    INT_PUSH_OPERATION(PUSH_SUB, INT_SUB)
    INT_PUSH_OPERATION(PUSH_MUL, INT_MUL)
    INT_PUSH_OPERATION(PUSH_AND_BITS, INT_AND_BITS)
    INT_PUSH_OPERATION(PUSH_SHL_BITS, INT_SHL_BITS)
    INT_PUSH_OPERATION(PUSH_SHR_BITS, INT_SHR_BITS)
    OP(DUP_PUSH_ADD) {
        *++sp = tos;
        tos = INT_ADD(tos, ip[0].value);
        ip += 1;
        NEXT;
    }
    OP(DUP_PUSH_SUB) {
        *++sp = tos;
        tos = INT_SUB(tos, ip[0].value);
        ip += 1;
        NEXT;
    }
    OP(SWAP_PUSH_ADD) {
        Value second = *sp;
        *sp = tos;
        tos = INT_ADD(second, ip[0].value);
        ip += 1;
        NEXT;
    }
    OP(SWAP_PUSH_SUB) {
        Value second = *sp;
        *sp = tos;
        tos = INT_SUB(second, ip[0].value);
        ip += 1;
        NEXT;
    }
    OP(PUSH_ADD_SWAP) {
        Value sum = INT_ADD(tos, ip[0].value);
        tos = *sp;
        *sp = sum;
        ip += 1;
        NEXT;
    }
    OP(DUP_MUL) {
        tos = INT_MUL(tos, tos);
        NEXT;
    }
    OP(OVER_ADD) {
        tos = INT_ADD(tos, *sp);
        NEXT;
    }
    OP(OVER_SUB) {
        tos = INT_SUB(tos, *sp);
        NEXT;
    }
    OP(OVER_MUL) {
        tos = INT_MUL(tos, *sp);
        NEXT;
    }
    OP(ROT_ADD) {
        tos = INT_ADD(tos, sp[-1]);
        sp[-1] = sp[0];
        sp--;
        NEXT;
    }
    OP(ROT_ADD_SWAP) {
        Value sum = INT_ADD(tos, sp[-1]);
        tos = sp[0];
        *--sp = sum;
        NEXT;
    }
    OP(DUP_DUP_MUL) {
        *++sp = tos;
        tos = INT_MUL(tos, tos);
        NEXT;
    }
#define INT_PICK_OPERATION(name, operation)                                                                            \
    OP(name) {                                                                                                         \
        sp[1] = tos;                                                                                                   \
        tos = operation(tos, sp[1 - ip[0].number]);                                                                    \
        ip += 1;                                                                                                       \
        NEXT;                                                                                                          \
    }
    INT_PICK_OPERATION(PICK_ADD, INT_ADD)
    INT_PICK_OPERATION(PICK_SUB, INT_SUB)
#define INT_EQUAL(a, b) value_from_bool((a).bits == (b).bits)
    INT_PICK_OPERATION(PICK_EQ, INT_EQUAL)
    OP(ADD_RETURN) {
        DROP_TO(INT_ADD(*sp, tos));
        ip = (rp++)->ip;
        NEXT;
    }

    /* --- Bool: 0x04 and 0x0c --- */
    OP(AND_BOOL) {
        DROP_TO(((Value){sp->bits & tos.bits}));
        NEXT;
    }
    OP(OR_BOOL) {
        DROP_TO(((Value){sp->bits | tos.bits}));
        NEXT;
    }
    OP(NOT_BOOL) {
        tos.bits ^= 8;
        NEXT;
    }

    /* --- Float --- */
#define FLOAT_OPERANDS                                                                                                 \
    Value left = *sp--, right = tos;                                                                                   \
    double a = value_to_float(left), b = value_to_float(right);                                                        \
    if (UNLIKELY(value_is_object(left) || value_is_object(right))) {                                                   \
        value_unref(heap, left);                                                                                       \
        value_unref(heap, right);                                                                                      \
    }
#define FLOAT_OPERATION(name, operator)                                                                                \
    OP(name) {                                                                                                         \
        FLOAT_OPERANDS                                                                                                 \
        tos = value_from_float(heap, a operator b);                                                                    \
        if (mem_is_exhausted(&heap->mem))                                                                              \
            goto out_of_memory;                                                                                        \
        NEXT;                                                                                                          \
    }
    FLOAT_OPERATION(ADD_FLOAT, +)
    FLOAT_OPERATION(SUB_FLOAT, -)
    FLOAT_OPERATION(MUL_FLOAT, *)
    FLOAT_OPERATION(DIV_FLOAT, /)
#define FLOAT_COMPARISON(name, operator)                                                                               \
    OP(name##_FLOAT) {                                                                                                 \
        FLOAT_OPERANDS                                                                                                 \
        tos = value_from_bool(a operator b);                                                                           \
        NEXT;                                                                                                          \
    }
    INT_COMPARISONS(FLOAT_COMPARISON)

    /* --- control --- */
    OP(JUMP) {
        ip = ip[0].target;
        NEXT;
    }
    OP(JUMP_UNLESS) {
        bool truth = value_to_bool(tos);
        tos = *sp--;
        BRANCH(truth, 0, 1);
    }
    OP(CALL) {
        Cell *cell = ip[0].cell;
        CALL_CHECK(cell->need);
        (--rp)->ip = ip + 1;
        ip = cell->entry;
        NEXT;
    }
    OP(TAIL_CALL) {
        Cell *cell = ip[0].cell;
        CALL_CHECK(cell->need);
        ip = cell->entry;
        NEXT;
    }
    OP(PUSH_SUB_CALL) {
        Cell *cell = ip[1].cell;
        CALL_CHECK(cell->need);
        tos = INT_SUB(tos, ip[0].value);
        (--rp)->ip = ip + 2;
        ip = cell->entry;
        NEXT;
    }
    OP(DUP_PUSH_SUB_CALL) {
        Cell *cell = ip[1].cell;
        CALL_CHECK(cell->need + 1);
        *++sp = tos;
        tos = INT_SUB(tos, ip[0].value);
        (--rp)->ip = ip + 2;
        ip = cell->entry;
        NEXT;
    }
    OP(SWAP_PUSH_SUB_CALL) {
        Cell *cell = ip[1].cell;
        CALL_CHECK(cell->need);
        Value second = *sp;
        *sp = tos;
        tos = INT_SUB(second, ip[0].value);
        (--rp)->ip = ip + 2;
        ip = cell->entry;
        NEXT;
    }
    /* the stack is as deep as when the chunk was entered, so there is room */
#define LOOP_BACK(label_cell)                                                                                          \
    do {                                                                                                               \
        ip = ip[label_cell].target;                                                                                    \
        NEXT;                                                                                                          \
    } while (0)
#define LOOP_CHECK                                                                                                     \
    if (UNLIKELY(--budget < 0))                                                                                        \
    goto preempt
    OP(LOOP) {
        LOOP_CHECK;
        LOOP_BACK(0);
    }
    OP(SWAP_LOOP) {
        LOOP_CHECK;
        Value second = *sp;
        *sp = tos;
        tos = second;
        LOOP_BACK(0);
    }
    OP(PUSH_ADD_LOOP) {
        LOOP_CHECK;
        tos = INT_ADD(tos, ip[0].value);
        LOOP_BACK(1);
    }
    OP(PUSH_SUB_LOOP) {
        LOOP_CHECK;
        tos = INT_SUB(tos, ip[0].value);
        LOOP_BACK(1);
    }
    OP(SWAP_PUSH_ADD_LOOP) {
        LOOP_CHECK;
        Value second = *sp;
        *sp = tos;
        tos = INT_ADD(second, ip[0].value);
        LOOP_BACK(1);
    }
    OP(OVER_ADD_LOOP) {
        LOOP_CHECK;
        tos = INT_ADD(tos, *sp);
        LOOP_BACK(0);
    }
    OP(RETURN) {
        ip = (rp++)->ip;
        NEXT;
    }
    OP(CALL_QUOTATION) {
        Quotation *quotation = value_quotation(tos);
        CALL_CHECK(quotation->chunk->need + quotation->capture_count);
        (--rp)->ip = ip;
        goto enter_quotation;
    }
    OP(TAIL_CALL_QUOTATION) {
        Quotation *quotation = value_quotation(tos);
        CALL_CHECK(quotation->chunk->need + quotation->capture_count);
    }
enter_quotation : {
    /* tos is the quotation: it makes way for what it captured */
    Quotation *quotation = value_quotation(tos);
    Value called = tos;
    ip = quotation->chunk->entry;
    tos = *sp--;
    for (uint32_t index = 0; index < quotation->capture_count; index++)
        PUSH(value_ref(quotation->captures[index]));
    value_unref(heap, called);
    NEXT;
}
    OP(CALL_FLOOR) {
        sp[1] = tos;
        strand->floor = ip[1].number ? rp[ip[1].number - 1].number >> 1 : strand->base;
        strand->lends_floor = ip[1].number != 0;
        strand->word = ip[0].word;
        ip += 2;
        goto call_word;
    }
    OP(CALL_OUTSIDE) {
        if (UNLIKELY(strand->guard != NULL)) {
            strand->word = ip[0].word;
            ip += 1;
            SAVE;
            result = (WordResult)strand->guard->call(strand->guard, strand, strand->word);
            goto word_called;
        }
    }
    OP(CALL_WORD) {
        strand->word = ip[0].word;
        ip += 1;
    }
call_word : {
    SAVE;
    result = strand->word->function(strand);
word_called:
    if (LIKELY(result == WORD_OK)) {
        LOAD;
        if (mem_is_exhausted(&heap->mem)) {
            ip++;
            goto out_of_memory;
        }
        NEXT;
    }
return_of_word:
    if (result == WORD_CALL) {
        LOAD;
        if (UNLIKELY(--budget < 0)) {
            ip++; /* preempt stands at ip - 1: here the next instruction */
            goto preempt;
        }
        NEXT;
    }
    *budget_left = budget;
    switch (result) {
    case WORD_PARKED:
        return INTERP_PARKED;
    case WORD_EXIT:
        return INTERP_EXIT;
    default:
        /* the word itself faulted, not what it called: the trace shows its line, not the next one's */
        if (strand->ip == ip)
            strand->ip = ip - 1;
        fault_trace(&strand->scheduler->fault, strand);
        return INTERP_FAULTED;
    }
}
    OP(STEP) {
        SAVE_AT_START; /* the step code is where the quotation will return to again */
        StepFrame *frame = (StepFrame *)(void *)rp;
        const Word *word = strand->word = frame->word; /* the frame is gone when the step has ended the word */
        result = word->step(strand, frame);
        if (UNLIKELY(result == WORD_OK && strand->guard != NULL && word->touches != PURE))
            result = (WordResult)strand->guard->stepped(strand->guard, strand, word);
        if (LIKELY(result == WORD_OK)) {
            LOAD;
            if (mem_is_exhausted(&heap->mem)) {
                ip++;
                goto out_of_memory;
            }
            NEXT;
        }
        goto return_of_word;
    }
    OP(FINISH) {
        SAVE_AT_START;
        *budget_left = budget;
        return INTERP_FINISHED;
    }
    OP(ROOM) {
        if (UNLIKELY((Slot *)(void *)(sp + ip[0].number) > rp)) {
            room = (uint64_t)ip[0].number;
            goto grow;
        }
        ip += 1;
        NEXT;
    }

    /* --- checks --- */
    OP(CHECK) {
        Kind kind = (Kind)ip[0].number;
        int64_t index = ip[1].number;
        Value value = index ? sp[1 - index] : tos;
        if (UNLIKELY(!kind_fits(value, kind))) {
            SAVE_AT_START;
            fault_kind(strand, kind_name(kind), value);
            FAULT;
        }
        ip += 2;
        NEXT;
    }
    OP(CHECK_INT) {
        int64_t index = ip[0].number;
        Value value = index ? sp[1 - index] : tos;
        if (UNLIKELY(!value_is_int(value))) {
            SAVE_AT_START;
            fault_kind(strand, "Int", value);
            FAULT;
        }
        ip += 1;
        NEXT;
    }
#define CHECKED_INT_OPERATION(name, operation)                                                                         \
    OP(name) {                                                                                                         \
        int64_t index = ip[0].number;                                                                                  \
        Value value = index ? sp[1 - index] : tos;                                                                     \
        if (UNLIKELY(!value_is_int(value))) {                                                                          \
            SAVE_AT_START;                                                                                             \
            fault_kind(strand, "Int", value);                                                                          \
            FAULT;                                                                                                     \
        }                                                                                                              \
        DROP_TO(operation(*sp, tos));                                                                                  \
        ip += 1;                                                                                                       \
        NEXT;                                                                                                          \
    }
    CHECKED_INT_OPERATION(CHECK_INT_ADD, INT_ADD)
    CHECKED_INT_OPERATION(CHECK_INT_SUB, INT_SUB)
    /* a check of the top of the stack before a jump is one for a Bool; of any other value it may be for any kind */
#define CHECKED_JUMP(name, condition)                                                                                  \
    OP(name) {                                                                                                         \
        bool truth = value_to_bool(tos);                                                                               \
        if (UNLIKELY(!value_is_bool(tos) || ip[1].number != 0)) {                                                      \
            Value value = ip[1].number ? sp[1 - ip[1].number] : tos;                                                   \
            if (!kind_fits(value, (Kind)ip[0].number)) {                                                               \
                SAVE_AT_START;                                                                                         \
                fault_kind(strand, kind_name((Kind)ip[0].number), value);                                              \
                FAULT;                                                                                                 \
            }                                                                                                          \
        }                                                                                                              \
        tos = *sp--;                                                                                                   \
        BRANCH(condition, 2, 3);                                                                                       \
    }
    CHECKED_JUMP(CHECK_JUMP, truth)
    CHECKED_JUMP(CHECK_NOT_JUMP, !truth)
    OP(CHECK_QUOTATION) {
        Shape shape = shape_unpack((uint32_t)ip[0].number);
        int64_t index = ip[1].number;
        Value value = index ? sp[1 - index] : tos;
        if (UNLIKELY(!value_is_quotation(value))) {
            SAVE_AT_START;
            fault_kind(strand, "quotation", value);
            FAULT;
        }
        if (UNLIKELY(!shape_fits(value_quotation(value), shape))) {
            SAVE_AT_START;
            strand->word = NULL;
            fault_shape(strand, shape);
            FAULT;
        }
        ip += 2;
        NEXT;
    }
    OP(ENTER_UNKNOWN) {
        /* kept as an Int, so that whoever unwinds the aux stack may take it for a value */
        uint64_t floor = (uint64_t)(sp + 1 - strand->stack) - (uint64_t)ip[0].number;
        if (strand->lent_floor && strand->lent_floor - 1 < floor)
            floor = strand->lent_floor - 1;
        strand->lent_floor = 0;
        (--rp)->number = (floor << 1) | 1;
        ip += 1;
        NEXT;
    }
    OP(LEAVE_UNKNOWN) {
        uint64_t above = (uint64_t)(sp + 1 - strand->stack) - (rp->number >> 1);
        if (UNLIKELY(above != (uint64_t)ip[0].number)) {
            SAVE_AT_START;
            strand->word = NULL;
            strand_fault(strand, "%s: leaves %llu value%s where its effect says %lld", place_name(strand),
                         (unsigned long long)above, above == 1 ? "" : "s", (long long)ip[0].number);
            FAULT;
        }
        rp++;
        ip += 1;
        NEXT;
    }
    OP(FORGET_FLOOR) {
        rp++;
        NEXT;
    }
    OP(CHECK_DEPTH) {
        uint64_t floor = ip[1].number ? rp[ip[1].number - 1].number >> 1 : strand->base;
        uint64_t depth = (uint64_t)(sp + 1 - strand->stack);
        if (UNLIKELY(depth < floor + (uint64_t)ip[0].number)) {
            SAVE_AT_START;
            strand->word = NULL;
            strand_fault(strand, "%s: stack underflow, requires %lld value%s, only %lld provided", place_name(strand),
                         (long long)ip[0].number, ip[0].number == 1 ? "" : "s", (long long)(depth - floor));
            FAULT;
        }
        ip += 2;
        NEXT;
    }

    /* --- variants --- */
    OP(MAKE_VARIANT) {
        uint32_t count = (uint32_t)ip[1].number;
        sp[1] = tos;
        Variant *variant = variant_new(heap, (uint32_t)ip[0].number, count, sp + 2 - count);
        sp += 1 - (int64_t)count;
        tos = value_from_object(variant);
        if (mem_is_exhausted(&heap->mem))
            goto out_of_memory;
        ip += 2;
        NEXT;
    }
    OP(IS_VARIANT) {
        if (UNLIKELY(!value_is_variant(tos))) {
            SAVE_AT_START;
            fault_kind(strand, "Variant", tos);
            FAULT;
        }
        bool is = value_variant(tos)->symbol == (uint32_t)ip[0].number;
        value_unref(heap, tos);
        tos = value_from_bool(is);
        ip += 1;
        NEXT;
    }
    OP(GET_FIELD) {
        Value field;
        SAVE_AT_START;
        if (UNLIKELY(!field_of(strand, tos, (uint32_t)ip[0].number, &field)))
            FAULT;
        value_ref(field);
        value_unref(heap, tos);
        tos = field;
        ip += 1;
        NEXT;
    }
    OP(MATCH_UNLESS) {
        if (UNLIKELY(!value_is_variant(tos))) {
            SAVE_AT_START;
            fault_kind(strand, "Variant", tos);
            FAULT;
        }
        BRANCH(value_variant(tos)->symbol == (uint32_t)ip[0].number, 1, 2);
    }
    OP(MATCH_UNLESS_ALL) {
        if (UNLIKELY(!value_is_variant(tos))) {
            SAVE_AT_START;
            fault_kind(strand, "Variant", tos);
            FAULT;
        }
        if (value_variant(tos)->symbol != (uint32_t)ip[0].number) {
            ip = ip[1].target;
            NEXT;
        }
        ip += 2; /* a fault below shows where the cell before `ip` comes from: the match */
    }
    OP(MATCH_ALL) {
        uint32_t count = (uint32_t)ip[0].number;
        Variant *variant = value_variant(tos);
        if (UNLIKELY(variant->count < count)) {
            Value field;
            SAVE_AT_START;
            field_of(strand, tos, count - 1, &field);
            FAULT;
        }
        ip += 1;
        if (LIKELY(variant->object.tag == TAG_VARIANT && variant->count == count &&
                   object_is_unshared(&variant->object))) {
            memcpy(sp + 1, variant->fields, count * sizeof(Value));
            mem_free(&heap->mem, variant, variant_size(count));
        } else if (LIKELY(variant->object.tag == TAG_VARIANT && variant->object.count > 1)) {
            for (uint32_t index = 0; index < count; index++)
                sp[1 + index] = value_ref(variant->fields[index]);
            variant->object.count--;
        } else {
            for (uint32_t index = 0; index < count; index++)
                sp[1 + index] = value_ref(variant_at(variant, index));
            value_unref(heap, tos);
        }
        sp += (int64_t)count - 1;
        tos = sp[1];
        NEXT;
    }
    OP(MATCH_FIELD) {
        Value field;
        SAVE_AT_START;
        if (UNLIKELY(!field_of(strand, sp[1 - ip[1].number], (uint32_t)ip[0].number, &field)))
            FAULT;
        PUSH(value_ref(field));
        ip += 2;
        NEXT;
    }
    OP(MATCH_FAIL) {
        size_t size;
        SAVE_AT_START;
        strand->word = NULL;
        if (value_is_variant(tos))
            strand_fault(strand, "match: no arm for `%s`",
                         symbol_text(&heap->symbols, value_variant(tos)->symbol, &size));
        else
            fault_kind(strand, "Variant", tos);
        FAULT;
    }

    OP(NO_RETURN) {
        SAVE_AT_START;
        strand->word = NULL;
        strand_fault(strand,
                     "%s: returned into a branch that must not go on: it leaves another stack than the other branch",
                     place_name(strand));
        FAULT;
    }
    OP(COND_FAIL) {
        SAVE_AT_START;
        strand->word = NULL;
        strand_fault(strand, "cond: no predicate matched");
        FAULT;
    }

    /* --- lists --- */
    OP(LIST_LENGTH) {
        if (UNLIKELY(!value_is_variant(tos))) {
            SAVE_AT_START;
            fault_list(strand, tos);
            FAULT;
        }
        int64_t count = value_variant(tos)->count;
        value_unref(heap, tos);
        tos = value_from_int(count);
        NEXT;
    }
    OP(DUP_LIST_LENGTH) {
        if (UNLIKELY(!value_is_variant(tos))) {
            SAVE_AT_START;
            fault_list(strand, tos);
            FAULT;
        }
        PUSH(value_from_int(value_variant(tos)->count));
        NEXT;
    }
    OP(LIST_GET) {
        Value element = VALUE_ZERO, list = *sp;
        bool found = element_at(list, value_to_int(tos), &element);
        *sp = value_ref(element);
        value_unref(heap, list);
        tos = value_from_bool(found);
        NEXT;
    }
    OP(LIST_GET_DROP) {
        Value element = VALUE_ZERO, list = *sp--;
        element_at(list, value_to_int(tos), &element);
        tos = value_ref(element);
        value_unref(heap, list);
        NEXT;
    }
    OP(OVER_LIST_GET_DROP) { /* ( list i x -- list x e ) with the list below: the index is the copy */
        Value element = VALUE_ZERO, list = tos;
        element_at(list, value_to_int(*sp), &element);
        tos = value_ref(element);
        value_unref(heap, list);
        NEXT;
    }
    OP(PICK_OVER_LIST_GET_DROP) { /* ( ... i -- ... i e ): a look at a list that stays where it is */
        Value element = VALUE_ZERO;
        sp[1] = tos;
        element_at(sp[1 - ip[0].number], value_to_int(tos), &element);
        *++sp = tos;
        tos = value_ref(element);
        ip += 1;
        NEXT;
    }
    OP(TWO_DUP_LIST_GET) {
        Value element = VALUE_ZERO;
        bool found = element_at(*sp, value_to_int(tos), &element);
        *++sp = tos;
        *++sp = value_ref(element);
        tos = value_from_bool(found);
        NEXT;
    }
    OP(TWO_DUP_LIST_GET_DROP) {
        Value element = VALUE_ZERO;
        element_at(*sp, value_to_int(tos), &element);
        PUSH(value_ref(element));
        NEXT;
    }
    OP(PUSH_LIST_PUSH) {
        if (LIKELY(plain_push(tos, ip[0].value))) {
            ip += 1;
            NEXT;
        }
        PUSH(ip[0].value);
        ip += 1;
    }
    OP(LIST_PUSH) {
        Value list = *sp;
        if (LIKELY(list_is_flat(list))) {
            List *flat = (List *)value_object(list);
            if (LIKELY(object_is_unshared(&flat->object) && flat->count < flat->capacity && !STRESS_COPY)) {
                flat->object.flags |= value_is_object(tos) ? LIST_HAS_OBJECTS : 0;
                flat->items[flat->count++] = tos;
                tos = *sp--;
                NEXT;
            }
        }
        if (UNLIKELY(!value_is_variant(list))) {
            SAVE_AT_START;
            fault_list(strand, list);
            FAULT;
        }
        List *pushed = list_push(heap, value_variant(list), tos);
        if (UNLIKELY(!pushed))
            goto out_of_memory;
        DROP_TO(value_from_object(pushed));
        if (mem_is_exhausted(&heap->mem))
            goto out_of_memory;
        NEXT;
    }
    OP(LIST_SET) {
        Value list = sp[-1], item = tos, old;
        int64_t index = value_to_int(sp[0]);
        if (LIKELY(plain_set(list, index, item))) {
            sp -= 1;
            tos = VALUE_TRUE;
            NEXT;
        }
        if (LIKELY(exchange_element(list, index, item, &old))) {
            sp -= 1;
            tos = VALUE_TRUE;
            value_unref(heap, old);
            NEXT;
        }
        if (UNLIKELY(!value_is_variant(list))) {
            SAVE_AT_START;
            fault_list(strand, list);
            FAULT;
        }
        bool inside = (uint64_t)index < value_variant(list)->count;
        if (inside) {
            Variant *changed = list_set(heap, value_variant(list), (uint32_t)index, item);
            if (UNLIKELY(!changed))
                goto out_of_memory;
            sp[-1] = value_from_object(changed);
        } else {
            value_unref(heap, item);
        }
        sp -= 1;
        tos = value_from_bool(inside);
        if (mem_is_exhausted(&heap->mem))
            goto out_of_memory;
        NEXT;
    }
    OP(PUSH_LIST_SET_DROP) {
        if (LIKELY(plain_set(*sp, value_to_int(tos), ip[0].value))) {
            tos = *sp--;
            ip += 1;
            NEXT;
        }
        PUSH(ip[0].value);
        ip += 1; /* a fault shows where the cell before `ip` comes from: the word itself */
    }
    OP(LIST_SET_DROP) {
        Value list = sp[-1], item = tos, old;
        int64_t index = value_to_int(sp[0]);
        if (LIKELY(plain_set(list, index, item))) {
            sp -= 2;
            tos = list;
            NEXT;
        }
        if (LIKELY(exchange_element(list, index, item, &old))) {
            sp -= 2;
            tos = list;
            value_unref(heap, old);
            NEXT;
        }
        if (UNLIKELY(!value_is_variant(list))) {
            SAVE_AT_START;
            fault_list(strand, list);
            FAULT;
        }
        if ((uint64_t)index < value_variant(list)->count) {
            Variant *changed = list_set(heap, value_variant(list), (uint32_t)index, item);
            if (UNLIKELY(!changed))
                goto out_of_memory;
            list = value_from_object(changed);
        } else {
            value_unref(heap, item);
        }
        sp -= 2;
        tos = list;
        if (mem_is_exhausted(&heap->mem))
            goto out_of_memory;
        NEXT;
    }

    /* --- fused shuffles --- */
    OP(SWAP_DROP_RAW) {
        /* drops the second: known to be uncounted */
        sp--;
        NEXT;
    }
    OP(NOT_JUMP) {
        bool truth = !value_to_bool(tos);
        tos = *sp--;
        BRANCH(truth, 0, 1);
    }
    OP(OR_JUMP) {
        bool truth = value_to_bool((Value){sp->bits | tos.bits});
        tos = sp[-1];
        sp -= 2;
        BRANCH(truth, 0, 1);
    }
    OP(AND_JUMP) {
        bool truth = value_to_bool((Value){sp->bits & tos.bits});
        tos = sp[-1];
        sp -= 2;
        BRANCH(truth, 0, 1);
    }
    OP(ROT_OVER) { /* ( a b c -- b c a c ) */
        Value third = sp[-1];
        sp[-1] = sp[0];
        sp[0] = tos;
        *++sp = third;
        NEXT;
    }
    OP(SWAP_OVER) { /* ( a b -- b a b ) */
        Value second = *sp;
        *sp = tos;
        *++sp = second;
        NEXT;
    }
    OP(PICK_SWAP) {
        sp[1] = tos;
        Value picked = sp[1 - ip[0].number];
        *++sp = picked;
        ip += 1;
        NEXT;
    }
    OP(DROP_DROP) {
        tos = sp[-1];
        sp -= 2;
        NEXT;
    }
    OP(FROM_AUX_SWAP) {
        *++sp = (rp++)->value;
        NEXT;
    }
    OP(DUP_TO_AUX) {
        (--rp)->value = tos;
        NEXT;
    }
    OP(ROT_ROT) {
        Value top = tos;
        tos = sp[0];
        sp[0] = sp[-1];
        sp[-1] = top;
        NEXT;
    }
    OP(DROP_RETURN) {
        tos = *sp--;
        ip = (rp++)->ip;
        NEXT;
    }

    /* --- out of the line --- */
preempt:
    SAVE_AT_START;
    *budget_left = budget;
    return INTERP_PREEMPTED;

grow:
    SAVE_AT_START;
    strand->word = NULL;
    if (strand_reserve(strand, room)) {
        *budget_left = budget;
        fault_trace(&strand->scheduler->fault, strand);
        return INTERP_FAULTED;
    }
    LOAD;
    NEXT;

out_of_memory:
    SAVE_AT_START;
    strand->word = NULL;
    strand_fault_memory(strand);
faulted:
    *budget_left = budget;
    fault_trace(&strand->scheduler->fault, strand);
    return INTERP_FAULTED;
}

InterpEnd interp_run(Strand *strand, int64_t *budget) {
    return loop(strand, budget, NULL);
}

static InterpTables interp_tables(void) {
    InterpTables tables;
    loop(NULL, &(int64_t){0}, &tables);
    return tables;
}

const void *const *interp_handlers(void) {
    return interp_tables().handlers;
}
const Code *interp_step_code(void) {
    return interp_tables().step_code;
}
const Code *interp_finish_code(void) {
    return interp_tables().finish_code;
}
