/* SPDX-License-Identifier: MIT */
/*
 * Reading the log at the start, and judging where it ends.
 *
 * Records are read while they are whole and linked. Where that stops, one of
 * these holds, in this order:
 *
 *   the next segment begins right there            go on in it
 *   a whole record stands there that is not linked damage: records were lost, doubled or swapped
 *   a whole record further on proves, by its       damage: something durable is not there
 *   `undurable`, that the next one was synced
 *   otherwise                                      a torn tail: nothing in it was acknowledged
 *
 * A segment that was made but not used (all zeros) is as good as none. No
 * segment is written to again after a start: the log goes on in a new one, and
 * the old ones go with the first checkpoint. So a torn tail stays as it is.
 *
 * A reader may stand beside a writer. What it has opened stays, also when it
 * is deleted; each segment is read once, so what it sees is what was written
 * up to some moment. Only a write that goes on while a segment is being read
 * can look like damage.
 */
#include "journal/log_files.h"
#include <errno.h>
#include <stdlib.h>

/* A segment's bytes, and what its header says. */
typedef struct LoadedSegment {
    Buffer bytes;
    SegmentHeader header;
    uint32_t header_size;
    bool is_sound; /* the header is, and it is this store's and has the number of its name */
} LoadedSegment;

/* --- opening --- */

static int collect_number(void *context, const char *name) {
    Buffer *numbers = context;
    char *end;
    if (strlen(name) != 19 || strcmp(name + 16, ".nl") != 0)
        return 0;
    uint64_t number = strtoull(name, &end, 16);
    return end == name + 16 && number > 0 ? buffer_append(numbers, &number, sizeof number) : 0;
}

static int compare_numbers(const void *a, const void *b) {
    uint64_t left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return left < right ? -1 : left > right;
}

static int open_segment(NodeLog *log, uint64_t number) {
    char path[LOG_PATH_MAX];
    const Io *io = log->options.io;
    log_segment_path(path, log->options.folder, number);
    int descriptor = io_open(io, path, IO_OWN_READ);
    if (descriptor < 0)
        return descriptor;
    /* what a failed sync left in memory is not what is on the disk; a writer beside us has its own reasons to be right */
    int r = log->options.is_reader ? 0 : io_forget(io, descriptor);
    /* and what is read may be in memory only: the log goes on as if it were durable, so now it must be */
    if (!r && !log->options.is_reader)
        r = io_sync(io, descriptor);
    int64_t size = r ? r : io_size(io, descriptor);
    r = size < 0 ? (int)size
                 : node_log_add_segment(log, (LogSegment){number, descriptor, (uint64_t)size, 0});
    if (r)
        io_close(io, descriptor);
    return r;
}

static int open_segments(NodeLog *log) {
    CLEANUP(buffer_deinit) Buffer numbers;
    buffer_init(&numbers, log->options.mem);
    int r = io_list_folder(log->options.io, log->options.folder, collect_number, &numbers);
    uint32_t count = (uint32_t)(numbers.size / sizeof(uint64_t));
    if (count > 0)
        qsort(numbers.bytes, count, sizeof(uint64_t), compare_numbers);
    for (uint32_t index = 0; index < count && !r; index++) {
        uint64_t number;
        memcpy(&number, numbers.bytes + index * sizeof number, sizeof number);
        r = open_segment(log, number);
        if (r == -ENOENT) /* a writer has deleted it since; if it is needed, it will be missed */
            r = 0;
    }
    return r;
}

static void judge_header(const NodeLog *log, const LogSegment *segment, LoadedSegment *loaded) {
    loaded->is_sound = segment_header_decode((const uint8_t *)loaded->bytes.bytes, loaded->bytes.size, &loaded->header,
                                             &loaded->header_size) == SEGMENT_IS_SOUND &&
                       loaded->header.number == segment->number &&
                       memcmp(loaded->header.store, log->options.store, STORE_UUID_SIZE) == 0;
}

/* Reads `size` bytes of a segment, or all there are. */
static int load(const NodeLog *log, const LogSegment *segment, uint64_t size, LoadedSegment *loaded) {
    buffer_clear(&loaded->bytes);
    if (size > segment->size)
        size = segment->size;
    char *room = buffer_reserve(&loaded->bytes, size);
    if (room == NULL)
        return -ENOMEM;
    int64_t got = io_read_all_at(log->options.io, segment->descriptor, 0, room, size);
    if (got < 0)
        return (int)got;
    loaded->bytes.size = (size_t)got;
    judge_header(log, segment, loaded);
    return 0;
}

