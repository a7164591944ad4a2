/* SPDX-License-Identifier: MIT */
#include "vm/lang/hint.h"

#include <string.h>

/* --- std modules --- */

static bool defines(const char *text, const Name *name) {
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, ": ", 2) == 0 && strncmp(line + 2, name->bytes, name->size) == 0 &&
            line[2 + name->size] == ' ')
            return true;
    }
    return false;
}

/* The built-in module that defines the word, or NULL. */
static const char *std_module_of(const ModuleReader *reader, const Name *name) {
    const char *module, *text;
    size_t size;
    for (uint32_t i = 0; reader->std_name && (module = reader->std_name(reader->context, i)); i++) {
        text = reader->std_text ? reader->std_text(reader->context, module, &size) : NULL;
        if (text && defines(text, name))
            return module;
    }
    return NULL;
}

/* --- other languages --- */

#define NO_LOOPS "Repeat by recursion, by std:loops, or by the words on lists and maps."
#define NO_VARIABLES "There are no variables: values lie on the stack, or in lists and maps."

static const char *of_another_language(const Name *name) {
    static const struct {
        const char *name, *hint;
    } known[] = {
        {".", "To print an Int, write `int->string io.write-line`."},
        {".s", "The word is stack.dump."},
        {"print", "To print a String, write `io.write-line`."},
        {"println", "To print a String, write `io.write-line`."},
        {">r", "The word is >aux."},
        {"r>", "The word is aux>."},
        {"-rot", "Write `rot rot`."},
        {"recurse", "A word calls itself by its name."},
        {"lshift", "The word is shl."},
        {"rshift", "The word is shr."},
        {"invert", "The word is bnot."},
        {"==", "The word is =."},
        {"!=", "The word is <>."},
        {"&&", "The word is `and`."},
        {"||", "The word is `or`."},
        {"do", NO_LOOPS},
        {"loop", NO_LOOPS},
        {"begin", NO_LOOPS},
        {"until", NO_LOOPS},
        {"while", NO_LOOPS},
        {"repeat", NO_LOOPS},
        {"for", NO_LOOPS},
        {"variable", NO_VARIABLES},
        {"constant", "A constant is a word: `: answer ( -- Int ) 42 ;`"},
        {"!", NO_VARIABLES},
        {"@", NO_VARIABLES},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].name, name->bytes) == 0)
            return known[i].hint;
    }
    return NULL;
}

/* --- no names --- */

static bool is_decimal(const Name *name) {
    bool has_sign = name->bytes[0] == '-' || name->bytes[0] == '+';
    return name->size > has_sign && strspn(name->bytes + has_sign, "0123456789") == name->size - has_sign;
}

const char *hint_for_name(Arena *arena, const ModuleReader *reader, const Name *name) {
    if (is_decimal(name))
        return "The number is too large: it must fit 64 bits.";
    if (name->bytes[0] == '\'')
        return "A String stands in double quotes.";
    const char *module = std_module_of(reader, name);
    return module ? arena_format(arena, "It is a word of a module: write `include std:%s`.", module)
                  : of_another_language(name);
}
