/* SPDX-License-Identifier: MIT */
/*
 * The instruction set: one row an instruction. The verifier, the
 * disassembler, the threaded code and the spec page all read this table.
 *
 *   OPCODE(name, first operand, second operand, pops, pushes, sentence)
 *
 * `pops` and `pushes` count data stack slots; VARIES means that the operands
 * say it. An instruction never looks at the kind of a slot unless its
 * sentence says "checks": the type checker proved it, or the emitter put a
 * CHECK before it.
 *
 * A name ending in _RAW works on slots that are known to hold no counted
 * object, so nothing is counted.
 *
 * Operands: CONSTANT a constant of the chunk; LABEL an instruction of the
 * chunk; WORD a builtin; DEFINITION a definition of the program; CHUNK a
 * quotation's chunk; COUNT a number; SYMBOL a symbol; KIND a Kind; SHAPE the
 * inputs and outputs of a quotation; AUX how many aux slots lie above the
 * floor that ENTER_UNKNOWN saved, plus one, or 0 without one.
 */
#ifndef OPCODE
#define OPCODE(name, first, second, pops, pushes, sentence)
#endif

/* clang-format off */
/* literals */
OPCODE(PUSH,            CONSTANT, NONE,  0, 1, "Pushes an immediate constant.")
OPCODE(PUSH_REF,        CONSTANT, NONE,  0, 1, "Pushes a counted constant.")
OPCODE(PUSH_CLOSURE,    CHUNK,    COUNT, VARIES, 1, "Takes COUNT values off the stack into a closure over CHUNK.")

/* shuffles */
OPCODE(DUP,             NONE, NONE, 1, 2, "( a -- a a )")
OPCODE(DUP_RAW,         NONE, NONE, 1, 2, "( a -- a a )")
OPCODE(DROP,            NONE, NONE, 1, 0, "( a -- )")
OPCODE(DROP_RAW,        NONE, NONE, 1, 0, "( a -- )")
OPCODE(SWAP,            NONE, NONE, 2, 2, "( a b -- b a )")
OPCODE(OVER,            NONE, NONE, 2, 3, "( a b -- a b a )")
OPCODE(OVER_RAW,        NONE, NONE, 2, 3, "( a b -- a b a )")
OPCODE(ROT,             NONE, NONE, 3, 3, "( a b c -- b c a )")
OPCODE(NIP,             NONE, NONE, 2, 1, "( a b -- b )")
OPCODE(NIP_RAW,         NONE, NONE, 2, 1, "( a b -- b )")
OPCODE(TUCK,            NONE, NONE, 2, 3, "( a b -- b a b )")
OPCODE(TUCK_RAW,        NONE, NONE, 2, 3, "( a b -- b a b )")
OPCODE(TWO_DUP,         NONE, NONE, 2, 4, "( a b -- a b a b )")
OPCODE(TWO_DUP_RAW,     NONE, NONE, 2, 4, "( a b -- a b a b )")
OPCODE(PICK,            COUNT, NONE, 0, 1, "Copies the slot COUNT below the top.")
OPCODE(PICK_RAW,        COUNT, NONE, 0, 1, "Copies the slot COUNT below the top.")
OPCODE(ROLL,            COUNT, NONE, 0, 0, "Moves the slot COUNT below the top to the top.")
OPCODE(TO_AUX,          NONE, NONE, 1, 0, "Moves the top to the aux stack.")
OPCODE(FROM_AUX,        NONE, NONE, 0, 1, "Moves the top of the aux stack back.")

