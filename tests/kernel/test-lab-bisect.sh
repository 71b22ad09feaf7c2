#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Which function of a cumulative patch breaks a case. (Several that do so only together: test-ddmin.c.)
. "$(dirname "$0")/lib.sh"

prepare_kernel
build_module "$(dirname "$(realpath "$0")")/modules/lab_many.c" || give_up "the test's livepatch does not build"
bisect=(suture-lab bisect --kernel "$RELEASE" --module "$WORK/lab_many.ko" --case reproducer --format json)

# Unpatched, the fault shows: /proc/filesystems is not empty. Patched, it is gone, and the script dies.
cat >"$WORK/reads-domains" <<'END'
cat /proc/execdomains >/dev/null || exit 3
if grep -q tmpfs /proc/filesystems; then exit 0; else exit 1; fi
END
mkdir "$WORK/parts"
"${bisect[@]}" --reproducer "$WORK/reads-domains" -o "$WORK/parts" >"$WORK/one.json" 2>"$WORK/one.err"
check "one function breaks the case" [ $? = 3 ]
check "it is named, with its cause" jq -e '.result == "found" and .cause == "oops" and .case == "reproducer" and .of == 7
	and [.functions[] | .object + ":" + .name] == ["vmlinux:execdomains_proc_show"]' "$WORK/one.json"
check "every try is told" [ "$(grep -c '^try [0-9]*: [0-9] of 7 functions: ' "$WORK/one.err")" = \
	$(($(jq .tries "$WORK/one.json") - 1)) ]

# The parts are modules: one has the fault, the other all the rest.
functions='for f in /sys/kernel/livepatch/*/*/*,*; do basename ${f%,*}; done | sort | tr "\n" " "'
check "the broken part replaces one function" says '^execdomains_proc_show $' \
	suture-lab shell --kernel "$RELEASE" --module "$WORK/parts/broken.ko" <<<"$functions"
check "the other part all others" says \
	'^cmdline_proc_show devinfo_show filesystems_proc_show loadavg_proc_show nf_tables_valid_genid version_proc_show $' \
	suture-lab shell --kernel "$RELEASE" --module "$WORK/parts/others.ko" <<<"$functions"
check "and breaks nothing" exits 0 suture-lab bisect --kernel "$RELEASE" --module "$WORK/parts/others.ko" --case load

# What is no whole module is refused.
head -c 3000 "$WORK/lab_many.ko" >"$WORK/cut.ko"
check "a truncated module" refuses 'cut.ko: ' suture-lab bisect --kernel "$RELEASE" --module "$WORK/cut.ko" --case load
finish
