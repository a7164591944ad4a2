/* SPDX-License-Identifier: MIT */
/*
 * Floats: IEEE doubles. What is hot is an instruction; here are the functions
 * of the C library, and the way to and from Ints and text.
 *
 * Nothing here traps: what has no result is NaN or infinite.
 */
#include "builtins/builtins.h"
#include "vm/base/decimal.h"
#include "vm/value/print.h"
#include <math.h>
#include <strings.h>

static WordResult reply_float(Strand *strand, uint32_t count, double number) {
    strand_replace(strand, count, value_from_float(strand->heap, number));
    return WORD_OK;
}

/* --- functions --- */

#define FLOAT_FUNCTION(name, expression)                                                                               \
    static WordResult word_f_##name(Strand *strand) {                                                                  \
        double x = value_to_float(strand_peek(strand, 0));                                                             \
        return reply_float(strand, 1, expression);                                                                     \
    }
FLOAT_FUNCTION(sqrt, sqrt(x))
FLOAT_FUNCTION(cbrt, (double)cbrtl(x)) /* the C library's cbrt() is off by a bit for 27.0 */
FLOAT_FUNCTION(exp, exp(x))
FLOAT_FUNCTION(ln, log(x))
FLOAT_FUNCTION(log2, log2(x))
FLOAT_FUNCTION(log10, log10(x))
FLOAT_FUNCTION(sin, sin(x))
FLOAT_FUNCTION(cos, cos(x))
FLOAT_FUNCTION(tan, tan(x))
FLOAT_FUNCTION(asin, asin(x))
FLOAT_FUNCTION(acos, acos(x))
FLOAT_FUNCTION(atan, atan(x))
FLOAT_FUNCTION(floor, floor(x))
FLOAT_FUNCTION(ceil, ceil(x))
FLOAT_FUNCTION(trunc, trunc(x))
FLOAT_FUNCTION(round, rint(x)) /* nobody changes the rounding mode, which is to nearest, ties to even */
#undef FLOAT_FUNCTION

static WordResult word_f_pow(Strand *strand) {
    double base = value_to_float(strand_peek(strand, 1));
    return reply_float(strand, 2, pow(base, value_to_float(strand_peek(strand, 0))));
}

static WordResult word_f_atan2(Strand *strand) {
    double y = value_to_float(strand_peek(strand, 1));
    return reply_float(strand, 2, atan2(y, value_to_float(strand_peek(strand, 0))));
}

static WordResult word_f_pi(Strand *strand) {
    return reply_float(strand, 0, M_PI);
}

static WordResult word_f_tau(Strand *strand) {
    return reply_float(strand, 0, 2 * M_PI);
}

static WordResult word_f_e(Strand *strand) {
    return reply_float(strand, 0, M_E);
}

/* --- Int --- */

static int64_t float_to_int(double number) {
    if (isnan(number))
        return 0;
    if (number >= 0x1p62)
        return INT_MAX_VALUE;
    if (number < -0x1p62)
        return INT_MIN_VALUE;
    return (int64_t)number;
}

static WordResult word_float_to_int(Strand *strand) {
    strand_replace(strand, 1, value_from_int(float_to_int(value_to_float(strand_peek(strand, 0)))));
    return WORD_OK;
}

/* --- text --- */

static WordResult word_float_to_string(Strand *strand) {
    CLEANUP(buffer_deinit) Buffer text;
    buffer_init(&text, &strand->heap->mem);
    if (print_float(&text, value_to_float(strand_peek(strand, 0))))
        return strand_fault_memory(strand);
    return reply_bytes(strand, 1, text.bytes, text.size);
}

static const char *skip_sign(const char *at, const char *end) {
    return at < end && (*at == '+' || *at == '-') ? at + 1 : at;
}

/* inf, infinity, nan: any case. */
static bool read_word(const char *at, size_t size, double *numberp) {
    static const struct {
        const char *name;
        double number;
    } words[] = {{"inf", INFINITY}, {"infinity", INFINITY}, {"nan", NAN}};
    for (size_t index = 0; index < sizeof words / sizeof *words; index++) {
        if (strlen(words[index].name) == size && strncasecmp(words[index].name, at, size) == 0) {
            *numberp = words[index].number;
            return true;
        }
    }
    return false;
}

static bool float_parse(const char *text, const char *end, double *numberp) {
    const char *unsigned_text = skip_sign(text, end);
    if (read_word(unsigned_text, (size_t)(end - unsigned_text), numberp)) {
        if (*text == '-')
            *numberp = -*numberp;
        return true;
    }
    if (!decimal_matches(text, (size_t)(end - text)))
        return false;
    *numberp = decimal_read(text, (size_t)(end - text));
    return true;
}

