/* SPDX-License-Identifier: MIT */
/*
 * Opening a store: its folders, LOCK and STORE, and recovery; or to read only.
 *
 * STORE is 64 bytes, replaced by renaming a new file over it. It says which
 * segment of the log is the lowest that must exist, so that a log that was
 * deleted is damage and never a new store; 0 says that the store is being
 * made and nothing was ever in it.
 *
 * Recovery ends with a checkpoint before anything is given out: what was read
 * may so far live in this machine's memory only.
 *
 * A reader does the same as recovery, without the lock and without writing. It
 * may stand beside a writer, who deletes what is not needed any more once a
 * newer checkpoint says so: then a file that the older one names is gone, and
 * the reader begins again. Once everything is open nothing can go wrong: open
 * files stay, and packs are only appended to.
 */
#include "journal/store_files.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <xxhash.h>

/* --- STORE --- */

enum {
    IDENTITY_FORMAT = 8,
    IDENTITY_UUID = 16,
    IDENTITY_SEED = 32,
    IDENTITY_EPOCH = 40,
    IDENTITY_LOWEST = 48,
    IDENTITY_CHECKSUM = 56,
    IDENTITY_SIZE = 64,
};
static const uint8_t identity_magic[8] = {0x89, 'A', 'J', 'I', 0x0d, 0x0a, 0x1a, 0x0a};

static void path_in(char *path, const Store *store, const char *name) {
    snprintf(path, LOG_PATH_MAX, "%.4000s/%.64s", store->path, name);
}

/* Writes a new file at `path`, in place of a left over one, and syncs it. */
static int write_file(const Io *io, const char *path, const void *bytes, size_t size) {
    int r = io_delete_file(io, path);
    if (r && r != -ENOENT)
        return r;
    int descriptor = io_open(io, path, IO_OWN_CREATE);
    if (descriptor < 0)
        return descriptor;
    r = io_write_all_at(io, descriptor, 0, bytes, size);
    if (!r)
        r = io_sync(io, descriptor);
    int closed = io_close(io, descriptor);
    return r ? r : closed;
}

int store_identity_write(const Store *store) {
    uint8_t bytes[IDENTITY_SIZE] = {0};
    char path[LOG_PATH_MAX], aside[LOG_PATH_MAX];
    memcpy(bytes, identity_magic, sizeof identity_magic);
    bytes_put_u32(bytes + IDENTITY_FORMAT, STORE_FORMAT);
    memcpy(bytes + IDENTITY_UUID, store->identity.uuid, STORE_UUID_SIZE);
    bytes_put_u64(bytes + IDENTITY_SEED, store->identity.hash_seed);
    bytes_put_u64(bytes + IDENTITY_EPOCH, store->identity.epoch);
    bytes_put_u64(bytes + IDENTITY_LOWEST, store->identity.lowest_segment);
    bytes_put_u64(bytes + IDENTITY_CHECKSUM, XXH3_64bits(bytes, IDENTITY_CHECKSUM));
    path_in(path, store, "STORE");
    path_in(aside, store, "STORE.new");
    int r = write_file(store->io, aside, bytes, sizeof bytes);
    if (!r) /* its content is durable before it has the name that counts */
        r = io_rename(store->io, aside, path);
    return r ? r : io_sync_folder(store->io, store->path);
}

int store_identity_read(Store *store) {
    uint8_t bytes[IDENTITY_SIZE];
    char path[LOG_PATH_MAX];
    path_in(path, store, "STORE");
    int descriptor = io_open(store->io, path, IO_OWN_READ);
    if (descriptor < 0)
        return descriptor;
    int64_t got = io_read_all_at(store->io, descriptor, 0, bytes, sizeof bytes);
    io_close(store->io, descriptor);
    if (got < 0)
        return (int)got;
    if (got < IDENTITY_SIZE || memcmp(bytes, identity_magic, sizeof identity_magic) != 0 ||
        bytes_get_u64(bytes + IDENTITY_CHECKSUM) != XXH3_64bits(bytes, IDENTITY_CHECKSUM))
        return STORE_E_DAMAGED;
    if (bytes_get_u32(bytes + IDENTITY_FORMAT) != STORE_FORMAT)
        return STORE_E_FOREIGN;
    store->identity = (StoreIdentity){
        .hash_seed = bytes_get_u64(bytes + IDENTITY_SEED),
        .epoch = bytes_get_u64(bytes + IDENTITY_EPOCH),
        .lowest_segment = bytes_get_u64(bytes + IDENTITY_LOWEST),
    };
    memcpy(store->identity.uuid, bytes + IDENTITY_UUID, STORE_UUID_SIZE);
    return 0;
}

