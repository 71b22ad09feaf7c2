#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# sutured, suture-fetch and suture with the real server and repository on loopback: everything but
# the load into the kernel, which tests/kernel does.
build=$1
. "$(dirname "$0")/agent-world.sh"

set_up() {
	make_kernel && make_certificate && make_repository && make_patch 1.1 && mkdir -p "$world/server" &&
		publish && start_server && log_in && make_token && make_bundle
}
ok "a repository with one patch, and a server" set_up
ok "without a daemon: status says so" fails_with 1 "sutured has not run" on_machine status
ok "without a daemon: refresh says so" fails_with 1 "sutured is not running" on_machine refresh
ok "sutured starts without a network" start_agent
ok "not enabled: exit status 3" fails_with 3 "not enabled" on_machine status
ok "refresh: not enabled" fails_with 1 "not enabled" on_machine refresh
ok "rollback: nothing applied" fails_with 1 "no patch is applied" on_machine rollback
ok "a second sutured does not start" fails_with 1 "already running" env SUTURE_ROOT="$machine" timeout 20 "$sutured"

enrol() { on_machine enable --trust "$world/bundle.json" --token-file "$world/token"; }
ok "suture-fetch starts" start_fetch
ok "enable: a bundle that is none" fails_with 1 "token" on_machine enable --trust "$world/token" --token-file "$world/token"
printf 'AAAAAAAAAAAAAAAAAAAAAAAA\n' >"$world/wrong-token"
ok "enable: a wrong token is denied" fails_with 1 "suture-admin token create" \
	on_machine enable --trust "$world/bundle.json" --token-file "$world/wrong-token"
ok "enable: neither bundle nor hash" fails_with 1 "which server to trust" \
	on_machine enable --token-file "$world/token"
cp "$world/bundle.json" "$world/server/trust-bundle.json"
printf 'https://127.0.0.1:%s#%064d#%s\n' "$port" 0 "$(cat "$world/token")" >"$world/lying-token"
ok "enable: a bundle that is not the token's" fails_with 1 "do not enrol" \
	on_machine enable --token-file "$world/lying-token"
ok "enable: a tier that the bundle lacks" fails_with 2 "its tiers are: stable" \
	on_machine enable --trust "$world/bundle.json" --token-file "$world/token" --tier edge
ok "after all that nothing is trusted" test ! -e "$machine/var/lib/suture/trust"
printf 'https://127.0.0.1:%s#%s#%s\n' "$port" "$(sha256sum "$world/bundle.json" | cut -c1-64)" "$(cat "$world/token")" \
	>"$world/long-token"
# What an enable that was killed leaves: a folder in the making, and one that nobody counts on.
mkdir -p "$machine/var/lib/suture/trust.new/metadata" "$machine/var/lib/suture/trust/metadata"
echo "{}" | tee "$machine/var/lib/suture/trust.new/metadata/root.json" >"$machine/var/lib/suture/trust/other"
ok "enable: by a token that carries the bundle's hash" on_machine enable --token-file "$world/long-token"
ok "enable: of what was there before nothing is left" \
	test ! -e "$machine/var/lib/suture/trust.new" -a ! -e "$machine/var/lib/suture/trust/other"
leftovers() { find "$machine" -name '.new-*' -o -name space.tmp; }
left_by_a_kill() {
	local name=.new-0123456789abcdef folder
	stop_fetch && stop_agent || return
	for folder in var/lib/suture run/suture var/cache/suture/fetch; do
		echo half >"$machine/$folder/$name" || return
	done
	echo half >"$machine/var/cache/suture/fetch/space.tmp"
	start_agent && start_fetch && on_machine uname && fails_with 1 "not loaded" on_machine refresh && [ -z "$(leftovers)" ]
}
ok "enable twice: a clear error" fails_with 1 "already enabled" enrol
ok "the status has the identity" field_is .enabled true

modes() {
	(cd "$machine" && stat -c '%a %n' var/lib/suture var/lib/suture/journal.json var/lib/suture/trust \
		var/lib/suture/trust/bundle.json run/suture run/suture/status.json run/suture/control.sock \
		run/suture/fetch.sock var/cache/suture/fetch/identity.json) >"$world/modes"
	diff - "$world/modes" <<-END
		700 var/lib/suture
		600 var/lib/suture/journal.json
		700 var/lib/suture/trust
		600 var/lib/suture/trust/bundle.json
		755 run/suture
		644 run/suture/status.json
		600 run/suture/control.sock
		660 run/suture/fetch.sock
		600 var/cache/suture/fetch/identity.json
	END
}
ok "nobody else can read what is secret, or speak for root" modes

# The first check-in of its own, then one that is asked for. The kernel is a tree of files, so the
# way ends at the load, with every check before it passed.
refused() { fails_with 1 "not loaded" on_machine refresh; }
ok "refresh: verified, then not loaded outside a real kernel" refused
ok "what killed programs were writing goes at the next start" left_by_a_kill
ok "status: failed, exit status 6" fails_with 6 failed on_machine status
ok "status: the version is there" field_is .available 1.1
ok "status: the code could not be read" field_is .code_check unreadable
ok "nothing is left open in the journal" \
	jq -e '.step == null and .accepted == null' "$machine/var/lib/suture/journal.json"
