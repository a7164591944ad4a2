/* SPDX-License-Identifier: MIT */
/*
 * A run is a file of pages of 4,096 bytes: one header, then entries, then
 * ids. Entries have a fixed size and a page holds a fixed number, so that the
 * place of entry n is computed, and hashes are spread evenly, so that n can be
 * guessed from the hash. All integers are little-endian.
 *
 *     each page                            the header's content
 *        0  4,032  content                    0   8  magic 89 41 4A 58 0D 0A 1A 0A
 *    4,032      8  number of this page        8   2  format, major
 *    4,040      8  number of the run         10   2  format, minor
 *    4,048     16  UUID of the store         12   4  zeros
 *    4,064     24  zeros                     16   8  entries
 *    4,088      8  XXH3-64 of the rest       24   8  first page of ids
 *                                            32   8  pages of ids
 *     an entry                               40   8  chain of the entries' pages
 *        0     16  hash of the id            48   8  chain of the ids' pages
 *       16      8  last sequence
 *       24      8  checksum of that record    an id
 *       32      8  newest run in a pack       0   2  size
 *       40      4  bytes in packs             2      bytes
 *       44      4  flags
 *       48      8  newest snapshot
 *       56      8  place of the id in this file
 *
 * Entries begin in page 1. Ids stand in the order of the entries, one behind
 * the other; one that would cross the end of a content begins the next page.
 * A merge learns only at its end how many entries are left, so ids begin
 * behind the most there can be, and between the two may be a hole in the
 * file, which nobody reads.
 *
 * A chain is the checksums of pages, each hashed with the one before as seed.
 * So the header's checksum, which the checkpoint record keeps, stands for
 * every byte: a page left from an earlier file of the same stamp passes a
 * look-up, but no listing and no merge.
 *
 * No page is believed before it was checked. Numbers in a checked page are
 * believed as far as memory is safe whatever they say: XXH3 finds accidents,
 * not forgers.
 */
#include "journal/index.h"

#include "vm/base/bytes.h"
#include <errno.h>
#include <xxhash.h>

enum {
    FORMAT_MAJOR = 1, /* another one cannot be read */
    FORMAT_MINOR = 0,

    RUN_PAGE_SIZE = 4096,
    CONTENT_SIZE = RUN_PAGE_SIZE - 64,
    PAGE_NUMBER_AT = CONTENT_SIZE,
    RUN_NUMBER_AT = PAGE_NUMBER_AT + 8,
    STORE_AT = RUN_NUMBER_AT + 8,
    PAGE_CHECKSUM_AT = RUN_PAGE_SIZE - 8,

    MAGIC_SIZE = 8,
    MAJOR_AT = 8,
    MINOR_AT = 10,
    ENTRY_COUNT_AT = 16,
    ID_PAGE_FIRST_AT = 24,
    ID_PAGE_COUNT_AT = 32,
    ENTRIES_CHAIN_AT = 40,
    IDS_CHAIN_AT = 48,

    ENTRY_SIZE = 64,
    ENTRIES_IN_PAGE = CONTENT_SIZE / ENTRY_SIZE,
    SEQUENCE_AT = 16,
    RECORD_CHECKSUM_AT = 24,
    PACK_PLACE_AT = 32,
    PACKED_SIZE_AT = 40,
    FLAGS_AT = 44,
    SNAPSHOT_AT = 48,
    ID_PLACE_AT = 56,

    ID_HEAD_SIZE = 2,

    BATCH_PAGES = 32, /* read or written at once: with half as many the system takes a third longer */
    GUESSES_MAX = 6,  /* even hashes need three; whatever needs more is not even, and is halved */
};

static_assert(STORE_AT + INDEX_STORE_SIZE <= PAGE_CHECKSUM_AT, "the stamp has room");
static_assert(CONTENT_SIZE % ENTRY_SIZE == 0, "entries fill the content");
static_assert(ID_HEAD_SIZE + INDEX_ID_SIZE_MAX <= CONTENT_SIZE, "each id has room in one page");
static_assert(IDS_CHAIN_AT + 8 <= CONTENT_SIZE, "the header is one page");

static const uint8_t magic[MAGIC_SIZE] = {0x89, 'A', 'J', 'X', 0x0d, 0x0a, 0x1a, 0x0a};

