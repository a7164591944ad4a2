/* SPDX-License-Identifier: MIT */
/*
 * Maps nest as deep as a program likes, so both directions keep a stack of
 * the Maps they are inside of, outermost first.
 *
 * Applying leaves a Map open until a change lies elsewhere. What is open has
 * been taken out of the Map around it (an Int stands there meanwhile), so
 * that it is held once and is changed in place; closing puts it back.
 */
#include "vm/value/difference.h"

#include "vm/value/map.h"
#include <errno.h>

enum { CHANGE_REMOVED = 0, CHANGE_SET = 1 };

/* --- encoding --- */

/* The Maps under one path in both states. */
typedef struct EncodeFrame {
    MapEntryList before, after;         /* what they do not share, */
    uint32_t before_index, after_index; /* compared up to here */
    size_t path_size;                   /* of the walk's path around them */
} EncodeFrame;

typedef struct EncodeWalk {
    Heap *heap;
    Buffer *out;
    Kind *refused;
    uint64_t change_count;
    Buffer path; /* the keys that lead to the innermost frame, encoded */
    EncodeFrame *frames;
    uint32_t count, capacity;
} EncodeWalk;

static int encode_reserve(EncodeWalk *walk) {
    if (walk->count < walk->capacity)
        return 0;
    EncodeFrame *frames = mem_try_double(&walk->heap->mem, walk->frames, sizeof *frames, &walk->capacity);
    if (!frames)
        return -ENOMEM;
    walk->frames = frames;
    return 0;
}

static int encode_enter(EncodeWalk *walk, Value before, Value after) {
    int r = encode_reserve(walk);
    if (r)
        return r;
    EncodeFrame frame = {.path_size = walk->path.size};
    r = map_difference(walk->heap, value_map(before), value_map(after), &frame.before, &frame.after);
    if (r)
        return r;
    walk->frames[walk->count++] = frame;
    return 0;
}

static void encode_leave(EncodeWalk *walk) {
    EncodeFrame *frame = &walk->frames[--walk->count];
    map_entry_list_deinit(walk->heap, &frame->before);
    map_entry_list_deinit(walk->heap, &frame->after);
    walk->path.size = frame->path_size;
}

/* What stands before each change: its path, which ends with `key`, and what became of the entry. */
static int encode_change(EncodeWalk *walk, Value key, char what) {
    walk->change_count++;
    int r = buffer_append_varint(walk->out, walk->count);
    if (!r)
        r = buffer_append(walk->out, walk->path.bytes, walk->path.size);
    if (!r)
        r = codec_encode(walk->heap, key, walk->out, walk->refused);
    return r ? r : buffer_append_byte(walk->out, what);
}

static int encode_set(EncodeWalk *walk, Value key, Value value) {
    int r = encode_change(walk, key, CHANGE_SET);
    return r ? r : codec_encode(walk->heap, value, walk->out, walk->refused);
}

/* An entry that both have, not shared but maybe equal. */
static int encode_pair(EncodeWalk *walk, Value key, Value before, Value after) {
    if (value_is_map(before) && value_is_map(after)) {
        int r = encode_enter(walk, before, after);
        return r ? r : codec_encode(walk->heap, key, &walk->path, walk->refused);
    }
    if (value_equal(walk->heap, before, after))
        return 0;
    if (mem_is_exhausted(&walk->heap->mem))
        return -ENOMEM; /* that was no answer */
    return encode_set(walk, key, after);
}

static const MapEntry *entry_at(const MapEntryList *list, uint32_t index) {
    return index < list->count ? &list->entries[index] : NULL;
}

static int encode_step(EncodeWalk *walk) {
    EncodeFrame *frame = &walk->frames[walk->count - 1];
    const MapEntry *before = entry_at(&frame->before, frame->before_index);
    const MapEntry *after = entry_at(&frame->after, frame->after_index);
    if (!before && !after) {
        encode_leave(walk);
        return 0;
    }
    int order = before && after ? map_key_compare(before->key, after->key) : before ? -1 : 1;
    frame->before_index += order <= 0;
    frame->after_index += order >= 0;
    if (order < 0)
        return encode_change(walk, before->key, CHANGE_REMOVED);
    if (order > 0)
        return encode_set(walk, after->key, after->value);
    return encode_pair(walk, after->key, before->value, after->value);
}

/* The count goes before the changes, but is known behind them. */
static int encode_count(const EncodeWalk *walk, size_t start) {
    Buffer *out = walk->out;
    uint8_t count[VARINT_SIZE_MAX];
    uint32_t size = varint_put(count, walk->change_count);
    if (!buffer_reserve(out, size))
        return -ENOMEM;
    memmove(out->bytes + start + size, out->bytes + start, out->size - start);
    memcpy(out->bytes + start, count, size);
    out->size += size;
    return 0;
}

