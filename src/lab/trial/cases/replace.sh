# SPDX-License-Identifier: GPL-2.0-or-later
# Every earlier version is replaced by this one in one transition, and goes.
[ -d /lab/earlier ] || skip 'no earlier version was given'
count=0
for file in /lab/earlier/*.ko; do
	apply $file
	earlier=$name
	apply
	for listed in $(ls $lp); do
		[ "$listed" = "$name" ] || fail refused "$listed is still there beside $name, which replaces all others"
	done
	until_true rmmod $earlier 2>/dev/null || fail refused "$earlier was replaced and cannot be unloaded"
	[ ! -e /lab/reproducer ] || ! reproduce || fail fault-stays "the fault shows after $earlier was replaced"
	withdraw
	count=$((count + 1))
done
note "$count earlier versions"
