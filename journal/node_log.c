/* SPDX-License-Identifier: MIT */
/*
 * Writing. Two threads help, and share nothing but their job with this one:
 * the committer writes sealed groups and syncs, the preparer makes the next
 * segment. How the log is read at the start stands in log_recovery.c.
 *
 * The order at the disk: a segment's zeros and its name are durable before it
 * is used; its header goes out with its first record, under the same sync. So
 * a segment whose header is another's, or none, holds nothing yet.
 */
#include "journal/node_log.h"

#include "journal/log_files.h"
#include <errno.h>
#include <stdio.h>

enum {
    ZEROS_SIZE = 64 * 1024,
    RETRY_NS = 1000000000, /* between attempts to make a segment on a full disk */
};

struct LogGroup {
    LogGroup *next;
    Buffer bytes;
    uint64_t sequence;
    int descriptor;
    uint64_t offset;
    uint8_t header[SEGMENT_HEADER_SIZE_MIN]; /* of the segment that it begins */
    bool begins_segment;
};

/* The committer's job. */
typedef struct LogCommit {
    const Io *io;
    LogGroup *groups;
    int result;
} LogCommit;

/* The preparer's job. */
typedef struct LogPreparation {
    const Io *io;
    const char *folder;
    LogSegment segment;
    int result;
} LogPreparation;

/* --- life --- */

int node_log_init(NodeLog *log, const LogOptions *options) {
    *log = (NodeLog){.options = *options, .places_first = 1};
    int r = worker_init(&log->committer, options->is_threaded, options->signal);
    if (!r)
        r = worker_init(&log->preparer, options->is_threaded, options->signal);
    return r;
}

static void group_free(NodeLog *log, LogGroup *group) {
    buffer_deinit(&group->bytes);
    mem_free(log->options.mem, group, sizeof *group);
}

static void groups_free(NodeLog *log, LogGroup *group) {
    for (LogGroup *next; group; group = next) {
        next = group->next;
        group_free(log, group);
    }
}

void node_log_deinit(NodeLog *log) {
    Mem *mem = log->options.mem;
    worker_deinit(&log->committer);
    worker_deinit(&log->preparer);
    groups_free(log, log->waiting_first);
    if (log->commit) {
        groups_free(log, log->commit->groups);
        mem_free(mem, log->commit, sizeof *log->commit);
    }
    if (log->preparation) {
        if (log->preparation->segment.descriptor >= 0)
            io_close(log->options.io, log->preparation->segment.descriptor);
        mem_free(mem, log->preparation, sizeof *log->preparation);
    }
    if (log->next.number)
        io_close(log->options.io, log->next.descriptor);
    for (uint32_t index = 0; index < log->segment_count; index++)
        io_close(log->options.io, log->segments[index].descriptor);
    mem_free(mem, log->segments, log->segment_capacity * sizeof *log->segments);
    mem_free(mem, log->places, log->place_capacity * sizeof *log->places);
}

/* --- segments --- */

static LogSegment *current(const NodeLog *log) {
    return &log->segments[log->segment_count - 1];
}

int node_log_add_segment(NodeLog *log, LogSegment segment) {
    if (log->segment_count == log->segment_capacity) {
        uint32_t capacity = log->segment_capacity ? 2 * log->segment_capacity : 8;
        LogSegment *segments =
            mem_try_resize(log->options.mem, log->segments, log->segment_capacity * sizeof *segments,
                           capacity * sizeof *segments);
        if (segments == NULL)
            return -ENOMEM;
        log->segments = segments;
        log->segment_capacity = capacity;
    }
    log->segments[log->segment_count++] = segment;
    return 0;
}

/* The file of a segment, all zeros, it and its name on disk. What is left of a failure is deleted. */
static void prepare(void *context) {
    LogPreparation *preparation = context;
    const Io *io = preparation->io;
    char path[LOG_PATH_MAX];
    static const char zeros[ZEROS_SIZE];
    log_segment_path(path, preparation->folder, preparation->segment.number);
    int r = io_open(io, path, IO_OWN_CREATE);
    preparation->segment.descriptor = r;
    for (uint64_t offset = 0; r >= 0 && offset < preparation->segment.size;) {
        uint64_t left = preparation->segment.size - offset;
        size_t size = left < sizeof zeros ? (size_t)left : sizeof zeros;
        r = io_write_all_at(io, preparation->segment.descriptor, offset, zeros, size);
        offset += size;
    }
    if (r >= 0)
        r = io_sync(io, preparation->segment.descriptor);
    if (r >= 0)
        r = io_sync_folder(io, preparation->folder);
    if (r < 0 && preparation->segment.descriptor >= 0) {
        io_close(io, preparation->segment.descriptor);
        preparation->segment.descriptor = -1;
        if (io_delete_file(io, path)) {
            /* it holds nothing, which the next start sees */
        }
    }
    preparation->result = r < 0 ? r : 0;
}

