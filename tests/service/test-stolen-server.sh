#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A stolen server: whoever has it has every online key too, signs what those may sign, and answers
# what he likes. A machine follows a tier whose keys are elsewhere, and has a patch in its kernel (a
# tree of files): the patch stays, each order is refused and reported, and the machine goes on by
# itself when its owner has rotated the keys that were stolen. First with the real server, then with
# one that lies (hostile-server.py).
build=$1
here=$(dirname "$(realpath "$0")")
. "$here/agent-world.sh" || exit 1
. "$here/thief-lib.sh" || exit 1

metadata=$world/server/repository/metadata
online=$world/repo/online-keys

make_repository() {
	"$suture_repo" init "$world/repo" --keys "$world/keys" --tier edge --tier stable --online-tier edge
}
set_up() {
	make_kernel && make_certificate && make_repository && make_patch 1.1 && tier=edge make_patch 2.0 &&
		mkdir -p "$world/server" && publish && start_server && log_in && make_token && make_bundle
}
enrol() { on_machine enable --trust "$world/bundle.json" --token-file "$world/token" --tier stable; }

# What no attack may change.
stays() {
	[ "$(cat "$livepatch/enabled")" = 1 ] && field_is .version 1.1 && field_is .tier stable &&
		[ "$(jq -r .accepted.version "$machine/var/lib/suture/journal.json")" = 1.1 ] &&
		[ "$(ls "$machine/sys/kernel/livepatch")" = "$(basename "$livepatch")" ]
}
all_is_well() {
	on_machine refresh && stays && field_is .state applied && field_is .error null && field_is .metadata.expired false &&
		on_machine status
}
# server_told CODE: the server has the refusal, from the machine.
server_told() {
	people_call GET "/v1/admin/machines/$(field .machine_id)" "" >"$world/told.json"
	jq -c '{state, version, tier, error, events: .events[:2]}' "$world/told.json"
	jq -e --arg code "$1" '.state == "refused" and .version == "1.1" and .tier == "stable" and .error.code == $code
		and (.events | any(.event == "refused" and .code == $code))' "$world/told.json" >/dev/null
}
# The owner has the server again: new online keys, and the repository as it should be.
recover() {
	"$suture_repo" rotate "$world/repo" timestamp && "$suture_repo" rotate "$world/repo" snapshot &&
		"$suture_repo" refresh "$world/repo" && rm -rf "$world/server/repository" && publish && all_is_well
}

recovered_refresh() { recover; on_machine refresh; }

# --- what the thief signs

# 2.0, which is in edge, under the paths of stable.
stable_targets() {
	jq -c '.signed.targets | with_entries(.key |= sub("^edge/"; "stable/"))' "$metadata/$(current edge).edge.json"
}
# An order to take everything back: the file is there, and this is how a role would list it.
take_back() {
	local list=$world/recall.json sha
	echo '{"format":1,"withdrawn":[{"version":"1.1","kernels":[],"reason":"a lie","time":"2026-01-01T00:00:00Z"}]}' >"$list"
	sha=$(sha256sum "$list" | cut -c1-64)
	mkdir -p "$world/server/repository/targets/recall" && cp "$list" "$world/server/repository/targets/recall/$sha.recall.json" &&
		jq -nc --arg sha "$sha" --argjson length "$(stat -c %s "$list")" \
			'{"recall/recall.json": {length: $length, hashes: {sha256: $sha}}}'
}
release_to_stable() { forge timestamp stable ".targets += $(stable_targets)"; }
release_by_other_role() { forge edge edge ".targets += $(stable_targets) + $(take_back)"; }
recall_without_key() { forge timestamp recall ".targets = $(take_back)"; }
hand_over_tier() { # the delegation of stable gets the key of edge
	forge timestamp targets '(.delegations.roles[] | select(.name == "edge") | .keyids) as $stolen |
		(.delegations.roles[] | select(.name == "stable") | .keyids) = $stolen'
}
new_root() {
	local version
	version=$(ls "$metadata" | sed -n 's/\.root\.json$//p' | sort -n | tail -1)
	signed_by timestamp "$metadata/$version.root.json" '.version += 1 | .roles.targets = .roles.timestamp' \
		>"$metadata/$((version + 1)).root.json" && forge timestamp edge .
}
hide_recall() { # the list of what is withdrawn is left out
	forge timestamp edge . && local snapshot && snapshot=$(current snapshot timestamp) &&
		signed_by snapshot "$metadata/$snapshot.snapshot.json" 'del(.meta["recall.json"])' >"$world/snapshot" &&
		cp "$world/snapshot" "$metadata/$snapshot.snapshot.json" &&
		signed_by timestamp "$metadata/timestamp.json" ".meta[\"snapshot.json\"] =
			$(lists "$metadata/$snapshot.snapshot.json" "$snapshot")" >"$world/timestamp" &&
		cp "$world/timestamp" "$metadata/timestamp.json"
}

attack() { # NAME CODE TEXT CHANGE
	ok "$1: prepared" "$4"
	ok "$1: refused" fails_with 1 "$3" on_machine refresh
	ok "$1: exit status 6" fails_with 6 "refused" on_machine status
	ok "$1: the patch stays" stays
	ok "$1: reported" server_told "$2"
	ok "$1: over, once the keys are rotated" recover
}

