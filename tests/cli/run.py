#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Tests of the command line: each function test_* below calls `seqvm` as people
and programs do, and says what must hold. Each finds an empty folder as its
current one.
"""
import argparse
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NEVER = ('LeakSanitizer', 'AddressSanitizer', 'runtime error:', 'internal error')
COLOR_VARIABLES = ('NO_COLOR', 'CLICOLOR_FORCE', 'CLICOLOR')
COMMANDS = ('run', 'check', 'test', 'disasm', 'journal', 'parked', 'help', 'completion', 'man', 'version')
HELLO = ': main ( -- ) "hello" io.write-line ;\n'


class Skipped(Exception):
    """This machine cannot run the test; says why."""


class Failed(Exception):
    pass


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f'exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}'

    def gives(self, code=None, out=None, err=None, out_has=(), err_has=()):
        """Complains unless all that is given holds; several texts occur in this order."""
        wrong = []
        if code is not None and code != self.code:
            wrong.append(f'exit {self.code}, not {code}')
        for name, is_text, wanted in (('stdout', self.out, out), ('stderr', self.err, err)):
            if wanted is not None and is_text != wanted:
                wrong.append(f'{name} is not {wanted!r}')
        for name, text, pieces in (('stdout', self.out, out_has), ('stderr', self.err, err_has)):
            position = 0
            for piece in [pieces] if isinstance(pieces, str) else pieces:
                position = text.find(piece, position)
                if position < 0:
                    wrong.append(f'{piece!r} is not in {name}')
                    break
                position += len(piece)
        if wrong:
            raise Failed('\n'.join(wrong) + f'\n{self!r}')
        return self

    def json_lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


class Cli:
    """What a test calls: the program, in a folder of its own."""

    def __init__(self, seqvm, folder):
        self.seqvm, self.folder = seqvm, folder

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return name

    def environment(self, changes):
        kept = {name: value for name, value in os.environ.items() if name not in COLOR_VARIABLES}
        return {**kept, 'TERM': 'xterm', **changes}

    def __call__(self, *args, stdin='', env=(), command=None, stdout=subprocess.PIPE):
        process = subprocess.run([*(command or [self.seqvm]), *args], input=stdin.encode(), stdout=stdout, timeout=60,
                                 stderr=subprocess.PIPE, cwd=self.folder, env=self.environment(dict(env)))
        result = Result(process.returncode, (process.stdout or b'').decode(), process.stderr.decode())
        if any(text in result.err for text in NEVER):
            raise Failed(repr(result))
        return result

    def on_terminal(self, *args, env=()):
        """The same with stderr on a terminal."""
        try:
            master, slave = pty.openpty()
        except OSError as error: # a bare chroot has no /dev/pts
            raise Skipped(f'no terminal can be opened: {error}') from error
        process = subprocess.Popen([self.seqvm, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=slave,
                                   cwd=self.folder, env=self.environment(dict(env)))
        os.close(slave)
        out, err = process.communicate(timeout=60)[0], b''
        try:
            while piece := os.read(master, 4096):
                err += piece
        except OSError: # how Linux says that the other end is closed
            pass
        os.close(master)
        return Result(process.returncode, out.decode(), err.decode())


def expect(condition, text):
    if not condition:
        raise Failed(text)


# --- running ---

def test_std_folders(seqvm):
    """A module is looked for in $SEQ_STDLIB, beside the program, and in the current folder, in this order."""
    def module(folder):
        seqvm.write(f'{folder}/mine.seq', f': where ( -- ) "{folder}" io.write-line ;')

    def run(code, out, **env):
        return seqvm('a.seq', command=['bin/seqvm'], env=env).gives(code, out)

    seqvm.write('a.seq', 'include std:mine : main ( -- ) where ;')
    seqvm.write('bin/empty', '')
    shutil.copy(seqvm.seqvm, os.path.join(seqvm.folder, 'bin/seqvm'))
    run(3, '')
    module('stdlib')
    run(0, 'stdlib\n').gives(err='')
    module('bin/stdlib')
    run(0, 'bin/stdlib\n')
    module('named')
    run(0, 'named\n', SEQ_STDLIB='named').gives(err='')
    run(0, 'bin/stdlib\n', SEQ_STDLIB='').gives(err='')
    run(0, 'bin/stdlib\n', SEQ_STDLIB='a.seq').gives(err='seqvm: warning: SEQ_STDLIB is no folder: a.seq\n')
    seqvm('version', env={'SEQ_STDLIB': 'a.seq'}).gives(0, err='')
    os.symlink('bin/seqvm', os.path.join(seqvm.folder, 'link'))
    seqvm('a.seq', command=['./link']).gives(0, 'bin/stdlib\n')


def test_run(seqvm):
    seqvm.write('hello.seq', HELLO)
    seqvm('hello.seq').gives(0, 'hello\n', '')
    seqvm('run', 'hello.seq').gives(0, 'hello\n', '')
    seqvm('run', './hello.seq').gives(0, 'hello\n', '')
    seqvm('--', 'hello.seq').gives(0, 'hello\n', '')


def test_run_any_name(seqvm):
    seqvm.write('program', HELLO)
    seqvm('run', 'program').gives(0, 'hello\n')
    seqvm('./program').gives(0, 'hello\n')
    seqvm('program').gives(2, '', err_has="./program")


def test_run_arguments(seqvm):
    seqvm.write('a.seq', ': main ( -- Int ) 0 args.at io.write-line 1 args.at io.write-line args.count ;')
    seqvm('a.seq', '--help', '-x', '--').gives(4, 'a.seq\n--help\n')
    seqvm('run', 'a.seq', '--json').gives(2, 'a.seq\n--json\n')
    seqvm('run', '--', 'a.seq', '--json').gives(2, 'a.seq\n--json\n')
    seqvm('--fuel', '1000', 'a.seq', '--fuel').gives(2, 'a.seq\n--fuel\n')


def test_run_exit_codes(seqvm):
    for left, code in (('0', 0), ('7', 7), ('259', 3), ('-1', 255), ('4294967305', 9)):
        seqvm('-e', f': main ( -- Int ) {left} ;').gives(code, '', '')
    seqvm('-e', '42 os.exit').gives(42, '', '')


def test_run_missing(seqvm):
    seqvm('missing.seq').gives(1, '', err_has=['seqvm: ', 'missing.seq', 'No such file'])
    os.mkdir(os.path.join(seqvm.folder, 'folder.seq'))
    seqvm('folder.seq').gives(1, '', err_has='folder.seq')


def test_run_refused(seqvm):
    seqvm.write('bad.seq', ': main ( -- ) "no" io.write-line oops eek ;')
    result = seqvm('bad.seq').gives(3, '', err_has=['bad.seq:1:34: error: ', 'oops', 'bad.seq:1:39: error: ', 'eek'])
    expect(result.err.endswith('\n2 errors\n'), repr(result))
    seqvm('-e', 'oops').gives(3, '', err_has='\n1 error\n')


def test_run_many_errors(seqvm):
    seqvm.write('bad.seq', ': main ( -- ) ' + ' '.join(f'x{i}' for i in range(30)) + ' ;')
    result = seqvm('bad.seq').gives(3, err_has="'x19'")
    expect("'x20'" not in result.err and result.err.endswith('30 errors; only the first 20 are shown\n'), repr(result))


def test_run_trap(seqvm):
    seqvm.write('trap.seq', ': deep ( -- )\n  -1 time.sleep-ms ;\n: main ( -- ) "before" io.write deep "no" io.write ;')
    trace = ['seqvm: time.sleep-ms: ', '\n  in deep (trap.seq:2)', '\n  in main (trap.seq:3)']
    seqvm('trap.seq').gives(134, 'before', err_has=trace)


def test_run_no_core(seqvm):
    """A trap ends the process by an exit code: no signal, no core file."""
    result = seqvm('-e', '-1 os.exit', command=['sh', '-c', 'ulimit -c unlimited; exec "$0" "$@"', seqvm.seqvm])
    result.gives(134)
    expect(os.listdir(seqvm.folder) == [], 'there are files')


def test_run_fuel(seqvm):
    seqvm('--fuel', '1000', '-e', ': main ( -- ) main ;').gives(134, '', err_has='out of fuel')


def test_run_memory(seqvm):
    program = ': grow ( String -- ) dup string.concat grow ; : main ( -- ) "0123456789" grow ;'
    seqvm('--memory', '64M', '-e', program).gives(134, '', err_has=['seqvm: ', 'out of memory'])
    seqvm('-m64M', '-e', HELLO).gives(0, 'hello\n')
    seqvm('--memory=64m', '-e', HELLO).gives(0, 'hello\n')
    seqvm('--memory', '1', '-e', HELLO).gives(1, '', err_has='seqvm: cannot start: --memory 1 is too little')


def test_run_memory_for_the_report(seqvm):
    # each was true once: nothing was left for the message, or a file without end was read until nothing was left
    program = ': f ( -- ) [ f ] strand.spawn drop f ; : main ( -- ) f ;'
    seqvm('--memory', '64M', '-e', program).gives(134, '', err_has=['out of memory\n', '  in f (-e:1)\n'])
    seqvm('--memory', '1G', '/dev/zero').gives(1, '', 'seqvm: cannot read /dev/zero: File too large\n')


def test_run_many_undefined(seqvm):
    # a name was looked for to suggest, also for errors that are not shown: quadratic
    words = ''.join(f': word-{n} ( -- ) a-{n} b-{n} c-{n} d-{n} ;\n' for n in range(20000))
    name = seqvm.write('undefined.seq', words + ': main ( -- ) ;\n')
    seqvm(name).gives(3, '', err_has='80000 errors; only the first 20 are shown')


def test_run_interrupted(seqvm):
    process = subprocess.Popen([seqvm.seqvm, '-e', '"on" io.write-line 60000 time.sleep-ms'], stdout=subprocess.PIPE,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    line = process.stdout.readline() # it runs
    process.send_signal(signal.SIGINT)
    process.stdout.close()
    code = process.wait(10)
    expect(line == b'on\n' and code in (130, -signal.SIGINT), f'{line} {code}') # a shell calls both 130


def test_run_broken_pipe(seqvm):
    """A program whose reader has gone ends, also when its parent ignores the signal."""
    program = ': say ( -- ) "y" io.write-line say ; : main ( -- ) say ;'
    process = subprocess.Popen([seqvm.seqvm, '-e', program], stdout=subprocess.PIPE, restore_signals=False)
    process.stdout.read(2)
    process.stdout.close()
    code = process.wait(20)
    expect(code == -signal.SIGPIPE, str(code))


def test_closed_doors(seqvm):
    """A file that is opened later does not get the number of a door that was closed, and with it what is printed."""
    def without(door, *args):
        return seqvm(*args, command=['sh', '-c', f'"$0" "$@" {door}', seqvm.seqvm])

    is_held = '"/proc/self/fd/{}" file.exists? [ ] [ 1 os.exit ] if "text" io.write'
    without('<&-', '-e', is_held.format(0)).gives(0, 'text', '')
    without('<&-', '-e', 'io.read-line [ "read" ] [ "nothing" ] if io.write drop').gives(0, 'nothing', '')
    without('<&-', '-').gives(1, '', 'seqvm: cannot read -: Bad file descriptor\n')
    without('>&-', '-e', is_held.format(1)).gives(0, '', '')
    without('>&-', 'version').gives(1, '', 'seqvm: cannot write: Bad file descriptor\n')
    without('2>&-', '-e', is_held.format(2)).gives(0, 'text', '')
    without('<&- >&- 2>&-', '-e', 'oops').gives(3, '', '')


def test_run_full_disk(seqvm):
    """What a program cannot write is its own affair."""
    with open('/dev/full', 'wb') as full:
        seqvm('-e', '"text" io.write-line', stdout=full).gives(0, err='')


def test_file_without_end(seqvm):
    """No more of it is read than a String can hold."""
    if os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') < 4 << 30:
        raise Skipped('it takes 1 GiB of memory')
    too_long = 'string too long (limit 1 GiB)'
    seqvm('-m', '2G', '-e', '"/dev/zero" file.slurp drop drop').gives(134, '', err_has='file.slurp: ' + too_long)
    seqvm('-m', '2G', '-e', '"/dev/zero" [ drop ] file.for-each-line drop').gives(134, '', err_has=too_long)


def test_code(seqvm):
    seqvm('-e', '"hi" io.write-line').gives(0, 'hi\n', '')
    seqvm('-e', '1 int->string io.write # no end').gives(0, '1', '')
    seqvm('-e', '[ "." io.write ] 3 swap times true [ "!" io.write ] when').gives(0, '...!', '')
    seqvm('--execute', 'args.count int->string io.write', 'a', '--b').gives(0, '3', '')
    seqvm('--execute=0 args.at io.write').gives(0, '-e', '')
    seqvm('run', '-e', '1 args.at io.write', 'run').gives(0, 'run', '')
    seqvm('-e', '1 args.at io.write', '--', '--help').gives(0, '--help', '')
    seqvm('-e', '1 2').gives(3, err_has=["-e:1:1: error: Word '-e': declared output", '    1 | 1 2\n      | ^\n'])
    seqvm('-e', '1 oops').gives(3, err_has=["-e:1:3: error: Undefined word 'oops' called in word '-e'",
                                            '    1 | 1 oops\n      |   ^^^^\n'])
    seqvm('-e', '1\ndrop "a" f.abs').gives(3, err_has=['-e:2:10: error: f.abs: ', '    2 | drop "a" f.abs\n'])
    seqvm('-e', ';').gives(3, err_has=["-e:1:2: error: Expected ':' to start", '    1 | ;\n      |  ^\n'])
    seqvm('-e', '1', '-e', '2').gives(2, '', err_has='--execute is given once')
    seqvm('-e').gives(2, '', err_has='--execute takes CODE')


def test_code_includes(seqvm):
    seqvm.write('two.seq', ': two ( -- Int ) 2 ;')
    seqvm('-e', 'include "two" : main ( -- Int ) two ;').gives(2, '', '')


def test_stdin(seqvm):
    seqvm('-', stdin=HELLO).gives(0, 'hello\n', '')
    seqvm('run', '-', 'a', 'b', stdin=': main ( -- Int ) args.count ;').gives(3, '', '')
    seqvm('-', stdin='\n: main ( -- ) oops ;').gives(3, err_has='<stdin>:2:15: error: ')
    seqvm('-', stdin='').gives(3, err_has='main')


def test_shebang(seqvm):
    seqvm.write('bin/script', '#!/usr/bin/env seqvm\n: main ( -- ) 1 args.at io.write-line ;\n')
    os.chmod(os.path.join(seqvm.folder, 'bin/script'), 0o755)
    os.symlink(seqvm.seqvm, os.path.join(seqvm.folder, 'bin/seqvm'))
    path = os.path.join(seqvm.folder, 'bin') + ':' + os.environ['PATH']
    seqvm('a b', command=['bin/script'], env={'PATH': path}).gives(0, 'a b\n', '')
    seqvm('--help', command=['sh', '-c', 'exec script "$@"', 'sh'], env={'PATH': path}).gives(0, '--help\n', '')


def test_relative_includes(seqvm):
    seqvm.write('lib/deep/one.seq', 'include "../two" : one ( -- Int ) two ;')
    seqvm.write('lib/two.seq', ': two ( -- Int ) 2 ;')
    seqvm.write('main.seq', 'include "lib/deep/one" : main ( -- Int ) one ;')
    seqvm('main.seq').gives(2)
    seqvm(os.path.join(seqvm.folder, 'main.seq')).gives(2)


def test_environment(seqvm):
    program = '"SEQVM_TEST" os.getenv drop io.write'
    seqvm('-e', program, env={'SEQVM_TEST': 'seen'}).gives(0, 'seen')


# --- check ---

def test_check(seqvm):
    seqvm.write('library.seq', ': one ( -- Int ) 1 ;')
    seqvm.write('bad.seq', ': a ( -- ) oops ;')
    seqvm.write('worse.seq', ': b ( -- Int ) ;\n: c ( -- ) eek ;')
    seqvm('check', 'library.seq').gives(0, 'library.seq: ok\n', '')
    seqvm('check', 'bad.seq', 'library.seq', 'worse.seq').gives(
        3, 'library.seq: ok\n', err_has=['bad.seq:1:12', '1 error', 'worse.seq:1:', 'worse.seq:2:', '2 errors'])
    seqvm('check', 'missing.seq', 'library.seq').gives(1, 'library.seq: ok\n', err_has='missing.seq')
    seqvm('check', '-', stdin=HELLO).gives(0, '<stdin>: ok\n', '')
    seqvm('check').gives(2, '', err_has=['seqvm: check: ', 'usage: seqvm check'])


def test_check_json(seqvm):
    seqvm.write('bad.seq', ': a ( -- ) oops ;\n: b ( -- ) "é\\n" string.nope ;')
    result = seqvm('check', '--json', 'bad.seq').gives(3, err='')
    first, second = result.json_lines()
    expect(first['file'] == 'bad.seq' and first['line'] == 1 and first['column'] == 12 and first['end_column'] == 16,
           repr(first))
    expect(first['severity'] == 'error' and first['code'] == 'undefined-word', repr(first))
    expect('oops' in first['message'], repr(first))
    expect(second['line'] == 2 and second['column'] == 18, repr(second))
    gone, = seqvm('check', '--json', 'gone.seq').gives(1, err='').json_lines()
    expect((gone['file'], gone['code'], gone['severity']) == ('gone.seq', 'unreadable', 'error'), repr(gone))
    expect('No such file' in gone['message'], repr(gone))
    seqvm.write('good.seq', HELLO)
    seqvm('check', 'good.seq', '--json').gives(0, '', '')


def test_control_characters_are_shown(seqvm):
    """Of names, texts and arguments, wherever they come up: nothing that a terminal acts on or that reorders text."""
    for mark, shown in (('\x1b', r'\u{1b}'), ('\x7f', r'\u{7f}'), ('\x9b', r'\u{9b}'), ('\u202e', r'\u{202e}')):
        def hides(*args, **gives):
            result = seqvm(*args).gives(**gives)
            expect(mark not in result.err + result.out, repr(result))

        seqvm.write('test-a.seq', f': test-a{mark} ( -- ) "{mark}" "" test.assert-eq-str "m{mark}" test.fail ;\n'
                                  f': test-b{mark} ( Int -- ) drop ;')
        hides('test', 'test-a.seq', code=4, out_has=[f'test-a{shown} ... FAILED', f'test-b{shown} ... skipped', f'm{shown}'])
        hides('disasm', 'test-a.seq', code=0, out_has=f'test-a{shown} (')
        hides('check', f'no{mark}ne.seq', code=1, err=f'seqvm: cannot read no{shown}ne.seq: No such file or directory\n')
        hides('help', mark, code=2, err_has=f"nothing is known about '{shown}'")
        hides(f'--{mark}', code=2, err_has=f"unknown option '--{shown}'")
        hides(mark, code=2, err_has=f"unknown command '{shown}'")
        seqvm.write(f'test-{mark}.seq', ': test-c ( -- ) oops ;')
        hides('test', f'test-{mark}.seq', code=3, out_has=f'test-{shown}.seq:1', err_has=f'test-{shown}.seq')
        os.remove(os.path.join(seqvm.folder, f'test-{mark}.seq'))


def test_check_hides_control_characters(seqvm):
    seqvm.write('\x1b[2J.seq', ': a ( -- ) \x1b[31moops ;')
    result = seqvm('check', '\x1b[2J.seq').gives(3)
    expect('\x1b' not in result.err + result.out, repr(result))
    result = seqvm('check', '--json', '\x1b[2J.seq').gives(3)
    expect('\x1b' not in result.out and result.json_lines()[0]['file'] == '\x1b[2J.seq', repr(result))
    result = seqvm('check', '\x1b[2J').gives(1)
    expect('\x1b' not in result.err, repr(result))


# --- test ---

PASSING = ': test-one ( -- ) 1 1 test.assert-eq ;\n'
FAILING = ': test-two ( -- )\n  1 2 test.assert-eq ;\n: test-one ( -- ) true test.assert ;\n'


def test_test(seqvm):
    seqvm.write('test-a.seq', PASSING)
    seqvm('test', 'test-a.seq').gives(0, '''
Running tests in test-a.seq...
  test-one ... ok

========================================
Results: 1 passed, 0 failed
''', '')


def test_test_failures(seqvm):
    seqvm.write('test-a.seq', FAILING)
    seqvm('test', 'test-a.seq').gives(4, '''
Running tests in test-a.seq...
  test-one ... ok
  test-two ... FAILED

========================================
Results: 1 passed, 1 failed

TEST FAILURES:

test-a.seq::test-two
  test-two ... FAILED
    at line 2: expected 2, got 1

''', '')


def test_test_loud(seqvm):
    """What a test prints takes no memory, however much it is."""
    seqvm.write('test-a.seq', ': say ( String Int -- )'
                              ' dup 0 i.= [ drop drop ] [ >aux dup io.write aux> 1 i.- say ] if ;\n'
                              ': grow ( String Int -- String )'
                              ' dup 0 i.= [ drop ] [ >aux dup string.concat aux> 1 i.- grow ] if ;\n'
                              ': test-loud ( -- ) "x" 16 grow 150 say "x" 24 grow string.length 16777216 test.assert-eq ;\n')
    seqvm('test', '-m', '32M').gives(0, out_has='1 passed, 0 failed')


def test_test_many_failures(seqvm):
    seqvm.write('test-a.seq', ': test-one ( -- ) ' + '"why" test.fail ' * 7 + ';')
    lines = '  test-one ... FAILED\n' + '    why\n' * 5 + '    +2 more failures\n'
    seqvm('test', 'test-a.seq').gives(4, out_has=lines)


def test_test_details_of_strings(seqvm):
    seqvm.write('test-a.seq', ': test-one ( -- ) "out" io.write-line "a\\n" "ab" test.assert-eq-str ;')
    seqvm('test', 'test-a.seq').gives(4, out_has='''
  test-one ... FAILED
    at line 1: assertion failed: strings not equal
      expected (2 bytes): "ab"
      actual   (2 bytes): "a\\n"
      first differ at byte 1
''')


def test_test_skipped(seqvm):
    seqvm.write('test-a.seq', PASSING + ': test-row ( ..a -- ..a ) ; : test-odd ( Int\n -- Int ) ; : no-test ( -- ) ;')
    seqvm('test').gives(0, out_has=['  test-odd ... skipped: its effect is ( Int -- Int )', '  test-one ... ok\n',
                                    '  test-row ... ok\n', 'Results: 2 passed, 0 failed\n'])


def test_test_folders(seqvm):
    seqvm.write('test-b.seq', PASSING)
    seqvm.write('deep/er/test-a.seq', PASSING)
    seqvm.write('.hidden/test-h.seq', PASSING)
    seqvm.write('other.seq', 'oops')
    seqvm.write('test-main.seq', PASSING + ': main ( -- ) oops ;')
    seqvm.write('test-include.seq', 'include "deep/helper" : test-help ( -- ) two 2 test.assert-eq ;')
    seqvm.write('deep/helper.seq', ': two ( -- Int ) 2 ; : test-foreign ( -- ) ;')
    os.symlink('.', os.path.join(seqvm.folder, 'deep/circle'))
    files = ['deep/er/test-a.seq', 'test-b.seq', 'test-include.seq']
    result = seqvm('test').gives(0, out_has=[f'Running tests in ./{name}' for name in files])
    expect(result.out.count('Running') == 3 and 'foreign' not in result.out, repr(result))
    seqvm('test', 'deep').gives(0, out_has='Running tests in deep/er/test-a.seq')
    seqvm('test', 'deep', 'deep/er/test-a.seq').gives(0, out_has='Results: 1 passed')


def test_test_none(seqvm):
    seqvm('test').gives(2, '', err_has='No tests found')
    seqvm.write('test-a.seq', PASSING)
    seqvm('test', '--filter', 'nothing').gives(2, '', "seqvm: No tests found with 'nothing' in their name\n")
    seqvm('test', 'missing').gives(2, '', err_has='missing')
    seqvm.write('a.seq', PASSING)
    seqvm('test', 'a.seq').gives(2, '', err_has='Test files must be named test-*.seq. Got: a.seq')


def test_test_options(seqvm):
    seqvm.write('test-a.seq', FAILING)
    seqvm('test', '-f', 'one').gives(0, out_has='Results: 1 passed, 0 failed')
    seqvm('test', '--filter=two').gives(4, out_has='Results: 0 passed, 1 failed')
    seqvm('test', '-vfone').gives(0, out_has=['  test-one ... ok (', 'ms)\n'])


def test_test_ended_by_a_trap(seqvm):
    seqvm.write('test-a.seq', ': test-a ( -- ) ;\n: test-b ( -- ) -1 time.sleep-ms ;\n: test-c ( -- ) ;')
    seqvm.write('test-b.seq', PASSING)
    seqvm('test').gives(4, out_has=['test-a ... ok', 'test-b ... FAILED', 'test-c ... FAILED', 'test-one ... ok',
                                    'Results: 2 passed, 2 failed', '::test-b\n  test-b ... FAILED\n    time.sleep-ms: ',
                                    '::test-c'])


def test_test_ended_by_exit(seqvm):
    seqvm.write('test-a.seq', ': test-a ( -- ) 0 os.exit ;\n: test-b ( -- ) ;')
    seqvm('test').gives(4, out_has=['Results: 0 passed, 2 failed', 'os.exit'])


def test_test_fuel(seqvm):
    seqvm.write('test-a.seq', ': test-a ( -- ) test-a ;')
    seqvm('test', '--fuel', '1000').gives(4, out_has='out of fuel')


def test_test_strands(seqvm):
    """A test has ended when its strands have."""
    seqvm.write('test-a.seq', ': test-a ( -- ) [ chan.yield 1 2 test.assert-eq ] strand.spawn drop ;\n'
                ': test-b ( -- ) chan.make chan.receive drop drop ;')
    seqvm('test').gives(4, out_has=['test-a ... FAILED', 'test-b ... FAILED', 'expected 2, got 1', 'deadlock'])


def test_test_refused(seqvm):
    seqvm.write('test-a.seq', ': test-a ( -- ) oops ;')
    seqvm.write('test-b.seq', FAILING)
    seqvm('test').gives(3, out_has=['Results: 1 passed, 1 failed, 1 failed to compile\n', 'COMPILATION FAILURES:\n\n',
                                    './test-a.seq:\n  ./test-a.seq:1:17: error: ', 'oops'],
                        err_has='Failed to process ./test-a.seq: 1 error')
    seqvm('test', '-f', 'one').gives(0, err='')


def test_test_json(seqvm):
    seqvm.write('test-a.seq', FAILING + ': test-odd ( Int -- ) drop ;')
    seqvm.write('test-b.seq', ': test-b ( -- ) oops ;')
    lines = seqvm('test', '--json').gives(3, err='').json_lines()
    outcomes = {line['test']: line['outcome'] for line in lines if 'outcome' in line}
    expect(outcomes == {'test-one': 'passed', 'test-two': 'failed', 'test-odd': 'skipped'}, repr(lines))
    expect(lines[2]['detail'] == 'at line 2: expected 2, got 1\n' and lines[2]['file'] == './test-a.seq', repr(lines))
    expect(lines[3]['code'] == 'undefined-word', repr(lines))
    expect(lines[4] == {'passed': 1, 'failed': 1, 'skipped': 1, 'refused': 1}, repr(lines))


# --- disasm ---

def test_disasm(seqvm):
    seqvm.write('a.seq', 'include std:imath : twice ( Int -- Int ) 2 i.* ;\n'
                ': main ( -- ) list.make [ twice ] list.map drop ;')
    seqvm('disasm', 'a.seq').gives(0, out_has=['twice ( 1 -- 1 )', 'MUL_INT', 'main ( 0 -- 0 )', 'list.map',
                                              'main [quotation]'], err='')
    result = seqvm('disasm', 'a.seq', 'twice').gives(0, out_has='MUL_INT')
    expect('main' not in result.out, repr(result))
    seqvm('disasm', 'a.seq', 'square').gives(0, out_has='square')
    seqvm('disasm', 'a.seq', 'nope').gives(2, '', err_has="no word 'nope'")
    seqvm('disasm', 'missing.seq').gives(1, '')
    seqvm('disasm', '-', stdin='oops').gives(3, '')
    seqvm('disasm', 'a.seq', 'b', 'c').gives(2, '', err_has='usage: seqvm disasm')


# --- help ---

def test_help(seqvm):
    page = seqvm('--help').gives(0, err='').out
    for option in ('-h', 'help'):
        seqvm(option).gives(0, page, '')
    for command in COMMANDS:
        expect(re.search(fr'^  {command}\b', page, re.M), f'{command} is not in\n{page}')
        text = seqvm(command, '--help').gives(0, out_has=f'seqvm {command}', err='').out
        seqvm('help', command).gives(0, out_has=text, err='')
        seqvm('--help', command).gives(0, text, '')
    for page in (page, seqvm('help', 'run').out):
        expect(max(map(len, page.split('\n'))) <= 80, page)


def test_help_forms(seqvm):
    """What is no word but syntax is explained, too."""
    seqvm('help', 'match').gives(0, out_has='match VARIANT -> BODY ... end\n    Takes a value of a union', err='')
    for form in (':', ';', 'include', 'union', 'end', '[', ']', '#'):
        seqvm('help', form).gives(0, err='')
    for form in ('', ' ', '[ ]', 'matc', 'atch'):
        seqvm('help', form).gives(2, out='')


def test_help_words(seqvm):
    seqvm('help', 'list.map').gives(0, out_has=['list.map ( ', 'Family: list'], err='')
    seqvm('help', 'dup').gives(0, out_has='dup ( ..a T -- ..a T T )')
    seqvm('help', 'times').gives(0, out_has=['times ( Int', 'std:loops'])
    seqvm('help', 'std:loops').gives(0, out_has=['std:loops', 'times ( Int', 'each-integer'])
    seqvm('help', 'loops').gives(0, out_has='times')
    seqvm('help', 'float').gives(0, out_has=['f.+', 'f.sqrt'])
    seqvm('help', 'words').gives(0, out_has=['stack\n    dup', 'std:zipper\n'])
    seqvm('help', 'lst.map').gives(2, '', err_has='list.map')
    seqvm('help', 'lenght').gives(2, '', err_has='list.length')
    seqvm('help', 'chekc').gives(2, '', err_has='check')
    seqvm('help', 'qqqqqqqq').gives(2, '', err_has='seqvm help words')


def test_help_markdown(seqvm):
    text = seqvm('help', '--markdown').gives(0, err='').out
    with open(os.path.join(ROOT, 'spec/words.md'), encoding='utf-8') as file:
        expect(file.read() == text, 'spec/words.md is old; make it anew: seqvm help --markdown > spec/words.md')


# --- completion, manual, version ---

def test_completion(seqvm):
    for shell in ('bash', 'zsh', 'fish'):
        script = seqvm('completion', shell).gives(0, err='').out
        for name in COMMANDS + ('json', 'filter', 'always'):
            expect(name in script, f'{name} is not completed in {shell}')
        if shutil.which(shell):
            seqvm.write('script', script)
            seqvm('-n', 'script', command=[shell]).gives(0, '', '')
    seqvm('completion', 'tcsh').gives(2, '', err_has='bash')
    seqvm('completion').gives(2, '')


def test_completion_in_bash(seqvm):
    seqvm.write('script', seqvm('completion', 'bash').out)
    seqvm.write('one.seq', '')
    seqvm.write('one.txt', '')
    seqvm.write('folder/x', '')

    def complete(*words):
        line = ' '.join(f"'{word}'" for word in words)
        code = f'. ./script; COMP_WORDS=(seqvm {line}); COMP_CWORD={len(words)}; _seqvm; echo "${{COMPREPLY[@]}}"'
        return set(seqvm('-c', code, command=['bash', '--norc']).gives(0, err='').out.split())

    expect(complete('ch') == {'check'}, complete('ch'))
    expect(complete('') == {*COMMANDS, 'one.seq', 'folder'}, complete(''))
    expect(complete('check', '') == {'one.seq', 'folder'}, complete('check', ''))
    expect(complete('check', '--j') == {'--json'}, complete('check', '--j'))
    expect(complete('test', '--color', '') == {'auto', 'always', 'never'}, complete('test', '--color', ''))
    expect(complete('help', 'zi') == {'zipper'}, complete('help', 'zi'))
    expect(complete('one.seq', 'one.t') == {'one.txt'}, complete('one.seq', 'one.t'))


def test_man(seqvm):
    parts = ['.TH SEQVM 1', '.SH NAME\nseqvm \\- ', '.SH SYNOPSIS', '.SH DESCRIPTION', '.SH OPTIONS', '.SH COMMANDS',
             '.SH EXIT STATUS', '.SH ENVIRONMENT', '.SH EXAMPLES']
    page = seqvm('man').gives(0, out_has=parts, err='').out
    for command in COMMANDS:
        expect(re.search(fr'^\.SS {command}\b', page, re.M), command)
    for line in page.split('\n'):
        expect(not re.match(r"[.'](?!\\\"|TH|SH|SS|TP|PP|B |br)", line), f'no request: {line}')
    seqvm.write('seqvm.1', page)
    if shutil.which('mandoc'):
        seqvm('-T', 'lint', '-W', 'error', 'seqvm.1', command=['mandoc']).gives(0)
    if shutil.which('groff'):
        seqvm('-man', '-ww', '-z', 'seqvm.1', command=['groff']).gives(0, err='')


def test_version(seqvm):
    text = seqvm('version').gives(0, err='').out
    expect(re.fullmatch(r'seqvm \d+\.\d+\.\d+\nxxhash \d+\.\d+\.\d+\nzstd \d+\.\d+\.\d+\n', text), text)
    seqvm('--version').gives(0, text)
    seqvm('-V').gives(0, text)
    value, = seqvm('version', '--json').gives(0).json_lines()
    expect(f'seqvm {value["seqvm"]}\nxxhash {value["xxhash"]}\nzstd {value["zstd"]}\n' == text, repr(value))
    seqvm('--version', '--json').gives(0, json.dumps(value, separators=(',', ':')) + '\n')


# --- journals ---

ACCOUNT = r"""
union Cmd { Deposit { amount: Int } Note { text: String } Pay { to: String amount: Int } Balance Break }

