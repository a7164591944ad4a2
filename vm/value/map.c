/* SPDX-License-Identifier: MIT */
/*
 * The trie. A node covers five bits of the hash. Each of its 32 places holds
 * nothing, one entry, or a child for all keys that share these bits too. Two
 * bitmaps say which; children and slots (entries) lie packed behind them, in
 * the order of their bits. A child always stands for at least two entries: a
 * node that is left with one entry gives it to its parent. So the shape of a
 * trie follows from its keys alone, and never degenerates.
 *
 *   node | head | child child ... | slot slot slot ... | room |
 *
 * When all 64 bits of two hashes are equal, their entries meet below the last
 * level in a collision node: no bitmaps, the slots in key order.
 *
 * A change first walks from the root to the place of the key and writes down
 * the nodes it meets (Path), then copies those of them that others see too
 * (path_own), and only then changes anything, all in place. Everything that
 * may be refused comes before the first step that cannot be undone; a copy
 * made in vain is as good as what it was copied from.
 *
 * A String's hash is 16 bits wide in its slot, above the pointer: most keys
 * that are different are told apart, and most entries are moved a level
 * down, without looking at the string, which is seldom in the cache.
 */
#include "vm/value/map.h"

#include "vm/base/hash.h"
#include "vm/value/string.h"
#include <errno.h>

enum {
    LEVEL_BITS = 5,
    LEVEL_COUNT = 13,     /* with bitmaps; a node below them is a collision node */
    MARK_SHIFT = 48,      /* pointers of user space are shorter, and zero above */
    MARK_FIRST_LEVEL = 3, /* the hash bits in a mark start with this level's ... */
    MARK_LAST_LEVEL = 5,  /* ... and have this level's in full */
    MARK_HASH_SHIFT = MARK_FIRST_LEVEL * LEVEL_BITS,
    SORTED_RUN = 12,      /* so many entries are sorted by insertion */
};

static_assert(LEVEL_COUNT * LEVEL_BITS >= 64, "keys that share all levels have equal hashes");
static_assert(MARK_HASH_SHIFT + 64 - MARK_SHIFT >= (MARK_LAST_LEVEL + 1) * LEVEL_BITS, "the mark is wide enough");

typedef struct MapNode MapNode;

/* An entry. */
typedef struct Slot {
    uint64_t mark; /* the key; in a node, a String has bits of its hash above the pointer */
    Value value;
} Slot;

struct MapNode {
    Object object;
    uint32_t child_map; /* which places hold a child, ... */
    uint32_t slot_map;  /* ... and which an entry; both 0 in a collision node */
    uint32_t slot_count;
    uint32_t child_count : 6;
    uint32_t capacity : 26; /* room behind the head, in words of 8 bytes */
    MapNode *children[];    /* and behind them the slots */
};

struct Map {
    Object object;
    uint32_t count;
    uint32_t capacity; /* of `slots` */
    MapNode *root;     /* or NULL: then `slots` are the map, in key order and without marks */
    Slot slots[];
};

enum {
    SLOT_WORDS = sizeof(Slot) / sizeof(MapNode *), /* what a slot takes of a node's capacity */
    HEAD_WORDS = sizeof(MapNode) / sizeof(MapNode *),
    NODE_WORDS_MAX = 1 << 25, /* so that half as much again fits `capacity` */
};

/* --- keys --- */

bool map_key_is_valid(Value key) {
    return value_is_int(key) || value_is_bool(key) || value_is_string(key);
}

/* Of an Int: as unsigned numbers these are in key order. */
static uint64_t int_order(int64_t number) {
    return number < 0 ? ~(uint64_t)number : (uint64_t)number | (uint64_t)1 << 63;
}

static int kind_order(Value key) {
    if (value_is_int(key))
        return 0;
    return value_is_bool(key) ? 1 : 2;
}

int map_key_compare(Value a, Value b) {
    if (a.bits == b.bits)
        return 0;
    int a_kind = kind_order(a), b_kind = kind_order(b);
    if (a_kind != b_kind)
        return a_kind < b_kind ? -1 : 1;
    if (a_kind == 0)
        return int_order(value_to_int(a)) < int_order(value_to_int(b)) ? -1 : 1;
    if (a_kind == 1)
        return value_to_bool(b) ? -1 : 1;
    return string_compare(value_string(a), value_string(b));
}

/* --- sorting --- */

static void sort_by_insertion(MapEntry *entries, size_t count) {
    for (size_t i = 1; i < count; i++) {
        MapEntry entry = entries[i];
        size_t at = i;
        for (; at > 0 && map_key_compare(entries[at - 1].key, entry.key) > 0; at--)
            entries[at] = entries[at - 1];
        entries[at] = entry;
    }
}

/* Merges the sorted `from[0, middle)` and `from[middle, count)`. */
static void merge(MapEntry *to, const MapEntry *from, size_t middle, size_t count) {
    size_t left = 0, right = middle;
    while (left < middle && right < count)
        *to++ = map_key_compare(from[left].key, from[right].key) < 0 ? from[left++] : from[right++];
    memcpy(to, from + left, (middle - left) * sizeof *to);
    memcpy(to + middle - left, from + right, (count - right) * sizeof *to);
}

