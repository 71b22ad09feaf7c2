# SPDX-License-Identifier: GPL-2.0-or-later
# Transitions both ways while processes fork, write, send and wait: every system call that the checks
# make goes on, and gives what it should.

# What of stress-ng uses a function; what runs in a guest (stress-ng 0.15.06; one processor that is emulated,
# 512 MB, no disk), and leaves nothing in /tmp and no line in the kernel's log.
profile() {
	case $1 in
	*sock* | *inet* | *tcp* | *udp* | *skb* | *unix* | *epoll* | nf_* | nft_*) echo '--sock 1 --udp 1 --sockpair 1 --epoll 1' ;;
	pipe* | *msg* | *sem_* | *semop* | mqueue* | *sigqueue*) echo '--pipe 1 --msg 1 --sem-sysv 1 --mq 1 --sigq 1' ;;
	*fork* | *clone* | sched_* | *futex* | *signal* | wake_*) echo '--fork 1 --switch 1 --yield 1 --futex 1' ;;
	*vma* | *mmap* | *page* | *folio* | *slab* | *fault*) echo '--vm 1 --vm-bytes 64m --mmap 1 --mmap-bytes 32m' ;;
	*dentry* | *inode* | *rename* | *lookup* | *file* | vfs_*) echo '--hdd 1 --hdd-bytes 16m --dentry 1 --rename 1 --dir 1' ;;
	esac
}

any='--switch 1 --sock 1 --dentry 1'
arguments=
know
while read -r object function position; do
	arguments=$(profile "$function")
	[ -z "$arguments" ] || break
done </lab/replaced

groups_done() {
	[ $(wc -l </lab/mix.out) -gt $1 ] || ! kill -0 $started 2>/dev/null
}

# one_more: waits for the next group, each as long as a transition may take.
one_more() {
	local lines=$(wc -l </lab/mix.out)

	until_true groups_done $lines || fail hang "no check ended in $limit s; after $(tail -n 1 /lab/mix.out)"
}

# The program is "ready" when each group of checks has passed once.
start mix /lab/exercise mix 0
if [ -x /usr/bin/stress-ng ]; then
	stress-ng --quiet --temp-path /tmp --timeout 600 ${arguments:-$any} >/lab/stress.out 2>&1 </dev/null 9>&- &
	stress=$!
else
	note 'without stress-ng, which is not installed here'
fi
begin=$(now)
apply
note "patched after $((($(now) - begin) * 10)) ms under load${arguments:+ ($arguments)}"
# Each group once more.
all=$(($(wc -l </lab/mix.out) + $(/lab/exercise list | wc -l)))
until groups_done $all; do
	one_more
done
begin=$(now)
withdraw
note "taken back after $((($(now) - begin) * 10)) ms"
kill -TERM $started ${stress:-} 2>/lab/kill.out
finish || fail wrong-data "$(grep -m 1 FAIL /lab/mix.out || echo "the checks ended early: $(tail -n 1 /lab/mix.out)")"
# It ends with status 0 when told to, and with 2 if one of its processes saw what it should not.
if [ -n "${stress:-}" ]; then
	wait $stress
	status=$?
	[ $status != 2 ] || fail wrong-data "stress-ng: $(grep -v prematurely /lab/stress.out | head -n 1)"
	[ $status = 0 ] || note "stress-ng ended with status $status: $(tail -n 1 /lab/stress.out)"
fi
