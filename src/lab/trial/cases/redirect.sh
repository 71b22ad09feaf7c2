# SPDX-License-Identifier: GPL-2.0-or-later
# Calls really go to the new functions: ftrace has taken each of them over, the first bytes of each are
# another instruction, and the code is the one that the build record describes. /lab/functions: lines
# OBJECT FUNCTION SYMPOS SIZE of the record.
if [ -s /lab/functions ]; then
	/lab/probe </lab/functions >/lab/record.out || fail lab "$(tail -n 1 /lab/record.out)"
	sed 's/^/@code /' /lab/record.out
fi
apply
sed 's/^/@function /' /lab/replaced
[ -s /lab/replaced ] || skip 'the patch replaces no function'
sed 's/$/ 16/' /lab/replaced | /lab/probe >/lab/patched.out || fail lab "$(tail -n 1 /lab/patched.out)"
sed 's/^/@patched /' /lab/patched.out
unpatched >/lab/unpatched
sed 's/^/@unpatched /' /lab/unpatched
awk 'FILENAME == ARGV[1] { left_out[$1] = 1; next } !($1 in left_out)' /lab/unpatched /lab/replaced >/lab/redirected
lacking=$(ftrace_lacks /lab/redirected klp_ftrace_handler | head -n 1)
[ -z "$lacking" ] || fail not-redirected "$lacking is not among ftrace's enabled functions"
withdraw
sed 's/$/ 16/' /lab/replaced | /lab/probe >/lab/restored.out || fail lab "$(tail -n 1 /lab/restored.out)"
sed 's/^/@restored /' /lab/restored.out
! grep klp_ftrace_handler $tracing/enabled_functions >/lab/left ||
	fail not-redirected "after taking back, ftrace still has $(head -n 1 /lab/left)"
