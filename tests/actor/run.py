#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Tests of actors: each function test_* below runs programs with durable actors,
one after another on one store, and often ends them by SIGKILL in between. It
says what the next one must find. Each has an empty folder as its current one,
so the store is the folder `actors` in it.

A test marked with @broken shows a defect that is known: it is expected to
fail, for the reason given there. One that passes all the same fails the
suite, so that the mark goes with the defect.
"""
import argparse
import contextlib
import os
import random
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NEVER = ('LeakSanitizer', 'AddressSanitizer', 'runtime error:', 'internal error')
TIMEOUT = 60 # seconds for one program


class Skipped(Exception):
    """This machine cannot run the test; says why."""


class Failed(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Failed(text)


def broken(reason):
    """Marks a test that shows a known defect."""
    def mark(function):
        function.broken = reason
        return function
    return mark


class Result:
    """What one program did."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f'exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}'

    def gives(self, *lines, code=0, err_has=()):
        """Complains unless it printed exactly these lines, and what is in err_has in this order."""
        wrong, position = [], 0
        if code != self.code:
            wrong.append(f'exit {self.code}, not {code}')
        if self.out != ''.join(f'{line}\n' for line in lines):
            wrong.append(f'stdout is not {list(lines)!r}')
        for piece in [err_has] if isinstance(err_has, str) else err_has:
            position = self.err.find(piece, position)
            if position < 0:
                wrong.append(f'{piece!r} is not in stderr')
                break
            position += len(piece)
        if not err_has and self.err:
            wrong.append('stderr is not empty')
        if wrong:
            raise Failed('\n'.join(wrong) + f'\n{self!r}')
        return self

    def lines(self):
        return self.out.splitlines()


class Program:
    """A program that runs. It is the process itself, no shell around it, so that kill() ends nothing else."""

    def __init__(self, command, folder, environment, before=None):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors,
                                        cwd=folder, env=environment, preexec_fn=before)
        self.pid = self.process.pid
        self.seen = b''

    def line(self, seconds=TIMEOUT):
        """The next line that it prints, without its end; None when it has ended or says nothing for so long."""
        until = time.monotonic() + seconds
        while b'\n' not in self.seen:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return None
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                return None
            self.seen += piece
        line, self.seen = self.seen.split(b'\n', 1)
        return line.decode()

    def wait_for(self, wanted):
        while (line := self.line()) is not None:
            if line == wanted:
                return self
        raise Failed(f'it never printed {wanted!r}\n{self.end()!r}')

    def lines_for(self, seconds):
        """What it prints within this time."""
        until, lines = time.monotonic() + seconds, []
        while (left := until - time.monotonic()) > 0:
            line = self.line(left)
            if line is None:
                break
            lines.append(line)
        return lines

    def end(self):
        """Waits until it ends; what it printed that nobody has read yet."""
        try:
            out = self.process.communicate(timeout=TIMEOUT)[0]
        except subprocess.TimeoutExpired:
            self.process.kill()
            out = self.process.communicate()[0]
            raise Failed(f'still running after {TIMEOUT} s: {(self.seen + out).decode()!r}') from None
        self.errors.seek(0)
        result = Result(self.process.returncode, (self.seen + out).decode(), self.errors.read().decode())
        self.errors.close()
        if any(text in result.err for text in NEVER):
            raise Failed(repr(result))
        return result

    def kill(self):
        """Ends it as a power cut would; what it had printed by then."""
        self.process.kill()
        result = self.end()
        expect(result.code == -signal.SIGKILL, f'it had ended before it was killed\n{result!r}')
        return result


class Seqvm:
    """What a test calls: programs in a folder of their own."""

    def __init__(self, seqvm, folder, options):
        self.seqvm, self.folder, self.options = seqvm, folder, options
        self.count = 0
        self.programs = []

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, text):
        self.count += 1
        name = f'{self.count}.seq'
        with open(self.path(name), 'w', encoding='utf-8') as file:
            file.write(text)
        return name

    def start(self, text, *args, env=(), before=None, store=None):
        """Starts a program, given as text or as a path that ends in .seq."""
        name = text if text.endswith('.seq') else self.write(text)
        environment = {key: value for key, value in os.environ.items() if key != 'SEQVM_STORE'}
        command = [self.seqvm, *(['--store', store] if store else []), name, *args]
        program = Program(command, self.folder, {**environment, **dict(env)}, before)
        self.programs.append(program)
        return program

    def __call__(self, text, *args, **more):
        return self.start(text, *args, **more).end()

    def close(self):
        for program in self.programs:
            if program.process.poll() is None:
                program.process.kill()
                program.process.communicate()


# Words that many programs below need.
PRELUDE = '''
include std:list
include std:map
: show ( T -- ) son.dump io.write-line ;
: say ( String -- ) io.write-line ;
: number ( Map -- Map Int ) dup "n" map.get [ ] [ drop 0 ] if ;
: set-number ( Map Int -- Map ) "n" swap map.set ;
# The reply, or the reason why there is none.
: try ( String M -- ) 3000 actor-ask-within drop show ;
'''

# A counter: a message is added, and the sum is the reply. 0 only reads.
COUNTER = PRELUDE + '''
: counter ( Map Int -- Map )
  dup 0 i.= [ drop number actor-reply ] [ swap number rot i.+ dup actor-reply set-number ] if ;
'''


def program(body, words=COUNTER):
    return f'{words}\n: main ( -- )\n{body}\n;\n'


def traps(seqvm, body, message, words=COUNTER, **more):
    return seqvm(program(body, words), **more).gives(code=134, err_has=message)


# --- the example that everything is about ---

ACCOUNT = '''
union Cmd { Deposit { amount: Int } Withdraw { amount: Int } Balance }
: balance ( Map -- Map Int ) dup "balance" map.get [ ] [ drop 0 ] if ;
: account ( Map Cmd -- Map )
  match
    Deposit { >amount }  -> swap balance rot i.+ "balance" swap map.set
    Withdraw { >amount } -> swap balance rot i.- "balance" swap map.set
    Balance              -> balance actor-reply
  end
;
: main ( -- )
  "account" [ account ] actor-register
  "account/alice" 50 Make-Deposit actor-send
  "account/alice" Make-Balance actor-ask int->string io.write-line
;
'''


def test_account(seqvm):
    """What the first run did, the second one finds."""
    seqvm(ACCOUNT).gives('50')
    seqvm(ACCOUNT).gives('100')


def test_store_option(seqvm):
    """The store is where --store says, else SEQVM_STORE, else ./actors."""
    seqvm(ACCOUNT).gives('50')
    seqvm(ACCOUNT, env={'SEQVM_STORE': 'b'}).gives('50')
    seqvm(ACCOUNT, env={'SEQVM_STORE': 'b'}, store='c').gives('50')
    seqvm(ACCOUNT, store='c/').gives('100')
    expect(sorted(os.listdir(seqvm.folder))[-3:] == ['actors', 'b', 'c'], repr(os.listdir(seqvm.folder)))


def test_nothing_without_actors(seqvm):
    """A program without durable actors makes no store."""
    seqvm(program('"k/1" actor-exists? show [ drop ] actor-spawn-transient drop')).gives('false')
    expect(not os.path.exists(seqvm.path('actors')), 'there is a store')


# --- making actors ---

def test_spawn(seqvm):
    """A spawned actor begins with an empty Map, or with the one that is given."""
    seqvm(program('''
      [ drop actor-state actor-reply ] actor-spawn 1 try
      map-of "n" 7 kv [ counter ] actor-spawn-with 1 try
      [ counter ] actor-spawn [ counter ] actor-spawn string.equal? show
    ''')).gives('map-of', '8', 'false')


