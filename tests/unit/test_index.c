/* SPDX-License-Identifier: MIT */
#include "journal/index.h"
#include "tests/unit/refusing.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include <xxhash.h>

enum { PAGE = 4096 };

static Refusing refusing;
static Mem mem;
static Io io; /* the system's files, with the faults below */
static char folder[] = "/tmp/test_index_XXXXXX";
static const IndexStamp stamp = {.store = "store of a test", .number = 7};

/* --- files with faults --- */

typedef struct Faults {
    Io inner;
    uint64_t calls;    /* so far, */
    uint64_t failing;  /* and the number of the one that fails, from 1; 0: none */
    bool only_pieces;  /* reads and writes do a third of what they are asked */
    uint64_t flip_bit; /* of a file: it is read wrong */
    bool flips;
    uint64_t reads;
    int open_count;
    bool is_unsynced; /* something was written since the last sync */
} Faults;

static Faults faults;

static bool fails(void) {
    return ++faults.calls == faults.failing;
}

static size_t piece(size_t size) {
    return faults.only_pieces && size > 3 ? size / 3 : size;
}

static int faulty_open(void *context, const char *path, IoMode mode) {
    if (fails())
        return -EMFILE;
    int descriptor = io_open(&faults.inner, path, mode);
    faults.open_count += descriptor >= 0;
    return descriptor;
}

static int faulty_close(void *context, int descriptor) {
    faults.open_count -= descriptor >= 0;
    int r = io_close(&faults.inner, descriptor);
    return fails() ? -EIO : r;
}

static int64_t faulty_read_at(void *context, int descriptor, uint64_t offset, void *bytes, size_t size) {
    faults.reads++;
    if (fails())
        return -EIO;
    int64_t got = io_read_at(&faults.inner, descriptor, offset, bytes, piece(size));
    uint64_t flipped = faults.flip_bit / 8;
    if (faults.flips && got > 0 && flipped >= offset && flipped - offset < (uint64_t)got)
        ((uint8_t *)bytes)[flipped - offset] ^= (uint8_t)(1 << faults.flip_bit % 8);
    return got;
}

static int64_t faulty_write_at(void *context, int descriptor, uint64_t offset, const void *bytes, size_t size) {
    faults.is_unsynced = true;
    return fails() ? -ENOSPC : io_write_at(&faults.inner, descriptor, offset, bytes, piece(size));
}

static int64_t faulty_size(void *context, int descriptor) {
    return fails() ? -EIO : io_size(&faults.inner, descriptor);
}

static int faulty_sync(void *context, int descriptor) {
    if (fails())
        return -EIO;
    faults.is_unsynced = false;
    return io_sync(&faults.inner, descriptor);
}

/* Each test runs in a process of its own, in an empty folder. */
static void start(void) {
    cr_assert_eq(mem_init(&mem, refusing_allocator(&refusing), SIZE_MAX), 0);
    faults.inner = io_system();
    io = faults.inner;
    io.open = faulty_open;
    io.close = faulty_close;
    io.read_at = faulty_read_at;
    io.write_at = faulty_write_at;
    io.size = faulty_size;
    io.sync = faulty_sync;
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
}

static void finish(void) {
    cr_expect_eq(rmdir(folder), 0, "a test left something in %s", folder);
    cr_expect_eq(faults.open_count, 0);
    cr_expect_eq(mem.live_count, 0);
    mem_deinit(&mem);
}

TestSuite(index, .init = start, .fini = finish, .timeout = 120);

/* --- entries --- */

/* Entries with ids of their own, which stay until entries_free(). */
typedef struct Entries {
    IndexEntry *items;
    size_t count;
    char *ids;
} Entries;

enum { ID_ROOM = 32 };

static void hash_id(IndexEntry *entry) {
    XXH128_canonical_t hash;
    XXH128_canonicalFromHash(&hash, XXH3_128bits_withSeed(entry->id, entry->id_size, 42));
    memcpy(entry->hash, hash.digest, INDEX_HASH_SIZE);
}

static void number_entry(IndexEntry *entry, uint64_t seed) {
    entry->sequence = XXH3_64bits_withSeed(entry->id, entry->id_size, seed);
    entry->checksum = entry->sequence * 3;
    entry->pack_place = entry->sequence * 5;
    entry->packed_size = (uint32_t)(entry->sequence >> 7);
    entry->flags = (uint32_t)(entry->sequence >> 9);
    entry->snapshot_sequence = entry->sequence * 11;
}

static int in_order(const void *a, const void *b) {
    return index_entry_order(a, b);
}

