#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# test-repo.sh PROGRAM: suture-repo from an empty folder to a published repository, and what it
# refuses.
repo=$(realpath "$1")
. "$(dirname "$0")/repo-lib.sh"

works "init" "$repo" init r --keys keys
check "offline keys are 0600" test "$(stat -c %a keys/root.pem keys/stable.pem | sort -u)" = 600
check "offline keys are not with the online ones" test ! -e r/online-keys/root.pem
check "online keys are there" test -e r/online-keys/timestamp.pem
works "an empty repository verifies" "$repo" verify r
refuses "init refuses a folder that is not empty" 1 "not empty" "$repo" init r --keys keys2
refuses "init refuses keys that exist" 1 "there is a key already" "$repo" init r2 --keys keys
check "and leaves no folder" test ! -e r2
refuses "init refuses keys inside the repository" 1 "outside" "$repo" init r2 --keys r2/keys
refuses "init without the passphrase that it is given" 1 "nowhere" "$repo" init r2 --keys k2/below//keys/ --passphrase-file nowhere
check "leaves no folder of keys either" test ! -e r2 -a ! -e k2
mkdir k2 && "$repo" init r2 --keys k2 --passphrase-file nowhere 2>/dev/null
check "but one that was there" rmdir k2
refuses "init refuses a tier named as a role" 1 "role's name" "$repo" init r2 --keys k2 --tier root
refuses "init refuses a threshold of an unknown role" 2 "not ROLE=N" "$repo" init r2 --keys k2 --threshold x=2
refuses "a folder that is no repository" 1 "not a repository" "$repo" refresh .

works "key generate" "$repo" key generate -o keys/module.pem --cert keys/module.crt --bits 2048
refuses "key generate replaces nothing" 1 "already" "$repo" key generate -o keys/module.pem
works "key list" "$repo" key list r --format json
check "key list names every role" test "$(grep -c '"role"' out)" = 10

module 1.1
cp m-1.1.ko bare.ko
refuses "an unsigned module is not added" 1 "not signed" "$repo" add r m-1.1.ko --record m-1.1.json
refuses "module verify refuses an unsigned one" 1 "not signed" "$repo" module verify --ca keys/module.crt m-1.1.ko
works "module sign" "$repo" module sign --key keys/module.pem --cert keys/module.crt m-1.1.ko
works "module verify" "$repo" module verify --ca keys/module.crt m-1.1.ko
refuses "a module is signed once" 1 "signed already" "$repo" module sign --key keys/module.pem --cert keys/module.crt m-1.1.ko
openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.crt -subj /CN=other 2>/dev/null
refuses "a key and a certificate that do not belong together" 1 "another key" \
	"$repo" module sign --key other.key --cert keys/module.crt -o x.ko bare.ko
refuses "module verify with another certificate" 1 "none of the trusted" "$repo" module verify --ca other.crt m-1.1.ko

