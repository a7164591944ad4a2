/* SPDX-License-Identifier: MIT */
/*
 * What is pending is one list of changes, in the order they were made: the
 * new bytes of a sector, a new size, a name. A sync applies those of one file
 * or folder to what is durable and takes them off the list; a crash applies
 * some of all. As each change of a sector holds all its bytes as they were
 * then, to apply any part of them gives every state the sector could have on
 * a disk that writes pages back when it likes.
 *
 * Files and folders are nodes, shared by clones and copied by the one that
 * changes them: unshare() comes before every change. So a clone costs as much
 * as the number of files, and a crash as much as the files that were written.
 */
#include "tests/crash/disk.h"
#include "tests/crash/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    SECTOR = 512,
    NAME_SIZE = 256, /* with its NUL byte */
    CAPACITY_MIN = 4096,
    ROOT = 0,                /* the node of "/" */
    DESCRIPTOR_FIRST = 1000, /* none is used twice, so that a stale one is found */
    COLLECT_MIN = 64,        /* nodes before it is looked which are of use */
};
#define NOTHING UINT32_MAX /* no node */

/* Of a sector. */
enum {
    DROPPED = 1, /* by a failed sync: seen, yet neither durable nor pending */
    ROOMY = 2,   /* has a place on the disk: writing it again needs no room */
};

typedef struct Entry {
    char name[NAME_SIZE];
    uint32_t node;
} Entry;

typedef struct Names {
    Entry *entries; /* in no order */
    uint32_t count, capacity;
} Names;

typedef struct Node {
    uint32_t share_count; /* disks that have it */
    bool is_folder;
    bool is_touched; /* what is seen may differ from what is durable */
    /* of a folder */
    Names seen_names, durable_names;
    /* of a file; all three have room for `capacity` bytes, full sectors */
    uint8_t *seen;    /* zeros from seen_size on */
    uint8_t *durable; /* from durable_size on whatever stood there before */
    uint8_t *flags;   /* one for each sector */
    uint64_t capacity, seen_size, durable_size;
    uint64_t whole_size; /* during a crash: bytes that were durable before and still are */
} Node;

typedef struct Slot {
    Node *node;            /* NULL: free */
    bool is_named;         /* seen under a name */
    bool is_marked;        /* by a walk that is under way */
    uint32_t handle_count; /* open */
} Slot;

typedef enum ChangeKind {
    CHANGE_SECTOR,
    CHANGE_SIZE,
    CHANGE_NAME,
} ChangeKind;

typedef struct Change {
    ChangeKind kind;
    uint32_t node;               /* the file; of CHANGE_NAME: that has the name */
    uint32_t folder, old_folder; /* of `name` and `old_name` */
    uint32_t from, to;           /* the part of the sector that was written */
    uint64_t sector;
    uint64_t size;
    union {
        uint8_t bytes[SECTOR];
        struct {
            char name[NAME_SIZE];     /* "" when it was deleted */
            char old_name[NAME_SIZE]; /* "" when it was created */
        };
    };
} Change;

typedef struct Handle {
    int descriptor;
    uint32_t node;
    IoMode mode;
    uint64_t position;
    bool is_locked;
} Handle;

struct Disk {
    Slot *slots;
    uint32_t slot_count, slot_capacity;
    uint32_t node_count, collect_at; /* nodes; so many, and those of no use are removed */
    Change *changes;
    size_t change_count, change_capacity;
    Handle *handles;
    uint32_t handle_count, handle_capacity;
    int next_descriptor;
    uint64_t sectors_used, sectors_max;
    DiskCounts counts;
    DiskFault fault;
    uint64_t fault_calls; /* of the fault's kind, since it was set */
    DiskCall stop_call;
    uint64_t stop_number; /* calls of that kind until the stop, with it; 0: none */
    uint64_t stop_calls;
    bool has_stopped;
    bool is_short;
    Random random; /* for short reads and writes */
};

/* Where a path leads. */
typedef struct Place {
    uint32_t folder;
    char name[NAME_SIZE]; /* in the folder; "" for the root */
    uint32_t node;        /* NOTHING when the folder has no such name */
} Place;

/* --- memory --- */

static void *allocated(void *block) {
    if (!block) {
        fprintf(stderr, "disk: out of memory\n");
        abort();
    }
    return block;
}

static void *copied(const void *bytes, size_t size) {
    return size ? memcpy(allocated(malloc(size)), bytes, size) : NULL;
}

/* Room for one more. */
static void *grown(void *block, size_t count, size_t *capacity, size_t item_size) {
    if (count < *capacity)
        return block;
    *capacity = *capacity ? *capacity * 2 : 8;
    return allocated(realloc(block, *capacity * item_size));
}

static void *grown_small(void *block, uint32_t count, uint32_t *capacity, size_t item_size) {
    size_t wide = *capacity;
    block = grown(block, count, &wide, item_size);
    *capacity = (uint32_t)wide;
    return block;
}

/* --- names --- */

static Entry *names_find(const Names *names, const char *name) {
    for (uint32_t index = 0; index < names->count; index++) {
        if (strcmp(names->entries[index].name, name) == 0)
            return &names->entries[index];
    }
    return NULL;
}

static void names_put(Names *names, const char *name, uint32_t node) {
    Entry *entry = names_find(names, name);
    if (!entry) {
        names->entries = grown_small(names->entries, names->count, &names->capacity, sizeof *names->entries);
        entry = &names->entries[names->count++];
        memcpy(entry->name, name, strlen(name) + 1);
    }
    entry->node = node;
}

/* Removes the name if it is that node's. */
static void names_remove(Names *names, const char *name, uint32_t node) {
    Entry *entry = names_find(names, name);
    if (entry && entry->node == node)
        *entry = names->entries[--names->count];
}

static Names names_copy(const Names *names) {
    Names copy = {.count = names->count, .capacity = names->count};
    copy.entries = copied(names->entries, names->count * sizeof *names->entries);
    return copy;
}

static void names_become(Names *names, const Names *other) {
    free(names->entries);
    *names = names_copy(other);
}

/* --- nodes --- */

static void node_unref(Node *node) {
    if (!node || --node->share_count > 0)
        return;
    free(node->seen_names.entries);
    free(node->durable_names.entries);
    free(node->seen);
    free(node->durable);
    free(node->flags);
    free(node);
}

static Node *node_copy(const Node *node) {
    Node *copy = copied(node, sizeof *node);
    copy->share_count = 1;
    copy->seen_names = names_copy(&node->seen_names);
    copy->durable_names = names_copy(&node->durable_names);
    copy->seen = copied(node->seen, node->capacity);
    copy->durable = copied(node->durable, node->capacity);
    copy->flags = copied(node->flags, node->capacity / SECTOR);
    return copy;
}