/* --- messages --- */

FORMAT(3, 4) static int say(StoreReport *report, int r, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(report->text, sizeof report->text, format, arguments);
    va_end(arguments);
    return r;
}

/* --- the owner --- */

static int take_lock(Store *store, StoreReport *report) {
    char path[LOG_PATH_MAX], text[64] = "";
    path_in(path, store, "LOCK");
    store->lock = io_open(store->io, path, IO_OWN_UPDATE);
    if (store->lock == -ENOENT)
        store->lock = io_open(store->io, path, IO_OWN_CREATE);
    if (store->lock < 0)
        return say(report, store->lock, "LOCK cannot be opened");
    int r = io_lock(store->io, store->lock);
    if (r == -EWOULDBLOCK) {
        int64_t got = io_read_all_at(store->io, store->lock, 0, text, sizeof text - 1);
        text[got > 0 ? got : 0] = '\0';
        return say(report, STORE_E_OWNED, "the store is open in process %lld", strtoll(text, NULL, 10));
    }
    if (r)
        return say(report, r, "LOCK cannot be locked");
    /* for people; the lock itself is the kernel's, so nothing is lost if this is */
    int length = snprintf(text, sizeof text, "%lld\n", (long long)store->options.pid);
    r = io_cut(store->io, store->lock, 0);
    return r ? r : io_write_all_at(store->io, store->lock, 0, text, (size_t)length);
}

/* --- making --- */

static int make_folder(const Store *store, const char *path) {
    int r = io_make_folder(store->io, path);
    return r == -EEXIST ? 0 : r;
}

static int make_folders(Store *store) {
    int r = make_folder(store, store->path);
    if (!r)
        r = make_folder(store, store->log_path);
    if (!r)
        r = make_folder(store, store->pack_path);
    if (!r)
        r = make_folder(store, store->index_path);
    if (!r)
        r = make_folder(store, store->quarantine_path);
    return r;
}

static int count_file(void *context, const char *name) {
    (void)name;
    ++*(uint32_t *)context;
    return 0;
}

/* Whether the folder holds anything; false too when there is none. */
static int folder_is_used(const Store *store, const char *path, bool *is_used) {
    uint32_t count = 0;
    int r = io_list_folder(store->io, path, count_file, &count);
    *is_used = count > 0;
    return r == -ENOENT ? 0 : r;
}

typedef struct FolderDeletion {
    const Store *store;
    const char *folder;
    bool (*is_kept)(const Store *store, const char *name);
} FolderDeletion;

static int delete_one(void *context, const char *name) {
    const FolderDeletion *deletion = context;
    char path[LOG_PATH_MAX];
    if (deletion->is_kept(deletion->store, name))
        return 0;
    snprintf(path, sizeof path, "%.4000s/%.64s", deletion->folder, name);
    int r = io_delete_file(deletion->store->io, path);
    return r == -ENOENT ? 0 : r;
}

static int delete_others(const Store *store, const char *folder,
                         bool (*is_kept)(const Store *store, const char *name)) {
    FolderDeletion deletion = {store, folder, is_kept};
    return io_list_folder(store->io, folder, delete_one, &deletion);
}

static bool keeps_nothing(const Store *store, const char *name) {
    (void)store;
    (void)name;
    return false;
}

/* The name and the random seed of a new store; its log is still to be made. */
static int make_identity(Store *store) {
    store->identity = (StoreIdentity){0};
    int r = clock_random(store->options.clock, store->identity.uuid, STORE_UUID_SIZE);
    if (!r)
        r = clock_random(store->options.clock, &store->identity.hash_seed, sizeof store->identity.hash_seed);
    if (!r)
        r = store_identity_write(store);
    return r;
}

