# SPDX-License-Identifier: GPL-2.0-or-later
# The guest's half of every case, before the case's own script; busybox's shell.
#
# A case begins with the unpatched kernel and ends with it. It passes with status 0; it says what it has
# to say in lines on standard output:
#
#	@fail CAUSE TEXT    a cause of verdict.h; ends the case
#	@skip TEXT          there is nothing to hold it with; ends the case
#	@note TEXT          what was seen
#	@missing MODULE     with status 10: the host loads the module, and the case runs again with $1 = again;
#	                    if the module does not load, with $1 = back, to see whether it does unpatched
#	@function … @code …    for the host's own judgement (case_redirect.c)
#
# From the host (/lab/facts): $limit, seconds that a transition or the reproducer may take; $rounds of
# the case cycles; $targets, the modules that the patch is for.
patch=/lab/patch.ko
lp=/sys/kernel/livepatch
tracing=/sys/kernel/tracing
. /lab/facts

fail() {
	echo "@fail $1 $2"
	exit 1
}

skip() {
	echo "@skip $1"
	exit 0
}

note() {
	echo "@note $1"
}

# Hundredths of a second since the boot.
now() {
	local up rest

	read -r up rest </proc/uptime
	echo "${up%.*}${up#*.}"
}

# until_true COMMAND…: looks again and again until it succeeds; fails after $limit seconds.
until_true() {
	local end=$(($(now) + limit * 100))

	until "$@"; do
		[ "$(now)" -lt $end ] || return 1
		usleep 20000
	done
}

# The kernel's own words since the last mark; they say more than insmod's.
mark() {
	echo 'suture-lab: mark' >/dev/kmsg
}

since_mark() {
	dmesg | awk '/suture-lab: mark$/ { text = ""; next }
		{ sub(/^\[[^]]*\] */, ""); if ($0 != last) text = text "; " $0; last = $0 }
		END { print substr(text, 3, 600) }'
}

# insert FILE: loads a livepatch; $name is what sysfs calls it. Fails with $why.
insert() {
	local said listed

	ls $lp >/lab/before
	mark
	if ! said=$(insmod "$1" 2>&1); then
		why="${said#insmod: can*: }"
		said=$(since_mark)
		why="$why${said:+ ($said)}"
		return 1
	fi
	name=
	for listed in $(ls $lp); do
		grep -qx "$listed" /lab/before || name=$listed
	done
	[ -n "$name" ] || fail refused 'the kernel took the module, which is no livepatch'
	case $name in *[!A-Za-z0-9_]*) fail lab "the livepatch's name makes no sense" ;; esac
}

in_transition() {
	[ "$(cat $lp/$name/transition 2>/dev/null)" = 1 ]
}

is_settled() {
	! in_transition
}

# stuck STATE: fails, naming the tasks that have not changed over.
stuck() {
	local task waiting

	waiting=$(grep -H '' /proc/[0-9]*/task/[0-9]*/patch_state 2>/dev/null |
		sed -n "/:$1\$/d; /:-1\$/d; s,/patch_state:.*,,p" | head -n 8 | while read -r task; do
		echo "$(cat $task/comm) ($(sed -n 's/^\[<0>\] *\([^+]*\)+.*/\1/p' $task/stack | head -n 6 | tr '\n' ' '))"
	done | head -c 400 | tr '\n' ' ')
	fail stuck "not done after $limit s${waiting:+; waits for: $waiting}"
}

# Waits for the end of a transition to the patched kernel.
settle() {
	until_true is_settled || stuck 1
	[ "$(cat $lp/$name/enabled 2>/dev/null)" = 1 ] || fail refused 'the kernel turned the patch off'
}

# The objects of the livepatch that are not patched.
unpatched() {
	local f

	for f in $lp/$name/*/patched; do
		[ -e "$f" ] && [ "$(cat $f)" != 1 ] && basename "$(dirname "$f")"
	done
	true
}

# What is replaced, one a line: OBJECT FUNCTION SYMPOS.
replaced() {
	local f

	for f in $lp/$name/*/*,*; do
		[ -d "$f" ] || continue
		set -- "${f%/*}" "${f##*/}"
		echo "${1##*/} ${2%,*} ${2##*,}"
	done
}

# apply [FILE]: the unpatched kernel becomes the patched one.
apply() {
	insert "${1:-$patch}" || fail refused "$why"
	settle
	[ -n "${1:-}" ] || replaced >/lab/replaced
}

# know: /lab/replaced has what the patch replaces; an earlier case in this guest may have written it.
know() {
	[ -e /lab/replaced ] || {
		apply
		withdraw
	}
}