static WordResult word_string_to_float(Strand *strand) {
    const String *text = value_string(strand_peek(strand, 0));
    const char *bytes = string_bytes(text);
    double number = 0.0;
    bool ok = float_parse(bytes, bytes + text->size, &number);
    strand_replace_ok(strand, 1, value_from_float(strand->heap, number), ok);
    return WORD_OK;
}

static WordResult word_float_to_bytes_f32_be(Strand *strand) {
    float number = (float)value_to_float(strand_peek(strand, 0));
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    char bytes[4] = {(char)(bits >> 24), (char)(bits >> 16), (char)(bits >> 8), (char)bits};
    return reply_bytes(strand, 1, bytes, sizeof bytes);
}

static const Word float_words[] = {
    {"f.+", "( ..a Float Float -- ..a Float )", PURE, BY_OPCODE(ADD_FLOAT),
     .help = "The sum."},
    {"f.-", "( ..a Float Float -- ..a Float )", PURE, BY_OPCODE(SUB_FLOAT),
     .help = "The second less the top."},
    {"f.*", "( ..a Float Float -- ..a Float )", PURE, BY_OPCODE(MUL_FLOAT),
     .help = "The product."},
    {"f./", "( ..a Float Float -- ..a Float )", PURE, BY_OPCODE(DIV_FLOAT),
     .help = "The second divided by the top. By zero it is inf or -inf, zero by zero is NaN; no flag says so."},
    {"f.=", "( ..a Float Float -- ..a Bool )", PURE, BY_OPCODE(EQ_FLOAT),
     .help = "Are the two equal? 0.0 and -0.0 are; NaN equals nothing, itself included."},
    {"f.<>", "( ..a Float Float -- ..a Bool )", PURE, BY_OPCODE(NE_FLOAT),
     .help = "Do the two differ? NaN differs from everything, itself included."},
    {"f.<", "( ..a Float Float -- ..a Bool )", PURE, BY_OPCODE(LT_FLOAT),
     .help = "Is the second less than the top? False with NaN."},
    {"f.<=", "( ..a Float Float -- ..a Bool )", PURE, BY_OPCODE(LE_FLOAT),
     .help = "Is the second less than the top, or equal? False with NaN."},
    {"f.>", "( ..a Float Float -- ..a Bool )", PURE, BY_OPCODE(GT_FLOAT),
     .help = "Is the second greater than the top? False with NaN."},
    {"f.>=", "( ..a Float Float -- ..a Bool )", PURE, BY_OPCODE(GE_FLOAT),
     .help = "Is the second greater than the top, or equal? False with NaN."},
    {"f.add", "( ..a Float Float -- ..a Float )", PURE, ALIAS_OF("f.+"), .help = "Another name of f.+."},
    {"f.subtract", "( ..a Float Float -- ..a Float )", PURE, ALIAS_OF("f.-"), .help = "Another name of f.-."},
    {"f.multiply", "( ..a Float Float -- ..a Float )", PURE, ALIAS_OF("f.*"), .help = "Another name of f.*."},
    {"f.divide", "( ..a Float Float -- ..a Float )", PURE, ALIAS_OF("f./"), .help = "Another name of f./."},
    {"f.eq", "( ..a Float Float -- ..a Bool )", PURE, ALIAS_OF("f.="), .help = "Another name of f.=."},
    {"f.neq", "( ..a Float Float -- ..a Bool )", PURE, ALIAS_OF("f.<>"), .help = "Another name of f.<>."},
    {"f.lt", "( ..a Float Float -- ..a Bool )", PURE, ALIAS_OF("f.<"), .help = "Another name of f.<."},
    {"f.lte", "( ..a Float Float -- ..a Bool )", PURE, ALIAS_OF("f.<="), .help = "Another name of f.<=."},
    {"f.gt", "( ..a Float Float -- ..a Bool )", PURE, ALIAS_OF("f.>"), .help = "Another name of f.>."},
    {"f.gte", "( ..a Float Float -- ..a Bool )", PURE, ALIAS_OF("f.>="), .help = "Another name of f.>=."},
    {"f.pow", "( ..a Float Float -- ..a Float )", PURE, BY_FUNCTION(word_f_pow),
     .help = "The second to the power of the top; NaN for a negative number to a broken power."},
    {"f.sqrt", "( ..a Float -- ..a Float )", PURE, BY_FUNCTION(word_f_sqrt),
     .help = "The square root; NaN for a negative number."},
    {"f.cbrt", "( ..a Float -- ..a Float )", PURE, BY_FUNCTION(word_f_cbrt),
     .help = "The cube root, with the sign of the number."},
    {"f.exp", "( ..a Float -- ..a Float )", PURE, BY_FUNCTION(word_f_exp),
     .help = "e to that power; inf when it is too large."},
    {"f.ln", "( ..a Float -- ..a Float )", PURE, BY_FUNCTION(word_f_ln),
     .help = "The natural logarithm: -inf for 0, NaN for a negative number."},
    {"f.log2", "( ..a Float -- ..a Float )", PURE, BY_FUNCTION(word_f_log2),
     .help = "The logarithm to base 2: -inf for 0, NaN for a negative number."},
    {"f.log10", "( ..a Float -- ..a Float )", PURE, BY_FUNCTION(word_f_log10),
     .help = "The logarithm to base 10: -inf for 0, NaN for a negative number."},
    {"f.sin", "( ..a Float -- ..a Float )", PURE, BY_FUNCTION(word_f_sin),
     .help = "The sine of an angle in radians; NaN for an infinite one."},
    {"f.cos", "( ..a Float -- ..a Float )", PURE, BY_FUNCTION(word_f_cos),
     .help = "The cosine of an angle in radians; NaN for an infinite one."},
    {"f.tan", "( ..a Float -- ..a Float )", PURE, BY_FUNCTION(word_f_tan),
     .help = "The tangent of an angle in radians; NaN for an infinite one."},
    {"f.asin", "( ..a Float -- ..a Float )", PURE, BY_FUNCTION(word_f_asin),
     .help = "The angle with this sine, in radians; NaN outside of -1 to 1."},
    {"f.acos", "( ..a Float -- ..a Float )", PURE, BY_FUNCTION(word_f_acos),
     .help = "The angle with this cosine, in radians; NaN outside of -1 to 1."},
    {"f.atan", "( ..a Float -- ..a Float )", PURE, BY_FUNCTION(word_f_atan),
     .help = "The angle with this tangent, in radians."},
    {"f.atan2", "( ..a Float Float -- ..a Float )", PURE, BY_FUNCTION(word_f_atan2),
     .help = "( y x -- angle ) The angle of the point x, y in radians, from -pi to pi, in its own quadrant."},
    {"f.floor", "( ..a Float -- ..a Float )", PURE, BY_FUNCTION(word_f_floor),
     .help = "The next whole number below, or the number itself when it is whole."},
    {"f.ceil", "( ..a Float -- ..a Float )", PURE, BY_FUNCTION(word_f_ceil),
     .help = "The next whole number above, or the number itself when it is whole."},
    {"f.round", "( ..a Float -- ..a Float )", PURE, BY_FUNCTION(word_f_round),
     .help = "The nearest whole number; from halfway the even one: 2.5 gives 2."},
    {"f.trunc", "( ..a Float -- ..a Float )", PURE, BY_FUNCTION(word_f_trunc),
     .help = "The whole number that is left without the fraction."},
    {"f.pi", "( ..a -- ..a Float )", PURE, BY_FUNCTION(word_f_pi),
     .help = "3.141592653589793, half a turn in radians."},
    {"f.tau", "( ..a -- ..a Float )", PURE, BY_FUNCTION(word_f_tau),
     .help = "6.283185307179586, a turn in radians."},
    {"f.e", "( ..a -- ..a Float )", PURE, BY_FUNCTION(word_f_e),
     .help = "2.718281828459045, the base of the natural logarithm."},
    {"float->int", "( ..a Float -- ..a Int )", PURE, BY_FUNCTION(word_float_to_int),
     .help = "Cuts the fraction off. NaN gives 0; what is beyond the Ints gives the nearest of them."},
    {"float->string", "( ..a Float -- ..a String )", PURE, BY_FUNCTION(word_float_to_string),
     .help = "The shortest decimal text that reads back as the same Float, never with an exponent: 1.0 gives 1, 1e-7 "
             "gives 0.0000001, -0.0 gives -0. Also NaN, inf and -inf."},
    {"string->float", "( ..a String -- ..a Float Bool )", PURE, BY_FUNCTION(word_string_to_float),
     .help = "Reads an optional sign, digits with an optional point and an optional exponent, or inf, infinity, nan in "
             "any case: the number and true. Anything else, white space around it or nothing at all gives 0.0 and "
             "false."},
    {"float.to-bytes-f32-be", "( ..a Float -- ..a String )", PURE, BY_FUNCTION(word_float_to_bytes_f32_be),
     .help = "The nearest IEEE single as a String of four bytes, the highest first; what is too large for one becomes "
             "infinite."},
};

const WordFamily float_family = {"float", float_words, sizeof float_words / sizeof *float_words};
