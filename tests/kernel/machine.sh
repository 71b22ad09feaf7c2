# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced after lib.sh by the tests of the machine's programs in a guest: repository and server are the
# real ones, on the host; $TIER is the one tier. Ends the server with the test.
TIER=stable
say='patched by Suture'
SERVER=
trap '[ -z "$SERVER" ] || kill $SERVER; clean_up' EXIT

# --- the maker's side

# serve VERSION: a signed module is listed and served.
serve() {
	suture-repo add "$WORK/repo" "$WORK/$1.ko" --record "$WORK/$1.json" --tier $TIER &&
		suture-repo publish "$WORK/repo" --to "$WORK/server/repository"
}
# The address is written when the server listens.
start_server() {
	mkdir -p "$WORK/server"
	suture-server --data "$WORK/server" --listen 127.0.0.1:0 --listen-people 127.0.0.1:0 \
		--name 10.0.2.2 --name 127.0.0.1 >"$WORK/server.log" 2>&1 &
	SERVER=$!
	until [ -s "$WORK/server/listen.json" ]; do
		kill -0 $SERVER || return 1
		read -r -t 0.05 <> <(:)
	done
	PORT=$(jq .machines.port "$WORK/server/listen.json")
	PEOPLE=$(jq .people.port "$WORK/server/listen.json")
}
people() { # METHOD PATH BODY
	curl -sSf --cacert "$WORK/server/pki/ca.pem" -X "$1" -H "Content-Type: application/json" \
		-H "Authorization: Bearer ${SESSION:-none}" -d "$3" "https://127.0.0.1:$PEOPLE$2"
}
# make_token CERTIFICATE…: a token, and a bundle with the certificates of module signing keys.
make_token() {
	local cert certs=()
	local login
	for cert; do certs+=(--module-cert "$cert"); done
	login=$(jq -n --rawfile p "$WORK/server/admin-password" '{user: "admin", password: ($p | rtrimstr("\n"))}')
	SESSION=$(people POST /v1/admin/login "$login" | jq -r .session)
	people POST /v1/admin/tokens '{"uses": '"${TOKEN_USES:-9}"', "lifetime": 7200, "note": "test"}' | jq -r .secret >"$WORK/token"
	suture-repo trust-bundle "$WORK/repo" --url "https://10.0.2.2:$PORT" --server-ca "$WORK/server/pki/ca.pem" \
		"${certs[@]}" -o "$WORK/bundle.json"
}

# --- the machine's side

# start_machine NAME [OPTION…]: a guest with the programs, and users.
start_machine() {
	start_guest "$1" --net --program "$(command -v sutured):/usr/bin/sutured" \
		--program "$(command -v suture-fetch):/usr/bin/suture-fetch" \
		--program "$(command -v suture):/usr/bin/suture" --file "$WORK/bundle.json:/bundle.json" \
		--file "$WORK/token:/token" "${@:2}" &&
		in_guest sh -c 'echo root:x:0:0::/root:/bin/sh >/etc/passwd; echo root:x:0: >/etc/group
			echo suture-fetch:x:990:990::/:/bin/false >>/etc/passwd; echo suture-fetch:x:990: >>/etc/group'
}
# Waits for a condition in the guest, there.
guest_until() {
	in_guest timeout 60 sh -c "until $1; do usleep 50000; done"
}
start_programs() {
	suture-lab exec --background "$GUEST" -- sh -c 'exec sutured >>/sutured.log 2>&1' &&
		guest_until '[ -S /run/suture/control.sock ]' &&
		suture-lab exec --background "$GUEST" -- sh -c 'exec suture-fetch >>/fetch.log 2>&1'
}
status_is() { # JQ EXPRESSION
	in_guest suture status --format json >"$WORK/status.json"
	cat "$WORK/status.json"
	[ -s "$WORK/status.json" ] && jq -e "$1" "$WORK/status.json" >/dev/null
}
kernel_says() { says "$say" in_guest cat /proc/version; }
fails() { ! "$@"; }
kernel_is_silent() { in_guest sh -c "! grep '$say' /proc/version"; }
server_knows() {
	people GET /v1/admin/machines "" >"$WORK/machines.json"
	cat "$WORK/machines.json"
	jq -e "$1" "$WORK/machines.json" >/dev/null
}
name_of() { jq -r .module "$WORK/$1.json"; }

