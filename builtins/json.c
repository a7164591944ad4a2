/* SPDX-License-Identifier: MIT */
/*
 * JSON (RFC 8259), both ways, in linear time and without recursion. A text is
 * read strictly: what the RFC does not allow is no JSON. What it leaves open:
 * a name may come twice, and then both members stay; the half of a surrogate
 * pair alone is no character, and refused; numbers are doubles.
 *
 * Reading is one loop over values. After each, what stands behind it decides:
 * a comma, and another value is wanted; the bracket that closes the container,
 * which is then itself the value that has just ended.
 */
#include "builtins/json.h"

#include "builtins/builtins.h"
#include "vm/base/decimal.h"
#include "vm/base/utf8.h"
#include "vm/value/list.h"
#include "vm/value/print.h"
#include <errno.h>
#include <math.h>

/* --- values --- */

int json_symbols_init(JsonSymbols *symbols, Heap *heap) {
    static const char *const names[] = {
        [JSON_NULL] = "JsonNull",     [JSON_BOOL] = "JsonBool",   [JSON_NUMBER] = "JsonNumber",
        [JSON_STRING] = "JsonString", [JSON_ARRAY] = "JsonArray", [JSON_OBJECT] = "JsonObject",
    };
    for (int tag = 0; tag < JSON_TAG_COUNT; tag++) {
        symbols->of[tag] = symbol_intern(&heap->symbols, &heap->mem, names[tag], strlen(names[tag]));
        if (symbols->of[tag] == SYMBOL_NONE)
            return -ENOMEM;
    }
    return 0;
}

/* --- trees --- */

int json_tree_init(JsonTree *tree, Heap *heap) {
    tree->heap = heap;
    tree->fields = NULL;
    tree->count = tree->capacity = tree->depth = 0;
    return json_symbols_init(&tree->symbols, heap);
}

void json_tree_deinit(JsonTree *tree) {
    while (tree->count > 0)
        value_unref(tree->heap, tree->fields[--tree->count]);
    mem_free(&tree->heap->mem, tree->fields, tree->capacity * sizeof *tree->fields);
    tree->fields = NULL;
    tree->capacity = 0;
}

static int json_tree_grow(JsonTree *tree) {
    Value *fields = mem_try_double(&tree->heap->mem, tree->fields, sizeof *fields, &tree->capacity);
    if (fields == NULL)
        return -ENOMEM;
    tree->fields = fields;
    return 0;
}

int json_tree_add(JsonTree *tree, TAKEN Value value) {
    /* small objects are never refused, so whoever makes many looks here whether they should have been */
    int r = mem_is_exhausted(&tree->heap->mem) ? -ENOMEM : tree->count == tree->capacity ? json_tree_grow(tree) : 0;
    if (r)
        value_unref(tree->heap, value);
    else
        tree->fields[tree->count++] = value;
    return r;
}

int json_tree_add_atom(JsonTree *tree, JsonTag tag, TAKEN Value field) {
    Variant *variant = variant_new(tree->heap, tree->symbols.of[tag], tag != JSON_NULL, &field);
    return json_tree_add(tree, value_from_object(variant));
}

int json_tree_add_string(JsonTree *tree, const char *bytes, size_t size) {
    String *string = string_new(tree->heap, bytes, size);
    return string ? json_tree_add_atom(tree, JSON_STRING, value_from_object(string)) : -ENOMEM;
}

int json_tree_open(JsonTree *tree, JsonTag tag) {
    if (tree->depth == JSON_DEPTH_MAX)
        return JSON_E_TOO_DEEP;
    tree->open[tree->depth].tag = tag;
    tree->open[tree->depth++].start = tree->count;
    return 0;
}

/* A list with these elements, taken; NULL when memory is refused. */
static List *list_of_values(Heap *heap, uint32_t symbol, const Value *values, uint32_t count) {
    List *list = count <= LIST_COUNT_MAX ? list_new(heap, symbol, count) : NULL;
    if (list == NULL)
        return NULL;
    memcpy(list->items, values, count * sizeof *values);
    list->count = count;
    list->object.flags |= LIST_HAS_OBJECTS;
    return list;
}

int json_tree_close(JsonTree *tree) {
    check(tree->depth > 0);
    tree->depth--;
    uint32_t symbol = tree->symbols.of[tree->open[tree->depth].tag];
    uint32_t start = tree->open[tree->depth].start, count = tree->count - start;
    const Value *fields = tree->fields + start;

    void *container = count <= VARIANT_FIELDS_MAX ? (void *)variant_new(tree->heap, symbol, count, fields)
                                                  : (void *)list_of_values(tree->heap, symbol, fields, count);
    if (container == NULL)
        return -ENOMEM;
    tree->count = start;
    return json_tree_add(tree, value_from_object(container));
}

