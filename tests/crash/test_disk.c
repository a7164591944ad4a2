/* SPDX-License-Identifier: MIT */
#include "tests/crash/disk.h"
#include "tests/crash/random.h"
#include "tests/crash/scripted_clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SEEDS = 2000 };

static Disk *disk;
static Io io;
static char text[5000]; /* of content() */

static void start(void) {
    disk = disk_new();
    io = disk_io(disk);
}

static void finish(void) {
    cr_expect_eq(disk_counts(disk)->misuse_count, 0, "a test used a descriptor that was not open");
    disk = disk_free(disk);
}

TestSuite(disk, .init = start, .fini = finish, .timeout = 60);

static int opened(const char *path, IoMode mode) {
    int descriptor = io_open(&io, path, mode);
    cr_assert_geq(descriptor, 0, "%s: %s", path, strerror(-descriptor));
    return descriptor;
}

static void put(int descriptor, uint64_t offset, const char *bytes) {
    cr_assert_eq(io_write_all_at(&io, descriptor, offset, bytes, strlen(bytes)), 0);
}

/* A new file with these bytes; durable ones no crash loses, nor their name. */
static int made(const char *path, const char *bytes, bool is_durable) {
    int descriptor = opened(path, IO_OWN_CREATE);
    put(descriptor, 0, bytes);
    if (is_durable) {
        cr_assert_eq(io_sync(&io, descriptor), 0);
        cr_assert_eq(io_sync_folder(&io, "/"), 0);
    }
    return descriptor;
}

/* The bytes of a file as a text, or why there are none. */
static const char *content(const char *path) {
    int descriptor = io_open(&io, path, IO_OWN_READ);
    if (descriptor < 0)
        return strerror(-descriptor);
    int64_t size = io_read_all_at(&io, descriptor, 0, text, sizeof text - 1);
    cr_assert_eq(io_close(&io, descriptor), 0);
    cr_assert_geq(size, 0);
    text[size] = '\0';
    return text;
}

/* The disk from now on is what a crash with that seed makes of `before`. */
static void crash_again(const Disk *before, uint64_t seed) {
    disk_free(disk);
    disk = disk_clone(before);
    io = disk_io(disk);
    disk_crash(disk, seed);
}

/* --- as any files --- */

Test(disk, reads_what_it_wrote) {
    int descriptor = made("f", "0123456789", false);
    put(descriptor, 4, "xy");
    put(descriptor, 12, "z");
    cr_expect_eq(io_size(&io, descriptor), 13);
    char bytes[20];
    cr_expect_eq(io_read_at(&io, descriptor, 0, bytes, sizeof bytes), 13);
    cr_expect_eq(memcmp(bytes, "0123xy6789\0\0z", 13), 0);
    cr_expect_eq(io_read_at(&io, descriptor, 13, bytes, sizeof bytes), 0);
    cr_expect_eq(io_read_at(&io, descriptor, 1000, bytes, sizeof bytes), 0);
    cr_expect_eq(disk_file_size(disk, "/f"), 13);
    cr_expect_eq(disk_file_size(disk, "g"), -ENOENT);
}

Test(disk, has_a_position_for_those_who_write_in_a_row) {
    int descriptor = opened("f", IO_OWN_CREATE);
    cr_expect_eq(io_write(&io, descriptor, "one ", 4), 4);
    cr_expect_eq(io_write(&io, descriptor, "two", 3), 3);
    cr_expect_str_eq(content("f"), "one two");
    int other = opened("f", IO_READ);
    char bytes[4];
    cr_expect_eq(io_read(&io, other, bytes, 4), 4);
    cr_expect_eq(io_read(&io, other, bytes, 4), 3);
    cr_expect_eq(memcmp(bytes, "two", 3), 0);
    cr_expect_eq(io_read(&io, other, bytes, 4), 0);
}

Test(disk, writes_over_sectors_are_the_same_as_in_a_plain_array) {
    static uint8_t model[4000], bytes[4000];
    Random random = {7};
    int descriptor = opened("f", IO_OWN_CREATE);
    uint64_t size = 0;
    for (int round = 0; round < 3000; round++) {
        uint64_t offset = random_below(&random, 3000), count = random_below(&random, 1000);
        if (random_chance(&random, 20)) {
            cr_assert_eq(io_cut(&io, descriptor, offset), 0);
            memset(model + offset, 0, sizeof model - offset);
            size = offset;
        } else {
            for (uint64_t index = 0; index < count; index++)
                bytes[index] = model[offset + index] = (uint8_t)random_next(&random);
            cr_assert_eq(io_write_all_at(&io, descriptor, offset, bytes, count), 0);
            size = count > 0 && offset + count > size ? offset + count : size;
        }
        if (random_chance(&random, 10))
            cr_assert_eq(io_sync(&io, descriptor), 0);
        if (random_chance(&random, 10)) {
            bool is_synced = random_chance(&random, 50);
            if (is_synced) {
                cr_assert_eq(io_sync(&io, descriptor), 0);
                cr_assert_eq(io_sync_folder(&io, "."), 0);
            }
            disk_crash(disk, is_synced ? random_next(&random) : DISK_KEEP_ALL);
            descriptor = opened("f", IO_OWN_UPDATE);
        }
        cr_assert_eq(io_size(&io, descriptor), (int64_t)size);
        cr_assert_eq(io_read_all_at(&io, descriptor, 0, bytes, sizeof bytes), (int64_t)size);
        cr_assert(size == 0 || memcmp(bytes, model, size) == 0, "round %d", round);
    }
}

Test(disk, says_why_not) {
    IoInfo info;
    int descriptor = made("f", "x", false);
    cr_expect_eq(io_make_folder(&io, "d"), 0);
    cr_expect_eq(io_open(&io, "g", IO_OWN_READ), -ENOENT);
    cr_expect_eq(io_open(&io, "e/g", IO_OWN_CREATE), -ENOENT);
    cr_expect_eq(io_open(&io, "f/g", IO_OWN_CREATE), -ENOTDIR);
    cr_expect_eq(io_open(&io, "f", IO_OWN_CREATE), -EEXIST);
    cr_expect_eq(io_open(&io, "d", IO_OWN_CREATE), -EEXIST);
    cr_expect_eq(io_open(&io, "d", IO_OWN_READ), -EINVAL);
    cr_expect_eq(io_open(&io, "d", IO_OWN_UPDATE), -EISDIR);
    cr_expect_eq(io_open(&io, "f", IO_WRITE), -ENOSYS);
    cr_expect_eq(io_make_folder(&io, "f"), -EEXIST);
    cr_expect_eq(io_make_folder(&io, "e/g"), -ENOENT);
    cr_expect_eq(io_delete_file(&io, "d"), -EISDIR);
    cr_expect_eq(io_delete_file(&io, "g"), -ENOENT);
    cr_expect_eq(io_rename(&io, "g", "h"), -ENOENT);
    cr_expect_eq(io_rename(&io, "f", "d"), -EISDIR);
    cr_expect_eq(io_sync_folder(&io, "f"), -ENOTDIR);
    cr_expect_eq(io_sync_folder(&io, "g"), -ENOENT);
    cr_expect_eq(io_info(&io, "g", &info), -ENOENT);
    cr_expect_eq(io_list_folder(&io, "f", NULL, NULL), -ENOTDIR);
    char name[400];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    cr_expect_eq(io_open(&io, name, IO_OWN_CREATE), -ENAMETOOLONG);
    cr_expect_eq(io_close(&io, descriptor), 0);
}

