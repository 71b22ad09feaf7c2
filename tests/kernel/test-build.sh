#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# suture-build on a stock kernel: the demonstration's fixes, and every patch that must be refused,
# with its exit status and the reason.
. "$(dirname "$0")/lib.sh"
TOP=$(realpath "$(dirname "$0")/../..")

prepare_kernel
SOURCE=$(suture-build kernel show "$RELEASE" --format json | jq -r .source)
[ -d "$SOURCE" ] || give_up "no source tree"
OUT=$WORK/out.ko

patch_it() {
	suture-build patch --kernel "$RELEASE" --version 1.1 -o "$OUT" --record "$WORK/out.json" "$@"
}

# turns_down STATUS PATTERN PATCH…: that exit status, that reason, and nothing written.
turns_down() {
	local status=$1 pattern=$2
	shift 2
	rm -f "$OUT" "$WORK/out.json"
	exits "$status" patch_it "$@" >"$WORK/refused.out" 2>&1 || {
		cat "$WORK/refused.out"
		return 1
	}
	cat "$WORK/refused.out"
	grep -q -e "$pattern" "$WORK/refused.out" && [ ! -e "$OUT" ] && [ ! -e "$WORK/out.json" ]
}

# What can be built: both fixes in one module, proven, the same bytes again, and it works.
fixes=("$TOP"/demo/fixes/*.patch)
check "both fixes become one module" patch_it "${fixes[@]}"
check "every replaced function equals the shipped code" \
	jq -e '.run_pre | .compared >= 2 and .compared == .equal' "$WORK/out.json"
check "the record names both objects" \
	jq -e '[.objects[].name] | sort == ["mana", "vmlinux"]' "$WORK/out.json"
check "its masks leave most of the code to be compared" \
	jq -e '.objects[].functions[] | ([.mask[][1]] | add) * 2 < .size' "$WORK/out.json"
check "the record has the module's hash" \
	says "$(sha256sum <"$OUT" | cut -d ' ' -f 1)" cat "$WORK/out.json"
check "a terminal shows what takes its time" says '… linking' \
	script -qec "suture-build patch --kernel $RELEASE --version 1.1 -o $WORK/terminal.ko ${fixes[0]}" /dev/null
cp "$OUT" "$WORK/first.ko"
check "built again" patch_it "${fixes[@]}"
check "the module is the same, byte for byte" cmp "$OUT" "$WORK/first.ko"
check "and again, whatever the environment says" env GNUMAKEFLAGS="CFLAGS_MODULE=-O1" CPATH=/tmp \
	KBUILD_EXTRA_SYMBOLS=/nonexistent DEPENDENCIES_OUTPUT="$WORK/dependencies" TZ=Asia/Tokyo \
	suture-build patch --kernel "$RELEASE" --version 1.1 -o "$OUT" "${fixes[@]}"
check "still the same bytes" cmp "$OUT" "$WORK/first.ko"
cp "$WORK/out.json" "$WORK/first.json"
# Elsewhere in every way: another place of the cache, nothing compiled yet, another machine's name, a
# folder, user, mask of new files, zone, language, one compiler at a time.
elsewhere() {
	unshare -m -u bash -c 'set -e
		hostname elsewhere; umask 077; mkdir -p "$0/cache/suture"
		mount --bind "$1" "$0/cache/suture"; mount -t tmpfs none "$0/cache/suture/kernels/$2/units"; cd /
		HOME="$0/home" USER=somebody LOGNAME=somebody TZ=Asia/Tokyo LC_ALL=C.UTF-8 XDG_CACHE_HOME="$0/cache" \
			suture-build patch --jobs 1 --kernel "$2" --version 1.1 -o "$0/out.ko" --record "$0/out.json" "${@:3}"' \
		"$WORK" "${XDG_CACHE_HOME:-$HOME/.cache}/suture" "$RELEASE" "$@"
}
check "and elsewhere" elsewhere "${fixes[@]}"
check "the same module" cmp "$OUT" "$WORK/first.ko"
check "the same record" cmp "$WORK/out.json" "$WORK/first.json"
check "which names every input" jq -e '[.inputs[].name] | contains(["kernel/Module.symvers", "kernel/config", "module/mana",
	"program/as", "program/cc1", "program/x86_64-linux-gnu-ld", "source/fs/proc/version.c", "source/tools/objtool"])' "$WORK/out.json"
check "nothing written elsewhere" test ! -e "$WORK/dependencies"
check "check agrees" says "can be applied live" suture-build check --kernel "$RELEASE" "${fixes[@]}"
piped() { suture-build check --kernel "$RELEASE" - <(cat "${fixes[1]}") <"${fixes[0]}"; }
check "patches from standard input and from a pipe" says "can be applied live" piped
echo 'if grep -q Suture /proc/version; then exit 1; else exit 0; fi' >"$WORK/reproducer"
check "the kernel changes, and changes back" \
	suture-lab run --kernel "$RELEASE" --module "$OUT" --load mana --reproducer "$WORK/reproducer" \
	--case load --case redirect --case reproducer --case take-back --build-record "$WORK/out.json"

# What an interrupted build left in a unit's folder goes with the next one that writes alone.
sweeps() {
	mkdir "$WORK/units"
	unshare -m bash -e -c 'find "$0" -maxdepth 1 -type f -exec cp -t "$3" {} +; mount --bind "$3" "$0"
		check() { suture-build check --kernel "$1" "$2"; }
		check "$@"; left=$(echo "$0"/fs_proc_version*/original.o).1.tmp; touch "$left"
		flock -s "$0" suture-build check --kernel "$1" "$2"; test -e "$left"
		check "$@"; test ! -e "$left"' \
		"$(suture-build kernel show "$RELEASE" --format json | jq -r .folder)/units" "$RELEASE" "${fixes[0]}" "$WORK/units"
}
check "what an interrupted build left is removed, while nobody else writes" sweeps