static const uint8_t *loaded_at(const LoadedSegment *loaded, uint64_t offset) {
    return (const uint8_t *)loaded->bytes.bytes + offset;
}

static RecordCondition decode_at(const LoadedSegment *loaded, uint64_t offset, Record *record, uint64_t *wholep) {
    return record_decode(loaded_at(loaded, offset), loaded->bytes.size - offset, loaded->header.salt, record, wholep);
}

/* --- the newest checkpoint --- */

/* 0: the segment begins with one, whose payload is appended. -ENOENT: it does not. */
static int checkpoint_of(const NodeLog *log, const LogSegment *segment, LoadedSegment *loaded, Buffer *payload) {
    enum { FIRST_READ = 4096 };
    Record record;
    uint64_t whole;
    uint32_t payload_size;
    int r = load(log, segment, FIRST_READ, loaded);
    if (r)
        return r;
    if (!loaded->is_sound || loaded->bytes.size < loaded->header_size + RECORD_HEADER_SIZE ||
        !record_header_is_sound(loaded_at(loaded, loaded->header_size), loaded->header.salt, &payload_size))
        return -ENOENT;
    r = load(log, segment, loaded->header_size + record_size(payload_size), loaded);
    if (r)
        return r;
    if (!loaded->is_sound || decode_at(loaded, loaded->header_size, &record, &whole) != RECORD_IS_WHOLE ||
        record.type != RECORD_CHECKPOINT)
        return -ENOENT;
    return buffer_append(payload, record.payload, record.size);
}

int node_log_find_checkpoint(NodeLog *log, Buffer *payload) {
    int r = open_segments(log);
    LoadedSegment loaded = {0};
    buffer_init(&loaded.bytes, log->options.mem);
    uint32_t index = log->segment_count;
    while (!r && index > 0) {
        r = checkpoint_of(log, &log->segments[--index], &loaded, payload);
        if (r == 0)
            break;
        r = r == -ENOENT && index > 0 ? 0 : r;
    }
    if (!r && log->segment_count == 0)
        r = -ENOENT;
    buffer_deinit(&loaded.bytes);
    return r;
}

/* --- the tail --- */

/* Whether a whole record at or behind `offset` proves that record `missing` was durable. */
static bool proves_missing(const LoadedSegment *loaded, uint64_t offset, uint64_t missing, uint64_t *atp) {
    Record record;
    uint64_t whole;
    for (; offset + RECORD_HEADER_SIZE <= loaded->bytes.size; offset += RECORD_ALIGNMENT) {
        if (bytes_get_u64(loaded_at(loaded, offset)) == 0)
            continue; /* no header begins with zeros: its check would have to be zero */
        if (decode_at(loaded, offset, &record, &whole) == RECORD_IS_WHOLE &&
            record.sequence - 1 - record.undurable >= missing) {
            *atp = offset;
            return true;
        }
    }
    return false;
}

static int say_damage(LogDamage *damage, uint64_t segment, uint64_t offset, const char *format, uint64_t number) {
    damage->segment = segment;
    damage->offset = offset;
    snprintf(damage->text, sizeof damage->text, format, number);
    return LOG_E_DAMAGED;
}

/* Copies the bytes from `offset` on, without the zeros at their end, into a file of the folder. */
static int quarantine_tail(NodeLog *log, const LoadedSegment *loaded, uint64_t offset, const char *folder,
                           uint64_t *torn_bytes) {
    size_t end = loaded->bytes.size;
    while (end > offset && loaded->bytes.bytes[end - 1] == 0)
        end--;
    if (end <= offset)
        return 0;
    if (log->options.is_reader) {
        *torn_bytes += end - offset;
        return 0;
    }
    char path[LOG_PATH_MAX];
    snprintf(path, sizeof path, "%.4000s/log-%016" PRIx64 "-%" PRIu64 ".tail", folder, loaded->header.number, offset);
    const Io *io = log->options.io;
    int descriptor = io_open(io, path, IO_OWN_CREATE);
    if (descriptor == -EEXIST) /* by an earlier start that did not get as far as its checkpoint */
        return 0;
    if (descriptor < 0)
        return descriptor;
    int r = io_write_all_at(io, descriptor, 0, loaded_at(loaded, offset), end - offset);
    if (!r)
        r = io_sync(io, descriptor);
    io_close(io, descriptor);
    *torn_bytes += end - offset;
    return r ? r : io_sync_folder(io, folder);
}

/*
 * Judges what stands at and behind the stop: `offset` in `loaded`, which is
 * segment `index` (or nothing, when that one does not link), and all segments
 * after it.
 */
