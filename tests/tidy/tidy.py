#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Tidy: reads the sources and fails where they break a rule of the house.

    floors      an include goes down or stays in its folder; it is written from the root
    listed      each .c, .h and library .seq is named in the meson.build of its folder
    calls       no function that overruns a buffer, and no jump past our cleanups
    licence     each source says its licence in its first lines
    data        no variable outlives a call: everything belongs to a VM (needs --build)
    exports     nothing can be called by name from outside the program: all functions are hidden (needs --build)
    notes       a TODO is a sentence: what is missing, and when it is due

Each rule is a function from a Tree to complaints (path, line, text);
test_tidy.py shows that each can fail.
"""
import argparse
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Two folders on one floor do not know each other.
FLOORS = {
    'vm/base': 1,
    'vm/value': 2, 'journal': 2,
    'vm/exec': 3,
    'vm/lang': 4, 'vm/actor': 4,
    'builtins': 5,
    'vm/embed': 6,
    'repl': 7,
}
# These may include everything, and what they build does not end up in the program.
ABOVE = ('tests', 'examples')

FORBIDDEN_CALLS = re.compile(r'(?<![\w.>])(sprintf|vsprintf|strcpy|strcat|stpcpy|gets|alloca|__builtin_alloca|'
                             r'_?setjmp|sigsetjmp|(?:sig)?longjmp)\s*\(')
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]*)"')
NOTE = re.compile(r'\b(?:TODO|FIXME)\b(.*)')
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)

# Variables that must be of the process, because the thing they are about is: path of the source, name, reason.
ALLOWED_DATA = [
]

# What the program exports: variables of the C library that it uses; the linker puts them there.
ALLOWED_EXPORTS = ['__environ', 'environ', 'stderr', 'stdin', 'stdout']


class Tree:
    """The files of a project. Generated, hidden and foreign ones are left out."""

    def __init__(self, root, build=None):
        self.root, self.build, self.paths = root, build, []
        for folder, folders, files in os.walk(root):
            inside = os.path.relpath(folder, root)
            folders[:] = [name for name in folders if not name.startswith('.') and name != '__pycache__'
                          and not (inside == '.' and name == 'build')
                          and not os.path.exists(os.path.join(folder, name, 'meson-private'))]
            self.paths += [os.path.normpath(os.path.join(inside, name)) for name in files]
        self.paths.sort()

    def read(self, path):
        with open(os.path.join(self.root, path), encoding='utf-8', errors='replace') as file:
            return file.read()

    def sources(self, *endings):
        return [path for path in self.paths if path.endswith(endings)]


def floor_folder(path):
    """The folder with a floor that holds `path`, or None."""
    folder = os.path.dirname(path)
    while folder and folder not in FLOORS:
        folder = os.path.dirname(folder)
    return folder or None


def without_comments(text):
    """The same lines with comments and strings blanked."""
    return COMMENT_OR_STRING.sub(lambda m: re.sub(r'[^\n]', ' ', m[0]), text)


def numbered(text):
    return enumerate(text.split('\n'), 1)


def floors(tree):
    for path in tree.sources('.c', '.h'):
        above = path.split('/')[0] in ABOVE
        home = floor_folder(path)
        if not home and not above:
            yield path, 1, 'lies in a folder without a floor'
            continue
        for number, line in numbered(tree.read(path)):
            match = INCLUDE.match(line)
            if not match:
                continue
            name = match[1]
            target = floor_folder(name)
            if above and name.startswith(ABOVE):
                continue
            if not target or '..' in name.split('/'):
                yield path, number, f'include "{name}" is not written from the root'
            elif not above and target != home and FLOORS[target] >= FLOORS[home]:
                way = 'up' if FLOORS[target] > FLOORS[home] else 'sideways'
                yield path, number, f'include "{name}" goes {way}: from floor {FLOORS[home]} to {FLOORS[target]}'


def listed(tree):
    for path in tree.sources('.c', '.h', '.seq'):
        if path.endswith('.seq') and not path.startswith('builtins/'):
            continue # golden tests and examples are found by their runner
        folder, name = os.path.split(path)
        build = os.path.join(folder, 'meson.build')
        names = re.findall(r"'([^']*)'", re.sub(r'#.*', '', tree.read(build))) if build in tree.paths else []
        stem = name[:-2] if path.startswith('tests/') else name # a list of tests names them without .c
        if name not in names and stem not in names:
            yield path, 1, f'is not named in {build}'


def calls(tree):
    for path in tree.sources('.c', '.h'):
        if path.startswith('tests/'):
            continue # they run under AddressSanitizer, on inputs of their own
        for number, line in numbered(without_comments(tree.read(path))):
            for match in FORBIDDEN_CALLS.finditer(line):
                yield path, number, f'{match[1]} is not used here'


def licence(tree):
    for path in tree.paths:
        wanted = (path.endswith(('.c', '.h', '.py', '.sh', 'meson.build', 'meson_options.txt')) or
                  os.path.basename(path) == 'Makefile' or
                  path.startswith('builtins/') and path.endswith('.seq'))
        if not wanted:
            with open(os.path.join(tree.root, path), 'rb') as file:
                wanted = file.read(2) == b'#!' and not path.endswith('.seq')
        if wanted and 'SPDX-License-Identifier: MIT' not in '\n'.join(tree.read(path).split('\n')[:3]):
            yield path, 1, 'has no SPDX-License-Identifier: MIT'


def writable_symbols(path):
    """Names of an object file's variables that can change."""
    output = subprocess.run(['objdump', '-t', path], check=True, capture_output=True, text=True).stdout
    for line in output.split('\n'):
        match = re.match(r'[0-9a-f]+ .{5}[^d][O ] (\S+)\s+[0-9a-f]+ (?:\.hidden )?(\S+)$', line)
        # .data.rel.ro is constant once the program is loaded: tables that hold addresses
        if match and re.match(r'\.(data|bss|tdata|tbss|lbss|ldata)(?!\.rel\.ro)|\*COM\*', match[1]):
            yield re.sub(r'\.\d+$', '', match[2]) # a static inside a function is name.number