def test_spawned_address_is_a_uuid(seqvm):
    result = seqvm(program('[ counter ] actor-spawn say [ counter ] actor-spawn-transient say'))
    for line in result.lines():
        expect(re.fullmatch(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', line), line)


def test_spawn_captures_data_only(seqvm):
    words = COUNTER + ': by ( Map Int Channel -- Map ) drop counter ;'
    traps(seqvm, 'chan.make [ by ] actor-spawn drop', 'actor-spawn: code-in-state', words=words)
    traps(seqvm, 'map-of "f" [ 1 ] kv [ counter ] actor-spawn-with drop', 'actor-spawn-with: code-in-state')


def test_spawn_at(seqvm):
    """An actor at a path goes on from its journal; one that is alive is not replaced."""
    body = '"/user/a" [ counter ] actor-spawn-at "/user/a" 2 try'
    seqvm(program(body)).gives('2')
    seqvm(program(body)).gives('4')
    traps(seqvm, '"/user/a" [ counter ] actor-spawn-at "/user/a" [ counter ] actor-spawn-at',
          'actor-spawn-at: name-exists: /user/a is alive')
    traps(seqvm, '"user/a" [ counter ] actor-spawn-at', 'actor-spawn-at: a path begins with `/`')


def test_spawn_at_resumes_a_stopped_one(seqvm):
    body = '"/a" [ counter ] actor-spawn-at "/a" 2 try "/a" actor-stop "/a" 2 try "/a" [ counter ] actor-spawn-at "/a" 2 try'
    seqvm(program(body)).gives('2', ':stopped', '4')
    seqvm(program('"/a" [ counter ] actor-spawn-at "/a" 2 try')).gives('6')


def test_register_twice(seqvm):
    traps(seqvm, '"k" [ counter ] actor-register "k" [ counter ] actor-register', '`k` is registered already')


def test_register_names(seqvm):
    for name in ('a/b', '/a', '01234567-89ab-cdef-0123-456789abcdef'):
        traps(seqvm, f'"{name}" [ counter ] actor-register', 'actor-register: a kind\'s name has no `/` and is no UUID')
    for name in ('', 'a\\x07', '\\xC2\\x85', '\\xFF', '\\x7F', 'x' * 1025):
        traps(seqvm, f'"{name}" [ counter ] actor-register', 'an address is UTF-8 without control characters')


def test_kinds_and_keys(seqvm):
    """A kind is each of its addresses; two kinds know nothing of each other."""
    body = '''
      "a" [ counter ] actor-register
      "b" [ drop number 1 i.- dup actor-reply set-number ] actor-register
      "a" 1 try  "a/" 2 try  "a/x" 3 try  "a/x/y" 4 try  "b" 0 try  "b/x" 0 try  "a/\u00e4 \u732b" 5 try
    '''
    seqvm(program(body)).gives(1, 2, 3, 4, -1, -1, 5)
    seqvm(program(body)).gives(2, 4, 6, 8, -2, -2, 10)


# --- messages ---

def test_bad_addresses(seqvm):
    seqvm(program('"k" [ counter ] actor-register "k/' + 'x' * 1022 + '" 1 try')).gives('1')
    for address in ('', 'k/\\n', 'k/\\xC2\\x9F', 'k/\\xE9', 'k/\\x7F', 'k/' + 'x' * 1023):
        for use in ('1 actor-send', '1 actor-ask drop', '1 10 actor-ask-within drop drop', 'actor-stop',
                    'actor-exists? drop', '0 [ drop ] journal-fold drop'):
            traps(seqvm, f'"k" [ counter ] actor-register "{address}" {use}',
                  'an address is UTF-8 without control characters, 1 to 1024 bytes')


def test_send_to_nobody(seqvm):
    """An address that is no name and has no journal: dropped, and nothing is made."""
    uuid = '01234567-89ab-8def-8123-456789abcdef'
    seqvm(program(f'"k" [ counter ] actor-register "{uuid}" 1 actor-send "/a/b" 1 actor-send "{uuid}" actor-stop '
                  f'"{uuid}" 1 try "/a/b" 1 try "{uuid}" actor-exists? show "/a/b" actor-exists? show'
                  )).gives(':no-actor', ':no-actor', 'false', 'false')


def test_ask_fails_with_a_trap(seqvm):
    """actor-ask names the address and the reason."""
    words = COUNTER + ': mute ( Map Int -- Map ) drop ; : bad ( Map Int -- Map ) drop 1 list.length drop ;'
    traps(seqvm, '"/a" 1 actor-ask drop', 'actor-ask: /a: no-actor')
    traps(seqvm, '"k" [ mute ] actor-register "k/1" 1 actor-ask drop', 'actor-ask: k/1: no-reply', words=words)
    traps(seqvm, '"k" [ bad ] actor-register "k/1" 1 actor-ask drop', ['k/1: message parked:', 'actor-ask: k/1: parked'],
          words=words)
    traps(seqvm, '"k" [ counter ] actor-register "k/1" actor-stop "k/1" 1 actor-ask drop', 'actor-ask: k/1: stopped')


def test_ask_within(seqvm):
    """The reason is a Symbol, and the flag says which it is."""
    words = COUNTER + ''': mute ( Map Int -- Map ) drop ; : bad ( Map Int -- Map ) drop 1 list.length drop ;
    : slow ( Map Int -- Map ) time.sleep-ms 1 actor-reply ;
    : both ( String Int Int -- ) actor-ask-within show show ;'''
    seqvm(program('''
      "m" [ mute ] actor-register "b" [ bad ] actor-register "s" [ slow ] actor-register
      "m" 1 1000 both "b" 1 1000 both "/nobody" 1 1000 both "s" 300 20 both "s/2" 1 1000 both
      "s/3" 100 0 both "s/4" 100 -5 both "s/5" 10 1000000000000000000 both
      "s/5" actor-stop "s/5" 1 1000 both
    ''', words)).gives('false', ':no-reply', 'false', ':parked', 'false', ':no-actor', 'false', ':timeout',
                       'true', '1', 'false', ':timeout', 'false', ':timeout', 'true', '1', 'false', ':stopped',
                       err_has='b: message parked: list.length')


def test_ask_timeout_is_five_seconds(seqvm):
    started = time.monotonic()
    traps(seqvm, '"nobody-registered" 1 actor-ask drop', 'actor-ask: nobody-registered: timeout')
    took = time.monotonic() - started
    expect(4.9 < took < 20, f'it took {took:.1f} s')


def test_a_late_reply_is_dropped(seqvm):
    """The turn stands though nobody waits for its reply any more."""
    words = COUNTER + ': slow ( Map Int -- Map ) 200 time.sleep-ms counter ;'
    seqvm(program('"s" [ slow ] actor-register "s/1" 5 20 actor-ask-within show show "s/1" 0 try', words)
          ).gives('false', ':timeout', '5')


ASKING = COUNTER + """
: by ( Map Int -- Map ) "c/1" swap 3000 actor-ask-within drop actor-reply ;
: look ( Map String -- Map ) 1 300 actor-ask-within drop actor-reply ;
: mute ( Map Int -- Map ) drop ;
: bad ( Map Int -- Map ) drop 1 list.length drop ;
: slow ( Map Int -- Map ) dup 0 i.<> [ 700 time.sleep-ms ] [ ] if counter ;
: keeps ( Map Int -- Map ) dup 0 i.= [ drop number actor-reply ] [ "s/1" swap actor-ask set-number ] if ;
: regrets ( Map Int -- Map ) "c/1" swap actor-ask drop 1 list.length drop ;
"""


def test_ask_inside_a_turn(seqvm):
    body = '"c" [ counter ] actor-register "a" [ by ] actor-register "a/1" 5 try "c/1" 0 try [ by ] actor-spawn-transient 1 try'
    seqvm(program(body, ASKING)).gives(5, 5, 6)
    seqvm(program(body, ASKING)).gives(11, 11, 12)


def test_ask_inside_a_turn_fails(seqvm):
    seqvm(program('''"m" [ mute ] actor-register "b" [ bad ] actor-register "s" [ slow ] actor-register "l" [ look ] actor-register
      "s/2" actor-stop
      "l/1" "/nobody" try "l/1" "m/1" try "l/1" "b/1" try "l/1" "s/1" try "l/1" "unregistered" try "l/1" "s/2" try''', ASKING)
          ).gives(':no-actor', ':no-reply', ':parked', ':timeout', ':timeout', ':stopped', err_has='b/1: message parked')


def test_what_was_asked_stands(seqvm):
    """Also when the turn that asked fails."""
    seqvm(program('"c" [ counter ] actor-register "r" [ regrets ] actor-register "r/1" 5 try "c/1" 0 try', ASKING)
          ).gives(':parked', 5, err_has='r/1: message parked: list.length')


def test_killed_while_asking(seqvm):
    """The turn is run again, gets its answer, and has asked once."""
    words = '"s" [ slow ] actor-register "k" [ keeps ] actor-register'
    for pause in (100, 400, 900): # before the other one answers, and behind it
        body = f'{words} "k/{pause}" 5 actor-send {pause} time.sleep-ms "now" say 60000 time.sleep-ms'
        seqvm.start(program(body, ASKING)).wait_for('now').kill()
    seqvm(program(f'{words} 2500 time.sleep-ms "s/1" 0 try "k/100" 0 try "k/400" 0 try "k/900" 0 try', ASKING)
          ).gives(15, 5, 10, 15)


def test_cut_off_behind_an_ask_of_nobody(seqvm):
    """What nobody was asked is in no `asking` record of its own; the turn, run again, knows it all the same."""
    words = ASKING + '''
    : two ( Map Int -- Map ) dup 0 i.= [ drop number actor-reply ]
      [ "/nobody" 1 100 actor-ask-within [ drop 100 ] [ drop 0 ] if i.+ "s/1" swap actor-ask set-number ] if ;'''
    kinds = '"s" [ slow ] actor-register "k" [ two ] actor-register'
    seqvm.start(program(f'{kinds} "k/1" 5 actor-send 200 time.sleep-ms "now" say 60000 time.sleep-ms', words)
                ).wait_for('now').kill()
    seqvm(program(f'{kinds} 2000 time.sleep-ms "s/1" 0 try "k/1" 0 try', words)).gives(5, 5)


def test_cut_off_and_changed(seqvm):
    """Code that sees something else than it saw is not given what it saw: that may be of another kind."""
    def words(sees):
        return ASKING + f''': k ( Map Int -- Map ) dup 0 i.= [ drop number actor-reply ]
          [ {sees} "s/1" swap actor-ask set-number ] if ;'''
    kinds = '"s" [ slow ] actor-register "k" [ k ] actor-register'
    seqvm.start(program(f'{kinds} "k/1" 5 actor-send 200 time.sleep-ms "now" say 60000 time.sleep-ms',
                        words('time.now drop'))).wait_for('now').kill()
    seqvm(program(f'{kinds} 1500 time.sleep-ms "s/1" 0 try "k/1" 0 try',
                  words('0 args.at string.length drop'))).gives(5, 0, err_has='message parked: args.at: diverged')


def test_an_expired_ask_is_not_run(seqvm):
    """Nobody waits for it any more when its turn would begin."""
    seqvm(program('''"s" [ slow ] actor-register [ "s/1" 1 try ] strand.spawn drop
      "s/1" 5 50 actor-ask-within show show 1500 time.sleep-ms "s/1" 0 try''', ASKING)
          ).gives('false', ':timeout', 1, 1)


def test_code_in_message(seqvm):
    for value, kind in (('[ 1 ]', 'Quotation'), ('chan.make', 'Channel'), ('list-of [ 1 ] lv', 'Quotation'),
                        ('map-of 1 chan.make kv', 'Channel'), ('5 [ i.+ ]', 'Closure')):
        for use in ('actor-send', 'actor-ask drop', '10 actor-ask-within drop drop'):
            result = seqvm(program(f'"k" [ drop ] actor-register "k/1" {value} {use}'))
            if value != '5 [ i.+ ]':
                expect(result.code == 134 and 'code-in-message: a' in result.err, repr(result))
    seqvm(program('"k" [ drop [ 1 ] actor-reply ] actor-register "k/1" 1 try')
          ).gives(':parked', err_has='actor-reply: code-in-message')
    seqvm(program('"k" [ drop "k/2" [ 1 ] actor-send ] actor-register "k/1" 1 try')
          ).gives(':parked', err_has='actor-send: code-in-message')


BIG = COUNTER + '''
: double ( String Int -- String ) dup 0 i.= [ drop ] [ swap dup string.concat swap 1 i.- double ] if ;
: size ( Map String -- Map ) string.byte-length dup actor-reply set-number ;
'''


def test_message_too_large(seqvm):
    """1 MiB as encoded: a String of a little less still goes."""
    seqvm(program('''"k" [ size ] actor-register
      "x" 20 double 0 1048571 string.substring "k/1" swap try''', BIG)).gives('1048571')
    for use in ('actor-send', 'actor-ask drop'):
        traps(seqvm, f'"k" [ size ] actor-register "k/1" "x" 20 double {use}',
              'message-too-large: 1048580 bytes, at most 1048576', words=BIG)
    seqvm(program('"k" [ drop "k/2" "x" 20 double actor-send ] actor-register "k/1" 1 try', BIG)
          ).gives(':parked', err_has='actor-send: message-too-large')


def test_record_too_large(seqvm):
    """A turn whose record would have more than 16 MiB fails as any other."""
    words = BIG + ''': grow ( Map Int -- Map ) dup 0 i.= [ drop number actor-reply ] [
      swap "s" rot "x" swap double map.set 5 set-number 1 actor-reply ] if ;'''
    seqvm(program('"k" [ grow ] actor-register "k/1" 24 try "k/1" 0 try "k/1" 23 try "k/1" 0 try', words)
          ).gives(':parked', '0', '1', '5', err_has='k/1: message parked: record-too-large')
    seqvm(program('"k" [ grow ] actor-register "k/1" 0 try', words)).gives('5')


def test_reply_twice(seqvm):
    seqvm(program('"k" [ drop 1 actor-reply 2 actor-reply ] actor-register "k/1" 1 try')
          ).gives(':parked', err_has='actor-reply: this message has been answered already')


def test_reply_to_nobody(seqvm):
    """A message that was only sent may be answered; a second answer is a trap all the same."""
    seqvm(program('''"k" [ counter ] actor-register "k/1" 5 actor-send "k/1" 0 try
      "t" [ drop 1 actor-reply 1 actor-reply ] actor-register "t/1" 1 actor-send "t/1" 1 try''')
          ).gives('5', ':parked', err_has=['answered already', 'answered already'])


# --- words that want a turn ---

def test_outside_an_actor(seqvm):
    for word in ('1 actor-reply', 'actor-self drop', 'actor-sender drop', 'actor-state drop', '1 journal-append'):
        name = word.replace(' drop', '').split(' ')[-1]
        traps(seqvm, word, f'{name}: not inside an actor')
        traps(seqvm, f'"k" [ counter ] actor-register [ {word} ] strand.spawn drop', f'{name}: not inside an actor')


def test_self_and_sender(seqvm):
    seqvm(program('''
      "k" [ drop actor-self " " string.concat actor-sender string.concat actor-reply ] actor-register
      "r" [ drop actor-self " from " string.concat actor-sender string.concat say ] actor-register
      "s" [ drop "r/1" 1 actor-send ] actor-register
      "k/1" 1 try "s/1" 1 actor-send "r/2" 1 actor-send
    ''')).gives('"k/1 "', 'r/2 from ', 'r/1 from s/1')


def test_state_is_that_of_the_start(seqvm):
    seqvm(program('''"k" [ drop 5 set-number actor-state number nip actor-reply ] actor-register
      "k/1" 1 try "k/1" 1 try''')).gives(0, 5)


def test_exists(seqvm):
    body = '"k" [ counter ] actor-register "k/1" actor-exists? show "k/1" 1 actor-ask drop "k/1" actor-exists? show'
    seqvm(program(body)).gives('false', 'true')
    seqvm(program(body)).gives('true', 'true')


def test_exists_first(seqvm):
    seqvm(program('"k" [ counter ] actor-register "k/1" 1 try')).gives(1)
    seqvm(program('"k/1" actor-exists? show')).gives('true')


def test_send_first(seqvm):
    seqvm(program('"/a" [ counter ] actor-spawn-at "/a" 1 try')).gives(1)
    seqvm(program('"/a" 1 try')).gives(2)


# --- what a turn is ---

def test_a_failed_turn_leaves_nothing(seqvm):
    """Neither state nor sends nor births nor replies nor lines; and the next turn goes on from the state before."""
    words = COUNTER + '''
    : fails ( Map Int -- Map )
      drop 99 set-number  "never" say  "c/1" 7 actor-send  "/born" [ counter ] actor-spawn-at  5 actor-reply
      "c/2" actor-stop  1 list.length drop ;
    : k ( Map Int -- Map ) dup 3 i.= [ fails ] [ counter ] if ;
    '''
    body = '''"k" [ k ] actor-register "c" [ counter ] actor-register
      "k/1" 1 try "k/1" 3 try "k/1" 0 try "c/1" 0 try "c/2" 0 try "/born" actor-exists? show'''
    seqvm(program(body, words)).gives(1, ':parked', 1, 0, 0, 'false', err_has='k/1: message parked: list.length')
    seqvm(program('"k" [ k ] actor-register "k/1" 0 try', words)).gives(1)


def test_code_in_state(seqvm):
    seqvm(program('''"q" [ drop "f" [ 1 ] map.set 1 actor-reply ] actor-register
      "c" [ drop "f" list-of chan.make lv map.set 1 actor-reply ] actor-register "q" 1 try "c" 1 try''')
          ).gives(':parked', ':parked', err_has=['q: message parked: code-in-state', 'c: message parked: code-in-state'])


def test_a_behavior_leaves_one_map(seqvm):
    words = COUNTER + ''': any ( List -- T ) 0 list.get drop ;
    : wrong ( Map Int -- Map ) drop drop list-of 5 lv any ;'''
    seqvm(program('"k" [ wrong ] actor-register "k/1" 1 try', words)).gives(':parked', err_has='k/1: message parked:')


def test_a_wrong_message_fails_in_its_match(seqvm):
    seqvm(ACCOUNT.replace('"account/alice" 50', '"account/alice" "text" actor-send "account/alice" 50')
          ).gives('50', err_has='account/alice: message parked:')


def test_strands_in_a_turn(seqvm):
    for code in ('drop [ ] strand.spawn drop', '[ drop ] strand.spawn drop drop'):
        result = seqvm(program(f'"k" [ {code} ] actor-register "k/1" 1 try'))
        result.gives(':parked', err_has='k/1: message parked: strand.spawn: strand-in-turn')


def test_channels_and_weaves_in_a_turn(seqvm):
    words = COUNTER + '''
    : resume ( W -- ) 0 strand.resume drop actor-reply strand.weave-cancel ;
    : weave ( Map Int -- Map ) drop [ drop 7 yield drop ] strand.weave resume ;
    : pass ( Map Int -- Map ) chan.make dup >aux chan.send drop aux> chan.receive drop actor-reply ;
    : inside ( Map Int -- Map ) drop [ drop 1 list.length drop 7 yield drop ] strand.weave resume ;
    '''
    seqvm(program('''"w" [ weave ] actor-register "p" [ pass ] actor-register "i" [ inside ] actor-register
      "w/1" 1 try "p/1" 5 try "i/1" 1 try "w/1" 1 try''', words)).gives(7, 5, ':parked', 7, err_has='list.length')


def test_a_line_of_a_turn(seqvm):
    """What a turn prints comes when it has succeeded, in order with what main prints behind it."""
    words = COUNTER + ': loud ( Map Int -- Map ) dup int->string say 1 i.= [ 1 list.length drop ] [ 1 actor-reply ] if ;'
    seqvm(program('"l" [ loud ] actor-register "a" say "l/1" 2 try "b" say "l/1" 1 try "l/1" 3 actor-ask drop "c" say',
                  words)).gives('a', '2', '1', 'b', ':parked', '3', 'c', err_has='list.length')


def test_a_turn_may_sleep(seqvm):
    """Others go on meanwhile; the line of the one that sleeps waits."""
    words = COUNTER + ': slow ( Map Int -- Map ) 100 time.sleep-ms counter ;'
    seqvm(program('''"s" [ slow ] actor-register "c" [ counter ] actor-register
      "s/1" 1 actor-send "s/1" 2 actor-send "c/1" 1 try "s/1" 0 try''', words)).gives(1, 3)


def test_a_message_in_a_long_turn_is_kept(seqvm):
    """main prints `sent` once all messages are on disk, also those whose turns have begun and go on."""
    words = COUNTER + """
    : slow ( Map Int -- Map ) dup 0 i.<> [ 1000 time.sleep-ms ] [ ] if counter ;
    : of ( Int -- Int String ) dup int->string "s/" swap string.concat ;
    : send-to ( Int -- ) dup 0 i.= [ drop ] [ of 5 actor-send 0 time.sleep-ms 1 i.- send-to ] if ;
    : sum ( Int Int -- ) dup 0 i.= [ drop show ] [ of 0 actor-ask rot i.+ swap 1 i.- sum ] if ;
    """
    body = '"s" [ slow ] actor-register 40 send-to 200 time.sleep-ms "sent" say 60000 time.sleep-ms'
    seqvm.start(program(body, words)).wait_for('sent').kill()
    seqvm(program('"s" [ slow ] actor-register 0 40 sum', words)).gives(200)


# --- the end of an actor ---

def test_stop(seqvm):
    """From outside, and from its own turn, which still ends as any."""
    words = COUNTER + ': once ( Map Int -- Map ) actor-self actor-stop counter ;'
    seqvm(program('''"c" [ counter ] actor-register "o" [ once ] actor-register
      "c/1" 1 try "c/1" actor-stop "c/1" 1 try "c/1" actor-stop "c/1" 1 actor-send "c/2" 1 try
      "o/1" 5 try "o/1" 5 try "/nobody" actor-stop''', words)).gives(1, ':stopped', 1, 5, ':stopped')


def test_stop_fails_who_waits(seqvm):
    words = COUNTER + ': slow ( Map Int -- Map ) 200 time.sleep-ms counter ;'
    seqvm(program('''"s" [ slow ] actor-register
      [ "s/1" 1 try ] strand.spawn drop [ "s/1" 2 try ] strand.spawn drop
      50 time.sleep-ms "s/1" actor-stop''', words)).gives(':stopped', '1')


def test_stopped_path_stays_stopped(seqvm):
    seqvm(program('"/a" [ counter ] actor-spawn-at "/a" 1 try "/a" actor-stop')).gives(1)
    seqvm(program('"k" [ counter ] actor-register "/a" 1 try "/a" [ counter ] actor-spawn-at "/a" 1 try')
          ).gives(':stopped', 2)


def test_stopped_kind_stays_stopped(seqvm):
    seqvm(program('"c" [ counter ] actor-register "c/1" 1 try "c/1" actor-stop')).gives(1)
    seqvm(program('"c" [ counter ] actor-register "c/1" 1 try')).gives(':stopped')


def test_resumed_path_stays_alive(seqvm):
    seqvm(program('"/a" [ counter ] actor-spawn-at "/a" actor-stop')).gives()
    seqvm(program('"/a" [ counter ] actor-spawn-at "/a" 1 try')).gives(1)
    seqvm(program('"k" [ counter ] actor-register "/a" 1 try')).gives(2)


# --- transient actors ---

def test_transient(seqvm):
    """A transient actor handles messages as others do and is gone with its process."""
    first = seqvm(program('[ counter ] actor-spawn-transient dup say dup 2 try dup 3 actor-send dup 0 try actor-exists? show'))
    address = first.lines()[0]
    first.gives(address, 2, 5, 'true')
    seqvm(program(f'"k" [ counter ] actor-register "{address}" actor-exists? show "{address}" 1 try')).gives('false', ':no-actor')


def test_transient_fails(seqvm):
    """Its message is dropped, and it goes on from the state before."""
    words = COUNTER + ': k ( Map Int -- Map ) dup 3 i.= [ drop 1 list.length drop ] [ counter ] if ;'
    seqvm(program('[ k ] actor-spawn-transient dup 1 try dup 3 try 0 try', words)
          ).gives(1, ':parked', 1, err_has='message dropped: list.length')


def test_transient_and_durable(seqvm):
    """What a transient actor sends to a durable one is kept."""
    words = COUNTER + ': forward ( Map Int -- Map ) dup "c/1" swap actor-send actor-reply ;'
    seqvm(program('"c" [ counter ] actor-register [ forward ] actor-spawn-transient dup 2 try 3 try "c/1" 0 try', words)
          ).gives(2, 3, 5)
    seqvm(program('"c" [ counter ] actor-register "c/1" 0 try', words)).gives(5)


def test_stop_transient(seqvm):
    seqvm(program('[ counter ] actor-spawn-transient dup 1 try dup actor-stop dup 1 try actor-exists? show')
          ).gives(1, ':no-actor', 'false')


def test_transient_stops_itself(seqvm):
    seqvm(program('[ drop actor-self actor-stop 1 actor-reply ] actor-spawn-transient dup 1 try actor-exists? show')
          ).gives(1, 'false')


def test_transient_spawns(seqvm):
    words = COUNTER + ': maker ( Map Int -- Map ) drop [ counter ] actor-spawn actor-reply ;'
    seqvm(program('[ maker ] actor-spawn-transient dup 1 actor-ask swap 1 actor-ask string.equal? show', words)).gives('false')


def test_transient_sends_much(seqvm):
    words = BIG + '''
    : flood ( String Int -- ) dup 0 i.= [ drop drop ] [ "c/1" 2 pick actor-send 1 i.- flood ] if ;
    : sender ( Map Int -- Map ) "x" 19 double swap flood 1 actor-reply ;
    : count ( Map String -- Map ) drop number 1 i.+ dup actor-reply set-number ;
    '''
    seqvm(program('"c" [ count ] actor-register [ sender ] actor-spawn-transient 20 try "c/1" "" try', words)).gives(1, 21)


# --- order, and messages that wait ---

ORDERED = COUNTER + '''
: follows ( Map Int -- Map )
  dup -1 i.= [ drop dup "bad" map.has? [ -1 actor-reply ] [ number actor-reply ] if ]
  [ swap number 1 i.+ 2 pick i.= [ swap set-number ] [ swap "bad" swap map.set ] if ] if ;
: pump ( String Int Int -- )                  # address, from, to: sends each number
  2dup i.> [ drop drop drop ] [ 2 pick 2 pick actor-send swap 1 i.+ swap pump ] if ;
: relay ( Map Int -- Map ) "o" "" string.concat swap actor-send ;
'''


def test_order_from_main(seqvm):
    seqvm(program('"o" [ follows ] actor-register "o/1" 1 5000 pump "o/1" -1 try', ORDERED)).gives(5000)


def test_order_between_actors(seqvm):
    """Each of several senders is heard in its own order by one receiver."""
    words = COUNTER + '''
    : receive ( Map List -- Map )            # of one sender: its name and a number, which must be the next
      dup 0 list.get drop >aux 1 list.get drop          # state number
      over aux> dup >aux map.get [ ] [ drop 0 ] if 1 i.+ over i.=
      [ aux> swap map.set ] [ drop aux> drop "bad" true map.set ] if ;
    : send-up-to ( Int Int -- )
      2dup i.> [ drop drop ] [ over "r/1" list-of actor-self lv rot lv actor-send swap 1 i.+ swap send-up-to ] if ;
    : source ( Map Int -- Map ) swap number dup 1 i.+ swap 3 pick i.+ dup >aux send-up-to aux> set-number nip ;
    : told ( Map Variant -- Map ) dup list.length 0 i.= [ drop actor-state actor-reply ] [ receive ] if ;
    '''
    body = '''"r" [ told ] actor-register "s" [ source ] actor-register
      "s/a" 100 actor-send "s/b" 200 actor-send "s/a" 100 actor-send "s/c" 300 actor-send
      300 time.sleep-ms "r/1" list-of try'''
    seqvm(program(body, words)).gives('map-of "s/a" 200 kv "s/b" 200 kv "s/c" 300 kv')
    seqvm(program(body, words)).gives('map-of "s/a" 400 kv "s/b" 400 kv "s/c" 600 kv')


def test_waiting_for_a_registration(seqvm):
    """Messages to a name that is no kind yet wait, and arrive in order, before what comes later."""
    seqvm(program('"o/1" 1 10 pump "o" [ follows ] actor-register "o/1" 11 20 pump "o/1" -1 try', ORDERED)).gives(20)


def test_waiting_across_runs(seqvm):
    """They wait as long as they must, over ends and kills of processes, and arrive once."""
    seqvm(program('"o/1" 1 100 pump', ORDERED)).gives()
    running = seqvm.start(program('"o/1" 101 200 pump "sent" say 60000 time.sleep-ms', ORDERED))
    running.wait_for('sent').kill()
    seqvm(program('"o/1" 201 300 pump 1 show', ORDERED)).gives(1)
    running = seqvm.start(program('"o" [ follows ] actor-register "o/1" -1 try 60000 time.sleep-ms', ORDERED))
    running.wait_for('300').kill()
    seqvm(program('"o" [ follows ] actor-register "o/1" -1 try "o/1" 301 400 pump "o/1" -1 try', ORDERED)).gives(300, 400)


def test_waiting_runs_without_being_asked(seqvm):
    """A registration is enough: nobody needs to send anything more."""
    seqvm(program('"l/1" "one" actor-send "l/2" "two" actor-send')).gives()
    result = seqvm(program('"l" [ say ] actor-register'))
    expect(sorted(result.lines()) == ['one', 'two'], repr(result))
    seqvm(program('"l" [ say ] actor-register')).gives()


def test_all_is_done_before_the_end(seqvm):
    """A program ends when lines are empty."""
    words = COUNTER + ': down ( Map Int -- Map ) dup 0 i.= [ drop "end" say ] [ dup 1 i.- actor-self swap actor-send drop ] if ;'
    seqvm(program('"d" [ down ] actor-register "d/1" 2000 actor-send', words)).gives('end')


# --- spawned actors are found again ---

def keeper(words, body):
    """A program whose actor `hold` keeps the address of another."""
    return program(body, COUNTER + words + '''
    : hold ( Map String -- Map ) dup string.empty? [ drop dup "a" map.get drop actor-reply ] [ "a" swap map.set ] if ;
    : kept ( -- String ) "hold" "" actor-ask ;
    ''')


def found_again(seqvm, words, make, *replies):
    """Makes an actor, kills the process, and asks the actor from another one by the address that an actor kept."""
    body = f'"hold" [ hold ] actor-register {make} "hold" over actor-send 1 try "made" say 60000 time.sleep-ms'
    first = seqvm.start(keeper(words, body))
    expect(first.line() == str(replies[0]), 'the first reply is wrong')
    first.wait_for('made').kill()
    for reply in replies[1:]:
        body = f'"hold" [ hold ] actor-register kept 1 actor-send kept 1 try 0 0 i.= [ ] [ {make} drop ] if'
        seqvm(keeper(words, body)).gives(reply)


def test_spawned_word(seqvm):
    found_again(seqvm, '', '[ counter ] actor-spawn', 1, 3, 5)


def test_spawned_with_state(seqvm):
    found_again(seqvm, '', 'map-of "n" 10 kv [ counter ] actor-spawn-with', 11, 13)


def test_spawned_closure(seqvm):
    """Captured values are kept with it."""
    found_again(seqvm, ': by ( Map Int Int -- Map ) i.* counter ;', '10 [ by ] actor-spawn', 10, 30, 50)


def test_spawned_anonymous(seqvm):
    """Code that is no single word is known by what it does, wherever it stands."""
    found_again(seqvm, '', '[ 3 i.* counter ] actor-spawn', 3, 9, 15)


def test_spawned_word_has_changed(seqvm):
    """A quotation that is one word follows that word."""
    body = '"hold" [ hold ] actor-register [ w ] actor-spawn "hold" over actor-send 1 try'
    seqvm(keeper(': w ( Map Int -- Map ) counter ;', body)).gives(1)
    seqvm(keeper(': w ( Map Int -- Map ) 100 i.* counter ;',
                 '[ w ] drop "hold" [ hold ] actor-register kept 1 try')).gives(101)


def test_spawned_code_is_gone(seqvm):
    """Messages wait until the code is there again."""
    seqvm(keeper('', '"hold" [ hold ] actor-register [ 3 i.* counter ] actor-spawn "hold" over actor-send 1 try')).gives(3)
    seqvm(keeper('', '"hold" [ hold ] actor-register kept 1 actor-send kept 1 100 actor-ask-within show show')).gives('false', ':timeout')
    seqvm(keeper('', '"hold" [ hold ] actor-register kept 0 try [ 3 i.* counter ] drop')).gives(6)


def test_spawned_in_a_turn(seqvm):
    """The address of what a turn spawned lives in another's state; it is found after a kill."""
    words = COUNTER + '''
    : boss ( Map Int -- Map )
      dup 0 i.= [ drop [ counter ] actor-spawn dup >aux "child" swap map.set aux> actor-reply ]
      [ over "child" map.get drop swap actor-send 1 actor-reply ] if ;
    '''
    body = '"boss" [ boss ] actor-register'
    running = seqvm.start(program(f'{body} "boss" 0 actor-ask say "boss" 5 try 60000 time.sleep-ms', words))
    child = running.line()
    running.wait_for('1').kill()
    seqvm(program(f'{body} "boss" 6 try 100 time.sleep-ms "{child}" 0 try', words)).gives(1, 11)
    seqvm(program(f'{body} "{child}" actor-exists? show "{child}" 0 try', words)).gives('true', 11)


# --- events ---

SOURCED = COUNTER + '''
: apply ( Map Int -- Map ) swap number rot i.+ set-number ;
: item ( Map Int -- Map )
  dup 0 i.= [ drop number actor-reply ]
  [ dup journal-append journal-append drop actor-state dup number nip actor-reply ] if ;
: sum ( String -- Int ) 0 [ i.+ ] journal-fold ;
'''


def test_sourced(seqvm):
    """Events are folded into the state at once, kept, and can be folded again by anybody."""
    body = '"i" [ item ] [ apply ] actor-register-sourced "i/1" 5 try "i/1" 1 try "i/1" 0 try "i/1" sum show "i/2" sum show'
    seqvm(program(body, SOURCED)).gives(10, 12, 12, 12, 0)
    seqvm(program(body, SOURCED)).gives(22, 24, 24, 24, 0)


def test_events_of_a_plain_kind(seqvm):
    """journal-append keeps an event there too; nothing folds it into the state."""
    body = '''"k" [ dup journal-append swap number rot i.+ set-number ] actor-register
      "k/1" 3 actor-send "k/1" 4 actor-send 100 time.sleep-ms
      "k/1" list-of [ lv ] journal-fold show'''
    seqvm(program(body, SOURCED)).gives('list-of 3 lv 4 lv')
    seqvm(program(body, SOURCED)).gives('list-of 3 lv 4 lv 3 lv 4 lv')


def test_events_of_a_failed_turn(seqvm):
    words = SOURCED + ': f ( Map Int -- Map ) dup 3 i.= [ journal-append 1 list.length drop ] [ item ] if ;'
    seqvm(program('"i" [ f ] [ apply ] actor-register-sourced "i/1" 1 try "i/1" 3 try "i/1" 0 try "i/1" sum show', words)
          ).gives(2, ':parked', 2, 2, err_has='list.length')


def test_state_not_from_events(seqvm):
    words = SOURCED + ': cheat ( Map Int -- Map ) journal-append 99 set-number ;'
    seqvm(program('"i" [ cheat ] [ apply ] actor-register-sourced "i/1" 1 try "i/1" sum show', words)
          ).gives(':parked', 0, err_has='state-not-from-events')


def test_a_fold_leaves_a_map(seqvm):
    words = SOURCED + ''': any ( List -- T ) 0 list.get drop ;
    : bad ( Map Int -- Map ) drop drop list-of 5 lv any ;'''
    seqvm(program('"i" [ item ] [ bad ] actor-register-sourced "i/1" 1 try', words)).gives(':parked', err_has='i/1: message parked:')


def test_code_in_event(seqvm):
    seqvm(program('"k" [ drop [ 1 ] journal-append ] actor-register "k/1" 1 try', SOURCED)
          ).gives(':parked', err_has='code-in-event')


def test_fold_in_a_turn(seqvm):
    """A turn may fold its own past and another's; what it appends itself comes with the next."""
    words = SOURCED + ''': look ( Map Int -- Map ) drop 5 journal-append "i/1" sum actor-self sum i.+ actor-reply ;'''
    seqvm(program('''"i" [ item ] [ apply ] actor-register-sourced "l" [ look ] actor-register
      "i/1" 5 try "l/1" 1 try "l/1" 1 try''', words)).gives(10, 10, 15)


def test_register_in_a_turn(seqvm):
    """A kind outlives the turn, so it is made outside of any."""
    words = COUNTER + ': k ( Map Int -- Map ) drop "later" [ counter ] actor-register ;'
    seqvm(program('"k" [ k ] actor-register "k/1" 1 try "later" [ counter ] actor-register "later/1" 1 try', words)
          ).gives(':parked', 1, err_has='register-in-turn')


def test_a_turn_that_waits_for_ever(seqvm):
    """It fails, as soon as nothing else can happen; the line goes on."""
    words = COUNTER + ''': k ( Map Int -- Map ) dup 0 i.= [ drop chan.make chan.receive drop drop ] [ counter ] if ;'''
    seqvm(program('"k" [ k ] actor-register "k/1" 0 actor-send', words)
          ).gives(err_has='k/1: message parked: deadlock: it waits for ever in chan.receive')
    seqvm(program('"k" [ k ] actor-register "k/1" 5 try', words)).gives(5)


def test_register_sourced_twice(seqvm):
    traps(seqvm, '"i" [ counter ] actor-register "i" [ item ] [ apply ] actor-register-sourced',
          'actor-register-sourced: `i` is registered already', words=SOURCED)


# --- the store ---

def test_two_processes(seqvm):
    """The second one is told who has the store; when that one is killed, it is free."""
    first = seqvm.start(program('"k" [ counter ] actor-register "k/1" 1 try 60000 time.sleep-ms'))
    first.wait_for('1')
    seqvm(program('"k" [ counter ] actor-register "k/1" 1 try')).gives(code=75, err_has=f'open in process {first.pid}')
    first.kill()
    seqvm(program('"k" [ counter ] actor-register "k/1" 1 try')).gives(2)


def segments(seqvm):
    folder = seqvm.path('actors', 'log')
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]


def content(folder):
    """All files of a store but LOCK, and what is in them."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            if name != 'LOCK':
                with open(os.path.join(place, name), 'rb') as file:
                    found[os.path.join(place, name)] = file.read()
    return found


def flip(path, offset):
    with open(path, 'r+b') as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 0x10]))


def test_damaged_log(seqvm):
    """A byte of an early group is another one, later groups are whole: exit 5, and nothing is changed."""
    body = '"k" [ counter ] actor-register "k/1" 11 try "k/1" 22 try "k/1" 33 try "k/1" 44 try "end" say 60000 time.sleep-ms'
    seqvm.start(program(body)).wait_for('end').kill()
    path = segments(seqvm)[-1]
    with open(path, 'rb') as file:
        place = file.read().index(b'k/1')
    flip(path, place)
    before = content(seqvm.path('actors'))
    for _ in range(2):
        seqvm(program('"k" [ counter ] actor-register "k/1" 0 try')).gives(code=5, err_has=['store actors: log segment', 'nothing was changed'])
    expect(content(seqvm.path('actors')) == before, 'the store has changed')
    flip(path, place)
    seqvm(program('"k" [ counter ] actor-register "k/1" 0 try')).gives(110)


def test_torn_log(seqvm):
    """The last group is torn: it is put aside, and the store goes on from the one before."""
    running = seqvm.start(program('"k" [ counter ] actor-register "k/1" 11 try "k/1" 22 try "end" say 60000 time.sleep-ms'))
    running.wait_for('end').kill()
    path = segments(seqvm)[-1]
    with open(path, 'rb') as file:
        place = file.read().rindex(b'k/1')
    flip(path, place)
    seqvm(program('"k" [ counter ] actor-register "k/1" 0 try')).gives(11, err_has='were put aside')
    expect(os.listdir(seqvm.path('actors', 'quarantine')), 'nothing is in quarantine/')


def test_damaged_after_close(seqvm):
    """After an orderly end the log is one checkpoint: a damaged one is no new store, nor is a missing one."""
    count = program('"k" [ counter ] actor-register "k/1" 1 try')
    seqvm(count).gives(1)
    path = segments(seqvm)[-1]
    for offset in (12, 200):
        flip(path, offset)
        seqvm(count).gives(code=5, err_has='nothing was changed')
        flip(path, offset)
    for name in ('log', 'STORE', 'index', 'packs'):
        shutil.move(seqvm.path('actors', name), seqvm.path('aside'))
        result = seqvm(count)
        shutil.rmtree(seqvm.path('actors', name), ignore_errors=True)
        shutil.move(seqvm.path('aside'), seqvm.path('actors', name))
        expect(result.code != 0 and not result.out, f'without {name}: {result!r}')
    flip(seqvm.path('actors', 'STORE'), 20)
    seqvm(count).gives(code=5, err_has='STORE is damaged')
    flip(seqvm.path('actors', 'STORE'), 20)
    seqvm(count).gives(2)


def test_damaged_journal(seqvm):
    """One actor's records in a pack are damaged: whoever asks it is told, and others are as before."""
    words = COUNTER + ''': two ( -- ) "k" [ counter ] actor-register "k/1" 1 try "k/2" 1 try ;'''
    seqvm(program('two', words)).gives(1, 1)
    path = seqvm.path('actors', 'packs', os.listdir(seqvm.path('actors', 'packs'))[0])
    with open(path, 'rb') as file:
        bytes_ = file.read()
    # the first run's records begin behind the pack's header and the run's
    flip(path, 64 + 80 + 50)
    result = seqvm(program('two', words))
    expect(result.code == 0 and sorted(result.lines()) == ['2', ':damaged'], repr(result))
    expect('its journal is damaged' in result.err, repr(result))
    with open(path, 'r+b') as file:
        file.write(bytes_)
    expect(sorted(seqvm(program('two', words)).lines()) == ['2', '3'], 'the repaired one has lost something')


def test_damaged_run(seqvm):
    """The same when it is the header of its records that is damaged."""
    words = COUNTER + ''': two ( -- ) "k" [ counter ] actor-register "k/1" 1 try "k/2" 1 try ;'''
    seqvm(program('two', words)).gives(1, 1)
    path = seqvm.path('actors', 'packs', os.listdir(seqvm.path('actors', 'packs'))[0])
    flip(path, 64 + 8)
    result = seqvm(program('two', words))
    expect(result.code == 0 and sorted(result.lines()) == ['2', ':damaged'], repr(result))


# --- kills ---

# Askers count: each sends ten messages, asks for the sum and prints it, and so on until the process is killed.
ASKERS = COUNTER + """
: tell ( String Int -- ) int->string " " swap string.concat string.concat io.write-line ;
: send-up-to ( String Int Int -- )             # address, the last number sent, the last one to send
  2dup i.= [ drop drop drop ] [ swap 1 i.+ swap 2 pick 2 pick MESSAGE actor-send send-up-to ] if ;
: go-on ( String Int -- ) over swap dup 10 i.+ send-up-to dup 0 actor-ask 2dup tell go-on ;
: main ( -- )
  REGISTER
  "abcdefghijklmnopqrstuvwx" 24 start ;
: start ( String Int -- )                      # letters, how many of them
  dup 0 i.= [ drop drop ]
  [ 1 i.- 2dup 1 string.substring "first/" swap string.concat [ asker ] strand.spawn drop drop start ] if ;
"""
ASKER_COUNT = 24

COUNTING = ASKERS.replace('MESSAGE', 'drop 1').replace('REGISTER', '"first" [ counter ] actor-register') + """
: asker ( String -- ) dup 0 actor-ask over " begin" string.concat over tell 2dup tell go-on ;
"""

# Each message is a number, which must follow the one before. It is passed on to a mirror, which checks the same.
CHECKING = ASKERS.replace('MESSAGE', '').replace(
    'REGISTER', '"first" [ first ] actor-register "mirror" [ mirror ] actor-register') + """
: reply-last ( Map -- Map ) dup "bad" map.has? [ -1 actor-reply ] [ number actor-reply ] if ;
: step ( Map Int -- Map ) over number nip 1 i.+ over i.= [ set-number ] [ "bad" swap map.set ] if ;
: mirror ( Map Int -- Map ) dup 0 i.= [ drop reply-last ] [ step ] if ;
: first ( Map Int -- Map )
  dup 0 i.= [ drop reply-last ] [ dup mirror-of-self swap actor-send step ] if ;
: mirror-of ( String -- String ) "mirror/" swap 6 1 string.substring string.concat ;
: mirror-of-self ( -- String ) actor-self mirror-of ;
: asker ( String -- )
  dup 0 actor-ask  over mirror-of 0 actor-ask  2 pick " begin" string.concat swap tell  2dup tell go-on ;
"""


def kill_often(seqvm, text):
    """
    Runs the program and kills it, again and again. What it has printed of a
    counter is what the next one begins with, or more; how often it was more,
    so that the kill cut work of which nobody had been told.
    """
    options, name = seqvm.options, seqvm.write(text)
    chance, said, cut = random.Random(options.seed), {}, 0
    for number in range(options.rounds + 1):
        running, lines, is_more = seqvm.start(name), [], False
        if number == options.rounds or chance.random() < 0.9: # else it is killed somewhere in its start
            lines = [running.line() for _ in range(2 * ASKER_COUNT)]
        lines += running.lines_for(chance.random() * 0.05)
        lines += running.kill().out.split('\n')[:-1] # the last one may be cut
        for line in filter(None, lines):
            address, *begin, last = line.split(' ')
            last = int(last)
            expect(last >= said.get(address, 0), f'kill {number}, seed {options.seed}: {line!r} after {said}')
            is_more = is_more or (bool(begin) and last > said.get(address, 0))
            said[address] = last
        cut += is_more
    expect(len(said) == ASKER_COUNT, f'not everybody had a word: {said}')
    print(f'# {options.rounds} kills, seed {options.seed}: counted to {max(said.values())}, {cut} kills cut unacknowledged work',
          flush=True)
    return cut


def test_kills(seqvm):
    """Nothing that was acknowledged is lost by SIGKILL, and no counter goes back."""
    cut = kill_often(seqvm, COUNTING)
    expect(2 * cut >= seqvm.options.rounds, f'only {cut} kills cut work of which nobody had been told')


def test_kills_in_order(seqvm):
    """No number is missing, comes twice or too early, and what one actor passed on to another has arrived."""
    kill_often(seqvm, CHECKING)


def test_killed_while_it_is_made(seqvm):
    """A process that is killed while it makes or opens a store leaves one that can be opened."""
    count, chance = seqvm.write(program('"k" [ counter ] actor-register "k/1" 1 try')), random.Random(seqvm.options.seed)
    last = 0
    for number in range(seqvm.options.rounds):
        if number % 10 == 0:
            shutil.rmtree(seqvm.path('actors'), ignore_errors=True)
            last = 0
        running = seqvm.start(count)
        time.sleep(chance.random() * 0.03)
        running.process.kill()
        result = running.end()
        # who is killed while a sanitizer looks for leaks has said so on stderr
        is_clean = result.code == -signal.SIGKILL or (result.code == 0 and not result.err)
        expect(is_clean, f'seed {seqvm.options.seed}: {result!r}')
        if result.out:
            expect(int(result.out) in (last + 1, last + 2), f'{last}, then {result.out}, seed {seqvm.options.seed}')
            last = int(result.out)
        elif result.code:
            found = int(seqvm(count).out)
            expect(found in (last + 1, last + 2), f'{last}, then {found}, seed {seqvm.options.seed}')
            last = found


# --- a disk that is full ---

# Grows its state by 64 KiB with each message and answers how many there were.
FILLING = BIG + """
: piece ( Int -- String ) int->string "x" 16 double string.concat ;
: grow ( Map Int -- Map )
  dup 0 i.= [ drop number actor-reply ]
  [ drop number 1 i.+ dup actor-reply dup >aux set-number aux> dup piece map.set ] if ;
# Asks until it is refused; then once more in a while until it is not.
: fill ( -- ) "k/1" 1 700 actor-ask-within [ show fill ] [ show "full" say refill ] if ;
: refill ( -- ) "k/1" 1 700 actor-ask-within [ show "again" say ] [ drop 300 time.sleep-ms refill ] if ;
: main ( -- ) "k" [ grow ] actor-register fill 60000 time.sleep-ms ;
"""
READING = FILLING.replace(': main', ': old-main') + ': main ( -- ) "k" [ grow ] actor-register "k/1" 0 actor-ask show ;'


def acknowledged(lines):
    return max((int(line) for line in lines if line.isdigit()), default=0)


@contextlib.contextmanager
def small_disk(seqvm, size):
    """A file system of its own at `disk`, of so many MiB."""
    disk = seqvm.path('disk')
    os.mkdir(disk)
    mounted = subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size}m', 'tmpfs', disk], capture_output=True,
                             text=True, timeout=TIMEOUT, check=False)
    if mounted.returncode:
        raise Skipped(f'no file system can be mounted: {mounted.stderr.strip()}')
    try:
        yield disk
    finally:
        seqvm.close()
        subprocess.run(['umount', disk], timeout=TIMEOUT, check=False)


