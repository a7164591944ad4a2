/* SPDX-License-Identifier: MIT */
/* help: commands, words, families, std modules and syntax, whichever the topic is. */
#include "repl/catalogue.h"
#include "repl/help.h"
#include "repl/markdown.h"
#include "repl/report.h"
#include <stdio.h>
#include <string.h>

/* --- words --- */

static void print_word(const Word *word) {
    printf("%s %s\n", word->name, word->effect);
    help_wrap(stdout, word->help, 0, 4);
    if (word->how == WORD_IS_ABSENT)
        help_wrap(stdout, "It is not in this build.", 0, 4);
    if (word->is_ours)
        help_wrap(stdout, "A program may define a word of that name; then the program's is meant.", 0, 4);
}

static void print_definition(Catalogue *catalogue, const Definition *definition) {
    printf("%s %s\n", definition->name.bytes, catalogue_effect(&catalogue->arena, definition));
    if (definition->help)
        help_wrap(stdout, definition->help, 0, 4);
}

static void print_family(const WordFamily *family) {
    for (uint32_t index = 0; index < family->count; index++)
        print_word(&family->words[index]);
}

static void print_module(Catalogue *catalogue, const StdModule *std) {
    printf("%s\n\n", catalogue_intro(catalogue, std));
    const Module *module = catalogue_parse(catalogue, std);
    for (const Definition *each = module->definitions; each; each = each->next)
        print_definition(catalogue, each);
}

/* --- lists --- */

/* Appends a name to a paragraph of names. */
static void append_name(Buffer *names, const char *name) {
    if (names->size)
        buffer_append_byte(names, ' ');
    buffer_append_text(names, name);
}

static void print_names(Buffer *names, const char *title, const char *sentence) {
    printf("%s%s%s\n", title, sentence ? ": " : "", sentence ? sentence : "");
    help_wrap(stdout, buffer_text(names), 0, 4);
    buffer_clear(names);
}

static void print_all_words(Catalogue *catalogue) {
    CLEANUP(buffer_deinit) Buffer names;
    buffer_init(&names, &catalogue->mem);
    for (uint32_t family = 0; family < BUILTINS_FAMILY_COUNT; family++) {
        const WordFamily *each = &catalogue->families[family];
        for (uint32_t index = 0; index < each->count; index++)
            append_name(&names, each->words[index].name);
        print_names(&names, each->name, NULL);
    }
    for (const StdModule *std = std_modules; std->name; std++) {
        const Module *module = catalogue_parse(catalogue, std);
        for (const Definition *each = module->definitions; each; each = each->next)
            append_name(&names, each->name.bytes);
        printf("std:");
        print_names(&names, std->name, NULL);
    }
}

/* --- topics --- */

static bool find_family(Catalogue *catalogue, const char *topic) {
    for (uint32_t family = 0; family < BUILTINS_FAMILY_COUNT; family++) {
        if (strcmp(catalogue->families[family].name, topic) == 0) {
            print_family(&catalogue->families[family]);
            return true;
        }
    }
    return false;
}

static bool find_word(Catalogue *catalogue, const char *topic) {
    const Word *word = word_find(&catalogue->words, topic, strlen(topic));
    if (!word)
        return false;
    print_word(word);
    printf("    Family: %s.\n", word->family);
    return true;
}

static bool find_definition(Catalogue *catalogue, const char *topic) {
    bool found = false;
    for (const StdModule *std = std_modules; std->name; std++) {
        const Module *module = catalogue_parse(catalogue, std);
        for (const Definition *each = module->definitions; each; each = each->next) {
            if (strcmp(each->name.bytes, topic) != 0)
                continue;
            print_definition(catalogue, each);
            printf("    Module: include std:%s\n", std->name);
            found = true;
        }
    }
    return found;
}

static bool find_module(Catalogue *catalogue, const char *topic) {
    const StdModule *std = catalogue_std(topic);
    if (std)
        print_module(catalogue, std);
    return std != NULL;
}

/* What is no word but syntax; spec/language.md says more. */
static const struct Form {
    const char *names, *shape, *help; /* names stand apart by spaces */
} form_rows[] = {
    {": ;", ": NAME ( TYPE... -- TYPE... ) BODY ;",
     "Defines a word. Its effect says what it takes and what it leaves, the topmost rightmost. A program starts at "
     "main ( -- ), or at main ( -- Int ), which leaves its exit status."},
    {"include", "include std:NAME, include \"PATH\"",
     "Adds the words of a std module, or of another file; .seq is added to the path, which is relative to this file."},
    {"union", "union NAME { VARIANT { FIELD: TYPE ... } ... }",
     "A type whose values are one of several variants. For a variant Ok with a field value it makes Make-Ok, is-Ok? "
     "and "
     "Ok-value; match takes such values apart."},
    {"match end", "match VARIANT -> BODY ... end",
     "Takes a value of a union and runs the arm of its variant, with the fields on the stack, or with those that the "
     "arm names: VARIANT { >FIELD } -> BODY. All variants must have an arm, and all arms leave the same."},
    {"[ ]", "[ BODY ]",
     "A quotation: code as a value, run by call, if, list.map and others. Where a word wants a quotation with inputs, "
     "it captures what more its body needs from the stack."},
    {"#", "# COMMENT", "Up to the end of the line."},
};

