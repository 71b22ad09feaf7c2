# SPDX-License-Identifier: GPL-2.0-or-later
# Tasks that are frozen by their control group do not hold a transition up, and go on in the patched
# kernel.
group=/sys/fs/cgroup/suture-lab
mkdir -p $group 2>/dev/null && [ -e $group/cgroup.freeze ] || skip 'this kernel has no freezer'
start frozen /lab/exercise spin 2
echo $started >$group/cgroup.procs
for task in $(cat /proc/$started/task/$started/children); do
	echo $task >$group/cgroup.procs
done
echo 1 >$group/cgroup.freeze
is_frozen() {
	grep -q 'frozen 1' $group/cgroup.events
}
until_true is_frozen || fail lab 'the group does not freeze'
apply
is_frozen || fail lab 'the group thawed by itself'
echo 0 >$group/cgroup.freeze
withdraw
finish
rmdir $group
