/* SPDX-License-Identifier: MIT */
/*
 * Strings. Some words work on bytes, whatever they are (concat, split,
 * contains ...). The others work on text, by Unicode scalar values; for them
 * a string that is not valid UTF-8 is empty.
 *
 * Strings are made once, at their final size: what has to be known for that
 * is counted first. Pieces of a string are slices where that pays (string.h).
 */
#include "builtins/builtins.h"
#include "builtins/json.h"
#include "vm/base/utf8.h"
#include "vm/value/list.h"
#include "vm/value/print.h"

typedef struct Text {
    const char *bytes;
    size_t size;
    bool is_ascii; /* known to be: then its characters are its bytes */
} Text;

/* The bytes of the string `index` below the top. */
static Text peek_bytes(const Strand *strand, uint32_t index) {
    const String *string = value_string(strand_peek(strand, index));
    return (Text){string_bytes(string), string->size, false};
}

/* The same as text: empty when it is not UTF-8. */
static Text peek_text(const Strand *strand, uint32_t index) {
    String *string = value_string(strand_peek(strand, index));
    if (!string_is_utf8(string))
        return (Text){"", 0, true};
    return (Text){string_bytes(string), string->size, string_is_ascii(string)};
}

static size_t text_count(Text text) {
    return text.is_ascii ? text.size : utf8_count(text.bytes, text.size);
}

/* Where the character with this index starts; the text's size when there are not so many. */
static size_t text_offset(Text text, uint64_t index) {
    if (text.is_ascii)
        return index < text.size ? index : text.size;
    return utf8_offset(text.bytes, text.size, index);
}

/* The first place of a needle that is not empty, or NULL. */
static const char *find_bytes(const char *at, const char *end, Text needle) {
    if (needle.size == 1)
        return memchr(at, *needle.bytes, (size_t)(end - at));
    return memmem(at, (size_t)(end - at), needle.bytes, needle.size);
}

static WordResult reply_int(Strand *strand, uint32_t count, int64_t number) {
    strand_replace(strand, count, value_from_int(number));
    return WORD_OK;
}

static WordResult reply_bool(Strand *strand, uint32_t count, bool truth) {
    strand_replace(strand, count, value_from_bool(truth));
    return WORD_OK;
}

/* `size` bytes from `start` of the string `index` below the top. */
static WordResult reply_slice(Strand *strand, uint32_t count, uint32_t index, size_t start, size_t size) {
    String *string = value_string(strand_peek(strand, index));
    return reply_string(strand, count, string_slice(strand->heap, string, start, size), size);
}

/* --- bytes --- */

static WordResult word_string_concat(Strand *strand) {
    Value *left = strand->sp - 1;
    Text right = peek_bytes(strand, 0);
    uint64_t size = (uint64_t)value_string(*left)->size + right.size;

    /* the slot's own reference goes in, so that a text that is built piece by piece grows where it is */
    String *string = string_append(strand->heap, value_string(*left), right.bytes, right.size);
    if (string == NULL)
        return fault_string(strand, size);
    *left = value_from_object(string);
    strand_drop(strand, 1);
    return WORD_OK;
}

static WordResult word_string_byte_length(Strand *strand) {
    return reply_int(strand, 1, value_string(strand_peek(strand, 0))->size);
}

static WordResult word_string_empty(Strand *strand) {
    return reply_bool(strand, 1, value_string(strand_peek(strand, 0))->size == 0);
}

static WordResult word_string_equal(Strand *strand) {
    const String *left = value_string(strand_peek(strand, 1));
    return reply_bool(strand, 2, string_equal(left, value_string(strand_peek(strand, 0))));
}

static WordResult word_string_contains(Strand *strand) {
    Text text = peek_bytes(strand, 1), needle = peek_bytes(strand, 0);
    bool found = needle.size == 0 || find_bytes(text.bytes, text.bytes + text.size, needle) != NULL;
    return reply_bool(strand, 2, found);
}

static WordResult word_string_starts_with(Strand *strand) {
    Text text = peek_bytes(strand, 1), prefix = peek_bytes(strand, 0);
    return reply_bool(strand, 2, prefix.size <= text.size && memcmp(text.bytes, prefix.bytes, prefix.size) == 0);
}

static WordResult word_string_chomp(Strand *strand) {
    Text text = peek_bytes(strand, 0);
    size_t size = text.size;
    if (size > 0 && text.bytes[size - 1] == '\n')
        size--;
    if (size < text.size && size > 0 && text.bytes[size - 1] == '\r')
        size--;
    return reply_slice(strand, 1, 0, 0, size);
}

