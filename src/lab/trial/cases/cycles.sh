# SPDX-License-Identifier: GPL-2.0-or-later
# Many rounds of loading and taking back, after which the kernel needs no more memory than before. The
# first tenth warms up what the kernel keeps.
round=0
while [ $round -lt "$rounds" ]; do
	[ $round != $((rounds / 10)) ] || memory before
	apply
	withdraw
	round=$((round + 1))
done
memory after
grown=$((after_slab + after_rest - before_slab - before_rest))
note "$rounds rounds, memory grew by $grown KB"
[ $grown -le $((rounds / 2 + 256)) ] || fail leak "$rounds rounds of loading and taking back: $grown KB more in use"
if [ -e /sys/kernel/debug/kmemleak ]; then
	echo scan >/sys/kernel/debug/kmemleak
	[ ! -s /sys/kernel/debug/kmemleak ] || fail leak "kmemleak: $(head -n 1 /sys/kernel/debug/kmemleak)"
fi
