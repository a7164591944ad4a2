/* SPDX-License-Identifier: MIT */
/*
 * What asks about the whole store: a list of all actors, and figures.
 *
 * Who has records in the log is in memory; all others are in the index, in
 * one entry each, as the newest run has it.
 */
#include "journal/store_files.h"
#include <errno.h>

/* --- actors --- */

static int list_spread(Store *store, IndexList *list, StoreListingFunction *each, void *context) {
    IndexEntry found;
    int r;
    while ((r = index_list_next(list, &found)) == 0) {
        const StoreEntry *entry = store_entry(store, found.id, found.id_size);
        if (entry && entry->place_count > 0)
            continue;
        StoreListing listing = {found.id, found.id_size, found.sequence, found.packed_size};
        int answer = each(context, &listing);
        if (answer)
            return answer;
    }
    if (r == INDEX_E_END)
        return 0;
    return r > 0 ? store_say_damage(store, "index: a run is damaged; actors may be missing") : r;
}

static int each_spread(Store *store, StoreListingFunction *each, void *context) {
    const IndexRun *runs[INDEX_RUNS_MAX];
    IndexList list;
    for (uint32_t index = 0; index < store->run_count; index++)
        runs[index] = &store->runs[index];
    int r = index_list_open(&list, store->mem, runs, store->run_count);
    if (r)
        return r;
    r = list_spread(store, &list, each, context);
    index_list_close(&list);
    return r;
}

static int each_dirty(const Store *store, StoreListingFunction *each, void *context) {
    int r = 0;
    for (uint32_t index = 0; index < store->dirty_count && !r; index++) {
        const StoreEntry *entry = store->dirty[index];
        StoreListing listing = {entry->id, entry->actor.id_size, entry->actor.last_sequence, entry->packed_bytes};
        for (uint32_t place = 0; place < entry->place_count; place++)
            listing.size += entry->places[place].size;
        r = each(context, &listing);
    }
    return r;
}

/* A damaged index does not hide who is in the log. */
int store_each_actor(Store *store, StoreListingFunction *each, void *context) {
    int spread = each_spread(store, each, context);
    if (spread && spread != STORE_E_DAMAGED)
        return spread;
    int dirty = each_dirty(store, each, context);
    return dirty ? dirty : spread;
}

/* --- figures --- */

typedef struct FolderSum {
    const Store *store;
    const char *folder;
    uint64_t size, count;
} FolderSum;

/* Snapshots lie in folders of their own, one level down. */
static int add_file(void *context, const char *name) {
    FolderSum *sum = context;
    char path[LOG_PATH_MAX];
    IoInfo info;
    if (snprintf(path, sizeof path, "%s/%s", sum->folder, name) >= (int)sizeof path)
        return -ENAMETOOLONG;
    int r = io_info(sum->store->io, path, &info);
    if (r == -ENOENT) /* deleted since it was listed */
        return 0;
    if (r == 0 && info.kind == IO_FOLDER) {
        const char *folder = sum->folder;
        sum->folder = path;
        r = io_list_folder(sum->store->io, path, add_file, sum);
        sum->folder = folder;
        return r;
    }
    if (r == 0) {
        sum->size += (uint64_t)info.size;
        sum->count++;
    }
    return r;
}

static int sum_folder(const Store *store, const char *folder, uint64_t *size, uint64_t *count) {
    FolderSum sum = {.store = store, .folder = folder};
    int r = io_list_folder(store->io, folder, add_file, &sum);
    *size = sum.size;
    *count = sum.count;
    return r == -ENOENT ? 0 : r;
}

int store_figures(const Store *store, StoreFigures *figures) {
    *figures = (StoreFigures){.format = STORE_FORMAT, .epoch = store->identity.epoch};
    int r = sum_folder(store, store->log_path, &figures->log_size, &figures->log_count);
    if (!r)
        r = sum_folder(store, store->pack_path, &figures->pack_size, &figures->pack_count);
    if (!r)
        r = sum_folder(store, store->index_path, &figures->index_size, &figures->index_count);
    if (!r)
        r = sum_folder(store, store->snapshot_path, &figures->snapshot_size, &figures->snapshot_count);
    if (!r)
        r = sum_folder(store, store->quarantine_path, &figures->quarantine_size, &figures->quarantine_count);
    return r;
}
