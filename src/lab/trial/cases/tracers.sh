# SPDX-License-Identifier: GPL-2.0-or-later
# Others trace the functions of the patch: the function tracer and kprobes, set before it is loaded, and
# kprobes set after.
probes=0
# probe_all PREFIX: a kprobe at the start of each function; one that the kernel does not take is left out.
probe_all() {
	local number=0 function

	while read -r function; do
		number=$((number + 1))
		echo "p:lab/$1$number $function" >>$tracing/kprobe_events 2>/dev/null || continue
		echo 1 >$tracing/events/lab/$1$number/enable 2>/dev/null && probes=$((probes + 1))
	done </lab/names
}
clear() {
	echo 0 >$tracing/events/lab/enable 2>/dev/null
	echo >$tracing/kprobe_events
	echo nop >$tracing/current_tracer
	echo >$tracing/set_ftrace_filter
	echo >$tracing/trace
}
apply
replaced | sed 's/^[^ ]* //; s/ [^ ]*$//' | sort -u | head -n 16 >/lab/names
withdraw
[ -s /lab/names ] || skip 'the patch replaces no function'
: >$tracing/set_ftrace_filter
while read -r function; do
	echo "$function" >>$tracing/set_ftrace_filter 2>/dev/null
done </lab/names
echo function >$tracing/current_tracer
probe_all before
apply
probe_all after
[ ! -e /lab/reproducer ] || ! reproduce || fail fault-stays 'the fault shows in the patched kernel that is traced'
# Where several have a function, the list names none of them; "I" is for the one that may send the call
# elsewhere (the kernel's kernel/trace/ftrace.c, t_show()), which only the patch is.
while read -r function; do
	grep "^$function" $tracing/enabled_functions | grep -q ') .* I ' ||
		fail not-redirected "$function: a tracer took the patch's place"
done </lab/names
clear
withdraw
note "$(wc -l </lab/names) functions traced, $probes kprobes"
