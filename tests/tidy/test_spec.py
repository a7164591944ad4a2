#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows for each rule of spec.py, on small made-up trees, that it can fail, and that it does not when it should not."""
import os
import tempfile
import unittest

import spec
import tidy

OPCODES = 'OPCODE(DUP,   NONE, NONE, 1, 2, "( a -- a a )")\nOPCODE(CALL,  WORD, NONE, VARIES, 1, "Calls.")\n'
FUSED = ('#define PAIR(op) \\\n    FUSED(PUSH_##op, 2, OP_PUSH, OP_##op##_INT) \\\n    FUSED(op##_JUMP, 2, OP_##op##_INT, OP_JUMP)\n'
         'FUSED(DUP_MUL, 2, OP_DUP, OP_MUL) /* FUSED(NOT, 1, OP_THIS) */\n')


class RuleTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='spec-')
        self.addCleanup(folder.cleanup)
        self.root = os.path.realpath(folder.name)

    def complaints(self, rule, files):
        """The lines at which the rule complains about a tree of these files."""
        for path, text in files.items():
            place = os.path.join(self.root, path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, 'w', encoding='utf-8') as file:
                file.write(text)
        return [line for _, line, _ in rule(tidy.Tree(self.root))]


class Instructions(RuleTest):
    def said(self, *rows):
        page = '# Bytecode\n## Instructions\n' + '\n'.join(rows) + '\n## Other\n| `NOPE` | x |\n'
        return self.complaints(spec.opcodes, {spec.BYTECODE: page, spec.OPCODES: OPCODES})

    def test_all_there(self):
        self.assertEqual(self.said('| `DUP` |  |  | 1 | 2 | ( a -- a a ) |', '| `CALL` | WORD |  | varies | 1 | Calls. |'), [])

    def test_wrong(self):
        self.assertEqual(self.said('| `DUP` |  |  | 1 | 3 | ( a -- a a ) |', '| `CALL` | WORD |  | varies | 1 | Calls it. |'), [3, 4])

    def test_missing_unknown_twice(self):
        dup = '| `DUP` |  |  | 1 | 2 | ( a -- a a ) |'
        self.assertEqual(sorted(self.said(dup, dup, '| `DIP` |  |  | 1 | 2 | Dips. |')), [1, 4, 5])


class FusedInstructions(RuleTest):
    def said(self, *rows):
        page = '## Fused instructions\n' + '\n'.join(rows) + '\n'
        return self.complaints(spec.fused, {spec.BYTECODE: page, spec.FUSED: FUSED})

    def test_all_there(self):
        self.assertEqual(self.said('| `PUSH_*` | `PUSH *_INT` |', '| `*_JUMP` | `*_INT JUMP` |', '| `DUP_MUL` | `DUP MUL` |'), [])

    def test_wrong(self):
        self.assertEqual(self.said('| `PUSH_*` | `PUSH *_INT` |', '| `*_JUMP` | `*_INT JUMP` |', '| `DUP_MUL` | `MUL DUP` |'), [4])

    def test_missing(self):
        self.assertEqual(self.said('| `PUSH_*` | `PUSH *_INT` |', '| `*_JUMP` | `*_INT JUMP` |'), [1])


class Limits(RuleTest):
    SOURCE = ('enum { A_MAX = 2 * 1024, /* of a */ };\n#define B_MAX ((size_t)16 << 30)\nenum { C_MAX = 0xff };\n'
              '#define D_MAX (((size_t)1 << 3) - 1) /* 1 less */\n')

    def said(self, *rows):
        return self.complaints(spec.limits, {spec.LIMITS: '# Limits\n' + '\n'.join(rows), 'vm/a.h': self.SOURCE})

    def test_right(self):
        self.assertEqual(self.said('| `A_MAX` | 2,048 | `vm/a.h` | of a |', '| `B_MAX` | 17,179,869,184 | `vm/a.h` | of b |',
                                   '| `C_MAX` | 255 | `vm/a.h` | of c |', '| `D_MAX` | 7 | `vm/a.h` | of d |'), [])

    def test_wrong_unknown_elsewhere(self):
        self.assertEqual(self.said('| `A_MAX` | 2,000 | `vm/a.h` | of a |', '| `E_MAX` | 1 | `vm/a.h` | of e |',
                                   '| `A_MAX` | 2,048 | `vm/b.h` | of a |'), [2, 3, 4])


