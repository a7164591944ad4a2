/* SPDX-License-Identifier: MIT */
/* run: a program, from its text to its exit code. */
#include "repl/command.h"
#include "repl/report.h"
#include "repl/script.h"
#include "journal/store.h"
#include <signal.h>

/* The store's failure as an exit code. */
static int store_exit(int failure) {
    switch (failure) {
    case STORE_E_DAMAGED:
    case STORE_E_FOREIGN:
        return EXIT_DAMAGED;
    case STORE_E_OWNED:
    case STORE_E_FULL:
        return EXIT_BUSY;
    default:
        return EXIT_DISK;
    }
}

static int run_main(Script *script) {
    VmResult result = vm_run(&script->vm, script->compilation.resolved.main);
    int failure = vm_close(&script->vm);
    if (failure) {
        report_error("%s", node_text(script->vm.node));
        return store_exit(failure);
    }
    if (result.end == SCHEDULER_FAULT || result.end == SCHEDULER_DEADLOCK) {
        report_fault(stderr, &script->vm.scheduler.fault, &script->vm.heap.mem, script->has_color);
        return EXIT_TRAP;
    }
    return (int)(int32_t)result.status;
}

static int run_script(Script *script, const Invocation *invocation) {
    const char *code = invocation->options.code;
    int r = code ? script_read_code(script, code) : script_read(script, invocation->arguments[0]);
    if (r)
        return r;
    r = script_check(script, true);
    report_diags(stderr, &script->compilation.diags, script->has_color);
    if (r)
        return r;
    r = script_load(script);
    if (r)
        return r;
    return run_main(script);
}

int cmd_run(const Invocation *invocation) {
    /* Whoever started us may ignore it, and then `seqvm PROGRAM | head` would run on. */
    signal(SIGPIPE, SIG_DFL);
    Script script;
    int r = script_open(&script, invocation, NULL, NULL);
    if (r)
        return r;
    r = run_script(&script, invocation);
    script_close(&script);
    return r;
}
