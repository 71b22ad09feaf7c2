# SPDX-License-Identifier: GPL-2.0-or-later
# Neither calls of the patched functions nor loading and taking back make the kernel's memory grow, round
# after round: each of three rounds must have grown for a leak, so that what is filled once is none.
# A hundred calls that leave 100 bytes each are told from the ten KB by which two measurements of a quiet
# kernel differ. The reproducer is not started anew for each, and without its time limit: the whole case has one.
calls() {
	local n=0

	/lab/exercise check >/dev/null 2>&1
	while [ -e /lab/reproducer ] && [ $n -lt 100 ]; do
		(. /lab/reproducer) >/dev/null 2>&1 </dev/null
		n=$((n + 1))
	done
}

loads() {
	apply
	withdraw
	apply
	withdraw
}

# grows WHAT SMALLEST COMMAND: fails if each of three rounds takes at least SMALLEST KB more.
grows() {
	local before after round least=1000000 all=0

	$3
	memory before
	for round in 1 2 3; do
		$3
		memory after
		all=$((all + after - before))
		[ $((after - before)) -ge $least ] || least=$((after - before))
		before=$after
		[ $least -ge "$2" ] || break
	done
	note "$1: $all KB in $round rounds"
	[ $least -lt "$2" ] || fail leak "$1: each round takes at least $least KB more"
}

apply
grows 'calls' 6 calls
withdraw
grows 'loading and taking back' 6 loads
