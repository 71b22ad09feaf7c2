#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One patch with everything that an extracted function may bring along or refer to, in a running
# stock kernel: whatever was relocated wrongly shows in one line of /proc/loadavg, or in an oops.
. "$(dirname "$0")/lib.sh"
PATCH=$(realpath "$(dirname "$0")")/patches/mechanisms.patch
OUT=$WORK/out.ko

prepare_kernel

# The fault "shows" while /proc/loadavg is not as the patch has it: counters of both units agree,
# alternatives and static keys are in place, one address can be read and one cannot, and the
# function's own address is still the kernel's.
cat >"$WORK/reproducer" <<'E2'
cat /proc/uptime /proc/uptime >/dev/null
set -- $(sed -n 2p /proc/loadavg)
cat /proc/loadavg
[ "$2" -ge 2 ] && [ "$2" = "$3" ] || exit 0
[ "$1 $4 $5 $6 $7 $8 $9" = "some fpu 1 keys 01 peek 42" ] || exit 0
shift 9
[ "$*" = "-1 self 1" ] || exit 0
exit 1
E2

check "a patch with every mechanism is built" \
	suture-build patch --kernel "$RELEASE" --version 1.1 -o "$OUT" --record "$WORK/out.json" "$PATCH"
check "both functions equal the shipped code" \
	jq -e '.run_pre == {"compared": 2, "equal": 2}' "$WORK/out.json"
check "new functions are recorded" \
	jq -e '.new_functions | contains(["amount", "peek", "uptime_reads_of_all_cpus"])' "$WORK/out.json"
suture-build inspect "$OUT" --format json >"$WORK/inspect.json"
check "inspect names what is replaced" jq -e \
	'[.functions[] | .object + ":" + .name] | sort == ["vmlinux:loadavg_proc_show", "vmlinux:uptime_proc_show"]' \
	"$WORK/inspect.json"
check "a key of the kernel is reached by a livepatch relocation" jq -e \
	'any(.relocations[]; .section == "__jump_table" and .object == "vmlinux")' "$WORK/inspect.json"
check "it works in the running kernel, twice" \
	suture-lab run --kernel "$RELEASE" --module "$OUT" --cycles 2 --reproducer "$WORK/reproducer"
finish
