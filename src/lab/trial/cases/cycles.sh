# SPDX-License-Identifier: GPL-2.0-or-later
# Many rounds of loading and taking back, after which the kernel needs no more memory than before. The
# first tenth warms up what the kernel keeps.
[ ! -e /sys/kernel/debug/kmemleak ] || echo clear >/sys/kernel/debug/kmemleak
round=0
while [ $round -lt "$rounds" ]; do
	[ $round != $((rounds / 10)) ] || memory before
	apply
	withdraw
	round=$((round + 1))
done
memory after
slab=$((after_slab - before_slab)) rest=$((after_rest - before_rest))
note "$rounds rounds, memory grew by $slab KB of slabs and $rest KB beside them"
[ $slab -le $((32 + rounds / 3)) ] && [ $rest -le $((96 + rounds)) ] ||
	fail leak "$rounds rounds of loading and taking back: $slab KB of slabs and $rest KB beside them more in use"
# Files of debugfs have no size; what is younger than five seconds is not reported.
if [ -e /sys/kernel/debug/kmemleak ]; then
	sleep 6
	echo scan >/sys/kernel/debug/kmemleak
	leaks=$(head -n 1 /sys/kernel/debug/kmemleak)
	[ -z "$leaks" ] || fail leak "kmemleak: $leaks"
fi
