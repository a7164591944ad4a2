#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
run.py [--seqvm PATH] [--rounds N] [NAME...]: how fast programs run, beside
peers in the same run.

For each workload (NAME.seq) its peers are NAME.lua under lua5.4 and under
luajit -joff, NAME.fs under gforth-fast; those not installed are left out and
named. All run in turn, round after round, and must print the same. Shown is
the median of CPU seconds (user and system) net of what starting costs that
program, which `hello` measures, and for each peer the median over rounds of
its seconds divided by ours: above 1 we are faster. Quote the ratios; seconds
on a shared machine mean little.
"""
import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PEERS = [('lua5.4', ['lua5.4'], '.lua'), ('luajit -joff', ['luajit', '-joff'], '.lua'), ('gforth-fast', ['gforth-fast'], '.fs')]
TIMEOUT = 120


def once(command):
    """CPU seconds and output of one run."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f'{" ".join(command)} ended with {process.returncode}')
    return usage.ru_utime + usage.ru_stime, out.split()


def commands(name, seqvm):
    found = {'seqvm': [seqvm, str(HERE / f'{name}.seq')]}
    for peer, command, ending in PEERS:
        source = HERE / (name + ending)
        if source.exists() and shutil.which(command[0]):
            found[peer] = [*command, str(source)]
    return found


def measure(name, seqvm, rounds):
    """CPU seconds by program, a list over rounds; the first round only warms up."""
    seconds, wanted = {}, None
    for round_number in range(rounds + 1):
        for program, command in commands(name, seqvm).items():
            cpu, out = once(command)
            wanted = wanted or out
            if out != wanted:
                sys.exit(f'{name}: {program} printed {out}, not {wanted}')
            if round_number > 0:
                seconds.setdefault(program, []).append(cpu)
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[1])
    parser.add_argument('names', nargs='*')
    parser.add_argument('--seqvm', default=str(HERE.parent.parent / 'build/release/repl/seqvm'))
    parser.add_argument('--rounds', type=int, default=3)
    options = parser.parse_args()
    names = options.names or sorted(path.stem for path in HERE.glob('*.seq') if path.stem != 'hello')
    missing = [peer for peer, command, _ in PEERS if not shutil.which(command[0])]
    if missing:
        print(f'not installed, left out: {", ".join(missing)}')
    start = {program: statistics.median(cpu) for program, cpu in measure('hello', options.seqvm, options.rounds).items()}
    print('hello: ' + ', '.join(f'{program} {cpu * 1000:.1f} ms' for program, cpu in start.items()))
    for name in names:
        seconds = measure(name, options.seqvm, options.rounds)
        net = {program: [max(value - start[program], 1e-4) for value in values] for program, values in seconds.items()}
        line = f'{name:10}{statistics.median(net["seqvm"]):8.3f} s'
        for program in net:
            if program != 'seqvm':
                ratio = statistics.median(theirs / ours for theirs, ours in zip(net[program], net['seqvm']))
                line += f'   {program} {ratio:5.2f}x'
        print(line, flush=True)


main()
