/* SPDX-License-Identifier: MIT */
/*
 * The store while it is open: entries of actors in memory, the group that is
 * forming, reading back. Opening is in store_open.c, spreading the log to
 * packs in checkpoint.c.
 *
 * A group's payload is a sequence of entries
 *
 *   actor's number in this group (varint); at its first use, when it equals
 *   the count of those before: id size (varint), id, incarnation (16)
 *   outstanding flags (1); if any: first waiting (varint), next timer (zigzag)
 *   the record, as it will stand in the actor's journal
 *
 * so each group can be read alone.
 */
#include "journal/log_files.h"
#include "journal/store_files.h"
#include <errno.h>
#include <stdarg.h>
#include <xxhash.h>

/* --- entries --- */

void store_hash(const Store *store, const char *id, size_t size, uint8_t *hash) {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_withSeed(id, size, store->identity.hash_seed));
    memcpy(hash, canonical.digest, STORE_HASH_SIZE);
}

static StoreEntry **bucket_of(const Store *store, const uint8_t *hash) {
    return &store->buckets[bytes_get_u64(hash) & (store->bucket_count - 1)];
}

StoreEntry *store_entry(const Store *store, const char *id, size_t size) {
    if (store->bucket_count == 0)
        return NULL;
    uint8_t hash[STORE_HASH_SIZE];
    store_hash(store, id, size, hash);
    StoreEntry *entry = *bucket_of(store, hash);
    while (entry && (entry->actor.id_size != size || memcmp(entry->id, id, size) != 0))
        entry = entry->next;
    return entry;
}

/* As many buckets as entries, at least. */
static int grow_buckets(Store *store) {
    if (store->entry_count < store->bucket_count)
        return 0;
    uint64_t count = store->bucket_count ? 2 * store->bucket_count : 64;
    StoreEntry **old = store->buckets, **buckets = mem_try(store->mem, count * sizeof *buckets);
    uint64_t old_count = store->bucket_count;
    if (buckets == NULL)
        return -ENOMEM;
    memset(buckets, 0, count * sizeof *buckets);
    store->buckets = buckets;
    store->bucket_count = count;
    for (uint64_t index = 0; index < old_count; index++) {
        for (StoreEntry *entry = old[index], *next; entry; entry = next) {
            next = entry->next;
            StoreEntry **bucket = bucket_of(store, entry->hash);
            entry->next = *bucket;
            *bucket = entry;
        }
    }
    mem_free(store->mem, old, old_count * sizeof *old);
    return 0;
}

StoreEntry *store_entry_new(Store *store, const char *id, size_t size) {
    if (grow_buckets(store))
        return NULL;
    StoreEntry *entry = mem_try(store->mem, sizeof *entry + size);
    if (entry == NULL)
        return NULL;
    *entry = (StoreEntry){.actor = {.id = entry->id, .id_size = (uint32_t)size}};
    memcpy(entry->id, id, size);
    store_hash(store, id, size, entry->hash);
    StoreEntry **bucket = bucket_of(store, entry->hash);
    entry->next = *bucket;
    *bucket = entry;
    store->entry_count++;
    return entry;
}

static void entry_free(Store *store, StoreEntry *entry) {
    mem_free(store->mem, entry->places, entry->place_capacity * sizeof *entry->places);
    mem_free(store->mem, entry, sizeof *entry + entry->actor.id_size);
}

void store_entry_settle(Store *store, StoreEntry *entry) {
    if (entry->holders > 0 || entry->place_count > 0 || entry->actor.outstanding.flags != 0)
        return;
    StoreEntry **link = bucket_of(store, entry->hash);
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    store->entry_count--;
    entry_free(store, entry);
}

void store_entries_free(Store *store) {
    for (uint64_t index = 0; index < store->bucket_count; index++) {
        for (StoreEntry *entry = store->buckets[index], *next; entry; entry = next) {
            next = entry->next;
            entry_free(store, entry);
        }
    }
    mem_free(store->mem, store->buckets, store->bucket_count * sizeof *store->buckets);
    mem_free(store->mem, store->dirty, store->dirty_capacity * sizeof *store->dirty);
}

