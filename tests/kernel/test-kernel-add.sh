#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# suture-build kernel add: a kernel from its files, what must be refused, what may be left behind,
# and a kernel of another flavour, patched while it runs.
. "$(dirname "$0")/lib.sh"
TOP=$(realpath "$(dirname "$0")/../..")

prepare_kernel
SHARED=$(suture-build kernel show "$RELEASE" --format json | jq -r .folder)
SOURCE=$(suture-build kernel show "$RELEASE" --format json | jq -r .source)
[ -d "$SOURCE" ] || give_up "no source tree"
FIX=$TOP/demo/fixes/0001-proc-version-live-patch.patch
SHARED_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}

# From here on a cache of its own, but for the last part.
export XDG_CACHE_HOME=$WORK/cache
KERNELS=$XDG_CACHE_HOME/suture/kernels
mkdir -p "$KERNELS"

# Of its modules, one is enough for what is refused or never completed.
one_module() {
	local all=$SHARED/root/lib/modules/$RELEASE one=$WORK/modules/lib/modules/$RELEASE

	mkdir -p "$one/kernel/drivers/net"
	cp "$all"/kernel/drivers/net/dummy.ko* "$one/kernel/drivers/net/"
	cp "$all/modules.builtin" "$one/"
	grep '/net/dummy\.ko' "$all/modules.order" >"$one/modules.order"
}
one_module || give_up "no module dummy"

# add OPTION…: from the files of the kernel under test; a later option replaces an earlier one.
add() {
	suture-build kernel add "$RELEASE" --image "$SHARED/vmlinuz" --modules "$WORK/modules" \
		--headers "$SHARED/build" --source "$SOURCE" "$@"
}

# build_fix OUT.ko
build_fix() {
	suture-build patch --kernel "$RELEASE" --version 1.1 -o "$1" "$FIX"
}

# nothing_left: no folder that is not a whole kernel, no lock without one, nobody at work.
nothing_left() {
	local left

	left=$(cd "$KERNELS" && find . -mindepth 1 -maxdepth 1 -name '*.tmp')
	for lock in "$KERNELS"/*.lock; do
		[ ! -e "$lock" ] || [ -d "${lock%.lock}" ] || left+=" $lock"
	done
	for process in /proc/[0-9]*; do
		! tr '\0' ' ' <"$process/cmdline" 2>/dev/null | grep -q "^make .*O=$KERNELS" ||
			left+=" $process"
	done
	echo "left: $left"
	[ -z "$left" ]
}

# refused PATTERN OPTION…: with that reason, and nothing left behind.
refused() {
	local pattern=$1
	shift
	refuses "$pattern" add "$@" && nothing_left
}

# begun FILE TEXT PID: waits until the command has printed the text; fails if it ended before.
begun() {
	tail -n +1 -f --pid="$3" "$1" | grep -q -m 1 -e "$2"
}

other_source() {
	mkdir -p "$WORK/other-source"
	sed 's/^SUBLEVEL = .*/SUBLEVEL = 999/' "$SOURCE/Makefile" >"$WORK/other-source/Makefile"
}

other_headers() {
	mkdir -p "$WORK/other-headers/include/config"
	cp "$SHARED/build/.config" "$SHARED/build/Module.symvers" "$WORK/other-headers/"
	echo 6.1.0-1-other >"$WORK/other-headers/include/config/kernel.release"
}

# What does not belong together.
check "an image of another release is refused" \
	refuses "is of kernel $RELEASE, not of 6.1.0-1-other" suture-build kernel add 6.1.0-1-other --image "$SHARED/vmlinuz"
