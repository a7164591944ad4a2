/* SPDX-License-Identifier: MIT */
/* check: what the compiler says about files, all of them. */
#include "repl/command.h"
#include "repl/report.h"
#include "repl/script.h"
#include <string.h>

/* Like script_read(), but what is wrong is a diag as others are. */
static int read_or_report(Script *script, const char *path) {
    Compilation *compilation = &script->compilation;
    int r = vm_read_source(&script->vm, compilation, path, &script->source);
    if (!r)
        return EXIT_FINE;
    Source *nothing = source_new(&compilation->arena, path, "", 0);
    if (nothing)
        diag_error(&compilation->diags, (Span){.source = nothing}, "unreadable", "Cannot be read: %s", strerror(-r));
    report_diags_json(stdout, &compilation->diags);
    return EXIT_FAILED;
}

static int check_script(Script *script, const char *path, bool as_json) {
    int r = as_json ? read_or_report(script, path) : script_read(script, path);
    if (r)
        return r;
    r = script_check(script, false); /* a library has no main */
    if (as_json) {
        report_diags_json(stdout, &script->compilation.diags);
        return r;
    }
    report_diags(stderr, &script->compilation.diags, script->has_color);
    if (r == EXIT_FINE)
        printf("%s: ok\n", script->source.name);
    return r;
}

static int check_file(const Invocation *invocation, const char *path) {
    Script script;
    int r = script_open(&script, invocation, NULL, NULL);
    if (r)
        return r;
    r = check_script(&script, path, options_has(&invocation->options, OPTION_JSON));
    script_close(&script);
    return r;
}

int cmd_check(const Invocation *invocation) {
    int worst = EXIT_FINE;
    for (uint32_t index = 0; index < invocation->argument_count; index++) {
        int r = check_file(invocation, invocation->arguments[index]);
        if (r > worst)
            worst = r;
    }
    return worst;
}
