/* SPDX-License-Identifier: MIT */
/* version: which program this is, and which libraries it runs with. */
#include "repl/command.h"
#include <stdio.h>
#include <xxhash.h>

int cmd_version(const Invocation *invocation) {
    unsigned xxhash = XXH_versionNumber(); /* of the library that is loaded */
    unsigned major = xxhash / 10000, minor = xxhash / 100 % 100, patch = xxhash % 100;
    if (options_has(&invocation->options, OPTION_JSON))
        printf("{\"version\":1,\"seqvm\":\"%s\",\"xxhash\":\"%u.%u.%u\"}\n", SEQVM_VERSION, major, minor, patch);
    else
        printf("seqvm %s\nxxhash %u.%u.%u\n", SEQVM_VERSION, major, minor, patch);
    return EXIT_FINE;
}