static int note_dirty(Store *store, StoreEntry *entry) {
    if (entry->dirty_index)
        return 0;
    if (store->dirty_count == store->dirty_capacity) {
        uint32_t capacity = store->dirty_capacity ? 2 * store->dirty_capacity : 64;
        StoreEntry **dirty = mem_try_resize(store->mem, store->dirty, store->dirty_capacity * sizeof *dirty,
                                            capacity * sizeof *dirty);
        if (dirty == NULL)
            return -ENOMEM;
        store->dirty = dirty;
        store->dirty_capacity = capacity;
    }
    store->dirty[store->dirty_count++] = entry;
    entry->dirty_index = store->dirty_count;
    return 0;
}

int store_note_place(Store *store, StoreEntry *entry, RecordPlace place) {
    if (note_dirty(store, entry))
        return -ENOMEM;
    if (entry->place_count == entry->place_capacity) {
        uint32_t capacity = entry->place_capacity ? 2 * entry->place_capacity : 4;
        RecordPlace *places = mem_try_resize(store->mem, entry->places, entry->place_capacity * sizeof *places,
                                             capacity * sizeof *places);
        if (places == NULL)
            return -ENOMEM;
        entry->places = places;
        entry->place_capacity = capacity;
    }
    entry->places[entry->place_count++] = place;
    return 0;
}

/* --- damage --- */

int store_say_damage(Store *store, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(store->damage, sizeof store->damage, format, arguments);
    va_end(arguments);
    return STORE_E_DAMAGED;
}

const char *store_damage(const Store *store) {
    return store->damage;
}

/* --- finding --- */

int store_index_find(Store *store, const char *id, size_t size, IndexEntry *found) {
    uint8_t hash[STORE_HASH_SIZE];
    store_hash(store, id, size, hash);
    for (uint32_t index = 0; index < store->run_count; index++) {
        int r = index_find(&store->runs[index], hash, id, size, found);
        if (r > 0 && r != INDEX_E_ABSENT)
            return store_say_damage(store, "index/%016" PRIx64 ".x: damaged", store->runs[index].stamp.number);
        if (r != INDEX_E_ABSENT)
            return r;
    }
    return STORE_E_ABSENT;
}

/* Reads the header of a run; its records follow in the file. The descriptor is the caller's to close. */
static int open_run(const Store *store, PackPlace place, const uint8_t *hash, PackRun *run) {
    uint8_t bytes[PACK_RUN_HEADER_SIZE];
    int descriptor = pack_open(store->io, store->pack_path, store->identity.uuid, pack_place_number(place));
    if (descriptor < 0)
        return descriptor;
    int64_t got = io_read_all_at(store->io, descriptor, pack_place_offset(place), bytes, sizeof bytes);
    if (got == sizeof bytes && pack_run_decode(bytes, run) && memcmp(run->hash, hash, STORE_HASH_SIZE) == 0)
        return descriptor;
    io_close(store->io, descriptor);
    return got < 0 ? (int)got : -EBADMSG;
}

static int say_run_damage(Store *store, PackPlace place, const char *text) {
    return store_say_damage(store, "packs/%016" PRIx64 ".p, offset %" PRIu64 ": %s", pack_place_number(place),
                            pack_place_offset(place), text);
}

/* Of opening a run, which a checkpoint wrote: what is not there, or is something else, is damage. */
static int run_result(Store *store, PackPlace place, int r) {
    if (r == -ENOENT)
        return say_run_damage(store, place, "the pack is missing");
    if (r == -EBADMSG || r == -EINVAL)
        return say_run_damage(store, place, "no records of this actor begin there");
    return r;
}

/*
 * The incarnation stands in the newest run. When that is damaged the entry is
 * so too, which is the affair of whoever wants this actor and of nobody else:
 * recovery goes on without it.
 */
