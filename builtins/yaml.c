/* SPDX-License-Identifier: MIT */
/*
 * YAML 1.2 to the values of JSON (json.h), on libyaml's stream of events. The
 * library is opened when a program first reads YAML; built with its header
 * only. Without the header these words are absent.
 *
 * libyaml knows the syntax; what a scalar means is decided here, by the core
 * schema. A mapping's keys are scalars, taken as their text. An anchor's value
 * is remembered under its name, and an alias is the same value again; as a
 * few aliases of aliases can stand for billions of values, those are counted.
 */
#include "builtins/builtins.h"

#ifdef HAVE_YAML

#include "builtins/json.h"
#include "vm/base/arena.h"
#include "vm/base/decimal.h"
#include "vm/base/table.h"
#include "vm/base/utf8.h"
#include "vm/exec/world.h"
#include "vm/value/variant.h"
#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <yaml.h>

enum {
    ALIASED_MAX = 10 * 1000 * 1000, /* values that all aliases of a document may stand for */
    YAML_E_NO_DOCUMENT = 2,         /* not well formed, or nothing that we can show */
};

/* --- the library --- */

typedef struct YamlLibrary {
    void *handle;
    int (*parser_initialize)(yaml_parser_t *parser);
    void (*parser_delete)(yaml_parser_t *parser);
    void (*parser_set_input_string)(yaml_parser_t *parser, const unsigned char *input, size_t size);
    void (*parser_set_encoding)(yaml_parser_t *parser, yaml_encoding_t encoding);
    int (*parser_parse)(yaml_parser_t *parser, yaml_event_t *event);
    void (*event_delete)(yaml_event_t *event);
} YamlLibrary;

static void library_close(World *world, void *state) {
    YamlLibrary *library = state;
    (void)world;
    if (library->handle)
        dlclose(library->handle);
}