: balance ( Map -- Map Int ) dup "balance" map.get [ ] [ drop 0 ] if ;
: account ( Map Cmd -- Map )
  match
    Deposit { >amount } -> swap balance rot i.+ "balance" swap map.set
    Note { >text } -> "note" swap map.set
    Pay { >to >amount } -> "paid\n" io.write Make-Deposit actor-send
    Balance -> balance actor-reply
    Break -> -1 time.sleep-ms
  end
;
: deposits ( String Int -- )
  dup 0 i.= [ drop drop ] [ over 1 Make-Deposit actor-send 1 i.- deposits ] if ;
: forever ( -- ) "account/live" Make-Balance actor-ask drop "account/live" 1 Make-Deposit actor-send 1 time.sleep-ms forever ;
: main ( -- )
  "account" [ account ] actor-register
  1 args.at dup "deposit" string.equal? [ drop 2 args.at 3 args.at string->int drop deposits ] [
  dup "note" string.equal? [ drop 2 args.at 3 args.at file.slurp drop Make-Note actor-send ] [
  dup "pay" string.equal? [ drop 2 args.at 3 args.at 7 Make-Pay actor-send ] [
  dup "break" string.equal? [ drop 2 args.at Make-Break actor-send ] [
  drop forever
  ] if ] if ] if ] if
