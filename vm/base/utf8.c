/* SPDX-License-Identifier: MIT */
/*
 * All that makes UTF-8 strict is decided by the second byte: the first one
 * gives the length and the range the second must lie in (after E0 only A0 and
 * up, or the scalar would be too long; after ED only up to 9F, or it would be
 * a surrogate; likewise F0 and F4). So decoding looks at a table row of the
 * first byte and never computes a bad scalar to throw it away.
 *
 * Counting scalars means counting the bytes that are not 10xxxxxx, which goes
 * eight at a time; so does looking for the first byte that is not ASCII.
 */
#include "vm/base/utf8.h"

#include <errno.h>
#include <stdlib.h>

#define BYTES_ALL(byte) (0x0101010101010101 * (uint64_t)(byte))

static uint64_t load_eight(const char *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* How many bytes from here on are ASCII. */
static size_t ascii_size(const char *bytes, size_t size) {
    size_t index = 0;
    while (size - index >= 8 && (load_eight(bytes + index) & BYTES_ALL(0x80)) == 0)
        index += 8;
    while (index < size && (unsigned char)bytes[index] < 0x80)
        index++;
    return index;
}

static bool is_continuation(char byte) {
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* --- one scalar --- */

typedef struct LeadByte {
    unsigned char size;                   /* of the scalar; 0: no scalar starts so */
    unsigned char second_min, second_max; /* the other bytes are always 80 ... BF */
} LeadByte;

/* By the byte without its upper two bits, which are set. */
static const LeadByte lead_bytes[64] = {
    [0x02 ... 0x1f] = {2, 0x80, 0xbf}, /* C0 and C1 would be too long */
    [0x20] = {3, 0xa0, 0xbf},          [0x21 ... 0x2c] = {3, 0x80, 0xbf}, [0x2d] = {3, 0x80, 0x9f},
    [0x2e ... 0x2f] = {3, 0x80, 0xbf}, [0x30] = {4, 0x90, 0xbf},          [0x31 ... 0x33] = {4, 0x80, 0xbf},
    [0x34] = {4, 0x80, 0x8f}, /* what follows is beyond U+10FFFF */
};

/* For a byte of 0x80 or more. */
static LeadByte lead_byte(char byte) {
    return is_continuation(byte) ? (LeadByte){0} : lead_bytes[(unsigned char)byte & 0x3f];
}

/* How many of the bytes of a scalar that begins here are there and right; 0 when none begins here. */
static inline size_t good_size(LeadByte lead, const char *bytes, size_t size) {
    if (lead.size == 0 || size < 2)
        return lead.size > 0;
    unsigned char second = (unsigned char)bytes[1];
    if (second < lead.second_min || second > lead.second_max)
        return 1;
    size_t good = 2;
    while (good < lead.size && good < size && is_continuation(bytes[good]))
        good++;
    return good;
}

static inline uint32_t assemble(const char *bytes, size_t size) {
    uint32_t scalar = (unsigned char)bytes[0] & (0xffU >> (size + 1));
    for (size_t index = 1; index < size; index++)
        scalar = scalar << 6 | ((unsigned char)bytes[index] & 0x3fU);
    return scalar;
}

size_t utf8_decode_slow(const char *bytes, size_t size, uint32_t *scalarp) {
    LeadByte lead = lead_byte(*bytes);
    if (lead.size == 0 || good_size(lead, bytes, size) < lead.size)
        return 0;
    *scalarp = assemble(bytes, lead.size);
    return lead.size;
}

size_t utf8_decode_lossy_slow(const char *bytes, size_t size, uint32_t *scalarp) {
    LeadByte lead = lead_byte(*bytes);
    size_t good = good_size(lead, bytes, size);
    *scalarp = good > 0 && good == lead.size ? assemble(bytes, good) : UTF8_REPLACEMENT;
    return good > 0 ? good : 1;
}

size_t utf8_encode(uint32_t scalar, char bytes[UTF8_SIZE_MAX]) {
    check(utf8_is_scalar(scalar));
    if (scalar < 0x80) {
        bytes[0] = (char)scalar;
        return 1;
    }
    size_t size = scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4;
    for (size_t index = size - 1; index > 0; index--) {
        bytes[index] = (char)(0x80 | (scalar & 0x3f));
        scalar >>= 6;
    }
    bytes[0] = (char)(0xff00 >> size | scalar);
    return size;
}

int utf8_append(Buffer *out, uint32_t scalar) {
    char *room = buffer_reserve(out, UTF8_SIZE_MAX);
    if (!room)
        return -ENOMEM;
    out->size += utf8_encode(scalar, room);
    return 0;
}

/* --- texts --- */

bool utf8_is_valid(const char *bytes, size_t size) {
    for (size_t at = 0; at < size;) {
        if ((unsigned char)bytes[at] < 0x80) {
            at += ascii_size(bytes + at, size - at);
            continue;
        }
        LeadByte lead = lead_byte(bytes[at]);
        if (lead.size == 0 || good_size(lead, bytes + at, size - at) < lead.size)
            return false;
        at += lead.size;
    }
    return true;
}

static uint64_t load_some(const char *bytes, size_t size) {
    uint64_t word = 0;
    memcpy(&word, bytes, size);
    return word;
}

/* Eight bytes a step, and the rest in halves: most texts are short. */
bool utf8_is_ascii(const char *bytes, size_t size) {
    uint64_t seen = 0;
    for (; size >= 8; bytes += 8, size -= 8)
        seen |= load_eight(bytes);
    if (size & 4) {
        seen |= load_some(bytes, 4);
        bytes += 4;
    }
    if (size & 2) {
        seen |= load_some(bytes, 2);
        bytes += 2;
    }
    if (size & 1)
        seen |= load_some(bytes, 1);
    return (seen & BYTES_ALL(0x80)) == 0;
}

/* How many of eight bytes start a scalar. */
static unsigned starts_in_eight(const char *bytes) {
    uint64_t word = load_eight(bytes);
    uint64_t continuations = (word >> 7) & ~(word >> 6) & BYTES_ALL(1); /* bit 7 set, bit 6 clear */
    return 8 - (unsigned)((continuations * BYTES_ALL(1)) >> 56);
}

size_t utf8_count(const char *bytes, size_t size) {
    size_t count = 0, at = 0;
    for (; size - at >= 8; at += 8)
        count += starts_in_eight(bytes + at);
    for (; at < size; at++)
        count += !is_continuation(bytes[at]);
    return count;
}

size_t utf8_offset(const char *bytes, size_t size, size_t index) {
    size_t at = 0;
    while (size - at >= 8) {
        unsigned starts = starts_in_eight(bytes + at);
        if (starts > index)
            break;
        index -= starts;
        at += 8;
    }
    for (; at < size; at++)
        if (!is_continuation(bytes[at]) && index-- == 0)
            return at;
    return size;
}

/* --- letters --- */

/* Each row of the tables begins with its range, and the rows are sorted by it. */
typedef struct ScalarRange {
    uint32_t first, last;
} ScalarRange;

/* Scalars that map to one: every `step`-th of the range, by adding `delta`. */
typedef struct CaseRange {
    ScalarRange range;
    uint32_t step;
    int32_t delta;
} CaseRange;

/* A scalar that maps to more than one; what is left of `to` is zero. */
typedef struct CaseSpecial {
    ScalarRange range;
    uint32_t to[3];
} CaseSpecial;

#include "vm/base/unicode_table.h" /* the build writes it, see unicode_table.py */

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define FIND_ROW(scalar, table) bsearch(&(scalar), table, LENGTH(table), sizeof *(table), compare_to_range)

static int compare_to_range(const void *key, const void *row) {
    uint32_t scalar = *(const uint32_t *)key;
    const ScalarRange *range = row;
    return scalar < range->first ? -1 : scalar > range->last;
}

bool utf8_is_space(uint32_t scalar) {
    switch (scalar) {
    case 0x20:
    case 0x85:
    case 0xa0:
    case 0x1680:
    case 0x2028:
    case 0x2029:
    case 0x202f:
    case 0x205f:
    case 0x3000:
        return true;
    default:
        return (scalar >= 0x09 && scalar <= 0x0d) || (scalar >= 0x2000 && scalar <= 0x200a);
    }
}

bool utf8_is_alphanumeric(uint32_t scalar) {
    return FIND_ROW(scalar, alphanumeric_ranges) != NULL;
}

/* --- case --- */

enum { CAPITAL_SIGMA = 0x3a3, FINAL_SIGMA = 0x3c2 };

/* Where a scalar stands in its text. */
typedef struct Place {
    const char *bytes;
    size_t size, at;
} Place;

/*
 * Whether the nearest scalar, past those that do not count for case (accents,
 * apostrophes), is a letter. What does not count is looked at only from the
 * sigmas at its two ends, so a text of many sigmas stays linear.
 */
static bool letter_follows(const Place *place, size_t at) {
    while (at < place->size) {
        uint32_t scalar;
        size_t step = utf8_decode_lossy(place->bytes + at, place->size - at, &scalar);
        if (!FIND_ROW(scalar, case_ignorable_ranges))
            return FIND_ROW(scalar, cased_ranges) != NULL;
        at += step;
    }
    return false;
}

static bool letter_precedes(const Place *place) {
    size_t end = place->at;
    while (end > 0) {
        size_t start = end - 1;
        while (start > 0 && end - start < UTF8_SIZE_MAX && is_continuation(place->bytes[start]))
            start--;
        uint32_t scalar;
        if (utf8_decode(place->bytes + start, end - start, &scalar) < end - start)
            return false;
        if (!FIND_ROW(scalar, case_ignorable_ranges))
            return FIND_ROW(scalar, cased_ranges) != NULL;
        end = start;
    }
    return false;
}

static int append_row(Buffer *out, uint32_t scalar, const CaseRange *row, const CaseSpecial *special) {
    if (special) {
        for (size_t index = 0; index < LENGTH(special->to) && special->to[index] != 0; index++)
            utf8_append(out, special->to[index]);
        return out->failed ? -ENOMEM : 0;
    }
    bool maps = row && (scalar - row->range.first) % row->step == 0;
    return utf8_append(out, maps ? (uint32_t)((int64_t)scalar + row->delta) : scalar);
}

static int append_upper(Buffer *out, uint32_t scalar, const Place *place) {
    (void)place;
    return append_row(out, scalar, FIND_ROW(scalar, upper_ranges), FIND_ROW(scalar, upper_specials));
}

static int append_lower(Buffer *out, uint32_t scalar, const Place *place) {
    if (scalar == CAPITAL_SIGMA && letter_precedes(place) && !letter_follows(place, place->at + 2))
        return utf8_append(out, FINAL_SIGMA);
    return append_row(out, scalar, FIND_ROW(scalar, lower_ranges), FIND_ROW(scalar, lower_specials));
}

/* The 26 ASCII letters from `first` on change, by the bit 0x20. */
static int append_ascii(Buffer *out, const char *bytes, size_t size, char first) {
    char *room = buffer_reserve(out, size);
    if (!room)
        return -ENOMEM;
    for (size_t index = 0; index < size; index++) {
        bool changes = bytes[index] >= first && bytes[index] < first + 26;
        room[index] = (char)(changes ? bytes[index] ^ 0x20 : bytes[index]);
    }
    out->size += size;
    return 0;
}

static int change_case(Buffer *out, const char *bytes, size_t size, char ascii_first,
                       int (*append)(Buffer *out, uint32_t scalar, const Place *place)) {
    Place place = {.bytes = bytes, .size = size};
    while (place.at < size && !out->failed) {
        uint32_t scalar;
        const char *here = bytes + place.at;
        size_t rest = size - place.at, step;
        if ((step = ascii_size(here, rest)) > 0)
            append_ascii(out, here, step, ascii_first);
        else if ((step = utf8_decode(here, rest, &scalar)) > 0)
            append(out, scalar, &place);
        else
            buffer_append(out, here, step = 1);
        place.at += step;
    }
    return out->failed ? -ENOMEM : 0;
}

int utf8_to_upper(Buffer *out, const char *bytes, size_t size) {
    return change_case(out, bytes, size, 'a', append_upper);
}

int utf8_to_lower(Buffer *out, const char *bytes, size_t size) {
    return change_case(out, bytes, size, 'A', append_lower);
}