class Files(RuleTest):
    def said(self, table, **names):
        files = {f'vm/base/{name}': '' for name in names.get('base', ())}
        return self.complaints(spec.files, {spec.ARCHITECTURE: f'### `vm/base/`\n{table}\n', **files})

    def test_named(self):
        self.assertEqual(self.said('| `a` | both |\n| `b.h` | one |', base=('a.c', 'a.h', 'b.h')), [])

    def test_not_named(self):
        self.assertEqual(self.said('| `a` | both |', base=('a.c', 'b.c')), [1])

    def test_gone(self):
        self.assertEqual(self.said('| `a` | both |\n| `b.c` | one |', base=('a.c',)), [1])


class Codes(RuleTest):
    def said(self, row):
        return self.complaints(spec.codes, {'spec/language.md': f'## Errors\n{row}\n## More\n| x | a-code |\n',
                                            'vm/lang/a.c': 'report("bad-name", "Bad name: \'%s\'"); report("no-end", "x");'})

    def test_all_there(self):
        self.assertEqual(self.said('| names | bad-name, no-end |'), [])

    def test_missing_unknown(self):
        self.assertEqual(self.said('| names | bad-name, bad-end |'), [1, 1])


class Links(RuleTest):
    def said(self, text):
        return self.complaints(spec.links, {'spec/a.md': text, 'spec/b.md': '# B\n## Some heading\n'})

    def test_good(self):
        self.assertEqual(self.said('# A\n[b](b.md) [b](b.md#some-heading) [a](#a) [c](https://example.org/)\n```\n[x](y)\n```\n'), [])

    def test_bad(self):
        self.assertEqual(self.said('# A\n[b](c.md)\n[b](b.md#other)\n[a](#b)\n'), [2, 3, 4])


class Examples(RuleTest):
    def said(self, page):
        """With a compiler that knows the word `good`."""
        compiler = os.path.join(self.root, 'compiler')
        with open(compiler, 'w', encoding='utf-8') as file:
            file.write('#!/bin/sh\ngrep -q good\n')
        os.chmod(compiler, 0o755)
        return self.complaints(lambda tree: spec.examples(tree, compiler), {'spec/a.md': page})

    def test_each(self):
        self.assertEqual(self.said('# A\n```seq\ngood\n```\n```\nbad\n```\n```seq\nbad\n```\n'), [9])


class Words(RuleTest):
    def said(self, page, files):
        """What the rule says about these lines of help, as words."""
        program = os.path.join(self.root, 'seqvm')
        with open(program, 'w', encoding='utf-8') as file:
            file.write(f"#!/bin/sh\ncat <<'PAGE'\n{page}\nPAGE\n")
        os.chmod(program, 0o755)
        self.complaints(lambda tree: [], files)
        return [text.split(' ')[0] for path, line, text in spec.words(tidy.Tree(self.root), program)]

    def test_tested(self):
        self.assertEqual(self.said('## int\n- `a` `( -- )` Does a.\n- `b` `( -- )` Does b.', {
            'tests/golden/a.seq': ': main ( -- ) a ;\n', 'tests/unit/b.c': 'run("b\\n");'}), [])

    def test_not_tested(self):
        self.assertEqual(self.said('## int\n- `a` `( -- )` Does a.', {'tests/golden/a.seq': '1 # a\naa\n'}), ['a'])

    def test_no_help(self):
        self.assertEqual(self.said('## int\n- `a` `( -- )`', {'tests/golden/a.seq': 'a'}), ['a'])


if __name__ == '__main__':
    unittest.main()