# Keys and hashes that not every kernel can check: only for a configuration that has them built in.
export XDG_CACHE_HOME=$work/cache
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ec.key -out ec.crt -subj /CN=ec 2>/dev/null
printf 'CONFIG_MODULE_SIG=y\nCONFIG_CRYPTO_RSA=y\nCONFIG_CRYPTO_SHA256=y\nCONFIG_CRYPTO_SHA512=m\n# CONFIG_CRYPTO_ECDSA is not set\n' >config-6.1
printf 'CONFIG_MODULE_SIG=y\nCONFIG_CRYPTO_RSA=y\nCONFIG_CRYPTO_SHA256=y\nCONFIG_CRYPTO_SHA512=y\nCONFIG_CRYPTO_ECDSA=y\n' >config-6.12
sign() { "$repo" module sign --key "$1.key" --cert "$1.crt" -o signed.ko "${@:2}" bare.ko; }
rm -f signed.ko
refuses "ECDSA for a kernel that is not known" 1 "--kernel-config FILE" sign ec
refuses "SHA-512 for a kernel that is not known" 1 "is not known" sign other --hash sha512
refuses "ECDSA for a kernel without it" 1 "CONFIG_CRYPTO_ECDSA is not set" sign ec --kernel-config config-6.1
refuses "SHA-512 for a kernel that has it as a module" 1 "is a module, not built in" sign other --hash sha512 --kernel-config config-6.1
refuses "a hash of another name" 2 "sha256, sha384 or sha512" sign other --hash md5
refuses "what is no configuration" 1 "no option is set" sign other --kernel-config other.crt
check "nothing was written" test ! -e signed.ko
works "ECDSA for a kernel that has it" sign ec --kernel-config config-6.12
works "it is verified" "$repo" module verify --ca ec.crt signed.ko
works "SHA-512 for a kernel that has it" sign other --hash sha512 --kernel-config config-6.12
works "it is verified" "$repo" module verify --ca other.crt signed.ko
check "and named" test "$(grep -c sha512 out)" = 1
mkdir -p cache/suture/kernels/$release
cp config-6.12 cache/suture/kernels/$release/config
echo '{"format": 1, "release": "'$release'", "version": "1", "build_id": "'$id'", "source_package": ""}' >cache/suture/kernels/$release/kernel.json
module 1.1
works "ECDSA for a kernel in the cache that has it" "$repo" module sign --key ec.key --cert ec.crt -o signed.ko m-1.1.ko
cp config-6.1 cache/suture/kernels/$release/config
refuses "and for one that has not" 1 "CONFIG_CRYPTO_ECDSA" "$repo" module sign --key ec.key --cert ec.crt -o signed.ko m-1.1.ko
"$repo" module sign --key keys/module.pem --cert keys/module.crt m-1.1.ko
rm -r cache

# A certificate that an authority issued: who trusts the authority needs the chain.
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj /CN=authority -addext keyUsage=keyCertSign 2>/dev/null
faketime 2021-03-01 openssl req -new -x509 -key ca.key -out old-ca.crt -subj /CN=authority -addext keyUsage=keyCertSign -days 30 2>/dev/null
issue() { # NAME [EXTENSION…]
	openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -subj "/CN=$1" 2>/dev/null |
		openssl x509 -req -CA ca.crt -CAkey ca.key -set_serial 7 -out "$1.crt" \
			-extfile <(printf '%s\n' keyUsage=digitalSignature extendedKeyUsage=codeSigning "${@:2}") 2>/dev/null
}
issue leaf authorityKeyIdentifier=keyid
issue nameless authorityKeyIdentifier=none
works "signed without the chain" sign leaf
refuses "an authority alone does not vouch for it" 1 "none of the trusted" "$repo" module verify --ca ca.crt signed.ko
refuses "a chain that does not fit" 1 "did not issue" sign leaf --chain other.crt
refuses "one that no kernel follows" 1 "authority key identifier" sign nameless --chain ca.crt
works "an authority that has ended" sign leaf --chain old-ca.crt
check "is warned of" test "$(grep -c "the certificate /CN=authority is valid from 2021-03-01" err)" = 1
works "signed with the chain" sign leaf --chain ca.crt
works "the authority vouches for it" "$repo" module verify --ca other.crt --ca ca.crt signed.ko
check "and is named" test "$(grep -c "for which /CN=authority vouches" out)" = 1

refuses "one name for key and certificate" 1 "already" "$repo" key generate -o one.pem --cert ./one.pem --bits 2048
check "which leaves none" test ! -e one.pem
refuses "one name for key and public key" 1 "already" "$repo" key generate -o one.pem --public one.pem
check "which leaves none either" test ! -e one.pem
refuses "a record is not signed" 1 "not an ELF" "$repo" module sign --key keys/module.pem --cert keys/module.crt m-1.1.json
refuses "nothing is published to no name" 2 "--to" "$repo" publish r --to ""
refuses "nor beside the keys of a repository" 2 "keys" "$repo" publish r --to ./r
works "add" "$repo" add r m-1.1.ko --record m-1.1.json
check "it is listed in the first tier" listed edge 1.1
refuses "the same version again" 1 "already" "$repo" add r m-1.1.ko --record m-1.1.json
signed 1.2
refuses "the record of another module" 1 "another module" "$repo" add r m-1.2.ko --record m-1.1.json
head -c 3000 m-1.2.ko | head -c -40 >cut.ko
refuses "a truncated module" 1 "not signed" "$repo" add r cut.ko --record m-1.2.json
python3 - <<-END
	data = bytearray(open("m-1.2.ko", "rb").read())
	data[100] ^= 1
	open("flipped.ko", "wb").write(data)
	data[100] ^= 1
	data[-60] ^= 1
	open("flipped-signature.ko", "wb").write(data)
