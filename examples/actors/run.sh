#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh SEQVM: runs the bank, kills it half-way, and runs it again on what is left.

seqvm=${1:?usage: run.sh SEQVM}
bank=$(dirname "$0")/bank.seq
store=$(mktemp -d) || exit
trap 'rm -rf "$store"' EXIT

echo "== $bank"
"$seqvm" --store "$store/bank" "$bank" </dev/null &
sleep 1
kill -9 $!
wait $! 2>/dev/null

echo
echo "== killed by SIGKILL; the same again, on the same store"
"$seqvm" --store "$store/bank" "$bank" </dev/null