/* Those of actors `first`, `first + step`, …; what stands in them depends on `seed`. */
static Entries entries_make(size_t count, uint64_t first, uint64_t step, uint64_t seed) {
    Entries entries = {.count = count};
    entries.items = malloc((count + 1) * sizeof *entries.items);
    entries.ids = malloc((count + 1) * ID_ROOM);
    for (size_t index = 0; index < count; index++) {
        IndexEntry *entry = &entries.items[index];
        char *id = entries.ids + index * ID_ROOM;
        *entry = (IndexEntry){.id = id};
        entry->id_size = (size_t)snprintf(id, ID_ROOM, "bank/%llu", (unsigned long long)(first + index * step));
        hash_id(entry);
        number_entry(entry, seed);
    }
    qsort(entries.items, count, sizeof *entries.items, in_order);
    return entries;
}

static void entries_free(Entries *entries) {
    free(entries->items);
    free(entries->ids);
}

static bool is_equal(const IndexEntry *a, const IndexEntry *b) {
    return index_entry_order(a, b) == 0 && a->sequence == b->sequence && a->checksum == b->checksum &&
           a->pack_place == b->pack_place && a->packed_size == b->packed_size && a->flags == b->flags &&
           a->snapshot_sequence == b->snapshot_sequence;
}

/* --- runs --- */

static int find(const IndexRun *run, const IndexEntry *wanted, IndexEntry *found) {
    return index_find(run, wanted->hash, wanted->id, wanted->id_size, found);
}

/* The run lists exactly these. */
static void expect_list(const IndexRun *run, const Entries *entries) {
    IndexList list;
    IndexEntry entry;
    cr_assert_eq(index_list_open(&list, &mem, &run, 1), 0);
    for (size_t index = 0; index < entries->count; index++) {
        cr_assert_eq(index_list_next(&list, &entry), 0);
        cr_assert(is_equal(&entry, &entries->items[index]), "entry %zu of %zu", index, entries->count);
    }
    cr_expect_eq(index_list_next(&list, &entry), INDEX_E_END);
    cr_expect_eq(index_list_next(&list, &entry), INDEX_E_END, "and says so again");
    index_list_close(&list);
}

static void expect_found(const IndexRun *run, const Entries *entries) {
    for (size_t index = 0; index < entries->count; index++) {
        IndexEntry found;
        cr_assert_eq(find(run, &entries->items[index], &found), 0, "entry %zu of %zu", index, entries->count);
        cr_assert(is_equal(&found, &entries->items[index]), "entry %zu of %zu", index, entries->count);
    }
}

static void expect_absent(const IndexRun *run, const Entries *entries) {
    IndexEntry found;
    for (size_t index = 0; index < entries->count; index++)
        cr_assert_eq(find(run, &entries->items[index], &found), INDEX_E_ABSENT);
}

static void write_and_open(IndexRun *run, const char *path, const Entries *entries, uint64_t *checksum) {
    cr_assert_eq(index_write(&io, &mem, path, &stamp, entries->items, entries->count, checksum), 0);
    cr_expect_not(faults.is_unsynced);
    cr_assert_eq(index_open(run, &io, path, &stamp, *checksum), 0);
    cr_assert_eq(run->entry_count, entries->count);
}

static void try_count(size_t count) {
    Entries entries = entries_make(count, 0, 1, 0);
    Entries absent = entries_make(100, count, 1, 0);
    IndexRun run;
    uint64_t checksum;
    write_and_open(&run, "run", &entries, &checksum);
    expect_list(&run, &entries);
    expect_found(&run, &entries);
    expect_absent(&run, &absent);
    index_close(&run);
    entries_free(&entries);
    entries_free(&absent);
    unlink("run");
}

Test(index, holds_what_was_written) {
    static const size_t counts[] = {0, 1, 2, 62, 63, 64, 65, 125, 126, 127, 1007, 1008, 1009, 1071, 5000};
    for (size_t index = 0; index < sizeof counts / sizeof *counts; index++)
        try_count(counts[index]);
}

Test(index, finds_all_of_many_by_few_reads) {
    Entries entries = entries_make(100000, 0, 2, 0);
    Entries absent = entries_make(100000, 1, 2, 0);
    IndexRun run;
    uint64_t checksum;
    write_and_open(&run, "run", &entries, &checksum);
    faults.reads = 0;
    expect_absent(&run, &absent);
    cr_expect_lt(faults.reads, 230000, "%llu reads", (unsigned long long)faults.reads);
    faults.reads = 0;
    expect_found(&run, &entries);
    cr_expect_lt(faults.reads, 330000, "%llu reads", (unsigned long long)faults.reads);
    expect_list(&run, &entries);
    index_close(&run);
    entries_free(&entries);
    entries_free(&absent);
    unlink("run");
}

Test(index, reads_and_writes_may_come_in_pieces) {
    faults.only_pieces = true;
    try_count(3000);
}

