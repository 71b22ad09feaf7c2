#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# test-admin.sh SUTURE-SERVER SUTURE-ADMIN: the command line against a real server on loopback.
server=$1 admin=$2
# shellcheck source=tests/service/server-lib.sh
. "$(dirname "$0")/server-lib.sh"
: >"$dir/server.conf"

# run ARGUMENT…: the exit status; output in $dir/out, errors in $dir/err.
run() {
	local status=0
	"$admin" "$@" >"$dir/out" 2>"$dir/err" </dev/null || status=$?
	echo "$status"
}

ok "the server starts" start_server
is "not logged in" "$(run machine list)" 1
ok "and told what to do" grep -q "suture-admin login" "$dir/err"
echo wrong >"$dir/wrong"
is "a wrong password" "$(run login "$people" --ca "$data/pki/ca.pem" --password-file "$dir/wrong")" 1
ok "which the message says" grep -q "user or password is wrong" "$dir/err"
ok "no session is kept then" [ ! -e "$XDG_CONFIG_HOME/suture/session.json" ]
is "without its CA the server is not believed" "$(run login "$people" --password-file "$data/admin-password")" 1
ok "with a hint" grep -q -- "--ca" "$dir/err"
is "plain HTTP is refused" "$(run login "http://127.0.0.1:1" --password-file "$data/admin-password")" 1
is "a URL with a path is refused" "$(run login "$people/v1" --password-file "$data/admin-password")" 1
is "a server that is not there" "$(run login https://127.0.0.1:1 --ca "$data/pki/ca.pem" --password-file "$data/admin-password")" 1
is "a CA file that is none" "$(run login "$people" --ca "$dir/wrong" --password-file "$data/admin-password")" 1
is "login" "$(run login "$people/" --ca "$data/pki/ca.pem" --password-file "$data/admin-password")" 0
is "the session is private" "$(stat -c %a "$XDG_CONFIG_HOME/suture/session.json")" 600
ok "the password is not in it" eval '! grep -q "$(cat "$data/admin-password")" "$XDG_CONFIG_HOME/suture/session.json"'
"$admin" login "$people" --ca "$data/pki/ca.pem" <"$data/admin-password" >"$dir/out" 2>"$dir/err"
is "the password comes from standard input too" "$?" 0

## Tokens
is "token create" "$(run token create --note 'for tests')" 0
first=$(cat "$dir/out")
ok "prints the secret alone" grep -qxE '[A-Za-z0-9_-]{43}' "$dir/out"
is "into a file" "$(run token create --uses 2 --lifetime 2h -o "$dir/token") $(cat "$dir/out")" "0 "
is "which is private" "$(stat -c %a "$dir/token")" 600
second=$(cat "$dir/token")
is "as JSON" "$(run token create --format json) $(jq -r '.token == .secret and .uses == 1 and .state == "valid"' "$dir/out")" "0 true"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/k.pem" -subj /CN=module -out "$dir/module.pem" 2>/dev/null
jq -n --rawfile ca "$data/pki/ca.pem" --rawfile m "$dir/module.pem" '{format: 1, url: "https://10.0.2.2:8443", server_ca: $ca, root: ("{}" | @base64),
	module_certificates: [$m], tiers: ["edge", "stable"], default_tier: "stable"}' >"$dir/bundle.json"
is "with a bundle" "$(run token create --bundle "$dir/bundle.json")" 0
ok "the token names URL and hash" grep -qxE "https://10.0.2.2:8443#$(sha256sum <"$dir/bundle.json" | cut -c1-64)#[A-Za-z0-9_-]{43}" "$dir/out"
is "a bundle that is none" "$(run token create --bundle "$dir/wrong")" 1
is "no token was made for it" "$(run token list --format json; jq '.tokens | length' "$dir/out")" "0
4"
ok "no secret in the list" eval '! grep -q -e "$first" -e "$second" "$dir/out"'
id=$(jq -r '.tokens[] | select(.note == "for tests").id' "$dir/out")
is "the lifetime is kept" "$(jq '[.tokens[] | select(.uses == 2)] | .[0] | (.expires | fromdate) - (.created | fromdate)' "$dir/out")" 7200
is "as a table" "$(run token list) $(head -1 "$dir/out" | tr -s ' ')" "0 ID STATE USED OF CREATED EXPIRES NOTE"
is "token revoke" "$(run token revoke "$id")" 0
is "shows in the list" "$(run token list) $(awk -v id="$id" '$1 == id { print $2 }' "$dir/out")" "0 revoked"
is "an unknown token" "$(run token revoke 0000000000000000)" 1
is "what is no ID" "$(run token revoke ../machines)" 2
for span in 0 0s 367d 1w -1 99999999999 ""; do
	is "a lifetime that is none: '$span'" "$(run token create --lifetime "$span")" 2
done
is "uses that are none" "$(run token create --uses 0)" 2

## Machines
new_key one
is "no machines yet" "$(run machine list --format json) $(jq -c . "$dir/out")" '0 {"machines":[]}'
is "a machine enrols with the printed token" "$(enrol "$second" one)" 201
machine=$(answer .machine_id)
is "and checks in" "$(check_in one 1 '.state = "failed" | .error = {code: "stuck", message: "went nowhere"} | .events = [{time: "2026-11-22T00:00:00Z", event: "failed", version: "1.1", code: "stuck", message: "went nowhere"}]')" 200
is "machine list" "$(run machine list) $(awk -v id="$machine" '$1 == id { print $2, $5 }' "$dir/out")" "0 web-1 failed"
is "machine show" "$(run machine show "$machine") $(grep -c 'stuck: went nowhere' "$dir/out")" "0 1"
is "with its events" "$(run machine show "$machine" --format json) $(jq -r '.events[0].code' "$dir/out")" "0 stuck"
is "an unknown machine" "$(run machine show 00000000-0000-4000-8000-000000000000)" 1
is "what is no machine's ID" "$(run machine show ..)" 2
is "is not forgotten without a yes" "$(run machine forget "$machine")" 1
is "but with one" "$(run machine forget "$machine" --yes)" 0
is "and is gone" "$(run machine show "$machine")" 1

## The end
is "an unknown verb" "$(run machine eat)" 2
is "an unknown format" "$(run machine list --format xml)" 2
is "logout" "$(run logout)" 0
is "ends it" "$(run machine list)" 1
is "login again" "$(run login "$people" --ca "$data/pki/ca.pem" --password-file "$data/admin-password")" 0
stop_server
is "a server that is gone" "$(run machine list)" 1
is "help" "$(run --help)" 0
finish