def compiled(tree):
    """The sources with a floor, and the object file of each."""
    if not tree.build:
        return
    with open(os.path.join(tree.build, 'compile_commands.json'), encoding='utf-8') as file:
        commands = json.load(file)
    for command in commands:
        path = os.path.relpath(os.path.join(command['directory'], command['file']), os.path.realpath(tree.root))
        if floor_folder(path):
            yield path, os.path.join(command['directory'], command['output'])


def data(tree):
    for path, output in compiled(tree):
        for name in writable_symbols(output):
            if not any(allowed[:2] == (path, name) for allowed in ALLOWED_DATA):
                yield path, 1, f'variable {name} outlives a call; it belongs to a VM, or is const'


def exported_symbols(path, *options):
    """Names that the file defines for others to find."""
    output = subprocess.run(['objdump', *options, path], check=True, capture_output=True, text=True).stdout
    for line in output.split('\n'):
        match = re.match(r'[0-9a-f]+ (?:[gu!].|.w).{5} (\S+)\s+[0-9a-f]+ +(?:\(?[\w.]+\)? +)?(\S+)$', line)
        if match and match[1] != '*UND*' and '.hidden' not in line:
            yield match[2]


def exports(tree):
    for path, output in compiled(tree):
        for name in exported_symbols(output, '-t'):
            yield path, 1, f'{name} is not hidden'
    program = os.path.join(tree.build or '', 'repl/seqvm')
    for name in exported_symbols(program, '-T') if tree.build and os.path.exists(program) else ():
        if name not in ALLOWED_EXPORTS:
            yield 'repl/meson.build', 1, f'the program exports {name}'


def notes(tree):
    for path in tree.sources('.c', '.h', '.seq', '.py', '.sh', 'meson.build'):
        if path.startswith('tests/tidy/'):
            continue # they speak about it
        for number, line in numbered(tree.read(path)):
            match = NOTE.search(line)
            if match and len(re.findall(r'\w+', match[1])) < 4:
                yield path, number, 'a TODO says in a sentence what is missing and when it is due'


RULES = [floors, listed, calls, licence, data, exports, notes]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--root', default=ROOT)
    parser.add_argument('--build', help='a build folder without sanitizers, for the rules `data` and `exports`')
    parser.add_argument('--tap', action='store_true', help='print TAP')
    options = parser.parse_args()

    tree = Tree(os.path.realpath(options.root), options.build)
    rules = [rule for rule in RULES if rule != data or options.build]
    failed = 0
    if options.tap:
        print(f'1..{len(rules)}')
    for number, rule in enumerate(rules, 1):
        complaints = [f'{path}:{line}: {text}' for path, line, text in rule(tree)]
        failed += bool(complaints)
        if options.tap:
            print(f'{"not ok" if complaints else "ok"} {number} - {rule.__name__}')
        if complaints: # meson shows the stderr of what failed
            print(*complaints, sep='\n', file=sys.stderr if options.tap else sys.stdout)
    if not options.tap:
        print(f'{len(rules) - failed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
