#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# suture-lab against a stock kernel: named guests, run's verdicts, and what must be refused.
. "$(dirname "$0")/lib.sh"
MODULES=$(dirname "$(realpath "$0")")/modules

prepare_kernel
build_module "$MODULES/lab_patch.c" || give_up "the test's livepatch does not build"
build_module "$MODULES/lab_oops.c" || give_up "the test's livepatch does not build"
build_module "$MODULES/lab_late.c" || give_up "the test's livepatch does not build"
PATCH=$WORK/lab_patch.ko

# The fault: /proc/cmdline shows the boot loader's words.
cat >"$WORK/shows" <<'END'
if grep -q console=ttyS0 /proc/cmdline; then exit 0; else exit 1; fi
END
run=(suture-lab run --kernel "$RELEASE")

# A livepatch is loaded, changes the kernel, and is taken back: all by hand, in a named guest.
check "a guest starts" start_guest hand --net --program "$(command -v curl)"
check "it runs the kernel" says "^$RELEASE\$" in_guest uname -r
check "a name is taken once" refuses "runs already" start_guest hand
check "a module goes in" suture-lab put "$GUEST" "$PATCH" /lab_patch.ko
check "and comes out as it was" suture-lab get "$GUEST" /lab_patch.ko "$WORK/back.ko"
check "byte for byte" cmp "$PATCH" "$WORK/back.ko"
check "the livepatch loads" in_guest insmod /lab_patch.ko
check "its transition ends" in_guest timeout 30 sh -c \
	'until [ "$(cat /sys/kernel/livepatch/lab_patch/transition)" = 0 ]; do usleep 20000; done'
check "the kernel is patched" says '^patched$' in_guest cat /proc/cmdline
check "it is taken back" in_guest timeout 30 sh -c \
	'echo 0 >/sys/kernel/livepatch/lab_patch/enabled &&
	while [ -d /sys/kernel/livepatch/lab_patch ]; do usleep 20000; done'
check "the kernel is as before" says console=ttyS0 in_guest cat /proc/cmdline

# Modules of the kernel, with what they need, into a guest that runs.
check "a module that needs others is loaded" suture-lab load "$GUEST" nf_tables
check "with what it needs" in_guest test -d /sys/module/nf_tables -a -d /sys/module/nfnetlink
check "loading it again changes nothing" suture-lab load "$GUEST" nf_tables nfnetlink
check "a module that does not exist" refuses "not in" suture-lab load "$GUEST" no_such_module
check "a module whose hardware is not there" refuses "module kvm_intel: .*Operation not supported" \
	suture-lab load "$GUEST" kvm_intel

# Commands: status, output, input, time limit, background.
check "a command's status is passed on" exits 7 in_guest sh -c 'exit 7'
check "its time limit holds" exits 124 suture-lab exec --timeout 1 "$GUEST" -- sleep 100
check "an unknown command" exits 127 in_guest nonexistent
head -c 1000000 /dev/urandom >"$WORK/random"
check "input arrives whole" says "$(md5sum <"$WORK/random" | cut -c 1-32)" \
	suture-lab exec --input "$WORK/random" "$GUEST" -- md5sum
check "a service goes on in the background" suture-lab exec --background "$GUEST" -- sleep 1000
check "and is there afterwards" in_guest pidof sleep

# The host's loopback is 10.0.2.2, also for a dynamic program that was taken along.
python3 - "$WORK" >"$WORK/port" 2>/dev/null <<'END' &
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
server = http.server.HTTPServer(("127.0.0.1", 0), handler)
print(server.server_port, flush=True)
server.serve_forever()
END
server=$!
until [ -s "$WORK/port" ]; do kill -0 $server || give_up "no web server"; done
check "a program in the guest reaches the host" says console=ttyS0 \
	in_guest curl -s -m 20 "http://10.0.2.2:$(cat "$WORK/port")/shows"
kill $server

# A kernel that panics is recognised by whoever talks to the guest.
check "a panic is recognised" refuses 'Kernel panic - not syncing: sysrq triggered crash' \
	in_guest sh -c 'echo c >/proc/sysrq-trigger'
check "its console log stays" says 'sysrq_handle_crash' suture-lab log "$GUEST"
check "the guest is listed as ended" says "^$GUEST *ended" suture-lab list
check "and can be forgotten" suture-lab stop "$GUEST"
check "only once" refuses "there is none" suture-lab stop "$GUEST"

# run: a good patch passes every case; what there is nothing to hold with is skipped, not passed.
ALL_CASES='.predicate.suture.trials[0].cases'
check "run: a good livepatch passes" "${run[@]}" --module "$PATCH" --reproducer "$WORK/shows" \
	--logs "$WORK" --record "$WORK/good.json" --junit "$WORK/good.xml" --html "$WORK/good.html"
