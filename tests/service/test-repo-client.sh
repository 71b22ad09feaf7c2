#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# test-repo-client.sh PROGRAM MODULES: the repository as another implementation reads it, tuf-js 5.0.1
# (installed below MODULES by tools/bootstrap): after every kind of change a client that followed from
# the start and one that starts anew both accept it and download what it lists. And how much a client
# has to download.
repo=$(realpath "$1") modules=$(realpath -m "$2") here=$(realpath "$(dirname "$0")")
if [ ! -e "$modules/node_modules/tuf-js" ]; then
	echo "1..0 # SKIP no tuf-js in $modules: tools/bootstrap installs it"
	exit 0
fi
. "$here/repo-lib.sh"
client=$here/tuf-js/client.mjs

target() { # TIER VERSION [RELEASE]
	echo "$1/${3:-$release}/$id/suture_$(echo "${3:-$release}_$2" | tr -c 'a-zA-Z0-9\n' _).ko"
}

accepts() { # NAME TARGET...
	local name=$1
	shift
	rm -rf fresh
	"$repo" publish r --to pub >out 2>err &&
		node "$client" "$modules" pub old first-root.json "$@" >out 2>err &&
		node "$client" "$modules" pub fresh first-root.json "$@" >out 2>err
	report $? "$name"
}

works "init" "$repo" init r --keys keys
cp r/repository/metadata/1.root.json first-root.json
"$repo" key generate -o keys/module.pem --cert keys/module.crt --bits 2048 >/dev/null
accepts "an empty repository is accepted" recall/recall.json
signed 1.1
works "add" "$repo" add r m-1.1.ko --record m-1.1.json
accepts "accepted after add" "$(target edge 1.1)"
check "the bytes are those of the module" cmp m-1.1.ko old/targets/0
base=evidence/$release/$id/$(basename "$(target edge 1.1)" .ko)
accepts "its evidence too" "$base.build.json" "$base.source.tar"
works "promote" "$repo" promote r 1.1 --to beta
accepts "accepted after promote" "$(target beta 1.1)"
works "promote on" "$repo" promote r 1.1 --to stable --from beta
accepts "accepted after promote to the last tier" "$(target stable 1.1)" "$(target edge 1.1)"
for role in timestamp snapshot targets recall evidence edge beta candidate stable root root; do
	works "rotate $role" "$repo" rotate r $role
	accepts "accepted after it" "$(target stable 1.1)" recall/recall.json
done
works "withdraw" "$repo" recall r 1.1 --reason "it hangs"
accepts "accepted after it" recall/recall.json
check "the list says so" grep -q '"version":"1.1"' <(tr -d ' \n' <old/targets/0)
works "refresh" "$repo" refresh r
accepts "accepted after refresh"
works "sign all" "$repo" sign r
accepts "accepted after sign" "$(target stable 1.1)"
for kind in ecdsa-p256 rsa; do
	"$repo" key generate --type $kind -o keys/stable-$kind.pem --public $kind.pub >/dev/null
	works "a key of type $kind for stable" "$repo" key import r stable $kind.pub
done
works "only these" "$repo" key revoke r stable --threshold 2 \
	"$("$repo" key list r --format json | jq -r '.[] | select(.role == "stable" and .type == "ed25519").key_id')"
accepts "signatures of P-256 and RSA are accepted" "$(target stable 1.1)"
works "a target too" "$repo" rotate r targets
accepts "accepted" "$(target stable 1.1)"

# The client does look: a flipped byte, an old timestamp.
file=$(find pub/targets/stable -name '*.ko')
printf x | dd of="$file" bs=1 seek=100 conv=notrunc 2>/dev/null
refuses "a changed module" 1 "hash" node "$client" "$modules" pub fresh first-root.json "$(target stable 1.1)"

# ---- 100 kernels, each with the versions that a tier lists, in every tier ----
works "a big repository" "$repo" init big --keys bigkeys --tier edge --tier stable
cp keys/module.crt bigkeys/
many() { # FIRST LAST VERSION
	local i r
	for ((i = $1; i <= $2; i++)); do
		r=6.12.$((i + 40))+deb13-cloud-amd64
		signed "$3" "$r" && "$repo" add big "m-$3.ko" --record "m-$3.json" || return 1
	done >/dev/null
	"$repo" promote big "$3" --to stable
}
first_refresh() { # bytes of metadata for one module
	rm -rf fresh
	"$repo" publish big --to bigpub >/dev/null &&
		node "$client" "$modules" bigpub fresh big/repository/metadata/1.root.json \
			"$(target stable "$1" "6.12.60+deb13-cloud-amd64")"
}
works "100 kernels" many 1 100 1.1
works "a second version of each" many 1 100 1.2
read -r bytes requests <<<"$(first_refresh 1.2)"
echo "# 100 kernels, two versions each: $bytes bytes of metadata, $requests requests"
check "under 200 KB for the first refresh" test "${bytes:-999999}" -lt 200000
echo "1..$n"
