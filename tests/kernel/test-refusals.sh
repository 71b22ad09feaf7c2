#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What cannot be applied live, on a stock kernel's own source: each reason with its code, file, name
# and words, and a way round; all of them told in one run, nothing written. No guest is booted.
. "$(dirname "$0")/lib.sh"

prepare_kernel
SOURCE=$(suture-build kernel show "$RELEASE" --format json | jq -r .source)
[ -d "$SOURCE" ] || give_up "no source tree"
mkdir "$WORK"/{files,code,types,landing,wrapper,tracepoint,notes}

# edit GROUP FILE SED…: adds a patch of a file of the source to a group.
edit() {
	local out=$WORK/$1/${2//\//_}.patch file=$2
	shift 2
	sed "$@" "$SOURCE/$file" >"$WORK/edited"
	diff -u --label "a/$file" --label "b/$file" "$SOURCE/$file" "$WORK/edited" >"$out"
	[ -s "$out" ] || give_up "$file is not what the test expects"
}

# touch_file GROUP FILE: adds a patch of a file whose text nobody looks at.
touch_file() {
	printf -- '--- a/%s\n+++ b/%s\n@@ -1 +1,2 @@\n first line\n+another\n' "$2" "$2" >"$WORK/$1/${2//\//_}.patch"
}

# check_group GROUP STATUS: one run of check over all patches of a group.
check_group() {
	exits "$2" suture-build check --kernel "$RELEASE" --format json "$WORK/$1"/*.patch >"$WORK/$1.json"
}

# tells GROUP GRADE CODE FILE NAME WORDS HINT: that reason is there, with these words in it.
tells() {
	check "$3: $4 $5" jq -e --arg grade "$2" --arg code "$3" --arg file "$4" --arg name "$5" --arg words "$6" --arg hint "$7" \
		'[.reasons[] | select(.grade == $grade and .code == $code and .file == $file and .name == $name
		and (.message | contains($words)) and (.hint | contains($hint)))] | length == 1' "$WORK/$1.json"
}

# Files that are not C of this kernel.
for file in fs/proc/Kconfig fs/proc/Makefile scripts/mod/modpost.c arch/x86/lib/memset_64.S arch/x86/entry/vdso/vclock_gettime.c \
	arch/x86/boot/main.c arch/x86/realmode/init.c arch/x86/boot/compressed/misc.c arch/x86/kernel/vmlinux.lds.S; do
	touch_file files "$file"
done
cat >"$WORK/files/kinds.patch" <<'END'
diff --git a/fs/proc/new.c b/fs/proc/new.c
new file mode 100644
--- /dev/null
+++ b/fs/proc/new.c
@@ -0,0 +1 @@
+int x;
diff --git a/fs/proc/version.c b/fs/proc/v2.c
similarity index 100%
rename from fs/proc/version.c
rename to fs/proc/v2.c
diff --git a/fs/proc/uptime.c b/fs/proc/uptime.c
deleted file mode 100644
--- a/fs/proc/uptime.c
+++ /dev/null
@@ -1 +0,0 @@
-int x;
END
check "files: refused" check_group files 4
tells files refusal build-file fs/proc/Kconfig "" "kbuild would execute" "leave the file out"
tells files refusal build-file fs/proc/Makefile "" "kbuild would execute" "leave the file out"
tells files refusal build-file scripts/mod/modpost.c "" "run while building" "leave the file out"
tells files refusal assembler arch/x86/lib/memset_64.S "" "is assembler" "C functions that call"
tells files refusal assembler arch/x86/kernel/vmlinux.lds.S "" "is assembler" "C functions that call"
tells files refusal vdso arch/x86/entry/vdso/vclock_gettime.c "" "vDSO" "system call"
tells files refusal boot-code arch/x86/boot/main.c "" "before the kernel" "next boot"
tells files refusal boot-code arch/x86/boot/compressed/misc.c "" "before the kernel" "next boot"
tells files refusal boot-code arch/x86/realmode/init.c "" "real-mode" "next boot"
tells files refusal file-kind fs/proc/new.c "" "new file" "a C file that the kernel has"
tells files refusal file-kind fs/proc/v2.c "" "is renamed or copied" "where it is, and change its code"
tells files refusal file-kind fs/proc/uptime.c "" "deleted" "change the functions that call it"
check "each kind is counted" jq -e '.counts["boot-code"] == 3 and .counts["file-kind"] == 3' "$WORK/files.json"

# Code and data, all in one run.
edit code kernel/panic.c -e 's/^int panic_timeout = .*/int panic_timeout = 77;/'
edit code mm/page-writeback.c -e 's/^DEFINE_PER_CPU(int, dirty_throttle_leaks) = 0;/DEFINE_PER_CPU(int, dirty_throttle_leaks) = 1;/'
edit code fs/proc/cpuinfo.c -e 's/^\t\.proc_lseek\t= seq_lseek,/\t.proc_lseek\t= noop_llseek,/'
edit code net/ipv4/tcp_cubic.c -e 's/^static int hystart __read_mostly = 1;/static int hystart __read_mostly;/' \
	-e 's/^module_param(hystart,.*/&\nstatic int suture_new;\nmodule_param(suture_new, int, 0644);/' \
	-e 's/^MODULE_DESCRIPTION(.*/MODULE_DESCRIPTION("another");/'
edit code kernel/acct.c -e '/procname       = "acct"/,/mode/s/0644/0600/'
edit code lib/hexdump.c -e 's/^const char hex_asc\[\] = .*/const char hex_asc[] = "0123456789ABCDEF";/'
edit code fs/proc/version.c -e 's/pde_make_permanent(pde);/if (pde)\n\t\t&/'
edit code fs/proc/uptime.c -e '$a static int __init suture_start(void)\n{\n\treturn 0;\n}\nlate_initcall(suture_start);'
edit code fs/eventfd.c -e 's/^struct eventfd_ctx {$/&\n\tlong more;/'
edit code kernel/reboot.c -e '/static DECLARE_WORK(cad_work, deferred_cad);/d' -e 's/^\t\tschedule_work(&cad_work);/\t\tdeferred_cad(NULL);/' \
	-e 's/^#define POWEROFF_CMD_PATH_LEN/EXPORT_SYMBOL_GPL(ctrl_alt_del);\n&/'
edit code kernel/livepatch/shadow.c -e 's/^\trcu_read_lock();/\tif (!obj)\n\t\treturn NULL;\n&/'
edit code kernel/hung_task.c -e 's/\(sysctl_hung_task_check_count = \)PID_MAX_LIMIT;/\177;/' -e 's/set_user_nice(current, 0);/set_user_nice(current, 1);/'
check "code: refused" check_group code 4
tells code refusal changed-data kernel/hung_task.c sysctl_hung_task_check_count "the variable sysctl_hung_task_check_count changed its initial value" \
	"pre-patch callback"
tells code refusal changed-data kernel/panic.c panic_timeout "the module parameter panic_timeout" "/sys/module"
tells code refusal changed-data mm/page-writeback.c dirty_throttle_leaks "per-CPU variable" "on every CPU"
tells code refusal changed-rodata fs/proc/cpuinfo.c cpuinfo_proc_ops "table of functions" "wrapper"
tells code refusal changed-data net/ipv4/tcp_cubic.c hystart "the module parameter hystart" "/sys/module"
tells code refusal changed-table net/ipv4/tcp_cubic.c __param_suture_new "is new in section __param" ""
tells code note changed-modinfo net/ipv4/tcp_cubic.c .modinfo "MODULE_" ""
tells code refusal changed-data kernel/acct.c kern_acct_table "the sysctl table kern_acct_table" "register_sysctl"
tells code refusal changed-rodata lib/hexdump.c hex_asc "the constant hex_asc" "a name of their own"
tells code refusal changed-init fs/proc/version.c proc_version_init "runs only when its code is loaded" "callback"
check "changed-table: a new initcall" jq -e '[.reasons[] | select(.code == "changed-table" and .file == "fs/proc/uptime.c"
	and (.message | contains("initcall")) and (.hint | contains("callback")))] | length == 1' "$WORK/code.json"