/* --- pages --- */

static uint64_t pages_of_entries(uint64_t entry_count) {
    return entry_count / ENTRIES_IN_PAGE + (entry_count % ENTRIES_IN_PAGE > 0);
}

static uint64_t page_checksum(const uint8_t *page) {
    return XXH3_64bits(page, PAGE_CHECKSUM_AT);
}

/* The chain after this page. */
static uint64_t chain_add(uint64_t chain, const uint8_t *page) {
    return XXH3_64bits_withSeed(page + PAGE_CHECKSUM_AT, 8, chain);
}

/* Finishes a page whose content takes `size` bytes. */
static void page_seal(uint8_t *page, size_t size, uint64_t number, const IndexStamp *stamp) {
    memset(page + size, 0, RUN_PAGE_SIZE - size);
    bytes_put_u64(page + PAGE_NUMBER_AT, number);
    bytes_put_u64(page + RUN_NUMBER_AT, stamp->number);
    memcpy(page + STORE_AT, stamp->store, INDEX_STORE_SIZE);
    bytes_put_u64(page + PAGE_CHECKSUM_AT, page_checksum(page));
}

static bool page_is_stamped(const uint8_t *page, uint64_t number, const IndexStamp *stamp) {
    return bytes_get_u64(page + PAGE_NUMBER_AT) == number && bytes_get_u64(page + RUN_NUMBER_AT) == stamp->number &&
           memcmp(page + STORE_AT, stamp->store, INDEX_STORE_SIZE) == 0;
}

static bool page_is_whole(const uint8_t *page) {
    return bytes_get_u64(page + PAGE_CHECKSUM_AT) == page_checksum(page);
}

static int pages_read(const IndexRun *run, uint64_t number, uint8_t *pages, size_t count) {
    int64_t got = io_read_all_at(run->io, run->descriptor, number * RUN_PAGE_SIZE, pages, count * RUN_PAGE_SIZE);
    if (got < 0)
        return (int)got;
    return (size_t)got < count * RUN_PAGE_SIZE ? INDEX_E_DAMAGED : 0;
}

static int page_check(const IndexRun *run, uint64_t number, const uint8_t *page) {
    return page_is_whole(page) && page_is_stamped(page, number, &run->stamp) ? 0 : INDEX_E_DAMAGED;
}

/* --- entries and ids in pages --- */

/* Half a hash as a number: hashes are in the order of these, the first half first. */
static inline uint64_t hash_key(const uint8_t *hash) {
    return (uint64_t)hash[0] << 56 | (uint64_t)hash[1] << 48 | (uint64_t)hash[2] << 40 | (uint64_t)hash[3] << 32 |
           (uint64_t)hash[4] << 24 | (uint64_t)hash[5] << 16 | (uint64_t)hash[6] << 8 | hash[7];
}

static int id_order(const char *a, size_t a_size, const char *b, size_t b_size) {
    size_t size = a_size < b_size ? a_size : b_size;
    int order = size > 0 ? memcmp(a, b, size) : 0;
    return order ? order : (a_size > b_size) - (a_size < b_size);
}

int index_entry_order(const IndexEntry *a, const IndexEntry *b) {
    int order = memcmp(a->hash, b->hash, INDEX_HASH_SIZE);
    return order ? order : id_order(a->id, a->id_size, b->id, b->id_size);
}

/* Without the place of the id, which the writer decides. */
static void entry_encode(uint8_t *bytes, const IndexEntry *entry) {
    memcpy(bytes, entry->hash, INDEX_HASH_SIZE);
    bytes_put_u64(bytes + SEQUENCE_AT, entry->sequence);
    bytes_put_u64(bytes + RECORD_CHECKSUM_AT, entry->checksum);
    bytes_put_u64(bytes + PACK_PLACE_AT, entry->pack_place);
    bytes_put_u32(bytes + PACKED_SIZE_AT, entry->packed_size);
    bytes_put_u32(bytes + FLAGS_AT, entry->flags);
    bytes_put_u64(bytes + SNAPSHOT_AT, entry->snapshot_sequence);
}

