#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Patches with everything that an extracted function may bring along or refer to, in running stock
# kernels of both series: one of the kernel itself and one of a module, a guest for each series.
# Whatever was relocated wrongly shows in what /proc/loadavg says, or in an oops.
. "$(dirname "$0")/lib.sh"
HERE=$(realpath "$(dirname "$0")")
NEWEST=$HERE/../corpus/run

# edit SOURCE FILE SED-SCRIPT…: one more file of the patch that is being made in $WORK/tree.
edit() {
	local source=$1 file=$2 folder script
	shift 2
	for folder in a b; do
		mkdir -p "$WORK/tree/$folder/$(dirname "$file")"
		cp "$source/$file" "$WORK/tree/$folder/$file"
	done
	for script in "$@"; do
		sed -i "$script" "$WORK/tree/b/$file"
	done
}

# made_patch FILE: writes the edits as a patch.
made_patch() {
	(cd "$WORK/tree" && diff -ru a b) >"$1"
	rm -r "$WORK/tree"
}

# Functions with runtime constants on 6.12, and one whose name three others have too.
patch_of_kernel() {
	edit "$1" fs/read_write.c '/^ssize_t vfs_read(struct file/i unsigned long vfs_reads;\n' \
		'/^ssize_t vfs_read(struct file/,/^}/s/^\tret = rw_verify_area/\tvfs_reads++;\n&/'
	edit "$1" fs/select.c '/^static int do_sys_poll/i unsigned long polls;\n' \
		'/^static int do_sys_poll/,/^}/s/^\tif (nfds > rlimit/\tpolls++;\n&/'
	edit "$1" arch/x86/kernel/cpu/proc.c '/^static void \*c_start/i unsigned long cpuinfo_starts;\n' \
		'/^static void \*c_start/,/^}/s/^{$/{\n\tcpuinfo_starts++;/'
	made_patch "$2"
}

# A function of a module, with a tracepoint of that module, its own and others' functions.
patch_of_module() {
	edit "$1" net/vmw_vsock/virtio_transport_common.c \
		's/^\ttrace_virtio_transport_recv_pkt(src.svm_cid/\tpr_info_once("vsock is patched\\n");\n\tpr_debug("received %u\\n", src.svm_port);\n&/'
	made_patch "$2"
}

# Static keys that a module owns: one of the file, one of another file of the module.
patch_with_module_keys() {
	edit "$1" net/netfilter/nf_tables_core.c \
		'/^nft_do_chain(struct nft_pktinfo/,/^}/s/^\tint rulenum;/&\n\tpr_info_once("patched");/' \
		'/^nft_do_chain(struct nft_pktinfo/,/^}/s/^\tunsigned int stackptr = 0;/&\n\tpr_info_once("patched");/'
	made_patch "$2"
}

# In the guest: a program asks for something by its name; the rest is printed for the host to look at.
# What is printed while something is awaited wakes the guest's own init, which sleeps in a function that
# is replaced: else it is the kernel that wakes it, after 15 seconds.
cat >"$WORK/guest.sh" <<'E2'
as() { printf %s "$1" >/proc/self/comm; read -r _ </proc/loadavg; }
case $1 in
load)
	insmod /patch.ko || exit 1
	while [ "$(cat /sys/kernel/livepatch/*/transition)" = 1 ]; do echo waits; done
	;;
kernel)
	cat /proc/uptime /proc/uptime /proc/cpuinfo >/dev/null
	read -r -t 1 _ </dev/zero
	sed 1d /proc/loadavg
	(as key)
	(as call)
	(as warn)
	echo 1 >/proc/sys/kernel/sched_schedstats
	echo full >/sys/kernel/debug/sched/preempt
	echo 'func amount +p' >/proc/dynamic_debug/control
	echo 1 >/sys/kernel/tracing/events/sched/sched_kthread_stop/enable
	sed 1d /proc/loadavg
	echo "traced $(grep -c sched_kthread_stop: /sys/kernel/tracing/trace)"
	echo 0 >/sys/kernel/tracing/events/sched/sched_kthread_stop/enable
	grep 'loadavg.c.*amount' /proc/dynamic_debug/control
	grep 'amount.*\[suture' /sys/kernel/debug/kprobes/blacklist
	echo "traceable $(grep -c 'amount \[suture' /sys/kernel/tracing/available_filter_functions)"
	;;