/* One round of a merge sort: runs of `run` entries become runs of twice as many. */
static void merge_runs(MapEntry *to, const MapEntry *from, size_t count, size_t run) {
    for (size_t start = 0; start < count; start += 2 * run) {
        size_t rest = count - start;
        merge(to + start, from + start, run < rest ? run : rest, 2 * run < rest ? 2 * run : rest);
    }
}

/* Sorts `entries` in key order; `spare` has room for as many. Returns the one of the two where they are then. */
static MapEntry *entries_sort(MapEntry *entries, MapEntry *spare, size_t count) {
    for (size_t start = 0; start < count; start += SORTED_RUN)
        sort_by_insertion(entries + start, count - start < SORTED_RUN ? count - start : SORTED_RUN);

    for (size_t run = SORTED_RUN; run < count; run *= 2) {
        merge_runs(spare, entries, count, run);
        MapEntry *sorted = spare;
        spare = entries;
        entries = sorted;
    }
    return entries;
}

/* --- slots --- */

static Value mark_key(uint64_t mark) {
    return (mark & 7) == 0 ? (Value){mark & (((uint64_t)1 << MARK_SHIFT) - 1)} : (Value){mark};
}

/* Where `key` is in sorted slots, or where it belongs. */
static uint32_t slots_find(const Slot *slots, uint32_t count, Value key, bool *found) {
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = map_key_compare(mark_key(slots[middle].mark), key);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = false;
    return low;
}

static void slot_ref(Slot slot) {
    value_ref(mark_key(slot.mark));
    value_ref(slot.value);
}
static void slot_unref(Heap *heap, TAKEN Slot slot) {
    value_unref(heap, mark_key(slot.mark));
    value_unref(heap, slot.value);
}
static void slot_drop(Object **dead, TAKEN Slot slot) {
    value_drop_child(dead, mark_key(slot.mark));
    value_drop_child(dead, slot.value);
}

/* The key that is there already stays. */
static void slot_replace(Heap *heap, Slot *slot, TAKEN Value key, TAKEN Value value) {
    Value before = slot->value;
    slot->value = value;
    value_unref(heap, key);
    value_unref(heap, before);
}

/* --- the small map --- */

static size_t map_size(uint32_t capacity) {
    return sizeof(Map) + capacity * sizeof(Slot);
}

static void map_unref(Heap *heap, TAKEN Map *map) {
    value_unref(heap, value_from_object(map));
}

static Map *map_try_new(Heap *heap, uint32_t capacity) {
    Map *map = heap_try_object(heap, map_size(capacity), TAG_MAP);
    if (!map)
        return NULL;
    map->count = 0;
    map->capacity = capacity;
    map->root = NULL;
    return map;
}

Map *map_new(Heap *heap) {
    Map *map = heap_object(heap, sizeof(Map), TAG_MAP);
    map->count = 0;
    map->capacity = 0;
    map->root = NULL;
    return map;
}

uint32_t map_count(const Map *map) {
    return map->count;
}

static uint32_t small_capacity(uint32_t count) {
    uint32_t capacity = 2;
    while (capacity < count)
        capacity *= 2;
    return capacity;
}

/* A small map with the same entries and room for `count`. */
static Map *small_copy(Heap *heap, const Map *map, uint32_t count) {
    Map *copy = map_try_new(heap, small_capacity(count));
    if (!copy)
        return NULL;
    copy->count = map->count;
    for (uint32_t i = 0; i < map->count; i++) {
        copy->slots[i] = map->slots[i];
        slot_ref(copy->slots[i]);
    }
    return copy;
}

/* The same small map, but only ours and with room for `count` entries. NULL when refused, `map` is untouched then. */
static Map *small_own(Heap *heap, TAKEN Map *map, uint32_t count) {
    if (!object_is_unshared(&map->object)) {
        Map *copy = small_copy(heap, map, count);
        if (copy)
            map_unref(heap, map);
        return copy;
    }
    if (count <= map->capacity)
        return map;

    uint32_t capacity = small_capacity(count);
    Map *moved = mem_try_resize(&heap->mem, map, map_size(map->capacity), map_size(capacity));
    if (moved)
        moved->capacity = capacity;
    return moved;
}

static const Value *small_peek(const Map *map, Value key) {
    for (uint32_t i = 0; i < map->count; i++)
        if (map->slots[i].mark == key.bits)
            return &map->slots[i].value;
    if (!value_is_object(key))
        return NULL; /* only Strings can be equal and have different bits */

    bool found;
    uint32_t index = slots_find(map->slots, map->count, key, &found);
    return found ? &map->slots[index].value : NULL;
}

static Map *small_to_trie(Heap *heap, TAKEN Map *map, TAKEN Value key, TAKEN Value value);

static Map *small_set(Heap *heap, TAKEN Map *map, TAKEN Value key, TAKEN Value value) {
    bool found;
    uint32_t index = slots_find(map->slots, map->count, key, &found);
    if (!found && map->count == MAP_SMALL_MAX)
        return small_to_trie(heap, map, key, value);

    Map *own = small_own(heap, map, map->count + !found);
    if (!own)
        return NULL;
    Slot *slot = &own->slots[index];
    if (found) {
        slot_replace(heap, slot, key, value);
    } else {
        memmove(slot + 1, slot, (own->count - index) * sizeof *slot);
        *slot = (Slot){key.bits, value};
        own->count++;
    }
    return own;
}

