#!/bin/bash
# SPDX-License-Identifier: MIT
#
# tests/fuzz/run.sh [SECONDS [FUZZER...]]
#
# Builds the fuzzers with clang and runs each: first what is kept (the golden
# tests, the examples, tests/fuzz/corpus), then SECONDS of new inputs. What they
# find to be worth keeping stays in build/fuzz-corpus, what fails in
# build/fuzz-found; a failing input is replayed by `build/fuzz/tests/fuzz/FUZZER FILE`.

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

mkdir -p build/fuzz-corpus build/fuzz-found
passed=0 failed=0
for fuzzer in $fuzzers; do
    seeds=build/fuzz-corpus/seeds new=build/fuzz-corpus/$fuzzer
    mkdir -p "$seeds" "$new"
    find tests/golden examples tests/fuzz/corpus -not -path '*/limit/*' -name '*.seq' -size -8k 2>/dev/null | while read -r file; do
        cp "$file" "$seeds/${file//\//_}"
    done
    if build/fuzz/tests/fuzz/"$fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096 \
        -dict=tests/fuzz/seq.dict -artifact_prefix="build/fuzz-found/$fuzzer-" -print_final_stats=1 "$new" "$seeds" \
        >"build/fuzz-corpus/$fuzzer.log" 2>&1; then
        passed=$((passed + 1))
        grep -a 'stat::number_of_executed_units' "build/fuzz-corpus/$fuzzer.log" | sed "s/^stat::/$fuzzer: /"
    else
        failed=$((failed + 1))
        echo "FAILED $fuzzer:"
        grep -a -E 'ERROR|runtime error|internal error|SUMMARY|Test unit written' "build/fuzz-corpus/$fuzzer.log" | head -8
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
