#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Spec: reads the pages of spec/ beside the sources they describe, and fails
where one says what the other does not.

    opcodes     spec/bytecode.md has a row for each instruction, as opcodes.h has it
    fused       and one for each fused instruction, as fused.h has it
    limits      the numbers of spec/limits.md are those of the sources named beside them
    files       spec/architecture.md names each source file
    codes       spec/language.md names the codes of errors that vm/lang gives, and no others
    links       a link of a page leads to a file and heading that exist
    words       each word has a line of help, and a test that names it (needs --seqvm)
    examples    what a page shows as `seq` compiles (needs --seqvm)

Each rule is a function from a Tree to complaints (path, line, text);
test_spec.py shows that each can fail.
"""
import argparse
import os
import re
import subprocess
import sys

import tidy

ARCHITECTURE, BYTECODE, LANGUAGE, LIMITS = (f'spec/{name}.md' for name in ('architecture', 'bytecode', 'language', 'limits'))
OPCODES, FUSED = 'vm/exec/opcodes.h', 'vm/exec/fused.h'

OPCODE = re.compile(r'^OPCODE\((\w+),\s*(\w+),\s*(\w+),\s*(\w+),\s*(\w+),\s*"(.*)"\)$')
UNTESTED_FAMILIES = ('absent',) # no program can use what is not there
COMPARISONS = ('EQ', 'NE', 'LT', 'LE', 'GT', 'GE')
LINK = re.compile(r'\[[^\]]*\]\(([^)\s]+)\)')
CODE_BLOCK = re.compile(r'^```.*?^```', re.MULTILINE | re.DOTALL)


def rows(tree, path, heading):
    """The rows of all tables below the heading, up to the next one of its level: line number, and cells."""
    level, inside = heading.split(' ')[0], False
    for number, line in tidy.numbered(tree.read(path)):
        if line.startswith('#') and len(line.split(' ')[0]) <= len(level):
            inside = line == heading
        if inside and line.startswith('| `'):
            yield number, [cell.strip() for cell in line.strip().strip('|').split(' | ')]


def name_of(cell):
    return cell.strip().strip('`')


def compare(path, said, true, what):
    """Complaints about rows {name: (line, content)} of a page, and what the source {name: content} says."""
    for name, (line, content) in said.items():
        if name not in true:
            yield path, line, f'{what} {name} does not exist'
        elif content != true[name]:
            yield path, line, f'{what} {name} is {true[name]}, not {content}'
    for name in true:
        if name not in said:
            yield path, 1, f'{what} {name} is missing'


def collect(path, items, what):
    """Items (name, line, content) as a dictionary, and complaints about names that come twice."""
    found, twice = {}, []
    for name, line, content in items:
        if name in found:
            twice.append((path, line, f'{what} {name} is there twice'))
        found[name] = (line, content)
    return found, twice


def opcodes(tree):
    if BYTECODE not in tree.paths:
        return
    true = {}
    for line in tree.read(OPCODES).split('\n'):
        match = OPCODE.match(line)
        if match:
            true[match[1]] = tuple('' if cell == 'NONE' else cell.lower() if cell == 'VARIES' else cell
                                   for cell in match.groups()[1:])
    said, twice = collect(BYTECODE, ((name_of(cells[0]), line, tuple(cells[1:]))
                                     for line, cells in rows(tree, BYTECODE, '## Instructions')), 'instruction')
    yield from twice
    yield from compare(BYTECODE, said, true, 'instruction')


def expanded(name, sequence):
    """A row with * for a comparison stands for six."""
    if '*' not in name:
        return [(name, sequence)]
    return [(name.replace('*', op), sequence.replace('*', op)) for op in COMPARISONS]


def fused_rows(text):
    """(name, sequence) of fused.h; the macro of comparisons as rows with *."""
    text = tidy.without_comments(text).replace('\\\n', '\n')
    for name, sequence in re.findall(r'\bFUSED\(([\w#]+),\s*\d+,\s*([^)]*)\)', text):
        parts = ' '.join(part.strip()[len('OP_'):] for part in sequence.split(','))
        yield from expanded(name.replace('##op##', '*').replace('##op', '*').replace('op##', '*'), parts.replace('##op##', '*'))


def fused(tree):
    if BYTECODE not in tree.paths:
        return
    said, twice = collect(BYTECODE, ((name, line, sequence) for line, cells in rows(tree, BYTECODE, '## Fused instructions')
                                     for name, sequence in expanded(name_of(cells[0]), name_of(cells[1]))), 'fused instruction')
    yield from twice
    yield from compare(BYTECODE, said, dict(fused_rows(tree.read(FUSED))), 'fused instruction')


def constant(text, name):
    """The value of an enum constant or macro, or None."""
    match = re.search(rf'\b{name}\s*=\s*([^,}};/]+)', text) or re.search(rf'#define\s+{name}\s+(.+)', text)
    if not match:
        return None
    expression = re.sub(r'\(\s*\w*_t\s*\)', '', match[1].split('/*')[0]).strip()
    if not re.fullmatch(r'[\d\sxa-fA-F()*+<-]+', expression):
        return None
    return eval(expression, {'__builtins__': {}}) # digits and operators only


def limits(tree):
    if LIMITS not in tree.paths:
        return
    for number, cells in rows(tree, LIMITS, '# Limits'):
        name, said, path = name_of(cells[0]), cells[1], name_of(cells[2])
        true = constant(tree.read(path), name) if path in tree.paths else None
        if path not in tree.paths:
            yield LIMITS, number, f'there is no {path}'
        elif said.replace(',', '') != str(true):
            yield LIMITS, number, f'{name} of {path} is {true}, not {said}'


def files(tree):
    if ARCHITECTURE not in tree.paths:
        return
    folder, inside = None, {}
    for line in tree.read(ARCHITECTURE).split('\n'):
        heading = re.match(r'#+ `([\w/]+)/`', line)
        if line.startswith('#'):
            folder = heading[1] if heading else None
        if folder and line.startswith('|'):
            inside.setdefault(folder, set()).update(re.findall(r'`([\w.-]+)`', line.split('|')[1]))
    for path in tree.sources('.c', '.h'):
        folder, name = os.path.split(path)
        if not tidy.floor_folder(path):
            continue
        here = inside.get(folder, set())
        if name not in here and name[:-2] not in here:
            yield ARCHITECTURE, 1, f'{path} is not named in the table of {folder}/'
    for folder, names in inside.items():
        for name in names:
            path = f'{folder}/{name}'
            if not any(path + ending in tree.paths for ending in ('', '.c', '.h')):
                yield ARCHITECTURE, 1, f'there is no {path}'


def codes(tree):
    if LANGUAGE not in tree.paths:
        return
    code = r'[a-z]+(?:-[a-z0-9]+)+'
    true = {match for path in tree.sources('.c') if path.startswith('vm/lang/')
            for match in re.findall(rf'"({code})"', tree.read(path))}
    said, inside = set(), False
    for line in tree.read(LANGUAGE).split('\n'):
        if line.startswith('## '):
            inside = line == '## Errors'
        if inside and line.startswith('| '):
            said |= set(re.findall(rf'\b{code}\b', line))
    for name in sorted(true ^ said):
        yield LANGUAGE, 1, f'error code {name} ' + ('is missing' if name in true else 'does not exist')


def anchor(heading):
    text = re.sub(r'[^\w\s-]', '', heading.lstrip('#').strip().lower())
    return re.sub(r'\s', '-', text)


def pages(tree):
    return [path for path in tree.sources('.md') if path.startswith('spec/') or path.endswith('README.md')]


def links(tree):
    for path in pages(tree):
        text = CODE_BLOCK.sub(lambda m: re.sub(r'[^\n]', '', m[0]), tree.read(path))
        for number, line in tidy.numbered(text):
            for target in LINK.findall(line):
                if re.match(r'\w+:', target):
                    continue
                file, _, place = target.partition('#')
                wanted = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
                if not os.path.exists(os.path.join(tree.root, wanted)):
                    yield path, number, f'the link leads to {wanted}, which does not exist'
                elif place and place not in {anchor(line) for line in tree.read(wanted).split('\n') if line.startswith('#')}:
                    yield path, number, f'{wanted} has no heading #{place}'


def examples(tree, seqvm):
    for path in pages(tree):
        text = tree.read(path)
        for match in re.finditer(r'^```seq\n(.*?)^```', text, re.MULTILINE | re.DOTALL):
            run = subprocess.run([seqvm, 'check', '-'], input=match[1], capture_output=True, text=True, timeout=60)
            if run.returncode:
                yield path, text.count('\n', 0, match.start(1)) + 1, run.stderr.strip()


def tested_words(tree):
    """All that stands between blanks in programs and C strings of tests, comments left out."""
    found = set()
    for path in tree.paths:
        if path.startswith('tests/') and path.endswith('.seq'):
            found.update(re.sub(r'(?m)(^|\s)#.*$', '', tree.read(path)).split())
        elif path.startswith(('tests/unit/', 'tests/actor/', 'tests/cli/')):
            found.update(re.split(r'[\s"\'`]|\\n', tree.read(path)))
    return found


def words(tree, seqvm):
    tested, family = tested_words(tree), ''
    page = subprocess.run([seqvm, 'help', '--markdown'], check=True, capture_output=True, text=True, timeout=60).stdout
    for line in page.split('\n'):
        if line.startswith('## '):
            family = line[3:]
        match = re.match(r'- `(\S+)` `\(.*?\)`(.*)$', line)
        if not match or family in UNTESTED_FAMILIES:
            continue
        if not match[2].strip():
            yield 'builtins', 1, f'{match[1]} of {family} has no help'
        if match[1] not in tested:
            yield 'builtins', 1, f'{match[1]} of {family} has no test'


RULES = [opcodes, fused, limits, files, codes, links]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--root', default=tidy.ROOT)
    parser.add_argument('--seqvm', help='the program, for the rules `words` and `examples`')
    parser.add_argument('--tap', action='store_true', help='print TAP')
    options = parser.parse_args()

    tree = tidy.Tree(os.path.realpath(options.root))
    results = [(rule.__name__, list(rule(tree))) for rule in RULES]
    if options.seqvm:
        results.append(('words', list(words(tree, options.seqvm))))
        results.append(('examples', list(examples(tree, options.seqvm))))
    failed = 0
    if options.tap:
        print(f'1..{len(results)}')
    for number, (name, complaints) in enumerate(results, 1):
        failed += bool(complaints)
        if options.tap:
            print(f'{"not ok" if complaints else "ok"} {number} - {name}')
        for path, line, text in complaints: # meson shows the stderr of what failed
            print(f'{path}:{line}: {text}', file=sys.stderr if options.tap else sys.stdout)
    if not options.tap:
        print(f'{len(results) - failed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
