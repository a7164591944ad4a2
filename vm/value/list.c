/* SPDX-License-Identifier: MIT */
/*
 * A list is flat or a trie.
 *
 *   flat   items[0 .. capacity)
 *   trie   root -> inner nodes -> leaves of 32 elements each, all full,
 *          and a tail of 1 to 32 elements that is not yet in the tree
 *
 * An element's index, five bits a level, is its path from the root. An
 * operation first makes the list's head its own (unshared), then walks down
 * and makes each node of the path its own before it goes on: a shared node is
 * copied, which gives its children another reference, so they are shared in
 * turn; an unshared one is used as it is. So a change copies at most one path,
 * and with one owner nothing at all.
 *
 * Elements are pushed to the tail; each 32nd push hangs the full tail into
 * the tree. Nothing is ever taken away from a trie.
 *
 * Nodes are small things that cannot be refused. Whoever makes more of them
 * than a path looks at each whether memory is exhausted; a change of a trie
 * refuses to start then, so that a loop of pushes cannot eat the reserve.
 */
#include "vm/value/list.h"

enum {
    NODE_BITS = 5,
    NODE_WIDTH = 1 << NODE_BITS,
    NODE_MASK = NODE_WIDTH - 1,
};

/* Leaf or inner node alike, so that one function frees and one copies them. */
typedef struct ListNode {
    Object object;           /* TAG_NODE, NODE_IS_LIST */
    Value slots[NODE_WIDTH]; /* elements, or nodes; VALUE_ZERO behind the last */
} ListNode;

static_assert(sizeof(ListNode) <= MEM_SMALL_MAX, "a node is small");
static_assert((int)LIST_FLAT_MAX >= (int)NODE_WIDTH, "a trie has a root from the start");
static_assert((int)LIST_FLAT_MAX >= (int)VARIANT_FIELDS_MAX, "a shared variant is copied flat");

static bool is_trie(const List *list) {
    return list->tail != NULL;
}

/* In a trie: how many elements are in the tree, those before the tail. */
static uint32_t tree_count(const List *list) {
    return (list->count - 1) & ~(uint32_t)NODE_MASK;
}

static ListNode *node_child(const ListNode *node, uint32_t slot) {
    return (ListNode *)value_object(node->slots[slot]);
}

/* --- reading --- */

static const ListNode *trie_leaf(const List *list, uint32_t index) {
    if (index >= tree_count(list))
        return list->tail;
    const ListNode *node = list->root;
    for (uint32_t level = list->shift; level > 0; level -= NODE_BITS)
        node = node_child(node, (index >> level) & NODE_MASK);
    return node;
}

Value list_at(const List *list, uint32_t index) {
    check(index < list->count);
    if (LIKELY(list->items != NULL))
        return list->items[index];
    return trie_leaf(list, index)->slots[index & NODE_MASK];
}

/* Where element `index` lies; `*countp` is how many follow in the same block, itself included. */
static const Value *variant_run(const Variant *variant, uint32_t index, uint32_t *countp) {
    const List *list = (const List *)variant;
    uint32_t count = variant->count - index;
    const Value *run;

    if (variant->object.tag == TAG_VARIANT) {
        run = variant->fields + index;
    } else if (!is_trie(list)) {
        run = list->items + index;
    } else {
        uint32_t rest = NODE_WIDTH - (index & NODE_MASK);
        count = count < rest ? count : rest;
        run = trie_leaf(list, index)->slots + (index & NODE_MASK);
    }
    *countp = count;
    return run;
}

/* --- making flat ones --- */

static bool variant_may_have_objects(const Variant *variant) {
    return variant->object.tag == TAG_VARIANT || (variant->object.flags & LIST_HAS_OBJECTS);
}

static size_t items_size(uint32_t capacity) {
    return capacity * sizeof(Value);
}

