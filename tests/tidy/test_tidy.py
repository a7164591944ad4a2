#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows for each rule of tidy.py, on small made-up trees, that it can fail, and that it does not when it should not."""
import json
import os
import subprocess
import tempfile
import unittest

import tidy

SPDX = '/* SPDX-License-Identifier: MIT */\n'


class RuleTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='tidy-')
        self.addCleanup(folder.cleanup)
        self.root = os.path.realpath(folder.name)

    def complaints(self, rule, files, build=None):
        """What the rule says about a tree of these files, as (path, line)."""
        for path, text in files.items():
            place = os.path.join(self.root, path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, 'w', encoding='utf-8') as file:
                file.write(text)
        return [(path, line) for path, line, text in rule(tidy.Tree(self.root, build))]

    def refused(self, rule, path, text, line=1):
        self.assertEqual(self.complaints(rule, {path: text}), [(path, line)])

    def accepted(self, rule, path, text):
        self.assertEqual(self.complaints(rule, {path: text}), [])


class Floors(RuleTest):
    def test_down_and_within(self):
        self.accepted(tidy.floors, 'vm/exec/a.c',
                      '#include "vm/exec/b.h"\n#include "vm/value/v.h"\n#include "vm/base/c.h"\n#include <stdio.h>\n')

    def test_up(self):
        self.refused(tidy.floors, 'vm/base/a.c', '\n#include "vm/value/v.h"\n', 2)

    def test_sideways(self):
        self.refused(tidy.floors, 'journal/a.h', '#include "vm/value/v.h"\n')

    def test_not_from_the_root(self):
        self.refused(tidy.floors, 'vm/base/a.c', '#include "check.h"\n')

    def test_dots(self):
        self.refused(tidy.floors, 'vm/exec/a.c', '#include "vm/exec/../base/check.h"\n')

    def test_folder_without_floor(self):
        self.refused(tidy.floors, 'vm/other/a.c', '')

    def test_tests_see_all(self):
        self.accepted(tidy.floors, 'tests/unit/a.c', '#include "vm/lang/l.h"\n#include "repl/r.h"\n')

    def test_tests_write_from_the_root_too(self):
        self.refused(tidy.floors, 'tests/unit/a.c', '#include "helper.h"\n')


class Listed(RuleTest):
    def test_named(self):
        self.assertEqual(self.complaints(tidy.listed, {
            'vm/base/a.c': '', 'vm/base/meson.build': "sources += files('a.c')",
            'builtins/std/m.seq': '', 'builtins/std/meson.build': "x = files('m.seq')",
            'tests/unit/test_a.c': '', 'tests/unit/meson.build': "unit_tests = ['test_a']",
            'tests/golden/g.seq': '', 'examples/e.seq': ''}), [])

    def test_not_named(self):
        for path in ('vm/base/a.c', 'vm/base/b.h', 'builtins/std/m.seq', 'tests/unit/test_a.c'):
            self.refused(tidy.listed, path, '')
            os.remove(os.path.join(self.root, path))

    def test_named_elsewhere_or_in_a_comment(self):
        self.assertEqual(self.complaints(tidy.listed, {
            'vm/base/a.c': '', 'vm/base/meson.build': "# 'a.c'", 'vm/exec/meson.build': "files('a.c')"}),
            [('vm/base/a.c', 1)])


class Calls(RuleTest):
    def test_each(self):
        for name in ('sprintf', 'vsprintf', 'strcpy', 'strcat', 'gets', 'alloca', 'setjmp', 'longjmp', 'sigsetjmp'):
            self.refused(tidy.calls, 'repl/a.c', f'int x;\nvoid f(void) {{ {name} (x); }}\n', 2)

    def test_others(self):
        self.accepted(tidy.calls, 'repl/a.c',
                      '/* strcpy(a) */ // gets(b)\nchar *s = "alloca(c)"; f = map->gets(x); snprintf(x); fgets(y);\n')
        self.accepted(tidy.calls, 'tests/unit/a.c', 'sprintf(x);\n')