tells code refusal changed-layout fs/eventfd.c "struct eventfd_ctx" "changed its layout: member kref is at byte 8 instead of byte 0" \
	"shadow variable"
tells code refusal static-local-removed kernel/reboot.c ctrl_alt_del "no longer has its static variable" "keep the variable"
tells code note export-list kernel/reboot.c ctrl_alt_del "the export of ctrl_alt_del is new" ""
tells code refusal patching-path kernel/livepatch/shadow.c klp_shadow_get "part of how the kernel replaces functions" "reboot"
tells code warning never-ends kernel/hung_task.c watchdog "the transition may never end" "suture-lab"
check "what changes is told beside the reasons" jq -e '[.changed_functions[] | select(.name == "watchdog" and .object == "vmlinux"
	and .file == "kernel/hung_task.c")] | length == 1' "$WORK/code.json"

# Indirect branch tracking, which 6.12 has: what is called by its address must be made for it, in the kernel and in modules.
edit landing fs/proc/loadavg.c -e 's/^\tget_avenrun(avnrun/\ttypeof(\&get_avenrun) volatile get = get_avenrun;\n\n\tget(avnrun/'
if grep -q '^CONFIG_X86_KERNEL_IBT=y' "$KERNEL_BUILD/.config"; then
	edit landing net/vmw_vsock/af_vsock.c -e 's/^\treturn __vsock_dgram_recvmsg(/\ttypeof(\&__vsock_dgram_recvmsg) volatile f = __vsock_dgram_recvmsg;\n\n\treturn f(/'
	edit landing net/vmw_vsock/virtio_transport_common.c \
		-e 's/^\t\tvirtio_transport_do_close(vsk, false);/\t\ttypeof(\&virtio_transport_do_close) volatile f = virtio_transport_do_close;\n\n\t\tf(vsk, false);/'
	edit wrapper fs/proc/loadavg.c -e 's/^static int loadavg_proc_show/static void get(unsigned long *loads, unsigned long offset, int shift)\n{\n\tget_avenrun(loads, offset, shift);\n}\n\n&/' \
		-e 's/^\tget_avenrun(avnrun/\ttypeof(\&get) volatile f = get;\n\n\tf(avnrun/'
	check "addresses: refused" check_group landing 4
	tells landing refusal no-endbr fs/proc/loadavg.c get_avenrun "which nothing in vmlinux does" "a function of its own"
	tells landing refusal no-endbr net/vmw_vsock/af_vsock.c __vsock_dgram_recvmsg "which nothing in vsock does" "a function of its own"
	tells landing refusal no-endbr net/vmw_vsock/virtio_transport_common.c virtio_transport_do_close "begins without ENDBR64 in vmw_vsock_virtio_transport_common" \
		"a function of its own"
	check "addresses: the way round is one" check_group wrapper 0
