/* SPDX-License-Identifier: MIT */
/*
 * Bytes as text: base64 in two alphabets, and hexadecimal digits.
 *
 * Decoding is strict: each String of bytes has exactly one text that gives
 * it back, but for the case of hexadecimal digits. So bits of the last digit
 * that stand for nothing must be zero.
 */
#include "builtins/builtins.h"

typedef struct Base64 {
    char digits[64 + 1];
    bool is_padded;
} Base64;

static const Base64 base64_standard = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true};
static const Base64 base64_url = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false};

/* --- base64: each three bytes are four digits --- */

/* Up to three bytes, behind each other in the upper 24 bits; what is missing is zero. */
static uint32_t group_of_bytes(const unsigned char *bytes, size_t count) {
    uint32_t group = (uint32_t)bytes[0] << 24;
    if (count > 1)
        group |= (uint32_t)bytes[1] << 16;
    if (count > 2)
        group |= (uint32_t)bytes[2] << 8;
    return group;
}

static WordResult base64_encode(Strand *strand, const Base64 *base64) {
    const String *input = value_string(strand_peek(strand, 0));
    const unsigned char *bytes = (const unsigned char *)string_bytes(input);
    uint64_t digit_count = ((uint64_t)input->size * 4 + 2) / 3;
    uint64_t size = base64->is_padded ? (digit_count + 3) / 4 * 4 : digit_count;

    char *at;
    String *text = string_to_fill(strand->heap, size, &at);
    if (text == NULL)
        return fault_string(strand, size);
    for (size_t done = 0; done < input->size; done += 3) {
        size_t rest = input->size - done < 3 ? input->size - done : 3;
        uint32_t group = group_of_bytes(bytes + done, rest);
        for (size_t digit = 0; digit < rest + 1; digit++, group <<= 6)
            *at++ = base64->digits[group >> 26];
        for (size_t digit = rest + 1; base64->is_padded && digit < 4; digit++)
            *at++ = '=';
    }
    return reply_string(strand, 1, text, size);
}

/* What each character stands for, plus one; zero for those that are no digit. */
static void base64_reverse(const Base64 *base64, uint8_t values[256]) {
    memset(values, 0, 256);
    for (uint8_t value = 0; value < 64; value++)
        values[(unsigned char)base64->digits[value]] = value + 1;
}

/* Takes the padding off, which must be what is wanted. False when it is not, or when so many digits make no bytes. */
static bool base64_digit_count(const Base64 *base64, const char *text, size_t size, size_t *countp) {
    size_t count = size;
    if (base64->is_padded) {
        if (size % 4 != 0)
            return false;
        while (count > 0 && size - count < 2 && text[count - 1] == '=')
            count--;
    }
    *countp = count;
    return count % 4 != 1;
}

/* Writes count * 3 / 4 bytes. False for what is no digit, and for bits set that stand for nothing. */
static bool base64_decode_digits(const Base64 *base64, const char *text, size_t count, char *at) {
    uint8_t values[256];
    base64_reverse(base64, values);

    for (size_t done = 0; done < count; done += 4) {
        size_t rest = count - done < 4 ? count - done : 4;
        uint32_t group = 0;
        for (size_t digit = 0; digit < rest; digit++) {
            uint8_t value = values[(unsigned char)text[done + digit]];
            if (value == 0)
                return false;
            group |= (uint32_t)(value - 1) << (26 - 6 * digit);
        }
        for (size_t byte = 0; byte < rest - 1; byte++, group <<= 8)
            *at++ = (char)(group >> 24);
        if (group != 0)
            return false;
    }
    return true;
}

static WordResult base64_decode(Strand *strand, const Base64 *base64) {
    const String *input = value_string(strand_peek(strand, 0));
    const char *text = string_bytes(input);
    size_t count;
    if (!base64_digit_count(base64, text, input->size, &count))
        return reply_bytes_ok(strand, 1, "", 0, false);

    char *at;
    String *bytes = string_to_fill(strand->heap, count / 4 * 3 + count % 4 * 3 / 4, &at);
    if (bytes == NULL)
        return strand_fault_memory(strand);
    if (!base64_decode_digits(base64, text, count, at)) {
        value_unref(strand->heap, value_from_object(bytes));
        return reply_bytes_ok(strand, 1, "", 0, false);
    }
    strand_replace_ok(strand, 1, value_from_object(bytes), true);
    return WORD_OK;
}

