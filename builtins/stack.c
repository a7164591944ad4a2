/* SPDX-License-Identifier: MIT */
/*
 * Shuffles. The checker and the emitter know them all, so most rows have no
 * function: what they do is instructions.
 *
 * `pick` and `roll` have one too, for an index that is known only when the
 * program runs. `pick` copies, so it may look at all that code here may see;
 * `roll` moves, so it stays above the floor, where nobody else's values lie.
 */
#include "builtins/builtins.h"

/* Leaves a fault unless the index on top lies among the `count` values below it. */
static bool expect_index(Strand *strand, uint64_t count) {
    int64_t index = strand_peek_int(strand, 0);
    if (index < 0)
        strand_fault(strand, "index must be non-negative, got %lld", (long long)index);
    else if ((uint64_t)index >= count)
        strand_fault(strand, "position %lld requested but stack has only %llu item%s", (long long)index,
                     (unsigned long long)count, count == 1 ? "" : "s");
    else
        return true;
    return false;
}

static WordResult word_pick(Strand *strand) {
    if (!expect_index(strand, strand_depth(strand) - 1 - strand->base))
        return WORD_FAULTED;
    uint32_t index = (uint32_t)value_to_int(strand_pop(strand));
    strand_push(strand, value_ref(strand_peek(strand, index)));
    return WORD_OK;
}

static WordResult word_roll(Strand *strand) {
    if (!expect_index(strand, strand_depth(strand) - 1 - strand->floor))
        return WORD_FAULTED;
    uint32_t index = (uint32_t)value_to_int(strand_pop(strand));
    Value *slot = strand->sp - index;
    Value moved = *slot;
    memmove(slot, slot + 1, index * sizeof *slot);
    *strand->sp = moved;
    return WORD_OK;
}

static const Word stack_words[] = {
    {"dup", "( ..a T -- ..a T T )", PURE, BY_COMPILER,
     .help = "Copies the top: a -- a a."},
    {"drop", "( ..a T -- ..a )", PURE, BY_COMPILER,
     .help = "Removes the top."},
    {"swap", "( ..a T U -- ..a U T )", PURE, BY_COMPILER,
     .help = "Exchanges the top two: a b -- b a."},
    {"over", "( ..a T U -- ..a T U T )", PURE, BY_COMPILER,
     .help = "Copies the second to the top: a b -- a b a."},
    {"rot", "( ..a T U V -- ..a U V T )", PURE, BY_COMPILER,
     .help = "Moves the third to the top: a b c -- b c a."},
    {"nip", "( ..a T U -- ..a U )", PURE, BY_COMPILER,
     .help = "Removes the second: a b -- b."},
    {"tuck", "( ..a T U -- ..a U T U )", PURE, BY_COMPILER,
     .help = "Copies the top below the second: a b -- b a b."},
    {"2dup", "( ..a T U -- ..a T U T U )", PURE, BY_COMPILER,
     .help = "Copies the top two: a b -- a b a b."},
    {"3drop", "( ..a T U V -- ..a )", PURE, BY_COMPILER,
     .help = "Removes the top three."},
    {"pick", "( ..a T Int -- ..a T T )", PURE, BY_COMPILER, .function = word_pick, .needs_floor = true,
     .help = "Copies the value that lies so many below the index: 0 is dup, 1 is over. A negative literal is refused "
             "by the compiler; a negative or too large index is a trap when the program runs."},
    {"roll", "( ..a T Int -- ..a T )", PURE, BY_COMPILER, .function = word_roll, .needs_floor = true,
     .help = "Moves the value that lies so many below the index to the top: 0 changes nothing, 1 is swap, 2 is rot. A "
             "negative literal is refused by the compiler; a negative or too large index is a trap when the program "
             "runs."},
    {">aux", "( ..a T -- ..a )", PURE, BY_COMPILER,
     .help = "Moves the top to the side stack of this word or quotation, which must be empty again at its end; the "
             "compiler proves it."},
    {"aux>", "( ..a -- ..a T )", PURE, BY_COMPILER,
     .help = "Moves the value that went last to the side stack back. The compiler refuses it where the side stack is "
             "empty."},
};

const WordFamily stack_family = {"stack", stack_words, sizeof stack_words / sizeof *stack_words};