module)
	dmesg -c >/dev/null
	echo 1 >/sys/kernel/tracing/events/vsock/virtio_transport_recv_pkt/enable
	grep -q '\[suture.*\]virtio_transport_recv_pkt' /proc/dynamic_debug/control || exit 1
	echo 'func virtio_transport_recv_pkt +p' >/proc/dynamic_debug/control
	/echo || exit 1
	dmesg | grep -c 'received 1234'
	dmesg | grep 'BUG\|WARNING\|Oops\|Call Trace' && exit 1
	exit 0
	;;
unload)
	for p in /sys/kernel/livepatch/suture_*; do echo 0 >"$p/enabled"; done
	while ls /sys/kernel/livepatch/suture_* >/dev/null 2>&1; do echo waits; done
	for m in /sys/module/suture_*; do rmmod ${m##*/}; done
	[ "$(wc -l </proc/loadavg)" = 1 ]
	;;
esac
E2

# has PATTERN: what the guest printed has such a line.
has() {
	grep -q -e "$1" "$WORK/guest.out" || {
		cat "$WORK/guest.out"
		return 1
	}
}

# build OUT.ko PATCH…
build() {
	local out=$1
	shift
	suture-build patch --kernel "$RELEASE" --version 1.1 -o "$out" --record "$out.json" "$@"
}

# What was built, before anything loads it; what the build said is in build.out.
module_as_built() {
	check "$SERIES: new functions are recorded" \
		jq -e '.new_functions | contains(["amount", "peek", "uptime_reads_of_all_cpus"])' "$WORK/patch.ko.json"
	suture-build inspect "$WORK/patch.ko" --format json >"$WORK/inspect.json"
	check "$SERIES: inspect names what is replaced" jq -e \
		'[.functions[] | .object + ":" + .name] | contains(["vmlinux:c_start", "vmlinux:do_sys_poll",
		 "vmlinux:loadavg_proc_show", "vmlinux:uptime_proc_show", "vmlinux:vfs_read",
		 "vmw_vsock_virtio_transport_common:virtio_transport_recv_pkt"])' "$WORK/inspect.json"
	check "$SERIES: a name that is used more than once has its position" jq -e \
		'any(.functions[]; .name == "c_start" and .sympos > 0)' "$WORK/inspect.json"
	check "$SERIES: inspect counts the special sections" jq -e '
		[.special_sections[] | {(.section): .entries}] | add |
		."__ex_table" == 2 and ."__bug_table" >= 2 and ."_kprobe_blacklist" == 1 and ."__jump_table" >= 5 and
		.".orc_unwind" == .".orc_unwind_ip" and .".return_sites" > 5 and .".static_call_sites" >= 3' "$WORK/inspect.json"
	check "$SERIES: a key of the kernel is reached by a livepatch relocation" jq -e \
		'any(.relocations[]; .section == "__jump_table" and .object == "vmlinux")' "$WORK/inspect.json"
	check "$SERIES: the module's own functions are livepatch symbols" jq -e \
		'any(.relocations[]; .object == "vmw_vsock_virtio_transport_common" and (.section | startswith(".text")))' \
		"$WORK/inspect.json"
	cp "$WORK/build.out" "$WORK/guest.out"
	check "$SERIES: a tracepoint that stays silent is said" has 'virtio_transport_recv_pkt.*silent'
}

# The kernel's own functions, while the module's wait for their module.
kernel_functions() {
	local line

	in_guest sh /guest.sh kernel >"$WORK/guest.out" 2>&1
	check "$SERIES: data, strings, keys, calls, alternatives, fix-ups are in place" \
		has '^some 2 2 fpu 1 keys 01 peek 42 -1 self 1$'
	check "$SERIES: interrupts, locks, runtime constants, a duplicated name" \
		has '^stats 0 shows 1 step 41 irqs 10 reads 1 polls 1 cpus [1-9]'
	check "$SERIES: a new key and a new static call change while patched" has '^some 2 2 fpu 1 keys 11 '
	check "$SERIES: a key of the kernel and a new static call too" has '^stats 1 shows 5 step 42 '
	check "$SERIES: a tracepoint of the kernel reports" has '^traced 1$'
	check "$SERIES: a new debug message can be switched on" has 'loadavg.c:.*amount =p '
	check "$SERIES: a new function that must not be probed is on the list" has '^0x.*amount \[suture'
	check "$SERIES: a new function can be traced" has '^traceable 1$'
	suture-lab exec "$GUEST" -- dmesg >"$WORK/guest.out"
	line=$(grep -n 'asked to warn' "$WORK/loadavg.c" | cut -d: -f1)
	check "$SERIES: the debug message was printed" has 'asked [0-9]'
	check "$SERIES: a warning names file, line and function" \
		has "WARNING: .* at fs/proc/loadavg.c:$line amount+0x.* \[suture"
	check "$SERIES: the back-trace through the module is reliable" \
		has '^\[[^]]*\]  loadavg_proc_show+0x.* \[suture'
	check "$SERIES: and goes on into the kernel" has '^\[[^]]*\]  seq_read_iter+0x'
	check "$SERIES: the log is clean but for that" test \
		"$(grep -c 'WARNING\|BUG\|Oops\|Unpatched return thunk\|general protection' "$WORK/guest.out")" = 1
}

