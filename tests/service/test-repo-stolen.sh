#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# test-repo-stolen.sh PROGRAM: what a thief of the online keys lists in an online tier, and what becomes
# of it when others promote, sign, publish or clean up.
repo=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
. "$here/repo-lib.sh"
. "$here/thief-lib.sh"
metadata=$work/r/repository/metadata online=$work/r/online-keys world=$work

# thief COMMAND...: without the offline keys, and without the certificates beside them.
thief() { without keys "$@"; }

"$repo" init r --keys keys --online-tier edge >/dev/null
"$repo" key generate -o keys/module.pem --cert keys/module.crt --bits 2048 >/dev/null
"$repo" key generate -o other.pem --cert other.crt --bits 2048 >/dev/null
cp r/repository/metadata/1.root.json first-root.json

# ---- By way of what waits for signatures ----
mkdir ann && mv keys/stable.pem ann/ && cp keys/module.crt ann/
waits() { # VERSION: it is sent on by somebody without certificates, and a copy goes to Ann
	mv keys/module.crt module.away
	"$repo" promote r "$1" --to stable --from edge --pending >/dev/null 2>&1
	local status=$?
	mv module.away keys/module.crt
	rm -rf copy && cp -a r copy && rm -r copy/online-keys
	return $status
}
ann_signs() { "$repo" sign copy --detached --keys ann -o ann.sig --yes; }
ann_signs_blindly() { # as if with another program
	mv ann/module.crt ann.away
	"$repo" sign copy --detached --keys ann -o ann.sig --yes >/dev/null 2>&1
	local status=$?
	mv ann.away ann/module.crt
	return $status
}
drop() { "$repo" sign r --discard --yes >/dev/null; }
merge() { "$repo" sign r --merge ann.sig; }

signed 1.1 && "$repo" add r m-1.1.ko --record m-1.1.json >/dev/null && waits 1.1
works "what is good is signed" ann_signs
cp out shown
key_id=$("$repo" module verify m-1.1.ko --ca keys/module.crt | grep -o "key [0-9a-f]*")
check "and she is told by whom it is" grep -qF "signed by /CN=Suture module signing key, $key_id" shown
works "and merged" merge
check "it is published" listed stable 1.1

module 1.2 && "$repo" module sign --key other.pem --cert other.crt m-1.2.ko >/dev/null
thief "$repo" add r m-1.2.ko --record m-1.2.json --tier edge
works "another signer's module waits" waits 1.2
rm -f ann.sig
refuses "nobody signs it" 1 "made by none of the trusted certificates" ann_signs
cp out shown
check "she is told why" grep -q "signed by nobody that is known here" shown
check "there is no signature" test ! -e ann.sig
works "who signs it all the same" ann_signs_blindly
refuses "does not get it published" 1 "made by none of the trusted certificates" merge
drop

signed 1.3 && thief faketime -f +1d "$repo" add r m-1.3.ko --record m-1.3.json --tier edge
works "one of tomorrow waits tomorrow" faketime -f +1d "$repo" promote r 1.3 --to stable --from edge --pending
rm -rf copy && cp -a r copy && rm -r copy/online-keys
refuses "it is not signed today" 1 "published in the future" ann_signs
drop

signed 1.4 && "$repo" add r m-1.4.ko --record m-1.4.json >/dev/null && waits 1.4
"$repo" config r require.stable=lab >/dev/null && cp r/suture-repo.json copy/
refuses "what the tier demands is not there" 1 "tier stable demands lab" ann_signs
cp copy/suture-repo.json kept && "$repo" config r require.stable=none >/dev/null && cp r/suture-repo.json copy/
works "she did not know" ann_signs
cp kept r/suture-repo.json
refuses "it is not published" 1 "tier stable demands lab" merge
"$repo" config r require.stable=none >/dev/null
works "without the demand it is" merge