static bool is_about_room(int r) {
    return r == -ENOSPC || r == -EDQUOT || r == -EFBIG;
}

/* Starts to make the next segment, with room for a record of `size`. */
static int start_preparing(NodeLog *log, uint64_t size) {
    LogPreparation *preparation = mem_new(log->options.mem, LogPreparation);
    uint64_t needed = SEGMENT_HEADER_SIZE_MIN + size + RECORD_ALIGNMENT;
    uint64_t wanted = log->options.segment_size_min;
    /* twice the current one when that is half full already; a busy log gets large ones soon, an idle one never */
    if (log->segment_count && log->offset <= current(log)->size && 4 * log->offset > wanted)
        wanted = 4 * log->offset;
    if (log->is_full) /* a small one, for which there may be room */
        wanted = log->options.segment_size_min;
    if (wanted > log->options.segment_size_max)
        wanted = log->options.segment_size_max;
    uint32_t salt;
    int r = clock_random(log->options.clock, &salt, sizeof salt);
    if (r < 0) {
        mem_free(log->options.mem, preparation, sizeof *preparation);
        return r;
    }
    *preparation = (LogPreparation){
        .io = log->options.io,
        .folder = log->options.folder,
        .segment = {.number = log->segment_count ? current(log)->number + 1 : 1,
                    .descriptor = -1,
                    .size = ((wanted > needed ? wanted : needed) + 4095) / 4096 * 4096,
                    .salt = salt},
    };
    log->preparation = preparation;
    worker_start(&log->preparer, prepare, preparation);
    return 0;
}

/* Takes the segment that the preparer has made, or its failure. */
static int take_prepared(NodeLog *log) {
    if (!worker_finished(&log->preparer))
        return 0;
    int r = log->preparation->result;
    if (r == 0) {
        log->next = log->preparation->segment;
        log->is_full = false;
    } else if (is_about_room(r)) {
        log->is_full = true;
        log->retry_ns = clock_monotonic_ns(log->options.clock) + RETRY_NS;
        r = 0;
    }
    mem_free(log->options.mem, log->preparation, sizeof *log->preparation);
    log->preparation = NULL;
    return r;
}

/* Makes the prepared segment the current one. */
static int advance(NodeLog *log) {
    int r = node_log_add_segment(log, log->next);
    if (r)
        return r;
    log->next = (LogSegment){0};
    log->offset = SEGMENT_HEADER_SIZE_MIN;
    log->begins_segment = true;
    return 0;
}

/* --- room --- */

static uint64_t room_at(const LogSegment *segment, uint64_t offset) {
    return segment->size > offset ? segment->size - offset : 0;
}

uint64_t node_log_room(const NodeLog *log) {
    uint64_t here = log->segment_count ? room_at(current(log), log->offset) : 0;
    uint64_t there = log->next.number ? room_at(&log->next, SEGMENT_HEADER_SIZE_MIN) : 0;
    uint64_t room = here > there ? here : there;
    uint64_t frame = RECORD_HEADER_SIZE + RECORD_TRAILER_SIZE + RECORD_ALIGNMENT;
    return room > frame ? room - frame : 0;
}

int node_log_make_room(NodeLog *log, uint64_t size) {
    while (!log->failed && node_log_room(log) < size) {
        if (log->next.number) { /* too small: what is prepared becomes the current one, and a larger one is made */
            int r = advance(log);
            if (r)
                return r;
        }
        if (!log->preparation) {
            int r = start_preparing(log, size + RECORD_HEADER_SIZE + RECORD_TRAILER_SIZE);
            if (r)
                return r;
        }
        worker_wait(&log->preparer);
        int r = take_prepared(log);
        if (r)
            return log->failed = r;
        if (log->is_full)
            return LOG_E_FULL;
    }
    return log->failed;
}

