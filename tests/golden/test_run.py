#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows that run.py sees each kind of difference. The program under test is a shell that runs the file's `# sh:` line."""
import argparse
import os
import tempfile
import unittest

import run

FAKE = """#!/bin/sh
[ "$1" = check ] && { echo "checked $2" >&2; exit 3; }
file=$1
shift
eval "$(sed -n 's/^# sh: //p' "$file")"
"""


class RunTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='golden-')
        self.addCleanup(folder.cleanup)
        self.seqvm = os.path.join(folder.name, 'seqvm')
        self.program = os.path.join(folder.name, 'program.seq')
        with open(self.seqvm, 'w', encoding='ascii') as file:
            file.write(FAKE)
        os.chmod(self.seqvm, 0o755)

    def found(self, shell, *comments, timeout=10):
        with open(self.program, 'w', encoding='latin-1') as file:
            file.write('\n'.join([f'# sh: {shell}', *comments, '']))
        limits = argparse.Namespace(timeout=timeout, memory=256, sanitized=False)
        return run.run_program(self.seqvm, self.program, limits)

    def test_lines(self):
        self.assertEqual(self.found('echo a; echo; echo "b  c"', ': main ( -- ) # expect: a', '# expect:',
                                    '  # expect: b  c'), [])
        self.assertIn('-b', self.found('echo a; echo c', '# expect: a', '# expect: b'))
        self.assertIn('+c', self.found('echo c'))
        self.assertIn('-a', self.found('true', '# expect: a'))

    def test_last_line_feed(self):
        self.assertIn('+a (without a line feed)', self.found('printf a', '# expect: a'))

    def test_bytes(self):
        self.assertEqual(self.found(r"printf '\303\240\205\n'", '# expect: \xc3\xa0\x85'), [])

    def test_exit(self):
        self.assertEqual(self.found('exit 3', '# expect-exit: 3'), [])
        self.assertEqual(self.found('kill -ABRT $$', '# expect-exit: 134'), [])
        self.assertEqual(self.found('exit 3'), ['exit status 3, expected 0'])

    def test_stderr(self):
        self.assertEqual(self.found('echo one two >&2', '# expect-stderr: one', '# expect-stderr: two'), [])
        self.assertIn('not in stderr: one', self.found('echo one two >&2', '# expect-stderr: two',
                                                       '# expect-stderr: one'))

    def test_sanitizer(self):
        self.assertIn('in stderr: runtime error:', self.found('echo x.c:1: runtime error: bad >&2'))

    def test_input(self):
        self.assertEqual(self.found('cat; echo "$2"', r'# stdin: a\n\x62', r'# stdin: \n', '# args: x "y z"',
                                    '# expect: a', '# expect: b', '# expect: y z'), [])

    def test_check(self):
        self.assertEqual(self.found('true', '# check:', '# expect-exit: 3', '# expect-stderr: checked'), [])

    def test_timeout(self):
        self.assertEqual(self.found('sleep 9', timeout=0.1), ['still running after 0.1 s'])

    def test_memory(self):
        self.assertIn('exit status 1, expected 0', self.found('python3 -c "bytes(1 << 30)" 2>/dev/null || exit 1'))

    def test_no_such_program(self):
        self.seqvm += 'x'
        self.assertNotEqual(self.found('true'), [])


if __name__ == '__main__':
    unittest.main()