static bool library_open(YamlLibrary *library) {
    void *handle = dlopen("libyaml-0.so.2", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        return false;
    const struct {
        const char *name;
        void *function;
    } rows[] = {
        {"yaml_parser_initialize", &library->parser_initialize},
        {"yaml_parser_delete", &library->parser_delete},
        {"yaml_parser_set_input_string", &library->parser_set_input_string},
        {"yaml_parser_set_encoding", &library->parser_set_encoding},
        {"yaml_parser_parse", &library->parser_parse},
        {"yaml_event_delete", &library->event_delete},
    };
    for (size_t index = 0; index < sizeof rows / sizeof *rows; index++) {
        void *symbol = dlsym(handle, rows[index].name);
        if (symbol == NULL) {
            dlclose(handle);
            return false;
        }
        memcpy(rows[index].function, &symbol, sizeof symbol); /* C has no cast from object to function */
    }
    library->handle = handle;
    return true;
}

/* The library, open; NULL after a fault. */
static const YamlLibrary *library_of(Strand *strand) {
    YamlLibrary *library = world_state(strand->world, &yaml_family, sizeof *library, library_close);
    if (library == NULL)
        strand_fault_memory(strand);
    else if (library->handle == NULL && !library_open(library))
        strand_fault(strand, "the library libyaml-0.so.2 is not installed here");
    else
        return library;
    return NULL;
}

/* --- scalars --- */

static const char *skip_sign(const char *at, const char *end) {
    return at < end && (*at == '+' || *at == '-') ? at + 1 : at;
}

static int digit_of(char byte) {
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return 16;
}

/* 0o and 0x with digits. Rounded at each digit once they are too many for a double; nobody writes those. */
static bool read_radix(const char *at, const char *end, double *numberp) {
    if (end - at < 3 || at[0] != '0' || (at[1] != 'o' && at[1] != 'x'))
        return false;
    int base = at[1] == 'o' ? 8 : 16;
    *numberp = 0;
    for (at += 2; at < end; at++) {
        if (digit_of(*at) >= base)
            return false;
        *numberp = *numberp * base + digit_of(*at);
    }
    return true;
}

static bool is_one_of(const char *at, const char *end, const char *const words[3]) {
    for (int index = 0; index < 3; index++)
        if (strlen(words[index]) == (size_t)(end - at) && memcmp(words[index], at, (size_t)(end - at)) == 0)
            return true;
    return false;
}

static bool read_special(const char *at, const char *end, double *numberp) {
    static const char *const infinities[] = {".inf", ".Inf", ".INF"}, *const nans[] = {".nan", ".NaN", ".NAN"};
    if (is_one_of(at, end, nans)) {
        *numberp = (double)NAN;
        return true;
    }
    bool negative = at < end && *at == '-';
    if (!is_one_of(skip_sign(at, end), end, infinities))
        return false;
    *numberp = negative ? -(double)INFINITY : (double)INFINITY;
    return true;
}

static bool read_number(const char *at, const char *end, double *numberp) {
    if (decimal_matches(at, (size_t)(end - at))) {
        *numberp = decimal_read(at, (size_t)(end - at));
        return true;
    }
    return read_radix(at, end, numberp) || read_special(at, end, numberp);
}

/* A plain scalar, by the core schema. */
static int add_plain(JsonTree *tree, const char *at, size_t size) {
    static const char *const nulls[] = {"null", "Null", "NULL"}, *const trues[] = {"true", "True", "TRUE"},
                             *const falses[] = {"false", "False", "FALSE"};
    const char *end = at + size;
    double number;
    if (size == 0 || (size == 1 && *at == '~') || is_one_of(at, end, nulls))
        return json_tree_add_atom(tree, JSON_NULL, VALUE_ZERO);
    if (is_one_of(at, end, trues))
        return json_tree_add_atom(tree, JSON_BOOL, value_from_int(1));
    if (is_one_of(at, end, falses))
        return json_tree_add_atom(tree, JSON_BOOL, value_from_int(0));
    if (read_number(at, end, &number))
        return json_tree_add_atom(tree, JSON_NUMBER, value_from_float(tree->heap, number));
    return json_tree_add_string(tree, at, size);
}

/* --- documents --- */

/* What an anchor names. */
typedef struct Anchor {
    Value value;          /* owned */
    uint64_t value_count; /* values in it, with those of its aliases */
} Anchor;

typedef struct Document {
    JsonTree tree;
    Arena arena;   /* of anchors and their names */
    Table anchors; /* by name */
    uint32_t document_count;
    uint64_t value_count;   /* so far, with those that aliases stand for */
    uint64_t aliased_count; /* those only */
    struct {
        const char *anchor;   /* its name, or NULL */
        uint64_t value_count; /* when it was opened */
    } open[JSON_DEPTH_MAX];   /* beside the tree's */
} Document;

static int document_init(Document *document, Heap *heap) {
    arena_init(&document->arena, &heap->mem);
    table_init(&document->anchors, &heap->mem);
    document->document_count = 0;
    document->value_count = document->aliased_count = 0;
    return json_tree_init(&document->tree, heap);
}

static void document_deinit(Document *document) {
    for (uint32_t index = 0; index < document->anchors.count; index++) {
        const Anchor *anchor = document->anchors.entries[index].pointer;
        value_unref(document->tree.heap, anchor->value);
    }
    table_deinit(&document->anchors);
    arena_deinit(&document->arena);
    json_tree_deinit(&document->tree);
}

/* True where the innermost container wants a key next. */
static bool wants_key(const Document *document) {
    const JsonTree *tree = &document->tree;
    if (tree->depth == 0 || tree->open[tree->depth - 1].tag != JSON_OBJECT)
        return false;
    return (tree->count - tree->open[tree->depth - 1].start) % 2 == 0;
}

/* The name in the document's arena; NULL without one, or when memory is refused (the arena then says so). */
static const char *anchor_name(Document *document, const yaml_char_t *anchor) {
    const char *name = (const char *)anchor;
    return name ? arena_copy(&document->arena, name, strlen(name)) : NULL;
}

/* The value added last gets this name; one that had it before keeps its value only where it was used. */
static int anchor_put(Document *document, const char *name, uint64_t value_count) {
    if (name == NULL)
        return document->arena.failed ? -ENOMEM : 0;
    Value value = document->tree.fields[document->tree.count - 1];
    Anchor *anchor = table_find(&document->anchors, name, strlen(name));
    if (anchor == NULL) {
        anchor = arena_new(&document->arena, Anchor);
        anchor->value = VALUE_ZERO;
        int r = table_put(&document->anchors, name, strlen(name), anchor);
        if (r)
            return r;
    }
    value_unref(document->tree.heap, anchor->value);
    anchor->value = value_ref(value);
    anchor->value_count = value_count;
    return 0;
}

static bool is_string_tag(const yaml_char_t *tag) {
    return tag && (strcmp((const char *)tag, YAML_STR_TAG) == 0 || strcmp((const char *)tag, "!") == 0);
}

/* One of the schema's own tags: the text counts, quoted or not. */
static bool is_schema_tag(const yaml_char_t *tag) {
    static const char *const tags[] = {YAML_NULL_TAG, YAML_BOOL_TAG, YAML_INT_TAG, YAML_FLOAT_TAG};
    for (size_t index = 0; tag && index < sizeof tags / sizeof *tags; index++)
        if (strcmp((const char *)tag, tags[index]) == 0)
            return true;
    return false;
}

static int take_scalar(Document *document, const yaml_event_t *event) {
    const char *bytes = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    const yaml_char_t *tag = event->data.scalar.tag;
    bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !is_string_tag(tag);

    bool has_meaning = !wants_key(document) && (is_plain || is_schema_tag(tag));
    int r = has_meaning ? add_plain(&document->tree, bytes, size) : json_tree_add_string(&document->tree, bytes, size);
    if (r)
        return r;
    document->value_count++;
    return anchor_put(document, anchor_name(document, event->data.scalar.anchor), 1);
}

static int take_start(Document *document, JsonTag tag, const yaml_char_t *anchor) {
    if (wants_key(document))
        return YAML_E_NO_DOCUMENT;
    int r = json_tree_open(&document->tree, tag);
    if (r)
        return r;
    uint32_t index = document->tree.depth - 1;
    document->open[index].anchor = anchor_name(document, anchor);
    document->open[index].value_count = document->value_count++;
    return document->arena.failed ? -ENOMEM : 0;
}

static int take_end(Document *document) {
    int r = json_tree_close(&document->tree);
    if (r)
        return r;
    uint32_t index = document->tree.depth;
    return anchor_put(document, document->open[index].anchor,
                      document->value_count - document->open[index].value_count);
}

static int take_alias(Document *document, const yaml_char_t *name) {
    const Anchor *anchor = table_find(&document->anchors, (const char *)name, strlen((const char *)name));
    if (anchor == NULL || wants_key(document))
        return YAML_E_NO_DOCUMENT;
    document->value_count += anchor->value_count;
    document->aliased_count += anchor->value_count;
    if (document->aliased_count > ALIASED_MAX)
        return YAML_E_NO_DOCUMENT;
    return json_tree_add(&document->tree, value_ref(anchor->value));
}

static int take_event(Document *document, const yaml_event_t *event) {
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return document->document_count++ > 0 ? YAML_E_NO_DOCUMENT : 0;
    case YAML_SCALAR_EVENT:
        return take_scalar(document, event);
    case YAML_SEQUENCE_START_EVENT:
        return take_start(document, JSON_ARRAY, event->data.sequence_start.anchor);
    case YAML_MAPPING_START_EVENT:
        return take_start(document, JSON_OBJECT, event->data.mapping_start.anchor);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return take_end(document);
    case YAML_ALIAS_EVENT:
        return take_alias(document, event->data.alias.anchor);
    default:
        return 0;
    }
}