;
"""


def account(seqvm, *args, code=0):
    """Runs the program above on the store `s`."""
    seqvm.write('account.seq', ACCOUNT)
    return seqvm('--store', 's', 'account.seq', *args).gives(code)


def look(seqvm, *args, code=0, **wanted):
    return seqvm(*args, '--store', 's').gives(code, **wanted)


def look_json(seqvm, *args, code=0):
    return seqvm(*args, '--store', 's', '--json').gives(code).json_lines()


def files_of(folder):
    """Names, contents and times of a folder's files."""
    found = {}
    for path, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(path, name), 'rb') as file:
                found[os.path.join(path, name)] = (file.read(), os.stat(file.fileno()).st_mtime_ns)
    return found


def test_journal(seqvm):
    account(seqvm, 'deposit', 'account/b', '2')
    account(seqvm, 'pay', 'account/a', 'account/b')
    account(seqvm, 'break', 'account/b')
    before = files_of(os.path.join(seqvm.folder, 's'))
    time = r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z'

    rows = look_json(seqvm, 'journal', 'ls')
    expect([row['address'] for row in rows] == ['account/a', 'account/b'], rows)
    out = look(seqvm, 'journal', 'ls', err='').out
    expect(re.fullmatch(r' +records +bytes +last +address\n' + ''.join(
        f" +{row['records']} +{row['bytes']}  {row['time']}  {row['address']}\n" for row in rows), out), out)

    # whether a message had a record of its own before its turn depends on when groups were sealed
    out = re.sub('of record [0-9]+ ', '', look(seqvm, 'journal', 'dump', 'account/a', err='').out)
    expect(re.match(rf'1 {time} born kind "account" behavior "account" code [0-9a-f]{{16}} state map-of\n', out), out)
    expect(re.search(rf'\n\d {time} turn 1 from outside :Pay "account/b" 7 wrap-2; printed "paid\\n"; '
                     r'sent "account/b" :Deposit 7 wrap-1\n$', out), out)
    records = look_json(seqvm, 'journal', 'dump', 'account/b')
    expect([record['sequence'] for record in records] == list(range(1, rows[1]['records'] + 1)), records)
    born, first, second, paid, fate = (record for record in records if record['type'] != 'message')
    expect((born['type'], born['kind'], born['state']) == ('born', 'account', 'map-of'), born)
    expect(first['changes'] == [{'path': ['"balance"'], 'old': None, 'new': '1'}] and first['from'] is None, first)
    expect((paid['turn'], paid['from'], paid['message']) == (3, 'account/a', ':Deposit 7 wrap-1'), paid)
    expect(fate['outcome'] == 'parked' and fate['message'] == ':Break wrap-0' and 'sleep' in fate['reason'], fate)
    options = ('--from', str(second['sequence']), f'--to={paid["sequence"]}')
    out = look(seqvm, 'journal', 'dump', 'account/b', *options, err='').out
    expect(re.match(rf'\d {time} turn 2 .*from outside :Deposit 1 wrap-1; changed "balance" 1 -> 2\n', out), out)
    expect(re.search(rf'\d {time} turn 3 .*from "account/a" turn 1 :Deposit 7 wrap-1; changed "balance" 2 -> 9\n$', out), out)

    number = fate['sequence']
    out = look(seqvm, 'journal', 'inspect', 'account/b', err='').out
    expect(re.match(rf'account/b: turn 3, record {number}, {time}\nmap-of\n  "balance" 9 kv\n'
                    rf'parked: 1\n  {number} {time} from outside :Break wrap-0; ', out), out)
    states = [look_json(seqvm, 'journal', 'inspect', 'account/b', f'@{turn}')[0] for turn in range(4)]
    expect([state['state'] for state in states] ==
           ['map-of'] + [f'map-of "balance" {balance} kv' for balance in (1, 2, 9)], states)
    look(seqvm, 'journal', 'inspect', 'account/b', '@4', code=1, out='', err='seqvm: account/b has 3 turns\n')

    count = sum(row['records'] for row in rows)
    stat, = look_json(seqvm, 'journal', 'stat')
    expect((stat['actors'], stat['records'], stat['actors_parked'], stat['format']) == (2, count, 1, 1), stat)
    look(seqvm, 'journal', 'stat', out_has=['2  actors\n', f'{count}  records\n', '1  actors with parked messages\n'])
    out = look(seqvm, 'journal', 'verify', err='').out
    expect(re.fullmatch(rf'2 actors, {count} records, \d+ bytes: no damage\n', out), out)
    expect(look_json(seqvm, 'journal', 'verify')[0]['damaged'] == 0, 'damage')

    out = look(seqvm, 'parked', 'ls').out
    expect(re.fullmatch(rf'"account/b" {number} {time} from outside :Break wrap-0; ".*sleep.*"\n', out), out)
    look(seqvm, 'parked', 'show', 'account/b', str(number), out_has=[':Break wrap-0; ', 'in account (account.seq:'])
    shown, = look_json(seqvm, 'parked', 'show', 'account/b', str(number))
    expect('account.seq:' in shown['trace'] and look_json(seqvm, 'parked', 'ls')[0]['parked'] == shown, shown)
    look(seqvm, 'parked', 'show', 'account/b', '1', code=1, err_has='has no parked message 1')
    expect(files_of(os.path.join(seqvm.folder, 's')) == before, 'looking has changed the store')


