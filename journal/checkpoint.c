/* SPDX-License-Identifier: MIT */
/*
 * A checkpoint spreads the log to packs, so that its segments can go:
 *
 *   gather   the group that is forming is sealed; p is the position behind it.
 *            Noted: who has records before p, and the live list as it is
 *   commit   until everything before p is on disk
 *   spread   on the worker: runs into the pack, sync, a run of the index, sync,
 *            the folders' names, sync
 *   seal     the checkpoint record, which names all of that, begins a new
 *            segment; until it is on disk
 *   clean    STORE names the segment of p as the lowest; older ones are deleted,
 *            and runs of the index that were merged
 *
 * The order is the whole point: nothing is deleted before what replaces it is
 * durable, and nothing is named before it is. A process that ends anywhere in
 * between finds the checkpoint before this one whole, and reads on from there.
 */
#include "journal/store_files.h"
#include <errno.h>
#include <stdlib.h>

enum {
    SPREAD_CHUNK = 1024 * 1024,   /* of a pack, written at once */
    MERGE_COUNT = 4,              /* runs of about a size become one */
    DIRTY_MAX = 250000,           /* actors with records in the log, before a checkpoint begins */
    CHECKPOINT_FORMAT = 1,
    IMAGE_BYTES_MAX = 64 * 1024 * 1024, /* of all snapshots that one checkpoint takes, about */
};
static const int64_t CHECKPOINT_INTERVAL_NS = (int64_t)30 * 1000000000;
static const int64_t NO_ROOM_RETRY_NS = 1000000000;

typedef enum CheckpointPhase { PHASE_COMMIT, PHASE_SPREAD, PHASE_SEAL, PHASE_CLEAN } CheckpointPhase;

typedef struct SpreadActor {
    StoreEntry *entry; /* stays while it has records in the log; the job reads only its id and hash */
    uint8_t incarnation[16];
    uint64_t last_sequence, last_checksum;
    PackPlace newest_run; /* before; then after */
    uint64_t packed_bytes;
    RecordPlace *places;
    uint32_t place_count;
    uint64_t snapshot; /* sequence of the newest snapshot: before; then after */
    Buffer image;      /* empty: it gets none */
} SpreadActor;

/* A segment's bytes, for the job. */
typedef struct SpreadSegment {
    uint64_t number;
    int descriptor;
    uint64_t size;
    char *bytes;
} SpreadSegment;

typedef struct Checkpoint {
    Store *store; /* the job uses of it what does not change: io, paths, uuid, worker_mem */
    CheckpointPhase phase;
    LogPosition position;  /* p */
    uint64_t groups_first; /* sequence of the first of `groups` */
    SpreadActor *actors;
    uint32_t actor_count;
    RecordPlace *places;
    uint64_t place_count;
    Buffer live;           /* encoded */
    uint64_t live_count;
    LogPlace *groups; /* where they lie */
    uint32_t group_count;
    SpreadSegment *segments;
    uint32_t segment_count;
    uint64_t unspread_bytes;

    /* the job's results */
    int result;
    Pack pack;
    uint64_t last_pack_number, last_run_number;
    IndexRun runs[INDEX_RUNS_MAX];
    uint64_t run_checksums[INDEX_RUNS_MAX];
    uint32_t run_count;
    IndexRun gone[INDEX_RUNS_MAX]; /* merged: to be closed and deleted */
    uint32_t gone_count;

    uint64_t record; /* sequence of the checkpoint record, once sealed */
} Checkpoint;

/* --- gather --- */

static int encode_live(Store *store, Checkpoint *checkpoint) {
    Buffer *live = &checkpoint->live;
    for (uint64_t index = 0; index < store->bucket_count; index++) {
        for (const StoreEntry *entry = store->buckets[index]; entry; entry = entry->next) {
            const StoreActor *actor = &entry->actor;
            if (actor->outstanding.flags == 0)
                continue;
            buffer_append_varint(live, actor->id_size);
            buffer_append(live, actor->id, actor->id_size);
            buffer_append_byte(live, (char)actor->outstanding.flags);
            buffer_append_varint(live, actor->outstanding.first_waiting);
            buffer_append_varint(live, zigzag(actor->outstanding.next_timer_ns));
            checkpoint->live_count++;
        }
    }
    return live->failed ? -ENOMEM : 0;
}

static void *copy_array(Mem *mem, const void *items, size_t size) {
    void *copy = mem_try(mem, size);
    if (copy != NULL && size > 0)
        memcpy(copy, items, size);
    return copy;
}

