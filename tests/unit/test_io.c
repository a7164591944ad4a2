/* SPDX-License-Identifier: MIT */
#include "tests/unit/refusing.h"
#include "vm/base/io.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static Refusing refusing;
static Mem mem;
static Buffer buffer;
static Io io;
static char folder[] = "/tmp/test_io_XXXXXX";

/* Each test runs in a process of its own, in an empty folder. */
static void start(void) {
    cr_assert_eq(mem_init(&mem, refusing_allocator(&refusing), SIZE_MAX), 0);
    buffer_init(&buffer, &mem);
    io = io_system();
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
}

static int remove_entry(void *context, const char *name) {
    (void)context;
    return unlink(name) < 0 ? rmdir(name) : 0;
}

static void finish(void) {
    cr_expect_eq(io_list_folder(&io, folder, remove_entry, NULL), 0);
    cr_expect_eq(rmdir(folder), 0, "a test left something in %s", folder);
    buffer_deinit(&buffer);
    cr_expect_eq(mem.live_count, 0);
    mem_deinit(&mem);
}

TestSuite(io, .init = start, .fini = finish, .timeout = 30);

static const char *content(const char *path) {
    buffer_clear(&buffer);
    int r = io_read_file(&io, path, &buffer);
    return r ? strerror(-r) : buffer_text(&buffer);
}

Test(io, reads_what_it_wrote) {
    cr_expect_eq(io_write_file(&io, "f", IO_WRITE, "first, and long", 15), 0);
    cr_expect_eq(io_write_file(&io, "f", IO_WRITE, "second", 6), 0);
    cr_expect_str_eq(content("f"), "second");
    cr_expect_eq(io_write_file(&io, "f", IO_APPEND, ", third", 7), 0);
    cr_expect_eq(io_write_file(&io, "g", IO_APPEND, "new", 3), 0);
    cr_expect_str_eq(content("f"), "second, third");
    cr_expect_str_eq(content("g"), "new");
    cr_expect_eq(io_write_file(&io, "f", IO_WRITE, NULL, 0), 0);
    cr_expect_str_eq(content("f"), "");
    unlink("f");
    unlink("g");
}

Test(io, reads_files_of_all_sizes) {
    static const size_t sizes[] = {0, 1, 63, 64, 65, 16383, 16384, 16385, 32768, 32769, 1000000};
    static char bytes[1000000];
    for (size_t index = 0; index < sizeof bytes; index++)
        bytes[index] = (char)(index * 7 / 5);
    for (size_t index = 0; index < sizeof sizes / sizeof *sizes; index++) {
        cr_assert_eq(io_write_file(&io, "f", IO_WRITE, bytes, sizes[index]), 0);
        buffer_clear(&buffer);
        cr_assert_eq(io_read_file(&io, "f", &buffer), 0);
        cr_assert_eq(buffer.size, sizes[index]);
        cr_assert_eq(sizes[index] > 0 ? memcmp(buffer.bytes, bytes, sizes[index]) : 0, 0);
    }
    unlink("f");
}

Test(io, says_why_not) {
    cr_expect_eq(io_read_file(&io, "missing", &buffer), -ENOENT);
    cr_expect_eq(io_read_file(&io, ".", &buffer), -EISDIR);
    cr_expect_eq(io_write_file(&io, "missing/f", IO_WRITE, "x", 1), -ENOENT);
    cr_expect_eq(io_write_file(&io, "/dev/full", IO_WRITE, "x", 1), -ENOSPC);
    cr_expect_eq(io_open(&io, "missing", IO_READ), -ENOENT);
    cr_expect_eq(io_read(&io, -1, NULL, 0), -EBADF);
    cr_expect_eq(io_write(&io, -1, "x", 1), -EBADF);
    cr_expect_eq(io_close(&io, -1), -EBADF);
    refusing_start(&refusing);
    mem.exhausted = true; /* so that not even a slab is cut */
    cr_expect_eq(io_read_file(&io, "/dev/zero", &buffer), -ENOMEM);
    mem.exhausted = false;
}

Test(io, a_file_without_end_is_read_up_to_a_limit) {
    cr_expect_eq(io_read_file_within(&io, "/dev/zero", 100000, &buffer), -EFBIG);
    cr_expect_lt(buffer.size, 1000000);
}