/* --- split --- */

/* Where the first piece of a text with this delimiter ends; the next one starts `delimiter.size` later. */
static const char *piece_end(const char *at, const char *end, Text delimiter) {
    const char *found = find_bytes(at, end, delimiter);
    return found ? found : end;
}

static uint32_t piece_count(Text text, Text delimiter) {
    uint32_t count = 1;
    const char *at = text.bytes, *end = text.bytes + text.size;
    while ((at = find_bytes(at, end, delimiter)) != NULL) {
        at += delimiter.size;
        count++;
    }
    return count;
}

/* Adds a piece to a list that has room for it. False when memory is refused. */
static bool add_piece(Heap *heap, List *list, String *string, size_t start, size_t size) {
    String *piece = string_slice(heap, string, start, size);
    if (piece == NULL)
        return false;
    list->items[list->count++] = value_from_object(piece);
    list->object.flags |= LIST_HAS_OBJECTS;
    return !mem_is_exhausted(&heap->mem);
}

static bool add_pieces(Heap *heap, List *list, String *string, Text delimiter) {
    const char *bytes = string_bytes(string), *at = bytes, *end = bytes + string->size;
    for (;;) {
        const char *stop = piece_end(at, end, delimiter);
        if (!add_piece(heap, list, string, (size_t)(at - bytes), (size_t)(stop - at)))
            return false;
        if (stop == end)
            return true;
        at = stop + delimiter.size;
    }
}

/* Between all bytes, and before the first and behind the last there is an empty delimiter. */
static bool add_each_byte(Heap *heap, List *list, String *string) {
    if (!add_piece(heap, list, string, 0, 0))
        return false;
    for (size_t index = 0; index < string->size; index++) {
        if (!add_piece(heap, list, string, index, 1))
            return false;
    }
    return add_piece(heap, list, string, string->size, 0);
}

static WordResult word_string_split(Strand *strand) {
    Heap *heap = strand->heap;
    String *string = value_string(strand_peek(strand, 1));
    Text text = peek_bytes(strand, 1), delimiter = peek_bytes(strand, 0);
    bool each_byte = delimiter.size == 0;

    List *list = list_new(heap, SYMBOL_LIST, each_byte ? string->size + 2 : piece_count(text, delimiter));
    if (list == NULL)
        return strand_fault_memory(strand);
    if (each_byte ? !add_each_byte(heap, list, string) : !add_pieces(heap, list, string, delimiter)) {
        value_unref(heap, value_from_object(list));
        return strand_fault_memory(strand);
    }
    strand_replace(strand, 2, value_from_object(list));
    return WORD_OK;
}

/* --- join --- */

/* The size of the result when all elements are strings; false when one is not. */
static bool joined_size(const Variant *list, const String *separator, uint64_t *sizep) {
    uint64_t size = list->count > 0 ? (uint64_t)separator->size * (list->count - 1) : 0;
    for (uint32_t index = 0; index < list->count; index++) {
        Value element = variant_at(list, index);
        if (!value_is_string(element))
            return false;
        size += value_string(element)->size;
    }
    *sizep = size;
    return true;
}

static char *copy_bytes(char *at, const String *string) {
    return (char *)memcpy(at, string_bytes(string), string->size) + string->size;
}

/* With the size known first, each byte is copied once. */
static WordResult join_strings(Strand *strand, const Variant *list, const String *separator, uint64_t size) {
    char *at;
    String *joined = string_to_fill(strand->heap, size, &at);
    if (joined) {
        for (uint32_t index = 0; index < list->count; index++) {
            if (index > 0)
                at = copy_bytes(at, separator);
            at = copy_bytes(at, value_string(variant_at(list, index)));
        }
    }
    return reply_string(strand, 2, joined, size);
}

static int append_element(Heap *heap, Buffer *out, Value value) {
    if (value_is_string(value))
        return buffer_append(out, string_bytes(value_string(value)), value_string(value)->size);
    if (value_is_int(value))
        return print_int(out, value_to_int(value));
    if (value_is_float(value))
        return print_float(out, value_to_float(value));
    if (value_is_symbol(value)) {
        size_t size;
        const char *text = symbol_text(&heap->symbols, value_to_symbol(value), &size);
        buffer_append_byte(out, ':');
        return buffer_append(out, text, size);
    }
    return print_son(heap, out, value, PRINT_COMPACT); /* Bools too: true, false */
}

