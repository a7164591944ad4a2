/* SPDX-License-Identifier: MIT */
/*
 * Word: everything known about a builtin, one row each. The checker reads
 * its effect, the interpreter its opcode or function, `help` and the spec page
 * its sentence; there is no second table.
 *
 * The families (one table each, in builtins/) are joined by word_table_new(),
 * which numbers them for this process. A number never reaches a disk.
 */
#pragma once

#include "vm/base/mem.h"
#include "vm/base/table.h"

typedef struct Strand Strand;
typedef struct StepFrame StepFrame;
typedef struct Word Word;

typedef enum Opcode {
#define OPCODE(name, first, second, pops, pushes, sentence) OP_##name,
#include "vm/exec/opcodes.h"
    OPCODE_COUNT,
} Opcode;

typedef enum WordResult {
    WORD_OK,      /* done: results are on the stack */
    WORD_CALL,    /* strand_call() was the last thing it did: go on in the quotation */
    WORD_PARKED,  /* strand_park() was: whoever wakes the strand pushes the results */
    WORD_FAULTED, /* strand_fault() was: arguments stay for the trace */
    WORD_EXIT,    /* the program ends at once with scheduler->exit_code */
} WordResult;

/* What a word has to do with the world. All but PURE words are called by CALL_OUTSIDE. */
typedef enum Touches {
    PURE,
    READS,   /* time, a file, the environment */
    ACTS,    /* prints, sends */
    CHANGES, /* writes a file, ends the process */
    ESCAPES, /* makes what would outlive an actor's turn: refused in one */
} Touches;

typedef WordResult WordFunction(Strand *strand);
/* A quotation that the word called has returned; once more, or done. */
typedef WordResult StepFunction(Strand *strand, StepFrame *frame);

typedef enum WordHow {
    WORD_BY_OPCODE, /* `opcode` stands for it in the code */
    WORD_BY_FUNCTION,
    WORD_BY_COMPILER, /* the checker and the emitter know it: shuffles, call, if, sugar ... */
    WORD_IS_ALIAS,    /* of `alias` */
    WORD_IS_ABSENT,   /* known, but not in this build: refused by name */
} WordHow;

struct Word {
    const char *name;
    const char *effect; /* as in source, leftmost deepest; any name may be a type variable */
    Touches touches;
    WordHow how;
    Opcode opcode;
    WordFunction *function;
    StepFunction *step;
    const char *alias;
    bool needs_floor;   /* takes from the stack what its effect does not say: called by CALL_FLOOR */
    bool is_ours;       /* not a word of the reference compiler: yields to a program's own definition of that name */
    const char *help;   /* what it does and its edge cases, in sentences */
    const char *family; /* filled in by word_table_new */
    uint32_t number;    /* filled in by word_table_new */
    /* values that the effect takes and leaves, and whether it takes a quotation; filled in by word_table_new */
    uint8_t inputs, outputs;
    bool takes_quotation;
};

/* How the rows are written. */
#define BY_OPCODE(name) .how = WORD_BY_OPCODE, .opcode = OP_##name
#define BY_FUNCTION(pointer) .how = WORD_BY_FUNCTION, .function = (pointer)
#define BY_STEPS(start, next) .how = WORD_BY_FUNCTION, .function = (start), .step = (next)
#define BY_COMPILER .how = WORD_BY_COMPILER
#define ALIAS_OF(other) .how = WORD_IS_ALIAS, .alias = (other)
#define ABSENT .how = WORD_IS_ABSENT

typedef struct WordFamily {
    const char *name; /* as `help` groups them: "list" */
    const Word *words;
    uint32_t count;
} WordFamily;

typedef struct WordTable {
    Mem *mem;
    Word *words; /* by number */
    uint32_t count;
    Table by_name;
} WordTable;

/* Joins the families. -ENOMEM when memory is refused. Panics on a name that is there twice or an alias of nothing. */
int word_table_init(WordTable *table, Mem *mem, const WordFamily *families, uint32_t family_count) MUST_CHECK;
void word_table_deinit(WordTable *table);
/* The row of this name, an alias as it stands, or NULL. */
const Word *word_find(const WordTable *table, const char *name, size_t size);
/* The row that an alias stands for; any other row itself. */
const Word *word_resolve(const WordTable *table, const Word *word);
