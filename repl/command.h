/* SPDX-License-Identifier: MIT */
/*
 * Command: everything known about one command of the program, one row each.
 * Dispatch, usage, --help, the manual and the completion scripts read the
 * rows; they are in main.c.
 */
#pragma once

#include "repl/exit.h"
#include "repl/options.h"

typedef struct Command Command;

/* A command as it was called. */
typedef struct Invocation {
    const Command *command;
    Options options;
    const char *const *arguments; /* all that is no option; for `run` the program comes first */
    uint32_t argument_count;
    const char *const *environment; /* NAME=VALUE texts and a NULL behind them */
    const char *const *std_folders; /* where std modules that are not built in may be, and a NULL behind them */
} Invocation;

/* What completion offers for a command's arguments. */
typedef enum CommandTakes { TAKES_NOTHING, TAKES_PROGRAMS, TAKES_FOLDERS, TAKES_TOPICS, TAKES_SHELLS } CommandTakes;

struct Command {
    const char *name; /* one word, or two: "journal ls" is one of the commands of the group `journal` */
    int (*function)(const Invocation *invocation); /* returns the exit code */
    const char *usage;                             /* what stands behind the name: "FILE [ARGUMENT...]" */
    uint32_t argument_count_min, argument_count_max;
    CommandTakes takes;
    uint32_t options; /* OPTION_BITs of those it takes besides COMMON_OPTIONS */
    const char *sentence;
    const char *text; /* more, for --help and the manual: paragraphs between empty lines; or NULL */
};

#define COMMON_OPTIONS (OPTION_BIT(COLOR) | OPTION_BIT(HELP))
/* Of those that look into a store. */
#define VIEW_OPTIONS (OPTION_BIT(STORE) | OPTION_BIT(JSON))
/* What may stand before a program that is run without naming the command `run`. */
#define PROGRAM_OPTIONS (OPTION_BIT(EXECUTE) | OPTION_BIT(MEMORY) | OPTION_BIT(FUEL) | OPTION_BIT(STORE))

enum { COMMAND_ARGUMENTS_ANY = UINT32_MAX };

extern const Command command_rows[]; /* one whose name is NULL ends them */

/* The command of that name, or NULL. */
const Command *command_find(const char *name);
/* The first row of the group of that name, or NULL. Its other rows follow it. */
const Command *command_group(const char *name);
/* The second word of a command's name; the first when it is of no group. */
const char *command_part(const Command *command);
/* Whether both are of one group. */
bool command_is_beside(const Command *a, const Command *b);
/* The name that is most like this one, or NULL when none is. */
const char *command_closest(const char *name);

/* The functions of the rows. */
int cmd_check(const Invocation *invocation);
int cmd_completion(const Invocation *invocation);
int cmd_disasm(const Invocation *invocation);
int cmd_help(const Invocation *invocation);
int cmd_journal_dump(const Invocation *invocation);
int cmd_journal_inspect(const Invocation *invocation);
int cmd_journal_ls(const Invocation *invocation);
int cmd_journal_stat(const Invocation *invocation);
int cmd_journal_verify(const Invocation *invocation);
int cmd_man(const Invocation *invocation);
int cmd_parked_ls(const Invocation *invocation);
int cmd_parked_show(const Invocation *invocation);
int cmd_run(const Invocation *invocation);
int cmd_test(const Invocation *invocation);
int cmd_version(const Invocation *invocation);