/* The folder that the store's folder is in. */
static int sync_parent(const Store *store) {
    char path[LOG_PATH_MAX];
    snprintf(path, sizeof path, "%s", store->path);
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return io_sync_folder(store->io, ".");
    slash[slash == path] = '\0';
    return io_sync_folder(store->io, path);
}

/* --- recovery --- */

typedef struct Recovery {
    Store *store;
    StoreReport *report;
    uint64_t group;
} Recovery;

static int recover_entry(void *context, const BatchEntry *batch_entry) {
    Recovery *recovery = context;
    Store *store = recovery->store;
    const Record *record = &batch_entry->record;
    StoreEntry *entry;
    int r = store_entry_load(store, batch_entry->id, batch_entry->id_size, &entry);
    if (r)
        return r;
    StoreActor *actor = &entry->actor;
    if (record->sequence != actor->last_sequence + 1 || record->previous != actor->last_checksum)
        return STORE_E_DAMAGED;
    if (record->sequence == 1 || entry->is_damaged) /* then the run that would tell it cannot be read */
        memcpy(actor->incarnation, batch_entry->incarnation, sizeof actor->incarnation);
    else if (memcmp(actor->incarnation, batch_entry->incarnation, sizeof actor->incarnation) != 0)
        return STORE_E_DAMAGED;
    r = store_note_place(store, entry,
                         (RecordPlace){recovery->group, batch_entry->offset, batch_entry->size});
    if (r)
        return r;
    actor->last_sequence = record->sequence;
    actor->last_checksum = record->checksum;
    actor->outstanding = batch_entry->outstanding;
    recovery->report->records++;
    return 0;
}

static int recover_record(void *context, const Record *record) {
    Recovery *recovery = context;
    recovery->group = record->sequence;
    switch (record->type) {
    case RECORD_BATCH:
        return batch_each(recovery->store->mem, record->payload, record->size, recover_entry, recovery);
    case RECORD_CHECKPOINT:
    case RECORD_SYNC_MARK:
        return 0;
    default:
        return record->flags & RECORD_SKIPPABLE ? 0 : STORE_E_FOREIGN;
    }
}

static int init_log(Store *store) {
    LogOptions options = {
        .mem = store->mem,
        .io = store->io,
        .clock = store->options.clock,
        .folder = store->log_path,
        .epoch = store->identity.epoch,
        .segment_size_min = store->options.segment_size_min,
        .segment_size_max = store->options.segment_size_max,
        .is_threaded = store->options.is_threaded,
        .is_reader = store->is_reader,
        .signal = store->options.signal,
    };
    memcpy(options.store, store->identity.uuid, STORE_UUID_SIZE);
    return node_log_init(&store->log, &options);
}

static int recover_log(Store *store, StoreReport *report) {
    CLEANUP(buffer_deinit) Buffer payload;
    buffer_init(&payload, store->mem);
    LogPosition start;
    LogDamage damage = {0};
    Recovery recovery = {.store = store, .report = report};
    int r = node_log_find_checkpoint(&store->log, &payload);
    if (r == -ENOENT)
        return say(report, STORE_E_DAMAGED, "the log holds no whole checkpoint; nothing was changed");
    if (!r)
        r = checkpoint_load(store, (const uint8_t *)payload.bytes, (uint32_t)payload.size, &start);
    if (r == STORE_E_DAMAGED)
        return say(report, r, "what the last checkpoint names is damaged or missing; nothing was changed");
    if (r)
        return r;
    if (start.segment < store->identity.lowest_segment)
        return say(report, STORE_E_DAMAGED, "the log ends before segment %" PRIu64 ", which must exist",
                   store->identity.lowest_segment);
    report->is_cut = true; /* if anything is wrong from here on, what was read so far is right */
    r = node_log_recover(&store->log, &start, recover_record, &recovery, store->quarantine_path, &report->torn_bytes,
                         &damage);
    if (r == LOG_E_DAMAGED && damage.text[0])
        return say(report, STORE_E_DAMAGED, "log segment %016" PRIx64 ", offset %" PRIu64 ": %s; nothing was changed",
                   damage.segment, damage.offset, damage.text);
    if (r == LOG_E_DAMAGED)
        return say(report, STORE_E_DAMAGED, "a group of the log does not fit the journals; nothing was changed");
    report->is_cut = false;
    return r;
}