check "run: the record tells of every case" jq -e --arg kernel "$RELEASE" \
	--arg hash "$(sha256sum <"$PATCH" | cut -c 1-64)" \
	'.predicate.suture.trials as $t | ($t | length) == 1 and $t[0].kernel == $kernel
	and $t[0].module_sha256 == $hash and ($t[0].build_id | test("^[0-9a-f]{40}$"))
	and .predicate.result == "PASSED" and .subject[0].digest.sha256 == $hash
	and ([$t[0].cases[] | select(.result == "pass") | .name] == ["boot", "load", "redirect", "reproducer", "smoke",
		"stress", "busy", "frozen", "tracers", "take-back", "wrong-kernel", "oom", "memory"])
	and ([$t[0].cases[] | select(.result == "skip") | .name] == ["sleepers", "target", "replace", "unsigned"])' \
	"$WORK/good.json"
check "run: JUnit's XML too" says 'tests="17" failures="0" .*skipped="4"' cat "$WORK/good.xml"
check "run: and a page" says '<td>redirect</td>' cat "$WORK/good.html"
check "report: the page again, from the record" suture-lab report "$WORK/good.json" --html "$WORK/again.html"
check "report: of this module alone" says '"result": "PASSED"' suture-lab report --module "$PATCH" --format json "$WORK/good.json"
check "report: of a module that was not tried" refuses 'no trial of module' \
	suture-lab report --module "$WORK/lab_late.ko" "$WORK/good.json"
check "run: each case has its console log" test -s "$WORK/load.log" -a -s "$WORK/memory.log"
check "run: one guest was enough" jq -e '.predicate.suture.trials[0] | .boots == 1 or .cases[0].first' "$WORK/good.json"

# run: a patch of a module, which the guest gets when sysfs names it, or from the start.
check "run: a livepatch of a module that is not loaded yet" \
	"${run[@]}" --module "$WORK/lab_late.ko" --case load --case target --record "$WORK/late.json"
check "run: it was loaded into the patched kernel" jq -e \
	"$ALL_CASES"'[] | select(.name == "load") | .message | test("nf_tables was loaded")' "$WORK/late.json"
check "run: and before the patch" jq -e \
	"$ALL_CASES"'[] | select(.name == "target") | .message | test("before and after the patch: nf_tables")' "$WORK/late.json"
check "run: a livepatch of a loaded module" "${run[@]}" --module "$WORK/lab_late.ko" --load nf_tables --case load

# found CASE CAUSE FILE: the record says that this case failed, for this cause.
found() {
	jq -e --arg case "$1" --arg cause "$2" \
		'any(.predicate.suture.trials[0].cases[]; .name == $case and .result == "fail" and .cause == $cause)' "$3"
}

# run: what the kernel refuses is a failed case, with the kernel's words; no other case is held then.
head -c $(($(stat -c %s "$PATCH") / 2)) "$PATCH" >"$WORK/cut.ko"
check "run: a truncated module fails" exits 3 "${run[@]}" --module "$WORK/cut.ko" --record "$WORK/cut.json"
check "run: its record says so" found load refused "$WORK/cut.json"
check "run: and holds no other case" jq -e "$ALL_CASES | length == 2" "$WORK/cut.json"

# The first byte of the section headers' offset.
cp "$PATCH" "$WORK/flipped.ko"
byte=$(od -An -tu1 -j 40 -N 1 "$PATCH")
printf "\\x$(printf %02x $((byte ^ 64)))" |
	dd of="$WORK/flipped.ko" bs=1 seek=40 conv=notrunc status=none
check "run: a bit-flipped module fails" exits 3 "${run[@]}" --module "$WORK/flipped.ko" --record "$WORK/flipped.json"
check "run: its record says so too" found load refused "$WORK/flipped.json"

LC_ALL=C sed 's/ SMP preempt / UMP preempt /' "$PATCH" >"$WORK/other.ko"
check "run: a module for another kernel fails" refuses 'version magic' "${run[@]}" --module "$WORK/other.ko"

# run: a patch that breaks the kernel. The guest that it broke is not used again.
check "run: an oops fails, with its trace" refuses 'new_show\|patched_show' \
	"${run[@]}" --module "$WORK/lab_oops.ko" --reproducer "$WORK/shows" --case reproducer --case take-back \
	--record "$WORK/oops.json"
check "run: the record has the log" jq -e "$ALL_CASES"'[] | select(.name == "reproducer") | .excerpt
	| test("NULL pointer dereference")' "$WORK/oops.json"
