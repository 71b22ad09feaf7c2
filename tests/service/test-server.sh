#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# test-server.sh SUTURE-SERVER: the real server on loopback, with curl, openssl and python3 as its clients.
server=$1
# shellcheck source=tests/service/server-lib.sh
. "$(dirname "$0")/server-lib.sh"

printf 'header-timeout = 2\nbody-timeout = 2\n' >"$dir/server.conf"

## First start
refuses_address() { # OPTION ADDRESS
	"$server" --data "$dir/slip" "$1" "$2" >/dev/null 2>&1
	[ $? = 2 ] && [ ! -e "$dir/slip" ]
}
ok "an address without a port makes nothing" refuses_address --listen nonsense
ok "nor does one for people" refuses_address --listen-people 127.0.0.1:99999
ok "starts on an empty folder" start_server --name 10.0.2.2 --name patches.example.org
is "listen.json says where" "$(jq .machines.port "$data/listen.json")" "${machines##*:}"
is "private files are private" "$(stat -c %a "$data" "$data/pki/ca.key" "$data/pki/server.key" "$data/admin-password" "$data/suture.db" | tr '\n' ' ')" \
	"700 600 600 600 600 "
is "the CA's key is P-256" "$(openssl x509 -in "$data/pki/ca.pem" -noout -text | grep -c prime256v1)" 1
verify_name() { openssl verify -CAfile "$data/pki/ca.pem" -purpose sslserver "$@" "$data/pki/server.pem"; }
ok "the certificate has the DNS name" verify_name -verify_hostname patches.example.org
ok "the certificate has the address" verify_name -verify_ip 10.0.2.2
ok "the certificate has localhost" verify_name -verify_hostname localhost
ok "the certificate has no other name" eval '! verify_name -verify_hostname example.org'
is "livez" "$(request "$machines/livez") $(cat "$dir/answer")" "200 ok"
is "readyz" "$(request "$people/readyz")" 200
old_tls() { openssl s_client -connect "${machines#https://}" -tls1_1 -cipher DEFAULT@SECLEVEL=0 </dev/null; }
ok "TLS 1.1 is refused" eval '! old_tls'
ok "TLS 1.2 is spoken" openssl s_client -connect "${machines#https://}" -tls1_2 -CAfile "$data/pki/ca.pem" -verify_return_error </dev/null

## Paths and methods
is "an unknown path" "$(request "$machines/v1/nothing") $(answer .code)" "404 not-found"
is "problem+json" "$(header Content-Type)" application/problem+json
is "a wrong method" "$(request -X PUT "$machines/v1/enrol") $(header Allow)" "405 POST"
is "the admin API is not on the machines' listener" "$(request "$machines/v1/admin/machines")" 404
is "enrolment is not on the people's listener" "$(request -X POST "$people/v1/enrol")" 404
head -c 40000 /dev/zero | tr '\0' a >"$dir/long"
is "headers over the limit" "$(request -H "X-Long: $(cat "$dir/long")" "$machines/livez")" 431

## Login
is "no session" "$(request "$people/v1/admin/machines") $(header WWW-Authenticate)" "401 Bearer"
is "a made-up session" "$(request -H "Authorization: Bearer $(head -c 43 "$dir/long")" "$people/v1/admin/machines")" 401
echo '{"user": "admin", "password": "wrong"}' >"$dir/wrong.json"
is "a wrong password" "$(post "$people/v1/admin/login" "$dir/wrong.json") $(answer .code)" "401 denied"
wrong=$(answer .detail)
echo '{"user": "nobody", "password": "wrong"}' >"$dir/wrong.json"
is "an unknown user is told the same" "$(post "$people/v1/admin/login" "$dir/wrong.json") $(answer .detail)" "401 $wrong"
ok "the right password" log_in

## Enrolment
new_key one
ok "a token" new_token '{"uses": 1, "note": "for one"}'
is "a request without a CSR" "$(enrol_body "$secret" one; jq 'del(.csr)' "$dir/body.json" >"$dir/b2"; post "$machines/v1/enrol" "$dir/b2") $(answer .code)" "400 invalid"
for kind in "rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048" "p384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384" "ed -algorithm ED25519" \
	"explicit -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit"; do
	# shellcheck disable=SC2086
	new_key $kind
	is "a key that is not P-256 by name: ${kind%% *}" "$(enrol "$secret" "${kind%% *}") $(answer .code)" "400 invalid"
