#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A fetcher that somebody has taken over (hostile-fetcher.py), as its own user, at the socket of the
# real sutured. Whatever it does: sutured lives and stays small, what it knows and trusts is what it
# was, nothing is loaded, the status says why, and with the right fetcher the machine goes on by itself.
build=$1
here=$(dirname "$(realpath "$0")")
# Only root can be sutured and start others as another user.
[ "$(id -u)" = 0 ] || exec sudo -n bash "$0" "$@"
. "$here/agent-world.sh" || exit 1

user=nobody
hostile=$world/hostile
journal=$machine/var/lib/suture/journal.json
RSS_MORE=98304 # KiB over a sutured that has just refreshed
descriptors=0 rss=0

as_fetcher=(setpriv --reuid="$user" --regid="$(id -g $user)" --clear-groups --inh-caps=-all --bounding-set=-all --)
# The right one; sutured is root's, so it does not stay its own user's as elsewhere in these tests.
start_fetch() {
	"${as_fetcher[@]}" env SUTURE_ROOT="$machine" "$hostile/suture-fetch" --connect-timeout 5 --stall-timeout 5 --total-timeout 20 \
		2>>"$world/fetch.log" &
	fetch_pid=$!
	children+=($fetch_pid)
}
# start_hostile ATTACK [GRANT]: when this returns it has connected; its words come on descriptor 7.
start_hostile() {
	rm -f "$world/words"
	mkfifo "$world/words"
	# Not one from the home of who runs the tests.
	"${as_fetcher[@]}" /usr/bin/python3 "$hostile/hostile-fetcher.py" "$machine/run/suture/fetch.sock" "$hostile/repository" "$@" \
		>"$world/words" 2>>"$world/hostile.log" &
	hostile_pid=$!
	children+=($hostile_pid)
	exec 7<"$world/words"
	[ "$1" = storm ] || heard connected
}
# heard WORD: it has said so.
heard() {
	local word
	while read -r -t 20 -u 7 word _; do
		[ "$word" != "$1" ] || return 0
	done
	return 1
}
stop_hostile() {
	kill "$hostile_pid" 2>/dev/null
	wait "$hostile_pid" 2>/dev/null
	exec 7<&-
}
publish_to_hostile() {
	rm -rf "$hostile/repository" && cp -r "$world/server/repository" "$hostile/repository" && chmod -R a+rX "$hostile"
}

make_repository() {
	"$suture_repo" init "$world/repo" --keys "$world/keys" --tier edge --tier stable --online-tier edge
}
set_up() {
	make_kernel && make_certificate && make_repository && make_patch 1.1 && tier=edge make_patch 2.0 &&
		mkdir -p "$world/server" && publish && start_server && log_in && make_token && make_bundle || return
	printf 'fetch-user = %s\ncheck-interval = 86400\n' $user >"$machine/etc/suture/suture.conf"
	# Its way to the socket and to its own folder, and nothing else.
	chmod 711 "$world" && mkdir -p "$hostile" "$machine/var/cache/suture" "$machine/run/suture" && chmod 711 "$machine" "$machine/run" &&
		install -d -o $user -m 700 "$machine/var/cache/suture/fetch" &&
		install -m 755 "$suture_fetch" "$hostile/suture-fetch" && install -m 644 "$here/hostile-fetcher.py" "$hostile/" &&
		publish_to_hostile && cp -r "$hostile/repository" "$hostile/older" && chmod 755 "$hostile"
}
enrol() { on_machine enable --trust "$world/bundle.json" --token-file "$world/token" --tier stable; }

# --- what must hold

