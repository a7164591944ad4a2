/* SPDX-License-Identifier: MIT */
/* test: runs the tests of files, says how each went, and at the end why some failed. */
#include "repl/json.h"
#include "repl/report.h"
#include "repl/test_files.h"
#include "repl/test_run.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* All files together. */
typedef struct Totals {
    const Invocation *invocation;
    bool as_json;
    uint32_t passed, failed, skipped, refused, unreadable;
    Buffer failures; /* what is said of them at the end */
    Buffer refusals;
    bool is_file_shown; /* the present file's name was printed */
} Totals;

/* --- as people read it --- */

static void append_indented(Buffer *out, const char *text, const char *indent) {
    while (*text) {
        size_t size = strcspn(text, "\n");
        buffer_append_format(out, "%s%.*s\n", size ? indent : "", (int)size, text);
        text += size + (text[size] == '\n');
    }
}

FORMAT(3, 4) static void say(const Totals *totals, FILE *file, const char *format, ...) {
    CLEANUP(buffer_deinit) Buffer text;
    CLEANUP(buffer_deinit) Buffer shown;
    buffer_init(&text, totals->failures.mem);
    buffer_init(&shown, totals->failures.mem);
    va_list arguments;
    va_start(arguments, format);
    buffer_append_vformat(&text, format, arguments);
    va_end(arguments);
    if (text.size)
        report_append_lines(&shown, text.bytes, text.size);
    if (shown.size)
        fwrite(shown.bytes, 1, shown.size, file);
}

static void show_file(Totals *totals, const char *file) {
    if (!totals->is_file_shown)
        say(totals, stdout, "\nRunning tests in %s...\n", file);
    totals->is_file_shown = true;
}

static void show_test(Totals *totals, const TestResult *test) {
    show_file(totals, test->file);
    if (test->outcome == TEST_SKIPPED) {
        say(totals, stdout, "  %s ... skipped: %s", test->name, test->detail);
        return;
    }
    say(totals, stdout, "  %s ... %s", test->name, test->outcome == TEST_PASSED ? "ok" : "FAILED");
    if (options_has(&totals->invocation->options, OPTION_VERBOSE))
        printf(" (%" PRId64 "ms)", test->duration_ns / 1000000);
    putchar('\n');
    if (test->outcome == TEST_FAILED) {
        buffer_append_format(&totals->failures, "%s::%s\n  %s ... FAILED\n", test->file, test->name, test->name);
        append_indented(&totals->failures, test->detail, "    ");
        buffer_append_byte(&totals->failures, '\n');
    }
}

static void show_totals(Totals *totals) {
    printf("\n========================================\nResults: %u passed, %u failed", totals->passed, totals->failed);
    if (totals->refused)
        printf(", %u failed to compile", totals->refused);
    putchar('\n');
    if (totals->failures.size)
        say(totals, stdout, "\nTEST FAILURES:\n\n%s", buffer_text(&totals->failures));
    if (totals->refusals.size)
        say(totals, stdout, "\nCOMPILATION FAILURES:\n\n%s", buffer_text(&totals->refusals));
}

static void show_refusal(Totals *totals, const TestRun *run) {
    const DiagList *diags = &run->script.compilation.diags;
    say(totals, stderr, "Failed to process %s: %u error%s\n", run->path, diags->error_count,
        diags->error_count == 1 ? "" : "s");
    CLEANUP(buffer_deinit) Buffer text;
    buffer_init(&text, totals->refusals.mem);
    report_append_diags(&text, diags, false);
    buffer_append_format(&totals->refusals, "%s:\n", run->path);
    append_indented(&totals->refusals, buffer_text(&text), "  ");
    buffer_append_byte(&totals->refusals, '\n');
}

/* --- as programs read it --- */

