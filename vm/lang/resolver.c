/* SPDX-License-Identifier: MIT */
/*
 * The resolver: first all names that the program makes, then what each use
 * means. Walks over bodies follow the nesting of the source, which the parser
 * bounds; the walk over the call graph has its own stack.
 */
#include "vm/lang/resolver.h"

#include "vm/lang/hint.h"
#include "vm/lang/parser.h"
#include "vm/lang/type.h"
#include <errno.h>
#include <string.h>

enum {
    SUGGEST_DISTANCE_MAX = 2,
    SUGGEST_SIZE_MAX = 40, /* longer names get no suggestion */
};

typedef struct Resolver {
    Resolved *resolved;
    Arena *arena;
    const ModuleReader *reader;
    DiagList *diags;
    Definition *current;
} Resolver;

/* --- suggestions --- */

typedef struct Suggestion {
    const char *wanted;
    size_t size;
    const char *best;
    uint32_t distance;
} Suggestion;

/* False for an error that is counted and not shown: looking through all names for each would be quadratic. */
static bool is_worth_a_suggestion(const Resolver *resolver) {
    return resolver->diags->error_count < DIAG_MAX;
}

static void suggest(Suggestion *suggestion, const char *candidate, size_t size) {
    if (suggestion->size > SUGGEST_SIZE_MAX || size > SUGGEST_SIZE_MAX || suggestion->size < 2)
        return;
    uint32_t limit = suggestion->size > 4 ? SUGGEST_DISTANCE_MAX : 1;
    uint32_t distance = diag_distance(suggestion->wanted, suggestion->size, candidate, size, limit);
    if (distance <= limit && (!suggestion->best || distance < suggestion->distance)) {
        suggestion->best = candidate;
        suggestion->distance = distance;
    }
}

static const char *did_you_mean(Resolver *resolver, const Suggestion *suggestion) {
    return suggestion->best ? arena_format(resolver->arena, "Did you mean '%s'?", suggestion->best) : NULL;
}

static const char *show(Resolver *resolver, const Name *name) {
    return diag_name(resolver->diags, name->bytes, name->size);
}

/* Of the word that is being resolved. */
static const char *current_name(const Resolver *resolver) {
    const Name *name = &resolver->current->name;
    return diag_word_name(resolver->diags, name->span, name->bytes, name->size);
}

/* --- the program's own names --- */

/* Std modules come behind the program that includes them, yet it is the program that its author can change. */
static Span span_of_duplicate(Span earlier, Span span) {
    return span.source->is_std && !earlier.source->is_std ? earlier : span;
}

static void report_duplicate(Resolver *resolver, const char *what, const char *name, size_t size, Span span,
                             Span earlier) {
    Diag *diag = diag_error(resolver->diags, span_of_duplicate(earlier, span),
                            strcmp(what, "Word") == 0 ? "duplicate-word" : "duplicate-union",
                            "%s '%s' is defined multiple times:", what, diag_name(resolver->diags, name, size));
    diag_add_place(resolver->diags, diag, earlier, "first defined here");
    diag_add_place(resolver->diags, diag, span, "and here");
    diag->hint = "Rename one of the definitions to avoid collision.";
}

static int add_name(Resolver *resolver, const char *name, size_t size, ResolvedName meaning) {
    const ResolvedName *known = table_find(&resolver->resolved->names, name, size);
    if (known) {
        report_duplicate(resolver, "Word", name, size, meaning.span, known->span);
        return 0;
    }
    ResolvedName *copy = arena_new(resolver->arena, ResolvedName);
    *copy = meaning;
    return table_put(&resolver->resolved->names, name, size, copy);
}

static int add_generated(Resolver *resolver, const char *name, ResolvedName meaning) {
    return name ? add_name(resolver, name, strlen(name), meaning) : -ENOMEM;
}

static int add_variant(Resolver *resolver, VariantDef *variant) {
    const char *name = variant->name.bytes;
    ResolvedName meaning = {.variant = variant, .span = variant->name.span};
    if (!table_find(&resolver->resolved->variants, name, variant->name.size)) {
        int r = table_put(&resolver->resolved->variants, name, variant->name.size, variant);
        if (r)
            return r;
    }
    meaning.target = TARGET_CONSTRUCT;
    int r = add_generated(resolver, arena_format(resolver->arena, "Make-%s", name), meaning);
    meaning.target = TARGET_IS;
    if (!r)
        r = add_generated(resolver, arena_format(resolver->arena, "is-%s?", name), meaning);
    meaning.target = TARGET_FIELD;
    for (Field *field = variant->fields; field && !r; field = field->next) {
        meaning.span = field->name.span;
        r = add_generated(resolver, arena_format(resolver->arena, "%s-%s", name, field->name.bytes), meaning);
        meaning.field_index++;
    }
    return r;
}