/* Int: 63 bits, wrapping */
OPCODE(ADD_INT,         NONE, NONE, 2, 1, "( a b -- a+b )")
OPCODE(SUB_INT,         NONE, NONE, 2, 1, "( a b -- a-b )")
OPCODE(MUL_INT,         NONE, NONE, 2, 1, "( a b -- a*b )")
OPCODE(DIV_INT,         NONE, NONE, 2, 2, "( a b -- quotient true ), or 0 false when b is 0.")
OPCODE(MOD_INT,         NONE, NONE, 2, 2, "( a b -- remainder true ), or 0 false when b is 0.")
OPCODE(NEG_INT,         NONE, NONE, 1, 1, "( a -- -a )")
OPCODE(EQ_INT,          NONE, NONE, 2, 1, "( a b -- a=b )")
OPCODE(NE_INT,          NONE, NONE, 2, 1, "( a b -- a<>b )")
OPCODE(LT_INT,          NONE, NONE, 2, 1, "( a b -- a<b )")
OPCODE(LE_INT,          NONE, NONE, 2, 1, "( a b -- a<=b )")
OPCODE(GT_INT,          NONE, NONE, 2, 1, "( a b -- a>b )")
OPCODE(GE_INT,          NONE, NONE, 2, 1, "( a b -- a>=b )")
OPCODE(AND_BITS,        NONE, NONE, 2, 1, "Bitwise and.")
OPCODE(OR_BITS,         NONE, NONE, 2, 1, "Bitwise or.")
OPCODE(XOR_BITS,        NONE, NONE, 2, 1, "Bitwise exclusive or.")
OPCODE(NOT_BITS,        NONE, NONE, 1, 1, "Bitwise complement.")
OPCODE(SHL_BITS,        NONE, NONE, 2, 1, "( n count -- r ) Left shift in 64 bits; 0 where the result or the count does not fit.")
OPCODE(SHR_BITS,        NONE, NONE, 2, 1, "( n count -- r ) Logical right shift of 64 bits; 0 where the result or the count does not fit.")

/* Bool */
OPCODE(AND_BOOL,        NONE, NONE, 2, 1, "( a b -- f )")
OPCODE(OR_BOOL,         NONE, NONE, 2, 1, "( a b -- f )")
OPCODE(NOT_BOOL,        NONE, NONE, 1, 1, "( a -- f )")

/* Float */
OPCODE(ADD_FLOAT,       NONE, NONE, 2, 1, "( a b -- a+b )")
OPCODE(SUB_FLOAT,       NONE, NONE, 2, 1, "( a b -- a-b )")
OPCODE(MUL_FLOAT,       NONE, NONE, 2, 1, "( a b -- a*b )")
OPCODE(DIV_FLOAT,       NONE, NONE, 2, 1, "( a b -- a/b )")
OPCODE(EQ_FLOAT,        NONE, NONE, 2, 1, "( a b -- a=b )")
OPCODE(NE_FLOAT,        NONE, NONE, 2, 1, "( a b -- a<>b )")
OPCODE(LT_FLOAT,        NONE, NONE, 2, 1, "( a b -- a<b )")
OPCODE(LE_FLOAT,        NONE, NONE, 2, 1, "( a b -- a<=b )")
OPCODE(GT_FLOAT,        NONE, NONE, 2, 1, "( a b -- a>b )")
OPCODE(GE_FLOAT,        NONE, NONE, 2, 1, "( a b -- a>=b )")

/* control */
OPCODE(JUMP,            LABEL, NONE, 0, 0, "Goes on at LABEL, which lies ahead.")
OPCODE(JUMP_UNLESS,     LABEL, NONE, 1, 0, "Goes on at LABEL, which lies ahead, when the Bool is false.")
OPCODE(CALL,            DEFINITION, NONE, VARIES, VARIES, "Runs a definition. Spends budget.")
OPCODE(TAIL_CALL,       DEFINITION, NONE, VARIES, VARIES, "Goes to a definition in place of a return. Spends budget.")
OPCODE(LOOP,            LABEL, NONE, 0, 0, "A tail call of the definition itself: goes back to LABEL, its start. Spends budget.")
OPCODE(RETURN,          NONE, NONE, 0, 0, "Back to the caller.")
OPCODE(CALL_WORD,       WORD, NONE, VARIES, VARIES, "Runs a builtin that touches nothing outside.")
OPCODE(CALL_OUTSIDE,    WORD, NONE, VARIES, VARIES, "Runs a builtin that reads or changes the outside.")
OPCODE(CALL_FLOOR,      WORD, AUX,  VARIES, VARIES, "Runs a builtin that must not reach below the floor.")
OPCODE(CALL_QUOTATION,  NONE, NONE, VARIES, VARIES, "( .. q -- .. ) Runs the quotation on top. Spends budget.")
OPCODE(TAIL_CALL_QUOTATION, NONE, NONE, VARIES, VARIES, "The same in place of a return. Spends budget.")
OPCODE(ROOM,            COUNT, NONE, 0, 0, "Makes room for COUNT slots again, after a call whose results are not known.")