Test(index, every_byte_of_an_entry_and_a_file_has_its_place) {
    IndexEntry entry = {.id = "bank/alice",
                        .id_size = 10,
                        .sequence = 0x0102030405060708,
                        .checksum = 0x1112131415161718,
                        .pack_place = 0x2122232425262728,
                        .packed_size = 0x31323334,
                        .flags = 0x41424344,
                        .snapshot_sequence = 0x5152535455565758};
    memset(entry.hash, 0xaa, sizeof entry.hash);
    uint64_t checksum;
    cr_assert_eq(index_write(&io, &mem, "run", &stamp, &entry, 1, &checksum), 0);
    Buffer file;
    buffer_init(&file, &mem);
    cr_assert_eq(io_read_file(&io, "run", &file), 0);
    cr_assert_eq(file.size, 3 * PAGE);
    static const uint8_t header[56] = {0x89, 'A', 'J', 'X', '\r', '\n', 0x1a, '\n', 1, [16] = 1, [24] = 2, [32] = 1};
    cr_expect_eq(memcmp(file.bytes, header, 40), 0);
    static const uint8_t expected[64] = {0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa,
                                         0xaa, 0xaa, 0xaa, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, 0x18, 0x17,
                                         0x16, 0x15, 0x14, 0x13, 0x12, 0x11, 0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22,
                                         0x21, 0x34, 0x33, 0x32, 0x31, 0x44, 0x43, 0x42, 0x41, 0x58, 0x57, 0x56, 0x55,
                                         0x54, 0x53, 0x52, 0x51, 0,    0x20, 0,    0,    0,    0,    0,    0};
    cr_expect_eq(memcmp(file.bytes + PAGE, expected, sizeof expected), 0);
    cr_expect_eq(memcmp(file.bytes + 2 * PAGE, "\x0a\0bank/alice\0", 13), 0);
    static const uint8_t tail[32] = {2,   [8] = 7, [16] = 's', 't', 'o', 'r', 'e', ' ', 'o',
                                     'f', ' ',     'a',        ' ', 't', 'e', 's', 't'};
    cr_expect_eq(memcmp(file.bytes + 2 * PAGE + 4032, tail, sizeof tail), 0);
    for (size_t page = 0; page < 3; page++) {
        uint64_t stored = 0;
        for (size_t index = 0; index < 8; index++)
            stored |= (uint64_t)(uint8_t)file.bytes[page * PAGE + 4088 + index] << 8 * index;
        cr_expect_eq(stored, XXH3_64bits(file.bytes + page * PAGE, 4088));
        cr_expect(page != 0 || stored == checksum);
    }
    buffer_deinit(&file);
    unlink("run");
}

Test(index, ids_of_all_sizes) {
    /* the long ones do not fit behind one another, so that pages of ids end anywhere */
    static const size_t sizes[] = {0, 1, 4, 1000, 2014, 2015, 3000, 3991, 3992};
    enum { COUNT = 200 };
    Entries entries = {.items = malloc(COUNT * sizeof *entries.items), .ids = malloc(COUNT * INDEX_ID_SIZE_MAX)};
    for (size_t index = 0; index < COUNT; index++) {
        char *id = entries.ids + index * INDEX_ID_SIZE_MAX;
        size_t size = sizes[index % (sizeof sizes / sizeof *sizes)];
        if (size < 4 && index > 2)
            size = 17;
        memset(id, (int)index, INDEX_ID_SIZE_MAX);
        entries.items[entries.count] = (IndexEntry){.id = id, .id_size = size};
        hash_id(&entries.items[entries.count]);
        number_entry(&entries.items[entries.count++], 0);
    }
    qsort(entries.items, entries.count, sizeof *entries.items, in_order);
    IndexRun run;
    uint64_t checksum;
    write_and_open(&run, "run", &entries, &checksum);
    expect_list(&run, &entries);
    expect_found(&run, &entries);
    index_close(&run);
    entries_free(&entries);
    unlink("run");
}

/* Hashes that are all but even: a few values, many of them equal. */
static void try_hashes(size_t count, uint32_t value_count, size_t at) {
    Entries entries = entries_make(count, 0, 1, 0);
    for (size_t index = 0; index < count; index++) {
        uint64_t value = entries.items[index].sequence % value_count;
        memset(entries.items[index].hash, 0x55, INDEX_HASH_SIZE);
        entries.items[index].hash[at] = (uint8_t)(value * 2);
    }
    qsort(entries.items, count, sizeof *entries.items, in_order);
    IndexRun run;
    uint64_t checksum;
    write_and_open(&run, "run", &entries, &checksum);
    expect_list(&run, &entries);
    expect_found(&run, &entries);

    IndexEntry entry = entries.items[count / 2], found;
    entry.id = "somebody else";
    entry.id_size = strlen(entry.id);
    cr_expect_eq(find(&run, &entry, &found), INDEX_E_ABSENT);
    entry.hash[at]++;
    cr_expect_eq(find(&run, &entry, &found), INDEX_E_ABSENT);
    memset(entry.hash, 0, INDEX_HASH_SIZE);
    cr_expect_eq(find(&run, &entry, &found), INDEX_E_ABSENT);
    memset(entry.hash, 0xff, INDEX_HASH_SIZE);
    cr_expect_eq(find(&run, &entry, &found), INDEX_E_ABSENT);
    index_close(&run);
    entries_free(&entries);
    unlink("run");
}