static Map *small_remove(Heap *heap, TAKEN Map *map, Value key) {
    bool found;
    uint32_t index = slots_find(map->slots, map->count, key, &found);
    if (!found)
        return map;

    Map *own = small_own(heap, map, map->count);
    if (!own)
        return NULL;
    Slot *slot = &own->slots[index], gone = *slot;
    own->count--;
    memmove(slot, slot + 1, (own->count - index) * sizeof *slot);
    slot_unref(heap, gone);
    return own;
}

/* --- hashes and marks --- */

static uint64_t key_hash(const Heap *heap, Value key) {
    if (!value_is_object(key))
        return hash_int(heap->hash_seed, (int64_t)key.bits);
    const String *string = value_string(key);
    return hash_bytes(heap->hash_seed, string_bytes(string), string->size);
}

/* A key that is looked for. */
typedef struct Probe {
    uint64_t hash;
    uint64_t mark; /* as it would stand in a slot */
} Probe;

static Probe probe_new(const Heap *heap, Value key) {
    Probe probe = {key_hash(heap, key), key.bits};
    if (value_is_object(key))
        probe.mark |= probe.hash >> MARK_HASH_SHIFT << MARK_SHIFT;
    return probe;
}

static bool mark_matches(uint64_t mark, uint64_t probed) {
    if (mark == probed)
        return true;
    /* Ints and Bools are equal only when their bits are; two strings must at least agree in their hash bits */
    if ((mark ^ probed) >> MARK_SHIFT != 0 || (mark & 7) != 0 || (probed & 7) != 0)
        return false;
    return string_equal(value_string(mark_key(mark)), value_string(mark_key(probed)));
}

/* The place of `hash` in a node of this level, as a bit of its maps. */
static uint32_t level_bit(uint64_t hash, uint32_t level) {
    return (uint32_t)1 << (hash >> (level * LEVEL_BITS) & 31);
}

/* The same of a key in a slot, from the mark alone if that has these bits. */
static uint32_t mark_bit(const Heap *heap, uint64_t mark, uint32_t level) {
    if ((mark & 7) == 0 && level >= MARK_FIRST_LEVEL && level <= MARK_LAST_LEVEL)
        return level_bit(mark >> MARK_SHIFT << MARK_HASH_SHIFT, level);
    return level_bit(key_hash(heap, mark_key(mark)), level);
}

/* --- nodes --- */

static uint32_t bit_count(uint32_t map) {
#ifdef __POPCNT__
    return (uint32_t)__builtin_popcount(map);
#else
    /* without the instruction the builtin is a call that looks into a table */
    map -= map >> 1 & 0x55555555;
    map = (map & 0x33333333) + (map >> 2 & 0x33333333);
    return ((map + (map >> 4)) & 0x0f0f0f0f) * 0x01010101 >> 24;
#endif
}

/* Where the place `bit` is among those of `map`. */
static uint32_t bit_index(uint32_t map, uint32_t bit) {
    return bit_count(map & (bit - 1));
}

static Slot *node_slots(const MapNode *node) {
    return (Slot *)&node->children[node->child_count];
}

/*
 * The way down waits for memory at each node, first for the head and then for
 * the slot that the head points out; so we ask for the lines behind the head
 * at once. A prefetch behind the end of a block does no harm.
 */
static MapNode *node_child(const MapNode *node, uint32_t index) {
    MapNode *child = node->children[index];
    __builtin_prefetch((const char *)child + 64);
    __builtin_prefetch((const char *)child + 128);
    return child;
}

static bool node_is_collision(const MapNode *node) {
    return node->slot_map == 0 && node->slot_count > 0;
}

static uint32_t node_words(const MapNode *node) {
    return node->child_count + node->slot_count * SLOT_WORDS;
}

static size_t node_size(uint32_t capacity) {
    return sizeof(MapNode) + (size_t)capacity * sizeof(MapNode *);
}

/*
 * The capacity of a node that has to hold so many words: whole lines of the
 * cache, so that few sizes of blocks are in use and most insertions find room.
 * More room measured no faster, only larger. Collision nodes grow by half.
 */
static uint32_t node_capacity(uint32_t words) {
    if (words > 32 * SLOT_WORDS)
        words += words / 2;
    return (words + HEAD_WORDS + 7) / 8 * 8 - HEAD_WORDS;
}

static MapNode *node_try_new(Heap *heap, uint32_t words) {
    if (words > NODE_WORDS_MAX)
        return NULL;
    uint32_t capacity = node_capacity(words);
    MapNode *node = heap_try_object(heap, node_size(capacity), TAG_NODE);
    if (!node)
        return NULL;
    node->child_map = 0;
    node->slot_map = 0;
    node->slot_count = 0;
    node->child_count = 0;
    node->capacity = capacity;
    return node;
}

/* Frees the block alone: what it refers to has moved elsewhere. */
static void node_free_block(Heap *heap, TAKEN MapNode *node) {
    mem_free(&heap->mem, node, node_size(node->capacity));
}

/* The same node in a block for `words`. NULL when refused, then it is where it was. */
static MapNode *node_resize(Heap *heap, TAKEN MapNode *node, uint32_t words) {
    if (words > NODE_WORDS_MAX)
        return NULL;
    uint32_t capacity = node_capacity(words);
    MapNode *moved = mem_try_resize(&heap->mem, node, node_size(node->capacity), node_size(capacity));
    if (moved)
        moved->capacity = capacity;
    return moved;
}

