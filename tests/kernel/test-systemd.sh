#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The machine's programs as their units run them: a Debian system of its own on the stock kernel, with
# what `meson install` puts there. Enrolled, patched while it runs, killed, and booted again without a
# network: the patch is in the kernel before anybody could have asked for it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/machine.sh"
. "$(dirname "$0")/debian-root.sh"
FIXES=$(dirname "$(realpath "$0")")/../../demo/fixes
prepare_kernel

make_patch_and_keys() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/module.key" -out "$WORK/module.crt" -days 30 \
		-subj "/CN=test modules" -addext keyUsage=digitalSignature -addext extendedKeyUsage=codeSigning \
		-addext subjectKeyIdentifier=hash &&
		suture-build patch --kernel "$RELEASE" --version 1.1 -o "$WORK/1.1.ko" --record "$WORK/1.1.json" "$FIXES"/0001* &&
		suture-repo init "$WORK/repo" --keys "$WORK/keys" --tier $TIER &&
		suture-repo module sign --key "$WORK/module.key" --cert "$WORK/module.crt" "$WORK/1.1.ko" && serve 1.1
}
install_programs() {
	DESTDIR=$WORK/installed meson install -C "$BUILD_ROOT" --no-rebuild --quiet &&
		as_root cp -r --no-preserve=ownership "$WORK/installed/." "$ROOT/" &&
		as_root systemd-sysusers --root="$ROOT" &&
		as_root systemctl --root="$ROOT" enable sutured.service &&
		as_root install -m 600 "$WORK/bundle.json" "$WORK/token" "$ROOT/root/"
}
ROOT=$WORK/root
trap '[ -z "$SERVER" ] || kill $SERVER; as_root rm -rf "$ROOT"; clean_up' EXIT

boot() { # NAME [OPTION…]
	start_guest "$1" --memory 1024 --system "$WORK/disk.img" "${@:2}"
}
wait_for() { in_guest timeout 300 sh -c "until $1; do sleep 0.1; done"; }
# Until its manager answers, systemctl says "offline" at once.
is_up() {
	in_guest timeout 300 sh -c 'until systemctl is-system-running --wait 2>/dev/null | grep -vx -e offline -e initializing -e starting; do
		sleep 0.2; done' | grep -x running || { in_guest systemctl --failed --no-pager; false; }
}
# Asked to, as its owner would: the disk is unmounted, and what the units do at the end is done.
power_off() {
	in_guest systemctl poweroff --no-block &&
		timeout 60 bash -c "until suture-lab list | grep -q '^$GUEST .*powered off'; do read -r -t 0.2 <> <(:) || :; done"
	local status=$?
	suture-lab log "$GUEST" >"$WORK/$GUEST.log"
	suture-lab stop "$GUEST"
	return $status
}
field_of() { # UNIT PROPERTY
	in_guest systemctl show --value -p "$2" "$1"
}
status_of() { # UNIT: /proc/PID/status of its main process
	in_guest cat "/proc/$(field_of "$1" MainPID)/status"
}
has() { # UNIT PATTERN…: lines of it
	local unit=$1 pattern
	status_of "$unit" >"$WORK/proc"
	shift
	for pattern; do
		grep -qE "^$pattern\$" "$WORK/proc" || { cat "$WORK/proc"; echo "no $pattern"; return 1; }
	done
}
# Where a process has its own view of the files.
view_of() { echo "/proc/$(field_of "$1" MainPID)/root"; }

check "a patch, its repository and its keys" make_patch_and_keys
check "the server starts" start_server
check "a token and a bundle" make_token "$WORK/module.crt"
check "a Debian system" make_root_archive "$(command -v sutured)" "$(command -v suture-fetch)" "$(command -v suture)"
[ -e "${ROOT_ARCHIVE:-}" ] || give_up "there is none"
check "is unpacked" unpack_root "$ROOT"
check "the programs are installed and enabled" install_programs
check "a disk of it" make_disk "$ROOT" "$WORK/disk.img"
check "it boots" boot one --net
check "systemd says that it is up" is_up
check "sutured and suture-fetch run" in_guest systemctl is-active sutured.service suture-fetch.service
check "sutured: root, three capabilities, a filter" has sutured 'Uid:.0.0.0.0' 'CapPrm:.0000000400030000' 'CapBnd:.0000000400030000' \
	'NoNewPrivs:.1' 'Seccomp:.2'
