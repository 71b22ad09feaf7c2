# SPDX-License-Identifier: GPL-2.0-or-later
# Tasks that sleep within a function of the patch: the transition must wait for them, in both
# directions, and end when they leave.

# held STATE WHERE: the transition waits for a task in state STATE (/proc/PID/patch_state) that is inside.
held() {
	local end=$(($(now) + 250)) task

	while [ "$(now)" -lt $end ]; do
		in_transition || fail lab 'the transition ended while a task slept in a function of the patch'
		usleep 100000
	done
	for task in $(inside $2); do
		[ "$(cat /proc/$task/patch_state)" = "$1" ] && held="$(cat /proc/$task/comm) $task" && return
	done
	fail lab 'the transition waits, and no task inside the functions is the reason'
}

know
start_sleepers
if ! sleep_inside old; then
	end_sleepers
	[ ! -e /lab/sleeper ] || fail lab 'the sleeper is in none of the functions'
	skip 'no task could be put to sleep in these functions'
fi
insert $patch || fail refused "$why"
held 0 old
end_sleepers
settle
note "it waited for $held"
start_sleepers
if sleep_inside new; then
	withdraw_begin
	held 1 new
	note "on the way back for $held"
else
	[ ! -e /lab/sleeper ] || fail lab 'the sleeper is in none of the functions of the patched kernel'
	note 'the way back was not held up: patched, no task could be put to sleep in these functions'
	withdraw_begin
fi
end_sleepers
withdraw_end