done
sed 's/^MI/AI/' "$dir/one.csr" >"$dir/broken.csr"
is "a broken CSR" "$(enrol "$secret" broken) $(answer .code)" "400 invalid"
is "another architecture" "$(enrol_body "$secret" one; jq '.arch = "aarch64"' "$dir/body.json" >"$dir/b2"; post "$machines/v1/enrol" "$dir/b2") $(answer .code)" "422 unsupported"
is "an unknown token" "$(enrol "$(head -c 43 "$dir/long")" one) $(answer .code)" "403 denied"
denied=$(answer .detail)
is "the right token, which no refusal used up" "$(enrol "$secret" one)" 201
id_one=$(answer .machine_id)
is "the answer's interval" "$(answer .interval)" 3600
ok "the certificate is for a client of this CA" openssl verify -CAfile "$data/pki/ca.pem" -purpose sslclient "$dir/one.pem"
ok "and not for a server" eval '! openssl verify -CAfile "$data/pki/ca.pem" -purpose sslserver "$dir/one.pem"'
is "its name is the machine's, whatever was asked for" "$(openssl x509 -in "$dir/one.pem" -noout -subject)" "subject=CN = $id_one"
is "a used-up token" "$(enrol "$secret" one) $(answer .detail)" "403 $denied"
ok "another token" new_token '{"uses": 5}'
database "UPDATE token SET expires = 1000 WHERE id = '$token'"
is "an expired token" "$(enrol "$secret" one) $(answer .detail)" "403 $denied"
ok "a third token" new_token '{"uses": 5}'
is "is revoked" "$(api DELETE "/v1/admin/tokens/$token")" 204
is "a revoked token" "$(enrol "$secret" one) $(answer .detail)" "403 $denied"
is "its state is listed" "$(api GET /v1/admin/tokens >/dev/null; jq -r --arg t "$token" '.tokens[] | select(.id == $t).state' "$dir/answer")" revoked
ok "no secret is listed" eval '! grep -q "$secret" "$dir/answer"'
ok "no secret is stored or logged" eval '! grep -raq -e "$secret" -e "$session" "$data" "$dir/server.log"'

## Check-in: who may
is "without a certificate" "$(check_in_body 1; post "$machines/v1/check-in" "$dir/body.json") $(answer .code)" "403 denied"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/other.key" -subj "/CN=$id_one" -out "$dir/other.pem" 2>/dev/null
is "with a certificate of another CA" "$(check_in other 1) $(answer .code)" "403 denied"
cp "$data/pki/server.key" "$dir/srv.key"; cp "$data/pki/server.pem" "$dir/srv.pem"
is "with the server's own certificate" "$(check_in srv 1) $(answer .code)" "403 denied"
# Even if the database said that these belong to the machine: the CA decides, and what it signed them for.
for name in other srv; do
	hash=$(openssl x509 -in "$dir/$name.pem" -outform DER | sha256sum | cut -c1-64)
	database "INSERT INTO certificate VALUES (x'$hash', 4000000000, '$id_one')"
	is "with a certificate that only the database knows: $name" "$(check_in $name 1) $(answer .code)" "403 denied"
done
is "with the machine's own" "$(check_in one 1) $(answer .sequence)" "200 1"
is "nothing is granted without a repository" "$(answer '.grant, .reason' | tr '\n' ' ')" "null paused "

## Check-in: what
is "a sequence again" "$(check_in one 1) $(answer .code)" "409 state"
is "the next sequence" "$(check_in one 7)" 200
is "a lower sequence" "$(check_in one 6)" 409
is "another field wrong" "$(check_in one 8 '.state = "asleep"') $(answer .code)" "400 invalid"
is "a wrong report changes nothing" "$(check_in one 8 '.events = [{time: "2026-11-22T00:00:00Z", event: "applied", version: "1.1"}] | .state = "applied" | .version = "1.1"')" 200
is "a body that is no JSON" "$(echo '{' >"$dir/b2"; post "$machines/v1/check-in" "$dir/b2" --cert "$dir/one.pem" --key "$dir/one.key")" 400
is "a body of another type" "$(check_in_body 9; request -H 'Content-Type: text/plain' --data-binary "@$dir/body.json" --cert "$dir/one.pem" --key "$dir/one.key" "$machines/v1/check-in")" 415
check_in_body 9
head -c 65536 /dev/zero | tr '\0' ' ' >>"$dir/body.json"
is "a body just over the limit" "$(post "$machines/v1/check-in" "$dir/body.json" --cert "$dir/one.pem" --key "$dir/one.key") $(answer .code)" "413 too-large"
is "the same without its length" "$(post "$machines/v1/check-in" "$dir/body.json" -H 'Transfer-Encoding: chunked' --cert "$dir/one.pem" --key "$dir/one.key") $(answer .code)" "413 too-large"
head -c 8000000 /dev/zero >"$dir/huge"
is "a body far over the limit" "$(post "$machines/v1/enrol" "$dir/huge" -H 'Expect: 100-continue')" 413
is "a body where none belongs" "$(request -X GET --data-binary @"$dir/wrong.json" "$machines/livez")" 413

