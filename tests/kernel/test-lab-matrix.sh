#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# suture-lab matrix: modules built on the way, two machines, a patch that fails, one that is refused; killed
# in the middle it goes on, and what has not changed is not held again. And run with several kernels.
. "$(dirname "$0")/lib.sh"
TESTS=$(dirname "$(dirname "$(realpath "$0")")")

prepare_kernel
build_module "$TESTS/kernel/modules/lab_oops.c" || give_up "the test's livepatch does not build"
SOURCE=$(suture-build kernel show "$RELEASE" --format json | jq -r .source)
make_patch same fs/proc/version.c 's/^#include <linux.fs.h>/& \/* the same *\//'
cp "$TESTS/../demo/fixes/0001-proc-version-live-patch.patch" "$WORK/fix.patch"
cp "$TESTS/lab/version-shows" "$WORK/shows"
echo 'cat /proc/cmdline >/dev/null' >"$WORK/reads"

cat >"$WORK/test.matrix" <<END
[matrix]
kernels = $RELEASE
cases = load reproducer
[patch good]
source = fix.patch
version = 1.1
reproducer = shows
[patch bad]
module = lab_oops.ko
reproducer = reads
[patch same]
source = same.patch
version = 1.1
[machine small]
[machine large]
memory = 640
END
matrix=(suture-lab matrix "$WORK/test.matrix" --output "$WORK/out" --jobs 2)
log=$WORK/out/log

# wait_for COMMAND…: until it succeeds, while the matrix runs.
wait_for() {
	until "$@" 2>/dev/null; do
		kill -0 "$lab" 2>/dev/null || return 1
		read -r -t 0.05 <> <(:)
	done
	true
}
has_result() { compgen -G "$WORK/out/results/*.json" >/dev/null; }
# guests: QEMUs of this test.
guests() { pgrep -f "$WORK/.*qemu.pid" || pgrep -f "qemu-system.*$WORK/"; }
no_guests() {
	for _ in $(seq 400); do
		guests >/dev/null || return 0
		read -r -t 0.05 <> <(:)
	done
	return 1
}
# count PATTERN: lines of the log.
count() { grep -c -e "$1" "$log"; }

check "--plan lists the combinations" says "^good/$RELEASE/small *waits" "${matrix[@]}" --html "$WORK/out/new.html" --plan
check "and counts them" says '^1 kernel, 6 jobs: .* 6 waiting$' "${matrix[@]}" --plan
check "and runs nothing" test ! -e "$log"

# Killed as soon as the first result is there, with other work in flight.
"${matrix[@]}" >"$WORK/killed.out" 2>&1 &
lab=$!
check "a first result is kept" wait_for has_result
kill -KILL $lab
wait $lab 2>/dev/null
check "guests end with a matrix that is killed" no_guests
ls "$WORK/out/results" >"$WORK/before"
check "a second one in the same folder is refused" refuses 'another matrix works here' \
	flock "$WORK/out/lock" "${matrix[@]}" --plan

check "the next run goes on, and says that not all passed" exits 3 "${matrix[@]}" --format json --html "$WORK/grid.html" --junit "$WORK/grid.xml" --record "$WORK/grid.json"
cp "$WORK/out/matrix.json" "$WORK/second.json"
check "every combination has its result" jq -e --arg kernel "$RELEASE" '
	[.jobs[] | {key: "\(.patch)/\(.machine)", value: .result}] | from_entries ==
	{"good/small": "pass", "good/large": "pass", "bad/small": "fail", "bad/large": "fail",
	"same/small": "not-built", "same/large": "not-built"}' "$WORK/second.json"
check "as a page and as XML too" test -s "$WORK/grid.html" -a -s "$WORK/grid.xml" -a -s "$WORK/grid.json"
check "a refused patch has its reason" jq -e \
	'.jobs[] | select(.patch == "same" and .machine == "small") | .reason | test("no code|changes no|no change")' "$WORK/second.json"
check "a failed one says what was found" jq -e \
	'[.jobs[] | select(.patch == "bad") | .trial.cases[] | select(.result == "fail")] | length > 0' "$WORK/second.json"
check "the combinations are counted" jq -e \
	'.sums.combinations == ([.jobs[].trial | select(.) | .cases | length] | add) and .sums.passed > 0' "$WORK/second.json"
check "modules are built once" test "$(count 'build good/.*ended')" = 1
check "refusals are found once" test "$(count 'build same/.*ended')" = 1
none_twice() { awk '$2 == "job" && $NF == "pass" && done[$3]++ { bad = 1 } END { exit bad }' "$log"; }
check "what passed before the kill is not held again" none_twice
check "nothing is lost" sh -c 'while read -r name; do test -e "$1/out/results/$name" || exit 1; done <"$1/before"' - "$WORK"

# What passed and what was refused is remembered, what failed is not, unless asked.
remembered() {
	"${matrix[@]}" --plan --format json "${@:2}" | jq -e "[.jobs[] | select(.remembered)] | length == $1"
}
check "what passed or was refused is remembered" remembered 4
check "failures too, if asked" remembered 6 --keep-failures
check "nothing, if asked" remembered 0 --again
check "a damaged result is missing" sh -c 'for f in "$1"/out/results/*.json; do head -c 100 "$f" >"$f.x"; mv "$f.x" "$f"; done' - "$WORK"
check "and says so" says 'counts as missing' "${matrix[@]}" --plan
check "so it is held again" remembered 2

# Interrupted: all children end, the folder of the guests goes.
"${matrix[@]}" --only 'good/*' >/dev/null 2>&1 &
lab=$!
trying() { [ "$(count 'try good/.*begins')" -gt "$1" ] && guests >/dev/null; }
check "what is missing is tried" wait_for trying "$(count 'try good/.*begins')"
kill -TERM $lab
wait $lab
check "an interrupted matrix ends by the signal" test $? = 143
check "with all its guests" no_guests
check "and their folder" test ! -e "$(cat "$WORK/out/runtime")"

check "--only what passes is a pass" "${matrix[@]}" --only 'good/*/small'
suture-lab run --kernel "$RELEASE" --kernel 9.9.9-none --kernel "$RELEASE" --jobs 2 --case reproducer --logs "$WORK/logs" \
	--module "$WORK"/out/modules/*.ko --reproducer "$WORK/shows" --record "$WORK/run.json" --format json >"$WORK/said.json" 2>/dev/null
check "run: several kernels at once, one of which is not there" test $? = 1
check "run: each has its place in the record" jq -e '[.predicate.suture.trials[].state] == ["held", "not-held", "held"]' "$WORK/run.json"
check "run: which --format json says too" cmp <(jq -S .predicate "$WORK/run.json") <(jq -S .predicate "$WORK/said.json")
check "run: and its own logs" test -s "$WORK/logs/$RELEASE/reproducer.log" -a -s "$WORK/logs/$RELEASE-2/reproducer.log"
printf '[matrix]\nkernel = x\n' >"$WORK/wrong.matrix"
check "a file with a mistake says where" refuses 'wrong.matrix: line 2: kernel: no such key' \
	suture-lab matrix "$WORK/wrong.matrix" --output "$WORK/other"
finish