Test(io, knows_what_is_there) {
    IoInfo info;
    cr_assert_eq(io_write_file(&io, "f", IO_WRITE, "12345", 5), 0);
    cr_assert_eq(symlink("f", "link"), 0);
    cr_assert_eq(symlink("nowhere", "dangling"), 0);
    cr_expect_eq(io_info(&io, "f", &info), 0);
    cr_expect(info.kind == IO_FILE && info.size == 5);
    cr_expect_eq(io_info(&io, "link", &info), 0);
    cr_expect(info.kind == IO_FILE && info.size == 5);
    cr_expect_eq(io_info(&io, "dangling", &info), -ENOENT);
    cr_expect_eq(io_info(&io, "f/x", &info), -ENOTDIR);
    cr_expect(io_exists(&io, "f"));
    cr_expect(io_exists(&io, "."));
    cr_expect_not(io_exists(&io, "dangling"));
    cr_expect(io_is(&io, ".", IO_FOLDER));
    cr_expect_not(io_is(&io, ".", IO_FILE));
    cr_expect(io_is(&io, "/dev/null", IO_OTHER));
    cr_expect_not(io_is(&io, "missing", IO_OTHER));
    cr_expect_eq(io_delete_file(&io, "link"), 0);
    cr_expect(io_exists(&io, "f"), "the link is deleted, not what it leads to");
    unlink("f");
    unlink("dangling");
}

Test(io, deletes_files_only) {
    cr_assert_eq(io_make_folder(&io, "d"), 0);
    cr_expect_eq(io_delete_file(&io, "d"), -EISDIR);
    cr_expect_eq(io_delete_file(&io, "missing"), -ENOENT);
    cr_assert_eq(io_write_file(&io, "f", IO_WRITE, "x", 1), 0);
    cr_expect_eq(io_remove_folder(&io, "f"), -ENOTDIR);
    cr_expect_eq(io_delete_file(&io, "f"), 0);
    cr_expect_not(io_exists(&io, "f"));
    cr_expect_eq(io_remove_folder(&io, "d"), 0);
    cr_expect_not(io_exists(&io, "d"));
}

Test(io, removes_empty_folders_only) {
    cr_assert_eq(io_make_folders(&io, "d/e"), 0);
    cr_expect_eq(io_remove_folder(&io, "d"), -ENOTEMPTY);
    cr_expect_eq(io_remove_folder(&io, "d/e"), 0);
    cr_expect_eq(io_remove_folder(&io, "d"), 0);
}

Test(io, makes_folders_with_those_they_are_in) {
    cr_expect_eq(io_make_folder(&io, "a/b"), -ENOENT);
    cr_expect_eq(io_make_folders(&io, "a/b//c/"), 0);
    cr_expect(io_is(&io, "a/b/c", IO_FOLDER));
    cr_expect_eq(io_make_folders(&io, "a/b/c"), 0, "it is there already");
    cr_expect_eq(io_make_folder(&io, "a"), -EEXIST);
    rmdir("a/b/c");
    rmdir("a/b");
    rmdir("a");

    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/x/y", folder);
    cr_expect_eq(io_make_folders(&io, path), 0);
    cr_expect(io_is(&io, "x/y", IO_FOLDER));
    rmdir("x/y");
    rmdir("x");
}

Test(io, makes_no_folders_through_a_file) {
    cr_assert_eq(io_write_file(&io, "f", IO_WRITE, "x", 1), 0);
    cr_expect_eq(io_make_folders(&io, "f"), -EEXIST);
    cr_expect_eq(io_make_folders(&io, "f/d"), -ENOTDIR);
    cr_expect_eq(io_make_folders(&io, ""), -ENOENT);
    char path[2 * PATH_MAX];
    memset(path, 'x', sizeof path);
    for (size_t at = 100; at < sizeof path; at += 100)
        path[at] = '/';
    path[sizeof path - 1] = '\0';
    cr_expect_eq(io_make_folders(&io, path), -ENAMETOOLONG);
    unlink("f");
}

/* --- listing --- */

typedef struct Listing {
    int calls, sum, stop_after;
} Listing;