int node_log_prepare(NodeLog *log, uint64_t size, bool *is_ready) {
    uint64_t whole = size + RECORD_HEADER_SIZE + RECORD_TRAILER_SIZE + RECORD_ALIGNMENT;
    *is_ready = false;
    int r = take_prepared(log);
    if (!r && log->next.number && room_at(&log->next, SEGMENT_HEADER_SIZE_MIN) < whole)
        r = advance(log); /* too small: groups may have it */
    if (!r && !log->next.number && !log->preparation) {
        r = start_preparing(log, whole);
        if (!r)
            r = take_prepared(log); /* done already when there is no thread */
    }
    if (r < 0)
        return log->failed = r;
    *is_ready = log->next.number != 0;
    return !*is_ready && log->is_full ? LOG_E_FULL : 0;
}

/* --- sealing --- */

static int remember_place(NodeLog *log, uint64_t segment, uint64_t offset) {
    if (log->place_count == log->place_capacity) {
        uint32_t capacity = log->place_capacity ? 2 * log->place_capacity : 64;
        LogPlace *places = mem_try_resize(log->options.mem, log->places, log->place_capacity * sizeof *places,
                                          capacity * sizeof *places);
        if (places == NULL)
            return -ENOMEM;
        log->places = places;
        log->place_capacity = capacity;
    }
    log->places[log->place_count++] = (LogPlace){segment, offset};
    return 0;
}

int node_log_note_record(NodeLog *log, const Record *record, uint64_t segment, uint64_t offset) {
    if (log->place_count == 0)
        log->places_first = record->sequence;
    log->sequence = record->sequence;
    log->previous = record->checksum;
    return remember_place(log, segment, offset);
}

static void encode_segment_header(const NodeLog *log, uint8_t *bytes) {
    SegmentHeader header = {
        .created_ns = clock_wall_us(log->options.clock) * 1000,
        .number = current(log)->number,
        .first_sequence = log->sequence + 1,
        .previous = log->previous,
        .salt = current(log)->salt,
    };
    memcpy(header.store, log->options.store, sizeof header.store);
    bytes_put_u64(header.incarnation, log->options.epoch);
    uint32_t size = segment_header_encode(&header, bytes);
    check(size == SEGMENT_HEADER_SIZE_MIN);
}

int node_log_seal(NodeLog *log, RecordType type, Buffer *bytes, bool begins) {
    uint32_t payload_size = (uint32_t)(bytes->size - RECORD_HEADER_SIZE);
    uint64_t whole = record_size(payload_size);
    if (buffer_reserve(bytes, whole - bytes->size) == NULL)
        return -ENOMEM;
    if (begins || room_at(current(log), log->offset) < whole) {
        check(log->next.number && room_at(&log->next, SEGMENT_HEADER_SIZE_MIN) >= whole);
        int r = advance(log);
        if (r)
            return r;
    }
    int r = remember_place(log, current(log)->number, log->offset);
    if (r)
        return r;

    LogGroup *group = mem_new(log->options.mem, LogGroup);
    if (log->begins_segment)
        encode_segment_header(log, group->header);
    uint64_t undurable = log->sequence - log->durable;
    Record record = {
        .sequence = log->sequence + 1,
        .time_ns = clock_wall_us(log->options.clock) * 1000,
        .previous = log->previous,
        .type = type,
        .undurable = undurable < UINT32_MAX ? (uint32_t)undurable : UINT32_MAX,
        .size = payload_size,
    };
    record_seal(&record, current(log)->salt, (uint8_t *)bytes->bytes);
    bytes->size = whole;
    if (log->place_count == 1)
        log->places_first = record.sequence;

    group->bytes = *bytes;
    buffer_init(bytes, bytes->mem);
    group->sequence = record.sequence;
    group->descriptor = current(log)->descriptor;
    group->offset = log->offset;
    group->begins_segment = log->begins_segment;
    if (log->waiting_last)
        log->waiting_last->next = group;
    else
        log->waiting_first = group;
    log->waiting_last = group;
    log->waiting_count++;
    log->begins_segment = false;
    log->sequence = record.sequence;
    log->previous = record.checksum;
    log->offset += whole;
    return 0;
}

LogPosition node_log_position(const NodeLog *log) {
    return (LogPosition){
        .segment = log->segment_count ? current(log)->number : 0,
        .offset = log->offset,
        .sequence = log->sequence + 1,
        .previous = log->previous,
    };
}

/* --- committing --- */

/* Writes the groups and syncs each segment they lie in, once. */
static void commit(void *context) {
    LogCommit *job = context;
    int r = 0;
    for (LogGroup *group = job->groups; group && r >= 0; group = group->next) {
        if (group->begins_segment)
            r = io_write_all_at(job->io, group->descriptor, 0, group->header, sizeof group->header);
        if (r >= 0)
            r = io_write_all_at(job->io, group->descriptor, group->offset, group->bytes.bytes, group->bytes.size);
        if (r >= 0 && (group->next == NULL || group->next->descriptor != group->descriptor))
            r = io_sync(job->io, group->descriptor);
    }
    job->result = r < 0 ? r : 0;
}