def fill_and_free(seqvm, size, ballast):
    """Fills a disk with a store until it refuses, then makes room."""
    with small_disk(seqvm, size) as disk:
        with open(os.path.join(disk, 'ballast'), 'wb') as file:
            file.write(bytes(ballast << 20))
        running, lines = seqvm.start(FILLING, store='disk/store'), []
        while (line := running.line()) not in ('full', None):
            lines.append(line)
        expect(line == 'full' and lines[-1] == ':timeout' and acknowledged(lines) > 5, f'{lines!r}\n{line!r}')
        os.unlink(os.path.join(disk, 'ballast'))
        while (line := running.line(15)) not in ('again', None):
            lines.append(line)
        expect(line == 'again', f'it does not go on behind {lines[-3:]!r}')
        result = running.kill()
        expect('no room on the disk' in result.err, repr(result))
        found = int(seqvm(READING, store='disk/store').out)
        expect(found >= acknowledged(lines), f'{acknowledged(lines)} were acknowledged, {found} are there')


def test_disk_full(seqvm):
    """Refused while there is no room, with nothing lost; as soon as there is some, it goes on."""
    fill_and_free(seqvm, 64, 56)


@broken('the next segment of the log is to be larger than the last one also where there is room for a small one only')
def test_disk_full_with_a_little_room(seqvm):
    fill_and_free(seqvm, 16, 8)


