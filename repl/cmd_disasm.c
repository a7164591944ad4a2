/* SPDX-License-Identifier: MIT */
/* disasm: what the emitter made of a program, or of one of its words. */
#include "repl/report.h"
#include "repl/script.h"
#include "vm/exec/disasm.h"
#include <stdio.h>
#include <string.h>

/* A word's code and that of its quotations; without a word, all of the file itself. */
static bool is_wanted(const Script *script, const Chunk *chunk, const char *word) {
    return word ? strcmp(chunk->name, word) == 0 : strcmp(chunk->file, script->source.name) == 0;
}

/* How many chunks were shown. */
static uint32_t show(Script *script, const char *word) {
    const Program *program = &script->vm.program;
    CLEANUP(buffer_deinit) Buffer out;
    CLEANUP(buffer_deinit) Buffer shown;
    buffer_init(&out, &script->vm.heap.mem);
    buffer_init(&shown, &script->vm.heap.mem);
    uint32_t count = 0;
    for (uint32_t number = 0; number < program->chunk_count; number++) {
        const Chunk *chunk = program->chunks[number];
        if (!is_wanted(script, chunk, word))
            continue;
        buffer_append_format(&out, "%s[%u] ", count++ ? "\n" : "", number);
        disasm_chunk(&out, chunk);
    }
    if (out.size)
        report_append_lines(&shown, out.bytes, out.size);
    if (shown.size)
        fwrite(shown.bytes, 1, shown.size, stdout);
    return count;
}

static int disasm_script(Script *script, const char *path, const char *word) {
    int r = script_read(script, path);
    if (r)
        return r;
    r = script_check(script, false);
    report_diags(stderr, &script->compilation.diags, script->has_color);
    if (!r)
        r = script_load(script);
    if (r)
        return r;
    if (show(script, word) == 0 && word) {
        report_error("%s has no word '%s'", path, word);
        return EXIT_USAGE;
    }
    return EXIT_FINE;
}

int cmd_disasm(const Invocation *invocation) {
    const char *word = invocation->argument_count > 1 ? invocation->arguments[1] : NULL;
    Script script;
    int r = script_open(&script, invocation, NULL, NULL);
    if (r)
        return r;
    r = disasm_script(&script, invocation->arguments[0], word);
    script_close(&script);
    return r;
}
