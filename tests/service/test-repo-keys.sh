#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# test-repo-keys.sh PROGRAM: several people with keys apart, passphrases, keys in a token, keys that
# come and go.
repo=$(realpath "$1")
. "$(dirname "$0")/repo-lib.sh"

key_ids() { # ROLE
	"$repo" key list r --format json | jq -r ".[] | select(.role == \"$1\").key_id"
}

published() { sha256sum r/repository/metadata/timestamp.json; }

works "init with two signatures for stable" "$repo" init r --keys keys --threshold stable=2 --threshold root=2
cp r/repository/metadata/1.root.json first-root.json
"$repo" key generate -o keys/module.pem --cert keys/module.crt --bits 2048 >/dev/null
signed 1.1 && "$repo" add r m-1.1.ko --record m-1.1.json >/dev/null
# Ann, Bob and Eve: each has one key of stable, root and targets lie elsewhere.
mkdir ann bob eve safe
mv keys/stable.pem keys/root.pem ann/
mv keys/stable-2.pem keys/root-2.pem bob/
mv keys/targets.pem safe/
"$repo" key generate -o eve/stable.pem >/dev/null

# ---- Several people ----
refuses "without --pending nothing waits" 1 "0 of 2 needed keys" "$repo" promote r 1.1 --to stable --from edge
before=$(published)
works "promote waits for signatures" "$repo" promote r 1.1 --to stable --from edge --pending
cp out shown
check "and says so" grep -q "it waits for signatures" shown
check "what is published is as it was" test "$before" = "$(published)"
check "so are the targets" test -z "$(find r/repository/targets -type f -path '*/stable/*')"
check "the bytes wait beside their list" test -n "$(find r/pending/targets/stable -name '*.ko')"
check "and verifies" "$repo" verify r
refuses "another change has to wait" 1 "a change waits for signatures" "$repo" recall r 1.1 --reason x
works "refresh does not" "$repo" refresh r
works "what waits can be looked at" "$repo" sign r --detached
cp out shown
check "it says what and for which kernel" grep -q "lists version 1.1, severity high: stable/$release" shown
check "and how many have signed" grep -q "stable: version 2 until .*, 0 of 2 signatures" shown
cp -a r copy && rm -r copy/online-keys
works "Ann signs apart, on a copy without the online keys" "$repo" sign copy --detached --keys ann -o ann.sig --yes
works "Bob too" "$repo" sign copy --detached --keys bob -o bob.sig --yes
refuses "Eve's key is none of those" 1 "no key in" "$repo" sign copy --detached --keys eve -o eve.sig --yes
sed "s/$(jq -r '.signatures[0].keyid' ann.sig)/$(key_ids edge)/" ann.sig >wrong-key.sig
refuses "a signature by another role's key" 1 "none of its keys" "$repo" sign r --merge wrong-key.sig
python3 - <<-END
	import json
	s = json.load(open("ann.sig"))
	s["signatures"][0]["sig"] = "00" * 64
	json.dump(s, open("bad.sig", "w"))
	s["signatures"][0]["version"] = 9
	json.dump(s, open("version.sig", "w"))
END
refuses "a signature over something else" 1 "is not over what waits here" "$repo" sign r --merge bad.sig
refuses "a signature for another version" 1 "no version 9 waits" "$repo" sign r --merge version.sig
refuses "what is no file of signatures" 1 "signatures" "$repo" sign r --merge m-1.1.json
works "one signature is merged" "$repo" sign r --merge ann.sig
cp out shown
check "one is missing" grep -q "1 of 2 signatures" <<<"$("$repo" sign r --detached)"
check "which was said" grep -qx "ann.sig: 1 signature added" shown
works "the same once more counts once" "$repo" sign r --merge ann.sig
cp out shown
check "that is said, too" grep -qx "ann.sig: adds nothing: its signatures are there already" shown
check "one is still missing" grep -q "1 of 2 signatures" <<<"$("$repo" sign r --detached)"
check "nothing is published with one" test "$(current stable)" = 1
works "with the second one it is published" "$repo" sign r --merge bob.sig
check "it is listed" listed stable 1.1
check "nothing waits any more" test ! -e r/pending
refuses "and nothing can be merged" 1 "nothing waits" "$repo" sign r --merge bob.sig
works "a client with the first root takes it" "$repo" verify r --root first-root.json

