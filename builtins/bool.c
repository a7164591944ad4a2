/* SPDX-License-Identifier: MIT */
/*
 * Logic on Bools. Both operands are values by the time a word runs, so
 * nothing here is short-circuited. For bits of an Int see int.c.
 */
#include "builtins/builtins.h"

static const Word bool_words[] = {
    {"and", "( ..a Bool Bool -- ..a Bool )", PURE, BY_OPCODE(AND_BOOL),
     .help = "True when both are. Both have been computed already."},
    {"or", "( ..a Bool Bool -- ..a Bool )", PURE, BY_OPCODE(OR_BOOL),
     .help = "True when at least one is. Both have been computed already."},
    {"not", "( ..a Bool -- ..a Bool )", PURE, BY_OPCODE(NOT_BOOL),
     .help = "True becomes false, false becomes true."},
};

const WordFamily bool_family = {"bool", bool_words, sizeof bool_words / sizeof *bool_words};
