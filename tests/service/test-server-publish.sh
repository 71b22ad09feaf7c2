#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# test-server-publish.sh SUTURE-SERVER SUTURE-REPO SUTURE-ADMIN: publishing to a server over HTTPS.
# shellcheck disable=SC2154
server=$(realpath "$1") repo=$(realpath "$2") admin=$(realpath "$3")
# shellcheck source=tests/service/server-lib.sh
. "$(dirname "$(realpath "$0")")/server-lib.sh"
: >"$dir/server.conf"
cd "$dir" || exit 1
export XDG_CONFIG_HOME=$dir/config

put() { # PATH FILE: the status
	request -X PUT -H "Authorization: Bearer $session" -H 'Content-Type: application/octet-stream' \
		--data-binary "@$2" "$people/v1/admin/repository/$1"
}
says() { # TEXT COMMAND...: it fails and says so
	local text=$1
	shift
	"$@" >out 2>&1 && return 1
	grep -qF -- "$text" out
}

ok "a repository" "$repo" init r --keys keys
ok "a server" start_server
ok "without a login nothing is published" says "not logged in" "$repo" publish r --to "$people"
ok "log in" "$admin" login "$people" --ca "$data/pki/ca.pem" --user admin --password-file "$data/admin-password"
session=$(jq -r .session config/suture/session.json)
ok "publish" "$repo" publish r --to "$people"
is "the timestamp is served" "$(request "$machines/repository/metadata/timestamp.json") $(
	cmp "$dir/answer" r/repository/metadata/timestamp.json && echo same)" "200 same"
ok "all of it verifies" "$repo" verify "$data/repository" --root r/repository/metadata/1.root.json
is "again: nothing is sent twice" "$("$repo" publish r --to "$people" | grep -o ': 0 files new')" ": 0 files new"
cp -a r old
ok "a change" "$repo" recall r 1.1 --reason "it hangs" --unlisted
ok "is published too" "$repo" publish r --to "$people"
ok "and verifies" "$repo" verify "$data/repository" --root r/repository/metadata/1.root.json
ok "an older state is refused" says "newer than" "$repo" publish old --to "$people"
timestamp=metadata/timestamp.json
is "by the server too" "$(put $timestamp old/repository/$timestamp) $(answer .code)" "409 state"

