/* SPDX-License-Identifier: MIT */
/*
 * Variants: a tag and fields. Lists are variants too, and the words here take
 * either form.
 *
 * `Variant` in an effect proves nothing, because type variables unify with
 * it: each word checks what it got. The tag of variant.make-N is proved.
 */
#include "builtins/builtins.h"
#include "vm/value/list.h"

/* The variant `index` below the top, borrowed; NULL after a fault. */
static Variant *expect_variant(Strand *strand, uint32_t index) {
    Value value = strand_peek(strand, index);
    if (LIKELY(value_is_variant(value)))
        return value_variant(value);
    strand_fault_kind(strand, "Variant", value);
    return NULL;
}

/* The same; NULL after a fault also when it has no fields. */
static Variant *expect_fields(Strand *strand) {
    Variant *variant = expect_variant(strand, 0);
    if (variant == NULL || variant->count > 0)
        return variant;
    strand_fault(strand, "the variant has no fields");
    return NULL;
}

/* --- making --- */

static WordResult make_variant(Strand *strand, uint32_t count) {
    uint32_t symbol = value_to_symbol(strand_peek(strand, 0));
    Variant *variant = variant_new(strand->heap, symbol, count, strand->sp - count);
    strand->sp -= count + 1; /* the fields moved */
    strand_push(strand, value_from_object(variant));
    return WORD_OK;
}

#define MAKE_VARIANT(count)                                                                                            \
    static WordResult word_variant_make_##count(Strand *strand) {                                                      \
        return make_variant(strand, count);                                                                            \
    }
MAKE_VARIANT(0)
MAKE_VARIANT(1)
MAKE_VARIANT(2)
MAKE_VARIANT(3)
MAKE_VARIANT(4)
MAKE_VARIANT(5)
MAKE_VARIANT(6)
MAKE_VARIANT(7)
MAKE_VARIANT(8)
MAKE_VARIANT(9)
MAKE_VARIANT(10)
MAKE_VARIANT(11)
MAKE_VARIANT(12)
#undef MAKE_VARIANT
static_assert(VARIANT_FIELDS_MAX == 12, "a word for each number of fields");

/* --- reading --- */

static WordResult word_variant_tag(Strand *strand) {
    const Variant *variant = expect_variant(strand, 0);
    if (variant == NULL)
        return WORD_FAULTED;
    strand_replace(strand, 1, value_from_symbol(variant->symbol));
    return WORD_OK;
}

static WordResult reply_field(Strand *strand, uint32_t count, const Variant *variant, uint32_t index) {
    strand_replace(strand, count, value_ref(variant_at(variant, index)));
    return WORD_OK;
}

static WordResult word_variant_field_at(Strand *strand) {
    const Variant *variant = expect_variant(strand, 1);
    int64_t index = strand_peek_int(strand, 0);
    if (variant == NULL)
        return WORD_FAULTED;
    if (index < 0 || index >= variant->count)
        return strand_fault(strand, "index %lld is out of range, the variant has %u field%s", (long long)index,
                            variant->count, variant->count == 1 ? "" : "s");
    return reply_field(strand, 2, variant, (uint32_t)index);
}

static WordResult word_variant_first(Strand *strand) {
    const Variant *variant = expect_fields(strand);
    return variant ? reply_field(strand, 1, variant, 0) : WORD_FAULTED;
}

static WordResult word_variant_last(Strand *strand) {
    const Variant *variant = expect_fields(strand);
    return variant ? reply_field(strand, 1, variant, variant->count - 1) : WORD_FAULTED;
}

/* --- changing --- */

static WordResult word_variant_init(Strand *strand) {
    Variant *variant = expect_fields(strand);
    if (variant == NULL)
        return WORD_FAULTED;
    List *list = list_flatten(strand->heap, variant); /* its slot holds the reference that this takes */
    if (list == NULL)
        return strand_fault_memory(strand);
    *strand->sp = value_from_object(list);
    value_unref(strand->heap, list->items[--list->count]);
    return WORD_OK;
}

