#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
embed.py OUTPUT FILE...: turns the Seq modules into one C source, the array
`std_modules` of builtins/std.h. The compilers of stable distributions do not
have #embed yet.
"""
import os
import sys


def literal(line):
    """One line of a file as a C string literal."""
    text = ''
    for byte in line:
        char = chr(byte)
        if char in '"\\?': # a ? is escaped because of trigraphs
            text += '\\' + char
        elif 0x20 <= byte < 0x7f:
            text += char
        else:
            text += f'\\{byte:03o}'
    return f'     "{text}"'


def row(path):
    with open(path, 'rb') as file:
        data = file.read()
    name = os.path.basename(path).removesuffix('.seq')
    lines = [literal(line) for line in data.splitlines(keepends=True)] or ['     ""']
    return '\n'.join([f'    {{"{name}",', *lines, f'     , {len(data)}}},'])


def main():
    output, *paths = sys.argv[1:]
    rows = [row(path) for path in sorted(paths, key=os.path.basename)]
    with open(output, 'w', encoding='ascii') as file:
        print('/* Made by builtins/std/embed.py. */', '#include "builtins/std.h"', '',
              'const StdModule std_modules[] = {', *rows, '    {NULL, NULL, 0},', '};', sep='\n', file=file)


if __name__ == '__main__':
    main()
