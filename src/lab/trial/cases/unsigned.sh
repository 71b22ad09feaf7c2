# SPDX-License-Identifier: GPL-2.0-or-later
# Under Secure Boot: the module without a signature, and with one changed bit, is refused; signed, it
# loads.
grep -q '\[integrity\]\|\[confidentiality\]' /sys/kernel/security/lockdown 2>/dev/null ||
	fail lab 'the kernel is not locked down'
! insert /lab/unsigned.ko || fail accepted 'the kernel took a module without a signature'
note "unsigned: $why"
! insert /lab/damaged.ko || fail accepted 'the kernel took a module that was changed after it was signed'
note "changed: $why"
apply
withdraw
