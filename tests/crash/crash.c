/* SPDX-License-Identifier: MIT */
/*
 * A store on a disk that fails. Whatever happens to it, a store that is opened
 * afterwards opens, and holds what model.h says.
 *
 *   crash                    all of what follows
 *   crash --points           each workload below ends at each call of the disk, once for each variant of damage
 *   crash --nested           the same before each sync, and the recovery from it ends before each sync of its own
 *   crash --errors           at each call of each workload the disk reports an error, once and for ever
 *   crash --full             each workload on disks of each size
 *   crash --seeds [N]        N random workloads, faults and crashes, also crashes in the recovery from one
 *   crash --mutants [N]      a journal that leaves something out is caught within N seeds: a test of the seeds
 *
 *   crash --first SEED       where --seeds and --mutants begin
 *   crash --seed SEED        one of them; it tells what it does
 *   crash --workload TEXT    another workload in place of those below (see workload.h)
 *   crash --at K             these at this call (or sync, or size) only; the disk is shown when something is wrong
 *
 * COUNT_PERCENT below 100 tries a part of the seeds, and of the calls.
 *
 * Trials run in child processes, so that one that crashes is named.
 */
#include "tests/crash/mutant.h"
#include "tests/crash/workload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    SEEDS = 100000,
    MUTANT_SEEDS = 40000, /* most need less than 200; the rarest, what a failed sync left in memory, some 5,000 */
    BATCH = 500,          /* seeds in one child */
    SECONDS_MAX = 300,    /* for one child */
    SHOWN_MAX = 10,       /* failures that are told; the others are counted */
    CRASHES_MAX = 10,     /* of one workload, which may well crash whatever the disk does */
    TEXT_SIZE = 64,
    ROOM_STEP = 4096,
    SYNCS = 15, /* so many there are in a recovery, about */
};

static const char *const workloads[] = {
    "1w2w3w",                     /* one after the other */
    "12f34f5w1f2f3w",             /* in groups */
    "A1BfmC2wmmf3wDw",            /* with messages that wait */
    "+1w+2w+3w+1w+2w+3w",         /* over several segments */
    "-1w-2f1w",                   /* records larger than a segment */
    "12wk3wk1wA",                 /* checkpoints, */
    "1wk2wk3wk4wk5wk1wk",         /* until runs of the index are merged, */
    "+1+2p+3p+4p+5p+1p+2p+3p+4p", /* and by themselves */
    "12wr3wrA1f",                 /* closed and opened */
    "1A2wx3BwxC",                 /* ended and opened */
    "A1ftpfBt2pwo3v",             /* with time going by */
    "1mfk2mkvr1wo1+1f",           /* a bit of each */
};
enum { WORKLOAD_COUNT = sizeof workloads / sizeof *workloads };

/* With the children. */
typedef struct Shared {
    uint64_t at; /* what is being tried: for who finds that the child is gone */
    uint64_t states, failed, shown;
} Shared;

typedef struct Options {
    uint64_t seeds, first, at;
    bool points, nested, errors, full, random, mutants;
    const char *workload;
    uint64_t seed;
    bool has_seed;
} Options;

static Shared *shared;
static Mem mem;

/* --- reports --- */

typedef struct Trial {
    const char *mode;
    const char *text;
    uint64_t at; /* the call, the seed, or the size */
    int detail;  /* the variant, or the errno */
} Trial;

static void fail(const Trial *trial, const char *what, const Disk *disk) {
    shared->failed++;
    if (shared->shown++ >= SHOWN_MAX)
        return;
    printf("FAILED: %s\n", what);
    if (trial->text)
        printf("  replay: crash --%s --workload '%s' --at %llu   (variant or error %d)\n", trial->mode, trial->text,
               (unsigned long long)trial->at, trial->detail);
    else
        printf("  replay: crash --seed %llu\n", (unsigned long long)trial->at);
    if (disk)
        disk_dump(disk, stdout);
    fflush(stdout);
}

/* --- what must hold after an end --- */

/*
 * Opens the store after a crash or the end of a process and compares; then all
 * it has found must survive another crash, and so must what is appended.
 */
