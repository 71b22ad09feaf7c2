#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Which function of a cumulative patch breaks a case, by an oops, by wrong data, and by not being the one that
# the build record describes; and that the parts of a patch are modules that replace just those functions.
# (Several that break it only together: test-ddmin.c.) Two guests at a time where there are two processors.
. "$(dirname "$0")/lib.sh"

prepare_kernel
SOURCE=$(suture-build kernel show "$RELEASE" --format json | jq -r .source)
build_module "$(dirname "$(realpath "$0")")/modules/lab_many.c" || give_up "the test's livepatch does not build"

# search NAME MODULE CASE [OPTION…]: $WORK/NAME.json, .err and .status.
search() {
	local name=$1 module=$2 case=$3

	shift 3
	suture-lab bisect --kernel "$RELEASE" --module "$WORK/$module.ko" --case "$case" --format json "$@" \
		-o "$WORK/$name.parts" >"$WORK/$name.json" 2>"$WORK/$name.err"
	echo $? >"$WORK/$name.status"
}

# bisect NAME: with the script of that name.
bisect() {
	search "$1" lab_many reproducer --reproducer "$WORK/$1"
}

# names NAME FUNCTIONS RESULT: one of so many functions was named, with its cause, and each try was told.
names() {
	local tries

	tries=$(grep -c "^try [0-9]*: [0-9] of $2 functions: " "$WORK/$1.err")
	cat "$WORK/$1.json" "$WORK/$1.err"
	[ "$(cat "$WORK/$1.status")" = 3 ] && jq -e --argjson told "$tries" --argjson of "$2" \
		"$3"' and .result == "found" and .of == $of and .tries == $told + 1 and .others == "passes"' "$WORK/$1.json"
}

# Unpatched, the fault shows: /proc/filesystems is not empty. Patched, it is gone, and something else is wrong.
cat >"$WORK/oops" <<'END'
cat /proc/execdomains >/dev/null || exit 3
if grep -q tmpfs /proc/filesystems; then exit 0; else exit 1; fi
END
cat >"$WORK/data" <<'END'
if grep -qx '0 0' /proc/cmdline; then echo "cmdline is $(cat /proc/cmdline)"; exit 3; fi
if grep -q tmpfs /proc/filesystems; then exit 0; else exit 1; fi
END

# in_background COMMAND…: beside what follows, or before it.
in_background() {
	"$@" &
	[ "$(nproc)" != 1 ] || wait $!
}

# Three functions of one file that need the kernel's own symbols, by livepatch relocations.
in_background bisect data
data=$!
make_patch modules kernel/module/procfs.c -e '/^static int m_show/,/^}/s/"%s %u"/"%s  %u"/' \
	-e '/^static void \*m_start/,/^}/s/return seq/if (*pos < 0)\n\t\treturn NULL;\n\treturn seq/' \
	-e '/^static int modules_open/,/^}/s/8ul/16ul/'
suture-build patch --kernel "$RELEASE" --version 1.1 -o "$WORK/modules.ko" --record "$WORK/modules.json" \
	"$WORK/modules.patch" >"$WORK/modules.out" 2>&1 || {
	wait
	give_up "modules.patch: $(tail -n 3 "$WORK/modules.out")"
}
# The record describes m_show otherwise than it is.
jq '(.objects[].functions[] | select(.name == "m_show").sha256) |= (.[1:] + .[:1])' "$WORK/modules.json" >"$WORK/wrong.record"
in_background bisect oops
oops=$!
wait $data
in_background search wrong modules redirect --build-record "$WORK/wrong.record"
check "a function that gives wrong data is named" names data 5 \
	'.cause == "lab" and (.message | test("status 3: cmdline is 0 0")) and [.functions[].name] == ["cmdline_proc_show"]'

# Each part with one function, and what is left of the patch without the one that was named.
mkdir "$WORK/built" "$WORK/hand"
check "parts of a module that suture-build made" "$BUILD_ROOT/tests/kernel/livepatch-parts" "$WORK/modules.ko" "$WORK/built"
check "three of them" [ "$(find "$WORK/built" -name '*.ko' | wc -l)" = 3 ]
check "parts of a hand-written one" "$BUILD_ROOT/tests/kernel/livepatch-parts" "$WORK/lab_many.ko" "$WORK/hand"
check "five of them" [ "$(find "$WORK/hand" -name '*.ko' | wc -l)" = 5 ]
cat >"$WORK/try" <<'END'
# Loads each module alone and prints its name, and which functions ftrace leads to a livepatch.
lp=/sys/kernel/livepatch
for file in "$@"; do
	insmod $file || exit 1
	while grep -qs 1 $lp/*/transition; do usleep 20000; done
	echo "$(basename $file .ko)": $(sed -n 's/^\([^ ]*\) .*\<I\>.*/\1/p' /sys/kernel/tracing/enabled_functions | sort)
	cat /proc/modules /proc/filesystems >/dev/null
	name=$(ls $lp)
	echo 0 >$lp/$name/enabled
	while [ -d $lp/$name ]; do usleep 20000; done
	until rmmod $name 2>/dev/null; do usleep 20000; done
done
dmesg | grep -E 'WARNING|BUG|Oops' || echo clean
END
cp "$WORK/data.parts/broken.ko" "$WORK/hand/broken.ko"
cp "$WORK/data.parts/others.ko" "$WORK/hand/others.ko"
files=(--file "$WORK/try:/try")
wait $oops
for file in "$WORK"/built/*.ko "$WORK"/hand/*.ko; do
	files+=(--file "$file:/parts/$(basename "$file")")
done
check "a guest with them" start_guest parts --load nf_tables "${files[@]}"
in_guest sh -c 'sh /try /parts/*.ko' >"$WORK/tried" 2>&1
note "$(cat "$WORK/tried")"
for file in "$WORK"/built/*.ko "$WORK"/hand/*_*.ko; do
	name=$(basename "$file" .ko)
	check "$name alone is replaced" grep -qx "$name: $name" "$WORK/tried"
done
check "the broken part replaces the one that was named" grep -qx 'broken: cmdline_proc_show' "$WORK/tried"
check "the other part all others" grep -qx \
	'others: devinfo_show execdomains_proc_show filesystems_proc_show nf_tables_valid_genid' \
	"$WORK/tried"
check "the kernel has nothing to say of them" grep -qx clean "$WORK/tried"

wait
check "a function that kills its caller is named" names oops 5 \
	'.cause == "oops" and [.functions[] | .object + ":" + .name] == ["vmlinux:execdomains_proc_show"]'
check "a function that is not the one of the record is named" names wrong 3 \
	'.cause == "wrong-function" and [.functions[].name] == ["m_show"]'

check "an interrupted search leaves nothing behind" interrupted qemu-system \
	suture-lab bisect --kernel "$RELEASE" --module "$WORK/lab_many.ko" --case load

# What cannot be searched is refused before anything boots.
check "a record of another module" refuses 'modules.json: it names vmlinux:.*fewer functions' \
	suture-lab bisect --kernel "$RELEASE" --module "$WORK/data.parts/broken.ko" --build-record "$WORK/modules.json" --case load
check "several kernels" exits 2 suture-lab bisect --kernel "$RELEASE" --kernel "$RELEASE" --module "$WORK/lab_many.ko"
head -c 3000 "$WORK/lab_many.ko" >"$WORK/cut.ko"
check "a truncated module" refuses 'cut.ko: ' suture-lab bisect --kernel "$RELEASE" --module "$WORK/cut.ko" --case load
finish
