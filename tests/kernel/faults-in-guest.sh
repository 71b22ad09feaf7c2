#!/bin/sh
# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs in the guest of test-faults.sh: one step of the machine's life with a fault at one system call of one
# program, and what must hold after it, whatever came of the step itself.
#
#	faults.sh base                     makes what every try starts from: enrolled, and applied once 1.1 is there
#	faults.sh trace STEP PROGRAM       the step without a fault; every system call into /trace
#	faults.sh try STEP PROGRAM CALL INDEX HOW   HOW: kill, or an error's name
#
# Steps: enrol, disable, update (a patch is downloaded, verified, loaded), boot (it is applied from the disk),
# rollback. Exit status 0: everything holds; else the last line says what does not.
module_of() {
	for name in /sys/kernel/livepatch/suture_*; do
		[ ! -e "$name" ] || echo "${name##*/}"
	done
}
patched() { grep -q 'patched by Suture' /proc/version; }
status() { suture status --format json; }
violated() {
	echo "VIOLATION: $*"
	echo "--- sutured:"; tail -n 15 /sutured.log
	echo "--- suture-fetch:"; tail -n 8 /fetch.log
	echo "--- kernel:"; dmesg | tail -n 12
	exit 1
}
gone() { # PROGRAM…
	local name
	for name; do
		kill -9 $(pidof "$name") 2>/dev/null
		while pidof "$name" >/dev/null; do usleep 20000; done
	done
}
unload() {
	local name
	for name in $(module_of); do
		echo 0 >"/sys/kernel/livepatch/$name/enabled"
		while [ -e "/sys/kernel/livepatch/$name" ]; do usleep 20000; done
	done
	for name in $(grep -o '^suture_[^ ]*' /proc/modules); do
		until rmmod "$name"; do usleep 20000; done
	done
}
# A machine's number of check-ins only grows: what is put back goes on where the server was told last.
sequence=/sequence
reset() { # BASE
	gone strace sutured suture-fetch
	unload 2>/dev/null
	rm -rf /var/lib/suture /var/cache/suture /run/suture
	cp -a "/base/$1/lib" /var/lib/suture && cp -a "/base/$1/cache" /var/cache/suture || exit 1
	echo $(($(cat $sequence 2>/dev/null || echo 1000) + 100)) >$sequence
	sed -i "s/\"sequence\": [0-9]*/\"sequence\": $(cat $sequence)/" /var/lib/suture/journal.json 2>/dev/null
	# A watch that another boot began, and that nobody ended.
	[ "$1" != applied ] || sed -i 's/"boot_id": "[^"]*"/"boot_id": "00000000-0000-4000-8000-000000000000"/' /var/lib/suture/journal.json
	: >/sutured.log; : >/fetch.log
	dmesg -c >/dev/null
}
save() { # BASE
	gone sutured suture-fetch
	rm -rf "/base/$1" && mkdir -p "/base/$1" && cp -a /var/lib/suture "/base/$1/lib" && cp -a /var/cache/suture "/base/$1/cache"
}
log_of() { [ "$1" = sutured ] && echo /sutured.log || echo /fetch.log; }
# run PROGRAM [STRACE OPTION…]: in the background.
run() {
	local name=$1
	shift
	if [ $# = 0 ]; then
		$name >>"$(log_of $name)" 2>&1 &
	else
		strace -f -qq "$@" $name >>"$(log_of $name)" 2>&1 &
	fi
	[ $name = suture-fetch ] || sutured=$!
}
ready() { # sutured listens, or has ended
	until [ -S /run/suture/control.sock ] || [ ! -e /proc/$sutured/exe ]; do usleep 20000; done
}
# What systemd does: a program that has ended is started again.
ensure() {
	local name
	for name in sutured suture-fetch; do
		pidof $name >/dev/null || { [ $name = suture-fetch ] || rm -f /run/suture/control.sock; run $name; }
	done
	ready
}
start() { # [PROGRAM STRACE OPTION…]
	rm -f /run/suture/control.sock /injected
	if [ "${1:-}" = sutured ]; then shift; run sutured "$@"; set --; else run sutured; fi
	ready
	if [ "${1:-}" = suture-fetch ]; then shift; run suture-fetch "$@"; else run suture-fetch; fi
}
enable() { timeout 60 suture enable --trust /bundle.json --token-file /token; }
refresh() { timeout 100 suture refresh; }
identity() { grep -o '"machine_id": "[^"]*"' /var/lib/suture/journal.json; }
enabled() { suture status >/dev/null; [ $? != 3 ]; }
tries() { # N COMMAND…
	local n=$1
	shift
	until "$@"; do
		n=$((n - 1))
		[ $n -gt 0 ] || return 1
		ensure
	done
}
clean_log() {
	local ins outs
	dmesg | grep -E 'WARNING:|BUG:|Oops|tainting kernel with TAINT_WARN' && violated "the kernel complains"
	ins=$(dmesg | grep -c 'livepatch: enabling patch')
	outs=$(dmesg | grep -c 'starting unpatching transition')
	[ $((ins - outs)) -le 1 ] || violated "applied $ins times, taken out $outs times"
}
leftovers() { find /var/lib/suture /var/cache/suture /run/suture -name '.new-*' -o -name 'space.tmp'; }
# Nothing is open, nothing is held against a good patch, nothing half-made is left.
tidy() {
	grep -q '"step": null' /var/lib/suture/journal.json || violated "a step is open"
	grep -q '"quarantine": \[\]' /var/lib/suture/journal.json || violated "a good patch is in quarantine"
	[ ! -e /var/lib/suture/trust.new ] || violated "trust.new is left"
	# What a killed program, or one that could not remove it, was writing goes at the next start.
	if [ -n "$(leftovers)" ]; then
		gone sutured suture-fetch
		ensure
		tries 3 refresh
		[ -z "$(leftovers)" ] || violated "left: $(leftovers)"
	fi
}

# --- the steps: what is done, and what must hold after it; $said is how the command ended

enrol() { enable; }
after_enrol() {
	if enabled; then
		[ $said = 0 ] || echo "(enabled, though the command ended with $said)"
	else
		[ $said != 0 ] || violated "said to be enabled, and is not"
		tries 2 enable || violated "cannot be enabled any more"
	fi
	tries 3 refresh || violated "does not come through to the server"
}
no_key() { usleep 200000; [ ! -e /var/cache/suture/fetch/identity.json ] && [ ! -e /var/lib/suture/trust ]; }
disable() { timeout 60 suture disable --yes; }
after_disable() {
	if enabled; then
		[ $said != 0 ] || violated "said to be disabled, and is not"
		tries 3 refresh || violated "neither disabled nor enabled"
	else
		# Whoever was killed is back, and has ended what was begun; who was told of an error asks again.
		tries 20 no_key || { disable && no_key; } || violated "its key is left"
		tries 2 enable || violated "cannot be enabled any more"
	fi
}
update() { refresh; }
after_update() {
	[ $said != 0 ] || patched || violated "said to be applied, and is not"
	tries 3 refresh_applies || violated "does not apply 1.1 any more"
	is_applied
}
refresh_applies() { refresh && patched; }
is_applied() {
	status | grep -q '"state": "applied"' && status | grep -q '"version": "1.1"' || violated "status: $(suture status)"
	[ "$(module_of | wc -l)" = 1 ] || violated "livepatches: $(module_of)"
}
boot() { timeout 60 sh -c 'until patched=$(grep "patched by Suture" /proc/version) || ! pidof sutured >/dev/null; do usleep 50000; done'; }
after_boot() {
	boot
	# What failed once is tried again from the disk, when somebody asks; without a network.
	patched || { gone suture-fetch; refresh; patched; } || violated "1.1 is not applied from the disk any more"
	ensure
	tries 3 refresh || violated "does not come through to the server"
	is_applied
}
rollback() { timeout 60 suture rollback; }
after_rollback() {
	[ $said != 0 ] || ! patched || violated "said to be rolled back, and is not"
	if patched; then
		is_applied
		tries 2 rollback || violated "cannot be rolled back any more"
	fi
	! patched || violated "patched after a rollback"
	[ -z "$(module_of)" ] || violated "livepatches: $(module_of)"
	tries 3 refresh || violated "does not come through to the server"
	! patched || violated "patched again after a rollback"
}

base_of() {
	case $1 in
	enrol) echo none ;;
	boot | rollback) echo applied ;;
	*) echo enrolled ;;
	esac
}
# STEP PROGRAM [STRACE OPTION…]
do_step() {
	local step=$1
	shift
	reset "$(base_of "$step")"
	before=$(identity)
	if [ "$step" = rollback ]; then # the patch goes in without a fault
		start
		boot && patched || violated "not applied to begin with"
		gone sutured suture-fetch
	fi
	start "$@"
	$step
	said=$?
}

