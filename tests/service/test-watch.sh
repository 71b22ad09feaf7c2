#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What sutured holds against a patch that is new on its kernel: at start after each kind of end, and from
# the kernel's log. The kernel is a tree of files, and its log a pipe; the server is the real one.
build=$1
# Only root can give sutured a time since boot of its own.
[ "$(id -u)" = 0 ] || exec sudo -n bash "$0" "$@"
. "$(dirname "$0")/agent-world.sh" || exit 1

journal=$machine/var/lib/suture/journal.json
module=suture_$(tr -c 'A-Za-z0-9\n' _ <<<"${release}_1.1")
set_up() {
	make_kernel && make_certificate && make_repository && make_patch 1.1 && mkdir -p "$world/server" &&
		publish && start_server && log_in && make_token && make_bundle
}
# started_at SECONDS: as long after boot sutured seems to start from now on, however long this machine is up.
started_at() { echo "$1" >"$world/since-boot"; }
started_at 1000
cat >"$world/sutured" <<END
#!/bin/sh
exec unshare --time --boottime \$((\$(cat "$world/since-boot") - \$(cut -d. -f1 /proc/uptime))) "$sutured"
END
chmod +x "$world/sutured"
sutured=$world/sutured
set_conf() { # KEY [VALUE]
	sed -i "/^$1 /d" "$machine/etc/suture/suture.conf" && { [ -z "${2:-}" ] || echo "$1 = $2" >>"$machine/etc/suture/suture.conf"; }
}
enrol() { on_machine enable --trust "$world/bundle.json" --token-file "$world/token"; }
# Enrolled, with 1.1 accepted and watched in an earlier boot; what comes of the start is in the journal.
make_base() {
	stop_agent && jq --arg kernel "$release" --arg id "$build_id" --arg name "$module" '.accepted = {version: "1.1",
		kernel: $kernel, build_id: $id, "module": $name, sha256: ("0" * 64), length: 1, published: "2026-01-01T00:00:00Z"}
		| .watch = {version: "1.1", kernel: $kernel, boot_id: "00000000-0000-4000-8000-000000000000", began_ms: 1000,
			carried_ms: 0, since: "2026-01-01T00:00:00Z", stopped: false, crashed: false}
		| .evidence = {time: "2026-01-01T00:00:00Z", known: []} | .survived = [] | .quarantine = [] | .interrupted = null
		| .error = null | .step = null | .state = "applied" | .history = []' "$journal" >"$world/base.json"
}
# starts_with JQ: a start with that change of the base.
starts_with() {
	jq --argjson n "$(jq .sequence "$journal")" "$1 | .sequence = \$n" "$world/base.json" >"$world/changed.json" && test -s "$world/changed.json" && cp "$world/changed.json" "$journal" && start_agent
}
journal_is() { changes_until "$(dirname "$journal")" jq -e "$1" "$journal"; }
had() { journal_is ".history | any(.event == \"$1\" and .version == \"1.1\" and (.code // \"\") == \"$2\")"; }
had_not() { ! jq -e ".history | any(.event == \"$1\")" "$journal"; }
server_had() { # EVENT CODE
	local id
	id=$(jq -r .machine_id "$journal")
	people_call GET "/v1/admin/machines/$id" "" | jq -e ".events | any(.event == \"$1\" and .version == \"1.1\" and (.code // \"\") == \"$2\")"
}
told() { # EVENT CODE: a check-in brings it to the server, whatever else comes of that
	on_machine refresh
	server_had "$@"
}
record() { # NAME LINE…
	mkdir -p "$machine/sys/fs/pstore" && printf '%s\n' "${@:2}" >"$machine/sys/fs/pstore/$1"
}
forget_records() { rm -rf "$machine/sys/fs/pstore" "$machine/var/lib/systemd"; }

ok "a repository with one patch, and a server" set_up
printf 'retry-delay = 86400\n' >>"$machine/etc/suture/suture.conf"
ok "sutured starts" start_agent
ok "suture-fetch starts" start_fetch
ok "it enrols" enrol
ok "it is stopped, with a watch open" make_base

# --- each class, at the next start

ok "after a shutdown" starts_with '.watch.stopped = true | .watch.carried_ms = 5000'
ok "nothing is held against the patch, and its watch waits for it" journal_is '.watch.boot_id == null and .watch.carried_ms == 5000
	and .interrupted == null and .quarantine == [] and .watch.stopped == false'
ok "nothing of the kind is in the history" had_not interrupted
stop_agent

