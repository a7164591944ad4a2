/* SPDX-License-Identifier: MIT */
#include "repl/script.h"

#include "builtins/std.h"
#include "repl/report.h"
#include "repl/terminal.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* At once and as it is: a program that stops, however it does, has written all it said. Failures are ignored. */
static void write_stdout(void *context, const char *bytes, size_t size) {
    Script *script = context;
    (void)!io_write_all(&script->vm.io, STDOUT_FILENO, bytes, size);
}

const char *script_store_path(const Invocation *invocation) {
    const char *path = getenv("SEQVM_STORE");
    return invocation->options.store ? invocation->options.store : path && *path ? path : "actors";
}

/* What a node of actors tells a person. */
static void report_node(void *context, const char *text) {
    (void)context;
    report_error("%s", text);
}

int script_open(Script *script, const Invocation *invocation, ScriptWrite *write, void *write_context) {
    VmOptions options = {
        .allocator = allocator_default(),
        .memory_limit = invocation->options.memory_limit,
        .arguments = invocation->arguments,
        .argument_count = invocation->argument_count,
        .environment = invocation->environment,
        .std_folders = invocation->std_folders,
        .write = write ? write : write_stdout,
        .write_context = write ? write_context : script,
        .input = STDIN_FILENO,
        .fuel = invocation->options.fuel,
        .node = {.store_path = script_store_path(invocation), .report = report_node, .pid = getpid()},
    };
    script->is_open = false;
    script->has_color = terminal_has_color(STDERR_FILENO, invocation->options.color);
    int r = vm_init(&script->vm, &options);
    if (r == -ENOMEM && options.memory_limit) {
        report_error("cannot start: --memory %zu is too little, or there is none", options.memory_limit);
        return EXIT_FAILED;
    }
    if (r) {
        report_error("cannot start: %s", strerror(-r));
        return EXIT_FAILED;
    }
    compilation_init(&script->compilation, &script->vm.heap.mem);
    script->is_open = true;
    return EXIT_FINE;
}

void script_close(Script *script) {
    if (!script->is_open)
        return;
    compilation_deinit(&script->compilation);
    vm_deinit(&script->vm);
}

int script_read(Script *script, const char *path) {
    int r = vm_read_source(&script->vm, &script->compilation, path, &script->source);
    if (!r)
        return EXIT_FINE;
    report_error("cannot read %s: %s", path, strerror(-r));
    return EXIT_FAILED;
}

static const char main_start[] = ": main ( -- ) ";

static bool is_program(const char *code) {
    return strstr(code, ": main") != NULL;
}

/*
 * The includes stand behind the code, so that its lines count from 1. They
 * cost little: a module is short, and code of words that nobody calls is
 * made, not run.
 */
static void append_suffix(Buffer *text) {
    buffer_append_text(text, "\n;\n");
    for (const StdModule *module = std_modules; module->name; module++)
        buffer_append_format(text, "include std:%s\n", module->name);
}

int script_read_code(Script *script, const char *code) {
    Arena *arena = &script->compilation.arena;
    CLEANUP(buffer_deinit) Buffer text;
    buffer_init(&text, arena->mem);
    bool is_whole = is_program(code);
    buffer_append_format(&text, "%s%s", is_whole ? "" : main_start, code);
    size_t suffix_start = text.size;
    if (!is_whole)
        append_suffix(&text);
    const Source *source = text.failed ? NULL : source_new(arena, "-e", text.bytes, text.size);
    if (!source) {
        report_error("cannot read the code: out of memory");
        return EXIT_FAILED;
    }
    script->source = *source;
    script->source.folder = ".";
    script->source.prefix_size = is_whole ? 0 : sizeof main_start - 1;
    script->source.suffix_size = (uint32_t)(text.size - suffix_start);
    return EXIT_FINE;
}

static int fail_memory(void) {
    report_error("out of memory while compiling");
    return EXIT_FAILED;
}

int script_check(Script *script, bool needs_main) {
    int r = vm_check(&script->vm, &script->compilation, &script->source, needs_main);
    if (r < 0)
        return fail_memory();
    return r == COMPILE_E_REFUSED ? EXIT_REFUSED : EXIT_FINE;
}

int script_load(Script *script) {
    return vm_load(&script->vm, &script->compilation) ? fail_memory() : EXIT_FINE;
}
