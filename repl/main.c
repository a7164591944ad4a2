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
#include "repl/std_folders.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const Command command_rows[] = {
    {"run", cmd_run, "FILE [ARGUMENT...]", 1, COMMAND_ARGUMENTS_ANY, TAKES_PROGRAMS, PROGRAM_OPTIONS,
     "Runs a program.",
     "FILE is a path, or - for standard input. What stands behind it is the program's, whatever it looks like. The\n"
     "word `run` may be left out before -, before a path that ends in .seq or has a slash in it, and before options,\n"
     "so `#!/usr/bin/env seqvm` makes a file a command.\n\n"
     "The exit code is the Int that main leaves, or 0."},
    {"check", cmd_check, "FILE...", 1, COMMAND_ARGUMENTS_ANY, TAKES_PROGRAMS, OPTION_BIT(JSON) | OPTION_BIT(MEMORY),
     "Says what is wrong with programs, without running them.",
     "All errors of all files are shown, at most 20 of each file. A file needs no main."},
    {"test", cmd_test, "[PATH...]", 0, COMMAND_ARGUMENTS_ANY, TAKES_FOLDERS,
     OPTION_BIT(FILTER) | OPTION_BIT(VERBOSE) | OPTION_BIT(JSON) | OPTION_BIT(MEMORY) | OPTION_BIT(FUEL),
     "Runs tests.",
     "PATH is a file named test-*.seq, or a folder in which all such files are looked for; without one, the current\n"
     "folder. A test is a word of such a file whose name starts with test- and whose effect is ( -- ). A file with a\n"
     "main is no test."},
    {"disasm", cmd_disasm, "FILE [WORD]", 1, 2, TAKES_PROGRAMS, OPTION_BIT(MEMORY),
     "Shows the instructions of a program.",
     "Those of the words that stand in FILE itself, or of WORD, which may come from an include. Each piece of code\n"
     "has a number in brackets, by which others name it."},
    {"journal ls", cmd_journal_ls, "", 0, 0, TAKES_NOTHING, VIEW_OPTIONS,
     "Lists the actors of a store.",
     "For each its records, the bytes they take, and when the last one was written. This and the other commands that\n"
     "look into a store change nothing, and work while the program that owns it is running: they show it as it is at\n"
     "one moment."},
    {"journal dump", cmd_journal_dump, "ADDRESS", 1, 1, TAKES_NOTHING,
     VIEW_OPTIONS | OPTION_BIT(FROM) | OPTION_BIT(TO),
     "Shows what an actor's journal says, one line a record.",
     "A turn is shown with its message, the keys of the state that it changed, with what stood under them before, its\n"
     "events, what the behavior saw of the world, and what it did. Values are SON."},
    {"journal inspect", cmd_journal_inspect, "ADDRESS [@TURN]", 1, 2, TAKES_NOTHING, VIEW_OPTIONS,
     "Shows an actor's state, now or after an earlier turn.",
     "And the messages that wait or are parked then."},
    {"journal stat", cmd_journal_stat, "", 0, 0, TAKES_NOTHING, VIEW_OPTIONS,
     "Counts actors, records, bytes and what is not settled.",
     NULL},
    {"journal verify", cmd_journal_verify, "", 0, 0, TAKES_NOTHING, VIEW_OPTIONS,
     "Reads all of every journal and says what is damaged.",
     "Each damage is a line that says where it is; nothing is changed. With any, the exit code is 5."},
    {"parked ls", cmd_parked_ls, "", 0, 0, TAKES_NOTHING, VIEW_OPTIONS,
     "Lists the messages that were set aside because their turn failed.",
     "The number behind the address is that of the record that says so."},
    {"parked show", cmd_parked_show, "ADDRESS NUMBER", 2, 2, TAKES_NOTHING, VIEW_OPTIONS,
     "Shows a parked message, why its turn failed, and where.",
     NULL},
    {"help", cmd_help, "[TOPIC]", 0, 2, TAKES_TOPICS, OPTION_BIT(MARKDOWN),
     "Explains a command, a word, a family of words or a std module.",
     "TOPIC is the name of a command or of a word, `words` for the names of all words, a family of them like `list`,\n"
     "a module like `std:json`, or syntax like `match`."},
    {"completion", cmd_completion, "bash|zsh|fish", 1, 1, TAKES_SHELLS, 0,
     "Prints a script for a shell that completes our command lines.",
     "For bash: `seqvm completion bash >~/.local/share/bash-completion/completions/seqvm`.\n\n"
     "For fish: `seqvm completion fish >~/.config/fish/completions/seqvm.fish`.\n\n"
     "For zsh, into a file `_seqvm` in a folder of `$fpath`."},
    {"man", cmd_man, "", 0, 0, TAKES_NOTHING, 0,
     "Prints the manual page.",
     "To read it: `seqvm man | man -l -`."},
    {"version", cmd_version, "", 0, 0, TAKES_NOTHING, OPTION_BIT(JSON) | OPTION_BIT(VERSION),
     "Prints the version.",
     NULL},
    {0},
};

const Command *command_find(const char *name) {
    for (const Command *command = command_rows; command->name; command++) {
        if (strcmp(command->name, name) == 0)
            return command;
    }
    return NULL;
}

static size_t group_size(const char *name) {
    return strchr(name, ' ') ? (size_t)(strchr(name, ' ') - name) : 0;
}