static WordResult join_any(Strand *strand, const Variant *list, const String *separator) {
    CLEANUP(buffer_deinit) Buffer text;
    buffer_init(&text, &strand->heap->mem);
    for (uint32_t index = 0; index < list->count; index++) {
        if (index > 0)
            buffer_append(&text, string_bytes(separator), separator->size);
        if (append_element(strand->heap, &text, variant_at(list, index)))
            return strand_fault_memory(strand);
        if (text.size > STRING_SIZE_MAX)
            return fault_string(strand, text.size);
    }
    return reply_bytes(strand, 2, text.bytes, text.size);
}

static WordResult word_string_join(Strand *strand) {
    Value value = strand_peek(strand, 1);
    if (!value_is_variant(value))
        return strand_fault_kind(strand, "List or other Variant", value);
    const Variant *list = value_variant(value);
    const String *separator = value_string(strand_peek(strand, 0));
    uint64_t size;
    if (joined_size(list, separator, &size))
        return join_strings(strand, list, separator, size);
    return join_any(strand, list, separator);
}

/* --- text --- */

static WordResult word_string_length(Strand *strand) {
    return reply_int(strand, 1, (int64_t)text_count(peek_text(strand, 0)));
}

static WordResult word_string_char_at(Strand *strand) {
    Text text = peek_text(strand, 1);
    int64_t index = strand_peek_int(strand, 0);
    size_t offset = index < 0 ? text.size : text_offset(text, (uint64_t)index);
    uint32_t scalar;
    if (offset == text.size)
        return reply_int(strand, 2, -1);
    utf8_decode(text.bytes + offset, text.size - offset, &scalar);
    return reply_int(strand, 2, scalar);
}

static WordResult word_string_find(Strand *strand) {
    Text text = peek_text(strand, 1), needle = peek_text(strand, 0);
    const char *found = needle.size == 0 ? text.bytes : find_bytes(text.bytes, text.bytes + text.size, needle);
    if (found == NULL)
        return reply_int(strand, 2, -1);
    Text before = {text.bytes, (size_t)(found - text.bytes), text.is_ascii};
    return reply_int(strand, 2, (int64_t)text_count(before));
}

static WordResult word_string_substring(Strand *strand) {
    Text text = peek_text(strand, 2);
    int64_t start = strand_peek_int(strand, 1), length = strand_peek_int(strand, 0);
    if (text.size == 0 || start < 0 || length < 0)
        return reply_bytes(strand, 3, "", 0);
    size_t from = text_offset(text, (uint64_t)start);
    Text rest = {text.bytes + from, text.size - from, text.is_ascii};
    return reply_slice(strand, 3, 2, from, text_offset(rest, (uint64_t)length));
}

static WordResult word_string_trim(Strand *strand) {
    Text text = peek_text(strand, 0);
    const char *start = text.bytes, *end = text.bytes + text.size;
    text_trim(&start, &end);
    if (start == end)
        return reply_bytes(strand, 1, "", 0);
    return reply_slice(strand, 1, 0, (size_t)(start - text.bytes), (size_t)(end - start));
}

static WordResult change_case(Strand *strand, int (*change)(Buffer *out, const char *bytes, size_t size)) {
    CLEANUP(buffer_deinit) Buffer out;
    buffer_init(&out, &strand->heap->mem);
    Text text = peek_text(strand, 0);
    if (change(&out, text.bytes, text.size))
        return strand_fault_memory(strand);
    return reply_bytes(strand, 1, out.bytes, out.size);
}

static WordResult word_string_to_upper(Strand *strand) {
    return change_case(strand, utf8_to_upper);
}

static WordResult word_string_to_lower(Strand *strand) {
    return change_case(strand, utf8_to_lower);
}

static WordResult word_string_json_escape(Strand *strand) {
    CLEANUP(buffer_deinit) Buffer out;
    buffer_init(&out, &strand->heap->mem);
    Text text = peek_text(strand, 0);
    json_escape(&out, text.bytes, text.size);
    return out.failed ? strand_fault_memory(strand) : reply_bytes(strand, 1, out.bytes, out.size);
}

static WordResult word_char_to_string(Strand *strand) {
    int64_t number = strand_peek_int(strand, 0);
    char bytes[UTF8_SIZE_MAX];
    size_t size = utf8_is_scalar(number) ? utf8_encode((uint32_t)number, bytes) : 0;
    return reply_bytes(strand, 1, bytes, size);
}