known() {
	people_call GET /v1/admin/machines "" |
		jq -e '.machines | length == 1 and .[0].state == "failed" and .[0].hostname == "testmachine"'
}
ok "the server knows" known
ok "history tells the story" fails_with 0 "failed" on_machine history
ok "yaml" fails_with 6 'state: "failed"' on_machine status --format yaml
ok "json" bash -c "SUTURE_ROOT='$machine' '$suture' status --format json | jq -e '.exit_status == 6'"
ok "the doctor" fails_with 0 "the last check-in succeeded" on_machine check
ok "uname" fails_with 0 "$release" on_machine uname

killed() {
	kill -9 "$agent_pid" && ! wait "$agent_pid" && fails_with 1 "sutured is not running: this is its last word" on_machine status &&
		fails_with 1 "last word" timeout 20 env SUTURE_ROOT="$machine" "$suture" status --wait &&
		on_machine status --format json 2>/dev/null | jq -e .enabled && fails_with 1 "not running: what follows" on_machine check
}
ok "sutured is killed: status and doctor say so" killed
ok "it is started again: they do not" start_agent
ok "status: as it was" fails_with 6 failed on_machine status

ok "hold" on_machine hold
ok "held: nothing is tried" on_machine refresh
ok "held: exit status 4" fails_with 4 "unhold" on_machine status
ok "unhold" on_machine unhold

# A module that was changed after it was listed.
target=$(find "$world/server/repository/targets" -name '*.ko')
cp "$target" "$world/good.ko"
printf 'X' | dd of="$target" bs=1 seek=100 conv=notrunc status=none
ok "a changed module is refused" fails_with 1 "sha256" on_machine refresh
ok "state: refused" field_is .state refused
truncate -s 500 "$target"
ok "a truncated module is refused" fails_with 1 "500 bytes, signed as" on_machine refresh
cp "$world/good.ko" "$target"

# A medium instead of the network.
medium=$world/medium
ok "a repository on a medium" "$suture_repo" export "$world/repo" --to "$medium"
ok "is nothing for a machine that waits for grants" fails_with 1 "require-grant" on_machine refresh --from "$medium"
cp "$machine/etc/suture/suture.conf" "$world/suture.conf" 2>/dev/null || : >"$world/suture.conf"
mkdir -p "$machine/etc/suture"
echo "require-grant = no" >>"$machine/etc/suture/suture.conf"
stop_agent
start_agent
ok "another one reads it" fails_with 1 "not loaded" on_machine refresh --from "$medium"
cp "$target" "$world/good.ko"
from_medium=$(find "$medium/targets" -name '*.ko')
printf 'X' | dd of="$from_medium" bs=1 seek=100 conv=notrunc status=none
ok "a changed module on it is refused" fails_with 1 "sha256" on_machine refresh --from "$medium"
cp "$world/good.ko" "$from_medium"
jq -c '.signed.version += 1' "$medium/metadata/timestamp.json" >"$world/unsigned.json"
cp "$world/unsigned.json" "$medium/metadata/timestamp.json"
ok "and metadata that nobody signed" fails_with 1 "valid signature" on_machine refresh --from "$medium"
ok "a folder that is none" fails_with 1 "nowhere" on_machine refresh --from "$world/nowhere"
cp "$world/suture.conf" "$machine/etc/suture/suture.conf"
stop_agent
start_agent

# A kernel without livepatch support, and another architecture.
rmdir "$machine/sys/kernel/livepatch"
ok "sutured stops" stop_agent
ok "sutured starts again" start_agent
ok "no livepatch support: refused with its cure" fails_with 1 "CONFIG_LIVEPATCH" on_machine refresh
mkdir "$machine/sys/kernel/livepatch"
echo aarch64 >"$machine/proc/sys/kernel/arch"
stop_agent
start_agent
ok "another architecture: refused" fails_with 1 "aarch64" on_machine refresh
echo x86_64 >"$machine/proc/sys/kernel/arch"
stop_agent
start_agent

# Somebody else's livepatch.
mkdir -p "$machine/sys/kernel/livepatch/kpatch_fix"
echo 1 >"$machine/sys/kernel/livepatch/kpatch_fix/enabled"
echo 0 >"$machine/sys/kernel/livepatch/kpatch_fix/transition"
ok "a foreign livepatch is not replaced" fails_with 1 "kpatch_fix" on_machine refresh
rm -r "$machine/sys/kernel/livepatch/kpatch_fix"

# A patch for another kernel, well signed.
ok "a patch with another vermagic is released" make_patch 1.2 6.1.0-98-other
publish >/dev/null
ok "it is refused" fails_with 1 "6.1.0-98-other" on_machine refresh

