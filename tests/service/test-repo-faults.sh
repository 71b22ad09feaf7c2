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

# What is there is whole, for a client and for the next command; and the command then works, or says
# that it had come to its end but for its last words.
continues() { # COMPLETE COMMAND...
	local complete=$1
	shift
	"$repo" verify c/r --root first-root.json || {
		# A new root may have come before what its keys sign: the next command writes that.
		"$repo" sign c/r --keys c/keys && "$repo" verify c/r --root first-root.json || return 1
	}
	"$@" || grep -qE "$complete" err || return 1
	"$repo" verify c/r --root first-root.json
}

# survives NAME HOW COMPLETE COMMAND...: HOW is "signal=KILL" or "error=ENOSPC"; COMPLETE is what the
# command says when there is nothing left to do, or "never".
survives() {
	local name=$1 how=$2 complete=$3 call times at places=0 bad="" turn=0
	shift 3
	restore
	count "$@" >counts || bad="it does not work at all"
	while read -r call times; do
		for ((at = 1 + turn % step; at <= times && ${#bad} == 0; at += step)); do
			restore
			strace -f -qq -o /dev/null -e inject="$call:$how:when=$at" "$@" >out 2>err
			places=$((places + 1))
			continues "$complete" "$@" >out 2>err || bad="$call $at"
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
				{ "$repo" init c/r --keys c/keys || grep -q "whose init came to its end" err; } &&
					[ ! -e c/r/unfinished ] && "$repo" sign c/r && "$repo" verify c/r &&
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
survives "add" signal=KILL "lists 1.2 for .* already" "$repo" add c/r m-1.2.ko --record m-1.2.json --keys c/keys
survives "add" error=ENOSPC "lists 1.2 for .* already" "$repo" add c/r m-1.2.ko --record m-1.2.json --keys c/keys
survives "promote" signal=KILL "lists 1.1 for .* already" "$repo" promote c/r 1.1 --to beta --keys c/keys
survives "recall" signal=KILL "1.1 is withdrawn already" "$repo" recall c/r 1.1 --reason x --keys c/keys
survives "refresh" signal=KILL never "$repo" refresh c/r
survives "refresh" error=ENOSPC never "$repo" refresh c/r
survives "config" signal=KILL never "$repo" config c/r keep=5
for role in timestamp targets root stable; do
	survives "rotate $role" signal=KILL never "$repo" rotate c/r $role --keys c/keys
done
survives "rotate root" error=ENOSPC never "$repo" rotate c/r root --keys c/keys

# Changes that wait.
mkdir apart && mv keys/stable.pem apart/
save
survives "promote --pending" signal=KILL "a change waits for signatures" "$repo" promote c/r 1.1 --to stable --from edge --pending --keys c/keys
"$repo" promote r 1.1 --to stable --from edge --pending >/dev/null
"$repo" sign r --detached --keys apart -o apart.sig --yes >/dev/null
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
			{ "$repo" verify c/r --root first-root.json && { "$repo" sign c/r --merge apart.sig || grep -q "nothing waits for signatures" err; } &&
				"$repo" verify c/r --root first-root.json && grep -q '"1.1"' c/r/repository/metadata/2.stable.json &&
				"$repo" refresh c/r && test ! -e c/r/pending/2.stable.json; } >out 2>err || bad="$call $at"
		done
	done <counts 2>/dev/null
	[ -z "$bad" ] || echo "at $bad" >>err
	[ -z "$bad" ] && [ $places -gt 0 ]
	report $? "sign --merge (signal=KILL, $places places)"
}
survives_merge

# A merge that publishes a new root: ended after the root, it is gone on from with the same signatures.
"$repo" sign r --discard --yes >/dev/null
mkdir old && mv keys/root.pem old/
"$repo" rotate r targets --pending >/dev/null
"$repo" sign r --detached --keys old -o root.sig --yes >/dev/null
rm -rf start && mkdir start && cp -a r keys start/
root_merge() {
	local at
	for ((at = 1; ; at++)); do
		restore
		strace -f -qq -o /dev/null -e inject=rename,renameat,renameat2:signal=KILL:when=$at \
			"$repo" sign c/r --merge root.sig >out 2>err && break
		{ "$repo" sign c/r --merge root.sig || grep -q "nothing waits for signatures" err; } >out 2>err &&
			"$repo" verify c/r --root first-root.json >out 2>err && [ -e c/r/repository/metadata/2.root.json ] || return 1
	done
	[ $at -gt 5 ]
} 2>>err
check "sign --merge of a new root, ended at each write" root_merge
# Where folders cannot be exchanged as one step.
restore
works "on NFS" strace -f -qq -o /dev/null -e inject=renameat2:error=EINVAL "$repo" sign c/r --merge root.sig
works "too" "$repo" verify c/r --root first-root.json
restore
mv c/r/pending c/r/pending.old
works "a run that was ended between the two steps there" "$repo" sign c/r --merge root.sig
check "leaves nothing" test ! -e c/r/pending.old -a ! -e c/r/pending
# Two roots ahead of what they sign.
mv old/root.pem keys/
restore && cp keys/root.pem c/keys/ && "$repo" sign c/r --discard --yes >/dev/null
half() { # ends the rotation when the new root is there, and the timestamp is not
	strace -f -qq -o /dev/null -e inject=rename,renameat,renameat2:signal=KILL:when=$1 "$repo" rotate c/r timestamp --keys c/keys >out 2>err
}
at=1
until [ -e c/r/repository/metadata/2.root.json ]; do
	half $at
	at=$((at + 1))
done
refuses "a second new root before the first is complete" 1 "not yet what its keys sign" "$repo" rotate c/r root --keys c/keys
works "which refresh does" "$repo" refresh c/r
works "and then it may" "$repo" rotate c/r root --keys c/keys
works "a client follows" "$repo" verify c/r --root first-root.json
echo "1..$n"
