#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What stands in the way of a patch on a stock kernel, and who: a function that somebody else redirects, a
# task that never leaves one. `suture check`, `suture blocking`, and what sutured itself says.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/machine.sh"
HERE=$(dirname "$(realpath "$0")")
prepare_kernel
SOURCE=$(suture-build kernel show "$RELEASE" --format json | jq -r .source)

# --- the maker's side

make_patch clone kernel/fork.c -e '/^pid_t kernel_clone/,/^}/s/wake_up_new_task(p);/&\n\tcond_resched();/'
make_release() {
	(cd "$WORK" &&
		suture-build patch --kernel "$RELEASE" --version 1.1 -o 1.1.ko --record 1.1.json clone.patch &&
		openssl req -x509 -newkey rsa:2048 -nodes -keyout module.key -out module.crt -days 30 \
			-subj "/CN=test modules" -addext keyUsage=digitalSignature -addext extendedKeyUsage=codeSigning \
			-addext subjectKeyIdentifier=hash &&
		suture-repo init repo --keys keys --tier $TIER &&
		suture-repo module sign --key module.key --cert module.crt 1.1.ko && serve 1.1)
}
build_module "$HERE/modules/hook.c" || give_up "the test's module does not build"
gcc -O2 -static -o "$WORK/vforks" "$HERE/programs/vforks.c" || give_up "the test's program does not build"
check "a patch of kernel_clone is released" make_release
check "the server starts" start_server
check "a token and a bundle" make_token "$WORK/module.crt"

# --- the machine's side

# found ITEM RESULT TEXT: `suture check` has that line.
found() {
	in_guest suture check --format json >"$WORK/check.json"
	cat "$WORK/check.json"
	jq -e --arg item "$1" --arg result "$2" --arg text "$3" \
		'any(.requirement == $item and .result == $result and (.finding | contains($text)))' "$WORK/check.json"
}
# blocking_is JQ-EXPRESSION: so it is while the transition runs.
blocking_is() {
	in_guest suture blocking --format json >"$WORK/blocking.json"
	cat "$WORK/blocking.json"
	jq -e "$1" "$WORK/blocking.json"
}
check "a machine boots" start_machine one --file "$WORK/vforks:/vforks" --file "$WORK/hook.ko:/hook.ko"
check "its programs start" start_programs
check "somebody else redirects the function" in_guest insmod /hook.ko
check "it enrols" in_guest suture enable --trust /bundle.json --token-file /token
check "no transition is running" says "no transition is running" in_guest suture blocking
check "the patch is refused for it" refuses "kernel_clone of vmlinux is redirected" in_guest suture refresh
check "before the kernel has refused it" fails in_guest sh -c 'dmesg | grep -i livepatch'
check "check tells who has tainted the kernel" found taints warning ": hook"
check "the other one goes" in_guest rmmod hook

# It is started anew below and would try the patch by itself before the task is there.
check "sutured holds still" in_guest suture hold
check "twenty seconds are all that a transition may take" in_guest sh -c 'mkdir -p /etc/suture
	echo "transition-timeout = 20" >/etc/suture/suture.conf; kill $(pidof sutured)'
check "sutured starts again" suture-lab exec --background "$GUEST" -- sh -c 'exec sutured >>/sutured.log 2>&1'
check "its socket is there" guest_until 'suture hold 2>/dev/null'
check "a task sleeps in the function" suture-lab exec --background "$GUEST" -- /vforks
check "there it is" guest_until 'grep -q kernel_clone /proc/$(pidof vforks | cut -d" " -f1)/stack ||
	grep -q kernel_clone /proc/$(pidof vforks | cut -d" " -f2)/stack'
check "sutured goes on" in_guest suture unhold
check "a refresh begins" suture-lab exec --background "$GUEST" -- sh -c 'suture refresh >/refresh.out 2>&1; echo $? >/refresh.status'
check "blocking names task and function" guest_until \
	'suture blocking --format json | tr -d "\n" | grep -q "\"name\": \"vforks\".*\"name\": \"kernel_clone\""'
check "with its stack, where the transition goes, and since when" blocking_is '.target == 1 and .changed < .tasks
	and .unreadable == 0 and (.seconds | type == "number") and .signalled == false
	and (.blocking[0] | .state == "D" and (.stack | any(startswith("kernel_clone+"))))'
check "as a table too" says "vforks.*kernel_clone" in_guest suture blocking
check "the status counts" guest_until 'suture status | grep -q "transition:.*into the patch.* tasks have changed"'
check "check says that it runs" found transition warning "changing over"
check "the time ends" guest_until '[ -e /refresh.status ]'
check "the failure says who" says "it waited for vforks (pid [0-9]*) in kernel_clone" in_guest cat /refresh.out
check "and so does the history" says "vforks" in_guest suture history
check "and the server" server_knows '.machines[0].error.message | contains("vforks")'
check "status: failed, and the kernel as shipped" status_is '.state == "failed" and .version == null and .error.code == "stuck"'
check "nothing is left of it" fails in_guest sh -c 'lsmod | grep suture_'
check "no transition is running then" blocking_is '.livepatch == null and .blocking == []'
check "the task ends" in_guest sh -c 'kill -9 $(pidof vforks)'
check "then the patch goes in" in_guest suture refresh
check "status: applied" status_is '.state == "applied" and .version == "1.1"'

check "nothing stands in its way" in_guest suture check
check "the livepatch's own use of ftrace is no other's" found "ftrace users" pass "none of the patch"
# At the first instruction behind the entry, wherever that is; by address, since the livepatch has a function
# of that name too.
check "a probe in the patched function" in_guest sh -c 'entry=$(awk "\$3 == \"kernel_clone\" && NF == 3 { print \$1 }" /proc/kallsyms)
	for at in $(seq 5 20); do
		printf "p:there 0x%x\n" $((0x$entry + at)) >/sys/kernel/tracing/kprobe_events && break
	done 2>/dev/null
	cat /sys/kernel/tracing/kprobe_events; echo 1 >/sys/kernel/tracing/events/kprobes/there/enable'
check "is told of" found kprobes warning kernel_clone
check "no warning in the kernel log" fails in_guest sh -c 'dmesg | grep -E "WARNING:|BUG:|Oops"'
finish
