/* SPDX-License-Identifier: MIT */
#include "tests/crash/mutant.h"

#include <string.h>

const MutantKind mutant_kinds[] = {
    {"the log is not synced", MUTANT_LOG, DISK_SYNC, MUTANT_SKIP},
    {"packs are not synced", MUTANT_PACK, DISK_SYNC, MUTANT_SKIP},
    {"runs of the index are not synced", MUTANT_INDEX, DISK_SYNC, MUTANT_SKIP},
    {"STORE is not synced", MUTANT_STORE, DISK_SYNC, MUTANT_SKIP},
    {"the log's folder is not synced", MUTANT_LOG, DISK_SYNC_FOLDER, MUTANT_SKIP},
    {"the packs' folder is not synced", MUTANT_PACK, DISK_SYNC_FOLDER, MUTANT_SKIP},
    {"the index's folder is not synced", MUTANT_INDEX, DISK_SYNC_FOLDER, MUTANT_SKIP},
    {"the store's folder is not synced", MUTANT_STORE, DISK_SYNC_FOLDER, MUTANT_SKIP},
    {"the folder around the store is not synced", MUTANT_OTHER, DISK_SYNC_FOLDER, MUTANT_SKIP},
    {"the log is read from memory", MUTANT_LOG, DISK_FORGET, MUTANT_SKIP},
    {"a failed sync of the log is tried again", MUTANT_LOG, DISK_SYNC, MUTANT_RETRY},
    {"a failed sync of a pack is tried again", MUTANT_PACK, DISK_SYNC, MUTANT_RETRY},
    {"a failed sync of the index is tried again", MUTANT_INDEX, DISK_SYNC, MUTANT_RETRY},
    {"a failed sync of STORE is tried again", MUTANT_STORE, DISK_SYNC, MUTANT_RETRY},
    {"a failed sync of the log is not looked at", MUTANT_LOG, DISK_SYNC, MUTANT_IGNORE},
    {"a failed write of the log is not looked at", MUTANT_LOG, DISK_WRITE, MUTANT_IGNORE},
    {"a failed write of a pack is not looked at", MUTANT_PACK, DISK_WRITE, MUTANT_IGNORE},
    {"a failed write of the index is not looked at", MUTANT_INDEX, DISK_WRITE, MUTANT_IGNORE},
    {"a failed sync of the log's folder is not looked at", MUTANT_LOG, DISK_SYNC_FOLDER, MUTANT_IGNORE},
    {"snapshots are not synced", MUTANT_SNAPSHOT, DISK_SYNC, MUTANT_SKIP},
    {"the snapshots' folder is not synced", MUTANT_SNAPSHOT, DISK_SYNC_FOLDER, MUTANT_SKIP,
     "harmless: without a snapshot the whole journal is read"},
    {"STORE is replaced in two steps", MUTANT_STORE, DISK_RENAME, MUTANT_SPLIT},
};
const uint32_t mutant_count = sizeof mutant_kinds / sizeof *mutant_kinds;

static MutantFile file_of(const char *path) {
    static const struct {
        const char *prefix;
        MutantFile file;
    } rows[] = {
        {"store/log", MUTANT_LOG},       {"store/packs", MUTANT_PACK},       {"store/index", MUTANT_INDEX},
        {"store/snap", MUTANT_SNAPSHOT}, {"store/quarantine", MUTANT_OTHER}, {"store/LOCK", MUTANT_OTHER},
        {"store", MUTANT_STORE},
    };
    for (size_t index = 0; index < sizeof rows / sizeof *rows; index++) {
        if (strncmp(path, rows[index].prefix, strlen(rows[index].prefix)) == 0)
            return rows[index].file;
    }
    return MUTANT_OTHER;
}

static bool is_meant(const Mutant *mutant, DiskCall call, MutantFile file) {
    return mutant->kind->call == call && mutant->kind->file == file;
}

static MutantFile file_opened(const Mutant *mutant, int descriptor) {
    for (uint32_t index = 0; index < MUTANT_FILES; index++) {
        if (mutant->open[index].descriptor == descriptor)
            return mutant->open[index].file;
    }
    return MUTANT_OTHER;
}

static int mutant_open(void *context, const char *path, IoMode mode) {
    Mutant *mutant = context;
    int descriptor = io_open(&mutant->io, path, mode);
    if (descriptor >= 0) {
        uint32_t place = mutant->open_count++ % MUTANT_FILES;
        mutant->open[place].descriptor = descriptor;
        mutant->open[place].file = file_of(path);
    }
    return descriptor;
}