class Licence(RuleTest):
    def test_absent(self):
        for path in ('vm/a.c', 'vm/a.h', 'a.py', 'a.sh', 'meson.build', 'Makefile', 'builtins/std/a.seq'):
            self.refused(tidy.licence, path, 'x\n\n\n# SPDX-License-Identifier: MIT\n')
            os.remove(os.path.join(self.root, path))

    def test_script_without_an_ending(self):
        self.refused(tidy.licence, 'run', '#!/bin/sh\n')

    def test_there(self):
        self.accepted(tidy.licence, 'vm/a.c', SPDX)

    def test_not_needed(self):
        self.accepted(tidy.licence, 'README.md', 'x')


class Data(RuleTest):
    def variables(self, text):
        """What the rule says when vm/base/a.c with this text was compiled."""
        self.complaints(tidy.floors, {'vm/base/a.c': text})
        subprocess.run(['cc', '-fPIC', '-c', 'vm/base/a.c', '-o', 'a.o'], cwd=self.root, check=True)
        with open(os.path.join(self.root, 'compile_commands.json'), 'w', encoding='utf-8') as file:
            json.dump([{'directory': self.root, 'file': 'vm/base/a.c', 'output': 'a.o'}], file)
        return self.complaints(tidy.data, {}, self.root)

    def test_variables(self):
        for text in ('int a;', 'static int a = 1; int *f(void) { return &a; }', '_Thread_local int a;',
                     'int f(void) { static int a; return a++; }', 'const char *a = "x";'):
            self.assertEqual(self.variables(text), [('vm/base/a.c', 1)], text)

    def test_constants(self):
        self.assertEqual(self.variables('const int a = 1; const char *const b[] = {"x"}; int f(void) { int c = a; '
                                        'static const int d[] = {1}; return c + d[0]; }'), [])


class Exports(RuleTest):
    def compiled(self, text, *options):
        """What the rule says when vm/base/a.c with this text was compiled, and linked to a program."""
        self.complaints(tidy.floors, {'vm/base/a.c': text, 'repl/main.c': 'int main(void) { return 0; }\n'})
        subprocess.run(['cc', *options, '-fPIC', '-c', 'vm/base/a.c', '-o', 'a.o'], cwd=self.root, check=True)
        subprocess.run(['cc', '-rdynamic', 'repl/main.c', 'a.o', '-o', 'repl/seqvm'], cwd=self.root, check=True)
        with open(os.path.join(self.root, 'compile_commands.json'), 'w', encoding='utf-8') as file:
            json.dump([{'directory': self.root, 'file': 'vm/base/a.c', 'output': 'a.o'}], file)
        found = tidy.exports(tidy.Tree(self.root, self.root))
        return {text.split()[-1 if path == 'repl/meson.build' else 0] for path, line, text in found}

    def test_functions_and_variables(self):
        self.assertLessEqual({'f', 'a', 'w'}, self.compiled('int a = 1; void f(void) {} __attribute__((weak)) void w(void) {}'))

    def test_the_program(self):
        self.assertIn('main', self.compiled('')) # which -rdynamic lets out

    def test_hidden(self):
        said = self.compiled('extern int b; static int s; int a; int *f(void) { return &s; }', '-fvisibility=hidden')
        self.assertFalse(said & {'a', 'b', 's', 'f'}, said)


class Notes(RuleTest):
    def test_bare(self):
        self.refused(tidy.notes, 'vm/base/a.c', SPDX + '/* TODO */\n', 2)
        self.refused(tidy.notes, 'vm/base/a.c', '/* FIXME: slow */\n')

    def test_sentence(self):
        self.accepted(tidy.notes, 'vm/base/a.c', '/* TODO: read it in pieces once stores exceed memory. */\n')


if __name__ == '__main__':
    unittest.main()