check "suture-fetch: its own user, none, a filter" has suture-fetch 'Uid:.([1-9][0-9]*).[1-9].*' 'CapPrm:.0*' 'CapBnd:.0*' \
	'NoNewPrivs:.1' 'Seccomp:.2'
no_network() { [ "$(in_guest cat "/proc/$(field_of sutured MainPID)/net/dev" | grep -c :)" = 1 ]; }
check "sutured has no network" no_network
sees() { in_guest cat "$(view_of "$1")$2"; }
check "it sees whether the kernel is locked down" sees sutured /sys/kernel/security/lockdown
read_only() { refuses 'Read-only' in_guest sh -c "echo x >$(view_of "$1")$2"; }
check "it cannot change the system" read_only sutured /usr/x
check "nor how the kernel is tuned" read_only sutured /proc/sys/kernel/panic
check "nor what else is in /sys" read_only sutured /sys/kernel/mm/ksm/run
check "suture-fetch can write nothing but its cache" read_only suture-fetch /var/lib/x

check "it enrols" in_guest suture enable --trust /root/bundle.json --token-file /root/token
check "it checks, and is patched while it runs" in_guest suture refresh
check "the kernel is changed" kernel_says
check "status: 1.1 applied, and its code was compared" status_is '.state == "applied" and .version == "1.1" and .code_check == "equal"'
check "the doctor finds nothing in the way" in_guest suture check
check "the server knows it by its name" server_knows '.machines[0] | .state == "applied" and .hostname == "guest"'

check "sutured is killed" in_guest systemctl kill -s KILL sutured.service
check "it is started again" wait_for '[ "$(systemctl show --value -p NRestarts sutured)" = 1 ] && systemctl is-active -q sutured'
check "and knows what is applied" wait_for 'suture status --summary | grep -q "protected (1.1)"'
check "it stops at once" in_guest timeout 5 systemctl stop sutured.service
check "and the patch stays" kernel_says
check "it starts" in_guest systemctl start sutured.service
check "the machine powers off" power_off
check "nothing was waited for" fails grep -q 'A stop job is running' "$WORK/one.log"

# --- the same disk, and no network at all

check "it boots again, without a network" boot two
check "the kernel is patched by then or soon" wait_for 'grep -q "patched by Suture" /proc/version'
check "systemd says that it is up" is_up
no_card() { in_guest sh -c '! grep -v -e lo: -e "|" /proc/net/dev'; }
check "there is no network" no_card
check "status: 1.1 applied, and its code was compared" status_is '.state == "applied" and .version == "1.1" and .code_check == "equal"'
# By the machine's own clock, in microseconds: when the process of the unit was made, when the transition
# ended, when the boot did.
began() { field_of sutured ExecMainStartTimestampMonotonic; }
patched() {
	in_guest journalctl -b -u sutured.service -o json --no-pager | jq -rs 'map(select(.MESSAGE | tostring |
		test("loaded in .* transition in"))) | last | .__MONOTONIC_TIMESTAMP'
}
booted() { field_of multi-user.target ActiveEnterTimestampMonotonic; }
in_time() {
	in_guest journalctl -b -u sutured.service -o short-monotonic --no-pager
	echo "$(began) $(patched) $(booted)"
	[ "$(began)" -gt 0 ] && [ "$(patched)" -gt "$(began)" ] && [ "$(patched)" -lt "$(booted)" ]
}
check "it was applied before the boot was over" in_time
note "applied $((($(patched) - $(began)) / 1000)) ms after the unit's start, $((($(booted) - $(patched)) / 1000)) ms before multi-user.target"
check "no warning in the kernel log" fails in_guest sh -c 'dmesg | grep -E "WARNING:|BUG:|Oops"'
check "the machine powers off" power_off
finish
