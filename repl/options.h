/* SPDX-License-Identifier: MIT */
/*
 * Options: what may stand behind a dash. One row holds all that is known of
 * an option; reading the command line, --help, the manual and the completion
 * scripts use the same rows. Which command takes which is in its own row
 * (command.h).
 */
#pragma once

#include "vm/base/check.h"

typedef enum OptionId {
    OPTION_EXECUTE,
    OPTION_FILTER,
    OPTION_VERBOSE,
    OPTION_JSON,
    OPTION_MARKDOWN,
    OPTION_MEMORY,
    OPTION_FUEL,
    OPTION_STORE,
    OPTION_FROM,
    OPTION_TO,
    OPTION_COLOR,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_COUNT,
} OptionId;

#define OPTION_BIT(name) (1u << OPTION_##name)

typedef enum ColorMode { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER } ColorMode;

/* What was given, with the values of those that have some read. */
typedef struct Options {
    uint32_t given;      /* OPTION_BITs */
    const char *code;    /* -e, or NULL */
    const char *filter;  /* or NULL */
    size_t memory_limit; /* bytes; 0 when not given */
    int64_t fuel;        /* 0 when not given */
    const char *store;   /* or NULL */
    uint64_t from, to;   /* 0 when not given */
    ColorMode color;
} Options;

typedef struct Option {
    char letter;                /* 'f' of -f, or 0 */
    const char *name;           /* "filter" of --filter */
    const char *argument;       /* "TEXT", or NULL when it takes none */
    const char *const *choices; /* what the argument may be, ending in NULL; or NULL */
    const char *sentence;
    bool (*read)(Options *options, const char *text); /* its argument; false after a complaint; or NULL */
} Option;

extern const Option option_rows[OPTION_COUNT]; /* by OptionId */

static inline bool options_has(const Options *options, OptionId id) {
    return options->given >> id & 1;
}

/* The command line that is being read. */
typedef struct Arguments {
    char **items;
    int count;
    int next;     /* the first that is not yet read */
    bool is_over; /* `--` was read: what follows is no option */
} Arguments;

/*
 * Reads options from `arguments->next` on. With `stops` it ends before the
 * first item that is none; else those are moved to the front of what it read,
 * in their order, and `next` is the first of them again. `--` ends options
 * for good and is dropped. False after a complaint on stderr about an item.
 */
bool options_read(Options *options, Arguments *arguments, bool stops) MUST_CHECK;
/* How an option is written: "-f, --filter TEXT". */
void option_format(const Option *option, char *text, size_t size);
