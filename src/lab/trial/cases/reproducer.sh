# SPDX-License-Identifier: GPL-2.0-or-later
# The fault shows in the unpatched kernel, not in the patched one, and again after taking back.
reproduce || fail fault-absent 'the fault does not show in the unpatched kernel'
apply
! reproduce || fail fault-stays 'the fault still shows in the patched kernel'
withdraw
reproduce || fail fault-absent 'the fault does not show after the patch was taken back'
