/* SPDX-License-Identifier: MIT */
/*
 * Memory refused at every allocation, once and from then on: while the VM
 * starts, while a program is compiled, while it runs. Each time there is an
 * error that says so, everything goes back to the allocator, and nothing else
 * happens. Of a program in tests/oom/wrong the errors are collected and printed.
 *
 *   oom FILE...                      every k of each program
 *   oom --at K [--for-ever] FILE     one of them
 *
 * COUNT_PERCENT below 100 looks at a part of the ks, spread evenly.
 */
#include "tests/unit/refusing.h"
#include "vm/embed/vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FUEL = 50000000, TRIES_MAX = 4000 }; /* of one program and mode: a larger program is sampled */

typedef enum Outcome { RAN, WRONG, REFUSED_INIT, REFUSED_CHECK, REFUSED_LOAD, REFUSED_RUN } Outcome;

typedef struct Attempt {
    Refusing refusing;
    Outcome outcome;
    const char *wrong; /* what should not be; NULL: nothing */
} Attempt;

static void drop_output(void *context, const char *bytes, size_t size) {
    (void)context;
    (void)bytes;
    (void)size;
}

static void print_errors(Mem *mem, DiagList *diags) {
    Buffer out;
    buffer_init(&out, mem);
    diag_list_print(&out, diags, false);
    buffer_deinit(&out);
}

static Outcome run_program(Attempt *attempt, Vm *vm, Compilation *compilation, const char *path) {
    Source source;
    int r = vm_read_source(vm, compilation, path, &source);
    if (r)
        return REFUSED_CHECK;
    r = vm_check(vm, compilation, &source, true);
    if (r > 0) {
        print_errors(&vm->heap.mem, &compilation->diags);
        return WRONG;
    }
    if (r)
        return REFUSED_CHECK;
    r = vm_load(vm, compilation);
    if (r)
        return REFUSED_LOAD;
    VmResult result = vm_run(vm, compilation->resolved.main);
    if (result.end == SCHEDULER_IDLE || result.end == SCHEDULER_EXIT)
        return RAN;
    if (!strstr(vm->scheduler.fault.message, "out of memory"))
        attempt->wrong = "a fault that is none of memory";
    return REFUSED_RUN;
}

static bool is_wrong(const char *path) {
    return strstr(path, "/wrong/");
}

static Attempt attempt(const char *path, uint64_t first, bool for_ever) {
    static const char *const arguments[] = {"program"};
    Attempt attempt = {.refusing = {.first = first, .for_ever = for_ever}};
    VmOptions options = {
        .allocator = refusing_allocator(&attempt.refusing),
        .arguments = arguments,
        .argument_count = 1,
        .write = drop_output,
        .input = -1,
        .fuel = FUEL,
    };
    Vm *vm = malloc(sizeof *vm);
    if (vm_init(vm, &options)) {
        attempt.outcome = REFUSED_INIT;
    } else {
        Compilation compilation;
        compilation_init(&compilation, &vm->heap.mem);
        attempt.outcome = run_program(&attempt, vm, &compilation, path);
        compilation_deinit(&compilation);
        vm_deinit(vm);
    }
    free(vm);
    if ((attempt.outcome == WRONG) != is_wrong(path) && (attempt.outcome == WRONG || attempt.outcome == RAN))
        attempt.wrong = is_wrong(path) ? "its errors were not seen" : "the compiler refused it, as if it were wrong";
    if (attempt.refusing.out_bytes || attempt.refusing.out_count)
        attempt.wrong = "memory was not given back";
    return attempt;
}

/* --- all ks, in children, so that one that crashes is named --- */

typedef struct Shared {
    uint64_t at, passed, failed;
} Shared;

static Shared *shared;

static void fail(const char *path, uint64_t at, bool for_ever, const char *what) {
    shared->failed++;
    printf("FAILED %s, allocation %llu%s: %s\n  replay: oom --at %llu%s %s\n", path, (unsigned long long)at, for_ever ? " and all later ones" : "",
           what, (unsigned long long)at, for_ever ? " --for-ever" : "", path);
    fflush(stdout);
}

static void try_one(const char *path, uint64_t at, bool for_ever) {
    shared->at = at;
    Attempt tried = attempt(path, at, for_ever);
    if (tried.wrong)
        fail(path, at, for_ever, tried.wrong);
    else
        shared->passed++;
}

static void try_all(const char *path, bool for_ever, uint64_t step, uint64_t last) {
    uint64_t first = 1;
    while (first <= last) {
        shared->at = first;
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            for (uint64_t at = first; at <= last; at += step)
                try_one(path, at, for_ever);
            fflush(stdout);
            _exit(0);
        }
        int status;
        if (child < 0 || waitpid(child, &status, 0) < 0)
            exit(2);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            return;
        fail(path, shared->at, for_ever, "it crashed");
        first = shared->at + step;
    }
}

static void try_program(const char *path, int percent) {
    Attempt whole = attempt(path, 0, false);
    if (whole.outcome != (is_wrong(path) ? WRONG : RAN)) {
        fail(path, 0, false, "even with all memory it does not end as it should");
        return;
    }
    uint64_t last = whole.refusing.asked, step = 1;
    while (last / step * 100 > (uint64_t)TRIES_MAX * (uint64_t)percent)
        step++;
    printf("%s: %llu allocations, each %llu.\n", path, (unsigned long long)last, (unsigned long long)step);
    try_all(path, false, step, last);
    try_all(path, true, step, last);
}

int main(int count, char **arguments) {
    uint64_t at = 0;
    bool for_ever = false;
    const char *percent = getenv("COUNT_PERCENT");
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 2;
    for (int index = 1; index < count; index++) {
        if (strcmp(arguments[index], "--at") == 0 && index + 1 < count)
            at = strtoull(arguments[++index], NULL, 10);
        else if (strcmp(arguments[index], "--for-ever") == 0)
            for_ever = true;
        else if (at)
            try_one(arguments[index], at, for_ever);
        else
            try_program(arguments[index], percent && atoi(percent) > 0 ? atoi(percent) : 100);
    }
    printf("%llu passed, %llu failed\n", (unsigned long long)shared->passed, (unsigned long long)shared->failed);
    return shared->failed != 0;
}
