/* SPDX-License-Identifier: MIT */
/*
 * Words of the language that this build does not have: a program that calls
 * one is refused with its name, instead of being told that there is no such
 * word. They keep their effects and sentences, so `help` knows them too. A
 * family that is built takes its rows from here into a file of its own.
 */
#include "builtins/builtins.h"

static const Word absent_words[] = {
    /* compress */
    {"compress.gzip", "( ..a String -- ..a String Bool )", PURE, ABSENT,
     .help = "The bytes packed by gzip at level 6, in base64, and true; \"\" false when that fails."},
    {"compress.gzip-level", "( ..a String Int -- ..a String Bool )", PURE, ABSENT,
     .help = "compress.gzip at a level from 1 to 9; what is beyond counts as the nearest of them."},
    {"compress.gunzip", "( ..a String -- ..a String Bool )", PURE, ABSENT,
     .help = "Unpacks what compress.gzip gives, and true; \"\" false for bad base64, bad data, or a result that is "
             "not UTF-8."},
    {"compress.zstd", "( ..a String -- ..a String Bool )", PURE, ABSENT,
     .help = "The bytes packed by Zstandard at level 3, in base64, and true; \"\" false when that fails."},
    {"compress.zstd-level", "( ..a String Int -- ..a String Bool )", PURE, ABSENT,
     .help = "compress.zstd at a level from 1 to 22; what is beyond counts as the nearest of them."},
    {"compress.unzstd", "( ..a String -- ..a String Bool )", PURE, ABSENT,
     .help = "Unpacks what compress.zstd gives, and true; \"\" false for bad base64, bad data, or a result that is "
             "not UTF-8."},

    /* crypto */
    {"crypto.sha256", "( ..a String -- ..a String )", PURE, ABSENT,
     .help = "SHA-256 of the bytes, as 64 lowercase hex digits."},
    {"crypto.hmac-sha256", "( ..a String String -- ..a String )", PURE, ABSENT,
     .help = "HMAC-SHA-256 of the message below under the key on top, of any length, as lowercase hex digits."},
    {"crypto.constant-time-eq", "( ..a String String -- ..a Bool )", PURE, ABSENT,
     .help = "Are the bytes equal? Takes as long wherever they differ; different sizes are false at once."},
    {"crypto.random-bytes", "( ..a Int -- ..a String )", READS, ABSENT,
     .help = "So many random bytes that nobody can guess, as hex digits; 0 gives \"\". Below 0 or above 1024 is a "
             "trap."},
    {"crypto.random-int", "( ..a Int Int -- ..a Int )", READS, ABSENT,
     .help = "A random Int from the one below up to, but not including, the one on top, each as likely. The one "
             "below itself when there is none between."},
    {"crypto.uuid4", "( ..a -- ..a String )", READS, ABSENT,
     .help = "A random UUID of version 4: 36 characters, lowercase."},
    {"crypto.aes-gcm-encrypt", "( ..a String String -- ..a String Bool )", READS, ABSENT,
     .help = "The text below under AES-256-GCM with the key on top (64 hex digits): base64 of 12 random bytes, the "
             "ciphertext and a tag of 16, and true; \"\" false for a bad key."},
    {"crypto.aes-gcm-decrypt", "( ..a String String -- ..a String Bool )", PURE, ABSENT,
     .help = "What crypto.aes-gcm-encrypt hid, and true; \"\" false for a bad key, bad base64, a wrong length or a "
             "tag that does not fit."},
    {"crypto.pbkdf2-sha256", "( ..a String String Int -- ..a String Bool )", PURE, ABSENT,
     .help = "A key of 32 bytes from password, salt and a number of rounds, as 64 hex digits, and true; \"\" false "
             "for less than 1000 rounds or more than 32 bits of them."},
    {"crypto.ed25519-keypair", "( ..a -- ..a String String )", READS, ABSENT,
     .help = "A new public key, and the private one on top, 64 hex digits each."},
    {"crypto.ed25519-sign", "( ..a String String -- ..a String Bool )", PURE, ABSENT,
     .help = "The signature of the message below by the private key on top, 128 hex digits, and true; \"\" false for "
             "a bad key."},
    {"crypto.ed25519-verify", "( ..a String String String -- ..a Bool )", PURE, ABSENT,
     .help = "Is it the signature of the message by the owner of the public key on top? False for anything malformed."},

    /* regex */
    {"regex.match?", "( ..a String String -- ..a Bool )", PURE, ABSENT,
     .help = "Does the pattern on top match anywhere in the text? False for a pattern that is none."},
    {"regex.find", "( ..a String String -- ..a String Bool )", PURE, ABSENT,
     .help = "The first match and true; \"\" false without one, or for a pattern that is none."},
    {"regex.find-all", "( ..a String String -- ..a V Bool )", PURE, ABSENT,
     .help = "A list of all matches that do not overlap, and true, also when there are none; an empty list and false "
             "for a pattern that is none."},
    {"regex.captures", "( ..a String String -- ..a V Bool )", PURE, ABSENT,
     .help = "A list of the groups of the first match, from 1 on, and true; a group that took no part is \"\". An "
             "empty list and false without a match, or for a pattern that is none."},
    {"regex.replace", "( ..a String String String -- ..a String Bool )", PURE, ABSENT,
     .help = "The text with its first match replaced, and true; $1, $name, ${name} and $$ in the replacement on top "
             "stand for groups and a dollar. Without a match the text and true, for a pattern that is none the text "
             "and false."},
    {"regex.replace-all", "( ..a String String String -- ..a String Bool )", PURE, ABSENT,
     .help = "regex.replace for every match."},
    {"regex.split", "( ..a String String -- ..a V Bool )", PURE, ABSENT,
     .help = "A list of the pieces between the matches, and true; for a pattern that is none a list of the text "
             "alone, and false."},
    {"regex.valid?", "( ..a String -- ..a Bool )", PURE, ABSENT, .help = "Is it a pattern?"},

    /* terminal */
    {"terminal.raw-mode", "( ..a Bool -- ..a )", CHANGES, ABSENT,
     .help = "True: the terminal gives each byte at once and does not show it. False: as it was. Does nothing when "
             "there is no terminal; undone when the program ends."},
    {"terminal.read-char", "( ..a -- ..a Int )", READS, ABSENT,
     .help = "Waits for one byte of standard input: 0 to 255, or -1 at its end."},
    {"terminal.read-char?", "( ..a -- ..a Int )", READS, ABSENT,
     .help = "One byte of standard input if it is there already, else -1."},
    {"terminal.width", "( ..a -- ..a Int )", READS, ABSENT,
     .help = "Columns of the terminal; 80 when that is unknown."},
    {"terminal.height", "( ..a -- ..a Int )", READS, ABSENT, .help = "Rows of the terminal; 24 when that is unknown."},
    {"terminal.flush", "( ..a -- ..a )", ACTS, ABSENT, .help = "Sends on what standard output still holds."},

    /* signal */
    {"signal.SIGHUP", "( ..a -- ..a Int )", PURE, ABSENT, .help = "The number of SIGHUP here."},
    {"signal.SIGINT", "( ..a -- ..a Int )", PURE, ABSENT, .help = "The number of SIGINT here."},
    {"signal.SIGTERM", "( ..a -- ..a Int )", PURE, ABSENT, .help = "The number of SIGTERM here."},
    {"signal.SIGPIPE", "( ..a -- ..a Int )", PURE, ABSENT, .help = "The number of SIGPIPE here."},
    {"signal.SIGALRM", "( ..a -- ..a Int )", PURE, ABSENT, .help = "The number of SIGALRM here."},
    {"signal.SIGCHLD", "( ..a -- ..a Int )", PURE, ABSENT, .help = "The number of SIGCHLD here."},
    {"signal.SIGCONT", "( ..a -- ..a Int )", PURE, ABSENT, .help = "The number of SIGCONT here."},
    {"signal.SIGUSR1", "( ..a -- ..a Int )", PURE, ABSENT, .help = "The number of SIGUSR1 here."},
    {"signal.SIGUSR2", "( ..a -- ..a Int )", PURE, ABSENT, .help = "The number of SIGUSR2 here."},
    {"signal.trap", "( ..a Int -- ..a )", CHANGES, ABSENT,
     .help = "From now on the signal is only noted. A number outside 0 to 31, or a signal that cannot be caught, is "
             "a trap."},
    {"signal.ignore", "( ..a Int -- ..a )", CHANGES, ABSENT,
     .help = "From now on the signal does nothing. A number outside 0 to 31, or a refusal of the system, is a trap."},
    {"signal.default", "( ..a Int -- ..a )", CHANGES, ABSENT,
     .help = "The signal does again what the system lets it do. A number outside 0 to 31, or a refusal of the "
             "system, is a trap."},
    {"signal.received?", "( ..a Int -- ..a Bool )", READS, ABSENT,
     .help = "Was the signal noted? Forgets it in the same step. A number outside 0 to 31 is a trap."},
    {"signal.pending?", "( ..a Int -- ..a Bool )", READS, ABSENT,
     .help = "Was the signal noted? Does not forget it. A number outside 0 to 31 is a trap."},
    {"signal.clear", "( ..a Int -- ..a )", CHANGES, ABSENT,
     .help = "Forgets that the signal was noted. A number outside 0 to 31 is a trap."},

    /* tcp */
    {"fd->socket", "( ..a Int -- ..a Socket )", PURE, ABSENT, .help = "The Int as a Socket."},
    {"socket->fd", "( ..a Socket -- ..a Int )", PURE, ABSENT, .help = "The Socket as an Int."},
    {"net.tcp.listen", "( ..a Int -- ..a Socket Bool )", CHANGES, ABSENT,
     .help = "Listens on that port of all IPv4 addresses, on any free one for 0, and true; 0 false for a port "
             "outside 0 to 65535, or when the system refuses."},
    {"net.tcp.accept", "( ..a Socket -- ..a Socket Bool )", CHANGES, ABSENT,
     .help = "Waits for a connection to the listener, which stays open, and true; 0 false when that fails. Other "
             "strands run meanwhile."},
    {"net.tcp.connect", "( ..a String Int -- ..a Socket Bool )", CHANGES, ABSENT,
     .help = "Connects to a host and port, by whichever address answers first in 10 seconds in all, and true; 0 "
             "false for an empty host, a port outside 1 to 65535, or when none answers."},
    {"net.tcp.read", "( ..a Socket -- ..a String Bool )", READS, ABSENT,
     .help = "Waits for bytes, at most 4096 at once, and true; \"\" true when the other side has closed, \"\" false "
             "on an error."},
    {"net.tcp.write", "( ..a String Socket -- ..a Bool )", CHANGES, ABSENT,
     .help = "Writes all bytes and gives true; false on an error."},
    {"net.tcp.local-port", "( ..a Socket -- ..a Int Bool )", READS, ABSENT,
     .help = "The port on this side, and true; 0 false when it is no open socket."},
    {"net.tcp.close", "( ..a Socket -- ..a Bool )", CHANGES, ABSENT,
     .help = "Closes a connection or a listener; false when it was not open."},

    /* udp */
    {"net.udp.bind", "( ..a Int -- ..a Socket Int Bool )", CHANGES, ABSENT,
     .help = "Binds that port of all IPv4 addresses, any free one for 0: socket, port and true; 0 0 false when that "
             "fails."},
    {"net.udp.send-to", "( ..a String String Int Socket -- ..a Bool )", CHANGES, ABSENT,
     .help = "Sends one datagram to a host and port; false for a host that is not found, a port outside 0 to 65535, "
             "or an error."},
    {"net.udp.receive-from", "( ..a Socket -- ..a String String Int Bool )", READS, ABSENT,
     .help = "Waits for a datagram of at most 64 KiB: data, sender's address, port and true; \"\" \"\" 0 false when "
             "that fails."},
    {"net.udp.close", "( ..a Socket -- ..a Bool )", CHANGES, ABSENT,
     .help = "Closes a socket; false when it was not open."},

    /* dns, tls, http */
    {"net.dns.resolve", "( ..a String -- ..a V Bool )", READS, ABSENT,
     .help = "A list of the host's addresses as text, each once, and true; an empty list and false for an empty "
             "host, or when there is none. An address is its own. Answers are kept for 60 seconds."},
    {"net.tls.client", "( ..a Socket String -- ..a Socket Bool )", CHANGES, ABSENT,
     .help = "Makes a connection private, proving that the other side is that host, and true; 0 false for an empty "
             "host, and then the connection is as it was, or when it fails, and then it is closed."},
    {"net.http.get", "( ..a String -- ..a M )", READS, ABSENT,
     .help = "Fetches a URL: a map of \"status\", \"body\" and \"ok\", which is true for a status of 200 to 299. "
             "When there was no answer, status is 0 and \"error\" says why. Only http and https, no redirects, no "
             "private addresses, at most 10 MB."},
    {"net.http.post", "( ..a String String String -- ..a M )", CHANGES, ABSENT,
     .help = "Posts a body of the content type on top to a URL; gives the map that net.http.get gives."},
    {"net.http.put", "( ..a String String String -- ..a M )", CHANGES, ABSENT,
     .help = "Puts a body of the content type on top to a URL; gives the map that net.http.get gives."},
    {"net.http.delete", "( ..a String -- ..a M )", CHANGES, ABSENT,
     .help = "Deletes what the URL names; gives the map that net.http.get gives."},
};

const WordFamily absent_family = {"absent", absent_words, sizeof absent_words / sizeof *absent_words};
