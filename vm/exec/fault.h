/* SPDX-License-Identifier: MIT */
/*
 * Fault: what went wrong in a program, and where: one line, and the calls
 * that were open, innermost first. At most FAULT_TRACE_MAX of them are kept:
 * the innermost, and the outermost few.
 */
#pragma once

#include "vm/base/buffer.h"

typedef struct Strand Strand;

enum {
    FAULT_MESSAGE_MAX = 512,
    FAULT_TRACE_MAX = 24,
    FAULT_TRACE_OUTER = 4,
};

typedef struct FaultCall {
    const char *word; /* lives as long as the program */
    const char *file;
    uint32_t line;
    bool in_quotation;
} FaultCall;

typedef struct Fault {
    char message[FAULT_MESSAGE_MAX]; /* "i.+: expected Int, got String" */
    FaultCall calls[FAULT_TRACE_MAX];
    uint32_t call_count;
    uint64_t skipped_count; /* calls left out before the outermost FAULT_TRACE_OUTER */
} Fault;

/* Fills in the calls from the frames of a strand that stopped. */
void fault_trace(Fault *fault, const Strand *strand);
/* The text for people, several lines. */
void fault_print(Buffer *out, const Fault *fault);
