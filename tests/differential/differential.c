/* SPDX-License-Identifier: MIT */
/*
 * Random programs in the VM and in the reference interpreter.
 *
 *   differential [--loose] [--count N] [--first SEED]   N programs from SEED on
 *   differential [--loose] --seed N [--show]            one program; --show prints it first
 *   differential --file FILE                            a program of yours
 *
 * Typed programs must print the same and end the same. In loose ones the VM
 * may trap where the reference goes on, because it looks earlier, but then
 * what was printed so far is the same; where the reference traps, the VM does
 * too. A refused program counts for nothing, but no more than a part of them may be.
 * One that was only not refused because a `cond` was taken back (spec/types.md,
 * Branches) counts as loose: a quotation with such a `cond` may not reach its inputs.
 *
 * Programs run in child processes, a hundred each, so that one that crashes
 * is named and the others still run.
 *
 * Reached is an instruction that stands in the threaded code of a program that
 * was run; whether control came by is not counted, as that would need code in
 * the interpreter. Typed runs of full size fail if a handler was never reached.
 */
#include "tests/differential/generate.h"
#include "tests/differential/trial.h"
#include "vm/exec/interp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 200, HANDLERS_MAX = 1024, REACH_COUNT = 15000, SECONDS_MAX = 10 };

static const char *const handler_names[] = {
#define OPCODE(name, first, second, pops, pushes, sentence) #name,
#include "vm/exec/opcodes.h"
#define FUSED(name, length, ...) #name,
#include "vm/exec/fused.h"
};
enum { HANDLER_COUNT = sizeof handler_names / sizeof *handler_names };

typedef struct Shared { /* with the children */
    uint64_t seed; /* that runs */
    uint64_t ran, refused, trapped, exhausted, unknown, failed;
    uint64_t reached[HANDLER_COUNT];
} Shared;

static Shared *shared;

/* Handlers that stand in no chunk: the runtime's own, and one that always is the second half of a fused one. */
static bool is_expected(const char *handler) {
    static const char *const never[] = {"STEP", "FINISH", "MATCH_ALL"};
    for (size_t index = 0; index < sizeof never / sizeof *never; index++) {
        if (strcmp(handler, never[index]) == 0)
            return false;
    }
    return true;
}

/* In quotations, the generator writes no `cond` but what can be taken apart: this one was, and then taken back. */
static bool has_cond(const Chunk *chunk) {
    for (uint32_t index = 0; index < chunk->instruction_count; index++) {
        if (chunk->instructions[index].opcode == OP_CALL_FLOOR && strcmp(chunk->places[index].name, "cond") == 0)
            return true;
    }
    return false;
}

static void look(const Program *program, void *context) {
    const void *const *handlers = interp_handlers();
    bool *is_loose = context;
    for (uint32_t number = 0; number < program->chunk_count; number++) {
        const Chunk *chunk = program->chunks[number];
        *is_loose |= chunk->is_quotation && has_cond(chunk);
        for (uint32_t cell = 0; cell < chunk->code_count; cell++) {
            for (int handler = 0; handler < HANDLER_COUNT; handler++)
                shared->reached[handler] += chunk->code[cell].handler == handlers[handler];
        }
    }
}

static const char *end_text(SchedulerEnd end) {
    return end == SCHEDULER_IDLE ? "done" : end == SCHEDULER_DEADLOCK ? "deadlock" : end == SCHEDULER_FAULT ? "trap" : "exit";
}
static const char *reference_text(ReferenceEnd end) {
    static const char *const texts[] = {"done", "trap", "deadlock", "exhausted", "unknown word"};
    return texts[end];
}

static const char *compare(const Trial *trial, bool loose) {
    const ReferenceResult *reference = &trial->reference;
    size_t size = trial->output_size;
    bool stopped = trial->end == SCHEDULER_FAULT;
    if (stopped && !strchr(trial->message, ':'))
        return "the trap does not name its word";
    bool is_prefix = size <= reference->output_size && (size == 0 || memcmp(trial->output, reference->output, size) == 0);
    if (!is_prefix)
        return "the output differs";
    if (stopped && loose)
        return NULL;
    if (strcmp(end_text(trial->end), reference_text(reference->end)) != 0)
        return "the end differs";
    if (size != reference->output_size)
        return "the output is shorter";
    return trial->status == reference->status || stopped ? NULL : "the status differs";
}

static void report(uint64_t seed, bool loose, const char *what, const Trial *trial) {
    printf("FAILED seed %llu%s: %s\n  replay: differential%s --seed %llu --show\n", (unsigned long long)seed, loose ? " (loose)" : "", what,
           loose ? " --loose" : "", (unsigned long long)seed);
    if (!trial)
        return;
    printf("  VM: %s %s\n  reference: %s %s\n", end_text(trial->end), trial->message, reference_text(trial->reference.end),
           trial->reference.message);
    size_t at = 0;
    while (at < trial->output_size && at < trial->reference.output_size && trial->output[at] == trial->reference.output[at])
        at++;
    int left = (int)(trial->output_size - at), other = (int)(trial->reference.output_size - at);
    printf("  same for %zu bytes; then VM: <%.*s> reference: <%.*s>\n", at, left > 80 ? 80 : left, trial->output ? trial->output + at : "",
           other > 80 ? 80 : other, trial->reference.output ? trial->reference.output + at : "");
}