static int load_incarnation(Store *store, StoreEntry *entry) {
    PackRun run;
    int descriptor = open_run(store, entry->newest_run, entry->hash, &run);
    int r = descriptor < 0 ? run_result(store, entry->newest_run, descriptor) : 0;
    if (r == 0 && run.last_sequence != entry->actor.last_sequence)
        r = say_run_damage(store, entry->newest_run, "other records than the last ones begin there");
    if (descriptor >= 0)
        io_close(store->io, descriptor);
    entry->is_damaged = r == STORE_E_DAMAGED;
    if (r == 0)
        memcpy(entry->actor.incarnation, run.incarnation, sizeof run.incarnation);
    return entry->is_damaged ? 0 : r;
}

/* What the index says of an actor comes into memory. */
static int load_entry(Store *store, const char *id, size_t size, StoreEntry **entryp) {
    IndexEntry found;
    int r = store_index_find(store, id, size, &found);
    if (r != 0 && r != STORE_E_ABSENT)
        return r;
    bool is_known = r == 0;
    StoreEntry *entry = store_entry_new(store, id, size);
    if (entry == NULL)
        return -ENOMEM;
    if (is_known) {
        entry->actor.last_sequence = found.sequence;
        entry->actor.last_checksum = found.checksum;
        entry->newest_run = found.pack_place;
        entry->packed_bytes = found.packed_size;
        entry->snapshot = found.snapshot_sequence;
        r = load_incarnation(store, entry);
        if (r) {
            store_entry_settle(store, entry);
            return r;
        }
    }
    *entryp = entry;
    return 0;
}

int store_entry_load(Store *store, const char *id, size_t size, StoreEntry **entryp) {
    *entryp = store_entry(store, id, size);
    return *entryp ? 0 : load_entry(store, id, size, entryp);
}

int store_find(Store *store, const char *id, size_t size, StoreActor **actorp) {
    check(size <= STORE_ID_MAX);
    StoreEntry *entry;
    int r = store_entry_load(store, id, size, &entry);
    if (r)
        return r;
    if (entry->is_damaged) {
        int again = load_incarnation(store, entry); /* says once more what it is */
        store_entry_settle(store, entry);
        return again ? again : STORE_E_DAMAGED;
    }
    entry->holders++;
    *actorp = &entry->actor;
    return 0;
}

void store_release(Store *store, StoreActor *actor) {
    StoreEntry *entry = (StoreEntry *)actor;
    check(entry->holders > 0);
    entry->holders--;
    store_entry_settle(store, entry);
}

int store_look(Store *store, const char *id, size_t size) {
    IndexEntry found;
    StoreEntry *entry = store_entry(store, id, size);
    if (entry)
        return entry->actor.last_sequence > 0 ? 0 : STORE_E_ABSENT;
    return store_index_find(store, id, size, &found);
}

int store_each_outstanding(Store *store, StoreActorFunction *each, void *context) {
    for (uint64_t index = 0; index < store->bucket_count; index++) {
        for (StoreEntry *entry = store->buckets[index], *next; entry; entry = next) {
            next = entry->next;
            if (entry->actor.outstanding.flags == 0)
                continue;
            int r = each(context, &entry->actor);
            if (r)
                return r;
        }
    }
    return 0;
}

/* --- the group that is forming --- */

uint64_t store_position(const Store *store) {
    return node_log_sequence(&store->log) + (store->forming_count > 0 || store->expected > 0);
}

uint64_t store_durable(const Store *store) {
    return node_log_durable(&store->log);
}

static uint64_t whole_size(uint64_t payload_size, uint32_t count) {
    return payload_size + (uint64_t)count * (RECORD_HEADER_SIZE + RECORD_TRAILER_SIZE + RECORD_ALIGNMENT + ENTRY_SIZE_MAX);
}

void store_expect(Store *store, uint64_t size) {
    store->expected += whole_size(size, 1);
}

/* What the group that is forming comes to. */
static uint64_t forming_size(const Store *store) {
    return store->forming.size + store->expected;
}

uint64_t store_room(const Store *store) {
    uint64_t room = node_log_room(&store->log), used = forming_size(store);
    room = room < GROUP_SIZE_MAX ? room : GROUP_SIZE_MAX;
    if (store->failed || store->log.waiting_count >= LOG_WAITING_MAX)
        return 0;
    return room > used ? room - used : 0;
}

bool store_is_busy(const Store *store) {
    return store->log.commit != NULL || store->log.preparation != NULL || store->checkpoint != NULL;
}