# A backup that was changed again: the versions are the same, the bytes are not.
served() { find "$data/repository" -type f | sort | xargs sha256sum; }
served >before
recall=$(ls r/repository/metadata/*.recall.json | sort -V | tail -1)
ok "another history" "$repo" recall old 1.2 --reason "another reason" --unlisted
ok "with the same timestamp is refused" says "another timestamp" "$repo" publish old --to "$people"
is "and that timestamp by the server" "$(put $timestamp old/repository/$timestamp) $(answer .code)" "409 state"
ok "and a newer one" "$repo" refresh old
ok "too" says "another snapshot.json" "$repo" publish old --to "$people"
is "nor does the server take one of its files" "$(put "metadata/${recall##*/}" "old/repository/metadata/${recall##*/}") $(answer .code)" "409 state"
ok "all is as it was" diff before <(served)
ok "in a folder too" "$repo" publish r --to folder
ok "nothing is overwritten" says "another snapshot.json" "$repo" publish old --to folder
ok "all of it verifies still" "$repo" verify folder --root r/repository/metadata/1.root.json

# Whoever has the login has no keys.
jq -c '.signed.version = 1000000' r/repository/metadata/timestamp.json >forged.json
is "an unsigned timestamp" "$(put metadata/timestamp.json forged.json)" 403
jq -c '.signed.version = 2' r/repository/metadata/1.root.json >forged.json
is "an unsigned root" "$(put metadata/2.root.json forged.json)" 403
jq -c '.signed.version = 9' "$recall" >forged.json
is "what no timestamp leads to is taken" "$(put metadata/9.recall.json forged.json)" 201
ok "and in nobody's way" "$repo" refresh r
ok "the next timestamp is published" "$repo" publish r --to "$people"

# Damage is repaired.
for file in "$(find "$data/repository/targets" -type f | head -1)" "$data/repository/metadata/${recall##*/}"; do
	printf x | dd of="$file" bs=1 seek=20 conv=notrunc 2>/dev/null
done
ok "a damaged repository" "$repo" publish r --to "$people"
ok "is whole again" "$repo" verify "$data/repository" --root r/repository/metadata/1.root.json

# The roots of other keys arrive before what these keys sign.
cp r/repository/$timestamp before.json
ok "another key for the timestamp" "$repo" rotate r timestamp
ok "is published" "$repo" publish r --to "$people"
is "what the key before signed counts no more" "$(put $timestamp before.json) $(answer .code)" "403 denied"
ok "another key for the root" "$repo" rotate r root
ok "is published too" "$repo" publish r --to "$people"
is "as root 3" "$(request "$machines/repository/metadata/3.root.json") $(cmp "$dir/answer" r/repository/metadata/3.root.json && echo same)" "200 same"
ok "all of it verifies from the first root" "$repo" verify "$data/repository" --root r/repository/metadata/1.root.json

ok "so is a login somewhere else" says "the login is at" "$repo" publish r --to "https://127.0.0.1:1"
ok "and another scheme" says "neither a folder nor" "$repo" publish r --to "http://127.0.0.1:1"

# What could be no part of a repository: only the place is wrong, the names fit what is in the files.
cp r/repository/metadata/1.root.json root.json
named=$(sha256sum root.json | cut -c1-64).x
is "a target is taken under its hash" "$(put "targets/x/$named" root.json)" 201
rm "$data/repository/targets/x/$named"
is "a file that is not of a repository" "$(put "$named" root.json) $(answer .detail)" "400 not a file of a repository"
is "nor one beside it" "$(put metadata/x/1.root.json root.json) $(answer .detail)" "400 not a file of a repository"
is "nor one above it" "$(put "targets/..%2f..%2f$named" root.json) $(answer .detail)" "400 not a file of a repository"
is "nor a hidden one" "$(put "targets/x/.$named" root.json) $(answer .detail)" "400 not a file of a repository"
is "metadata of another version" "$(put metadata/7.root.json root.json)" 400
is "a target of another hash" "$(put "targets/x/$(printf x | sha256sum | cut -c1-64).m.ko" root.json)" 400
is "metadata that is none" "$(put metadata/1.root.json "$data/pki/ca.pem")" 400
is "no such file is anywhere" "$(find "$data" -name "*$named*")" ""
stop_server
echo 'body-timeout = 1' >"$dir/server.conf"
ok "a server with little time for a body" start_server
head -c 6000000 /dev/zero >big
is "a large file may take longer than a small one" "$(request --limit-rate 2M -X PUT -H "Authorization: Bearer $session" \
	-H 'Content-Type: application/octet-stream' --data-binary @big "$people/v1/admin/repository/targets/x/$(sha256sum big | cut -c1-64).big")" 201
# Nobody is made to read what is refused: 16 MiB without their length, by whoever has no login.
refused_at() {
	python3 - "${people##*:}" "$data/pki/ca.pem" <<'PYTHON'
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
stream = context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))), server_hostname="localhost")
stream.settimeout(60)
stream.sendall(b"PUT /v1/admin/repository/targets/x/y HTTP/1.1\r\nHost: localhost\r\n"
               b"Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
try:
    for number in range(256):
        stream.sendall(b"10000\r\n" + bytes(65536) + b"\r\n")
except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
    print("cut after", number, "times 64 KiB")
    sys.exit(0)
sys.exit("all was taken")
PYTHON
}
ok "a body that is refused is cut" refused_at
session=0000000000000000000000000000000000000000000
is "nothing without a session" "$(put metadata/1.root.json root.json)" 401
is "and machines cannot put anything" "$(request -X PUT -H 'Content-Type: application/octet-stream' \
	--data-binary @root.json "$machines/v1/admin/repository/metadata/1.root.json")" 404
ok "everything verifies still" "$repo" verify "$data/repository" --root r/repository/metadata/1.root.json
finish