static WordResult word_encoding_base64_encode(Strand *strand) {
    return base64_encode(strand, &base64_standard);
}

static WordResult word_encoding_base64_decode(Strand *strand) {
    return base64_decode(strand, &base64_standard);
}

static WordResult word_encoding_base64url_encode(Strand *strand) {
    return base64_encode(strand, &base64_url);
}

static WordResult word_encoding_base64url_decode(Strand *strand) {
    return base64_decode(strand, &base64_url);
}

/* --- hexadecimal --- */

static WordResult word_encoding_hex_encode(Strand *strand) {
    const String *input = value_string(strand_peek(strand, 0));
    const unsigned char *bytes = (const unsigned char *)string_bytes(input);
    uint64_t size = (uint64_t)input->size * 2;

    char *at;
    String *text = string_to_fill(strand->heap, size, &at);
    for (size_t index = 0; text && index < input->size; index++) {
        *at++ = "0123456789abcdef"[bytes[index] >> 4];
        *at++ = "0123456789abcdef"[bytes[index] & 15];
    }
    return reply_string(strand, 1, text, size);
}

/* 0 to 15, or -1 for what is no digit. */
static int hex_value(char digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

static bool hex_decode_digits(const char *text, size_t size, char *at) {
    for (size_t index = 0; index < size; index += 2) {
        int high = hex_value(text[index]), low = hex_value(text[index + 1]);
        if (high < 0 || low < 0)
            return false;
        *at++ = (char)(high << 4 | low);
    }
    return true;
}

static WordResult word_encoding_hex_decode(Strand *strand) {
    const String *input = value_string(strand_peek(strand, 0));
    if (input->size % 2 != 0)
        return reply_bytes_ok(strand, 1, "", 0, false);

    char *at;
    String *bytes = string_to_fill(strand->heap, input->size / 2, &at);
    if (bytes == NULL)
        return strand_fault_memory(strand);
    if (!hex_decode_digits(string_bytes(input), input->size, at)) {
        value_unref(strand->heap, value_from_object(bytes));
        return reply_bytes_ok(strand, 1, "", 0, false);
    }
    strand_replace_ok(strand, 1, value_from_object(bytes), true);
    return WORD_OK;
}

static const Word encoding_words[] = {
    {"encoding.base64-encode", "( ..a String -- ..a String )", PURE, BY_FUNCTION(word_encoding_base64_encode),
     .help = "Any bytes in base64, with + and / and padding. A result of more than 1 GiB is a trap."},
    {"encoding.base64-decode", "( ..a String -- ..a String Bool )", PURE, BY_FUNCTION(word_encoding_base64_decode),
     .help = "The bytes that a base64 text stands for, and true. Other characters, white space among them, missing "
             "padding, or a last digit with bits that stand for nothing give an empty String and false."},
    {"encoding.base64url-encode", "( ..a String -- ..a String )", PURE, BY_FUNCTION(word_encoding_base64url_encode),
     .help = "Any bytes in base64 that may stand in a URL: with - and _ and no padding. A result of more than 1 GiB is "
             "a trap."},
    {"encoding.base64url-decode", "( ..a String -- ..a String Bool )", PURE,
     BY_FUNCTION(word_encoding_base64url_decode),
     .help = "The bytes that such a text stands for, and true. Other characters, padding among them, a length that no "
             "bytes have, or a last digit with bits that stand for nothing give an empty String and false."},
    {"encoding.hex-encode", "( ..a String -- ..a String )", PURE, BY_FUNCTION(word_encoding_hex_encode),
     .help = "Any bytes as two hexadecimal digits each, in lower case. A result of more than 1 GiB is a trap."},
    {"encoding.hex-decode", "( ..a String -- ..a String Bool )", PURE, BY_FUNCTION(word_encoding_hex_decode),
     .help = "The bytes that hexadecimal digits of either case stand for, and true. An odd number of them, or anything "
             "else, gives an empty String and false."},
};

const WordFamily encoding_family = {"encoding", encoding_words, sizeof encoding_words / sizeof *encoding_words};
