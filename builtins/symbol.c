/* SPDX-License-Identifier: MIT */
/*
 * Symbols: a number that stands for a text, so comparing is comparing
 * numbers. A symbol once made stays as long as the VM.
 */
#include "builtins/builtins.h"

static WordResult word_symbol_equal(Strand *strand) {
    bool equal = value_to_symbol(strand_peek(strand, 1)) == value_to_symbol(strand_peek(strand, 0));
    strand_replace(strand, 2, value_from_bool(equal));
    return WORD_OK;
}

static WordResult word_symbol_to_string(Strand *strand) {
    size_t size;
    const char *text = symbol_text(&strand->heap->symbols, value_to_symbol(strand_peek(strand, 0)), &size);
    return reply_bytes(strand, 1, text, size);
}

static WordResult word_string_to_symbol(Strand *strand) {
    Heap *heap = strand->heap;
    const String *text = value_string(strand_peek(strand, 0));
    uint32_t symbol = symbol_intern(&heap->symbols, &heap->mem, string_bytes(text), text->size);
    if (symbol == SYMBOL_NONE)
        return strand_fault_memory(strand);
    strand_replace(strand, 1, value_from_symbol(symbol));
    return WORD_OK;
}

static const Word symbol_words[] = {
    {"symbol.=", "( ..a Symbol Symbol -- ..a Bool )", PURE, BY_FUNCTION(word_symbol_equal),
     .help = "Do the two have the same text?"},
    {"symbol->string", "( ..a Symbol -- ..a String )", PURE, BY_FUNCTION(word_symbol_to_string),
     .help = "The text of a symbol, without the colon."},
    {"string->symbol", "( ..a String -- ..a Symbol )", PURE, BY_FUNCTION(word_string_to_symbol),
     .help = "The symbol with this text, which may be any, also one that cannot be written behind a colon."},
};

const WordFamily symbol_family = {"symbol", symbol_words, sizeof symbol_words / sizeof *symbol_words};