static const char *check_reopening(Session *session) {
    session->wrong = NULL;
    for (int round = 0; round < 2; round++) {
        int r = session_run(session, round == 0 ? "A2w" : "1r");
        if (r < 0 && !session->wrong)
            return strerror(-r);
        session_abandon(session);
        if (session->wrong)
            return session->wrong;
        disk_crash(session->disk, DISK_LOSE_ALL);
    }
    return mem.live_count ? "memory was not given back" : NULL;
}

/*
 * The same with copies of disk and model, so that it can be done again. The
 * trial's detail is the seed of the crash, or DISK_VARIANT_COUNT: only the
 * process ended, and the next one sees what was not yet on the disk.
 */
static void check_variant(const Trial *trial, const Disk *disk, const Model *model, bool shows) {
    Model copy = *model;
    Session session;
    Disk *clone = disk_clone(disk);
    session_init(&session, clone, &mem, &copy, trial->at);
    if (trial->detail == DISK_VARIANT_COUNT)
        disk_kill(clone);
    else
        disk_crash(clone, (uint64_t)trial->detail);
    Disk *found = shows ? disk_clone(clone) : NULL;
    const char *what = check_reopening(&session);
    shared->states++;
    if (what)
        fail(trial, what, found);
    disk_free(found);
    disk_free(clone);
}

/* --- points --- */

/* False when the workload ended before that call. */
static bool try_point(const char *text, uint64_t at, bool shows) {
    Model model = {0};
    Session session;
    Disk *disk = disk_new();
    session_init(&session, disk, &mem, &model, at);
    disk_stop_at(disk, DISK_ANY, at);
    int r = session_run(&session, text);
    bool has_stopped = disk_has_stopped(disk);
    session_abandon(&session);
    Trial trial = {"points", text, at, -1};
    if (session.wrong || (r < 0 && !has_stopped))
        fail(&trial, session.wrong ? session.wrong : strerror(-r), NULL);
    for (trial.detail = 0; trial.detail <= DISK_VARIANT_COUNT; trial.detail++)
        check_variant(&trial, disk, &model, shows);
    disk_free(disk);
    return has_stopped;
}

/* --- nested --- */

/* A sync of a file or of a folder: before it the most is pending. */
static const DiskCall sync_calls[] = {DISK_SYNC, DISK_SYNC_FOLDER};

/* False when the recovery was over before that sync. */
static bool try_recovery(const Trial *outer, const Disk *disk, const Model *model, DiskCall call, uint64_t at,
                         bool shows) {
    static const int variants[] = {DISK_LOSE_ALL, DISK_NAMES_ONLY, DISK_RANDOM, DISK_VARIANT_COUNT};
    Model copy = *model;
    Session session;
    Disk *clone = disk_clone(disk);
    session_init(&session, clone, &mem, &copy, at);
    disk_stop_at(clone, call, at);
    int r = session_open(&session);
    bool has_stopped = disk_has_stopped(clone);
    session_abandon(&session);
    Trial trial = *outer;
    if (session.wrong || (r < 0 && !has_stopped))
        fail(&trial, session.wrong ? session.wrong : strerror(-r), NULL);
    for (int index = 0; index < 4; index++) {
        trial.detail = variants[index];
        check_variant(&trial, clone, &copy, shows);
    }
    disk_free(clone);
    return has_stopped;
}

static bool try_nested_at(const char *text, DiskCall call, uint64_t at, bool shows) {
    Model model = {0};
    Session session;
    Disk *disk = disk_new();
    session_init(&session, disk, &mem, &model, at);
    disk_stop_at(disk, call, at);
    if (session_run(&session, text) < 0 && !disk_has_stopped(disk))
        session.wrong = "it fails though the disk does not";
    bool has_stopped = disk_has_stopped(disk);
    session_abandon(&session);
    Trial trial = {"nested", text, at, -1};
    if (session.wrong)
        fail(&trial, session.wrong, NULL);
    for (int crashes = 0; crashes < 2; crashes++) {
        Disk *clone = disk_clone(disk);
        if (crashes)
            disk_crash(clone, DISK_RANDOM + at);
        for (int kind = 0; kind < 2; kind++) {
            uint64_t inner = 1;
            while (try_recovery(&trial, clone, &model, sync_calls[kind], inner, shows))
                inner++;
        }
        disk_free(clone);
    }
    disk_free(disk);
    return has_stopped;
}

static bool try_nested(const char *text, uint64_t at, bool shows) {
    bool has_stopped = false;
    for (int kind = 0; kind < 2; kind++)
        has_stopped = try_nested_at(text, sync_calls[kind], at, shows) || has_stopped;
    return has_stopped;
}

