/* SPDX-License-Identifier: MIT */
/*
 * Words that show values, all of them in SON (vm/value/print.h). They change
 * nothing but the stack.
 *
 * The text is built whole before the first byte goes out, so a refusal of
 * memory prints nothing and the values stay for the trace.
 */
#include "builtins/builtins.h"
#include "vm/exec/strand.h"
#include "vm/exec/world.h"
#include "vm/value/print.h"
#include "vm/value/string.h"
#include <errno.h>

static WordResult dump_top(Strand *strand, PrintStyle style) {
    CLEANUP(buffer_deinit) Buffer text;
    buffer_init(&text, &strand->heap->mem);
    if (print_son(strand->heap, &text, strand_peek(strand, 0), style))
        return strand_fault_memory(strand);
    if (text.size > STRING_SIZE_MAX)
        return strand_fault(strand, "string too long");

    String *string = string_new(strand->heap, text.bytes, text.size);
    if (string == NULL)
        return strand_fault_memory(strand);
    strand_replace(strand, 1, value_from_object(string));
    return WORD_OK;
}

static WordResult word_son_dump(Strand *strand) {
    return dump_top(strand, PRINT_COMPACT);
}

static WordResult word_son_dump_pretty(Strand *strand) {
    return dump_top(strand, PRINT_PRETTY);
}

/* Looks once, at the end, whether memory was refused: buffer.h. */
static int stack_print(Buffer *out, const Strand *strand) {
    buffer_append_text(out, "»");
    for (uint64_t index = strand_depth(strand) - strand->base; index > 0; index--) {
        buffer_append_byte(out, ' ');
        if (print_son(strand->heap, out, strand_peek(strand, (uint32_t)index - 1), PRINT_COMPACT))
            return -ENOMEM;
    }
    return buffer_append_byte(out, '\n');
}

static WordResult word_stack_dump(Strand *strand) {
    CLEANUP(buffer_deinit) Buffer text;
    buffer_init(&text, &strand->heap->mem);
    if (stack_print(&text, strand))
        return strand_fault_memory(strand);

    World *world = strand->world;
    world->write(world->write_context, text.bytes, text.size);
    strand_cut_to(strand, strand->floor);
    return WORD_OK;
}

static const Word debug_words[] = {
    {"son.dump", "( ..a T -- ..a String )", PURE, BY_FUNCTION(word_son_dump),
     .help = "The value as SON in one line; that of numbers, texts, lists and maps is source again, with std:son. "
             "Map entries come in key order. Quotations, channels and weaves have no such form and show as "
             "<quotation> and the like; bytes that are not UTF-8 show as U+FFFD."},
    {"son.dump-pretty", "( ..a T -- ..a String )", PURE, BY_FUNCTION(word_son_dump_pretty),
     .help = "The value as SON with every item on a line of its own, two spaces deeper for each level, and no line "
             "feed at the end. What has no items stays on one line."},
    {"stack.dump", "( ..a -- ..b )", ACTS, BY_FUNCTION(word_stack_dump), .needs_floor = true,
     .help = "Prints the whole stack as SON, the top last, in one line behind », and drops what is on it. An empty "
             "stack prints » alone. Below a call, what the callers still need is shown but stays."},
};

const WordFamily debug_family = {"debug", debug_words, sizeof debug_words / sizeof *debug_words};
