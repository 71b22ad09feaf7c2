# SPDX-License-Identifier: GPL-2.0-or-later
# Tasks that sleep within a function of the patch: the transition must wait for them, in both
# directions, and end when they leave.
start sleep /lab/exercise sleep
if [ -e /lab/sleeper ]; then
	setsid sh /lab/sleeper >/lab/sleeper.out 2>&1 </dev/null &
	sleeper=$!
fi

# Tasks whose stack holds a function of the patch.
inside() {
	local f task

	for f in /proc/[0-9]*/task/[0-9]*; do
		if sed 's/^\[<0>\] *//; s/+0x.*//' $f/stack 2>/dev/null | grep -qxFf /lab/names; then
			task=${f##*/}
			echo "$task"
		fi
	done
}

is_inside() {
	[ -n "$(inside)" ]
}

end_sleepers() {
	[ -z "${sleeper:-}" ] || kill -KILL -$sleeper 2>/dev/null
	sleeper=
	finish
}

# held STATE: the transition waits for a task in state STATE (/proc/PID/patch_state) that is inside.
held() {
	local end=$(($(now) + 250)) task

	while [ "$(now)" -lt $end ]; do
		in_transition || fail lab 'the transition ended while a task slept in a function of the patch'
		usleep 100000
	done
	for task in $(inside); do
		[ "$(cat /proc/$task/patch_state)" = "$1" ] && held="$(cat /proc/$task/comm) $task" && return
	done
	fail lab 'the transition waits, and no task inside the functions is the reason'
}

insert $patch || fail refused "$why"
replaced | sed 's/^[^ ]* //; s/ [^ ]*$//' >/lab/names
if ! is_inside; then
	settle
	end_sleepers
	withdraw
	[ ! -e /lab/sleeper ] || fail lab 'the sleeper is in none of the functions'
	skip 'no task could be put to sleep in these functions'
fi
held 0
end_sleepers
settle
note "it waited for $held"
start sleep /lab/exercise sleep
withdraw_begin
if is_inside; then
	held 1
fi
end_sleepers
withdraw_end