/* --- errors --- */

static const int errors[] = {-EIO, -ENOSPC, -EDQUOT, -EFBIG, -EROFS, -EMFILE, -ENOMEM};
enum { ERROR_COUNT = sizeof errors / sizeof *errors };

static bool is_about_room(int error) {
    return error == -ENOSPC || error == -EDQUOT || error == -EFBIG;
}

static bool try_error(const char *text, uint64_t at, int error, bool for_ever, bool shows) {
    Model model = {0};
    Session session;
    Disk *disk = disk_new();
    session_init(&session, disk, &mem, &model, at);
    session.may_be_full = is_about_room(error);
    disk_fail(disk, (DiskFault){.call = DISK_ANY, .number = at, .for_ever = for_ever, .error = error, .seed = at % 3});
    int r = session_run(&session, text);
    bool has_failed = disk_counts(disk)->fault_count > 0;
    session_abandon(&session);
    Trial trial = {"errors", text, at, error};
    if (session.wrong)
        fail(&trial, session.wrong, NULL);
    else if (r < 0 && (!has_failed || (r != error && r != -ECANCELED)) && !(session.may_be_full && r == -ENOSPC))
        fail(&trial, "a failure that is not the disk's", NULL);
    static const int variants[] = {DISK_LOSE_ALL, DISK_KEEP_ALL, DISK_VARIANT_COUNT};
    for (int index = 0; index < 3; index++) {
        trial.detail = variants[index];
        check_variant(&trial, disk, &model, shows);
    }
    disk_free(disk);
    return has_failed;
}

static bool try_errors(const char *text, uint64_t at, bool shows) {
    bool has_failed = false;
    for (int index = 0; index < 2 * ERROR_COUNT; index++)
        has_failed = try_error(text, at, errors[index / 2], index % 2, shows) || has_failed;
    return has_failed;
}

/* --- full disks --- */

/* Nothing is lost by a full disk, and when there is room again the store goes on by itself. False: all had room. */
static bool try_room(const char *text, uint64_t at, bool shows) {
    Model model = {0};
    Session session;
    Disk *disk = disk_new();
    session_init(&session, disk, &mem, &model, at);
    session.may_be_full = true;
    disk_set_room(disk, at * ROOM_STEP);
    int r = session_run(&session, text);
    bool was_full = session.wrong || r < 0 || disk_room_used(disk) + 8 * ROOM_STEP > at * ROOM_STEP;
    Trial trial = {"full", text, at, 0};
    if (session.store && !session.wrong && r < 0)
        fail(&trial, "a disk that is full is taken for one that fails", shows ? disk : NULL);
    disk_set_room(disk, UINT64_MAX);
    session.may_be_full = false;
    session.scripted.monotonic_ns += (int64_t)2 * 1000000000;
    if (session.store && !session.wrong && r == 0 && session_run(&session, "v1wkv") < 0)
        fail(&trial, "there is room again, and the store does not go on", shows ? disk : NULL);
    session_abandon(&session);
    if (session.wrong)
        fail(&trial, session.wrong, NULL);
    static const int variants[] = {DISK_LOSE_ALL, DISK_KEEP_ALL, DISK_VARIANT_COUNT};
    for (int index = 0; index < 3; index++) {
        trial.detail = variants[index];
        check_variant(&trial, disk, &model, shows);
    }
    disk_free(disk);
    return was_full;
}

/* --- seeds --- */

/* What a random trial has in hand. */
typedef struct RandomTrial {
    Random random;
    Session session;
    Model model;
    Disk *disk;
    Mutant mutant;
    bool tells;
} RandomTrial;

FORMAT(2, 3) static void tell(const RandomTrial *trial, const char *format, ...) {
    if (!trial->tells)
        return;
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    fflush(stdout);
}

/* A number of calls: small ones are as likely as large ones. */
static uint64_t some_calls(RandomTrial *trial) {
    return 1 + random_below(&trial->random, (uint64_t)2 << random_below(&trial->random, 9));
}

static uint64_t some_number(RandomTrial *trial, DiskCall call) {
    return call == DISK_ANY ? some_calls(trial) : 1 + random_below(&trial->random, SYNCS);
}