## Repository
is "no bundle yet" "$(request "$machines/v1/trust-bundle")" 404
echo '{"format": 1}' >"$data/trust-bundle.json"
is "the bundle, byte for byte" "$(request "$machines/v1/trust-bundle") $(cmp "$dir/answer" "$data/trust-bundle.json" && echo same)" "200 same"
hash=$(printf 'a%.0s' {1..64})
mkdir -p "$data/repository/metadata" "$data/repository/targets/stable/6.1.0-41-amd64/0123" "$data/repository/keys"
echo timestamp >"$data/repository/metadata/timestamp.json"
echo root >"$data/repository/metadata/1.root.json"
echo module >"$data/repository/targets/stable/6.1.0-41-amd64/0123/$hash.m.ko"
echo secret >"$data/repository/keys/key"
echo secret >"$data/repository/secret"
ln -s /etc/passwd "$data/repository/metadata/link.json"
ln -s ../../pki "$data/repository/targets/pki"
is "metadata" "$(request "$machines/repository/metadata/timestamp.json") $(cat "$dir/answer")" "200 timestamp"
is "that changes is asked for again" "$(header Cache-Control)" no-cache
etag=$(header ETag)
is "unless its ETag is known" "$(request -H "If-None-Match: $etag" "$machines/repository/metadata/timestamp.json") $(test -s "$dir/answer" && cat "$dir/answer")" "304 "
echo timestamp2 >"$dir/new"; mv "$dir/new" "$data/repository/metadata/timestamp.json"
is "a new file has a new ETag" "$(request -H "If-None-Match: $etag" "$machines/repository/metadata/timestamp.json") $(cat "$dir/answer")" "200 timestamp2"
is "versioned metadata never changes" "$(request "$machines/repository/metadata/1.root.json") $(header Cache-Control)" "200 public, max-age=31536000, immutable"
is "hash-named targets never change" "$(request "$machines/repository/targets/stable/6.1.0-41-amd64/0123/$hash.m.ko") $(header Cache-Control)" "200 public, max-age=31536000, immutable"
is "HEAD gives the length" "$(request -I "$machines/repository/metadata/1.root.json") $(header Content-Length)" "200 5"
for path in secret keys/key metadata metadata/ metadata/link.json targets/pki/ca.key metadata/../secret metadata/../../pki/ca.key ../pki/ca.key \
	..%2fpki/ca.key metadata/..%2f..%2fpki%2fca.key metadata/%2e%2e/secret metadata//timestamp.json metadata/./timestamp.json /etc/passwd metadata/timestamp.json%00 \
	metadata%2f..%2f..%2fadmin-password 'metadata/..\secret'; do
	is "not served: $path" "$(request --path-as-is "$machines/repository/$path") $(grep -c -e secret -e PRIVATE -e root: "$dir/answer")" "404 0"
done