case $1 in
base)
	mkdir -p /base/none/lib /base/none/cache /etc/suture && chmod 700 /base/none/lib
	chown 990:990 /base/none/cache
	printf 'retry-delay = 0\ntransition-timeout = 60\n' >/etc/suture/suture.conf
	if [ ! -e /base/enrolled ]; then
		reset none && start && enable && refresh && save enrolled
	else
		reset enrolled && start && refresh_applies && save applied
	fi
	;;
trace)
	do_step "$2" "$3" -o /trace
	[ $said = 0 ]
	;;
try)
	case $6 in
	kill) fault=signal=KILL filter= ;;
	*) fault=error=$6 filter=--seccomp-bpf ;; # which is quicker; strace 6.1 sends no signal with it
	esac
	do_step "$2" "$3" $filter -o /injected -e "trace=$4" -e "inject=$4:$fault:when=$5"
	if [ "$6" = kill ]; then ! pidof "$3" >/dev/null; else grep -q '(INJECTED)' /injected; fi || echo "NOT REACHED"
	# An error that was survived, and then, every second time, the power: what is on the disk must do too.
	[ "$6" = kill ] || [ $(($5 % 2)) = 0 ] || gone sutured suture-fetch
	ensure
	"after_$2"
	case $2 in
	update | boot | rollback) [ "$before" = "$(identity)" ] || violated "another identity" ;;
	esac
	tidy
	clean_log
	;;
esac