static const Word text_words[] = {
    {"string.concat", "( ..a String String -- ..a String )", PURE, BY_FUNCTION(word_string_concat),
     .help = "The second followed by the top, byte by byte. A result of more than 1 GiB is a trap."},
    {"string.length", "( ..a String -- ..a Int )", PURE, BY_FUNCTION(word_string_length),
     .help = "How many characters (Unicode scalar values) it has; 0 when it is not valid UTF-8."},
    {"string.byte-length", "( ..a String -- ..a Int )", PURE, BY_FUNCTION(word_string_byte_length),
     .help = "How many bytes it has."},
    {"string.empty?", "( ..a String -- ..a Bool )", PURE, BY_FUNCTION(word_string_empty),
     .help = "Has it no bytes?"},
    {"string.equal?", "( ..a String String -- ..a Bool )", PURE, BY_FUNCTION(word_string_equal),
     .help = "Do the two have the same bytes?"},
    {"string.contains", "( ..a String String -- ..a Bool )", PURE, BY_FUNCTION(word_string_contains),
     .help = "Do the bytes of the top occur in the second? An empty String occurs in every one."},
    {"string.starts-with", "( ..a String String -- ..a Bool )", PURE, BY_FUNCTION(word_string_starts_with),
     .help = "Does the second start with the bytes of the top? Every String starts with an empty one."},
    {"string.find", "( ..a String String -- ..a Int )", PURE, BY_FUNCTION(word_string_find),
     .help = "The index, in characters, at which the top first occurs in the second; -1 when it does not, 0 when it is "
             "empty. What is not valid UTF-8 counts as empty."},
    {"string.char-at", "( ..a String Int -- ..a Int )", PURE, BY_FUNCTION(word_string_char_at),
     .help = "The code point of the character with this index, counted from 0. -1 for a negative index, for one beyond "
             "the end, and for a String that is not valid UTF-8. Found at once where all is ASCII; else the characters "
             "before it are counted."},
    {"string.substring", "( ..a String Int Int -- ..a String )", PURE, BY_FUNCTION(word_string_substring),
     .help = "( s start length -- s2 ) So many characters from the one with this index on, fewer when the String ends "
             "before. Empty for a start beyond the end, a negative start or length, and what is not valid UTF-8."},
    {"string.split", "( ..a String String -- ..a V )", PURE, BY_FUNCTION(word_string_split),
     .help = "( s delimiter -- list ) The pieces between the delimiters, from left to right, byte by byte. There is "
             "always at least one, and between, before and behind delimiters there may be empty ones. An empty "
             "delimiter gives an empty piece, each byte, and an empty piece."},
    {"string.join", "( ..a V String -- ..a String )", PURE, BY_FUNCTION(word_string_join),
     .help = "( list separator -- s ) The elements in a row, with the separator between them: Strings as they are, "
             "Ints, Floats and Bools as printed, Symbols with their colon, anything else in some readable form. An "
             "empty list gives an empty String. Anything but a list or other variant is a trap, and so is a result of "
             "more than 1 GiB."},
    {"string.trim", "( ..a String -- ..a String )", PURE, BY_FUNCTION(word_string_trim),
     .help = "The same without Unicode white space at both ends; empty when it is not valid UTF-8."},
    {"string.chomp", "( ..a String -- ..a String )", PURE, BY_FUNCTION(word_string_chomp),
     .help = "The same without one line feed at the end and one carriage return before that. A carriage return alone "
             "stays."},
    {"string.to-upper", "( ..a String -- ..a String )", PURE, BY_FUNCTION(word_string_to_upper),
     .help = "In upper case, by the rules of Unicode, so its length may change. Empty when it is not valid UTF-8."},
    {"string.to-lower", "( ..a String -- ..a String )", PURE, BY_FUNCTION(word_string_to_lower),
     .help = "In lower case, by the rules of Unicode, so its length may change. Empty when it is not valid UTF-8."},
    {"string.json-escape", "( ..a String -- ..a String )", PURE, BY_FUNCTION(word_string_json_escape),
     .help = "As it stands between the quotes of JSON: quotes, backslashes and control characters escaped, with \\n "
             "\\r \\t \\b \\f where there is a letter and \\uXXXX in upper case where not. Empty when it is not valid "
             "UTF-8."},
    {"char->string", "( ..a Int -- ..a String )", PURE, BY_FUNCTION(word_char_to_string),
     .help = "The String of the one character with this code point. Empty for a negative number, a surrogate, and "
             "anything above 0x10ffff."},
};

const WordFamily text_family = {"text", text_words, sizeof text_words / sizeof *text_words};
