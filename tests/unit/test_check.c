/* SPDX-License-Identifier: MIT */
#include "vm/base/check.h"

#include <criterion/criterion.h>
#include <signal.h>

Test(check, lets_the_truth_pass) {
    check(1 + 1 == 2);
}

Test(check, stops_the_process, .signal = SIGABRT) {
    check(1 + 1 == 3);
}