ok "after the power went" starts_with .
ok "it is to be tried again" journal_is '.interrupted.version == "1.1" and .watch == null and .quarantine == [] and .accepted != null'
ok "written down as such" had interrupted interrupted
ok "the server knows: interrupted" told interrupted interrupted
ok "status: exit status 6, and why" fails_with 6 "went down while patch 1.1 was watched" on_machine status
ok "history says it in words" fails_with 0 "nothing tells why" on_machine history
stop_agent

ok "after the power went a second time" starts_with '.interrupted = (.watch | {version, kernel, time: .since})'
ok "quarantined" journal_is '.state == "quarantined" and .interrupted == null and .accepted == null and .watch == null and
	(.quarantine | length == 1 and .[0].code == "quarantined")'
ok "not as a crash" had_not crashed
ok "the server knows: quarantined" told quarantined quarantined
stop_agent

record dmesg-ramoops-0 "Panic#1 Part1" "<0>[   60.1] Kernel panic - not syncing: Fatal exception"
ok "after a panic" starts_with .
ok "quarantined at once" journal_is '.state == "quarantined" and .accepted == null and (.quarantine | length == 1 and .[0].code == "crashed")'
ok "written down as such" had crashed crashed
ok "not as an end that nothing explains" had_not interrupted
ok "the server knows: crashed" told crashed crashed
ok "status says what the kernel said" fails_with 6 "not syncing: Fatal exception (pstore)" on_machine status
ok "it is not tried again" fails_with 0 "failed" on_machine refresh
ok "retry: of a version that nothing keeps back" fails_with 1 "nothing keeps version 1.2 back" on_machine retry 1.2
ok "retry: of no version" fails_with 2 "MAJOR.MINOR" on_machine retry x
ok "retry" on_machine retry 1.1
ok "it is out of quarantine" journal_is '.quarantine == [] and (.history | any(.event == "retry" and .version == "1.1"))'
ok "and tried" journal_is '.history | any(.event == "applying" or .event == "failed" or .event == "refused")'
ok "retry: once is enough" fails_with 1 "nothing keeps version 1.1 back" on_machine retry 1.1
stop_agent

ok "after a panic in a shutdown" starts_with '.watch.stopped = true'
ok "quarantined all the same" journal_is '.state == "quarantined" and .quarantine[0].code == "crashed"'
stop_agent
ok "after a shutdown, with a record that was known before" starts_with ".watch.stopped = true | .evidence.known = [\"$(
	sha256sum "$machine/sys/fs/pstore/dmesg-ramoops-0" | cut -c1-16)\"]"
ok "that is no evidence" journal_is '.watch.boot_id == null and .quarantine == []'
stop_agent
forget_records
record dmesg-ramoops-0 "Shutdown#1 Part1" "<0>[   60.1] Kernel panic - not syncing: said in a shutdown"
ok "after a shutdown that left a record" starts_with '.watch.stopped = true'
ok "that is no evidence" journal_is '.watch.boot_id == null and .quarantine == []'
stop_agent
forget_records
mkdir -p "$machine/var/lib/systemd/pstore/1700000000"
printf 'Oops#1 Part1\n<4>[   60.1] Oops: 0002 [#1]\n' >"$machine/var/lib/systemd/pstore/1700000000/dmesg.txt"
ok "after an oops and no shutdown, archived by systemd-pstore" starts_with .
ok "quarantined at once" journal_is '.state == "quarantined" and .quarantine[0].code == "crashed"'
stop_agent
ok "after an oops and a shutdown" starts_with '.watch.stopped = true'
ok "nothing is held against the patch" journal_is '.watch.boot_id == null and .quarantine == []'
stop_agent
forget_records
ok "after an oops in the patch that the log told of, and no shutdown" starts_with '.watch.crashed = true'
ok "quarantined at once" journal_is '.state == "quarantined" and .quarantine[0].code == "crashed"'
stop_agent

# --- what is not in the kernel, and nothing holds back

set_conf check-interval 86400
set_conf retry-delay 1010
refused_times() { journal_is "[.history[] | select(.event == \"refused\" and .version == \"1.1\")] | length >= $1"; }
ok "after the power went, the next check-in is a day away" starts_with .
ok "it is to be tried again" had interrupted interrupted
ok "which is done when the delay is over" refused_times 1
stop_agent
set_conf retry-delay 86400
set_conf check-interval
stop_fetch
ok "without a network, a patch that cannot be loaded at boot" starts_with '.watch = null'
ok "is tried again from the disk" refused_times 2
stop_agent
start_fetch

# --- the kernel's log

