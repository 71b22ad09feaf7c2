#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a patch may do beside replacing functions, in a running stock kernel: callbacks, states,
# shadow variables, system calls, modules that come later, versions that replace each other; and
# livepatches by hand.
. "$(dirname "$0")/lib.sh"
HERE=$(realpath "$(dirname "$0")")

prepare_kernel
SOURCE=$(suture-build kernel show "$RELEASE" --format json | jq -r .source)
[ -d "$SOURCE" ] || give_up "no source tree"

# build VERSION PATCH…: $WORK/VERSION.ko and .json.
build() {
	local version=$1
	shift
	suture-build patch --kernel "$RELEASE" --version "$version" -o "$WORK/$version.ko" --record "$WORK/$version.json" "$@" 2>&1 |
		tee "$WORK/check.$version"
	return "${PIPESTATUS[0]}"
}

# load FILE.ko: succeeds when the transition is over. The kernel is asked again and again, without a
# pause, as each question to the guest takes its time.
load() {
	suture-lab put "$GUEST" "$WORK/$1.ko" /tmp/patch.ko && in_guest insmod /tmp/patch.ko && settled
}

settled() {
	in_guest sh -c 'n=0; while cat /sys/kernel/livepatch/*/transition 2>/dev/null | grep -q 1; do
		n=$((n + 1)); [ $n -lt 100000 ] || exit 1; done'
}

take_back() {
	in_guest sh -c 'echo 0 >"/sys/kernel/livepatch/$1/enabled"; n=0; while [ -d "/sys/kernel/livepatch/$1" ]; do
		n=$((n + 1)); [ $n -lt 100000 ] || exit 1; done; rmmod "$1"' sh "$1"
}

# logged TEXT…: the lines "effects: …" of the kernel log since the last question are these.
SEEN=0
logged() {
	local lines
	in_guest sh -c 'dmesg | sed -n "s/.*effects: //p"' >"$WORK/log"
	lines=$(tail -n +$((SEEN + 1)) "$WORK/log")
	SEEN=$(wc -l <"$WORK/log")
	printf '%s\n' "$lines"
	[ "$lines" = "$(printf '%s\n' "$@")" ]
}

# lacks PATTERN COMMAND…: succeeds if the command does, and its output does not hold the pattern.
lacks() {
	local pattern=$1
	shift
	"$@" >"$WORK/lacks.out" || return 1
	cat "$WORK/lacks.out"
	! grep -q -e "$pattern" "$WORK/lacks.out"
}

name_of() {
	jq -r .module "$WORK/$1.json"
}

# --- built
comm='if (!strcmp(current->comm, "syscalls"))'
make_patch syscalls kernel/sys.c \
	-e "/^SYSCALL_DEFINE0(getppid)/,/^}/s/^\tint pid;/&\n\n\t$comm\n\t\treturn 4711;/" \
	-e "/^SYSCALL_DEFINE2(getpriority/,/^}/s/^\tkuid_t uid;/&\n\n\t$comm\n\t\treturn 4712;/"
make_patch later net/netfilter/nf_tables_api.c \
	-e '/^static int __net_init nf_tables_init_net/,/^}/s/^\treturn 0;/\tpr_info("effects: a net, %d listeners\\n", nfnetlink_has_listeners(net, 7));\n&/'
make_patch second fs/proc/uptime.c \
	-e 's,#include "internal.h",&\n#include <suture/livepatch.h>\n\nstatic int refuse(struct klp_object *object)\n{\n\tpr_info("effects: uptime refuses\\n");\n\treturn -ENOSPC;\n}\n\nSUTURE_CALLBACKS(.pre_patch = refuse);,'
first=$HERE/patches/effects-1.patch
check "callbacks, states, shadow variables, system calls, a module" build 1.1 "$first" "$WORK/syscalls.patch" "$WORK/later.patch"
check "the record says so" jq -e '.states == [{"id": 5, "version": 1}] and
	([.objects[] | select(.callbacks)] | map(.name)) == ["vmlinux"] and
	([.objects[].name] | sort) == ["nf_tables", "vmlinux"]' "$WORK/1.1.json"
check "a system call is replaced in both widths" jq -e '[.objects[].functions[].name] |
	contains(["__x64_sys_getpriority", "__ia32_sys_getpriority"])' "$WORK/1.1.json"
check "two patches of one file" build 1.2 "$first" "$HERE/patches/effects-2.patch"
check "callbacks alone, of which one refuses" build 1.3 "$first" "$HERE/patches/effects-2.patch" "$WORK/second.patch"
check "which replaces no function of that file" jq -e \
	'[.objects[].functions[].name] == ["version_proc_show"]' "$WORK/1.3.json"