/* A second node with the same content, and room for `room` more words. */
static MapNode *node_copy(Heap *heap, const MapNode *node, uint32_t room) {
    MapNode *copy = node_try_new(heap, node_words(node) + room);
    if (!copy)
        return NULL;
    copy->child_map = node->child_map;
    copy->slot_map = node->slot_map;
    copy->slot_count = node->slot_count;
    copy->child_count = node->child_count;
    memcpy(copy->children, node->children, node_words(node) * sizeof(MapNode *));

    for (uint32_t i = 0; i < copy->child_count; i++)
        copy->children[i]->object.count++;
    const Slot *slots = node_slots(copy);
    for (uint32_t i = 0; i < copy->slot_count; i++)
        slot_ref(slots[i]);
    return copy;
}

/* The functions that follow change a node in place. For a collision node `bit` is 0. */

static void node_insert_slot(MapNode *node, uint32_t bit, uint32_t index, TAKEN Slot slot) {
    check(node_words(node) + SLOT_WORDS <= node->capacity);
    Slot *slots = node_slots(node);
    memmove(&slots[index + 1], &slots[index], (node->slot_count - index) * sizeof *slots);
    slots[index] = slot;
    node->slot_map |= bit;
    node->slot_count++;
}

static Slot node_take_slot(MapNode *node, uint32_t bit, uint32_t index) {
    Slot *slots = node_slots(node), taken = slots[index];
    node->slot_map &= ~bit;
    node->slot_count--;
    memmove(&slots[index], &slots[index + 1], (node->slot_count - index) * sizeof *slots);
    return taken;
}

/* Where a slot was there is a child now. The caller has taken the slot's content. */
static void node_slot_to_child(MapNode *node, uint32_t bit, uint32_t index, TAKEN MapNode *child) {
    Slot *before = node_slots(node);
    uint32_t at = bit_index(node->child_map, bit);
    node->slot_map &= ~bit;
    node->child_map |= bit;
    node->slot_count--;
    node->child_count++;

    Slot *after = node_slots(node); /* one word further */
    memmove(after, before, index * sizeof *after);
    memmove(&after[index], &before[index + 1], (node->slot_count - index) * sizeof *after);
    memmove(&node->children[at + 1], &node->children[at], (node->child_count - 1 - at) * sizeof(MapNode *));
    node->children[at] = child;
}

/* The other way round; takes one word more. */
static void node_child_to_slot(MapNode *node, uint32_t bit, TAKEN Slot slot) {
    check(node_words(node) + 1 <= node->capacity);
    Slot *before = node_slots(node);
    uint32_t index = bit_index(node->slot_map, bit), at = bit_index(node->child_map, bit);
    node->child_map &= ~bit;
    node->slot_map |= bit;
    node->child_count--;
    node->slot_count++;

    Slot *after = node_slots(node); /* one word nearer */
    memmove(&after[index + 1], &before[index], (node->slot_count - 1 - index) * sizeof *after);
    memmove(&node->children[at], &node->children[at + 1], (node->child_count - at) * sizeof(MapNode *));
    memmove(after, before, index * sizeof *after);
    after[index] = slot;
}

/* A collision node of two. */
static MapNode *node_of_collision(Heap *heap, TAKEN Slot a, TAKEN Slot b) {
    MapNode *node = node_try_new(heap, 2 * SLOT_WORDS);
    if (!node)
        return NULL;
    bool in_order = map_key_compare(mark_key(a.mark), mark_key(b.mark)) < 0;
    node_insert_slot(node, 0, 0, in_order ? a : b);
    node_insert_slot(node, 0, 1, in_order ? b : a);
    return node;
}

/*
 * The node that stands for two entries at `level` and below: as many nodes
 * with one child as they share bits. NULL when refused. The recursion ends
 * after LEVEL_COUNT.
 */
static MapNode *node_of_two(Heap *heap, TAKEN Slot a, TAKEN Slot b, uint64_t b_hash, uint32_t level) {
    if (level == LEVEL_COUNT)
        return node_of_collision(heap, a, b);

    uint32_t a_bit = mark_bit(heap, a.mark, level), b_bit = level_bit(b_hash, level);
    MapNode *node = node_try_new(heap, a_bit == b_bit ? 1 : 2 * SLOT_WORDS);
    if (!node)
        return NULL;
    if (a_bit != b_bit) {
        node_insert_slot(node, a_bit, 0, a);
        node_insert_slot(node, b_bit, a_bit < b_bit, b);
        return node;
    }

    MapNode *child = node_of_two(heap, a, b, b_hash, level + 1);
    if (!child) {
        node_free_block(heap, node);
        return NULL;
    }
    node->children[0] = child;
    node->child_map = a_bit;
    node->child_count = 1;
    return node;
}

/* --- paths --- */

typedef struct Path {
    MapNode *nodes[LEVEL_COUNT + 1];   /* from the root to where the key is or belongs, */
    uint32_t indexes[LEVEL_COUNT + 1]; /* each the child with this index of the one before */
    uint32_t last;                     /* level of the last of them */
    uint32_t owned;                    /* so many of them, from the root, are only ours */
    uint32_t bit;                      /* in the last one: the key's place, 0 if that is a collision node, */
    uint32_t index;                    /* and the slot */
    enum {
        PATH_FREE,  /* no such slot yet */
        PATH_OTHER, /* it holds another key */
        PATH_FOUND,
    } end;
} Path;

