# SPDX-License-Identifier: GPL-2.0-or-later
# Neither calls of the patched functions nor loading and taking back make the kernel's memory grow, round
# after round: each of five rounds must have grown for a leak, so that what is filled once is none.

# The checks, and N calls. The reproducer is not started anew for each, and without its time limit: the whole
# case has one.
calls() {
	local n=0

	/lab/exercise check >/dev/null 2>&1
	[ -e /lab/reproducer ] || /lab/exercise check >/dev/null 2>&1
	while [ -e /lab/reproducer ] && [ $n -lt $1 ]; do
		(. /lab/reproducer) >/dev/null 2>&1 </dev/null
		n=$((n + 1))
	done
}

loads() {
	local n=0

	while [ $n -lt $1 ]; do
		apply
		withdraw
		n=$((n + 1))
	done
}

# Two measurements of a quiet kernel differ by some ten KB in slabs and some twenty beside them, but they do
# not go up five times in a row; a hundred times 100 bytes are 13 KB of slabs.
slab_least=6
rest_least=24

# grows WHAT COMMAND FEW MANY: fails if each of five rounds of MANY takes more, of slabs or of the rest; a FEW
# before warm up what the kernel keeps.
grows() {
	local round slab rest all=0 slab_grows=true rest_grows=true

	$2 $3
	memory before
	for round in 1 2 3 4 5; do
		$2 $4
		memory after
		slab=$((after_slab - before_slab))
		rest=$((after_rest - before_rest))
		all=$((all + slab + rest))
		[ $slab -ge $slab_least ] || slab_grows=false
		[ $rest -ge $rest_least ] || rest_grows=false
		before_slab=$after_slab before_rest=$after_rest
		$slab_grows || $rest_grows || break
	done
	note "$1: $all KB in $round rounds"
	! $slab_grows && ! $rest_grows || fail leak "$1: $all KB more in five rounds, and more in each"
}

[ -e /lab/reproducer ] || note 'calls only by the checks: no reproducer was given'
apply
grows 'calls' calls 10 100
withdraw
# Eight: a page or a KB of slabs that stays each time is more than two measurements differ by.
grows 'loading and taking back' loads 2 8