/* The forming group, empty, with room for its header. */
int store_begin_group(Store *store) {
    buffer_init(&store->forming, store->mem);
    if (buffer_reserve(&store->forming, 4096) == NULL)
        return -ENOMEM;
    memset(store->forming.bytes, 0, RECORD_HEADER_SIZE);
    store->forming.size = RECORD_HEADER_SIZE;
    store->forming_count = 0;
    return 0;
}

static int append_entry(Store *store, StoreEntry *entry, const Outstanding *outstanding) {
    Buffer *forming = &store->forming;
    uint64_t group = node_log_sequence(&store->log) + 1;
    bool is_new = entry->group != group;
    if (is_new) {
        entry->group = group;
        entry->number = store->forming_count++;
    }
    buffer_append_varint(forming, entry->number);
    if (is_new) {
        buffer_append_varint(forming, entry->actor.id_size);
        buffer_append(forming, entry->id, entry->actor.id_size);
        buffer_append(forming, entry->actor.incarnation, sizeof entry->actor.incarnation);
    }
    buffer_append_byte(forming, (char)outstanding->flags);
    if (outstanding->flags) {
        buffer_append_varint(forming, outstanding->first_waiting);
        buffer_append_varint(forming, zigzag(outstanding->next_timer_ns));
    }
    return forming->failed ? -ENOMEM : 0;
}

static int give_incarnation(Store *store, StoreEntry *entry) {
    return entry->actor.last_sequence > 0
               ? 0
               : clock_random(store->options.clock, entry->actor.incarnation, sizeof entry->actor.incarnation);
}

int store_append(Store *store, StoreActor *actor, RecordType type, const void *payload, uint32_t size,
                 const Outstanding *outstanding) {
    StoreEntry *entry = (StoreEntry *)actor;
    check(!store->is_reader && size <= RECORD_SIZE_MAX);
    if (store->failed)
        return store->failed;
    if (buffer_reserve(&store->forming, ENTRY_SIZE_MAX + record_size(size)) == NULL)
        return -ENOMEM;
    int r = give_incarnation(store, entry);
    if (!r) /* the place first: it is what may be refused */
        r = store_note_place(store, entry, (RecordPlace){.group = node_log_sequence(&store->log) + 1});
    if (!r)
        r = append_entry(store, entry, outstanding);
    if (r)
        return r;

    Record record = {
        .sequence = actor->last_sequence + 1,
        .time_ns = clock_wall_us(store->options.clock) * 1000,
        .previous = actor->last_checksum,
        .type = type,
        .payload = payload,
        .size = size,
    };
    RecordPlace *place = &entry->places[entry->place_count - 1];
    place->offset = (uint32_t)(store->forming.size - RECORD_HEADER_SIZE);
    place->size = (uint32_t)record_size(size);
    r = record_append(&record, actor_salt(actor), &store->forming);
    check(r == 0); /* there was room */
    actor->last_sequence = record.sequence;
    actor->last_checksum = record.checksum;
    actor->outstanding = *outstanding;
    return 0;
}

int store_seal(Store *store) {
    check(!store->is_reader);
    if (store->options.sealing && !store->is_sealing) {
        store->is_sealing = true;
        store->expected = 0; /* it is appended now, or expected again */
        store->options.sealing(store->options.context);
        store->is_sealing = false;
    }
    if (store->forming_count == 0)
        return 0;
    store->unspread_bytes += store->forming.size;
    int r = node_log_seal(&store->log, RECORD_BATCH, &store->forming, false);
    if (!r)
        r = store_begin_group(store);
    return r ? r : node_log_poll(&store->log);
}

/* Whatever the log says is final, except that there is no memory now. */
static int note_failure(Store *store, int r) {
    if (r < 0 && r != -ENOMEM)
        store->failed = r;
    return r;
}

int store_flush(Store *store) {
    if (store->failed)
        return store->failed;
    bool is_busy = store->log.commit != NULL && store_room(store) > GROUP_ROOM_MIN;
    if (is_busy || store->log.waiting_count >= LOG_WAITING_MAX)
        return 0;
    return note_failure(store, store_seal(store));
}

