# SPDX-License-Identifier: GPL-2.0-or-later
# Taken back, the kernel is as before, and the same patch can be applied again; a transition that has
# only begun can be turned round.
apply
withdraw
! grep -q klp_ftrace_handler $tracing/enabled_functions || fail not-redirected 'ftrace still has functions of the patch'
[ ! -e /lab/reproducer ] || reproduce || fail fault-absent 'the fault does not show after the patch was taken back'
apply
withdraw
insert $patch || fail refused "$why"
withdraw