check "it leaves nothing" nothing_left
other_source
check "a source of another version is refused" refused '\.999, the image is of' --source "$WORK/other-source"
other_headers
check "headers of another release are refused" refused 'other-headers is of kernel 6.1.0-1-other' --headers "$WORK/other-headers"
sed 's/^CONFIG_LIVEPATCH=y/# CONFIG_LIVEPATCH is not set/' "$SHARED/config" >"$WORK/no-livepatch"
check "a configuration without livepatch is refused" refused CONFIG_LIVEPATCH --config "$WORK/no-livepatch"
sed 's/^CONFIG_CC_VERSION_TEXT=.*/CONFIG_CC_VERSION_TEXT="gcc (GCC) 99.1.0"/' "$SHARED/config" >"$WORK/other-gcc"
check "a configuration for another compiler is refused" refused "was made for 'gcc (GCC) 99.1.0'" --config "$WORK/other-gcc"
check "a folder without modules is refused" refused 'no installed modules' --modules "$WORK"
check "a file that is no kernel is refused" refused "$SHARED/config: not an x86 kernel image" --image "$SHARED/config"
LC_ALL=C sed 's/\x005\x006\x007\x00/\x006\x005\x007\x00/g' "$SHARED/vmlinux" >"$WORK/no-symbols"
check "an image whose symbols cannot be read is refused" refused 'no symbol table (kallsyms)' --image "$WORK/no-symbols"
echo nothing >"$WORK/no-config"
check "and what is no configuration" refused "no-config is not the configuration of an x86-64 kernel" --config "$WORK/no-config"
check "a release that apt does not know leaves no lock" \
	refuses 'apt does not know' suture-build kernel add 6.1.0-9999-cloud-amd64
check "nothing is left of it" nothing_left
check "Ubuntu's signature is a release, and what to give is said" \
	refuses 'linux-source-5.15.0' suture-build kernel add 'Ubuntu 5.15.0-88.98-generic 5.15.126'

# Interrupted.
: >"$WORK/interrupted"
(cd "$WORK" && exec suture-build kernel add "$RELEASE" --image "$SHARED/vmlinuz" --modules "$WORK/modules" \
	--headers "$SHARED/build" --source "$SOURCE" >"$WORK/interrupted" 2>&1) &
adding=$!
check "the work has begun" begun "$WORK/interrupted" configuring $adding
kill -TERM $adding
wait $adding
check "an interrupted command ends by the signal" test $? = 143
check "it leaves nothing and nobody" nothing_left

# Prepared by another version of the program, and killed while that is made good.
check "an image is added alone" add --image-only
jq -n --arg source "$SOURCE" '{ format: 2, source: $source }' >"$KERNELS/$RELEASE/prepared.json"
check "a kernel that another program prepared is not used" refuses 'prepared by another version of this program' \
	build_fix "$WORK/none.ko"
check "what to do is said" grep -q "suture-build kernel add $RELEASE" "$WORK/says.out"
: >"$WORK/killed"
add >"$WORK/killed" 2>&1 &
adding=$!
check "the work has begun again" begun "$WORK/killed" configuring $adding
# The function runs in a shell of its own: its child is the program.
kill -KILL "$(cat /proc/$adding/task/$adding/children)"
wait $adding
check "a kernel that is half prepared is not prepared" says 'is not prepared' build_fix "$WORK/none.ko"
check "a killed command leaves a folder" test -d "$KERNELS/$RELEASE.prepare.tmp"
check "the next command removes it" sh -c 'suture-build kernel list && test ! -e "$0"' "$KERNELS/$RELEASE.prepare.tmp"
suture-build kernel remove "$RELEASE" >/dev/null

# Two at once: one works, the other one waits for it.
: >"$WORK/first"
add --modules "$SHARED/root" >"$WORK/first" 2>&1 &
adding=$!
check "one command works" begun "$WORK/first" configuring $adding
check "another one waits for it" says 'waiting for another command' add
wait $adding
check "both succeed" test $? = 0
check "the kernel is what it was" test \
	"$(suture-build kernel show "$RELEASE" --format json | jq -r '.build_id, .prepared' | xargs)" = \
	"$(jq -r .build_id "$SHARED/kernel.json") true"
check "kernel show names everything" test "$(suture-build kernel show "$RELEASE" | awk '{ print $1 }' | xargs)" = \
	"release version build_id prepared compiler source folder"