/*
 * The image of an actor whose tail has become long. What there is no room or
 * no memory for comes with a later checkpoint: a snapshot only saves time.
 */
static void gather_image(Store *store, SpreadActor *actor, uint64_t *image_bytes) {
    StoreActor *place = &actor->entry->actor;
    buffer_init(&actor->image, store->mem);
    if (!store->options.image || place->last_sequence - actor->snapshot < store->options.snapshot_records ||
        *image_bytes >= IMAGE_BYTES_MAX)
        return;
    if (!store->options.image(store->options.context, place, &actor->image) || actor->image.failed)
        buffer_deinit(&actor->image);
    *image_bytes += actor->image.size;
}

static int gather_actors(Store *store, Checkpoint *checkpoint) {
    for (uint32_t index = 0; index < store->dirty_count; index++)
        checkpoint->place_count += store->dirty[index]->place_count;
    checkpoint->places = mem_try(store->mem, checkpoint->place_count * sizeof *checkpoint->places);
    checkpoint->actors = mem_try(store->mem, store->dirty_count * sizeof *checkpoint->actors);
    if (!checkpoint->places || !checkpoint->actors) {
        mem_free(store->mem, checkpoint->actors, store->dirty_count * sizeof *checkpoint->actors);
        mem_free(store->mem, checkpoint->places, checkpoint->place_count * sizeof *checkpoint->places);
        checkpoint->actors = NULL;
        checkpoint->places = NULL;
        return -ENOMEM;
    }
    checkpoint->actor_count = store->dirty_count;
    RecordPlace *places = checkpoint->places;
    uint64_t image_bytes = 0;
    for (uint32_t index = 0; index < store->dirty_count; index++) {
        StoreEntry *entry = store->dirty[index];
        SpreadActor *actor = &checkpoint->actors[index];
        *actor = (SpreadActor){
            .entry = entry,
            .last_sequence = entry->actor.last_sequence,
            .last_checksum = entry->actor.last_checksum,
            .newest_run = entry->newest_run,
            .packed_bytes = entry->packed_bytes,
            .places = places,
            .place_count = entry->place_count,
            .snapshot = entry->snapshot,
        };
        gather_image(store, actor, &image_bytes);
        memcpy(actor->incarnation, entry->actor.incarnation, sizeof actor->incarnation);
        memcpy(places, entry->places, entry->place_count * sizeof *places);
        places += entry->place_count;
    }
    return 0;
}

static int gather_segments(Store *store, Checkpoint *checkpoint) {
    const NodeLog *log = &store->log;
    checkpoint->groups_first = log->places_first;
    checkpoint->group_count = log->place_count;
    checkpoint->groups = copy_array(store->mem, log->places, log->place_count * sizeof *log->places);
    checkpoint->segments = mem_try(store->mem, log->segment_count * sizeof *checkpoint->segments);
    if (!checkpoint->groups || !checkpoint->segments)
        return -ENOMEM;
    checkpoint->segment_count = log->segment_count;
    for (uint32_t index = 0; index < log->segment_count; index++) {
        const LogSegment *segment = &log->segments[index];
        bool is_cut = index + 1 == log->segment_count && checkpoint->position.offset < segment->size;
        checkpoint->segments[index] = (SpreadSegment){
            .number = segment->number,
            .descriptor = segment->descriptor,
            .size = is_cut ? checkpoint->position.offset : segment->size,
        };
    }
    return 0;
}

static int begin(Store *store) {
    int r = store_seal(store);
    if (r)
        return r;
    Checkpoint *checkpoint = mem_try(store->mem, sizeof *checkpoint);
    if (checkpoint == NULL)
        return -ENOMEM;
    *checkpoint = (Checkpoint){
        .store = store,
        .position = node_log_position(&store->log),
        .pack = store->pack,
        .last_pack_number = store->last_pack_number,
        .last_run_number = store->last_run_number,
        .run_count = store->run_count,
        .unspread_bytes = store->unspread_bytes,
    };
    memcpy(checkpoint->runs, store->runs, sizeof store->runs);
    memcpy(checkpoint->run_checksums, store->run_checksums, sizeof store->run_checksums);
    buffer_init(&checkpoint->live, store->mem);
    store->checkpoint = checkpoint;
    r = encode_live(store, checkpoint);
    if (!r)
        r = gather_actors(store, checkpoint);
    if (!r)
        r = gather_segments(store, checkpoint);
    if (r)
        checkpoint_abandon(store);
    return r;
}

