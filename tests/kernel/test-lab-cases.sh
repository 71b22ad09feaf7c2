#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each case of the lab can fail, and for its own cause: a livepatch with a fault that this case looks for, or a
# guest that is not as it should be (test-lab-faults.sh has the other cases). Two guests at a time.
. "$(dirname "$0")/lib.sh"
MODULES=$(dirname "$(realpath "$0")")/modules

prepare_kernel
build_module "$MODULES/lab_fault.c" || give_up "the test's livepatch does not build"
build_module "$MODULES/lab_patch.c" || give_up "the test's livepatch does not build"

# The fault that the good patch mends: /proc/cmdline shows the boot loader's words.
cat >"$WORK/shows" <<'END_OF_SCRIPT'
if grep -q console=ttyS0 /proc/cmdline; then exit 0; else exit 1; fi
END_OF_SCRIPT
# The same, and when it has seen the patch taken back, it leaves a kernel behind that takes any module: what
# the host gave as the earlier version, which patches the kernel's checks.
cat >"$WORK/opens" <<'END_OF_SCRIPT'
grep -q console=ttyS0 /proc/cmdline || { : >/tmp/seen; exit 1; }
[ ! -e /tmp/seen ] || insmod /lab/earlier/000.ko || exit 2
exit 0
END_OF_SCRIPT
echo 'exec sleep 1000' >"$WORK/elsewhere"

# fault NAME: $WORK/NAME.ko
fault() {
	local text=FAULT:$1................

	LC_ALL=C sed "s/FAULT:none\.\.\.\.\.\.\.\.\.\.\.\./${text:0:22}/" "$WORK/lab_fault.ko" >"$WORK/$1.ko"
}

# name, module, case that finds it, cause, what it says, options. {} is the work folder.
TABLE='
refuses     refuses        smoke        wrong-data   without_keys    --case smoke
no-exit     no-exit        smoke        wrong-data   has_not_ended   --case smoke
stress      wrong-data     stress       wrong-data   getppid         --case stress
stays-in    stays-in       sleepers     stuck        not_done        --case sleepers --timeout 20
elsewhere   waits          sleepers     lab          none_of_the     --case sleepers --timeout 20 --sleeper {}/elsewhere
busy        stuck          busy         stuck        kthreadd        --case busy --timeout 8
traced      traced         tracers      fault-stays  is_traced       --case tracers --reproducer {}/shows
once        once           take-back    refused      busy            --case take-back
not-late    not-late       target       refused      nf_tables_does  --case target
not-come    not-come       load         refused      loads_without   --case load
no-replace  lab_patch      replace      refused      still_there     --case replace --timeout 12 --earlier {}/none.ko
wrong       lab_patch      wrong-kernel accepted     another_one     --reproducer {}/opens --earlier {}/accepts.ko --case reproducer --case wrong-kernel
unsigned    lab_patch      unsigned     accepted     a_signature     --reproducer {}/opens --earlier {}/accepts.ko --case reproducer --case unsigned --secure-boot
page        leak-page-load memory       leak         loading_and     --case memory
cycles      leak-load      cycles       leak         20_rounds       --case cycles --cycles 20
two-cpus    spin           reproducer   hang         .               --case reproducer --timeout 12 --cpus 2 --reproducer {}/shows
dies        dies           reproducer   hang         not_answer      --case reproducer --timeout 12 --reproducer {}/shows
'

# try NAME MODULE OPTION…: a guest of its own; its record is $WORK/NAME.json.
try() {
	local name=$1 module=$2
	shift 2
	suture-lab run --kernel "$RELEASE" --module "$WORK/$module.ko" --record "$WORK/$name.json" "$@" \
		>"$WORK/$name.out" 2>&1
	echo $? >"$WORK/$name.status"
}

# found NAME CASE CAUSE TEXT: the case failed for that cause and says so, and no other case failed.
found() {
	[ "$(cat "$WORK/$1.status")" = 3 ] && jq -e --arg case "$2" --arg cause "$3" --arg text "${4//_/.}" \
		'[.predicate.suture.trials[0].cases[] | select(.result == "fail")]
		| length == 1 and .[0].name == $case and .[0].cause == $cause and (.[0].message | test($text))' \
		"$WORK/$1.json" || {
		cat "$WORK/$1.out"
		return 1
	}
}

fault none
fault accepts
while read -r name module _ _ _ options; do
	[ -n "$name" ] || continue
	[ -e "$WORK/$module.ko" ] || fault "$module"
	while [ "$(jobs -rp | wc -l)" -ge 2 ]; do
		wait -n
	done
	# shellcheck disable=SC2086 # words
	try "$name" "$module" ${options//\{\}/$WORK} &
done <<<"$TABLE"
wait
try waits waits --case take-back

while read -r name _ case cause text _; do
	[ -z "$name" ] || check "$name: $case finds it, as $cause" found "$name" "$case" "$cause" "$text"
done <<<"$TABLE"
check "trouble of the lab is held again, and both are in the record" jq -e \
	'.predicate.suture.trials[0].cases[] | select(.name == "sleepers") | .cause == "lab" and .first.cause == "lab"' \
	"$WORK/elsewhere.json"
check "a processor that hangs beside another one is told where" jq -e \
	'.predicate.suture.trials[0].cases[] | select(.name == "reproducer") | .excerpt | test("spin_show|lab_fault")' \
	"$WORK/two-cpus.json"
check "an oops before the silence is what is shown" jq -e \
	'.predicate.suture.trials[0].cases[] | select(.name == "reproducer") | .excerpt | test("BUG: lab_fault was here")' \
	"$WORK/dies.json"
check "a transition that a task holds open is turned round" jq -e \
	'.predicate.suture.trials[0].cases[] | select(.name == "take-back")
	| .result == "pass" and (.message | test("^turned round"))' "$WORK/waits.json"
finish
