# SPDX-License-Identifier: GPL-2.0-or-later
# Taken back, the kernel is as before, and the same patch can be applied again; a transition that a
# sleeping task holds open can be turned round.
is_clean() {
	! grep -q klp_ftrace_handler $tracing/enabled_functions || fail not-redirected 'ftrace still has functions of the patch'
	[ ! -e /lab/reproducer ] || reproduce || fail fault-absent "the fault does not show after the patch was $1"
}

apply
withdraw
is_clean 'taken back'
start_sleepers
if sleep_inside old; then
	insert $patch || fail refused "$why"
	in_transition || fail lab 'the transition ended while a task slept in a function of the patch'
	withdraw
	is_clean 'turned round'
	note 'turned round while a task slept in a function of the patch'
else
	note 'not turned round: no task could be put to sleep in these functions to hold the transition open'
fi
end_sleepers
apply
withdraw
