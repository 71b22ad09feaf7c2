# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by the kernel tests: TAP, a work folder, guests that end with the test.
#
#	. "$(dirname "$0")/lib.sh"      needs $BUILD_ROOT, the build folder of the programs as they ship
#	check "what holds" command…     one case: passes if the command succeeds
#	finish                          the plan and the exit status
#
# $WORK is this test's own folder, $RELEASE the kernel under test (newest_release or
# $SUTURE_TEST_KERNEL), start_guest NAME… a guest of that kernel that ends with the test.
# shellcheck shell=bash
set -u

: "${BUILD_ROOT:?the folder that meson builds in}"
for folder in "$BUILD_ROOT"/src/*/; do
	PATH=${folder%/}:$PATH
done
export PATH
WORK=$(mktemp -d "${TMPDIR:-/tmp}/suture-test-XXXXXX")
export XDG_RUNTIME_DIR=$WORK # guests and what they leave are this test's own
CASES=0 FAILURES=0
GUESTS=()

clean_up() {
	local guest

	for guest in ${GUESTS[@]+"${GUESTS[@]}"}; do
		suture-lab stop "$guest" 2>/dev/null
	done
	rm -rf "$WORK"
}
trap clean_up EXIT
trap 'exit 143' TERM INT

note() {
	sed 's/^/# /' <<<"$*"
}

# result STATUS NAME: one TAP line.
result() {
	CASES=$((CASES + 1))
	if [ "$1" = 0 ]; then
		echo "ok $CASES - $2"
	else
		echo "not ok $CASES - $2"
		FAILURES=$((FAILURES + 1))
	fi
}

# check NAME COMMAND…: what the command printed is shown if it fails.
check() {
	local name=$1 status
	shift
	"$@" >"$WORK/check.out" 2>&1
	status=$?
	result $status "$name"
	[ $status = 0 ] || note "$* gave $status: $(tail -n 30 "$WORK/check.out")"
}

# exits STATUS COMMAND…: succeeds if the command ends with that status.
exits() {
	local wanted=$1 status
	shift
	"$@"
	status=$?
	[ $status = "$wanted" ] || {
		echo "status $status, not $wanted"
		return 1
	}
}

# says PATTERN COMMAND…: succeeds if the output holds the pattern, whatever the status.
says() {
	local pattern=$1
	shift
	"$@" >"$WORK/says.out" 2>&1
	cat "$WORK/says.out"
	grep -q -e "$pattern" "$WORK/says.out"
}

# refuses PATTERN COMMAND…: succeeds if the command fails and says so.
refuses() {
	local pattern=$1
	shift
	! "$@" >"$WORK/says.out" 2>&1
	local failed=$?
	cat "$WORK/says.out"
	[ $failed = 0 ] && grep -q -e "$pattern" "$WORK/says.out"
}

# interrupted PROGRAM COMMAND…: told to end once it has started PROGRAM in its folder, the command ends by the
# signal, and by then all its processes and files are gone.
interrupted() {
	local program=$1 folder pid status
	shift
	folder=$(mktemp -d "$WORK/interrupted-XXXXXX")
	XDG_RUNTIME_DIR=$folder "$@" &
	pid=$!
	until pgrep -f "$program.*$folder" >/dev/null; do
		kill -0 $pid || return 1
		read -r -t 0.05 <> <(:)
	done
	kill -TERM $pid
	wait $pid
	status=$?
	[ $status = 143 ] || echo "status $status"
	! pgrep -af "$folder" && [ $status = 143 ] && [ -z "$(find "$folder" -mindepth 1 | tee /dev/stderr)" ]
}

# give_up WHY: the rest of the test cannot run.
give_up() {
	echo "Bail out! $1"
	exit 1
}

finish() {
	echo "1..$CASES"
	[ "$FAILURES" = 0 ]
	exit
}

# The newest of the small kernels, as the demo takes it: only one has to be prepared.
newest_release() {
	suture-build kernel newest cloud-amd64
}

# Fetches and prepares the kernel under test once; later tests find it in the cache.
prepare_kernel() {
	RELEASE=${SUTURE_TEST_KERNEL:-$(newest_release)}
	[ -n "$RELEASE" ] || give_up "apt offers no cloud-amd64 kernel"
	suture-build kernel add "$RELEASE" >"$WORK/add.out" 2>&1 ||
		give_up "kernel $RELEASE: $(tail -n 3 "$WORK/add.out")"
	KERNEL_BUILD=${XDG_CACHE_HOME:-$HOME/.cache}/suture/kernels/$RELEASE/build
	note "kernel $RELEASE"
}

# make_patch NAME FILE SED…: $WORK/NAME.patch, made by editing a file of the source
# tree $SOURCE.
make_patch() {
	local name=$1 file=$2 tree=$WORK/tree-$1
	shift 2
	mkdir -p "$tree/a/$(dirname "$file")" "$tree/b/$(dirname "$file")"
	cp "$SOURCE/$file" "$tree/a/$file"
	sed "$@" "$SOURCE/$file" >"$tree/b/$file"
	(cd "$tree" && diff -u --label "a/$file" --label "b/$file" "a/$file" "b/$file" >"$WORK/$name.patch")
	rm -r "$tree"
}

# build_module FILE.c: an external module, built in $WORK with the kernel's own kbuild.
build_module() {
	local name

	name=$(basename "$1" .c)
	mkdir -p "$WORK/$name.d"
	cp "$1" "$WORK/$name.d/"
	echo "obj-m := $name.o" >"$WORK/$name.d/Makefile"
	make -C "$KERNEL_BUILD" "M=$WORK/$name.d" CONFIG_DEBUG_INFO_BTF_MODULES= modules \
		>"$WORK/$name.d/log" 2>&1 || {
		tail -n 20 "$WORK/$name.d/log"
		return 1
	}
	cp "$WORK/$name.d/$name.ko" "$WORK/"
}

# start_guest NAME [OPTION…]: $GUEST is what to call it.
start_guest() {
	GUEST=$1
	shift
	GUESTS+=("$GUEST")
	suture-lab start --name "$GUEST" --kernel "$RELEASE" "$@"
}

# in_guest COMMAND…
in_guest() {
	suture-lab exec "$GUEST" -- "$@"
}