works "a change that is dropped" "$repo" sign r stable --pending
refuses "not without being asked" 2 "--yes" "$repo" sign r --discard
works "then it is" "$repo" sign r --discard --yes
check "and leaves nothing" test ! -e r/pending -a "$(current stable)" = 2

# ---- Keys that come and go, apart ----
works "a third person makes a key" "$repo" key generate -o eve/third.pem --public third.pub
works "and gets a place in stable" "$repo" key import r stable third.pub --pending
check "targets waits for it" grep -q "targets: version 2 .* 0 of 1" <<<"$("$repo" sign r --detached)"
check "stable itself need not be signed" test ! -e r/pending/3.stable.json
"$repo" sign r --detached --keys safe -o safe.sig --yes >/dev/null
works "with the signature of targets it has" "$repo" sign r --merge safe.sig
check "three keys" test "$(key_ids stable | wc -l)" = 3
refuses "a key twice" 1 "already" "$repo" key import r stable third.pub --pending
"$repo" sign r stable --pending >/dev/null
"$repo" sign r --detached --keys eve -o eve.sig --yes >/dev/null
"$repo" sign r --detached --keys bob -o bob.sig --yes >/dev/null
works "two of three sign" "$repo" sign r --merge eve.sig --merge bob.sig
check "published" test "$(current stable)" = 3
works "a client takes it" "$repo" verify r --root first-root.json

third=$("$repo" key list r --format json --keys eve | jq -r '.[] | select(.file != null and (.file | endswith("third.pem"))).key_id')
refuses "revoking below the threshold" 1 "2 signatures are demanded" "$repo" key revoke r stable $(key_ids stable) --keys safe
refuses "revoking a key that is not there" 1 "none of its keys" "$repo" key revoke r stable 00 --keys safe
works "a key is revoked" "$repo" key revoke r stable "$third" --keys safe --pending
check "stable has to be signed anew, since its signature counts no more" test -e r/pending/4.stable.json
refuses "the revoked key is not asked" 1 "no key in" "$repo" sign r --detached --keys eve -o eve.sig --yes
"$repo" sign r --detached --keys ann -o ann.sig --yes >/dev/null
"$repo" sign r --detached --keys bob -o bob.sig --yes >/dev/null
works "the others sign" "$repo" sign r --merge ann.sig --merge bob.sig
check "two keys" test "$(key_ids stable | wc -l)" = 2
works "a client takes it" "$repo" verify r --root first-root.json

mkdir new
works "root itself, rotated apart" "$repo" rotate r root --keys new --pending
check "the new keys are there" test "$(ls new | wc -l)" = 2
"$repo" sign r --detached --keys ann -o ann.sig --yes >/dev/null
works "one of the old keys" "$repo" sign r --merge ann.sig
check "is not enough" test ! -e r/repository/metadata/2.root.json
"$repo" sign r --detached --keys bob -o bob.sig --yes >/dev/null
works "both" "$repo" sign r --merge bob.sig
check "with the new ones it is published" test -e r/repository/metadata/2.root.json
works "a client follows" "$repo" verify r --root first-root.json
# A pending folder that a run left which ended after publishing is passed over.
mkdir r/pending && cp "r/repository/metadata/$(current stable).stable.json" r/pending/
works "what was published meanwhile does not wait" "$repo" sign r edge
check "and is cleared away" test ! -e r/pending