END
refuses "a flipped bit in the module" 1 "another module" "$repo" add r flipped.ko --record m-1.2.json
refuses "a flipped bit in the signature" 1 "does not fit" "$repo" add r flipped-signature.ko --record m-1.2.json
module 1.2 && "$repo" module sign --key other.key --cert other.crt m-1.2.ko >/dev/null
refuses "a module signed by a key of nobody here" 1 "none of the trusted" "$repo" add r m-1.2.ko --record m-1.2.json
signed 1.2
sed 's/SMP mod_unload/SMP preempt mod_unload/' m-1.2.json >vermagic.json
refuses "another vermagic" 1 "vermagic" "$repo" add r m-1.2.ko --record vermagic.json
sed 's/suture_6/suture_7/' m-1.2.json >name.json
refuses "another module name" 1 "module name" "$repo" add r m-1.2.ko --record name.json
sed 's/"mask":\[\[5,4\]\]/"mask":[[0,32]]/' m-1.2.json >mask.json
check "a record with another mask" test "$(jq -c .objects[0].functions[0].mask mask.json)" = "[[0,32]]"
refuses "is not the one that the module was signed for" 1 "does not describe" "$repo" add r m-1.2.ko --record mask.json
module 1.2 && objcopy --strip-unneeded -R .modinfo m-1.2.ko && printf 'name=%s\0vermagic=%s SMP mod_unload \0livepatch=Y\0' \
	"$(jq -r .module m-1.2.json)" "$release" >modinfo && objcopy --add-section .modinfo=modinfo m-1.2.ko
jq --arg sha "$(sha256sum m-1.2.ko | cut -d' ' -f1)" '.module_sha256 = $sha' m-1.2.json >silent.json
"$repo" module sign --key keys/module.pem --cert keys/module.crt m-1.2.ko >/dev/null
refuses "a module that does not name its code" 1 "does not say what code" "$repo" add r m-1.2.ko --record silent.json
module 1.2 && LC_ALL=C sed -i 's/livepatch=Y/otherwise=Y/' m-1.2.ko
jq --arg sha "$(sha256sum m-1.2.ko | cut -d' ' -f1)" '.module_sha256 = $sha' m-1.2.json >ordinary.json
"$repo" module sign --key keys/module.pem --cert keys/module.crt m-1.2.ko >/dev/null
refuses "a module that is no livepatch" 1 "not a livepatch module" "$repo" add r m-1.2.ko --record ordinary.json
signed 1.2
sed 's/"severity": "high"/"severity": "dire"/' m-1.2.json >severity.json
refuses "a record with a wrong field" 1 "severity" "$repo" add r m-1.2.ko --record severity.json
refuses "an unknown tier" 1 "no such tier" "$repo" add r m-1.2.ko --record m-1.2.json --tier gamma
works "a second version" "$repo" add r m-1.2.ko --record m-1.2.json
check "both are listed" listed edge 1.1
signed 1.0
refuses "a lower version" 1 "is above" "$repo" add r m-1.0.ko --record m-1.0.json

refuses "promote what the tier before does not list" 1 "does not list" "$repo" promote r 1.1 --to stable
refuses "promote to the first tier" 2 "--from" "$repo" promote r 1.1 --to edge
refuses "promote what is no version" 2 "not a version" "$repo" promote r one --to beta
works "promote" "$repo" promote r 1.1 --to beta
check "it is listed there" listed beta 1.1
works "promote over tiers" "$repo" promote r 1.2 --to stable --from edge
refuses "promote below what is listed" 1 "is above" "$repo" promote r 1.1 --to stable --from edge
refuses "promote for a kernel that is not there" 1 "does not list" \
	"$repo" promote r 1.2 --to candidate --from edge --kernel 6.1.0-99-amd64