static void run_text(uint64_t seed, bool loose, const char *text, size_t size, bool verbose) {
    Trial trial;
    bool is_loose = loose;
    trial_run(&trial, text, size, true, look, &is_loose);
    if (verbose && !trial.refused) {
        fwrite(trial.output ? trial.output : "", 1, trial.output_size, stdout);
        printf("-- VM: %s %s\n-- reference: %s %s\n", end_text(trial.end), trial.message, reference_text(trial.reference.end),
               trial.reference.message);
    }
    if (trial.refused) {
        shared->refused++;
        if (verbose || getenv("SHOW_REFUSED"))
            printf("refused %llu: %s\n", (unsigned long long)seed, trial.diagnostic);
    } else if (trial.out_of_fuel || trial.reference.end == REFERENCE_EXHAUSTED) {
        shared->exhausted++;
    } else if (trial.reference.end == REFERENCE_UNKNOWN) {
        shared->unknown++;
        if (verbose)
            printf("not in the reference: %s\n", trial.reference.message);
    } else {
        const char *what = compare(&trial, is_loose);
        shared->ran++;
        shared->trapped += trial.end == SCHEDULER_FAULT;
        if (what) {
            shared->failed++;
            report(seed, loose, what, &trial);
        }
    }
    trial_free(&trial);
}

static void run_seed(uint64_t seed, bool loose, bool show) {
    size_t size;
    char *text = generate_program(seed, loose ? GENERATE_LOOSE : GENERATE_TYPED, &size);
    shared->seed = seed;
    if (show)
        fwrite(text, 1, size, stdout);
    fflush(stdout);
    alarm(SECONDS_MAX);
    run_text(seed, loose, text, size, show);
    free(text);
}

/* Seeds from `first` to before `last`, in a child; again behind one that crashed. */
static void run_batch(uint64_t first, uint64_t last, bool loose) {
    while (first < last) {
        shared->seed = first;
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            for (uint64_t seed = first; seed < last; seed++)
                run_seed(seed, loose, false);
            fflush(stdout);
            _exit(0);
        }
        int status;
        if (child < 0 || waitpid(child, &status, 0) < 0) {
            perror("differential");
            exit(2);
        }
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            return;
        shared->failed++;
        report(shared->seed, loose, WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "it takes too long" : "it crashed", NULL);
        first = shared->seed + 1;
    }
}

static int show_file(const char *path) {
    FILE *file = fopen(path, "rb");
    static char text[1 << 20];
    if (!file)
        return 2;
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    run_text(0, true, text, size, true);
    return shared->failed != 0;
}

int main(int count_of_arguments, char **arguments) {
    uint64_t count = 20000, first = 1, seed = 0;
    bool loose = false, show = false;
    const char *file = NULL, *percent = getenv("COUNT_PERCENT");
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 2;
    for (int index = 1; index < count_of_arguments; index++) {
        const char *option = arguments[index], *value = index + 1 < count_of_arguments ? arguments[index + 1] : "0";
        if (strcmp(option, "--loose") == 0)
            loose = true;
        else if (strcmp(option, "--show") == 0)
            show = true;
        else if (strcmp(option, "--count") == 0 && ++index)
            count = strtoull(value, NULL, 10);
        else if (strcmp(option, "--first") == 0 && ++index)
            first = strtoull(value, NULL, 10);
        else if (strcmp(option, "--seed") == 0 && ++index)
            seed = strtoull(value, NULL, 10);
        else if (strcmp(option, "--file") == 0 && ++index)
            file = value;
        else
            return fprintf(stderr, "differential: what is %s?\n", option), 2;
    }
    if (file)
        return show_file(file);
    if (seed) {
        run_seed(seed, loose, show);
        return shared->failed != 0;
    }
    if (percent && atoi(percent) > 0)
        count = count * (uint64_t)atoi(percent) / 100;

    for (uint64_t at = first; at < first + count; at += BATCH)
        run_batch(at, at + BATCH < first + count ? at + BATCH : first + count, loose);

    if (!loose && count >= REACH_COUNT) {
        for (int handler = 0; handler < HANDLER_COUNT; handler++) {
            if (shared->reached[handler] == 0 && is_expected(handler_names[handler])) {
                printf("FAILED: no program reached the instruction %s\n", handler_names[handler]);
                shared->failed++;
            }
        }
    }
    if (shared->refused * 2 > count) {
        printf("FAILED: more than half of the programs were refused\n");
        shared->failed++;
    }
    printf("%llu compared (%llu ended in a trap), %llu refused, %llu too long, %llu with words not in the reference\n",
           (unsigned long long)shared->ran, (unsigned long long)shared->trapped, (unsigned long long)shared->refused,
           (unsigned long long)shared->exhausted, (unsigned long long)shared->unknown);
    printf("%llu passed, %llu failed\n", (unsigned long long)(shared->ran > shared->failed ? shared->ran - shared->failed : 0), (unsigned long long)shared->failed);
    return shared->failed != 0;
}