List *list_new(Heap *heap, uint32_t symbol, uint32_t capacity) {
    Value *items = NULL;
    if (capacity > 0) {
        items = mem_try(&heap->mem, items_size(capacity));
        if (items == NULL)
            return NULL;
    }
    List *list = heap_object(heap, sizeof *list, TAG_LIST);
    list->symbol = symbol;
    list->count = 0;
    list->items = items;
    list->capacity = capacity;
    list->shift = 0;
    list->root = NULL;
    list->tail = NULL;
    return list;
}

/* Another reference to each; true when any of them is counted. */
static bool values_ref(const Value *values, uint32_t count) {
    bool any = false;
    for (uint32_t index = 0; index < count; index++) {
        value_ref(values[index]);
        any |= value_is_object(values[index]);
    }
    return any;
}

static bool values_have_objects(const Value *values, uint32_t count) {
    bool any = false;
    for (uint32_t index = 0; index < count; index++)
        any |= value_is_object(values[index]);
    return any;
}

static void list_note_objects(List *list, bool any) {
    if (any)
        list->object.flags |= LIST_HAS_OBJECTS;
}

/* Appends elements [start, start + count) of `variant` to a flat list that has room for them. */
static void list_fill(List *list, const Variant *variant, uint32_t start, uint32_t count) {
    bool counted = variant_may_have_objects(variant);
    for (uint32_t done = 0, run_count; done < count; done += run_count) {
        const Value *run = variant_run(variant, start + done, &run_count);
        if (run_count > count - done)
            run_count = count - done;
        memcpy(list->items + list->count, run, run_count * sizeof *run);
        list->count += run_count;
        if (counted)
            list_note_objects(list, values_ref(run, run_count));
    }
}

List *list_slice(Heap *heap, const Variant *variant, uint32_t start, uint32_t count) {
    check(start <= variant->count && count <= variant->count - start);
    List *list = list_new(heap, variant->symbol, count);
    if (list)
        list_fill(list, variant, start, count);
    return list;
}

/* The only reference to a variant becomes a list: its fields move. */
static void list_move_fields(Heap *heap, List *list, TAKEN Variant *variant) {
    if (variant->count > 0)
        memcpy(list->items, variant->fields, items_size(variant->count));
    list->count = variant->count;
    list_note_objects(list, values_have_objects(variant->fields, variant->count));
    mem_free(&heap->mem, variant, variant_size(variant->count));
}

/* The same elements in an unshared flat list with room for `capacity`. Takes `variant`, unless it gives NULL. */
static List *list_flat_from(Heap *heap, TAKEN Variant *variant, uint32_t capacity) {
    List *list = list_new(heap, variant->symbol, capacity);
    if (list == NULL)
        return NULL;
    if (variant->object.tag == TAG_VARIANT && object_is_unshared(&variant->object)) {
        list_move_fields(heap, list, variant);
    } else {
        list_fill(list, variant, 0, variant->count);
        value_unref(heap, value_from_object(variant));
    }
    return list;
}

List *list_flatten(Heap *heap, TAKEN Variant *variant) {
    List *list = (List *)variant;
    if (variant->object.tag == TAG_LIST && !is_trie(list) && object_is_unshared(&list->object))
        return list;
    return list_flat_from(heap, variant, variant->count);
}

/* --- nodes --- */

static ListNode *node_init(ListNode *node) {
    node->object.flags = NODE_IS_LIST;
    for (uint32_t slot = 0; slot < NODE_WIDTH; slot++)
        node->slots[slot] = VALUE_ZERO;
    return node;
}

static ListNode *node_new(Heap *heap) {
    return node_init(heap_object(heap, sizeof(ListNode), TAG_NODE));
}