static void print_test_json(Totals *totals, const TestResult *test) {
    static const char *const outcomes[] = {"passed", "failed", "skipped"}; /* in the order of TestOutcome */
    CLEANUP(buffer_deinit) Buffer out;
    buffer_init(&out, totals->failures.mem);
    buffer_append_format(&out, "{\"outcome\":\"%s\"", outcomes[test->outcome]);
    json_append_pair(&out, "file", test->file);
    json_append_pair(&out, "test", test->name);
    buffer_append_format(&out, ",\"duration_ms\":%" PRId64, test->duration_ns / 1000000);
    if (*test->detail)
        json_append_pair(&out, "detail", test->detail);
    printf("%s}\n", buffer_text(&out));
}

static void print_totals_json(const Totals *totals) {
    printf("{\"passed\":%u,\"failed\":%u,\"skipped\":%u,\"refused\":%u}\n", totals->passed, totals->failed,
           totals->skipped, totals->refused);
}

/* --- all of it --- */

static void told(void *context, const TestResult *test) {
    Totals *totals = context;
    totals->passed += test->outcome == TEST_PASSED;
    totals->failed += test->outcome == TEST_FAILED;
    totals->skipped += test->outcome == TEST_SKIPPED;
    if (totals->as_json)
        print_test_json(totals, test);
    else
        show_test(totals, test);
    fflush(stdout);
}

static void run_file(Totals *totals, const char *path) {
    TestRun run = {.invocation = totals->invocation, .path = path, .told = told, .told_context = totals};
    totals->is_file_shown = false;
    int r = test_run_file(&run);
    totals->refused += r == EXIT_REFUSED;
    totals->unreadable += r == EXIT_FAILED;
    if (r == EXIT_REFUSED && totals->as_json)
        report_diags_json(stdout, &run.script.compilation.diags);
    else if (r == EXIT_REFUSED)
        show_refusal(totals, &run);
    test_run_end(&run);
}

static int exit_code(const Totals *totals) {
    if (totals->refused)
        return EXIT_REFUSED;
    if (totals->unreadable)
        return EXIT_FAILED;
    return totals->failed ? EXIT_TESTS_FAILED : EXIT_FINE;
}

/* `filter` is what -f said, or NULL. */
static void report_no_tests(const char *filter) {
    if (filter)
        report_error("No tests found with '%s' in their name", filter);
    else
        report_error("No tests found");
}

static int run_files(Totals *totals, const TestFiles *files) {
    for (uint32_t index = 0; index < files->count; index++)
        run_file(totals, files->paths[index]);
    bool has_found = totals->passed || totals->failed || totals->skipped || totals->refused || totals->unreadable;
    if (!has_found) {
        report_no_tests(totals->invocation->options.filter);
        return EXIT_USAGE;
    }
    if (totals->as_json)
        print_totals_json(totals);
    else
        show_totals(totals);
    return exit_code(totals);
}

/* Looks for files and runs them. */
static int test(const Invocation *invocation, Mem *mem, Arena *arena) {
    Io io = io_system();
    TestFiles files;
    test_files_init(&files, arena);
    int r = invocation->argument_count ? EXIT_FINE : test_files_add(&files, &io, ".");
    for (uint32_t index = 0; !r && index < invocation->argument_count; index++)
        r = test_files_add(&files, &io, invocation->arguments[index]);
    if (!r && arena->failed)
        r = EXIT_FAILED;
    if (r)
        return r;
    test_files_sort(&files);

    Totals totals = {.invocation = invocation, .as_json = options_has(&invocation->options, OPTION_JSON)};
    buffer_init(&totals.failures, mem);
    buffer_init(&totals.refusals, mem);
    r = run_files(&totals, &files);
    buffer_deinit(&totals.failures);
    buffer_deinit(&totals.refusals);
    return r;
}

int cmd_test(const Invocation *invocation) {
    Mem mem; /* each file has a VM with memory of its own; this is for what is said of all */
    if (mem_init(&mem, allocator_default(), SIZE_MAX)) {
        report_error("cannot start: out of memory");
        return EXIT_FAILED;
    }
    Arena arena;
    arena_init(&arena, &mem);
    int r = test(invocation, &mem, &arena);
    arena_deinit(&arena);
    mem_deinit(&mem);
    return r;
}
