#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# test-repo-evidence.sh PROGRAM: what the repository keeps beside a module (provenance, test records,
# source), and tiers that demand it.
repo=$(realpath "$1")
. "$(dirname "$0")/repo-lib.sh"

# record VERSION RESULT [RELEASE [BUILD_ID]]: lab-VERSION.json, a test record as suture-lab writes it.
record() {
	local v=$1 result=$2 r=${3:-$release} b=${4:-$id} sha trial=pass
	[ "$result" = PASSED ] || trial=fail
	sha=$(sha256sum "m-$v.ko" | cut -d' ' -f1)
	cat >"lab-$v.json" <<-END
		{"_type": "https://in-toto.io/Statement/v1",
		"subject": [{"name": "m-$v.ko", "digest": {"sha256": "$sha"}}],
		"predicateType": "https://in-toto.io/attestation/test-result/v0.1",
		"predicate": {"result": "$result",
		"configuration": [{"name": "$r", "digest": {"gnuBuildId": "$b"}}],
		"passedTests": ["$r/standard/load"], "warnedTests": [], "failedTests": [],
		"suture": {"format": 1, "tool": "suture-lab 0.1.0", "time": "2026-01-01T00:00:00Z", "seconds": 1.5,
		"trials": [{"state": "held", "kernel": "$r", "build_id": "$b", "module": "m-$v.ko",
		"module_sha256": "$sha", "machine": "pc", "result": "$trial", "seconds": 1, "boots": 1, "cases": []}]}}}
	END
}

metadata() { echo "r/repository/metadata/$(current "$1").$1.json"; }
evidence() { # ENDING: the file of that ending in evidence
	find r/repository/targets/evidence -name "*$1" | head -1
}
attestations() { # TIER VERSION
	jq -r ".signed.targets[] | select(.custom.version == \"$2\").custom.attestations | length" "$(metadata "$1")"
}

works "init" "$repo" init r --keys keys
"$repo" key generate -o keys/module.pem --cert keys/module.crt --bits 2048 >/dev/null
cp r/repository/metadata/1.root.json first-root.json
works "config shows the settings" "$repo" config r
works "a tier demands a test record" "$repo" config r require.candidate=lab require.stable=lab,build,source
refuses "of no other kind" 2 "not build, lab or source" "$repo" config r require.beta=luck
refuses "nor for an unknown tier" 2 "no such tier" "$repo" config r require.gamma=lab
for bad in 9999999999d 3651d 59 90m d ""; do
	refuses "nor a lifetime of \"$bad\"" 2 "lifetime.root: \"$bad\" is not days (90d), hours (12h) or seconds (3600), from 60 seconds to 3650 days" \
		"$repo" config r "lifetime.root=$bad"
done
refuses "nor of no role" 2 "lifetime.edge: no such role: root, targets, tier (all of them)" "$repo" config r lifetime.edge=90d
refuses "nor none kept" 2 "keep: \"0\" is not a number from 1 to 1000" "$repo" config r keep=0
works "lifetimes" "$repo" config r lifetime.tier=30d lifetime.timestamp=12h keep=4

# ---- Provenance and source ----
signed 1.1
works "add" "$repo" add r m-1.1.ko --record m-1.1.json
cp err said
check "the source was found beside the record" test ! -s said
check "the tier's new lifetime counts" test "$(jq -r .signed.expires "$(metadata edge)")" '<' "$(date -u -d +31days +%FT%TZ)"
check "provenance is listed" test "$(attestations edge 1.1)" = 1
works "verify follows it" "$repo" verify r --root first-root.json
envelope=$(evidence .build.json)
check "it is a DSSE envelope" test "$(jq -r .payloadType "$envelope")" = application/vnd.in-toto+json
jq -r .payload "$envelope" | base64 -d >statement.json
check "with SLSA Provenance" test "$(jq -r .predicateType statement.json)" = https://slsa.dev/provenance/v1
check "about the published bytes" test "$(jq -r '.subject[0].digest.sha256' statement.json)" = "$(sha256sum m-1.1.ko | cut -d' ' -f1)"
check "and the source patch" test "$(jq -r '.predicate.buildDefinition.externalParameters.patches[0].digest.sha256' statement.json)" = \
	"$(sha256sum fix-1.1.patch | cut -d' ' -f1)"
