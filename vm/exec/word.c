/* SPDX-License-Identifier: MIT */
/* The families' rows, copied side by side so that each has a number, and found by name. */
#include "vm/exec/word.h"

#include <errno.h>
#include <string.h>

/*
 * Counts the values of an effect's two sides: `( ..a Int [..b -- ..c] -- ..a Bool )` takes two and leaves one. A row
 * is none, a quotation's effect is one.
 */
static void count_effect(Word *word) {
    uint8_t *count = &word->inputs;
    uint32_t depth = 0;
    for (const char *next = word->effect; *next;) {
        size_t size = strcspn(next, " ");
        bool opens = memchr(next, '[', size) != NULL, is_outer = depth == 0;
        for (size_t index = 0; index < size; index++) {
            depth += next[index] == '[';
            depth -= next[index] == ']';
        }
        bool is_sign = size == 0 || next[0] == '(' || next[0] == ')' || strncmp(next, "..", 2) == 0;
        if (is_outer && strncmp(next, "--", 2) == 0)
            count = &word->outputs;
        else if (is_outer && strncmp(next, "|", 1) == 0)
            break; /* effects on a weave: not values */
        else if (is_outer && (opens || !is_sign))
            ++*count;
        word->takes_quotation |= opens && count == &word->inputs;
        next += size + (next[size] == ' ');
    }
}

int word_table_init(WordTable *table, Mem *mem, const WordFamily *families, uint32_t family_count) {
    *table = (WordTable){.mem = mem};
    table_init(&table->by_name, mem);
    for (uint32_t family = 0; family < family_count; family++)
        table->count += families[family].count;
    table->words = mem_try(mem, table->count * sizeof(Word));
    if (!table->words) {
        table->count = 0;
        return -ENOMEM;
    }
    uint32_t number = 0;
    for (uint32_t family = 0; family < family_count; family++) {
        for (uint32_t row = 0; row < families[family].count; row++, number++) {
            Word *word = &table->words[number];
            *word = families[family].words[row];
            word->family = families[family].name;
            word->number = number;
            count_effect(word);
            check(!table_find(&table->by_name, word->name, strlen(word->name)));
            if (table_put(&table->by_name, word->name, strlen(word->name), word)) {
                word_table_deinit(table);
                return -ENOMEM;
            }
        }
    }
    for (uint32_t index = 0; index < table->count; index++)
        check(word_resolve(table, &table->words[index]) != NULL);
    return 0;
}

void word_table_deinit(WordTable *table) {
    table_deinit(&table->by_name);
    mem_free(table->mem, table->words, table->count * sizeof(Word));
    table->words = NULL;
    table->count = 0;
}

const Word *word_find(const WordTable *table, const char *name, size_t size) {
    return table_find(&table->by_name, name, size);
}

const Word *word_resolve(const WordTable *table, const Word *word) {
    return word->how == WORD_IS_ALIAS ? word_find(table, word->alias, strlen(word->alias)) : word;
}