static void entry_decode(IndexEntry *entry, const uint8_t *bytes, const char *id, size_t id_size) {
    memcpy(entry->hash, bytes, INDEX_HASH_SIZE);
    entry->id = id;
    entry->id_size = id_size;
    entry->sequence = bytes_get_u64(bytes + SEQUENCE_AT);
    entry->checksum = bytes_get_u64(bytes + RECORD_CHECKSUM_AT);
    entry->pack_place = bytes_get_u64(bytes + PACK_PLACE_AT);
    entry->packed_size = bytes_get_u32(bytes + PACKED_SIZE_AT);
    entry->flags = bytes_get_u32(bytes + FLAGS_AT);
    entry->snapshot_sequence = bytes_get_u64(bytes + SNAPSHOT_AT);
}

/* The id at an offset of a page; INDEX_E_DAMAGED when there is no room for one. */
static int id_decode(const uint8_t *page, uint64_t offset, const char **id, size_t *id_size) {
    if (offset > CONTENT_SIZE - ID_HEAD_SIZE)
        return INDEX_E_DAMAGED;
    size_t size = bytes_get_u16(page + offset);
    if (size > INDEX_ID_SIZE_MAX || size > CONTENT_SIZE - ID_HEAD_SIZE - offset)
        return INDEX_E_DAMAGED;
    *id = (const char *)page + offset + ID_HEAD_SIZE;
    *id_size = size;
    return 0;
}

/* --- writing --- */

/* Pages of one kind on their way to the file, a batch at a time. */
typedef struct PageWriter {
    uint64_t number;       /* of the first page of the batch */
    uint8_t *batch;        /* BATCH_PAGES; owned */
    size_t sealed;         /* pages of the batch that are finished; fewer than there is room for */
    size_t size;           /* of the content so far of the page behind them */
    uint64_t sealed_count; /* pages finished since the beginning */
    uint64_t chain;        /* of those */
} PageWriter;

typedef struct RunWriter {
    const Io *io;
    Mem *mem;
    const char *path;
    int descriptor;  /* negative: nothing is open */
    bool is_pending; /* the file is there and not complete */
    IndexStamp stamp;
    uint64_t entry_count, entry_count_max;
    PageWriter entries, ids;
} RunWriter;

static void run_writer_deinit(RunWriter *writer) {
    mem_free(writer->mem, writer->entries.batch, BATCH_PAGES * RUN_PAGE_SIZE);
    mem_free(writer->mem, writer->ids.batch, BATCH_PAGES * RUN_PAGE_SIZE);
    if (writer->descriptor >= 0)
        io_close(writer->io, writer->descriptor);
    /* nobody was told of it, so when it cannot be deleted it wastes room and does no harm */
    int r = writer->is_pending ? io_delete_file(writer->io, writer->path) : 0;
    (void)r;
}

static uint64_t id_page_first(const RunWriter *writer) {
    return 1 + pages_of_entries(writer->entry_count_max);
}

/* After a failure too, the writer is to be deinitialized. */
static int run_writer_init(RunWriter *writer, const Io *io, Mem *mem, const char *path, const IndexStamp *stamp,
                           uint64_t entry_count_max) {
    *writer = (RunWriter){
        .io = io, .mem = mem, .path = path, .descriptor = -1, .stamp = *stamp, .entry_count_max = entry_count_max};
    writer->entries.number = 1;
    writer->ids.number = id_page_first(writer);
    writer->entries.batch = mem_try(mem, BATCH_PAGES * RUN_PAGE_SIZE);
    writer->ids.batch = mem_try(mem, BATCH_PAGES * RUN_PAGE_SIZE);
    if (!writer->entries.batch || !writer->ids.batch)
        return -ENOMEM;
    writer->descriptor = io_open(io, path, IO_OWN_CREATE);
    writer->is_pending = writer->descriptor >= 0;
    return writer->is_pending ? 0 : writer->descriptor;
}

static int batch_write(RunWriter *writer, PageWriter *pages) {
    int r = io_write_all_at(writer->io, writer->descriptor, pages->number * RUN_PAGE_SIZE, pages->batch,
                            pages->sealed * RUN_PAGE_SIZE);
    pages->number += pages->sealed;
    pages->sealed = 0;
    return r;
}