PUMP = BIG + """
: pump ( Int String -- ) "q/1" over actor-send swap 1 i.+ dup show swap pump ;
: count ( Map String -- Map ) drop number 1 i.+ dup actor-reply set-number ;
"""


def test_disk_full_keeps_what_was_sent(seqvm):
    """What main has sent before it was refused is handled when there is room again."""
    with small_disk(seqvm, 8) as disk:
        result = seqvm(program('0 "x" 17 double pump', PUMP), store='disk/store')
        sent = acknowledged(result.lines())
        expect(result.code != 0 and sent > 5, repr(result)[-1000:])
        subprocess.run(['mount', '-o', 'remount,size=64m', disk], timeout=TIMEOUT, check=True)
        seqvm(program('"q" [ count ] actor-register "q/1" "" try', PUMP), store='disk/store').gives(sent + 1)


def test_disk_full_for_who_sends(seqvm):
    """main is told by a trap."""
    with small_disk(seqvm, 8):
        result = seqvm(program('0 "x" 17 double pump', PUMP), store='disk/store')
        expect(result.code == 134 and 'actor-send: disk-full' in result.err, repr(result)[-1000:])


def test_disk_full_from_the_start(seqvm):
    """Not even an empty store has room: refused, and made as soon as there is some."""
    count = program('"k" [ counter ] actor-register "k/1" 1 try')
    with small_disk(seqvm, 1) as disk:
        seqvm(count, store='disk/store').gives(code=75, err_has='store disk/store:')
        subprocess.run(['mount', '-o', 'remount,size=16m', disk], timeout=TIMEOUT, check=True)
        seqvm(count, store='disk/store').gives(1)


