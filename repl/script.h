/* SPDX-License-Identifier: MIT */
/*
 * Script: a VM and the one program in it, as the commands use them. Each
 * step says on stderr what is wrong and returns the exit code for it; 0 is
 * fine.
 */
#pragma once

#include "repl/command.h"
#include "vm/embed/vm.h"

typedef struct Script {
    Vm vm;
    Compilation compilation;
    Source source;
    bool has_color; /* on stderr */
    bool is_open;
} Script;

/* What standard output of a program goes to; NULL: stdout. */
typedef void ScriptWrite(void *context, const char *bytes, size_t size);

/* Where durable actors live: --store, SEQVM_STORE, ./actors. */
const char *script_store_path(const Invocation *invocation);
/* Starts a VM with the command's options and arguments. Does not move afterwards. */
int script_open(Script *script, const Invocation *invocation, ScriptWrite *write, void *write_context) MUST_CHECK;
/* Accepts one that is zeroed, or could not be opened. */
void script_close(Script *script);

/* The program is a file, or standard input for `-`. */
int script_read(Script *script, const char *path) MUST_CHECK;
/* The program is the code of -e. */
int script_read_code(Script *script, const char *code) MUST_CHECK;
/*
 * Compiles as far as errors go, which are left in compilation.diags: EXIT_REFUSED.
 * A program without main is fine unless `needs_main`.
 */
int script_check(Script *script, bool needs_main) MUST_CHECK;
/* Makes the code of a program that script_check() found good. */
int script_load(Script *script) MUST_CHECK;