Test(disk, counts_descriptors_that_are_used_wrongly) {
    int descriptor = made("f", "x", false);
    int reader = opened("f", IO_OWN_READ);
    cr_expect_eq(io_write_at(&io, reader, 0, "y", 1), -EBADF);
    cr_expect_eq(io_cut(&io, reader, 0), -EBADF);
    cr_expect_eq(disk_open_count(disk), 2);
    cr_expect_eq(io_close(&io, descriptor), 0);
    cr_expect_eq(io_close(&io, descriptor), -EBADF);
    int other = opened("f", IO_OWN_READ);
    cr_expect_neq(other, descriptor, "a descriptor is not used again");
    char byte;
    cr_expect_eq(io_read(&io, descriptor, &byte, 1), -EBADF);
    cr_expect_eq(io_read_at(&io, descriptor, 0, &byte, 1), -EBADF);
    cr_expect_eq(io_sync(&io, descriptor), -EBADF);
    cr_expect_eq(io_lock(&io, descriptor), -EBADF);
    cr_expect_eq(io_forget(&io, descriptor), -EBADF);
    cr_expect_eq(io_size(&io, descriptor), -EBADF);
    cr_expect_eq(disk_counts(disk)->misuse_count, 9);
    disk_reset_counts(disk);
}

typedef struct Listing {
    int count, stop_after;
    bool deletes;
    char names[200];
} Listing;

static int list_one(void *context, const char *name) {
    Listing *listing = context;
    listing->names[strlen(listing->names)] = *name;
    if (listing->deletes)
        cr_expect_eq(io_delete_file(&io, name), 0);
    return ++listing->count == listing->stop_after ? 17 : 0;
}

Test(disk, lists_folders_in_no_order) {
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    for (int index = 0; index < 5; index++)
        made(names[index], "", false);
    char first[200] = "";
    bool differs = false;
    for (int round = 0; round < 10; round++) {
        Listing listing = {0};
        cr_expect_eq(io_list_folder(&io, "/", list_one, &listing), 0);
        cr_expect_eq(listing.count, 5);
        for (int index = 0; index < 5; index++)
            cr_expect_not_null(strchr(listing.names, *names[index]));
        if (round == 0)
            memcpy(first, listing.names, sizeof first);
        differs = differs || strcmp(first, listing.names) != 0;
    }
    cr_expect(differs);
    Listing short_one = {.stop_after = 2};
    cr_expect_eq(io_list_folder(&io, "/", list_one, &short_one), 17);
    cr_expect_eq(short_one.count, 2);
    Listing deleting = {.deletes = true};
    cr_expect_eq(io_list_folder(&io, "/", list_one, &deleting), 0);
    cr_expect_eq(deleting.count, 5, "what was there at first is listed");
    cr_expect_eq(disk_file_size(disk, "a"), -ENOENT);
}

Test(disk, a_lock_has_one_owner) {
    int one = made("LOCK", "", false), other = opened("LOCK", IO_OWN_UPDATE);
    cr_expect_eq(io_lock(&io, one), 0);
    cr_expect_eq(io_lock(&io, one), 0, "it is ours");
    cr_expect_eq(io_lock(&io, other), -EWOULDBLOCK);
    cr_expect_eq(io_close(&io, one), 0);
    cr_expect_eq(io_lock(&io, other), 0);
    disk_kill(disk);
    cr_expect_eq(io_lock(&io, opened("LOCK", IO_OWN_UPDATE)), 0);
}

/* --- what a crash keeps for sure --- */

Test(disk, what_is_synced_survives_every_crash) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        disk_free(disk);
        start();
        cr_assert_eq(io_make_folder(&io, "d"), 0);
        cr_assert_eq(io_sync_folder(&io, "/"), 0);
        int descriptor = opened("d/f", IO_OWN_CREATE);
        put(descriptor, 0, "first ");
        put(descriptor, 6, "second");
        cr_assert_eq(io_sync(&io, descriptor), 0);
        cr_assert_eq(io_sync_folder(&io, "d"), 0);
        put(descriptor, 12, ", third");
        put(descriptor, 600, "far away");
        disk_crash(disk, seed);
        cr_assert_eq(strncmp(content("d/f"), "first second", 12), 0, "seed %llu", (unsigned long long)seed);
    }
}

Test(disk, bytes_without_a_name_are_lost_and_the_other_way_round) {
    int descriptor = made("f", "bytes", false);
    cr_assert_eq(io_sync(&io, descriptor), 0);
    Disk *synced = disk_clone(disk);
    crash_again(synced, DISK_LOSE_ALL);
    cr_expect_str_eq(content("f"), strerror(ENOENT));
    disk_free(synced);

    disk_free(disk);
    start();
    made("f", "bytes", false);
    cr_assert_eq(io_sync_folder(&io, "/"), 0);
    disk_crash(disk, DISK_LOSE_ALL);
    cr_expect_str_eq(content("f"), "");
}

Test(disk, a_folder_that_is_lost_takes_what_is_in_it) {
    cr_assert_eq(io_make_folder(&io, "d"), 0);
    int descriptor = opened("d/f", IO_OWN_CREATE);
    put(descriptor, 0, "x");
    cr_assert_eq(io_sync(&io, descriptor), 0);
    cr_assert_eq(io_sync_folder(&io, "d"), 0);
    disk_crash(disk, DISK_LOSE_ALL);
    cr_expect_not(io_exists(&io, "d"));
    cr_expect_eq(io_make_folder(&io, "d"), 0);
    cr_expect_not(io_exists(&io, "d/f"), "a new folder of that name is another one");
}