# A function of a name that the kernel has several times, and one with data of its own.
make_patch several fs/proc/cmdline.c -e 's/seq_putc(m, .\\n.);/seq_puts(m, " suture\\n");/'
check "another unit of the kernel" patch_it "$WORK/several.patch"

# A new function in one file for another, whose own functions stay; within the kernel, and in a module
# that need not be loaded when it is called.
helper='int suture_helper(struct seq_file *m);\nint suture_helper(struct seq_file *m)\n{\n\treturn m != (void *)7;\n}\n\n'
make_patch helper fs/proc/version.c -e "s/^static int version_proc_show/$helper&/"
make_patch far net/netfilter/nf_tables_api.c -e "s/^static int nf_tables_newtable/$helper&/"
make_patch user fs/proc/cmdline.c -e 's/^static int cmdline_proc_show/extern int suture_helper(struct seq_file *m);\n&/' \
	-e 's/^\tseq_puts(m, saved_command_line);/\tif (suture_helper(m) > 1)\n\t\treturn 0;\n&/'
check "a new function in another file" patch_it "$WORK/helper.patch" "$WORK/user.patch"
check "is in the record" jq -e '.new_functions == ["suture_helper"]' "$WORK/out.json"
check "a new function in a module" turns_down 4 "is new in module nf_tables" "$WORK/far.patch" "$WORK/user.patch"
check "a new function for nobody leaves no trace" patch_it "$WORK/far.patch" "${fixes[@]}"
check "not in the record either" jq -e '.new_functions == []' "$WORK/out.json"
check "nothing but a new function for nobody" turns_down 3 "changes no code" "$WORK/helper.patch"
check "what was compiled is kept all the same" exits 3 \
	suture-build check --kernel "$RELEASE" --keep-objects "$WORK/kept" "$WORK/helper.patch"
check "and explained" says "unchanged" suture-build diff --kernel "$RELEASE" --explain version_proc_show \
	"$WORK"/kept/fs/proc/version.o/{original,patched}.o

# What changes nothing.
make_patch comment fs/proc/version.c -e '/^static int version_proc_show/i /* a comment\n * of two lines */'
check "comments only" turns_down 3 "changes no code" "$WORK/comment.patch"

# What cannot be applied live.
make_patch init fs/proc/version.c -e 's/pde_make_permanent(pde);/if (pde)\n\t\t&/'
check "an __init function" turns_down 4 "proc_version_init" "$WORK/init.patch"
make_patch data kernel/panic.c -e 's/^int panic_timeout = .*/int panic_timeout = 77;/'
check "changed data" turns_down 4 "panic_timeout" "$WORK/data.patch"
make_patch layout fs/eventfd.c -e 's/^struct eventfd_ctx {$/&\n\tlong more;/'
check "a structure with another layout" turns_down 4 "struct eventfd_ctx changed its layout" "$WORK/layout.patch"
make_patch makefile fs/proc/Makefile -e '1i # a comment'
check "a Makefile" turns_down 4 "fs/proc/Makefile: is a make or configuration file" "$WORK/makefile.patch"
make_patch kconfig fs/proc/Kconfig -e '1i # a comment'
check "a Kconfig" turns_down 4 "fs/proc/Kconfig" "$WORK/kconfig.patch"
make_patch script scripts/mod/modpost.c -e '1i /* a comment */'
check "a tool that the build runs" turns_down 4 "scripts/mod/modpost.c: is run while building" "$WORK/script.patch"
make_patch header include/linux/proc_fs.h -e '1i /* a comment */'
check "a comment in a header that everything includes" turns_down 3 "changes no code" "$WORK/header.patch"
make_patch assembler arch/x86/lib/memset_64.S -e '1i /* a comment */'
check "assembler" turns_down 4 "is assembler" "$WORK/assembler.patch"
make_patch unused drivers/isdn/mISDN/core.c -e 's/^{/{\n\tbarrier();/'
check "a file that this kernel is not compiled from" turns_down 3 "is not compiled in this kernel" "$WORK/unused.patch"