static void path_find_slot(Path *path, const MapNode *node, const Probe *probe, uint32_t bit) {
    if (UNLIKELY(node_is_collision(node))) {
        bool found;
        path->bit = 0;
        path->index = slots_find(node_slots(node), node->slot_count, mark_key(probe->mark), &found);
        path->end = found ? PATH_FOUND : PATH_FREE;
        return;
    }
    path->bit = bit;
    path->index = bit_index(node->slot_map, bit);
    if (!(node->slot_map & bit))
        path->end = PATH_FREE;
    else
        path->end = mark_matches(node_slots(node)[path->index].mark, probe->mark) ? PATH_FOUND : PATH_OTHER;
}

static void path_find(Path *path, const Map *map, const Probe *probe) {
    MapNode *node = map->root;
    bool own = object_is_unshared(&map->object);
    uint64_t rest = probe->hash;
    uint32_t level = 0, bit;

    path->owned = 0;
    for (;; level++, rest >>= LEVEL_BITS) {
        own = own && object_is_unshared(&node->object);
        path->owned += own;
        path->nodes[level] = node;
        bit = level_bit(rest, 0);
        if (!(node->child_map & bit))
            break;
        uint32_t index = bit_index(node->child_map, bit);
        path->indexes[level + 1] = index;
        node = node_child(node, index);
    }
    path->last = level;
    path_find_slot(path, node, probe, bit);
}

/* Puts `node` where another one of the path was. */
static void path_put(Path *path, Map *map, uint32_t level, TAKEN MapNode *node) {
    path->nodes[level] = node;
    if (level == 0)
        map->root = node;
    else
        path->nodes[level - 1]->children[path->indexes[level]] = node;
}

/* After path_own(): what it returned becomes the result, or is given up. */
static Map *path_done(Heap *heap, Map *map, Map *own) {
    if (own != map)
        map_unref(heap, map);
    return own;
}
static Map *path_refused(Heap *heap, Map *map, Map *own) {
    if (own != map)
        map_unref(heap, own);
    return NULL;
}

/*
 * Copies what others see too, so that all of the path is only ours; the last
 * node then has room for `room` words if it was copied. Returns `map`, or its
 * copy; the caller keeps the reference to `map` as well. NULL when refused.
 */
static Map *path_own(Heap *heap, Path *path, Map *map, uint32_t room) {
    if (LIKELY(path->owned > path->last))
        return map;

    Map *own = map;
    if (!object_is_unshared(&map->object)) {
        own = map_try_new(heap, 0);
        if (!own)
            return NULL;
        own->count = map->count;
        own->root = map->root;
        own->root->object.count++;
    }
    while (path->owned <= path->last) {
        uint32_t level = path->owned;
        MapNode *shared = path->nodes[level];
        MapNode *copy = node_copy(heap, shared, level == path->last ? room : 0);
        if (!copy)
            return path_refused(heap, map, own);
        path_put(path, own, level, copy);
        value_unref(heap, value_from_object(shared));
        path->owned++;
    }
    return own;
}

/* Makes room for `words` more at `level` of an owned path. */
static bool path_make_room(Heap *heap, Path *path, Map *own, uint32_t level, uint32_t words) {
    MapNode *node = path->nodes[level];
    uint32_t needed = node_words(node) + words;
    if (needed <= node->capacity)
        return true;
    MapNode *moved = node_resize(heap, node, needed);
    if (!moved)
        return false;
    path_put(path, own, level, moved);
    return true;
}

/* --- the trie --- */

static const Value *trie_peek(const Map *map, const Probe *probe) {
    const MapNode *node = map->root;
    uint64_t rest = probe->hash;
    for (;; rest >>= LEVEL_BITS) {
        uint32_t bit = level_bit(rest, 0);
        if (node->child_map & bit) {
            node = node_child(node, bit_index(node->child_map, bit));
        } else if (node->slot_map & bit) {
            const Slot *slot = &node_slots(node)[bit_index(node->slot_map, bit)];
            return mark_matches(slot->mark, probe->mark) ? &slot->value : NULL;
        } else if (node_is_collision(node)) {
            bool found;
            uint32_t index = slots_find(node_slots(node), node->slot_count, mark_key(probe->mark), &found);
            return found ? &node_slots(node)[index].value : NULL;
        } else {
            return NULL;
        }
    }
}

/* Makes room for the key where the path ends, and puts it there. */
static bool trie_insert(Heap *heap, Path *path, Map *own, const Probe *probe, TAKEN Value value) {
    Slot slot = {probe->mark, value};
    if (path->end == PATH_FREE) {
        if (!path_make_room(heap, path, own, path->last, SLOT_WORDS))
            return false;
        node_insert_slot(path->nodes[path->last], path->bit, path->index, slot);
    } else {
        MapNode *node = path->nodes[path->last];
        MapNode *child = node_of_two(heap, node_slots(node)[path->index], slot, probe->hash, path->last + 1);
        if (!child)
            return false;
        node_slot_to_child(node, path->bit, path->index, child);
    }
    own->count++;
    return true;
}

static Map *trie_set(Heap *heap, TAKEN Map *map, TAKEN Value key, TAKEN Value value) {
    Probe probe = probe_new(heap, key);
    Path path;
    path_find(&path, map, &probe);

    Map *own = path_own(heap, &path, map, path.end == PATH_FREE ? SLOT_WORDS : 0);
    if (!own)
        return NULL;
    if (path.end == PATH_FOUND)
        slot_replace(heap, &node_slots(path.nodes[path.last])[path.index], key, value);
    else if (!trie_insert(heap, &path, own, &probe, value))
        return path_refused(heap, map, own);
    return path_done(heap, map, own);
}