static void set_stop(RandomTrial *trial, DiskCall call) {
    uint64_t number = some_number(trial, call);
    disk_stop_at(trial->disk, call, number);
    tell(trial, "  it is to stop at call %llu of kind %d\n", (unsigned long long)number, call);
}

static void set_fault(RandomTrial *trial, DiskCall call) {
    DiskFault fault = {
        .call = call,
        .number = some_number(trial, call),
        .for_ever = random_chance(&trial->random, 30),
        .error = errors[random_below(&trial->random, ERROR_COUNT)],
        .seed = random_below(&trial->random, 3),
    };
    trial->session.may_be_full = is_about_room(fault.error);
    disk_fail(trial->disk, fault);
    tell(trial, "  call %llu of kind %d is to fail%s: %s\n", (unsigned long long)fault.number, fault.call,
         fault.for_ever ? " and all after it" : "", strerror(-fault.error));
}

static void set_something(RandomTrial *trial) {
    static const DiskCall stops[] = {DISK_ANY, DISK_SYNC, DISK_SYNC, DISK_SYNC_FOLDER};
    static const DiskCall faults[] = {DISK_SYNC, DISK_SYNC, DISK_SYNC_FOLDER, DISK_WRITE, DISK_ANY};
    uint64_t choice = random_below(&trial->random, 100);
    if (choice < 60)
        set_stop(trial, stops[random_below(&trial->random, 4)]);
    else if (choice < 85)
        set_fault(trial, faults[random_below(&trial->random, 5)]);
}

/* Ends that are not orderly. */
static void end_process(RandomTrial *trial) {
    session_abandon(&trial->session);
    trial->session.may_be_full = false;
    shared->states++;
    disk_kill(trial->disk);
    disk_reset_counts(trial->disk);
    tell(trial, "  the process ends\n");
}

static void end_power(RandomTrial *trial) {
    session_abandon(&trial->session);
    trial->session.may_be_full = false;
    shared->states++;
    bool is_plain = random_chance(&trial->random, 30);
    uint64_t seed = is_plain ? random_below(&trial->random, DISK_RANDOM) : random_next(&trial->random);
    tell(trial, "  the power goes: %s, %llu of %llu changes\n", disk_variant_name(seed), (unsigned long long)seed,
         (unsigned long long)disk_pending_count(trial->disk));
    disk_crash(trial->disk, seed);
    disk_reset_counts(trial->disk);
}

static void end_somehow(RandomTrial *trial) {
    if (random_chance(&trial->random, 30))
        end_process(trial);
    else
        end_power(trial);
}

/* What it said, unless it was made to fail. */
static const char *result_of(const RandomTrial *trial, int r) {
    if (trial->session.wrong)
        return trial->session.wrong;
    bool was_made_to = disk_has_stopped(trial->disk) || disk_counts(trial->disk)->fault_count > 0;
    return r < 0 && !was_made_to ? strerror(-r) : NULL;
}

static const char *run_random(RandomTrial *trial) {
    char text[TEXT_SIZE];
    workload_generate(&trial->random, text, sizeof text);
    tell(trial, "workload '%s'\n", text);
    const char *what = result_of(trial, session_run(&trial->session, text));
    tell(trial, "  appended %u, acknowledged %u\n", trial->model.count, trial->model.durable_count);
    return what;
}

static const char *recover(RandomTrial *trial) {
    tell(trial, "recovery\n");
    return result_of(trial, session_run(&trial->session, ""));
}

/* Anything, and then recoveries that end in the middle, or before their result was used. */
static const char *run_phase(RandomTrial *trial) {
    set_something(trial);
    const char *what = run_random(trial);
    end_somehow(trial);
    for (uint64_t nested = random_below(&trial->random, 4); nested > 0 && !what; nested--) {
        set_something(trial);
        what = recover(trial);
        end_somehow(trial);
    }
    return what;
}

/* What a failed sync has left in memory is found by the next process; until, in its recovery, the power goes. */
static const char *run_phase_with_ghosts(RandomTrial *trial) {
    const char *what = recover(trial);
    if (what)
        return what;
    set_fault(trial, DISK_SYNC); /* of those that the workload makes, not of opening */
    what = run_random(trial);
    end_process(trial);
    if (what)
        return what;
    set_stop(trial, sync_calls[random_below(&trial->random, 2)]);
    what = recover(trial);
    end_power(trial);
    return what;
}

