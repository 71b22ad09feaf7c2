#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A machine that ends while a patch is new: by a panic, by the power, in order; and a patch that has an
# oops. Its state is on a disk, and its memory in a file: what the kernel leaves there (ramoops) is found
# by the next boot, as on a machine that resets.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/machine.sh"
FIXES=$(dirname "$(realpath "$0")")/../../demo/fixes
prepare_kernel
SOURCE=$(suture-build kernel show "$RELEASE" --format json | jq -r .source)
MODULES=$(dirname "$KERNEL_BUILD")/root/lib/modules/$RELEASE/kernel
DISK=$WORK/disk MEMORY=$WORK/memory


# --- the maker's side

# 1.2 is 1.1 and an oops whenever a task named "trip" reads /proc/uptime.
make_patch oops fs/proc/uptime.c -e 's,ktime_get_boottime_ts64(&uptime);,&\n\tif (!strcmp(current->comm\, "trip"))\n\t\t*(volatile int *)(long)(current->comm[4] + 8) = 1;,' \
	-e 's,#include "internal.h",&\n#include <linux/sched.h>\n#include <linux/string.h>,'
make_patches() {
	(cd "$WORK" &&
		suture-build patch --kernel "$RELEASE" --version 1.1 -o 1.1.ko --record 1.1.json "$FIXES"/0001* &&
		suture-build patch --kernel "$RELEASE" --version 1.2 -o 1.2.ko --record 1.2.json "$FIXES"/0001* oops.patch)
}
make_keys() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/module.key" -out "$WORK/module.crt" -days 30 \
		-subj "/CN=test modules" -addext keyUsage=digitalSignature -addext extendedKeyUsage=codeSigning \
		-addext subjectKeyIdentifier=hash &&
		suture-repo init "$WORK/repo" --keys "$WORK/keys" --tier $TIER
}
release() {
	suture-repo module sign --key "$WORK/module.key" --cert "$WORK/module.crt" "$WORK/$1.ko" && serve "$1"
}

# --- the machine's side

fresh_disk() {
	rm -f "$DISK" "$MEMORY"
	truncate -s 15M "$DISK" && mke2fs -q -t ext4 "$DISK" && truncate -s 512M "$MEMORY"
}
# boot NAME: the machine with what its disk and its memory hold; its watch takes $WATCH seconds (1800).
boot() {
	start_machine "$1" --load virtio_blk --load ext4 --load reed_solomon --disk "$DISK" --memory-file "$MEMORY" \
		--append 'memmap=1M$0x10000000' --file "$(ramoops):/ramoops.ko" && in_guest sh -c '
		mkdir -p /disk /etc/suture /var/lib/suture /var/cache/suture && mount -t pstore pstore /sys/fs/pstore &&
		insmod /ramoops.ko mem_address=0x10000000 mem_size=0x100000 record_size=0x10000 max_reason=2 &&
		mount -t ext4 /dev/vda /disk && mkdir -p /disk/suture /disk/cache && chmod 700 /disk/suture &&
		mount -o bind /disk/suture /var/lib/suture && mount -o bind /disk/cache /var/cache/suture &&
		printf "retry-delay = 0\nwatch-time = %s\n" '"${WATCH:-1800}"' >/etc/suture/suture.conf' && start_programs
}
ramoops() {
	local file=$MODULES/fs/pstore/ramoops.ko
	if [ -e "$file.xz" ]; then xz -dc "$file.xz" >"$WORK/ramoops.ko" && file=$WORK/ramoops.ko; fi
	echo "$file"
}
ended() { # the guest is gone
	until ! in_guest true 2>/dev/null; do :; done
	suture-lab log "$GUEST" >"$WORK/console"
}
panic() { # the patch's watch goes on, and then the kernel panics
	in_guest timeout 20 sh -c 'echo c >/proc/sysrq-trigger' >/dev/null 2>&1
	ended
	grep -q "Kernel panic - not syncing: sysrq triggered crash" "$WORK/console"
}
cut_power() {
	kill -9 "$(cat "$(find "$WORK" -name qemu.pid -path "*/$GUEST/*")")" && ended
}
shut_down() {
	in_guest sh -c 'kill $(pidof sutured); while pidof sutured; do usleep 50000; done >/dev/null; sync' &&
		suture-lab stop "$GUEST"
}
watched_for() { # SECONDS: the watch has gone on for so long
	suture-lab exec --timeout $(($1 + 60)) "$GUEST" -- sh -c "until [ \$((\$(sed 's/[. ].*//' /proc/uptime) * 1000 - \$(sed -n 's/.*\"began_ms\": \([0-9]*\).*/\1/p' \
		/var/lib/suture/journal.json))) -ge $(($1 * 1000)) ]; do usleep 50000; done"
}
applied() { guest_until 'grep -q "patched by Suture" /proc/version'; }
in_history() { guest_until "suture history | grep -q '$1'"; }
never() { ! in_guest sh -c "suture history | grep '$1'"; }
enrol_anew() { # NAME
	fresh_disk && boot "$1" && in_guest suture enable --trust /bundle.json --token-file /token && in_guest suture refresh && applied
}
server_had() { # EVENT CODE
	local id
	id=$(in_guest cat /var/lib/suture/journal.json | jq -r .machine_id)
	people GET "/v1/admin/machines/$id" "" >"$WORK/machine.json"
	jq -e ".events | any(.event == \"$1\" and .code == \"$2\")" "$WORK/machine.json"
}
all_sent() { guest_until '! grep -q "\"sent\": false" /var/lib/suture/journal.json'; }

