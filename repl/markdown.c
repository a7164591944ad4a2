/* SPDX-License-Identifier: MIT */
#include "repl/markdown.h"

#include <string.h>

/* A sentence, on one line; signs that mean something in Markdown stand for themselves, but for those around code. */
static void print_text(FILE *file, const char *text) {
    bool is_code = false;
    for (; *text; text++) {
        is_code ^= *text == '`';
        if (*text == '\n')
            fputc(' ', file);
        else
            fprintf(file, "%s%c", !is_code && strchr("*_<>[]\\#|", *text) ? "\\" : "", *text);
    }
    fputc('\n', file);
}

static void print_word(FILE *file, const Word *word) {
    fprintf(file, "- `%s` `%s` ", word->name, word->effect);
    if (word->how == WORD_IS_ABSENT)
        fputs("(not in every build) ", file);
    if (word->is_ours)
        fputs("(an addition: a program may define its own) ", file);
    print_text(file, word->help);
}

static void print_module(FILE *file, Catalogue *catalogue, const StdModule *std) {
    fprintf(file, "\n## std:%s\n\n", std->name);
    const char *intro = catalogue_intro(catalogue, std), *colon = strstr(intro, ": ");
    fprintf(file, "%s\n\n", colon ? colon + 2 : intro); /* its comments are written with Markdown in mind */
    const Module *module = catalogue_parse(catalogue, std);
    for (const Definition *each = module->definitions; each; each = each->next) {
        fprintf(file, "- `%s` `%s` ", each->name.bytes, catalogue_effect(&catalogue->arena, each));
        print_text(file, each->help ? each->help : "");
    }
}

void markdown_words(FILE *file, Catalogue *catalogue) {
    fputs("# Words\n\n"
          "All words that a program finds, with their stack effects: what they take and what they leave, the top of\n"
          "the stack rightmost. `..a` is the rest of the stack; other names that are no types stand for any type.\n\n"
          "This page is made from the tables that the compiler reads: `seqvm help --markdown > spec/words.md`.\n",
          file);
    for (uint32_t family = 0; family < BUILTINS_FAMILY_COUNT; family++) {
        const WordFamily *each = &catalogue->families[family];
        fprintf(file, "\n## %s\n\n", each->name);
        for (uint32_t index = 0; index < each->count; index++)
            print_word(file, &each->words[index]);
    }
    for (const StdModule *std = std_modules; std->name; std++)
        print_module(file, catalogue, std);
}
