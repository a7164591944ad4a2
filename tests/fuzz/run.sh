#!/bin/bash
# SPDX-License-Identifier: MIT
#
# tests/fuzz/run.sh [SECONDS [FUZZER...]]
#
# Builds the fuzzers with clang and runs each: first once what is kept in
# tests/fuzz/corpus/FUZZER, then SECONDS of new inputs made from that, the golden
# tests and the examples. What they find to be worth keeping stays in
# build/fuzz-corpus, what fails in build/fuzz-found; a failing input is replayed
# by `build/fuzz/tests/fuzz/FUZZER FILE`, and kept when it is mended.

cd "$(dirname "$0")/../.." || exit
seconds=${1:-60}
shift
fuzzers=${*:-fuzz_lexer fuzz_check fuzz_run fuzz_codec fuzz_difference}
seconds=$((seconds * ${COUNT_PERCENT:-100} / 100 + 1))

if ! command -v clang >/dev/null; then
    echo 'the fuzzers need clang; not run'
    exit 0
fi
[ -e build/fuzz/build.ninja ] || CC=clang meson setup build/fuzz -Dtests=disabled -Dfuzz=true -Doptimization=1 \
    -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link || exit
meson compile -C build/fuzz || exit

tell() { # what log
    echo "FAILED $1:"
    grep -a -E 'Running: |ERROR|runtime error|internal error|SUMMARY|Test unit written' "$2" | tail -8
}

mkdir -p build/fuzz-corpus build/fuzz-found
passed=0 failed=0
for fuzzer in $fuzzers; do
    program=build/fuzz/tests/fuzz/$fuzzer kept=tests/fuzz/corpus/$fuzzer
    if "$program" -timeout=10 -rss_limit_mb=2048 "$kept"/* >"build/fuzz-corpus/$fuzzer-kept.log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        tell "$fuzzer, of what is kept" "build/fuzz-corpus/$fuzzer-kept.log"
    fi

    seeds=build/fuzz-corpus/seeds new=build/fuzz-corpus/$fuzzer
    mkdir -p "$seeds" "$new"
    find tests/golden examples -not -path '*/limit/*' -name '*.seq' -size -8k 2>/dev/null | while read -r file; do
        cp "$file" "$seeds/${file//\//_}"
    done
    if "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096 \
        -dict=tests/fuzz/seq.dict -artifact_prefix="build/fuzz-found/$fuzzer-" -print_final_stats=1 "$new" "$kept" "$seeds" \
        >"build/fuzz-corpus/$fuzzer.log" 2>&1; then
        passed=$((passed + 1))
        grep -a 'stat::number_of_executed_units' "build/fuzz-corpus/$fuzzer.log" | sed "s/^stat::/$fuzzer: /"
    else
        failed=$((failed + 1))
        tell "$fuzzer" "build/fuzz-corpus/$fuzzer.log"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