/* The node itself when it is unshared, else a copy of it; takes the reference and gives one. */
static ListNode *node_own(Heap *heap, TAKEN ListNode *node) {
    if (object_is_unshared(&node->object))
        return node;
    ListNode *copy = heap_object(heap, sizeof *copy, TAG_NODE);
    copy->object.flags = NODE_IS_LIST;
    memcpy(copy->slots, node->slots, sizeof copy->slots);
    values_ref(copy->slots, NODE_WIDTH);
    value_unref(heap, value_from_object(node));
    return copy;
}

/* The child of an unshared node, made unshared too; a new one where there is none yet. */
static ListNode *node_own_child(Heap *heap, ListNode *node, uint32_t slot) {
    bool exists = value_is_object(node->slots[slot]);
    ListNode *child = exists ? node_own(heap, node_child(node, slot)) : node_new(heap);
    node->slots[slot] = value_from_object(child);
    return child;
}

/* --- tries --- */

/* The list itself when it is unshared, else a new head over the same nodes. */
static List *trie_own(Heap *heap, TAKEN List *list) {
    if (object_is_unshared(&list->object))
        return list;
    List *copy = heap_object(heap, sizeof *copy, TAG_LIST);
    Object head = copy->object;
    *copy = *list;
    copy->object = head;
    copy->object.flags = list->object.flags;
    copy->root->object.count++;
    copy->tail->object.count++;
    value_unref(heap, value_from_object(list));
    return copy;
}

/* The tree grows by a level when the next leaf has no place below the root. */
static void trie_raise(Heap *heap, List *list, uint32_t index) {
    if (list->root == NULL) {
        list->root = node_new(heap);
        list->shift = NODE_BITS;
    } else if ((uint64_t)index >> (list->shift + NODE_BITS) > 0) {
        ListNode *root = node_new(heap);
        root->slots[0] = value_from_object(list->root);
        list->root = root;
        list->shift += NODE_BITS;
    }
}

/* Hangs the full tail into the tree. The list, its own, has no tail then. */
static void trie_hang_tail(Heap *heap, List *list) {
    uint32_t index = list->count - NODE_WIDTH; /* of the tail's first element */
    trie_raise(heap, list, index);

    list->root = node_own(heap, list->root);
    ListNode *node = list->root;
    for (uint32_t level = list->shift; level > NODE_BITS; level -= NODE_BITS)
        node = node_own_child(heap, node, (index >> level) & NODE_MASK);
    node->slots[(index >> NODE_BITS) & NODE_MASK] = value_from_object(list->tail);
    list->tail = NULL;
}

static void trie_push(Heap *heap, List *list, TAKEN Value item) {
    uint32_t slot = list->count & NODE_MASK;
    if (slot == 0) {
        trie_hang_tail(heap, list);
        list->tail = node_new(heap);
    } else {
        list->tail = node_own(heap, list->tail);
    }
    list->tail->slots[slot] = item;
}

/* The slot of an element in a trie whose head is its own; all above it becomes its own too. */
static Value *trie_own_slot(Heap *heap, List *list, uint32_t index) {
    if (index >= tree_count(list)) {
        list->tail = node_own(heap, list->tail);
        return &list->tail->slots[index & NODE_MASK];
    }
    list->root = node_own(heap, list->root);
    ListNode *node = list->root;
    for (uint32_t level = list->shift; level > 0; level -= NODE_BITS)
        node = node_own_child(heap, node, (index >> level) & NODE_MASK);
    return &node->slots[index & NODE_MASK];
}

/* Adds a copy of up to 32 elements to a trie under construction. */
static bool trie_add_leaf(Heap *heap, List *trie, const Value *items, uint32_t count) {
    ListNode *leaf = mem_is_exhausted(&heap->mem) ? NULL : heap_try_object(heap, sizeof *leaf, TAG_NODE);
    if (leaf == NULL)
        return false;
    node_init(leaf);
    memcpy(leaf->slots, items, count * sizeof *items);
    list_note_objects(trie, values_ref(items, count));

    if (trie->tail)
        trie_hang_tail(heap, trie);
    trie->tail = leaf;
    trie->count += count;
    return true;
}

