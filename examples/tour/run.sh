#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh SEQVM: runs the programs of the tour in reading order, each under its name.

seqvm=${1:?usage: run.sh SEQVM}
tour=$(dirname "$0")

for program in "$tour"/[0-9]*.seq; do
    echo "== $program"
    "$seqvm" run "$program" </dev/null || exit
    echo
done