# Somebody else's reading of the specification, and of the key.
cat >pae.py <<-END
	import base64, json, subprocess, sys
	envelope, role = json.load(open(sys.argv[1])), json.load(open(sys.argv[2]))
	payload = base64.b64decode(envelope["payload"])
	kind = envelope["payloadType"].encode()
	signature = envelope["signatures"][0]
	raw = role["signed"]["attestation_keys"][signature["keyid"]]["keyval"]["public"]
	open("pae", "wb").write(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload))
	open("sig", "wb").write(base64.b64decode(signature["sig"]))
	open("key.der", "wb").write(bytes.fromhex("302a300506032b6570032100" + raw))
END
openssl_agrees() {
	python3 pae.py "$envelope" "$(metadata evidence)" &&
		openssl pkeyutl -verify -pubin -keyform DER -inkey key.der -rawin -in pae -sigfile sig
}
check "openssl verifies its signature" openssl_agrees
tar -xf "$(evidence .source.tar)"
check "the source has the patch" cmp fix-1.1.patch suture_*_1_1/patches/01/fix-1.1.patch
check "the record" cmp m-1.1.json suture_*_1_1/record.json
check "and how to build it" grep -q "suture-build patch --kernel $release --version 1.1 --severity high" suture_*_1_1/BUILD.md
check "the patch of CVEs too" grep -q -- "--cve CVE-2024-1086" suture_*_1_1/BUILD.md
sha256sum "$(evidence .source.tar)" | cut -d' ' -f1 >source.hash
check "it is the one that the provenance names" grep -q "$(cat source.hash)" statement.json

signed 1.2 && mv fix-1.2.patch elsewhere.patch
works "a module whose source is not there" "$repo" add r m-1.2.ko --record m-1.2.json
check "is added, and that is said" grep -q "source is not published" <(
	signed 1.3 && rm fix-1.3.patch && "$repo" add r m-1.3.ko --record m-1.3.json 2>&1)
signed 1.4 && mv fix-1.4.patch other-name
refuses "a source that is named and is another" 1 "no file here is fix-1.4.patch" \
	"$repo" add r m-1.4.ko --record m-1.4.json --source fix-1.1.patch
works "a source under another name" "$repo" add r m-1.4.ko --record m-1.4.json --source other-name

# ---- Test records and what tiers demand ----
works "promote to a tier that demands nothing" "$repo" promote r 1.1 --to beta
refuses "no promotion without a test record" 1 "tier candidate demands lab" "$repo" promote r 1.1 --to candidate
record 1.1 FAILED
refuses "a failed one is none" 1 "did not pass" "$repo" attest r 1.1 --lab lab-1.1.json
record 1.1 PASSED 6.1.0-57-cloud-amd64
refuses "nor one of another kernel" 1 "does not say that the module passed on $release" "$repo" attest r 1.1 --lab lab-1.1.json
record 1.1 PASSED $release ffffffffffffffffffffffffffffffffffffffff
refuses "nor one of another build" 1 "does not say that the module passed" "$repo" attest r 1.1 --lab lab-1.1.json
record 1.4 PASSED
refuses "nor one of another module" 1 "is about no module of version 1.1" "$repo" attest r 1.1 --lab lab-1.4.json
record 1.1 PASSED
sed 's/"result": "pass"/"result": "fail"/' lab-1.1.json >half.json
refuses "nor one whose trial failed" 1 "does not say that the module passed" "$repo" attest r 1.1 --lab half.json
sed 's/test-result/other-result/' lab-1.1.json >kind.json
jq '.predicate.suture.trials += [.predicate.suture.trials[0] + {result: "fail"}]' lab-1.1.json >half.json
refuses "nor one with a failed trial beside a passed one" 1 "does not say that the module passed" "$repo" attest r 1.1 --lab half.json
jq '.predicate.failedTests = ["load"]' lab-1.1.json >half.json
refuses "nor one that names a failed test" 1 "names tests that failed" "$repo" attest r 1.1 --lab half.json
refuses "nor another statement" 1 "not an in-toto statement" "$repo" attest r 1.1 --lab kind.json
refuses "the right one is not there yet" 1 "tier candidate demands lab" "$repo" promote r 1.1 --to candidate
works "attest" "$repo" attest r 1.1 --lab lab-1.1.json
refuses "once is enough" 1 "there already" "$repo" attest r 1.1 --lab lab-1.1.json
refuses "a version that no tier lists" 1 "no tier lists 9.9" "$repo" attest r 9.9 --lab lab-1.1.json
works "promote with it" "$repo" promote r 1.1 --to candidate
check "candidate names both attestations" test "$(attestations candidate 1.1)" = 2
works "promote to a tier that demands all" "$repo" promote r 1.1 --to stable
works "verify" "$repo" verify r --root first-root.json
record 1.2 PASSED
works "attest a module without source" "$repo" attest r 1.2 --lab lab-1.2.json
refuses "no promotion without the source" 1 "tier stable demands source" "$repo" promote r 1.2 --to stable --from edge
signed 1.5 && cp m-1.5.ko unsigned && record 1.5 PASSED
refuses "add to a tier that demands is refused too" 1 "tier candidate demands lab" "$repo" add r m-1.5.ko --record m-1.5.json --tier candidate
works "add with a test record" "$repo" add r m-1.5.ko --record m-1.5.json --lab lab-1.5.json --tier candidate

