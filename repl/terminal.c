/* SPDX-License-Identifier: MIT */
#include "repl/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_set(const char *name) {
    const char *value = getenv(name);
    return value && *value;
}

static bool is_capable(void) {
    const char *term = getenv("TERM");
    return term && *term && strcmp(term, "dumb") != 0;
}

bool terminal_has_color(int descriptor, ColorMode mode) {
    if (mode != COLOR_AUTO)
        return mode == COLOR_ALWAYS;
    if (is_set("NO_COLOR"))
        return false;
    if (is_set("CLICOLOR_FORCE") && strcmp(getenv("CLICOLOR_FORCE"), "0") != 0)
        return true;
    return is_capable() && isatty(descriptor);
}
