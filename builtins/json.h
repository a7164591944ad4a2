/* SPDX-License-Identifier: MIT */
/*
 * The values of JSON texts, which YAML documents have, too. They are variants:
 *
 *   JsonNull              nothing
 *   JsonBool              an Int, 0 or 1
 *   JsonNumber            a Float
 *   JsonString            a String
 *   JsonArray             its elements
 *   JsonObject            name, value, name, value ... in the text's order; names are JsonStrings
 *
 * A JsonTree makes such a value from the inside out. Its stack holds the fields of
 * all containers that are open, one behind the other; closing a container
 * takes its fields from there.
 */
#pragma once

#include "vm/base/buffer.h"
#include "vm/value/heap.h"

enum { JSON_DEPTH_MAX = 512 }; /* containers inside each other that a text may have */

typedef enum JsonTag {
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
    JSON_TAG_COUNT,
} JsonTag;

/* The symbols of the tags in one heap. */
typedef struct JsonSymbols {
    uint32_t of[JSON_TAG_COUNT];
} JsonSymbols;

/* -ENOMEM when memory is refused. */
int json_symbols_init(JsonSymbols *symbols, Heap *heap) MUST_CHECK;

typedef struct JsonTree {
    Heap *heap;
    JsonSymbols symbols;
    Value *fields; /* of the open containers; owned */
    uint32_t count, capacity;
    uint32_t depth; /* open containers */
    struct {
        JsonTag tag;
        uint32_t start; /* of its fields */
    } open[JSON_DEPTH_MAX];
} JsonTree;

enum { JSON_E_TOO_DEEP = 1 };

/* Each -ENOMEM when memory is refused. */
int json_tree_init(JsonTree *tree, Heap *heap) MUST_CHECK;
void json_tree_deinit(JsonTree *tree);
/* Adds any value; takes it also when it fails. */
int json_tree_add(JsonTree *tree, TAKEN Value value) MUST_CHECK;
/* Adds a variant of one field, or of none for JSON_NULL. Takes the field also when it fails. */
int json_tree_add_atom(JsonTree *tree, JsonTag tag, TAKEN Value field) MUST_CHECK;
/* Adds a JsonString. */
int json_tree_add_string(JsonTree *tree, const char *bytes, size_t size) MUST_CHECK;
/* Opens an array or object. JSON_E_TOO_DEEP when it would be one too many. */
int json_tree_open(JsonTree *tree, JsonTag tag) MUST_CHECK;
/* Closes the container opened last; it is then a field of the one around it. */
int json_tree_close(JsonTree *tree) MUST_CHECK;
/* The whole value: there is one, and all containers are closed. The caller's. */
Value json_tree_take(JsonTree *tree);
/* JsonNull, or an empty container. The caller's; never refused. */
Value json_tree_empty(const JsonTree *tree, JsonTag tag);

/*
 * Appends a text (valid UTF-8) with `"`, `\`, and controls escaped as in
 * JSON. The buffer remembers a refusal.
 */
void json_escape(Buffer *out, const char *bytes, size_t size);