# ---- Keys of evidence ----
signer=$(jq -r '.signed.attestation_keys | keys[0]' "$(metadata evidence)")
works "new keys" "$repo" rotate r evidence
works "what the old one attested counts still" "$repo" verify r --root first-root.json
record 1.3 PASSED
works "the new one attests" "$repo" attest r 1.3 --lab lab-1.3.json
works "the old one is revoked" "$repo" key revoke r evidence "$signer"
works "verify goes on" "$repo" verify r
check "and says that what it attested counts no more" grep -q "does not count: .*no valid signature by a trusted key" <(
	"$repo" verify r 2>&1 >/dev/null)
check "in JSON too" test "$("$repo" verify r --format json | jq '.warnings | length')" -gt 0
works "publish goes on" "$repo" publish r --to pub
refuses "it opens no tier" 1 "tier stable demands build" "$repo" promote r 1.5 --to stable
works "what the new one attested does" "$repo" promote r 1.3 --to beta --from edge

# ---- Damage ----
file=$(evidence 1_5.lab.json)
cp "$file" kept
printf x | dd of="$file" bs=1 seek=100 conv=notrunc 2>/dev/null
refuses "a damaged attestation is found" 1 "1_5.lab.json: its sha256" "$repo" verify r
cp kept "$file"
works "and nothing else is wrong" "$repo" verify r

# ---- What leaves ----
works "keep one" "$repo" config r keep=1
signed 1.6
works "a newer version in edge" "$repo" add r m-1.6.ko --record m-1.6.json
check "evidence of what no tier lists is gone" test "$(jq -r '.signed.targets | keys[]' "$(metadata evidence)" | grep -c 1_4)" = 0
check "that of what stable lists is not" test "$(jq -r '.signed.targets | keys[]' "$(metadata evidence)" | grep -c 1_1)" = 3

# ---- The same name in two tiers ----
other=6.1.0-57-cloud-amd64
works "another repository" "$repo" init p --keys pkeys
cp keys/module.crt pkeys/
signed 2.1 && "$repo" add p m-2.1.ko --record m-2.1.json >/dev/null && mv fix-2.1.patch gone
works "the same module in a second tier, without its source" "$repo" add p m-2.1.ko --record m-2.1.json --tier beta
cp err said
check "loses nothing" test ! -s said
check "in the first either" test "$("$repo" verify p --format json | jq '.warnings | length')" = 0
works "beta demands the source" "$repo" config p require.beta=source
signed 2.2 && "$repo" add p m-2.2.ko --record m-2.2.json >/dev/null
salt=7 signed 2.2 && rm fix-2.2.patch
refuses "that of another build does not do" 1 "tier beta demands source" "$repo" add p m-2.2.ko --record m-2.2.json --tier beta
"$repo" config p require.beta=none >/dev/null
works "without the demand it comes in" "$repo" add p m-2.2.ko --record m-2.2.json --tier beta
listed_source() { jq -r '.signed.targets | keys[]' "p/repository/metadata/$(ls p/repository/metadata | grep evidence | sort -n | tail -1)" | grep -c "$1.source.tar"; }
check "and the other's source is gone" test "$(listed_source 2_2)" = 0
check "while 2.1 has its own" test "$(listed_source 2_1)" = 1

