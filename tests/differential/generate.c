/* SPDX-License-Identifier: MIT */
/*
 * The generator keeps a model of the stack: what the checker takes each item
 * for. Code below a floor is out of reach for a block, except for pick, so
 * that blocks leave what their place asks for. What is missing is pushed.
 */
#include "tests/differential/generate.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum T {
    INT,
    FLOAT,
    BOOL,
    STRING,
    SYMBOL,
    LIST,
    MAP,
    SHAPE, /* a union */
    TREE,  /* a recursive one */
    CHANNEL,
    Q_NONE, /* [ -- ] and so on */
    Q_INT,
    Q_INTS,
    Q_TEXT,
    T_COUNT,
    ANY = T_COUNT, /* a type variable: fits everywhere */
} T;

static const char *const type_names[] = {"Int",  "Float",   "Bool",       "String",         "Symbol",
                                         "List", "Map",     "Shape",      "Tree",           "Channel",
                                         "[ -- ]", "[ Int -- Int ]", "[ Int Int -- Int ]", "[ Int -- String ]", "T"};

enum { STACK_MAX = 64, WORDS_MAX = 6, SIDE_MAX = 4 };

typedef struct Signature {
    T in[SIDE_MAX], out[SIDE_MAX];
    int in_count, out_count;
    bool recursive;
} Signature;

typedef struct Generator {
    uint64_t state;
    char *text;
    size_t size, room;
    bool loose;
    int badness; /* percent of values and statements that are not what they seem */
    T stack[STACK_MAX];
    int depth, floor;
    int nesting;
    int left; /* statements that the word may still have */
    Signature words[WORDS_MAX];
    int word_count;
    bool captures;     /* a literal around this place takes values off the stack */
    bool in_quotation; /* a literal that is pushed: nothing below its inputs is its own */
} Generator;