static const char *run_phases(RandomTrial *trial) {
    const char *what = NULL;
    for (uint64_t phases = 1 + random_below(&trial->random, 3); phases > 0 && !what; phases--)
        what = random_chance(&trial->random, 20) ? run_phase_with_ghosts(trial) : run_phase(trial);
    tell(trial, "the last recovery\n");
    return what ? what : check_reopening(&trial->session);
}

static void set_sizes(RandomTrial *trial) {
    StoreOptions *options = &trial->session.options;
    options->segment_size_max = random_chance(&trial->random, 50) ? 4096 : 16384;
    options->snapshot_records = 1 + random_below(&trial->random, 3);
    options->checkpoint_size = random_chance(&trial->random, 50) ? 4096 : 16384;
    if (random_chance(&trial->random, 20))
        disk_set_short(trial->disk, 1 + random_next(&trial->random) / 2);
}

/* NULL, or what is wrong. */
static const char *try_seed(uint64_t seed, const MutantKind *kind, bool tells) {
    RandomTrial trial = {.random = {seed}, .disk = disk_new(), .tells = tells};
    random_next(&trial.random);
    session_init(&trial.session, trial.disk, &mem, &trial.model, seed);
    if (kind)
        trial.session.io = mutant_init(&trial.mutant, kind, trial.disk);
    set_sizes(&trial);
    const char *what = run_phases(&trial);
    if (what && tells)
        disk_dump(trial.disk, stdout);
    session_abandon(&trial.session);
    disk_free(trial.disk);
    return what;
}

/* --- children --- */