check "run: the next case has a new guest" jq -e '.predicate.suture.trials[0].boots == 2' "$WORK/oops.json"
check "run: a panic fails" exits 3 "${run[@]}" --module "$WORK/lab_oops.ko" --case reproducer \
	--reproducer "$WORK/shows" --append oops=panic --record "$WORK/panic.json"
check "run: and is called one" found reproducer panic "$WORK/panic.json"
echo 'exit 1' >"$WORK/never"
check "run: a fault that does not show before" refuses 'the fault does not show' \
	"${run[@]}" --module "$PATCH" --reproducer "$WORK/never" --case reproducer
check "run: where all but the boot is skipped, nothing has passed" exits 3 "${run[@]}" --module "$PATCH" --case unsigned
check "run: a case that there is not" exits 2 "${run[@]}" --module "$PATCH" --case nonexistent

# run: what fails with several threads is held again with one before it counts.
check "run: a failure with several threads is held again" exits 3 "${run[@]}" --module "$PATCH" --accel tcg-multi \
	--reproducer "$WORK/never" --case reproducer --record "$WORK/multi.json"
check "run: both results are in the record" jq -e "$ALL_CASES"'[] | select(.name == "reproducer")
	| .result == "fail" and .first.result == "fail" and .first.cause == "fault-absent"' "$WORK/multi.json"

# run: a boot says nothing of the patch; one that fails is repeated, and the record tells of both.
mkdir "$WORK/fails-once"
cat >"$WORK/fails-once/qemu-system-x86_64" <<'END'
#!/bin/sh
case " $* " in
*" -append "*) mkdir "${0%/*}/tried" 2>/dev/null && exit 1 ;;
esac
exec /usr/bin/qemu-system-x86_64 "$@"
END
chmod +x "$WORK/fails-once/qemu-system-x86_64"
check "run: a boot that fails is repeated" env PATH="$WORK/fails-once:$PATH" "${run[@]}" --module "$PATCH" --case load \
	--record "$WORK/twice.json"
check "run: and both boots are in the record" jq -e "$ALL_CASES"'[] | select(.name == "boot")
	| .result == "pass" and .first.result == "fail" and .first.cause == "boot"' "$WORK/twice.json"

# shell: a script without a terminal.
check "shell: a script in a patched guest" says '^patched$' \
	suture-lab shell --kernel "$RELEASE" --module "$PATCH" <<<'cat /proc/cmdline; exit 5'
check "shell: a case can be entered" says '@function vmlinux cmdline_proc_show 1' \
	suture-lab shell --kernel "$RELEASE" --module "$PATCH" --case load <<<'sh /lab/case.sh'
check "shell: its status" exits 5 suture-lab shell --kernel "$RELEASE" <<<'exit 5'

# What cannot start says why.
check "an unknown kernel" refuses 'apt does not know' suture-lab run --kernel 6.1.0-999-cloud-amd64 --module "$PATCH"
check "a text as module" refuses 'shows: not a kernel module' "${run[@]}" --module "$WORK/shows" --case load
check "no folder for the record" refuses '^suture-lab: --record .*nowhere: No such file' \
	"${run[@]}" --module "$PATCH" --case load --record "$WORK/nowhere/r.json"
check "a missing module" refuses 'nonexistent.ko: No such file' "${run[@]}" --module "$WORK/nonexistent.ko"
check "an image that is none" refuses 'QEMU\|guest has ended' \
	suture-lab run --image "$PATCH" --module "$PATCH"
check "no kernel at all" exits 2 suture-lab run --module "$PATCH"
check "a module that the kernel lacks" refuses 'nonexistent: not in' start_guest lacks --load nonexistent

# QEMU ends with the command that started it, however that ends.
echo 'sleep 1000' >"$WORK/sleeps"
"${run[@]}" --module "$PATCH" --reproducer "$WORK/sleeps" >/dev/null 2>&1 &
lab=$!
qemu=
until grep -q qemu "/proc/${qemu:-none}/comm" 2>/dev/null; do
	kill -0 $lab || give_up "run ended early"
	read -r -t 0.05 <> <(:)
	read -r -d '' worker _ <"/proc/$lab/task/$lab/children"
	[ -z "$worker" ] || read -r -d '' qemu _ <"/proc/$worker/task/$worker/children"
done
kill -KILL $lab
gone() {
	for _ in $(seq 200); do
		[ -d "/proc/$1" ] || return 0
		read -r -t 0.05 <> <(:)
	done
	return 1
}
check "QEMU dies with a run that is killed" gone "$qemu"

check "an interrupted run leaves nothing behind" interrupted qemu-system \
	"${run[@]}" --module "$PATCH" --reproducer "$WORK/sleeps" --case reproducer
finish