int store_reserve(Store *store, uint64_t size, uint32_t count) {
    uint64_t whole = whole_size(size, count);
    if (store->failed)
        return store->failed;
    if (whole <= store_room(store))
        return 0;
    int r = store_seal(store);
    while (!r && store->log.waiting_count >= LOG_WAITING_MAX) {
        worker_wait(&store->log.committer);
        r = node_log_poll(&store->log);
    }
    if (!r)
        r = node_log_make_room(&store->log, forming_size(store) + whole);
    return r == LOG_E_FULL ? STORE_E_FULL : note_failure(store, r);
}

int store_poll(Store *store) {
    check(!store->is_reader);
    if (store->failed)
        return store->failed;
    int r = node_log_poll(&store->log);
    if (!r)
        r = checkpoint_poll(store, false);
    return note_failure(store, r);
}

int store_wait(Store *store) {
    if (store->failed)
        return store->failed;
    int r = store_seal(store);
    return note_failure(store, r ? r : node_log_wait(&store->log));
}

/* Goes on until no checkpoint is being taken. */
static int finish_checkpoint(Store *store) {
    int r = 0;
    while (!r && store->checkpoint) {
        worker_wait(&store->worker);
        worker_wait(&store->log.preparer); /* a checkpoint record wants a segment of its own */
        r = checkpoint_poll(store, true);
        if (!r)
            r = node_log_wait(&store->log);
    }
    return r;
}

int store_checkpoint(Store *store) {
    int r = store_wait(store);
    if (!r) /* one that began earlier covers only what there was then */
        r = finish_checkpoint(store);
    if (!r)
        r = checkpoint_poll(store, true);
    if (!r)
        r = finish_checkpoint(store);
    return note_failure(store, r);
}

/* --- reading a batch --- */

typedef struct BatchActor {
    const char *id;
    uint32_t id_size;
    const uint8_t *incarnation;
} BatchActor;

static bool read_batch_actor(ByteReader *reader, BatchActor *actor) {
    uint64_t size = byte_reader_varint(reader);
    actor->id_size = (uint32_t)size;
    actor->id = size > STORE_ID_MAX ? NULL : (const char *)byte_reader_take(reader, size);
    actor->incarnation = byte_reader_take(reader, 16);
    return actor->id != NULL && actor->incarnation != NULL;
}

int batch_each(Mem *mem, const uint8_t *payload, uint32_t size, int (*each)(void *context, const BatchEntry *entry),
               void *context) {
    CLEANUP(buffer_deinit) Buffer actors;
    buffer_init(&actors, mem);
    ByteReader reader = byte_reader(payload, size);
    while (byte_reader_left(&reader) > 0) {
        BatchActor actor;
        BatchEntry entry = {0};
        uint64_t number = byte_reader_varint(&reader), count = actors.size / sizeof actor, whole;
        if (number == count) {
            if (!read_batch_actor(&reader, &actor))
                return LOG_E_DAMAGED;
            if (buffer_append(&actors, &actor, sizeof actor))
                return -ENOMEM;
        } else if (number > count) {
            return LOG_E_DAMAGED;
        }
        memcpy(&actor, actors.bytes + number * sizeof actor, sizeof actor);
        entry.id = actor.id;
        entry.id_size = actor.id_size;
        entry.incarnation = actor.incarnation;
        entry.outstanding.flags = (uint32_t)byte_reader_fixed(&reader, 1);
        if (entry.outstanding.flags) {
            entry.outstanding.first_waiting = byte_reader_varint(&reader);
            entry.outstanding.next_timer_ns = zigzag_back(byte_reader_varint(&reader));
        }
        if (reader.failed || record_decode(reader.at, byte_reader_left(&reader), incarnation_salt(actor.incarnation),
                                           &entry.record, &whole) != RECORD_IS_WHOLE)
            return LOG_E_DAMAGED;
        entry.offset = (uint32_t)(reader.at - payload);
        entry.size = (uint32_t)whole;
        reader.at += whole;
        int r = each(context, &entry);
        if (r)
            return r;
    }
    return 0;
}

/* --- reading an actor's journal --- */

