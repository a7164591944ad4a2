/* SPDX-License-Identifier: MIT */
/* The inside of the node log that writing (node_log.c) and recovery (log_recovery.c) share. */
#pragma once

#include "journal/node_log.h"
#include <inttypes.h>
#include <stdio.h>

/* The path of a segment's file, into LOG_PATH_MAX bytes: the folder's path is at most that less 32. */
static inline void log_segment_path(char *path, const char *folder, uint64_t number) {
    snprintf(path, LOG_PATH_MAX, "%.4000s/%016" PRIx64 ".nl", folder, number);
}

/* Takes over an open segment as the newest. -ENOMEM. */
int node_log_add_segment(NodeLog *log, LogSegment segment) MUST_CHECK;
/* A record that was read at the start becomes the last one of the log. -ENOMEM. */
int node_log_note_record(NodeLog *log, const Record *record, uint64_t segment, uint64_t offset) MUST_CHECK;