Test(disk, a_crash_ends_what_is_open) {
    int descriptor = made("f", "x", true);
    cr_expect_eq(io_lock(&io, descriptor), 0);
    disk_crash(disk, DISK_KEEP_ALL);
    cr_expect_eq(disk_open_count(disk), 0);
    cr_expect_eq(io_size(&io, descriptor), -EBADF);
    disk_reset_counts(disk);
    cr_expect_eq(io_lock(&io, opened("f", IO_OWN_UPDATE)), 0);
}

Test(disk, after_a_crash_all_is_durable) {
    int descriptor = made("f", "old", true);
    put(descriptor, 0, "new and longer");
    made("g", "other", false);
    cr_expect_gt(disk_pending_count(disk), 0);
    for (uint64_t seed = 0; seed < 200; seed++) {
        Disk *before = disk_clone(disk);
        disk_crash(before, seed);
        cr_expect_eq(disk_pending_count(before), 0);
        Disk *after = disk_clone(before);
        disk_crash(after, seed + 1);
        cr_assert(disk_equal(before, after), "seed %llu", (unsigned long long)seed);
        disk_free(before);
        disk_free(after);
    }
}

Test(disk, a_killed_process_leaves_what_is_pending) {
    int descriptor = made("f", "old", true);
    put(descriptor, 0, "new");
    made("g", "other", false);
    disk_kill(disk);
    cr_expect_eq(disk_open_count(disk), 0);
    cr_expect_str_eq(content("f"), "new");
    cr_expect_str_eq(content("g"), "other");
    disk_crash(disk, DISK_LOSE_ALL);
    cr_expect_str_eq(content("f"), "old");
    cr_expect_str_eq(content("g"), strerror(ENOENT));
}

/* --- what a crash may do --- */

/* Which of `wanted` are among what the crashes of `before` make of the file; fails when there is anything else. */
static uint32_t outcomes(const Disk *before, const char *path, const char *const *wanted, uint32_t count) {
    uint32_t found = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        crash_again(before, seed);
        const char *got = content(path);
        uint32_t index = 0;
        while (index < count && strcmp(wanted[index], got) != 0)
            index++;
        cr_assert_lt(index, count, "seed %llu: %s", (unsigned long long)seed, got);
        found |= 1u << index;
    }
    return found;
}

Test(disk, sectors_are_lost_each_for_itself) {
    char bytes[1025];
    memset(bytes, 'o', 1024);
    bytes[1024] = '\0';
    int descriptor = made("f", bytes, true);
    memset(bytes, 'n', 1024);
    put(descriptor, 0, bytes);
    Disk *before = disk_clone(disk);
    uint32_t found = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        crash_again(before, seed);
        const char *got = content("f");
        cr_assert_eq(strlen(got) == 1024 || strspn(got, "no") < 1024, true);
        if (strspn(got, "n") % 512 == 0 && strspn(got, "o") % 512 == 0 && strspn(got + 512, "n") % 512 == 0)
            found |= 1u << ((got[0] == 'n') * 2 + (got[512] == 'n'));
    }
    cr_expect_eq(found, 15u, "both, none, each alone: %x", found);
    disk_free(before);
}

Test(disk, a_sector_may_hold_what_it_was_between_two_writes) {
    static const char *const wanted[] = {"aaaaaaaa", "bbbbbbbb", "cccccccc"};
    int descriptor = made("f", wanted[0], true);
    put(descriptor, 0, wanted[1]);
    put(descriptor, 0, wanted[2]);
    Disk *before = disk_clone(disk);
    uint32_t found = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        crash_again(before, seed);
        const char *got = content("f");
        for (uint32_t index = 0; index < 3; index++)
            found |= (uint32_t)(strcmp(got, wanted[index]) == 0) << index;
    }
    cr_expect_eq(found, 7u);
    disk_free(before);
}

Test(disk, a_write_is_torn_only_where_it_wrote) {
    static const char old[] = "456789ab", new[] = "NEWBYTES";
    int descriptor = made("f", "0123456789abcdef", true);
    put(descriptor, 4, new);
    Disk *before = disk_clone(disk);
    bool has_prefix[9] = {0}, has_suffix[9] = {0}, has_zeros = false, has_middle = false;
    for (uint64_t seed = 0; seed < 20 * SEEDS; seed++) {
        crash_again(before, seed);
        descriptor = opened("f", IO_OWN_READ);
        char got[17] = "";
        cr_assert_eq(io_read_all_at(&io, descriptor, 0, got, 16), 16);
        cr_assert_eq(memcmp(got, "0123", 4), 0);
        cr_assert_eq(memcmp(got + 12, "cdef", 4), 0);
        size_t front = 0, back = 0;
        while (front < 8 && got[4 + front] == new[front])
            front++;
        while (back < 8 && got[11 - back] == new[7 - back])
            back++;
        for (size_t index = 0; index < 8; index++) {
            char byte = got[4 + index];
            cr_assert(byte == new[index] || byte == old[index] || byte == 0, "seed %llu", (unsigned long long)seed);
        }
        has_zeros = has_zeros || memchr(got + 4, 0, 8);
        has_prefix[front] = has_prefix[front] || memcmp(got + 4 + front, old + front, 8 - front) == 0;
        has_suffix[back] = has_suffix[back] || memcmp(got + 4, old, 8 - back) == 0;
        has_middle = has_middle || (front > 0 && back > 0 && front + back < 8);
        cr_assert_eq(io_close(&io, descriptor), 0);
    }
    for (size_t size = 0; size <= 8; size++)
        cr_expect(has_prefix[size] && has_suffix[size], "torn at %zu", size);
    cr_expect(has_zeros && has_middle);
    disk_free(before);
}

Test(disk, a_size_without_its_bytes_shows_zeros_old_bytes_or_anything) {
    int descriptor = made("f", "stale bytes", true);
    cr_assert_eq(io_cut(&io, descriptor, 0), 0);
    cr_assert_eq(io_sync(&io, descriptor), 0);
    put(descriptor, 0, "new content");
    Disk *before = disk_clone(disk);
    bool is_empty = false, is_zero = false, is_old = false, is_new = false, is_other = false;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        crash_again(before, seed);
        static const char zeros[11];
        int64_t size = disk_file_size(disk, "f");
        content("f");
        cr_assert(size == 0 || size == 11);
        bool was_known = is_empty && is_zero && is_old && is_new;
        is_empty = is_empty || size == 0;
        if (size == 0)
            continue;
        is_zero = is_zero || memcmp(text, zeros, 11) == 0;
        is_old = is_old || memcmp(text, "stale bytes", 11) == 0;
        is_new = is_new || memcmp(text, "new content", 11) == 0;
        is_other = is_other || (was_known && !memchr(text, 0, 11) && text[0] != 's' && text[0] != 'n');
    }
    cr_expect(is_empty && is_zero && is_old && is_new && is_other);
    disk_free(before);
}