def limit_file_size():
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, 3 << 20))


def limit_file_size_and_ignore():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limit_file_size()


def filled(seqvm, before):
    running = seqvm.start(FILLING, before=before)
    lines = []
    while (line := running.line(20)) not in ('full', None):
        lines.append(line)
    acked = acknowledged(lines)
    code = running.process.poll()
    running.process.kill()
    result = running.end()
    found = int(seqvm(READING).out)
    expect(acked > 5 and found >= acked, f'{acked} were acknowledged, {found} are there\n{result!r}')
    return line, code, result


def test_file_size_limit(seqvm):
    """Files may not grow beyond 3 MiB: the same as no room."""
    line, code, result = filled(seqvm, limit_file_size_and_ignore)
    expect(line == 'full' and code is None, f'{line!r}, {code!r}, {result!r}')


def test_file_size_limit_by_signal(seqvm):
    """The same where the signal that comes with it is not ignored by whoever started us."""
    line, code, result = filled(seqvm, limit_file_size)
    expect(line == 'full' and code is None, f'{line!r}, {code!r}, {result!r}')


# --- examples ---

def example(seqvm, name, seconds):
    """Runs an example, kills it after some time, and runs it again: the lines of both."""
    path = os.path.join(ROOT, 'examples', 'actors', name)
    running = seqvm.start(path)
    first = [running.line()]
    first += running.lines_for(seconds)
    first += running.kill().lines()
    second = seqvm(path)
    expect(second.code == 0 and not second.err, repr(second))
    return first, second.lines()