static const Node *node_at(const Disk *disk, uint32_t number) {
    return disk->slots[number].node;
}

/* The node, for a change of it. */
static Node *unshare(Disk *disk, uint32_t number) {
    Slot *slot = &disk->slots[number];
    if (slot->node->share_count > 1) {
        Node *copy = node_copy(slot->node);
        node_unref(slot->node);
        slot->node = copy;
    }
    return slot->node;
}

static void node_reserve(Node *node, uint64_t size) {
    if (size <= node->capacity)
        return;
    uint64_t capacity = node->capacity ? node->capacity : CAPACITY_MIN;
    while (capacity < size)
        capacity *= 2;
    uint64_t more = capacity - node->capacity;
    node->seen = allocated(realloc(node->seen, capacity));
    memset(node->seen + node->capacity, 0, more);
    node->durable = allocated(realloc(node->durable, capacity));
    memset(node->durable + node->capacity, 0, more);
    node->flags = allocated(realloc(node->flags, capacity / SECTOR));
    memset(node->flags + node->capacity / SECTOR, 0, more / SECTOR);
    node->capacity = capacity;
}

static uint64_t sectors_of(const Node *node) {
    uint64_t count = 0;
    for (uint64_t sector = 0; sector < node->capacity / SECTOR; sector++)
        count += (node->flags[sector] & ROOMY) != 0;
    return count;
}

/* --- nodes that nothing leads to any more --- */

static void mark(Disk *disk, uint32_t number);

static void mark_names(Disk *disk, const Names *names) {
    for (uint32_t index = 0; index < names->count; index++)
        mark(disk, names->entries[index].node);
}

static void mark(Disk *disk, uint32_t number) {
    if (disk->slots[number].is_marked)
        return;
    disk->slots[number].is_marked = true;
    mark_names(disk, &node_at(disk, number)->seen_names);
    mark_names(disk, &node_at(disk, number)->durable_names);
}

static void unmark_all(Disk *disk) {
    for (uint32_t number = 0; number < disk->slot_count; number++)
        disk->slots[number].is_marked = false;
}

static void collect(Disk *disk) {
    mark(disk, ROOT);
    for (size_t index = 0; index < disk->change_count; index++)
        mark(disk, disk->changes[index].node);
    for (uint32_t index = 0; index < disk->handle_count; index++)
        mark(disk, disk->handles[index].node);
    disk->node_count = 0;
    for (uint32_t number = 0; number < disk->slot_count; number++) {
        Slot *slot = &disk->slots[number];
        disk->node_count += slot->is_marked;
        if (!slot->is_marked) {
            node_unref(slot->node);
            *slot = (Slot){0};
        }
    }
    unmark_all(disk);
    disk->collect_at = disk->node_count < COLLECT_MIN ? COLLECT_MIN : 2 * disk->node_count;
}

static uint32_t free_slot(Disk *disk) {
    if (disk->node_count >= disk->collect_at && disk->node_count > 0)
        collect(disk);
    for (uint32_t number = 0; disk->node_count < disk->slot_count && number < disk->slot_count; number++) {
        if (!disk->slots[number].node)
            return number;
    }
    disk->slots = grown_small(disk->slots, disk->slot_count, &disk->slot_capacity, sizeof *disk->slots);
    return disk->slot_count++;
}

static uint32_t new_node(Disk *disk, bool is_folder) {
    uint32_t number = free_slot(disk);
    Node *node = allocated(calloc(1, sizeof *node));
    node->share_count = 1;
    node->is_folder = is_folder;
    disk->slots[number] = (Slot){.node = node, .is_named = true};
    disk->node_count++;
    return number;
}

/* --- paths --- */

/* Copies the next component to `name`, "" at the end. Returns what is behind it, or NULL when it is too long. */
static const char *next_component(const char *path, char *name) {
    for (;;) {
        path += strspn(path, "/");
        size_t size = strcspn(path, "/");
        if (size >= NAME_SIZE)
            return NULL;
        memcpy(name, path, size);
        name[size] = '\0';
        path += size;
        if (strcmp(name, ".") != 0)
            return path;
    }
}

static int find_place(const Disk *disk, const char *path, Place *place) {
    *place = (Place){.folder = ROOT, .node = ROOT};
    for (;;) {
        char name[NAME_SIZE];
        path = next_component(path, name);
        if (!path)
            return -ENAMETOOLONG;
        if (!*name)
            return 0;
        check(strcmp(name, "..") != 0);
        if (place->node == NOTHING)
            return -ENOENT;
        if (!node_at(disk, place->node)->is_folder)
            return -ENOTDIR;
        const Entry *entry = names_find(&node_at(disk, place->node)->seen_names, name);
        place->folder = place->node;
        place->node = entry ? entry->node : NOTHING;
        memcpy(place->name, name, sizeof name);
    }
}

/* The same, of something that is there. */
static int find_there(const Disk *disk, const char *path, Place *place) {
    int r = find_place(disk, path, place);
    return r ? r : place->node == NOTHING ? -ENOENT : 0;
}

/* --- changes --- */

static Change *new_change(Disk *disk, ChangeKind kind, uint32_t node) {
    disk->changes = grown(disk->changes, disk->change_count, &disk->change_capacity, sizeof *disk->changes);
    Change *change = &disk->changes[disk->change_count++];
    change->kind = kind;
    change->node = node;
    return change;
}

/* A name that `to` gets or `from` loses, or both; the other one is NULL. Seen at once. */
static void change_name(Disk *disk, uint32_t node, const Place *from, const Place *to) {
    Change *change = new_change(disk, CHANGE_NAME, node);
    change->folder = to ? to->folder : from->folder;
    change->old_folder = from ? from->folder : to->folder;
    memcpy(change->name, to ? to->name : "", to ? sizeof to->name : 1);
    memcpy(change->old_name, from ? from->name : "", from ? sizeof from->name : 1);
    if (from) {
        Node *folder = unshare(disk, from->folder);
        names_remove(&folder->seen_names, from->name, node);
        folder->is_touched = true;
    }
    if (to) {
        Node *folder = unshare(disk, to->folder);
        names_put(&folder->seen_names, to->name, node);
        folder->is_touched = true;
    }
}

static void apply_name(Disk *disk, const Change *change) {
    if (*change->old_name)
        names_remove(&unshare(disk, change->old_folder)->durable_names, change->old_name, change->node);
    if (*change->name)
        names_put(&unshare(disk, change->folder)->durable_names, change->name, change->node);
}

