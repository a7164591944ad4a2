/* SPDX-License-Identifier: MIT */
/* Against strtod(), which rounds correctly, on texts that both read alike. */
#include "vm/base/decimal.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 1;

static uint64_t next_random(void) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return state >> 16;
}

static void expect_as_strtod(const char *text) {
    double expected = strtod(text, NULL), got = decimal_read(text, strlen(text));
    cr_expect(memcmp(&expected, &got, sizeof got) == 0, "%.60s: expected %a, got %a", text, expected, got);
}

Test(decimal, knows_its_forms) {
    static const char *const good[] = {"0", "-1", "+1", "1.", ".5", "-.5", "1.5", "1e5", "1.e5", ".5E-3", "1e+007"};
    static const char *const bad[] = {"",    "-",   ".",  "-.", "e5",  ".e5", "1e",    "1e+", "1.5.",
                                      "--1", "+-1", "1 ", " 1", "0x1", "inf", "1e1.5", "1e5e"};
    for (size_t index = 0; index < sizeof good / sizeof *good; index++)
        cr_expect(decimal_matches(good[index], strlen(good[index])), "%s", good[index]);
    for (size_t index = 0; index < sizeof bad / sizeof *bad; index++)
        cr_expect(!decimal_matches(bad[index], strlen(bad[index])), "%s", bad[index]);
    cr_expect(decimal_matches("12x", 2), "only what is given is looked at");
}

Test(decimal, reads_forms) {
    static const char *const texts[] = {
        "0",
        "-0",
        "+0",
        "1",
        "-1",
        "1.",
        ".5",
        "-.5",
        "0.1",
        "1e5",
        "1E+2",
        "1.5e-3",
        "1e22",
        "1e23",
        "9007199254740993",
        "5e-324",
        "2e-324",
        "2.4703282292062327e-324",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "1e309",
        "-1e309",
        "000000000000000000000000000000000000000000000000001.25",
        "0.0000000000000000000000000000000000000000000000000125e50",
        "0e999999999999999999999",
        "1e99999999999999999999999",
        "1e-99999999999999999999999",
        "123456789012345678901234567890e-29",
    };
    for (size_t index = 0; index < sizeof texts / sizeof *texts; index++)
        expect_as_strtod(texts[index]);
}

Test(decimal, reads_only_its_bytes) {
    cr_expect_eq(decimal_read("1234", 2), 12.0);
    cr_expect_eq(decimal_read("1e22", 3), 100.0);
}

Test(decimal, rounds_random_texts) {
    char text[128];
    for (int round = 0; round < 200000; round++) {
        int digits = 1 + (int)(next_random() % 25), point = (int)(next_random() % (uint64_t)(digits + 1));
        int size = 0;
        for (int index = 0; index < digits; index++) {
            if (index == point)
                text[size++] = '.';
            text[size++] = (char)('0' + next_random() % 10);
        }
        snprintf(text + size, sizeof text - (size_t)size, "e%d", (int)(next_random() % 700) - 350);
        expect_as_strtod(text);
    }
}

/* Halfway between two doubles, to the last digit, and a trifle more or less: the hardest texts there are. */
Test(decimal, rounds_halfway) {
    static char text[1200];
    for (int round = 0; round < 2000; round++) {
        uint64_t bits = next_random() << 20 | next_random();
        double low;
        bits &= 0x7fefffffffffffff;
        memcpy(&low, &bits, sizeof low);
        bits++;
        double high;
        memcpy(&high, &bits, sizeof high);

        long double middle = (long double)low / 2 + (long double)high / 2; /* 64 bits hold it */
        snprintf(text, sizeof text, "%.1080Le", middle);
        char *mark = strchr(text, 'e');
        expect_as_strtod(text);
        mark[-1] = '1';
        expect_as_strtod(text);
    }
}

Test(decimal, reads_a_million_digits) {
    size_t size = 1000000;
    char *text = malloc(size + 1);
    memset(text, '7', size);
    text[0] = '0';
    text[1] = '.';
    text[size] = 0;
    expect_as_strtod(text);
    cr_expect(isinf(decimal_read(text + 2, size - 2)));
    free(text);
}
