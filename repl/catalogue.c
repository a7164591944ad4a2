/* SPDX-License-Identifier: MIT */
#include "repl/catalogue.h"

#include <string.h>

int catalogue_init(Catalogue *catalogue) {
    int r = mem_init(&catalogue->mem, allocator_default(), SIZE_MAX);
    if (r)
        return r;
    arena_init(&catalogue->arena, &catalogue->mem);
    builtins_families(catalogue->families);
    r = word_table_init(&catalogue->words, &catalogue->mem, catalogue->families, BUILTINS_FAMILY_COUNT);
    if (r)
        mem_deinit(&catalogue->mem);
    return r;
}

void catalogue_deinit(Catalogue *catalogue) {
    word_table_deinit(&catalogue->words);
    arena_deinit(&catalogue->arena);
    mem_deinit(&catalogue->mem);
}

const StdModule *catalogue_std(const char *name) {
    if (strncmp(name, "std:", 4) == 0)
        name += 4;
    for (const StdModule *std = std_modules; std->name; std++) {
        if (strcmp(std->name, name) == 0)
            return std;
    }
    return NULL;
}

const Module *catalogue_parse(Catalogue *catalogue, const StdModule *std) {
    Source *source = arena_new(&catalogue->arena, Source);
    *source = (Source){.name = std->name, .text = std->text, .size = std->size, .is_std = true};
    DiagList diags;
    diag_list_init(&diags, &catalogue->arena);
    return parser_parse(&catalogue->arena, source, &diags);
}

const char *catalogue_intro(Catalogue *catalogue, const StdModule *std) {
    Buffer text;
    buffer_init(&text, &catalogue->mem);
    for (const char *line = std->text; *line == '#';) {
        size_t size = strcspn(line, "\n"), signs = size > 1 && line[1] == ' ' ? 2 : 1;
        if (strncmp(line, "# SPDX", 6) != 0)
            buffer_append_format(&text, "%.*s\n", (int)(size - signs), line + signs);
        line += size + (line[size] == '\n');
    }
    const char *intro = arena_copy(&catalogue->arena, buffer_text(&text), text.size ? text.size - 1 : 0);
    buffer_deinit(&text);
    return intro ? intro : "";
}

const char *catalogue_effect(Arena *arena, const Definition *definition) {
    if (!definition->effect)
        return "";
    Span span = definition->effect->span;
    char *effect = arena_copy(arena, span.source->text + span.start, span.end - span.start);
    if (!effect)
        return "";
    char *to = effect;
    for (const char *from = effect; *from;) {
        size_t blanks = strspn(from, " \t\r\n");
        from += blanks;
        if (blanks)
            *to++ = ' ';
        else
            *to++ = *from++;
    }
    *to = 0;
    return effect;
}