/* --- spread: on the worker --- */

/* The pack that is appended to: what stands in `chunk` goes to its end. */
typedef struct PackWriter {
    Checkpoint *checkpoint;
    int descriptor; /* -1: none is open */
    Buffer chunk;
    bool is_new; /* its name is not durable */
} PackWriter;

static int write_chunk(PackWriter *writer) {
    Pack *pack = &writer->checkpoint->pack;
    int r = io_write_all_at(writer->checkpoint->store->io, writer->descriptor, pack->size, writer->chunk.bytes,
                            writer->chunk.size);
    pack->size += writer->chunk.size;
    buffer_clear(&writer->chunk);
    return r;
}

static int pack_finish(PackWriter *writer) {
    if (writer->descriptor < 0)
        return 0;
    const Store *store = writer->checkpoint->store;
    int r = writer->chunk.size > 0 ? write_chunk(writer) : 0;
    if (!r)
        r = io_sync(store->io, writer->descriptor);
    int closed = io_close(store->io, writer->descriptor);
    writer->descriptor = -1;
    if (!r && writer->is_new)
        r = io_sync_folder(store->io, store->pack_path);
    return r ? r : closed;
}

static int pack_begin(PackWriter *writer) {
    Checkpoint *checkpoint = writer->checkpoint;
    const Store *store = checkpoint->store;
    char path[PACK_PATH_MAX];
    writer->is_new = checkpoint->pack.number == 0 || checkpoint->pack.size >= PACK_SIZE_MAX;
    if (writer->is_new)
        checkpoint->pack = (Pack){.number = ++checkpoint->last_pack_number};
    pack_path(path, store->pack_path, checkpoint->pack.number);
    int r = io_open(store->io, path, writer->is_new ? IO_OWN_CREATE : IO_OWN_UPDATE);
    if (r == -EEXIST && writer->is_new) { /* of a checkpoint that never came to be */
        r = io_delete_file(store->io, path);
        if (!r)
            r = io_open(store->io, path, IO_OWN_CREATE);
    }
    if (r < 0)
        return r;
    writer->descriptor = r;
    if (!writer->is_new)
        return 0;
    char *header = buffer_reserve(&writer->chunk, PACK_HEADER_SIZE);
    if (header == NULL)
        return -ENOMEM;
    pack_header_encode(store->identity.uuid, checkpoint->pack.number, (uint8_t *)header);
    writer->chunk.size += PACK_HEADER_SIZE;
    return 0;
}

static const char *record_bytes(const Checkpoint *checkpoint, const RecordPlace *place) {
    const LogPlace *group = &checkpoint->groups[place->group - checkpoint->groups_first];
    for (uint32_t index = 0; index < checkpoint->segment_count; index++) {
        const SpreadSegment *segment = &checkpoint->segments[index];
        uint64_t offset = group->offset + RECORD_HEADER_SIZE + place->offset;
        if (segment->number == group->segment && offset + place->size <= segment->size)
            return segment->bytes + offset;
    }
    return NULL;
}

static int spread_actor(PackWriter *writer, SpreadActor *actor) {
    const Checkpoint *checkpoint = writer->checkpoint;
    PackRun run = {
        .first_sequence = actor->last_sequence - actor->place_count + 1,
        .last_sequence = actor->last_sequence,
        .previous = actor->newest_run,
    };
    memcpy(run.hash, actor->entry->hash, sizeof run.hash);
    memcpy(run.incarnation, actor->incarnation, sizeof run.incarnation);
    for (uint32_t index = 0; index < actor->place_count; index++)
        run.size += actor->places[index].size;

    if (writer->descriptor >= 0 && checkpoint->pack.size + writer->chunk.size >= PACK_SIZE_MAX) {
        int r = pack_finish(writer);
        if (r)
            return r;
    }
    int r = writer->descriptor < 0 ? pack_begin(writer) : 0;
    if (r)
        return r;
    uint8_t *header = (uint8_t *)buffer_reserve(&writer->chunk, PACK_RUN_HEADER_SIZE + run.size);
    if (header == NULL)
        return -ENOMEM;
    actor->newest_run = pack_place(checkpoint->pack.number, checkpoint->pack.size + writer->chunk.size);
    actor->packed_bytes += PACK_RUN_HEADER_SIZE + run.size;
    pack_run_encode(&run, header);
    writer->chunk.size += PACK_RUN_HEADER_SIZE;
    for (uint32_t index = 0; index < actor->place_count; index++) {
        const char *bytes = record_bytes(checkpoint, &actor->places[index]);
        if (bytes == NULL)
            return -EBADMSG;
        buffer_append(&writer->chunk, bytes, actor->places[index].size);
    }
    return writer->chunk.size >= SPREAD_CHUNK ? write_chunk(writer) : 0;
}

