/* SPDX-License-Identifier: MIT */
#include "tests/unit/refusing.h"
#include "vm/base/utf8.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>

static Refusing refusing;
static Mem mem;
static Buffer out;

static void start(void) {
    refusing = (Refusing){0};
    cr_assert_eq(mem_init(&mem, refusing_allocator(&refusing), SIZE_MAX), 0);
    buffer_init(&out, &mem);
}

static void finish(void) {
    buffer_deinit(&out);
    cr_expect_eq(mem.live_count, 0);
    mem_deinit(&mem);
}

TestSuite(utf8, .init = start, .fini = finish);

/*
 * The definition, without cleverness: put the bits together, then see whether
 * they are a scalar that needs so many bytes. 0 when not.
 */
static size_t decode_plainly(const unsigned char *bytes, size_t size, uint32_t *scalarp) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = bytes[0] < 0x80             ? 1
                    : (bytes[0] & 0xe0) == 0xc0 ? 2
                    : (bytes[0] & 0xf0) == 0xe0 ? 3
                    : (bytes[0] & 0xf8) == 0xf0 ? 4
                                                : 0;
    if (length == 0 || length > size)
        return 0;
    uint32_t scalar = length == 1 ? bytes[0] : bytes[0] & (0x7fU >> length);
    for (size_t index = 1; index < length; index++) {
        if ((bytes[index] & 0xc0) != 0x80)
            return 0;
        scalar = scalar << 6 | (bytes[index] & 0x3f);
    }
    if (scalar < least[length] || scalar > 0x10ffff || (scalar >= 0xd800 && scalar < 0xe000))
        return 0;
    *scalarp = scalar;
    return length;
}

static void expect_decodes_as_defined(const unsigned char *bytes, size_t size) {
    uint32_t expected = 0, scalar = 0;
    size_t length = decode_plainly(bytes, size, &expected);
    cr_assert_eq(utf8_decode((const char *)bytes, size, &scalar), length, "%02x %02x %02x %02x, %zu bytes", bytes[0],
                 bytes[1], bytes[2], bytes[3], size);
    cr_assert_eq(scalar, expected);
    size_t lossy = utf8_decode_lossy((const char *)bytes, size, &scalar);
    cr_assert(length > 0 ? lossy == length && scalar == expected : lossy >= 1 && lossy <= 3 && scalar == 0xfffd);
}

/* Every pair of bytes, followed by bytes on both sides of each border that can matter; cut off at every size. */
Test(utf8, decodes_as_defined) {
    static const unsigned char borders[] = {0x00, 0x41, 0x7f, 0x80, 0xbf, 0xc0, 0xff};
    enum { BORDERS = sizeof borders };
    for (int first = 0; first < 256; first++)
        for (int second = 0; second < 256; second++)
            for (int rest = 0; rest < BORDERS * BORDERS; rest++) {
                unsigned char bytes[] = {(unsigned char)first, (unsigned char)second, borders[rest / BORDERS],
                                         borders[rest % BORDERS]};
                for (size_t size = 1; size <= 4; size++)
                    expect_decodes_as_defined(bytes, size);
            }
}

Test(utf8, encodes_what_it_decodes) {
    for (int64_t number = 0; number <= 0x110000; number++) {
        bool expected = number <= 0x10ffff && !(number >= 0xd800 && number <= 0xdfff);
        cr_assert_eq(utf8_is_scalar(number), expected);
        if (!expected)
            continue;
        char bytes[UTF8_SIZE_MAX];
        uint32_t scalar = 0;
        size_t size = utf8_encode((uint32_t)number, bytes);
        cr_assert_eq(decode_plainly((unsigned char *)bytes, size, &scalar), size);
        cr_assert_eq(scalar, number);
    }
    cr_expect_not(utf8_is_scalar(-1));
    cr_expect_not(utf8_is_scalar(0x100000041));
}

Test(utf8, encodes_no_surrogates, .signal = SIGABRT) {
    char bytes[UTF8_SIZE_MAX];
    utf8_encode(0xd800, bytes);
}