check "two patches are built" make_patches
check "keys and a repository" make_keys
check "1.1 is released" release 1.1
check "the server starts" start_server
check "a token and a bundle" make_token "$WORK/module.crt"

# Every time costs boots and itself: CRASH_SECONDS and POWER_SECONDS name others.
for seconds in ${CRASH_SECONDS:-1 9}; do
	check "a machine is patched" enrol_anew panic-$seconds
	check "the watch goes on for $seconds s" watched_for $seconds
	check "its kernel panics" panic
	check "it boots" boot panic-$seconds-again
	check "pstore has the record" in_guest sh -c 'grep -q "^Panic#" /sys/fs/pstore/dmesg-ramoops-*'
	check "quarantined at once" guest_until 'suture status --format json | grep -q quarantined'
	check "history says why" in_history "sysrq triggered crash"
	check "as a crash" in_history " crashed "
	check "not as a power cut" never " interrupted "
	check "it is not tried again" in_guest suture refresh
	check "the kernel is as shipped" kernel_is_silent
	check "the server was told" all_sent
	check "the server knows: crashed" server_had crashed crashed
	suture-lab stop "$GUEST"
done
check "retry: another boot" boot retry
check "retry: the record that is still there is known by then" in_guest suture retry 1.1
check "retry: it is applied" guest_until 'suture refresh >/dev/null; grep -q "patched by Suture" /proc/version'
check "retry: a clean reboot" shut_down
check "retry: it boots" boot retry-again
check "retry: it is applied from the disk" applied
check "retry: nothing is held against it" fails in_guest sh -c 'suture status | grep -E "quarantined|went down"'
suture-lab stop "$GUEST"

for seconds in ${POWER_SECONDS:-1}; do
	check "a machine is patched" enrol_anew power-$seconds-1
	check "the watch goes on for $seconds s" watched_for $seconds
	check "its power is cut" cut_power
	check "it boots" boot power-$seconds-2
	check "it was interrupted" in_history " interrupted "
	check "no crash is seen in it" never " crashed "
	check "it is tried once more" applied
	check "the server was told" all_sent
	check "the server knows: interrupted" server_had interrupted interrupted
	check "its power is cut again" cut_power
	check "it boots" boot power-$seconds-3
	check "quarantined" guest_until 'suture status --format json | grep -q "went down twice"'
	check "the kernel is as shipped" kernel_is_silent
	check "the server was told" all_sent
	check "the server knows: quarantined" server_had quarantined quarantined
	suture-lab stop "$GUEST"
done

check "a machine is patched" enrol_anew clean-1
check "it shuts down in order" shut_down
check "it boots" boot clean-2
check "it is patched from the disk" applied
check "the watch goes on with what remains" in_guest sh -c 'grep -q "\"carried_ms\": [1-9]" /var/lib/suture/journal.json'
check "nothing is held against the patch" never " interrupted "
check "its power is cut" cut_power
WATCH=1 check "it boots, with a watch of 1 s" boot clean-3
check "it is tried once more, and survives" in_history " survived "
check "its power is cut when the watch is over" cut_power
check "it boots" boot clean-4
check "it is patched from the disk" applied
check "that was not held against it" in_guest sh -c '[ $(suture history | grep -c " interrupted ") = 1 ]'
suture-lab stop "$GUEST"

check "1.2 is released" release 1.2
check "a machine is patched" enrol_anew oops
check "status: 1.2" status_is '.version == "1.2" and .watch.left > 0'
check "a task has an oops in the patch" in_guest sh -c 'sh -c "printf trip >/proc/self/comm; read x </proc/uptime"; dmesg | grep -q "Oops:"'
check "it is written down" in_history " crashed "
check "the patch is taken out" guest_until '! ls /sys/kernel/livepatch | grep -q suture_'
check "quarantined" guest_until 'suture status --format json | grep -q quarantined'
check "history names the place" in_history "uptime_proc_show \[suture_"
check "the server was told" all_sent
check "the server knows: crashed" server_had crashed crashed
check "it is not tried again" in_guest suture refresh
check "the kernel is as shipped" kernel_is_silent
check "uptime works" in_guest sh -c 'sh -c "printf trip >/proc/self/comm; cat /proc/uptime"'
finish
