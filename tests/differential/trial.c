/* SPDX-License-Identifier: MIT */
#include "tests/differential/trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FUEL = 200000, MEMORY = 256 << 20, OUTPUT_MAX = 1 << 20 };

static void keep_output(void *context, const char *bytes, size_t size) {
    Trial *trial = context;
    if (trial->output_size + size > OUTPUT_MAX)
        return;
    if (trial->output_size + size >= trial->output_room) {
        trial->output_room = 2 * (trial->output_size + size) + 64;
        trial->output = realloc(trial->output, trial->output_room);
    }
    memcpy(trial->output + trial->output_size, bytes, size);
    trial->output_size += size;
}

static bool ran_out(const Trial *trial) {
    return strstr(trial->message, "out of fuel") || strstr(trial->message, "out of memory") ||
           strstr(trial->message, "too deep") || strstr(trial->message, "too long");
}

static void run_vm(Trial *trial, Vm *vm, Compilation *compilation, TrialLook *look, void *context) {
    int r = vm_load(vm, compilation);
    check(r == 0);
    VmResult result = vm_run(vm, compilation->resolved.main);
    trial->end = result.end;
    trial->status = result.status;
    if (result.end == SCHEDULER_FAULT || result.end == SCHEDULER_DEADLOCK)
        snprintf(trial->message, sizeof trial->message, "%s", vm->scheduler.fault.message);
    trial->out_of_fuel = ran_out(trial);
    if (look)
        look(&vm->program, context);
}

void trial_run(Trial *trial, const char *text, size_t size, bool with_reference, TrialLook *look, void *context) {
    static const char *const arguments[] = {"program"};
    *trial = (Trial){0};
    VmOptions options = {
        .allocator = allocator_default(),
        .memory_limit = MEMORY,
        .arguments = arguments,
        .argument_count = 1,
        .write = keep_output,
        .write_context = trial,
        .input = -1,
        .fuel = FUEL,
    };
    Vm vm;
    int r = vm_init(&vm, &options);
    check(r == 0);
    Compilation compilation;
    compilation_init(&compilation, &vm.heap.mem);
    char *copy = malloc(size + 1); /* of exactly its size, for sanitizers */
    memcpy(copy, text, size);
    copy[size] = 0;
    Source source = {.name = "program", .text = copy, .size = size};
    r = vm_check(&vm, &compilation, &source, true);
    check(r >= 0);
    trial->refused = r != 0;
    if (trial->refused) {
        const Diag *first = compilation.diags.first;
        snprintf(trial->diagnostic, sizeof trial->diagnostic, "%s", first ? first->message : "no message");
        check(first); /* a refusal says why */
    } else {
        run_vm(trial, &vm, &compilation, look, context);
        if (with_reference)
            trial->reference = reference_run(&compilation, 20 * FUEL);
    }
    compilation_deinit(&compilation);
    vm_deinit(&vm); /* checks that nothing is left */
    free(copy);
}

void trial_free(Trial *trial) {
    free(trial->output);
    free(trial->reference.output);
}