static int64_t mutant_write_at(void *context, int descriptor, uint64_t offset, const void *bytes, size_t size) {
    Mutant *mutant = context;
    int64_t written = io_write_at(&mutant->io, descriptor, offset, bytes, size);
    return written < 0 && is_meant(mutant, DISK_WRITE, file_opened(mutant, descriptor)) ? (int64_t)size : written;
}

/* A call without anything but a result, as the mutant makes it. */
static int tricked(const Mutant *mutant, int (*call)(const Io *io, int descriptor, const char *path), int descriptor,
                   const char *path) {
    if (mutant->kind->trick == MUTANT_SKIP)
        return 0;
    int r = call(&mutant->io, descriptor, path);
    if (r < 0 && mutant->kind->trick == MUTANT_RETRY)
        r = call(&mutant->io, descriptor, path);
    return mutant->kind->trick == MUTANT_IGNORE ? 0 : r;
}

static int call_sync(const Io *io, int descriptor, const char *path) {
    return io_sync(io, descriptor);
}
static int call_sync_folder(const Io *io, int descriptor, const char *path) {
    return io_sync_folder(io, path);
}
static int call_forget(const Io *io, int descriptor, const char *path) {
    return io_forget(io, descriptor);
}

static int mutant_sync(void *context, int descriptor) {
    Mutant *mutant = context;
    bool is_meant_here = is_meant(mutant, DISK_SYNC, file_opened(mutant, descriptor));
    return is_meant_here ? tricked(mutant, call_sync, descriptor, NULL) : io_sync(&mutant->io, descriptor);
}

static int mutant_sync_folder(void *context, const char *path) {
    Mutant *mutant = context;
    bool is_meant_here = is_meant(mutant, DISK_SYNC_FOLDER, file_of(path));
    return is_meant_here ? tricked(mutant, call_sync_folder, -1, path) : io_sync_folder(&mutant->io, path);
}

static int mutant_forget(void *context, int descriptor) {
    Mutant *mutant = context;
    bool is_meant_here = is_meant(mutant, DISK_FORGET, file_opened(mutant, descriptor));
    return is_meant_here ? tricked(mutant, call_forget, descriptor, NULL) : io_forget(&mutant->io, descriptor);
}

static int mutant_rename(void *context, const char *from, const char *to) {
    Mutant *mutant = context;
    if (is_meant(mutant, DISK_RENAME, file_of(to)) && io_exists(&mutant->io, to)) {
        int r = io_delete_file(&mutant->io, to);
        if (r)
            return r;
    }
    return io_rename(&mutant->io, from, to);
}

/* The other calls are the disk's own. */
static int mutant_close(void *context, int descriptor) {
    return io_close(&((Mutant *)context)->io, descriptor);
}
static int mutant_info(void *context, const char *path, IoInfo *info) {
    return io_info(&((Mutant *)context)->io, path, info);
}
static int mutant_delete_file(void *context, const char *path) {
    return io_delete_file(&((Mutant *)context)->io, path);
}
static int mutant_make_folder(void *context, const char *path) {
    return io_make_folder(&((Mutant *)context)->io, path);
}
static int mutant_list_folder(void *context, const char *path, IoEntryFunction *entry, void *entry_context) {
    return io_list_folder(&((Mutant *)context)->io, path, entry, entry_context);
}
static int64_t mutant_read_at(void *context, int descriptor, uint64_t offset, void *bytes, size_t size) {
    return io_read_at(&((Mutant *)context)->io, descriptor, offset, bytes, size);
}
static int64_t mutant_size(void *context, int descriptor) {
    return io_size(&((Mutant *)context)->io, descriptor);
}
static int mutant_cut(void *context, int descriptor, uint64_t size) {
    return io_cut(&((Mutant *)context)->io, descriptor, size);
}
static int mutant_lock(void *context, int descriptor) {
    return io_lock(&((Mutant *)context)->io, descriptor);
}

Io mutant_init(Mutant *mutant, const MutantKind *kind, Disk *disk) {
    *mutant = (Mutant){.kind = kind, .io = disk_io(disk)};
    return (Io){
        .open = mutant_open,
        .close = mutant_close,
        .info = mutant_info,
        .delete_file = mutant_delete_file,
        .make_folder = mutant_make_folder,
        .list_folder = mutant_list_folder,
        .read_at = mutant_read_at,
        .write_at = mutant_write_at,
        .size = mutant_size,
        .cut = mutant_cut,
        .sync = mutant_sync,
        .sync_folder = mutant_sync_folder,
        .rename = mutant_rename,
        .lock = mutant_lock,
        .forget = mutant_forget,
        .context = mutant,
    };
}
