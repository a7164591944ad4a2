/* SPDX-License-Identifier: MIT */
/*
 * Test run: the tests of one file. The file is one program, and its tests
 * run in it one after another, in the order of their names. When a test ends
 * the program (a trap, os.exit), those behind it are lost and count as failed.
 */
#pragma once

#include "repl/script.h"

typedef enum TestOutcome { TEST_PASSED, TEST_FAILED, TEST_SKIPPED } TestOutcome;

typedef struct TestResult {
    const char *file;
    const char *name;
    TestOutcome outcome;
    int64_t duration_ns;
    const char *detail; /* lines that say why it failed or was skipped; "" when it passed */
} TestResult;

/* Told of each test as soon as it has ended. The result lives until this returns. */
typedef void TestTold(void *context, const TestResult *result);

typedef struct TestRun {
    const Invocation *invocation;
    const char *path;
    TestTold *told;
    void *told_context;
    Script script;
    Buffer output;        /* what test.finish prints, and other details */
    bool listens;         /* else what is printed is dropped at once */
    const char *ended_by; /* the test that ended the program, or NULL */
} TestRun;

/*
 * Runs the tests whose names contain --filter. EXIT_FINE, whatever they came to, also when there are none;
 * EXIT_REFUSED with the reasons in run->script.compilation.diags;
 * EXIT_FAILED after a complaint on stderr. To be ended in any case.
 */
int test_run_file(TestRun *run) MUST_CHECK;
void test_run_end(TestRun *run);
