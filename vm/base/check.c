/* SPDX-License-Identifier: MIT */
#include "vm/base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *condition, const char *file, int line) {
    fprintf(stderr, "seqvm: internal error: %s (%s:%d)\n", condition, file, line);
    abort();
}