Test(disk, a_cut_may_be_lost_until_it_is_synced) {
    int descriptor = made("f", "long content", true);
    cr_assert_eq(io_cut(&io, descriptor, 4), 0);
    Disk *before = disk_clone(disk);
    bool is_lost = false, is_kept = false, is_cleared = false;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        crash_again(before, seed);
        int64_t size = disk_file_size(disk, "f");
        cr_assert_eq(strncmp(content("f"), "long", 4), 0);
        cr_assert(size == 4 || size == 12);
        is_kept = is_kept || size == 4;
        is_lost = is_lost || strcmp(text, "long content") == 0;
        is_cleared = is_cleared || (size == 12 && strcmp(text, "long") == 0);
    }
    cr_expect(is_lost && is_kept && is_cleared);
    disk_free(before);

    disk_free(disk);
    start();
    descriptor = made("f", "long content", true);
    cr_assert_eq(io_cut(&io, descriptor, 4), 0);
    cr_assert_eq(io_sync(&io, descriptor), 0);
    disk_crash(disk, DISK_LOSE_ALL);
    cr_expect_str_eq(content("f"), "long");
    descriptor = opened("f", IO_OWN_UPDATE);
    cr_assert_eq(io_cut(&io, descriptor, 12), 0);
    cr_expect_eq(disk_file_size(disk, "f"), 12);
    cr_expect_str_eq(content("f"), "long", "zeros behind it");
    cr_assert_eq(io_sync(&io, descriptor), 0);
    disk_crash(disk, DISK_LOSE_ALL);
    cr_expect_eq(disk_file_size(disk, "f"), 12);
    cr_expect_str_eq(content("f"), "long", "durable zeros, not what stood there");

    descriptor = made("g", "long content", true);
    cr_assert_eq(io_cut(&io, descriptor, 4), 0);
    cr_assert_eq(io_cut(&io, descriptor, 12), 0);
    cr_assert_eq(io_sync(&io, descriptor), 0);
    disk_crash(disk, DISK_LOSE_ALL);
    cr_expect_eq(disk_file_size(disk, "g"), 12);
    cr_expect_str_eq(content("g"), "long", "the same when both were synced at once");

    descriptor = made("h", "long", true);
    put(descriptor, 4, " content");
    disk_crash(disk, DISK_LOSE_ALL);
    cr_expect_eq(io_cut(&io, opened("h", IO_OWN_UPDATE), 12), 0);
    cr_expect_str_eq(content("h"), "long", "what was lost does not come back");
}

Test(disk, a_name_comes_and_goes_by_the_sync_of_its_folder) {
    static const char *const wanted[] = {"x", "No such file or directory"};
    int descriptor = made("f", "x", false);
    cr_assert_eq(io_sync(&io, descriptor), 0);
    Disk *before = disk_clone(disk);
    cr_expect_eq(outcomes(before, "f", wanted, 2), 3u, "created");
    crash_again(before, DISK_KEEP_ALL);
    disk_free(before);

    cr_expect_str_eq(content("f"), "x");
    cr_assert_eq(io_delete_file(&io, "f"), 0);
    cr_expect_str_eq(content("f"), wanted[1]);
    before = disk_clone(disk);
    cr_expect_eq(outcomes(before, "f", wanted, 2), 3u, "deleted");
    crash_again(before, DISK_LOSE_ALL);
    cr_expect_str_eq(content("f"), "x");
    cr_assert_eq(io_delete_file(&io, "f"), 0);
    cr_assert_eq(io_sync_folder(&io, "/"), 0);
    disk_crash(disk, DISK_LOSE_ALL);
    cr_expect_str_eq(content("f"), wanted[1]);
    disk_free(before);
}

Test(disk, a_file_has_the_old_name_or_the_new_one) {
    made("old", "moved", true);
    made("new", "replaced", true);
    cr_assert_eq(io_rename(&io, "old", "new"), 0);
    cr_expect_str_eq(content("new"), "moved");
    cr_expect_str_eq(content("old"), strerror(ENOENT));
    Disk *before = disk_clone(disk);
    uint32_t found = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        crash_again(before, seed);
        bool is_old = strcmp(content("old"), "moved") == 0 && strcmp(content("new"), "replaced") == 0;
        bool is_new = strcmp(content("old"), strerror(ENOENT)) == 0 && strcmp(content("new"), "moved") == 0;
        cr_assert(is_old || is_new, "seed %llu", (unsigned long long)seed);
        found |= is_old ? 1 : 2;
    }
    cr_expect_eq(found, 3u);
    crash_again(before, DISK_KEEP_ALL);
    cr_expect_str_eq(content("new"), "moved");
    disk_free(before);
}

Test(disk, a_file_keeps_a_name_whatever_becomes_of_its_old_one) {
    made("old", "moved", true);
    cr_assert_eq(io_rename(&io, "old", "new"), 0);
    made("old", "another", false);
    cr_assert_eq(io_rename(&io, "new", "newer"), 0);
    cr_assert_eq(io_delete_file(&io, "old"), 0);
    Disk *before = disk_clone(disk);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        crash_again(before, seed);
        int count = strcmp(content("old"), "moved") == 0;
        count += strcmp(content("new"), "moved") == 0;
        count += strcmp(content("newer"), "moved") == 0;
        cr_assert_eq(count, 1, "seed %llu", (unsigned long long)seed);
    }
    disk_free(before);
}

Test(disk, a_rename_between_folders_ties_them) {
    cr_assert_eq(io_make_folder(&io, "a"), 0);
    cr_assert_eq(io_make_folder(&io, "b"), 0);
    cr_assert_eq(io_sync_folder(&io, "/"), 0);
    cr_assert_eq(io_close(&io, opened("a/f", IO_OWN_CREATE)), 0);
    cr_assert_eq(io_close(&io, opened("b/f", IO_OWN_CREATE)), 0);
    cr_assert_eq(io_rename(&io, "a/f", "b/f"), 0);
    Disk *before = disk_clone(disk);
    static const char *const folders[] = {"a", "b"};
    for (int index = 0; index < 2; index++) {
        disk_free(disk);
        disk = disk_clone(before);
        io = disk_io(disk);
        cr_assert_eq(io_sync_folder(&io, folders[index]), 0);
        cr_expect_eq(disk_pending_count(disk), 0);
        disk_crash(disk, DISK_LOSE_ALL);
        cr_expect(!io_exists(&io, "a/f") && io_exists(&io, "b/f"));
    }
    disk_free(before);
}

