/* SPDX-License-Identifier: MIT */
/*
 * completion: scripts that make shells complete our command lines, made from
 * the rows of commands and options. They ask the shell for files; no program
 * is started when a key is pressed.
 */
#include "builtins/std.h"
#include "repl/command.h"
#include "repl/report.h"
#include <stdio.h>
#include <string.h>

/* --- what they share --- */

/* Bytes between single quotes of a shell. */
static void print_quoted(const char *text) {
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*text);
    }
}

static void print_option_names(uint32_t bits) {
    const char *space = "";
    for (int id = 0; id < OPTION_COUNT; id++) {
        if (!(bits >> id & 1))
            continue;
        if (option_rows[id].letter)
            printf("%s-%c --%s", space, option_rows[id].letter, option_rows[id].name);
        else
            printf("%s--%s", space, option_rows[id].name);
        space = " ";
    }
}

static bool is_first_of_group(const Command *command) {
    return command_part(command) != command->name &&
           (command == command_rows || !command_is_beside(command, command - 1));
}

/* What may stand first: commands, and groups of them. */
static void print_first_words(const char *separator) {
    for (const Command *command = command_rows; command->name; command++) {
        if (command_part(command) == command->name || is_first_of_group(command))
            printf("%s%.*s", command == command_rows ? "" : separator, (int)strcspn(command->name, " "), command->name);
    }
}

static void print_parts(const Command *group) {
    for (const Command *command = group; command_is_beside(group, command); command++)
        printf("%s%s", command == group ? "" : " ", command_part(command));
}

static void print_choices(const Option *option) {
    for (const char *const *choice = option->choices; *choice; choice++)
        printf("%s%s", choice == option->choices ? "" : " ", *choice);
}

/* What may be asked for help, but for words: too many, and full of a shell's own signs. */
static void print_topics(void) {
    print_first_words(" ");
    fputs(" words", stdout);
    for (const StdModule *std = std_modules; std->name; std++)
        printf(" %s", std->name);
}

static uint32_t first_options(void) {
    return PROGRAM_OPTIONS | COMMON_OPTIONS | OPTION_BIT(VERSION);
}

/* --- bash --- */

static void print_bash_values(void) {
    fputs("    case $previous in\n", stdout);
    for (int id = 0; id < OPTION_COUNT; id++) {
        const Option *option = &option_rows[id];
        if (!option->argument)
            continue;
        fputs("    ", stdout);
        if (option->letter)
            printf("-%c|", option->letter);
        printf("--%s) ", option->name);
        if (option->choices) {
            fputs("COMPREPLY=($(compgen -W '", stdout);
            print_choices(option);
            fputs("' -- \"$current\")); ", stdout);
        }
        puts("return ;;");
    }
    puts("    esac");
}

static void print_bash_arguments(const Command *command) {
    switch (command->takes) {
    case TAKES_NOTHING:
        break;
    case TAKES_PROGRAMS:
    case TAKES_FOLDERS:
        fputs(" files=1", stdout);
        break;
    case TAKES_TOPICS:
        fputs(" names='", stdout);
        print_topics();
        putchar('\'');
        break;
    case TAKES_SHELLS:
        printf(" names='bash zsh fish'");
        break;
    }
}

static void print_bash_commands(void) {
    puts("    case $command in");
    for (const Command *command = command_rows; command->name; command++) {
        if (is_first_of_group(command)) {
            printf("    %.*s) names='", (int)strcspn(command->name, " "), command->name);
            print_parts(command);
            puts("' ;;");
        }
        printf("    '%s') options='", command->name);
        print_option_names(command->options | COMMON_OPTIONS);
        putchar('\'');
        print_bash_arguments(command);
        puts(" ;;");
    }
    fputs("    *) files=1 names='", stdout);
    print_first_words(" ");
    fputs("' options='", stdout);
    print_option_names(first_options());
    puts("' ;;\n    esac");
}

/* The word that names a command ends the search; one that names a group leaves the next to be looked at. */
static void print_bash_words(void) {
    for (const Command *command = command_rows; command->name; command++) {
        if (is_first_of_group(command))
            printf("        %.*s) command=$word ;;\n", (int)strcspn(command->name, " "), command->name);
        printf("        '%s') command='%s'; break ;;\n", command->name, command->name);
    }
}

