#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the tables of utf8.c from what this Python knows of Unicode.

    unicode_table.py OUTPUT

Ranges of scalars, sorted, so that utf8.c can search them. Cased letters and
what stands between them are not in Python's library as such; we ask lower()
where it would write a final sigma, which is all they are needed for.
"""
import sys
import unicodedata

SCALARS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def ranges(holds):
    """First and last of each run of neighbours for which `holds`."""
    found = []
    for c in SCALARS:
        if holds(chr(c)):
            if found and found[-1][1] == c - 1:
                found[-1][1] = c
            else:
                found.append([c, c])
    return [f"{first}, {last}" for first, last in found]


def is_cased(c):
    return (c + "Σ").lower().endswith("ς")


def is_case_ignorable(c):
    return ("A" + c + "Σ").lower().endswith("ς") and not is_cased(c)


def case_ranges(mapped):
    """Range, step and difference where one scalar maps to one; letters in pairs have step 2."""
    found = []
    for c in SCALARS:
        text = mapped(chr(c))
        if len(text) != 1 or text == chr(c):
            continue
        delta = ord(text) - c
        if found and found[-1][3] == delta:
            first, last, step, _ = found[-1]
            gap = c - last
            if gap == step or (first == last and gap == 2):
                found[-1][1:3] = c, gap
                continue
        found.append([c, c, 1, delta])
    return [f"{{{first}, {last}}}, {step}, {delta}" for first, last, step, delta in found]


def case_specials(mapped):
    """Scalars that map to two or three."""
    texts = [(c, mapped(chr(c))) for c in SCALARS]
    return [f"{{{c}, {c}}}, {{{', '.join(str(ord(t)) for t in text)}}}" for c, text in texts if len(text) > 1]


def write_table(out, kind, name, rows):
    out.write(f"static const {kind} {name}[] = {{\n")
    for row in rows:
        out.write(f"    {{{row}}},\n")
    out.write("};\n")


def main():
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        out.write(f"/* Unicode {unicodedata.unidata_version}, written by unicode_table.py */\n")
        write_table(out, "ScalarRange", "alphanumeric_ranges", ranges(str.isalnum))
        write_table(out, "ScalarRange", "cased_ranges", ranges(is_cased))
        write_table(out, "ScalarRange", "case_ignorable_ranges", ranges(is_case_ignorable))
        write_table(out, "CaseRange", "upper_ranges", case_ranges(str.upper))
        write_table(out, "CaseRange", "lower_ranges", case_ranges(str.lower))
        write_table(out, "CaseSpecial", "upper_specials", case_specials(str.upper))
        write_table(out, "CaseSpecial", "lower_specials", case_specials(str.lower))


main()
