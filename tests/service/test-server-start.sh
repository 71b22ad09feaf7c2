#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# test-server-start.sh SUTURE-SERVER: a first start that is killed at one of its writes is finished by the next one.
server=$1
# shellcheck source=tests/service/server-lib.sh
. "$(dirname "$0")/server-lib.sh"
: >"$dir/server.conf"
calls="mkdir renameat fsync fdatasync pwrite64"

if ! strace -o /dev/null true 2>/dev/null; then
	echo "ok 1 # SKIP strace is not allowed here"
	echo "1..1"
	exit 0
fi

# traced STRACE-OPTION…: a start under strace, ended as soon as it listens if it comes so far.
traced() {
	local line tracer
	rm -rf "$data" "$dir/ready"
	mkfifo "$dir/ready"
	strace -f "$@" "$server" --data "$data" --config "$dir/server.conf" --listen 127.0.0.1:0 --listen-people 127.0.0.1:0 \
		>"$dir/ready" 2>/dev/null &
	tracer=$!
	if read -r -t 60 line <"$dir/ready"; then
		cp "$dir/trace" "$dir/trace.ready"
		kill $(cat "/proc/$tracer/task/$tracer/children")
	fi
	wait "$tracer" 2>/dev/null
}

survives() {
	start_server && log_in && new_token && new_key again && [ "$(enrol "$secret" again)" = 201 ] && [ "$(check_in again 1)" = 200 ] && stop_server
}

traced -o "$dir/trace" -e "trace=${calls// /,}"
for call in $calls; do
	total=$(grep -c " $call(" "$dir/trace.ready")
	ok "a first start uses $call, $total times" [ "$total" -gt 0 ]
	for ((n = 1; n <= total; n += total / 6 + 1)); do
		traced -o "$dir/trace" -e "trace=$call" -e "inject=$call:signal=KILL:when=$n"
		ok "is killed at $call $n" grep -q 'killed by SIGKILL' "$dir/trace"
		ok "the next start makes it whole" survives
		[ -z "$server_pid" ] || stop_server
	done
done
finish