Test(index, ids_with_one_hash_are_told_apart) {
    static const size_t counts[] = {2, 63, 64, 300};
    for (size_t index = 0; index < sizeof counts / sizeof *counts; index++) {
        try_hashes(counts[index], 1, 0);
        try_hashes(counts[index], 2, 0);
        try_hashes(counts[index], 3, 7);
        try_hashes(counts[index], 100, 8);
        try_hashes(counts[index], 100, 15);
    }
}

Test(index, hashes_that_are_not_even_are_found_by_halving) {
    Entries entries = entries_make(63 * 1000, 0, 1, 0);
    for (size_t index = 0; index < entries.count; index++) /* all but two at one end, which misleads every guess */
        memset(entries.items[index].hash, index % 60000 ? 0 : 0xff, 5);
    qsort(entries.items, entries.count, sizeof *entries.items, in_order);
    IndexRun run;
    uint64_t checksum;
    write_and_open(&run, "run", &entries, &checksum);
    faults.reads = 0;
    expect_found(&run, &entries);
    cr_expect_lt(faults.reads / entries.count, 20);
    index_close(&run);
    entries_free(&entries);
    unlink("run");
}

/* --- merging --- */

static const char *const names[] = {"run 0", "run 1", "run 2", "run 3"};

enum { RUNS = 4 };

/* What a merge of these is: each as the first of `all` that has it. */
static Entries model_merge(const Entries *all, size_t count) {
    Entries model = {0};
    size_t total = 0;
    for (size_t index = 0; index < count; index++)
        total += all[index].count;
    model.items = malloc((total + 1) * sizeof *model.items);
    for (size_t index = 0; index < count; index++) {
        size_t known = model.count;
        for (size_t item = 0; item < all[index].count; item++) {
            const IndexEntry *entry = &all[index].items[item];
            if (!bsearch(entry, model.items, known, sizeof *entry, in_order))
                model.items[model.count++] = *entry;
        }
        qsort(model.items, model.count, sizeof *model.items, in_order);
    }
    return model;
}

static void try_merge(Entries *all, size_t count) {
    IndexRun runs[RUNS], merged;
    const IndexRun *sources[RUNS];
    uint64_t checksum;
    for (size_t index = 0; index < count; index++) {
        write_and_open(&runs[index], names[index], &all[index], &checksum);
        sources[index] = &runs[index];
    }
    Entries model = model_merge(all, count);
    cr_assert_eq(index_merge(&io, &mem, "merged", &stamp, sources, count, &checksum), 0);
    cr_expect_not(faults.is_unsynced);
    cr_assert_eq(index_open(&merged, &io, "merged", &stamp, checksum), 0);
    cr_expect_eq(merged.entry_count, model.count);
    expect_list(&merged, &model);
    expect_found(&merged, &model);

    IndexList list;
    IndexEntry entry;
    cr_assert_eq(index_list_open(&list, &mem, sources, count), 0);
    for (size_t index = 0; index < model.count; index++) {
        cr_assert_eq(index_list_next(&list, &entry), 0);
        cr_assert(is_equal(&entry, &model.items[index]));
    }
    cr_expect_eq(index_list_next(&list, &entry), INDEX_E_END);
    index_list_close(&list);

    index_close(&merged);
    unlink("merged");
    entries_free(&model);
    for (size_t index = 0; index < count; index++) {
        index_close(&runs[index]);
        unlink(names[index]);
        entries_free(&all[index]);
    }
}

Test(index, a_merge_keeps_the_newest) {
    for (uint64_t step = 1; step <= 4; step++) {
        Entries all[] = {entries_make(1000, 0, step, 1), entries_make(3000, 0, 1, 2), entries_make(500, 100, 5, 3),
                         entries_make(10000, 0, step, 4)};
        try_merge(all, RUNS);
    }
}