static int add_unions(Resolver *resolver) {
    Resolved *resolved = resolver->resolved;
    for (UnionDef *definition = resolved->tree->unions; definition; definition = definition->next) {
        UnionDef *known = table_find(&resolved->unions, definition->name.bytes, definition->name.size);
        if (known) {
            report_duplicate(resolver, "Union", definition->name.bytes, definition->name.size, definition->name.span,
                             known->name.span);
            continue;
        }
        int r = table_put(&resolved->unions, definition->name.bytes, definition->name.size, definition);
        for (VariantDef *variant = definition->variants; variant && !r; variant = variant->next)
            r = add_variant(resolver, variant);
        if (r)
            return r;
    }
    return 0;
}

static int add_definitions(Resolver *resolver) {
    uint32_t number = 0;
    for (Definition *definition = resolver->resolved->tree->definitions; definition; definition = definition->next) {
        definition->number = number++;
        const Word *word = word_find(resolver->resolved->words, definition->name.bytes, definition->name.size);
        if (word && !word->is_ours && !definition->is_std) {
            Diag *diag =
                diag_warning(resolver->diags, definition->span, "hidden-word",
                             "'%s' is the name of a builtin, which every call means: this definition is never used",
                             show(resolver, &definition->name));
            diag->hint = "Rename it.";
        }
        ResolvedName meaning = {.target = TARGET_DEFINITION, .definition = definition, .span = definition->span};
        int r = add_name(resolver, definition->name.bytes, definition->name.size, meaning);
        if (r)
            return r;
    }
    resolver->resolved->tree->definition_count = number;
    return 0;
}

/* --- fields and effects --- */

static void check_fields(Resolver *resolver, const UnionDef *definition, const VariantDef *variant) {
    for (const Field *field = variant->fields; field; field = field->next) {
        int kind = base_type_find(field->type.bytes, field->type.size);
        bool is_union = table_find(&resolver->resolved->unions, field->type.bytes, field->type.size) != NULL;
        if (!is_union && (kind < 0 || !base_types[kind].fits_field))
            diag_error(
                resolver->diags, field->type.span, "invalid-field-type",
                "Unknown type '%s' in field '%s' of variant '%s' in union '%s'. Valid types are Int, Float, Bool, "
                "String, Channel, Socket and the unions of the program.",
                show(resolver, &field->type), show(resolver, &field->name), show(resolver, &variant->name),
                show(resolver, &definition->name));
    }
}

static bool type_name_is_known(Resolver *resolver, const Name *name) {
    return base_type_find(name->bytes, name->size) >= 0 ||
           (name->size == 1 && name->bytes[0] >= 'A' && name->bytes[0] <= 'Z') ||
           table_find(&resolver->resolved->unions, name->bytes, name->size);
}

static void report_unknown_type(Resolver *resolver, const Name *name) {
    Suggestion suggestion = {.wanted = name->bytes, .size = name->size};
    for (int kind = 0; kind < TYPE_BASE_COUNT; kind++)
        suggest(&suggestion, base_types[kind].name, strlen(base_types[kind].name));
    const UnionDef *unions = is_worth_a_suggestion(resolver) ? resolver->resolved->tree->unions : NULL;
    for (const UnionDef *definition = unions; definition; definition = definition->next)
        suggest(&suggestion, definition->name.bytes, definition->name.size);
    const char *meant = did_you_mean(resolver, &suggestion);
    Diag *diag =
        diag_error(resolver->diags, name->span, "unknown-type", "In word '%s': unknown type '%s' in stack effect.%s%s",
                   current_name(resolver), show(resolver, name), meant ? " " : "", meant ? meant : "");
    diag->word = current_name(resolver);
    diag->hint = "A type variable is a single upper case letter; longer names are types or unions of the program.";
    resolver->current->has_errors = true;
}