# The server is away, and comes back as somebody else.
stop_server
ok "server down: the code and the cure" fails_with 1 "check that the server runs" on_machine refresh
ok "server down: the status says so" field_is .last_check.code unreachable
mv "$world/server/pki" "$world/pki-before"
start_server
ok "a server with another CA is not talked to" fails_with 1 "certificate" on_machine refresh
ok "the status says untrusted" field_is .last_check.code untrusted
stop_server
rm -r "$world/server/pki"
mv "$world/pki-before" "$world/server/pki"
start_server
ok "without suture-fetch" stop_fetch
ok "no fetcher: a clear error" fails_with 1 "suture-fetch is not running" on_machine refresh
start_fetch
ok "back again" fails_with 1 "6.1.0-98-other" on_machine refresh

# A damaged or newer journal is refused, and left alone.
stop_agent
cp "$machine/var/lib/suture/journal.json" "$world/journal"
head -c 300 "$world/journal" >"$machine/var/lib/suture/journal.json"
ok "a cut journal: sutured does not start" fails_with 1 "journal.json" env SUTURE_ROOT="$machine" timeout 20 "$sutured"
sed 's/"format": 1/"format": 2/' "$world/journal" >"$machine/var/lib/suture/journal.json"
ok "a newer journal: sutured does not start" fails_with 1 "newer version" env SUTURE_ROOT="$machine" timeout 20 "$sutured"
# A load that the machine went down in: tried once more, then never again; not blamed for a shutdown.
went_down() { # JQ FILTER
	jq --arg kernel "$release" ".step = {action: \"load\", version: \"1.1\", kernel: \$kernel, module: \"suture_x\",
		sha256: (\"0\" * 64), length: 1, published: \"2026-01-01T00:00:00Z\", stopped: false,
		boot_id: \"00000000-0000-4000-8000-000000000000\", time: \"2026-01-01T00:00:00Z\"}
		| .state = \"applying\" | $1" "$machine/var/lib/suture/journal.json" >"$world/down.json" &&
		cp "$world/down.json" "$machine/var/lib/suture/journal.json" && start_agent
}
journal_is() { changes_until "$machine/var/lib/suture" jq -e "$1" "$machine/var/lib/suture/journal.json"; }
stop_fetch
printf 'retry-delay = 86400\n' >>"$machine/etc/suture/suture.conf"
cp "$world/journal" "$machine/var/lib/suture/journal.json"
ok "down amid a load, after a shutdown" went_down '.step.stopped = true'
ok "the patch is not blamed" journal_is '.step == null and .interrupted == null and .quarantine == [] and
	(.history | any(.event == "stopped"))'
stop_agent
cp "$world/journal" "$machine/var/lib/suture/journal.json"
ok "down amid a load, once" went_down .
ok "it is to be tried again" journal_is '.interrupted.version == "1.1" and .quarantine == [] and
	(.history | any(.event == "interrupted"))'
stop_agent
ok "down amid a load, on another kernel" went_down '.step.kernel = "6.1.0-98-other"'
ok "that is another matter" journal_is '.interrupted.kernel == "6.1.0-98-other" and .quarantine == []'
stop_agent
ok "down amid a load, twice" went_down '.step.kernel = "6.1.0-98-other"'
ok "quarantined, for the kernel it happened on" journal_is '.interrupted == null and
	(.quarantine | length == 1 and .[0].version == "1.1" and .[0].kernel == "6.1.0-98-other")'
ok "status: exit status 6, and why" fails_with 6 "went down twice" on_machine status
stop_agent
printf 'tier = targets\n' >>"$machine/etc/suture/suture.conf"
ok "a role that is no tier cannot be followed" fails_with 1 "not a tier" env SUTURE_ROOT="$machine" timeout 20 "$sutured"
sed -i '/^tier/d' "$machine/etc/suture/suture.conf"

cp "$world/journal" "$machine/var/lib/suture/journal.json"
ok "the right one: it does" start_agent
start_fetch

ok "disable wants a yes" fails_with 2 "--yes" on_machine disable
cp -a "$machine/var/lib/suture/trust" "$world/trust" && cp "$machine/var/cache/suture/fetch/identity.json" "$world/identity.json"
ok "disable" on_machine disable --yes
ok "disable: its key is gone" test ! -e "$machine/var/cache/suture/fetch/identity.json"
ok "disable: trust is gone" test ! -e "$machine/var/lib/suture/trust"
ok "disable: exit status 3" fails_with 3 "not enabled" on_machine status
cut_off() {
	cp -a "$world/trust" "$machine/var/lib/suture/trust" && cp -p "$world/identity.json" "$machine/var/cache/suture/fetch/"
}
cut_off_is_ended() {
	test ! -e "$machine/var/lib/suture/trust" -a ! -e "$machine/var/cache/suture/fetch/identity.json"
}
ends_at_start() {
	stop_agent && cut_off && start_agent && changes_until "$machine/var/lib/suture" test ! -e "$machine/var/lib/suture/trust" && cut_off_is_ended
}
ok "disable, cut off between name and key: the next start ends it" ends_at_start
ended_by_hand() { cut_off && on_machine disable --yes && cut_off_is_ended; }
ok "disable, cut off: once more ends it" ended_by_hand
ok "disable twice: a clear error" fails_with 1 "not enabled" on_machine disable --yes
ok "sutured ends cleanly" stop_agent
ok "no token in any log" bash -c "! grep -rFf '$world/token' '$world'/*.log '$machine'"
done_testing
