/* SPDX-License-Identifier: MIT */
/*
 * The interpreter loop: runs one strand until it ends, waits, faults, or has
 * spent its budget. There is no other way code runs.
 */
#pragma once

#include "vm/exec/strand.h"

typedef enum InterpEnd {
    INTERP_FINISHED,
    INTERP_PARKED,
    INTERP_PREEMPTED,
    INTERP_FAULTED, /* message and trace are in scheduler->fault */
    INTERP_EXIT,
} InterpEnd;

/* Spends from `*budget` at each call and backward jump. */
InterpEnd interp_run(Strand *strand, int64_t *budget);

/* What threaded code is made of: handler addresses by opcode, fused ones (fused.h) behind the others. */
const void *const *interp_handlers(void);
/* The runtime's own code: where quotations called by a word return to, and where a strand ends. */
const Code *interp_step_code(void);
const Code *interp_finish_code(void);
