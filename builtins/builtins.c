/* SPDX-License-Identifier: MIT */
/*
 * The list of families, and the few lines that words of many families share.
 *
 * The list is filled in at run time: an address of another file's object may
 * stand in a constant table, its content may not.
 */
#include "builtins/builtins.h"
#include "vm/base/utf8.h"

static const WordFamily *const all_families[] = {
    &stack_family, &quotation_family, &sugar_family,   &bool_family,   &int_family,      &float_family,
    &text_family,  &symbol_family,    &variant_family, &list_family,   &map_family,      &strand_family, &actor_family,
    &time_family,  &io_family,        &file_family,    &os_family,     &encoding_family, &test_family,
    &debug_family, &json_family,      &yaml_family,    &absent_family,
};
static_assert(sizeof all_families / sizeof *all_families == BUILTINS_FAMILY_COUNT, "the header says how many");

void builtins_families(WordFamily families[BUILTINS_FAMILY_COUNT]) {
    for (uint32_t index = 0; index < BUILTINS_FAMILY_COUNT; index++)
        families[index] = *all_families[index];
}

WordResult fault_string(Strand *strand, uint64_t size) {
    if (size > STRING_SIZE_MAX)
        return strand_fault(strand, "string too long (limit 1 GiB)");
    return strand_fault_memory(strand);
}

WordResult reply_string(Strand *strand, uint32_t count, TAKEN String *string, uint64_t size) {
    if (string == NULL)
        return fault_string(strand, size);
    strand_replace(strand, count, value_from_object(string));
    return WORD_OK;
}

WordResult reply_bytes(Strand *strand, uint32_t count, const char *bytes, size_t size) {
    return reply_string(strand, count, string_new(strand->heap, bytes, size), size);
}

WordResult reply_bytes_ok(Strand *strand, uint32_t count, const char *bytes, size_t size, bool ok) {
    String *string = string_new(strand->heap, bytes, size);
    if (string == NULL)
        return fault_string(strand, size);
    strand_replace_ok(strand, count, value_from_object(string), ok);
    return WORD_OK;
}

/* Most ends are letters and digits of ASCII, and need no further look. */
static bool is_graphic(char byte) {
    return byte > ' ' && byte < 0x7f;
}

static const char *trim_start(const char *start, const char *end) {
    while (start < end && !is_graphic(*start)) {
        uint32_t scalar;
        size_t size = utf8_decode(start, (size_t)(end - start), &scalar);
        if (size == 0 || !utf8_is_space(scalar))
            break;
        start += size;
    }
    return start;
}

static const char *trim_end(const char *start, const char *end) {
    while (start < end && !is_graphic(end[-1])) {
        const char *last = end - 1;
        while (last > start && ((unsigned char)*last & 0xc0) == 0x80)
            last--; /* to where the last scalar starts */
        uint32_t scalar;
        size_t size = utf8_decode(last, (size_t)(end - last), &scalar);
        if (last + size != end || !utf8_is_space(scalar))
            break;
        end = last;
    }
    return end;
}

void text_trim(const char **startp, const char **endp) {
    *startp = trim_start(*startp, *endp);
    *endp = trim_end(*startp, *endp);
}
