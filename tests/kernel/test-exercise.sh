#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# /lab/exercise and stress-ng in a guest.
. "$(dirname "$0")/lib.sh"
STRESS=$(dirname "$(realpath "$0")")/../../src/lab/trial/cases/stress.sh

# stays SECONDS ARGUMENT…: the program with an input that ends after so many seconds.
stays() {
	local seconds=$1
	shift
	in_guest sh -c "sleep $seconds | timeout 60 /lab/exercise $*"
}

# near A B: two numbers of KB that may differ by 50.
near() {
	[ $(($1 - $2)) -le 50 ] && [ $(($2 - $1)) -le 50 ]
}

# between LEAST MOST NUMBER
between() {
	[ "$3" -ge "$1" ] && [ "$3" -le "$2" ]
}

prepare_kernel
check "a guest starts" start_guest exercise --program /usr/bin/stress-ng
# Before processes come and go by the dozen and one takes all memory: what they held goes back bit by bit
# after their end (seen: 72 KB between two measurements then).
in_guest /lab/exercise memory >"$WORK/memory"
first=$(in_guest /lab/exercise memory) second=$(in_guest /lab/exercise memory)
check "the kernel's memory is the same twice: $first, $second KB" near "$first" "$second"
check "every group is as it must be" in_guest sh -c '/lab/exercise check >/tmp/check || { cat /tmp/check; false; }'
in_guest cat /tmp/check >"$WORK/check"
in_guest rm /tmp/check
check "this kernel lacks nothing but a module" [ "$(grep -c 'without' "$WORK/check")" = 1 ]
check "and again and again" says "^ready" in_guest /lab/exercise mix 2
stays 0.1 sleep >"$WORK/sleep"
check "processes sleep in 40 calls and more" [ "$(wc -l <"$WORK/sleep")" -gt 40 ]
check "all of them" [ "$(tail -n 1 "$WORK/sleep")" = ready ]
check "processes that never sleep" says "^ready" stays 0.1 spin 3
stays 0.1 hog 20000 >"$WORK/hog"
left=$(sed -n 's/^ready //p' "$WORK/hog")
check "memory is taken until 20000 KB are left: ${left:-none}" between 18900 20000 "${left:-0}"
check "nothing is left behind" says "^0\$" in_guest sh -c 'ls /tmp | wc -l'

while read -r arguments; do
	# shellcheck disable=SC2086 # words
	check "stress-ng $arguments" in_guest timeout 30 stress-ng --quiet --temp-path /tmp --timeout 1 $arguments
done < <(sed -n "s/^.*echo '\(--.*\)' ;;\$/\1/p; s/^any='\(.*\)'\$/\1/p" "$STRESS")
in_guest dmesg -r >"$WORK/log"
check "the kernel's log is free of warnings" [ -z "$(grep '^<[0-4]>\[ *[0-9]\{2,\}\.' "$WORK/log")" ]
finish