static int judge_tail(NodeLog *log, uint32_t index, LoadedSegment *loaded, uint64_t offset, const char *quarantine,
                      uint64_t *torn_bytes, LogDamage *damage) {
    uint64_t missing = log->sequence + 1, at, whole;
    Record record;
    if (decode_at(loaded, offset, &record, &whole) == RECORD_IS_WHOLE)
        return say_damage(damage, log->segments[index].number, offset,
                          "the record that stands after record %" PRIu64 " is not the next one", log->sequence);
    for (uint32_t later = index; later < log->segment_count; later++) {
        int r = later == index ? 0 : load(log, &log->segments[later], log->segments[later].size, loaded);
        if (r)
            return r;
        uint64_t from = later == index ? offset : loaded->header_size;
        if (loaded->is_sound && proves_missing(loaded, from, missing, &at))
            return say_damage(damage, log->segments[later].number, at, "record %" PRIu64 " is damaged or missing",
                              missing);
    }
    for (uint32_t later = index; later < log->segment_count; later++) {
        int r = load(log, &log->segments[later], log->segments[later].size, loaded);
        uint64_t from = later == index ? offset : loaded->header_size;
        if (!r && loaded->is_sound)
            r = quarantine_tail(log, loaded, from, quarantine, torn_bytes);
        if (r)
            return r;
    }
    return 0;
}

/* --- reading on --- */

/* Gives the whole, linked records from `*offset` on. Stops at the first that is not. */
static int read_records(NodeLog *log, const LogSegment *segment, const LoadedSegment *loaded, uint64_t *offset,
                        LogRecordFunction *each, void *context) {
    Record record;
    uint64_t whole;
    while (*offset < loaded->bytes.size && decode_at(loaded, *offset, &record, &whole) == RECORD_IS_WHOLE &&
           record.sequence == log->sequence + 1 && record.previous == log->previous) {
        int r = node_log_note_record(log, &record, segment->number, *offset);
        if (!r)
            r = each(context, &record);
        if (r)
            return r;
        *offset += whole;
    }
    return 0;
}

static bool segment_links(const NodeLog *log, const LoadedSegment *loaded) {
    return loaded->is_sound && loaded->header.first_sequence == log->sequence + 1 &&
           loaded->header.previous == log->previous;
}

/*
 * The segment that goes on where reading stopped is loaded, and `*index` is it.
 * When there is none, nothing happens. Segments in between were made too small
 * for a record, or for nothing: they are empty.
 */
static int find_linked(const NodeLog *log, uint32_t *index, LoadedSegment *loaded) {
    enum { HEADER_READ = 4096 };
    LoadedSegment head = {0};
    buffer_init(&head.bytes, log->options.mem);
    int r = 0;
    for (uint32_t next = *index + 1; next < log->segment_count && !r; next++) {
        r = load(log, &log->segments[next], HEADER_READ, &head);
        if (r || !segment_links(log, &head))
            continue;
        *index = next;
        r = load(log, &log->segments[next], log->segments[next].size, loaded);
        break;
    }
    buffer_deinit(&head.bytes);
    return r;
}

int node_log_recover(NodeLog *log, const LogPosition *start, LogRecordFunction *each, void *context,
                     const char *quarantine, uint64_t *torn_bytes, LogDamage *damage) {
    LoadedSegment loaded = {0};
    buffer_init(&loaded.bytes, log->options.mem);
    *torn_bytes = 0;
    log->sequence = start->sequence - 1;
    log->previous = start->previous;

    uint32_t index = 0;
    while (index < log->segment_count && log->segments[index].number < start->segment)
        index++;
    int r = index < log->segment_count && log->segments[index].number == start->segment
                ? load(log, &log->segments[index], log->segments[index].size, &loaded)
                : say_damage(damage, start->segment, 0, "segment %" PRIu64 " of the log is missing", start->segment);
    if (!r && !loaded.is_sound)
        r = say_damage(damage, start->segment, 0, "the header of segment %" PRIu64 " is damaged", start->segment);
    uint64_t offset = start->offset;
    while (!r) {
        r = read_records(log, &log->segments[index], &loaded, &offset, each, context);
        uint32_t next = index;
        if (!r)
            r = find_linked(log, &next, &loaded);
        if (r || next == index)
            break;
        index = next;
        offset = loaded.header_size;
    }
    if (!r)
        r = judge_tail(log, index, &loaded, offset, quarantine, torn_bytes, damage);
    log->durable = log->sequence;
    log->offset = UINT64_MAX; /* nothing more goes into the last one */
    buffer_deinit(&loaded.bytes);
    return r;
}
