#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A stock kernel under Secure Boot, locked down: which modules it and the machine's programs refuse,
# each with its reason on the machine and at the server, and which they take. The firmware's db holds
# the test key of the package ovmf, which is an authority; the kernel has it in .platform.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/machine.sh"
FIXES=$(dirname "$(realpath "$0")")/../../demo/fixes
OVMF=/usr/share/ovmf
prepare_kernel
CONFIG=$(dirname "$KERNEL_BUILD")/config

# --- keys: the firmware's, two that it does not know, and what it issued

# issue NAME TYPE [OPTION…]: a key, and a certificate for it by the firmware's authority; from $AT on.
issue() {
	openssl req -newkey "$2" "${@:3}" -nodes -keyout "$WORK/$1.key" -out "$WORK/$1.csr" -subj "/CN=$1" &&
		printf '%s\n' basicConstraints=critical,CA:FALSE keyUsage=digitalSignature extendedKeyUsage=codeSigning \
			subjectKeyIdentifier=hash authorityKeyIdentifier=keyid >"$WORK/$1.ext" &&
		${AT:+faketime "$AT"} openssl x509 -req -in "$WORK/$1.csr" -CA "$WORK/firmware.crt" \
			-CAkey "$WORK/firmware.key" -set_serial 0x5a"$(printf %s "$1" | od -An -tx1 | tr -d ' ')" \
			-days 30 -out "$WORK/$1.crt" -extfile "$WORK/$1.ext"
}
make_keys() {
	openssl rsa -in $OVMF/PkKek-1-snakeoil.key -passin pass:snakeoil -out "$WORK/firmware.key" &&
		cp $OVMF/PkKek-1-snakeoil.pem "$WORK/firmware.crt" &&
		suture-repo key generate -o "$WORK/stranger.key" --cert "$WORK/stranger.crt" --name stranger &&
		suture-repo key generate -o "$WORK/elsewhere.key" --cert "$WORK/elsewhere.crt" --name elsewhere &&
		issue issued rsa:2048 && AT='2021-03-01' issue expired rsa:2048 &&
		issue curve ec -pkeyopt ec_paramgen_curve:P-384 &&
		suture-repo init "$WORK/repo" --keys "$WORK/keys" --tier $TIER
}

# --- modules: one version for each case

# All are one patch under different names, which are of the same length.
make_patches() {
	local minor
	suture-build patch --kernel "$RELEASE" --version 1.1 -o "$WORK/1.1.ko" --record "$WORK/1.1.json" "$FIXES"/0001* || return
	for minor in 2 3 4 5 6 7; do
		LC_ALL=C sed "s/$(name_of 1.1)/$(name_of 1.1 | sed "s/1$/$minor/")/g" "$WORK/1.1.ko" >"$WORK/1.$minor.ko"
		jq --arg minor "$minor" --arg sha "$(sha256sum "$WORK/1.$minor.ko" | cut -c1-64)" \
			'.module |= sub("1$"; $minor) | .version = "1." + $minor | .module_sha256 = $sha' \
			"$WORK/1.1.json" >"$WORK/1.$minor.json"
	done
	cp "$WORK/1.4.ko" "$WORK/unsigned.ko"
}
sign() { # VERSION KEY [OPTION…]
	suture-repo module sign --key "$WORK/$2.key" --cert "$WORK/$2.crt" "${@:3}" "$WORK/$1.ko"
}
# release VERSION KEY [OPTION…]
release() { sign "$@" && serve "$1"; }

# suture-repo lists no unsigned module. Whoever has the keys of tier, snapshot and timestamp can all the
# same: the served role is made to list the unsigned file, and what names it is signed anew.

