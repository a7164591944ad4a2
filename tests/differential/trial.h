/* SPDX-License-Identifier: MIT */
/* One program in a VM of its own and in the reference interpreter, in this process. */
#pragma once

#include "tests/reference/reference.h"
#include "vm/embed/vm.h"

typedef struct Trial {
    bool refused;             /* by the checker */
    char diagnostic[512];     /* its first message */
    SchedulerEnd end;
    bool out_of_fuel;         /* or of memory: nothing can be compared */
    char message[512];        /* of a fault */
    int64_t status;
    char *output;
    size_t output_size, output_room;
    ReferenceResult reference; /* when it was asked for */
} Trial;

/* Called with the program's code when it has run: to see what was reached. */
typedef void TrialLook(const Program *program, void *context);

void trial_run(Trial *trial, const char *text, size_t size, bool with_reference, TrialLook *look, void *context);
void trial_free(Trial *trial);