static void check_effect_names(Resolver *resolver, const EffectSyntax *effect) {
    const TypeSyntax *lists[] = {effect->in.types, effect->out.types, effect->yields};
    for (size_t side = 0; side < 3; side++) {
        for (const TypeSyntax *item = lists[side]; item; item = item->next) {
            if (item->kind != TYPE_SYNTAX_NAME)
                check_effect_names(resolver, item->effect);
            else if (!type_name_is_known(resolver, &item->name))
                report_unknown_type(resolver, &item->name);
        }
    }
}

/* --- uses --- */

static const char *most_similar(Resolver *resolver, const Name *name) {
    Suggestion suggestion = {.wanted = name->bytes, .size = name->size};
    const WordTable *words = resolver->resolved->words;
    for (uint32_t index = 0; index < words->count; index++) {
        if (words->words[index].how != WORD_IS_ABSENT)
            suggest(&suggestion, words->words[index].name, strlen(words->words[index].name));
    }
    const Table *names = &resolver->resolved->names;
    for (uint32_t index = 0; index < names->count; index++)
        suggest(&suggestion, names->entries[index].key, names->entries[index].size);
    return did_you_mean(resolver, &suggestion);
}

/* What someone may have meant by a name that no word has, or NULL. */
static const char *meant_by(Resolver *resolver, const Name *name) {
    if (!is_worth_a_suggestion(resolver))
        return NULL;
    if (table_find(&resolver->resolved->variants, name->bytes, name->size))
        return arena_format(resolver->arena, "To make this variant, write Make-%s.", show(resolver, name));
    const char *hint = hint_for_name(resolver->arena, resolver->reader, name);
    return hint ? hint : most_similar(resolver, name);
}

static void report_undefined(Resolver *resolver, Node *node) {
    const Name called = node_called(node), *name = &called;
    const char *hint = meant_by(resolver, name);
    Diag *diag =
        diag_error(resolver->diags, node->span, "undefined-word",
                   "Undefined word '%s' called in word '%s'. Did you forget to define it or misspell a built-in?",
                   show(resolver, name), current_name(resolver));
    diag->word = current_name(resolver);
    diag->hint = hint;
}

/* The name that a word of before 7.0 has now, or NULL. */
static const char *new_name(Resolver *resolver, const Name *name) {
    static const char *const moved[] = {"tcp.listen", "tcp.accept",  "tcp.read",         "tcp.write", "tcp.close",
                                        "udp.bind",   "udp.send-to", "udp.receive-from", "udp.close", "http.get",
                                        "http.post",  "http.put",    "http.delete"};
    for (size_t index = 0; index < sizeof moved / sizeof moved[0]; index++) {
        if (strcmp(name->bytes, moved[index]) == 0)
            return arena_format(resolver->arena, "net.%s", moved[index]);
    }
    return strcmp(name->bytes, "mod") == 0 ? "i.modulo" : NULL;
}

static CompilerWord compiler_word(const Word *word) {
    static const char *const names[COMPILER_WORD_COUNT] = {
        [DO_DUP] = "dup",   [DO_DROP] = "drop",   [DO_SWAP] = "swap",     [DO_OVER] = "over",   [DO_ROT] = "rot",
        [DO_NIP] = "nip",   [DO_TUCK] = "tuck",   [DO_2DUP] = "2dup",     [DO_3DROP] = "3drop", [DO_PICK] = "pick",
        [DO_ROLL] = "roll", [DO_TO_AUX] = ">aux", [DO_FROM_AUX] = "aux>", [DO_CALL] = "call",   [DO_DIP] = "dip",
        [DO_KEEP] = "keep", [DO_BI] = "bi",       [DO_IF] = "if",         [DO_COND] = "cond",
    };
    if (word->how != WORD_BY_COMPILER)
        return DO_NOTHING;
    for (int known = DO_NOTHING + 1; known < COMPILER_WORD_COUNT; known++) {
        if (strcmp(names[known], word->name) == 0)
            return (CompilerWord)known;
    }
    return DO_NOTHING;
}