ok "a repository with a tier of its own keys, and a server" set_up
ok "sutured starts" start_agent
start_fetch
ok "it enrols" enrol
ok "the patch is tried" fails_with 1 "not loaded" on_machine refresh
ok "and is applied, as far as files can show" pretend_applied
ok "all is well" all_is_well

attack "a patch in a tier with offline keys" signature "stable.json" release_to_stable
ok "in the name of another role: prepared" release_by_other_role
ok "in the name of another role: nobody asks that one" all_is_well
ok "in the name of another role: over" recover
attack "taking back without the recall key" signature "recall.json" recall_without_key
attack "the tier handed to another key" signature "targets.json" hand_over_tier
attack "a root of the thief's own" signature "root.json" new_root
attack "the recall list hidden" rollback "recall.json is no longer listed" hide_recall

# A tier whose keys were stolen too can list what the module key has signed, but with no other record.
follow() {
	stop_agent
	sed -i '/^tier/d' "$machine/etc/suture/suture.conf"
	echo "tier = $1" >>"$machine/etc/suture/suture.conf" && start_agent
}
other_code() {
	local role record module file facts sha
	role=$metadata/$(current edge).edge.json
	record=$(jq -r '.signed.targets | keys[] | select(endswith(".json"))' "$role")
	module=${record%.json}.ko
	file=$(find "$world/server/repository/targets" -name "*.$(basename "$record")")
	jq '.objects[0].functions[0].size = 8' "$file" >"$world/forged.json"
	sha=$(sha256sum "$world/forged.json" | cut -c1-64)
	cp "$world/forged.json" "$(dirname "$file")/$sha.$(basename "$record")"
	facts=$(jq -nc --arg sha "$sha" --argjson length "$(stat -c %s "$world/forged.json")" '{length: $length, hashes: {sha256: $sha}}')
	forge edge edge ".targets[\"$record\"] = $facts | .targets[\"$module\"].custom.record =
		{length: ($facts).length, sha256: \"$sha\"}"
}
applied_as_before() { [ "$(cat "$livepatch/enabled")" = 1 ] && field_is .version 1.1; }
ok "a machine that follows a tier of stolen keys" follow edge
ok "a record of other code: prepared" other_code
ok "a record of other code: refused" fails_with 1 "signed for code that its build record does not describe" on_machine refresh
ok "a record of other code: exit status 6" fails_with 6 "refused" on_machine status
ok "a record of other code: the patch stays" applied_as_before
ok "a record of other code: the right one is tried" fails_with 1 "not loaded" recovered_refresh
# He lists what is not there below a version that is taken back, which must go all the same.
takes_out() { # the part of the kernel: what is disabled is gone
	changes_until "$livepatch" grep -qx 0 "$livepatch/enabled" && rm -r "$livepatch"
}
has_newer() { # 2.1, in the place of 1.1
	rm -r "$livepatch" && livepatch=${livepatch%1_1}2_1 && pretend_applied 2.1
}
bogus_lower() { # by the signed list 2.1 is to go; 2.0 and 1.9 are listed with bytes that nobody has
	"$suture_repo" recall "$world/repo" 2.1 --reason "it hangs" --unlisted && publish &&
		forge edge edge '.targets |= with_entries(.value.hashes.sha256 |= "00" + .[2:]) |
			.targets += (.targets | with_entries(.key |= sub("_2_0"; "_1_9") | .value.custom.version? |= "1.9"))'
}
goes_all_the_same() {
	takes_out &
	local kernel=$!
	on_machine refresh && wait "$kernel"
}
passed_over() {
	[ ! -e "$livepatch" ] && field_is .version null && jq -c .history "$machine/var/lib/suture/journal.json" &&
		jq -e '.accepted == null and .step == null and ([.history[-3:][] | .event + " " + .version]
			== ["refused 2.0", "refused 1.9", "recalled 2.1"])' "$machine/var/lib/suture/journal.json"
}
put_in_again() { livepatch=${livepatch%2_1}1_1 && pretend_applied; }
ok "a recall and a bogus lower version: a newer one is applied" has_newer
ok "a recall and a bogus lower version: prepared" bogus_lower
ok "a recall and a bogus lower version: the patch goes" goes_all_the_same
ok "a recall and a bogus lower version: what was refused is passed over" passed_over
ok "a recall and a bogus lower version: over" fails_with 1 "not loaded" recovered_refresh
ok "1.1 is applied again" put_in_again
ok "the machine follows the other tier again" follow stable
ok "all is well again" all_is_well

fast_forward() {
	signed_by timestamp "$metadata/timestamp.json" '.version = 4000000000' >"$world/timestamp" &&
		cp "$world/timestamp" "$metadata/timestamp.json"
}
ok "fast-forward: prepared" fast_forward
ok "fast-forward: signed as it should be, so believed" all_is_well
put_back() { "$suture_repo" refresh "$world/repo" && rm -rf "$world/server/repository" && publish; }
ok "fast-forward: the right repository comes back" put_back
ok "fast-forward: which is a lower version" fails_with 1 "lower than the trusted 4000000000" on_machine refresh
ok "fast-forward: the patch stays" stays
ok "fast-forward: reported" server_told rollback
ok "fast-forward: over, once the keys are rotated" recover