def test_journal_usage(seqvm):
    for command in ('ls', 'stat', 'verify'):
        seqvm('journal', command).gives(1, '', 'seqvm: actors: there is no store\n')
    seqvm('journal', 'ls', env={'SEQVM_STORE': 'elsewhere'}).gives(1, '', err_has='elsewhere: there is no store')
    expect(os.listdir(seqvm.folder) == [], 'looking has made something')
    account(seqvm, 'deposit', 'account/a', '1')
    look(seqvm, 'journal', 'dump', 'account/b', code=1, out='', err="seqvm: there is no actor 'account/b' in s\n")
    look(seqvm, 'journal', 'inspect', 'account/b\x1b', code=1, out='', err_has='u{1b}')
    look(seqvm, 'journal', 'inspect', 'account/a', '1', code=2, err_has='@NUMBER')
    look(seqvm, 'journal', 'dump', code=2, err_has='ADDRESS')
    look(seqvm, 'journal', 'dump', 'account/a', '--from', '0', code=2, err_has='--from')
    look(seqvm, 'parked', 'show', 'account/a', 'x', code=2)
    seqvm('journal').gives(2, '', err_has=['which', 'journal ls', 'journal verify'])
    seqvm('journal', 'dmp').gives(2, '', err_has="did you mean 'journal dump'?")
    seqvm('journal', '--help').gives(0, seqvm('help', 'journal').out)
    seqvm('journal', 'dump', '--help').gives(0, seqvm('help', 'journal', 'dump').gives(0, out_has='--from RECORD').out)
    os.mkdir(os.path.join(seqvm.folder, 'empty'))
    seqvm('journal', 'verify', '--store', 'empty').gives(1, '', 'seqvm: empty: there is no store\n')