static void resolve_call(Resolver *resolver, Node *node) {
    Resolved *resolved = resolver->resolved;
    const Name called = node_called(node), *name = &called;
    const Word *word = word_find(resolved->words, name->bytes, name->size);
    const ResolvedName *own = table_find(&resolved->names, name->bytes, name->size);
    const char *word_name = current_name(resolver);
    if (word && !(word->is_ours && own)) {
        word = word_resolve(resolved->words, word);
        node->call.target = strcmp(word->family, "sugar") == 0 ? TARGET_SUGAR : TARGET_BUILTIN;
        node->call.word = word;
        node->call.does = compiler_word(word);
        if (word->how == WORD_IS_ABSENT) {
            diag_error(resolver->diags, node->span, "absent-word", "word %s is not in this build (called in word '%s')",
                       show(resolver, name), word_name)
                ->word = word_name;
            resolver->current->has_errors = true;
        }
        return;
    }
    if (own) {
        node->call.target = own->target;
        if (own->target == TARGET_DEFINITION)
            node->call.definition = own->definition;
        else
            node->call.variant = own->variant;
        node->call.field_index = own->field_index;
        return;
    }
    const char *renamed = new_name(resolver, name);
    if (renamed)
        diag_error(resolver->diags, node->span, "renamed-word",
                   "'%s' was renamed to '%s' in v7.0 (called in word '%s')", show(resolver, name), renamed, word_name)
            ->word = word_name;
    else
        report_undefined(resolver, node);
    resolver->current->has_errors = true;
}

static void resolve_binding(Resolver *resolver, Binding *binding, const VariantDef *variant) {
    binding->index = 0;
    for (const Field *field = variant->fields; field; field = field->next, binding->index++) {
        if (strcmp(field->name.bytes, binding->field.bytes) == 0)
            return;
    }
    Buffer fields;
    buffer_init(&fields, resolver->arena->mem);
    for (const Field *field = variant->fields; field; field = field->next)
        buffer_append_format(&fields, "%s%.64s", fields.size ? ", " : "", field->name.bytes);
    Diag *diag = diag_error(resolver->diags, binding->field.span, "unknown-field",
                            "Unknown field '%s' in pattern for variant '%s'.\nAvailable fields: %s",
                            show(resolver, &binding->field), show(resolver, &variant->name),
                            arena_copy(resolver->arena, buffer_text(&fields), fields.size));
    diag->word = current_name(resolver);
    buffer_deinit(&fields);
    resolver->current->has_errors = true;
}

static void check_exhaustive(Resolver *resolver, const Node *node) {
    const UnionDef *owner = node->match.arms->definition->owner;
    bool *has_arm = arena_try(resolver->arena, owner->variant_count * sizeof(bool));
    if (!has_arm)
        return;
    for (const Arm *arm = node->match.arms; arm; arm = arm->next) {
        if (arm->definition->owner == owner)
            has_arm[arm->definition->index] = true;
    }
    Buffer missing;
    buffer_init(&missing, resolver->arena->mem);
    for (const VariantDef *variant = owner->variants; variant; variant = variant->next) {
        if (!has_arm[variant->index])
            buffer_append_format(&missing, "%s%.64s", missing.size ? ", " : "", variant->name.bytes);
    }
    if (missing.size) {
        Diag *diag = diag_error(
            resolver->diags, node->span, "non-exhaustive", "Non-exhaustive match on union '%s'. Missing variants: %s",
            show(resolver, &owner->name), arena_copy(resolver->arena, buffer_text(&missing), missing.size));
        diag->word = current_name(resolver);
        resolver->current->has_errors = true;
    }
    buffer_deinit(&missing);
}

static void resolve_body(Resolver *resolver, Body *body);

static void resolve_match(Resolver *resolver, Node *node) {
    bool all_known = node->match.arms != NULL;
    for (Arm *arm = node->match.arms; arm; arm = arm->next) {
        arm->definition = table_find(&resolver->resolved->variants, arm->variant.bytes, arm->variant.size);
        if (arm->definition) {
            for (Binding *binding = arm->bindings; binding; binding = binding->next)
                resolve_binding(resolver, binding, arm->definition);
        } else {
            diag_error(resolver->diags, arm->variant.span, "unknown-variant", "Unknown variant '%s' in match pattern",
                       show(resolver, &arm->variant))
                ->word = current_name(resolver);
            resolver->current->has_errors = true;
            all_known = false;
        }
        resolve_body(resolver, &arm->body);
    }
    if (all_known)
        check_exhaustive(resolver, node);
}

