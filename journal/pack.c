/* SPDX-License-Identifier: MIT */
/* The offsets are those of spec/journal.md. */
#include "journal/pack.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <xxhash.h>

/* of the file */
enum {
    AT_FORMAT = 8,
    AT_STORE = 16,
    AT_NUMBER = 32,
    AT_CHECKSUM = 56,
};
enum { PACK_FORMAT = 1 };
static const uint8_t file_magic[8] = {0x89, 'A', 'J', 'P', 0x0d, 0x0a, 0x1a, 0x0a};

/* of a run */
enum {
    RUN_HASH = 0,
    RUN_INCARNATION = 16,
    RUN_FIRST = 32,
    RUN_LAST = 40,
    RUN_SIZE = 48,
    RUN_PREVIOUS = 56,
    RUN_RESERVED = 64,
    RUN_CHECKSUM = 72,
};
static_assert(RUN_CHECKSUM + 8 == PACK_RUN_HEADER_SIZE, "the header has no hole");

void pack_path(char *path, const char *folder, uint64_t number) {
    snprintf(path, PACK_PATH_MAX, "%.4000s/%016" PRIx64 ".p", folder, number);
}

void pack_header_encode(const uint8_t store[STORE_UUID_SIZE], uint64_t number, uint8_t *bytes) {
    memset(bytes, 0, PACK_HEADER_SIZE);
    memcpy(bytes, file_magic, sizeof file_magic);
    bytes_put_u32(bytes + AT_FORMAT, PACK_FORMAT);
    memcpy(bytes + AT_STORE, store, STORE_UUID_SIZE);
    bytes_put_u64(bytes + AT_NUMBER, number);
    bytes_put_u64(bytes + AT_CHECKSUM, XXH3_64bits(bytes, AT_CHECKSUM));
}

int pack_open(const Io *io, const char *folder, const uint8_t store[STORE_UUID_SIZE], uint64_t number) {
    char path[PACK_PATH_MAX];
    uint8_t found[PACK_HEADER_SIZE], wanted[PACK_HEADER_SIZE];
    pack_path(path, folder, number);
    int descriptor = io_open(io, path, IO_OWN_READ);
    if (descriptor < 0)
        return descriptor;
    int64_t got = io_read_all_at(io, descriptor, 0, found, sizeof found);
    pack_header_encode(store, number, wanted);
    if (got == sizeof found && memcmp(found, wanted, sizeof found) == 0)
        return descriptor;
    io_close(io, descriptor);
    return got < 0 ? (int)got : -EBADMSG;
}

void pack_run_encode(const PackRun *run, uint8_t *bytes) {
    memcpy(bytes + RUN_HASH, run->hash, sizeof run->hash);
    memcpy(bytes + RUN_INCARNATION, run->incarnation, sizeof run->incarnation);
    bytes_put_u64(bytes + RUN_FIRST, run->first_sequence);
    bytes_put_u64(bytes + RUN_LAST, run->last_sequence);
    bytes_put_u64(bytes + RUN_SIZE, run->size);
    bytes_put_u64(bytes + RUN_PREVIOUS, run->previous);
    bytes_put_u64(bytes + RUN_RESERVED, 0);
    bytes_put_u64(bytes + RUN_CHECKSUM, XXH3_64bits(bytes, RUN_CHECKSUM));
}

bool pack_run_decode(const uint8_t *bytes, PackRun *run) {
    if (bytes_get_u64(bytes + RUN_CHECKSUM) != XXH3_64bits(bytes, RUN_CHECKSUM))
        return false;
    *run = (PackRun){
        .first_sequence = bytes_get_u64(bytes + RUN_FIRST),
        .last_sequence = bytes_get_u64(bytes + RUN_LAST),
        .size = bytes_get_u64(bytes + RUN_SIZE),
        .previous = bytes_get_u64(bytes + RUN_PREVIOUS),
    };
    memcpy(run->hash, bytes + RUN_HASH, sizeof run->hash);
    memcpy(run->incarnation, bytes + RUN_INCARNATION, sizeof run->incarnation);
    return run->first_sequence > 0 && run->last_sequence >= run->first_sequence;
}
