#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# test-repo-pending.sh PROGRAM: changes that wait for signatures, what may happen meanwhile, and what a
# signer is shown and trusts of a folder that another hands over.
repo=$(realpath "$1")
. "$(dirname "$0")/repo-lib.sh"

# ---- A timer's refresh meanwhile ----
"$repo" init r --keys keys --online-tier edge >/dev/null
"$repo" config r lifetime.tier=3650d >/dev/null # so that refresh would sign the online tier
cp r/repository/metadata/1.root.json first-root.json
mkdir safe && mv keys/targets.pem safe/
works "its keys are replaced, and targets waits" "$repo" rotate r edge --pending
"$repo" sign r --detached --keys safe -o targets.sig --yes >/dev/null
works "refresh meanwhile" "$repo" refresh r
check "leaves the role alone that waits" test "$(current edge)" = 1
works "the signature is merged" "$repo" sign r --merge targets.sig
check "with the role's own new version" test "$(current edge)" = 2
works "a client takes it" "$repo" verify r --root first-root.json
works "and the next command" "$repo" refresh r

# A version that was published meanwhile all the same: as if by another program.
works "once more" "$repo" rotate r edge --pending
"$repo" sign r --detached --keys safe -o targets.sig --yes >/dev/null
# With another date, whatever second it is made in.
mv r/pending apart && "$repo" config r lifetime.tier=3000d >/dev/null && "$repo" sign r edge >/dev/null && mv apart r/pending
refuses "what waits does not follow on that" 1 "another version of edge was published" "$repo" sign r --merge targets.sig
refuses "nor may another change" 1 "another version of edge was published" "$repo" sign r candidate
works "refresh may" "$repo" refresh r
works "it is dropped" "$repo" sign r --discard --yes
check "and gone" test ! -e r/pending
works "and everything is as it was" "$repo" verify r --root first-root.json
refuses "nothing is dropped twice" 1 "nothing waits" "$repo" sign r --discard --yes