check "with all its modules" test "$(find "$KERNELS/$RELEASE/root" -name '*.ko*' | wc -l)" = \
	"$(find "$SHARED/root" -name '*.ko*' | wc -l)"

# An image that cannot be read is an error: not a reason to say that the file is not compiled in it.
cp "$KERNELS/$RELEASE/vmlinux" "$WORK/vmlinux"
cp "$WORK/no-symbols" "$KERNELS/$RELEASE/vmlinux"
build_fix "$WORK/none.ko" >"$WORK/damaged" 2>&1
status=$?
cp "$WORK/vmlinux" "$KERNELS/$RELEASE/vmlinux"
note "$(cat "$WORK/damaged")"
check "a patch for an image whose symbols cannot be read ends with an error" test $status = 1
check "it says why" grep -q 'no symbol table (kallsyms)' "$WORK/damaged"

# Removed while a patch is built with it.
: >"$WORK/building"
build_fix "$WORK/own.ko" >"$WORK/building" 2>&1 &
building=$!
check "a patch is being built with it" begun "$WORK/building" compiled $building
check "a kernel that is used is removed afterwards" says 'waiting for the commands that use' \
	suture-build kernel remove "$RELEASE"
wait $building
check "the patch is built" test $? = 0
check "the kernel is gone, with its lock" test -z "$(ls "$KERNELS")"
check "a patch is built with the kernel from its packages" env XDG_CACHE_HOME="$SHARED_CACHE" \
	suture-build patch --kernel "$RELEASE" --version 1.1 -o "$WORK/shared.ko" "$FIX"
check "to the same bytes" cmp "$WORK/own.ko" "$WORK/shared.ko"
check "a bare vmlinux is an image too" \
	suture-build kernel add "$RELEASE" --image "$SHARED/vmlinux" --image-only
check "of the same build" test "$(jq -r .build_id "$KERNELS/$RELEASE/kernel.json")" = \
	"$(jq -r .build_id "$SHARED/kernel.json")"
suture-build kernel remove "$RELEASE" >/dev/null

# A disk that is full.
mkdir "$WORK/small"
if mount -t tmpfs -o size=16m none "$WORK/small"; then
	check "a full disk is called that" refuses 'No space left\|disk is full' \
		env XDG_CACHE_HOME="$WORK/small" suture-build kernel add "$RELEASE" --image "$SHARED/vmlinuz"
	check "and nothing stays on it" test -z "$(find "$WORK/small" -type f)"
	umount "$WORK/small"
else
	check "a small disk can be mounted" false
fi

# The kernel of servers and desktops, the other flavour than all other tests': from its packages,
# one fix in the core and one in a module.
export XDG_CACHE_HOME=$SHARED_CACHE
RELEASE=$(suture-build kernel newest amd64)
note "kernel $RELEASE"
check "a kernel of another flavour is added" suture-build kernel add "$RELEASE"
SOURCE=$(suture-build kernel show "$RELEASE" --format json | jq -r .source)
mkdir -p "$WORK/tree/a/drivers/net" "$WORK/tree/b/drivers/net"
cp "$SOURCE/drivers/net/dummy.c" "$WORK/tree/a/drivers/net/"
sed 's/dev->min_mtu = 0;/dev->min_mtu = 68;/' "$SOURCE/drivers/net/dummy.c" >"$WORK/tree/b/drivers/net/dummy.c"
(cd "$WORK/tree" && diff -u a/drivers/net/dummy.c b/drivers/net/dummy.c >"$WORK/module.patch")
check "a patch of core and module equals the shipped code" says '2 of 2 functions' \
	suture-build patch --kernel "$RELEASE" --version 1.1 -o "$WORK/flavour.ko" "$FIX" "$WORK/module.patch"
check "it loads, changes over and is taken back there" \
	suture-lab run --kernel "$RELEASE" --module "$WORK/flavour.ko" --load dummy --case load --case take-back
finish