/* A file has no name any more: its room is free when it is not open either. */
static void free_room(Disk *disk, uint32_t number) {
    const Slot *slot = &disk->slots[number];
    if (!slot->is_named && slot->handle_count == 0)
        disk->sectors_used -= sectors_of(slot->node);
}

static void lose_name(Disk *disk, uint32_t number) {
    disk->slots[number].is_named = false;
    free_room(disk, number);
}

static void change_size(Disk *disk, uint32_t number, uint64_t size) {
    Node *node = unshare(disk, number);
    node->seen_size = size;
    node->is_touched = true;
    new_change(disk, CHANGE_SIZE, number)->size = size;
}

/* Bytes of a sector, `from` and `to` in the file. */
static void change_sector(Disk *disk, uint32_t number, uint64_t from, uint64_t to, const uint8_t *bytes) {
    Node *node = unshare(disk, number);
    uint64_t sector = from / SECTOR;
    memcpy(node->seen + from, bytes, to - from);
    disk->sectors_used += !(node->flags[sector] & ROOMY);
    node->flags[sector] = ROOMY;
    node->is_touched = true;
    Change *change = new_change(disk, CHANGE_SECTOR, number);
    change->sector = sector;
    change->from = (uint32_t)(from - sector * SECTOR);
    change->to = (uint32_t)(to - sector * SECTOR);
    memcpy(change->bytes, node->seen + sector * SECTOR, SECTOR);
}

/* Takes the changes off the list of which `is_done` says so. */
static void remove_changes(Disk *disk, const bool *is_done) {
    size_t count = 0;
    for (size_t index = 0; index < disk->change_count; index++) {
        if (is_done[index])
            continue;
        if (count < index)
            disk->changes[count] = disk->changes[index];
        count++;
    }
    disk->change_count = count;
}