# The module's function, with the module loaded after the patch and before it.
module_functions() {
	check "$SERIES: the module comes after it" suture-lab load "$GUEST" vsock_loopback
	in_guest sh /guest.sh module >"$WORK/guest.out" 2>&1
	check "$SERIES: the new function works in it" has '^[1-9]'
	check "$SERIES: all is taken back" in_guest sh /guest.sh unload
	check "$SERIES: the patch is loaded after its module" in_guest sh /guest.sh load
	in_guest sh /guest.sh module >"$WORK/guest.out" 2>&1
	check "$SERIES: the new function works there too" has '^[1-9]'
	check "$SERIES: and is taken back" in_guest sh /guest.sh unload
}

# make_patches: what is changed in this series' source.
make_patches() {
	local source

	source=$(jq -r .source "${KERNEL_BUILD%/build}/prepared.json")
	patch_of_kernel "$source" "$WORK/kernel.patch"
	patch_of_module "$source" "$WORK/module.patch"
	patch_with_module_keys "$source" "$WORK/keys.patch"
	mkdir -p "$WORK/fs/proc"
	cp "$source"/fs/proc/{loadavg,uptime}.c "$WORK/fs/proc/"
	(cd "$WORK" && patch -s -p1 <"$HERE/patches/mechanisms.patch" && cp fs/proc/loadavg.c .)
	rm -f "$WORK"/*.ko
}

# one_series SERIES [OPTION of the guest]…: the guest starts while the patch is built.
one_series() {
	local building refusing

	SERIES=$1
	shift
	SUTURE_TEST_KERNEL=$("$NEWEST" --newest "$SERIES" cloud-amd64) || give_up "apt offers no kernel of $SERIES"
	prepare_kernel
	make_patches
	build "$WORK/patch.ko" "$HERE/patches/mechanisms.patch" "$WORK/kernel.patch" "$WORK/module.patch" >"$WORK/build.out" 2>&1 &
	building=$!
	check "$SERIES: a guest starts" start_guest "mechanisms-${SERIES//./-}" "$@"
	check "$SERIES: a patch with every mechanism is built" wait "$building"
	[ -s "$WORK/patch.ko" ] || {
		note "$(tail -n 30 "$WORK/build.out")"
		return
	}
	suture-build check --kernel "$RELEASE" "$WORK/keys.patch" >"$WORK/keys.out" 2>&1 &
	refusing=$!
	module_as_built
	for file in patch.ko guest.sh echo; do
		suture-lab put "$GUEST" "$WORK/$file" "/$file"
	done
	in_guest chmod +x /echo
	check "$SERIES: the patch is loaded without its module" in_guest sh /guest.sh load
	kernel_functions
	module_functions
	in_guest cat /sys/devices/system/cpu/vulnerabilities/retbleed >"$WORK/retbleed"
	suture-lab stop "$GUEST"
	check "$SERIES: static keys of a module are refused by their names" exits 4 wait "$refusing"
	cp "$WORK/keys.out" "$WORK/guest.out"
	check "$SERIES: with what to write instead" has 'static_key_enabled(&nft_trace_enabled)'
}

gcc -static -O1 -o "$WORK/echo" "$HERE/modules/vsock_echo.c" || give_up "no program for the guest"
# Call depth tracking changes each call of a module that is loaded; no kernel has it before 6.2.
one_series 6.12 --cpu Skylake-Client --append retbleed=stuff
check "6.12: calls were counted" grep -q '^Mitigation: Stuffing$' "$WORK/retbleed"
one_series 6.1
finish
