#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# test-server-grant.sh SUTURE-SERVER SUTURE-REPO: what a server grants from a real signed repository, as it changes.
# shellcheck disable=SC2154
server=$(realpath "$1") repo=$(realpath "$2")
# shellcheck source=tests/service/server-lib.sh
. "$(dirname "$(realpath "$0")")/server-lib.sh"
: >"$dir/server.conf"
cd "$dir" || exit 1
release=6.1.0-41-amd64 id=0123456789abcdef0123456789abcdef01234567

# module VERSION: leaves a signed m-VERSION.ko and its record.
module() {
	local v=$1 name=suture_6_1_0_41_amd64_${1/./_} sha code
	code=$(jq -nc --arg r "$release" --arg id "$id" --arg sha "$(printf '%064d' 0)" '{kernel: $r, build_id: $id,
		objects: [{name: "vmlinux", build_id: $id, functions: [{name: "f", sympos: 0, size: 32, mask: [[5, 4]], sha256: $sha}], callbacks: false}], states: []}')
	cat >m.c <<-END
		#define INFO(n, s) __attribute__((section(".modinfo"), used)) static const char n[] = s;
		INFO(a, "name=$name") INFO(b, "vermagic=$release SMP mod_unload ") INFO(c, "livepatch=Y")
		INFO(d, "suture_code=$(jq -jcS . <<<"$code" | sha256sum | cut -d' ' -f1)")
		int version = ${v/./};
	END
	gcc -c m.c -o "m-$v.ko" || return
	sha=$(sha256sum "m-$v.ko" | cut -d' ' -f1)
	jq --arg r "$release" --arg v "$v" --arg name "$name" --arg sha "$sha" '{format: 1, version: $v, module: $name,
		vermagic: ($r + " SMP mod_unload "), module_sha256: $sha, severity: "high", cves: ["CVE-2024-1086"],
		inputs: [],
		new_functions: [], patches: [{name: "fix.patch", sha256: $sha}], compiler: "gcc", tool: "suture-build 0.1.0", run_pre: {compared: 1, equal: 1}} + .' <<<"$code" >"m-$v.json"
	"$repo" module sign --key keys/module.pem --cert keys/module.crt "m-$v.ko"
}

# granted SEQUENCE [JQ-FILTER]: reason and version of the answer.
granted() {
	check_in one "$1" "${2:-.}" >/dev/null
	answer '.reason + " " + (.grant.version // "-")'
}

ok "a repository" "$repo" init r --keys keys
ok "a module key" "$repo" key generate -o keys/module.pem --cert keys/module.crt --bits 2048
ok "a server" start_server --repository "$dir/r/repository"
new_key one
log_in && new_token
is "a machine" "$(enrol "$secret" one)" 201
is "an empty repository covers nothing" "$(granted 1)" "not-covered -"
ok "version 1.1 is signed" module 1.1
ok "and added to the first tier" "$repo" add r m-1.1.ko --record m-1.1.json
is "the first tier gets it without a restart" "$(granted 2 '.tier = "edge"')" "granted 1.1"
is "for its own kernel" "$(answer .grant.kernel)" "$release"
is "the rollout has a name" "$(answer .grant.rollout)" edge
is "other tiers wait" "$(granted 3)" "none-available -"
is "a tier that does not exist waits too" "$(granted 4 '.tier = "gamma"')" "none-available -"
is "another kernel is not covered" "$(granted 5 '.kernel = "6.1.0-42-amd64"')" "not-covered -"
is "another build of the kernel is not covered" "$(granted 6 '.build_id = "1123456789abcdef0123456789abcdef01234567"')" "not-covered -"
is "who has it is up to date" "$(granted 7 '.tier = "edge" | .version = "1.1" | .state = "applied"')" "up-to-date -"
ok "version 1.2" module 1.2
ok "is added too" "$repo" add r m-1.2.ko --record m-1.2.json
is "the newest is granted" "$(granted 8 '.tier = "edge"')" "granted 1.2"
is "to who has the older one" "$(granted 9 '.tier = "edge" | .version = "1.1" | .state = "applied"')" "granted 1.2"
is "nothing below what is applied" "$(granted 10 '.tier = "edge" | .version = "1.3" | .state = "applied"')" "up-to-date -"
is "versions are numbers" "$(granted 11 '.tier = "edge" | .version = "1.10" | .state = "applied"')" "up-to-date -"
for tier in beta candidate stable; do
	ok "1.1 is promoted to $tier" "$repo" promote r 1.1 --to $tier
done
is "and granted there, 1.2 not" "$(granted 12)" "granted 1.1"
is "the machine's grant is shown" "$(api GET /v1/admin/machines >/dev/null; answer '.machines[0].granted')" 1.1
file=$(cd r/repository && find targets/stable -name '*.ko')
is "the granted module is served" "$(request "$machines/repository/$file") $(cmp "$dir/answer" "r/repository/$file" && echo same)" "200 same"

cp r/repository/metadata/timestamp.json good.json
jq -c '.signed.version += 1' good.json >r/repository/metadata/timestamp.json
is "unsigned changes are not read; what was known stays" "$(granted 13)" "granted 1.1"
is "which /metrics tells" "$(request "$people/metrics") $(sed -n 's/^suture_repository_readable //p' "$dir/answer")" "200 0"
cp good.json r/repository/metadata/timestamp.json
is "the good one is read again" "$(granted 14; request "$people/metrics" >/dev/null; sed -n 's/^suture_repository_readable //p' "$dir/answer")" "granted 1.1
1"
ok "1.1 is withdrawn" "$repo" recall r 1.1 --reason "breaks things"
is "and no longer granted" "$(granted 15)" "none-available -"
cp r/repository/metadata/timestamp.json good.json
stop_server
jq -c '.signed.version += 1' good.json >r/repository/metadata/timestamp.json
ok "starts over a broken repository" start_server --repository "$dir/r/repository"
is "and grants nothing" "$(granted 16)" "paused -"
finish
