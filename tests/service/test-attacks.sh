#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a server, a mirror or a full disk can do to a machine: delay it, and nothing else. The real
# sutured, suture-fetch, suture and suture-repo on loopback; first with the real server serving a
# repository that somebody has changed, then with a server that lies (hostile-server.py).
build=$1
here=$(dirname "$(realpath "$0")")

# In a mount namespace of its own, so that a small disk is gone with the test.
if [ -z "${SUTURE_TEST_MOUNTS:-}" ]; then
	if unshare --mount --propagation private true 2>/dev/null; then
		exec env SUTURE_TEST_MOUNTS=yes unshare --mount --propagation private bash "$0" "$@"
	fi
	SUTURE_TEST_MOUNTS=no
fi
. "$here/agent-world.sh" || exit 1

trap 'umount -l "$machine/var" 2>/dev/null; finish' EXIT
metadata=$world/server/repository/metadata

# --- metadata that somebody has changed

keep() { rm -rf "$world/kept" && cp -a "$metadata" "$world/kept"; }
restore() { rm -rf "$metadata" && cp -a "$world/kept" "$metadata"; }

# resign ROLE JQ-FILTER: rewrites the part that is signed, and signs it anew with the role's own online
# key. Canonical JSON of such plain values is what jq -S writes.
resign() {
	local file=$metadata/timestamp.json key=$world/repo/online-keys/timestamp.pem keyid signature
	[ "$1" = timestamp ] && [ -f "$key" ] || key=$(ls "$world"/repo/online-keys/timestamp*.pem | head -1)
	jq -cSj ".signed | $2" "$file" >"$world/signed"
	keyid=$(jq -r '.signatures[0].keyid' "$file")
	signature=$(openssl pkeyutl -sign -rawin -inkey "$key" -in "$world/signed" | od -An -v -tx1 | tr -d ' \n')
	[ ${#signature} = 128 ] || return 1
	jq -c --arg keyid "$keyid" --arg sig "$signature" '{signatures: [{keyid: $keyid, sig: $sig}], signed: .}' \
		"$world/signed" >"$file.new" && mv "$file.new" "$file"
}

# One attack: the refresh fails with the code in the status and the text on the screen, and what was
# trusted before still is: with everything put back, the next refresh is as usual.
attack() { # NAME CODE TEXT CHANGE…
	local name=$1 code=$2 text=$3
	shift 3
	keep
	ok "$name: prepared" "$@"
	ok "$name: refused" fails_with 1 "$text" on_machine refresh
	ok "$name: the status has its code" field_is .last_check.code "$code"
	restore
	ok "$name: forgotten when it is over" usual
}
usual() { fails_with 1 "not loaded" on_machine refresh; }

flip_signature() { sed -i 's/\("sig": *"\)\(.\)/\1f\2/; s/\("sig": *"[0-9a-f]\{128\}\)[0-9a-f]/\1/' "$metadata/timestamp.json"; }
no_signature() { jq -c '.signatures = []' "$metadata/timestamp.json" >"$world/t" && cp "$world/t" "$metadata/timestamp.json"; }
expired() { resign timestamp '.expires = "2020-01-01T00:00:00Z" | .version += 1'; }
lower() { resign timestamp '.version = 1 | .expires = "2035-01-01T00:00:00Z"'; }
newer_claim() { jq -c '.signed.expires = "2035-01-01T00:00:00Z"' "$metadata/timestamp.json" >"$world/t" && cp "$world/t" "$metadata/timestamp.json"; }
other_role() { cp "$(ls "$metadata"/*.snapshot.json | tail -1)" "$metadata/timestamp.json"; }
not_json() { printf '{"signed": ' >"$metadata/timestamp.json"; }
huge() { head -c 20000000 /dev/zero | tr '\0' ' ' >"$metadata/timestamp.json"; }
changed_tier() { # one that the machine has not seen yet
	local file
	make_patch 1.2 && publish && keep || return
	file=$(ls -t "$metadata"/*.stable.json | head -1)
	sed -i 's/"version": *"1.2"/"version":"9.9"/' "$file"
	! cmp -s "$file" "$world/kept/$(basename "$file")"
}
missing() { rm "$metadata/timestamp.json"; }

# --- a full disk

small_disk() {
	mkdir -p "$machine/var" && mount -t tmpfs -o size=2m suture-test "$machine/var"
}
fill_disk() {
	dd if=/dev/zero of="$machine/var/fill" bs=4096 status=none 2>/dev/null
	[ "$(df --output=avail "$machine/var" | tail -1 | tr -d ' ')" = 0 ]
}
free_disk() { rm "$machine/var/fill"; }
nothing_is_kept() {
	[ ! -e "$machine/var/cache/suture/fetch/identity.json" ] && [ ! -e "$machine/var/lib/suture/trust" ] &&
		[ -z "$(find "$machine/var/lib" "$machine/var/cache" -name '*.new*')" ]
}
# With every page that is free the attempt ends later; it never stands in the way of the next one, and a
# load that began has its end on the disk, full as that is.
tried_after_each() {
	local pages
	for pages in $(seq 0 12); do
		rm -f "$machine"/var/lib/suture/modules/*
		fill_disk && truncate -s "-$((pages * 4096))" "$machine/var/fill" || return
		on_machine refresh >"$world/tried" 2>&1
		cp "$machine/var/lib/suture/journal.json" "$world/journal.json"
		free_disk && usual && jq -e '.step == null' "$machine/var/lib/suture/journal.json" &&
			jq -e '.step == null' "$world/journal.json" && continue
		echo "with $pages pages left: $(cat "$world/tried")"
		return 1
	done
}
no_room_for_end() { # room for the module and the beginning
	rm -f "$machine"/var/lib/suture/modules/* "$machine/var/lib/suture/journal.reserve"
	fill_disk && truncate -s -$((12 * 4096)) "$machine/var/fill" &&
		fails_with 1 "journal.reserve: No space left on device" on_machine refresh && free_disk && usual
}
enable() { on_machine enable --trust "$world/bundle.json" --token-file "$world/token"; }

set_up() {
	make_kernel && make_certificate && make_repository && make_patch 1.1 && mkdir -p "$world/server" &&
		publish && start_server && log_in && make_token && make_bundle
}
ok "a repository with one patch, and a server" set_up

if [ "$SUTURE_TEST_MOUNTS" = yes ] && small_disk 2>/dev/null; then
	ok "sutured starts" start_agent
	start_fetch
	ok "full disk: filled" fill_disk
	ok "full disk: enable fails and says why" fails_with 1 "No space left on device" enable
	ok "full disk: nothing is half-done" nothing_is_kept
	ok "full disk: not enabled" fails_with 3 "not enabled" on_machine status
	ok "full disk: freed" free_disk
	ok "full disk: the token was not spent" enable
	ok "full disk: filled again" fill_disk
	ok "full disk: a patch cannot be kept" fails_with 1 "No space left on device" on_machine refresh
	ok "full disk: the journal is whole" jq -e .machine_id "$machine/var/lib/suture/journal.json"
	ok "full disk: freed again" free_disk
	ok "full disk: the patch is tried" usual
	ok "full disk: tried again, wherever the space ended" tried_after_each
	ok "full disk: no load begins without room for its end" no_room_for_end
else
	ok "sutured starts" start_agent
	start_fetch
	ok "enable" enable
	ok "the patch is tried" usual
fi

attack "a bad signature" signature "signature" flip_signature
attack "no signature" signature "signature" no_signature
attack "an expired date" expired "expired" expired
attack "a lower version" rollback "timestamp" lower
attack "a date that was put off" signature "signature" newer_claim
attack "another role's file" invalid "timestamp" other_role
attack "half a file" invalid "timestamp" not_json
attack "a huge file" too-large "timestamp" huge
attack "a changed tier" hash "stable" changed_tier
attack "a missing file" not-found "timestamp" missing

ok "disable" on_machine disable --yes
ok "a server that lies" start_liar
says "$(grant 9.9)"
ok "enable with the liar" enrol_liar good
ok "a grant that no signed role backs is refused" fails_with 1 "9.9" on_machine refresh
ok "and nothing is applied" field_is .version null
ok "and it is reported" liar_told not-listed
says "$(grant 1.2 6.1.0-98-other)"
ok "a grant for another kernel is refused" fails_with 1 "another kernel" on_machine refresh
ok "and it is reported" liar_told protocol
says "$(grant 1.2)" 999999
ok "an answer to another check-in is refused" fails_with 1 "another request" on_machine refresh
says null
ok "no grant: nothing is done" on_machine refresh
ok "no grant: the status names what waits" fails_with 4 "available:   1.2" on_machine status
says "$(grant 1.2)"
ok "what is granted and signed is tried" usual
ok "disable again" on_machine disable --yes
ok "a server that accepts and says nothing: an error in time" fails_with 1 "slow" enrol_liar mute
ok "and nothing is kept" nothing_is_kept
done_testing