static const Word variant_words[] = {
    {"variant.make-0", "( ..a Symbol -- ..a Variant )", PURE, BY_FUNCTION(word_variant_make_0),
     .help = "A variant with this tag and no fields."},
    {"variant.make-1", "( ..a T1 Symbol -- ..a Variant )", PURE, BY_FUNCTION(word_variant_make_1),
     .help = "A variant with this tag and one field."},
    {"variant.make-2", "( ..a T1 T2 Symbol -- ..a Variant )", PURE, BY_FUNCTION(word_variant_make_2),
     .help = "A variant with this tag and two fields, the deepest first."},
    {"variant.make-3", "( ..a T1 T2 T3 Symbol -- ..a Variant )", PURE, BY_FUNCTION(word_variant_make_3),
     .help = "A variant with this tag and three fields, the deepest first."},
    {"variant.make-4", "( ..a T1 T2 T3 T4 Symbol -- ..a Variant )", PURE, BY_FUNCTION(word_variant_make_4),
     .help = "A variant with this tag and four fields, the deepest first."},
    {"variant.make-5", "( ..a T1 T2 T3 T4 T5 Symbol -- ..a Variant )", PURE, BY_FUNCTION(word_variant_make_5),
     .help = "A variant with this tag and five fields, the deepest first."},
    {"variant.make-6", "( ..a T1 T2 T3 T4 T5 T6 Symbol -- ..a Variant )", PURE, BY_FUNCTION(word_variant_make_6),
     .help = "A variant with this tag and six fields, the deepest first."},
    {"variant.make-7", "( ..a T1 T2 T3 T4 T5 T6 T7 Symbol -- ..a Variant )", PURE, BY_FUNCTION(word_variant_make_7),
     .help = "A variant with this tag and seven fields, the deepest first."},
    {"variant.make-8", "( ..a T1 T2 T3 T4 T5 T6 T7 T8 Symbol -- ..a Variant )", PURE, BY_FUNCTION(word_variant_make_8),
     .help = "A variant with this tag and eight fields, the deepest first."},
    {"variant.make-9", "( ..a T1 T2 T3 T4 T5 T6 T7 T8 T9 Symbol -- ..a Variant )", PURE,
     BY_FUNCTION(word_variant_make_9),
     .help = "A variant with this tag and nine fields, the deepest first."},
    {"variant.make-10", "( ..a T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 Symbol -- ..a Variant )", PURE,
     BY_FUNCTION(word_variant_make_10),
     .help = "A variant with this tag and ten fields, the deepest first."},
    {"variant.make-11", "( ..a T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 Symbol -- ..a Variant )", PURE,
     BY_FUNCTION(word_variant_make_11),
     .help = "A variant with this tag and eleven fields, the deepest first."},
    {"variant.make-12", "( ..a T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12 Symbol -- ..a Variant )", PURE,
     BY_FUNCTION(word_variant_make_12),
     .help = "A variant with this tag and twelve fields, the deepest first."},
    {"wrap-0", "( ..a Symbol -- ..a Variant )", PURE, ALIAS_OF("variant.make-0"),
     .help = "Another name of variant.make-0."},
    {"wrap-1", "( ..a T1 Symbol -- ..a Variant )", PURE, ALIAS_OF("variant.make-1"),
     .help = "Another name of variant.make-1."},
    {"wrap-2", "( ..a T1 T2 Symbol -- ..a Variant )", PURE, ALIAS_OF("variant.make-2"),
     .help = "Another name of variant.make-2."},
    {"wrap-3", "( ..a T1 T2 T3 Symbol -- ..a Variant )", PURE, ALIAS_OF("variant.make-3"),
     .help = "Another name of variant.make-3."},
    {"wrap-4", "( ..a T1 T2 T3 T4 Symbol -- ..a Variant )", PURE, ALIAS_OF("variant.make-4"),
     .help = "Another name of variant.make-4."},
    {"wrap-5", "( ..a T1 T2 T3 T4 T5 Symbol -- ..a Variant )", PURE, ALIAS_OF("variant.make-5"),
     .help = "Another name of variant.make-5."},
    {"wrap-6", "( ..a T1 T2 T3 T4 T5 T6 Symbol -- ..a Variant )", PURE, ALIAS_OF("variant.make-6"),
     .help = "Another name of variant.make-6."},
    {"wrap-7", "( ..a T1 T2 T3 T4 T5 T6 T7 Symbol -- ..a Variant )", PURE, ALIAS_OF("variant.make-7"),
     .help = "Another name of variant.make-7."},
    {"wrap-8", "( ..a T1 T2 T3 T4 T5 T6 T7 T8 Symbol -- ..a Variant )", PURE, ALIAS_OF("variant.make-8"),
     .help = "Another name of variant.make-8."},
    {"wrap-9", "( ..a T1 T2 T3 T4 T5 T6 T7 T8 T9 Symbol -- ..a Variant )", PURE, ALIAS_OF("variant.make-9"),
     .help = "Another name of variant.make-9."},
    {"wrap-10", "( ..a T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 Symbol -- ..a Variant )", PURE, ALIAS_OF("variant.make-10"),
     .help = "Another name of variant.make-10."},
    {"wrap-11", "( ..a T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 Symbol -- ..a Variant )", PURE, ALIAS_OF("variant.make-11"),
     .help = "Another name of variant.make-11."},
    {"wrap-12", "( ..a T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12 Symbol -- ..a Variant )", PURE,
     ALIAS_OF("variant.make-12"),
     .help = "Another name of variant.make-12."},
    {"variant.tag", "( ..a Variant -- ..a Symbol )", PURE, BY_FUNCTION(word_variant_tag),
     .help = "The tag; for a list it is :List. Anything but a variant is a trap."},
    {"variant.field-count", "( ..a Variant -- ..a Int )", PURE, BY_OPCODE(LIST_LENGTH),
     .help = "How many fields it has. Anything but a variant is a trap."},
    {"variant.field-at", "( ..a Variant Int -- ..a T )", PURE, BY_FUNCTION(word_variant_field_at),
     .help = "The field with this index, counted from 0. A negative or too large index is a trap, and so is anything "
             "but a variant."},
    {"variant.first", "( ..a Variant -- ..a T )", PURE, BY_FUNCTION(word_variant_first),
     .help = "The first field. A variant without fields is a trap, and so is anything but a variant."},
    {"variant.last", "( ..a Variant -- ..a T )", PURE, BY_FUNCTION(word_variant_last),
     .help = "The last field. A variant without fields is a trap, and so is anything but a variant."},
    {"variant.init", "( ..a Variant -- ..a Variant )", PURE, BY_FUNCTION(word_variant_init),
     .help = "The same without the last field. A variant without fields is a trap, and so is anything but a variant."},
    {"variant.append", "( ..a Variant T -- ..a Variant )", PURE, BY_OPCODE(LIST_PUSH),
     .help = "The same with one more field behind the others. Anything but a variant is a trap."},
};

const WordFamily variant_family = {"variant", variant_words, sizeof variant_words / sizeof *variant_words};
