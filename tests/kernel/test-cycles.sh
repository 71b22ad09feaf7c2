#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A machine under load that is patched, patched again, rolled back by one version, forward again, and
# taken out of the kernel, over and over (CYCLES, 4): nothing fails, the kernel has nothing to say, and
# neither sutured nor suture-fetch nor the kernel keeps memory.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/machine.sh"
FIXES=$(dirname "$(realpath "$0")")/../../demo/fixes
CYCLES=${CYCLES:-4}
prepare_kernel

make_patches() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/module.key" -out "$WORK/module.crt" -days 30 \
		-subj "/CN=test modules" -addext keyUsage=digitalSignature -addext extendedKeyUsage=codeSigning \
		-addext subjectKeyIdentifier=hash &&
		(cd "$WORK" &&
			suture-build patch --kernel "$RELEASE" --version 1.1 -o 1.1.ko --record 1.1.json "$FIXES"/0001* &&
			suture-build patch --kernel "$RELEASE" --version 1.2 -o 1.2.ko --record 1.2.json "$FIXES"/000[12]*) &&
		suture-repo init "$WORK/repo" --keys "$WORK/keys" --tier $TIER
}
release() {
	suture-repo module sign --key "$WORK/module.key" --cert "$WORK/module.crt" "$WORK/$1.ko" && serve "$1"
}
# The load: processes that come and go, block, and talk, and one that only computes.
load() {
	suture-lab exec --background "$GUEST" -- stress-ng --temp-path /tmp --fork 1 --pipe 1 --switch 1 --poll 1 --cpu 1 --quiet
}
cycles() { # N: that many; the one that failed is said
	suture-lab exec --timeout 0 "$GUEST" -- sh -c '
		applied() { suture status --summary | grep -qF "protected ($1)" && [ "$(ls /sys/kernel/livepatch | grep -c ^suture_)" = 1 ]; }
		silent() { ! grep -q "patched by Suture" /proc/version && ! ls /sys/kernel/livepatch | grep -q ^suture_; }
		for i in $(seq '"$1"'); do
			{ suture refresh && applied 1.2 &&
				suture rollback 1.1 && [ "$(ls /sys/kernel/livepatch | grep -c ^suture_)" = 1 ] && ls /sys/kernel/livepatch | grep -q 1_1 &&
				suture unhold && suture refresh && applied 1.2 &&
				suture rollback && silent && suture unhold; } >/out 2>&1 ||
				{ echo "cycle $i:"; cat /out; suture status --verbose; tail -n 20 /sutured.log; exit 1; }
		done'
}
# "WHAT KIB" lines: what is kept when nothing is under way.
memory() {
	in_guest sh -c 'sync; echo 3 >/proc/sys/vm/drop_caches
		for name in sutured suture-fetch; do
			awk -v n=$name "/^Private_Dirty:/ { print n, \$2 }" /proc/$(pidof $name)/smaps_rollup
		done
		awk "/^SUnreclaim:|^VmallocUsed:/ { print substr(\$1, 1, length(\$1) - 1), \$2 }" /proc/meminfo'
}
# The first cycles may settle caches; afterwards nothing may grow with their number: of each figure so many KiB are
# noise, and less than one a cycle.
kept_nothing() {
	memory >"$WORK/after"
	paste "$WORK/before" "$WORK/after"
	[ "$(wc -l <"$WORK/after")" = 4 ] &&
		paste "$WORK/before" "$WORK/after" | awk -v n="$CYCLES" '{ noise = $1 == "SUnreclaim" ? 400 : 32 } $4 - $2 > n + noise { exit 1 }'
}
clean() { ! in_guest sh -c "dmesg | grep -E 'WARNING:|BUG:|Oops|stall|hung'"; }
modules() { [ -z "$(in_guest sh -c 'grep ^suture_ /proc/modules')" ]; }

check "two patches, a repository and keys" make_patches
check "1.1 is released" release 1.1
check "1.2 is released" release 1.2
check "the server starts" start_server
check "a token and a bundle" make_token "$WORK/module.crt"
check "a machine boots" start_machine cycles --load mana --program "$(command -v stress-ng):/usr/bin/stress-ng"
check "its programs start" start_programs
check "it enrols" in_guest suture enable --trust /bundle.json --token-file /token
check "it is put under load" load
check "two cycles, after which it has what it keeps" cycles 2
memory >"$WORK/before"
SECONDS=0
check "$CYCLES cycles of apply, replace, back, replace, out" cycles "$CYCLES"
note "$CYCLES cycles, $((CYCLES * 4)) transitions, in $SECONDS s"
check "the load went on" in_guest pidof stress-ng
check "the kernel has nothing to say" clean
check "no module is left" modules
check "nobody keeps memory" kept_nothing
note "$(paste "$WORK/before" "$WORK/after" | awk '{ printf "%s %d to %d KiB; ", $1, $2, $4 }')"
finish