/* where types alone do not prove enough (see spec/types.md) */
OPCODE(CHECK,           KIND,  COUNT, 0, 0, "Checks that the slot COUNT below the top is of KIND; else a trap.")
OPCODE(CHECK_INT,       COUNT, NONE,  0, 0, "Checks that the slot COUNT below the top is an Int; else a trap.")
OPCODE(CHECK_QUOTATION, SHAPE, COUNT, 0, 0, "Checks that the slot COUNT below the top is a quotation of SHAPE; else a trap.")
OPCODE(ENTER_UNKNOWN,   COUNT, NONE, 0, 0, "Saves the floor on the aux stack: the depth less COUNT inputs.")
OPCODE(LEAVE_UNKNOWN,   COUNT, NONE, 0, 0, "Drops the floor; checks that COUNT values lie above it; else a trap.")
OPCODE(FORGET_FLOOR,    NONE,  NONE, 0, 0, "Drops the floor without a check.")
OPCODE(CHECK_DEPTH,     COUNT, AUX,  0, 0, "Checks that at least COUNT values lie above the floor; else a trap.")

/* variants */
OPCODE(MAKE_VARIANT,    SYMBOL, COUNT, VARIES, 1, "Takes COUNT fields into a variant tagged SYMBOL.")
OPCODE(IS_VARIANT,      SYMBOL, NONE,  1, 1, "( v -- f ) Is it tagged SYMBOL? Checks that it is a variant.")
OPCODE(GET_FIELD,       COUNT,  NONE,  1, 1, "( v -- x ) Field COUNT. Checks that it is a variant that has one.")
OPCODE(MATCH_UNLESS,    SYMBOL, LABEL, 0, 0, "( v -- v ) Goes on at LABEL unless it is tagged SYMBOL. Checks that it is a variant.")
OPCODE(MATCH_ALL,       COUNT,  NONE,  1, VARIES, "( v -- fields ) Checks that it has at least COUNT fields, pushes these.")
OPCODE(MATCH_FIELD,     COUNT,  COUNT, 0, 1, "Pushes field COUNT of the variant that lies COUNT below the top. Checks that it has one.")
OPCODE(MATCH_FAIL,      NONE,   NONE,  0, 0, "No arm fits: a trap.")

OPCODE(NO_RETURN,       NONE,   NONE,  0, 0, "A call that was taken not to return did: a trap.")
OPCODE(COND_FAIL,       NONE,   NONE,  0, 0, "No predicate of a cond held: a trap.")

/* lists, in place of a call */
OPCODE(LIST_LENGTH,     NONE, NONE, 1, 1, "( list -- n ) Checks that it is a variant.")
OPCODE(LIST_GET,        NONE, NONE, 2, 2, "( list i -- x true ), or 0 false.")
OPCODE(LIST_PUSH,       NONE, NONE, 2, 1, "( list x -- list ) Checks that it is a variant.")
OPCODE(LIST_SET,        NONE, NONE, 3, 2, "( list i x -- list ok ) Checks that it is a variant.")

/* placed by the runtime, never by the emitter */
OPCODE(STEP,            NONE, NONE, 0, 0, "A quotation returned into a word that calls it: runs the word's next step.")
OPCODE(FINISH,          NONE, NONE, 0, 0, "The strand is done.")
/* clang-format on */

#undef OPCODE