/* Appends what lies below `node`; at most LEVEL_COUNT deep. Returns where the next entry goes. */
static MapEntry *node_collect(const MapNode *node, MapEntry *next) {
    const Slot *slots = node_slots(node);
    for (uint32_t i = 0; i < node->slot_count; i++)
        *next++ = (MapEntry){mark_key(slots[i].mark), slots[i].value};
    for (uint32_t i = 0; i < node->child_count; i++)
        next = node_collect(node->children[i], next);
    return next;
}

/* The ninth entry. All go to a new map, so that nothing is changed when memory is refused on the way. */
static Map *small_to_trie(Heap *heap, TAKEN Map *map, TAKEN Value key, TAKEN Value value) {
    Map *trie = map_try_new(heap, 0);
    if (!trie)
        return NULL;
    trie->root = node_try_new(heap, (MAP_SMALL_MAX + 1) * SLOT_WORDS);
    if (!trie->root) {
        mem_free(&heap->mem, trie, map_size(0));
        return NULL;
    }
    for (uint32_t i = 0; i <= map->count; i++) {
        Slot slot = i < map->count ? map->slots[i] : (Slot){key.bits, value};
        slot_ref(slot);
        Map *next = trie_set(heap, trie, (Value){slot.mark}, slot.value);
        if (!next) {
            slot_unref(heap, slot);
            map_unref(heap, trie);
            return NULL;
        }
        trie = next;
    }
    slot_unref(heap, (Slot){key.bits, value});
    map_unref(heap, map);
    return trie;
}

/* So few are left without `key`, which is there, that an array serves them as well. */
static Map *trie_to_small(Heap *heap, TAKEN Map *map, Value key) {
    Map *small = map_try_new(heap, small_capacity(map->count - 1));
    if (!small)
        return NULL;
    MapEntry entries[MAP_SMALL_MAX];
    check(map->count <= MAP_SMALL_MAX);
    node_collect(map->root, entries);
    sort_by_insertion(entries, map->count);
    for (uint32_t i = 0; i < map->count; i++) {
        if (map_key_compare(entries[i].key, key) == 0)
            continue;
        Slot slot = {entries[i].key.bits, entries[i].value};
        slot_ref(slot);
        small->slots[small->count++] = slot;
    }
    map_unref(heap, map);
    return small;
}

/* The level that gets the other entry, once the key's node has only that one left; the last level if it has more. */
static uint32_t path_end_after_removal(const Path *path) {
    uint32_t level = path->last;
    const MapNode *node = path->nodes[level];
    if (level == 0 || node->child_count > 0 || node->slot_count > 2)
        return level;
    do
        node = path->nodes[--level];
    while (level > 0 && node->child_count == 1 && node->slot_count == 0);
    return level;
}

/* Gives the room back when there is more of it than content. If that is refused, all is well too. */
static void path_trim(Heap *heap, Path *path, Map *own, uint32_t level) {
    MapNode *node = path->nodes[level];
    uint32_t words = node_words(node);
    if (node->capacity <= 2 * node_capacity(words))
        return;
    MapNode *moved = node_resize(heap, node, words);
    if (moved)
        path_put(path, own, level, moved);
}

/* Cannot fail: `level` has room for one word more if it is not the last. */
static Slot trie_take(Heap *heap, Path *path, Map *own, const Probe *probe, uint32_t level) {
    MapNode *node = path->nodes[path->last];
    Slot gone = node_take_slot(node, path->bit, path->index);
    if (level < path->last) {
        Slot single = node_slots(node)[0];
        for (uint32_t i = path->last; i > level; i--)
            node_free_block(heap, path->nodes[i]);
        node_child_to_slot(path->nodes[level], level_bit(probe->hash, level), single);
    }
    path_trim(heap, path, own, level);
    own->count--;
    return gone;
}

static Map *trie_remove(Heap *heap, TAKEN Map *map, Value key) {
    Probe probe = probe_new(heap, key);
    Path path;
    path_find(&path, map, &probe);
    if (path.end != PATH_FOUND)
        return map;
    if (map->count - 1 <= MAP_SMALL_MAX / 2)
        return trie_to_small(heap, map, key);

    Map *own = path_own(heap, &path, map, 0);
    if (!own)
        return NULL;
    uint32_t level = path_end_after_removal(&path);
    if (level < path.last && !path_make_room(heap, &path, own, level, 1))
        return path_refused(heap, map, own);

    Slot gone = trie_take(heap, &path, own, &probe, level);
    slot_unref(heap, gone);
    return path_done(heap, map, own);
}

/* --- both forms --- */

const Value *map_peek(Heap *heap, const Map *map, Value key) {
    check(map_key_is_valid(key));
    if (!map->root)
        return small_peek(map, key);
    Probe probe = probe_new(heap, key);
    return trie_peek(map, &probe);
}

Map *map_set(Heap *heap, TAKEN Map *map, TAKEN Value key, TAKEN Value value) {
    check(map_key_is_valid(key));
    return map->root ? trie_set(heap, map, key, value) : small_set(heap, map, key, value);
}