typedef struct JournalReading {
    Store *store;
    const StoreEntry *entry;
    uint64_t from, next; /* the next sequence that must come */
    uint64_t previous;
    StoreRecordFunction *each;
    void *context;
} JournalReading;

/* Where bytes come from, for messages. */
typedef struct ReadingPlace {
    const char *folder, *ending;
    uint64_t number, offset;
} ReadingPlace;

static int say_record_damage(const JournalReading *reading, const ReadingPlace *place, uint64_t offset,
                             const char *text) {
    return store_say_damage(reading->store, "%s/%016" PRIx64 ".%s, offset %" PRIu64 ": after record %" PRIu64 ": %s",
                            place->folder, place->number, place->ending, place->offset + offset,
                            reading->next ? reading->next - 1 : 0, text);
}

static const char *condition_text(RecordCondition condition) {
    switch (condition) {
    case RECORD_IS_WHOLE:
        break;
    case RECORD_IS_ABSENT:
        return "no record begins there";
    case RECORD_IS_CUT:
        return "the record is cut off";
    case RECORD_IS_DAMAGED:
        return "the record is not what was written (checksum)";
    }
    unreachable();
}

/* Gives the records that stand in `bytes`; all of it must be records that follow each other. */
static int read_records(JournalReading *reading, const ReadingPlace *place, const uint8_t *bytes, uint64_t size) {
    Record record;
    uint64_t whole;
    for (uint64_t offset = 0; size > 0; offset += whole, size -= whole) {
        RecordCondition condition =
            record_decode(bytes + offset, size, actor_salt(&reading->entry->actor), &record, &whole);
        if (condition != RECORD_IS_WHOLE)
            return say_record_damage(reading, place, offset, condition_text(condition));
        /* the first one read may have any predecessor: nobody asked for it */
        if (reading->next && (record.sequence != reading->next || record.previous != reading->previous))
            return say_record_damage(reading, place, offset, "the record that stands there is not the next one");
        reading->next = record.sequence + 1;
        reading->previous = record.checksum;
        int r = record.sequence >= reading->from ? reading->each(reading->context, &record) : 0;
        if (r)
            return r;
    }
    return 0;
}

/* The places of the runs that hold records from `from` on, newest first. */
static int collect_runs(const JournalReading *reading, Buffer *places) {
    PackPlace place = reading->entry->newest_run;
    while (place) {
        PackRun run;
        int descriptor = open_run(reading->store, place, reading->entry->hash, &run);
        if (descriptor < 0)
            return run_result(reading->store, place, descriptor);
        io_close(reading->store->io, descriptor);
        if (buffer_append(places, &place, sizeof place))
            return -ENOMEM;
        if (run.first_sequence <= reading->from || run.first_sequence == 1)
            return 0;
        if (run.previous == 0) /* the first run begins with record 1 */
            return say_run_damage(reading->store, place, "what came before is missing");
        place = run.previous;
    }
    return 0;
}

static int read_run(JournalReading *reading, PackPlace place, Buffer *bytes) {
    PackRun run;
    const Io *io = reading->store->io;
    int descriptor = open_run(reading->store, place, reading->entry->hash, &run);
    if (descriptor < 0)
        return run_result(reading->store, place, descriptor);
    buffer_clear(bytes);
    int64_t file_size = io_size(io, descriptor), got = file_size;
    uint64_t offset = pack_place_offset(place) + PACK_RUN_HEADER_SIZE;
    int r = 0;
    if (file_size >= 0 && (run.size > (uint64_t)file_size || offset + run.size > (uint64_t)file_size))
        r = say_run_damage(reading->store, place, "the pack ends before these records do");
    else if (file_size >= 0 && buffer_reserve(bytes, run.size) == NULL)
        r = -ENOMEM;
    else if (file_size >= 0)
        got = io_read_all_at(io, descriptor, offset, bytes->bytes, run.size);
    io_close(io, descriptor);
    if (r || got < 0)
        return r ? r : (int)got;
    if ((uint64_t)got < run.size)
        return say_run_damage(reading->store, place, "the pack ends before these records do");
    ReadingPlace where = {"packs", "p", pack_place_number(place), offset};
    return read_records(reading, &where, (const uint8_t *)bytes->bytes, run.size);
}

