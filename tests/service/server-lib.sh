# SPDX-License-Identifier: GPL-2.0-or-later
# For the scripts that test a real suture-server on loopback: TAP, start and stop, requests.
# The caller sets `server` and `admin` to the programs. Sourced, never run.

set -u -o pipefail
dir=$(mktemp -d "${TMPDIR:-/tmp}/suture-server-XXXXXX")
data=$dir/data
export XDG_CONFIG_HOME=$dir/config
number=0
server_pid=

clean_up() {
	[ -z "$server_pid" ] || stop_server KILL
	rm -rf "$dir"
}
trap clean_up EXIT

# ok NAME COMMAND…: one case, passed when the command succeeds.
ok() {
	local name=$1
	shift
	number=$((number + 1))
	if "$@" >"$dir/case.out" 2>&1; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		sed 's/^/# /' "$dir/case.out"
		[ ! -s "$dir/answer" ] || { printf '# answer: '; head -c 500 "$dir/answer" | tr '\n' ' '; echo; }
	fi
}

# is NAME GOT EXPECTED
is() {
	number=$((number + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $number - $1"
	else
		echo "not ok $number - $1"
		echo "# got: $2"
		echo "# expected: $3"
	fi
}

finish() {
	echo "1..$number"
	exit 0
}

# start_server OPTION…: starts it on free ports and waits for the line that says where.
start_server() {
	local line
	rm -f "$dir/ready"
	mkfifo "$dir/ready"
	"$server" --data "$data" --config "$dir/server.conf" --listen 127.0.0.1:0 --listen-people 127.0.0.1:0 "$@" \
		>"$dir/ready" 2>>"$dir/server.log" &
	server_pid=$!
	if ! read -r -t 60 line <"$dir/ready"; then
		wait "$server_pid"
		server_pid=
		return 1
	fi
	machines=https://127.0.0.1:$(jq .machines.port <<<"$line")
	people=https://127.0.0.1:$(jq .people.port <<<"$line")
}

# stop_server [SIGNAL]: ends it and gives its exit status.
stop_server() {
	local status=0
	kill "-${1:-TERM}" "$server_pid"
	wait "$server_pid" 2>/dev/null || status=$?
	server_pid=
	return "$status"
}

# request CURL-OPTION…: leaves the body in $dir/answer, the headers in $dir/headers; prints the status.
request() {
	rm -f "$dir/answer"
	curl -s --max-time 30 --cacert "$data/pki/ca.pem" -o "$dir/answer" -D "$dir/headers" -w '%{http_code}' "$@"
}

# post URL FILE CURL-OPTION…: posts a JSON file.
post() {
	local url=$1 file=$2
	shift 2
	request -H 'Content-Type: application/json' --data-binary "@$file" "$@" "$url"
}

header() {
	tr -d '\r' <"$dir/headers" | sed -n "s/^$1: *//Ip" | tail -1
}

answer() {
	jq -r "$1" "$dir/answer"
}

# new_key NAME [OPENSSL-GENPKEY-OPTION…]: a key and a request for it.
new_key() {
	local name=$1
	shift
	[ $# -gt 0 ] || set -- -algorithm EC -pkeyopt ec_paramgen_curve:P-256
	openssl genpkey "$@" -out "$dir/$name.key" 2>/dev/null
	openssl req -new -key "$dir/$name.key" -subj "/CN=root/O=ignored" -out "$dir/$name.csr"
}

# enrol_body SECRET NAME: writes $dir/body.json.
enrol_body() {
	jq -n --arg token "$1" --rawfile csr "$dir/$2.csr" '{token: $token, csr: $csr, hostname: "web-1", kernel: "6.1.0-41-amd64",
		build_id: "0123456789abcdef0123456789abcdef01234567", arch: "x86_64", tier: "stable", agent: "0.1.0"}' >"$dir/body.json"
}

# enrol SECRET NAME: the status; the certificate goes to $dir/NAME.pem.
enrol() {
	enrol_body "$1" "$2"
	post "$machines/v1/enrol" "$dir/body.json"
	! jq -er .certificate "$dir/answer" >"$dir/new.pem" 2>/dev/null || mv "$dir/new.pem" "$dir/$2.pem"
}

# check_in_body SEQUENCE [JQ-FILTER]
check_in_body() {
	jq -n --argjson sequence "$1" '{sequence: $sequence, agent: "0.1.0", arch: "x86_64", kernel: "6.1.0-41-amd64",
		build_id: "0123456789abcdef0123456789abcdef01234567", tier: "stable", boot_id: "01234567-89ab-4def-8123-456789abcdef",
		uptime: 60, state: "unapplied", version: null, error: null, code_check: "none", hold: false, events: []} | '"${2:-.}" \
		>"$dir/body.json"
}

# check_in NAME SEQUENCE [JQ-FILTER]: the status.
check_in() {
	check_in_body "$2" "${3:-.}"
	post "$machines/v1/check-in" "$dir/body.json" --cert "$dir/$1.pem" --key "$dir/$1.key"
}

# log_in: the session goes to $session.
log_in() {
	jq -n --rawfile p "$data/admin-password" '{user: "admin", password: ($p | rtrimstr("\n"))}' >"$dir/body.json"
	post "$people/v1/admin/login" "$dir/body.json" >"$dir/status"
	session=$(answer .session)
	[ "$(cat "$dir/status")" = 200 ]
}

# api METHOD PATH [JSON]: the status, with the session.
api() {
	local method=$1 path=$2
	shift 2
	set -- ${1+-H 'Content-Type: application/json' --data-binary "$1"}
	request -X "$method" -H "Authorization: Bearer $session" "$@" "$people$path"
}

# new_token [JSON]: makes one; its secret goes to $secret, its ID to $token.
new_token() {
	api POST /v1/admin/tokens "${1:-{\}}" >"$dir/status"
	secret=$(answer .secret) token=$(answer .id)
	[ "$(cat "$dir/status")" = 201 ]
}

# database SQL…: changes the server's database behind its back.
database() {
	python3 - "$data/suture.db" "$@" <<'PYTHON'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=10)
for sql in sys.argv[2:]:
    db.execute(sql)
db.commit()
PYTHON
}