def test_journal_controls(seqvm):
    """Whatever is in a message or an address, a terminal gets none of it."""
    bidi = '\u202e\u2066\ufeff\u0085\U000e0041'
    with open(os.path.join(seqvm.folder, 'bytes'), 'wb') as file:
        file.write(bytes(range(256)) + bidi.encode())
    address = 'account/\u202e x'
    account(seqvm, 'note', address, 'bytes')
    account(seqvm, 'break', address)
    parked = str(look_json(seqvm, 'parked', 'ls')[0]['parked']['sequence'])
    for command in (('journal', 'ls'), ('journal', 'dump', address), ('journal', 'inspect', address),
                    ('journal', 'inspect', address, '@1'), ('journal', 'verify'), ('parked', 'ls'),
                    ('parked', 'show', address, parked)):
        for form in ((), ('--json',)):
            out = seqvm(*command, '--store', 's', *form).gives(0, err='').out
            wrong = [hex(ord(each)) for each in out if each != '\n' and (ord(each) < 32 or 127 <= ord(each) < 160 or each in bidi)]
            expect(not wrong, f'{command} {form}: {wrong}')
            if form:
                for line in out.splitlines():
                    json.loads(line)
    out = seqvm('journal', 'dump', address, '--store', 's').out
    expect(len(out.splitlines()) == int(parked) and '\\u{202e}' in out and '\\u0000\\u0001' in out, out)
    rows = look_json(seqvm, 'journal', 'ls')
    expect(rows[0]['address'] == address, rows)
    message = next(record for record in look_json(seqvm, 'journal', 'dump', address) if record['type'] == 'turn')['message']
    expect('\u202e\u2066\ufeff' in message, message)