# Put together by hand, so that what waits hides what would not fit.
works "a change without the role" "$repo" rotate r edge --pending
rm r/pending/*.edge.json
"$repo" sign r --detached --keys safe -o targets.sig --yes >/dev/null
before=$(sha256sum r/repository/metadata/timestamp.json)
refuses "is not published" 1 "no machine would take it" "$repo" sign r --merge targets.sig
check "nothing was" test "$before" = "$(sha256sum r/repository/metadata/timestamp.json)"
works "and everything is as it was" "$repo" verify r --root first-root.json
"$repo" sign r --discard --yes >/dev/null

# ---- A folder that somebody hands over ----
mv safe/targets.pem keys/
"$repo" key generate -o keys/module.pem --cert keys/module.crt --bits 2048 >/dev/null
signed 1.1 && "$repo" add r m-1.1.ko --record m-1.1.json >/dev/null
signed 1.2 && "$repo" add r m-1.2.ko --record m-1.2.json >/dev/null
mkdir ann && mv keys/stable.pem keys/recall.pem ann/
"$repo" promote r 1.1 --to stable --from edge --pending >/dev/null
cp -a r copy && rm -r copy/online-keys
refuses "who signs says where the keys are" 2 "--keys DIR" "$repo" sign copy --detached -o ann.sig --yes
refuses "and is asked" 2 "not signed: --yes" "$repo" sign copy --detached --keys ann -o ann.sig
check "before anything is written" test ! -e ann.sig
# Code of theirs would say so.
cat >evil.c <<-END
	#include <fcntl.h>
	__attribute__((constructor)) static void here(void) { open("$work/owned", O_CREAT, 0600); }
END
gcc -shared -fPIC -o evil.so evil.c
stable=$("$repo" key list r --format json --keys ann | jq -r '.[] | select(.role == "stable").key_id')
jq --arg id "$stable" --arg lib "$work/evil.so" '{format: 1, uri: "pkcs11:token=t;object=o", module: $lib,
	key: [.. | .keys? // empty | .[$id]? // empty][0]}' "r/repository/metadata/$(current targets).targets.json" >x.pkcs11
check "a file that points to it is made" test "$(jq -r .key.keytype x.pkcs11)" = ed25519
mkdir copy/online-keys copy/more && cp x.pkcs11 copy/online-keys/ && cp x.pkcs11 copy/more/
jq --arg keys "$work/copy/more" '.keys = $keys' r/suture-repo.json >copy/suture-repo.json
cp ann/stable.pem ann.sig
refuses "a file of another kind is not replaced" 1 "another kind" "$repo" sign copy --detached --keys ann -o ann.sig --yes
check "it is as it was" cmp ann/stable.pem ann.sig
rm ann.sig
works "Ann signs" "$repo" sign copy --detached --keys ann -o ann.sig --yes
cp out shown
check "with her own key" grep -q "ann.sig: 1 signature" shown
check "and nothing of the folder is run" test ! -e owned
works "once more, into the same file" "$repo" sign copy --detached --keys ann -o ann.sig --yes

# ---- What a signer is shown ----
sha=$(sha256sum m-1.1.ko | cut -d' ' -f1)
check "the hash, and where these bytes are already" grep -q "sha256 $sha, the bytes that are published in edge" shown
check "what is fixed" grep -q "fixes CVE-2024-1086" shown
check "that the copy vouches for itself" grep -q "itself vouches for.*sha256 $(sha256sum first-root.json | cut -d' ' -f1)" shown
works "a root that Ann trusts" "$repo" sign copy --detached --root first-root.json
cp out shown
check "is what it begins with" grep -q "follows on first-root.json (version 1" shown
"$repo" init stranger --keys strangerkeys >/dev/null
refuses "a copy that does not follow on it" 1 "signature" "$repo" sign copy --detached --root stranger/repository/metadata/1.root.json
refuses "--root is for that alone" 2 "--root is for --detached" "$repo" sign r --merge ann.sig --root first-root.json
# shows NAME TEXT: after python3 changed what waits in a copy, as an insider could.
shows() {
	local name=$1 text=$2
	"$repo" sign copy --detached >shown 2>&1
	check "$name" grep -qF -- "$text" shown
}
edit() { # FILE PYTHON
	python3 -c "import json, sys; f = sys.argv[1]; d = json.load(open(f)); s = d['signed']; $2; json.dump(d, open(f, 'w'))" "$1"
}
waiting=copy/pending/2.stable.json
target="t = next(v for k, v in s['targets'].items() if k.endswith('.ko'))"
refuses_to_show() { # NAME TEXT
	refuses "$1" 1 "$2" "$repo" sign copy --detached
}
cp $waiting right
edit $waiting "$target; t['hashes']['sha256'] = '0' * 64"
refuses_to_show "bytes that are not there" "No such file"
cp right $waiting
edit $waiting "$target; t['custom']['published'] = '2001-01-01T00:00:00Z'"
record=$(sha256sum m-1.1.json | cut -d' ' -f1)
shows "when it was published, and which record is its own" "published 2001-01-01T00:00:00Z, record sha256 $record"
cp right $waiting
shows "for which kernel" "for $release with build ID $id"
edit $waiting "$target; t['custom']['odd'] = 1; s['x-new'] = 2"
shows "a field that nobody knows" "other fields changed: odd"
shows "in the role too" "stable: other fields changed: x-new"
for change in "['record']['sha256'] = '0' * 64|not the one that its custom names" "['kernel'] = '6.1.0-1-amd64'|kernel: listed as 6.1.0-1-amd64" \
	"['build_id'] = '0' * 40|build ID: listed as 0" "['severity'] = 'low'|severity: listed as low" \
	"['version'] = '1.0'|version: listed as 1.0" "['cves'] = []|the CVEs listed are not the record's"; do
	cp right $waiting
	edit $waiting "$target; t['custom']${change%|*}"
	refuses_to_show "another ${change%%]*}] than the record has" "${change#*|}"
done
cp right $waiting
edit $waiting "$target; t['custom']['version'] = '1.1\x1b[2K\n  lists nothing\u009b\u202e'"
refuses_to_show "control characters" "version"
check "do nothing" test "$(grep -cP '\x1b|\x{9b}|\x{202e}|^  lists nothing' err)" = 0

# Bytes of the insider's own under the names and with all that belongs to them.
other_files() { # MODULE RECORD: in place of what waits
	local file sha path
	cp right $waiting
	for file; do
		sha=$(sha256sum "$file" | cut -d' ' -f1)
		path=$(jq -r --arg kind "${file##*.}" '.signed.targets | keys[] | select(endswith("." + $kind))' $waiting)
		mkdir -p "copy/pending/targets/$(dirname "$path")"
		cp "$file" "copy/pending/targets/$(dirname "$path")/$sha.$(basename "$path")"
		edit $waiting "t = s['targets']['$path']; t['hashes']['sha256'] = '$sha'; t['length'] = $(stat -c %s "$file")"
	done
	edit $waiting "$target; t['custom']['record'] = {'sha256': '$sha', 'length': $(stat -c %s "$2")}"
}
mkdir own && (cd own && salt=7 module 1.1 && "$repo" module sign --key ../keys/module.pem --cert ../keys/module.crt m-1.1.ko) >/dev/null
other_files own/m-1.1.ko m-1.1.json
refuses_to_show "another module" "the record is of another module"
other_files own/m-1.1.ko own/m-1.1.json
shows "its own record makes it whole: then its hash tells" \
	"sha256 $(sha256sum own/m-1.1.ko | cut -d' ' -f1), which is published in no other tier"
"$repo" sign r --discard --yes >/dev/null

"$repo" recall r 1.1 --reason "it hangs" --kernel $release --pending >/dev/null
rm -rf copy && cp -a r copy
shows "a recall says what and why" "withdraws version 1.1 of $release: it hangs"
rm -f copy/repository/targets/recall/*recall.json
refuses "without the list there is nothing to be signed" 1 "recall.json" "$repo" sign copy --detached --keys ann -o ann.sig --yes
"$repo" sign r --discard --yes >/dev/null

mv keys/targets.pem safe/
"$repo" rotate r beta --pending >/dev/null
rm -rf copy && cp -a r copy
shows "who may sign is shown in full" "keys of beta, 1 needed: $("$repo" key list copy --format json | jq -r '.[] | select(.role == "beta").key_id' >old; jq -r '.signed.delegations.roles[] | select(.name == "beta").keyids[]' copy/pending/*.targets.json)"
shows "and who could until now" "keys of beta until now, 1 needed: $(cat old)"
waiting=$(echo copy/pending/*.targets.json)
roles="r = s['delegations']['roles']; b = next(x for x in r if x['name'] == 'beta')"
edit "$waiting" "$roles; b['paths'] = ['*/*/*/*']; b['terminating'] = False; b['x-odd'] = 1"
shows "other paths" "beta may list: */*/*/*"
shows "no end of the search" "beta is not terminating"
shows "another field" "beta: other fields changed: x-odd"
edit "$waiting" "$roles; r.append(dict(b, name='more')); r.remove(b)"
shows "a new delegation" "delegates from now on to more"
shows "one that is gone" "delegates no more to beta"
shows "another order" "delegations are now in this order: recall evidence"
"$repo" sign r --discard --yes >/dev/null
"$repo" rotate r evidence --pending >/dev/null
rm -rf copy && cp -a r copy
edit "$(echo copy/pending/*.evidence.json)" "s['attestation_keys'] = {'ab' * 32: {}}"
shows "keys of attestations" "attestations by $(printf 'ab%.0s' {1..32}) count from now on"
"$repo" sign r --discard --yes >/dev/null

echo "1..$n"