static int page_finish(RunWriter *writer, PageWriter *pages) {
    uint8_t *page = pages->batch + pages->sealed * RUN_PAGE_SIZE;
    page_seal(page, pages->size, pages->number + pages->sealed, &writer->stamp);
    pages->chain = chain_add(pages->chain, page);
    pages->size = 0;
    pages->sealed_count++;
    return ++pages->sealed == BATCH_PAGES ? batch_write(writer, pages) : 0;
}

/* Room for `size` bytes that stay together; the caller then adds to the page's size. */
static int page_room(RunWriter *writer, PageWriter *pages, size_t size, uint8_t **room) {
    int r = size > CONTENT_SIZE - pages->size ? page_finish(writer, pages) : 0;
    *room = pages->batch + pages->sealed * RUN_PAGE_SIZE + pages->size;
    return r;
}

/* `*place` is then where in the file it lies. */
static int id_write(RunWriter *writer, const char *id, size_t id_size, uint64_t *place) {
    PageWriter *ids = &writer->ids;
    uint8_t *room;
    int r = page_room(writer, ids, ID_HEAD_SIZE + id_size, &room);
    if (r)
        return r;
    bytes_put_u16(room, (uint16_t)id_size);
    if (id_size > 0)
        memcpy(room + ID_HEAD_SIZE, id, id_size);
    *place = (ids->number + ids->sealed) * RUN_PAGE_SIZE + ids->size;
    ids->size += ID_HEAD_SIZE + id_size;
    return 0;
}

/* Adds an entry; of its bytes the place of the id does not count. */
static int run_writer_add(RunWriter *writer, const uint8_t *entry, const char *id, size_t id_size) {
    check(writer->entry_count < writer->entry_count_max);
    uint64_t place;
    int r = id_write(writer, id, id_size, &place);
    if (r)
        return r;
    uint8_t *room;
    r = page_room(writer, &writer->entries, ENTRY_SIZE, &room);
    if (r)
        return r;
    memcpy(room, entry, ENTRY_SIZE);
    bytes_put_u64(room + ID_PLACE_AT, place);
    writer->entries.size += ENTRY_SIZE;
    writer->entry_count++;
    return 0;
}

static int pages_finish(RunWriter *writer, PageWriter *pages) {
    int r = pages->size > 0 ? page_finish(writer, pages) : 0;
    return r ? r : batch_write(writer, pages);
}

static int header_write(RunWriter *writer, uint64_t *checksum) {
    uint8_t page[RUN_PAGE_SIZE] = {0};
    memcpy(page, magic, MAGIC_SIZE);
    bytes_put_u16(page + MAJOR_AT, FORMAT_MAJOR);
    bytes_put_u16(page + MINOR_AT, FORMAT_MINOR);
    bytes_put_u64(page + ENTRY_COUNT_AT, writer->entry_count);
    bytes_put_u64(page + ID_PAGE_FIRST_AT, id_page_first(writer));
    bytes_put_u64(page + ID_PAGE_COUNT_AT, writer->ids.sealed_count);
    bytes_put_u64(page + ENTRIES_CHAIN_AT, writer->entries.chain);
    bytes_put_u64(page + IDS_CHAIN_AT, writer->ids.chain);
    page_seal(page, CONTENT_SIZE, 0, &writer->stamp);
    *checksum = page_checksum(page);
    return io_write_all_at(writer->io, writer->descriptor, 0, page, RUN_PAGE_SIZE);
}

/* The file is complete and on the disk. */
static int run_writer_finish(RunWriter *writer, uint64_t *checksum) {
    int r = pages_finish(writer, &writer->entries);
    if (!r)
        r = pages_finish(writer, &writer->ids);
    if (!r)
        r = header_write(writer, checksum);
    if (!r)
        r = io_sync(writer->io, writer->descriptor); /* all bytes, before a checkpoint names the run */
    if (r)
        return r;
    r = io_close(writer->io, writer->descriptor);
    writer->descriptor = -1;
    writer->is_pending = r != 0; /* a close that failed may have lost some of them after all */
    return r;
}

int index_write(const Io *io, Mem *mem, const char *path, const IndexStamp *stamp, const IndexEntry *entries,
                size_t count, uint64_t *checksum) {
    CLEANUP(run_writer_deinit) RunWriter writer;
    int r = run_writer_init(&writer, io, mem, path, stamp, count);
    for (size_t index = 0; !r && index < count; index++) {
        const IndexEntry *entry = &entries[index];
        check(entry->id_size <= INDEX_ID_SIZE_MAX);
        check(index == 0 || index_entry_order(entry - 1, entry) < 0);
        uint8_t bytes[ENTRY_SIZE];
        entry_encode(bytes, entry);
        r = run_writer_add(&writer, bytes, entry->id, entry->id_size);
    }
    return r ? r : run_writer_finish(&writer, checksum);
}

