/* SPDX-License-Identifier: MIT */
#include "repl/test_run.h"

#include "repl/catalogue.h"
#include "repl/report.h"
#include "vm/value/string.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void capture(void *context, const char *bytes, size_t size) {
    TestRun *run = context;
    if (run->listens)
        buffer_append(&run->output, bytes, size);
}

/* --- which words --- */

static bool is_own(const TestRun *run, const Definition *definition) {
    return definition->span.source == &run->script.source;
}

static bool is_wanted(const TestRun *run, const Definition *definition) {
    const char *filter = run->invocation->options.filter, *name = definition->name.bytes;
    return is_own(run, definition) && strncmp(name, "test-", 5) == 0 && (!filter || strstr(name, filter));
}

static bool has_main(const TestRun *run) {
    for (const Definition *each = run->script.compilation.tree.definitions; each; each = each->next) {
        if (is_own(run, each) && strcmp(each->name.bytes, "main") == 0)
            return true;
    }
    return false;
}

static int compare_names(const void *left, const void *right) {
    const Definition *const *a = left, *const *b = right;
    return strcmp((*a)->name.bytes, (*b)->name.bytes);
}

/* The wanted words sorted by name, in the compilation's arena, and a NULL behind them. NULL: out of memory. */
static const Definition **find_words(TestRun *run) {
    Compilation *compilation = &run->script.compilation;
    const Definition **words = arena_try(&compilation->arena, (compilation->tree.definition_count + 1) * sizeof *words);
    if (!words)
        return NULL;
    uint32_t count = 0;
    for (const Definition *each = compilation->tree.definitions; each; each = each->next) {
        if (is_wanted(run, each))
            words[count++] = each;
    }
    qsort(words, count, sizeof *words, compare_names);
    return words;
}

/* --- one test --- */

static void tell(const TestRun *run, TestResult result) {
    result.file = run->path;
    run->told(run->told_context, &result);
}

static void skip(TestRun *run, const Definition *word) {
    const char *effect = catalogue_effect(&run->script.compilation.arena, word);
    buffer_clear(&run->output);
    buffer_append_text(&run->output, "its effect is ");
    diag_append_shown(&run->output, effect, strlen(effect));
    buffer_append_text(&run->output, ", a test's is ( -- )\n");
    tell(run, (TestResult){.name = word->name.bytes, .outcome = TEST_SKIPPED, .detail = buffer_text(&run->output)});
}

/*
 * Runs a word of the family `test` that calls nothing. `argument` is its
 * String, or NULL. What it leaves, when that is a Bool.
 */
static bool call_word(TestRun *run, const char *name, const char *argument) {
    Vm *vm = &run->script.vm;
    const Word *word = word_find(&vm->words, name, strlen(name));
    String *string = argument ? string_new(&vm->heap, argument, strlen(argument)) : NULL;
    Strand *strand = strand_new(&vm->scheduler);
    bool truth = false;
    if (strand && (string || !argument)) {
        strand->word = word;
        if (string)
            strand_push(strand, value_from_object(&string->object));
        string = NULL;
        if (word->function(strand) == WORD_OK && strand_depth(strand) > 0)
            truth = value_to_bool(strand_peek(strand, 0));
    }
    if (string)
        value_unref(&vm->heap, value_from_object(&string->object));
    if (strand)
        strand_free(strand);
    return truth;
}

/* The detail of a test that ended the program: why. */
static void explain_end(TestRun *run, const VmResult *result) {
    buffer_clear(&run->output);
    if (result->end == SCHEDULER_EXIT)
        buffer_append_format(&run->output, "os.exit: the program ended with status %" PRId64 "\n", result->status);
    else
        report_append_fault(&run->output, &run->script.vm.scheduler.fault);
}

/* Of what test.finish printed: leaves the lines below the first, without their indent. */
static void cut_detail(Buffer *out) {
    if (out->size == 0)
        return;
    char *to = out->bytes, *end = out->bytes + out->size;
    const char *from = memchr(out->bytes, '\n', out->size);
    for (from = from ? from + 1 : end; from < end;) {
        const char *feed = memchr(from, '\n', (size_t)(end - from));
        size_t size = feed ? (size_t)(feed + 1 - from) : (size_t)(end - from);
        size_t indent = size > 2 && from[0] == ' ' && from[1] == ' ' ? 2 : 0;
        memmove(to, from + indent, size - indent);
        to += size - indent;
        from += size;
    }
    out->size = (size_t)(to - out->bytes);
}

static void run_word(TestRun *run, const Definition *word) {
    Vm *vm = &run->script.vm;
    const char *name = word->name.bytes;
    TestResult test = {.name = name, .detail = ""};
    buffer_clear(&run->output);
    call_word(run, "test.init", name);

    int64_t started_ns = clock_monotonic_ns(&vm->clock);
    VmResult result = vm_run(vm, word);
    test.duration_ns = clock_monotonic_ns(&vm->clock) - started_ns;

    if (result.end == SCHEDULER_IDLE) {
        test.outcome = call_word(run, "test.has-failures", NULL) ? TEST_FAILED : TEST_PASSED;
        call_word(run, "test.set-name", name);
        run->listens = true;
        call_word(run, "test.finish", NULL); /* says how it went, and why */
        run->listens = false;
        cut_detail(&run->output);
        test.detail = buffer_text(&run->output);
    } else {
        run->ended_by = name;
        explain_end(run, &result);
        test.outcome = TEST_FAILED;
        test.detail = buffer_text(&run->output);
    }
    tell(run, test);
}

static void lose(TestRun *run, const Definition *word) {
    buffer_clear(&run->output);
    buffer_append_format(&run->output, "not run: %s ended the program\n", run->ended_by);
    tell(run, (TestResult){.name = word->name.bytes, .outcome = TEST_FAILED, .detail = buffer_text(&run->output)});
}

/* --- a file --- */

static void run_words(TestRun *run, const Definition **words) {
    for (; *words; words++) {
        if (!definition_is_plain(*words))
            skip(run, *words);
        else if (run->ended_by)
            lose(run, *words);
        else
            run_word(run, *words);
    }
}

/* True when there is nothing to do here, however wrong the file may be. */
static bool is_no_test(const TestRun *run, const Definition **words) {
    bool is_parsed = run->script.compilation.resolved.tree != NULL;
    return has_main(run) || (!words[0] && is_parsed && run->invocation->options.filter);
}

int test_run_file(TestRun *run) {
    Script *script = &run->script;
    int r = script_open(script, run->invocation, capture, run);
    if (r)
        return r;
    buffer_init(&run->output, &script->vm.heap.mem);
    r = script_read(script, run->path);
    if (r)
        return r;
    r = script_check(script, false);
    if (r != EXIT_FINE && r != EXIT_REFUSED)
        return r;

    const Definition **words = find_words(run);
    if (!words) {
        report_error("%s: out of memory", run->path);
        return EXIT_FAILED;
    }
    if (is_no_test(run, words))
        return EXIT_FINE;
    if (!r)
        r = script_load(script);
    if (!r)
        run_words(run, words);
    return r;
}

void test_run_end(TestRun *run) {
    if (run->script.is_open)
        buffer_deinit(&run->output);
    script_close(&run->script);
}
