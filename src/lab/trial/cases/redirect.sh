# SPDX-License-Identifier: GPL-2.0-or-later
# Calls really go to the new functions: ftrace has taken each of them over, the first bytes of each are
# another instruction, and the code is the one that the build record describes. /lab/functions: lines
# OBJECT FUNCTION SYMPOS SIZE of the record.
if [ -s /lab/functions ]; then
	/lab/probe </lab/functions >/lab/record.out || fail lab "$(tail -n 1 /lab/record.out)"
	sed 's/^/@code /' /lab/record.out
fi
apply
replaced >/lab/replaced
sed 's/^/@function /' /lab/replaced
[ -s /lab/replaced ] || skip 'the patch replaces no function'
sed 's/$/ 16/' /lab/replaced | /lab/probe >/lab/patched.out || fail lab "$(tail -n 1 /lab/patched.out)"
sed 's/^/@patched /' /lab/patched.out
while read -r object function position; do
	[ "$(cat $lp/$name/$object/patched)" = 1 ] || continue
	[ "$object" = vmlinux ] && where= || where=" \[$object\]"
	grep "^$function$where (" $tracing/enabled_functions | grep -q klp_ftrace_handler ||
		fail not-redirected "$object:$function is not among ftrace's enabled functions"
done </lab/replaced
withdraw
sed 's/$/ 16/' /lab/replaced | /lab/probe >/lab/restored.out || fail lab "$(tail -n 1 /lab/restored.out)"
sed 's/^/@restored /' /lab/restored.out
! grep klp_ftrace_handler $tracing/enabled_functions >/lab/left ||
	fail not-redirected "after taking back, ftrace still has $(head -n 1 /lab/left)"