works "promote for one kernel" "$repo" promote r 1.2 --to candidate --from edge --kernel $release

works "recall" "$repo" recall r 1.2 --reason "it hangs"
refuses "recall again" 1 "already" "$repo" recall r 1.2 --reason "it hangs"
refuses "recall without a reason" 2 "reason" "$repo" recall r 1.1
before=$(current recall)
refuses "recall what no tier lists" 1 "no tier lists 9.9" "$repo" recall r 9.9 --reason "it hangs"
refuses "or not for that kernel" 1 "no tier lists 1.1 for 6.1.0-99-amd64" "$repo" recall r 1.1 --reason x --kernel 6.1.0-99-amd64
check "nothing was signed" test "$(current recall)" = "$before"
withdrawn() { jq -c '[.withdrawn[] | [.version, .kernels[]]]' "$(ls -t r/repository/targets/recall/*.recall.json | head -1)"; }
works "unless it is meant" "$repo" recall r 9.9 8.8 --reason "it hangs" --unlisted --kernel 6.1.0-98-amd64 --kernel 6.1.0-99-amd64
check "the message says what was done" test "$(cat out)" = "$(printf 'recall: %s is withdrawn for 6.1.0-98-amd64 6.1.0-99-amd64\n' 9.9 8.8)"
works "undo for one kernel" "$repo" recall r 9.9 --undo --kernel 6.1.0-98-amd64
check "says so" test "$(cat out)" = "recall: 9.9 is no longer withdrawn for 6.1.0-98-amd64"
check "the other is left" test "$(withdrawn)" = '[["1.2"],["9.9","6.1.0-99-amd64"],["8.8","6.1.0-98-amd64","6.1.0-99-amd64"]]'
refuses "undo what is not withdrawn" 1 "9.9 is not withdrawn for 6.1.0-98-amd64" "$repo" recall r 9.9 --undo --kernel 6.1.0-98-amd64
refuses "undo for one of all kernels" 1 "1.2 is withdrawn for every kernel" "$repo" recall r 1.2 --undo --kernel $release
refuses "undo has no reason" 2 "--undo" "$repo" recall r 1.2 --undo --reason x
works "undo" "$repo" recall r 9.9 8.8 --undo
check "leaves the rest" test "$(withdrawn)" = '[["1.2"]]'
works "undo of a listed one" "$repo" recall r 1.2 --undo
works "it goes on to other tiers" "$repo" promote r 1.2 --to beta --from edge
works "and is withdrawn again" "$repo" recall r 1.2 --reason "it hangs"
refuses "a withdrawn version is not promoted" 1 "withdrawn" "$repo" promote r 1.2 --to candidate --from edge
refuses "nor added" 1 "withdrawn" "$repo" add r m-1.2.ko --record m-1.2.json --tier beta

# The mark of an init that was ended when all was done but that.
touch r/unfinished
works "refresh" "$repo" refresh r
check "takes the mark of an ended init away" test ! -e r/unfinished
echo "$work/keys/stable.pem" >r/unfinished # no matter what it lists
refuses "an init takes nothing back that is whole" 1 "whose init came to its end" "$repo" init r --keys keys2
check "only the mark" test ! -e r/unfinished -a -e keys/stable.pem -a -e r/suture-repo.json

