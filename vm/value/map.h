/* SPDX-License-Identifier: MIT */
/*
 * Map: Int, String or Bool keys to values. Persistent: a change copies a
 * path of nodes, or nothing when the caller holds the only reference.
 *
 * Up to MAP_SMALL_MAX entries it is one sorted array; beyond that a
 * compressed hash trie (CHAMP) over XXH3 seeded per heap, until removals leave
 * half of MAP_SMALL_MAX. Entries whose hashes are equal in all bits lie in a
 * sorted array, so that even chosen collisions cost only a binary search.
 *
 * What anyone sees of the order is key order, a function of the content
 * alone: Ints (negative ones first by ascending magnitude: -1, -2, ..., then
 * 0 and up), then false, true, then Strings bytewise. (The order of SON.)
 */
#pragma once

#include "vm/value/heap.h"

typedef struct Map Map;
typedef struct MapEntry {
    Value key, value; /* borrowed from the map */
} MapEntry;

enum { MAP_SMALL_MAX = 8 };

static inline Map *value_map(Value value) {
    return (Map *)value_object(value);
}
/* True for what may be a key: Int, String, Bool. */
bool map_key_is_valid(Value key);
/* Key order, as above; both must be valid keys. */
int map_key_compare(Value a, Value b);

/* The empty map. Never NULL. */
Map *map_new(Heap *heap);
uint32_t map_count(const Map *map);
/* The value under `key`, borrowed, or NULL. */
const Value *map_peek(Heap *heap, const Map *map, Value key);
/*
 * Insert or replace (the key that is there stays); remove. In place when the
 * caller held the only reference. NULL when memory is refused; then map, key
 * and value are still the caller's, unchanged. Removing an absent key gives
 * the same map.
 */
Map *map_set(Heap *heap, TAKEN Map *map, TAKEN Value key, TAKEN Value value) MUST_CHECK;
Map *map_remove(Heap *heap, TAKEN Map *map, Value key) MUST_CHECK;

/*
 * All entries in key order, in a block of map_count() entries from
 * mem_try(); the caller frees it with mem_free(). NULL when memory is refused
 * (for an empty map too, but then map_count() is 0).
 */
MapEntry *map_sorted(Heap *heap, const Map *map) MUST_CHECK;

/* Entries in key order, in a block of their own. */
typedef struct MapEntryList {
    MapEntry *entries; /* borrowed from a map, as long as it is not changed */
    uint32_t count, capacity;
} MapEntryList;

/*
 * What two maps do not share: the entries of each that the other has not, or
 * not with the same bits. An entry may be in both lists and yet be equal in
 * both maps; whoever cares compares. Nodes that both maps hold are passed by,
 * so it costs what changed between the two and not what they hold. The caller
 * gives both lists to map_entry_list_deinit(). -ENOMEM; then there is nothing
 * to deinit.
 */
int map_difference(Heap *heap, const Map *a, const Map *b, MapEntryList *only_a, MapEntryList *only_b) MUST_CHECK;
void map_entry_list_deinit(Heap *heap, MapEntryList *list);

/* For value_release: give up the children of a dead map, or of a dead TAG_NODE of a map, through value_drop_child, and free it. */
void map_free(Heap *heap, Map *map, Object **dead);
void map_node_free(Heap *heap, Object *node, Object **dead);
/* Panics unless all that this page says holds. For tests and debug builds. */
void map_check(Heap *heap, const Map *map);