static int compare_actors(const void *a, const void *b) {
    const SpreadActor *left = a, *right = b;
    IndexEntry first = {.id = left->entry->id, .id_size = left->entry->actor.id_size};
    IndexEntry second = {.id = right->entry->id, .id_size = right->entry->actor.id_size};
    memcpy(first.hash, left->entry->hash, sizeof first.hash);
    memcpy(second.hash, right->entry->hash, sizeof second.hash);
    return index_entry_order(&first, &second);
}

static int load_segments(Checkpoint *checkpoint) {
    const Store *store = checkpoint->store;
    for (uint32_t index = 0; index < checkpoint->segment_count; index++) {
        SpreadSegment *segment = &checkpoint->segments[index];
        segment->bytes = mem_try(&checkpoint->store->worker_mem, segment->size);
        if (segment->bytes == NULL)
            return -ENOMEM;
        int64_t got = io_read_all_at(store->io, segment->descriptor, 0, segment->bytes, segment->size);
        if (got < 0)
            return (int)got;
        if ((uint64_t)got < segment->size)
            return -EBADMSG; /* we wrote that much */
    }
    return 0;
}

static int spread_actors(Checkpoint *checkpoint) {
    PackWriter writer = {.checkpoint = checkpoint, .descriptor = -1};
    buffer_init(&writer.chunk, &checkpoint->store->worker_mem);
    int r = load_segments(checkpoint);
    qsort(checkpoint->actors, checkpoint->actor_count, sizeof *checkpoint->actors, compare_actors);
    for (uint32_t index = 0; index < checkpoint->actor_count && !r; index++)
        r = spread_actor(&writer, &checkpoint->actors[index]);
    int finished = r ? 0 : pack_finish(&writer);
    if (writer.descriptor >= 0)
        io_close(checkpoint->store->io, writer.descriptor);
    buffer_deinit(&writer.chunk);
    return r ? r : finished;
}

/* --- snapshots --- */

static bool is_about_room(int r) {
    return r == -ENOSPC || r == -EDQUOT || r == -EFBIG || r == -ENOMEM;
}

static int write_snapshots(Checkpoint *checkpoint) {
    Store *store = checkpoint->store;
    for (uint32_t index = 0; index < checkpoint->actor_count; index++) {
        SpreadActor *actor = &checkpoint->actors[index];
        if (actor->image.size == 0)
            continue;
        SnapshotName name = {
            .id = actor->entry->id,
            .id_size = actor->entry->actor.id_size,
            .sequence = actor->last_sequence,
            .checksum = actor->last_checksum,
        };
        memcpy(name.store, store->identity.uuid, sizeof name.store);
        memcpy(name.incarnation, actor->incarnation, sizeof name.incarnation);
        int r = snapshot_write(store->io, &store->worker_mem, store->snapshot_path, &name, actor->image.bytes,
                               actor->image.size);
        if (r == 0) {
            actor->snapshot = actor->last_sequence;
            r = snapshot_trim(store->io, &store->worker_mem, store->snapshot_path, &name);
        }
        if (r && !is_about_room(r))
            return r;
    }
    return 0;
}

/* --- the index --- */

static int open_new_run(Checkpoint *checkpoint, uint64_t number, uint64_t checksum, IndexRun *run) {
    const Store *store = checkpoint->store;
    char path[LOG_PATH_MAX];
    IndexStamp stamp = index_stamp(store, number);
    index_run_path(path, store->index_path, number);
    int r = index_open(run, store->io, path, &stamp, checksum);
    return r > 0 ? -EBADMSG : r;
}

/* A number for a new run; whatever a checkpoint that never came to be left under it is deleted. */
static int new_run_path(Checkpoint *checkpoint, char *path) {
    index_run_path(path, checkpoint->store->index_path, ++checkpoint->last_run_number);
    int r = io_delete_file(checkpoint->store->io, path);
    return r == -ENOENT ? 0 : r;
}