of_agent() { sed -n "s/^$1:[[:space:]]*\([0-9]*\).*/\1/p" "/proc/$agent_pid/status"; }
count_descriptors() { ls "/proc/$agent_pid/fd" | wc -l; }
trusted() { (cd "$machine/var/lib/suture/trust" && find . -type f -exec sha256sum {} + | sort -k 2); }
# All of the journal but what an attempt leaves in it: its number, and what it ended with.
known() { jq -S 'del(.sequence, .state, .error, .history)' "$journal"; }
told() { jq -c '.history[] | del(.sent)' "$journal"; }
stored() { ls "$machine/var/lib/suture/modules" "$machine/sys/kernel/livepatch"; }
remember() {
	trusted >"$world/trusted" && known >"$world/known" && told >"$world/told" && stored >"$world/stored" &&
		jq .sequence "$journal" >"$world/sequence"
}
is_small() {
	local now
	now=$(count_descriptors)
	[ "$now" -le $((descriptors + 1)) ] || { ls -l "/proc/$agent_pid/fd"; echo "$now descriptors, there were $descriptors"; return 1; }
	now=$(of_agent VmHWM)
	[ "$now" -le $((rss + RSS_MORE)) ] || { echo "$now KiB of memory, there were $rss"; return 1; }
	[ "$(of_agent Threads)" = "$threads" ] && ! pgrep -P "$agent_pid"
}
history_holds() {
	told >"$world/told.now"
	head -n "$(wc -l <"$world/told")" "$world/told.now" | diff "$world/told" - &&
		tail -n "+$(($(wc -l <"$world/told") + 1))" "$world/told.now" |
		jq -se 'all(.event == "refused" or .event == "failed")' >/dev/null
}
# Metadata may be newer than it was, if it is what the repository has.
trust_is_signed() {
	local file
	trusted | diff "$world/trusted" - | sed -n 's/^> //p' >"$world/newer"
	while read -r file _; do
		(cd "$world/server/repository" && find . -type f -exec sha256sum {} +) | grep -q "^$file " ||
			{ grep "$file" "$world/newer"; return 1; }
	done <"$world/newer"
}
# As it was: byte for byte, but for the number of check-ins and what the history may say.
holds() {
	kill -0 "$agent_pid" && is_small && known | diff "$world/known" - && history_holds && stored | diff "$world/stored" - &&
		trust_is_signed && [ "$(jq .sequence "$journal")" -ge "$(cat "$world/sequence")" ] || return
	[ "${trust:-same}" != same ] || trusted | diff "$world/trusted" -
}
# What was refused after the check itself is the machine's last error.
says_why() { # TEXT [CODE]
	field '.last_check, .error | select(.message)' >"$world/why"
	cat "$world/why"
	jq -r .message "$world/why" | grep -qF -- "$1" && { [ -z "${2:-}" ] || jq -e --arg code "$2" 'select(.code == $code)' "$world/why"; }
}

usual() {
	start_fetch
	$as_usual
	local status=$?
	stop_fetch
	return $status
}
# attack NAME ATTACK TEXT [CODE]: a check fails with that text, within a time.
attack() {
	remember
	start_hostile "$2"
	ok "$1: fails" fails_with 1 "$3" timeout 30 env SUTURE_ROOT="$machine" "$suture" refresh
	ok "$1: the status says why" says_why "$3" "${4:-}"
	stop_hostile
	ok "$1: nothing has changed" holds
	ok "$1: with the right fetcher all is as it was" usual
}
# no_effect NAME ATTACK: a check that is answered so changes nothing.
no_effect() {
	remember
	start_hostile "$2"
	ok "$1: a check" timeout 30 env SUTURE_ROOT="$machine" "$suture" refresh
	stop_hostile
	ok "$1: nothing has changed" holds
}

ok "a repository with a tier of its own keys, and a server" set_up
ok "sutured starts" start_agent
start_fetch
ok "it enrols through a fetcher of another user" enrol
ok "the patch is tried" fails_with 1 "not loaded" on_machine refresh
ok "and is applied, as far as files can show" pretend_applied
# From here on with no more than its unit leaves it (packaging/systemd/sutured.service).
confined_agent() {
	printf '#!/bin/sh\nexec setpriv --bounding-set=-all,+sys_module,+sys_rawio,+syslog --inh-caps=-all --groups=%s --no-new-privs %s\n' \
		"$(id -g $user)" "$build/src/agent/sutured" >"$world/sutured" && chmod +x "$world/sutured" && sutured=$world/sutured &&
		stop_agent && start_agent && [ "$(sed -n 's/^CapEff:[[:space:]]*//p' "/proc/$agent_pid/status")" = 0000000400030000 ]
}
ok "sutured goes on with three capabilities" confined_agent
applied_as_usual() { on_machine refresh && field_is .state applied && field_is .version 1.1 && field_is .error null && field_is .tier stable; }
as_usual=applied_as_usual
ok "all is well" applied_as_usual
stop_fetch
descriptors=$(count_descriptors) rss=$(of_agent VmRSS) threads=$(of_agent Threads)
base_rss=$rss

# --- what its user may