static void print_bash(void) {
    puts("# bash completion for seqvm; made by `seqvm completion bash`\n"
         "_seqvm() {\n"
         "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
         "    local command= options= names= files= word\n"
         "    COMPREPLY=()\n"
         "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
         "        case ${command:+$command }$word in");
    print_bash_words();
    puts("        *.seq) COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n"
         "        esac\n"
         "    done");
    print_bash_values();
    print_bash_commands();
    puts("    if [[ $current == -* ]]; then\n"
         "        COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
         "        return\n"
         "    fi\n"
         "    [[ $names ]] && COMPREPLY=($(compgen -W \"$names\" -- \"$current\"))\n"
         "    if [[ $files ]]; then\n"
         "        compopt -o filenames 2>/dev/null\n"
         "        COMPREPLY+=($(compgen -f -X '!*.seq' -- \"$current\") $(compgen -d -- \"$current\"))\n"
         "    fi\n"
         "}\n"
         "complete -F _seqvm seqvm");
}

/* --- zsh --- */

/* An entry of _arguments or _describe, between single quotes: brackets and colons have a meaning there. */
static void print_zsh_text(const char *text) {
    for (; *text; text++) {
        if (strchr("[]:\\", *text))
            putchar('\\');
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*text);
    }
}

static void print_zsh_option(const Option *option) {
    fputs(" \\\n            ", stdout);
    if (option->letter)
        printf("'(-%c --%s)'{-%c,--%s%s}'[", option->letter, option->name, option->letter, option->name,
               option->argument ? "=" : "");
    else
        printf("'--%s%s[", option->name, option->argument ? "=" : "");
    print_zsh_text(option->sentence);
    putchar(']');
    if (option->argument)
        printf(":%s:", option->argument);
    if (option->choices) {
        putchar('(');
        print_choices(option);
        putchar(')');
    }
    putchar('\'');
}

static void print_zsh_options(uint32_t bits) {
    for (int id = 0; id < OPTION_COUNT; id++) {
        if (bits >> id & 1)
            print_zsh_option(&option_rows[id]);
    }
}

static void print_zsh_arguments(const Command *command) {
    switch (command->takes) {
    case TAKES_NOTHING:
        break;
    case TAKES_PROGRAMS:
        fputs(" \\\n            '*:program:_files -g \"*.seq\"'", stdout);
        break;
    case TAKES_FOLDERS:
        fputs(" \\\n            '*:tests:_files -g \"test-*.seq\"'", stdout);
        break;
    case TAKES_TOPICS:
        fputs(" \\\n            '1:topic:(", stdout);
        print_topics();
        fputs(")'", stdout);
        break;
    case TAKES_SHELLS:
        fputs(" \\\n            '1:shell:(bash zsh fish)'", stdout);
        break;
    }
}

/* Its commands have about the same options, so all are offered. */
static void print_zsh_group(const Command *group) {
    uint32_t options = COMMON_OPTIONS;
    for (const Command *command = group; command_is_beside(group, command); command++)
        options |= command->options;
    printf("        %.*s) _arguments", (int)strcspn(group->name, " "), group->name);
    print_zsh_options(options);
    fputs(" \\\n            '1:command:(", stdout);
    print_parts(group);
    puts(")' ;;");
}

static void print_zsh(void) {
    puts("#compdef seqvm\n"
         "# zsh completion for seqvm; made by `seqvm completion zsh`\n"
         "_seqvm() {\n"
         "    local line state\n"
         "    local -a commands\n"
         "    commands=(");
    for (const Command *command = command_rows; command->name; command++) {
        if (command_part(command) == command->name) {
            printf("        '%s:", command->name);
            print_zsh_text(command->sentence);
            puts("'");
        } else if (is_first_of_group(command)) {
            printf("        '%.*s:", (int)strcspn(command->name, " "), command->name);
            print_parts(command);
            puts("'");
        }
    }
    fputs("    )\n    _arguments -C", stdout);
    print_zsh_options(first_options());
    puts(" \\\n            '1: :->first' \\\n            '*:: :->rest'\n"
         "    case $state in\n"
         "    first)\n"
         "        _describe command commands\n"
         "        _files -g '*.seq' ;;\n"
         "    rest)\n"
         "        case $line[1] in");
    for (const Command *command = command_rows; command->name; command++) {
        if (is_first_of_group(command))
            print_zsh_group(command);
        if (command_part(command) != command->name)
            continue;
        printf("        %s) _arguments", command->name);
        print_zsh_options(command->options | COMMON_OPTIONS);
        print_zsh_arguments(command);
        puts(" ;;");
    }
    puts("        *) _files ;;\n"
         "        esac ;;\n"
         "    esac\n"
         "}\n"
         "_seqvm \"$@\"");
}