static int write_run(Checkpoint *checkpoint) {
    Store *store = checkpoint->store;
    IndexEntry *entries = mem_try(&store->worker_mem, checkpoint->actor_count * sizeof *entries);
    if (entries == NULL)
        return -ENOMEM;
    for (uint32_t index = 0; index < checkpoint->actor_count; index++) {
        const SpreadActor *actor = &checkpoint->actors[index];
        entries[index] = (IndexEntry){
            .id = actor->entry->id,
            .id_size = actor->entry->actor.id_size,
            .sequence = actor->last_sequence,
            .checksum = actor->last_checksum,
            .pack_place = actor->newest_run,
            .packed_size = actor->packed_bytes < UINT32_MAX ? (uint32_t)actor->packed_bytes : UINT32_MAX,
            .snapshot_sequence = actor->snapshot,
        };
        memcpy(entries[index].hash, actor->entry->hash, sizeof entries[index].hash);
    }
    char path[LOG_PATH_MAX];
    uint64_t checksum = 0;
    IndexRun run;
    int r = new_run_path(checkpoint, path);
    IndexStamp stamp = index_stamp(store, checkpoint->last_run_number);
    if (!r)
        r = index_write(store->io, &store->worker_mem, path, &stamp, entries, checkpoint->actor_count, &checksum);
    mem_free(&store->worker_mem, entries, checkpoint->actor_count * sizeof *entries);
    if (!r)
        r = open_new_run(checkpoint, stamp.number, checksum, &run);
    if (r)
        return r;
    memmove(checkpoint->runs + 1, checkpoint->runs, checkpoint->run_count * sizeof run);
    memmove(checkpoint->run_checksums + 1, checkpoint->run_checksums, checkpoint->run_count * sizeof checksum);
    checkpoint->runs[0] = run;
    checkpoint->run_checksums[0] = checksum;
    checkpoint->run_count++;
    return 0;
}

static uint32_t tier(const IndexRun *run) {
    uint32_t tier = 0;
    for (uint64_t count = run->entry_count; count >= MERGE_COUNT; count /= MERGE_COUNT)
        tier++;
    return tier;
}

/* How many of the newest runs should be one: those that are no larger, by tiers, than the newest. */
static uint32_t mergeable(const Checkpoint *checkpoint) {
    uint32_t count = 1, highest = tier(&checkpoint->runs[0]);
    while (count < checkpoint->run_count && tier(&checkpoint->runs[count]) <= highest)
        count++;
    bool is_crowded = checkpoint->run_count >= INDEX_RUNS_MAX / 2;
    return is_crowded ? checkpoint->run_count : count >= MERGE_COUNT ? count : 1;
}

static int merge_runs(Checkpoint *checkpoint) {
    Store *store = checkpoint->store;
    for (uint32_t count; (count = mergeable(checkpoint)) > 1;) {
        const IndexRun *sources[INDEX_RUNS_MAX];
        char path[LOG_PATH_MAX];
        uint64_t checksum;
        IndexRun merged;
        for (uint32_t index = 0; index < count; index++)
            sources[index] = &checkpoint->runs[index];
        int r = new_run_path(checkpoint, path);
        IndexStamp stamp = index_stamp(store, checkpoint->last_run_number);
        if (!r)
            r = index_merge(store->io, &store->worker_mem, path, &stamp, sources, count, &checksum);
        if (r > 0 && checkpoint->run_count < INDEX_RUNS_MAX - 1)
            return 0; /* a damaged page is its actors' misfortune; the runs stay as they are */
        if (!r)
            r = open_new_run(checkpoint, stamp.number, checksum, &merged);
        if (r)
            return r > 0 ? -EBADMSG : r;
        memcpy(checkpoint->gone + checkpoint->gone_count, checkpoint->runs, count * sizeof merged);
        checkpoint->gone_count += count;
        checkpoint->run_count -= count - 1;
        memmove(checkpoint->runs + 1, checkpoint->runs + count, (checkpoint->run_count - 1) * sizeof merged);
        memmove(checkpoint->run_checksums + 1, checkpoint->run_checksums + count,
                (checkpoint->run_count - 1) * sizeof checksum);
        checkpoint->runs[0] = merged;
        checkpoint->run_checksums[0] = checksum;
    }
    return 0;
}

static void spread(void *context) {
    Checkpoint *checkpoint = context;
    const Store *store = checkpoint->store;
    int r = 0;
    if (checkpoint->actor_count > 0) {
        r = spread_actors(checkpoint);
        if (!r) /* before the index names them */
            r = write_snapshots(checkpoint);
        if (!r)
            r = write_run(checkpoint);
        if (!r)
            r = merge_runs(checkpoint);
        if (!r)
            r = io_sync_folder(store->io, store->index_path);
    }
    checkpoint->result = r;
}

