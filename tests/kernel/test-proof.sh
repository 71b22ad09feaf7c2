#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The proof: every function of whole source files equals the shipped code, and the same record holds
# in the memory of a booted kernel. What was tampered with is found in both.
. "$(dirname "$0")/lib.sh"

prepare_kernel
SOURCES="fs/namei.c fs/proc/version.c security/keys/user_defined.c kernel/sched/core.c net/core/dev.c"
MODULES="net/netfilter/nf_tables_api.c"

prove() {
	suture-build prove --kernel "$RELEASE" "$@"
}

# shellcheck disable=SC2086
check "every function of five files and of a module's equals the shipped code" \
	prove --record "$WORK/code.json" $SOURCES $MODULES
# SELinux has a local function of that name; which one is which, the memory of the guest shows below.
check "the keyring's user_destroy has a position" jq -e \
	'[.objects[].functions[] | select(.name == "user_destroy") | .sympos] | length == 1 and .[0] >= 1' "$WORK/code.json"
check "versions of exports are compared" says "19[0-9] of 19[0-9] versions of exports equal" prove net/core/dev.c
check "there are many" jq -e '.run_pre | .compared > 800 and .compared == .equal' "$WORK/code.json"
check "the masks leave most of the code to be compared" \
	jq -e '[.objects[].functions[] | .size] as $all | [.objects[].functions[].mask[][1]] as $masked |
		($masked | add) * 2 < ($all | add)' "$WORK/code.json"

# Two functions that other files override.
check "a weak function of another file is named" says "overrides" prove kernel/fork.c

# Two functions of one name, a local one of SELinux and a global one of the keyring, each to be replaced by its own.
HERE=$(realpath "$(dirname "$0")")
SOURCE=$(suture-build kernel show "$RELEASE" --format json | jq -r .source)
make_patch selinux security/selinux/ss/policydb.c \
	-e '/^static int user_destroy(/,/^}/s/^\tkfree(key);/\tpr_info("proof: a user of SELinux goes\\n");\n&/'
make_patch keyring security/keys/user_defined.c -e '/^void user_destroy(/,/^}/s/^\tkfree_sensitive(/\tpr_info("proof: a user key goes\\n");\n&/'
check "both can be replaced" suture-build patch --kernel "$RELEASE" --version 1.0 -o "$WORK/both.ko" --record "$WORK/both.json" \
	"$WORK/selinux.patch" "$WORK/keyring.patch"
check "the keyring's alone" suture-build patch --kernel "$RELEASE" --version 1.1 -o "$WORK/one.ko" --record "$WORK/one.json" "$WORK/keyring.patch"
cc -static -O1 -o "$WORK/user_key" "$HERE/programs/user_key.c" || give_up "the program of keys does not compile"

# position RECORD: where the kernel will look for user_destroy, in the order of the record.
position() {
	jq -r '[.objects[].functions[] | select(.name == "user_destroy") | .sympos] | join(" ")' "$1"
}

# On a booted kernel, with every change that booting makes to its code.
check "a guest starts" start_guest proof --program "$BUILD_ROOT/tests/kernel/code-check:/code-check" --file "$WORK/user_key:/bin/user_key"
check "the module loads" suture-lab load "$GUEST" nf_tables
suture-lab put "$GUEST" "$WORK/code.json" /code.json
check "every function equals the record in memory" says " equal, 0 different$" in_guest /code-check /code.json
note "$(tail -n 1 "$WORK/says.out")"
jq '.objects[0].functions[7].sha256 |= sub("^.."; "00") | .objects[0].functions[7].sha256 |= sub("..$"; "11")' \
	"$WORK/code.json" >"$WORK/tampered.json"
suture-lab put "$GUEST" "$WORK/tampered.json" /tampered.json
check "a record of other code is found different" refuses \
	"^$(jq -r '.objects[0].functions[7].name' "$WORK/code.json"): different" in_guest /code-check /tampered.json
check "and nothing else" grep -q " 1 different$" "$WORK/says.out"

# The kernel counts names in the order of its table, where the local one is "t" and the global one "T".
KINDS=$(in_guest sed -n 's/^[0-9a-f]* \([tT]\) user_destroy$/\1/p' /proc/kallsyms | tr -d '\n')
LOCAL=${KINDS%%t*} GLOBAL=${KINDS%%T*}
check "positions are those of the running kernel" test "$(position "$WORK/both.json")" = "$((${#LOCAL} + 1)) $((${#GLOBAL} + 1))"
check "also of the one alone" test "$(position "$WORK/one.json")" = "$((${#GLOBAL} + 1))"

# load NAME: when the transition is over. Questions take their time, there is no pause.
load() {
	suture-lab put "$GUEST" "$WORK/$1.ko" /patch.ko && in_guest insmod /patch.ko && in_guest sh -c 'n=0
		while cat /sys/kernel/livepatch/*/transition | grep -q 1; do n=$((n + 1)); [ $n -lt 100000 ] || exit 1; done'
}

# logged COUNT: a key comes and goes, and that many have been logged then.
logged() {
	in_guest sh -c 'user_key || exit 1; n=0; until [ "$(dmesg | grep -c "proof: a user key goes")" = "$1" ]; do
		n=$((n + 1)); [ $n -lt 2000 ] || exit 1; done' sh "$1"
}
traced() {
	[ "$(in_guest sh -c 'grep -c "^user_destroy " /sys/kernel/tracing/enabled_functions')" = "$1" ]
}
check "the keyring's is loaded" load one
check "one function is redirected" traced 1
check "it is the keyring's" logged 1
check "both are loaded" load both
check "two functions are redirected" traced 2
check "the keyring's is still the keyring's" logged 2
check "never taken for one another" test -z "$(in_guest dmesg | grep "user of SELinux\|BUG\|WARNING")"
suture-lab stop "$GUEST"

finish
