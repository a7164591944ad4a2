/* SPDX-License-Identifier: MIT */
/* Terminal: whether people see what we print, and in colors. */
#pragma once

#include "repl/options.h"

/*
 * True when what goes to `descriptor` should be colored. --color decides;
 * with auto it is on a terminal that can, unless NO_COLOR is set, and
 * everywhere when CLICOLOR_FORCE is (no-color.org, bixense.com/clicolors).
 */
bool terminal_has_color(int descriptor, ColorMode mode);