Map *map_remove(Heap *heap, TAKEN Map *map, Value key) {
    check(map_key_is_valid(key));
    return map->root ? trie_remove(heap, map, key) : small_remove(heap, map, key);
}

static MapEntry *trie_sorted(Heap *heap, const Map *map) {
    size_t size = map->count * sizeof(MapEntry);
    MapEntry *entries = mem_try(&heap->mem, size), *spare = mem_try(&heap->mem, size), *sorted = NULL;
    if (entries && spare) {
        node_collect(map->root, entries);
        sorted = entries_sort(entries, spare, map->count);
    }
    if (sorted != entries)
        mem_free(&heap->mem, entries, size);
    if (sorted != spare)
        mem_free(&heap->mem, spare, size);
    return sorted;
}

MapEntry *map_sorted(Heap *heap, const Map *map) {
    if (map->count == 0)
        return NULL;
    if (map->root)
        return trie_sorted(heap, map);

    MapEntry *entries = mem_try(&heap->mem, map->count * sizeof(MapEntry));
    for (uint32_t i = 0; entries && i < map->count; i++)
        entries[i] = (MapEntry){(Value){map->slots[i].mark}, map->slots[i].value};
    return entries;
}

/* --- what two maps do not share --- */

/* All false when memory is refused. */

static bool list_add(Heap *heap, MapEntryList *list, const Slot *slot) {
    if (list->count == list->capacity) {
        MapEntry *entries = mem_try_double(&heap->mem, list->entries, sizeof *entries, &list->capacity);
        if (!entries)
            return false;
        list->entries = entries;
    }
    list->entries[list->count++] = (MapEntry){mark_key(slot->mark), slot->value};
    return true;
}

static bool list_add_slots(Heap *heap, MapEntryList *list, const Slot *slots, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (!list_add(heap, list, &slots[i]))
            return false;
    return true;
}

/* All below `node`; at most LEVEL_COUNT deep. */
static bool list_add_node(Heap *heap, MapEntryList *list, const MapNode *node) {
    for (uint32_t i = 0; i < node->child_count; i++)
        if (!list_add_node(heap, list, node->children[i]))
            return false;
    return list_add_slots(heap, list, node_slots(node), node->slot_count);
}

static bool list_add_map(Heap *heap, MapEntryList *list, const Map *map) {
    if (map->root)
        return list_add_node(heap, list, map->root);
    return list_add_slots(heap, list, map->slots, map->count);
}

static bool slots_are_same(const Slot *a, const Slot *b) {
    return a->mark == b->mark && a->value.bits == b->value.bits;
}

static bool node_difference(Heap *heap, const MapNode *a, const MapNode *b, MapEntryList *only_a, MapEntryList *only_b);

/* Two nodes with the same places: nearly all pairs are, as most changes replace a value. */
static bool pairs_difference(Heap *heap, const MapNode *a, const MapNode *b, MapEntryList *only_a,
                             MapEntryList *only_b) {
    const Slot *a_slots = node_slots(a), *b_slots = node_slots(b);
    for (uint32_t i = 0; i < a->child_count; i++)
        if (a->children[i] != b->children[i] && !node_difference(heap, a->children[i], b->children[i], only_a, only_b))
            return false;
    for (uint32_t i = 0; i < a->slot_count; i++)
        if (!slots_are_same(&a_slots[i], &b_slots[i]) &&
            !(list_add(heap, only_a, &a_slots[i]) && list_add(heap, only_b, &b_slots[i])))
            return false;
    return true;
}

static MapNode *place_child(const MapNode *node, uint32_t bit) {
    return node->child_map & bit ? node->children[bit_index(node->child_map, bit)] : NULL;
}
static const Slot *place_slot(const MapNode *node, uint32_t bit) {
    return node->slot_map & bit ? &node_slots(node)[bit_index(node->slot_map, bit)] : NULL;
}

static bool list_add_place(Heap *heap, MapEntryList *list, const MapNode *child, const Slot *slot) {
    if (child)
        return list_add_node(heap, list, child);
    return !slot || list_add(heap, list, slot);
}

/* One place of two nodes. Where one has an entry and the other a child, we list all: the lists are sorted, and then keys meet. */
static bool place_difference(Heap *heap, const MapNode *a, const MapNode *b, uint32_t bit, MapEntryList *only_a,
                             MapEntryList *only_b) {
    const MapNode *a_child = place_child(a, bit), *b_child = place_child(b, bit);
    if (a_child && b_child)
        return node_difference(heap, a_child, b_child, only_a, only_b);
    const Slot *a_slot = place_slot(a, bit), *b_slot = place_slot(b, bit);
    if (a_slot && b_slot && slots_are_same(a_slot, b_slot))
        return true;
    return list_add_place(heap, only_a, a_child, a_slot) && list_add_place(heap, only_b, b_child, b_slot);
}

/* Two nodes of the same level and bits; the recursion ends after LEVEL_COUNT. */
static bool node_difference(Heap *heap, const MapNode *a, const MapNode *b, MapEntryList *only_a,
                            MapEntryList *only_b) {
    if (a == b)
        return true;
    if (node_is_collision(a))
        return list_add_node(heap, only_a, a) && list_add_node(heap, only_b, b);
    if (a->child_map == b->child_map && a->slot_map == b->slot_map)
        return pairs_difference(heap, a, b, only_a, only_b);

    uint32_t places = a->child_map | a->slot_map | b->child_map | b->slot_map;
    for (; places != 0; places &= places - 1)
        if (!place_difference(heap, a, b, places & -places, only_a, only_b))
            return false;
    return true;
}

