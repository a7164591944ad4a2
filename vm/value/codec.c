/* SPDX-License-Identifier: MIT */
/*
 * Both directions keep a stack of the containers they are inside of, so depth
 * costs memory and no C stack; its first frames lie in the caller, so a
 * shallow value asks for none.
 *
 * The decoder believes a count only as far as there are bytes: each item that
 * open containers still wait for (`owed`) takes at least one. So a block made
 * for a count is never larger than eight times the input, and all of them
 * together are not either.
 */
#include "vm/value/codec.h"

#include "vm/base/bytes.h"
#include "vm/value/list.h"
#include "vm/value/map.h"
#include "vm/value/string.h"
#include <errno.h>
#include <math.h>

enum {
    FRAMES_SHALLOW = 8, /* containers inside each other that ask for no memory */
    UUID_SIZE = 16,
    UUID_TEXT_SIZE = 36,
};

/* --- UUIDs --- */

static bool uuid_has_dash(size_t index) {
    return index == 8 || index == 13 || index == 18 || index == 23;
}

/* The value of a lower-case hexadecimal digit, or -1. */
static int digit_value(char digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* False when this is no UUID in its one form; then `uuid` is undefined. */
static bool uuid_read(const char *text, size_t size, uint8_t uuid[UUID_SIZE]) {
    if (size != UUID_TEXT_SIZE)
        return false;
    size_t count = 0;
    for (size_t index = 0; index < UUID_TEXT_SIZE; index += 2) {
        if (uuid_has_dash(index) && text[index++] != '-')
            return false;
        int high = digit_value(text[index]), low = digit_value(text[index + 1]);
        if (high < 0 || low < 0)
            return false;
        uuid[count++] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static void uuid_write(const uint8_t uuid[UUID_SIZE], char *text) {
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;
    for (size_t index = 0; index < UUID_SIZE; index++) {
        if (uuid_has_dash(at))
            text[at++] = '-';
        text[at++] = digits[uuid[index] >> 4];
        text[at++] = digits[uuid[index] & 15];
    }
}

/* --- frames --- */

/*
 * Room for twice as many frames of a walk: a block in the place of `shallow`
 * or of a smaller block. NULL when refused; then all is as it was.
 */
static void *frames_grow(Heap *heap, void *frames, void *shallow, uint32_t *capacityp, size_t frame_size) {
    size_t size = *capacityp * frame_size;
    bool is_shallow = frames == shallow;
    void *grown = mem_try_resize(&heap->mem, is_shallow ? NULL : frames, is_shallow ? 0 : size, 2 * size);
    if (!grown)
        return NULL;
    if (is_shallow)
        memcpy(grown, shallow, size);
    *capacityp *= 2;
    return grown;
}

static void frames_free(Heap *heap, void *frames, void *shallow, uint32_t capacity, size_t frame_size) {
    if (frames != shallow)
        mem_free(&heap->mem, frames, capacity * frame_size);
}

/* --- encoding: pieces --- */

/* A tag and a number behind it. */
static int put_number(Buffer *out, CodecTag tag, uint64_t number) {
    char *at = buffer_reserve(out, 1 + VARINT_SIZE_MAX);
    if (!at)
        return -ENOMEM;
    at[0] = (char)tag;
    out->size += 1 + varint_put(at + 1, number);
    return 0;
}

static int put_fixed(Buffer *out, CodecTag tag, const void *bytes, size_t size) {
    char *at = buffer_reserve(out, 1 + size);
    if (!at)
        return -ENOMEM;
    at[0] = (char)tag;
    memcpy(at + 1, bytes, size);
    out->size += 1 + size;
    return 0;
}

/* A tag, a size, so many bytes. */
static int put_bytes(Buffer *out, CodecTag tag, const char *bytes, size_t size) {
    char *at = buffer_reserve(out, 1 + VARINT_SIZE_MAX + size);
    if (!at)
        return -ENOMEM;
    *at = (char)tag;
    uint32_t head = 1 + varint_put(at + 1, size);
    memcpy(at + head, bytes, size);
    out->size += head + size;
    return 0;
}

static int put_float(Buffer *out, double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    uint8_t bytes[sizeof bits];
    bytes_put_u64(bytes, bits);
    return put_fixed(out, CODEC_FLOAT, bytes, sizeof bytes);
}

static int put_string(Buffer *out, const String *string) {
    uint8_t uuid[UUID_SIZE];
    if (UNLIKELY(uuid_read(string_bytes(string), string->size, uuid)))
        return put_fixed(out, CODEC_UUID, uuid, sizeof uuid);
    return put_bytes(out, CODEC_STRING, string_bytes(string), string->size);
}

static int put_symbol(Buffer *out, CodecTag tag, const Heap *heap, uint32_t symbol) {
    size_t size;
    const char *name = symbol_text(&heap->symbols, symbol, &size);
    return put_bytes(out, tag, name, size);
}

/* --- encoding: the walk --- */

/* A container, encoded up to `index`. */
typedef struct EncodeFrame {
    Value container;
    uint32_t index, count;
    MapEntry *entries; /* of a map, in key order */
} EncodeFrame;

typedef struct EncodeWalk {
    Heap *heap;
    Buffer *out;
    Kind refused;        /* with CODEC_E_CODE */
    EncodeFrame *frames; /* `shallow`, or a block when there are more */
    EncodeFrame *shallow;
    uint32_t count, capacity;
} EncodeWalk;

static int encode_reserve(EncodeWalk *walk) {
    if (LIKELY(walk->count < walk->capacity))
        return 0;
    EncodeFrame *frames = frames_grow(walk->heap, walk->frames, walk->shallow, &walk->capacity, sizeof *frames);
    if (!frames)
        return -ENOMEM;
    walk->frames = frames;
    return 0;
}

static int encode_enter(EncodeWalk *walk, Value container, uint32_t count) {
    int r = encode_reserve(walk);
    if (r)
        return r;
    EncodeFrame frame = {.container = container, .count = count};
    if (value_is_map(container)) {
        frame.entries = map_sorted(walk->heap, value_map(container));
        if (!frame.entries && count > 0)
            return -ENOMEM;
    }
    walk->frames[walk->count++] = frame;
    return 0;
}

static void encode_leave(EncodeWalk *walk) {
    EncodeFrame *frame = &walk->frames[--walk->count];
    if (frame->entries)
        mem_free(&walk->heap->mem, frame->entries, frame->count * sizeof(MapEntry));
}

static int encode_map(EncodeWalk *walk, Value value) {
    uint32_t count = map_count(value_map(value));
    int r = put_number(walk->out, CODEC_MAP, count);
    return r ? r : encode_enter(walk, value, count);
}

static int encode_variant(EncodeWalk *walk, Value value) {
    const Variant *variant = value_variant(value);
    int r;
    if (variant->symbol == SYMBOL_LIST) {
        r = put_number(walk->out, CODEC_LIST, variant->count);
    } else {
        r = put_symbol(walk->out, CODEC_VARIANT, walk->heap, variant->symbol);
        if (!r)
            r = buffer_append_varint(walk->out, variant->count);
    }
    return r ? r : encode_enter(walk, value, variant->count);
}

static int encode_item(EncodeWalk *walk, Value value) {
    Kind kind = value_kind(value);
    switch (kind) {
    case KIND_INT:
        return put_number(walk->out, CODEC_INT, zigzag(value_to_int(value)));
    case KIND_FLOAT:
        return put_float(walk->out, value_to_float(value));
    case KIND_BOOL:
        return buffer_append_byte(walk->out, value_to_bool(value) ? CODEC_TRUE : CODEC_FALSE);
    case KIND_STRING:
        return put_string(walk->out, value_string(value));
    case KIND_SYMBOL:
        return put_symbol(walk->out, CODEC_SYMBOL, walk->heap, value_to_symbol(value));
    case KIND_VARIANT:
        return encode_variant(walk, value);
    case KIND_MAP:
        return encode_map(walk, value);
    case KIND_QUOTATION:
    case KIND_CHANNEL:
    case KIND_WEAVE:
        walk->refused = kind;
        return CODEC_E_CODE;
    case KIND_COUNT:
        break;
    }
    unreachable();
}

static int encode_step(EncodeWalk *walk) {
    EncodeFrame *frame = &walk->frames[walk->count - 1];
    if (frame->index == frame->count) {
        encode_leave(walk);
        return 0;
    }
    uint32_t index = frame->index++;
    if (!frame->entries)
        return encode_item(walk, variant_at(value_variant(frame->container), index));

    MapEntry entry = frame->entries[index];
    int r = encode_item(walk, entry.key); /* never a container */
    return r ? r : encode_item(walk, entry.value);
}

int codec_encode(Heap *heap, Value value, Buffer *out, Kind *refused) {
    EncodeFrame shallow[FRAMES_SHALLOW];
    EncodeWalk walk = {.heap = heap, .out = out, .frames = shallow, .shallow = shallow, .capacity = FRAMES_SHALLOW};
    size_t start = out->size;

    int r = encode_item(&walk, value);
    while (!r && walk.count > 0)
        r = encode_step(&walk);

    while (walk.count > 0)
        encode_leave(&walk);
    frames_free(heap, walk.frames, shallow, walk.capacity, sizeof *shallow);
    if (r)
        out->size = start;
    if (r == CODEC_E_CODE)
        *refused = walk.refused;
    return r;
}

/* --- decoding --- */

/* A container, filled up to `index`. */
typedef struct DecodeFrame {
    Value container; /* only ours, so it is changed in place */
    Value key;       /* of a map: the last one read; a reference of our own */
    uint32_t index, count;
} DecodeFrame;

typedef struct DecodeWalk {
    Heap *heap;
    ByteReader reader;
    const uint8_t *item; /* where the last one begun begins */
    uint64_t owed;       /* items that open containers still wait for */
    Value value;         /* what was decoded, at the end */
    DecodeFrame *frames; /* as above */
    DecodeFrame *shallow;
    uint32_t count, capacity;
} DecodeWalk;

static int decode_reserve(DecodeWalk *walk) {
    if (LIKELY(walk->count < walk->capacity))
        return 0;
    DecodeFrame *frames = frames_grow(walk->heap, walk->frames, walk->shallow, &walk->capacity, sizeof *frames);
    if (!frames)
        return -ENOMEM;
    walk->frames = frames;
    return 0;
}

/* A container is complete only when its frame is left; until then the frame owns it. */
static Value decode_leave(DecodeWalk *walk) {
    DecodeFrame *frame = &walk->frames[--walk->count];
    value_unref(walk->heap, frame->key);
    return frame->container;
}

static int decode_enter(DecodeWalk *walk, TAKEN Value container, uint32_t count) {
    int r = decode_reserve(walk);
    if (r) {
        value_unref(walk->heap, container);
        return r;
    }
    walk->frames[walk->count++] = (DecodeFrame){.container = container, .key = VALUE_ZERO, .count = count};
    return 0;
}

/* Puts what has been decoded where it belongs. Takes `value` in any case. */
static int decode_put(DecodeWalk *walk, TAKEN Value value) {
    Heap *heap = walk->heap;
    if (walk->count == 0) {
        walk->value = value;
        return 0;
    }
    DecodeFrame *frame = &walk->frames[walk->count - 1];
    void *changed;
    if (value_has_tag(frame->container, TAG_VARIANT)) {
        value_variant(frame->container)->fields[frame->index++] = value;
        return 0;
    }
    if (value_is_map(frame->container)) {
        changed = map_set(heap, value_map(frame->container), value_ref(frame->key), value);
        if (!changed)
            value_unref(heap, frame->key);
    } else {
        changed = list_push(heap, value_variant(frame->container), value);
    }
    if (!changed) {
        value_unref(heap, value);
        return -ENOMEM;
    }
    frame->container = value_from_object(changed);
    frame->index++;
    return 0;
}

/* --- decoding: atoms --- */

static int decode_int(DecodeWalk *walk, Value *valuep) {
    uint64_t number = byte_reader_varint(&walk->reader);
    if (walk->reader.failed || number >> 63 != 0)
        return CODEC_E_DAMAGED;
    *valuep = value_from_int(zigzag_back(number));
    return 0;
}

static int decode_float(DecodeWalk *walk, Value *valuep) {
    uint64_t bits = byte_reader_fixed(&walk->reader, sizeof bits);
    double number;
    memcpy(&number, &bits, sizeof number);
    if (walk->reader.failed || (isnan(number) && bits != FLOAT_NAN_BITS))
        return CODEC_E_DAMAGED;
    *valuep = value_from_float(walk->heap, number);
    return 0;
}

/* A size and so many bytes, which stay where they are; NULL when damaged. */
static const char *decode_bytes(DecodeWalk *walk, size_t *sizep) {
    uint64_t size = byte_reader_varint(&walk->reader);
    if (size > STRING_SIZE_MAX)
        return NULL;
    *sizep = size;
    return (const char *)byte_reader_take(&walk->reader, size);
}

static int decode_string(DecodeWalk *walk, Value *valuep) {
    size_t size;
    uint8_t uuid[UUID_SIZE];
    const char *bytes = decode_bytes(walk, &size);
    if (!bytes || uuid_read(bytes, size, uuid))
        return CODEC_E_DAMAGED;
    String *string = string_new(walk->heap, bytes, size);
    if (!string)
        return -ENOMEM;
    *valuep = value_from_object(string);
    return 0;
}

static int decode_uuid(DecodeWalk *walk, Value *valuep) {
    char *text;
    const uint8_t *uuid = byte_reader_take(&walk->reader, UUID_SIZE);
    if (!uuid)
        return CODEC_E_DAMAGED;
    String *string = string_to_fill(walk->heap, UUID_TEXT_SIZE, &text);
    if (!string)
        return -ENOMEM;
    uuid_write(uuid, text);
    *valuep = value_from_object(string);
    return 0;
}

static int decode_symbol(DecodeWalk *walk, uint32_t *symbolp) {
    size_t size;
    const char *name = decode_bytes(walk, &size);
    if (!name)
        return CODEC_E_DAMAGED;
    *symbolp = symbol_intern(&walk->heap->symbols, &walk->heap->mem, name, size);
    return *symbolp == SYMBOL_NONE ? -ENOMEM : 0;
}

static int decode_symbol_value(DecodeWalk *walk, Value *valuep) {
    uint32_t symbol;
    int r = decode_symbol(walk, &symbol);
    if (r)
        return r;
    *valuep = value_from_symbol(symbol);
    return 0;
}

static int decode_atom(DecodeWalk *walk, uint8_t tag, Value *valuep) {
    switch (tag) {
    case CODEC_INT:
        return decode_int(walk, valuep);
    case CODEC_FLOAT:
        return decode_float(walk, valuep);
    case CODEC_FALSE:
    case CODEC_TRUE:
        *valuep = value_from_bool(tag == CODEC_TRUE);
        return 0;
    case CODEC_STRING:
        return decode_string(walk, valuep);
    case CODEC_UUID:
        return decode_uuid(walk, valuep);
    case CODEC_SYMBOL:
        return decode_symbol_value(walk, valuep);
    default:
        return CODEC_E_DAMAGED;
    }
}

/* --- decoding: containers --- */

/* How many times `items` items follow, as far as there are bytes for them. */
static int decode_count(DecodeWalk *walk, uint32_t items, uint32_t *countp) {
    uint64_t count = byte_reader_varint(&walk->reader);
    if (walk->reader.failed || count > LIST_COUNT_MAX)
        return CODEC_E_DAMAGED;
    walk->owed += count * items;
    *countp = (uint32_t)count;
    return walk->owed > byte_reader_left(&walk->reader) ? CODEC_E_DAMAGED : 0;
}

static int decode_list(DecodeWalk *walk, uint32_t symbol, uint32_t count) {
    List *list = list_new(walk->heap, symbol, count);
    return list ? decode_enter(walk, value_from_object(list), count) : -ENOMEM;
}

/* In the form that wrap-N makes; list words let a variant grow beyond it. */
static int decode_variant(DecodeWalk *walk) {
    uint32_t symbol, count;
    int r = decode_symbol(walk, &symbol);
    if (!r && symbol == SYMBOL_LIST)
        r = CODEC_E_DAMAGED;
    if (!r)
        r = decode_count(walk, 1, &count);
    if (r)
        return r;
    if (count > VARIANT_FIELDS_MAX)
        return decode_list(walk, symbol, count);

    Value fields[VARIANT_FIELDS_MAX];
    for (uint32_t index = 0; index < count; index++)
        fields[index] = VALUE_ZERO; /* it may be freed before it is full */
    return decode_enter(walk, value_from_object(variant_new(walk->heap, symbol, count, fields)), count);
}

static int decode_map(DecodeWalk *walk) {
    uint32_t count;
    int r = decode_count(walk, 2, &count);
    return r ? r : decode_enter(walk, value_from_object(map_new(walk->heap)), count);
}

/* --- decoding: the walk --- */

/* The tag of the next item. Small objects are never refused, so each item looks whether they still may be made. */
static int decode_begin(DecodeWalk *walk, uint8_t *tagp) {
    walk->item = walk->reader.at;
    walk->owed--;
    if (mem_is_exhausted(&walk->heap->mem))
        return -ENOMEM;
    const uint8_t *tag = byte_reader_take(&walk->reader, 1);
    if (!tag)
        return CODEC_E_DAMAGED;
    *tagp = *tag;
    return 0;
}

static int decode_item(DecodeWalk *walk) {
    uint8_t tag;
    uint32_t count;
    int r = decode_begin(walk, &tag);
    if (r)
        return r;
    switch (tag) {
    case CODEC_LIST:
        r = decode_count(walk, 1, &count);
        return r ? r : decode_list(walk, SYMBOL_LIST, count);
    case CODEC_VARIANT:
        return decode_variant(walk);
    case CODEC_MAP:
        return decode_map(walk);
    default: {
        Value value;
        r = decode_atom(walk, tag, &value);
        return r ? r : decode_put(walk, value);
    }
    }
}

/* The next key, which must be greater than the one before it. */
static int decode_key(DecodeWalk *walk, DecodeFrame *frame) {
    uint8_t tag;
    Value key;
    int r = decode_begin(walk, &tag);
    if (!r)
        r = decode_atom(walk, tag, &key);
    if (r)
        return r;
    bool fits = map_key_is_valid(key) && (frame->index == 0 || map_key_compare(frame->key, key) < 0);
    value_unref(walk->heap, frame->key);
    frame->key = key;
    return fits ? 0 : CODEC_E_DAMAGED;
}

static int decode_step(DecodeWalk *walk) {
    DecodeFrame *frame = &walk->frames[walk->count - 1];
    if (frame->index == frame->count) {
        Value container = decode_leave(walk);
        return decode_put(walk, container);
    }
    int r = value_is_map(frame->container) ? decode_key(walk, frame) : 0;
    return r ? r : decode_item(walk);
}

int codec_decode(Heap *heap, const char *bytes, size_t size, size_t *usedp, Value *valuep) {
    DecodeFrame shallow[FRAMES_SHALLOW];
    DecodeWalk walk = {
        .heap = heap,
        .reader = byte_reader(bytes, size),
        .owed = 1,
        .frames = shallow,
        .shallow = shallow,
        .capacity = FRAMES_SHALLOW,
    };

    int r = decode_item(&walk);
    while (!r && walk.count > 0)
        r = decode_step(&walk);

    while (walk.count > 0)
        value_unref(heap, decode_leave(&walk));
    frames_free(heap, walk.frames, shallow, walk.capacity, sizeof *shallow);
    *usedp = (size_t)((r ? walk.item : walk.reader.at) - (const uint8_t *)bytes);
    if (!r)
        *valuep = walk.value;
    return r;
}
