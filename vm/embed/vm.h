/* SPDX-License-Identifier: MIT */
/*
 * Vm: the one place where the parts meet: heap, words, doors, compiler,
 * scheduler. Many of them live side by side and share nothing.
 *
 * In order: vm_init, vm_check (any number of times), vm_load, vm_run (any
 * number of times), vm_deinit.
 */
#pragma once

#include "vm/actor/node.h"
#include "vm/exec/scheduler.h"
#include "vm/lang/compile.h"

typedef struct VmOptions {
    Allocator allocator;
    size_t memory_limit; /* bytes, at most VM_MEMORY_LIMIT_MAX; 0: 3/4 of the machine's, at most VM_MEMORY_LIMIT */
    const char *const *arguments; /* the program first; outlive the VM */
    uint32_t argument_count;
    const char *const
        *environment; /* NAME=VALUE texts and a NULL behind them; outlives the VM; NULL: no variable is set */
    /* Where std modules are looked for that are not built in, in this order, and a NULL behind them; outlives the VM. */
    const char *const *std_folders; /* NULL: nowhere */
    /* Standard output. */
    void (*write)(void *context, const char *bytes, size_t size);
    void *write_context;
    int input;    /* descriptor of standard input */
    int64_t fuel; /* calls in all, turns of loops among them; 0: no limit */
    NodeOptions node; /* of actors; `store_path` NULL: there are none */
} VmOptions;

#define VM_MEMORY_LIMIT ((size_t)16 << 30)
#define VM_MEMORY_LIMIT_MAX (((size_t)32 << 30) - 1) /* a reference takes 8 bytes, so no count of them overflows */

typedef struct Vm {
    Heap heap;
    WordTable words;
    Io io;
    Clock clock;
    Poller poller;
    World world;
    Program program;
    Scheduler scheduler;
    Node *node;
    NodeOptions node_options;
    bool has_program;
    const char *const *std_folders;
    int64_t fuel;
} Vm;

/* What a program came to. */
typedef struct VmResult {
    SchedulerEnd end;
    int64_t status; /* what the word left, if it left an Int; or what os.exit was given */
} VmResult;

/* Returns -ENOMEM, or another negative errno of the system's. The Vm must not move afterwards. */
int vm_init(Vm *vm, const VmOptions *options) MUST_CHECK;
void vm_deinit(Vm *vm);

/*
 * Reads a file as a source, in the compilation's arena; `-` is standard
 * input. Negative errno: it cannot be read.
 */
int vm_read_source(Vm *vm, Compilation *compilation, const char *path, Source *source) MUST_CHECK;
/* compile_check() with this VM's words, the standard modules, and files. */
int vm_check(Vm *vm, Compilation *compilation, const Source *source, bool needs_main) MUST_CHECK;
/* Makes the code of a program that vm_check found good. Once per VM. Returns -ENOMEM. */
int vm_load(Vm *vm, Compilation *compilation) MUST_CHECK;
/* Runs a definition that takes nothing, and all strands it starts, to the end. A fault is in vm->scheduler.fault. */
VmResult vm_run(Vm *vm, const Definition *definition);
/*
 * After the last vm_run: waits until what actors did is on disk and all that
 * was printed is out. 0, or what node_failure() says: see there.
 */
int vm_close(Vm *vm);