/* What stands for one U+FFFD: the longest piece that begins a scalar. The example of the Unicode standard, section 3.9. */
Test(utf8, bad_bytes_become_as_many_replacements_as_unicode_says) {
    static const char bytes[] = "\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64";
    static const uint32_t expected[] = {'a', 0xfffd, 0xfffd, 0xfffd, 'b', 0xfffd, 'c', 0xfffd, 0xfffd, 'd'};
    size_t at = 0;
    for (size_t index = 0; index < sizeof expected / sizeof *expected; index++) {
        uint32_t scalar;
        at += utf8_decode_lossy(bytes + at, sizeof bytes - 1 - at, &scalar);
        cr_expect_eq(scalar, expected[index], "scalar %zu is %x", index, scalar);
    }
    cr_expect_eq(at, sizeof bytes - 1);
}

/* A bad or a long scalar at every distance from the words of eight bytes that are looked at together. */
Test(utf8, validates_wherever_the_bad_byte_is) {
    static const char *const good[] = {"", "x", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xed\xa0\x80", "\xc0\x80", "\xff"};
    for (size_t before = 0; before < 40; before++)
        for (size_t after = 0; after < 20; after++) {
            char text[80];
            memset(text, 'x', sizeof text);
            for (size_t index = 0; index < sizeof good / sizeof *good; index++) {
                size_t size = strlen(good[index]);
                memcpy(text + before, good[index], size);
                cr_assert(utf8_is_valid(text, before + size + after));
                cr_assert_eq(utf8_is_ascii(text, before + size + after), size < 2);
                memset(text + before, 'x', size);
            }
            for (size_t index = 0; index < sizeof bad / sizeof *bad; index++) {
                size_t size = strlen(bad[index]);
                memcpy(text + before, bad[index], size);
                cr_assert_not(utf8_is_valid(text, before + size + after));
                cr_assert_not(utf8_is_ascii(text, before + size + after));
                memset(text + before, 'x', size);
            }
        }
}

static void append_random_scalar(uint64_t *state) {
    static const uint32_t limits[] = {0x80, 0x80, 0x800, 0x10000, 0x110000};
    *state = *state * 6364136223846793005 + 1442695040888963407;
    uint32_t scalar = (uint32_t)(*state >> 40) % limits[(*state >> 33) % 5];
    cr_assert_eq(utf8_append(&out, utf8_is_scalar(scalar) ? scalar : 0xfffd), 0);
}

Test(utf8, counts_and_finds_scalars) {
    uint64_t state = 7;
    for (size_t count = 0; count < 200; count++) {
        size_t found = 0;
        for (size_t at = 0; at < out.size; found++) {
            cr_assert_eq(utf8_offset(out.bytes, out.size, found), at);
            uint32_t scalar;
            at += utf8_decode(out.bytes + at, out.size - at, &scalar);
        }
        cr_assert_eq(found, count);
        cr_assert_eq(utf8_count(out.bytes, out.size), count);
        for (size_t beyond = 0; beyond < 3; beyond++)
            cr_assert_eq(utf8_offset(out.bytes, out.size, count + beyond), out.size);
        cr_assert_eq(utf8_offset(out.bytes, out.size, SIZE_MAX), out.size);
        append_random_scalar(&state);
    }
}

/* --- letters --- */

Test(utf8, knows_space) {
    static const uint32_t spaces[] = {9,      10,     11,     12,     13,     0x20,   0x85,   0xa0,   0x1680,
                                      0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008,
                                      0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000};
    size_t next = 0;
    for (uint32_t scalar = 0; scalar <= 0x10ffff; scalar++) {
        bool expected = next < sizeof spaces / sizeof *spaces && spaces[next] == scalar;
        next += expected;
        cr_assert_eq(utf8_is_space(scalar), expected, "U+%04X", scalar);
    }
}

Test(utf8, knows_letters_and_numbers) {
    static const uint32_t yes[] = {'0',  '9',   'A',   'Z',    'a',    'z',    0xb5,
                                   0xdf, 0x3b1, 0x416, 0x4e2d, 0x0967, 0x2167, 0xbd};
    static const uint32_t no[] = {0, ' ', '/', ':', '@', '[', '`', '{', 0x7f, 0xd7, 0x2014, 0x20ac, 0x1f600, 0x10ffff};
    for (size_t index = 0; index < sizeof yes / sizeof *yes; index++)
        cr_expect(utf8_is_alphanumeric(yes[index]), "U+%04X", yes[index]);
    for (size_t index = 0; index < sizeof no / sizeof *no; index++)
        cr_expect_not(utf8_is_alphanumeric(no[index]), "U+%04X", no[index]);
}

typedef struct CaseExample {
    const char *text, *changed;
} CaseExample;

static void expect_changes(int (*change)(Buffer *, const char *, size_t), const CaseExample *examples, size_t count) {
    for (size_t index = 0; index < count; index++) {
        buffer_clear(&out);
        cr_assert_eq(change(&out, examples[index].text, strlen(examples[index].text)), 0);
        cr_expect_str_eq(buffer_text(&out), examples[index].changed);
    }
}

Test(utf8, upper_case) {
    static const CaseExample examples[] = {
        {"", ""},
        {"`az{ @AZ[ 09", "`AZ{ @AZ[ 09"},
        {"straße", "STRASSE"},
        {"\u0149 \u0390 \ufb03", "\u02bcN \u0399\u0308\u0301 FFI"},
        {"éàčž αωςσ жя", "ÉÀČŽ ΑΩΣΣ ЖЯ"},
        {"ıi ÿ µ", "II Ÿ Μ"},
        {"中文 🎉 𐐨", "中文 🎉 𐐀"},
        {"x\xff\xc3y", "X\xff\xc3Y"},
    };
    expect_changes(utf8_to_upper, examples, sizeof examples / sizeof *examples);
}

Test(utf8, lower_case) {
    static const CaseExample examples[] = {
        {"", ""},
        {"`az{ @AZ[ 09", "`az{ @az[ 09"},
        {"ÉÀČŽ ЖЯ ẞ 𐐀", "éàčž жя ß 𐐨"},
        {"\u0130", "i\u0307"},
        {"ΟΔΟΣ ΟΔΟΣ", "οδος οδος"},
        {"Σ ΑΣΑ ΣΑ ΑΣ", "σ ασα σα ας"},
        {"ΑΣ.", "ας."},
        {"ΑΣ'Α ΑΣ' Α ΑΣ1", "ασ'α ας' α ας1"},
        {"Α\u0301Σ .Σ 1Σ", "α\u0301ς .σ 1σ"},
        {"A\x80Σ A\x80\x80\x80\x80Σ", "a\x80σ a\x80\x80\x80\x80σ"},
        {"\xceΣ X\xffΣ AΣ\xff", "\xceσ x\xffσ aς\xff"},
    };
    expect_changes(utf8_to_lower, examples, sizeof examples / sizeof *examples);
}

Test(utf8, alphabets_change_to_and_fro) {
    static const struct {
        uint32_t upper, lower, count, step;
    } alphabets[] = {{0xc0, 0xe0, 23, 1},
                     {0x100, 0x101, 24, 2},
                     {0x391, 0x3b1, 17, 1},
                     {0x410, 0x430, 32, 1},
                     {0x531, 0x561, 38, 1}};
    for (size_t alphabet = 0; alphabet < sizeof alphabets / sizeof *alphabets; alphabet++)
        for (uint32_t index = 0; index < alphabets[alphabet].count; index++) {
            char upper[8] = {0}, lower[8] = {0};
            utf8_encode(alphabets[alphabet].upper + index * alphabets[alphabet].step, upper);
            utf8_encode(alphabets[alphabet].lower + index * alphabets[alphabet].step, lower);
            expect_changes(utf8_to_upper, &(CaseExample){lower, upper}, 1);
            expect_changes(utf8_to_lower, &(CaseExample){upper, lower}, 1);
            expect_changes(utf8_to_upper, &(CaseExample){upper, upper}, 1);
            expect_changes(utf8_to_lower, &(CaseExample){lower, lower}, 1);
        }
}

Test(utf8, case_is_refused_when_memory_is) {
    mem.limit_bytes = mem.used_bytes + 70000;
    static char text[100000];
    memset(text, 'x', sizeof text);
    cr_expect_eq(utf8_to_upper(&out, text, sizeof text), -ENOMEM);
    cr_expect_eq(utf8_to_lower(&out, "ẞ", 3), -ENOMEM);
}