def test_journal_damage(seqvm):
    """One byte is wrong: that actor is named, and all others are as they were."""
    for name in 'abcde':
        account(seqvm, 'deposit', f'account/{name}', '3')
    account(seqvm, 'break', 'account/c')
    path = os.path.join(seqvm.folder, 's/packs', os.listdir(os.path.join(seqvm.folder, 's/packs'))[0])
    with open(path, 'rb') as file:
        whole = file.read()
    found = set()
    for offset in range(64, len(whole), 101):
        with open(path, 'wb') as file:
            file.write(whole[:offset] + bytes([whole[offset] ^ 0x10]) + whole[offset + 1:])
        *damages, totals = look_json(seqvm, 'journal', 'verify', code=5)
        expect(len(damages) == 1 and totals['damaged'] == 1 and totals['actors'] == 5, f'{offset}: {damages} {totals}')
        expect('packs/' in damages[0]['damage'] and 'offset' in damages[0]['damage'], damages)
        damaged = damages[0]['address']
        found.add(damaged)
        look(seqvm, 'journal', 'verify', code=5, out_has=[f'{damaged}: packs/', '1 damaged\n'])
        look(seqvm, 'journal', 'dump', damaged, code=5, err_has=f'seqvm: {damaged}: packs/')
        look(seqvm, 'journal', 'inspect', damaged, code=5, out='')
        other = 'account/a' if damaged != 'account/a' else 'account/b'
        look(seqvm, 'journal', 'inspect', other, out_has='"balance" 3')
        expect(len(look(seqvm, 'journal', 'ls', code=None).out.splitlines()) == 6, 'an actor is missing')
    expect(found == {f'account/{name}' for name in 'abcde'}, found)
    # and the program runs: the last damage is that of account/c, of which a message is parked
    expect(damaged == 'account/c', damaged)
    account(seqvm, 'deposit', 'account/a', '1')