/* --- seal --- */

static int encode_payload(const Checkpoint *checkpoint, Buffer *out) {
    uint8_t header[RECORD_HEADER_SIZE] = {0};
    buffer_append(out, header, sizeof header);
    buffer_append_varint(out, CHECKPOINT_FORMAT);
    buffer_append_u64(out, checkpoint->position.segment);
    buffer_append_u64(out, checkpoint->position.offset);
    buffer_append_u64(out, checkpoint->position.sequence);
    buffer_append_u64(out, checkpoint->position.previous);
    buffer_append_u64(out, checkpoint->last_pack_number);
    buffer_append_u64(out, checkpoint->pack.number);
    buffer_append_u64(out, checkpoint->pack.size);
    buffer_append_u64(out, checkpoint->last_run_number);
    buffer_append_varint(out, checkpoint->run_count);
    for (uint32_t index = 0; index < checkpoint->run_count; index++) {
        buffer_append_u64(out, checkpoint->runs[index].stamp.number);
        buffer_append_u64(out, checkpoint->run_checksums[index]);
    }
    buffer_append_varint(out, checkpoint->live_count);
    buffer_append(out, checkpoint->live.bytes, checkpoint->live.size);
    return out->failed ? -ENOMEM : 0;
}

/* Enough for all but the live list. */
enum { PAYLOAD_SIZE = 256 + INDEX_RUNS_MAX * 16 };

static int seal(Store *store, Checkpoint *checkpoint) {
    CLEANUP(buffer_deinit) Buffer payload;
    buffer_init(&payload, store->mem);
    uint64_t size = PAYLOAD_SIZE + checkpoint->live.size;
    bool is_ready;
    int r = node_log_prepare(&store->log, size, &is_ready);
    if (r || !is_ready)
        return r;
    r = store_seal(store); /* a group's number is that of its record, so none may be forming */
    if (!r) /* which may have taken the segment */
        r = node_log_prepare(&store->log, size, &is_ready);
    if (r || !is_ready)
        return r;
    /* with nothing in between the log goes on with the checkpoint itself, and no older segment is needed */
    if (node_log_sequence(&store->log) + 1 == checkpoint->position.sequence) {
        checkpoint->position.segment = store->log.next.number;
        checkpoint->position.offset = SEGMENT_HEADER_SIZE_MIN;
    }
    r = encode_payload(checkpoint, &payload);
    if (r)
        return r;
    check(payload.size <= size);
    r = node_log_seal(&store->log, RECORD_CHECKPOINT, &payload, true);
    if (r)
        return r;
    checkpoint->record = node_log_sequence(&store->log);
    checkpoint->phase = PHASE_CLEAN;
    return node_log_poll(&store->log);
}

/* --- clean --- */

static void settle_actor(Store *store, const SpreadActor *actor) {
    StoreEntry *entry = actor->entry;
    entry->newest_run = actor->newest_run;
    entry->packed_bytes = actor->packed_bytes;
    entry->snapshot = actor->snapshot;
    entry->place_count -= actor->place_count;
    memmove(entry->places, entry->places + actor->place_count, entry->place_count * sizeof *entry->places);
    if (entry->place_count == 0) {
        StoreEntry *last = store->dirty[--store->dirty_count];
        store->dirty[entry->dirty_index - 1] = last;
        last->dirty_index = entry->dirty_index;
        entry->dirty_index = 0;
        mem_free(store->mem, entry->places, entry->place_capacity * sizeof *entry->places);
        entry->places = NULL;
        entry->place_capacity = 0;
        store_entry_settle(store, entry);
    }
}

static int delete_gone(Store *store, Checkpoint *checkpoint) {
    int r = 0;
    for (uint32_t index = 0; index < checkpoint->gone_count; index++) {
        char path[LOG_PATH_MAX];
        index_run_path(path, store->index_path, checkpoint->gone[index].stamp.number);
        index_close(&checkpoint->gone[index]);
        int deleted = io_delete_file(store->io, path);
        if (deleted && deleted != -ENOENT)
            r = deleted;
    }
    return r;
}

