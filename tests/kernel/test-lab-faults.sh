#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Seeded faults: each livepatch has one, and each must be found by the case that looks for it, and be
# called what it is. Two guests at a time.
. "$(dirname "$0")/lib.sh"

prepare_kernel
build_module "$(dirname "$(realpath "$0")")/modules/lab_fault.c" || give_up "the test's livepatch does not build"
SOURCE=$(suture-build kernel show "$RELEASE" --format json | jq -r .source)

# The fault that the good patch mends: /proc/cmdline shows the boot loader's words.
cat >"$WORK/shows" <<'END'
if grep -q console=ttyS0 /proc/cmdline; then exit 0; else exit 1; fi
END

# fault NAME: $WORK/NAME.ko
fault() {
	local text=FAULT:$1................

	LC_ALL=C sed "s/FAULT:none\.\.\.\.\.\.\.\.\.\.\.\./${text:0:22}/" "$WORK/lab_fault.ko" >"$WORK/$1.ko"
}

# fault, case that finds it, verdict's cause, options
TABLE='
oops        reproducer  oops            --case reproducer
oops-load   load        oops            --case load
panic       reproducer  panic           --case reproducer
bug         reproducer  panic           --case reproducer
triple      reproducer  triple-fault    --case reproducer
mutex       reproducer  hang            --case reproducer --timeout 12
spin        reproducer  hang            --case reproducer --timeout 12
leak        memory      leak            --case memory
leak-load   memory      leak            --case memory
stays       reproducer  fault-stays     --case reproducer
warn        reproducer  warning         --case reproducer
taint       reproducer  taint           --case reproducer
wrong-data  smoke       wrong-data      --case smoke
wrong-count smoke       wrong-data      --case smoke
wrong-port  smoke       wrong-data      --case smoke
silenced    redirect    not-redirected  --case redirect
not-come    load        refused         --load nf_tables --case load
oops-end    load        oops            --case load
stuck       load        stuck           --case load --timeout 10
held        load        refused         --case load --timeout 12
'

# They take a minute more, and are found in the ways of those above.
[ -z "${SUTURE_TEST_ALL_FAULTS:-}" ] || TABLE+='
loop        reproducer  hang            --case reproducer --timeout 12
leak-pages  memory      leak            --case memory
leak-vmalloc memory     leak            --case memory
'

# try FAULT OPTION…: one livepatch in a guest of its own; its record is $WORK/FAULT.json.
try() {
	local name=$1
	shift
	suture-lab run --kernel "$RELEASE" --module "$WORK/$name.ko" --reproducer "$WORK/shows" \
		--record "$WORK/$name.json" "$@" >"$WORK/$name.out" 2>&1
	echo $? >"$WORK/$name.status"
}

# found FAULT CASE CAUSE: the case failed for that cause, and no other case failed.
found() {
	[ "$(cat "$WORK/$1.status")" = 3 ] || { cat "$WORK/$1.out"; return 1; }
	jq -e --arg case "$2" --arg cause "$3" '[.predicate.suture.trials[0].cases[] | select(.result == "fail")]
		| length == 1 and .[0].name == $case and .[0].cause == $cause' "$WORK/$1.json" ||
		{ cat "$WORK/$1.out"; return 1; }
}

# The record of a patch of the m_show() that /proc/modules comes from; the other one is /proc/mounts'.
make_patch right kernel/module/procfs.c '/^static int m_show/,/^}/s/"%s %u"/"%s  %u"/'
suture-build patch --kernel "$RELEASE" --version 1.1 -o "$WORK/right.ko" --record "$WORK/right.record" \
	"$WORK/right.patch" >"$WORK/right.out" 2>&1 || give_up "m_show: $(tail -n 3 "$WORK/right.out")"
right=$(jq '.objects[0].functions[0].sympos' "$WORK/right.record")

fault none
while read -r name _ _ options; do
	[ -n "$name" ] || continue
	fault "$name"
	while [ "$(jobs -rp | wc -l)" -ge 2 ]; do
		wait -n
	done
	# shellcheck disable=SC2086 # words
	try "$name" $options &
done <<<"$TABLE"
for position in 1 2; do
	fault m_show-$position
done
wait
try m_show-$right --case redirect --build-record "$WORK/right.record" &
try m_show-$((3 - right)) --case redirect --build-record "$WORK/right.record" &
wait
fault many
fault waits
try none --case reproducer --case smoke --case load --case redirect --case take-back &
try many --load nf_tables --case load --case redirect --case reproducer --case smoke --case take-back --case target &
wait
try waits --case sleepers

while read -r name case cause _; do
	[ -z "$name" ] || check "$name: $case finds it, as $cause" found "$name" "$case" "$cause"
done <<<"$TABLE"
check "the wrong one of two functions of one name: redirect finds it" found m_show-$((3 - right)) redirect wrong-function
check "the right one: nothing is found" [ "$(cat "$WORK/m_show-$right.status")" = 0 ]
check "without a fault: nothing is found" [ "$(cat "$WORK/none.status")" = 0 ]
check "many functions and a module's, faithful: nothing is found" [ "$(cat "$WORK/many.status")" = 0 ]
check "all of them are redirected" jq -e \
	'.predicate.suture.trials[0].cases[] | select(.name == "redirect") | .message | test("^7 functions")' "$WORK/many.json"
check "a task that no signal ends is waited for" jq -e \
	'.predicate.suture.trials[0].cases[] | select(.name == "sleepers")
	| .result == "pass" and (.message | test("^it waited for exercise"))' "$WORK/waits.json"
check "a hang is told where it hangs" jq -e \
	'.predicate.suture.trials[0].cases[] | select(.name == "reproducer") | .excerpt | test("spin_show|lab_fault")' "$WORK/spin.json"
check "and so is a task that waits for itself" jq -e \
	'.predicate.suture.trials[0].cases[] | select(.name == "reproducer") | .excerpt | test("mutex_show|lab_fault")' "$WORK/mutex.json"
check "a stuck transition names who holds it up" jq -e \
	'.predicate.suture.trials[0].cases[] | select(.name == "load") | .message | test("kthreadd")' "$WORK/stuck.json"
finish