make_patch included fs/binfmt_elf.c -e 's/^\tint retval, i;/&\n\tif (bprm->argc > 12345)\n\t\treturn -EINVAL;/'
check "a file that another one includes" patch_it "$WORK/included.patch"
check "is patched in both places" jq -e '[.objects[].functions[].name] | index("load_elf_binary") != null and length >= 2' "$WORK/out.json"

# Paths. The patch itself is a good one.
make_patch good fs/proc/version.c -e '0,/return 0;/s//seq_puts(m, "x");\n\treturn 0;/'
sed 's,\([ab]\)/fs/proc/version.c,\1/../../etc/passwd,' "$WORK/good.patch" >"$WORK/dots.patch"
check "'..' in a path" turns_down 4 "has '..'" "$WORK/dots.patch"
sed 's,[ab]/fs/proc/version.c,/etc/passwd,' "$WORK/good.patch" >"$WORK/absolute.patch"
check "an absolute path" turns_down 4 "is an absolute path" "$WORK/absolute.patch"
link=$(cd "$SOURCE" && find . -type l -name '*.c' -printf '%P\n' -quit)
if [ -n "$link" ]; then
	sed "s,fs/proc/version.c,$link," "$WORK/good.patch" >"$WORK/link.patch"
	check "a symbolic link" turns_down 4 "$link: is" "$WORK/link.patch"
fi

# Command lines that are wrong, before any work.
before_work() {
	refuses "$@" && ! grep -q compiled "$WORK/says.out"
}
check "an output that is a folder" before_work "not a regular file" \
	suture-build patch --kernel "$RELEASE" --version 1.1 -o "$WORK" "$WORK/good.patch"
check "a source folder without a target" before_work "needs the --target" patch_it --source "$WORK" "$WORK/good.patch"

# Kinds of change.
printf 'diff --git a/fs/proc/version.c b/fs/proc/v2.c\nsimilarity index 100%%\nrename from fs/proc/version.c\nrename to fs/proc/v2.c\n' >"$WORK/rename.patch"
check "a rename" turns_down 4 "renamed" "$WORK/rename.patch"
printf 'diff --git a/fs/proc/version.c b/fs/proc/version.c\nold mode 100644\nnew mode 100755\n' >"$WORK/mode.patch"
check "a changed mode" turns_down 4 "changes its mode" "$WORK/mode.patch"
printf 'diff --git a/fs/proc/new.c b/fs/proc/new.c\nnew file mode 100644\n--- /dev/null\n+++ b/fs/proc/new.c\n@@ -0,0 +1 @@\n+int x;\n' >"$WORK/new.patch"
check "a new file" turns_down 4 "is a new file" "$WORK/new.patch"
printf 'diff --git a/fs/x.bin b/fs/x.bin\nGIT binary patch\nliteral 3\nKcmZQzWMT#Y01f~L\n' >"$WORK/binary.patch"
check "a binary file" turns_down 4 "binary" "$WORK/binary.patch"

# What is no usable patch at all.
sed 's/utsname()->version/utsname()->nothing/' "$WORK/good.patch" >"$WORK/unfit.patch"
check "a patch that does not apply" turns_down 1 "does not apply: fs/proc/version.c has no place for hunk 1" "$WORK/unfit.patch"
sed 's/seq_puts/no_such_function/' "$WORK/good.patch" >"$WORK/error.patch"
check "a patch that does not compile" turns_down 1 "does not compile: fs/proc/version.c:" "$WORK/error.patch"
head -n 6 "$WORK/good.patch" >"$WORK/cut.patch"
check "a truncated patch" turns_down 1 "ends within a hunk" "$WORK/cut.patch"
echo '+	seq_puts(m, "y");' | cat "$WORK/good.patch" - >"$WORK/long.patch"
check "a hunk longer than it says" turns_down 1 "more than the header" "$WORK/long.patch"
echo "nothing" >"$WORK/text.patch"
check "no patch" turns_down 1 "no patch in it" "$WORK/text.patch"
sed 's,fs/proc/version.c,fs/proc/missing.c,' "$WORK/good.patch" >"$WORK/missing.patch"
check "a file that is not there" turns_down 1 "has no file fs/proc/missing.c" "$WORK/missing.patch"