Test(index, a_merge_of_runs_that_are_alike_or_empty) {
    Entries alike[] = {entries_make(2000, 0, 1, 1), entries_make(2000, 0, 1, 2), entries_make(2000, 0, 1, 3),
                       entries_make(2000, 0, 1, 4)};
    try_merge(alike, RUNS);
    Entries empty[] = {entries_make(0, 0, 1, 1), entries_make(100, 0, 1, 2), entries_make(0, 0, 1, 3)};
    try_merge(empty, 3);
    Entries nothing[] = {entries_make(0, 0, 1, 1), entries_make(0, 0, 1, 2)};
    try_merge(nothing, 2);
    Entries single[] = {entries_make(1000, 0, 1, 1)};
    try_merge(single, 1);
    try_merge(NULL, 0);
}

Test(index, a_merge_tells_ids_with_one_hash_apart) {
    Entries all[RUNS];
    for (size_t run = 0; run < RUNS; run++) {
        all[run] = entries_make(200, run * 10, run + 1, run);
        for (size_t index = 0; index < all[run].count; index++) {
            IndexEntry *entry = &all[run].items[index];
            uint8_t value = (uint8_t)(XXH3_64bits(entry->id, entry->id_size) % 5);
            memset(entry->hash, 0, INDEX_HASH_SIZE);
            if (value == 4)
                memset(entry->hash, 0xff, INDEX_HASH_SIZE - 1);    /* the last ones, when other runs have ended */
            entry->hash[value % 2 || value == 4 ? 15 : 0] = value; /* some differ only behind what is compared first */
        }
        qsort(all[run].items, all[run].count, sizeof *all[run].items, in_order);
    }
    try_merge(all, RUNS);
}

Test(index, a_merge_of_equal_runs_is_the_run) {
    Entries entries = entries_make(777, 0, 1, 0);
    IndexRun run;
    const IndexRun *source = &run;
    uint64_t checksum, merged;
    write_and_open(&run, "run", &entries, &checksum);
    cr_expect_eq(index_merge(&io, &mem, "merged", &stamp, &source, 1, &merged), 0);
    cr_expect_eq(merged, checksum, "the checksum stands for the content");
    index_close(&run);
    entries_free(&entries);
    unlink("run");
    unlink("merged");
}

/* --- what is not right --- */

Test(index, the_checksum_stands_for_every_entry) {
    Entries entries = entries_make(500, 0, 1, 0);
    uint64_t checksum, other;
    cr_assert_eq(index_write(&io, &mem, "run", &stamp, entries.items, entries.count, &checksum), 0);
    entries.items[499].flags ^= 1;
    cr_assert_eq(index_write(&io, &mem, "other", &stamp, entries.items, entries.count, &other), 0);
    cr_expect_neq(checksum, other);
    entries_free(&entries);
    unlink("run");
    unlink("other");
}

Test(index, does_not_replace_a_file) {
    uint64_t checksum;
    cr_assert_eq(io_write_file(&io, "run", IO_WRITE, "precious", 8), 0);
    cr_expect_eq(index_write(&io, &mem, "run", &stamp, NULL, 0, &checksum), -EEXIST);
    cr_expect_eq(index_merge(&io, &mem, "run", &stamp, NULL, 0, &checksum), -EEXIST);
    Buffer file;
    buffer_init(&file, &mem);
    cr_assert_eq(io_read_file(&io, "run", &file), 0);
    cr_expect_str_eq(buffer_text(&file), "precious");
    buffer_deinit(&file);
    unlink("run");
}

Test(index, opens_only_what_was_asked_for) {
    Entries entries = entries_make(10, 0, 1, 0);
    IndexRun run;
    uint64_t checksum;
    cr_assert_eq(index_write(&io, &mem, "run", &stamp, entries.items, entries.count, &checksum), 0);
    IndexStamp other = stamp;
    other.number++;
    cr_expect_eq(index_open(&run, &io, "run", &other, checksum), INDEX_E_FOREIGN);
    other = stamp;
    other.store[15] ^= 1;
    cr_expect_eq(index_open(&run, &io, "run", &other, checksum), INDEX_E_FOREIGN);
    cr_expect_eq(index_open(&run, &io, "run", &stamp, checksum + 1), INDEX_E_FOREIGN);
    cr_expect_eq(index_open(&run, &io, "missing", &stamp, checksum), -ENOENT);
    cr_expect_eq(index_open(&run, &io, ".", &stamp, checksum), -EINVAL);
    cr_assert_eq(symlink("run", "link"), 0);
    cr_expect_eq(index_open(&run, &io, "link", &stamp, checksum), -ELOOP);
    cr_expect_eq(index_open(&run, &io, "run", &stamp, checksum), 0);
    index_close(&run);
    entries_free(&entries);
    unlink("link");
    unlink("run");
}

