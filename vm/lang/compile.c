/* SPDX-License-Identifier: MIT */
#include "vm/lang/compile.h"

#include "vm/lang/emitter.h"
#include <errno.h>

void compilation_init(Compilation *compilation, Mem *mem) {
    *compilation = (Compilation){0};
    arena_init(&compilation->arena, mem);
    diag_list_init(&compilation->diags, &compilation->arena);
}

void compilation_deinit(Compilation *compilation) {
    if (compilation->resolved.tree)
        resolver_deinit(&compilation->resolved);
    arena_deinit(&compilation->arena);
}

/* 0 when the step left nothing wrong. */
static int after_step(const Compilation *compilation, int r) {
    if (r || compilation->arena.failed || mem_is_exhausted(compilation->arena.mem))
        return -ENOMEM;
    return compilation->diags.error_count ? COMPILE_E_REFUSED : 0;
}

static int run_steps(Compilation *compilation, const Source *source, const ModuleReader *reader, const WordTable *words,
                     bool needs_main) {
    int r = module_load(&compilation->tree, &compilation->arena, source, reader, &compilation->diags);
    r = after_step(compilation, r);
    if (r) /* names of what could not be parsed or found would only be reported as undefined */
        return r;
    r = resolver_resolve(&compilation->resolved, &compilation->tree, words, reader, needs_main, &compilation->diags);
    if (r)
        return r;
    /* words whose names are good are checked even when others are not */
    r = checker_check(&compilation->resolved, &compilation->diags);
    return after_step(compilation, r);
}

int compile_check(Compilation *compilation, const Source *source, const ModuleReader *reader, const WordTable *words,
                  bool needs_main) {
    int r = run_steps(compilation, source, reader, words, needs_main);
    diag_list_sort(&compilation->diags);
    return r;
}

int compile_emit(Compilation *compilation, Program *program, Heap *heap) {
    int r = program_init(program, heap, compilation->resolved.words, compilation->tree.definition_count);
    if (r)
        return r;
    return emitter_emit(program, &compilation->resolved);
}
