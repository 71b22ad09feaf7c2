# SPDX-License-Identifier: GPL-2.0-or-later
# Loaded while there is almost no memory, the patch is either applied or refused, and the kernel is whole
# afterwards: the patch can be applied once there is memory again.
applied=0 refused=0
for kb in 400; do
	ls $lp >/lab/before
	start hog /lab/exercise hog $kb
	# The hog is spared by the kernel; what loads the module is not.
	sh -c 'echo 1000 >/proc/self/oom_score_adj; exec insmod /lab/patch.ko' >/dev/null 2>&1
	status=$?
	finish || fail lab "the hog ended early: $(tail -n 1 /lab/hog.out)"
	name=$(ls $lp | head -n 1)
	if [ -n "$name" ]; then
		settle
		withdraw
		applied=$((applied + 1))
	else
		[ $status != 0 ] || fail refused 'insmod succeeded, and there is no livepatch'
		refused=$((refused + 1))
	fi
done
note "applied $applied times, refused $refused times"
apply
withdraw
