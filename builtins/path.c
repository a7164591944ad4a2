/* SPDX-License-Identifier: MIT */
/* Strings as paths: see the header. */
#include "builtins/path.h"
#include "vm/base/utf8.h"

Text text_of(Value string) {
    const String *text = value_string(string);
    if (!utf8_is_valid(string_bytes(text), text->size))
        return (Text){"", 0};
    return (Text){string_bytes(text), text->size};
}

bool path_init(Buffer *path, Strand *strand, uint32_t index) {
    Text text = text_of(strand_peek(strand, index));
    if (memchr(text.bytes, '\0', text.size) != NULL)
        text.size = 0;

    buffer_init(path, &strand->heap->mem);
    buffer_append(path, text.bytes, text.size);
    buffer_append_byte(path, '\0'); /* buffer_text() then needs no more memory */
    if (path->failed) {
        strand_fault_memory(strand);
        return false;
    }
    path->size--;
    return true;
}