cannot() { ! "${as_fetcher[@]}" "$@"; }
ok "it cannot read the journal" cannot cat "$journal"
ok "it cannot look into what is trusted" cannot ls "$machine/var/lib/suture"
ok "it cannot speak on the control socket" cannot env SUTURE_ROOT="$machine" "$suture" hold
ok "it cannot put another socket there" cannot rm -f "$machine/run/suture/fetch.sock"
ok "it cannot write a status" cannot touch "$machine/run/suture/status.json"
ok "it cannot signal sutured" cannot kill -TERM "$agent_pid"

# --- messages that are none

attack "half a message" half "answer"
attack "no JSON" text "answer"
attack "another type" list "not a JSON object"
attack "deep JSON" deep "nested"
attack "a message without end" long "over 65536 bytes"
attack "an empty message" empty "went away"
attack "a number as text" id-text "id"
attack "an answer to a later request" id-later "instead of"
attack "an answer to an earlier request" id-earlier "instead of"
attack "text for true" ok-text "ok"
attack "a status that is none" status "status"
attack "a field twice" twice "answer"
attack "a code that is none" code "code"
attack "it says that sutured is stopping, which is a breach" cancelled "not one of this protocol"
attack "words" words "suture-fetch: "
lies() { field .last_check.message | grep -q '^[[:print:]]*$' && field .last_check.hint | grep -x "suture-fetch says: run my program"; }
remember
start_hostile words
ok "its words are marked as its own" fails_with 1 "hint: suture-fetch says: run my program" on_machine refresh
ok "and hold no control characters" lies
stop_hostile
attack "no file" no-file "without a file"
attack "a file with a failure" file-with-failure "with a file"

# --- descriptors that are none

attack "two files" two-files "2 descriptors"
attack "253 files" many-files "253 descriptors"
attack "a file that can change" unsealed "not a sealed memory file"
attack "a file that can be written" writable "not a sealed memory file"
attack "a file that can be written by who has it" future-write "not a sealed memory file"
attack "a file that can grow" growing "not a sealed memory file"
attack "a file of 1 TiB" enormous "1099511627776 bytes"
attack "a byte too many" one-more "are allowed"
attack "a file of a disk" plain-file "not a sealed memory file"
attack "a device" device "not a sealed memory file"
attack "a folder" folder "not a sealed memory file"
attack "a pipe" pipe "not a sealed memory file"
attack "a socket that is ten minutes in closing" lingering "not a sealed memory file"
attack "twenty of them" lingering-many "20 descriptors"
attack "one in the queue of another" lingering-nested "not a sealed memory file"
attack "such sockets in a queue that nobody reads" lingering-unasked "2 descriptors"

# --- bytes

for what in random nothing spaces lists objects; do
	attack "$what for an answer to a check-in" "$what@check-in" "check-in"
	attack "$what for a timestamp" "$what@timestamp" "timestamp"
done
attack "a changed timestamp" flipped@timestamp "timestamp"
attack "half a timestamp" cut@timestamp "timestamp"
no_effect "a timestamp and a blank" longer@timestamp
ok "a timestamp and a blank: with the right fetcher all is as it was" usual
attack "another role for a timestamp" role:snapshot@timestamp "timestamp"
attack "no timestamp" not-found@timestamp "suture-fetch: it is not there"
attack "a timestamp that may not be had" denied@timestamp "suture-fetch: no"
attack "out of memory, it says" no-memory "suture-fetch: none left"
attack "out of disk, it says" disk-full "suture-fetch: none left"
attack "an error of the server" status-500@timestamp "status 500"

# --- answers to check-ins

attack "a grant that no role backs" grant:9.9@check-in "which tier stable does not list"
attack "another tier's version" grant:2.0@check-in "2.0, which tier stable does not list"
attack "a grant for another kernel" grant-kernel:1.1@check-in "another kernel"
attack "an answer to an earlier check-in" earlier-answer@check-in "another request"
attack "an answer without a number" no-sequence@check-in "sequence"
no_effect "a lower version" grant:1.0@check-in
no_effect "the applied version" grant:1.1@check-in
no_effect "another tier, by name" tier:edge@check-in
no_effect "another time" time:2050-01-01T00:00:00Z@check-in
# The machine does what the server says here, and the answers say so: one check-in a second.
restart_with_interval() { # SECONDS
	sed -i "s/^check-interval = .*/check-interval = $1/" "$machine/etc/suture/suture.conf" && stop_agent && start_agent &&
		descriptors=$(count_descriptors) rss=$(of_agent VmRSS)
}
# Its first check-in, and the one that is asked for here; each may have one more to tell of its outcome.
checks_in_with_pauses() {
	local end n=0 op
	timeout 30 env SUTURE_ROOT="$machine" "$suture" refresh || return
	end=$((SECONDS + 10))
	while [ $SECONDS -lt $end ] && read -r -t $((end - SECONDS)) -u 7 _ op _; do
		[ "$op" != post ] || n=$((n + 1))
	done
	echo "$n check-ins"
	[ $n -ge 1 ] && [ $n -le 4 ]
}
ok "check-ins without a pause: the server's word counts" restart_with_interval 0
remember
start_hostile interval:1@check-in
ok "check-ins without a pause: there are some" checks_in_with_pauses
stop_hostile
ok "check-ins without a pause: nothing has changed" holds
ok "check-ins without a pause: the machine's word counts again" restart_with_interval 86400
attack "an interval that is none" interval:0@check-in "interval"
ok "with the right fetcher all is as it was" usual

