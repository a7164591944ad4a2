/* SPDX-License-Identifier: MIT */
#include "repl/options.h"

#include "repl/report.h"
#include "vm/embed/vm.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUGGESTION_DISTANCE_MAX = 2 };

static const char *const color_choices[] = {"auto", "always", "never", NULL}; /* in the order of ColorMode */

/* --- values --- */

/* A number of at least 1 and what stands behind it; false when there is none. */
static bool read_count(const char *text, uint64_t *countp, const char **endp) {
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *countp = strtoull(text, &end, 10);
    *endp = end;
    return errno == 0 && *countp > 0;
}

static bool read_code(Options *options, const char *text) {
    if (options->code) {
        report_error("--execute is given once; put all code into it");
        return false;
    }
    options->code = text;
    return true;
}

static bool read_filter(Options *options, const char *text) {
    options->filter = text;
    return true;
}

static bool read_memory(Options *options, const char *text) {
    uint64_t size;
    const char *end;
    if (read_count(text, &size, &end)) {
        const char *units = "KMG", *unit = *end ? strchr(units, *end & ~0x20) : NULL;
        int shift = unit ? 10 * (int)(unit - units + 1) : 0;
        options->memory_limit = (size_t)size << shift;
        if (end[unit != NULL] == '\0' && size <= VM_MEMORY_LIMIT_MAX >> shift)
            return true;
    }
    report_error("--memory takes a size like 512M or 2G, less than 32G, not '%s'", text);
    return false;
}

static bool read_fuel(Options *options, const char *text) {
    uint64_t count;
    const char *end;
    if (!read_count(text, &count, &end) || *end || count > INT64_MAX) {
        report_error("--fuel takes a positive number, not '%s'", text);
        return false;
    }
    options->fuel = (int64_t)count;
    return true;
}

static bool read_store(Options *options, const char *text) {
    if (*text == '\0') {
        report_error("--store takes a folder");
        return false;
    }
    options->store = text;
    return true;
}

static bool read_sequence(const char *name, const char *text, uint64_t *sequence) {
    const char *end;
    if (read_count(text, sequence, &end) && *end == '\0')
        return true;
    report_error("--%s takes the number of a record, from 1, not '%s'", name, text);
    return false;
}

static bool read_from(Options *options, const char *text) {
    return read_sequence("from", text, &options->from);
}

static bool read_to(Options *options, const char *text) {
    return read_sequence("to", text, &options->to);
}

static bool read_color(Options *options, const char *text) {
    for (int choice = 0; color_choices[choice]; choice++) {
        if (strcmp(text, color_choices[choice]) == 0) {
            options->color = (ColorMode)choice;
            return true;
        }
    }
    report_error("--color takes auto, always or never, not '%s'", text);
    return false;
}

/* --- the rows --- */

const Option option_rows[OPTION_COUNT] = {
    [OPTION_EXECUTE] = {'e', "execute", "CODE", NULL,
                        "Runs CODE: a program when it defines main, else the body of one, with all std modules.",
                        read_code},
    [OPTION_FILTER] = {'f', "filter", "TEXT", NULL, "Only tests with TEXT in their name.", read_filter},
    [OPTION_VERBOSE] = {'v', "verbose", NULL, NULL, "Shows how long each test took.", NULL},
    [OPTION_JSON] = {0, "json", NULL, NULL, "Prints JSON, one object a line, for other programs.", NULL},
    [OPTION_MARKDOWN] = {0, "markdown", NULL, NULL, "Prints the reference of all words as Markdown.", NULL},
    [OPTION_MEMORY] = {'m', "memory", "SIZE", NULL,
                       "The most memory a program may have, in bytes or with K, M or G. Else 3/4 of the machine's, "
                       "at most 16G.",
                       read_memory},
    [OPTION_FUEL] = {0, "fuel", "COUNT", NULL,
                     "Stops a program with a trap after so many calls in all; each turn of a loop is one.", read_fuel},
    [OPTION_STORE] = {0, "store", "FOLDER", NULL,
                      "Where durable actors live. Else the environment's SEQVM_STORE, else ./actors.", read_store},
    [OPTION_FROM] = {0, "from", "RECORD", NULL, "Begins at that record; they are numbered from 1.", read_from},
    [OPTION_TO] = {0, "to", "RECORD", NULL, "Ends with that record.", read_to},
    [OPTION_COLOR] = {0, "color", "WHEN", color_choices, "Colors in messages: auto (on a terminal), always or never.",
                      read_color},
    [OPTION_HELP] = {'h', "help", NULL, NULL, "Prints help and ends.", NULL},
    [OPTION_VERSION] = {'V', "version", NULL, NULL, "Prints the version and ends.", NULL},
};

