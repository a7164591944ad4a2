/* SPDX-License-Identifier: MIT */
/* Any text as a program: compiled, and run with fuel and a limit of memory. It may be refused, end, or trap; no more. */
#include "tests/differential/trial.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What would reach outside, or wait for it. */
static bool is_harmless(const uint8_t *bytes, size_t size) {
    static const char *const outside[] = {"include", "file.", "dir.", "net.", "os.", "http.", "signal.", "terminal.", "sleep", "pbkdf2", "io.read"};
    for (size_t index = 0; index < sizeof outside / sizeof *outside; index++) {
        if (memmem(bytes, size, outside[index], strlen(outside[index])))
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (size > 4096 || !is_harmless(bytes, size))
        return -1;
    Trial trial;
    trial_run(&trial, (const char *)bytes, size, false, NULL, NULL);
    trial_free(&trial);
    return 0;
}
