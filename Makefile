# SPDX-License-Identifier: MIT
# Short names for daily commands; the build itself is meson's. Everything goes to build/.

.PHONY: help run test debug bench fuzz format clean

help:
	@echo 'make run      builds a release, runs the tour of the language and a bank that is killed'
	@echo 'make test     builds and runs all tests'
	@echo 'make debug    builds build/debug/repl/seqvm: no optimization, ASan and UBSan'
	@echo 'make bench    runs the benchmarks'
	@echo 'make fuzz     runs each fuzzer for a minute'
	@echo 'make format   formats the C sources with clang-format'
	@echo 'make clean    removes build/'
	@echo
	@echo 'run and test install what is missing (see ./packages), if they may.'

# A folder is configured once; meson itself sees when its files change.
build/release/build.ninja:
	meson setup build/release -Dtests=disabled
build/test/build.ninja:
	meson setup build/test -Dtests=enabled
build/debug/build.ninja:
	meson setup build/debug -Dtests=disabled -Dbuildtype=debug -Doptimization=0 -Db_sanitize=address,undefined

run:
	./packages install build
	@$(MAKE) --no-print-directory build/release/build.ninja
	meson compile -C build/release
	examples/tour/run.sh build/release/repl/seqvm
	examples/actors/run.sh build/release/repl/seqvm

test:
	./packages install build test
	@$(MAKE) --no-print-directory build/test/build.ninja
	meson compile -C build/test
	meson test -C build/test --print-errorlogs

debug: build/debug/build.ninja
	meson compile -C build/debug

bench: build/release/build.ninja
	meson compile -C build/release
	tests/bench/run.py --seqvm build/release/repl/seqvm

fuzz:
	tests/fuzz/run.sh 60

format:
	git ls-files '*.c' '*.h' | xargs clang-format -i

clean:
	rm -rf build
