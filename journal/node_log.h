/* SPDX-License-Identifier: MIT */
/*
 * NodeLog: the commit point. All that any actor of the node records goes in
 * here first, in groups: one record holds a whole group, so it is there wholly
 * or not at all.
 *
 * Segments are files written with zeros beforehand, so that committing a group
 * changes no file's size and cannot fail for want of room. While the
 * committer writes and syncs some groups, the next one forms.
 *
 * Sealing gives a group its place and puts it in line. Nobody above knows
 * more of a group than its sequence: groups up to node_log_durable() are on
 * disk.
 */
#pragma once

#include "journal/record.h"
#include "journal/segment.h"
#include "vm/base/clock.h"
#include "vm/base/io.h"
#include "vm/base/worker.h"

enum {
    LOG_PATH_MAX = 4096,
    LOG_WAITING_MAX = 16, /* sealed groups in line: beyond, whoever makes more has to wait */
};

typedef struct LogSegment {
    uint64_t number;
    int descriptor;
    uint64_t size; /* of the file */
    uint32_t salt;
} LogSegment;

/* Where in the log: of a record, and what a reader must know to begin there. */
typedef struct LogPosition {
    uint64_t segment, offset;
    uint64_t sequence; /* of the record that stands there, or will */
    uint64_t previous; /* checksum of the one before */
} LogPosition;

typedef struct LogPlace {
    uint64_t segment, offset;
} LogPlace;

typedef struct LogGroup LogGroup; /* a sealed record that is not yet written */

typedef struct LogOptions {
    Mem *mem;
    const Io *io;
    const Clock *clock;
    const char *folder; /* of the segments; outlives the log */
    uint8_t store[STORE_UUID_SIZE];
    uint64_t epoch;
    uint64_t segment_size_min, segment_size_max; /* the first segment's, and where doubling ends */
    bool is_threaded; /* else node_log_seal() writes and syncs before it returns */
    bool is_reader;   /* nothing is written; somebody else may be writing */
    int signal;       /* an eventfd raised when something was done, or -1 */
} LogOptions;

typedef struct NodeLog {
    LogOptions options;
    LogSegment *segments; /* kept open, oldest first; the last is the current one */
    uint32_t segment_count, segment_capacity;
    uint64_t offset;   /* where the next record goes in the current segment */
    uint64_t sequence; /* of the last sealed record */
    uint64_t previous; /* its checksum */
    uint64_t durable;  /* sequence of the last record known to be synced */
    bool begins_segment; /* the next record is the current segment's first: its header goes before it */

    LogSegment next; /* prepared; number 0: none */
    struct LogPreparation *preparation;
    Worker preparer, committer;

    LogGroup *waiting_first, *waiting_last; /* sealed, not yet given to the committer */
    uint32_t waiting_count;
    struct LogCommit *commit; /* what the committer has */

    /* where each record since `places_first` lies: segment and offset */
    LogPlace *places;
    uint64_t places_first;
    uint32_t place_count, place_capacity;

    bool is_full; /* there was no room for another segment */
    int64_t retry_ns;
    int failed; /* a negative errno: writing or syncing failed, which is final */
} NodeLog;

/* Nothing is opened yet. A negative errno. The options are copied. */
int node_log_init(NodeLog *log, const LogOptions *options) MUST_CHECK;
/* Waits for what the threads are doing. What was sealed and not yet committed may be lost. */
void node_log_deinit(NodeLog *log);

/* What recovery says of a damaged log. */
typedef struct LogDamage {
    char text[256];
    uint64_t segment, offset;
} LogDamage;

enum {
    LOG_E_DAMAGED = 1, /* something that was durable is not there */
    LOG_E_FULL,        /* no room on the disk */
};

typedef int LogRecordFunction(void *context, const Record *record);

/*
 * Opens all segments in the folder and finds the newest one that begins with
 * a whole checkpoint record; appends its payload. -ENOENT: none does.
 */
int node_log_find_checkpoint(NodeLog *log, Buffer *payload) MUST_CHECK;
/*
 * Gives each whole and linked record from `start` on to `each`, in order, up
 * to the last. What stands behind that is judged: if it proves that something
 * durable is missing, LOG_E_DAMAGED, and nothing was changed; else it is a
 * torn tail, and is copied into the folder `quarantine` if it holds
 * anything: `*torn_bytes`. Afterwards the records can be read back, and the log
 * goes on in a new segment. A reader copies nothing (`quarantine` is not looked at), and what it takes for damage may be
 * a writer at work: it has to look again.
 */
int node_log_recover(NodeLog *log, const LogPosition *start, LogRecordFunction *each, void *context,
                     const char *quarantine, uint64_t *torn_bytes, LogDamage *damage) MUST_CHECK;

/* Bytes that the largest record may have that could be sealed now. */
uint64_t node_log_room(const NodeLog *log);
/* The same, waiting for the next segment, made large enough for `size`. LOG_E_FULL, or a negative errno. */
int node_log_make_room(NodeLog *log, uint64_t size) MUST_CHECK;

/*
 * Sees to it that a new segment can begin with a record of `size`, without
 * waiting: `*is_ready` says whether it can now. LOG_E_FULL, or a negative errno.
 */
int node_log_prepare(NodeLog *log, uint64_t size, bool *is_ready) MUST_CHECK;

/*
 * Seals a record: `bytes` is a buffer with RECORD_HEADER_SIZE bytes of any
 * content and the payload behind them. Its block becomes the log's, the
 * buffer is empty afterwards. There must be room. `begins`: it goes to the
 * start of a new segment, which must be ready (node_log_prepare). -ENOMEM: the
 * buffer is as it was.
 */
int node_log_seal(NodeLog *log, RecordType type, Buffer *bytes, bool begins) MUST_CHECK;
static inline uint64_t node_log_sequence(const NodeLog *log) {
    return log->sequence;
}
/* Sequence of the last record that is on disk. */
static inline uint64_t node_log_durable(const NodeLog *log) {
    return log->durable;
}
/* Where the next record will stand, at the earliest. */
LogPosition node_log_position(const NodeLog *log);

/* Takes what is done and starts what is to be done. A negative errno when writing or syncing failed: final. */
int node_log_poll(NodeLog *log) MUST_CHECK;
/* Waits until all that was sealed is on disk. */
int node_log_wait(NodeLog *log) MUST_CHECK;

/* `size` bytes at `offset` of the payload of a record sealed or recovered since the last node_log_forget(). */
int node_log_read(const NodeLog *log, uint64_t sequence, uint32_t offset, void *bytes, uint32_t size) MUST_CHECK;
/* Where that record lies. It is one that node_log_read() may be asked for. */
static inline LogPlace node_log_place(const NodeLog *log, uint64_t sequence) {
    check(sequence >= log->places_first && sequence - log->places_first < log->place_count);
    return log->places[sequence - log->places_first];
}
/* Records before `sequence` will not be read any more; segments before `segment` are deleted. */
int node_log_forget(NodeLog *log, uint64_t sequence, uint64_t segment) MUST_CHECK;
/* Bytes of all segments. */
uint64_t node_log_bytes(const NodeLog *log);