make_patch states fs/proc/uptime.c -e 's,#include "internal.h",&\n#include <suture/livepatch.h>\n\nSUTURE_STATE(5\, 2);,'
check "one state in two versions" refuses "state 5 has version 2 here and 1 elsewhere" build 1.4 "$first" "$WORK/states.patch"

# --- in the kernel
cc -static -O1 -o "$WORK/syscalls" "$HERE/programs/syscalls.c" || give_up "the program of system calls does not compile"
start_guest effects --file "$WORK/syscalls:/bin/syscalls" >/dev/null || give_up "no guest"
check "the kernel's own system calls" lacks "4711" in_guest syscalls
check "it loads" load 1.1
check "pre_patch, then post_patch with its state" logged "version pre_patch vmlinux" "version post_patch, state 1 after 0"
check "new data keeps its values" says "shadow 1 kind odd last none" in_guest cat /proc/version
check "a shadow variable lives on" says "shadow 2 kind even last odd" in_guest cat /proc/version
check "system calls are redirected in both widths" says "^4711 4711 4712 4712$" in_guest syscalls
check "a module that comes later is patched as it comes" suture-lab load "$GUEST" nf_tables
check "and calls another one" logged "a net, 0 listeners"
check "it goes" in_guest rmmod nf_tables
# Older kernels cannot relocate a patch a second time (clear_relocate_add() came in 6.3).
if in_guest grep -q ' clear_relocate_add$' /proc/kallsyms; then
	check "it comes again" suture-lab load "$GUEST" nf_tables
	check "patched again" logged "a net, 0 listeners"
	check "which needed no warning" lacks "cannot be loaded again" cat "$WORK/check.1.1"
else
	check "this kernel does not take it a second time" refuses "nvalid module format" suture-lab load "$GUEST" nf_tables
	check "of which the builder warned" says "nf_tables cannot be loaded again" cat "$WORK/check.1.1"
fi

check "a newer version takes its place" load 1.2
check "it knows the state of the older one, whose callbacks do not run" \
	logged "version pre_patch vmlinux" "version post_patch, state 2 after 1"
check "what it no longer patches is the kernel's own" lacks "4711" in_guest syscalls
check "the shadow variable is still there" says "shadow 3 kind odd last none" in_guest cat /proc/version
check "the replaced module can go" in_guest rmmod "$(name_of 1.1)"
check "the older version does not know the state" refuses "nvalid argument" load 1.1
check "so nothing of it ran" logged ""
check "a pre_patch that fails keeps the patch out" refuses "No space left" load 1.3
# insmod asks twice, the second time by init_module().
check "the callbacks before it are undone" logged "version pre_patch vmlinux" "uptime refuses" \
	"shadow variable freed at 3" "version post_unpatch" "version pre_patch vmlinux" "uptime refuses" "version post_unpatch"
check "the version before it stays" says "shadow 1 kind even" in_guest cat /proc/version
check "taken back" take_back "$(name_of 1.2)"
check "unpatch callbacks ran, and freed the shadow variable" \
	logged "version pre_unpatch" "shadow variable freed at 1" "version post_unpatch"
check "the kernel's own function is back" lacks "shadow" in_guest cat /proc/version

# --- by hand
hand() {
	local version=$1
	shift
	suture-build module --kernel "$RELEASE" --version "$version" -o "$WORK/$version.ko" --record "$WORK/$version.json" "$@"
}
check "a livepatch by hand" hand 2.1 "$HERE/modules/by_hand.c"
check "its record names what it replaces" jq -e '.objects[0].callbacks and
	.objects[0].functions[0].name == "cmdline_proc_show" and .run_pre.compared == 0 and
	.patches[0].name == "by_hand.c"' "$WORK/2.1.json"
check "it loads" load 2.1
check "unexported symbols are reached" says "by hand: .*console=" in_guest cat /proc/cmdline
check "also the one that the source names" says "^Linux version" in_guest cat /proc/cmdline
check "taken back" take_back "$(name_of 2.1)"
sed 's/version_proc_show, 0/version_proc_show, 2/' "$HERE/modules/by_hand.c" >"$WORK/wrong.c"
check "a position that is not there" exits 4 hand 2.2 "$WORK/wrong.c"
sed 's/"cmdline_proc_show"/"no_such_show"/' "$HERE/modules/by_hand.c" >"$WORK/missing.c"
check "a function that is not there" exits 4 hand 2.2 "$WORK/missing.c"
sed 's/MODULE_INFO(livepatch, "Y");//' "$HERE/modules/by_hand.c" >"$WORK/plain.c"
check "a module that is no livepatch" refuses "no MODULE_INFO" hand 2.2 "$WORK/plain.c"
sample=$SOURCE/samples/livepatch
for name in livepatch-callbacks-mod livepatch-callbacks-busymod; do
	check "the target $name" build_module "$sample/$name.c"