# ---- Passphrases ----
echo "correct horse" >pass
echo wrong >wrong
works "init with a passphrase" "$repo" init p --keys pkeys --passphrase-file pass
check "offline keys are protected" grep -q "ENCRYPTED PRIVATE KEY" pkeys/stable.pem
names() { # FILE ALGORITHM: what is said of how a key is protected
	openssl asn1parse -in "$1" | grep -i ":.*$2" >/dev/null
}
check "from the passphrase by scrypt" names pkeys/stable.pem scrypt
check "with AES-256" names pkeys/stable.pem aes-256-cbc
check "online ones are not" grep -q "BEGIN PRIVATE KEY" p/online-keys/timestamp.pem
refuses "without the passphrase" 1 "a passphrase protects it" "$repo" sign p stable
refuses "with a wrong one" 1 "does not open it" "$repo" sign p stable --passphrase-file wrong
refuses "which nobody waits for" 1 "does not open it" "$repo" sign p stable --passphrase-file wrong --pending
check "and nothing does" test ! -e p/pending
works "with it" "$repo" sign p stable --passphrase-file pass
works "a timer needs none" "$repo" refresh p
works "key list needs none" "$repo" key list p
cp out shown
check "it knows the files all the same" grep -q pkeys/stable.pem shown
refuses "new keys are no easier to take" 1 "under a passphrase, and none is given" "$repo" rotate p stable --pending
check "none were made" test ! -e pkeys/stable-2.pem -a ! -e p/pending
# typed WORDS COMMAND...: on a terminal, a word at each question.
typed() {
	python3 - "$@" <<-'END'
		import os, pty, sys
		words = sys.argv[1].split(",")
		pid, fd = pty.fork()
		if pid == 0:
		    os.execvp(sys.argv[2], sys.argv[2:])
		seen = b""
		try:
		    while data := os.read(fd, 4096):
		        seen += data
		        if data.rstrip().endswith(b":"):
		            os.write(fd, words.pop(0).encode() + b"\n")
		except (OSError, IndexError):
		    os.close(fd)
		sys.stdout.write(seen.decode())
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
}
mkdir typed-start && cp -a p pkeys typed-start/
check "two that differ" test "$(typed "one,two" "$repo" rotate typed-start/p stable --keys typed-start/pkeys --pending | grep -c "the two passphrases differ")" = 1
works "typed twice" typed "battery,battery,correct horse" "$repo" rotate typed-start/p stable --keys typed-start/pkeys
check "protects them" grep -q "ENCRYPTED PRIVATE KEY" typed-start/pkeys/stable-2.pem
# interrupted SIGNAL COMMAND...: which reaches it at its question. Says how it ended, and what the
# terminal showed of what is typed before, after, and when it goes on.
interrupted() {
	python3 - "$@" <<-'END'
		import os, pty, signal, sys, termios, time
		def shows():
		    return bool(termios.tcgetattr(0)[3] & termios.ECHO)
		def drive(number, command):
		    pid = os.fork()
		    if pid == 0:
		        os.setpgid(0, 0)
		        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
		        os.tcsetpgrp(0, os.getpid())
		        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
		        os.execvp(command[0], command)
		    seen = [shows()]
		    while shows() and not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT): time.sleep(.01)
		    os.kill(pid, number)
		    status = os.waitpid(pid, os.WUNTRACED)[1]
		    seen.append(shows())
		    if os.WIFSTOPPED(status):
		        os.kill(pid, signal.SIGCONT)
		        while shows() and not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT): time.sleep(.01)
		        print("go on", flush=True)
		        status = os.waitpid(pid, 0)[1]
		        seen.append(shows())
		    print("ended", os.waitstatus_to_exitcode(status), *seen, flush=True)
		    os._exit(0)
		pid, fd = pty.fork()
		if pid == 0:
		    drive(getattr(signal, sys.argv[1]), sys.argv[2:])
		text = b""
		try:
		    while data := os.read(fd, 4096):
		        text += data
		        if b"go on" in data: os.write(fd, b"correct horse\n")
		except OSError:
		    pass
		print(text.decode())
	END
}
for sig in "SIGINT -2" "SIGTERM -15" "SIGHUP -1"; do
	interrupted "${sig% *}" "$repo" sign p stable >shown 2>&1
	check "${sig% *} at the question leaves the terminal as it was" grep -q "ended ${sig#* } True True" shown
done
interrupted SIGTSTP "$repo" sign p stable >shown 2>&1
check "after a stop it asks again" grep -q "ended 0 True True True" shown
works "new keys are protected too" "$repo" rotate p stable --passphrase-file pass
check "really" grep -q "ENCRYPTED PRIVATE KEY" pkeys/stable-2.pem
works "and work" "$repo" sign p stable --passphrase-file pass
openssl pkey -in pkeys/stable-2.pem -passin file:pass -out plain.pem
openssl pkcs8 -topk8 -in plain.pem -passout file:pass -v2 aes-256-cbc -out pkeys/stable-2.pem
works "one of openssl's, without the public part" "$repo" sign p stable --passphrase-file pass
refuses "is not found without the passphrase" 1 "0 of 1 needed keys" "$repo" sign p stable
refuses "nor replaced by one that is easier to take" 1 "under a passphrase, and none is given" "$repo" rotate p stable --pending
works "everything verifies" "$repo" verify p