# An init that was ended before it wrote its keys; another one's are there since.
cp -a keys others && mkdir marked
for key in root stable targets; do echo "$(printf '0%.0s' {1..64}) $work/others/$key.pem"; done >marked/unfinished
echo "$work/others/recall.pem" >>marked/unfinished
(strace -qq -o /dev/null -e inject=rename,renameat,renameat2:signal=KILL:when=2 "$repo" init ended --keys mine >/dev/null 2>&1) 2>/dev/null
check "an init is ended after its mark" test -e ended/unfinished -a -z "$(ls mine/*.pem 2>/dev/null)"
works "another takes its folder of keys" "$repo" init another --keys mine
cp -a mine mine.was
works "the first is begun again elsewhere" "$repo" init ended --keys mine2
cp err said
check "and says what it leaves" grep -q "mine/stable.pem: left alone" said
check "the other's keys are there" diff -r -x '.new-*' mine mine.was
check "the key that was being written is not" test -n "$(ls -A mine.was | grep .new-)" -a -z "$(ls -A mine | grep .new-)"
works "and used" "$repo" sign another
works "a list of paths alone" "$repo" init marked --keys mine3
check "takes nothing away" diff -r keys others
(strace -qq -o /dev/null -e inject=rename,renameat,renameat2:signal=KILL:when=9 "$repo" init ended2 --keys mine4 >/dev/null 2>&1) 2>/dev/null
check "an init is ended among its keys" test -n "$(ls mine4/*.pem)"
works "its own keys" "$repo" init ended2 --keys mine5
check "are taken back" test -z "$(ls mine4/*.pem 2>/dev/null)"
works "sign one role" "$repo" sign r stable
refuses "sign an unknown role" 1 "no such role" "$repo" sign r gamma
all_versions() { for role in targets recall evidence edge beta candidate stable; do current $role; done; }
before=$(all_versions | awk '{ print $1 + 1 }')
works "sign all" "$repo" sign r
check "says which" test "$(grep -c "^targets, recall, evidence and all tiers: signed" out)" = 1
check "and signs those" test "$before" = "$(all_versions)"
check "root only by its name" test ! -e r/repository/metadata/2.root.json
works "verify" "$repo" verify r
cp r/repository/metadata/1.root.json first-root.json
for role in timestamp snapshot targets recall stable root; do
	works "rotate $role" "$repo" rotate r $role
	works "a machine with the first root follows ($role)" "$repo" verify r --root first-root.json
done

works "trust-bundle" "$repo" trust-bundle r --url https://patches.example:8443 --server-ca other.crt \
	--module-cert keys/module.crt -o bundle.json
check "it prints the hash of its bytes" grep -q "$(sha256sum bundle.json | cut -d' ' -f1)" <<<"$(
	"$repo" trust-bundle r --url https://patches.example:8443 --server-ca other.crt \
		--module-cert keys/module.crt -o bundle2.json)"
openssl genrsa -out own.pem 2048 2>/dev/null && cp own.pem own.was
refuses "trust-bundle replaces no file of another kind" 1 "another kind" "$repo" trust-bundle r --url https://x \
	--server-ca other.crt --module-cert keys/module.crt -o own.pem
module 1.9
refuses "nor does module sign" 1 "another kind" "$repo" module sign --key keys/module.pem --cert keys/module.crt -o own.pem m-1.9.ko
check "they are as they were" cmp own.pem own.was
works "trust-bundle replaces a bundle" "$repo" trust-bundle r --url https://x --server-ca other.crt --module-cert keys/module.crt -o bundle2.json
cp bare.ko replaced.ko
works "module sign a module" "$repo" module sign --key keys/module.pem --cert keys/module.crt -o replaced.ko m-1.9.ko
refuses "trust-bundle wants an https address" 1 "https://" "$repo" trust-bundle r --url http://x \
	--server-ca other.crt --module-cert keys/module.crt -o bad.json
openssl req -x509 -newkey rsa:2560 -nodes -keyout odd.key -out odd.crt -subj /CN=odd 2>/dev/null
refuses "trust-bundle wants keys that kernels take" 1 "RSA of 2560 bits" "$repo" trust-bundle r --url https://x \
	--server-ca other.crt --module-cert odd.crt -o bad.json
refuses "trust-bundle wants certificates" 1 "certificate" "$repo" trust-bundle r --url https://x \
	--server-ca other.crt --module-cert m-1.1.json -o bad.json

works "publish" "$repo" publish r --to pub
works "what is published verifies" "$repo" verify pub --root first-root.json
works "publish again" "$repo" publish r --to pub
check "copies nothing twice" grep -q " 0 files new" <<<"$("$repo" publish r --to pub)"