static void resolve_body(Resolver *resolver, Body *body) {
    for (Node *node = body->first; node; node = node->next) {
        switch (node->kind) {
        case NODE_CALL:
            resolve_call(resolver, node);
            break;
        case NODE_QUOTATION:
            resolve_body(resolver, &node->quotation.body);
            break;
        case NODE_IF:
            resolve_body(resolver, &node->branch->then_body);
            resolve_body(resolver, &node->branch->else_body);
            break;
        case NODE_MATCH:
            resolve_match(resolver, node);
            break;
        default:
            break;
        }
    }
}

static void resolve_definition(Resolver *resolver, Definition *definition) {
    resolver->current = definition;
    if (definition->effect) {
        check_effect_names(resolver, definition->effect);
    } else if (!definition->has_errors) {
        Diag *diag = diag_error(resolver->diags, definition->span, "missing-effect",
                                "Word '%s' is missing a stack effect declaration.", show(resolver, &definition->name));
        diag->word = show(resolver, &definition->name);
        diag->hint =
            arena_format(resolver->arena, "Write what it takes and leaves on the same line: `: %s ( Int -- Int )`",
                         show(resolver, &definition->name));
        definition->has_errors = true;
    }
    resolve_body(resolver, &definition->body);
}

/* --- main --- */

bool definition_is_plain(const Definition *definition) {
    return definition->effect && !definition->effect->in.types && !definition->effect->out.types &&
           !definition->effect->yields;
}

static void check_main(Resolver *resolver) {
    const ResolvedName *name = table_find(&resolver->resolved->names, "main", 4);
    if (!name || name->target != TARGET_DEFINITION) {
        Span start = {.source = resolver->resolved->tree->modules->source};
        diag_error(resolver->diags, start, "missing-main", "No main word defined")->hint =
            "A program starts at its word main: `: main ( -- ) \"hello\" io.write-line ;`";
        return;
    }
    Definition *definition = name->definition;
    resolver->resolved->main = definition;
    const EffectSyntax *effect = definition->effect;
    if (!effect)
        return; /* said already */
    const TypeSyntax *out = effect->out.types;
    bool leaves_int = out && !out->next && out->kind == TYPE_SYNTAX_NAME && strcmp(out->name.bytes, "Int") == 0;
    if (effect->in.types || effect->yields || (out && !leaves_int)) {
        Diag *diag =
            diag_error(resolver->diags, effect->span, "invalid-main", "Word 'main' has an invalid stack effect.");
        diag->word = "main";
        diag->expected = "( -- ) or ( -- Int )";
    }
}

/* --- which words are mutually recursive: Tarjan's strongly connected components --- */

typedef struct CallEdges { /* the definitions that a body calls, collected */
    Definition **items;
    uint32_t count, capacity;
    bool failed;
} CallEdges;

static void collect_calls(Mem *mem, const Body *body, CallEdges *edges) {
    for (const Node *node = body->first; node; node = node->next) {
        if (node->kind == NODE_QUOTATION) {
            collect_calls(mem, &node->quotation.body, edges);
        } else if (node->kind == NODE_IF) {
            collect_calls(mem, &node->branch->then_body, edges);
            collect_calls(mem, &node->branch->else_body, edges);
        } else if (node->kind == NODE_MATCH) {
            for (const Arm *arm = node->match.arms; arm; arm = arm->next)
                collect_calls(mem, &arm->body, edges);
        } else if (node->kind == NODE_CALL && node->call.target == TARGET_DEFINITION) {
            if (edges->count == edges->capacity) {
                uint32_t capacity = edges->capacity ? 2 * edges->capacity : 256;
                Definition **items = mem_try_resize(mem, edges->items, edges->capacity * sizeof(Definition *),
                                                    capacity * sizeof(Definition *));
                if (!items) {
                    edges->failed = true;
                    return;
                }
                edges->items = items;
                edges->capacity = capacity;
            }
            edges->items[edges->count++] = node->call.definition;
        }
    }
}

typedef struct Visit { /* of one definition: its edges lie at [next, end) of the shared list */
    Definition *definition;
    uint32_t next, end;
} Visit;

typedef struct Components {
    uint32_t *order; /* by number: 1 + when first visited, or 0 */
    uint32_t *low;
    bool *is_open;
    Definition **open;
    Visit *visits;
    uint32_t open_count, visit_count, visited;
} Components;

static void close_component(Components *components, Definition *root) {
    for (Definition *member = NULL; member != root;) {
        member = components->open[--components->open_count];
        components->is_open[member->number] = false;
        member->component = root->number;
    }
}