def goes_on(first, second, pattern, last):
    """Numbered lines of the second run follow those of the first, which was cut, up to `last` of its own."""
    said, then = ([int(found[1]) for found in map(re.compile(pattern).fullmatch, filter(None, lines)) if found]
                  for lines in (first, second))
    expect(0 < len(said) < last, f'it was not killed half-way: {first!r}')
    expect(said == list(range(1, said[-1] + 1)), repr(first))
    expect(then[0] in (said[-1] + 1, said[-1] + 2), f'{said[-1]}, then {then[0]}')
    expect(then == list(range(then[0], then[0] + last)), repr(second))


def test_example_bank(seqvm):
    first, second = example(seqvm, 'bank.seq', 1)
    goes_on(first, second, r'transfer (\d+)', 60)
    sums = [line for line in first + second if 'together' in line]
    expect(len(sums) == 3 and all(line.endswith('together 1000') for line in sums), repr(sums))


def test_example_inventory(seqvm):
    first, second = example(seqvm, 'inventory.seq', 1)
    goes_on(first, second, r'day (\d+): \d+ pieces', 40)
    arrived, shipped, left = map(int, re.fullmatch(r'item/bolts: arrived (\d+), shipped (\d+), refused \d+ orders, left (\d+)',
                                                   second[-1]).groups())
    expect(arrived - shipped == left, second[-1])