mv keys away
refuses "without the offline keys" 1 "0 of 1 needed keys" "$repo" sign r beta
works "refresh needs none" "$repo" refresh r
mkdir keys && openssl pkey -in r/online-keys/snapshot.pem -pubout -out keys/public.pem 2>/dev/null
works "nor is it stopped by what else lies there" "$repo" refresh r
check "really" grep -q "PUBLIC KEY" keys/public.pem
refuses "a folder that is named is read" 1 "public.pem" "$repo" refresh r --keys keys
rm -r keys
refuses "a folder of keys that is not there" 1 "no such folder" "$repo" sign r --keys nowhere
mkdir wrong && "$repo" key generate -o wrong/stable.pem >/dev/null
refuses "the wrong key" 1 "0 of 1 needed keys" "$repo" sign r stable --keys wrong
mv away keys
works "and everything still verifies" "$repo" verify r

# Two at once: the second waits for the folder; an init takes nothing of another's.
waits() {
	local before
	before=$(sha256sum r/repository/metadata/timestamp.json)
	flock r timeout 1 "$repo" refresh r
	[ $? = 124 ] && [ "$before" = "$(sha256sum r/repository/metadata/timestamp.json)" ] && "$repo" refresh r
}
check "a command waits while another uses the folder" waits
mkdir r3 k3
refuses "an init where another is at work" 1 "another suture-repo uses it" flock r3 "$repo" init r3 --keys k3
refuses "or with its keys" 1 "another suture-repo uses it" flock k3 "$repo" init r4 --keys k3
check "leaves what is the other's" test -d r3 -a -d k3
at_once() {
	local i pids=() good=0
	for i in 1 2 3 4; do
		"$repo" init r5 --keys k5 >/dev/null 2>&1 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" && good=$((good + 1)); done
	[ $good = 1 ] && "$repo" verify r5 && "$repo" sign r5
}
check "of four at once one makes the repository" at_once

# survives NAME RENAMES COMMAND...: ends the command at each of its renames in turn (the files appear
# by rename). What is there then verifies, the command works when it is run again, and then it
# verifies too. COMMAND works on the copies c/r and c/keys.
survives() {
	local name=$1 least=$2 at status bad=0
	shift 2
	for ((at = 1; ; at++)); do
		rm -rf c && mkdir c && cp -a r keys c/
		(strace -qq -o /dev/null -e inject=rename,renameat,renameat2:signal=KILL:when=$at "$@" >out 2>err)
		status=$?
		[ $status = 137 ] || break
		# A rotated key may leave a file to be signed anew, which sign does.
		"$repo" sign c/r --keys c/keys >out 2>err && "$repo" verify c/r --root first-root.json >out 2>err &&
			"$@" >out 2>err && "$repo" verify c/r --root first-root.json >out 2>err || bad=1
		[ $bad = 0 ] || break
	done 2>/dev/null
	[ $bad = 0 ] && [ $status = 0 ] && [ $at -gt "$least" ]
	report $? "$name ($((at - 1)) places)"
}

signed 1.3
survives "add, ended at each write" 5 "$repo" add c/r m-1.3.ko --record m-1.3.json --keys c/keys
for role in timestamp targets root stable; do
	survives "rotate $role, ended at each write" 3 "$repo" rotate c/r $role --keys c/keys
done

