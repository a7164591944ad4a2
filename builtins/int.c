/* SPDX-License-Identifier: MIT */
/*
 * Ints: 63 bits, two's complement, wrapping. What is hot is an instruction;
 * here are the rest and the way to and from text.
 *
 * A C int64_t holds any Int with a bit to spare; value_from_int() drops that
 * bit, which is the wrap.
 */
#include "builtins/builtins.h"

enum {
    INT_BITS = 63,
    INT_TEXT_MAX = 20, /* digits and sign of any Int */
};

/* The 63 bits of a number, the uppermost bit of the result zero. */
static uint64_t int_pattern(int64_t number) {
    return (uint64_t)number & UINT64_MAX >> 1;
}

static WordResult reply_int(Strand *strand, uint32_t count, int64_t number) {
    strand_replace(strand, count, value_from_int(number));
    return WORD_OK;
}

/* --- numbers --- */

/* False when the result does not fit 64 bits. */
static bool int_power(int64_t base, uint64_t exponent, int64_t *resultp) {
    int64_t result = 1;
    for (; exponent > 0; exponent >>= 1) {
        if ((exponent & 1) && __builtin_mul_overflow(result, base, &result))
            return false;
        if (exponent > 1 && __builtin_mul_overflow(base, base, &base)) /* a square that will be needed */
            return false;
    }
    *resultp = result;
    return true;
}

static WordResult word_i_pow(Strand *strand) {
    int64_t exponent = strand_peek_int(strand, 0);
    int64_t result = 0;
    bool ok = exponent >= 0 && exponent <= UINT32_MAX &&
              int_power(strand_peek_int(strand, 1), (uint64_t)exponent, &result);
    strand_replace_ok(strand, 2, value_from_int(ok ? result : 0), ok);
    return WORD_OK;
}

static WordResult word_int_bits(Strand *strand) {
    return reply_int(strand, 0, INT_BITS);
}

static WordResult word_popcount(Strand *strand) {
    return reply_int(strand, 1, __builtin_popcountll(int_pattern(strand_peek_int(strand, 0))));
}

static WordResult word_clz(Strand *strand) {
    uint64_t pattern = int_pattern(strand_peek_int(strand, 0));
    return reply_int(strand, 1, pattern == 0 ? INT_BITS : __builtin_clzll(pattern) - 1);
}

static WordResult word_ctz(Strand *strand) {
    uint64_t pattern = int_pattern(strand_peek_int(strand, 0));
    return reply_int(strand, 1, pattern == 0 ? INT_BITS : __builtin_ctzll(pattern));
}

static WordResult word_int_to_float(Strand *strand) {
    strand_replace(strand, 1, value_from_float(strand->heap, (double)strand_peek_int(strand, 0)));
    return WORD_OK;
}

/* --- text --- */

/* Two digits a division: that halves the divisions, which are all it costs. */
static const char digit_pairs[] = "0001020304050607080910111213141516171819"
                                  "2021222324252627282930313233343536373839"
                                  "4041424344454647484950515253545556575859"
                                  "6061626364656667686970717273747576777879"
                                  "8081828384858687888990919293949596979899";

static WordResult word_int_to_string(Strand *strand) {
    char text[INT_TEXT_MAX + 1];
    char *end = text + sizeof text, *at = end;
    int64_t number = strand_peek_int(strand, 0);
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    for (; rest >= 100; rest /= 100)
        at = memcpy(at - 2, digit_pairs + rest % 100 * 2, 2);
    if (rest >= 10)
        at = memcpy(at - 2, digit_pairs + rest * 2, 2);
    else
        *--at = (char)('0' + rest);
    if (number < 0)
        *--at = '-';
    return reply_bytes(strand, 1, at, (size_t)(end - at));
}

/* An optional sign and digits, all of it, within 64 bits. */
static bool int_parse(const char *at, const char *end, int64_t *numberp) {
    text_trim(&at, &end);
    bool negative = at < end && *at == '-';
    if (negative || (at < end && *at == '+'))
        at++;
    if (at == end)
        return false;

    uint64_t number = 0;
    for (; at < end; at++) {
        uint64_t digit = (uint64_t)(unsigned char)*at - '0';
        if (digit > 9 || __builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, digit, &number))
            return false;
    }
    if (number > (uint64_t)INT64_MAX + negative)
        return false;
    *numberp = (int64_t)(negative ? 0 - number : number);
    return true;
}