/* The elements of a shared flat list as an unshared trie. Takes `list`, unless it gives NULL. */
static List *trie_from_flat(Heap *heap, TAKEN List *list) {
    List *trie = list_new(heap, list->symbol, 0);
    if (trie)
        trie->object.flags |= LIST_IS_TRIE;
    for (uint32_t index = 0; trie && index < list->count; index += NODE_WIDTH) {
        uint32_t rest = list->count - index;
        if (!trie_add_leaf(heap, trie, list->items + index, rest < NODE_WIDTH ? rest : NODE_WIDTH)) {
            value_unref(heap, value_from_object(trie));
            return NULL;
        }
    }
    value_unref(heap, value_from_object(list));
    return trie;
}

/* --- changing --- */

static List *flat_resize(Heap *heap, List *list, uint32_t capacity) {
    Value *items = mem_try_resize(&heap->mem, list->items, items_size(list->capacity), items_size(capacity));
    if (items == NULL)
        return NULL;
    list->items = items;
    list->capacity = capacity;
    return list;
}

/* Room for some more: as much again, so that pushing is linear. */
static uint32_t capacity_grown(uint32_t count) {
    if (count < 4)
        return 4;
    return count > LIST_COUNT_MAX / 2 ? LIST_COUNT_MAX : count * 2;
}

/* Room for one more in an unshared flat list; near the limit of memory we ask for less. */
static List *flat_reserve(Heap *heap, List *list) {
    if (list->count < list->capacity)
        return list;
    if (flat_resize(heap, list, capacity_grown(list->count)))
        return list;
    uint32_t less = list->count + list->count / 8 + 1;
    return less < capacity_grown(list->count) ? flat_resize(heap, list, less) : NULL;
}

/* A list that may be changed in place. Takes `variant`, unless it gives NULL. A flat one made here has room for `capacity`. */
static List *list_own(Heap *heap, TAKEN Variant *variant, uint32_t capacity) {
    List *list = (List *)variant;
    if (variant->object.tag == TAG_VARIANT)
        return list_flat_from(heap, variant, capacity);
    if (is_trie(list))
        return mem_is_exhausted(&heap->mem) ? NULL : trie_own(heap, list);
    if (object_is_unshared(&list->object))
        return list;
    if (list->count > LIST_FLAT_MAX)
        return trie_from_flat(heap, list);
    return list_flat_from(heap, variant, capacity);
}

List *list_push(Heap *heap, TAKEN Variant *variant, TAKEN Value item) {
    if (UNLIKELY(variant->count == LIST_COUNT_MAX))
        return NULL;
    List *list = list_own(heap, variant, capacity_grown(variant->count));
    if (list == NULL)
        return NULL;
    if (is_trie(list)) {
        trie_push(heap, list, item);
    } else {
        if (!flat_reserve(heap, list))
            return NULL; /* it was unshared before, so it is still the caller's; one made here has room */
        list->items[list->count] = item;
    }
    list->count++;
    list_note_objects(list, value_is_object(item));
    return list;
}

static void slot_replace(Heap *heap, Value *slot, TAKEN Value item) {
    Value old = *slot;
    *slot = item;
    value_unref(heap, old);
}

static Variant *variant_own(Heap *heap, TAKEN Variant *variant) {
    if (object_is_unshared(&variant->object))
        return variant;
    values_ref(variant->fields, variant->count);
    Variant *copy = variant_new(heap, variant->symbol, variant->count, variant->fields);
    value_unref(heap, value_from_object(variant));
    return copy;
}

static Value *list_own_slot(Heap *heap, List *list, uint32_t index) {
    return is_trie(list) ? trie_own_slot(heap, list, index) : &list->items[index];
}

