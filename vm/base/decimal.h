/* SPDX-License-Identifier: MIT */
/*
 * Decimal: from decimal digits to the nearest double. strtod() would do, but
 * it takes what the host's locale says is a point, wants a NUL behind the
 * text, and reads more forms than any of ours.
 */
#pragma once

#include "vm/base/check.h"

/*
 * The double nearest to [sign] digits [. digits] [(e | E) [sign] digits],
 * where one of the two digits may be missing; the caller has checked that it
 * is nothing else. Any size; beyond the doubles it is infinite or zero.
 */
double decimal_read(const char *bytes, size_t size);
