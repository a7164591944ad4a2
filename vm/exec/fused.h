/* SPDX-License-Identifier: MIT */
/*
 * Fused instructions: sequences of portable instructions that run as one.
 * They exist only in threaded code. FUSED(name, length, sequence): the first
 * row that fits is taken, so longer sequences come first. Operands of the
 * parts follow each other in order.
 *
 * Two rules keep traces and unwinding exact: a part that may fault or call is
 * the only such part, and no part before it has changed anything when it
 * faults; the aux stack is touched only in sequences that neither fault nor
 * call.
 */
#ifndef FUSED
#define FUSED(name, length, ...)
#endif

/* clang-format off */
/* compare and branch: `dup 2 i.< [ … ] [ … ] if` and its relatives */
#define FUSED_COMPARISON(op) \
    FUSED(DUP_PUSH_##op##_JUMP, 4, OP_DUP_RAW, OP_PUSH, OP_##op##_INT, OP_JUMP_UNLESS) \
    FUSED(OVER_PUSH_##op##_JUMP, 4, OP_OVER_RAW, OP_PUSH, OP_##op##_INT, OP_JUMP_UNLESS) \
    FUSED(TWO_DUP_##op##_JUMP, 3, OP_TWO_DUP_RAW, OP_##op##_INT, OP_JUMP_UNLESS) \
    FUSED(PUSH_##op##_JUMP, 3, OP_PUSH, OP_##op##_INT, OP_JUMP_UNLESS) \
    FUSED(op##_JUMP, 2, OP_##op##_INT, OP_JUMP_UNLESS) \
    FUSED(DUP_PUSH_##op, 3, OP_DUP_RAW, OP_PUSH, OP_##op##_INT) \
    FUSED(PUSH_##op, 2, OP_PUSH, OP_##op##_INT)
FUSED_COMPARISON(EQ)
FUSED_COMPARISON(NE)
FUSED_COMPARISON(LT)
FUSED_COMPARISON(LE)
FUSED_COMPARISON(GT)
FUSED_COMPARISON(GE)
#undef FUSED_COMPARISON

/* arithmetic with a constant or a copy */
FUSED(DUP_PUSH_SUB_CALL, 4, OP_DUP_RAW, OP_PUSH, OP_SUB_INT, OP_CALL)
FUSED(SWAP_PUSH_SUB_CALL, 4, OP_SWAP, OP_PUSH, OP_SUB_INT, OP_CALL)
FUSED(PUSH_SUB_CALL,    3, OP_PUSH, OP_SUB_INT, OP_CALL)
FUSED(PUSH_ADD_TAIL_CALL, 3, OP_PUSH, OP_ADD_INT, OP_TAIL_CALL)
FUSED(PUSH_SUB_TAIL_CALL, 3, OP_PUSH, OP_SUB_INT, OP_TAIL_CALL)
FUSED(DUP_PUSH_ADD,     3, OP_DUP_RAW, OP_PUSH, OP_ADD_INT)
FUSED(DUP_PUSH_SUB,     3, OP_DUP_RAW, OP_PUSH, OP_SUB_INT)
FUSED(SWAP_PUSH_ADD,    3, OP_SWAP, OP_PUSH, OP_ADD_INT)
FUSED(SWAP_PUSH_SUB,    3, OP_SWAP, OP_PUSH, OP_SUB_INT)
FUSED(DUP_MUL,          2, OP_DUP_RAW, OP_MUL_INT)
FUSED(OVER_ADD,         2, OP_OVER_RAW, OP_ADD_INT)
FUSED(OVER_SUB,         2, OP_OVER_RAW, OP_SUB_INT)
FUSED(OVER_MUL,         2, OP_OVER_RAW, OP_MUL_INT)
FUSED(ADD_RETURN,       2, OP_ADD_INT, OP_RETURN)
FUSED(PUSH_ADD_SWAP,    3, OP_PUSH, OP_ADD_INT, OP_SWAP)
FUSED(PUSH_ADD,         2, OP_PUSH, OP_ADD_INT)
FUSED(PUSH_SUB,         2, OP_PUSH, OP_SUB_INT)
FUSED(PUSH_MUL,         2, OP_PUSH, OP_MUL_INT)
FUSED(PUSH_AND_BITS,    2, OP_PUSH, OP_AND_BITS)
FUSED(PUSH_SHR_BITS,    2, OP_PUSH, OP_SHR_BITS)
FUSED(PUSH_SHL_BITS,    2, OP_PUSH, OP_SHL_BITS)

/* division whose flag is dropped */
FUSED(PUSH_MOD_DROP,    3, OP_PUSH, OP_MOD_INT, OP_DROP_RAW)
FUSED(PUSH_DIV_DROP,    3, OP_PUSH, OP_DIV_INT, OP_DROP_RAW)
FUSED(TWO_DUP_MOD_DROP, 3, OP_TWO_DUP_RAW, OP_MOD_INT, OP_DROP_RAW)
FUSED(MOD_DROP,         2, OP_MOD_INT, OP_DROP_RAW)
FUSED(DIV_DROP,         2, OP_DIV_INT, OP_DROP_RAW)

/* lists: a look that does not let go of the list */
FUSED(TWO_DUP_LIST_GET_DROP, 3, OP_TWO_DUP, OP_LIST_GET, OP_DROP_RAW)
FUSED(TWO_DUP_LIST_GET, 2, OP_TWO_DUP, OP_LIST_GET)
FUSED(LIST_GET_DROP,    2, OP_LIST_GET, OP_DROP_RAW)
FUSED(LIST_SET_DROP,    2, OP_LIST_SET, OP_DROP_RAW)
FUSED(DUP_LIST_LENGTH,  2, OP_DUP, OP_LIST_LENGTH)

/* shuffles */
FUSED(SWAP_DROP_RAW,    2, OP_SWAP, OP_DROP_RAW)
FUSED(DUP_TO_AUX,       2, OP_DUP_RAW, OP_TO_AUX)
FUSED(ROT_ROT,          2, OP_ROT, OP_ROT)
FUSED(DROP_RETURN,      2, OP_DROP_RAW, OP_RETURN)
/* clang-format on */

#undef FUSED
