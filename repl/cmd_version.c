/* SPDX-License-Identifier: MIT */
/* version: which program this is, and which libraries it runs with. */
#include "repl/command.h"
#include <stdio.h>
#include <xxhash.h>
#include <zstd.h>

typedef struct Number {
    unsigned major, minor, patch;
} Number;

static Number number_of(unsigned version) {
    return (Number){version / 10000, version / 100 % 100, version % 100};
}

int cmd_version(const Invocation *invocation) {
    Number xxhash = number_of(XXH_versionNumber()), zstd = number_of(ZSTD_versionNumber()); /* of those that are loaded */
    const char *format = "seqvm %s\nxxhash %u.%u.%u\nzstd %u.%u.%u\n";
    if (options_has(&invocation->options, OPTION_JSON))
        format = "{\"version\":1,\"seqvm\":\"%s\",\"xxhash\":\"%u.%u.%u\",\"zstd\":\"%u.%u.%u\"}\n";
    printf(format, SEQVM_VERSION, xxhash.major, xxhash.minor, xxhash.patch, zstd.major, zstd.minor, zstd.patch);
    return EXIT_FINE;
}