# ftrace_lacks FILE PATTERN: which of the functions in FILE (lines of replaced()) have no line of their own
# among ftrace's enabled functions that fits the pattern.
ftrace_lacks() {
	awk -v pattern="$2" '
		FILENAME == ARGV[1] { wanted[$1 ":" $2]++; next }
		$0 ~ pattern { seen[($2 ~ /^\[/ ? substr($2, 2, length($2) - 2) : "vmlinux") ":" $1]++ }
		END { for (f in wanted) if (seen[f] < wanted[f]) print f }' "$1" $tracing/enabled_functions
}

is_gone() {
	[ ! -d $lp/$name ]
}

# The kernel lets go of the module a moment after the folder is gone.
is_unloaded() {
	rmmod "$name" 2>/dev/null || [ ! -d /sys/module/$name ]
}

# Takes the livepatch back: begins, sees the transition to its end, unloads the module.
withdraw_begin() {
	echo 0 >$lp/$name/enabled || fail refused 'the kernel does not take the patch back'
}

withdraw_end() {
	until_true is_gone || stuck 0
	until_true is_unloaded || fail refused "$name cannot be unloaded: $(rmmod "$name" 2>&1)"
}

withdraw() {
	withdraw_begin
	withdraw_end
}

# start FIFO COMMAND…: in the background, until the end of its standard input; returns when it has said
# "ready". Its words go to FIFO.out, its process number to $started.
start() {
	local fifo=/lab/$1 begin

	shift
	rm -f $fifo $fifo.out
	mkfifo $fifo
	"$@" <$fifo >$fifo.out 2>&1 &
	started=$!
	exec 9>$fifo
	begin=$(now)
	until grep -q '^ready' $fifo.out; do
		kill -0 $started 2>/dev/null || fail lab "$*: $(tail -n 1 $fifo.out)"
		[ $(($(now) - begin)) -lt $((limit * 100)) ] || fail lab "$*: not ready after $limit s"
		usleep 20000
	done
}

# Ends what start began, and waits for it; its status.
finish() {
	exec 9>&-
	wait $started
}

# Tasks asleep in as many calls as there are, and the user's own sleeper.
start_sleepers() {
	sleeper=
	start sleep /lab/exercise sleep
	if [ -e /lab/sleeper ]; then
		setsid sh /lab/sleeper >/lab/sleeper.out 2>&1 </dev/null 9>&- &
		sleeper=$!
	fi
}

end_sleepers() {
	[ -z "$sleeper" ] || kill -KILL -$sleeper 2>/dev/null
	sleeper=
	finish
}

# is_sleeper TASK: one of those that were started, by its ancestors or its session. Others, and be it who looks,
# pass through a function without sleeping there.
is_sleeper() {
	local task=$1 state parent group session rest

	[ $task != $started ] || return 0
	while [ "$task" -gt 1 ]; do
		rest=$(sed 's/.*) //' /proc/$task/stat 2>/dev/null) || return 1
		read -r state parent group session rest <<-END
			$rest
		END
		[ "$parent" != $started ] && [ "$parent" != "$sleeper" ] && [ "$session" != "$sleeper" ] || return 0
		task=${parent:-0}
	done
	return 1
}

# inside old|new: sleepers whose stack holds a function that the patch replaces, or one of the patch's own.
inside() {
	local task

	for task in $(passing $1); do
		! is_sleeper $task || echo $task
	done
}

passing() {
	grep -H '' /proc/[0-9]*/task/[0-9]*/stack 2>/dev/null | awk -v which=$1 -v patch="[${name:-}]" '
		FILENAME == ARGV[1] { wanted[$1 ":" $2] = 1; next }
		{
			split($1, path, "/"); split($2, place, "+")
			object = $3 == "" ? "vmlinux" : substr($3, 2, length($3) - 2)
			if ((which == "new" ? $3 == patch : (object ":" place[1]) in wanted) && !seen[path[5]]++)
				print path[5]
		}' /lab/replaced -
}

is_inside() {
	[ -n "$(inside $1)" ]
}

# The user's own sleeper, or a process of its session.
own_is_inside() {
	local task

	for task in $(inside $1); do
		[ "$(sed 's/.*) //' /proc/$task/stat | cut -d ' ' -f 4)" != "$sleeper" ] || return 0
	done
	return 1
}

# sleep_inside old|new: whether one of those that were started sleeps there; the user's own may need a while.
sleep_inside() {
	if [ -n "$sleeper" ]; then
		until_true own_is_inside $1
	else
		is_inside $1
	fi
}

# memory NAME: sets NAME_slab and NAME_rest to the KB of memory that the kernel really uses, in slabs and
# beside them.
memory() {
	local word kb

	/lab/exercise memory parts >/lab/memory.out 2>&1 || fail lab "$(tail -n 1 /lab/memory.out)"
	for word in slab rest; do
		kb=$(sed -n "s/^$word \([0-9]*\)\$/\1/p" /lab/memory.out)
		[ -n "$kb" ] || fail lab "memory cannot be measured: $(head -n 1 /lab/memory.out)"
		eval "$1_$word=$kb"
	done
}

# reproduce: 0 if the fault shows, 1 if it does not. One that does not even die of a signal is not waited for.
reproduce() {
	local status

	rm -f /lab/reproducer.status
	{
		timeout -s KILL $limit sh /lab/reproducer >/lab/reproducer.out 2>&1 </dev/null
		echo $? >/lab/reproducer.status
	} &
	until_true [ -s /lab/reproducer.status ] || fail hang "the reproducer did not end in $limit s"
	wait $!
	status=$(cat /lab/reproducer.status)
	[ $status -lt 128 ] || fail hang "the reproducer did not end in $limit s"
	[ $status -le 1 ] || fail lab "the reproducer failed with status $status: $(tail -n 1 /lab/reproducer.out)"
	return $status
}