static int read_packed(JournalReading *reading) {
    CLEANUP(buffer_deinit) Buffer places, bytes;
    buffer_init(&places, reading->store->mem);
    buffer_init(&bytes, reading->store->mem);
    int r = collect_runs(reading, &places);
    for (size_t index = places.size / sizeof(PackPlace); index > 0 && !r;) {
        PackPlace place;
        memcpy(&place, places.bytes + --index * sizeof place, sizeof place);
        r = read_run(reading, place, &bytes);
    }
    return r;
}

/* A record of the log that no checkpoint has spread. */
static int read_place(JournalReading *reading, const RecordPlace *place, Buffer *bytes) {
    const Store *store = reading->store;
    ReadingPlace where = {"log", "nl", 0, place->offset};
    buffer_clear(bytes);
    if (buffer_reserve(bytes, place->size) == NULL)
        return -ENOMEM;
    if (place->group == node_log_sequence(&store->log) + 1) {
        memcpy(bytes->bytes, store->forming.bytes + RECORD_HEADER_SIZE + place->offset, place->size);
    } else {
        LogPlace group = node_log_place(&store->log, place->group);
        where.number = group.segment;
        where.offset += group.offset + RECORD_HEADER_SIZE;
        int r = node_log_read(&store->log, place->group, place->offset, bytes->bytes, place->size);
        if (r)
            return r == LOG_E_DAMAGED ? say_record_damage(reading, &where, 0, "the segment ends") : r;
    }
    return read_records(reading, &where, (const uint8_t *)bytes->bytes, place->size);
}

SnapshotName store_snapshot_name(const Store *store, const StoreEntry *entry) {
    SnapshotName name = {
        .id = entry->id,
        .id_size = entry->actor.id_size,
        .sequence = entry->actor.last_sequence,
        .checksum = entry->actor.last_checksum,
    };
    memcpy(name.store, store->identity.uuid, sizeof name.store);
    memcpy(name.incarnation, entry->actor.incarnation, sizeof name.incarnation);
    return name;
}

int store_read_image(Store *store, StoreActor *actor, Buffer *image, uint64_t *sequence, uint64_t *checksum) {
    const StoreEntry *entry = (const StoreEntry *)actor;
    store->damage[0] = '\0';
    if (entry->snapshot == 0)
        return STORE_E_ABSENT;
    SnapshotName name = store_snapshot_name(store, entry);
    const char *quarantine = store->is_reader ? NULL : store->quarantine_path;
    int r = snapshot_read(store->io, store->mem, store->snapshot_path, &name, image, quarantine);
    if (name.damaged)
        (void)!store_say_damage(store, "the snapshot of record %" PRIu64 " is damaged", name.damaged);
    *sequence = name.sequence;
    *checksum = name.checksum;
    return r > 0 ? STORE_E_ABSENT : r;
}

/* The sequence of the first record that no checkpoint has spread. */
static uint64_t first_unspread(const StoreEntry *entry) {
    return entry->actor.last_sequence - entry->place_count + 1;
}

int store_read(Store *store, StoreActor *actor, uint64_t from, StoreRecordFunction *each, void *context) {
    StoreEntry *entry = (StoreEntry *)actor;
    JournalReading reading = {.store = store, .entry = entry, .from = from, .each = each, .context = context};
    CLEANUP(buffer_deinit) Buffer bytes;
    buffer_init(&bytes, store->mem);
    uint64_t unspread = first_unspread(entry);
    int r = from < unspread ? read_packed(&reading) : 0;
    uint32_t skipped = from > unspread ? (uint32_t)(from - unspread) : 0;
    for (uint32_t index = skipped; index < entry->place_count && !r; index++)
        r = read_place(&reading, &entry->places[index], &bytes);
    if (!r && actor->last_sequence >= from &&
        (reading.next != actor->last_sequence + 1 || reading.previous != actor->last_checksum))
        r = store_say_damage(store, "record %" PRIu64 ", the last one, is missing or another one", actor->last_sequence);
    return r;
}