# What an ended command leaves: keys that nothing names, and files that had no name yet.
leaves_nothing() { # COMMAND...: ended at each of its renames, and before each sync
	local at call stray bad=0
	for call in rename,renameat,renameat2 fsync; do
		for ((at = 1; ; at++)); do
			rm -rf c && mkdir c && cp -a r keys c/
			(strace -qq -o /dev/null -e inject=$call:signal=KILL:when=$at "$@" >out 2>err)
			[ $? = 137 ] || break
			"$repo" sign c/r --keys c/keys >out 2>err || bad=1
			stray=$(find c -name '.new-*' -o -name unfinished)
			for key in c/keys/*-[0-9]*.pem; do
				"$repo" key list c/r --keys c/keys | grep -q "$key" || cmp -s "$key" "${key#c/}" || stray+=" $key"
			done
			[ -z "$stray" ] || { bad=1 && echo "$call $at: $stray" >>err; }
			[ $bad = 0 ] || break 2
		done
	done 2>/dev/null
	return $bad
}
check "rotate, ended anywhere, leaves nothing" leaves_nothing "$repo" rotate c/r stable --keys c/keys
rm -rf c && mkdir c && cp -a r keys c/
(strace -qq -o /dev/null -e inject=rename,renameat,renameat2:signal=KILL:when=3 "$repo" rotate c/r stable --keys c/keys >out 2>err) 2>/dev/null
made=$(cat c/r/unfinished | cut -d' ' -f2)
check "a rotate is ended" test -e "$made"
cp keys/root.pem "$made"
works "the next command" "$repo" refresh c/r
check "leaves what is another's" cmp keys/root.pem "$made"
mkdir c/full && cp -a r keys c/full
refuses "a rotate that fails" 1 "No space left" strace -qq -o /dev/null -e inject=renameat2,renameat,rename:error=ENOSPC:when=4 \
	"$repo" rotate c/full/r stable --keys c/full/keys
check "leaves no key either" diff -r keys c/full/keys
check "nor its list" test ! -e c/full/r/unfinished -a -z "$(find c/full -name '.new-*')"

# publish, ended at each write: what is there is whole, as it was before or as it is now.
published_in_order() {
	local at
	for ((at = 1; ; at++)); do
		rm -rf c && mkdir c && cp -a r keys pub c/
		"$repo" add c/r m-1.3.ko --record m-1.3.json --keys c/keys && "$repo" refresh c/r || return 1
		(strace -qq -o /dev/null -e inject=rename,renameat,renameat2:signal=KILL:when=$at \
			"$repo" publish c/r --to c/pub >/dev/null 2>&1)
		[ $? = 137 ] || break
		"$repo" verify c/pub --root first-root.json || return 1
	done 2>>err
	[ $at -gt 4 ] && "$repo" publish c/r --to c/pub && "$repo" verify c/pub --root first-root.json
}
check "publish, ended at each write" published_in_order
older() {
	rm -rf c && mkdir c && cp -a r c/ && "$repo" publish c/r --to c/pub && "$repo" refresh r && "$repo" publish r --to c/pub
}
check "a newer repository is published over an older one" older
refuses "but not an older one over a newer" 1 "newer than ours" "$repo" publish c/r --to c/pub

# ---- A medium between two networks ----
works "export" "$repo" export r --to medium
check "it says until when" grep -q "to be imported before $(jq -r .signed.expires r/repository/metadata/timestamp.json)" <<<"$(
	"$repo" export r --to medium)"
refuses "a medium that does not take it" 1 "sync" strace -qq -o /dev/null -e inject=syncfs:error=EIO "$repo" export r --to medium
works "import" "$repo" import medium --to apart --root first-root.json
works "what was imported verifies" "$repo" verify apart --root first-root.json
"$repo" init stranger --keys strangerkeys >/dev/null
refuses "not with another root" 1 "signature" "$repo" import medium --to apart2 --root stranger/repository/metadata/1.root.json
check "and then nothing is copied" test ! -e apart2
cp -a medium old-medium
"$repo" refresh r >/dev/null && "$repo" export r --to medium >/dev/null
works "a newer medium" "$repo" import medium --to apart --root first-root.json
refuses "but not an older one over it" 1 "newer than ours" "$repo" import old-medium --to apart --root first-root.json
file=$(find medium/targets/stable -name '*.ko' | head -1)
printf x | dd of="$file" bs=1 seek=100 conv=notrunc 2>/dev/null
refuses "nor a damaged one" 1 "$(basename "$file" | cut -d. -f2-): its sha256" "$repo" import medium --to apart3 --root first-root.json
cp err said
check "and a way out is named" grep -q -- "--partial leaves damaged and missing modules out" said
check "nothing is copied" test ! -e apart3
before=$(sha256sum apart/metadata/timestamp.json)
refuses "nor over what is there" 1 "its sha256" "$repo" import medium --to apart --root first-root.json
check "which is as it was" test "$before" = "$(sha256sum apart/metadata/timestamp.json)"
works "what is good of it" "$repo" import medium --to apart3 --root first-root.json --partial
cp err said
check "what is damaged is named" grep -q "role stable: left out.*sha256" said
check "without advice for another place" test "$(grep -c unlist said)" = 0
check "and not copied" test ! -e "apart3/${file#medium/}"
check "but the rest" test -e "apart3/metadata/$(current stable).stable.json"

# What nobody verified stays on the medium.
rm -r medium && "$repo" export r --to medium >/dev/null
ln -s /etc/passwd medium/targets/stable/link
echo x >medium/targets/stable/stray && echo x >medium/metadata/9.stray.json
works "import of a medium that holds more" "$repo" import medium --to apart4 --root first-root.json
check "leaves that there" test -z "$(find apart4 -name link -o -name '*stray*')"
file=$(find medium/targets/stable -name '*.ko' | head -1)
mv "$file" away.ko && ln -s "$PWD/away.ko" "$file"
refuses "a link to a good file" 1 "$(basename "$file" | cut -d. -f2-)" "$repo" import medium --to apart5 --root first-root.json
works "the rest of that medium" "$repo" import medium --to apart5 --root first-root.json --partial
cp err said
check "is none" grep -q "role stable: left out.*$(basename "$file" | cut -d. -f2-)" said
check "and not copied" test ! -e "apart5/${file#medium/}"
printf x >apart4/metadata/timestamp.json
rm "$file" && mv away.ko "$file"
refuses "what cannot be read there is not taken for nothing" 1 "timestamp.json" "$repo" import medium --to apart4 --root first-root.json
cp -a stranger/repository foreign
refuses "a medium of another repository" 1 "another repository" "$repo" export r --to foreign
check "is as it was" diff -r stranger/repository foreign

signed 1.4
mv keys/module.crt module.crt
check "add without a certificate to compare with says so" grep -q "who signed the module is not checked" <<<"$(
	"$repo" add r m-1.4.ko --record m-1.4.json 2>&1)"
check "and adds" listed edge 1.4
mv module.crt keys/module.crt

file=$(find r/repository/targets/stable -name '*.ko')
printf x >>"$file"
refuses "a changed target" 1 "more than 1" "$repo" verify r
works "publish without it" "$repo" publish r --to pub2
cp err said
check "says so" grep -q "left out.*more than 1.*unlist DIR stable" said
check "and leaves it out" test ! -e "pub2/${file#r/repository/}"
truncate -s -1 "$file"

# Who has the keys of an online tier lists what is not there. A recall gets out all the same.
"$repo" init o --keys okeys --online-tier edge >/dev/null && "$repo" add o m-1.1.ko --record m-1.1.json >/dev/null 2>&1
"$repo" add o m-1.2.ko --record m-1.2.json >/dev/null 2>&1
gone=$(find o/repository/targets/edge -name '*1_2.json') && rm "$gone"
refuses "a record that is not there" 1 "not in the repository" "$repo" verify o
works "recall" "$repo" recall o 1.2 --reason "stolen"
works "is published" "$repo" publish o --to opub
works "and exported" "$repo" export o --to omedium
refuses "what is missing there is asked about" 1 "not in the repository" "$repo" import omedium --to oapart --root o/repository/metadata/1.root.json
works "and imported" "$repo" import omedium --to oapart --root o/repository/metadata/1.root.json --partial
check "the recall list is there" test "$(find opub oapart -name '*.recall.json' -path '*/targets/*' -exec grep -l stolen {} + | wc -l)" = 2
check "the other version too" test "$(find opub oapart -name '*1_1.ko' | wc -l)" = 2
check "but not that one" test -z "$(find opub oapart -name '*1_2.ko')"
mv okeys oaway
works "unlist needs no offline key for it" "$repo" unlist o edge
works "then it verifies" "$repo" verify o
refuses "there is no more of that" 1 "is there and good" "$repo" unlist o edge
works "what is published, too" "$repo" publish o --to opub
works "verifies" "$repo" verify opub
role=r/repository/metadata/$(current stable).stable.json
sed -i 's/"high"/"none"/' "$role"
refuses "changed metadata is not signed over" 1 "sha256" "$repo" sign r stable
echo "1..$n"