static WordResult word_string_to_int(Strand *strand) {
    const String *text = value_string(strand_peek(strand, 0));
    const char *bytes = string_bytes(text);
    int64_t number = 0;
    bool ok = int_parse(bytes, bytes + text->size, &number);
    strand_replace_ok(strand, 1, value_from_int(number), ok);
    return WORD_OK;
}

static WordResult word_int_to_bytes_i32_be(Strand *strand) {
    uint32_t bits = (uint32_t)strand_peek_int(strand, 0);
    char bytes[4] = {(char)(bits >> 24), (char)(bits >> 16), (char)(bits >> 8), (char)bits};
    return reply_bytes(strand, 1, bytes, sizeof bytes);
}

static const Word int_words[] = {
    {"i.+", "( ..a Int Int -- ..a Int )", PURE, BY_OPCODE(ADD_INT),
     .help = "The sum; wraps within 63 bits, never traps."},
    {"i.-", "( ..a Int Int -- ..a Int )", PURE, BY_OPCODE(SUB_INT),
     .help = "The second less the top; wraps within 63 bits, never traps."},
    {"i.*", "( ..a Int Int -- ..a Int )", PURE, BY_OPCODE(MUL_INT),
     .help = "The product; wraps within 63 bits, never traps."},
    {"i./", "( ..a Int Int -- ..a Int Bool )", PURE, BY_OPCODE(DIV_INT),
     .help = "The second divided by the top, cut toward zero, and true. By 0 it is 0 and false. The smallest Int by -1 "
             "wraps to itself, with true."},
    {"i.%", "( ..a Int Int -- ..a Int Bool )", PURE, BY_OPCODE(MOD_INT),
     .help = "The remainder of i./, with the sign of the second, and true. By 0 it is 0 and false; by -1 it is 0 and "
             "true."},
    {"i.neg", "( ..a Int -- ..a Int )", PURE, BY_OPCODE(NEG_INT),
     .help = "The number with the other sign; the smallest Int wraps to itself."},
    {"i.pow", "( ..a Int Int -- ..a Int Bool )", PURE, BY_FUNCTION(word_i_pow),
     .help = "The second to the power of the top, and true; 0 to the 0 is 1. A negative exponent, one above "
             "4294967295, or a result beyond 64 bits gives 0 and false. A result of 64 bits that is too large for 63 "
             "wraps, with true."},
    {"i.=", "( ..a Int Int -- ..a Bool )", PURE, BY_OPCODE(EQ_INT),
     .help = "Are the two equal?"},
    {"i.<>", "( ..a Int Int -- ..a Bool )", PURE, BY_OPCODE(NE_INT),
     .help = "Do the two differ?"},
    {"i.<", "( ..a Int Int -- ..a Bool )", PURE, BY_OPCODE(LT_INT),
     .help = "Is the second less than the top?"},
    {"i.<=", "( ..a Int Int -- ..a Bool )", PURE, BY_OPCODE(LE_INT),
     .help = "Is the second less than the top, or equal?"},
    {"i.>", "( ..a Int Int -- ..a Bool )", PURE, BY_OPCODE(GT_INT),
     .help = "Is the second greater than the top?"},
    {"i.>=", "( ..a Int Int -- ..a Bool )", PURE, BY_OPCODE(GE_INT),
     .help = "Is the second greater than the top, or equal?"},
    {"i.add", "( ..a Int Int -- ..a Int )", PURE, ALIAS_OF("i.+"), .help = "Another name of i.+."},
    {"i.subtract", "( ..a Int Int -- ..a Int )", PURE, ALIAS_OF("i.-"), .help = "Another name of i.-."},
    {"i.multiply", "( ..a Int Int -- ..a Int )", PURE, ALIAS_OF("i.*"), .help = "Another name of i.*."},
    {"i.divide", "( ..a Int Int -- ..a Int Bool )", PURE, ALIAS_OF("i./"), .help = "Another name of i./."},
    {"i.modulo", "( ..a Int Int -- ..a Int Bool )", PURE, ALIAS_OF("i.%"), .help = "Another name of i.%."},
    {"negate", "( ..a Int -- ..a Int )", PURE, ALIAS_OF("i.neg"), .help = "Another name of i.neg."},
    {"i.eq", "( ..a Int Int -- ..a Bool )", PURE, ALIAS_OF("i.="), .help = "Another name of i.=."},
    {"i.neq", "( ..a Int Int -- ..a Bool )", PURE, ALIAS_OF("i.<>"), .help = "Another name of i.<>."},
    {"i.lt", "( ..a Int Int -- ..a Bool )", PURE, ALIAS_OF("i.<"), .help = "Another name of i.<."},
    {"i.lte", "( ..a Int Int -- ..a Bool )", PURE, ALIAS_OF("i.<="), .help = "Another name of i.<=."},
    {"i.gt", "( ..a Int Int -- ..a Bool )", PURE, ALIAS_OF("i.>"), .help = "Another name of i.>."},
    {"i.gte", "( ..a Int Int -- ..a Bool )", PURE, ALIAS_OF("i.>="), .help = "Another name of i.>=."},
    {"band", "( ..a Int Int -- ..a Int )", PURE, BY_OPCODE(AND_BITS),
     .help = "The bits that both have."},
    {"bor", "( ..a Int Int -- ..a Int )", PURE, BY_OPCODE(OR_BITS),
     .help = "The bits that either has."},
    {"bxor", "( ..a Int Int -- ..a Int )", PURE, BY_OPCODE(XOR_BITS),
     .help = "The bits that exactly one has."},
    {"bnot", "( ..a Int -- ..a Int )", PURE, BY_OPCODE(NOT_BITS),
     .help = "All bits the other way: -n-1."},
    {"shl", "( ..a Int Int -- ..a Int )", PURE, BY_OPCODE(SHL_BITS),
     .help = "The second shifted left by so many bits, in 64 bits. 0 when the count is negative or above 63, and 0 "
             "when the result does not fit 63 bits."},
    {"shr", "( ..a Int Int -- ..a Int )", PURE, BY_OPCODE(SHR_BITS),
     .help = "The second's 64 bits, sign included, shifted right by so many, zeros following from the left. 0 when the "
             "count is negative or above 63, and 0 when the result does not fit 63 bits: a negative number by 1."},
    {"popcount", "( ..a Int -- ..a Int )", PURE, BY_FUNCTION(word_popcount),
     .help = "How many of the 63 bits are ones: 63 for -1."},
    {"clz", "( ..a Int -- ..a Int )", PURE, BY_FUNCTION(word_clz),
     .help = "How many of the 63 bits are zeros before the first one: 63 for 0, 0 for a negative number."},
    {"ctz", "( ..a Int -- ..a Int )", PURE, BY_FUNCTION(word_ctz),
     .help = "How many of the 63 bits are zeros behind the last one: 63 for 0."},
    {"int-bits", "( ..a -- ..a Int )", PURE, BY_FUNCTION(word_int_bits),
     .help = "How many bits an Int has: 63."},
    {"int->float", "( ..a Int -- ..a Float )", PURE, BY_FUNCTION(word_int_to_float),
     .help = "The nearest Float; beyond 53 bits the last digits may go."},
    {"int->string", "( ..a Int -- ..a String )", PURE, BY_FUNCTION(word_int_to_string),
     .help = "Decimal digits, with - before a negative number."},
    {"string->int", "( ..a String -- ..a Int Bool )", PURE, BY_FUNCTION(word_string_to_int),
     .help = "Reads decimal digits with an optional + or - before them and white space around: the number and true. "
             "Anything else, nothing at all, or a number beyond 64 bits gives 0 and false; one of 64 bits that is too "
             "large for 63 wraps, with true."},
    {"int.to-bytes-i32-be", "( ..a Int -- ..a String )", PURE, BY_FUNCTION(word_int_to_bytes_i32_be),
     .help = "The low 32 bits as a String of four bytes, the highest first; what lies above them is lost."},
};

const WordFamily int_family = {"int", int_words, sizeof int_words / sizeof *int_words};