int difference_encode(Heap *heap, Value before, Value after, Buffer *out, Kind *refused) {
    check(value_is_map(before) && value_is_map(after));
    EncodeWalk walk = {.heap = heap, .out = out, .refused = refused};
    size_t start = out->size;
    buffer_init(&walk.path, &heap->mem);

    int r = encode_enter(&walk, before, after);
    while (!r && walk.count > 0)
        r = encode_step(&walk);
    if (!r)
        r = encode_count(&walk, start);

    while (walk.count > 0)
        encode_leave(&walk);
    mem_free(&heap->mem, walk.frames, walk.capacity * sizeof *walk.frames);
    buffer_deinit(&walk.path);
    if (r)
        out->size = start;
    return r;
}

/* --- reading --- */

void difference_reader_init(DifferenceReader *reader, Heap *heap, const char *bytes, size_t size) {
    *reader = (DifferenceReader){.heap = heap, .bytes = byte_reader(bytes, size), .value = VALUE_ZERO};
    reader->left = byte_reader_varint(&reader->bytes);
}

/* Leaves the first `length` keys of the path. */
static void path_cut(DifferenceReader *reader, uint32_t length) {
    while (reader->path_length > length)
        value_unref(reader->heap, reader->path[--reader->path_length]);
}

void difference_reader_deinit(DifferenceReader *reader) {
    path_cut(reader, 0);
    mem_free(&reader->heap->mem, reader->path, reader->path_capacity * sizeof *reader->path);
    value_unref(reader->heap, reader->value);
}

/* Takes `key`, unless it is refused. */
static int path_push(DifferenceReader *reader, TAKEN Value key) {
    if (reader->path_length == reader->path_capacity) {
        Value *path = mem_try_double(&reader->heap->mem, reader->path, sizeof *path, &reader->path_capacity);
        if (!path)
            return -ENOMEM;
        reader->path = path;
    }
    reader->path[reader->path_length++] = key;
    return 0;
}

static int read_value(DifferenceReader *reader, Value *valuep) {
    ByteReader *bytes = &reader->bytes;
    size_t used;
    int r = codec_decode(reader->heap, (const char *)bytes->at, byte_reader_left(bytes), &used, valuep);
    if (!r)
        bytes->at += used;
    return r;
}

/*
 * The key at `index` of a path of `length`, where all keys before it are those
 * of the path before. That one is as yet in the reader: with an equal key we
 * go on along it, if both do; a greater key ends it.
 */
static int path_follow(DifferenceReader *reader, uint64_t length, Value key) {
    uint32_t index = reader->common_length;
    int order = map_key_compare(reader->path[index], key);
    if (order == 0 && index + 1 < reader->path_length && index + 1 < length) {
        reader->common_length++;
        return 0;
    }
    if (order >= 0)
        return CODEC_E_DAMAGED;
    path_cut(reader, index);
    return 0;
}

static int path_read_key(DifferenceReader *reader, uint64_t length, uint64_t index) {
    Value key;
    int r = read_value(reader, &key);
    if (r)
        return r;
    if (!map_key_is_valid(key))
        r = CODEC_E_DAMAGED;
    else if (index < reader->path_length)
        r = path_follow(reader, length, key);
    if (!r && index == reader->path_length)
        r = path_push(reader, key);
    else
        value_unref(reader->heap, key);
    return r;
}

static int path_read(DifferenceReader *reader) {
    uint64_t length = byte_reader_varint(&reader->bytes);
    if (length == 0 || length > byte_reader_left(&reader->bytes))
        return CODEC_E_DAMAGED;
    reader->common_length = 0;
    int r = 0;
    for (uint64_t index = 0; !r && index < length; index++)
        r = path_read_key(reader, length, index);
    return r;
}

int difference_reader_next(DifferenceReader *reader) {
    if (reader->bytes.failed)
        return CODEC_E_DAMAGED;
    if (reader->left == 0)
        return byte_reader_left(&reader->bytes) > 0 ? CODEC_E_DAMAGED : DIFFERENCE_E_END;
    reader->left--;
    value_unref(reader->heap, reader->value);
    reader->value = VALUE_ZERO;

    int r = path_read(reader);
    if (r)
        return r;
    uint64_t what = byte_reader_fixed(&reader->bytes, 1);
    if (reader->bytes.failed || what > CHANGE_SET)
        return CODEC_E_DAMAGED;
    reader->is_removed = what == CHANGE_REMOVED;
    return reader->is_removed ? 0 : read_value(reader, &reader->value);
}

/* --- applying --- */

/* A Map that is being changed. */
typedef struct ApplyFrame {
    Map *map;
    Value key; /* under which it belongs into the one around it */
} ApplyFrame;

typedef struct ApplyWalk {
    Heap *heap;
    DifferenceReader reader;
    ApplyFrame *frames;
    uint32_t count, capacity;
} ApplyWalk;

