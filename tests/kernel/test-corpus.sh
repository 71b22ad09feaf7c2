#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A sample of the corpus (tests/corpus/README.md): real fixes of both series, in core and in modules,
# built and tried in the newest small kernels.
. "$(dirname "$0")/lib.sh"
RUN=$(realpath "$(dirname "$0")")/../corpus/run

# sample SERIES N: N fixes of core and N of modules that fit, those of the smallest files; one file of
# them is edited without effect.
sample() {
	local series=$1 count=$2 release report=$WORK/$1.json

	release=$("$RUN" --newest "$series" cloud-amd64) || give_up "apt offers no kernel of $series"
	"$RUN" --sample "$count" --edits 1 --output "$WORK/out" "$release" >"$WORK/$series.txt" 2>&1
	note "$(tail -n 1 "$WORK/$series.txt")"
	cp "$WORK/out/$release.json" "$report" || give_up "$(tail -n 20 "$WORK/$series.txt")"
	check "$series: as many fixes as asked for" jq -e ".fixes | length == 2 * $count" "$report"
	check "$series: all are built" jq -e '.built == (.fixes | length)' "$report"
	check "$series: none fails in the guest" jq -e \
		'.failed_in_guest == 0 and all(.fixes[]; .guest == "passed" or .guest == "target not loadable")' "$report"
	check "$series: core and modules are patched" jq -e \
		'[.fixes[] | select(.guest == "passed") | .where] | index("core") and index("module")' "$report"
	check "$series: edits without effect change nothing" jq -e \
		".edited_files == 1 and .wrong_edits == {}" "$report"
	check "$series: the run holds" jq -e .holds "$report"
}

sample 6.1 1
sample 6.12 1
finish
