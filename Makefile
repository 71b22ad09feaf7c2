# SPDX-License-Identifier: GPL-2.0-or-later
# A thin front over meson: build/release holds the programs as they ship, build/asan the unit tests
# with sanitizers, build/bin links to every program.
MAKEFLAGS += --no-print-directory
RELEASE := build/release
ASAN := build/asan

.PHONY: all bootstrap test test-unit test-service test-kernel flavours selftests corpus matrix demo lint faults fuzz bench clean
all: bootstrap $(RELEASE)/build.ninja
	@ninja -C $(RELEASE) -k 0
	@tools/link-programs $(RELEASE) build/bin build/tests

bootstrap:
	@tools/bootstrap

$(RELEASE)/build.ninja: | bootstrap
	@meson setup $(RELEASE) >/dev/null
$(ASAN)/build.ninja: | bootstrap
	@meson setup $(ASAN) -Db_sanitize=address,undefined -Db_lundef=false >/dev/null

test: all $(ASAN)/build.ninja
	@tools/run-tests lint unit golden service kernel
test-unit: bootstrap $(ASAN)/build.ninja
	@tools/run-tests unit golden
test-service: all
	@tools/run-tests service
test-kernel: all
	@tools/run-tests kernel
# The newest kernel of every series and flavour: some minutes, and what the cache has not is fetched.
flavours: all
	@BUILD_ROOT="$(CURDIR)/$(RELEASE)" tests/kernel/flavours
# The kernel's own livepatch selftests on the newest small kernel of each series.
selftests: all
	@tests/kernel/selftests build/bin
# Every fix of tests/corpus; CORPUS_KERNEL: other kernels than the newest.
corpus: all
	@PATH="$(CURDIR)/build/bin:$$PATH" tests/corpus/run
# Every kernel of apt: up to an hour the first time, and 30 GB, unless MATRIX_FLAGS=--discard-kernels.
matrix: all
	@build/bin/suture-lab matrix tests/lab/every-kernel.matrix --output build/matrix --html build/matrix/index.html $(MATRIX_FLAGS)
# A fault at every system call of a machine's programs that changes something: most of an hour.
faults: all
	@SUTURE_FAULTS=all BUILD_ROOT="$(CURDIR)/$(RELEASE)" tests/kernel/test-faults.sh
fuzz: bootstrap
	@tools/fuzz
bench: all
	@tests/bench/run $(RELEASE)
lint: bootstrap $(RELEASE)/build.ninja
	@tools/run-tests lint
demo: all
	@tools/demo
clean:
	rm -rf build