live=$machine/sys/kernel/livepatch/$module
boot=$(cat "$machine/proc/sys/kernel/random/boot_id")
in_kernel() {
	mkdir -p "$live/vmlinux/cmdline_proc_show,1" && echo 1 >"$live/enabled" && echo 0 >"$live/transition"
}
mkdir -p "$machine/dev"
mkfifo "$machine/dev/kmsg"
exec 9<>"$machine/dev/kmsg"
sequence=100
kernel_says() { # LEVEL TEXT…
	local text
	for text in "${@:2}"; do
		printf '%s,%s,5000,-;%s\n' "$1" $((sequence += 1)) "$text" >&9
	done
}
this_boot=".watch.boot_id = \"$boot\" | .watch.began_ms = $(python3 -c 'import time; print(int(time.monotonic() * 1000))')"
in_kernel
ok "the patch is in the kernel, and its watch goes on" starts_with "$this_boot"
ok "status: applied" changes_until "$machine/run/suture" jq -e '.version == "1.1" and .watch.left > 0' "$machine/run/suture/status.json"
kernel_says 4 "Oops: 0002 [#1] PREEMPT SMP" "RIP: 0010:other+0x1/0x20" "Call Trace:" " ? f+0x1/0x2 [$module]" \
	"Modules linked in: $module(OEK)" "---[ end trace 0000000000000000 ]---"
ok "an oops somewhere else is an event" journal_is '.history | any(.event == "oops" and .version == null and (.message | contains("in other")))'
kernel_says 4 "------------[ cut here ]------------" "WARNING: CPU: 0 PID: 1 at f.c:1 f+0x1/0x2 [$module]" "RIP: 0010:f+0x1/0x2 [$module]" \
	"---[ end trace 0000000000000000 ]---"
ok "a warning in the patch is one, too" had warned ""
ok "neither takes it out" jq -e '.accepted != null and .quarantine == []' "$journal"
ok "the server knows" told warned ""
# Not the kernel's words, though they are in its log.
kernel_says 12 "Oops: 0002 [#1] PREEMPT SMP" "RIP: 0010:f+0x1/0x2 [$module]" "---[ end trace 0000000000000000 ]---"
flood() {
	local lines
	lines=$(for ((i = 0; i < 500; i++)); do printf '6,%s,5000,-;x: segfault at 0 ip 0 sp 0 error 4 in x\n' $((sequence + i)); done)
	for ((i = 0; i < 20; i++)); do printf '%s\n' "$lines" >&9; done
	sequence=$((sequence + 500))
}
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$agent_pid/stat"; }
before=$(cpu_ticks)
ok "10000 lines that tell nothing" flood
# Behind it all comes one of the old code: what was before has been dealt with when that is written down.
kernel_says 4 "BUG: unable to handle page fault for address: ffffc900deadbeef" "Oops: 0002 [#2] PREEMPT SMP" \
	"RIP: 0010:cmdline_proc_show+0x1/0x20" "---[ end trace 0000000000000000 ]---"
ok "an oops in the old code of a function that it replaces is an event" journal_is '.history | any(.event == "oops" and
	.version == null and (.message | contains("for address: ..., in cmdline_proc_show")))'
ok "what is not the kernel's word, and the old code, hold nothing against the patch" jq -e \
	'.quarantine == [] and .accepted != null and .step == null and .error == null' "$journal"
ok "it is still in the kernel" grep -q 1 "$live/enabled"
# The kernel, when it is told to take the patch out.
kernel_takes_it_out() {
	until changes_until "$live" grep -q 0 "$live/enabled"; do kill -0 "$agent_pid" || return; done
	cp "$journal" "$world/at-unload.json" && rm -r "$live"
}
kernel_takes_it_out &
taker=$!
kernel_says 4 "BUG: kernel NULL pointer dereference, address: 0000000000000008" "Oops: 0002 [#3] PREEMPT SMP" \
	"RIP: 0010:cmdline_proc_show+0x1/0x20 [$module]" "---[ end trace 0000000000000000 ]---"
ok "an oops in the patch" had crashed crashed
ok "has it taken out of the kernel" wait $taker
ok "after it was written down" jq -e '.quarantine[0].code == "crashed" and (.history | any(.event == "crashed"))' "$world/at-unload.json"
ok "quarantined" journal_is '.state == "quarantined" and .accepted == null and .step == null and .watch == null and .error.code == "crashed"'
ok "the flood cost less than a second" test $(($(cpu_ticks) - before)) -lt "$(getconf CLK_TCK)"
ok "the server knows: crashed" told crashed crashed
stop_agent