static bool has_name(const char *names, const char *topic) {
    size_t size = strlen(topic);
    for (const char *at = names; size && (at = strstr(at, topic)); at++) {
        if ((at == names || at[-1] == ' ') && (at[size] == ' ' || !at[size]))
            return !strchr(topic, ' ');
    }
    return false;
}

static bool find_form(const char *topic) {
    bool found = false;
    for (size_t index = 0; index < sizeof form_rows / sizeof *form_rows; index++) {
        if (!has_name(form_rows[index].names, topic))
            continue;
        printf("%s\n", form_rows[index].shape);
        help_wrap(stdout, form_rows[index].help, 0, 4);
        found = true;
    }
    return found;
}

/* A topic may be several things: all are shown. */
static bool find(Catalogue *catalogue, const char *topic) {
    const Command *command = command_find(topic), *group = command_group(topic);
    if (command)
        help_command(stdout, command);
    if (group)
        help_group(stdout, group);
    if (strcmp(topic, "words") == 0)
        print_all_words(catalogue);
    bool found = command || group || strcmp(topic, "words") == 0;
    found |= find_form(topic);
    found |= find_word(catalogue, topic);
    found |= find_definition(catalogue, topic);
    if (strncmp(topic, "std:", 4) != 0 && find_family(catalogue, topic))
        found = true;
    return find_module(catalogue, topic) || found;
}

/* --- what is meant by an unknown one --- */

enum { DISTANCE_MAX = 2, SUGGESTIONS_MAX = 12, TOPIC_SIZE = 256 };

typedef struct Suggestions {
    const char *topic;
    Buffer names;
    int count;
} Suggestions;

static bool is_like(const char *name, const char *topic) {
    size_t size = strlen(topic);
    return size > DISTANCE_MAX && diag_distance(topic, size, name, strlen(name), DISTANCE_MAX) <= DISTANCE_MAX;
}

/* Names that are alike, also without what stands before their dot, and those that have the topic in them. */
static void consider(Suggestions *suggestions, const char *name) {
    const char *topic = suggestions->topic, *dot = strchr(name, '.');
    bool has_topic = topic[0] && topic[1] && strstr(name, topic);
    if (!has_topic && !is_like(name, topic) && !(dot && is_like(dot + 1, topic)))
        return;
    if (++suggestions->count <= SUGGESTIONS_MAX)
        append_name(&suggestions->names, name);
}

static void consider_all(Suggestions *suggestions, Catalogue *catalogue) {
    for (const Command *command = command_rows; command->name; command++)
        consider(suggestions, command->name);
    for (uint32_t index = 0; index < catalogue->words.count; index++)
        consider(suggestions, catalogue->words.words[index].name);
    for (const StdModule *std = std_modules; std->name; std++) {
        consider(suggestions, std->name);
        const Module *module = catalogue_parse(catalogue, std);
        for (const Definition *each = module->definitions; each; each = each->next)
            consider(suggestions, each->name.bytes);
    }
}

static int fail_unknown(Catalogue *catalogue, const char *topic) {
    Suggestions suggestions = {.topic = topic};
    buffer_init(&suggestions.names, &catalogue->mem);
    consider_all(&suggestions, catalogue);
    report_error("nothing is known about '%s'", topic);
    if (suggestions.count) {
        fputs("Perhaps one of these is meant:\n", stderr);
        help_wrap(stderr, buffer_text(&suggestions.names), 0, 4);
    } else {
        fputs("`seqvm help` lists the commands, `seqvm help words` all words.\n", stderr);
    }
    buffer_deinit(&suggestions.names);
    return EXIT_USAGE;
}

static int show(Catalogue *catalogue, const Invocation *invocation) {
    if (options_has(&invocation->options, OPTION_MARKDOWN)) {
        markdown_words(stdout, catalogue);
        return EXIT_FINE;
    }
    char topic[TOPIC_SIZE];
    snprintf(topic, sizeof topic, "%s%s%s", invocation->arguments[0], invocation->argument_count > 1 ? " " : "",
             invocation->argument_count > 1 ? invocation->arguments[1] : "");
    return find(catalogue, topic) ? EXIT_FINE : fail_unknown(catalogue, topic);
}

int cmd_help(const Invocation *invocation) {
    if (invocation->argument_count == 0 && !options_has(&invocation->options, OPTION_MARKDOWN)) {
        help_command(stdout, NULL);
        return EXIT_FINE;
    }
    Catalogue catalogue;
    if (catalogue_init(&catalogue)) {
        report_error("cannot start: out of memory");
        return EXIT_FAILED;
    }
    int r = show(&catalogue, invocation);
    catalogue_deinit(&catalogue);
    return r;
}
