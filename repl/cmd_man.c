/* SPDX-License-Identifier: MIT */
/* man: the manual page seqvm(1), in the macros of man(7), from the same rows as everything else. */
#include "repl/command.h"
#include <stdio.h>

/* Environment variables that we and programs look at. */
static const struct Variable {
    const char *name, *sentence;
} variables[] = {
    {"NO_COLOR", "Set and not empty: no colors, unless --color asks for them."},
    {"CLICOLOR_FORCE", "Set and neither empty nor 0, and NO_COLOR is not: colors, also where no terminal is."},
    {"TERM", "When it is `dumb` or not set, a terminal gets no colors."},
    {"SEQVM_STORE", "The folder of durable actors, unless --store names one."},
    {"SEQ_STDLIB",
     "A folder in which std modules that are not built in are looked for first; then `stdlib` is tried, beside the "
     "program and in the current folder."},
};

static const struct Example {
    const char *command, *sentence;
} examples[] = {
    {"seqvm hello.seq", "Runs a program."},
    {"seqvm -e '1 2 i.+ int->string io.write-line'", "Runs a line."},
    {"seqvm check src/*.seq", "Looks for mistakes."},
    {"seqvm test --filter parse tests", "Runs some of the tests in a folder."},
    {"seqvm help list.map", "Explains a word."},
    {"seqvm journal dump account/alice", "Shows what an actor has done."},
};

/* Text in which nothing is a request; what stands between backquotes is bold. At the start of a line. */
static void print_text(const char *text) {
    bool is_code = false, is_start = true;
    for (; *text; text++) {
        if (is_start && (*text == '.' || *text == '\''))
            fputs("\\&", stdout);
        is_start = false;
        if (*text == '`')
            fputs((is_code = !is_code) ? "\\fB" : "\\fR", stdout);
        else if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else if (*text == '\n' && text[1] == '\n')
            fputs("\n.PP", stdout);
        else
            putchar(*text);
        is_start = *text == '\n';
    }
    putchar('\n');
}

static void print_paragraph(const char *head, const char *text) {
    fputs(".TP\n.B ", stdout);
    print_text(head);
    print_text(text);
}

static void print_options(uint32_t bits) {
    for (int id = 0; id < OPTION_COUNT; id++) {
        if (!(bits >> id & 1))
            continue;
        char head[64];
        option_format(&option_rows[id], head, sizeof head);
        print_paragraph(head, option_rows[id].sentence);
    }
}

static void print_command(const Command *command) {
    printf(".SS %s%s%s\n", command->name, *command->usage ? " " : "", command->usage);
    print_text(command->sentence);
    if (command->text)
        print_text(command->text);
    print_options(command->options & ~(PROGRAM_OPTIONS | OPTION_BIT(VERSION)));
}

static void print_synopsis(void) {
    puts(".SH SYNOPSIS\n"
         ".B seqvm\n[OPTION...] FILE.seq [ARGUMENT...]\n.br\n"
         ".B seqvm\n[OPTION...] \\-e CODE [ARGUMENT...]\n.br\n"
         ".B seqvm\nCOMMAND [OPTION...] [ARGUMENT...]");
}

int cmd_man(const Invocation *invocation) {
    (void)invocation;
    puts(".\\\" Made by `seqvm man`.\n"
         ".TH SEQVM 1 \"\" \"seqvm " SEQVM_VERSION "\" \"User Commands\"\n"
         ".SH NAME\nseqvm \\- runs programs written in Seq");
    print_synopsis();
    puts(".SH DESCRIPTION");
    print_text("Seq is a small statically typed stack language. seqvm reads a program, proves that every word has\n"
               "the effect it declares, and runs it at once.");
    puts(".SH OPTIONS\nThose of programs stand before the file or before the command.");
    print_options(PROGRAM_OPTIONS | COMMON_OPTIONS | OPTION_BIT(VERSION));
    puts(".SH COMMANDS");
    for (const Command *command = command_rows; command->name; command++)
        print_command(command);
    puts(".SH EXIT STATUS\nOf a program that runs to its end, what its main leaves or what it gives to os.exit. Else:");
#define ROW(name, code, meaning) print_paragraph(#code, meaning);
    EXIT_CODES(ROW)
#undef ROW
    puts(".SH ENVIRONMENT");
    for (size_t index = 0; index < sizeof variables / sizeof *variables; index++)
        print_paragraph(variables[index].name, variables[index].sentence);
    puts(".SH EXAMPLES");
    for (size_t index = 0; index < sizeof examples / sizeof *examples; index++)
        print_paragraph(examples[index].command, examples[index].sentence);
    return EXIT_FINE;
}
