/* SPDX-License-Identifier: MIT */
/* Any text into tokens: they lie in the text, in order, and there is an end. */
#include "vm/lang/lexer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    Mem mem;
    int r = mem_init(&mem, allocator_default(), (size_t)512 << 20);
    check(r == 0);
    Arena arena;
    arena_init(&arena, &mem);
    DiagList diags;
    diag_list_init(&diags, &arena);
    char *text = malloc(size + 1); /* of exactly its size */
    memcpy(text, bytes, size);
    text[size] = 0;
    Source source = {.name = "fuzz", .text = text, .size = size};
    Lexer lexer;
    lexer_init(&lexer, &source, &diags);
    uint32_t at = 0;
    for (Token token = lexer_next(&lexer); token.kind != TOKEN_END; token = lexer_next(&lexer)) {
        check(token.start >= at && token.end > token.start && token.end <= size);
        at = token.end;
        uint32_t length;
        if (token.kind == TOKEN_STRING)
            (void)lexer_string(&source, token, &arena, &diags, &length);
    }
    arena_deinit(&arena);
    check(mem.live_count == 0);
    mem_deinit(&mem);
    free(text);
    return 0;
}
