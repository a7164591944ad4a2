/* SPDX-License-Identifier: MIT */
/*
 * The tree of a program, in an arena. The parser makes it; the resolver
 * fills in what names mean; the checker writes its findings into the nodes
 * (which checks a call needs, what a literal captures); the emitter reads.
 */
#pragma once

#include "vm/lang/source.h"

typedef struct Node Node;
typedef struct Body Body;
typedef struct Definition Definition;
typedef struct UnionDef UnionDef;
typedef struct VariantDef VariantDef;
typedef struct Include Include;
typedef struct Tree Tree;
typedef struct EffectSyntax EffectSyntax;
typedef struct TypeSyntax TypeSyntax;

/* A name as written. */
typedef struct Name {
    const char *bytes; /* NUL-terminated, in the arena */
    uint32_t size;
    Span span;
} Name;

/* --- effects as written; types.c gives them meaning --- */

typedef enum TypeSyntaxKind {
    TYPE_SYNTAX_NAME,      /* Int, T, Shape */
    TYPE_SYNTAX_QUOTATION, /* [ in -- out ] */
    TYPE_SYNTAX_CLOSURE,   /* Closure[ in -- out ] */
} TypeSyntaxKind;

struct TypeSyntax {
    TypeSyntax *next; /* towards the top of the stack */
    TypeSyntaxKind kind;
    Name name;            /* TYPE_SYNTAX_NAME */
    EffectSyntax *effect; /* the other two */
    Span span;
};

typedef struct SideSyntax {
    Name row; /* without the dots; bytes == NULL when none is written */
    TypeSyntax *types; /* deepest first */
    uint32_t count;
} SideSyntax;

struct EffectSyntax {
    SideSyntax in, out;
    TypeSyntax *yields; /* after `|`: the types, linked; NULL when there are none */
    Span span;
};

/* --- bodies --- */

typedef enum NodeKind {
    NODE_INT,
    NODE_FLOAT,
    NODE_BOOL,
    NODE_STRING,
    NODE_SYMBOL,
    NODE_QUOTATION,
    NODE_CALL,  /* a word by name */
    NODE_MATCH,
    NODE_IF,    /* an inlined branch (its span is the `if`): both branches were literals, or the old form if … else … then */
} NodeKind;

struct Body {
    Node *first, *last;
    Span span; /* for a literal: from `[` to `]` */
    struct BodyNote *checked; /* the checker's findings about its end (checker.h); mostly NULL */
};

typedef struct Binding { /* >field */
    struct Binding *next;
    Name field;
    uint32_t index; /* set by the resolver */
} Binding;

typedef struct Arm {
    struct Arm *next;
    Name variant;
    bool has_bindings;  /* braces were written */
    Binding *bindings;  /* in written order */
    uint32_t binding_count;
    Body body;
    VariantDef *definition; /* set by the resolver */
} Arm;

/* What the resolver found behind a name. */
typedef enum TargetKind {
    TARGET_NONE,
    TARGET_BUILTIN,    /* `word` */
    TARGET_SUGAR,      /* + - * …: the checker decides and sets `word` */
    TARGET_DEFINITION, /* `definition` */
    TARGET_CONSTRUCT,  /* Make-V */
    TARGET_IS,         /* is-V? */
    TARGET_FIELD,      /* V-field: `field_index` */
} TargetKind;

/* The builtins of which checker and emitter know more than their effect. */
typedef enum CompilerWord {
    DO_NOTHING, /* none of them */
    DO_DUP,
    DO_DROP,
    DO_SWAP,
    DO_OVER,
    DO_ROT,
    DO_NIP,
    DO_TUCK,
    DO_2DUP,
    DO_3DROP,
    DO_PICK,
    DO_ROLL,
    DO_TO_AUX,
    DO_FROM_AUX,
    DO_CALL,
    DO_DIP,
    DO_KEEP,
    DO_BI,
    DO_IF,
    DO_COND,
    COMPILER_WORD_COUNT,
} CompilerWord;

struct Node {
    Node *next;
    NodeKind kind;
    Span span;
    union {
        int64_t integer; /* as written; wraps to 63 bits when emitted */
        double number;
        bool truth;
        struct {
            const char *bytes;
            uint32_t size;
        } string; /* NODE_STRING, NODE_SYMBOL (without the colon) */
        struct {
            Body body;
            struct Literal *checked; /* the checker's findings (checker.h) */
        } quotation;
        struct {
            const char *name; /* its place is the node's */
            uint32_t name_size;
            TargetKind target;
            CompilerWord does; /* TARGET_BUILTIN; set by the resolver */
            uint32_t field_index;
            union { /* by `target` */
                const struct Word *word;
                Definition *definition;
                VariantDef *variant;
            };
            struct CallNote *checked; /* the checker's findings (checker.h) */
        } call;
        struct {
            Arm *arms;
            uint32_t arm_count;
            uint32_t depth_check;     /* as above */
        } match;
        struct Branch *branch; /* apart, as most nodes are much smaller */
    };
};

typedef struct Branch {
    Body then_body, else_body;
    struct SlotCheck *checks; /* of the condition; set by the checker */
    uint32_t depth_check;     /* values wanted above the floor, or 0; set by the checker */
} Branch;

/* NODE_CALL */
static inline Name node_called(const Node *node) {
    return (Name){.bytes = node->call.name, .size = node->call.name_size, .span = node->span};
}

/* --- top level --- */

struct Definition {
    Definition *next; /* in order of definition: the main file's words first, then each include's */
    Name name;
    EffectSyntax *effect; /* NULL when none was written */
    Body body;
    Span span;            /* of the name */
    Span whole;           /* from `:` to `;` */
    const char *help;     /* the comment lines directly above it, or NULL */
    struct LintPermission { /* # seq:allow(ID) above it */
        struct LintPermission *next;
        const char *id;
    } *permissions;
    bool is_std;
    bool has_errors;                 /* the parser reported some in it: more would only be their consequence */
    uint32_t number;                 /* position in Tree.definitions, set by the resolver */
    uint32_t component;              /* mutually recursive words have the same; set by the resolver */
    struct DefinitionNote *checked;  /* the checker's findings (checker.h) */
};

typedef struct Field {
    struct Field *next;
    Name name;
    Name type;
} Field;

struct VariantDef {
    VariantDef *next;
    UnionDef *owner;
    Name name;
    Field *fields; /* declaration order */
    uint32_t field_count;
    uint32_t index; /* in its union */
};

struct UnionDef {
    UnionDef *next;
    Name name;
    VariantDef *variants;
    uint32_t variant_count;
};

typedef enum IncludeKind { INCLUDE_STD, INCLUDE_FFI, INCLUDE_FILE } IncludeKind;

struct Include {
    Include *next;
    IncludeKind kind;
    Name name;
    Span span;
};

/* One file, as parsed. */
typedef struct Module {
    struct Module *next;
    const Source *source;
    Include *includes;
    UnionDef *unions, *unions_last;
    Definition *definitions, *definitions_last;
} Module;

/* A whole program: the main file and all it includes, merged. */
struct Tree {
    Arena *arena;
    Module *modules; /* the main file first */
    Definition *definitions;
    UnionDef *unions;
    uint32_t definition_count;
};

enum {
    NESTING_MAX = 1000,      /* quotations, matches, ifs inside each other */
    TYPE_NESTING_MAX = 32,   /* quotation types inside each other */
    NAME_SIZE_MAX = 65535,   /* bytes of a name */
    UNION_FIELDS_MAX = 12,
};
