# SPDX-License-Identifier: GPL-2.0-or-later
# Transitions both ways while processes fork, write, send and wait: every system call that the checks
# make goes on, and gives what it should.
if [ -x /usr/bin/stress-ng ]; then
	# What ../../exercise/stress.h has as schedules, network, memory and files.
	stress-ng --quiet --temp-path /tmp --timeout 600 --switch 1 --sock 1 --dentry 1 \
		>/lab/stress.out 2>&1 </dev/null &
	stress=$!
else
	note 'without stress-ng, which is not installed here'
fi
/lab/exercise mix 0 </dev/null >/lab/mix.out 2>&1 &
mix=$!
begin=$(now)
apply
note "patched after $((($(now) - begin) * 10)) ms under load"
usleep 500000
begin=$(now)
withdraw
note "taken back after $((($(now) - begin) * 10)) ms"
kill -0 $mix 2>/dev/null || fail wrong-data "the checks ended early: $(tail -n 1 /lab/mix.out)"
[ -z "${stress:-}" ] || kill -0 $stress 2>/dev/null || note "stress-ng ended early: $(tail -n 1 /lab/stress.out)"
kill -TERM $mix ${stress:-}
wait $mix || fail wrong-data "$(grep -m 1 FAIL /lab/mix.out || tail -n 1 /lab/mix.out)"
[ -z "${stress:-}" ] || wait $stress
true
