#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Kinds of machines, and how a guest ended: each end must be told from the others.
. "$(dirname "$0")/lib.sh"
MODULES=$(dirname "$(realpath "$0")")/modules

prepare_kernel
for module in lab_hang lab_triple lab_patch; do
	build_module "$MODULES/$module.c" || give_up "the test's module $module does not build"
done

# start NAME [OPTION…]: a guest that has the modules.
start() {
	start_guest "$@" --file "$WORK/lab_hang.ko:/lab_hang.ko" --file "$WORK/lab_triple.ko:/lab_triple.ko"
}

# ended HOW: waits until the guest's QEMU is gone, and says how it went.
ended() {
	local deadline=$((SECONDS + 120))

	until suture-lab list --format json | jq -e --arg name "$GUEST" --arg how "$1" \
		'.[] | select(.name == $name) | .end == $how'; do
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.1
	done
	says "^$GUEST *ended: $1\$" suture-lab list
}

# console_says TEXT: waits until it does.
console_says() {
	local deadline=$((SECONDS + 120))

	until suture-lab log "$GUEST" | grep -q "$1"; do
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.1
	done
}

# q35 with two processors, of which one hangs with interrupts off.
check "q35 starts" start hang --machine q35 --cpus 2 --accel tcg-multi
check "it is one" says Q35 in_guest cat /sys/class/dmi/id/product_name
check "with two processors" says '^2$' in_guest nproc
in_guest insmod /lab_hang.ko >"$WORK/hang.out" 2>&1 &
waiting=$!
check "one of them hangs" console_says 'lab_hang: spins on CPU 1'
check "the trace shows where" says 'RIP: .*lab_hang_here' suture-lab trace hang --timeout 120
wait $waiting
check "the command that hung has failed" [ $? != 0 ]
check "whoever waited hears of the panic" grep -q 'Kernel panic - not syncing: NMI' "$WORK/hang.out"
check "a traced guest ends with a reset" ended reset
check "a trace of one that has ended" refuses 'has ended' suture-lab trace hang

# The ends.
check "a guest starts" start triple
check "a triple fault ends it" refuses 'the guest has ended' in_guest insmod /lab_triple.ko
check "and is told from a reset" ended "triple fault"
check "another one" start reboot
in_guest reboot -f >/dev/null 2>&1
check "a reboot" ended reset
check "another one" start off
in_guest poweroff -f >/dev/null 2>&1
check "a power-off" ended "powered off"
check "another one" start dead
kill -9 "$(cat "$WORK/suture-lab/dead/qemu.pid")"
check "QEMU killed" ended "QEMU was ended"

# Secure Boot: the case proves that the kernel is locked down, refuses the module as it is and with a
# changed bit, and takes it signed.
secure_run() {
	suture-lab run --kernel "$RELEASE" --module "$WORK/lab_patch.ko" --secure-boot --case unsigned \
		--record "$WORK/secure.json"
}
check "Secure Boot: only what is signed is loaded" secure_run
check "the kernel refused in its own words" grep -q 'Key was rejected by service' "$WORK/secure.json"
check "the record names the machine" grep -q 'q35, 1 cpu, 512 MB, tcg, secure boot' "$WORK/secure.json"
check "without its tools: which package is missing" refuses 'install the package sbsigntool' \
	env PATH="$BUILD_ROOT/src/lab" "$BUILD_ROOT/src/lab/suture-lab" start --name no --secure-boot \
	--kernel "$RELEASE"
check "Secure Boot on a machine that has none" refuses 'needs the machine q35' \
	start no --secure-boot --machine pc

check "a machine that there is not" refuses '--machine tardis: pc or q35' start no --machine tardis
check "too many processors" exits 2 start no --cpus 9
finish
