#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The systemd units as they are installed: how exposed they leave each program, as
# systemd-analyze security counts it, that whatever is not switched on is named with its reason, and
# that systemd has nothing to say against them. That they work under systemd, tests/kernel shows.
#
#	test-units.sh FOLDER-OF-UNITS LIBEXEC-FOLDER PROGRAM…
set -u
units=$1 libexec=$2
shift 2
world=$(mktemp -d)
trap 'rm -rf "$world"' EXIT

tests=0 failures=0
ok() {
	local name=$1
	shift
	tests=$((tests + 1))
	if "$@" >"$world/out" 2>&1; then
		echo "ok $tests - $name"
	else
		echo "not ok $tests - $name"
		sed 's/^/# /' "$world/out"
		failures=$((failures + 1))
	fi
}

# exposure UNIT TENTHS: at most so much (systemd-analyze counts its thresholds in tenths).
exposure() {
	systemd-analyze security --offline=yes --no-pager --threshold="$2" "$1"
}
# No other policy of this machine may stand behind the figure, and no unit may pass because it was not read.
exposure_is_real() {
	! exposure "$1" 5 && ! exposure "$world/open.service" 90
}
# Every directive that costs exposure is set, as far as it can be, or a comment says why it is not.
reasons_are_given() {
	local name missing=0
	systemd-analyze security --offline=yes --no-pager --json=short "$1" >"$world/table" || true
	jq -e 'length > 60' "$world/table" >/dev/null || { echo "no table"; return 1; }
	for name in $(jq -r '.[] | select((.exposure // "0" | tonumber) > 0) | .name | split("=")[0]' "$world/table" | sort -u); do
		grep -q -e "^$name=" -e "^#.*\<$name=" "$1" && continue
		echo "$name=: neither set nor explained"
		missing=1
	done
	[ $missing = 0 ]
}
# systemd's own opinion, with the programs where they were built.
verified() {
	local copy=$world/verify/$(basename "$1") program
	shift
	mkdir -p "$world/verify"
	for program; do
		sed -i "s,^ExecStart=$libexec/$(basename "$program")\$,ExecStart=$(realpath "$program")," "$copy"
	done
	! grep -q "^ExecStart=$libexec" "$copy" || { echo "its program is not one of those built"; return 1; }
	systemd-analyze verify --man=no --recursive-errors=no "$copy" 2>&1 | tee "$world/said"
	[ ! -s "$world/said" ]
}
makes_user() {
	mkdir -p "$world/root/etc" && systemd-sysusers --root="$world/root" - <"$units/suture.conf" &&
		grep "^$1:x:[0-9]*:[0-9]*:[^:]*:/var/cache/suture:.*nologin$" "$world/root/etc/passwd"
}

printf '[Service]\nExecStart=/bin/true\n' >"$world/open.service"
mkdir -p "$world/verify" && cp "$units"/*.service "$world/verify/"
ok "sutured.service: exposure at most 2.0" exposure "$units/sutured.service" 20
ok "suture-fetch.service: exposure at most 1.3" exposure "$units/suture-fetch.service" 13
for name in sutured suture-fetch; do
	ok "$name.service: the figure counts" exposure_is_real "$units/$name.service"
	ok "$name.service: what is not switched on has its reason" reasons_are_given "$units/$name.service"
	ok "$name.service: systemd has nothing against it" verified "$name.service" "$@"
done
ok "the fetcher's user is made" makes_user suture-fetch
echo "1..$tests"
[ "$failures" = 0 ]