void option_format(const Option *option, char *text, size_t size) {
    const char *space = option->argument ? " " : "", *argument = option->argument ? option->argument : "";
    if (option->letter)
        snprintf(text, size, "-%c, --%s%s%s", option->letter, option->name, space, argument);
    else
        snprintf(text, size, "--%s%s%s", option->name, space, argument);
}

/* --- items --- */

static bool take(Options *options, OptionId id, const char *value) {
    options->given |= 1u << id;
    return !option_rows[id].read || option_rows[id].read(options, value);
}

static const char *closest(const char *name, size_t size) {
    const char *best = NULL;
    uint32_t best_distance = SUGGESTION_DISTANCE_MAX + 1;
    for (int id = 0; id < OPTION_COUNT; id++) {
        const char *other = option_rows[id].name;
        uint32_t distance = diag_distance(name, size, other, strlen(other), SUGGESTION_DISTANCE_MAX);
        if (distance < best_distance) {
            best = other;
            best_distance = distance;
        }
    }
    return best;
}

static bool complain_unknown(const char *item, size_t size) {
    const char *best = size > 3 ? closest(item + 2, size - 2) : NULL;
    report_error("unknown option '%.*s'%s%s%s", (int)size, item, best ? "; did you mean '--" : "", best ? best : "",
                 best ? "'?" : "");
    return false;
}

/* The argument of an option: what is joined to it, or the next item. NULL after a complaint. */
static const char *argument_of(const Option *option, const char *joined, Arguments *arguments) {
    if (joined)
        return joined;
    if (arguments->next < arguments->count)
        return arguments->items[arguments->next++];
    report_error("--%s takes %s", option->name, option->argument);
    return NULL;
}

/* --name, --name VALUE or --name=VALUE */
static bool read_long(Options *options, const char *item, Arguments *arguments) {
    const char *equals = strchr(item, '=');
    size_t size = equals ? (size_t)(equals - item) : strlen(item);
    for (int id = 0; id < OPTION_COUNT; id++) {
        const Option *option = &option_rows[id];
        if (strlen(option->name) != size - 2 || memcmp(option->name, item + 2, size - 2) != 0)
            continue;
        if (!option->argument && equals) {
            report_error("--%s takes no value", option->name);
            return false;
        }
        const char *value = NULL;
        if (option->argument && !(value = argument_of(option, equals ? equals + 1 : NULL, arguments)))
            return false;
        return take(options, (OptionId)id, value);
    }
    return complain_unknown(item, size);
}

/* -v, -vf VALUE or -fVALUE */
static bool read_short(Options *options, const char *item, Arguments *arguments) {
    for (const char *letter = item + 1; *letter; letter++) {
        int id = 0;
        while (id < OPTION_COUNT && option_rows[id].letter != *letter)
            id++;
        if (id == OPTION_COUNT)
            return complain_unknown(item, strlen(item));
        const Option *option = &option_rows[id];
        if (option->argument) {
            const char *value = argument_of(option, letter[1] ? letter + 1 : NULL, arguments);
            return value && take(options, (OptionId)id, value);
        }
        if (!take(options, (OptionId)id, NULL))
            return false;
    }
    return true;
}

bool options_read(Options *options, Arguments *arguments, bool stops) {
    int start = arguments->next, kept = start;
    while (arguments->next < arguments->count) {
        char *item = arguments->items[arguments->next];
        bool is_option = !arguments->is_over && item[0] == '-' && item[1];
        if (!is_option && stops)
            return true;
        arguments->next++;
        if (!is_option)
            arguments->items[kept++] = item;
        else if (strcmp(item, "--") == 0)
            arguments->is_over = true;
        else if (!(item[1] == '-' ? read_long : read_short)(options, item, arguments))
            return false;
    }
    if (!stops) {
        arguments->count = kept;
        arguments->next = start;
    }
    return true;
}