signed 2.3 && record 2.3 PASSED && mv lab-2.3.json first.json && "$repo" add p m-2.3.ko --record m-2.3.json >/dev/null
signed 2.3 $other && record 2.3 PASSED $other && "$repo" add p m-2.3.ko --record m-2.3.json --tier beta >/dev/null
jq -s '.[0] * {subject: map(.subject[]), predicate: {configuration: map(.predicate.configuration[]),
	suture: {trials: map(.predicate.suture.trials[])}}}' first.json lab-2.3.json >matrix.json
refuses "a record about nothing beside one about two modules" 1 "lab-1.1.json: is about no module of version 2.3" \
	"$repo" attest p 2.3 --lab matrix.json --lab lab-1.1.json
works "one about the module in the second tier" "$repo" attest p 2.3 --lab lab-2.3.json
id=ffff456789abcdef0123456789abcdef01234567
signed 2.3 && "$repo" add p m-2.3.ko --record m-2.3.json >/dev/null
id=0123456789abcdef0123456789abcdef01234567
refuses "promote for a kernel that it is not listed for" 1 "does not list 2.3 for $other" \
	"$repo" promote p 2.3 --to candidate --from edge --kernel $release --kernel $other

# ---- Without the key of evidence ----
"$repo" config p keep=1 >/dev/null
mv pkeys/evidence.pem evidence.pem
signed 2.4
works "add goes on" "$repo" add p m-2.4.ko --record m-2.4.json
cp err said
check "and says what it leaves out" grep -q "provenance and source are not published" said
mv evidence.pem pkeys/
tiers() { find p/repository/metadata -name '*.edge.json' | wc -l; }
before=$(tiers)
works "with the key, the same once more" "$repo" add p m-2.4.ko --record m-2.4.json
check "adds them" test "$(listed_source 2_4)" = 1
check "and leaves the tier" test "$(tiers)" = "$before"
refuses "there is no more of that" 1 "already, nothing to add" "$repo" add p m-2.4.ko --record m-2.4.json
jq . m-2.4.json >otherwise.json
refuses "nor with another record" 1 "lists 2.4 for $release already" "$repo" add p m-2.4.ko --record otherwise.json
signed 2.5 && mv fix-2.5.patch later.patch
works "without its source" "$repo" add p m-2.5.ko --record m-2.5.json
works "which comes later" "$repo" add p m-2.5.ko --record m-2.5.json --source later.patch
check "is there" test "$(listed_source 2_5)" = 1

echo "correct horse" >pass && echo wrong >wrong
"$repo" init w --keys wkeys >/dev/null && cp keys/module.crt wkeys/
"$repo" rotate w evidence --passphrase-file pass >/dev/null
signed 2.6
before=$(sha256sum w/repository/metadata/timestamp.json)
refuses "a passphrase that does not open it" 1 "evidence-2.pem: key: the passphrase does not open it" \
	"$repo" add w m-2.6.ko --record m-2.6.json --passphrase-file wrong
check "changes nothing" test "$before" = "$(sha256sum w/repository/metadata/timestamp.json)"
works "with none it is left out" "$repo" add w m-2.6.ko --record m-2.6.json
cp err said
check "and says so" grep -q "not published: .*a passphrase protects it.*who has them adds it once more" said
"$repo" config w require.beta=build >/dev/null
refuses "what is demanded is not there" 1 "tier beta demands build" "$repo" promote w 2.6 --to beta
cp err said
check "how to come by it is said" grep -q "add with the key of evidence adds it" said
works "that does it" "$repo" add w m-2.6.ko --record m-2.6.json --passphrase-file pass
works "then it is" "$repo" promote w 2.6 --to beta

# ---- A tier that expired ----
"$repo" config p lifetime.tier=60 >/dev/null && "$repo" sign p beta >/dev/null
later() { faketime -f +1h "$@"; }
refuses "a machine is told" 1 "beta.json: expired" later "$repo" verify p
works "a recall of what nobody lists" later "$repo" recall p 9.9 --reason "it hangs" --kernel $other --unlisted
works "it is published all the same" later "$repo" publish p --to ppub
cp err said
check "with a word about the tier" grep -q "role beta: expired" said
works "exported" later "$repo" export p --to pmedium
works "and imported" later "$repo" import pmedium --to papart --root p/repository/metadata/1.root.json
check "really" cmp p/repository/metadata/timestamp.json papart/metadata/timestamp.json

