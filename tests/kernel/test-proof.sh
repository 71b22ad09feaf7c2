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

# On a booted kernel, with every change that booting makes to its code.
check "a guest starts" start_guest proof --program "$BUILD_ROOT/tests/kernel/code-check:/code-check"
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
suture-lab stop "$GUEST"

finish
