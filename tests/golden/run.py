#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Golden tests: runs Seq programs and compares what they print with what their
comments say.

    # expect: TEXT          the next line of stdout, exactly; alone on a line or behind code
    # expect-exit: N        the exit status; 0 when absent; death by signal S counts as 128 + S
    # expect-stderr: TEXT   occurs in stderr; several occur in this order
    # args: A B             arguments of the program, quoted as in a shell
    # stdin: TEXT           appended to stdin; knows \\n \\t \\r \\\\ \\xHH, adds no line feed of its own
    # check:                runs `seqvm check FILE` instead of `seqvm FILE`

Every tests/golden/**/*.seq is a test, except below folders named `include`;
so is every examples/**/*.seq that has an expect comment. Programs run at the
root of the project, named by their path from there, and find an empty folder
of their own in $TMPDIR. A report of a sanitizer always fails, and so does
an internal error. Time and memory are limited, so that a program that runs
away fails alone.
"""
import argparse
import concurrent.futures
import difflib
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMMENT = re.compile(r'(?:^|\s)#\s*(expect|expect-exit|expect-stderr|args|stdin|check):(?: (.*))?$', re.ASCII)
ESCAPE = re.compile(r'\\(?:n|t|r|\\|x[0-9a-fA-F]{2})')
NEVER = ('LeakSanitizer', 'AddressSanitizer', 'runtime error:', 'seqvm: internal error')


def unescape(text):
    named = {'\\n': '\n', '\\t': '\t', '\\r': '\r', '\\\\': '\\'}
    return ESCAPE.sub(lambda m: named.get(m[0]) or chr(int(m[0][2:], 16)), text)


class Expectation:
    """What the comments of one program say."""

    def __init__(self, path):
        self.stdout, self.stderr, self.stdin = [], [], ''
        self.exit, self.args, self.check, self.any = 0, [], False, False
        # latin-1 keeps every byte as it is, also where a program is no UTF-8
        with open(path, encoding='latin-1', newline='\n') as file:
            for line in file:
                match = COMMENT.search(line.rstrip('\n'))
                if match:
                    self.add(match[1], match[2] or '')

    def add(self, kind, text):
        self.any |= kind.startswith('expect')
        if kind == 'expect':
            self.stdout.append(text)
        elif kind == 'expect-exit':
            self.exit = int(text)
        elif kind == 'expect-stderr':
            self.stderr.append(text.strip(' \t'))
        elif kind == 'args':
            self.args += [word.encode('latin-1') for word in shlex.split(text)]
        elif kind == 'stdin':
            self.stdin += unescape(text)
        elif kind == 'check':
            self.check = True


class Run:
    """What one program did."""

    def __init__(self, command, stdin, folder, limits):
        self.timed_out = False
        # AddressSanitizer reserves terabytes of addresses; it has a limit of its own on what is used
        asan = f'soft_rss_limit_mb={limits.memory}:allocator_may_return_null=1:{os.environ.get("ASAN_OPTIONS", "")}'
        if not limits.sanitized: # set before the program starts, so that it cannot be ahead of its limit
            command = ['sh', '-c', f'ulimit -v {limits.memory << 10} && exec "$@"', 'sh', *command]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   cwd=ROOT, start_new_session=True,
                                   env={**os.environ, 'TMPDIR': folder, 'ASAN_OPTIONS': asan})
        try:
            out, err = process.communicate(stdin.encode('latin-1'), limits.timeout)
        except subprocess.TimeoutExpired:
            self.timed_out = True
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
        self.stdout, self.stderr = out.decode('latin-1'), err.decode('latin-1')
        self.exit = process.returncode if process.returncode >= 0 else 128 - process.returncode


def lines_of(text):
    lines = text.split('\n') # not splitlines(), which also splits at bytes of UTF-8 characters
    if not lines[-1]:
        return lines[:-1]
    return lines[:-1] + [lines[-1] + ' (without a line feed)']


def differences(expected, run, timeout):
    """Lines that say how `run` differs from what was expected; none when it does not."""
    found = []
    if run.timed_out:
        found.append(f'still running after {timeout} s')
    elif run.exit != expected.exit:
        found.append(f'exit status {run.exit}, expected {expected.exit}')

    if run.stdout != ''.join(line + '\n' for line in expected.stdout):
        found += difflib.unified_diff(expected.stdout, lines_of(run.stdout), 'expected', 'stdout', lineterm='')

    position = 0
    for text in expected.stderr:
        place = run.stderr.find(text, position)
        if place < 0:
            found.append(f'not in stderr: {text}')
        else:
            position = place + len(text)
    found += [f'in stderr: {text}' for text in NEVER if text in run.stderr]

    if found and run.stderr:
        lines = lines_of(run.stderr)
        found += ['--- stderr'] + lines[:40] + (['...'] if len(lines) > 40 else [])
    return found


def find_programs():
    """Paths from the root of all golden tests, sorted."""
    found = []
    for top in ('tests/golden', 'examples'):
        for folder, folders, files in os.walk(os.path.join(ROOT, top)):
            folders[:] = [name for name in folders if name != 'include']
            found += [os.path.join(folder, name) for name in files if name.endswith('.seq')]
    found = sorted(os.path.relpath(path, ROOT) for path in found)
    return [path for path in found if path.startswith('tests') or Expectation(os.path.join(ROOT, path)).any]


def run_program(seqvm, path, limits):
    try:
        expected = Expectation(os.path.join(ROOT, path))
        command = [seqvm, 'check', path] if expected.check else [seqvm, path, *expected.args]
        with tempfile.TemporaryDirectory(prefix='golden-') as folder:
            run = Run(command, expected.stdin, folder, limits)
        return differences(expected, run, limits.timeout)
    except (OSError, ValueError) as error:
        return [str(error)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seqvm', default='build/release/repl/seqvm', help='the program under test')
    parser.add_argument('--tap', action='store_true', help='print TAP')
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--timeout', type=float, default=20, help='seconds for each program')
    parser.add_argument('--memory', type=int, default=4096, help='MiB for each program')
    parser.add_argument('--sanitized', action='store_true', help='the program is built with AddressSanitizer')
    parser.add_argument('--skip', action='append', default=[], help='not the paths that contain this')
    parser.add_argument('filter', nargs='*', help='only paths that contain one of these')
    options = parser.parse_args()

    seqvm = os.path.abspath(options.seqvm)
    programs = [path for path in find_programs()
                if not options.filter or any(text in path for text in options.filter)]
    skipped = [path for path in programs if any(text in path for text in options.skip)]
    programs = [path for path in programs if path not in skipped]
    if options.tap:
        print(f'1..{len(programs) + len(skipped)}')
    if not programs:
        print('golden: no program matches', file=sys.stderr)
        return 1

    started, failed = time.monotonic(), 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = pool.map(lambda path: run_program(seqvm, path, options), programs)
        for number, (path, found) in enumerate(zip(programs, results), 1):
            failed += bool(found)
            if options.tap:
                print(f'{"not ok" if found else "ok"} {number} - {path}')
            if found: # meson shows the stderr of what failed
                print(f'FAILED {path}', *found, sep='\n    ', file=sys.stderr if options.tap else sys.stdout)
            sys.stdout.flush()
    for number, path in enumerate(skipped, len(programs) + 1):
        print(f'ok {number} - {path} # SKIP' if options.tap else f'skipped {path}')
    if not options.tap:
        print(f'{time.monotonic() - started:.1f} s')
        print(f'{len(programs) - failed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding='latin-1', errors='replace')
    sys.exit(main())