def test_journal_damaged_files(seqvm):
    account(seqvm, 'deposit', 'account/a', '3')
    folder = os.path.join(seqvm.folder, 's')
    shutil.copytree(folder, folder + '.whole')
    for name in ('STORE', 'log', 'index', 'packs'):
        path = os.path.join(folder, name)
        if os.path.isdir(path):
            path = os.path.join(path, os.listdir(path)[0])
        for change in ('remove', 'empty', 'flip'):
            with open(path, 'rb') as file:
                whole = file.read()
            if change == 'remove':
                os.remove(path)
            else:
                with open(path, 'wb') as file:
                    file.write(b'' if change == 'empty' else bytes(each ^ 1 for each in whole[:200]) + whole[200:])
            result = look(seqvm, 'journal', 'verify', code=5)
            expect(result.out or result.err.startswith('seqvm: s: '), f'{name} {change} {result}')
            with open(path, 'wb') as file:
                file.write(whole)
    look(seqvm, 'journal', 'verify', out_has='no damage')


def test_journal_asks(seqvm):
    """An actor that asks another: each has in its journal what it did, and the turn is there once."""
    seqvm.write('asks.seq', """
: asker ( Map String -- Map ) "other/b" swap actor-ask "answer" swap map.set ;
: other ( Map String -- Map ) "!" string.concat actor-reply ;
: main ( -- )
  "asker" [ asker ] actor-register
  "other" [ other ] actor-register
  "asker/a" "hello" actor-send
;
""")
    seqvm('--store', 's', 'asks.seq').gives(0, err='')
    born, *before, turn = look_json(seqvm, 'journal', 'dump', 'asker/a')
    asking, = (record for record in before if record['type'] == 'asking')
    expect((asking['address'], asking['request'], asking['turn']) == ('other/b', '"hello"', 1), asking)
    expect(turn['changes'] == [{'path': ['"answer"'], 'old': None, 'new': '"hello!"'}], turn)
    look(seqvm, 'journal', 'dump', 'asker/a', out_has=' asking in turn 1 from outside "hello"; asked "other/b" "hello", until 2')
    look(seqvm, 'journal', 'verify', out_has='no damage')
    state, = look_json(seqvm, 'journal', 'inspect', 'asker/a')
    expect(state['turn'] == 1 and state['asks'] == 0 and not state['waiting'], state)


def test_journal_snapshot(seqvm):
    """A snapshot that is not what was written is told of; the actor lives on without it."""
    account(seqvm, 'deposit', 'account/a', '3000')
    path, = [path for path in files_of(os.path.join(seqvm.folder, 's/snapshots'))]
    look(seqvm, 'journal', 'verify', out_has='no damage')
    expect(look_json(seqvm, 'journal', 'stat')[0]['snapshot_files'] == 1, 'stat')
    with open(path, 'r+b') as file:
        file.seek(150)
        byte = file.read(1)[0]
        file.seek(150)
        file.write(bytes([byte ^ 1]))
    out = look(seqvm, 'journal', 'verify', code=5).out
    expect(re.match(r'account/a: the snapshot of record \d+ is damaged\n1 actors, .* 1 damaged\n', out), out)
    look(seqvm, 'journal', 'inspect', 'account/a', out_has='"balance" 3000 kv')
    account(seqvm, 'deposit', 'account/a', '1')
    look(seqvm, 'journal', 'inspect', 'account/a', out_has='"balance" 3001 kv')