## Slow and many
slow() {
	python3 - "${machines##*:}" "$data/pki/ca.pem" "$1" <<'PYTHON'
import select, socket, ssl, sys, time
context = ssl.create_default_context(cafile=sys.argv[2])
raw = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
start = time.monotonic()
if sys.argv[3] == "tls":
    stream, text = raw, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 1000
else:
    stream = context.wrap_socket(raw, server_hostname="localhost")
    text = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 1000
    if sys.argv[3] == "body":
        stream.sendall(b"POST /v1/enrol HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
        text = b" " * 900
# One byte ten times a second, until the other end hangs up.
for byte in text:
    try:
        stream.send(bytes([byte]))
    except OSError:
        break
    if select.select([stream], [], [], 0.1)[0]:
        try:
            if stream.recv(1000) == b"":
                break
        except ssl.SSLWantReadError:
            continue
        except OSError:
            break
took = time.monotonic() - start
print("cut after", took)
sys.exit(0 if 1 < took < 10 else 1)
PYTHON
}
ok "a client that never ends its TLS handshake is cut" slow tls
ok "a client that never ends its headers is cut" slow headers
ok "a client that never ends its body is cut" slow body
is "others are served meanwhile" "$(request "$machines/livez")" 200
is "cut connections are counted" "$(request "$people/metrics"; sed -n 's/^suture_http_cut_off_total{listener="machines"} //p' "$dir/answer")" "2003"

## Machines
is "the machine is listed as it reported" "$(api GET /v1/admin/machines >/dev/null; jq -r '.machines[] | [.hostname, .state, .version, .sequence] | join(" ")' "$dir/answer")" "web-1 applied 1.1 8"
is "its events are shown" "$(api GET "/v1/admin/machines/$id_one" >/dev/null; answer '.events[0].event')" applied
is "an unknown machine" "$(api GET /v1/admin/machines/00000000-0000-4000-8000-000000000000)" 404
is "no machine at all" "$(api GET /v1/admin/machines/..%2ftokens)" 404

## Restart
fingerprint=$(sha256sum "$data/pki/ca.pem" "$data/pki/ca.key" "$data/pki/server.key" "$data/pki/server.pem")
password=$(cat "$data/admin-password")
ok "ends cleanly when told" stop_server
ok "starts again" start_server
is "with the same identity" "$(sha256sum "$data/pki/ca.pem" "$data/pki/ca.key" "$data/pki/server.key" "$data/pki/server.pem")" "$fingerprint"
is "and the same password" "$(cat "$data/admin-password")" "$password"
is "a session outlives it" "$(api GET /v1/admin/machines)" 200
is "a sequence too" "$(check_in one 8)" 409
is "and the machine goes on" "$(check_in one 9)" 200
ok "a second server on the same folder is refused" eval '! "$server" --data "$data" --listen 127.0.0.1:0 --listen-people 127.0.0.1:0'
ok "is killed" eval '! stop_server KILL'
ok "starts after that" start_server
is "and remembers the last check-in" "$(check_in one 9)" 409
stop_server
ok "starts with another name" start_server --name new.example.org
ok "which the new certificate has" verify_name -verify_hostname new.example.org
is "from the same CA" "$(sha256sum "$data/pki/ca.pem" "$data/pki/ca.key")" "$(head -2 <<<"$fingerprint")"

## Forgotten
is "is forgotten" "$(api DELETE "/v1/admin/machines/$id_one")" 204
is "once" "$(api DELETE "/v1/admin/machines/$id_one")" 404
is "a forgotten machine" "$(check_in one 10) $(answer .code)" "403 denied"
is "logout" "$(api DELETE /v1/admin/session)" 204
is "ends the session" "$(api GET /v1/admin/machines)" 401

## Guessing
echo '{"user": "admin", "password": "wrong"}' >"$dir/wrong.json"
for _ in 1 2 3 4 5 6 7 8 9 10; do post "$people/v1/admin/login" "$dir/wrong.json" >/dev/null; done
is "guessing is slowed down" "$(post "$people/v1/admin/login" "$dir/wrong.json")" 429
ok "and told how long" [ "$(header Retry-After)" -gt 600 ]
ok "for the right password too" eval '! log_in'
stop_server

## Open files
raised() {
	ulimit -Sn 64
	start_server
	ulimit -Sn "$(ulimit -Hn)"
	[ "$(awk '/^Max open files/ { print $4 }' "/proc/$server_pid/limits")" -ge 4000 ]
}
ok "makes room for its connections" raised
stop_server

# With few descriptors it takes fewer connections of machines, and still serves people.
# It holds them until its standard input ends.
crowded() {
	python3 -c '
import socket, sys
held = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(250)]
print("held", flush=True)
sys.stdin.read()' "${machines##*:}"
}
few() (
	ulimit -n 800
	start_server || exit 1
	mkfifo "$dir/hold" "$dir/held"
	crowded <"$dir/hold" >"$dir/held" &
	exec 9>"$dir/hold"
	read -r _ <"$dir/held"
	[ "$(request "$people/readyz")" = 200 ] && [ "$(ls "/proc/$server_pid/fd" | wc -l)" -lt 200 ]
	status=$?
	exec 9>&-
	stop_server
	exit $status
)
ok "a crowd of connections leaves descriptors for the rest" few
ok "and it says how many it takes" grep -q "at most 80 connections" "$dir/server.log"
ok "a limit under which nothing works is refused" eval '! (ulimit -n 300; start_server)'

## A newer database
database "UPDATE schema SET version = 99"
: >"$dir/server.log"
ok "a newer schema is refused" eval '! start_server'
ok "and said so" grep -q "schema is version 99" "$dir/server.log"
database "UPDATE schema SET version = 1"
: >"$data/pki/ca.pem"
ok "a damaged CA is refused" eval '! start_server'
ok "a bad address is refused" eval '! "$server" --data "$dir/x" --listen nowhere'
ok "a bad name is refused" eval '! "$server" --data "$dir/x" --name "a b" --listen 127.0.0.1:0'
finish
