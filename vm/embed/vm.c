/* SPDX-License-Identifier: MIT */
#include "vm/embed/vm.h"

#include "builtins/builtins.h"
#include "vm/embed/reader.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* So that a program that takes ever more meets a trap, and not the system's killer of processes. */
static size_t default_limit(void) {
    long pages = sysconf(_SC_PHYS_PAGES), page_size = sysconf(_SC_PAGESIZE);
    if (pages <= 0 || page_size <= 0)
        return VM_MEMORY_LIMIT;
    size_t three_quarters = (size_t)pages / 4 * 3 * (size_t)page_size;
    return three_quarters < VM_MEMORY_LIMIT ? three_quarters : VM_MEMORY_LIMIT;
}

int vm_init(Vm *vm, const VmOptions *options) {
    *vm = (Vm){.io = io_system(), .clock = clock_system(), .node_options = options->node, .std_folders = options->std_folders, .fuel = options->fuel};
    uint64_t seed;
    int r = clock_random(&vm->clock, &seed, sizeof seed);
    if (r)
        return r;
    r = heap_init(&vm->heap, options->allocator, options->memory_limit ? options->memory_limit : default_limit(), seed);
    if (r)
        return r;
    WordFamily families[BUILTINS_FAMILY_COUNT];
    builtins_families(families);
    r = word_table_init(&vm->words, &vm->heap.mem, families, BUILTINS_FAMILY_COUNT);
    if (r) {
        heap_deinit(&vm->heap);
        return r;
    }
    poller_init(&vm->poller, &vm->heap.mem);
    vm->world = (World){
        .mem = &vm->heap.mem,
        .io = &vm->io,
        .clock = &vm->clock,
        .poller = &vm->poller,
        .write = options->write,
        .write_context = options->write_context,
        .input = options->input,
        .arguments = options->arguments,
        .argument_count = options->argument_count,
        .environment = options->environment,
    };
    return 0;
}

void vm_deinit(Vm *vm) {
    if (vm->node)
        node_free(vm->node);
    if (vm->has_program) {
        scheduler_deinit(&vm->scheduler);
        program_deinit(&vm->program);
    }
    world_deinit(&vm->world);
    poller_deinit(&vm->poller);
    word_table_deinit(&vm->words);
    heap_deinit(&vm->heap);
}

/* The folder of a path, in the arena: what relative includes start from. */
static const char *folder_of(Arena *arena, const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash)
        return ".";
    return slash == path ? "/" : arena_copy(arena, path, (size_t)(slash - path));
}

static int read_input(const Io *io, int descriptor, Buffer *text) {
    for (;;) {
        char *room = buffer_reserve(text, 64 * 1024);
        if (!room)
            return -ENOMEM;
        int64_t got = io_read(io, descriptor, room, 64 * 1024);
        if (got <= 0)
            return (int)got;
        text->size += (size_t)got;
        if (text->size > SOURCE_SIZE_MAX)
            return -EFBIG;
    }
}

/* What keeps a program that includes itself, by whatever way, from being read twice. NULL where there is none. */
static const char *identity_of(Arena *arena, const Io *io, const char *path) {
    CLEANUP(buffer_deinit) Buffer real;
    buffer_init(&real, arena->mem);
    return io_real_path(io, path, &real) ? NULL : arena_copy(arena, buffer_text(&real), real.size);
}

int vm_read_source(Vm *vm, Compilation *compilation, const char *path, Source *source) {
    bool is_input = strcmp(path, "-") == 0;
    Arena *arena = &compilation->arena;
    Buffer text;
    buffer_init(&text, &vm->heap.mem);
    int r = is_input ? read_input(&vm->io, vm->world.input, &text)
                     : io_read_file_within(&vm->io, path, SOURCE_SIZE_MAX, &text);
    if (!r) {
        *source = (Source){
            .name = is_input ? "<stdin>" : path,
            .text = arena_copy(arena, text.bytes ? text.bytes : "", text.size),
            .size = text.size,
            .folder = is_input ? "." : folder_of(arena, path),
            .identity = is_input ? NULL : identity_of(arena, &vm->io, path),
        };
        r = source->text && source->folder ? 0 : -ENOMEM;
    }
    buffer_deinit(&text);
    return r;
}

int vm_check(Vm *vm, Compilation *compilation, const Source *source, bool needs_main) {
    FileReader files = {.io = &vm->io, .std_folders = vm->std_folders};
    ModuleReader reader = reader_of_files(&files);
    return compile_check(compilation, source, &reader, &vm->words, needs_main);
}

int vm_load(Vm *vm, Compilation *compilation) {
    check(!vm->has_program);
    vm->has_program = true;
    scheduler_init(&vm->scheduler, &vm->heap, &vm->world, &vm->program);
    vm->scheduler.fuel = vm->fuel ? vm->fuel : -1;
    if (vm->node_options.store_path) {
        vm->node = node_new(&vm->scheduler, &vm->node_options);
        if (!vm->node)
            return -ENOMEM;
    }
    return compile_emit(compilation, &vm->program, &vm->heap);
}

int vm_close(Vm *vm) {
    return vm->node ? node_close(vm->node) : 0;
}

/* The first strand's end: an Int that it left is the status. */
static void main_done(Strand *strand, void *context) {
    int64_t *status = context;
    if (strand_depth(strand) > 0 && value_is_int(strand_peek(strand, 0)))
        *status = strand_peek_int(strand, 0);
}

VmResult vm_run(Vm *vm, const Definition *definition) {
    VmResult result = {0};
    Scheduler *scheduler = &vm->scheduler;
    /* a word with a row in its effect may take more than it says: here nothing lies below it */
    if (definition->checked->shape.in + definition->checked->drawn > 0) {
        snprintf(scheduler->fault.message, FAULT_MESSAGE_MAX,
                 "%.64s: stack underflow, requires %u values, only 0 provided", definition->name.bytes,
                 definition->checked->shape.in + definition->checked->drawn);
        result.end = SCHEDULER_FAULT;
        return result;
    }
    Strand *strand = strand_new(scheduler);
    if (!strand || strand_start_chunk(strand, vm->program.cells[definition->number].chunk)) {
        memcpy(scheduler->fault.message, "out of memory", sizeof "out of memory");
        result.end = SCHEDULER_FAULT;
        return result;
    }
    strand->done = main_done;
    strand->done_context = &result.status;
    scheduler_ready(scheduler, strand);
    result.end = scheduler_run(scheduler);
    if (result.end == SCHEDULER_EXIT)
        result.status = scheduler->exit_code;
    return result;
}
