/* SPDX-License-Identifier: MIT */
/*
 * Decimal: from decimal digits to the nearest double. strtod() would do, but
 * it takes what the host's locale says is a point, wants a NUL behind the
 * text, and reads more forms than any of ours.
 */
#pragma once

#include "vm/base/check.h"

/*
 * Whether all of the text is [sign] digits [. digits] [(e | E) [sign] digits],
 * where the digits on one side of the point may be missing.
 */
bool decimal_matches(const char *bytes, size_t size);
/*
 * The double nearest to a text that decimal_matches(). Any size; beyond the
 * doubles it is infinite or zero.
 */
double decimal_read(const char *bytes, size_t size);