static bool *new_marks(const Disk *disk) {
    return allocated(calloc(disk->change_count + 1, 1));
}

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}
static uint64_t most(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* How many of the bytes there is room for. */
static uint64_t size_with_room(const Disk *disk, const Node *node, uint64_t offset, uint64_t size) {
    uint64_t left = disk->sectors_max - least(disk->sectors_max, disk->sectors_used);
    for (uint64_t sector = offset / SECTOR; sector * SECTOR < offset + size; sector++) {
        if (sector * SECTOR < node->capacity && node->flags[sector] & ROOMY)
            continue;
        if (left-- == 0)
            return most(sector * SECTOR, offset) - offset;
    }
    return size;
}

/* A part of what is asked for, where the disk is set to. */
static uint64_t shortened(Disk *disk, uint64_t size) {
    return disk->is_short && size > 1 ? 1 + random_below(&disk->random, size) : size;
}

static int64_t write_bytes(Disk *disk, uint32_t number, uint64_t offset, const uint8_t *bytes, uint64_t size) {
    Node *node = unshare(disk, number);
    uint64_t fitting = size_with_room(disk, node, offset, size);
    if (fitting < size && fitting == 0)
        return -ENOSPC;
    size = shortened(disk, fitting);
    node_reserve(node, offset + size);
    for (uint64_t at = offset, to; at < offset + size; at = to) {
        to = least((at / SECTOR + 1) * SECTOR, offset + size);
        change_sector(disk, number, at, to, bytes + (at - offset));
    }
    if (size > 0 && offset + size > node->seen_size)
        change_size(disk, number, offset + size);
    disk->counts.bytes_written += size;
    return (int64_t)size;
}

static int64_t read_bytes(Disk *disk, uint32_t number, uint64_t offset, void *bytes, uint64_t size) {
    const Node *node = node_at(disk, number);
    if (offset >= node->seen_size)
        return 0;
    size = shortened(disk, least(size, node->seen_size - offset));
    memcpy(bytes, node->seen + offset, size);
    disk->counts.bytes_read += size;
    return (int64_t)size;
}

/* The pages behind the new end are gone, and what was pending of them. */
static void drop_behind(Disk *disk, uint32_t number, uint64_t first) {
    Node *node = unshare(disk, number);
    bool *is_done = new_marks(disk);
    for (uint64_t sector = first; sector < node->capacity / SECTOR; sector++) {
        disk->sectors_used -= (node->flags[sector] & ROOMY) != 0;
        node->flags[sector] = 0;
    }
    for (size_t index = 0; index < disk->change_count; index++) {
        const Change *change = &disk->changes[index];
        is_done[index] = change->kind == CHANGE_SECTOR && change->node == number && change->sector >= first;
    }
    remove_changes(disk, is_done);
    free(is_done);
}

/* The rest of the last page becomes zeros: a write of its own, which a crash may keep while it loses the size. */
static void clear_rest(Disk *disk, uint32_t number, uint64_t size, uint64_t old_size) {
    static const uint8_t zeros[SECTOR];
    uint64_t sector = size / SECTOR, end = least((sector + 1) * SECTOR, old_size);
    if (size % SECTOR != 0 && node_at(disk, number)->flags[sector] & ROOMY)
        change_sector(disk, number, size, end, zeros);
}

static void cut(Disk *disk, uint32_t number, uint64_t size) {
    Node *node = unshare(disk, number);
    uint64_t old_size = node->seen_size;
    node_reserve(node, size);
    change_size(disk, number, size);
    if (size >= old_size)
        return;
    memset(node->seen + size, 0, old_size - size);
    drop_behind(disk, number, (size + SECTOR - 1) / SECTOR);
    clear_rest(disk, number, size, old_size);
}

/* --- syncs --- */

/* The bytes by which the file grew are durable as they are seen; where pages were dropped nothing was written. */
static void keep_growth(Node *node, uint64_t from) {
    for (uint64_t to; from < node->seen_size; from = to) {
        to = least((from / SECTOR + 1) * SECTOR, node->seen_size);
        if (node->flags[from / SECTOR] & DROPPED)
            memset(node->durable + from, 0, to - from);
        else
            memcpy(node->durable + from, node->seen + from, to - from);
    }
}

static bool has_dropped(const Node *node) {
    for (uint64_t sector = 0; sector < node->capacity / SECTOR; sector++) {
        if (node->flags[sector] & DROPPED)
            return true;
    }
    return false;
}

static void sync_file(Disk *disk, uint32_t number) {
    Node *node = unshare(disk, number);
    bool *is_done = new_marks(disk);
    uint64_t size_min = node->durable_size;
    for (size_t index = 0; index < disk->change_count; index++) {
        const Change *change = &disk->changes[index];
        is_done[index] = change->kind != CHANGE_NAME && change->node == number;
        if (is_done[index] && change->kind == CHANGE_SECTOR)
            memcpy(node->durable + change->sector * SECTOR, node->seen + change->sector * SECTOR, SECTOR);
        if (is_done[index] && change->kind == CHANGE_SIZE)
            size_min = least(size_min, change->size);
    }
    keep_growth(node, size_min);
    node->durable_size = node->seen_size;
    node->is_touched = has_dropped(node);
    remove_changes(disk, is_done);
    free(is_done);
}

/* A sync that failed: the file system has marked the pages clean. Its size is not of a page and stays pending. */
static void drop_pages(Disk *disk, uint32_t number) {
    Node *node = unshare(disk, number);
    bool *is_done = new_marks(disk);
    Random random = {disk->fault.seed};
    for (size_t index = 0; index < disk->change_count; index++) {
        const Change *change = &disk->changes[index];
        is_done[index] = change->kind == CHANGE_SECTOR && change->node == number;
        if (!is_done[index])
            continue;
        bool is_written = disk->fault.seed && random_chance(&random, 50);
        if (is_written)
            memcpy(node->durable + change->sector * SECTOR, change->bytes, SECTOR);
        node->flags[change->sector] &= (uint8_t)~DROPPED;
        if (!is_written && change->sector * SECTOR < node->seen_size)
            node->flags[change->sector] |= DROPPED;
    }
    remove_changes(disk, is_done);
    free(is_done);
}

static void forget_file(Disk *disk, uint32_t number) {
    Node *node = unshare(disk, number);
    for (uint64_t at = 0; at < node->seen_size; at += SECTOR) {
        if (!(node->flags[at / SECTOR] & DROPPED))
            continue;
        uint64_t durable = most(at, least(at + SECTOR, node->durable_size)) - at;
        memcpy(node->seen + at, node->durable + at, durable);
        memset(node->seen + at + durable, 0, SECTOR - durable);
        node->flags[at / SECTOR] &= (uint8_t)~DROPPED;
    }
}

/* Marks the folder, and those that are tied to it by renames. */
static void mark_tied(Disk *disk, uint32_t folder) {
    disk->slots[folder].is_marked = true;
    for (bool again = true; again;) {
        again = false;
        for (size_t index = 0; index < disk->change_count; index++) {
            const Change *change = &disk->changes[index];
            if (change->kind != CHANGE_NAME)
                continue;
            Slot *one = &disk->slots[change->folder], *other = &disk->slots[change->old_folder];
            again = again || one->is_marked != other->is_marked;
            one->is_marked = other->is_marked = one->is_marked || other->is_marked;
        }
    }
}

static void sync_names(Disk *disk, uint32_t folder) {
    bool *is_done = new_marks(disk);
    mark_tied(disk, folder);
    for (size_t index = 0; index < disk->change_count; index++) {
        const Change *change = &disk->changes[index];
        is_done[index] = change->kind == CHANGE_NAME && disk->slots[change->folder].is_marked;
        if (!is_done[index])
            continue;
        apply_name(disk, change);
        unshare(disk, change->folder)->is_touched = false; /* or soon: all its changes are applied */
        unshare(disk, change->old_folder)->is_touched = false;
    }
    unmark_all(disk);
    remove_changes(disk, is_done);
    free(is_done);
}

/* --- crashes --- */

typedef enum Span {
    ALL,
    FIRST_HALF,
    LAST_HALF,
    ALL_BUT_LAST,
    ONLY_LAST,
    UP_TO_SOME, /* which one is random */
    FROM_SOME,
} Span;

typedef enum Hole {
    ZEROS,
    OLD_BYTES,
    ANY_BYTES,
    ANY_HOLE, /* one of these, sector by sector */
} Hole;

/* What may be kept at all, and how many of 100 of these are. */
typedef struct Damage {
    const char *name;
    Span span;
    Hole hole;
    uint32_t sectors, sizes, names;
    uint32_t torn; /* of the sectors kept */
} Damage;

static const Damage damages[] = {
    /*                                      span          hole       sectors sizes names torn */
    [DISK_LOSE_ALL] = {"nothing is kept", ALL, ZEROS, 0, 0, 0, 0},
    [DISK_KEEP_ALL] = {"everything is kept", ALL, ZEROS, 100, 100, 100, 0},
    [DISK_KEEP_FIRST_HALF] = {"the first half is kept", FIRST_HALF, ZEROS, 100, 100, 100, 0},
    [DISK_KEEP_LAST_HALF] = {"the last half is kept", LAST_HALF, ZEROS, 100, 100, 100, 0},
    {"all but the last change is kept", ALL_BUT_LAST, ZEROS, 100, 100, 100, 0},
    {"only the last change is kept", ONLY_LAST, OLD_BYTES, 100, 100, 100, 0},
    {"files are kept, names are not", ALL, ZEROS, 100, 100, 0, 0},
    [DISK_NAMES_ONLY] = {"names are kept, files are not", ALL, ZEROS, 0, 0, 100, 0},
    {"names and sizes are kept, for bytes there are zeros", ALL, ZEROS, 0, 100, 100, 0},
    {"names and sizes are kept, for bytes there are old ones", ALL, OLD_BYTES, 0, 100, 100, 0},
    {"names and sizes are kept, bytes are anything", ALL, ANY_BYTES, 0, 100, 100, 0},
    {"names and bytes are kept, sizes are not", ALL, ZEROS, 100, 0, 100, 0},
    {"every sector is torn", ALL, ANY_HOLE, 100, 100, 100, 100},
};
static_assert(sizeof damages / sizeof *damages == DISK_RANDOM, "each seed that is not random has its row");

static Damage damage_of(uint64_t seed, Random *random) {
    static const uint32_t percents[] = {0, 10, 50, 90, 100}, torn_percents[] = {0, 0, 10, 50};
    static const Span spans[] = {ALL, ALL, UP_TO_SOME, FROM_SOME};
    if (seed < DISK_RANDOM)
        return damages[seed];
    return (Damage){
        .span = spans[random_below(random, 4)],
        .hole = (Hole)random_below(random, ANY_HOLE + 1),
        .sectors = percents[random_below(random, 5)],
        .sizes = percents[random_below(random, 5)],
        .names = percents[random_below(random, 5)],
        .torn = torn_percents[random_below(random, 4)],
    };
}

const char *disk_variant_name(uint64_t seed) {
    return seed < DISK_RANDOM ? damages[seed].name : "at random";
}

/* Which of `count` changes may be kept: from `first` to before `last`. */
static void find_span(Span span, size_t count, Random *random, size_t *first, size_t *last) {
    size_t half = (count + 1) / 2, some = random_below(random, count + 1), but_last = count > 0 ? count - 1 : 0;
    *first = span == LAST_HALF ? half : span == ONLY_LAST ? but_last : span == FROM_SOME ? some : 0;
    *last = span == FIRST_HALF ? half : span == ALL_BUT_LAST ? but_last : span == UP_TO_SOME ? some : count;
}

/* Whether the earlier one is a rename without which the later one would leave its file with no name, or with two. */
static bool needs_rename(const Change *later, const Change *earlier) {
    if (earlier->kind != CHANGE_NAME || !*earlier->name || !*earlier->old_name)
        return false;
    return later->node == earlier->node ||
           (later->folder == earlier->old_folder && strcmp(later->name, earlier->old_name) == 0);
}

static void keep_needed_renames(const Disk *disk, bool *is_kept) {
    for (size_t later = disk->change_count; later-- > 0;) {
        if (!is_kept[later] || disk->changes[later].kind != CHANGE_NAME)
            continue;
        for (size_t earlier = 0; earlier < later; earlier++)
            is_kept[earlier] = is_kept[earlier] || needs_rename(&disk->changes[later], &disk->changes[earlier]);
    }
}

static bool *choose_kept(const Disk *disk, const Damage *damage, Random *random) {
    bool *is_kept = new_marks(disk);
    size_t first, last;
    find_span(damage->span, disk->change_count, random, &first, &last);
    for (size_t index = first; index < last; index++) {
        ChangeKind kind = disk->changes[index].kind;
        is_kept[index] = random_chance(random, kind == CHANGE_SECTOR ? damage->sectors
                                               : kind == CHANGE_SIZE ? damage->sizes
                                                                     : damage->names);
    }
    keep_needed_renames(disk, is_kept);
    return is_kept;
}

static void keep_sizes(Disk *disk, const bool *is_kept) {
    for (uint32_t number = 0; number < disk->slot_count; number++) {
        if (node_at(disk, number) && node_at(disk, number)->is_touched) {
            Node *node = unshare(disk, number);
            node->whole_size = node->durable_size;
        }
    }
    for (size_t index = 0; index < disk->change_count; index++) {
        const Change *change = &disk->changes[index];
        if (!is_kept[index] || change->kind != CHANGE_SIZE)
            continue;
        Node *node = unshare(disk, change->node);
        node->whole_size = least(node->whole_size, change->size);
        node->durable_size = change->size;
    }
}

static void fill_any(uint8_t *bytes, size_t size, Random *random) {
    for (size_t index = 0; index < size; index++)
        bytes[index] = (uint8_t)random_next(random);
}

/* What stands in the bytes by which a file has grown, before those written there are put in. */
static void fill_holes(Disk *disk, const Damage *damage, Random *random) {
    for (uint32_t number = 0; number < disk->slot_count; number++) {
        const Node *node = node_at(disk, number);
        if (!node || !node->is_touched)
            continue;
        for (uint64_t from = node->whole_size, to; from < node->durable_size; from = to) {
            to = least((from / SECTOR + 1) * SECTOR, node->durable_size);
            Hole hole = damage->hole == ANY_HOLE ? (Hole)random_below(random, ANY_HOLE) : damage->hole;
            if (hole == ZEROS)
                memset(node->durable + from, 0, to - from);
            if (hole == ANY_BYTES)
                fill_any(node->durable + from, to - from, random);
        }
    }
}

/* New bytes up to one place or from one place on, or all but some in the middle; the rest is old or zeros. */
static void keep_torn(uint8_t *durable, const Change *change, Random *random) {
    uint32_t size = change->to - change->from;
    uint32_t one = change->from + (uint32_t)random_below(random, size + 1);
    uint32_t other = change->from + (uint32_t)random_below(random, size + 1);
    uint32_t form = (uint32_t)random_below(random, 3);
    uint32_t from = form == 0 ? one : form == 1 ? change->from : (uint32_t)least(one, other);
    uint32_t to = form == 0 ? change->to : form == 1 ? one : (uint32_t)most(one, other);
    uint8_t hole[SECTOR] = {0};
    if (random_chance(random, 50))
        memcpy(hole, durable, SECTOR);
    memcpy(durable, change->bytes, SECTOR);
    memcpy(durable + from, hole + from, to - from);
}

static void keep_sectors(Disk *disk, const Damage *damage, const bool *is_kept, Random *random) {
    for (size_t index = 0; index < disk->change_count; index++) {
        const Change *change = &disk->changes[index];
        if (!is_kept[index] || change->kind != CHANGE_SECTOR)
            continue;
        uint8_t *durable = unshare(disk, change->node)->durable + change->sector * SECTOR;
        if (random_chance(random, damage->torn))
            keep_torn(durable, change, random);
        else
            memcpy(durable, change->bytes, SECTOR);
    }
}

static void keep_names(Disk *disk, const bool *is_kept) {
    for (size_t index = 0; index < disk->change_count; index++) {
        if (is_kept[index] && disk->changes[index].kind == CHANGE_NAME)
            apply_name(disk, &disk->changes[index]);
    }
}

/* Nothing of what was seen is left but what is durable. */
static void see_durable(Disk *disk, uint32_t number) {
    Node *node = unshare(disk, number);
    node->is_touched = false;
    if (node->is_folder) {
        names_become(&node->seen_names, &node->durable_names);
        return;
    }
    node_reserve(node, node->durable_size);
    if (node->durable_size > 0)
        memcpy(node->seen, node->durable, node->durable_size);
    if (node->durable_size < node->seen_size)
        memset(node->seen + node->durable_size, 0, node->seen_size - node->durable_size);
    node->seen_size = node->durable_size;
    for (uint64_t sector = 0; sector < node->capacity / SECTOR; sector++)
        node->flags[sector] &= sector * SECTOR < node->seen_size ? (uint8_t)~DROPPED : 0;
}

/* After a crash: who has a name, and the room that files take. */
static void see_all_durable(Disk *disk) {
    for (uint32_t number = 0; number < disk->slot_count; number++) {
        if (node_at(disk, number) && node_at(disk, number)->is_touched)
            see_durable(disk, number);
    }
    collect(disk);
    disk->sectors_used = 0;
    for (uint32_t number = 0; number < disk->slot_count; number++) {
        disk->slots[number].is_named = node_at(disk, number) != NULL;
        disk->sectors_used += node_at(disk, number) ? sectors_of(node_at(disk, number)) : 0;
    }
}

void disk_kill(Disk *disk) {
    while (disk->handle_count > 0) {
        uint32_t number = disk->handles[--disk->handle_count].node;
        disk->slots[number].handle_count--;
        free_room(disk, number);
    }
    disk->fault = (DiskFault){0};
    disk->stop_number = 0;
    disk->has_stopped = false;
}

void disk_crash(Disk *disk, uint64_t seed) {
    Random random = {seed};
    Damage damage = damage_of(seed, &random);
    disk_kill(disk);
    bool *is_kept = choose_kept(disk, &damage, &random);
    keep_sizes(disk, is_kept);
    fill_holes(disk, &damage, &random);
    keep_sectors(disk, &damage, is_kept, &random);
    keep_names(disk, is_kept);
    free(is_kept);
    disk->change_count = 0;
    see_all_durable(disk);
}

/* --- faults --- */

void disk_stop_at(Disk *disk, DiskCall call, uint64_t number) {
    disk->stop_call = call;
    disk->stop_number = number;
    disk->stop_calls = 0;
    disk->has_stopped = false;
}

bool disk_has_stopped(const Disk *disk) {
    return disk->has_stopped;
}

void disk_fail(Disk *disk, DiskFault fault) {
    check(fault.number == 0 || fault.error < 0);
    disk->fault = fault;
    disk->fault_calls = 0;
}

void disk_set_short(Disk *disk, uint64_t seed) {
    disk->is_short = seed != 0;
    disk->random = (Random){seed};
}

void disk_set_room(Disk *disk, uint64_t size) {
    disk->sectors_max = size / SECTOR;
}

uint64_t disk_room_used(const Disk *disk) {
    return disk->sectors_used * SECTOR;
}

static bool is_of_kind(DiskCall call, DiskCall kind) {
    return kind == DISK_ANY || kind == call;
}

static bool stop_hits(Disk *disk, DiskCall call) {
    if (disk->stop_number && is_of_kind(call, disk->stop_call))
        disk->has_stopped = disk->has_stopped || ++disk->stop_calls >= disk->stop_number;
    return disk->has_stopped;
}

static bool fault_hits(Disk *disk, DiskCall call) {
    const DiskFault *fault = &disk->fault;
    if (fault->number == 0 || !is_of_kind(call, fault->call))
        return false;
    uint64_t number = ++disk->fault_calls;
    return number == fault->number || (fault->for_ever && number > fault->number);
}

/* Every call begins here. What it returns if not 0 is the result of the call. */
static int begin(Disk *disk, DiskCall call) {
    disk->counts.call_count++;
    disk->counts.calls[call]++;
    if (stop_hits(disk, call))
        return -EIO;
    if (!fault_hits(disk, call))
        return 0;
    disk->counts.fault_count++;
    return disk->fault.error;
}

/* --- descriptors --- */

static Handle *find_handle(Disk *disk, int descriptor) {
    for (uint32_t index = 0; index < disk->handle_count; index++) {
        if (disk->handles[index].descriptor == descriptor)
            return &disk->handles[index];
    }
    disk->counts.misuse_count++;
    return NULL;
}

/* The same, for a change of the file. */
static Handle *find_writable(Disk *disk, int descriptor) {
    Handle *handle = find_handle(disk, descriptor);
    if (!handle || handle->mode == IO_OWN_UPDATE || handle->mode == IO_OWN_CREATE)
        return handle;
    disk->counts.misuse_count++;
    return NULL;
}

static int new_handle(Disk *disk, uint32_t node, IoMode mode) {
    disk->handles = grown_small(disk->handles, disk->handle_count, &disk->handle_capacity, sizeof *disk->handles);
    int descriptor = disk->next_descriptor++;
    disk->handles[disk->handle_count++] = (Handle){.descriptor = descriptor, .node = node, .mode = mode};
    disk->slots[node].handle_count++;
    return descriptor;
}

/* --- the calls --- */

static int disk_open(void *context, const char *path, IoMode mode) {
    Disk *disk = context;
    Place place;
    int r = begin(disk, DISK_OPEN);
    if (r)
        return r;
    if (mode == IO_WRITE || mode == IO_APPEND)
        return -ENOSYS;
    r = find_place(disk, path, &place);
    if (r)
        return r;
    if (mode == IO_OWN_CREATE) {
        if (place.node != NOTHING)
            return -EEXIST;
        place.node = new_node(disk, false);
        change_name(disk, place.node, NULL, &place);
    }
    if (place.node == NOTHING)
        return -ENOENT;
    if (node_at(disk, place.node)->is_folder)
        return mode == IO_OWN_READ ? -EINVAL : -EISDIR;
    return new_handle(disk, place.node, mode);
}

static int64_t disk_read_at(void *context, int descriptor, uint64_t offset, void *bytes, size_t size) {
    Disk *disk = context;
    int r = begin(disk, DISK_READ);
    if (r)
        return r;
    const Handle *handle = find_handle(disk, descriptor);
    return handle ? read_bytes(disk, handle->node, offset, bytes, size) : -EBADF;
}

static int64_t disk_write_at(void *context, int descriptor, uint64_t offset, const void *bytes, size_t size) {
    Disk *disk = context;
    int r = begin(disk, DISK_WRITE);
    if (r)
        return r;
    const Handle *handle = find_writable(disk, descriptor);
    return handle ? write_bytes(disk, handle->node, offset, bytes, size) : -EBADF;
}

static int64_t disk_read(void *context, int descriptor, void *bytes, size_t size) {
    Disk *disk = context;
    int r = begin(disk, DISK_READ);
    if (r)
        return r;
    Handle *handle = find_handle(disk, descriptor);
    if (!handle)
        return -EBADF;
    int64_t got = read_bytes(disk, handle->node, handle->position, bytes, size);
    handle->position += (uint64_t)got;
    return got;
}

static int64_t disk_write(void *context, int descriptor, const void *bytes, size_t size) {
    Disk *disk = context;
    int r = begin(disk, DISK_WRITE);
    if (r)
        return r;
    Handle *handle = find_writable(disk, descriptor);
    if (!handle)
        return -EBADF;
    int64_t written = write_bytes(disk, handle->node, handle->position, bytes, size);
    if (written > 0)
        handle->position += (uint64_t)written;
    return written;
}

/* Also a close that fails has closed; one that was stopped closes nothing, as then nobody is left to see it. */
static int disk_close(void *context, int descriptor) {
    Disk *disk = context;
    int r = begin(disk, DISK_CLOSE);
    if (disk->has_stopped)
        return r;
    Handle *handle = find_handle(disk, descriptor);
    if (!handle)
        return -EBADF;
    uint32_t number = handle->node;
    *handle = disk->handles[--disk->handle_count];
    disk->slots[number].handle_count--;
    free_room(disk, number);
    return r;
}

static int disk_info(void *context, const char *path, IoInfo *info) {
    Disk *disk = context;
    Place place;
    int r = begin(disk, DISK_INFO);
    if (!r)
        r = find_there(disk, path, &place);
    if (r)
        return r;
    const Node *node = node_at(disk, place.node);
    *info = (IoInfo){.kind = node->is_folder ? IO_FOLDER : IO_FILE, .size = (int64_t)node->seen_size};
    return 0;
}

static int disk_real_path(void *context, const char *path, Buffer *out) {
    return -ENOSYS;
}

static int disk_delete_file(void *context, const char *path) {
    Disk *disk = context;
    Place place;
    int r = begin(disk, DISK_DELETE_FILE);
    if (!r)
        r = find_there(disk, path, &place);
    if (!r && node_at(disk, place.node)->is_folder)
        r = -EISDIR;
    if (r)
        return r;
    change_name(disk, place.node, &place, NULL);
    lose_name(disk, place.node);
    return 0;
}

static int disk_make_folder(void *context, const char *path) {
    Disk *disk = context;
    Place place;
    int r = begin(disk, DISK_MAKE_FOLDER);
    if (!r)
        r = find_place(disk, path, &place);
    if (!r && place.node != NOTHING)
        r = -EEXIST;
    if (r)
        return r;
    place.node = new_node(disk, true);
    change_name(disk, place.node, NULL, &place);
    return 0;
}

static int disk_remove_folder(void *context, const char *path) {
    return -ENOSYS;
}

/* What was there at first: `entry` may delete as it goes. Begins somewhere, so that nobody relies on an order. */
static int disk_list_folder(void *context, const char *path, IoEntryFunction *entry, void *entry_context) {
    Disk *disk = context;
    Place place;
    int r = begin(disk, DISK_LIST_FOLDER);
    if (!r)
        r = find_there(disk, path, &place);
    if (!r && !node_at(disk, place.node)->is_folder)
        r = -ENOTDIR;
    if (r)
        return r;
    Names names = names_copy(&node_at(disk, place.node)->seen_names);
    for (uint32_t index = 0; index < names.count && !r; index++)
        r = entry(entry_context, names.entries[(index + disk->counts.call_count) % names.count].name);
    free(names.entries);
    return r;
}

static int64_t disk_size(void *context, int descriptor) {
    Disk *disk = context;
    int r = begin(disk, DISK_SIZE);
    if (r)
        return r;
    const Handle *handle = find_handle(disk, descriptor);
    return handle ? (int64_t)node_at(disk, handle->node)->seen_size : -EBADF;
}

static int disk_cut(void *context, int descriptor, uint64_t size) {
    Disk *disk = context;
    int r = begin(disk, DISK_CUT);
    if (r)
        return r;
    const Handle *handle = find_writable(disk, descriptor);
    if (!handle)
        return -EBADF;
    cut(disk, handle->node, size);
    return 0;
}

static int disk_sync(void *context, int descriptor) {
    Disk *disk = context;
    int r = begin(disk, DISK_SYNC);
    if (disk->has_stopped)
        return r;
    const Handle *handle = find_handle(disk, descriptor);
    if (!handle)
        return -EBADF;
    if (r)
        drop_pages(disk, handle->node);
    else
        sync_file(disk, handle->node);
    return r;
}

static int disk_sync_folder(void *context, const char *path) {
    Disk *disk = context;
    Place place;
    int r = begin(disk, DISK_SYNC_FOLDER);
    if (!r)
        r = find_there(disk, path, &place);
    if (!r && !node_at(disk, place.node)->is_folder)
        r = -ENOTDIR;
    if (!r)
        sync_names(disk, place.node);
    return r;
}

static int disk_rename(void *context, const char *from, const char *to) {
    Disk *disk = context;
    Place old, new;
    int r = begin(disk, DISK_RENAME);
    if (!r)
        r = find_there(disk, from, &old);
    if (!r)
        r = find_place(disk, to, &new);
    if (r || old.node == new.node)
        return r;
    check(!node_at(disk, old.node)->is_folder); /* a folder that moves into itself and the like are not thought of */
    if (new.node != NOTHING && node_at(disk, new.node)->is_folder)
        return -EISDIR;
    change_name(disk, old.node, &old, &new);
    if (new.node != NOTHING)
        lose_name(disk, new.node);
    return 0;
}

static int disk_lock(void *context, int descriptor) {
    Disk *disk = context;
    int r = begin(disk, DISK_LOCK);
    if (r)
        return r;
    Handle *handle = find_handle(disk, descriptor);
    if (!handle)
        return -EBADF;
    for (uint32_t index = 0; index < disk->handle_count; index++) {
        const Handle *other = &disk->handles[index];
        if (other != handle && other->node == handle->node && other->is_locked)
            return -EWOULDBLOCK;
    }
    handle->is_locked = true;
    return 0;
}

static int disk_forget(void *context, int descriptor) {
    Disk *disk = context;
    int r = begin(disk, DISK_FORGET);
    if (r)
        return r;
    const Handle *handle = find_handle(disk, descriptor);
    if (!handle)
        return -EBADF;
    forget_file(disk, handle->node);
    return 0;
}

Io disk_io(Disk *disk) {
    return (Io){
        .open = disk_open,
        .read = disk_read,
        .write = disk_write,
        .close = disk_close,
        .info = disk_info,
        .real_path = disk_real_path,
        .delete_file = disk_delete_file,
        .make_folder = disk_make_folder,
        .remove_folder = disk_remove_folder,
        .list_folder = disk_list_folder,
        .read_at = disk_read_at,
        .write_at = disk_write_at,
        .size = disk_size,
        .cut = disk_cut,
        .sync = disk_sync,
        .sync_folder = disk_sync_folder,
        .rename = disk_rename,
        .lock = disk_lock,
        .forget = disk_forget,
        .context = disk,
    };
}

/* --- the disk itself --- */

Disk *disk_new(void) {
    Disk *disk = allocated(calloc(1, sizeof *disk));
    disk->next_descriptor = DESCRIPTOR_FIRST;
    disk->sectors_max = UINT64_MAX;
    new_node(disk, true);
    return disk;
}

Disk *disk_free(Disk *disk) {
    if (!disk)
        return NULL;
    for (uint32_t number = 0; number < disk->slot_count; number++)
        node_unref(disk->slots[number].node);
    free(disk->slots);
    free(disk->changes);
    free(disk->handles);
    free(disk);
    return NULL;
}

Disk *disk_clone(const Disk *disk) {
    Disk *clone = disk_new();
    node_unref(clone->slots[ROOT].node);
    free(clone->slots);
    clone->slots = copied(disk->slots, disk->slot_count * sizeof *disk->slots);
    clone->slot_count = clone->slot_capacity = disk->slot_count;
    clone->node_count = disk->node_count;
    clone->collect_at = disk->collect_at;
    clone->changes = copied(disk->changes, disk->change_count * sizeof *disk->changes);
    clone->change_count = clone->change_capacity = disk->change_count;
    clone->sectors_used = disk->sectors_used;
    clone->sectors_max = disk->sectors_max;
    for (uint32_t number = 0; number < clone->slot_count; number++) {
        Slot *slot = &clone->slots[number];
        if (!slot->node)
            continue;
        slot->node->share_count++;
        if (slot->handle_count > 0) { /* its room goes as if it was closed */
            slot->handle_count = 0;
            free_room(clone, number);
        }
    }
    return clone;
}

/* --- damage --- */

static Node *node_to_damage(Disk *disk, const char *path) {
    Place place;
    check(find_there(disk, path, &place) == 0 && !node_at(disk, place.node)->is_folder);
    for (size_t index = 0; index < disk->change_count; index++)
        check(disk->changes[index].node != place.node || disk->changes[index].kind == CHANGE_NAME);
    return unshare(disk, place.node);
}

void disk_flip_bit(Disk *disk, const char *path, uint64_t bit) {
    Node *node = node_to_damage(disk, path);
    check(bit / 8 < node->seen_size);
    node->seen[bit / 8] ^= (uint8_t)(1u << bit % 8);
    node->durable[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

void disk_truncate(Disk *disk, const char *path, uint64_t size) {
    Place place;
    Node *node = node_to_damage(disk, path);
    check(size <= node->seen_size && find_place(disk, path, &place) == 0);
    cut(disk, place.node, size);
    sync_file(disk, place.node);
}

/* --- looking --- */

const DiskCounts *disk_counts(const Disk *disk) {
    return &disk->counts;
}

void disk_reset_counts(Disk *disk) {
    disk->counts = (DiskCounts){0};
}

uint64_t disk_pending_count(const Disk *disk) {
    return disk->change_count;
}

uint64_t disk_open_count(const Disk *disk) {
    return disk->handle_count;
}

static void each_file(const Disk *disk, uint32_t folder, const char *prefix, DiskFileFunction *file, void *context) {
    const Names *names = &node_at(disk, folder)->seen_names;
    for (uint32_t index = 0; index < names->count; index++) {
        const Node *node = node_at(disk, names->entries[index].node);
        size_t size = strlen(prefix) + NAME_SIZE + 1;
        char *path = allocated(malloc(size));
        snprintf(path, size, "%s/%s", prefix, names->entries[index].name);
        if (node->is_folder)
            each_file(disk, names->entries[index].node, path, file, context);
        else
            file(context, path, node->seen_size);
        free(path);
    }
}

void disk_each_file(const Disk *disk, DiskFileFunction *file, void *context) {
    each_file(disk, ROOT, "", file, context);
}

int64_t disk_file_size(const Disk *disk, const char *path) {
    Place place;
    int r = find_there(disk, path, &place);
    return r ? r : (int64_t)node_at(disk, place.node)->seen_size;
}

static bool nodes_equal(const Disk *disk, uint32_t number, const Disk *other, uint32_t other_number) {
    const Node *one = node_at(disk, number), *two = node_at(other, other_number);
    if (one->is_folder != two->is_folder || one->seen_names.count != two->seen_names.count ||
        one->seen_size != two->seen_size)
        return false;
    for (uint32_t index = 0; index < one->seen_names.count; index++) {
        const Entry *mine = &one->seen_names.entries[index], *its = names_find(&two->seen_names, mine->name);
        if (!its || !nodes_equal(disk, mine->node, other, its->node))
            return false;
    }
    return one->seen_size == 0 || memcmp(one->seen, two->seen, one->seen_size) == 0;
}

bool disk_equal(const Disk *disk, const Disk *other) {
    return nodes_equal(disk, ROOT, other, ROOT);
}

/* --- a dump --- */

enum { LINE = 16 };

static void dump_line(const uint8_t *bytes, uint64_t size, uint64_t offset, FILE *out) {
    fprintf(out, "  %08llx ", (unsigned long long)offset);
    for (uint64_t index = 0; index < LINE; index++) {
        if (index < size)
            fprintf(out, " %02x", bytes[index]);
        else
            fputs("   ", out);
    }
    fputs("  ", out);
    for (uint64_t index = 0; index < size; index++)
        fputc(bytes[index] >= 0x20 && bytes[index] < 0x7f ? bytes[index] : '.', out);
    fputc('\n', out);
}

/* Lines that are the same as the one before are one star. */
static void dump_bytes(const uint8_t *bytes, uint64_t size, FILE *out) {
    bool was_same = false;
    for (uint64_t at = 0; at < size; at += LINE) {
        bool is_same = at > 0 && at + LINE < size && memcmp(bytes + at - LINE, bytes + at, LINE) == 0;
        if (!is_same)
            dump_line(bytes + at, least(size - at, LINE), at, out);
        else if (!was_same)
            fputs("  *\n", out);
        was_same = is_same;
    }
}

typedef struct Dump {
    const Disk *disk;
    FILE *out;
} Dump;

static void dump_file(void *context, const char *path, uint64_t size) {
    const Dump *dump = context;
    Place place;
    check(find_there(dump->disk, path, &place) == 0);
    const Node *node = node_at(dump->disk, place.node);
    fprintf(dump->out, "%s: file %u, %llu bytes, %llu durable\n", path, place.node, (unsigned long long)size,
            (unsigned long long)node->durable_size);
    dump_bytes(node->seen, size, dump->out);
}

static void dump_change(const Change *change, FILE *out) {
    switch (change->kind) {
    case CHANGE_SECTOR:
        fprintf(out, "file %u: bytes %llu to %llu\n", change->node,
                (unsigned long long)(change->sector * SECTOR + change->from),
                (unsigned long long)(change->sector * SECTOR + change->to));
        break;
    case CHANGE_SIZE:
        fprintf(out, "file %u: %llu bytes long\n", change->node, (unsigned long long)change->size);
        break;
    case CHANGE_NAME:
        fprintf(out, "file %u: was \"%s\", is \"%s\"\n", change->node, change->old_name, change->name);
        break;
    }
}

void disk_dump(const Disk *disk, FILE *out) {
    Dump dump = {.disk = disk, .out = out};
    disk_each_file(disk, dump_file, &dump);
    for (size_t index = 0; index < disk->change_count; index++) {
        fputs("pending: ", out);
        dump_change(&disk->changes[index], out);
    }
}