Variant *list_set(Heap *heap, TAKEN Variant *variant, uint32_t index, TAKEN Value item) {
    check(index < variant->count);
    if (variant->object.tag == TAG_VARIANT) {
        variant = variant_own(heap, variant);
        slot_replace(heap, &variant->fields[index], item);
        return variant;
    }
    List *list = list_own(heap, variant, variant->count);
    if (list == NULL)
        return NULL;
    slot_replace(heap, list_own_slot(heap, list, index), item);
    list_note_objects(list, value_is_object(item));
    return (Variant *)list;
}

/* --- freeing --- */

static void values_drop(const Value *values, uint32_t count, Object **dead) {
    for (uint32_t index = 0; index < count; index++)
        value_drop_child(dead, values[index]);
}

void list_free(Heap *heap, List *list, Object **dead) {
    if (list->root)
        value_drop_child(dead, value_from_object(list->root));
    if (list->tail)
        value_drop_child(dead, value_from_object(list->tail));
    if (list->items && (list->object.flags & LIST_HAS_OBJECTS))
        values_drop(list->items, list->count, dead);
    mem_free(&heap->mem, list->items, items_size(list->capacity));
    mem_free(&heap->mem, list, sizeof *list);
}

void list_node_free(Heap *heap, Object *object, Object **dead) {
    ListNode *node = (ListNode *)object;
    values_drop(node->slots, NODE_WIDTH, dead);
    mem_free(&heap->mem, node, sizeof *node);
}

/* --- checking --- */

static void node_check(const ListNode *node) {
    check(node != NULL && node->object.count > 0);
    check(node->object.tag == TAG_NODE && (node->object.flags & NODE_IS_LIST));
}

/* All slots from `count` on are unused. */
static void node_check_unused(const ListNode *node, uint32_t count) {
    for (uint32_t slot = count; slot < NODE_WIDTH; slot++)
        check(node->slots[slot].bits == VALUE_ZERO.bits);
}

/* The nodes on the way to the leaf of `index`, which is the last leaf below each node where the tree ends. */
static void trie_check_path(const List *list, uint32_t index) {
    uint32_t last = tree_count(list) - 1;
    const ListNode *node = list->root;
    for (uint32_t level = list->shift; level > 0; level -= NODE_BITS) {
        node_check(node);
        uint32_t slot = (index >> level) & NODE_MASK;
        if ((uint64_t)index >> level == (uint64_t)last >> level)
            node_check_unused(node, slot + 1);
        check(value_is_object(node->slots[slot]));
        node = node_child(node, slot);
    }
    node_check(node);
}

static void trie_check(const List *list) {
    uint32_t in_tree = tree_count(list);
    check(list->object.flags & LIST_IS_TRIE);
    check(list->items == NULL && list->capacity == 0 && list->root != NULL);
    check(list->shift >= NODE_BITS && list->shift % NODE_BITS == 0);
    check(in_tree > 0 && (uint64_t)(in_tree - 1) >> (list->shift + NODE_BITS) == 0);
    check(list->shift == NODE_BITS || (in_tree - 1) >> list->shift > 0);
    node_check(list->tail);
    node_check_unused(list->tail, list->count - in_tree);
    for (uint32_t index = 0; index < in_tree; index += NODE_WIDTH)
        trie_check_path(list, index);
}

static void flat_check(const List *list) {
    check(!(list->object.flags & LIST_IS_TRIE));
    check(list->root == NULL && list->shift == 0 && list->count <= list->capacity);
    check((list->items == NULL) == (list->capacity == 0));
}

void list_check(const List *list) {
    check(list->object.tag == TAG_LIST && list->object.count > 0 && list->count <= LIST_COUNT_MAX);
    if (is_trie(list))
        trie_check(list);
    else
        flat_check(list);

    for (uint32_t index = 0; index < list->count; index++) {
        Value item = list_at(list, index);
        check(!value_is_object(item) || (list->object.flags & LIST_HAS_OBJECTS));
        check(item.bits != 0 && !value_has_tag(item, TAG_NODE));
    }
}