static void visit_definition(Mem *mem, Components *components, Definition *definition, CallEdges *edges) {
    uint32_t start = edges->count, number = definition->number;
    collect_calls(mem, &definition->body, edges);
    components->order[number] = components->low[number] = ++components->visited;
    components->is_open[number] = true;
    components->open[components->open_count++] = definition;
    components->visits[components->visit_count++] = (Visit){definition, start, edges->count};
}

static void find_components(Mem *mem, Components *components, Definition *root, CallEdges *edges) {
    if (components->order[root->number])
        return;
    visit_definition(mem, components, root, edges);
    while (components->visit_count && !edges->failed) {
        Visit *visit = &components->visits[components->visit_count - 1];
        uint32_t number = visit->definition->number;
        if (visit->next < visit->end) {
            Definition *called = edges->items[visit->next++];
            if (!components->order[called->number])
                visit_definition(mem, components, called, edges);
            else if (components->is_open[called->number] && components->order[called->number] < components->low[number])
                components->low[number] = components->order[called->number];
            continue;
        }
        if (components->low[number] == components->order[number])
            close_component(components, visit->definition);
        components->visit_count--;
        edges->count = components->visit_count ? components->visits[components->visit_count - 1].end : 0;
        if (components->visit_count) {
            uint32_t caller = components->visits[components->visit_count - 1].definition->number;
            if (components->low[number] < components->low[caller])
                components->low[caller] = components->low[number];
        }
    }
}

static int number_components(Resolver *resolver) {
    Tree *tree = resolver->resolved->tree;
    Arena *arena = resolver->arena;
    size_t count = tree->definition_count;
    Components components = {
        .order = arena_try(arena, count * sizeof(uint32_t)),
        .low = arena_try(arena, count * sizeof(uint32_t)),
        .is_open = arena_try(arena, count * sizeof(bool)),
        .open = arena_try(arena, count * sizeof(Definition *)),
        .visits = arena_try(arena, count * sizeof(Visit)),
    };
    if (arena->failed)
        return -ENOMEM;
    CallEdges edges = {0};
    for (Definition *definition = tree->definitions; definition && !edges.failed; definition = definition->next)
        find_components(arena->mem, &components, definition, &edges);
    mem_free(arena->mem, edges.items, edges.capacity * sizeof(Definition *));
    return edges.failed ? -ENOMEM : 0;
}

/* --- all of it --- */

int resolver_resolve(Resolved *resolved, Tree *tree, const WordTable *words, const ModuleReader *reader,
                     bool needs_main, DiagList *diags) {
    Mem *mem = tree->arena->mem;
    *resolved = (Resolved){.arena = tree->arena, .tree = tree, .words = words};
    table_init(&resolved->unions, mem);
    table_init(&resolved->variants, mem);
    table_init(&resolved->names, mem);
    resolved->word_effects = arena_try(tree->arena, words->count * sizeof(EffectSyntax *));
    resolved->word_sources = arena_try(tree->arena, words->count * sizeof(Source));
    Resolver resolver = {.resolved = resolved, .arena = tree->arena, .reader = reader, .diags = diags};
    int r = add_unions(&resolver);
    if (!r)
        r = add_definitions(&resolver);
    if (r || tree->arena->failed)
        return -ENOMEM;
    for (const UnionDef *definition = tree->unions; definition; definition = definition->next) {
        for (const VariantDef *variant = definition->variants; variant; variant = variant->next)
            check_fields(&resolver, definition, variant);
    }
    if (needs_main)
        check_main(&resolver);
    for (Definition *definition = tree->definitions; definition; definition = definition->next)
        resolve_definition(&resolver, definition);
    r = number_components(&resolver);
    return r || tree->arena->failed ? -ENOMEM : 0;
}

void resolver_deinit(Resolved *resolved) {
    table_deinit(&resolved->unions);
    table_deinit(&resolved->variants);
    table_deinit(&resolved->names);
}

const EffectSyntax *resolver_word_effect(Resolved *resolved, const Word *word, DiagList *diags) {
    EffectSyntax **effect = &resolved->word_effects[word->number];
    if (!*effect) {
        Source *source = &resolved->word_sources[word->number];
        *source = (Source){.name = word->name, .text = word->effect, .size = strlen(word->effect)};
        *effect = parser_parse_effect(resolved->arena, source, diags, true);
        check(*effect || resolved->arena->failed);
    }
    return *effect;
}