/* --- fish --- */

static void print_fish_option(const char *condition, const Option *option) {
    printf("complete -c seqvm -n '%s'", condition);
    if (option->letter)
        printf(" -s %c", option->letter);
    printf(" -l %s", option->name);
    if (option->argument)
        fputs(" -x", stdout);
    if (option->choices) {
        fputs(" -a '", stdout);
        print_choices(option);
        putchar('\'');
    }
    fputs(" -d '", stdout);
    print_quoted(option->sentence);
    puts("'");
}

static void print_fish_options(const char *condition, uint32_t bits) {
    for (int id = 0; id < OPTION_COUNT; id++) {
        if (bits >> id & 1)
            print_fish_option(condition, &option_rows[id]);
    }
}

static void print_fish_arguments(const Command *command, const char *condition) {
    switch (command->takes) {
    case TAKES_NOTHING:
        break;
    case TAKES_PROGRAMS:
    case TAKES_FOLDERS:
        printf("complete -c seqvm -n '%s' -k -x -a '(__fish_complete_suffix .seq)'\n", condition);
        break;
    case TAKES_TOPICS:
        printf("complete -c seqvm -n '%s' -x -a '", condition);
        print_topics();
        puts("'");
        break;
    case TAKES_SHELLS:
        printf("complete -c seqvm -n '%s' -x -a 'bash zsh fish'\n", condition);
        break;
    }
}

/* A command, or a group and what it has. */
static void print_fish_name(const Command *command) {
    int first_size = (int)strcspn(command->name, " ");
    bool is_part = command_part(command) != command->name;
    if (!is_part || is_first_of_group(command)) {
        printf("complete -c seqvm -n __fish_use_subcommand -x -a %.*s -d '", first_size, command->name);
        if (is_part)
            print_parts(command);
        else
            print_quoted(command->sentence);
        puts("'");
    }
    if (is_part) {
        printf("complete -c seqvm -n '__fish_seen_subcommand_from %.*s' -x -a %s -d '", first_size, command->name,
               command_part(command));
        print_quoted(command->sentence);
        puts("'");
    }
}

static void fish_condition(const Command *command, char *condition, size_t size) {
    if (command_part(command) == command->name)
        snprintf(condition, size, "__fish_seen_subcommand_from %s", command->name);
    else
        snprintf(condition, size, "__fish_seen_subcommand_from %.*s; and __fish_seen_subcommand_from %s",
                 (int)strcspn(command->name, " "), command->name, command_part(command));
}

static void print_fish(void) {
    puts("# fish completion for seqvm; made by `seqvm completion fish`\n"
         "complete -c seqvm -n __fish_use_subcommand -k -x -a '(__fish_complete_suffix .seq)'");
    for (const Command *command = command_rows; command->name; command++)
        print_fish_name(command);
    print_fish_options("__fish_use_subcommand", first_options());
    for (const Command *command = command_rows; command->name; command++) {
        char condition[128];
        fish_condition(command, condition, sizeof condition);
        print_fish_options(condition, command->options | COMMON_OPTIONS);
        print_fish_arguments(command, condition);
    }
}

int cmd_completion(const Invocation *invocation) {
    const char *shell = invocation->arguments[0];
    if (strcmp(shell, "bash") == 0) {
        print_bash();
    } else if (strcmp(shell, "zsh") == 0) {
        print_zsh();
    } else if (strcmp(shell, "fish") == 0) {
        print_fish();
    } else {
        report_error("no completion for '%s'; there is bash, zsh and fish", shell);
        return EXIT_USAGE;
    }
    return EXIT_FINE;
}