/* What no checkpoint names is left from one that never came to be. */
static bool keeps_run(const Store *store, const char *name) {
    char *end;
    uint64_t number = strtoull(name, &end, 16);
    for (uint32_t index = 0; index < store->run_count; index++) {
        if (store->runs[index].stamp.number == number && strcmp(end, ".x") == 0)
            return true;
    }
    return false;
}

static bool keeps_pack(const Store *store, const char *name) {
    char *end;
    uint64_t number = strtoull(name, &end, 16);
    return number <= store->last_pack_number && strcmp(end, ".p") == 0;
}

/* --- the whole --- */

static int set_paths(Store *store, const char *path) {
    if (strlen(path) > STORE_PATH_MAX || path[0] == '\0')
        return -ENAMETOOLONG;
    snprintf(store->path, sizeof store->path, "%s", path);
    size_t length = strlen(store->path);
    while (length > 1 && store->path[length - 1] == '/')
        store->path[--length] = '\0';
    path_in(store->log_path, store, "log");
    path_in(store->pack_path, store, "packs");
    path_in(store->index_path, store, "index");
    path_in(store->snapshot_path, store, "snapshots");
    path_in(store->quarantine_path, store, "quarantine");
    return 0;
}

/* What STORE says. -ENOENT: there is no store. */
static int find(Store *store, StoreReport *report) {
    bool is_used;
    int r = store_identity_read(store);
    if (r == STORE_E_DAMAGED)
        return say(report, r, "STORE is damaged; nothing was changed");
    if (r == STORE_E_FOREIGN)
        return say(report, r, "STORE is of a format that this version does not know");
    if (r != -ENOENT)
        return r;
    r = folder_is_used(store, store->log_path, &is_used);
    if (!r && is_used)
        return say(report, STORE_E_DAMAGED, "STORE is missing, and there is a log; nothing was changed");
    return r ? r : -ENOENT;
}

/* Finds out whether there is a store, and makes one if there is none. */
static int find_or_make(Store *store, StoreReport *report) {
    int r = find(store, report);
    if (r != -ENOENT)
        return r;
    if (!store->options.may_create)
        return say(report, STORE_E_ABSENT, "there is no store");
    r = make_folders(store);
    if (!r)
        r = take_lock(store, report);
    if (!r)
        r = make_identity(store);
    return r ? r : sync_parent(store);
}

static int open_store(Store *store, StoreReport *report) {
    int r = find_or_make(store, report);
    if (!r && store->lock < 0)
        r = take_lock(store, report);
    if (!r) /* somebody may have had it open until now */
        r = store_identity_read(store);
    if (r)
        return r;
    store->identity.epoch++;
    r = init_log(store);
    bool is_new = store->identity.lowest_segment == 0;
    if (!r && is_new) /* whoever began to make it may have got no further than STORE */
        r = make_folders(store);
    if (!r && is_new)
        r = io_sync_folder(store->io, store->path);
    if (!r && is_new)
        r = sync_parent(store);
    if (!r && is_new) {
        r = delete_others(store, store->log_path, keeps_nothing);
        store->spread.sequence = 1;
    } else if (!r) {
        r = recover_log(store, report);
    }
    /* a number is never given twice, also not that of a run which is deleted here */
    if (store->last_run_number < store->identity.epoch << 24)
        store->last_run_number = store->identity.epoch << 24;
    if (!r)
        r = delete_others(store, store->index_path, keeps_run);
    if (!r)
        r = delete_others(store, store->pack_path, keeps_pack);
    if (!r)
        r = store_begin_group(store);
    if (!r)
        r = store_identity_write(store); /* the epoch: before the first segment that carries it */
    r = r ? r : store_checkpoint(store);
    return r == STORE_E_FULL ? say(report, r, "there is no room on the disk") : r;
}