const Command *command_group(const char *name) {
    for (const Command *command = command_rows; command->name; command++) {
        size_t size = group_size(command->name);
        if (size > 0 && strlen(name) == size && memcmp(command->name, name, size) == 0)
            return command;
    }
    return NULL;
}

const char *command_part(const Command *command) {
    size_t size = group_size(command->name);
    return command->name + size + (size > 0);
}

bool command_is_beside(const Command *a, const Command *b) {
    size_t size = a->name && b->name ? group_size(a->name) : 0;
    return size > 0 && size == group_size(b->name) && memcmp(a->name, b->name, size) == 0;
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

/* The command of a group that the second word names, or NULL. */
static const Command *choose_part(const Command *command, Arguments *arguments) {
    const char *part = arguments->next + 1 < arguments->count ? arguments->items[arguments->next + 1] : "";
    for (const Command *each = command; command_is_beside(command, each); each++) {
        if (strcmp(command_part(each), part) == 0) {
            arguments->next += 2;
            return each;
        }
    }
    return NULL;
}

/* NULL when there is no such command. */
static const Command *choose(const Options *options, Arguments *arguments) {
    const char *item = arguments->next < arguments->count ? arguments->items[arguments->next] : NULL;
    if (options_has(options, OPTION_VERSION))
        return command_find("version");
    if (options_has(options, OPTION_EXECUTE) || (item && is_program(item)))
        return command_find("run");
    const Command *command = item ? command_group(item) : NULL;
    if (command)
        return choose_part(command, arguments);
    command = item ? command_find(item) : NULL;
    arguments->next += command != NULL;
    return command;
}

static int fail_usage(const Command *command) {
    help_usage(stderr, command);
    return EXIT_USAGE;
}

/* What a command has printed must arrive. (Programs do not print by stdio; their failures to write are ignored.) */
static int after_output(int code) {
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    report_error("cannot write: %s", strerror(errno));
    return code ? code : EXIT_FAILED;
}

static bool is_help(const char *item) {
    return strcmp(item, "-h") == 0 || strcmp(item, "--help") == 0;
}

/* A group was named, and none of its commands. */
static int answer_group(const Command *group, const Options *options, const Arguments *arguments) {
    const char *name = arguments->items[arguments->next];
    const char *part = arguments->next + 1 < arguments->count ? arguments->items[arguments->next + 1] : NULL;
    if (options_has(options, OPTION_HELP) || (part && is_help(part))) {
        help_group(stdout, group);
        return after_output(EXIT_FINE);
    }
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%s %s", name, part ? part : "");
    const char *best = part ? command_closest(wanted) : NULL;
    if (best)
        report_error("unknown command '%s'; did you mean '%s'?", wanted, best);
    else if (part)
        report_error("unknown command '%s'", wanted);
    else
        report_error("%s: which of its commands is meant?", name);
    help_group(stderr, group);
    return EXIT_USAGE;
}

static int fail_unknown(const char *name) {
    const char *best = command_closest(name);
    if (best)
        report_error("unknown command '%s'; did you mean '%s'?", name, best);
    else if (access(name, F_OK) == 0)
        report_error("unknown command '%s'; to run the program of that name, say './%s'", name, name);
    else
        report_error("unknown command '%s'", name);
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
    StdFolders folders;
    Invocation invocation = {
        .command = command,
        .options = *options,
        .arguments = (const char *const *)arguments->items + arguments->next,
        .argument_count = (uint32_t)(arguments->count - arguments->next),
        .environment = (const char *const *)environ,
    };
    if (!has_only_own_options(command, options) || !has_right_count(command, invocation.argument_count))
        return fail_usage(command);
    if (command->takes == TAKES_PROGRAMS || command->takes == TAKES_FOLDERS) {
        std_folders_find(&folders);
        invocation.std_folders = folders.paths;
    }
    return after_output(command->function(&invocation));
}

/*
 * A standard door that was closed stays so: else the next file that is opened would get its number, and with it what
 * the program prints. In its place stands one that goes the wrong way and so gives the same error.
 */
static bool hold_standard_doors(void) {
    for (int door = STDIN_FILENO; door <= STDERR_FILENO; door++) {
        if (fcntl(door, F_GETFD) < 0 && open("/dev/null", door == STDIN_FILENO ? O_WRONLY : O_RDONLY) != door)
            return false;
    }
    return true;
}

int main(int argc, char **argv) {
    if (!hold_standard_doors())
        return EXIT_FAILED;
    Options options = {0};
    Arguments arguments = {.items = argv, .count = argc, .next = 1};
    if (!options_read(&options, &arguments, true))
        return fail_usage(NULL);

    const Command *command = choose(&options, &arguments);
    bool is_run = command == command_find("run");
    if (command && !options_read(&options, &arguments, is_run))
        return fail_usage(command);
    const Command *group = !command && arguments.next < arguments.count ? command_group(argv[arguments.next]) : NULL;
    if (group)
        return answer_group(group, &options, &arguments);
    if (options_has(&options, OPTION_HELP)) {
        help_command(stdout, command);
        return after_output(EXIT_FINE);
    }
    if (!command)
        return arguments.next < arguments.count ? fail_unknown(argv[arguments.next]) : fail_usage(NULL);
    if (is_run && options_has(&options, OPTION_EXECUTE))
        argv[--arguments.next] = "-e"; /* in place of the last option: the program's own name */
    return call(command, &options, &arguments);
}