static void start_commit(NodeLog *log) {
    LogCommit *job = mem_new(log->options.mem, LogCommit);
    *job = (LogCommit){.io = log->options.io, .groups = log->waiting_first};
    log->waiting_first = log->waiting_last = NULL;
    log->waiting_count = 0;
    log->commit = job;
    worker_start(&log->committer, commit, job);
}

static void take_commit(NodeLog *log) {
    LogCommit *job = log->commit;
    if (job->result)
        log->failed = job->result;
    for (LogGroup *group = job->groups, *next; group; group = next) {
        next = group->next;
        if (!log->failed)
            log->durable = group->sequence;
        group_free(log, group);
    }
    mem_free(log->options.mem, job, sizeof *job);
    log->commit = NULL;
}

int node_log_poll(NodeLog *log) {
    if (worker_finished(&log->committer))
        take_commit(log);
    if (!log->failed) {
        int r = take_prepared(log);
        if (r)
            log->failed = r;
    }
    if (log->failed)
        return log->failed;
    if (log->waiting_first && !log->commit) {
        start_commit(log);
        if (worker_finished(&log->committer)) /* it has no thread */
            take_commit(log);
    }
    bool is_low = log->segment_count && room_at(current(log), log->offset) < current(log)->size / 2;
    bool may_try = !log->is_full || clock_monotonic_ns(log->options.clock) >= log->retry_ns;
    if (!log->failed && is_low && !log->next.number && !log->preparation && may_try) {
        int r = start_preparing(log, 0);
        if (!r)
            r = take_prepared(log); /* done already when there is no thread */
        if (r)
            log->failed = r;
    }
    return log->failed;
}

int node_log_wait(NodeLog *log) {
    int r = node_log_poll(log);
    while (!r && (log->commit || log->waiting_first)) {
        worker_wait(&log->committer);
        r = node_log_poll(log);
    }
    return r;
}

/* --- reading back --- */

static const LogGroup *group_in_memory(const LogGroup *groups, uint64_t sequence) {
    while (groups && groups->sequence != sequence)
        groups = groups->next;
    return groups;
}

int node_log_read(const NodeLog *log, uint64_t sequence, uint32_t offset, void *bytes, uint32_t size) {
    const LogGroup *group = log->commit ? group_in_memory(log->commit->groups, sequence) : NULL;
    if (!group)
        group = group_in_memory(log->waiting_first, sequence);
    if (group) {
        memcpy(bytes, group->bytes.bytes + RECORD_HEADER_SIZE + offset, size);
        return 0;
    }
    LogPlace place = node_log_place(log, sequence);
    for (uint32_t index = 0; index < log->segment_count; index++) {
        if (log->segments[index].number != place.segment)
            continue;
        int64_t got = io_read_all_at(log->options.io, log->segments[index].descriptor,
                                     place.offset + RECORD_HEADER_SIZE + offset, bytes, size);
        return got < 0 ? (int)got : got < size ? LOG_E_DAMAGED : 0;
    }
    unreachable();
}

int node_log_forget(NodeLog *log, uint64_t sequence, uint64_t segment) {
    if (sequence > log->places_first) {
        uint64_t gone = sequence - log->places_first;
        check(gone <= log->place_count);
        log->place_count -= (uint32_t)gone;
        memmove(log->places, log->places + gone, log->place_count * sizeof *log->places);
        log->places_first = sequence;
    }
    uint32_t kept = 0;
    int r = 0;
    for (uint32_t index = 0; index < log->segment_count; index++) {
        LogSegment *old = &log->segments[index];
        if (r == 0 && old->number < segment) {
            char path[LOG_PATH_MAX];
            io_close(log->options.io, old->descriptor);
            log_segment_path(path, log->options.folder, old->number);
            r = io_delete_file(log->options.io, path);
        } else {
            log->segments[kept++] = *old;
        }
    }
    log->segment_count = kept;
    return r == -ENOENT ? 0 : r;
}

uint64_t node_log_bytes(const NodeLog *log) {
    uint64_t bytes = log->next.number ? log->next.size : 0;
    for (uint32_t index = 0; index < log->segment_count; index++)
        bytes += log->segments[index].size;
    return bytes;
}