# --- behaviour

# It is asked, and says nothing: what the owner wants of sutured does not wait for it.
while_silent() { # COMMAND…
	local began refresh status
	start_hostile silence
	on_machine refresh >"$world/silent" 2>&1 &
	refresh=$!
	heard asked || return
	began=$SECONDS
	"$@"
	status=$?
	wait $refresh
	stop_hostile
	cat "$world/silent"
	echo "status $status after $((SECONDS - began)) s"
	[ $status = 0 ] && [ $((SECONDS - began)) -lt 20 ]
}
remember
ok "silence: the owner is answered at once" while_silent on_machine hold
ok "silence: what waited is told so" grep "gave way to another request" "$world/silent"
ok "silence: the owner is answered again" while_silent on_machine unhold
ok "silence: sutured ends when it is told to" while_silent stop_agent
ok "silence: and starts again" start_agent
descriptors=$(count_descriptors) rss=$(of_agent VmRSS)
ok "silence: with the right fetcher all is as it was" usual
attack "a message each millisecond" flood "fetcher"
# Connections come and go faster than anybody could look at them.
remember
start_hostile storm
ok "a storm of connections: fails" fails_with 1 "" timeout 60 env SUTURE_ROOT="$machine" "$suture" refresh
stop_hostile
ok "a storm of connections: nothing has changed" holds
ok "a storm of connections: with the right fetcher all is as it was" usual

# --- a new version: files that are asked for only now, each attacked in turn

release() { tier=stable make_patch 1.2 && publish && publish_to_hostile; }
ok "a new version is released" release
load_as_usual() { fails_with 1 "not loaded" on_machine refresh; }
new_attack() { # NAME ATTACK TEXT [GRANT]; metadata on the way may be taken, if it is signed
	remember
	start_hostile "$2" ${4:+"$4"}
	ok "$1: fails" fails_with 1 "$3" timeout 30 env SUTURE_ROOT="$machine" "$suture" refresh
	stop_hostile
	trust=signed ok "$1: nothing has changed" holds
}
new_attack "garbage for a root" random@root.json "root.json"
new_attack "lists for a root" lists@root.json "root.json"
new_attack "objects for a root" objects@root.json "root.json"
new_attack "objects for a timestamp" objects@timestamp.json "timestamp.json"
new_attack "a changed snapshot" flipped@snapshot.json "snapshot.json"
new_attack "objects for a snapshot" objects@snapshot.json "snapshot.json"
new_attack "another tier's role" role:edge@stable.json "stable.json"
new_attack "a changed tier" flipped@stable.json "stable.json"
new_attack "objects for a tier" objects@stable.json "stable.json"
# Granted and listed, so the module is asked for, and what belongs to it.
new_attack "a changed module" flipped@.ko "sha256" 1.2
new_attack "half a module" cut@.ko "bytes" 1.2
new_attack "a changed record" flipped@_1_2.json "build record" 1.2
new_attack "objects for a record" objects@_1_2.json "build record" 1.2
new_attack "no record" not-found@_1_2.json "build record" 1.2
as_usual=load_as_usual
ok "the right fetcher comes, and the new version is tried" usual
# Signed once, and older than what was seen since.
trust=same
remember
start_hostile "files-of:$hostile/older@repository"
ok "older metadata: fails" fails_with 1 "timestamp.json" timeout 30 env SUTURE_ROOT="$machine" "$suture" refresh
stop_hostile
ok "older metadata: nothing has changed" holds
ok "older metadata: with the right fetcher all is as it was" usual
echo "# memory: $base_rss KiB after a check, at most $(of_agent VmHWM) KiB; descriptors: $descriptors, now $(count_descriptors)"
done_testing
