#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A fault at a system call of sutured or suture-fetch while a machine enrols, is updated, boots, is rolled
# back, or leaves: killed there, or told EIO or ENOSPC. After each, what faults-in-guest.sh says must hold.
# FAULT_STEPS, FAULT_PROGRAMS, FAULT_CALLS (a pattern) and FAULT_STRIDE choose others.
# A fixed sample of the calls; with SUTURE_FAULTS=all, of enrolment and update each call that changes
# something and some of the others, and of the rest every third of these.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/machine.sh"
FIXES=$(dirname "$(realpath "$0")")/../../demo/fixes
changing="write pwrite64 writev fsync fdatasync rename renameat renameat2 unlink unlinkat rmdir mkdir mkdirat ftruncate
	fallocate link linkat symlink chmod fchmod fchmodat chown fchown lchown fchownat finit_module delete_module"
STEPS=${FAULT_STEPS:-enrol disable update boot rollback} PROGRAMS=${FAULT_PROGRAMS:-sutured suture-fetch}
prepare_kernel

make_patch_and_keys() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/module.key" -out "$WORK/module.crt" -days 30 \
		-subj "/CN=test modules" -addext keyUsage=digitalSignature -addext extendedKeyUsage=codeSigning \
		-addext subjectKeyIdentifier=hash &&
		suture-build patch --kernel "$RELEASE" --version 1.1 -o "$WORK/1.1.ko" --record "$WORK/1.1.json" "$FIXES"/0001* &&
		suture-repo init "$WORK/repo" --keys "$WORK/keys" --tier $TIER &&
		suture-repo module sign --key "$WORK/module.key" --cert "$WORK/module.crt" "$WORK/1.1.ko" &&
		suture-repo publish "$WORK/repo" --to "$WORK/server/repository"
}
faults() { suture-lab exec --timeout 600 "$GUEST" -- sh /faults.sh "$@"; }

# calls STEP PROGRAM: each system call of it as "NAME TIMES", the most that one thread makes.
calls() {
	faults trace "$1" "$2" >"$WORK/traced" 2>&1 || { cat "$WORK/traced" >&2; return 1; }
	in_guest cat /trace | sed -n 's/^\([0-9]*\) *\([a-z0-9_]*\)(.*/\1 \2/p' | sort | uniq -c |
		awk '$1 > most[$3] { most[$3] = $1 } END { for (name in most) print name, most[name] }' | sort
}
# places STEP PROGRAM: "CALL INDEX HOW" lines. Every call that changes something, with each fault; of the
# others three, with one fault each in turn.
places() {
	local name times at how other=0
	calls "$1" "$2" >"$WORK/calls" || return
	while read -r name times; do
		[[ $name =~ ^(${FAULT_CALLS:-.*})$ ]] || continue
		if grep -qw "$name" <<<"$changing"; then
			for ((at = 1; at <= times; at++)); do
				for how in kill EIO ENOSPC; do echo "$name $at $how"; done
			done
		elif [[ ! $name =~ ^(exit|exit_group|execve|restart_syscall|rt_sigreturn|arch_prctl|brk|mprotect|munmap)$ ]]; then
			for ((at = 1; at <= times; at += (times + 2) / 3)); do
				echo "$name $at $([ $((other++ % 2)) = 0 ] && echo EIO || echo kill)"
			done
		fi
	done <"$WORK/calls"
}
# worker GUEST LIST: those tries there; what does not hold goes to $WORK/bad-GUEST.
worker() {
	local call at how
	GUEST=$1
	while read -r call at how; do
		faults try "$step" "$program" "$call" "$at" "$how" >"$WORK/try-$1" 2>&1 </dev/null && {
			grep -qx 'NOT REACHED' "$WORK/try-$1" && echo "$step, $program: $call $at $how" >>"$WORK/not-reached"
			continue
		}
		{ echo "$step, $program: $call $at $how" && cat "$WORK/try-$1"; } >>"$WORK/bad-$1"
	done
}
survives() { # $step $program
	local guest list n=${#GUESTS[@]} i by=$stride jobs=()
	[ "$stride" != 1 ] || [[ $step =~ ^(enrol|update)$ ]] || by=3
	list=$(places "$step" "$program" | awk -v s="$by" -v o="$((turn % by))" 'NR % s == o % s') || return
	[ -n "$list" ] || return
	turn=$((turn + 7)) tried=$((tried + $(wc -l <<<"$list")))
	rm -f "$WORK"/bad-* "$WORK/not-reached"
	touch "$WORK/not-reached"
	for ((i = 0; i < n; i++)); do
		awk -v n="$n" -v i="$i" 'NR % n == i' <<<"$list" | worker "${GUESTS[i]}" &
		jobs+=($!)
	done
	wait "${jobs[@]}"
	for guest in "${GUESTS[@]}"; do
		[ ! -e "$WORK/bad-$guest" ] || cat "$WORK/bad-$guest"
	done
	cat "$WORK"/bad-* 2>/dev/null | grep -e "^$step, " -e ^VIOLATION
	[ -z "$(find "$WORK" -name 'bad-*')" ] || return
	# A step does not take exactly as many calls each time; but most faults must have come to pass.
	cat "$WORK/not-reached"
	[ $(($(wc -l <"$WORK/not-reached") * 5)) -le "$(wc -l <<<"$list")" ]
}
# On every guest.
on_each() {
	local guest
	for guest in "${GUESTS[@]}"; do
		GUEST=$guest
		"$@" || return
	done
}
start_machines() {
	local i
	for ((i = 1; i <= guests; i++)); do
		start_machine "faults-$i" --program "$(command -v strace):/usr/bin/strace" \
			--file "$(dirname "$(realpath "$0")")/faults-in-guest.sh:/faults.sh" || return
	done
}
stride=${FAULT_STRIDE:-50} turn=0 tried=0 guests=1
[ "${SUTURE_FAULTS:-}" != all ] || stride=1 guests=2

check "a patch, its repository and its keys" make_patch_and_keys
check "the server starts" start_server
TOKEN_USES=100000 check "a token and a bundle" make_token "$WORK/module.crt"
check "a machine" start_machines
check "enrolled" on_each faults base
for step in $STEPS; do
	if [ "$step" = update ]; then
		check "1.1 is released" serve 1.1
		check "applied" on_each faults base
	fi
	for program in $PROGRAMS; do
		SECONDS=0 before=$tried
		check "$step: a fault in $program" survives
		note "$((tried - before)) places in $SECONDS s, $(wc -l <"$WORK/not-reached") of them not reached"
	done
done
note "$tried faults"
finish