# resign FILE KEY JQ-FILTER: canonical JSON of such plain values is what jq -S writes.
resign() {
	local signature
	jq -cSj ".signed | $3" "$1" >"$WORK/signed" &&
		signature=$(openssl pkeyutl -sign -rawin -inkey "$2" -in "$WORK/signed" | od -An -v -tx1 | tr -d ' \n') &&
		jq -c --slurpfile old "$1" --arg sig "$signature" \
			'{signatures: [{keyid: $old[0].signatures[0].keyid, sig: $sig}], signed: .}' "$WORK/signed" >"$WORK/resigned" &&
		cp "$WORK/resigned" "$1"
}
# facts FILE: as metadata names it.
facts() { jq -nc --argjson n "$(stat -c %s "$1")" --arg sha "$(sha256sum "$1" | cut -c1-64)" '{length: $n, hashes: {sha256: $sha}}'; }
newest() { ls "$META" | grep "^[0-9]*\.$1\.json" | sort -n | tail -n 1; }
release_unsigned() {
	local role snapshot path
	META=$WORK/server/repository/metadata
	sign 1.4 firmware && suture-repo add "$WORK/repo" "$WORK/1.4.ko" --record "$WORK/1.4.json" --tier $TIER &&
		cp -a "$META" "$WORK/kept" && cp -r "$WORK/repo/repository/." "$WORK/server/repository/" || return
	role=$META/$(newest $TIER) snapshot=$META/$(newest snapshot)
	path=$(jq -r --arg name "$(name_of 1.4).ko" '.signed.targets | keys[] | select(endswith($name))' "$role")
	cp "$WORK/unsigned.ko" "$WORK/server/repository/targets/$(dirname "$path")/$(sha256sum "$WORK/unsigned.ko" | cut -c1-64).$(basename "$path")"
	resign "$role" "$WORK/keys/$TIER.pem" ".targets[\"$path\"] += $(facts "$WORK/unsigned.ko")" &&
		resign "$snapshot" "$WORK/repo/online-keys/snapshot.pem" ".meta[\"$TIER.json\"] += $(facts "$role")" &&
		resign "$META/timestamp.json" "$WORK/repo/online-keys/timestamp.pem" \
			".meta[\"snapshot.json\"] += $(facts "$snapshot")"
}
# The served metadata as it was before.
forget_unsigned() { rm -r "$META" && mv "$WORK/kept" "$META"; }

# --- the machine

# refused VERSION CODE TEXT: not applied, the reason in the status and at the server, nothing in the kernel.
refused() {
	check "$1: refused" refuses "$3" in_guest suture refresh
	note "$(tail -n 2 "$WORK/says.out")"
	check "$1: status says why" status_is ".state == \"refused\" and .error.code == \"$2\" and .exit_status == 6"
	check "$1: so does the server" server_knows \
		".machines[0] | .state == \"refused\" and .error.code == \"$2\" and (.error.message | contains(\"$3\"))"
	check "$1: the kernel is as shipped" kernel_is_silent
}
# applied VERSION PATTERN: it is in, and sutured said by which key it would be.
applied() {
	check "$1: applied" in_guest suture refresh
	check "$1: status" status_is ".state == \"applied\" and .version == \"$1\" and .exit_status == 0"
	check "$1: the server knows" server_knows ".machines[0] | .state == \"applied\" and .version == \"$1\""
	check "$1: sutured said which key" says "$2" in_guest sh -c 'grep "the kernel accepts it" /sutured.log | tail -n 1'
	note "$(cat "$WORK/says.out")"
}
# kernel_refuses FILE PATTERN: the kernel's own word.
kernel_refuses() {
	in_guest sh -c 'dmesg | wc -l >/seen' && refuses "" in_guest insmod "$1" &&
		says "$2" in_guest sh -c 'dmesg | tail -n +$(($(cat /seen) + 1))'
}
# The whole log, from the first line on; a guest that is gone has no log.
kernel_log_is_clean() {
	in_guest dmesg >"$WORK/kernel.log" && grep -q "Linux version" "$WORK/kernel.log" &&
		! grep -E "WARNING:|BUG:|Oops" "$WORK/kernel.log"
}
# The kernel does not look at dates.
kernel_takes() {
	in_guest insmod "$1" && kernel_says && in_guest sh -c 'echo 0 >/sys/kernel/livepatch/'"$2"'/enabled
		until rmmod '"$2"' 2>/dev/null; do usleep 50000; done'
}
check_says() { # REQUIREMENT PATTERN
	in_guest suture check >"$WORK/check.txt"
	cat "$WORK/check.txt"
	grep "$1" "$WORK/check.txt" | grep -q "$2"
}

check "keys and a repository" make_keys
check "a patch is built, of seven versions" make_patches
check "1.1, by a stranger" release 1.1 stranger
check "the server starts" start_server
check "a token, and a bundle with two certificates" make_token "$WORK/firmware.crt" "$WORK/elsewhere.crt"
# A busy machine emulates the timer too slowly for the kernel's test of it.
start_machine safe --secure-boot --append no_timer_check --boot-timeout 300 >"$WORK/boot.out" 2>&1 ||
	give_up "no machine under Secure Boot: $(tail -n 3 "$WORK/boot.out")"