static int read_events(Document *document, const YamlLibrary *library, yaml_parser_t *parser) {
    for (bool is_end = false; !is_end;) {
        yaml_event_t event;
        if (!library->parser_parse(parser, &event))
            return parser->error == YAML_MEMORY_ERROR ? -ENOMEM : YAML_E_NO_DOCUMENT;
        is_end = event.type == YAML_STREAM_END_EVENT;
        int r = take_event(document, &event);
        library->event_delete(&event);
        if (r)
            return r;
    }
    return 0;
}

/* A mapping or list with something in it, and nothing else. */
static int read_document(Document *document, const YamlLibrary *library, const String *text) {
    const char *bytes = string_bytes(text);
    if (!utf8_is_valid(bytes, text->size))
        return YAML_E_NO_DOCUMENT;
    yaml_parser_t parser;
    if (!library->parser_initialize(&parser))
        return -ENOMEM;
    library->parser_set_input_string(&parser, (const unsigned char *)bytes, text->size);
    library->parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    int r = read_events(document, library, &parser);
    library->parser_delete(&parser);
    if (r)
        return r;

    const JsonTree *tree = &document->tree;
    const Variant *root = tree->count == 1 ? value_variant(tree->fields[0]) : NULL;
    bool is_container =
        root && (root->symbol == tree->symbols.of[JSON_OBJECT] || root->symbol == tree->symbols.of[JSON_ARRAY]);
    return is_container && root->count > 0 ? 0 : YAML_E_NO_DOCUMENT;
}

static WordResult word_yaml_parse(Strand *strand) {
    const YamlLibrary *library = library_of(strand);
    if (library == NULL)
        return WORD_FAULTED;

    Document document;
    int r = document_init(&document, strand->heap);
    if (!r)
        r = read_document(&document, library, value_string(strand_peek(strand, 0)));
    if (r < 0)
        strand_fault_memory(strand);
    else if (r > 0)
        strand_replace_ok(strand, 1, json_tree_empty(&document.tree, JSON_OBJECT), false);
    else
        strand_replace_ok(strand, 1, json_tree_take(&document.tree), true);
    document_deinit(&document);
    return r < 0 ? WORD_FAULTED : WORD_OK;
}

#define HOW BY_FUNCTION(word_yaml_parse)
#else
#define HOW ABSENT
#endif

static const Word yaml_words[] = {
    {"yaml.parse", "( ..a String -- ..a Variant Bool )", PURE, HOW, .is_ours = true,
     .help = "What yaml-parse of std:yaml stands on: the value of a YAML document and true; an empty JsonObject and "
             "false when it is not well formed, no mapping or list, empty, more than one, has a key that is no scalar, "
             "or more than 512 collections inside each other. When libyaml is not installed, it is a trap."},
};

const WordFamily yaml_family = {"yaml", yaml_words, sizeof yaml_words / sizeof *yaml_words};