def test_example_chat_room(seqvm):
    first, second = example(seqvm, 'chat_room.seq', 1)
    goes_on(first, second, r'room/lobby (\d+)', 60)
    expect(second[0] == 'room/lobby : person/anna, person/ben', second[0])
    expect(not any('missed' in line for line in second), repr(second[-3:]))


def test_example_audit_trail(seqvm):
    first, second = example(seqvm, 'audit_trail.seq', 1)
    goes_on(first, second, r'edit (\d+)', 40)
    true = [line for line in second if line == 'the document is what its entries say: true']
    expect(len(true) == 2, repr(second))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seqvm', default='build/release/repl/seqvm', help='the program under test')
    parser.add_argument('--tap', action='store_true', help='print TAP')
    parser.add_argument('--rounds', type=int, default=30, help='how often the test of kills kills')
    parser.add_argument('--seed', type=int, default=int.from_bytes(os.urandom(4), 'little'), help='of its random times')
    parser.add_argument('filter', nargs='*', help='only tests whose name contains one of these')
    options = parser.parse_args()

    seqvm = os.path.abspath(options.seqvm)
    tests = [(name[len('test_'):], function) for name, function in globals().items()
             if name.startswith('test_') and (not options.filter or any(text in name for text in options.filter))]
    if options.tap:
        print(f'1..{len(tests)}')
    outcomes = []
    for number, (name, function) in enumerate(tests, 1):
        outcome, found = run_test(function, seqvm, options)
        outcomes.append(outcome)
        report(number, name, outcome, found, options.tap)
    counts = {outcome: outcomes.count(outcome) for outcome in dict.fromkeys(outcomes)}
    if not options.tap:
        print(', '.join(f'{count} {outcome}' for outcome, count in sorted(counts.items(), key=lambda item: item[0] != 'passed')))
    return 1 if 'failed' in counts else 0