/* A store of which nothing is open. */
static int make(Store **storep, const StoreOptions *options, bool is_reader) {
    Store *store = mem_try(options->mem, sizeof *store);
    if (store == NULL)
        return -ENOMEM;
    *store = (Store){
        .options = *options, .mem = options->mem, .io = options->io, .lock = -1, .is_reader = is_reader};
    StoreOptions *own = &store->options;
    own->segment_size_min = own->segment_size_min ? own->segment_size_min : STORE_SEGMENT_SIZE_MIN;
    own->segment_size_max = own->segment_size_max ? own->segment_size_max : STORE_SEGMENT_SIZE_MAX;
    own->snapshot_records = own->snapshot_records ? own->snapshot_records : STORE_SNAPSHOT_RECORDS;
    own->checkpoint_size = own->checkpoint_size ? own->checkpoint_size : STORE_CHECKPOINT_SIZE;
    buffer_init(&store->forming, store->mem);
    store->log.options.io = NULL; /* not begun */
    int r = set_paths(store, options->path);
    if (!r)
        r = mem_init(&store->worker_mem, options->mem->allocator, options->mem->limit_bytes);
    if (r) {
        mem_free(options->mem, store, sizeof *store);
        return r;
    }
    r = worker_init(&store->worker, options->is_threaded, options->signal);
    if (r)
        store_abandon(store);
    else
        *storep = store;
    return r;
}

int store_open(Store **storep, const StoreOptions *options, StoreReport *report) {
    Store *store;
    *storep = NULL;
    *report = (StoreReport){0};
    int r = make(&store, options, false);
    if (r)
        return r;
    r = open_store(store, report);
    if (r)
        store_abandon(store);
    else
        *storep = store;
    return r;
}

/* --- to read --- */

static int read_store(Store *store, StoreReport *report) {
    int r = find(store, report);
    if (r == -ENOENT)
        return say(report, STORE_E_ABSENT, "there is no store");
    if (!r)
        r = init_log(store);
    bool is_new = store->identity.lowest_segment == 0; /* being made, and nothing is in it yet */
    return r || is_new ? r : recover_log(store, report);
}

/* Damage is believed when it is there twice, unchanged: a writer at work moves. */
static bool is_settled(int r, const StoreReport *report, int r_before, const StoreReport *before) {
    return r == r_before && strcmp(report->text, before->text) == 0 && report->records == before->records;
}

int store_open_reader(Store **storep, const StoreOptions *options, StoreReport *report) {
    enum { ATTEMPTS = 10 };
    StoreOptions own = *options;
    StoreReport before = {0};
    int r_before = 0;
    own.is_threaded = false;
    *storep = NULL;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        Store *store;
        *report = (StoreReport){0};
        int r = make(&store, &own, true);
        if (r)
            return r;
        r = read_store(store, report);
        bool is_same = is_settled(r, report, r_before, &before);
        if (r == 0 || (r == STORE_E_DAMAGED && report->is_cut && is_same)) {
            *storep = store;
            return 0;
        }
        store_abandon(store);
        if ((r != STORE_E_DAMAGED && r != -ENOENT) || is_same)
            return r;
        before = *report;
        r_before = r;
    }
    return say(report, STORE_E_OWNED, "the store changes faster than it can be read; try again later");
}

void store_abandon(Store *store) {
    checkpoint_abandon(store);
    worker_deinit(&store->worker);
    if (store->log.options.io)
        node_log_deinit(&store->log);
    for (uint32_t index = 0; index < store->run_count; index++)
        index_close(&store->runs[index]);
    store_entries_free(store);
    buffer_deinit(&store->forming);
    if (store->lock >= 0)
        io_close(store->io, store->lock);
    mem_deinit(&store->worker_mem);
    mem_free(store->mem, store, sizeof *store);
}

int store_close(Store *store) {
    int r = store_wait(store);
    if (!r)
        r = store_checkpoint(store);
    r = r == STORE_E_FULL ? 0 : r; /* the log has all of it */
    store_abandon(store);
    return r;
}
