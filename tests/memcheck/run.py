#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Memcheck: the unit tests and some golden programs under valgrind.

    tests/memcheck/run.py --build BUILD

It sees what AddressSanitizer does not: a value that was never written, in a
build as it is released. Fails on each error, and on memory that nothing
points to at the end. What a test tries at random is cut to a hundredth, and
tests that take long even so are left out: the sanitizers run them.
"""
import argparse
import concurrent.futures
import glob
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tests/golden'))
import run as golden # noqa: E402

# Over a tenth of a second without valgrind; with it, thirty times that.
SLOW = '''
codec/a_million_deep codec/counts_are_believed_once codec/damage_is_seen decimal/rounds_random_texts
diag/passes_no_control_character_on difference/a_million_deep difference/damage_is_seen difference/of_many_changes
index/a_file_cut_while_open_is_found index/a_file_of_another_size_is_refused index/a_merge_keeps_the_newest
index/each_wrong_bit_is_found index/each_wrong_bit_of_a_merged_run_is_found_or_harmless index/every_allocation_may_fail
index/every_call_may_fail index/finds_all_of_many_by_few_reads index/hashes_that_are_not_even_are_found_by_halving
index/holds_what_was_written index/reads_and_writes_may_come_in_pieces list/a_trie_grows_through_its_levels
list/behaves_like_an_array map/runs_with_collisions map/runs_with_sharing map/runs_without_sharing map/small_runs
map/survives_each_refusal mem/blocks_of_all_small_sizes_are_apart_and_aligned module/follows_a_long_chain
parser/survives_a_line_of_a_megabyte parser/survives_nesting_a_million_deep parser/survives_programs_with_pieces_changed
poller/waits_as_long_as_told store_reader/beside_a_writer store_reader/sees_what_is_not_spread
print/a_million_deep print/floats_read_back_and_are_shortest string/behaves_like_bytes
utf8/decodes_as_defined value/a_million_channels_in_channels_are_dropped value/a_million_closures_deep_is_freed
value/a_million_deep_is_compared_and_freed value/equal_means_made_alike
'''.split()

PROGRAMS = '''
aux/survives-waiting control/combinators-closures control/cond-in-quotations errors/many-errors errors/unclosed-string
forms/include lexical/strings main/standard-input quotations/closures std/json-parse std/son std/yaml-parse
strands/channels strands/exit-ends-all strands/weave-cancel strands/weave-generator sugar/in-quotations
tail-calls/in-arms traps/trace traps/deadlock unions/match-patterns values/maps values/value-semantics
'''.split()

ERROR = 99
# What "may be lost" is the room of threads that are still running.
VALGRIND = ['valgrind', '--quiet', f'--error-exitcode={ERROR}', '--leak-check=full', '--show-leak-kinds=definite,indirect',
            '--errors-for-leak-kinds=definite,indirect']


def unit_tests(build):
    return sorted(path for path in glob.glob(os.path.join(build, 'tests/*/test_*')) if os.path.isfile(path) and os.access(path, os.X_OK))


def run_unit(path, timeout):
    """(passed, failed) of the tests of one program, and what it said."""
    run = subprocess.run([*VALGRIND, path, '--in-place', *SLOW], capture_output=True, text=True, errors='replace',
                         timeout=timeout, env={**os.environ, 'COUNT_PERCENT': '1'})
    words = run.stdout.strip().rsplit('\n', 1)[-1].split()
    passed, failed = (int(words[0]), int(words[2])) if words[1::2] == ['passed,', 'failed'] else (0, 1)
    return passed, max(failed, int(run.returncode != 0)), run.stdout + run.stderr


def run_program(seqvm, path, options):
    expected = golden.Expectation(os.path.join(ROOT, path))
    with tempfile.TemporaryDirectory(prefix='memcheck-') as folder:
        run = golden.Run([*VALGRIND, seqvm, path, *expected.args], expected.stdin, folder, options)
    found = golden.differences(expected, run, options.timeout)
    return int(not found), int(bool(found)), '\n'.join(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', required=True, help='the folder of a build with tests and without sanitizers')
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--timeout', type=float, default=300, help='seconds for each program')
    options = parser.parse_args()
    options.sanitized, options.memory = True, 0 # valgrind takes addresses as it likes

    build = os.path.abspath(options.build)
    tasks = [(os.path.relpath(path, build), lambda path=path: run_unit(path, options.timeout)) for path in unit_tests(build)]
    tasks += [(path, lambda path=path: run_program(os.path.join(build, 'repl/seqvm'), path, options))
              for path in (f'tests/golden/{name}.seq' for name in PROGRAMS)]
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for (name, _), (good, bad, said) in zip(tasks, pool.map(lambda task: task[1](), tasks)):
            passed, failed = passed + good, failed + bad
            if bad:
                print(f'FAILED {name}', said, sep='\n', flush=True)
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