Test(disk, a_folder_is_synced_without_those_in_it) {
    cr_assert_eq(io_make_folder(&io, "d"), 0);
    cr_assert_eq(io_close(&io, opened("d/f", IO_OWN_CREATE)), 0);
    cr_assert_eq(io_sync_folder(&io, "/"), 0);
    disk_crash(disk, DISK_LOSE_ALL);
    cr_expect(io_exists(&io, "d"));
    cr_expect_not(io_exists(&io, "d/f"));
}

Test(disk, names_are_lost_each_for_itself) {
    made("a", "", false);
    made("b", "", false);
    made("c", "", false);
    Disk *before = disk_clone(disk);
    uint32_t found = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        crash_again(before, seed);
        found |= 1u << (io_exists(&io, "a") + 2 * io_exists(&io, "b") + 4 * io_exists(&io, "c"));
    }
    cr_expect_eq(found, 0xffu);
    disk_free(before);
}

Test(disk, the_named_variants_are_what_they_say) {
    for (int index = 0; index < 4; index++) {
        char name[] = {(char)('a' + index), '\0'};
        made(name, "", false);
    }
    Disk *before = disk_clone(disk);
    static const char *const expected[] = {"", "abcd", "ab", "cd", "abc", "d"};
    for (uint64_t seed = 0; seed < 6; seed++) {
        crash_again(before, seed);
        char got[5] = "";
        for (int index = 0; index < 4; index++) {
            char name[] = {(char)('a' + index), '\0'};
            if (io_exists(&io, name))
                got[strlen(got)] = *name;
        }
        cr_expect_str_eq(got, expected[seed], "%s", disk_variant_name(seed));
    }
    for (uint64_t seed = 0; seed < DISK_VARIANT_COUNT; seed++)
        cr_expect_eq(strcmp(disk_variant_name(seed), "at random") == 0, seed >= DISK_RANDOM);
    disk_free(before);
}

Test(disk, a_crash_is_the_same_for_the_same_seed) {
    int descriptor = made("f", "some old content", true);
    char bytes[2001];
    memset(bytes, 'n', 2000);
    bytes[2000] = '\0';
    put(descriptor, 3, bytes);
    made("g", "other", false);
    bool differs = false;
    Disk *zero = disk_clone(disk);
    disk_crash(zero, DISK_RANDOM);
    for (uint64_t seed = 0; seed < 100; seed++) {
        Disk *one = disk_clone(disk), *other = disk_clone(disk);
        disk_crash(one, seed);
        disk_crash(other, seed);
        cr_expect(disk_equal(one, other));
        differs = differs || !disk_equal(zero, one);
        disk_free(one);
        disk_free(other);
    }
    cr_expect(differs);
    disk_free(zero);
}

/* --- faults --- */

Test(disk, a_call_fails_once_or_for_ever) {
    int descriptor = opened("f", IO_OWN_CREATE);
    disk_fail(disk, (DiskFault){.call = DISK_WRITE, .number = 2, .error = -EDQUOT});
    cr_expect_eq(io_write_at(&io, descriptor, 0, "a", 1), 1);
    cr_expect_eq(io_sync(&io, descriptor), 0, "of another kind");
    cr_expect_eq(io_write_at(&io, descriptor, 1, "b", 1), -EDQUOT);
    cr_expect_eq(io_write_at(&io, descriptor, 2, "c", 1), 1);
    disk_fail(disk, (DiskFault){.call = DISK_ANY, .number = 2, .for_ever = true, .error = -EROFS});
    cr_expect_eq(io_size(&io, descriptor), 3);
    cr_expect_eq(io_write_at(&io, descriptor, 3, "d", 1), -EROFS);
    cr_expect_eq(io_rename(&io, "f", "g"), -EROFS);
    cr_expect_eq(io_make_folder(&io, "d"), -EROFS);
    cr_expect_eq(disk_counts(disk)->fault_count, 4);
    disk_fail(disk, (DiskFault){0});
    cr_expect_not(io_exists(&io, "g"));
    cr_expect_not(io_exists(&io, "d"));
    cr_expect_eq(io_size(&io, descriptor), 3);
    disk_fail(disk, (DiskFault){.call = DISK_CLOSE, .number = 1, .error = -EIO});
    cr_expect_eq(io_close(&io, descriptor), -EIO);
    cr_expect_eq(disk_open_count(disk), 0, "closed all the same");
}

Test(disk, every_kind_of_call_can_fail) {
    char bytes[8];
    IoInfo info;
    for (DiskCall call = 0; call < DISK_CALL_COUNT; call++) {
        disk_free(disk);
        start();
        int descriptor = opened("f", IO_OWN_CREATE);
        disk_reset_counts(disk);
        disk_fail(disk, (DiskFault){.call = call, .number = 1, .error = -ENXIO, .for_ever = true});
        int64_t results[DISK_CALL_COUNT] = {
            [DISK_OPEN] = io_open(&io, "f", IO_OWN_READ),
            [DISK_READ] = io_read_at(&io, descriptor, 0, bytes, 8),
            [DISK_WRITE] = io_write_at(&io, descriptor, 0, "x", 1),
            [DISK_INFO] = io_info(&io, "f", &info),
            [DISK_MAKE_FOLDER] = io_make_folder(&io, "d"),
            [DISK_LIST_FOLDER] = io_list_folder(&io, "d", list_one, &(Listing){0}),
            [DISK_SIZE] = io_size(&io, descriptor),
            [DISK_CUT] = io_cut(&io, descriptor, 5),
            [DISK_SYNC] = io_sync(&io, descriptor),
            [DISK_SYNC_FOLDER] = io_sync_folder(&io, "/"),
            [DISK_LOCK] = io_lock(&io, descriptor),
            [DISK_FORGET] = io_forget(&io, descriptor),
            [DISK_RENAME] = io_rename(&io, "f", "g"),
            [DISK_DELETE_FILE] = io_delete_file(&io, call == DISK_RENAME ? "f" : "g"),
        };
        results[DISK_CLOSE] = io_close(&io, descriptor);
        for (DiskCall other = 0; other < DISK_CALL_COUNT; other++) {
            if (other == call)
                cr_expect_eq(results[other], -ENXIO, "call %u", call);
            else if (!(call == DISK_MAKE_FOLDER && other == DISK_LIST_FOLDER))
                cr_expect_neq(results[other], -ENXIO, "call %u makes call %u fail", call, other);
            cr_expect_eq(disk_counts(disk)->calls[other], 1);
        }
        cr_expect_eq(disk_counts(disk)->call_count, DISK_CALL_COUNT);
    }
}