Value json_tree_take(JsonTree *tree) {
    check(tree->depth == 0 && tree->count == 1);
    return tree->fields[--tree->count];
}

Value json_tree_empty(const JsonTree *tree, JsonTag tag) {
    return value_from_object(variant_new(tree->heap, tree->symbols.of[tag], 0, NULL));
}

/* --- reading --- */

enum { JSON_E_SYNTAX = 2 };

typedef struct JsonReader {
    const char *at, *end;
    String *text;
    JsonTree tree;
    Buffer unescaped; /* the string that is being read, when it has escapes */
} JsonReader;

static void skip_space(JsonReader *reader) {
    while (reader->at < reader->end &&
           (*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\t' || *reader->at == '\r'))
        reader->at++;
}

/* Over this byte, if it is the next one. */
static bool skip_byte(JsonReader *reader, char byte) {
    if (reader->at == reader->end || *reader->at != byte)
        return false;
    reader->at++;
    return true;
}

static bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

static bool skip_digits(JsonReader *reader) {
    const char *start = reader->at;
    while (reader->at < reader->end && is_digit(*reader->at))
        reader->at++;
    return reader->at > start;
}

/* [-] (0 | 1-9 digits) [. digits] [e [sign] digits] */
static bool skip_number(JsonReader *reader) {
    skip_byte(reader, '-');
    if (!skip_byte(reader, '0') && !skip_digits(reader))
        return false;
    if (skip_byte(reader, '.') && !skip_digits(reader))
        return false;
    if (skip_byte(reader, 'e') || skip_byte(reader, 'E')) {
        if (!skip_byte(reader, '-'))
            skip_byte(reader, '+');
        return skip_digits(reader);
    }
    return true;
}

static int read_number(JsonReader *reader) {
    const char *start = reader->at;
    if (!skip_number(reader))
        return JSON_E_SYNTAX;
    double number = decimal_read(start, (size_t)(reader->at - start));
    return json_tree_add_atom(&reader->tree, JSON_NUMBER, value_from_float(reader->tree.heap, number));
}

/* One of true, false, null; anything else is no JSON. */
static int read_name_of_value(JsonReader *reader) {
    static const struct {
        const char *name;
        JsonTag tag;
        int64_t truth;
    } rows[] = {{"true", JSON_BOOL, 1}, {"false", JSON_BOOL, 0}, {"null", JSON_NULL, 0}};

    for (size_t index = 0; index < sizeof rows / sizeof *rows; index++) {
        size_t size = strlen(rows[index].name);
        if ((size_t)(reader->end - reader->at) >= size && memcmp(reader->at, rows[index].name, size) == 0) {
            reader->at += size;
            return json_tree_add_atom(&reader->tree, rows[index].tag, value_from_int(rows[index].truth));
        }
    }
    return JSON_E_SYNTAX;
}

/* --- strings --- */

static int hex_digit(char byte) {
    if (is_digit(byte))
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

/* Four hexadecimal digits. */
static bool read_unit(JsonReader *reader, uint32_t *unitp) {
    *unitp = 0;
    for (int count = 0; count < 4; count++, reader->at++) {
        int digit = reader->at < reader->end ? hex_digit(*reader->at) : -1;
        if (digit < 0)
            return false;
        *unitp = *unitp * 16 + (uint32_t)digit;
    }
    return true;
}

/* Behind `\u`: one scalar, which may take a second `\u` for the other half. */
static bool read_scalar(JsonReader *reader, uint32_t *scalarp) {
    uint32_t high, low;
    if (!read_unit(reader, &high))
        return false;
    *scalarp = high;
    if (high < 0xd800 || high > 0xdfff)
        return true;
    if (high > 0xdbff || !skip_byte(reader, '\\') || !skip_byte(reader, 'u') || !read_unit(reader, &low))
        return false;
    *scalarp = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return low >= 0xdc00 && low <= 0xdfff;
}

/* What the letter behind a backslash stands for, or 0. */
static char unescaped_letter(char letter) {
    switch (letter) {
    case '"':
    case '\\':
    case '/':
        return letter;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return 0;
    }
}

/* Behind a backslash. */
static int read_escape(JsonReader *reader) {
    if (skip_byte(reader, 'u')) {
        uint32_t scalar;
        return read_scalar(reader, &scalar) ? utf8_append(&reader->unescaped, scalar) : JSON_E_SYNTAX;
    }
    char byte = reader->at < reader->end ? unescaped_letter(*reader->at) : 0;
    if (byte == 0)
        return JSON_E_SYNTAX;
    reader->at++;
    return buffer_append_byte(&reader->unescaped, byte);
}

/* To the quote that closes the string, a backslash, or what may not stand in one. */
static void skip_plain(JsonReader *reader) {
    while (reader->at < reader->end && *reader->at != '"' && *reader->at != '\\' && (unsigned char)*reader->at >= 0x20)
        reader->at++;
}

/* The rest of a string whose first escape is next; `start` is where it began. */
static int read_escaped_string(JsonReader *reader, const char *start) {
    buffer_clear(&reader->unescaped);
    for (;;) {
        buffer_append(&reader->unescaped, start, (size_t)(reader->at - start));
        if (skip_byte(reader, '"'))
            break;
        int r = skip_byte(reader, '\\') ? read_escape(reader) : JSON_E_SYNTAX;
        if (r)
            return r;
        start = reader->at;
        skip_plain(reader);
    }
    if (reader->unescaped.failed)
        return -ENOMEM;
    return json_tree_add_string(&reader->tree, reader->unescaped.bytes, reader->unescaped.size);
}

/* Behind the quote that opens it. Without escapes, a long string shares the bytes of the text. */
static int read_string(JsonReader *reader) {
    const char *start = reader->at;
    skip_plain(reader);
    if (reader->at == reader->end || *reader->at != '"')
        return read_escaped_string(reader, start);

    size_t offset = (size_t)(start - string_bytes(reader->text));
    String *string = string_slice(reader->tree.heap, reader->text, offset, (size_t)(reader->at - start));
    reader->at++;
    return string ? json_tree_add_atom(&reader->tree, JSON_STRING, value_from_object(string)) : -ENOMEM;
}

/* --- containers --- */

/* The name of a member and its colon. */
static int read_member_name(JsonReader *reader) {
    skip_space(reader);
    if (!skip_byte(reader, '"'))
        return JSON_E_SYNTAX;
    int r = read_string(reader);
    if (r)
        return r;
    skip_space(reader);
    return skip_byte(reader, ':') ? 0 : JSON_E_SYNTAX;
}

/*
 * After a value: closes the containers that end here, and reads the name of
 * the member that follows.
 */
static int read_value_end(JsonReader *reader) {
    JsonTree *tree = &reader->tree;
    while (tree->depth > 0) {
        bool is_object = tree->open[tree->depth - 1].tag == JSON_OBJECT;
        skip_space(reader);
        if (skip_byte(reader, ','))
            return is_object ? read_member_name(reader) : 0;
        int r = skip_byte(reader, is_object ? '}' : ']') ? json_tree_close(tree) : JSON_E_SYNTAX;
        if (r)
            return r;
    }
    return 0;
}

static int read_atom(JsonReader *reader) {
    if (reader->at == reader->end)
        return JSON_E_SYNTAX;
    int r = skip_byte(reader, '"')                        ? read_string(reader)
            : *reader->at == '-' || is_digit(*reader->at) ? read_number(reader)
                                                          : read_name_of_value(reader);
    return r ? r : read_value_end(reader);
}

/* Behind the opening bracket. */
static int read_container(JsonReader *reader, JsonTag tag, char closer) {
    int r = json_tree_open(&reader->tree, tag);
    if (r)
        return r;
    skip_space(reader);
    if (reader->at < reader->end && *reader->at == closer)
        return read_value_end(reader);
    return tag == JSON_OBJECT ? read_member_name(reader) : 0;
}

static int read_value(JsonReader *reader) {
    skip_space(reader);
    if (skip_byte(reader, '['))
        return read_container(reader, JSON_ARRAY, ']');
    if (skip_byte(reader, '{'))
        return read_container(reader, JSON_OBJECT, '}');
    return read_atom(reader);
}

/* 0 when the whole text is one value; positive when it is not. */
static int read_text(JsonReader *reader) {
    if (!utf8_is_valid(reader->at, (size_t)(reader->end - reader->at)))
        return JSON_E_SYNTAX;
    do {
        int r = read_value(reader);
        if (r)
            return r;
    } while (reader->tree.depth > 0);
    skip_space(reader);
    return reader->at == reader->end ? 0 : JSON_E_SYNTAX;
}

static WordResult word_json_parse(Strand *strand) {
    String *text = value_string(strand_peek(strand, 0));
    JsonReader reader = {.text = text, .at = string_bytes(text)};
    reader.end = reader.at + text->size;
    buffer_init(&reader.unescaped, &strand->heap->mem);

    int r = json_tree_init(&reader.tree, strand->heap);
    if (!r)
        r = read_text(&reader);
    if (r < 0)
        strand_fault_memory(strand);
    else if (r > 0)
        strand_replace_ok(strand, 1, json_tree_empty(&reader.tree, JSON_NULL), false);
    else
        strand_replace_ok(strand, 1, json_tree_take(&reader.tree), true);
    json_tree_deinit(&reader.tree);
    buffer_deinit(&reader.unescaped);
    return r < 0 ? WORD_FAULTED : WORD_OK;
}

/* --- writing --- */

/* The letter that stands for a character behind a backslash, or 0. */
static char escaped_letter(uint32_t scalar) {
    switch (scalar) {
    case '"':
        return '"';
    case '\\':
        return '\\';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    default:
        return 0;
    }
}

static void escape_scalar(Buffer *out, uint32_t scalar, const char *bytes, size_t size) {
    char letter = escaped_letter(scalar);
    if (letter)
        buffer_append(out, (char[]){'\\', letter}, 2);
    else if (scalar < 0x20 || (scalar >= 0x7f && scalar <= 0x9f))
        buffer_append_format(out, "\\u%04X", (unsigned)scalar);
    else
        buffer_append(out, bytes, size);
}

static size_t plain_size(const char *at, const char *end) {
    const char *start = at;
    while (at < end && *at >= 0x20 && *at < 0x7f && *at != '"' && *at != '\\')
        at++;
    return (size_t)(at - start);
}

void json_escape(Buffer *out, const char *bytes, size_t size) {
    const char *at = bytes, *end = bytes + size;
    while (at < end) {
        size_t count = plain_size(at, end);
        if (count > 0) {
            buffer_append(out, at, count);
        } else {
            uint32_t scalar;
            count = utf8_decode(at, (size_t)(end - at), &scalar);
            escape_scalar(out, scalar, at, count);
        }
        at += count;
    }
}

/* A container, written up to `index`. */
typedef struct JsonFrame {
    const Variant *container;
    uint32_t index;
    bool is_object;
} JsonFrame;

typedef struct JsonWriter {
    Strand *strand;
    JsonSymbols symbols;
    Buffer out; /* remembers a refusal of memory */
    JsonFrame *frames;
    uint32_t count, capacity;
} JsonWriter;

static JsonTag tag_of(const JsonWriter *writer, const Variant *variant) {
    JsonTag tag = 0;
    while (tag < JSON_TAG_COUNT && writer->symbols.of[tag] != variant->symbol)
        tag++;
    return tag;
}

/* The one field of an atom; false, with a fault, when there is not exactly one. */
static bool atom_field(JsonWriter *writer, const Variant *variant, const char *what, Value *fieldp) {
    if (variant->count != 1) {
        strand_fault(writer->strand, "%s must have one field, and has %u", what, variant->count);
        return false;
    }
    *fieldp = variant_at(variant, 0);
    return true;
}

static bool write_bool(JsonWriter *writer, const Variant *variant) {
    Value field;
    if (!atom_field(writer, variant, "a JsonBool", &field))
        return false;
    if (!value_is_int(field) && !value_is_bool(field)) {
        strand_fault_kind(writer->strand, "Int in a JsonBool", field);
        return false;
    }
    bool truth = value_is_int(field) ? value_to_int(field) != 0 : value_to_bool(field);
    buffer_append_text(&writer->out, truth ? "true" : "false");
    return true;
}

/* JSON has no infinity and no NaN: they become null. */
static bool write_number(JsonWriter *writer, const Variant *variant) {
    Value field;
    if (!atom_field(writer, variant, "a JsonNumber", &field))
        return false;
    if (!value_is_float(field)) {
        strand_fault_kind(writer->strand, "Float in a JsonNumber", field);
        return false;
    }
    double number = value_to_float(field);
    if ((isfinite(number) ? print_float(&writer->out, number) : buffer_append_text(&writer->out, "null")) == 0)
        return true;
    strand_fault_memory(writer->strand);
    return false;
}

/* What is no UTF-8 is empty, as for all words on text. */
static bool write_string(JsonWriter *writer, const Variant *variant) {
    Value field;
    if (!atom_field(writer, variant, "a JsonString", &field))
        return false;
    if (!value_is_string(field)) {
        strand_fault_kind(writer->strand, "String in a JsonString", field);
        return false;
    }
    const String *string = value_string(field);
    buffer_append_byte(&writer->out, '"');
    if (utf8_is_valid(string_bytes(string), string->size))
        json_escape(&writer->out, string_bytes(string), string->size);
    buffer_append_byte(&writer->out, '"');
    return true;
}

static bool writer_grow(JsonWriter *writer) {
    Mem *mem = &writer->strand->heap->mem;
    JsonFrame *frames = mem_try_double(mem, writer->frames, sizeof *frames, &writer->capacity);
    if (frames == NULL) {
        strand_fault_memory(writer->strand);
        return false;
    }
    writer->frames = frames;
    return true;
}

static bool writer_enter(JsonWriter *writer, const Variant *container, bool is_object) {
    if (is_object && container->count % 2 != 0) {
        strand_fault(writer->strand, "a JsonObject must have a value for each name");
        return false;
    }
    if (writer->count == writer->capacity && !writer_grow(writer))
        return false;
    writer->frames[writer->count++] = (JsonFrame){.container = container, .is_object = is_object};
    buffer_append_byte(&writer->out, is_object ? '{' : '[');
    return true;
}

/* Writes an atom, or the start of a container. False after a fault. */
static bool write_value(JsonWriter *writer, Value value) {
    if (!value_is_variant(value)) {
        strand_fault_kind(writer->strand, "Variant", value);
        return false;
    }
    const Variant *variant = value_variant(value);
    switch (tag_of(writer, variant)) {
    case JSON_BOOL:
        return write_bool(writer, variant);
    case JSON_NUMBER:
        return write_number(writer, variant);
    case JSON_STRING:
        return write_string(writer, variant);
    case JSON_ARRAY:
        return writer_enter(writer, variant, false);
    case JSON_OBJECT:
        return writer_enter(writer, variant, true);
    default:
        buffer_append_text(&writer->out, "null");
        return true;
    }
}

static bool write_name(JsonWriter *writer, Value name) {
    if (value_is_variant(name) && tag_of(writer, value_variant(name)) == JSON_STRING)
        return write_string(writer, value_variant(name));
    strand_fault(writer->strand, "the names in a JsonObject must be JsonStrings");
    return false;
}

/* The next field of the innermost container, or its end. */
static bool write_step(JsonWriter *writer) {
    JsonFrame *frame = &writer->frames[writer->count - 1];
    if (frame->index == frame->container->count) {
        buffer_append_byte(&writer->out, frame->is_object ? '}' : ']');
        writer->count--;
        return true;
    }
    bool is_name = frame->is_object && frame->index % 2 == 0;
    bool is_member_value = frame->is_object && !is_name;
    if (is_member_value)
        buffer_append_byte(&writer->out, ':');
    else if (frame->index > 0)
        buffer_append_byte(&writer->out, ',');
    Value field = variant_at(frame->container, frame->index++);
    return is_name ? write_name(writer, field) : write_value(writer, field);
}

static WordResult write_text(JsonWriter *writer) {
    if (json_symbols_init(&writer->symbols, writer->strand->heap))
        return strand_fault_memory(writer->strand);
    bool is_good = write_value(writer, strand_peek(writer->strand, 0));
    while (is_good && !writer->out.failed && writer->count > 0)
        is_good = write_step(writer);
    if (!is_good)
        return WORD_FAULTED;
    if (writer->out.failed)
        return strand_fault_memory(writer->strand);
    return reply_bytes(writer->strand, 1, writer->out.bytes, writer->out.size);
}

static WordResult word_json_serialize(Strand *strand) {
    JsonWriter writer = {.strand = strand};
    buffer_init(&writer.out, &strand->heap->mem);
    WordResult result = write_text(&writer);
    buffer_deinit(&writer.out);
    mem_free(&strand->heap->mem, writer.frames, writer.capacity * sizeof *writer.frames);
    return result;
}

static const Word json_words[] = {
    {"json.parse", "( ..a String -- ..a Variant Bool )", PURE, BY_FUNCTION(word_json_parse), .is_ours = true,
     .help = "What json-parse of std:json stands on: the value of a JSON text and true; JsonNull and false when the "
             "text is not exactly one JSON value, or when more than 512 arrays and objects are inside each other."},
    {"json.serialize", "( ..a Variant -- ..a String )", PURE, BY_FUNCTION(word_json_serialize), .is_ours = true,
     .help =
         "What json-serialize of std:json stands on: the value as a JSON text without spaces. A variant with another "
         "tag, NaN and the infinities become null; a String that is not valid UTF-8 becomes empty. A variant with "
         "the tag of a JSON value and other fields than it must have is a trap."},
};

const WordFamily json_family = {"json", json_words, sizeof json_words / sizeof *json_words};