# ---- Tokens ----
hsm=/usr/lib/softhsm/libsofthsm2.so
export SOFTHSM2_CONF=$work/softhsm.conf
mkdir tokens
echo "directories.tokendir = $work/tokens" >softhsm.conf
printf 123456 >pin
printf 999999 >wrong-pin
tool() { pkcs11-tool --module $hsm --token-label t --login --pin 123456 "$@"; }
token() {
	softhsm2-util --init-token --free --label t --so-pin 1234 --pin 123456 &&
		tool --keypairgen --key-type EC:prime256v1 --label ec --id 01 &&
		tool --keypairgen --key-type rsa:2048 --label rsa --id 02
}
check "a token with two keys" token
alike=""
works "init" "$repo" init t --keys tkeys
cp t/repository/metadata/1.root.json token-root.json
for kind in ec rsa; do
	works "the $kind key becomes one of stable" "$repo" key import t stable \
		--uri "pkcs11:token=t;object=$kind" --module $hsm --pin-file pin
done
check "a file says where" grep -q "pkcs11:token=t;object=rsa" tkeys/stable-3.pkcs11
check "without the PIN" test "$(grep -c 123456 tkeys/*.pkcs11 | grep -vc ':0')" = 0
works "a machine takes it" "$repo" verify t --root token-root.json
works "the key of the file goes" "$repo" key revoke t stable \
	"$("$repo" key list t --format json | jq -r '.[] | select(.file != null and (.file | endswith("/stable.pem"))).key_id')" \
	--threshold 2 --pin-file pin
works "both keys of the token sign" "$repo" sign t stable --pin-file pin
check "really" test "$(jq '.signatures | length' "t/repository/metadata/$(
	cd t && ls repository/metadata | grep -o '[0-9]*.stable.json' | sort -n | tail -1)")" = 2
works "a machine takes it" "$repo" verify t --root token-root.json
refuses "without a PIN" 1 "the PIN is wrong" "$repo" sign t stable
refuses "with a wrong PIN" 1 "the PIN is wrong, or locked" "$repo" sign t stable --pin-file wrong-pin
cp err shown
check "a wrong one is tried once" test "$(grep -o "the PIN is wrong" shown | wc -l)" = 1
refuses "a key of a token is not replaced by a file" 1 "is in a token" "$repo" rotate t stable --pin-file pin --pending
refuses "a key that is not there" 1 "no such key" "$repo" key import t stable \
	--uri "pkcs11:token=t;object=none" --module $hsm --pin-file pin
refuses "a PIN in the URI" 2 "belongs into --pin-file" "$repo" key import t stable \
	--uri "pkcs11:token=t;object=ec?pin-value=123456" --module $hsm
refuses "or a place for it" 2 "belongs into --pin-file" "$repo" key import t stable \
	--uri "pkcs11:token=t;object=ec?pin-source=file:/etc/passwd" --module $hsm
works "refresh needs no token" "$repo" refresh t

# ---- Which key is meant, and where else it is ----
"$repo" key generate -o online.pem --public online.pub >/dev/null
cp online.pem t/online-keys/
works "an online key for an offline role" "$repo" key import t candidate online.pub
cp err shown
check "is warned of" grep -q "role candidate is offline, and .* is an online key" shown
works "and for another" "$repo" key import t recall online.pub
online=$("$repo" key list t --format json | jq -r '.[] | select(.file != null and (.file | endswith("/online.pem"))) | select(.role == "recall").key_id')
works "it is taken from one" "$repo" key revoke t recall "$online"
cp err shown
check "and is warned to be still one of the other" grep -q "still a key of role candidate" shown
# A key of evidence that was replaced counts on. Another one whose ID begins alike is not meant by that.
signed 1.1 && "$repo" add t m-1.1.ko --record m-1.1.json >/dev/null 2>&1
replaced=$("$repo" key list t --format json | jq -r '.[] | select(.role == "evidence").key_id')
"$repo" rotate t evidence >/dev/null
until [ "${alike:0:1}" = "${replaced:0:1}" ]; do
	rm -f alike.pem alike.pub
	alike=$("$repo" key generate -o alike.pem --public alike.pub)
done
"$repo" key import t evidence alike.pub >/dev/null
refuses "the beginning of two IDs" 2 "several key IDs begin with" "$repo" key revoke t evidence "${alike:0:1}"
works "the whole of one" "$repo" key revoke t evidence "${alike%% *}"
check "leaves the other" grep -q "$replaced" "t/repository/metadata/$(ls t/repository/metadata | grep -o '^[0-9]*.evidence' | sort -n | tail -1).json"
works "which goes by its own" "$repo" key revoke t evidence "$replaced"
echo "1..$n"
