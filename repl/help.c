/* SPDX-License-Identifier: MIT */
#include "repl/help.h"

#include <string.h>

enum { WIDTH = 80, COLUMN = 26 };

/* --- texts --- */

static int indent_to(FILE *file, int column, int wanted) {
    if (column > 0 && column >= wanted) {
        fputc('\n', file);
        column = 0;
    }
    fprintf(file, "%*s", wanted - column, "");
    return wanted;
}

/* How many columns the bytes take: as many as they have characters. */
static int width_of(const char *text, size_t size) {
    int width = 0;
    for (size_t index = 0; index < size; index++)
        width += ((unsigned char)text[index] & 0xC0) != 0x80;
    return width;
}

static void wrap_paragraph(FILE *file, const char *text, size_t size, int column, int indent) {
    const char *end = text + size;
    bool is_first = true;
    while (text < end) {
        size_t word_size = strcspn(text, " \n");
        int width = width_of(text, word_size);
        if (!is_first && column + 1 + width > WIDTH)
            column = indent_to(file, WIDTH, indent);
        else if (!is_first)
            column += fprintf(file, " ");
        fwrite(text, 1, word_size, file);
        column += width;
        text += word_size;
        text += text < end;
        is_first = false;
    }
    fputc('\n', file);
}

void help_wrap(FILE *file, const char *text, int column, int indent) {
    column = indent_to(file, column, indent);
    for (const char *end; (end = strstr(text, "\n\n")); text = end + 2) {
        wrap_paragraph(file, text, (size_t)(end - text), column, indent);
        fputc('\n', file);
        column = indent_to(file, 0, indent);
    }
    wrap_paragraph(file, text, strlen(text), column, indent);
}

/* --- rows --- */

static void print_option(FILE *file, const Option *option) {
    char text[64];
    option_format(option, text, sizeof text);
    int column = fprintf(file, "  %s%s", option->letter ? "" : "    ", text);
    help_wrap(file, option->sentence, column, COLUMN);
}

static void print_options(FILE *file, uint32_t bits) {
    fputs("\nOptions:\n", file);
    for (int id = 0; id < OPTION_COUNT; id++) {
        if (bits >> id & 1)
            print_option(file, &option_rows[id]);
    }
}

static void print_command(FILE *file, const Command *command) {
    int column = fprintf(file, "  %s %s", command->name, command->usage);
    help_wrap(file, command->sentence, column, COLUMN);
}

static void print_commands(FILE *file) {
    fputs("\nCommands:\n", file);
    for (const Command *command = command_rows; command->name; command++)
        print_command(file, command);
}

void help_group(FILE *file, const Command *group) {
    int size = (int)strcspn(group->name, " ");
    fprintf(file, "seqvm %.*s COMMAND [OPTION...] [ARGUMENT...]\n\nCommands:\n", size, group->name);
    for (const Command *command = group; command_is_beside(group, command); command++)
        print_command(file, command);
    fprintf(file, "\n`seqvm help %s` says more, and so on.\n", group->name);
}

static void print_exit_codes(FILE *file) {
    fputs("\nExit codes, unless the program gives its own:\n", file);
#define ROW(name, code, meaning) help_wrap(file, meaning, fprintf(file, "  %d", code), 8);
    EXIT_CODES(ROW)
#undef ROW
}

/* --- whole pages --- */

void help_usage(FILE *file, const Command *command) {
    if (command) {
        fprintf(file, "usage: seqvm %s [OPTION...]%s%s\n", command->name, *command->usage ? " " : "", command->usage);
        fprintf(file, "`seqvm help %s` says more.\n", command->name);
        return;
    }
    fputs("usage: seqvm [OPTION...] FILE.seq [ARGUMENT...]\n"
          "       seqvm [OPTION...] -e CODE [ARGUMENT...]\n"
          "       seqvm COMMAND [OPTION...] [ARGUMENT...]\n"
          "commands:",
          file);
    for (const Command *each = command_rows; each->name; each++) {
        if (each == command_rows || !command_is_beside(each, each - 1))
            fprintf(file, " %.*s", (int)strcspn(each->name, " "), each->name);
    }
    fputs("\n`seqvm help` says more.\n", file);
}

static void print_program(FILE *file) {
    fputs("seqvm " SEQVM_VERSION ": runs programs written in Seq\n\n"
          "  seqvm [OPTION...] FILE.seq [ARGUMENT...]\n"
          "  seqvm [OPTION...] -e CODE [ARGUMENT...]\n"
          "  seqvm COMMAND [OPTION...] [ARGUMENT...]\n",
          file);
    print_commands(file);
    print_options(file, PROGRAM_OPTIONS | COMMON_OPTIONS | OPTION_BIT(VERSION));
    print_exit_codes(file);
}

void help_command(FILE *file, const Command *command) {
    if (!command) {
        print_program(file);
        return;
    }
    fprintf(file, "seqvm %s [OPTION...]%s%s\n\n", command->name, *command->usage ? " " : "", command->usage);
    help_wrap(file, command->sentence, 0, 0);
    if (command->text) {
        fputc('\n', file);
        help_wrap(file, command->text, 0, 0);
    }
    print_options(file, command->options | COMMON_OPTIONS);
}