/* --- opening --- */

static int header_check(const uint8_t *page, const IndexStamp *stamp, uint64_t checksum) {
    /* the magic, the stamp and the checksum stay where they are in every format */
    if (memcmp(page, magic, MAGIC_SIZE) != 0 || !page_is_whole(page))
        return INDEX_E_DAMAGED;
    if (!page_is_stamped(page, 0, stamp) || page_checksum(page) != checksum)
        return INDEX_E_FOREIGN;
    return bytes_get_u16(page + MAJOR_AT) == FORMAT_MAJOR ? 0 : INDEX_E_VERSION;
}

static void header_decode(IndexRun *run, const uint8_t *page) {
    run->entry_count = bytes_get_u64(page + ENTRY_COUNT_AT);
    run->id_page_first = bytes_get_u64(page + ID_PAGE_FIRST_AT);
    run->id_page_count = bytes_get_u64(page + ID_PAGE_COUNT_AT);
    run->entries_chain = bytes_get_u64(page + ENTRIES_CHAIN_AT);
    run->ids_chain = bytes_get_u64(page + IDS_CHAIN_AT);
}

/* The pages that the header speaks of are the file's: from here on no sum of them can be too large. */
static bool size_fits(const IndexRun *run, uint64_t size) {
    uint64_t pages = size / RUN_PAGE_SIZE;
    return size % RUN_PAGE_SIZE == 0 && run->id_page_first >= 1 && run->id_page_first <= pages &&
           run->id_page_count == pages - run->id_page_first &&
           pages_of_entries(run->entry_count) <= run->id_page_first - 1;
}

static int run_load(IndexRun *run, uint64_t checksum) {
    int64_t size = io_size(run->io, run->descriptor);
    if (size < 0)
        return (int)size;
    uint8_t page[RUN_PAGE_SIZE];
    int r = pages_read(run, 0, page, 1);
    if (r)
        return r;
    r = header_check(page, &run->stamp, checksum);
    if (r)
        return r;
    header_decode(run, page);
    return size_fits(run, (uint64_t)size) ? 0 : INDEX_E_DAMAGED;
}

int index_open(IndexRun *run, const Io *io, const char *path, const IndexStamp *stamp, uint64_t checksum) {
    *run = (IndexRun){.io = io, .stamp = *stamp};
    run->descriptor = io_open(io, path, IO_OWN_READ);
    if (run->descriptor < 0)
        return run->descriptor;
    int r = run_load(run, checksum);
    if (r)
        index_close(run);
    return r;
}

void index_close(IndexRun *run) {
    io_close(run->io, run->descriptor);
    run->descriptor = -1;
}

/* --- looking up --- */

/* The page that was read last. On the C stack, so that look-ups share nothing. */
typedef struct PageView {
    uint64_t number; /* 0: none, as nobody looks something up in the header */
    uint8_t bytes[RUN_PAGE_SIZE];
} PageView;

static int page_view_turn(PageView *view, const IndexRun *run, uint64_t number) {
    if (view->number == number)
        return 0;
    view->number = 0;
    int r = pages_read(run, number, view->bytes, 1);
    if (!r)
        r = page_check(run, number, view->bytes);
    if (!r)
        view->number = number;
    return r;
}

/* Entry `position` of the run, in the view. */
static int entry_view(PageView *view, const IndexRun *run, uint64_t position, const uint8_t **entry) {
    int r = page_view_turn(view, run, 1 + position / ENTRIES_IN_PAGE);
    *entry = view->bytes + position % ENTRIES_IN_PAGE * ENTRY_SIZE;
    return r;
}

/* Pages that may hold a hash, counted from the first page of entries, and what is known of the hashes around them. */
typedef struct Span {
    uint64_t low, high;         /* the first one, and the one behind the last one */
    uint64_t low_key, high_key; /* no smaller and no larger key is in between */
} Span;

