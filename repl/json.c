/* SPDX-License-Identifier: MIT */
#include "repl/json.h"

#include "vm/lang/diag.h"
#include "vm/lang/source.h"

static void append_scalar(Buffer *out, uint32_t scalar, const char *bytes, size_t size) {
    if (scalar == SCALAR_BAD)
        buffer_append_text(out, "\\ufffd");
    else if (scalar == '"' || scalar == '\\')
        buffer_append_format(out, "\\%c", (int)scalar);
    else if (scalar == '\n')
        buffer_append_text(out, "\\n");
    else if (scalar < 0x20 || (scalar >= 0x7F && scalar < 0xA0))
        buffer_append_format(out, "\\u%04x", (unsigned)scalar);
    else
        buffer_append(out, bytes, size);
}

void json_append_text(Buffer *out, const char *bytes, size_t size) {
    const char *end = bytes + size;
    buffer_append_byte(out, '"');
    while (bytes < end) {
        uint32_t scalar;
        size_t scalar_size = source_scalar(bytes, end, &scalar);
        append_scalar(out, scalar, bytes, scalar_size);
        bytes += scalar_size;
    }
    buffer_append_byte(out, '"');
}

/* Beyond U+FFFF by two escapes. */
static void append_escape(Buffer *out, uint32_t scalar) {
    if (scalar > 0xffff)
        buffer_append_format(out, "\\u%04x", (unsigned)(0xd800 + ((scalar - 0x10000) >> 10)));
    buffer_append_format(out, "\\u%04x", (unsigned)(scalar > 0xffff ? 0xdc00 + (scalar & 0x3ff) : scalar));
}

void json_append_shown(Buffer *out, const char *json, size_t size) {
    const char *end = json + size;
    while (json < end) {
        uint32_t scalar;
        size_t scalar_size = source_scalar(json, end, &scalar);
        if (scalar != SCALAR_BAD && diag_is_hidden(scalar))
            append_escape(out, scalar);
        else
            buffer_append(out, json, scalar_size);
        json += scalar_size;
    }
}

void json_append_pair(Buffer *out, const char *key, const char *text) {
    buffer_append_format(out, ",\"%s\":", key);
    json_append_text(out, text, strlen(text));
}