static uint64_t next_random(Generator *g) {
    uint64_t z = g->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
static int pick_one(Generator *g, int count) {
    return (int)(next_random(g) % (uint64_t)count);
}
static bool chance(Generator *g, int percent) {
    return pick_one(g, 100) < percent;
}

static void emit(Generator *g, const char *format, ...) {
    char buffer[512];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(buffer, sizeof buffer, format, arguments);
    va_end(arguments);
    if (g->size + (size_t)size + 2 > g->room) {
        g->room = 2 * (g->room + (size_t)size) + 256;
        g->text = realloc(g->text, g->room);
    }
    memcpy(g->text + g->size, buffer, (size_t)size + 1);
    g->size += (size_t)size;
}

static void push(Generator *g, T type) {
    if (g->depth < STACK_MAX)
        g->stack[g->depth++] = type;
}
static T top(Generator *g) {
    return g->stack[g->depth - 1];
}
static void pop(Generator *g, int count) {
    g->depth -= count;
}

static void value_of(Generator *g, T type);
static void block(Generator *g, int statements);
static void quotation_of(Generator *g, const T *in, int in_count, int extra, const T *out, int out_count);

/* --- values --- */

static void int_literal(Generator *g) {
    static const char *const edges[] = {"0", "1", "-1", "2", "62", "63", "64", "-64", "4611686018427387903", "-4611686018427387904",
                                        "2147483648", "4294967296", "-4294967296", "1000000007", "3037000500", "0xff"};
    if (chance(g, 25))
        emit(g, "%s ", edges[pick_one(g, (int)(sizeof edges / sizeof *edges))]);
    else
        emit(g, "%d ", pick_one(g, 24) - 4);
}

static void float_literal(Generator *g) {
    static const char *const floats[] = {"0.0", "-0.0", "1.5", "-2.25", "1e300", "1e-300", "0.1", "3.0", "1e21", "123456789.125", "5e-324", "1e16"};
    emit(g, "%s ", floats[pick_one(g, (int)(sizeof floats / sizeof *floats))]);
}

static void list_value(Generator *g) {
    emit(g, "list.make ");
    push(g, LIST);
    for (int count = pick_one(g, 5); count > 0; count--) {
        value_of(g, g->loose && chance(g, 30) ? (T)pick_one(g, T_COUNT) : INT);
        emit(g, "list.push ");
        pop(g, 1);
    }
    pop(g, 1);
}

static void map_value(Generator *g) {
    emit(g, "map.make ");
    push(g, MAP);
    for (int count = pick_one(g, 4); count > 0; count--) {
        value_of(g, chance(g, 70) ? INT : STRING);
        value_of(g, g->loose && chance(g, 30) ? (T)pick_one(g, T_COUNT) : INT);
        emit(g, "map.set ");
        pop(g, 2);
    }
    pop(g, 1);
}

static void shape_value(Generator *g) {
    static const T circle[] = {FLOAT}, box[] = {INT, STRING}, *const fields[] = {circle, box, NULL};
    static const char *const makers[] = {"Make-Circle ", "Make-Box ", "Make-Dot "}, *const tags[] = {"Circle", "Box", "Dot"};
    int variant = pick_one(g, 3), count = variant == 0 ? 1 : variant == 1 ? 2 : 0;
    bool wrapped = chance(g, 25);
    int made = count;
    if (g->loose && wrapped && chance(g, 30))
        made = pick_one(g, 4);
    for (int index = 0; index < made; index++)
        value_of(g, index < count && !(g->loose && wrapped && chance(g, 40)) ? fields[variant][index] : (T)pick_one(g, T_COUNT));
    if (wrapped)
        emit(g, ":%s wrap-%d ", tags[variant], made);
    else
        emit(g, "%s", makers[variant]);
    pop(g, made);
}

static void tree_value(Generator *g) {
    if (g->nesting > 4 || chance(g, 55)) {
        value_of(g, INT);
        pop(g, 1);
        emit(g, chance(g, 80) ? "Make-Leaf " : ":Leaf wrap-1 ");
        return;
    }
    g->nesting++;
    value_of(g, TREE);
    value_of(g, TREE);
    g->nesting--;
    emit(g, "Make-Fork ");
    pop(g, 2);
}

static void literal_of(Generator *g, T type) {
    static const T ints[] = {INT, INT}, text[] = {STRING};
    switch (type) {
    case INT:
        int_literal(g);
        break;
    case FLOAT:
        float_literal(g);
        break;
    case BOOL:
        emit(g, chance(g, 50) ? "true " : "false ");
        break;
    case STRING:
        emit(g, "\"%s\" ", (const char *[]){"", "a", "seq", "two words", "x\\n", "0123456789"}[pick_one(g, 6)]);
        break;
    case SYMBOL:
        emit(g, ":%s ", (const char *[]){"ok", "no", "Circle", "Box", "List"}[pick_one(g, 5)]);
        break;
    case LIST:
        list_value(g);
        break;
    case MAP:
        map_value(g);
        break;
    case SHAPE:
        shape_value(g);
        break;
    case TREE:
        tree_value(g);
        break;
    case CHANNEL:
        emit(g, "chan.make ");
        break;
    case Q_NONE:
        quotation_of(g, NULL, 0, 0, NULL, 0);
        emit(g, "dup drop "); /* so that the next word makes no closure of it */
        break;
    case Q_INT:
        quotation_of(g, ints, 1, 0, ints, 1);
        emit(g, "dup drop ");
        break;
    case Q_INTS:
        quotation_of(g, ints, 2, 0, ints, 1);
        emit(g, "dup drop ");
        break;
    case Q_TEXT:
        quotation_of(g, ints, 1, 0, text, 1);
        emit(g, "dup drop ");
        break;
    default:
        int_literal(g);
        break;
    }
}

/* Code that pushes one value of the type; may copy one that lies on the stack. */
static void value_of(Generator *g, T type) {
    if (type == ANY)
        type = (T)pick_one(g, T_COUNT);
    if (g->loose && chance(g, g->badness)) { /* not what it seems */
        T other = chance(g, 75) ? type : (T)pick_one(g, T_COUNT);
        literal_of(g, other);
        static const char *const ways[] = {"launder ", "through-list ", "through-variant ", "dup launder nip ", "through-map ", "through-channel "};
        emit(g, "%s", ways[pick_one(g, 6)]);
        push(g, type);
        return;
    }
    if (g->depth > 0 && chance(g, 45)) {
        int reach = g->in_quotation ? g->depth - g->floor : g->depth;
        for (int index = 0; index < reach && index < 8; index++) {
            if (g->stack[g->depth - 1 - index] != type)
                continue;
            if (index == 0)
                emit(g, "dup ");
            else if (index == 1)
                emit(g, "over ");
            else if (g->loose && chance(g, 20))
                emit(g, "%d 1 i.* pick ", index);
            else
                emit(g, "%d pick ", index);
            push(g, type);
            return;
        }
    }
    if (type == INT && g->nesting < 4 && chance(g, 25)) {
        g->nesting++;
        bool plain = chance(g, 20); /* literals, whose types the sugar knows */
        for (int index = 0; index < 2; index++) {
            if (plain)
                int_literal(g);
            else
                value_of(g, INT);
        }
        if (plain) {
            push(g, INT);
            push(g, INT);
        }
        g->nesting--;
        emit(g, "%s ", plain ? (const char *[]){"+", "-", "*"}[pick_one(g, 3)]
                             : (const char *[]){"i.+", "i.-", "i.*", "band", "bor", "bxor", "shl", "shr"}[pick_one(g, 8)]);
        pop(g, 1);
        return;
    }
    if (type == BOOL && g->nesting < 4 && chance(g, 70)) {
        g->nesting++;
        value_of(g, INT);
        value_of(g, INT);
        g->nesting--;
        emit(g, "%s ", (const char *[]){"i.=", "i.<>", "i.<", "i.<=", "i.>", "i.>="}[pick_one(g, 6)]);
        pop(g, 2);
        push(g, BOOL);
        return;
    }
    g->nesting++;
    literal_of(g, type);
    g->nesting--;
    push(g, type);
}

/* --- words with plain effects --- */

typedef struct Row {
    const char *word;
    T in[3], out[4];
    int in_count, out_count;
} Row;

static const Row rows[] = {
    {"i.+", {INT, INT}, {INT}, 2, 1}, {"i.-", {INT, INT}, {INT}, 2, 1}, {"i.*", {INT, INT}, {INT}, 2, 1},
    {"i./", {INT, INT}, {INT, BOOL}, 2, 2}, {"i.%", {INT, INT}, {INT, BOOL}, 2, 2}, {"i./ drop", {INT, INT}, {INT}, 2, 1},
    {"i.% drop", {INT, INT}, {INT}, 2, 1}, {"7 i.% drop", {INT}, {INT}, 1, 1}, {"3 i./ drop", {INT}, {INT}, 1, 1},
    {"2dup i.% drop", {INT, INT}, {INT, INT, INT}, 2, 3},
    {"1 i.+", {INT}, {INT}, 1, 1}, {"1 i.-", {INT}, {INT}, 1, 1}, {"3 i.*", {INT}, {INT}, 1, 1}, {"dup i.*", {INT}, {INT}, 1, 1},
    {"dup 1 i.+", {INT}, {INT, INT}, 1, 2}, {"dup 1 i.-", {INT}, {INT, INT}, 1, 2}, {"swap 1 i.+", {INT, INT}, {INT, INT}, 2, 2},
    {"swap 1 i.-", {INT, INT}, {INT, INT}, 2, 2}, {"over i.+", {INT, INT}, {INT, INT}, 2, 2}, {"over i.-", {INT, INT}, {INT, INT}, 2, 2},
    {"over i.*", {INT, INT}, {INT, INT}, 2, 2}, {"1 i.+ swap", {INT, INT}, {INT, INT}, 2, 2},
    {"15 band", {INT}, {INT}, 1, 1}, {"2 shr", {INT}, {INT}, 1, 1}, {"3 shl", {INT}, {INT}, 1, 1},
    {"i.neg", {INT}, {INT}, 1, 1}, {"bnot", {INT}, {INT}, 1, 1}, {"band", {INT, INT}, {INT}, 2, 1}, {"bor", {INT, INT}, {INT}, 2, 1},
    {"bxor", {INT, INT}, {INT}, 2, 1}, {"shl", {INT, INT}, {INT}, 2, 1}, {"shr", {INT, INT}, {INT}, 2, 1},
    {"popcount", {INT}, {INT}, 1, 1}, {"clz", {INT}, {INT}, 1, 1}, {"ctz", {INT}, {INT}, 1, 1}, {"9 i.pow", {INT}, {INT, BOOL}, 1, 2},
    {"i.=", {INT, INT}, {BOOL}, 2, 1}, {"i.<>", {INT, INT}, {BOOL}, 2, 1}, {"i.<", {INT, INT}, {BOOL}, 2, 1}, {"i.<=", {INT, INT}, {BOOL}, 2, 1},
    {"i.>", {INT, INT}, {BOOL}, 2, 1}, {"i.>=", {INT, INT}, {BOOL}, 2, 1},
    {"dup 5 i.=", {INT}, {INT, BOOL}, 1, 2}, {"dup 5 i.<>", {INT}, {INT, BOOL}, 1, 2}, {"dup 5 i.<", {INT}, {INT, BOOL}, 1, 2},
    {"dup 5 i.<=", {INT}, {INT, BOOL}, 1, 2}, {"dup 5 i.>", {INT}, {INT, BOOL}, 1, 2}, {"dup 5 i.>=", {INT}, {INT, BOOL}, 1, 2},
    {"2 i.=", {INT}, {BOOL}, 1, 1}, {"2 i.<>", {INT}, {BOOL}, 1, 1}, {"2 i.<", {INT}, {BOOL}, 1, 1}, {"2 i.<=", {INT}, {BOOL}, 1, 1},
    {"2 i.>", {INT}, {BOOL}, 1, 1}, {"2 i.>=", {INT}, {BOOL}, 1, 1},
    {"and", {BOOL, BOOL}, {BOOL}, 2, 1}, {"or", {BOOL, BOOL}, {BOOL}, 2, 1}, {"not", {BOOL}, {BOOL}, 1, 1},
    {"f.+", {FLOAT, FLOAT}, {FLOAT}, 2, 1}, {"f.-", {FLOAT, FLOAT}, {FLOAT}, 2, 1}, {"f.*", {FLOAT, FLOAT}, {FLOAT}, 2, 1},
    {"f./", {FLOAT, FLOAT}, {FLOAT}, 2, 1}, {"f.=", {FLOAT, FLOAT}, {BOOL}, 2, 1}, {"f.<>", {FLOAT, FLOAT}, {BOOL}, 2, 1},
    {"f.<", {FLOAT, FLOAT}, {BOOL}, 2, 1}, {"f.<=", {FLOAT, FLOAT}, {BOOL}, 2, 1}, {"f.>", {FLOAT, FLOAT}, {BOOL}, 2, 1},
    {"f.>=", {FLOAT, FLOAT}, {BOOL}, 2, 1}, {"float->int", {FLOAT}, {INT}, 1, 1}, {"int->float", {INT}, {FLOAT}, 1, 1},
    {"float->string", {FLOAT}, {STRING}, 1, 1}, {"int->string", {INT}, {STRING}, 1, 1},
    {"string.concat", {STRING, STRING}, {STRING}, 2, 1}, {"string.length", {STRING}, {INT}, 1, 1},
    {"string.equal?", {STRING, STRING}, {BOOL}, 2, 1}, {"string.empty?", {STRING}, {BOOL}, 1, 1},
    {"string.substring", {STRING, INT, INT}, {STRING}, 3, 1}, {"symbol->string", {SYMBOL}, {STRING}, 1, 1},
    {"symbol.=", {SYMBOL, SYMBOL}, {BOOL}, 2, 1},
    {"list.length", {LIST}, {INT}, 1, 1}, {"dup list.length", {LIST}, {LIST, INT}, 1, 2}, {"list.empty?", {LIST}, {BOOL}, 1, 1},
    {"list.reverse", {LIST}, {LIST}, 1, 1}, {"list.push", {LIST, INT}, {LIST}, 2, 1}, {"list.get", {LIST, INT}, {INT, BOOL}, 2, 2},
    {"list.get drop", {LIST, INT}, {INT}, 2, 1}, {"2dup list.get", {LIST, INT}, {LIST, INT, INT}, 2, 3}, {"2dup list.get drop", {LIST, INT}, {LIST, INT, INT}, 2, 3},
    {"list.set", {LIST, INT, INT}, {LIST, BOOL}, 3, 2}, {"list.set drop", {LIST, INT, INT}, {LIST}, 3, 1},
    {"list.first drop", {LIST}, {INT}, 1, 1}, {"list.last drop", {LIST}, {INT}, 1, 1},
    {"map.set", {MAP, INT, INT}, {MAP}, 3, 1}, {"map.get drop", {MAP, INT}, {INT}, 2, 1}, {"map.has?", {MAP, INT}, {BOOL}, 2, 1},
    {"map.remove", {MAP, INT}, {MAP}, 2, 1}, {"map.size", {MAP}, {INT}, 1, 1}, {"map.keys", {MAP}, {LIST}, 1, 1}, {"map.values", {MAP}, {LIST}, 1, 1},
    {"is-Circle?", {SHAPE}, {BOOL}, 1, 1}, {"variant.field-count", {SHAPE}, {INT}, 1, 1}, {"variant.tag", {SHAPE}, {SYMBOL}, 1, 1},
    {"is-Leaf?", {TREE}, {BOOL}, 1, 1}, {"total", {TREE}, {INT}, 1, 1}, {"area", {SHAPE}, {INT}, 1, 1},
    {"call", {INT, Q_INT}, {INT}, 2, 1}, {"iapply", {INT, Q_INT}, {INT}, 2, 1}, {"call", {Q_NONE}, {0}, 1, 0}, {"napply", {Q_NONE}, {0}, 1, 0},
    {"call", {INT, INT, Q_INTS}, {INT}, 3, 1}, {"call", {INT, Q_TEXT}, {STRING}, 2, 1}, {"apply2", {INT, Q_TEXT}, {STRING}, 2, 1},
    {"adder", {INT}, {Q_INT}, 1, 1}, {"twice", {Q_INT}, {Q_INT}, 1, 1},
    {"dip", {INT, INT, Q_INT}, {INT, INT}, 3, 2}, {"keep", {INT, Q_INT}, {INT, INT}, 2, 2}, {"if", {BOOL, Q_NONE, Q_NONE}, {0}, 3, 0},
    {"Make-Circle Circle-r", {FLOAT}, {FLOAT}, 1, 1}, {"2dup i.= [ drop ] [ nip ] if", {INT, INT}, {INT}, 2, 1}, {"2dup i.<> [ drop ] [ nip ] if", {INT, INT}, {INT}, 2, 1},
    {"2dup i.< [ drop ] [ nip ] if", {INT, INT}, {INT}, 2, 1}, {"2dup i.<= [ drop ] [ nip ] if", {INT, INT}, {INT}, 2, 1},
    {"2dup i.> [ drop ] [ nip ] if", {INT, INT}, {INT}, 2, 1}, {"2dup i.>= [ drop ] [ nip ] if", {INT, INT}, {INT}, 2, 1},
    {"2 pick swap", {INT, INT, INT}, {INT, INT, INT, INT}, 3, 4}, {"rot i.+", {INT, INT, INT}, {INT, INT}, 3, 2}, {"2 pick i.-", {INT, INT, INT}, {INT, INT, INT}, 3, 3},
    {"2 pick i.+", {INT, INT, INT}, {INT, INT, INT}, 3, 3}, {"2 pick i.=", {INT, INT, INT}, {INT, INT, BOOL}, 3, 3},
    {"or [ 1 ] [ 2 ] if", {BOOL, BOOL}, {INT}, 2, 1}, {"and [ 1 ] [ 2 ] if", {BOOL, BOOL}, {INT}, 2, 1},
    {"count-down", {INT}, {INT}, 1, 1}, {"2dup i.+", {INT, INT}, {INT, INT, INT}, 2, 3},
};

static void run_row(Generator *g, const Row *row) {
    int have = 0;
    /* take what lies there, if it fits as a whole */
    if (g->depth - g->floor >= row->in_count) {
        have = row->in_count;
        for (int index = 0; index < row->in_count; index++) {
            if (g->stack[g->depth - row->in_count + index] != row->in[index])
                have = 0;
        }
    }
    for (int index = have; index < row->in_count; index++)
        value_of(g, row->in[index]);
    emit(g, "%s ", row->word);
    pop(g, row->in_count);
    for (int index = 0; index < row->out_count; index++)
        push(g, row->out[index]);
    /* 2dup list.get leaves a Bool: the row says Int for both, see below */
    if (strcmp(row->word, "2dup list.get") == 0) {
        emit(g, "drop ");
    }
}

/* --- blocks --- */

/* Drops down to `floor`, keeping nothing; then pushes what is asked for. */
static void settle(Generator *g, int floor, const T *out, int out_count) {
    int have = g->depth - floor;
    if (out_count == 1 && have >= 1 && top(g) == out[0]) {
        if (have == 1)
            return;
        if (chance(g, 50)) {
            emit(g, ">aux ");
            for (int index = 1; index < have; index++)
                emit(g, "drop ");
            emit(g, "aux> ");
        } else {
            for (int index = 1; index < have; index++)
                emit(g, chance(g, 70) ? "nip " : "swap drop ");
        }
        g->depth = floor;
        push(g, out[0]);
        return;
    }
    for (; g->depth > floor; g->depth--)
        emit(g, "drop ");
    for (int index = 0; index < out_count; index++)
        value_of(g, out[index]);
}

/* A block that becomes part of the code around it: `[ … ]` of an if, a dip. Leaves `out` above what is there. */
static void inline_block(Generator *g, const T *out, int out_count) {
    int depth = g->depth, floor = g->floor;
    g->floor = depth;
    g->nesting++;
    emit(g, "[ ");
    block(g, pick_one(g, 3));
    settle(g, depth, out, out_count);
    emit(g, "] ");
    g->nesting--;
    g->floor = floor;
    g->depth = depth;
}

/* A literal that is pushed: `in`, then `extra` Ints (what it captures), is all that it sees. */
static void quotation_of(Generator *g, const T *in, int in_count, int extra, const T *out, int out_count) {
    T saved[STACK_MAX];
    int depth = g->depth, floor = g->floor;
    bool was_in = g->in_quotation, captured = g->captures;
    g->captures |= extra > 0;
    memcpy(saved, g->stack, sizeof saved);
    g->depth = g->floor = 0;
    g->in_quotation = true;
    for (int index = 0; index < in_count; index++)
        push(g, in[index]);
    for (int index = 0; index < extra; index++)
        push(g, INT);
    g->nesting++;
    emit(g, "[ ");
    if (g->nesting < 6)
        block(g, pick_one(g, 3));
    if (g->loose && chance(g, 4))
        emit(g, "%s ", (const char *[]){"drop", "5", "dup", "[ true ] [ ] 1 1 i.* cond", "launder", "swap"}[pick_one(g, 6)]);
    settle(g, 0, out, out_count);
    emit(g, "] ");
    g->nesting--;
    memcpy(g->stack, saved, sizeof saved);
    g->depth = depth;
    g->floor = floor;
    g->in_quotation = was_in;
    g->captures = captured;
}

static void show_top(Generator *g) {
    if (g->depth > g->floor && chance(g, 50)) {
        emit(g, "son.dump io.write-line ");
        pop(g, 1);
    } else if (g->depth > g->floor) {
        emit(g, "dup son.dump io.write-line ");
    } else {
        value_of(g, (T)pick_one(g, CHANNEL));
        emit(g, "son.dump io.write-line ");
        pop(g, 1);
    }
}

static void shuffle(Generator *g) {
    int have = g->depth - g->floor;
    if (have == 0)
        return;
    T *at = &g->stack[g->depth - 1], a, b, c;
    int kind = pick_one(g, 10);
    if (have >= 3 && kind < 3) {
        a = at[-2], b = at[-1], c = at[0];
        if (kind == 0) {
            emit(g, "rot ");
            at[-2] = b, at[-1] = c, at[0] = a;
        } else if (kind == 1) {
            emit(g, "rot rot ");
            at[-2] = c, at[-1] = a, at[0] = b;
        } else {
            emit(g, "3drop ");
            pop(g, 3);
        }
    } else if (have >= 2 && kind < 8) {
        a = at[-1], b = at[0];
        switch (kind) {
        case 3:
            emit(g, "swap ");
            at[-1] = b, at[0] = a;
            break;
        case 4:
            emit(g, "nip ");
            pop(g, 1);
            g->stack[g->depth - 1] = b;
            break;
        case 5:
            emit(g, "tuck ");
            at[-1] = b, at[0] = a;
            push(g, b);
            break;
        case 6:
            emit(g, "2dup ");
            push(g, a);
            push(g, b);
            break;
        default:
            if (have > 3) {
                int index = 3 + pick_one(g, have - 3);
                T moved = g->stack[g->depth - 1 - index];
                emit(g, g->loose && chance(g, 30) ? "%d 1 i.* roll " : "%d roll ", index);
                for (int slot = g->depth - 1 - index; slot + 1 < g->depth; slot++)
                    g->stack[slot] = g->stack[slot + 1];
                g->stack[g->depth - 1] = moved;
            } else {
                emit(g, "over ");
                push(g, a);
            }
        }
    } else if (have >= 1) {
        emit(g, "dup ");
        push(g, *at);
    }
}

static T some_type(Generator *g) {
    return (T)pick_one(g, 10) == CHANNEL ? INT : (T)pick_one(g, CHANNEL);
}

static void statement_if(Generator *g) {
    T out[1] = {some_type(g)};
    int count = pick_one(g, 2);
    value_of(g, BOOL);
    pop(g, 1);
    inline_block(g, out, count);
    inline_block(g, out, count);
    emit(g, "if ");
    for (int index = 0; index < count; index++)
        push(g, out[index]);
}

static void statement_combinator(Generator *g) {
    T out[1] = {some_type(g)};
    switch (pick_one(g, 4)) {
    case 0: {
        value_of(g, some_type(g));
        T kept = top(g);
        pop(g, 1);
        inline_block(g, out, 1);
        emit(g, "dip ");
        push(g, out[0]);
        push(g, kept);
        break;
    }
    case 1: {
        value_of(g, INT);
        emit(g, "[ ");
        emit(g, "%d i.+ ", pick_one(g, 9));
        emit(g, "] keep ");
        push(g, INT);
        break;
    }
    case 2:
        value_of(g, INT);
        emit(g, "[ %d i.* ] [ %d i.- int->string ] bi ", pick_one(g, 9), pick_one(g, 9));
        push(g, STRING);
        break;
    default:
        inline_block(g, out, 1);
        emit(g, "call ");
        push(g, out[0]);
    }
}

static void statement_cond(Generator *g) {
    if (g->captures && !g->loose)
        return; /* what a body captures is counted up to its first cond only */
    T out[1] = {some_type(g)};
    int pairs = 1 + pick_one(g, 3);
    value_of(g, INT);
    int depth = g->depth;
    for (int pair = 0; pair < pairs; pair++) {
        if (pair == pairs - 1 && chance(g, 90))
            emit(g, "[ true ] ");
        else
            emit(g, "[ dup %d i.%s ] ", pick_one(g, 12) - 3, (const char *[]){"<", ">", "="}[pick_one(g, 3)]);
        /* the body takes the value */
        emit(g, "[ drop ");
        pop(g, 1);
        int floor = g->floor;
        g->floor = g->depth;
        bool was_in = g->in_quotation;
        g->in_quotation = true;
        settle(g, g->depth, out, 1);
        g->in_quotation = was_in;
        g->floor = floor;
        emit(g, "] ");
        g->depth = depth;
    }
    /* behind a number of pairs that is not known, a quotation may not reach its inputs any more */
    bool is_dynamic = g->loose ? chance(g, 30) : !g->in_quotation && chance(g, 10);
    emit(g, is_dynamic ? "%d 1 i.* cond " : "%d cond ", pairs);
    pop(g, 1);
    push(g, out[0]);
}

static void statement_match(Generator *g) {
    T out[1] = {some_type(g)};
    bool named = chance(g, 50);
    value_of(g, SHAPE);
    pop(g, 1);
    int depth = g->depth, floor = g->floor;
    g->floor = depth;
    g->nesting++;
    emit(g, "match ");
    emit(g, named ? "Circle { >r } -> " : "Circle -> ");
    push(g, FLOAT);
    settle(g, depth, out, 1);
    g->depth = depth;
    emit(g, "Box ");
    switch (named ? pick_one(g, 4) : 0) {
    case 0:
        emit(g, "-> ");
        push(g, INT);
        push(g, STRING);
        break;
    case 1:
        emit(g, "{ >s } -> ");
        push(g, STRING);
        break;
    case 2:
        emit(g, "{ >s >n } -> ");
        push(g, STRING);
        push(g, INT);
        break;
    default:
        emit(g, "{ } -> ");
    }
    settle(g, depth, out, 1);
    g->depth = depth;
    emit(g, "Dot -> ");
    block(g, pick_one(g, 2));
    settle(g, depth, out, 1);
    g->depth = depth;
    emit(g, "end ");
    g->nesting--;
    g->floor = floor;
    push(g, out[0]);
}

static void statement_list(Generator *g) {
    static const T one[] = {INT}, two[] = {INT, INT}, three[] = {INT, INT, INT}, truth[] = {BOOL};
    int extra = pick_one(g, 3), kind = pick_one(g, 6);
    value_of(g, kind < 4 ? LIST : MAP);
    if (kind == 3 || kind == 5)
        value_of(g, INT);
    for (int index = 0; index < extra; index++)
        value_of(g, INT);
    pop(g, extra);
    switch (kind) {
    case 0:
        quotation_of(g, one, 1, extra, NULL, 0);
        emit(g, "list.each ");
        pop(g, 1);
        break;
    case 1:
        quotation_of(g, one, 1, extra, one, 1);
        emit(g, "list.map ");
        break;
    case 2:
        quotation_of(g, one, 1, extra, truth, 1);
        emit(g, "list.filter ");
        break;
    case 3:
        quotation_of(g, two, 2, extra, one, 1);
        emit(g, "list.fold ");
        pop(g, 2);
        push(g, INT);
        break;
    case 4:
        if (g->loose) {
            quotation_of(g, two, 2, extra, NULL, 0);
            emit(g, "map.each ");
        } else {
            for (int index = 0; index < extra; index++)
                emit(g, "drop ");
            emit(g, "[ son.dump io.write son.dump io.write-line ] map.each ");
        }
        pop(g, 1);
        break;
    default:
        if (g->loose) {
            quotation_of(g, three, 3, extra, one, 1);
        } else {
            for (int index = 0; index < extra; index++)
                emit(g, "drop ");
            emit(g, "[ nip i.+ ] ");
        }
        emit(g, "map.fold ");
        pop(g, 2);
        push(g, INT);
    }
}

static void statement_aux(Generator *g) {
    value_of(g, some_type(g));
    T kept = top(g);
    emit(g, ">aux ");
    pop(g, 1);
    g->nesting++;
    block(g, pick_one(g, 3));
    g->nesting--;
    emit(g, "aux> ");
    push(g, kept);
}

static void statement_strands(Generator *g) {
    static const T one[] = {INT};
    switch (pick_one(g, 5)) {
    case 0: /* a message through a channel */
        emit(g, "chan.make ");
        push(g, CHANNEL);
        value_of(g, INT);
        emit(g, "over chan.send drop chan.receive drop ");
        pop(g, 2);
        push(g, INT);
        break;
    case 1: /* the child answers */
        emit(g, "chan.make [ dup chan.receive drop ");
        emit(g, "%d i.+ dup son.dump io.write-line swap chan.send drop ] strand.spawn drop ", pick_one(g, 100));
        push(g, CHANNEL);
        value_of(g, INT);
        emit(g, "over chan.send drop chan.yield chan.receive drop ");
        pop(g, 2);
        push(g, INT);
        break;
    case 2: /* a weave, resumed until it ends */
        emit(g, "[ %d i.+ yield ", pick_one(g, 9));
        if (chance(g, 50))
            emit(g, "dup son.dump io.write-line ");
        emit(g, "%d i.* yield drop ] strand.weave ", pick_one(g, 9));
        emit(g, "%d strand.resume drop son.dump io.write-line %d strand.resume drop son.dump io.write-line ", pick_one(g, 99), pick_one(g, 99));
        if (chance(g, 60))
            emit(g, "%d strand.resume son.dump io.write-line drop ", pick_one(g, 99));
        emit(g, chance(g, 30) ? "strand.weave-cancel " : "drop ");
        break;
    case 3: /* several receivers, then a close */
        emit(g, "chan.make [ chan.receive son.dump io.write-line son.dump io.write-line ] strand.spawn drop "
                "[ chan.receive son.dump io.write-line son.dump io.write-line ] strand.spawn drop ");
        push(g, CHANNEL);
        value_of(g, INT);
        emit(g, "over chan.send drop chan.close ");
        pop(g, 2);
        break;
    default: /* a quotation that goes to a strand of its own */
        value_of(g, INT);
        quotation_of(g, one, 1, 0, NULL, 0);
        emit(g, "strand.spawn drop drop ");
        pop(g, 1);
    }
}

static void statement_word(Generator *g) {
    if (g->word_count == 0)
        return;
    Signature *word = &g->words[pick_one(g, g->word_count)];
    for (int index = 0; index < word->in_count; index++)
        value_of(g, word->in[index]);
    if (word->recursive)
        emit(g, "%d ", pick_one(g, 6));
    emit(g, "w%d ", (int)(word - g->words));
    pop(g, word->in_count);
    for (int index = 0; index < word->out_count; index++)
        push(g, word->out[index]);
}

/* What no honest program has. */
static void statement_bad(Generator *g) {
    switch (pick_one(g, 14)) {
    case 0:
        emit(g, "[ true ] [ ] 1 1 i.* cond ");
        break;
    case 1:
        emit(g, "[ true ] [ drop ] 1 1 i.* cond ");
        break;
    case 2:
        emit(g, "[ true ] [ 1 \"x\" ] 1 1 i.* cond ");
        break;
    case 3:
        value_of(g, (T)pick_one(g, T_COUNT));
        emit(g, "launder call ");
        pop(g, 1);
        break;
    case 4:
        emit(g, "some-quotation call ");
        break;
    case 5:
        emit(g, "some-quotation apply2 ");
        break;
    case 6:
        emit(g, "some-quotation napply ");
        break;
    case 7:
        emit(g, "%d some-quotation iapply ", pick_one(g, 9));
        push(g, INT);
        break;
    case 8:
        emit(g, "[ drop drop 1 ] dishonest ");
        break;
    case 9:
        emit(g, "%d eater ", pick_one(g, 9));
        push(g, INT);
        break;
    case 10:
        emit(g, "list.make 1 list.push 2 list.push some-quotation list.map ");
        push(g, LIST);
        break;
    case 11:
        emit(g, "true some-quotation some-quotation if ");
        break;
    case 12:
        value_of(g, INT);
        emit(g, "some-quotation %s ", (const char *[]){"dip", "keep", "strand.spawn drop", "some-quotation bi", "two-rows napply call"}[pick_one(g, 5)]);
        pop(g, 1);
        break;
    default:
        emit(g, "[ 1 2 3 [ true ] [ ] 1 1 i.* cond ] %s ", (const char *[]){"napply", "apply2", "dup drop call", "two-rows napply drop", "strand.spawn drop"}[pick_one(g, 5)]);
    }
}

static void statement(Generator *g) {
    if (g->depth > STACK_MAX - 24) {
        emit(g, "drop drop drop ");
        pop(g, g->depth - g->floor >= 3 ? 3 : 0);
    }
    if (g->loose && chance(g, g->badness)) {
        statement_bad(g);
        return;
    }
    bool deep = g->nesting > 3;
    switch (pick_one(g, deep ? 9 : 17)) {
    case 0:
    case 1:
        show_top(g);
        break;
    case 2:
    case 3:
        shuffle(g);
        break;
    case 4:
        value_of(g, (T)pick_one(g, T_COUNT));
        break;
    case 9:
        statement_if(g);
        break;
    case 10:
        statement_combinator(g);
        break;
    case 11:
        statement_cond(g);
        break;
    case 12:
        statement_match(g);
        break;
    case 13:
        statement_list(g);
        break;
    case 14:
        statement_aux(g);
        break;
    case 15:
        if (chance(g, 40))
            statement_strands(g);
        break;
    case 16:
        statement_word(g);
        break;
    default:
        run_row(g, &rows[pick_one(g, (int)(sizeof rows / sizeof *rows))]);
    }
}

static void block(Generator *g, int statements) {
    for (; statements > 0 && g->left > 0; statements--, g->left--)
        statement(g);
}

/* --- words --- */

static void word_definition(Generator *g) {
    Signature signature = {.recursive = chance(g, 30)};
    static const T pool[] = {INT, INT, INT, FLOAT, BOOL, STRING, LIST, MAP, SHAPE, TREE, Q_INT, Q_NONE, Q_INTS, Q_TEXT, SYMBOL};
    signature.in_count = pick_one(g, 4);
    signature.out_count = pick_one(g, 3);
    for (int index = 0; index < signature.in_count; index++)
        signature.in[index] = pool[pick_one(g, 15)];
    for (int index = 0; index < signature.out_count; index++)
        signature.out[index] = pool[pick_one(g, 10)];
    emit(g, ": w%d ( ", g->word_count);
    for (int index = 0; index < signature.in_count; index++)
        emit(g, "%s ", type_names[signature.in[index]]);
    if (signature.recursive)
        emit(g, "Int ");
    emit(g, "-- ");
    for (int index = 0; index < signature.out_count; index++)
        emit(g, "%s ", type_names[signature.out[index]]);
    emit(g, ")\n  ");

    g->depth = g->floor = 0;
    for (int index = 0; index < signature.in_count; index++)
        push(g, signature.in[index]);
    g->left = 12;
    if (signature.recursive) {
        /* the counter stays on aux while the work is done, and the word calls itself with one less */
        bool is_tail = chance(g, 50);
        emit(g, "dup 0 i.> [ %s ", chance(g, 50) ? "1 i.-" : "1 swap i.- i.neg");
        emit(g, ">aux ");
        block(g, 3);
        settle(g, 0, NULL, 0);
        for (int index = 0; index < signature.in_count; index++)
            value_of(g, signature.in[index]);
        emit(g, "aux> w%d ", g->word_count);
        if (!is_tail) {
            g->depth = 0;
            for (int index = 0; index < signature.out_count; index++)
                push(g, signature.out[index]);
            g->floor = g->depth;
            emit(g, "\"back\" io.write-line ");
        }
        emit(g, "]\n  [ drop ");
        g->depth = g->floor = 0;
        for (int index = 0; index < signature.in_count; index++)
            push(g, signature.in[index]);
    }
    block(g, 5 + pick_one(g, 5));
    settle(g, 0, signature.out, signature.out_count);
    if (signature.recursive)
        emit(g, "] if ");
    emit(g, ";\n\n");
    g->words[g->word_count++] = signature;
}

static const char prelude[] =
    "union Shape { Circle { r: Float } Box { n: Int, s: String } Dot }\n"
    "union Tree { Leaf { n: Int } Fork { l: Tree, r: Tree } }\n\n"
    ": total ( Tree -- Int ) match Leaf -> Fork -> total swap total i.+ end ;\n"
    ": area ( Shape -- Int ) match Circle { >r } -> float->int Box { >n } -> dup i.* Dot -> 0 end ;\n"
    ": iapply ( Int [ Int -- Int ] -- Int ) call ;\n"
    ": napply ( ..a [ ..a -- ..a ] -- ..a ) call ;\n"
    ": apply2 ( ..a [ ..a -- ..b ] -- ..b ) call ;\n"
    ": adder ( Int -- Closure[ Int -- Int ] ) [ i.+ ] ;\n"
    ": twice ( [ Int -- Int ] -- [ Int -- Int ] ) ;\n"
    ": count-down ( Int -- Int ) 31 band 0 swap down ;\n"
    ": down ( Int Int -- Int ) dup 0 i.= [ drop ] [ dup rot i.+ swap 1 i.- down ] if ;\n"
    ": fib ( Int -- Int ) dup 2 i.< [ ] [ dup 1 i.- fib swap 2 i.- fib i.+ ] if ;\n"
    ": sum-to ( Int -- Int ) dup 1 i.< [ ] [ dup 1 i.- sum-to i.+ ] if ;\n"
    ": odd ( Int Int -- Int ) over 0 i.> [ swap 1 i.- swap over even ] [ nip ] if ;\n"
    ": even ( Int Int Int -- Int ) drop 3 i.+ odd ;\n"
    ": twisted ( Int Int -- Int ) dup 1 i.< [ drop ] [ 1 i.- swap twisted ] if ;\n"
    ": counting ( Int Int -- Int ) over 1 i.< [ nip ] [ swap 1 i.- swap over i.+ counting ] if ;\n"
    ": adding ( Int Int -- Int ) dup 30 i.> [ nip ] [ swap 2 i.+ swap over i.+ adding2 ] if ;\n"
    ": adding2 ( Int Int -- Int ) dup 30 i.> [ nip ] [ over i.+ adding2 ] if ;\n"
    ": rising ( Int Int -- Int ) dup 30 i.> [ nip ] [ swap 2 i.+ rising ] if ;\n"
    ": either ( ..a [ ..a -- ..b ] -- ..b ) [ true ] [ call ] 1 1 i.* cond ;\n"
    ": either-way ( -- Int ) 10 [ 5 ] either i.+ ;\n"
    ": returning ( Int -- Int ) dup 0 i.= [ back ] [ ] if ;\n"
    ": back ( Int -- ) 0 i.>= [ ] [ 0 returning drop ] if ;\n"
    ": up ( Int -- Int ) dup 40 i.>= [ ] [ 7 i.+ up ] if ;\n"
    ": lower ( Int -- Int ) dup 40 i.<= [ ] [ 7 i.- lower ] if ;\n"
    "\n";

static const char loose_prelude[] =
    ": launder ( T -- U ) ;\n"
    ": through-list ( T -- U ) list.make swap list.push 0 list.get drop ;\n"
    ": through-variant ( T -- U ) :Wrapped wrap-1 variant.first ;\n"
    ": through-map ( T -- U ) >aux map.make 1 aux> map.set 1 map.get drop ;\n"
    ": through-channel ( T -- U ) chan.make swap over chan.send drop chan.receive drop ;\n"
    ": some-quotation ( -- T ) quotations %d list.get drop ;\n"
    ": quotations ( -- V ) list.make [ ] list.push [ drop ] list.push [ 1 ] list.push [ 1 \"x\" ] list.push [ drop drop drop ] list.push"
    " [ i.+ ] list.push 5 adder list.push [ dup ] list.push \"no quotation\" list.push [ [ true ] [ ] 1 1 i.* cond ] list.push [ 2 i.* ] list.push ;\n"
    ": dishonest ( ..a [ ..a -- ..b ] -- ..b ) drop [ true ] [ ] 1 1 i.* cond ;\n"
    ": eater ( ..a Int -- ..b Int ) nip ;\n"
    ": two-rows ( [ ..a -- ..b ] -- [ ..c -- ..d ] ) ;\n"
    "\n";

char *generate_program(uint64_t seed, GenerateMode mode, size_t *sizep) {
    Generator g = {.state = seed * 0x2545f4914f6cdd1du + (uint64_t)mode, .loose = mode == GENERATE_LOOSE};
    g.badness = (const int[]){1, 2, 4, 8}[pick_one(&g, 4)];
    for (const char *at = prelude; *at; at += strcspn(at, "\n") + 1)
        emit(&g, "%.*s\n", (int)strcspn(at, "\n"), at);
    if (g.loose) {
        for (const char *at = loose_prelude; *at; at += strcspn(at, "\n") + 1) {
            if (strncmp(at, ": some-quotation", 16) == 0)
                emit(&g, ": some-quotation ( -- T ) quotations %d list.get drop ;\n", pick_one(&g, 11));
            else
                emit(&g, "%.*s\n", (int)strcspn(at, "\n"), at);
        }
    }
    for (int count = 1 + pick_one(&g, WORDS_MAX - 1); count > 0; count--)
        word_definition(&g);
    emit(&g, ": main ( -- )\n  ");
    g.depth = g.floor = 0;
    g.left = 30;
    if (chance(&g, 10))
        emit(&g, "either-way son.dump io.write-line 4 1 odd son.dump io.write-line 5 3 twisted son.dump io.write-line 3 %d counting son.dump io.write-line "
                 "1 %d adding2 son.dump io.write-line 1 5 rising son.dump io.write-line 1 returning son.dump io.write-line ",
             pick_one(&g, 9), pick_one(&g, 9));
    if (chance(&g, 20))
        emit(&g, "%d fib %d sum-to 3 up 90 lower son.dump io.write-line son.dump io.write-line son.dump io.write-line son.dump io.write-line ", pick_one(&g, 12), pick_one(&g, 30));
    block(&g, 10 + pick_one(&g, 10));
    for (int index = 0; index < g.word_count; index++) {
        statement_word(&g);
        if (g.depth > g.floor)
            show_top(&g);
    }
    if (chance(&g, 2))
        emit(&g, "0 returning drop "); /* a trap */
    while (g.depth > 0) {
        emit(&g, g.stack[g.depth - 1] >= Q_NONE && g.stack[g.depth - 1] < ANY ? "drop " : "son.dump io.write-line ");
        g.depth--;
    }
    emit(&g, ";\n");
    *sizep = g.size;
    return g.text;
}
