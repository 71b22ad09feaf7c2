# SPDX-License-Identifier: GPL-2.0-or-later
# Others trace the functions of the patch: the function tracer and kprobes, set before it is loaded, and
# kprobes set after.
most=16 probes=0

# probe_all PREFIX: a kprobe at the start of each function; one that the kernel does not take is left out.
probe_all() {
	local number=0 object function position where

	while read -r object function position; do
		number=$((number + 1))
		[ "$object" = vmlinux ] && where= || where=$object:
		echo "p:lab/$1$number $where$function" >>$tracing/kprobe_events 2>/dev/null || continue
		echo 1 >$tracing/events/lab/$1$number/enable 2>/dev/null && probes=$((probes + 1))
	done </lab/traced
}

# How many of the functions have a name of their own: the kernel takes no kprobe on the others.
of_one_name() {
	awk '{ o = $4 == "" ? "vmlinux" : substr($4, 2, length($4) - 2) }
		FILENAME == "/lab/traced" { wanted[$2] = 1; n++; next }
		$3 in wanted { seen[$3]++ }
		END { for (f in wanted) one += seen[f] == 1; print one + 0 }' /lab/traced /proc/kallsyms
}

clear() {
	echo 0 >$tracing/events/lab/enable 2>/dev/null
	echo >$tracing/kprobe_events
	echo nop >$tracing/current_tracer
	echo >$tracing/set_ftrace_filter
	echo >$tracing/trace
}

know
[ -s /lab/replaced ] || skip 'the patch replaces no function'
while read -r object function position; do
	[ "$object" != vmlinux ] && [ ! -d /sys/module/$object ] || echo "$object $function $position"
done </lab/replaced | head -n $most >/lab/traced
[ -s /lab/traced ] || skip 'none of the modules that the patch is for is loaded'
left=$(($(wc -l </lab/replaced) - $(wc -l </lab/traced)))
[ $left = 0 ] || note "$left functions are left out: over $most, or of a module that is not loaded"
: >$tracing/set_ftrace_filter
while read -r object function position; do
	[ "$object" = vmlinux ] && where= || where=:mod:$object
	echo "$function$where" >>$tracing/set_ftrace_filter 2>/dev/null || fail lab "$object:$function cannot be traced"
done </lab/traced
echo function >$tracing/current_tracer
probe_all before
apply
probe_all after
[ ! -e /lab/reproducer ] || ! reproduce || fail fault-stays 'the fault shows in the patched kernel that is traced'
# Where several have a function, the list names none of them; "I" is for the one that may send the call
# elsewhere (the kernel's kernel/trace/ftrace.c, t_show()), which only the patch is.
lacking=$(ftrace_lacks /lab/traced ' [(][0-9]+[)] [R ] I' | head -n 1)
[ -z "$lacking" ] || fail not-redirected "$lacking: a tracer took the patch's place"
clear
withdraw
note "$(wc -l </lab/traced) functions traced, $probes kprobes"
[ $probes -gt 0 ] || [ "$(of_one_name)" = 0 ] || fail lab 'the kernel took no kprobe on any of the functions'