else
	check "addresses: any is good without indirect branch tracking" check_group landing 0
fi

# A tracepoint's definition is in a header; what it became is in the file that makes it.
edit tracepoint include/trace/events/oom.h -e '0,/TP_printk("/s//TP_printk("x /'
check "tracepoint: refused" check_group tracepoint 4
tells tracepoint refusal changed-tracepoint mm/oom_kill.c oom_score_adj_update "tracepoint oom_score_adj_update changed" "trace_printk"
check "tracepoint: one reason" jq -e '.reasons | length == 1' "$WORK/tracepoint.json"

# What modules were compiled for: prototypes of exported functions, structures that they reach.
edit types include/net/netfilter/ipv4/nf_dup_ipv4.h -e 's/\*gw, int oif)/*gw, long oif)/'
edit types net/ipv4/netfilter/nf_dup_ipv4.c -e '/^void nf_dup_ipv4(/,/^{/s/int oif)/long oif)/'
edit types include/linux/netfilter/nf_conntrack_sip.h -e 's/^struct nf_nat_sip_hooks {$/&\n\tlong more;/'
check "types: refused" check_group types 4
tells types refusal changed-export net/ipv4/netfilter/nf_dup_ipv4.c nf_dup_ipv4 "nf_dup_ipv4: is exported" ""
tells types refusal changed-export net/netfilter/nf_conntrack_sip.c nf_nat_sip_hooks "or one that it reaches" ""
tells types refusal changed-layout net/netfilter/nf_conntrack_sip.c "struct nf_nat_sip_hooks" "member msg is at byte 8 instead of byte 0" \
	"shadow variable"
tells types refusal changed-rodata net/netfilter/nf_nat_sip.c sip_hooks "table of functions" "wrapper"
check "and no other export" jq -e '[.reasons[] | select(.code == "changed-export")] | length == 2' "$WORK/types.json"

# The text: grouped, counted, with the way round.
check "the text of a group" says "^refusal: initialised data changed \[changed-data\]: 1$" \
	suture-build check --kernel "$RELEASE" "$WORK/code/kernel_hung_task.c.patch" "$WORK/files/fs_proc_Kconfig.patch"
check "of a file" grep -q "^  kernel/hung_task.c: the variable sysctl_hung_task_check_count changed its initial value$" "$WORK/says.out"
check "its way round" grep -q "^    way round: the running kernel has its own copy" "$WORK/says.out"
check "the sum" grep -q "cannot be applied live: 3 reasons" "$WORK/says.out"

# What is no code of this kernel does not stop the fix beside it.
edit notes fs/proc/version.c -e '0,/return 0;/s//seq_puts(m, "x");\n\treturn 0;/'
for file in Documentation/filesystems/proc.rst tools/testing/selftests/proc/read.c MAINTAINERS arch/arm64/kernel/process.c; do
	touch_file notes "$file"
done
edit notes drivers/isdn/mISDN/core.c -e 's/^{/{\n\tbarrier();/'
check "notes: accepted" check_group notes 0
tells notes note not-kernel-code Documentation/filesystems/proc.rst "" "documentation" ""
tells notes note not-kernel-code tools/testing/selftests/proc/read.c "" "self-test" ""
tells notes note not-kernel-code MAINTAINERS "" "not code" ""
tells notes note not-kernel-code arch/arm64/kernel/process.c "" "another architecture" ""
tells notes note not-compiled drivers/isdn/mISDN/core.c "" "not compiled in this kernel" ""
check "the fix is taken" jq -e '.verdict == "accepted" and [.changed_functions[].name] == ["version_proc_show"]' "$WORK/notes.json"
check "alone they change no code" exits 3 suture-build check --kernel "$RELEASE" "$WORK/notes/MAINTAINERS.patch" \
	"$WORK/notes/Documentation_filesystems_proc.rst.patch"
check "nothing was written" test -z "$(find "$WORK" -name '*.ko')"
finish
