/* SPDX-License-Identifier: MIT */
/*
 * Most numbers are short: a whole number below 2^53, times or divided by a
 * power of ten that is a double itself, is rounded once and so correctly. The
 * others are spelled anew without a point, which every locale reads alike.
 *
 * No double and no middle between two has more than 767 digits. So of more we
 * keep the first, and remember of the rest only whether it is nothing.
 */
#include "vm/base/decimal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DIGITS_MAX = 770,
    EXACT_DIGITS_MAX = 15, /* any number of so many digits is a double */
    EXACT_POWER_MAX = 22,  /* 10^22 is a double, 10^23 is none */
    EXPONENT_MAX = 10000,  /* beyond it every number of DIGITS_MAX digits is infinite or zero */
    EXPONENT_TEXT_MAX = 16,
};
#define EXPONENT_SATURATED ((int64_t)1 << 60) /* larger than the size of any text */

/* The digits without zeros in front, read as a whole number, times 10^exponent. */
typedef struct Decimal {
    char digits[DIGITS_MAX + 1 + EXPONENT_TEXT_MAX];
    int count;
    int64_t exponent;
    bool has_rest; /* a digit that is not 0 was left out behind the others */
} Decimal;

static const char *skip_sign(const char *at, const char *end) {
    return at < end && (*at == '+' || *at == '-') ? at + 1 : at;
}

static const char *skip_digits(const char *at, const char *end) {
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

bool decimal_matches(const char *bytes, size_t size) {
    const char *end = bytes + size, *start = skip_sign(bytes, end), *at = skip_digits(start, end);
    ptrdiff_t digit_count = at - start;
    if (at < end && *at == '.') {
        start = ++at;
        at = skip_digits(at, end);
        digit_count += at - start;
    }
    if (digit_count == 0)
        return false;
    if (at < end && (*at == 'e' || *at == 'E')) {
        start = skip_sign(at + 1, end);
        at = skip_digits(start, end);
        return at == end && at > start;
    }
    return at == end;
}

static void decimal_add(Decimal *decimal, char digit) {
    if (decimal->count == 0 && digit == '0')
        return;
    if (decimal->count < DIGITS_MAX) {
        decimal->digits[decimal->count++] = digit;
        return;
    }
    decimal->exponent++;
    decimal->has_rest |= digit != '0';
}

static const char *decimal_add_digits(Decimal *decimal, const char *at, const char *end) {
    for (; at < end && *at >= '0' && *at <= '9'; at++)
        decimal_add(decimal, *at);
    return at;
}

static int64_t read_exponent(const char *at, const char *end) {
    bool negative = *at == '-';
    if (*at == '-' || *at == '+')
        at++;
    int64_t exponent = 0;
    for (; at < end; at++)
        exponent = exponent < EXPONENT_SATURATED / 16 ? exponent * 10 + (*at - '0') : EXPONENT_SATURATED;
    return negative ? -exponent : exponent;
}

/* Takes the text apart; it has no sign any more. */
static void decimal_parse(Decimal *decimal, const char *at, const char *end) {
    at = decimal_add_digits(decimal, at, end);
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        at = decimal_add_digits(decimal, at, end);
        decimal->exponent -= at - fraction;
    }
    if (at < end)
        decimal->exponent += read_exponent(at + 1, end);
}

static double read_exact(const Decimal *decimal) {
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    int64_t whole = 0;
    for (int index = 0; index < decimal->count; index++)
        whole = whole * 10 + (decimal->digits[index] - '0');
    return decimal->exponent < 0 ? (double)whole / powers[-decimal->exponent]
                                 : (double)whole * powers[decimal->exponent];
}

static double read_spelled(Decimal *decimal) {
    if (decimal->has_rest) { /* anything that is not 0 pushes it off the middle between two doubles */
        decimal->digits[decimal->count++] = '1';
        decimal->exponent--;
    }
    int exponent = decimal->exponent > EXPONENT_MAX    ? EXPONENT_MAX
                   : decimal->exponent < -EXPONENT_MAX ? -EXPONENT_MAX
                                                       : (int)decimal->exponent;
    snprintf(decimal->digits + decimal->count, EXPONENT_TEXT_MAX, "e%d", exponent);
    return strtod(decimal->digits, NULL);
}

double decimal_read(const char *bytes, size_t size) {
    const char *at = bytes, *end = bytes + size;
    bool negative = *at == '-';
    if (*at == '-' || *at == '+')
        at++;

    Decimal decimal;
    decimal.count = 0;
    decimal.exponent = 0;
    decimal.has_rest = false;
    decimal_parse(&decimal, at, end);

    double number = 0.0;
    bool is_exact = decimal.count <= EXACT_DIGITS_MAX && decimal.exponent >= -EXACT_POWER_MAX &&
                    decimal.exponent <= EXACT_POWER_MAX;
    if (decimal.count > 0)
        number = is_exact ? read_exact(&decimal) : read_spelled(&decimal);
    return negative ? -number : number;
}