def test_journal_live(seqvm):
    """Looking while the owner is at work, and after it was killed."""
    seqvm.write('account.seq', ACCOUNT)
    with subprocess.Popen([seqvm.seqvm, '--store', 's', 'account.seq', 'forever'], cwd=seqvm.folder,
                          stdout=subprocess.PIPE) as owner:
        while not os.path.exists(os.path.join(seqvm.folder, 's/STORE')) or seqvm('journal', 'ls', '--store', 's').code or \
                not look_json(seqvm, 'journal', 'ls'):
            expect(owner.poll() is None, 'the owner has ended')
        turns = [0]
        for _ in range(50):
            state, = look_json(seqvm, 'journal', 'inspect', 'account/live')
            expect(state['state'] == f'map-of "balance" {state["turn"]} kv', state)
            turns.append(state['turn'])
            look(seqvm, 'journal', 'verify', out_has='no damage', err='')
            look(seqvm, 'journal', 'dump', 'account/live', '--to', '3', out_has='turn 1', err='')
            look(seqvm, 'journal', 'stat', out_has='1  actors\n', err='')
        expect(turns == sorted(turns) and turns[-1] > turns[1], turns)
        owner.kill()
    before = files_of(os.path.join(seqvm.folder, 's'))
    state, = look_json(seqvm, 'journal', 'inspect', 'account/live')
    expect(state['turn'] >= turns[-1], f'{state} {turns[-1]}')
    look(seqvm, 'journal', 'verify', out_has='no damage')
    expect(files_of(os.path.join(seqvm.folder, 's')) == before, 'looking has changed the store')


def test_journal_interrupted(seqvm):
    account(seqvm, 'deposit', 'account/a', '100000')
    process = subprocess.Popen([seqvm.seqvm, 'journal', 'verify', '--store', 's'], cwd=seqvm.folder, stdout=subprocess.PIPE,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    process.send_signal(signal.SIGINT)
    out = process.communicate(timeout=60)[0].decode()
    expect(process.returncode in (130, -signal.SIGINT) or 'no damage' in out, f'{process.returncode} {out}')


# --- usage ---

def test_usage(seqvm):
    seqvm().gives(2, '', err_has=['usage: seqvm', *COMMANDS])
    seqvm('chekc').gives(2, '', err_has=["unknown command 'chekc'; did you mean 'check'?", 'usage: '])
    seqvm('nonsense').gives(2, '', err_has="unknown command 'nonsense'\n")
    seqvm('--colour=no', 'man').gives(2, '', err_has=["unknown option '--colour'; did you mean '--color'?", 'usage'])
    seqvm('check', '--jsn', 'a.seq').gives(2, '', err_has=["did you mean '--json'?", 'usage: seqvm check'])
    seqvm('check', '-x', 'a.seq').gives(2, '', err_has="unknown option '-x'")
    seqvm('check', '--fuel', '1', 'a.seq').gives(2, '', err_has='check takes no option --fuel')
    seqvm('--json', 'run', 'a.seq').gives(2, '', err_has='run takes no option --json')
    seqvm('run').gives(2, '', err_has='usage: seqvm run [OPTION...] FILE')
    seqvm('man', 'page').gives(2, '', err_has='too many')
    seqvm('test', '--filter').gives(2, '', err_has='--filter takes TEXT')
    seqvm('version', '--json=yes').gives(2, '', err_has='--json takes no value')


def test_usage_of_values(seqvm):
    for value in ('', '0', 'x', '-1', '5Q', '1MM', '32G', '99999999999999999999', '18446744073709551615K'):
        seqvm(f'--memory={value}', '-e', HELLO).gives(2, '', err_has='--memory takes')
    for value in ('', '0', '-1', '1k', '9223372036854775808'):
        seqvm(f'--fuel={value}', '-e', HELLO).gives(2, '', err_has='--fuel takes')
    seqvm('--color=red', '-e', HELLO).gives(2, '', err_has='--color takes auto, always or never')


def test_output_that_cannot_be_written(seqvm):
    with open('/dev/full', 'wb') as full:
        for arguments in (['man'], ['--help'], ['help', 'words'], ['completion', 'zsh'], ['version']):
            seqvm(*arguments, stdout=full).gives(1, err_has='seqvm: cannot write: No space left')


# --- colors ---

def has_color(result):
    return '\x1b[' in result.err


def test_color(seqvm):
    """--color, then NO_COLOR, then CLICOLOR_FORCE, then whether there is a terminal that can."""
    cases = [
        # terminal  environment                                    --color    colored
        (False, {}, None, False),
        (False, {}, 'always', True),
        (False, {'CLICOLOR_FORCE': '1'}, None, True),
        (False, {'CLICOLOR_FORCE': '0'}, None, False),
        (False, {'CLICOLOR_FORCE': '1'}, 'never', False),
        (False, {'CLICOLOR_FORCE': '1', 'NO_COLOR': '1'}, None, False),
        (False, {'NO_COLOR': '1'}, 'always', True),
        (True, {}, None, True),
        (True, {}, 'auto', True),
        (True, {}, 'never', False),
        (True, {'NO_COLOR': '1'}, None, False),
        (True, {'NO_COLOR': ''}, None, True),
        (True, {'TERM': 'dumb'}, None, False),
        (True, {'TERM': ''}, None, False),
        (True, {'TERM': 'dumb', 'CLICOLOR_FORCE': '1'}, None, True),
    ]
    for terminal, env, mode, colored in cases:
        for code in ('oops', '-1 os.exit'): # the compiler's messages, and a trap's
            options = [f'--color={mode}'] if mode else []
            result = (seqvm.on_terminal if terminal else seqvm)(*options, '-e', code, env=env)
            expect(has_color(result) == colored, f'{terminal} {env} {mode}: {result!r}')
            expect(result.code == (3 if code == 'oops' else 134), repr(result))


def test_no_color_in_files(seqvm):
    """What is redirected has no control bytes, even with stderr on a terminal."""
    seqvm.write('test-a.seq', ': test-a ( -- ) oops ;')
    result = seqvm.on_terminal('test')
    expect('\x1b' not in result.out, repr(result))


def run_test(function, seqvm):
    """Lines that say what went wrong; none when all is well. Skipped passes through."""
    with tempfile.TemporaryDirectory(prefix='cli-') as folder:
        try:
            function(Cli(seqvm, folder))
            return []
        except Failed as failed:
            return str(failed).split('\n')
        except Skipped:
            raise
        except Exception: # pylint: disable=broad-except
            return traceback.format_exc().split('\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seqvm', default='build/release/repl/seqvm', help='the program under test')
    parser.add_argument('--tap', action='store_true', help='print TAP')
    parser.add_argument('filter', nargs='*', help='only tests whose name contains one of these')
    options = parser.parse_args()

    seqvm = os.path.abspath(options.seqvm)
    tests = [(name[len('test_'):], function) for name, function in globals().items()
             if name.startswith('test_') and (not options.filter or any(text in name for text in options.filter))]
    if options.tap:
        print(f'1..{len(tests)}')
    failed = skipped = 0
    for number, (name, function) in enumerate(tests, 1):
        try:
            found = run_test(function, seqvm)
        except Skipped as reason:
            skipped += 1
            print(f'ok {number} - {name} # SKIP {reason}' if options.tap else f'skipped {name}: {reason}', flush=True)
            continue
        failed += bool(found)
        if options.tap:
            print(f'{"not ok" if found else "ok"} {number} - {name}', *found, sep='\n# ', flush=True)
        if found:
            print(f'FAILED {name}', *found, sep='\n    ', file=sys.stderr)
    if not options.tap:
        print(f'{len(tests) - failed - skipped} passed, {failed} failed' + (f', {skipped} skipped' if skipped else ''))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