# Where the two files go: both or neither, and not one over the other.
check "no folder for the record" refuses "cannot write" \
	suture-build patch --kernel "$RELEASE" --version 1.1 -o "$OUT" --record "$WORK/none/out.json" "$WORK/good.patch"
check "then no module either" test ! -e "$OUT"
check "no folder for the module" refuses "cannot write" \
	suture-build patch --kernel "$RELEASE" --version 1.1 -o "$WORK/none/out.ko" --record "$WORK/out.json" "$WORK/good.patch"
check "then no record either" test ! -e "$WORK/out.json"
check "one name for both" exits 2 \
	suture-build patch --kernel "$RELEASE" --version 1.1 -o "$OUT" --record "$OUT" "$WORK/good.patch"

# The command line and kernels.
check "a bad version" exits 2 suture-build patch --kernel "$RELEASE" --version 1.x -o "$OUT" "$WORK/good.patch"
check "a bad severity" exits 2 suture-build patch --kernel "$RELEASE" --version 1.1 --severity awful -o "$OUT" "$WORK/good.patch"
check "module and record in one file" exits 2 suture-build patch --kernel "$RELEASE" --version 1.1 -o "$OUT" --record "$OUT" "$WORK/good.patch"
check "a module in the place of its source patch" exits 2 suture-build patch --kernel "$RELEASE" --version 1.1 -o "$WORK/good.patch" "$WORK/good.patch"
check "the source patch is still there" says "fs/proc/version.c" cat "$WORK/good.patch"
mkfifo "$WORK/pipe"
check "a module in the place of what is no file" refuses "not a regular file" \
	suture-build patch --kernel "$RELEASE" --version 1.1 -o "$WORK/pipe" "$WORK/good.patch"
check "a kernel that apt does not know" refuses "apt does not know a kernel" suture-build kernel add 6.1.0-9999-cloud-amd64
check "a kernel of another architecture" refuses "only x86-64" suture-build kernel add 6.1.0-56-arm64
check "a kernel that is not there" refuses "suture-build kernel add" suture-build kernel show 6.1.0-9999-cloud-amd64
check "the kernel is listed" \
	says '"prepared": true' suture-build kernel show "$RELEASE" --format json

check "what cannot be printed is an error" refuses "No space" sh -c "suture-build kernel list --format json >/dev/full"

# A mirror that does not answer, and two commands at once.
mkdir "$WORK/cache"
echo 'Acquire::http::Proxy "http://127.0.0.1:9"; Acquire::https::Proxy "http://127.0.0.1:9"; Acquire::Retries "0";' >"$WORK/apt.conf"
check "no network" refuses "the mirror" \
	env XDG_CACHE_HOME="$WORK/cache" APT_CONFIG="$WORK/apt.conf" suture-build kernel add "$RELEASE"
check "nothing half-done" says '^0$' sh -c "find $WORK/cache -name kernel.json | wc -l"
check "two commands at once" env XDG_CACHE_HOME="$WORK/cache" RELEASE="$RELEASE" bash -c '
	suture-build kernel add --image-only "$RELEASE" & first=$!
	suture-build kernel add --image-only "$RELEASE" && wait $first'
check "apt's index is kept where the system keeps none" test -s "$WORK/cache/suture/apt/pkgcache.bin" -o -s /var/cache/apt/pkgcache.bin
check "the kernel is removed" env XDG_CACHE_HOME="$WORK/cache" suture-build kernel remove "$RELEASE"
check "and gone" refuses "not in the cache" env XDG_CACHE_HOME="$WORK/cache" suture-build kernel show "$RELEASE"

# A cache that has no room.
if mkdir "$WORK/small" && mount -t tmpfs -o size=8m none "$WORK/small" 2>/dev/null; then
	check "a full disk" refuses "disk is full\|No space" \
		env XDG_CACHE_HOME="$WORK/small" suture-build kernel add "$RELEASE"
	check "and nothing half-done" says '^0$' sh -c "find $WORK/small -name kernel.json | wc -l"
	check "nor a part of apt's index" says '^0$' sh -c "find $WORK/small -name 'pkgcache*' | wc -l"
	umount "$WORK/small"
fi
finish