static void checkpoint_free(Checkpoint *checkpoint) {
    Store *store = checkpoint->store;
    for (uint32_t index = 0; checkpoint->segments && index < checkpoint->segment_count; index++)
        mem_free(&store->worker_mem, checkpoint->segments[index].bytes, checkpoint->segments[index].size);
    mem_free(store->mem, checkpoint->segments, checkpoint->segment_count * sizeof *checkpoint->segments);
    mem_free(store->mem, checkpoint->groups, checkpoint->group_count * sizeof(LogPlace));
    mem_free(store->mem, checkpoint->places, checkpoint->place_count * sizeof *checkpoint->places);
    for (uint32_t index = 0; index < checkpoint->actor_count; index++)
        buffer_deinit(&checkpoint->actors[index].image);
    mem_free(store->mem, checkpoint->actors, checkpoint->actor_count * sizeof *checkpoint->actors);
    buffer_deinit(&checkpoint->live);
    store->checkpoint = NULL;
    mem_free(store->mem, checkpoint, sizeof *checkpoint);
}

static int clean(Store *store, Checkpoint *checkpoint) {
    memcpy(store->runs, checkpoint->runs, sizeof store->runs);
    memcpy(store->run_checksums, checkpoint->run_checksums, sizeof store->run_checksums);
    store->run_count = checkpoint->run_count;
    store->last_run_number = checkpoint->last_run_number;
    store->last_pack_number = checkpoint->last_pack_number;
    store->pack = checkpoint->pack;
    store->spread = checkpoint->position;
    store->unspread_bytes -= checkpoint->unspread_bytes;
    store->checkpoint_ns = clock_monotonic_ns(store->options.clock);
    for (uint32_t index = 0; index < checkpoint->actor_count; index++)
        settle_actor(store, &checkpoint->actors[index]);

    store->identity.lowest_segment = checkpoint->position.segment;
    int r = store_identity_write(store);
    if (!r)
        r = node_log_forget(&store->log, checkpoint->position.sequence, checkpoint->position.segment);
    int deleted = delete_gone(store, checkpoint);
    r = r ? r : deleted;
    checkpoint_free(checkpoint);
    return r;
}

/* --- the whole --- */

/*
 * No room: whatever was written does not count, and it is tried again later,
 * or, when somebody waits for it (`now`), it is said. Nothing has failed: the
 * log has all of it.
 */
static int give_up(Store *store, int r, bool now) {
    if (is_about_room(r) || r == LOG_E_FULL) {
        checkpoint_abandon(store);
        store->retry_ns = clock_monotonic_ns(store->options.clock) + NO_ROOM_RETRY_NS;
        return !now ? 0 : r == -ENOMEM ? r : STORE_E_FULL;
    }
    return r;
}

static bool is_due(const Store *store) {
    if (store->dirty_count == 0)
        return false;
    uint64_t most = store->options.checkpoint_size;
    if (store->unspread_bytes < most && store->dirty_count < DIRTY_MAX &&
        clock_monotonic_ns(store->options.clock) - store->checkpoint_ns < CHECKPOINT_INTERVAL_NS)
        return false;
    return store->retry_ns == 0 || clock_monotonic_ns(store->options.clock) >= store->retry_ns;
}

int checkpoint_poll(Store *store, bool now) {
    if (store->checkpoint == NULL) {
        if (!now && !is_due(store))
            return 0;
        int r = begin(store);
        if (r)
            return r == -ENOMEM && !now ? 0 : r;
    }
    Checkpoint *checkpoint = store->checkpoint;
    if (checkpoint->phase == PHASE_COMMIT && node_log_durable(&store->log) + 1 >= checkpoint->position.sequence) {
        checkpoint->phase = PHASE_SPREAD;
        worker_start(&store->worker, spread, checkpoint);
    }
    if (checkpoint->phase == PHASE_SPREAD && worker_finished(&store->worker)) {
        checkpoint->phase = PHASE_SEAL;
        if (checkpoint->result)
            return give_up(store, checkpoint->result, now);
    }
    if (checkpoint->phase == PHASE_SEAL) {
        int r = seal(store, checkpoint);
        if (r)
            return give_up(store, r, now);
    }
    if (checkpoint->phase == PHASE_CLEAN && checkpoint->record && node_log_durable(&store->log) >= checkpoint->record)
        return clean(store, checkpoint);
    return 0;
}

static bool has_run(const Store *store, uint64_t number) {
    for (uint32_t index = 0; index < store->run_count; index++) {
        if (store->runs[index].stamp.number == number)
            return true;
    }
    return false;
}