# without_record FILE: 1.1, which was there before, stays without its record.
without_record() {
	jq -c '.signed.targets |= with_entries(select(.key | endswith("_1_1.json") | not))' \
		"$1" >without && cp without "$1"
}
"$repo" config r keep=4 >/dev/null
signed 1.5 && "$repo" add r m-1.5.ko --record m-1.5.json >/dev/null && waits 1.5
works "one more is good too" ann_signs
without_record copy/pending/*.stable.json
refuses "the record of an earlier one is gone: not signed" 1 "_1_1.json: role stable does not list it" ann_signs
without_record r/pending/*.stable.json
refuses "nor merged" 1 "_1_1.json: role stable does not list it" merge
drop
mv ann/stable.pem keys/

# A folder that cannot be read may hold certificates.
mv keys keys.away && : >keys
signed_elsewhere() { module "$1" && "$repo" module sign --key keys.away/module.pem --cert keys.away/module.crt "m-$1.ko"; }
signed_elsewhere 1.6
refuses "a folder of keys that is none" 1 "keys: Not a directory" "$repo" add r m-1.6.ko --record m-1.6.json --tier edge
rm keys
works "one that is not there" "$repo" add r m-1.6.ko --record m-1.6.json --tier edge
cp err said
check "is said" grep -q "who signed the module is not checked: no certificate" said
mv keys.away keys

# ---- A day on which the certificate was not valid yet ----
signed 2.0 && thief faketime -f -30d "$repo" add r m-2.0.ko --record m-2.0.json --tier edge
refuses "a month ago there was no such certificate" 1 "when it was published, as its custom says" \
	"$repo" promote r 2.0 --to candidate --from edge

# ---- Targets that are in no place of the tier's ----
empty='{length: 1, hashes: {sha256: "'$(printf 'x' | sha256sum | cut -d' ' -f1)'"}}'
stray_of_stable="stable/$release/$id/suture_x.ko"
signed 2.1 && "$repo" add r m-2.1.ko --record m-2.1.json >/dev/null
works "odd targets in edge" forge edge edge \
	".targets += {\"zz.ko\": $empty, \"edge/a/b/c.ko\": $empty, \"$stray_of_stable\": $empty}"
works "promote goes on" "$repo" promote r 2.1 --to stable --from edge
cp err said
check "and names them" grep -q "passed over: role edge: zz.ko" said
check "and what is in another tier's place" grep -q "passed over: role edge: $stray_of_stable: not below edge/" said
check "and what is no module's path" grep -q "passed over: role edge: edge/a/b/c.ko" said
printf '{}' >lab.json
refuses "attest looks at all that is listed" 1 "no tier lists 9.9" "$repo" attest r 9.9 --lab lab.json
works "unlist takes them off" "$repo" unlist r edge
edge_lists() { jq -r '.signed.targets | keys[]' "$metadata/$(current edge).edge.json"; }
check "all of them" test "$(edge_lists | grep -cvE "^edge/$release/$id/suture_")" = 0
check "and no other" grep -q _2_1.json <(edge_lists)
works "promote has nothing to name" "$repo" promote r 2.1 --to beta --from edge
cp err said
check "then" test ! -s said

# ---- Targets that look right ----
signed 2.2 && "$repo" add r m-2.2.ko --record m-2.2.json >/dev/null
name=$(jq -r .module m-2.2.json)
place=edge/$release/$id/$name
good=$(jq -c .signed.targets "$metadata/$(current edge).edge.json")
put() { # FILE PATH: its bytes are there, and this is how a role lists them
	local sha to=$work/r/repository/targets/$2
	sha=$(sha256sum "$1" | cut -c1-64)
	mkdir -p "$(dirname "$to")" && cp "$1" "$(dirname "$to")/$sha.$(basename "$to")" &&
		jq -nc --arg sha "$sha" --argjson length "$(stat -c %s "$1")" '{length: $length, hashes: {sha256: $sha}}'
}
goes_nowhere() { # NAME TEXT JQ-FILTER
	works "$1 in edge" forge edge edge "$3"
	refuses "$1: not promoted" 1 "$2" "$repo" promote r 2.2 --to candidate --from edge
	refuses "$1: verify fails" 1 "$2" "$repo" verify r --root first-root.json
	rm -rf pub
	works "$1: the rest is published" "$repo" publish r --to pub
	cp err said
	check "$1: named" grep -qF "left out: edge/" <(grep -F -- "$2" said)
	check "$1: not there" test -z "$(find pub -name '*_2_2.ko' -o -name '*.suture_other.ko')"
	check "$1: but the rest is" test -n "$(find pub/targets/edge -name '*_2_1.ko')"
	forge edge edge ".targets = $good"
}
with_record() { # FILE: the filter that makes it the record
	local target
	target=$(put "$1" "$place.json")
	echo ".targets[\"$place.json\"] = $target | .targets[\"$place.ko\"].custom.record =
		{sha256: $(jq .hashes.sha256 <<<"$target"), length: $(jq .length <<<"$target")}"
}
moved_to() { # PLACE: the filter that lists module and record there
	put m-2.2.ko "$1.ko" >/dev/null && put m-2.2.json "$1.json" >/dev/null
	echo ".targets[\"$1.ko\"] = .targets[\"$place.ko\"] | .targets[\"$1.json\"] = .targets[\"$place.json\"] |
		del(.targets[\"$place.ko\"], .targets[\"$place.json\"])"
}
jq '.objects[0].functions[0].mask = [[5, 8]]' m-2.2.json >mask.json
goes_nowhere "a record of other code" "was signed for code that its build record does not describe" "$(with_record mask.json)"
jq '.module_sha256 = "'"$(printf '0%.0s' {1..64})"'"' m-2.2.json >hash.json
goes_nowhere "a record of another module" "the record is of another module" "$(with_record hash.json)"
goes_nowhere "another severity" "severity: listed as low" ".targets[\"$place.ko\"].custom.severity = \"low\""
goes_nowhere "another kernel's place" "the kernel's place: listed as 6.1.0-1-amd64" "$(moved_to "edge/6.1.0-1-amd64/$id/$name")"
goes_nowhere "another build's place" "the build's place: listed as ffff" "$(moved_to "edge/$release/${id//[0-9]/f}/$name")"
goes_nowhere "another module's place" "the module's place: listed as suture_other" "$(moved_to "edge/$release/$id/suture_other")"
works "as it was, it is promoted" "$repo" promote r 2.2 --to candidate --from edge

echo "1..$n"
