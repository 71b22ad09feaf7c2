#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a stock kernel says of our module signatures. It demands signatures here and has no key of
# ours, so a good one is told from a damaged one and from none by the kernel's own reason
# (kernel/module/signing.c: ENODATA, ENOKEY, EBADMSG).
. "$(dirname "$0")/lib.sh"
MODULES=$(dirname "$(realpath "$0")")/modules

prepare_kernel
build_module "$MODULES/lab_patch.c" || give_up "the test's livepatch does not build"
plain=$WORK/lab_patch.ko

check "a key and a certificate" suture-repo key generate -o "$WORK/key.pem" --cert "$WORK/key.crt" --bits 2048
check "sign" suture-repo module sign --key "$WORK/key.pem" --cert "$WORK/key.crt" -o "$WORK/good.ko" "$plain"
check "our own verification" suture-repo module verify --ca "$WORK/key.crt" "$WORK/good.ko"
python3 - "$WORK" <<'END'
import sys
data = bytearray(open(sys.argv[1] + "/good.ko", "rb").read())
data[-28 - 1] ^= 1  # the length in the trailer
open(sys.argv[1] + "/length.ko", "wb").write(data)
data[-28 - 1] ^= 1
data[-28 - 12] = 1  # a field that must be zero
open(sys.argv[1] + "/field.ko", "wb").write(data)
END

check "a guest that demands signatures" start_guest signature --append "module.sig_enforce=1 loglevel=7"
for name in good length field; do
	check "put $name" suture-lab put "$GUEST" "$WORK/$name.ko" "/$name.ko"
done
check "put the unsigned one" suture-lab put "$GUEST" "$plain" /plain.ko

# loads_as FILE PATTERN: refused, and the kernel's log says why.
loads_as() {
	in_guest dmesg -c >/dev/null
	in_guest insmod "$1" && return 1
	says "$2" in_guest dmesg
}
check "unsigned: told so" loads_as /plain.ko "Loading of unsigned module is rejected"
check "signed by us: read wholly, only the key is unknown" loads_as /good.ko \
	"Loading of module with unavailable key is rejected"
for name in length field; do
	check "damaged ($name): refused" refuses "" in_guest insmod "/$name.ko"
	check "damaged ($name): refused by us too" refuses "signature" \
		suture-repo module verify --ca "$WORK/key.crt" "$WORK/$name.ko"
done
finish
