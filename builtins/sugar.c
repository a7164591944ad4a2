/* SPDX-License-Identifier: MIT */
/*
 * Operators that stand for another word. The checker chooses it by the types
 * of the two topmost values, at each use; nothing of them is left when the
 * program runs. The effect here is that of the first choice, for display and
 * for depths.
 */
#include "builtins/builtins.h"

static const Word sugar_words[] = {
    {"+", "( ..a T T -- ..a T )", PURE, BY_COMPILER,
     .help = "i.+ for two Ints, f.+ for two Floats, string.concat for two Strings. Any other types, or unknown ones, "
             "are refused by the compiler."},
    {"-", "( ..a T T -- ..a T )", PURE, BY_COMPILER,
     .help = "i.- for two Ints, f.- for two Floats. Any other types, or unknown ones, are refused by the compiler."},
    {"*", "( ..a T T -- ..a T )", PURE, BY_COMPILER,
     .help = "i.* for two Ints, f.* for two Floats. Any other types, or unknown ones, are refused by the compiler."},
    {"/", "( ..a Int Int -- ..a Int Bool )", PURE, BY_COMPILER,
     .help = "i./ for two Ints, which leaves a flag above the quotient; f./ for two Floats, which leaves none. Any "
             "other types, or unknown ones, are refused by the compiler."},
    {"%", "( ..a Int Int -- ..a Int Bool )", PURE, BY_COMPILER,
     .help = "i.% for two Ints, which leaves a flag above the remainder. Any other types, or unknown ones, are refused "
             "by the compiler."},
    {"=", "( ..a T T -- ..a Bool )", PURE, BY_COMPILER,
     .help = "i.= for two Ints, f.= for two Floats, string.equal? for two Strings. Any other types, or unknown ones, "
             "are refused by the compiler."},
    {"<", "( ..a T T -- ..a Bool )", PURE, BY_COMPILER,
     .help = "i.< for two Ints, f.< for two Floats. Any other types, or unknown ones, are refused by the compiler."},
    {">", "( ..a T T -- ..a Bool )", PURE, BY_COMPILER,
     .help = "i.> for two Ints, f.> for two Floats. Any other types, or unknown ones, are refused by the compiler."},
    {"<=", "( ..a T T -- ..a Bool )", PURE, BY_COMPILER,
     .help = "i.<= for two Ints, f.<= for two Floats. Any other types, or unknown ones, are refused by the compiler."},
    {">=", "( ..a T T -- ..a Bool )", PURE, BY_COMPILER,
     .help = "i.>= for two Ints, f.>= for two Floats. Any other types, or unknown ones, are refused by the compiler."},
    {"<>", "( ..a T T -- ..a Bool )", PURE, BY_COMPILER,
     .help = "i.<> for two Ints, f.<> for two Floats. Any other types, or unknown ones, are refused by the compiler."},
};

const WordFamily sugar_family = {"sugar", sugar_words, sizeof sugar_words / sizeof *sugar_words};
