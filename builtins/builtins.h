/* SPDX-License-Identifier: MIT */
/*
 * Builtins: the words written in C. Each family is a file: small functions,
 * and at its end a table with a row for each word. A family's object is all
 * that is seen of it from outside.
 */
#pragma once

#include "vm/exec/strand.h"
#include "vm/exec/word.h"
#include "vm/value/string.h"

extern const WordFamily stack_family;
extern const WordFamily quotation_family;
extern const WordFamily sugar_family;
extern const WordFamily bool_family;
extern const WordFamily int_family;
extern const WordFamily float_family;
extern const WordFamily text_family;
extern const WordFamily encoding_family;
extern const WordFamily symbol_family;
extern const WordFamily variant_family;
extern const WordFamily list_family;
extern const WordFamily map_family;
extern const WordFamily strand_family;
extern const WordFamily actor_family;
extern const WordFamily time_family;
extern const WordFamily io_family;
extern const WordFamily file_family;
extern const WordFamily os_family;
extern const WordFamily test_family;
extern const WordFamily debug_family;
extern const WordFamily json_family;
extern const WordFamily yaml_family;
extern const WordFamily absent_family;

enum { BUILTINS_FAMILY_COUNT = 23 };

/* Fills in all families, in the order `help` shows them; what word_table_init() is given. */
void builtins_families(WordFamily families[BUILTINS_FAMILY_COUNT]);

/* --- strings as results: each drops `count` arguments when the result is ready, and is to be returned --- */

/* Takes `string`, which may be NULL: then `size` says whether it was too long or memory was refused. */
WordResult reply_string(Strand *strand, uint32_t count, TAKEN String *string, uint64_t size);
/* A copy of the bytes, which may be those of an argument. */
WordResult reply_bytes(Strand *strand, uint32_t count, const char *bytes, size_t size);
/* The same, and a success flag above it. */
WordResult reply_bytes_ok(Strand *strand, uint32_t count, const char *bytes, size_t size, bool ok);
/* A text of `size` bytes cannot be had: "string too long", or "out of memory". */
WordResult fault_string(Strand *strand, uint64_t size);

/* --- texts --- */

/* Moves both ends inward past Unicode white space. What is no UTF-8 is no white space. */
void text_trim(const char **startp, const char **endp);
