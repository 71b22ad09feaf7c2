# SPDX-License-Identifier: GPL-2.0-or-later
# Every earlier version is replaced by this one in one transition, and goes.
[ -d /lab/earlier ] || skip 'no earlier version was given'
# The folder of a replaced patch goes a moment after the transition's end.
is_alone() {
	[ "$(ls $lp)" = "$name" ]
}

count=0
for file in /lab/earlier/*.ko; do
	apply $file
	earlier=$name
	apply
	until_true is_alone || fail refused "$earlier is still there beside $name, which replaces all others"
	until_true rmmod $earlier 2>/dev/null || fail refused "$earlier was replaced and cannot be unloaded"
	[ ! -e /lab/reproducer ] || ! reproduce || fail fault-stays "the fault shows after $earlier was replaced"
	withdraw
	count=$((count + 1))
done
note "$count earlier versions"
