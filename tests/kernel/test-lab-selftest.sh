#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# suture-lab selftest: scripts of the kernel's own pass, and tests that were spoilt are found.
. "$(dirname "$0")/lib.sh"

prepare_kernel
TESTS=tools/testing/selftests/livepatch
SOURCE=$(realpath "$KERNEL_BUILD/source")
run=(suture-lab selftest --kernel "$RELEASE")

# tree NAME: $TREE is a tree of its own with the kernel's selftests, $MODULES their modules' folder in it.
tree() {
	TREE=$WORK/$1 MODULES=$WORK/$1/$TESTS/test_modules
	mkdir -p "$TREE/${TESTS%/*}"
	cp -r "$SOURCE/$TESTS" "$TREE/${TESTS%/*}/"
	if [ ! -d "$MODULES" ]; then
		MODULES=$TREE/lib/livepatch
		mkdir -p "${MODULES%/*}"
		cp -r "$SOURCE/lib/livepatch" "${MODULES%/*}/"
	fi
}

# ended CASE RESULT CAUSE: in the JSON of the last run.
ended() {
	python3 - "$WORK/out.json" "$@" <<'END'
import json
import sys

path, name, *expected = sys.argv[1:]
cases = [case for trial in json.load(open(path))["predicate"]["suture"]["trials"] for case in trial["cases"] if case["name"].startswith(name)]
print(cases)
sys.exit([case[key] for case in cases for key in ("result", "cause")] != expected)
END
}

keep() {
	"$@" >"$WORK/out.json"
}

check "a script of the kernel passes" exits 0 keep "${run[@]}" --test test-ftrace.sh --format json --logs "$WORK/logs"
check "its modules are built" ended build pass none
check "its one test is a case" ended ftrace- pass none
check "the kernel log is clean" ended log pass none
check "the log is kept" grep -q "TEST: livepatch interaction with ftrace_enabled sysctl ... ok" "$WORK/logs/"*.log
check "with the kernel's" grep -q "livepatch: enabling patch 'test_klp_livepatch'" "$WORK/logs/"*.log

# A patch that does something else, and a script that ends early with success.
tree spoilt
sed -i 's/this has been live patched/this is something else/' "$MODULES/test_klp_livepatch.c"
sed -i '0,/^start_test/! s/^start_test/exit 0\n&/' "$TREE/$TESTS/test-sysfs.sh"
held=$(grep -c '^start_test' "$TREE/$TESTS/test-sysfs.sh")
check "the script has tests behind its first" [ "$held" -ge 2 ]
check "spoilt tests fail" exits 3 keep "${run[@]}" --source "$TREE" --test ftrace --test sysfs --format json
check "a patch that does something else" ended ftrace-01 fail wrong-data
check "the next script has a new guest" says '"boots": 2' cat "$WORK/out.json"
check "its first test passes" ended sysfs-01 pass none
for number in $(seq 2 "$held"); do
	check "test $number did not begin" ended "sysfs-0$number" fail wrong-data
done

# What does not compile is shown.
tree broken
echo 'not C;' >>"$MODULES/test_klp_shadow_vars.c"
check "a module that does not compile" refuses 'test_klp_shadow_vars.c:.*error: ' \
	"${run[@]}" --source "$TREE" --test shadow-vars

check "interrupted while it compiles, it leaves nothing behind" interrupted make "${run[@]}"

check "a script that there is not" refuses "no such script" "${run[@]}" --test nothing
check "a kernel that was not prepared" refuses "suture-build kernel add 6.1.0-1-cloud-amd64" \
	suture-lab selftest --kernel 6.1.0-1-cloud-amd64
check "an image without its source" refuses "name it with --kernel" \
	suture-lab selftest --image /vmlinuz
finish
