/* SPDX-License-Identifier: MIT */
/* Help: what the rows of commands and options say, as text. */
#pragma once

#include "repl/command.h"
#include <stdio.h>

/* A line or two: how the command is used; of NULL, how the program is. */
void help_usage(FILE *file, const Command *command);
/* All there is to say about it; of NULL, about the program. */
void help_command(FILE *file, const Command *command);
/* The commands of a group, by its first row. */
void help_group(FILE *file, const Command *group);
/* Prints text broken into lines, each after `indent` blanks; the first line stands at `column` already. */
void help_wrap(FILE *file, const char *text, int column, int indent);