static bool child_ended_well(pid_t child) {
    int status;
    if (child < 0 || waitpid(child, &status, 0) < 0) {
        perror("crash");
        exit(2);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static pid_t fork_child(void) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        alarm(SECONDS_MAX);
    return child;
}

static _Noreturn void end_child(void) {
    fflush(stdout);
    _exit(0);
}

typedef bool TryFunction(const char *text, uint64_t at, bool shows);

/* Each `step`th call from the first until one that the workload does not reach. */
static void try_workload(const char *mode, TryFunction *try, const char *text, uint64_t step) {
    uint64_t first = 1;
    for (int crashes = 0; crashes < CRASHES_MAX; crashes++) {
        shared->at = first;
        pid_t child = fork_child();
        if (child == 0) {
            while (try(text, shared->at, false))
                shared->at += step;
            end_child();
        }
        if (child_ended_well(child))
            return;
        Trial trial = {mode, text, shared->at, -1};
        fail(&trial, "it crashes, or takes too long", NULL);
        first = shared->at + step;
    }
}

static void try_seeds(uint64_t first, uint64_t last) {
    while (first < last) {
        shared->at = first;
        pid_t child = fork_child();
        if (child == 0) {
            for (; shared->at < last; shared->at++) {
                const char *what = try_seed(shared->at, NULL, false);
                Trial trial = {.at = shared->at};
                if (what)
                    fail(&trial, what, NULL);
            }
            end_child();
        }
        if (child_ended_well(child))
            return;
        Trial trial = {.at = shared->at};
        fail(&trial, "it crashes, or takes too long", NULL);
        first = shared->at + 1;
    }
}

/* The seeds it takes to notice the mutant, by a crash too; more than `count`: it was not noticed. */
static uint64_t seeds_until_caught(const MutantKind *kind, uint64_t first, uint64_t count) {
    shared->at = first;
    pid_t child = fork_child();
    if (child == 0) {
        FILE *silent = freopen("/dev/null", "w", stderr); /* what check() says is what is looked for */
        check(silent != NULL);
        while (shared->at < first + count && !try_seed(shared->at, kind, false))
            shared->at++;
        end_child();
    }
    (void)child_ended_well(child);
    return shared->at - first + 1;
}

/* --- modes --- */

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void say_figures(const char *mode, uint64_t states_before, double began) {
    printf("%s: %llu states, %.1f s\n", mode, (unsigned long long)(shared->states - states_before), seconds() - began);
    fflush(stdout);
}

static uint64_t part(uint64_t count) {
    const char *percent = getenv("COUNT_PERCENT");
    uint64_t whole = percent && atoi(percent) > 0 ? count * (uint64_t)atoi(percent) / 100 : count;
    return whole > 0 ? whole : 1;
}

static void run_workloads(const char *mode, TryFunction *try, const Options *options) {
    double began = seconds();
    uint64_t states = shared->states;
    for (int index = 0; index < (options->workload ? 1 : WORKLOAD_COUNT); index++) {
        const char *text = options->workload ? options->workload : workloads[index];
        if (options->at)
            try(text, options->at, true);
        else
            try_workload(mode, try, text, 100 / part(100));
    }
    say_figures(mode, states, began);
}

static void run_seeds(const Options *options) {
    double began = seconds();
    uint64_t states = shared->states, last = options->first + part(options->seeds ? options->seeds : SEEDS);
    for (uint64_t first = options->first; first < last; first += BATCH)
        try_seeds(first, first + BATCH < last ? first + BATCH : last);
    say_figures("seeds", states, began);
}

static void run_mutants(const Options *options) {
    double began = seconds();
    uint64_t states = shared->states, count = options->seeds ? options->seeds : MUTANT_SEEDS;
    for (uint32_t index = 0; index < mutant_count; index++) {
        const MutantKind *kind = &mutant_kinds[index];
        uint64_t most = kind->harmless ? count / 10 : count;
        uint64_t needed = seeds_until_caught(kind, options->first, most);
        if (needed <= most)
            printf("  %-52s caught after %llu seeds\n", kind->name, (unsigned long long)needed);
        else
            printf("  %-52s %s\n", kind->name, kind->harmless ? kind->harmless : "NOT CAUGHT");
        shared->failed += needed > most && !kind->harmless;
        shared->states++;
        fflush(stdout);
    }
    say_figures("mutants", states, began);
}

static int run_one_seed(uint64_t seed) {
    const char *what = try_seed(seed, NULL, true);
    printf("%s\n", what ? what : "all is as it must be");
    return what != NULL;
}

/* False when there is something that is no option. */
static bool read_options(int count, char **arguments, Options *options) {
    for (int index = 1; index < count; index++) {
        const char *option = arguments[index], *value = index + 1 < count ? arguments[index + 1] : "";
        bool has_number = *value >= '0' && *value <= '9';
        uint64_t number = has_number ? strtoull(value, NULL, 10) : 0;
        bool takes = true, is_mode = true;
        if (strcmp(option, "--points") == 0)
            options->points = true, takes = false;
        else if (strcmp(option, "--nested") == 0)
            options->nested = true, takes = false;
        else if (strcmp(option, "--errors") == 0)
            options->errors = true, takes = false;
        else if (strcmp(option, "--full") == 0)
            options->full = true, takes = false;
        else if (strcmp(option, "--seeds") == 0)
            options->random = true, options->seeds = number, takes = has_number;
        else if (strcmp(option, "--mutants") == 0)
            options->mutants = true, options->seeds = number, takes = has_number;
        else
            is_mode = false;
        if (!is_mode && strcmp(option, "--first") == 0)
            options->first = number;
        else if (!is_mode && strcmp(option, "--seed") == 0)
            options->seed = number, options->has_seed = true;
        else if (!is_mode && strcmp(option, "--at") == 0)
            options->at = number;
        else if (!is_mode && strcmp(option, "--workload") == 0)
            options->workload = value;
        else if (!is_mode)
            return fprintf(stderr, "crash: what is %s?\n", option), false;
        index += takes;
    }
    return true;
}

int main(int count, char **arguments) {
    Options options = {.first = 1};
    if (!read_options(count, arguments, &options))
        return 2;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED || mem_init(&mem, allocator_default(), SIZE_MAX))
        return 2;
    if (options.has_seed)
        return run_one_seed(options.seed);

    bool all =
        !options.points && !options.nested && !options.errors && !options.full && !options.random && !options.mutants;
    if (all || options.points)
        run_workloads("points", try_point, &options);
    if (all || options.nested)
        run_workloads("nested", try_nested, &options);
    if (all || options.errors)
        run_workloads("errors", try_errors, &options);
    if (all || options.full)
        run_workloads("full", try_room, &options);
    if (all || options.random)
        run_seeds(&options);
    if (all || options.mutants)
        run_mutants(&options);
    mem_deinit(&mem);
    printf("%llu passed, %llu failed\n", (unsigned long long)shared->states, (unsigned long long)shared->failed);
    return shared->failed != 0;
}