void checkpoint_abandon(Store *store) {
    Checkpoint *checkpoint = store->checkpoint;
    if (checkpoint == NULL)
        return;
    worker_wait(&store->worker);
    if (worker_finished(&store->worker)) {
        /* its results are dropped */
    }
    store->last_run_number = checkpoint->last_run_number; /* a number is never given twice */
    /* what it opened is closed; what it wrote is deleted when the numbers are used again */
    for (uint32_t index = 0; index < checkpoint->run_count; index++) {
        if (!has_run(store, checkpoint->runs[index].stamp.number))
            index_close(&checkpoint->runs[index]);
    }
    for (uint32_t index = 0; index < checkpoint->gone_count; index++) {
        if (!has_run(store, checkpoint->gone[index].stamp.number))
            index_close(&checkpoint->gone[index]);
    }
    checkpoint_free(checkpoint);
}

/* --- at the start --- */

static int load_runs(Store *store, ByteReader *reader) {
    uint64_t count = byte_reader_varint(reader);
    if (reader->failed || count > INDEX_RUNS_MAX)
        return STORE_E_DAMAGED;
    for (; store->run_count < count; store->run_count++) {
        char path[LOG_PATH_MAX];
        uint64_t number = byte_reader_fixed(reader, 8), checksum = byte_reader_fixed(reader, 8);
        IndexStamp stamp = index_stamp(store, number);
        index_run_path(path, store->index_path, number);
        if (reader->failed)
            return STORE_E_DAMAGED;
        int r = index_open(&store->runs[store->run_count], store->io, path, &stamp, checksum);
        if (r)
            return r > 0 || r == -ENOENT ? STORE_E_DAMAGED : r;
        store->run_checksums[store->run_count] = checksum;
        /* what a failed sync left in memory is not what is on the disk */
        r = store->is_reader ? 0 : io_forget(store->io, store->runs[store->run_count].descriptor);
        if (r) {
            index_close(&store->runs[store->run_count]);
            return r;
        }
    }
    return 0;
}

/* The same for the pack that was written to last. */
static int forget_pack(const Store *store) {
    if (store->is_reader || store->pack.number == 0)
        return 0;
    int descriptor = pack_open(store->io, store->pack_path, store->identity.uuid, store->pack.number);
    if (descriptor < 0) /* damaged: whoever reads an actor from it will hear */
        return descriptor == -ENOENT || descriptor == -EBADMSG ? 0 : descriptor;
    int r = io_forget(store->io, descriptor);
    io_close(store->io, descriptor);
    return r;
}

static int load_live(Store *store, ByteReader *reader) {
    uint64_t count = byte_reader_varint(reader);
    for (uint64_t index = 0; index < count; index++) {
        uint64_t size = byte_reader_varint(reader);
        const uint8_t *id = size > STORE_ID_MAX ? NULL : byte_reader_take(reader, size);
        Outstanding outstanding = {.flags = (uint32_t)byte_reader_fixed(reader, 1)};
        outstanding.first_waiting = byte_reader_varint(reader);
        outstanding.next_timer_ns = zigzag_back(byte_reader_varint(reader));
        if (id == NULL || reader->failed)
            return STORE_E_DAMAGED;
        StoreEntry *entry;
        int r = store_entry_load(store, (const char *)id, size, &entry);
        if (r)
            return r;
        entry->actor.outstanding = outstanding;
    }
    return reader->failed ? STORE_E_DAMAGED : 0;
}

int checkpoint_load(Store *store, const uint8_t *payload, uint32_t size, LogPosition *start) {
    ByteReader reader = byte_reader(payload, size);
    if (byte_reader_varint(&reader) != CHECKPOINT_FORMAT)
        return reader.failed ? STORE_E_DAMAGED : STORE_E_FOREIGN;
    start->segment = byte_reader_fixed(&reader, 8);
    start->offset = byte_reader_fixed(&reader, 8);
    start->sequence = byte_reader_fixed(&reader, 8);
    start->previous = byte_reader_fixed(&reader, 8);
    store->last_pack_number = byte_reader_fixed(&reader, 8);
    store->pack.number = byte_reader_fixed(&reader, 8);
    store->pack.size = byte_reader_fixed(&reader, 8);
    store->last_run_number = byte_reader_fixed(&reader, 8);
    store->spread = *start;
    int r = load_runs(store, &reader);
    if (!r)
        r = forget_pack(store);
    return r ? r : load_live(store, &reader);
}