/* Changes bytes of a page of the file "run" and gives the page a checksum that is right again. */
static uint64_t forge(uint64_t page, size_t at, uint64_t value, size_t size) {
    uint8_t bytes[PAGE];
    int descriptor = io_open(&faults.inner, "run", IO_OWN_UPDATE);
    cr_assert_geq(descriptor, 0);
    cr_assert_eq(io_read_all_at(&faults.inner, descriptor, page * PAGE, bytes, PAGE), PAGE);
    for (size_t index = 0; index < size; index++)
        bytes[at + index] = (uint8_t)(value >> 8 * index);
    uint64_t checksum = XXH3_64bits(bytes, PAGE - 8);
    for (size_t index = 0; index < 8; index++)
        bytes[PAGE - 8 + index] = (uint8_t)(checksum >> 8 * index);
    cr_assert_eq(io_write_all_at(&faults.inner, descriptor, page * PAGE, bytes, PAGE), 0);
    io_close(&faults.inner, descriptor);
    return checksum;
}

static int list_all(const IndexRun *const *runs, size_t count) {
    IndexList list;
    int r = index_list_open(&list, &mem, runs, count);
    if (r)
        return r;
    IndexEntry entry;
    uint64_t id_sizes = 0, id_pages = 0;
    for (size_t index = 0; index < count; index++)
        id_pages += runs[index]->id_page_count;
    while (!(r = index_list_next(&list, &entry))) {
        cr_assert_leq(entry.id_size, INDEX_ID_SIZE_MAX);
        id_sizes += entry.id_size;
    }
    cr_assert_leq(id_sizes, id_pages * 4032, "no id is longer than its page");
    cr_expect_eq(index_list_next(&list, &entry), r);
    index_list_close(&list);
    return r;
}

Test(index, headers_that_cannot_be_are_refused) {
    static const struct {
        size_t at, size;
        uint64_t value;
        int expected;
    } rows[] = {
        {8, 2, 2, INDEX_E_VERSION},
        {10, 2, 9, 0}, /* a minor one says that more is there, which may be ignored */
        {0, 1, 'x', INDEX_E_DAMAGED},
        {16, 8, 64, INDEX_E_DAMAGED}, /* entries */
        {16, 8, UINT64_MAX, INDEX_E_DAMAGED},
        {24, 8, 0, INDEX_E_DAMAGED}, /* first page of ids */
        {24, 8, 1, INDEX_E_DAMAGED},
        {24, 8, 3, INDEX_E_DAMAGED},
        {24, 8, UINT64_MAX, INDEX_E_DAMAGED},
        {32, 8, 0, INDEX_E_DAMAGED}, /* pages of ids */
        {32, 8, 2, INDEX_E_DAMAGED},
        {32, 8, UINT64_MAX, INDEX_E_DAMAGED},
    };
    Entries entries = entries_make(63, 0, 1, 0);
    for (size_t index = 0; index < sizeof rows / sizeof *rows; index++) {
        IndexRun run;
        uint64_t checksum;
        cr_assert_eq(index_write(&io, &mem, "run", &stamp, entries.items, entries.count, &checksum), 0);
        checksum = forge(0, rows[index].at, rows[index].value, rows[index].size);
        cr_expect_eq(index_open(&run, &io, "run", &stamp, checksum), rows[index].expected, "row %zu", index);
        if (!rows[index].expected)
            index_close(&run);
        unlink("run");
    }
    entries_free(&entries);
}

/* Pages with right checksums and wrong content: memory stays safe, and a listing finds it. */
Test(index, pages_of_wrong_content_do_no_harm) {
    static const struct {
        uint64_t page;
        size_t at, size;
        uint64_t value;
    } rows[] = {
        {1, 56, 8, 0},
        {1, 56, 8, UINT64_MAX},
        {1, 56, 8, 3 * PAGE - 1},
        {1, 56, 8, 3 * PAGE},
        {1, 56, 8, 2 * PAGE - 1},
        {1, 56, 8, 2 * PAGE + 1},
        {1, 56, 8, 2 * PAGE + 4031},
        {2, 0, 2, 3993},
        {2, 0, 2, UINT16_MAX},
        {1, 0, 8, UINT64_MAX},
        {1, 62 * 64, 8, 0},
        {1, 24, 8, 1},
    };
    Entries entries = entries_make(63, 0, 1, 0);
    for (size_t index = 0; index < sizeof rows / sizeof *rows; index++) {
        IndexRun run;
        const IndexRun *source = &run;
        uint64_t checksum, merged;
        cr_assert_eq(index_write(&io, &mem, "run", &stamp, entries.items, entries.count, &checksum), 0);
        forge(rows[index].page, rows[index].at, rows[index].value, rows[index].size);
        cr_assert_eq(index_open(&run, &io, "run", &stamp, checksum), 0);
        for (size_t item = 0; item < entries.count; item++) {
            IndexEntry found;
            int r = find(&run, &entries.items[item], &found);
            cr_expect(r == 0 || r == INDEX_E_ABSENT || r == INDEX_E_DAMAGED);
        }
        cr_expect_eq(list_all(&source, 1), INDEX_E_DAMAGED, "row %zu", index);
        cr_expect_eq(index_merge(&io, &mem, "merged", &stamp, &source, 1, &merged), INDEX_E_DAMAGED);
        cr_expect_not(io_exists(&io, "merged"));
        index_close(&run);
        unlink("run");
    }
    entries_free(&entries);
}