def run_test(function, seqvm, options):
    """What became of it, and lines about why."""
    reason = getattr(function, 'broken', None)
    with tempfile.TemporaryDirectory(prefix='actor-') as folder:
        tested = Seqvm(seqvm, folder, options)
        try:
            function(tested)
        except Skipped as why:
            return 'skipped', [str(why)]
        except (Failed, OSError, ValueError, AttributeError, subprocess.SubprocessError) as error:
            found = str(error) if isinstance(error, Failed) else traceback.format_exc()
            return ('known', [reason]) if reason else ('failed', found.splitlines())
        finally:
            tested.close()
    return ('failed', [f'it passes, and is marked as broken: {reason}']) if reason else ('passed', [])


def report(number, name, outcome, lines, tap):
    """One test; meson shows the stderr of what failed."""
    text = '; '.join(lines)
    said = {'passed': '', 'failed': '', 'skipped': f' # SKIP {text}',
            'known': f' # TODO {text}'} # this is how TAP says that a failure is expected
    if tap:
        print(f'{"ok" if outcome in ("passed", "skipped") else "not ok"} {number} - {name}{said[outcome]}', flush=True)
    elif outcome in ('skipped', 'known'):
        print(f'{outcome} {name}: {"; ".join(lines)}', flush=True)
    if outcome == 'failed':
        print(f'FAILED {name}', *lines, sep='\n    ', file=sys.stderr if tap else sys.stdout, flush=True)


if __name__ == '__main__':
    sys.exit(main())