done
check "a sample of the kernel whose targets are not known" refuses "has no module 'livepatch_callbacks" \
	hand 2.3 "$sample/livepatch-callbacks-demo.c"
check "the sample, with them" hand 2.3 --target "$WORK/livepatch-callbacks-mod.ko" \
	--target "$WORK/livepatch-callbacks-busymod.ko" "$sample/livepatch-callbacks-demo.c"
check "the record has their build IDs" jq -e '[.objects[] | .name + " " + (.build_id | length | tostring)] == [
	"vmlinux 40", "livepatch_callbacks_mod 40", "livepatch_callbacks_busymod 40"]' "$WORK/2.3.json"
for name in livepatch-callbacks-mod livepatch-callbacks-busymod; do
	check "$name is loaded" sh -c "suture-lab put $GUEST $WORK/$name.ko /tmp/t.ko && suture-lab exec $GUEST -- insmod /tmp/t.ko"
done
check "and the sample" load 2.3
check "taken back" take_back "$(name_of 2.3)"
check "a module that leaks" build_module "$sample/livepatch-shadow-mod.c"
for n in 1 2; do
	check "the samples that mend it by shadow variables, $n" hand "2.$((3 + n))" --target "$WORK/livepatch-shadow-mod.ko" \
		"$sample/livepatch-shadow-fix$n.c"
done
# says_soon TEXT: the kernel log has it, after a while.
says_soon() {
	in_guest sh -c 'n=0; until dmesg | grep -q "$1"; do n=$((n + 1)); [ $n -lt 100000 ] || exit 1; done' sh "$1"
}
check "the leaking module is loaded" sh -c "suture-lab put $GUEST $WORK/livepatch-shadow-mod.ko /tmp/s.ko && suture-lab exec $GUEST -- insmod /tmp/s.ko"
check "it leaks" says_soon " dummy_alloc: dummy @"
check "the first sample loads" load 2.4
check "and acts" says_soon "livepatch_fix1_dummy_alloc: dummy @"
check "the second loads beside it" load 2.5
check "and acts, on what the first one kept" says_soon "livepatch_fix2_dummy_free: dummy @ .* check counter"
check "taken back" take_back "$(name_of 2.5)"
check "taken back" take_back "$(name_of 2.4)"
check "what the first one kept is freed" says_soon "livepatch_fix1_dummy_leak_dtor: dummy @ .* prevented leak"
check "without the module" in_guest rmmod livepatch_shadow_mod

# --- a module that is not part of the kernel
outside=$WORK/outside
cp -r "$HERE/modules/outside" "$outside"
check "a module outside the kernel" make -C "$KERNEL_BUILD" "M=$outside" CONFIG_DEBUG_INFO_BTF_MODULES= modules
check "its fix, beside one of the kernel" build 3.1 --source "$outside" --target "$outside/outside.ko" \
	"$HERE/patches/outside.patch" "$HERE/patches/effects-1.patch"
check "both files are proven, and in the record" jq -e '.run_pre.compared == .run_pre.equal and
	(.objects[] | select(.name == "outside") | .callbacks and (.build_id | length) == 40 and
	([.functions[].name] == ["outside_show", "outside_part"]))' "$WORK/3.1.json"
check "its folder is as it was" lacks "suture" find "$outside" -newer "$WORK/3.1.json"
cp "$WORK/3.1.ko" "$WORK/again.ko"
check "built again" build 3.1 --source "$outside" --target "$outside/outside.ko" \
	"$HERE/patches/outside.patch" "$HERE/patches/effects-1.patch"
check "the same bytes" cmp "$WORK/3.1.ko" "$WORK/again.ko"
# compile_pair FOLDER [FLAGS]: the module's two files as another build system would leave them: one as compiled,
# one that has been through objtool.
compile_pair() {
	local folder=$1 flags=${2:-} ibt
	ibt=$(grep -q '^CONFIG_X86_KERNEL_IBT=y' "$KERNEL_BUILD/.config" && echo --ibt)
	make -C "$KERNEL_BUILD" "M=$outside" OBJECT_FILES_NON_STANDARD=y "KCFLAGS=-ffunction-sections -fdata-sections $flags" \
		main.o parts/part.o && mkdir -p "$folder" && cp "$outside/main.o" "$outside/parts/part.o" "$folder/" &&
		"$KERNEL_BUILD/tools/objtool/objtool" --hacks=jump_label --orc --retpoline --rethunk --static-call \
			--uaccess $ibt --module --link "$folder/part.o" && readelf -SW "$folder/part.o" | grep -q return_sites
}
pair_options=(--target "$outside/outside.ko" --objects "$WORK/before/main.o:$WORK/after/main.o"
	--objects "$WORK/before/part.o:$WORK/after/part.o")