# --- what the thief answers

set_tier() { jq '.tier = "edge"' "$liar/check-in.json" >"$world/answer" && cp "$world/answer" "$liar/check-in.json"; }
ok "it leaves the server" on_machine disable --yes
ok "a server that answers what it likes" start_liar
says null
ok "it enrols there" enrol_liar good --tier stable
ok "all is well" all_is_well
says "$(grant 2.0)"
ok "another tier's version, by grant: refused" fails_with 1 "2.0, which tier stable does not list" on_machine refresh
ok "another tier's version, by grant: the patch stays" stays
ok "another tier's version, by grant: reported" liar_told not-listed
says "$(grant 1.0)"
ok "a lower version, by grant: nothing is lowered" all_is_well
says null
set_tier
ok "another tier, by name: nobody reads it" all_is_well
says null

# --- nothing new, for ever: the thief signs timestamp and snapshot again and again, but not the tier

preload=$(faketime -f +0 printenv LD_PRELOAD)
real_sutured=$sutured
# days_later N: sutured starts in N days; the thief keeps the online part fresh.
days_later() {
	stop_agent
	printf "#!/bin/sh\nLD_PRELOAD='%s' FAKETIME=+%sd FAKETIME_DONT_FAKE_MONOTONIC=1 exec %s\n" \
		"$preload" "$1" "$real_sutured" >"$world/sutured" && chmod +x "$world/sutured"
	sutured=$world/sutured
	start_agent
}
frozen() { faketime -f "+$1d" "$suture_repo" refresh "$world/repo" && publish; }
expires() { jq -r .signed.expires "$metadata/$(current "$1").$1.json"; }
withheld() {
	fails_with 6 "expired since $(expires stable) (stable)" on_machine status && field_is .metadata.role stable &&
		field_is .metadata.expired true && field_is .metadata.expires "$(expires stable)" && field_is .error.code expired
}
ok "withheld: 80 days, the online keys sign on" frozen 80
ok "withheld: 80 days later" days_later 80
ok "withheld: what is old and in date is taken" all_is_well
ok "withheld: the metadata is in date" fails_with 0 "valid until" on_machine status --verbose
ok "withheld: 100 days later" days_later 100
silent() { field_is .metadata.expired true && field_is .metadata.role timestamp && stays; }
ok "withheld: without a word from anybody the status says so" silent
ok "withheld: and so does the doctor" fails_with 1 "role timestamp expired on" on_machine check
ok "withheld: 100 days, the online keys sign on" frozen 100
ok "withheld: the tier's own date bounds it" fails_with 1 "stable.json: expired on $(expires stable)" on_machine refresh
ok "withheld: the status says what and since when" withheld
ok "withheld: reported" liar_told expired
ok "withheld: the patch stays" stays
sign_tier() { faketime -f +100d "$suture_repo" sign "$world/repo" stable && publish; }
ok "withheld: the tier is signed anew" sign_tier
ok "withheld: over" all_is_well

# 100 days later has been seen once: no clock makes what is older good again.
ok "a clock set back: sutured starts" days_later 0
ok "a clock set back: metadata for that date" frozen 0
ok "a clock set back: it has expired all the same" fails_with 1 "timestamp.json: expired on" on_machine refresh
ok "a clock set back: the patch stays" stays
ok "a clock set back: metadata of later" frozen 101
ok "a clock set back: over" all_is_well

# --- a recall is acted on though the tier, of which nothing new can be believed, has expired

recall() { # 195 days: root, targets, recall and the online part are in date, the tier is not
	faketime -f +195d "$suture_repo" recall "$world/repo" 1.1 --reason "it hangs" && publish
}
acted_on() {
	takes_out &
	local kernel=$!
	fails_with 1 "stable.json: expired on $(expires stable)" on_machine refresh && wait "$kernel"
}
out() {
	[ ! -e "$livepatch" ] && field_is .version null &&
		jq -e '.accepted == null and .step == null and (.history | any(.event == "recalled" and .version == "1.1"))' \
			"$machine/var/lib/suture/journal.json"
}
ok "a recall, the tier expired: 195 days later" days_later 195
ok "a recall, the tier expired: nothing is recalled yet" frozen 195
signed_anew() { faketime -f +195d "$suture_repo" sign "$world/repo" targets && publish; }
ok "a recall, the tier expired: what delegates is in date" signed_anew
ok "a recall, the tier expired: an old list is no recall" fails_with 1 "recall.json: expired on" on_machine refresh
ok "a recall, the tier expired: the patch stays" stays
ok "a recall, the tier expired: signed" recall
ok "a recall, the tier expired: the patch goes" acted_on
ok "a recall, the tier expired: the kernel is unpatched" out
ok "a recall, the tier expired: the status says what and since when" withheld
ok "a recall, the tier expired: and so does the next refresh" fails_with 1 "stable.json: expired on" on_machine refresh

done_testing