Test(index, an_id_ends_in_its_page) {
    Entries entries = entries_make(63, 0, 1, 0);
    IndexRun run;
    const IndexRun *source = &run;
    uint64_t checksum;
    write_and_open(&run, "run", &entries, &checksum);
    size_t offset = 0;
    for (size_t index = 0; index < 62; index++)
        offset += 2 + entries.items[index].id_size;
    forge(2, offset, INDEX_ID_SIZE_MAX, 2);
    IndexEntry found;
    cr_expect_eq(find(&run, &entries.items[62], &found), INDEX_E_DAMAGED);
    cr_expect_eq(list_all(&source, 1), INDEX_E_DAMAGED);
    index_close(&run);
    entries_free(&entries);
    unlink("run");
}

Test(index, a_page_elsewhere_is_found) {
    Entries entries = entries_make(63 * 3, 0, 1, 0);
    IndexRun run;
    uint64_t checksum;
    write_and_open(&run, "run", &entries, &checksum);
    uint8_t page[PAGE];
    cr_assert_eq(io_read_all_at(&io, run.descriptor, 1 * PAGE, page, PAGE), PAGE);
    int descriptor = io_open(&io, "run", IO_OWN_UPDATE);
    cr_assert_eq(io_write_all_at(&io, descriptor, 2 * PAGE, page, PAGE), 0);
    io_close(&io, descriptor);
    IndexEntry found;
    cr_expect_eq(find(&run, &entries.items[63 + 31], &found), INDEX_E_DAMAGED);
    index_close(&run);
    entries_free(&entries);
    unlink("run");
}

/* Each answer is right, or says that it cannot be given; true when all were given. */
static bool answers_are_right(const Entries *entries, uint64_t checksum) {
    IndexRun run;
    const IndexRun *source = &run;
    int r = index_open(&run, &io, "run", &stamp, checksum);
    if (r) {
        cr_assert_eq(r, INDEX_E_DAMAGED);
        return false;
    }
    bool is_whole = true;
    for (size_t index = 0; index < entries->count; index++) {
        IndexEntry found;
        r = find(&run, &entries->items[index], &found);
        cr_assert(r == INDEX_E_DAMAGED || (r == 0 && is_equal(&found, &entries->items[index])));
        is_whole = is_whole && r == 0;
    }
    r = list_all(&source, 1);
    cr_assert(r == INDEX_E_DAMAGED || r == INDEX_E_END);
    cr_assert_eq(r == INDEX_E_END, is_whole);
    index_close(&run);
    return is_whole;
}

Test(index, each_wrong_bit_is_found) {
    Entries entries = entries_make(2, 0, 1, 0);
    uint64_t checksum;
    cr_assert_eq(index_write(&io, &mem, "run", &stamp, entries.items, entries.count, &checksum), 0);
    cr_expect(answers_are_right(&entries, checksum));
    faults.flips = true;
    for (faults.flip_bit = 0; faults.flip_bit < 3 * PAGE * 8; faults.flip_bit++)
        cr_assert_not(answers_are_right(&entries, checksum), "bit %llu", (unsigned long long)faults.flip_bit);
    entries_free(&entries);
    unlink("run");
}

/* Between entries and ids of a merged run is a hole: a bit there is nobody's. */
Test(index, each_wrong_bit_of_a_merged_run_is_found_or_harmless) {
    Entries many = entries_make(126, 0, 1, 0);
    IndexRun runs[2];
    const IndexRun *sources[] = {&runs[0], &runs[1]};
    uint64_t checksum;
    write_and_open(&runs[0], "first", &many, &checksum);
    write_and_open(&runs[1], "second", &many, &checksum);
    cr_assert_eq(index_merge(&io, &mem, "run", &stamp, sources, 2, &checksum), 0);
    faults.flips = true;
    for (uint64_t page = 0; page < 6; page++)
        for (uint64_t bit = 0; bit < PAGE * 8; bit += 97) {
            faults.flip_bit = page * PAGE * 8 + bit;
            bool is_hole = page == 3 || page == 4;
            cr_assert_eq(answers_are_right(&many, checksum), is_hole, "bit %llu", (unsigned long long)faults.flip_bit);
        }
    index_close(&runs[0]);
    index_close(&runs[1]);
    entries_free(&many);
    unlink("first");
    unlink("second");
    unlink("run");
}