check "its objects, compiled elsewhere" compile_pair "$WORK/before"
# A header of the kernel in which two members changed places: the code is the same, what it holds is not.
sed -e '/^struct seq_file {/,/^}/{s/size_t size;/size_t X;/;s/size_t from;/size_t size;/;s/size_t X;/size_t from;/}' \
	"$SOURCE/include/linux/seq_file.h" >"$WORK/moved.h"
check "compiled with a member elsewhere" compile_pair "$WORK/moved-before" "-include $WORK/moved.h"
sed -i 's/as built/as paired/' "$outside/main.c"
sed -i 's/n \* 3/n * 7/' "$outside/parts/part.c"
check "and with a fix" compile_pair "$WORK/after"
check "and that" compile_pair "$WORK/moved-after" "-include $WORK/moved.h"
sed -i 's/as paired/as built/' "$outside/main.c"
sed -i 's/n \* 7/n * 3/' "$outside/parts/part.c"
check "types that are not the kernel's" exits 5 build 3.4 --target "$outside/outside.ko" --objects "$WORK/moved-before/main.o:$WORK/moved-after/main.o"
check "the structure and its member are named" grep -q \
	"struct seq_file is not what the shipped kernel has: member from is in the place of member size" "$WORK/check.3.4"
check "a structure that changes" exits 4 build 3.4 --target "$outside/outside.ko" --objects "$WORK/before/main.o:$WORK/moved-after/main.o"
check "its member is named" grep -q "struct seq_file changed its layout: member size is at byte 16 instead of byte 8" "$WORK/check.3.4"
check "the pairs" build 3.3 "${pair_options[@]}"
check "are in the record" jq -e '.patches[0].name == "main.o" and (.inputs | map(.name) | map(select(startswith("object/"))) | length) == 2
	and .run_pre.compared == .run_pre.equal and (.objects[] | .name == "outside" and
	([.functions[].name] == ["outside_show", "outside_part"]))' "$WORK/3.3.json"
# tables MODULE.ko: objtool saw all of it, once: each return is in its table.
tables() {
	[ "$(objdump -d -r "$1" | grep -c 'return_thunk')" = "$(readelf -rW "$1" | sed -n '/return_sites/,/^$/p' | grep -c R_X86_64_PC32)" ]
}
check "every return is in the table of returns" tables "$WORK/3.3.ko"
check "pairs without the file that is loaded" refuses "needs the --target" build 3.4 "${pair_options[@]:2}"
check "the wrong way round" exits 5 build 3.4 --target "$outside/outside.ko" --objects "$WORK/after/main.o:$WORK/before/main.o"
check "of which the flags are said" grep -q -e '-ffunction-sections' "$WORK/check.3.4"
check "a pair of another module" refuses "none of the modules" build 3.4 --target "$WORK/livepatch-callbacks-mod.ko" "${pair_options[@]:2}"
check "neither patch nor pair" exits 2 build 3.4
strip -g "$WORK/after/part.o"
check "types that cannot be compared are warned of" says no-types build 3.4 "${pair_options[@]}"
sed -i 's/STEP 1/STEP 2/' "$outside/outside.h"
check "a source that the module was not built from" exits 5 build 3.2 --source "$outside" \
	--target "$outside/outside.ko" "$HERE/patches/outside.patch"
check "a module that is not given" refuses "has no module 'outside'" build 3.2 --source "$outside" \
	--target "$WORK/livepatch-callbacks-mod.ko" "$HERE/patches/outside.patch"
check "a source without a module" exits 2 build 3.2 --source "$outside" "$HERE/patches/outside.patch"
check "the module is loaded" sh -c "suture-lab put $GUEST $outside/outside.ko /tmp/o.ko && suture-lab exec $GUEST -- insmod /tmp/o.ko"
check "as built" says "^as built 3" in_guest cat /proc/outside
check "its patch loads" load 3.1
check "as patched, with the data that was there" says "^as patched 10" in_guest cat /proc/outside
check "taken back" take_back "$(name_of 3.1)"
check "with its callback" says "outside undone after 2" in_guest dmesg
check "as built again" says "^as built 9" in_guest cat /proc/outside
check "the patch of the pairs loads" load 3.3
check "as paired" says "^as paired 28" in_guest cat /proc/outside
check "taken back" take_back "$(name_of 3.3)"

suture-lab log "$GUEST" >"$WORK/console" 2>&1
check "the kernel log is free of warnings" sh -c "! grep -E 'WARNING|BUG|Oops|Call Trace' $WORK/console"
finish
