/* SPDX-License-Identifier: MIT */
/* Json: writing it, for --json; bytes that are no UTF-8 are welcome (names of files), which builtins/json.h refuses. */
#pragma once

#include "vm/base/buffer.h"

/* Appends a JSON string. Bytes that are no UTF-8 become U+FFFD. */
void json_append_text(Buffer *out, const char *bytes, size_t size);
/* Appends JSON whose strings may have in them what a terminal should not get: that is escaped. */
void json_append_shown(Buffer *out, const char *json, size_t size);
/* Appends `,"KEY":"TEXT"`. */
void json_append_pair(Buffer *out, const char *key, const char *text);
