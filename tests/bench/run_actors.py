#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Times programs of actors, next to what the disk can do in the same run.

The peer of one asker is the plainest log there is: a record of 128 bytes
written over blocks that were written before, and fdatasync, one after the
other. Figures are the best of the rounds.
"""
import argparse
import os
import resource
import shutil
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = os.path.join(HERE, 'actors')


def log_rate(folder, count=400):
    """Records a second of the plain log."""
    path = os.path.join(folder, 'log')
    with open(path, 'wb') as file:
        file.write(bytes(128 * count))
        file.flush()
        os.fsync(file.fileno())
        started = time.monotonic()
        for number in range(count):
            os.pwrite(file.fileno(), b'x' * 128, 128 * number)
            os.fdatasync(file.fileno())
        seconds = time.monotonic() - started
    os.unlink(path)
    return count / seconds


def run(seqvm, folder, name, *arguments):
    """Seconds on the clock and of the processor."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([seqvm, '--store', os.path.join(folder, 'store'), os.path.join(PROGRAMS, name + '.seq'),
                    *map(str, arguments)], check=True, timeout=600, stdout=subprocess.DEVNULL)
    wall, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def best(options, folder, name, *arguments, keeps_store=False):
    times = []
    for _ in range(options.rounds):
        if not keeps_store:
            shutil.rmtree(os.path.join(folder, 'store'), ignore_errors=True)
        times.append(run(options.seqvm, folder, name, *arguments))
    return min(times)


def show(what, count, times, beside=''):
    wall, cpu = times
    print(f'{what:44} {wall:7.2f} s {cpu:7.2f} s cpu {count / wall:12,.0f}/s {beside}', flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seqvm', required=True)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--folder', help='where the stores are made: on the disk that is to be measured')
    options = parser.parse_args()
    options.seqvm = os.path.abspath(options.seqvm)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        rate = max(log_rate(folder) for _ in range(options.rounds))
        print(f'a plain log: {rate:,.0f} records/s, {1e6 / rate:.0f} us each')
        for askers, count in ((1, 1000), (100, 200000), (1000, 400000)):
            times = best(options, folder, 'asks', askers, count)
            beside = f'{count / times[0] / rate:.2f} x the plain log' if askers == 1 else ''
            show(f'{count:,} durable asks, {askers:,} at once', count, times, beside)
        for actors in (1, 100, 10000):
            show(f'1,000,000 sends to {actors:,} durable actors', 1000000,
                 best(options, folder, 'sends', actors, 1000000))
        best(options, folder, 'sends', 1, 1000000)
        shutil.rmtree(os.path.join(folder, 'store', 'snapshots'), ignore_errors=True)
        show('start: 1,000,000 records of one actor', 1000000, best(options, folder, 'replay', keeps_store=True))
        show('1,000,000 transient actors, one answer each', 1000000, best(options, folder, 'spawn'))
        show('1,000,000 round trips of two transient actors', 1000000, best(options, folder, 'ping'))


main()
