# SPDX-License-Identifier: GPL-2.0-or-later
# More tasks than processors that never enter the kernel by themselves.
start spin /lab/exercise spin $(($(grep -c ^processor /proc/cpuinfo) + 1))
begin=$(now)
apply
note "patched after $((($(now) - begin) * 10)) ms"
withdraw
finish