static int note_entry(void *context, const char *name) {
    Listing *listing = (Listing *)context;
    listing->sum += atoi(name);
    return ++listing->calls == listing->stop_after ? 77 : 0;
}

Test(io, lists_each_name_once) {
    Listing listing = {0};
    cr_expect_eq(io_list_folder(&io, ".", note_entry, &listing), 0);
    cr_expect_eq(listing.calls, 0, "no dots");
    for (int number = 1; number <= 300; number++) {
        char name[16];
        snprintf(name, sizeof name, "%d", number);
        cr_assert_eq(io_write_file(&io, name, IO_WRITE, "", 0), 0);
    }
    cr_expect_eq(io_list_folder(&io, ".", note_entry, &listing), 0);
    cr_expect_eq(listing.calls, 300);
    cr_expect_eq(listing.sum, 300 * 301 / 2);
    listing = (Listing){.stop_after = 10};
    cr_expect_eq(io_list_folder(&io, ".", note_entry, &listing), 77);
    cr_expect_eq(listing.calls, 10);
    cr_expect_eq(io_list_folder(&io, "missing", note_entry, &listing), -ENOENT);
    cr_expect_eq(io_list_folder(&io, "1", note_entry, &listing), -ENOTDIR);
}

Test(io, real_paths) {
    cr_assert_eq(io_make_folder(&io, "d"), 0);
    cr_assert_eq(symlink("d", "link"), 0);
    char expected[PATH_MAX];
    snprintf(expected, sizeof expected, "%s/d", folder);
    cr_expect_eq(io_real_path(&io, "link/../d/.", &buffer), 0);
    cr_expect_str_eq(buffer_text(&buffer), expected);
    buffer_clear(&buffer);
    cr_expect_eq(io_real_path(&io, ".", &buffer), 0);
    cr_expect_str_eq(buffer_text(&buffer), folder);
    cr_expect_eq(io_real_path(&io, "missing", &buffer), -ENOENT);
    cr_expect_eq(io_real_path(&io, "", &buffer), -ENOENT);
    unlink("link");
    rmdir("d");
}

/* --- descriptors --- */

Test(io, descriptors_are_not_inherited) {
    int descriptor = io_open(&io, "f", IO_WRITE);
    cr_assert_geq(descriptor, 0);
    cr_expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC);
    cr_expect_eq(io_close(&io, descriptor), 0);
    unlink("f");
}

static void nothing(int signal_number) {
    (void)signal_number;
}

/* Signals without SA_RESTART at a high rate, until the test ends. */
static void *annoy(void *thread) {
    for (;;) {
        pthread_kill(*(pthread_t *)thread, SIGUSR1);
        usleep(200);
    }
    return NULL;
}

static void start_annoying(pthread_t *self) {
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGUSR1, &action, NULL);
    *self = pthread_self();
    pthread_t annoyer;
    cr_assert_eq(pthread_create(&annoyer, NULL, annoy, self), 0);
    pthread_detach(annoyer);
}

enum { PIPED = 3000000 };

static void *drain_slowly(void *descriptor) {
    static char bytes[20000];
    size_t total = 0;
    for (;;) {
        usleep(500);
        ssize_t got = read(*(int *)descriptor, bytes, sizeof bytes);
        if (got <= 0)
            return (void *)total;
        for (ssize_t index = 0; index < got; index++)
            if (bytes[index] != (char)((total + (size_t)index) % 251))
                return NULL;
        total += (size_t)got;
    }
}

/*
 * A shell may leave our output in non-blocking mode, and a handled signal
 * interrupts a write to a slow reader. Neither may lose or repeat a byte.
 */
static void write_through_a_pipe(int flags) {
    static char bytes[PIPED];
    for (size_t index = 0; index < PIPED; index++)
        bytes[index] = (char)(index % 251);
    int ends[2];
    static pthread_t self;
    cr_assert_eq(pipe(ends), 0);
    fcntl(ends[1], F_SETFL, flags);
    pthread_t reader;
    cr_assert_eq(pthread_create(&reader, NULL, drain_slowly, &ends[0]), 0);
    start_annoying(&self);

    cr_expect_eq(io_write_all(&io, ends[1], bytes, PIPED), 0);
    cr_expect_eq(io_close(&io, ends[1]), 0);
    void *total;
    pthread_join(reader, &total);
    cr_expect_eq((size_t)total, PIPED);
}