static bool list_sort(Heap *heap, MapEntryList *list) {
    if (list->count <= SORTED_RUN) {
        sort_by_insertion(list->entries, list->count);
        return true;
    }
    MapEntry *spare = mem_try(&heap->mem, list->count * sizeof *spare);
    if (!spare)
        return false;
    if (entries_sort(list->entries, spare, list->count) == list->entries) {
        mem_free(&heap->mem, spare, list->count * sizeof *spare);
    } else {
        mem_free(&heap->mem, list->entries, list->capacity * sizeof *spare);
        list->entries = spare;
        list->capacity = list->count;
    }
    return true;
}

void map_entry_list_deinit(Heap *heap, MapEntryList *list) {
    mem_free(&heap->mem, list->entries, list->capacity * sizeof *list->entries);
    *list = (MapEntryList){0};
}

int map_difference(Heap *heap, const Map *a, const Map *b, MapEntryList *only_a, MapEntryList *only_b) {
    *only_a = *only_b = (MapEntryList){0};
    if (a == b)
        return 0;

    bool ok;
    if (a->root && b->root)
        ok = node_difference(heap, a->root, b->root, only_a, only_b);
    else /* at least one is small, so most of the other, if that is not, is no part of it */
        ok = list_add_map(heap, only_a, a) && list_add_map(heap, only_b, b);
    if (ok && list_sort(heap, only_a) && list_sort(heap, only_b))
        return 0;

    map_entry_list_deinit(heap, only_a);
    map_entry_list_deinit(heap, only_b);
    return -ENOMEM;
}

/* --- freeing --- */

void map_free(Heap *heap, Map *map, Object **dead) {
    if (map->root) {
        value_drop_child(dead, value_from_object(map->root));
    } else {
        for (uint32_t i = 0; i < map->count; i++)
            slot_drop(dead, map->slots[i]);
    }
    mem_free(&heap->mem, map, map_size(map->capacity));
}

void map_node_free(Heap *heap, Object *object, Object **dead) {
    MapNode *node = (MapNode *)object;
    const Slot *slots = node_slots(node);
    for (uint32_t i = 0; i < node->child_count; i++)
        value_drop_child(dead, value_from_object(node->children[i]));
    for (uint32_t i = 0; i < node->slot_count; i++)
        slot_drop(dead, slots[i]);
    node_free_block(heap, node);
}

/* --- check --- */

static void check_order(const Slot *slots, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        check(map_key_is_valid(mark_key(slots[i].mark)));
        check(i == 0 || map_key_compare(mark_key(slots[i - 1].mark), mark_key(slots[i].mark)) < 0);
    }
}

static void check_slot(const Heap *heap, Slot slot, uint64_t hash, uint32_t bits) {
    Value key = mark_key(slot.mark);
    check(map_key_is_valid(key));
    Probe probe = probe_new(heap, key);
    check(probe.mark == slot.mark);
    check(bits >= 64 ? probe.hash == hash : (probe.hash ^ hash) << (64 - bits) == 0);
}

static uint32_t node_check(const Heap *heap, const MapNode *node, uint64_t hash, uint32_t level);

/* `hash`: the bits that all keys below the node share. Returns how many entries there are. */
static uint32_t node_check_places(const Heap *heap, const MapNode *node, uint64_t hash, uint32_t level) {
    const Slot *slots = node_slots(node);
    uint32_t slot = 0, child = 0, count = 0;

    check((node->child_map & node->slot_map) == 0);
    for (uint64_t place = 0; place < 32; place++) {
        uint32_t bit = (uint32_t)1 << place;
        uint64_t longer = hash | place << (level * LEVEL_BITS);
        if (node->slot_map & bit)
            check_slot(heap, slots[slot++], longer, (level + 1) * LEVEL_BITS);
        if (node->child_map & bit)
            count += node_check(heap, node->children[child++], longer, level + 1);
    }
    check(slot == node->slot_count && child == node->child_count);
    return slot + count;
}

static uint32_t node_check_collision(const Heap *heap, const MapNode *node, uint64_t hash) {
    check(node->child_map == 0 && node->slot_map == 0 && node->child_count == 0);
    check_order(node_slots(node), node->slot_count);
    for (uint32_t i = 0; i < node->slot_count; i++)
        check_slot(heap, node_slots(node)[i], hash, 64);
    return node->slot_count;
}

static uint32_t node_check(const Heap *heap, const MapNode *node, uint64_t hash, uint32_t level) {
    check(node->object.tag == TAG_NODE && !(node->object.flags & NODE_IS_LIST) && node->object.count > 0);
    check(node_words(node) <= node->capacity);
    uint32_t count =
        level == LEVEL_COUNT ? node_check_collision(heap, node, hash) : node_check_places(heap, node, hash, level);
    check(count >= 2);
    return count;
}

void map_check(Heap *heap, const Map *map) {
    check(map->object.tag == TAG_MAP && map->object.count > 0);
    if (map->root) {
        check(map->count > MAP_SMALL_MAX / 2);
        check(node_check(heap, map->root, 0, 0) == map->count);
    } else {
        check(map->count <= MAP_SMALL_MAX && map->count <= map->capacity);
        check_order(map->slots, map->count);
    }
}