Test(disk, a_process_stops_at_any_call) {
    for (uint64_t number = 1;; number++) {
        disk_free(disk);
        start();
        disk_stop_at(disk, DISK_ANY, number);
        int descriptor = io_open(&io, "f", IO_OWN_CREATE);
        int results[] = {
            descriptor < 0 ? descriptor : 0, (int)io_write_at(&io, descriptor, 0, "1", 1), io_sync(&io, descriptor),
            io_sync_folder(&io, "/"),        (int)io_write_at(&io, descriptor, 0, "2", 1), io_sync(&io, descriptor),
            io_close(&io, descriptor),
        };
        uint64_t count = sizeof results / sizeof *results;
        for (uint64_t index = 0; index < count; index++)
            cr_expect_eq(results[index] == -EIO, index + 1 >= number);
        cr_expect_eq(disk_has_stopped(disk), number <= count);
        disk_crash(disk, DISK_LOSE_ALL);
        cr_expect_not(disk_has_stopped(disk));
        cr_expect_str_eq(content("f"), number <= 4 ? strerror(ENOENT) : number <= 6 ? "1" : "2");
        if (number > count)
            break;
    }
}

Test(disk, a_process_stops_at_a_kind_of_call) {
    int descriptor = opened("f", IO_OWN_CREATE);
    disk_stop_at(disk, DISK_SYNC, 2);
    put(descriptor, 0, "1");
    cr_expect_eq(io_sync(&io, descriptor), 0);
    put(descriptor, 0, "2");
    cr_expect_not(disk_has_stopped(disk));
    cr_expect_eq(io_sync(&io, descriptor), -EIO);
    cr_expect_eq(io_write_at(&io, descriptor, 0, "3", 1), -EIO, "and whatever comes after it");
    disk_kill(disk);
    cr_expect_str_eq(content("f"), "2");
}

Test(disk, a_failed_sync_drops_its_pages_but_still_shows_them) {
    int descriptor = made("f", "old!", true);
    put(descriptor, 0, "new!");
    disk_fail(disk, (DiskFault){.call = DISK_SYNC, .number = 1, .error = -EIO});
    cr_expect_eq(io_sync(&io, descriptor), -EIO);
    cr_expect_str_eq(content("f"), "new!");
    cr_expect_eq(io_sync(&io, descriptor), 0, "it says yes, ...");
    for (uint64_t seed = 0; seed < DISK_VARIANT_COUNT; seed++) {
        Disk *before = disk_clone(disk);
        disk_crash(before, seed);
        Disk *mine = disk;
        disk = before;
        io = disk_io(disk);
        cr_expect_str_eq(content("f"), "old!", "... and lied");
        disk_free(disk);
        disk = mine;
        io = disk_io(disk);
    }
    disk_kill(disk);
    cr_expect_str_eq(content("f"), "new!", "another process reads it too, ...");
    descriptor = opened("f", IO_OWN_UPDATE);
    cr_expect_eq(io_forget(&io, descriptor), 0);
    cr_expect_str_eq(content("f"), "old!", "... until it asks the disk");
    put(descriptor, 0, "more");
    cr_expect_eq(io_forget(&io, descriptor), 0);
    cr_expect_str_eq(content("f"), "more", "what is pending is not forgotten");
    cr_expect_eq(io_sync(&io, descriptor), 0);
    disk_crash(disk, DISK_LOSE_ALL);
    cr_expect_str_eq(content("f"), "more");
}

Test(disk, what_is_written_again_after_a_failed_sync_is_kept) {
    int descriptor = made("f", "old!", true);
    put(descriptor, 0, "new!");
    put(descriptor, 600, "second sector");
    disk_fail(disk, (DiskFault){.call = DISK_SYNC, .number = 1, .error = -EIO});
    cr_expect_eq(io_sync(&io, descriptor), -EIO);
    put(descriptor, 0, "N");
    cr_expect_eq(io_forget(&io, descriptor), 0);
    content("f");
    cr_expect_eq(memcmp(text, "New!", 4), 0, "it is pending again");
    cr_expect_eq(text[600], 0, "where nothing was written there are zeros");
    cr_expect_eq(io_sync(&io, descriptor), 0);
    disk_crash(disk, DISK_LOSE_ALL);
    cr_expect_str_eq(content("f"), "New!", "its page is written again, with all that was on it");
    cr_expect_eq(disk_file_size(disk, "f"), 613);
    cr_expect_eq(text[600], 0, "the other one is not");
}

Test(disk, a_file_that_grew_by_dropped_pages_is_zeros_there) {
    int descriptor = made("f", "old!", true);
    put(descriptor, 4, "more");
    put(descriptor, 600, "second sector");
    put(descriptor, 1100, "third sector");
    disk_fail(disk, (DiskFault){.call = DISK_SYNC, .number = 1, .error = -EIO});
    cr_expect_eq(io_sync(&io, descriptor), -EIO);
    put(descriptor, 600, "SECOND");
    cr_expect_eq(io_sync(&io, descriptor), 0);
    disk_crash(disk, DISK_LOSE_ALL);
    cr_expect_eq(disk_file_size(disk, "f"), 1112);
    cr_expect_str_eq(content("f"), "old!");
    cr_expect_str_eq(text + 600, "SECOND sector");
    cr_expect_str_eq(text + 1100, "");
}

Test(disk, faults_end_with_the_process) {
    DiskFault fault = {.call = DISK_ANY, .number = 1, .for_ever = true, .error = -EIO};
    disk_fail(disk, fault);
    cr_expect_eq(io_make_folder(&io, "d"), -EIO);
    disk_kill(disk);
    cr_expect_eq(io_make_folder(&io, "d"), 0);
    disk_fail(disk, fault);
    disk_crash(disk, DISK_KEEP_ALL);
    cr_expect_eq(io_make_folder(&io, "e"), 0);
}

Test(disk, a_failed_sync_may_have_written_some_pages) {
    char bytes[2049];
    memset(bytes, 'n', 2048);
    bytes[2048] = '\0';
    bool is_partly = false;
    for (uint64_t seed = 1; seed < 100; seed++) {
        disk_free(disk);
        start();
        int descriptor = made("f", "", true);
        put(descriptor, 0, bytes);
        disk_fail(disk, (DiskFault){.call = DISK_SYNC, .number = 1, .error = -EIO, .seed = seed});
        cr_expect_eq(io_sync(&io, descriptor), -EIO);
        cr_expect_eq(io_forget(&io, descriptor), 0);
        disk_crash(disk, DISK_LOSE_ALL);
        cr_assert_eq(disk_file_size(disk, "f"), 0, "the size is still pending");
        descriptor = opened("f", IO_OWN_UPDATE);
        put(descriptor, 2047, "n");
        disk_crash(disk, 9); /* keeps the size: old bytes, some of which were written */
        content("f");
        uint32_t count = 0;
        for (int sector = 0; sector < 4; sector++)
            count += text[512 * sector] == 'n';
        is_partly = is_partly || (count > 0 && count < 4);
    }
    cr_expect(is_partly);
}