/* Where in a span of evenly spread keys this one is to be expected. */
static uint64_t span_guess(const Span *span, uint64_t key) {
    double part = (double)(key - span->low_key) / (double)(span->high_key - span->low_key);
    double guess = part * (double)(span->high - span->low);
    /* the other way round, so that what is not a number goes to the last page as well */
    return guess < (double)(span->high - span->low - 1) ? span->low + (uint64_t)guess : span->high - 1;
}

/* The first entry of `count` in a page that has this hash or a larger one; there is one. */
static uint64_t slot_find(const uint8_t *page, uint64_t count, const uint8_t *hash) {
    uint64_t low = 0, high = count - 1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (memcmp(page + middle * ENTRY_SIZE, hash, INDEX_HASH_SIZE) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The position of an entry that has this hash or, when none has, of one that has another. INDEX_E_ABSENT: none has. */
static int hash_find(PageView *view, const IndexRun *run, const uint8_t *hash, uint64_t *position) {
    Span span = {.high = pages_of_entries(run->entry_count), .high_key = UINT64_MAX};
    for (uint32_t round = 0; span.low < span.high; round++) {
        uint64_t number =
            round < GUESSES_MAX ? span_guess(&span, hash_key(hash)) : span.low + (span.high - span.low) / 2;
        uint64_t first = number * ENTRIES_IN_PAGE;
        uint64_t left = run->entry_count - first;
        uint64_t count = left < ENTRIES_IN_PAGE ? left : ENTRIES_IN_PAGE;
        const uint8_t *entry;
        int r = entry_view(view, run, first, &entry);
        if (r)
            return r;

        const uint8_t *last = entry + (count - 1) * ENTRY_SIZE;
        if (memcmp(hash, entry, INDEX_HASH_SIZE) < 0) {
            span.high = number;
            span.high_key = hash_key(entry);
        } else if (memcmp(hash, last, INDEX_HASH_SIZE) > 0) {
            span.low = number + 1;
            span.low_key = hash_key(last);
        } else {
            *position = first + slot_find(entry, count, hash);
            return 0;
        }
    }
    return INDEX_E_ABSENT;
}

/* Goes back to the first entry with this hash: those with one hash may begin in an earlier page. */
static int first_find(PageView *view, const IndexRun *run, const uint8_t *hash, uint64_t *position) {
    while (*position > 0) {
        const uint8_t *entry;
        int r = entry_view(view, run, *position - 1, &entry);
        if (r)
            return r;
        if (memcmp(entry, hash, INDEX_HASH_SIZE) != 0)
            break;
        --*position;
    }
    return 0;
}

/* The id of an entry, in the view. */
static int id_view(PageView *view, const IndexRun *run, const uint8_t *entry, const char **id, size_t *id_size) {
    uint64_t place = bytes_get_u64(entry + ID_PLACE_AT);
    uint64_t number = place / RUN_PAGE_SIZE;
    if (number < run->id_page_first || number - run->id_page_first >= run->id_page_count)
        return INDEX_E_DAMAGED;
    int r = page_view_turn(view, run, number);
    return r ? r : id_decode(view->bytes, place % RUN_PAGE_SIZE, id, id_size);
}

int index_find(const IndexRun *run, const uint8_t hash[INDEX_HASH_SIZE], const char *id, size_t id_size,
               IndexEntry *entry) {
    PageView entries, ids;
    entries.number = ids.number = 0;
    uint64_t position;
    int r = hash_find(&entries, run, hash, &position);
    if (!r)
        r = first_find(&entries, run, hash, &position);
    for (; !r && position < run->entry_count; position++) {
        const uint8_t *found;
        r = entry_view(&entries, run, position, &found);
        if (r)
            return r;
        if (memcmp(found, hash, INDEX_HASH_SIZE) != 0)
            break;
        const char *found_id;
        size_t found_id_size;
        r = id_view(&ids, run, found, &found_id, &found_id_size);
        if (!r && id_order(found_id, found_id_size, id, id_size) == 0) {
            entry_decode(entry, found, id, id_size);
            return 0;
        }
    }
    return r ? r : INDEX_E_ABSENT;
}

/* --- listing --- */

/* Pages of one kind in their order, a batch at a time. */
typedef struct PageReader {
    uint64_t number, end; /* of the next page to give, and the one behind the last */
    uint8_t *batch;       /* BATCH_PAGES; owned */
    size_t held, given;   /* pages in the batch, and how many of them were given */
    uint64_t chain;       /* of those given since the beginning */
} PageReader;

/* Where a list is in one run. */
struct IndexCursor {
    const IndexRun *run;
    PageReader entries, ids;
    const uint8_t *entry_page, *id_page; /* in their batches */
    uint64_t position;                   /* of the next entry */
    uint64_t id_offset;                  /* in `id_page`, of the next id */
    /* The entry the cursor stands on: */
    bool ended;            /* there is none */
    bool is_listed;        /* it was listed, or one for the same actor that is newer */
    uint64_t key, key_low; /* its hash as two numbers: quicker to compare than bytes that lie elsewhere */
    const uint8_t *entry;
    const char *id;
    size_t id_size;
};

static int page_next(const IndexRun *run, PageReader *pages, const uint8_t **page) {
    if (pages->number == pages->end)
        return INDEX_E_DAMAGED;
    if (pages->given == pages->held) {
        uint64_t left = pages->end - pages->number;
        pages->held = left < BATCH_PAGES ? left : BATCH_PAGES;
        pages->given = 0;
        int r = pages_read(run, pages->number, pages->batch, pages->held);
        if (r)
            return r;
    }
    *page = pages->batch + pages->given++ * RUN_PAGE_SIZE;
    pages->chain = chain_add(pages->chain, *page);
    return page_check(run, pages->number++, *page);
}

/* The id of the entry, which lies behind the one before: anything else was not written by us. */
static int cursor_id(IndexCursor *cursor) {
    uint64_t place = bytes_get_u64(cursor->entry + ID_PLACE_AT);
    if (place == cursor->ids.number * RUN_PAGE_SIZE) {
        int r = page_next(cursor->run, &cursor->ids, &cursor->id_page);
        if (r)
            return r;
        cursor->id_offset = 0;
    }
    if (!cursor->id_page || place != (cursor->ids.number - 1) * RUN_PAGE_SIZE + cursor->id_offset)
        return INDEX_E_DAMAGED;
    int r = id_decode(cursor->id_page, cursor->id_offset, &cursor->id, &cursor->id_size);
    cursor->id_offset += ID_HEAD_SIZE + cursor->id_size;
    return r;
}

static int cursor_end(IndexCursor *cursor) {
    cursor->ended = true;
    cursor->key = UINT64_MAX; /* behind the others */
    bool is_all = cursor->ids.number == cursor->ids.end;
    bool is_same = cursor->entries.chain == cursor->run->entries_chain && cursor->ids.chain == cursor->run->ids_chain;
    return is_all && is_same ? 0 : INDEX_E_DAMAGED;
}

static int cursor_next(IndexCursor *cursor) {
    if (cursor->position == cursor->run->entry_count)
        return cursor_end(cursor);
    uint64_t slot = cursor->position % ENTRIES_IN_PAGE;
    int r = slot == 0 ? page_next(cursor->run, &cursor->entries, &cursor->entry_page) : 0;
    if (r)
        return r;
    cursor->entry = cursor->entry_page + slot * ENTRY_SIZE;
    cursor->key = hash_key(cursor->entry);
    cursor->key_low = hash_key(cursor->entry + 8);
    cursor->is_listed = false;
    cursor->position++;
    return cursor_id(cursor);
}

/* The order of entries whose keys are equal; there is none behind the end. */
static int cursor_order(const IndexCursor *a, const IndexCursor *b) {
    if (a->ended || b->ended)
        return a->ended - b->ended;
    if (a->key_low != b->key_low)
        return a->key_low < b->key_low ? -1 : 1;
    return id_order(a->id, a->id_size, b->id, b->id_size);
}

static void cursor_init(IndexCursor *cursor, const IndexRun *run, Mem *mem) {
    *cursor = (IndexCursor){.run = run, .is_listed = true}; /* so the first step is one like any other */
    cursor->entries = (PageReader){.number = 1, .end = 1 + pages_of_entries(run->entry_count)};
    cursor->ids = (PageReader){.number = run->id_page_first, .end = run->id_page_first + run->id_page_count};
    cursor->entries.batch = mem_try(mem, BATCH_PAGES * RUN_PAGE_SIZE);
    cursor->ids.batch = mem_try(mem, BATCH_PAGES * RUN_PAGE_SIZE);
}

int index_list_open(IndexList *list, Mem *mem, const IndexRun *const *runs, size_t count) {
    *list = (IndexList){.mem = mem};
    check(count <= SIZE_MAX / sizeof *list->cursors);
    list->cursors = mem_try(mem, count * sizeof *list->cursors);
    if (!list->cursors)
        return -ENOMEM;
    list->count = count;
    bool is_refused = false;
    for (size_t index = 0; index < count; index++) {
        IndexCursor *cursor = &list->cursors[index];
        cursor_init(cursor, runs[index], mem);
        is_refused |= !cursor->entries.batch || !cursor->ids.batch;
    }
    if (is_refused)
        index_list_close(list);
    return is_refused ? -ENOMEM : 0;
}

void index_list_close(IndexList *list) {
    for (size_t index = 0; index < list->count; index++) {
        mem_free(list->mem, list->cursors[index].entries.batch, BATCH_PAGES * RUN_PAGE_SIZE);
        mem_free(list->mem, list->cursors[index].ids.batch, BATCH_PAGES * RUN_PAGE_SIZE);
    }
    mem_free(list->mem, list->cursors, list->count * sizeof *list->cursors);
    *list = (IndexList){.mem = list->mem};
}

/* Moves all cursors to what was not listed yet. */
static int list_advance(IndexList *list) {
    for (size_t index = 0; index < list->count; index++) {
        IndexCursor *cursor = &list->cursors[index];
        int r = cursor->is_listed && !cursor->ended ? cursor_next(cursor) : 0;
        if (r)
            return r;
    }
    return 0;
}

/*
 * The cursor on the first entry in order, of equal ones the newest; marks all
 * those. NULL: all have ended. Which of several runs is next nobody can
 * predict, a processor neither, so the choice by keys is one without a jump.
 */
static const IndexCursor *list_take(IndexList *list) {
    if (list->count == 0)
        return NULL;
    IndexCursor *least = list->cursors;
    for (size_t index = 1; index < list->count; index++) {
        IndexCursor *cursor = &list->cursors[index];
        bool is_before = cursor->key < least->key;
        if (UNLIKELY(cursor->key == least->key))
            is_before = cursor_order(cursor, least) < 0;
        least = is_before ? cursor : least;
    }
    if (least->ended)
        return NULL;
    for (size_t index = 0; index < list->count; index++) {
        IndexCursor *cursor = &list->cursors[index];
        cursor->is_listed = cursor == least || (cursor->key == least->key && cursor_order(cursor, least) == 0);
    }
    return least;
}

static int list_step(IndexList *list, const IndexCursor **cursor) {
    if (!list->result)
        list->result = list_advance(list);
    if (list->result)
        return list->result;
    *cursor = list_take(list);
    if (!*cursor)
        list->result = INDEX_E_END;
    return list->result;
}

int index_list_next(IndexList *list, IndexEntry *entry) {
    const IndexCursor *cursor;
    int r = list_step(list, &cursor);
    if (!r)
        entry_decode(entry, cursor->entry, cursor->id, cursor->id_size);
    return r;
}

/* --- merging --- */

static int list_write(IndexList *list, RunWriter *writer) {
    for (;;) {
        const IndexCursor *cursor;
        int r = list_step(list, &cursor);
        if (!r)
            r = run_writer_add(writer, cursor->entry, cursor->id, cursor->id_size);
        if (r)
            return r == INDEX_E_END ? 0 : r;
    }
}

int index_merge(const Io *io, Mem *mem, const char *path, const IndexStamp *stamp, const IndexRun *const *runs,
                size_t count, uint64_t *checksum) {
    uint64_t entry_count_max = 0;
    for (size_t index = 0; index < count; index++)
        entry_count_max += runs[index]->entry_count;

    CLEANUP(index_list_close) IndexList list;
    int r = index_list_open(&list, mem, runs, count);
    if (r)
        return r;
    CLEANUP(run_writer_deinit) RunWriter writer;
    r = run_writer_init(&writer, io, mem, path, stamp, entry_count_max);
    if (!r)
        r = list_write(&list, &writer);
    return r ? r : run_writer_finish(&writer, checksum);
}
