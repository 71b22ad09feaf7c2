# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# thief-lib.sh, for tests of what a thief of online keys can sign: metadata made by hand. The test has
# set $metadata (the folder of what is published), $online (the keys) and $world (a folder of its own).

# current ROLE [PARENT]: its version.
current() { jq -r ".signed.meta[\"$1.json\"].version" "$metadata/${2:-$(current snapshot timestamp).snapshot}.json"; }
# signed_by KEY FILE JQ-FILTER: the signed part, changed, under a signature of one of the online keys that
# claims to be the one that the file has. Canonical JSON of such plain values is what jq -S writes.
signed_by() {
	local keyid key signature
	keyid=$(jq -r '.signatures[0].keyid' "$2")
	key=$(ls -t "$online/$1"*.pem | head -1)
	jq -cSj ".signed | $3" "$2" >"$world/signed" || return
	signature=$(openssl pkeyutl -sign -rawin -inkey "$key" -in "$world/signed" | od -An -v -tx1 | tr -d ' \n')
	[ ${#signature} = 128 ] || return
	jq -c --arg keyid "$keyid" --arg sig "$signature" '{signatures: [{keyid: $keyid, sig: $sig}], signed: .}' "$world/signed"
}
# lists FILE VERSION: how a parent names a file of it.
lists() {
	jq -nc --argjson version "$2" --argjson length "$(stat -c %s "$1")" --arg sha "$(sha256sum "$1" | cut -c1-64)" \
		'{version: $version, length: $length, hashes: {sha256: $sha}}'
}
# forge KEY ROLE JQ-FILTER: the next version of a role, named by a snapshot and a timestamp that are as
# good as any.
forge() {
	local key=$1 role=$2 filter=$3 snapshot version
	version=$(current "$role") snapshot=$(current snapshot timestamp)
	signed_by "$key" "$metadata/$version.$role.json" ".version += 1 | $filter" >"$metadata/$((version + 1)).$role.json" &&
		signed_by snapshot "$metadata/$snapshot.snapshot.json" ".version += 1 | .meta[\"$role.json\"] =
			$(lists "$metadata/$((version + 1)).$role.json" $((version + 1)))" >"$metadata/$((snapshot + 1)).snapshot.json" &&
		signed_by timestamp "$metadata/timestamp.json" ".version += 1 | .meta[\"snapshot.json\"] =
			$(lists "$metadata/$((snapshot + 1)).snapshot.json" $((snapshot + 1)))" >"$world/timestamp" &&
		cp "$world/timestamp" "$metadata/timestamp.json"
}