Test(disk, a_limited_disk_becomes_full) {
    char bytes[2001];
    memset(bytes, 'x', 2000);
    bytes[2000] = '\0';
    int descriptor = opened("f", IO_OWN_CREATE);
    disk_set_room(disk, 2048);
    cr_expect_eq(io_write_at(&io, descriptor, 0, bytes, 1000), 1000);
    cr_expect_eq(disk_room_used(disk), 1024);
    cr_expect_eq(io_write_at(&io, descriptor, 1000, bytes, 2000), 1048, "what fits");
    cr_expect_eq(io_write_at(&io, descriptor, 2048, "x", 1), -ENOSPC);
    cr_expect_eq(io_write_at(&io, descriptor, 100, bytes, 1000), 1000, "over what is there");
    cr_expect_eq(io_cut(&io, descriptor, 5000), 0);
    cr_expect_eq(io_write_at(&io, descriptor, 4000, "x", 1), -ENOSPC, "zeros of a cut take no room and make none");
    cr_expect_eq(io_cut(&io, descriptor, 600), 0);
    cr_expect_eq(disk_room_used(disk), 1024);
    cr_expect_eq(io_write_at(&io, descriptor, 600, bytes, 2000), 1448);
    cr_expect_eq(io_delete_file(&io, "f"), 0);
    Disk *later = disk_clone(disk);
    cr_expect_eq(disk_room_used(later), 0, "nobody has it open there");
    disk_free(later);
    int other = opened("g", IO_OWN_CREATE);
    cr_expect_eq(io_write_at(&io, other, 0, "x", 1), -ENOSPC, "it is still open");
    cr_expect_eq(io_close(&io, descriptor), 0);
    cr_expect_eq(disk_room_used(disk), 0);
    cr_expect_eq(io_write_at(&io, other, 0, "x", 1), 1);
    cr_expect_eq(io_rename(&io, "g", "h"), 0);
    made("g", "y", false);
    cr_expect_eq(disk_room_used(disk), 1024);
    cr_expect_eq(io_close(&io, other), 0);
    cr_expect_eq(io_rename(&io, "g", "h"), 0);
    cr_expect_eq(disk_room_used(disk), 512, "the one that was replaced is gone");
    descriptor = opened("i", IO_OWN_CREATE);
    cr_expect_eq(io_write_at(&io, descriptor, 1000, "x", 1), 1);
    cr_expect_eq(disk_room_used(disk), 1024);
    cr_expect_eq(io_cut(&io, descriptor, 100), 0);
    cr_expect_eq(disk_room_used(disk), 512, "a hole takes no room when it is cut either");
}

Test(disk, room_is_counted_anew_after_a_crash) {
    int descriptor = made("f", "x", true);
    put(descriptor, 600, "more");
    made("g", "y", false);
    cr_expect_eq(disk_room_used(disk), 3 * 512);
    Disk *before = disk_clone(disk);
    crash_again(before, DISK_LOSE_ALL);
    cr_expect_eq(disk_room_used(disk), 512);
    crash_again(before, DISK_KEEP_ALL);
    cr_expect_eq(disk_room_used(disk), 3 * 512);
    cr_expect_eq(io_delete_file(&io, "f"), 0);
    cr_expect_eq(disk_room_used(disk), 512);
    cr_expect_eq(io_sync_folder(&io, "/"), 0);
    disk_crash(disk, DISK_LOSE_ALL);
    cr_expect_eq(disk_room_used(disk), 512);
    disk_free(before);
}

Test(disk, reads_and_writes_may_be_short) {
    char bytes[1001], read[1000];
    memset(bytes, 'x', 1000);
    bytes[1000] = '\0';
    disk_set_short(disk, 1);
    int descriptor = opened("f", IO_OWN_CREATE);
    uint64_t short_writes = 0, short_reads = 0;
    for (int round = 0; round < 100; round++) {
        int64_t written = io_write_at(&io, descriptor, 0, bytes, 1000);
        int64_t got = io_read_at(&io, descriptor, 0, read, 1000);
        cr_assert(written >= 1 && written <= 1000 && got >= 1 && got <= 1000);
        short_writes += written < 1000;
        short_reads += got < 1000;
    }
    cr_expect(short_writes > 50 && short_reads > 50);
    put(descriptor, 0, bytes);
    cr_expect_str_eq(content("f"), bytes, "those who go on get it all");
    disk_set_short(disk, 0);
    cr_expect_eq(io_read_at(&io, descriptor, 0, read, 1000), 1000);
}

/* --- clones and damage --- */

Test(disk, a_clone_is_another_disk) {
    int descriptor = made("f", "durable", true);
    put(descriptor, 0, "PENDING");
    Disk *clone = disk_clone(disk);
    cr_expect(disk_equal(disk, clone));
    cr_expect_eq(disk_open_count(clone), 0);
    cr_expect_eq(disk_counts(clone)->call_count, 0);
    put(descriptor, 0, "changed");
    made("g", "new", false);
    cr_expect_not(disk_equal(disk, clone));
    cr_expect_eq(disk_file_size(clone, "g"), -ENOENT);
    Disk *lost = disk_clone(clone);
    disk_crash(lost, DISK_LOSE_ALL);
    disk_crash(clone, DISK_KEEP_ALL);
    cr_expect_str_eq(content("f"), "changed", "its crash is not ours");
    Disk *mine = disk;
    disk = clone;
    io = disk_io(disk);
    cr_expect_str_eq(content("f"), "PENDING");
    disk_free(clone);
    disk = lost;
    io = disk_io(disk);
    cr_expect_str_eq(content("f"), "durable");
    disk_free(lost);
    disk = mine;
}

Test(disk, differences_are_found) {
    cr_assert_eq(io_make_folder(&io, "d"), 0);
    int descriptor = opened("d/f", IO_OWN_CREATE);
    put(descriptor, 0, "xyz");
    Disk *before = disk_clone(disk);
    put(descriptor, 2, "Z");
    cr_expect_not(disk_equal(disk, before), "a byte");
    put(descriptor, 2, "z");
    cr_expect(disk_equal(disk, before));
    cr_assert_eq(io_cut(&io, descriptor, 2), 0);
    cr_expect_not(disk_equal(disk, before), "a size");
    put(descriptor, 2, "z");
    cr_assert_eq(io_make_folder(&io, "e"), 0);
    cr_expect_not(disk_equal(disk, before), "a folder");
    cr_expect_not(disk_equal(before, disk));
    disk_free(before);
}

