/* SPDX-License-Identifier: MIT */
/*
 * The file: a header (the offsets are those of spec/journal.md), the id, the
 * header's checksum, one zstd frame. Sizes in it are believed only within the
 * limit, and the frame must say the same.
 */
#include "journal/snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>
#include <zstd.h>

enum {
    AT_FORMAT = 8,
    AT_ID_SIZE = 12,
    AT_STORE = 16,
    AT_INCARNATION = 32,
    AT_SEQUENCE = 48,
    AT_CHECKSUM = 56,
    AT_RAW_SIZE = 64,
    AT_PACKED_SIZE = 72,
    AT_RAW_HASH = 80,
    AT_PACKED_HASH = 88,
    AT_ID = 96,
    HASH_SIZE = 8,
    SNAPSHOT_FORMAT = 1,
    LEVEL = 1, /* of zstd: the disk's speed counts, not the last percent */
    NAME_MAX_SIZE = 128,
};
static const uint8_t magic[8] = {0x89, 'A', 'J', 'S', 0x0d, 0x0a, 0x1a, 0x0a};

/* --- names --- */

void snapshot_encode_id(const char *id, size_t size, char *name) {
    enum { ENCODED_MAX = 120 };
    size_t length = 0;
    for (size_t index = 0; index < size && length <= ENCODED_MAX; index++) {
        unsigned char byte = (unsigned char)id[index];
        bool stays = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
        if (stays)
            name[length++] = (char)byte;
        else
            length += (size_t)snprintf(name + length, 4, "=%02X", byte);
    }
    name[length] = '\0';
    if (length > ENCODED_MAX) {
        XXH128_hash_t hash = XXH3_128bits(id, size);
        snprintf(name, NAME_MAX_SIZE, "#%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64, (uint64_t)hash.low64);
    }
}

static void folder_of(char *path, const char *folder, const SnapshotName *name) {
    snprintf(path, SNAPSHOT_PATH_MAX, "%.3900s/%02x", folder, (unsigned)(XXH3_64bits(name->id, name->id_size) & 0xff));
}

static void path_of(char *path, const char *inner, const char *encoded, uint64_t sequence, const char *ending) {
    snprintf(path, SNAPSHOT_PATH_MAX, "%.3910s/%.121s.%016" PRIx64 "%s", inner, encoded, sequence, ending);
}

/* --- the file --- */

static uint32_t header_size(uint32_t id_size) {
    return AT_ID + ((id_size + 7) & ~7u) + HASH_SIZE;
}

static int pack_file(const SnapshotName *name, const void *image, size_t size, Buffer *file) {
    uint32_t head = header_size(name->id_size);
    size_t bound = ZSTD_compressBound(size);
    uint8_t *bytes = (uint8_t *)buffer_reserve(file, head + bound);
    if (bytes == NULL)
        return -ENOMEM;
    size_t packed = ZSTD_compress(bytes + head, bound, image, size, LEVEL);
    if (ZSTD_isError(packed))
        return -ENOMEM; /* it has no other reason, given the bound */
    memset(bytes, 0, head);
    memcpy(bytes, magic, sizeof magic);
    bytes_put_u32(bytes + AT_FORMAT, SNAPSHOT_FORMAT);
    bytes_put_u32(bytes + AT_ID_SIZE, name->id_size);
    memcpy(bytes + AT_STORE, name->store, sizeof name->store);
    memcpy(bytes + AT_INCARNATION, name->incarnation, sizeof name->incarnation);
    bytes_put_u64(bytes + AT_SEQUENCE, name->sequence);
    bytes_put_u64(bytes + AT_CHECKSUM, name->checksum);
    bytes_put_u64(bytes + AT_RAW_SIZE, size);
    bytes_put_u64(bytes + AT_PACKED_SIZE, packed);
    bytes_put_u64(bytes + AT_RAW_HASH, XXH3_64bits(image, size));
    bytes_put_u64(bytes + AT_PACKED_HASH, XXH3_64bits(bytes + head, packed));
    memcpy(bytes + AT_ID, name->id, name->id_size);
    bytes_put_u64(bytes + head - HASH_SIZE, XXH3_64bits(bytes, head - HASH_SIZE));
    file->size += head + packed;
    return 0;
}

/* Appends the image. SNAPSHOT_E_DAMAGED: it is not what snapshot_write() wrote for this actor. */
static int unpack_file(const Buffer *file, SnapshotName *name, Buffer *image) {
    const uint8_t *bytes = (const uint8_t *)file->bytes;
    uint32_t head = header_size(name->id_size);
    if (file->size < head || memcmp(bytes, magic, sizeof magic) != 0 ||
        bytes_get_u64(bytes + head - HASH_SIZE) != XXH3_64bits(bytes, head - HASH_SIZE) ||
        bytes_get_u32(bytes + AT_FORMAT) != SNAPSHOT_FORMAT || bytes_get_u32(bytes + AT_ID_SIZE) != name->id_size ||
        memcmp(bytes + AT_STORE, name->store, sizeof name->store) != 0 ||
        memcmp(bytes + AT_INCARNATION, name->incarnation, sizeof name->incarnation) != 0 ||
        memcmp(bytes + AT_ID, name->id, name->id_size) != 0)
        return SNAPSHOT_E_DAMAGED;
    uint64_t raw = bytes_get_u64(bytes + AT_RAW_SIZE), packed = bytes_get_u64(bytes + AT_PACKED_SIZE);
    if (raw > SNAPSHOT_RAW_SIZE_MAX || packed != file->size - head ||
        ZSTD_getFrameContentSize(bytes + head, packed) != raw ||
        bytes_get_u64(bytes + AT_PACKED_HASH) != XXH3_64bits(bytes + head, packed))
        return SNAPSHOT_E_DAMAGED;
    char *room = buffer_reserve(image, raw);
    if (room == NULL)
        return -ENOMEM;
    if (ZSTD_decompress(room, raw, bytes + head, packed) != raw ||
        bytes_get_u64(bytes + AT_RAW_HASH) != XXH3_64bits(room, raw))
        return SNAPSHOT_E_DAMAGED;
    name->sequence = bytes_get_u64(bytes + AT_SEQUENCE);
    name->checksum = bytes_get_u64(bytes + AT_CHECKSUM);
    image->size += raw;
    return 0;
}

static int read_file(const Io *io, const char *path, Buffer *file) {
    int descriptor = io_open(io, path, IO_OWN_READ);
    if (descriptor < 0)
        return descriptor;
    int64_t size = io_size(io, descriptor), got = size;
    char *room = NULL;
    buffer_clear(file);
    if (size >= 0 && (uint64_t)size <= SNAPSHOT_RAW_SIZE_MAX + (uint64_t)SNAPSHOT_RAW_SIZE_MAX / 64 + 8192)
        room = buffer_reserve(file, (size_t)size);
    if (room)
        got = io_read_all_at(io, descriptor, 0, room, (size_t)size);
    io_close(io, descriptor);
    if (got < 0)
        return (int)got;
    if (room == NULL)
        return file->failed ? -ENOMEM : SNAPSHOT_E_DAMAGED;
    file->size = (size_t)got;
    return 0;
}

/* --- writing --- */

static int make_folders(const Io *io, const char *folder, const char *inner) {
    int r = io_make_folder(io, folder);
    if (r && r != -EEXIST)
        return r;
    r = io_make_folder(io, inner);
    if (r)
        return r == -EEXIST ? 0 : r;
    return io_sync_folder(io, folder);
}

/* A file is what was meant only if reading it gives the image. */
static int read_back(const Io *io, Mem *mem, const char *path, const SnapshotName *name, const void *image,
                     size_t size) {
    CLEANUP(buffer_deinit) Buffer file, found;
    buffer_init(&file, mem);
    buffer_init(&found, mem);
    SnapshotName check_name = *name;
    int r = read_file(io, path, &file);
    if (!r)
        r = unpack_file(&file, &check_name, &found);
    if (!r && (found.size != size || memcmp(found.bytes, image, size) != 0 || check_name.sequence != name->sequence))
        r = SNAPSHOT_E_DAMAGED;
    return r > 0 ? -EIO : r;
}

int snapshot_write(const Io *io, Mem *mem, const char *folder, const SnapshotName *name, const void *image,
                   size_t size) {
    char inner[SNAPSHOT_PATH_MAX], path[SNAPSHOT_PATH_MAX], aside[SNAPSHOT_PATH_MAX], encoded[NAME_MAX_SIZE];
    CLEANUP(buffer_deinit) Buffer file;
    buffer_init(&file, mem);
    if (size > SNAPSHOT_RAW_SIZE_MAX)
        return -EFBIG;
    snapshot_encode_id(name->id, name->id_size, encoded);
    folder_of(inner, folder, name);
    path_of(path, inner, encoded, name->sequence, ".s");
    path_of(aside, inner, encoded, name->sequence, ".new");
    int r = pack_file(name, image, size, &file);
    if (!r)
        r = make_folders(io, folder, inner);
    if (r)
        return r;
    r = io_delete_file(io, aside);
    if (r && r != -ENOENT)
        return r;
    int descriptor = io_open(io, aside, IO_OWN_CREATE);
    if (descriptor < 0)
        return descriptor;
    r = io_write_all_at(io, descriptor, 0, file.bytes, file.size);
    if (!r)
        r = io_sync(io, descriptor);
    int closed = io_close(io, descriptor);
    r = r ? r : closed;
    if (!r)
        r = read_back(io, mem, aside, name, image, size);
    if (!r)
        r = io_rename(io, aside, path);
    if (!r)
        return io_sync_folder(io, inner);
    int deleted = io_delete_file(io, aside);
    return deleted && deleted != -ENOENT ? deleted : r;
}

/* --- reading --- */

typedef struct SnapshotList {
    const char *encoded;
    size_t encoded_size;
    Buffer sequences; /* uint64_t, of all snapshots of the actor */
} SnapshotList;

static int collect(void *context, const char *name) {
    SnapshotList *list = context;
    size_t size = strlen(name);
    char *end;
    if (size != list->encoded_size + 1 + 16 + 2 || memcmp(name, list->encoded, list->encoded_size) != 0 ||
        name[list->encoded_size] != '.' || strcmp(name + size - 2, ".s") != 0)
        return 0;
    uint64_t sequence = strtoull(name + list->encoded_size + 1, &end, 16);
    return end == name + size - 2 ? buffer_append(&list->sequences, &sequence, sizeof sequence) : 0;
}

static int compare_falling(const void *a, const void *b) {
    uint64_t left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return left > right ? -1 : left < right;
}

/* The sequences of an actor's snapshots, newest first. */
static int list_snapshots(const Io *io, const char *inner, SnapshotList *list) {
    int r = io_list_folder(io, inner, collect, list);
    if (list->sequences.size > 0)
        qsort(list->sequences.bytes, list->sequences.size / sizeof(uint64_t), sizeof(uint64_t), compare_falling);
    return r == -ENOENT ? 0 : r;
}

static uint64_t sequence_at(const SnapshotList *list, size_t index) {
    uint64_t sequence;
    memcpy(&sequence, list->sequences.bytes + index * sizeof sequence, sizeof sequence);
    return sequence;
}

static int put_aside(const Io *io, const char *path, const char *encoded, uint64_t sequence, const char *quarantine) {
    char target[SNAPSHOT_PATH_MAX];
    if (quarantine == NULL)
        return 0;
    path_of(target, quarantine, encoded, sequence, ".s");
    int r = io_rename(io, path, target);
    return r == -ENOENT ? 0 : r;
}

int snapshot_read(const Io *io, Mem *mem, const char *folder, SnapshotName *name, Buffer *image,
                  const char *quarantine) {
    char inner[SNAPSHOT_PATH_MAX], path[SNAPSHOT_PATH_MAX], encoded[NAME_MAX_SIZE];
    SnapshotList list = {.encoded = encoded};
    CLEANUP(buffer_deinit) Buffer file;
    buffer_init(&file, mem);
    buffer_init(&list.sequences, mem);
    snapshot_encode_id(name->id, name->id_size, encoded);
    list.encoded_size = strlen(encoded);
    folder_of(inner, folder, name);
    int r = list_snapshots(io, inner, &list);
    size_t count = list.sequences.size / sizeof(uint64_t), start = image->size;
    int result = r ? r : SNAPSHOT_E_ABSENT;
    for (size_t index = 0; index < count && !r && result == SNAPSHOT_E_ABSENT; index++) {
        uint64_t sequence = sequence_at(&list, index);
        if (sequence > name->sequence)
            continue; /* of records that were lost with a group nobody was told of */
        SnapshotName found = *name;
        path_of(path, inner, encoded, sequence, ".s");
        image->size = start;
        r = read_file(io, path, &file);
        if (!r)
            r = unpack_file(&file, &found, image);
        found.damaged = name->damaged;
        if (r == 0) {
            *name = found;
            result = 0;
        } else if (r == -ENOENT) { /* a reader's: its owner has trimmed since */
            r = 0;
        } else if (r == SNAPSHOT_E_DAMAGED) {
            name->damaged = name->damaged ? name->damaged : sequence;
            r = put_aside(io, path, encoded, sequence, quarantine);
        }
    }
    buffer_deinit(&list.sequences);
    return r < 0 ? r : result;
}

int snapshot_trim(const Io *io, Mem *mem, const char *folder, const SnapshotName *name) {
    char inner[SNAPSHOT_PATH_MAX], path[SNAPSHOT_PATH_MAX], encoded[NAME_MAX_SIZE];
    SnapshotList list = {.encoded = encoded};
    buffer_init(&list.sequences, mem);
    snapshot_encode_id(name->id, name->id_size, encoded);
    list.encoded_size = strlen(encoded);
    folder_of(inner, folder, name);
    int r = list_snapshots(io, inner, &list);
    for (size_t index = SNAPSHOT_KEPT; index < list.sequences.size / sizeof(uint64_t) && !r; index++) {
        path_of(path, inner, encoded, sequence_at(&list, index), ".s");
        r = io_delete_file(io, path);
        r = r == -ENOENT ? 0 : r;
    }
    buffer_deinit(&list.sequences);
    return r;
}