static ApplyFrame *apply_top(const ApplyWalk *walk) {
    return &walk->frames[walk->count - 1];
}

static int apply_reserve(ApplyWalk *walk) {
    if (walk->count < walk->capacity)
        return 0;
    ApplyFrame *frames = mem_try_double(&walk->heap->mem, walk->frames, sizeof *frames, &walk->capacity);
    if (!frames)
        return -ENOMEM;
    walk->frames = frames;
    return 0;
}

static int apply_push(ApplyWalk *walk, TAKEN Map *map, TAKEN Value key) {
    int r = apply_reserve(walk);
    if (r) {
        value_unref(walk->heap, value_from_object(map));
        value_unref(walk->heap, key);
        return r;
    }
    walk->frames[walk->count++] = (ApplyFrame){map, key};
    return 0;
}

/* Sets an entry of the innermost Map. Takes `value` in any case. */
static int apply_set(ApplyWalk *walk, Value key, TAKEN Value value) {
    ApplyFrame *frame = apply_top(walk);
    Map *map = map_set(walk->heap, frame->map, value_ref(key), value);
    if (!map) {
        value_unref(walk->heap, key);
        value_unref(walk->heap, value);
        return -ENOMEM;
    }
    frame->map = map;
    return 0;
}

static int apply_open(ApplyWalk *walk, Value key) {
    const Value *found = map_peek(walk->heap, apply_top(walk)->map, key);
    if (!found || !value_is_map(*found))
        return CODEC_E_DAMAGED;
    Value map = value_ref(*found);
    int r = apply_set(walk, key, VALUE_ZERO);
    if (r) {
        value_unref(walk->heap, map);
        return r;
    }
    return apply_push(walk, value_map(map), value_ref(key));
}

static int apply_close(ApplyWalk *walk) {
    ApplyFrame inner = *apply_top(walk);
    walk->count--;
    int r = apply_set(walk, inner.key, value_from_object(inner.map));
    value_unref(walk->heap, inner.key);
    return r;
}

static int apply_removal(ApplyWalk *walk, Value key) {
    ApplyFrame *frame = apply_top(walk);
    if (!map_peek(walk->heap, frame->map, key))
        return CODEC_E_DAMAGED;
    Map *map = map_remove(walk->heap, frame->map, key);
    if (!map)
        return -ENOMEM;
    frame->map = map;
    return 0;
}

/* Two Maps would have been gone into, and what is equal is no change. */
static int apply_value(ApplyWalk *walk, Value key, Value value) {
    const Value *found = map_peek(walk->heap, apply_top(walk)->map, key);
    if (found && ((value_is_map(*found) && value_is_map(value)) || value_equal(walk->heap, *found, value)))
        return CODEC_E_DAMAGED;
    if (mem_is_exhausted(&walk->heap->mem))
        return -ENOMEM;
    return apply_set(walk, key, value_ref(value));
}

/* The frames are those of the change before: one for each key of its path but the last, and the outermost. */
static int apply_change(ApplyWalk *walk) {
    const DifferenceReader *reader = &walk->reader;
    uint32_t last = reader->path_length - 1;
    int r = 0;
    while (!r && walk->count - 1 > reader->common_length)
        r = apply_close(walk);
    for (uint32_t index = reader->common_length; !r && index < last; index++)
        r = apply_open(walk, reader->path[index]);
    if (r)
        return r;
    return reader->is_removed ? apply_removal(walk, reader->path[last])
                              : apply_value(walk, reader->path[last], reader->value);
}

/* All changes; at the end the outermost Map is the only frame. */
static int apply_all(ApplyWalk *walk) {
    int r;
    while (!(r = difference_reader_next(&walk->reader))) {
        r = apply_change(walk);
        if (r)
            return r;
    }
    if (r != DIFFERENCE_E_END)
        return r;
    r = 0;
    while (!r && walk->count > 1)
        r = apply_close(walk);
    return r;
}

int difference_apply(Heap *heap, const char *bytes, size_t size, TAKEN Value before, Value *afterp) {
    check(value_is_map(before));
    ApplyWalk walk = {.heap = heap};
    difference_reader_init(&walk.reader, heap, bytes, size);

    int r = apply_push(&walk, value_map(before), VALUE_ZERO);
    if (!r)
        r = apply_all(&walk);
    if (!r)
        *afterp = value_from_object(walk.frames[--walk.count].map);

    for (; walk.count > 0; walk.count--) {
        value_unref(heap, value_from_object(apply_top(&walk)->map));
        value_unref(heap, apply_top(&walk)->key);
    }
    mem_free(&heap->mem, walk.frames, walk.capacity * sizeof *walk.frames);
    difference_reader_deinit(&walk.reader);
    return r;
}