Test(disk, bits_are_flipped_where_a_test_says) {
    made("f", "abc", true);
    disk_flip_bit(disk, "f", 8 + 1);
    cr_expect_str_eq(content("f"), "a`c");
    disk_truncate(disk, "f", 2);
    cr_expect_str_eq(content("f"), "a`");
    disk_crash(disk, DISK_LOSE_ALL);
    cr_expect_str_eq(content("f"), "a`");
    disk_flip_bit(disk, "f", 8 + 1);
    cr_expect_str_eq(content("f"), "ab");
}

static void count_file(void *context, const char *path, uint64_t size) {
    *(uint64_t *)context += size;
    cr_expect(strcmp(path, "/f") == 0 || strcmp(path, "/d/g") == 0, "%s", path);
}

Test(disk, counts_and_names_what_it_has) {
    made("f", "abc", false);
    cr_assert_eq(io_make_folder(&io, "d"), 0);
    int descriptor = opened("d/g", IO_OWN_CREATE);
    put(descriptor, 0, "12345");
    uint64_t size = 0;
    disk_each_file(disk, count_file, &size);
    cr_expect_eq(size, 8);
    content("f");
    cr_expect_eq(disk_counts(disk)->bytes_written, 8);
    cr_expect_eq(disk_counts(disk)->bytes_read, 3);
    cr_expect_eq(disk_counts(disk)->calls[DISK_OPEN], 3);
}

Test(disk, shows_itself_in_hex) {
    int descriptor = made("f", "abc\n", true);
    put(descriptor, 100, "end");
    char *bytes;
    size_t size;
    FILE *out = open_memstream(&bytes, &size);
    disk_dump(disk, out);
    fclose(out);
    cr_expect_str_eq(bytes, "/f: file 1, 103 bytes, 4 durable\n"
                            "  00000000  61 62 63 0a 00 00 00 00 00 00 00 00 00 00 00 00  abc.............\n"
                            "  00000010  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ................\n"
                            "  *\n"
                            "  00000060  00 00 00 00 65 6e 64                             ....end\n"
                            "pending: file 1: bytes 100 to 103\n"
                            "pending: file 1: 103 bytes long\n");
    free(bytes);
}

Test(disk, a_file_that_is_gone_is_not_taken_for_another) {
    int descriptor = made("open", "still open", true);
    cr_assert_eq(io_delete_file(&io, "open"), 0);
    cr_assert_eq(io_sync_folder(&io, "/"), 0);
    for (int round = 0; round < 300; round++) {
        char name[20];
        snprintf(name, sizeof name, "f%d", round);
        int other = made(name, "some bytes", false);
        cr_assert_eq(io_sync(&io, other), 0);
        cr_assert_eq(io_close(&io, other), 0);
        cr_assert_eq(io_delete_file(&io, name), 0);
    }
    made("g", "g's own", false);
    cr_expect_eq(io_read_at(&io, descriptor, 0, text, 20), 10);
    cr_expect_eq(memcmp(text, "still open", 10), 0);
    Disk *before = disk_clone(disk);
    crash_again(before, DISK_KEEP_ALL);
    cr_expect_str_eq(content("g"), "g's own");
    for (uint64_t seed = 0; seed < 50; seed++) {
        crash_again(before, seed);
        for (int round = 0; round < 300; round++) {
            char name[20];
            snprintf(name, sizeof name, "f%d", round);
            const char *got = content(name);
            cr_assert(strcmp(got, "some bytes") == 0 || strcmp(got, strerror(ENOENT)) == 0, "%s", got);
        }
    }
    disk_free(before);
}

Test(disk, files_that_come_and_go_take_no_more_and_more) {
    Disk *other = disk_clone(disk);
    for (int round = 0; round < 20000; round++) {
        char name[20];
        snprintf(name, sizeof name, "f%d", round);
        int descriptor = made(name, "some bytes", true);
        cr_assert_eq(io_close(&io, descriptor), 0);
        cr_assert_eq(io_delete_file(&io, name), 0);
    }
    cr_assert_eq(io_sync_folder(&io, "/"), 0);
    cr_expect(disk_equal(disk, other));
    made("f", "x", true);
    char *bytes;
    size_t size;
    FILE *out = open_memstream(&bytes, &size);
    disk_dump(disk, out);
    fclose(out);
    unsigned number;
    cr_assert_eq(sscanf(bytes, "/f: file %u", &number), 1);
    cr_expect_lt(number, 200, "numbers of files are used again");
    free(bytes);
    disk_free(other);
}

/* 100,000 seeds of a small workload are to take well under four minutes; here are 10,000, and machines differ. */
Test(disk, is_fast) {
    clock_t began = clock();
    char bytes[4001];
    memset(bytes, 'x', 4000);
    bytes[4000] = '\0';
    for (int index = 0; index < 20; index++) {
        char name[] = {(char)('a' + index), '\0'};
        cr_assert_eq(io_close(&io, made(name, bytes, true)), 0);
    }
    Disk *before = disk_clone(disk);
    for (uint64_t seed = 0; seed < 10000; seed++) {
        crash_again(before, DISK_KEEP_ALL);
        int descriptor = opened("b", IO_OWN_UPDATE);
        for (int write = 0; write < 10; write++)
            put(descriptor, (uint64_t)write * 100, "some bytes that are not many");
        disk_crash(disk, seed);
    }
    double seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
    cr_expect_lt(seconds, 10, "%.2f s", seconds);
    disk_free(before);
}

/* --- the clock --- */

Test(disk, a_scripted_clock_says_what_it_was_told) {
    ScriptedClock scripted = scripted_clock(5), same = scripted_clock(5), other = scripted_clock(6);
    Clock clock = scripted_clock_clock(&scripted), same_clock = scripted_clock_clock(&same);
    Clock other_clock = scripted_clock_clock(&other);
    cr_expect_eq(clock_monotonic_ns(&clock), 1000000000);
    cr_expect_eq(clock_monotonic_ns(&clock), 1000001000);
    scripted.wall_us = 50;
    scripted.wall_step_us = -10;
    cr_expect_eq(clock_wall_us(&clock), 50);
    cr_expect_eq(clock_wall_us(&clock), 40);
    uint8_t one[64], two[64], three[64];
    cr_expect_eq(clock_random(&clock, one, 64), 0);
    cr_expect_eq(clock_random(&same_clock, two, 64), 0);
    cr_expect_eq(clock_random(&other_clock, three, 64), 0);
    cr_expect_eq(memcmp(one, two, 64), 0);
    cr_expect_neq(memcmp(one, three, 64), 0);
    scripted.random_error = -ENOSYS;
    cr_expect_eq(clock_random(&clock, one, 64), -ENOSYS);
}
