/* SPDX-License-Identifier: MIT */
/*
 * The `main` of each unit test, in place of Criterion's own.
 *
 *   test_map [OPTION...]              Criterion: each test in a process of its own
 *   test_map --in-place [EXCEPT...]   each in a fork of this process, except the named (map/small_runs)
 *
 * Criterion starts the program anew for each test; under valgrind that takes
 * a second each time, and a fork nothing. In place, a test that is to end by a
 * signal is left out, and one whose assertion fails is only named.
 */
#include <criterion/criterion.h>
#include <criterion/options.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The linker's names for the sections that Test and TestSuite write into; absent where there is no suite. */
extern struct criterion_test *__start_cr_tst[], *__stop_cr_tst[];
extern struct criterion_suite *__start_cr_sts[] __attribute__((weak)), *__stop_cr_sts[] __attribute__((weak));

static const struct criterion_test_extra_data *suite_of(const struct criterion_test *test) {
    for (struct criterion_suite **suite = __start_cr_sts; suite < __stop_cr_sts; suite++) {
        if (strcmp((*suite)->name, test->category) == 0)
            return (*suite)->data;
    }
    return NULL;
}

/*
 * Test makes each test a function that calls these three. Criterion's talk to
 * the process that started the test; in place there is none.
 */
static const struct criterion_test *in_place;

static void call_criterion(const char *name, void (*function)(void)) {
    void (*criterion)(void (*)(void)) = (void (*)(void (*)(void)))dlsym(RTLD_NEXT, name);
    criterion(function); /* setup and teardown take no argument, and do not see this one */
}

void criterion_internal_test_setup(void) {
    const struct criterion_test_extra_data *suite = in_place ? suite_of(in_place) : NULL;
    if (!in_place)
        call_criterion(__func__, NULL);
    else if (suite && suite->init)
        suite->init();
}

void criterion_internal_test_main(void (*function)(void)) {
    if (!in_place)
        call_criterion(__func__, function);
    else
        function();
}

void criterion_internal_test_teardown(void) {
    const struct criterion_test_extra_data *suite = in_place ? suite_of(in_place) : NULL;
    if (!in_place)
        call_criterion(__func__, NULL);
    else if (suite && suite->fini)
        suite->fini();
}

static bool run_in_place(const struct criterion_test *test) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        in_place = test;
        test->test();
        exit(0); /* and no way around what looks at the memory then */
    }
    int status = -1;
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static bool is_among(const struct criterion_test *test, int count, char **names) {
    char name[256];
    snprintf(name, sizeof name, "%s/%s", test->category, test->name);
    for (int index = 0; index < count; index++) {
        if (strcmp(names[index], name) == 0)
            return true;
    }
    return false;
}

static int run_all_in_place(int except_count, char **except) {
    int passed = 0, failed = 0;
    for (struct criterion_test **test = __start_cr_tst; test < __stop_cr_tst; test++) {
        if ((*test)->data->signal || is_among(*test, except_count, except))
            continue;
        bool good = run_in_place(*test);
        if (!good)
            printf("FAILED %s/%s\n", (*test)->category, (*test)->name);
        passed += good;
        failed += !good;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}

static int run_with_criterion(int count, char **arguments) {
    struct criterion_test_set *tests = criterion_initialize();
    int status = 0;
    if (criterion_handle_args(count, arguments, true))
        status = !criterion_run_all_tests(tests);
    criterion_finalize(tests);
    return status;
}

/* Visible, because Criterion looks for it by name, to put its own there in the processes that it starts. */
__attribute__((visibility("default"))) int main(int count, char **arguments) {
    if (count >= 2 && strcmp(arguments[1], "--in-place") == 0)
        return run_all_in_place(count - 2, arguments + 2);
    return run_with_criterion(count, arguments);
}