# sutured has written down that it has to go, and ended.
quarantined=".quarantine = [{version: \"1.1\", kernel: \"$release\", time: \"2026-01-01T00:00:00Z\", code: \"crashed\", message: \"oops\"}]"
in_kernel
kernel_takes_it_out &
taker=$!
ok "a start with a quarantined patch in the kernel" starts_with "$this_boot | $quarantined"
ok "has it taken out" wait $taker
ok "quarantined, with no patch" journal_is '.state == "quarantined" and .accepted == null and .step == null'
stop_agent

# It did not go at once, so a refresh tries again.
printf 'transition-timeout = 5\n' >>"$machine/etc/suture/suture.conf"
in_kernel
ok "a start with one that does not go in time" starts_with "$this_boot | $quarantined"
ok "is a failure" journal_is '(.state == "failed" or .state == "quarantined") and .error.code == "stuck" and .accepted != null'
kernel_takes_it_out &
taker=$!
ok "a refresh" on_machine refresh
ok "has it taken out, too" wait $taker
ok "quarantined, with no patch by then" journal_is '.state == "quarantined" and .accepted == null and .step == null'
stop_agent
sed -i '/^transition-timeout/d' "$machine/etc/suture/suture.conf"

in_kernel
ok "a version above one that failed" starts_with "$this_boot | $quarantined | .accepted.version = \"1.2\" | .watch.version = \"1.2\""
ok "is not rolled back to that" fails_with 1 "version 1.1 failed on this machine before" on_machine rollback 1.1
ok "nor taken out" jq -e '.accepted.version == "1.2" and .step == null' "$journal"
stop_agent

# An oops while it is taken out, and the end of sutured amid that.
in_kernel
ok "a patch that does not go" starts_with "$this_boot"
ok "status: applied" changes_until "$machine/run/suture" jq -e '.version == "1.1" and .watch.left > 0' "$machine/run/suture/status.json"
on_machine rollback >"$world/rollback" 2>&1 &
rollback=$!
ok "it is to go" changes_until "$live" grep -q 0 "$live/enabled"
kernel_says 4 "divide error: 0000 [#1] PREEMPT SMP" "RIP: 0010:f+0x1/0x20 [$module]" "---[ end trace 0000000000000000 ]---"
ok "as it is told to end" stop_agent
wait $rollback
ok "the oops that nobody had looked at yet is written down" jq -e '.step.action == "unload" and .quarantine[0].code == "crashed" and
	(.history | any(.event == "crashed" and (.message | contains("divide error"))))' "$journal"

in_kernel
printf 'on-oops = report\n' >>"$machine/etc/suture/suture.conf"
ok "a machine that only reports" starts_with "$this_boot"
kernel_says 4 "Oops: 0002 [#1] PREEMPT SMP" "RIP: 0010:f+0x1/0x20 [$module]" "---[ end trace 0000000000000000 ]---"
ok "an oops in the patch is written down" journal_is '.watch.crashed and (.history | any(.event == "crashed" and .code == "crashed"))'
ok "the patch stays" jq -e '.accepted != null and .quarantine == [] and .step == null' "$journal"
ok "it can be asked" on_machine refresh
ok "what happened is said as long as the patch is in the kernel" jq -e '.error.code == "crashed" and .accepted != null' "$journal"
ok "as it is told to end" stop_agent
ok "it notes that, and how far it has read" jq -e ".watch.stopped and .watch.crashed and .log.next == $((sequence + 1)) and .log.boot_id == \"$boot\"" "$journal"
sed -i '/^on-oops/d' "$machine/etc/suture/suture.conf"

# Two hours of sleep: to sutured as much more time since boot, in which nothing ran.
is_watched() { changes_until "$machine/run/suture" jq -e '.version == "1.1" and .watch.left > 1700' "$machine/run/suture/status.json"; }
ok "a watch" starts_with "$this_boot | .watch.began_ms = $(python3 -c 'import time; print(int(time.monotonic() * 1000))')"
ok "runs" is_watched
stop_agent
rm "$machine/run/suture/status.json"
started_at 8200
ok "the machine has slept" start_agent
ok "the time of that does not count" is_watched
stop_agent
started_at 1000

# The watch's own end.
printf 'watch-time = 1\n' >>"$machine/etc/suture/suture.conf"
ok "a short watch" starts_with "$this_boot"
ok "ends, and the version has survived" journal_is '.watch == null and .survived == [{version: "1.1", kernel: .accepted.kernel}] and
	(.history | any(.event == "survived"))'
ok "status: no watch" changes_until "$machine/run/suture" jq -e '.version == "1.1" and .watch == null' "$machine/run/suture/status.json"
stop_agent
done_testing