Test(index, a_file_of_another_size_is_refused) {
    Entries entries = entries_make(2, 0, 1, 0);
    uint64_t checksum;
    cr_assert_eq(index_write(&io, &mem, "run", &stamp, entries.items, entries.count, &checksum), 0);
    IndexRun run;
    cr_assert_eq(truncate("run", 4 * PAGE), 0);
    cr_expect_eq(index_open(&run, &io, "run", &stamp, checksum), INDEX_E_DAMAGED);
    for (off_t size = 3 * PAGE; size-- > 0;) {
        cr_assert_eq(truncate("run", size), 0);
        cr_assert_eq(index_open(&run, &io, "run", &stamp, checksum), INDEX_E_DAMAGED);
    }
    entries_free(&entries);
    unlink("run");
}

Test(index, a_file_cut_while_open_is_found) {
    Entries entries = entries_make(63, 0, 1, 0);
    IndexRun run;
    const IndexRun *source = &run;
    uint64_t checksum;
    write_and_open(&run, "run", &entries, &checksum);
    for (off_t size = 3 * PAGE; size-- > 2 * PAGE - 10;) {
        IndexEntry found;
        cr_assert_eq(truncate("run", size), 0);
        cr_assert_eq(find(&run, &entries.items[31], &found), INDEX_E_DAMAGED);
        cr_assert_eq(list_all(&source, 1), INDEX_E_DAMAGED);
    }
    index_close(&run);
    entries_free(&entries);
    unlink("run");
}

/* --- what fails --- */

/* Writes two runs, merges, looks up and lists; the first failure ends it and leaves nothing behind but whole files. */
static int work(const Entries *first, const Entries *second) {
    IndexRun runs[2], merged;
    const IndexRun *sources[] = {&runs[0], &runs[1], &merged};
    uint64_t checksums[3];
    IndexEntry found;
    int r = index_write(&io, &mem, names[0], &stamp, first->items, first->count, &checksums[0]);
    cr_expect_eq(io_exists(&io, names[0]), r == 0);
    if (!r)
        r = index_write(&io, &mem, names[1], &stamp, second->items, second->count, &checksums[1]);
    if (r)
        return r;
    r = index_open(&runs[0], &io, names[0], &stamp, checksums[0]);
    if (r)
        return r;
    r = index_open(&runs[1], &io, names[1], &stamp, checksums[1]);
    if (!r) {
        r = index_merge(&io, &mem, names[2], &stamp, sources, 2, &checksums[2]);
        cr_expect_eq(io_exists(&io, names[2]), r == 0);
        if (!r)
            r = index_open(&merged, &io, names[2], &stamp, checksums[2]);
        if (!r) {
            r = find(&merged, &first->items[0], &found);
            cr_expect(r != 0 || is_equal(&found, &first->items[0]));
            if (!r)
                r = list_all(sources, 3);
            index_close(&merged);
        }
        index_close(&runs[1]);
    }
    index_close(&runs[0]);
    return r;
}

static void clear(void) {
    for (size_t index = 0; index < 3; index++)
        unlink(names[index]);
}

Test(index, every_call_may_fail) {
    Entries first = entries_make(1500, 0, 1, 1), second = entries_make(1500, 1000, 1, 2);
    uint64_t closes = 0;
    int r;
    for (uint64_t call = 1;; call++) {
        faults.calls = 0;
        faults.failing = call;
        r = work(&first, &second);
        clear();
        cr_assert_eq(faults.open_count, 0);
        cr_assert_eq(mem.live_count, 0);
        if (faults.calls < call)
            break;
        closes += r == INDEX_E_END; /* the close of a file that was only read does not matter */
        cr_assert(r == -EIO || r == -ENOSPC || r == -EMFILE || r == INDEX_E_END, "call %llu: %d",
                  (unsigned long long)call, r);
    }
    cr_expect_eq(r, INDEX_E_END);
    cr_expect_eq(closes, 3);
    entries_free(&first);
    entries_free(&second);
}

Test(index, every_allocation_may_fail) {
    Entries first = entries_make(500, 0, 1, 1), second = entries_make(500, 300, 1, 2);
    int refusals = 0;
    int r = -ENOMEM;
    for (uint64_t number = 1; r == -ENOMEM; number++) {
        refusing.asked = 0;
        refusing.refused = 0;
        refusing.first = number;
        r = work(&first, &second);
        refusing.first = 0;
        clear();
        refusals += refusing.refused > 0;
        cr_assert_eq(faults.open_count, 0);
        cr_assert_eq(mem.live_count, 0);
    }
    cr_expect_eq(r, INDEX_E_END);
    cr_expect_geq(refusals, 8);
    entries_free(&first);
    entries_free(&second);
}
