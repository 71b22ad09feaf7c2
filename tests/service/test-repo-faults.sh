#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# test-repo-faults.sh PROGRAM: every command that changes the publisher's folder, ended with SIGKILL at
# its writes, or with a full disk there, and what is found afterwards. A fixed sample of the places; all
# of them with SUTURE_FAULTS=all.
repo=$(realpath "$1")
. "$(dirname "$0")/repo-lib.sh"
step=4
[ "${SUTURE_FAULTS:-}" != all ] || step=1
calls="write fsync rename renameat renameat2 unlink unlinkat"

# count COMMAND...: how often it makes each of the system calls, as "CALL N" lines.
count() {
	strace -f -qq -o trace -e trace=${calls// /,} "$@" >out 2>err || return 1
	sed -n 's/^[0-9]* *\([a-z0-9]*\)(.*/\1/p' trace | sort | uniq -c | awk '{print $2, $1}'
}

# The state from which each try starts, and what a client must find in it.
save() { rm -rf start && mkdir start && cp -a r keys start/; }
restore() { rm -rf c && cp -a start c; }

# What is there is whole, for a client and for the next command; and the command then works.
continues() { # COMMAND...
	"$repo" verify c/r --root first-root.json || {
		# A new root may have come before what its keys sign: the next command writes that.
		"$repo" sign c/r --keys c/keys && "$repo" verify c/r --root first-root.json || return 1
	}
	"$@" || already_done || return 1
	"$repo" verify c/r --root first-root.json
}

# The command that was ended had come to its end but for its last words.
already_done() { grep -qE "already|nothing waits|a change waits" err; }

# survives NAME HOW COMMAND...: HOW is "signal=KILL" or "error=ENOSPC".
survives() {
	local name=$1 how=$2 call times at places=0 bad="" turn=0
	shift 2
	restore
	count "$@" >counts || bad="it does not work at all"
	while read -r call times; do
		for ((at = 1 + turn % step; at <= times && ${#bad} == 0; at += step)); do
			restore
			strace -f -qq -o /dev/null -e inject="$call:$how:when=$at" "$@" >out 2>err
			places=$((places + 1))
			continues "$@" >out 2>err || bad="$call $at"
		done
		turn=$((turn + 1))
	done <counts 2>/dev/null
	[ -z "$bad" ] && [ $places -gt 0 ] && : >err
	[ -z "$bad" ] || echo "at $bad" >>err
	[ -z "$bad" ] && [ $places -gt 0 ]
	report $? "$name ($how, $places places)"
}

# An init that was ended is taken back by the next one, with the keys that it made, and no others.
init_survives() {
	local call times at places=0 bad=""
	rm -rf c && mkdir c && count "$repo" init c/r --keys c/keys >counts || bad="it does not work at all"
	while read -r call times; do
		for ((at = 1; at <= times && ${#bad} == 0; at += 3 * step)); do
			rm -rf c && mkdir -p c/keys && echo other >c/keys/other.pem.txt
			strace -f -qq -o /dev/null -e inject="$call:signal=KILL:when=$at" "$repo" init c/r --keys c/keys >out 2>err
			places=$((places + 1))
			if [ -e c/r/suture-repo.json ] && [ ! -e c/r/unfinished ]; then
				"$repo" verify c/r
			else
				"$repo" init c/r --keys c/keys && "$repo" sign c/r && "$repo" verify c/r &&
					[ -e c/keys/other.pem.txt ]
			fi >out 2>err || bad="$call $at"
		done
	done <counts 2>/dev/null
	[ -z "$bad" ] || echo "at $bad" >>err
	[ -z "$bad" ] && [ $places -gt 0 ]
	report $? "init (signal=KILL, $places places)"
}
init_survives

works "init" "$repo" init r --keys keys --threshold stable=2
cp r/repository/metadata/1.root.json first-root.json
"$repo" key generate -o keys/module.pem --cert keys/module.crt --bits 2048 >/dev/null
signed 1.1 && "$repo" add r m-1.1.ko --record m-1.1.json >/dev/null
signed 1.2
save
survives "add" signal=KILL "$repo" add c/r m-1.2.ko --record m-1.2.json --keys c/keys
survives "add" error=ENOSPC "$repo" add c/r m-1.2.ko --record m-1.2.json --keys c/keys
survives "promote" signal=KILL "$repo" promote c/r 1.1 --to beta --keys c/keys
survives "recall" signal=KILL "$repo" recall c/r 1.1 --reason x --keys c/keys
survives "refresh" signal=KILL "$repo" refresh c/r
survives "refresh" error=ENOSPC "$repo" refresh c/r
survives "config" signal=KILL "$repo" config c/r keep=5
for role in timestamp targets root stable; do
	survives "rotate $role" signal=KILL "$repo" rotate c/r $role --keys c/keys
done
survives "rotate root" error=ENOSPC "$repo" rotate c/r root --keys c/keys

# Changes that wait.
mkdir apart && mv keys/stable.pem apart/
save
survives "promote --pending" signal=KILL "$repo" promote c/r 1.1 --to stable --from edge --pending --keys c/keys
"$repo" promote r 1.1 --to stable --from edge --pending >/dev/null
"$repo" sign r --detached --keys apart -o apart.sig >/dev/null
save
survives_merge() { # what is published is the old state or the new one, and the merge can be ended
	local call times at places=0 bad=""
	restore
	count "$repo" sign c/r --merge apart.sig >counts || bad="it does not work at all"
	while read -r call times; do
		for ((at = 1; at <= times && ${#bad} == 0; at += (step + 1) / 2)); do
			restore
			strace -f -qq -o /dev/null -e inject="$call:signal=KILL:when=$at" "$repo" sign c/r --merge apart.sig >out 2>err
			places=$((places + 1))
			{ "$repo" verify c/r --root first-root.json && { "$repo" sign c/r --merge apart.sig || already_done; } &&
				"$repo" verify c/r --root first-root.json && grep -q '"1.1"' c/r/repository/metadata/2.stable.json &&
				"$repo" refresh c/r && test ! -e c/r/pending/2.stable.json; } >out 2>err || bad="$call $at"
		done
	done <counts 2>/dev/null
	[ -z "$bad" ] || echo "at $bad" >>err
	[ -z "$bad" ] && [ $places -gt 0 ]
	report $? "sign --merge (signal=KILL, $places places)"
}
survives_merge
echo "1..$n"