check "the kernel is locked down" says '\[integrity\]' in_guest cat /sys/kernel/security/lockdown
check "its programs start" start_programs
check "it enrols" in_guest suture enable --trust /bundle.json --token-file /token
check "the firmware said so" says "Secure boot enabled" in_guest dmesg
check "the doctor: signatures are demanded" check_says "module signatures" "demanded by the kernel"
check "the doctor: the firmware's key is accepted" check_says "pass .*module key" "SnakeOil.*in .platform as \"SnakeOil: "
check "the doctor: the other one is not" check_says "warning .*module key" "CN=elsewhere.*in none of the kernel's keyrings"
note "$(grep 'module key' "$WORK/check.txt")"

# What the machine does not trust, and what only the kernel does not.
refused 1.1 untrusted "made by none of the trusted certificates"
check "1.2, by a key that the kernel has not" release 1.2 elsewhere
refused 1.2 untrusted "in none of the kernel's keyrings"
check "the kernel says so too" suture-lab put "$GUEST" "$WORK/1.2.ko" /elsewhere.ko
check "the kernel refuses it" kernel_refuses /elsewhere.ko "Loading of module with unavailable key is rejected\|Lockdown"
note "$(grep -i "module\|lockdown" "$WORK/says.out" | tail -n 1)"

# A certificate that had ended when the patch was published: the kernel does not look.
sign_expired() { suture-repo module sign --key "$WORK/expired.key" --cert "$WORK/expired.crt" --chain "$WORK/firmware.crt" "$WORK/1.3.ko"; }
check "1.3, by an expired certificate: warned" says "valid from 2021-03-01" sign_expired
check "it is served" serve 1.3
refused 1.3 expired "valid from 2021-03-01"
check "the kernel would" suture-lab put "$GUEST" "$WORK/1.3.ko" /expired.ko
check "take it" kernel_takes /expired.ko "$(name_of 1.3)"

check "an unsigned module is not listed" refuses "the module is not signed" \
	suture-repo add "$WORK/repo" "$WORK/unsigned.ko" --record "$WORK/1.4.json" --tier $TIER
check "1.4, listed unsigned by who has the keys" release_unsigned
refused 1.4 signature "the module is not signed"
check "the kernel's own word" suture-lab put "$GUEST" "$WORK/unsigned.ko" /unsigned.ko
check "the kernel refuses it" kernel_refuses /unsigned.ko "unsigned module loading is restricted\|Loading of unsigned module is rejected"
note "$(grep -i "module\|lockdown" "$WORK/says.out" | tail -n 1)"

check "the repository is right again" forget_unsigned

# What is right.
check "1.5, by the firmware's key" release 1.5 firmware
applied 1.5 'by the key "SnakeOil: .*" in .platform'
check "the kernel is changed" kernel_says
check "1.6, by a certificate that it issued" release 1.6 issued --chain "$WORK/firmware.crt"
applied 1.6 'by the key "SnakeOil: .*" in .platform'

# ECDSA and SHA-512, as far as this kernel has them built in.
if grep -q '^CONFIG_CRYPTO_ECDSA=y' "$CONFIG" && grep -q '^CONFIG_CRYPTO_SHA512=y' "$CONFIG"; then
	check "1.7, by ECDSA and SHA-512" release 1.7 curve --hash sha512 --chain "$WORK/firmware.crt"
	applied 1.7 'by the key "SnakeOil: .*" in .platform'
else
	check "1.7, by ECDSA: refused at signing" refuses "CONFIG_CRYPTO_ECDSA is not set" sign 1.7 curve
	check "1.7, by SHA-512: refused at signing" refuses "CONFIG_CRYPTO_SHA512 is" sign 1.7 firmware --hash sha512
fi
check "where nothing is known of the kernel, ECDSA is refused" refuses "is not known" \
	env XDG_CACHE_HOME="$WORK/empty" suture-repo module sign --key "$WORK/curve.key" --cert "$WORK/curve.crt" "$WORK/unsigned.ko"
check "the kernel is changed" kernel_says
check "no warning in the kernel log" kernel_log_is_clean
finish
