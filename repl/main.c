/* SPDX-License-Identifier: MIT */
/*
 * The program `seqvm`: the table of its commands, and which of them is meant.
 *
 *   seqvm [OPTION...] COMMAND [OPTION...] [ARGUMENT...]
 *   seqvm [OPTION...] FILE.seq [ARGUMENT...]      as `run`
 */
#include "repl/command.h"
#include "repl/help.h"
#include "repl/report.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const Command command_rows[] = {
    {"run", cmd_run, "FILE [ARGUMENT...]", 1, COMMAND_ARGUMENTS_ANY, TAKES_PROGRAMS, PROGRAM_OPTIONS,
     "Runs a program.",
     "FILE is a path, or - for standard input. What stands behind it is the program's, whatever it looks like. The word "
     "`run` may be left out before -, before a path that ends in .seq or has a slash in it, and before options, so "
     "`#!/usr/bin/env seqvm` makes a file a command.\n\n"
     "The exit code is the Int that main leaves, or 0."},
    {"check", cmd_check, "FILE...", 1, COMMAND_ARGUMENTS_ANY, TAKES_PROGRAMS, OPTION_BIT(JSON) | OPTION_BIT(MEMORY),
     "Says what is wrong with programs, without running them.",
     "All errors of all files are shown, at most 20 of each file. A file needs no main."},
    {"test", cmd_test, "[PATH...]", 0, COMMAND_ARGUMENTS_ANY, TAKES_FOLDERS,
     OPTION_BIT(FILTER) | OPTION_BIT(VERBOSE) | OPTION_BIT(JSON) | OPTION_BIT(MEMORY) | OPTION_BIT(FUEL),
     "Runs tests.",
     "PATH is a file named test-*.seq, or a folder in which all such files are looked for; without one, the current "
     "folder. A test is a word of such a file whose name starts with test- and whose effect is ( -- ). A file with a "
     "main is no test."},
    {"version", cmd_version, "", 0, 0, TAKES_NOTHING, OPTION_BIT(JSON) | OPTION_BIT(VERSION), "Prints the version.", NULL},
    {0},
};

const Command *command_find(const char *name) {
    for (const Command *command = command_rows; command->name; command++) {
        if (strcmp(command->name, name) == 0)
            return command;
    }
    return NULL;
}

const char *command_closest(const char *name) {
    enum { DISTANCE_MAX = 2 };
    const char *best = NULL;
    uint32_t best_distance = DISTANCE_MAX + 1;
    for (const Command *command = command_rows; command->name; command++) {
        uint32_t distance = diag_distance(name, strlen(name), command->name, strlen(command->name), DISTANCE_MAX);
        if (distance < best_distance) {
            best = command->name;
            best_distance = distance;
        }
    }
    return best;
}

/* --- which command --- */

static bool is_program(const char *item) {
    size_t size = strlen(item);
    bool is_seq = size > 4 && strcmp(item + size - 4, ".seq") == 0;
    return is_seq || strcmp(item, "-") == 0 || strchr(item, '/');
}

/* NULL when there is no such command. */
static const Command *choose(const Options *options, Arguments *arguments) {
    const char *item = arguments->next < arguments->count ? arguments->items[arguments->next] : NULL;
    if (options_has(options, OPTION_VERSION))
        return command_find("version");
    if (options_has(options, OPTION_EXECUTE) || (item && is_program(item)))
        return command_find("run");
    const Command *command = item ? command_find(item) : NULL;
    arguments->next += command != NULL;
    return command;
}

static int fail_usage(const Command *command) {
    help_usage(stderr, command);
    return EXIT_USAGE;
}

static int fail_unknown(const char *name) {
    const char *best = command_closest(name);
    if (best)
        report_error("unknown command '%s'; did you mean '%s'?", name, best);
    else
        report_error("unknown command '%s'%s%s%s", name, access(name, F_OK) ? "" : "; for the program of that name say './",
                     access(name, F_OK) ? "" : name, access(name, F_OK) ? "" : "'");
    return fail_usage(NULL);
}

/* --- calling it --- */

static bool has_only_own_options(const Command *command, const Options *options) {
    uint32_t others = options->given & ~(command->options | COMMON_OPTIONS);
    for (int id = 0; id < OPTION_COUNT; id++) {
        if (others >> id & 1) {
            report_error("%s takes no option --%s", command->name, option_rows[id].name);
            return false;
        }
    }
    return true;
}

static bool has_right_count(const Command *command, uint32_t count) {
    if (count >= command->argument_count_min && count <= command->argument_count_max)
        return true;
    report_error("%s: %s; it takes %s", command->name, count ? "too many arguments" : "something is missing",
                 *command->usage ? command->usage : "none");
    return false;
}

static int call(const Command *command, const Options *options, const Arguments *arguments) {
    Invocation invocation = {
        .command = command,
        .options = *options,
        .arguments = (const char *const *)arguments->items + arguments->next,
        .argument_count = (uint32_t)(arguments->count - arguments->next),
        .environment = (const char *const *)environ,
    };
    if (!has_only_own_options(command, options) || !has_right_count(command, invocation.argument_count))
        return fail_usage(command);
    return command->function(&invocation);
}

int main(int argc, char **argv) {
    Options options = {0};
    Arguments arguments = {.items = argv, .count = argc, .next = 1};
    if (!options_read(&options, &arguments, true))
        return fail_usage(NULL);

    const Command *command = choose(&options, &arguments);
    bool is_run = command == command_find("run");
    if (command && !options_read(&options, &arguments, is_run))
        return fail_usage(command);
    if (options_has(&options, OPTION_HELP)) {
        help_command(stdout, command);
        return EXIT_FINE;
    }
    if (!command)
        return arguments.next < arguments.count ? fail_unknown(argv[arguments.next]) : fail_usage(NULL);
    if (is_run && options_has(&options, OPTION_EXECUTE))
        argv[--arguments.next] = "-e"; /* takes the place of the last option: the program's name is its first argument */
    return call(command, &options, &arguments);
}
