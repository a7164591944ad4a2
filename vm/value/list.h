/* SPDX-License-Identifier: MIT */
/*
 * List: the growing form of a variant (any tag, normally `List`).
 *
 * Flat while it can be changed in place: one block of values, pushed to and
 * set in O(1) while unshared. A shared list of more than LIST_FLAT_MAX
 * elements that is to be changed becomes a persistent trie of 32-way nodes
 * first, so that a change of one element never copies the whole. Which of the
 * two it is nobody outside this file sees, except that `items` is the flat
 * block, for the interpreter's fast path.
 *
 * Lists of Ints, Bools and the like hold no counted objects; the flag
 * LIST_HAS_OBJECTS says whether an element ever was one, and freeing and
 * copying skip the walk without it.
 */
#pragma once

#include "vm/value/variant.h"

typedef struct List List;

enum {
    LIST_FLAT_MAX = 256, /* a bigger shared one becomes a trie when changed */
    LIST_COUNT_MAX = 0x7fffffff,
    /* flags; a list without any is plain, see list_is_plain */
    LIST_HAS_OBJECTS = 1,
    LIST_IS_TRIE = 2,
};

struct List {
    Object object;
    uint32_t symbol;
    uint32_t count;
    Value *items; /* the flat block; NULL when it is a trie, or empty and not yet allocated */
    uint32_t capacity;
    uint32_t shift;        /* trie: bits of the root's level */
    struct ListNode *root; /* trie: all elements before the tail; NULL in a flat list */
    struct ListNode *tail; /* trie: the last 1 to 32 elements; NULL in a flat list */
};

static inline List *value_list(Value value) {
    return (List *)value_object(value);
}

/*
 * An unshared flat list of uncounted elements, which may be changed in place
 * and need not be read before: one comparison of the object's whole head.
 */
static inline bool list_is_plain(Value value) {
    const Object plain = {.count = 1, .tag = TAG_LIST};
    return value_is_object(value) && memcmp(value_object(value), &plain, sizeof plain) == 0;
}

/* An empty list with room for `capacity` elements. NULL when memory is refused. */
List *list_new(Heap *heap, uint32_t symbol, uint32_t capacity) MUST_CHECK;

/*
 * Those that change take a variant of either form and give the changed one,
 * in place when the caller held the only reference. NULL when memory is
 * refused or the list is full; then the variant is untouched and still the
 * caller's, and so is `item`.
 */
List *list_push(Heap *heap, TAKEN Variant *variant, TAKEN Value item) MUST_CHECK;
/* `index` below count. Keeps the form: a variant stays a variant. */
Variant *list_set(Heap *heap, TAKEN Variant *variant, uint32_t index, TAKEN Value item) MUST_CHECK;
/*
 * A flat copy (or the list itself when unshared and flat) whose `items` the
 * caller may overwrite in place; it sets LIST_HAS_OBJECTS when it puts an
 * object there. NULL as above.
 */
List *list_flatten(Heap *heap, TAKEN Variant *variant) MUST_CHECK;
/* Elements [start, start + count) as a new flat list with the same tag. Borrows. NULL when memory is refused. */
List *list_slice(Heap *heap, const Variant *variant, uint32_t start, uint32_t count) MUST_CHECK;

/* Element `index` (below count), borrowed; `list` may be flat or a trie. */
Value list_at(const List *list, uint32_t index);

/* For value_release: gives the elements up through value_drop_child, and frees the list. */
void list_free(Heap *heap, List *list, Object **dead);
/* The same for a dead TAG_NODE with NODE_IS_LIST. */
void list_node_free(Heap *heap, Object *node, Object **dead);
/* Panics unless all that this page says holds. For tests and debug builds. */
void list_check(const List *list);
