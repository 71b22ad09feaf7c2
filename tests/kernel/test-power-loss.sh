#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Power loss at any moment of enrolment, updates and disable. The machine's state is an ext4 below which
# dm-log-writes notes every write and every flush of the disk's cache. From its log power-loss.py makes
# what the disk can hold after each of them, and starts the machine's programs on it, on the host.
# SUTURE_FAULTS=all: 24 parts of what lies between two flushes, otherwise one.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/machine.sh"
HERE=$(dirname "$(realpath "$0")")
FIXES=$HERE/../../demo/fixes
PATH=$PATH:/usr/sbin:/sbin
prepare_kernel
DISK=$WORK/disk
MACHINE=
# Every state is a new file system, and synced: on a disk this would take minutes.
REPLAY=$(mktemp -d "$([ -w /dev/shm ] && echo /dev/shm || echo "$WORK")/suture-test-XXXXXX")
trap '[ -z "$SERVER" ] || kill $SERVER; rm -rf "$REPLAY"; clean_up' EXIT
STATE_MB=16 LOG_MB=112 # the first part of the disk is the file system, the rest is the log

# --- the maker's side

make_patches() {
	local version
	for version in 1.1 1.2; do
		suture-build patch --kernel "$RELEASE" --version $version -o "$WORK/$version.ko" --record "$WORK/$version.json" \
			"$FIXES"/0001* || return
	done
}
make_keys() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/module.key" -out "$WORK/module.crt" -days 30 \
		-subj "/CN=test modules" -addext keyUsage=digitalSignature -addext extendedKeyUsage=codeSigning \
		-addext subjectKeyIdentifier=hash &&
		suture-repo init "$WORK/repo" --keys "$WORK/keys" --tier $TIER
}
# Every file of metadata that a machine may ever trust is kept.
keep_signed() {
	mkdir -p "$WORK/signed/$1" && cp "$WORK"/server/repository/metadata/*.json "$WORK/signed/$1/"
}
publish() { suture-repo publish "$WORK/repo" --to "$WORK/server/repository" && keep_signed first; }
release() {
	suture-repo module sign --key "$WORK/module.key" --cert "$WORK/module.crt" "$WORK/$1.ko" && serve "$1" && keep_signed "$1"
}

# --- the machine's side

make_disk() {
	truncate -s ${STATE_MB}M "$WORK/made" &&
		mke2fs -q -t ext4 -b 4096 -N 256 -E lazy_itable_init=0,lazy_journal_init=0 "$WORK/made" &&
		cp "$WORK/made" "$DISK" && truncate -s $((STATE_MB + LOG_MB))M "$DISK"
}
# The file system as little helpful as it can be: what was not synced is not there.
boot() {
	start_machine power --load virtio_blk --load ext4 --load dm_mod --load dm_log_writes --disk "$DISK" \
		--program "$(command -v dmsetup):/sbin/dmsetup" && in_guest sh -ec "
		dmsetup create state --table '0 $((STATE_MB * 2048)) linear /dev/vda 0'
		dmsetup create log --table '0 $((LOG_MB * 2048)) linear /dev/vda $((STATE_MB * 2048))'
		dmsetup create power --table '0 $((STATE_MB * 2048)) log-writes /dev/dm-0 /dev/dm-1'
		mkdir -p /disk /etc/suture /var/lib/suture /var/cache/suture
		mount -t ext4 -o data=writeback,noauto_da_alloc /dev/dm-2 /disk
		mkdir /disk/suture /disk/cache && chmod 700 /disk/suture && sync
		mount -o bind /disk/suture /var/lib/suture && mount -o bind /disk/cache /var/cache/suture" && start_programs
}
# A mark is a place in the log: what was durable by then is before it.
mark() { in_guest dmsetup message power 0 mark "$1"; }
# marked WHAT COMMAND…: marks around a command, the second one as soon as it says that it is done.
marked() {
	mark "begin:$1" && in_guest sh -ec "${*:2}; dmsetup message power 0 mark done:$1"
}
# The server has heard of the machine so far.
heard() {
	[ -n "$MACHINE" ] || MACHINE=$(in_guest cat /var/lib/suture/journal.json | jq -r .machine_id)
	mark "heard:$(people GET "/v1/admin/machines/$MACHINE" "" | jq .sequence)"
}
enrol() { marked enable suture enable --trust /bundle.json --token-file /token && heard; }
# update VERSION: what is released may be applied at once, so the mark goes before it.
update() {
	mark "begin:$1" && release "$1" && marked "$1" suture refresh && heard &&
		status_is ".state == \"applied\" and .version == \"$1\""
}
disable() { marked disable suture disable --yes; }
# The log is whole when its device has gone.
close_log() {
	mark end && in_guest sh -ec 'kill $(pidof sutured) $(pidof suture-fetch)
		while pidof sutured suture-fetch >/dev/null; do usleep 50000; done
		umount /var/lib/suture; umount /var/cache/suture; umount /disk; dmsetup remove power; sync' && suture-lab stop "$GUEST"
}

# --- what a disk can hold

replay() {
	python3 "$HERE/power-loss.py" --log "$DISK" --offset $((STATE_MB << 20)) --made "$WORK/made" --work "$REPLAY/work" \
		--programs "$BUILD_ROOT/src" --record "$WORK/1.2.json" --signed "$WORK/signed" --machine "$MACHINE" \
		--modules "$WORK/server/repository/targets" --server "$PORT" --bundle "$WORK/bundle.json" --token "$WORK/token" \
		--take "${SUTURE_FAULTS:-sample}" >"$WORK/replay.out" 2>&1
}

check "two patches are built" make_patches
check "keys and a repository" make_keys
check "it is served, without a patch" publish
check "the server starts" start_server
TOKEN_USES=10000 check "a token and a bundle" make_token "$WORK/module.crt"
check "a disk" make_disk
check "a machine boots, and its disk is logged" boot
check "it enrols" enrol
check "1.1 is released and applied" update 1.1
check "the kernel is changed" kernel_says
check "1.2 is released, and takes its place" update 1.2
check "the machine is disabled" disable
check "the log is closed" close_log
replay
result $? "after a power loss at any moment, the machine's state is right"
note "$(cat "$WORK/replay.out")"
finish