# ---- A repository whose first tier is online ----
works "init with an online tier" "$repo" init o --keys okeys --online-tier edge
check "the key of evidence is with it" test -e o/online-keys/evidence.pem
cp keys/module.crt okeys/ && mv okeys away
signed 1.7
works "add without the offline keys" "$repo" add o m-1.7.ko --record m-1.7.json
works "it is attested" "$repo" verify o
check "really" test -n "$(find o/repository/targets/evidence -name '*.build.json')"

# ---- A timer signs what the online keys can, when half of its life is over ----
edge_version() { find o/repository/metadata -name '*.edge.json' | wc -l; }
"$repo" config o lifetime.tier=60 >/dev/null && "$repo" sign o edge >/dev/null && "$repo" config o lifetime.tier=90d >/dev/null
before=$(edge_version)
works "refresh" "$repo" refresh o
check "signs the online tier anew" test "$(edge_version)" = $((before + 1))
"$repo" refresh o >/dev/null
check "once" test "$(edge_version)" = $((before + 1))
check "offline ones stay" test "$(find o/repository/metadata -name '*.stable.json' | wc -l)" = 1
echo secret >pass
works "new keys of an online role" "$repo" rotate o timestamp --keys away --passphrase-file pass
check "have no passphrase" grep -q "BEGIN PRIVATE KEY" o/online-keys/timestamp-2.pem
works "it verifies" "$repo" verify o

# ---- Who has the keys of an online tier, and no other ----
works "an online tier behind the first" "$repo" init t --keys tkeys --online-tier beta
cp keys/module.crt tkeys/ && "$repo" config t require.candidate=build >/dev/null
signed 3.1
works "what is good, in the first" "$repo" add t m-3.1.ko --record m-3.1.json
# thief COMMAND...: adds to that tier without the offline keys.
thief() { without tkeys "$@"; }
jq '.severity = "low" | .cves = []' m-3.1.json >forged.json
works "the same module with another record" thief "$repo" add t m-3.1.ko --record forged.json --tier beta
refuses "goes no further" 1 "does not name this build record" "$repo" promote t 3.1 --to candidate
works "the attested one does" "$repo" promote t 3.1 --to candidate --from edge
"$repo" config t require.candidate=none >/dev/null
signed 3.2 && "$repo" key generate -o other.pem --cert other.crt --bits 2048 >/dev/null
module 3.2 && "$repo" module sign --key other.pem --cert other.crt m-3.2.ko >/dev/null
works "a module by another key" thief "$repo" add t m-3.2.ko --record m-3.2.json --tier beta
refuses "neither" 1 "made by none of the trusted certificates" "$repo" promote t 3.2 --to candidate
signed 3.3
works "one of tomorrow" thief faketime -f +1d "$repo" add t m-3.3.ko --record m-3.3.json --tier beta
refuses "not today" 1 "published in the future" "$repo" promote t 3.3 --to candidate
works "but tomorrow" faketime -f +1d "$repo" promote t 3.3 --to candidate

# ---- A demand whose evidence the online keys can make ----
demand_warns() { "$repo" config "$@" 2>&1 >/dev/null | grep -q "warning: tier candidate demands evidence, whose key is online"; }
demand_is_silent() { test -z "$("$repo" config "$@" 2>&1 >/dev/null)"; }
works "an online first tier" "$repo" init f --keys fkeys --online-tier edge
check "nothing to say yet" demand_is_silent f
check "nor of a demand of the online tier itself" demand_is_silent f require.edge=build
check "a demand of an offline one" demand_warns f require.candidate=build
check "it is said whenever it is shown" demand_warns f
mv f/online-keys/evidence.pem fkeys/
check "not when the key is elsewhere" demand_is_silent f
check "as it is with an online tier that is not the first" demand_is_silent t require.candidate=build
# What the warning is about: a record of the thief's own, which he attests.
mv fkeys/evidence.pem f/online-keys/ && cp keys/module.crt fkeys/
signed 4.1 && jq '.severity = "low" | .cves = []' m-4.1.json >forged.json
mv fkeys fkeys.away
works "who has all online keys" "$repo" add f m-4.1.ko --record forged.json --tier edge
mv fkeys.away fkeys
works "meets the demand" "$repo" promote f 4.1 --to candidate --from edge
echo "1..$n"