Test(io, writes_all_to_a_slow_reader) {
    write_through_a_pipe(0);
}

Test(io, writes_all_to_what_does_not_block) {
    write_through_a_pipe(O_NONBLOCK);
}

static void *write_late(void *descriptor) {
    usleep(20000);
    return (void *)(size_t)write(*(int *)descriptor, "late", 4);
}

Test(io, a_signal_does_not_end_a_read) {
    int ends[2];
    static pthread_t self;
    cr_assert_eq(pipe(ends), 0);
    pthread_t writer;
    cr_assert_eq(pthread_create(&writer, NULL, write_late, &ends[1]), 0);
    start_annoying(&self);
    char bytes[10];
    cr_expect_eq(io_read(&io, ends[0], bytes, sizeof bytes), 4);
    close(ends[1]);
    cr_expect_eq(io_read(&io, ends[0], bytes, sizeof bytes), 0, "the end");
}

Test(io, a_reader_that_left_is_an_error) {
    signal(SIGPIPE, SIG_IGN);
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    close(ends[0]);
    cr_expect_eq(io_write_all(&io, ends[1], "x", 1), -EPIPE);
}

/* --- another world behind the door --- */

/* A disk that takes and gives three bytes at a time, and breaks after some. */
typedef struct Stingy {
    char bytes[100];
    size_t size, at, breaks_at;
    int open_count, close_result;
} Stingy;

static int stingy_open(void *context, const char *path, IoMode mode) {
    (void)path;
    (void)mode;
    ((Stingy *)context)->open_count++;
    return 1000;
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static int64_t stingy_read(void *context, int descriptor, void *bytes, size_t size) {
    (void)descriptor;
    Stingy *stingy = (Stingy *)context;
    if (stingy->at >= stingy->breaks_at)
        return -EIO;
    size_t got = least(least(size, 3), stingy->size - stingy->at);
    memcpy(bytes, stingy->bytes + stingy->at, got);
    stingy->at += got;
    return (int64_t)got;
}

static int64_t stingy_write(void *context, int descriptor, const void *bytes, size_t size) {
    (void)descriptor;
    Stingy *stingy = (Stingy *)context;
    if (stingy->size >= stingy->breaks_at)
        return -EIO;
    size_t taken = least(size, 3);
    memcpy(stingy->bytes + stingy->size, bytes, taken);
    stingy->size += taken;
    return (int64_t)taken;
}

static int stingy_close(void *context, int descriptor) {
    (void)descriptor;
    ((Stingy *)context)->open_count--;
    return ((Stingy *)context)->close_result;
}

Test(io, works_over_another_world) {
    Stingy stingy = {.breaks_at = 1000};
    Io other = {stingy_open, stingy_read, stingy_write, stingy_close, .context = &stingy};
    cr_expect_eq(io_write_file(&other, "f", IO_WRITE, "a disk in small bites", 21), 0);
    cr_expect_eq(stingy.size, 21);
    cr_expect_eq(io_read_file(&other, "f", &buffer), 0);
    cr_expect_str_eq(buffer_text(&buffer), "a disk in small bites");
    cr_expect_eq(stingy.open_count, 0);

    stingy.close_result = -EDQUOT;
    cr_expect_eq(io_write_file(&other, "f", IO_APPEND, "x", 1), -EDQUOT, "what close() finds out is not lost");
    stingy.at = 0;
    stingy.breaks_at = 9;
    cr_expect_eq(io_read_file(&other, "f", &buffer), -EIO);
    cr_expect_eq(io_write_file(&other, "f", IO_APPEND, "x", 1), -EIO, "the first error counts");
    cr_expect_eq(stingy.open_count, 0, "closed after an error too");
}

static int no_parent(void *context, const char *path) {
    (void)context;
    (void)path;
    return -ENOENT;
}

Test(io, a_path_may_be_longer_than_the_system_allows) {
    Io other = {.make_folder = no_parent};
    char path[3 * PATH_MAX];
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    cr_expect_eq(io_make_folders(&other, path), -ENAMETOOLONG);
}
