# SPDX-License-Identifier: GPL-2.0-or-later
# Modules that the patch is for: loaded before it, and loaded into the patched kernel.
[ -n "$targets" ] || skip 'the patch is for no module'

unload_targets() {
	local module

	for module in $targets; do
		[ ! -d /sys/module/$module ] || rmmod $module 2>/dev/null || return 1
	done
}

load_targets() {
	local module

	for module in $targets; do
		[ -d /sys/module/$module ] || insmod /lib/modules/suture-lab/$module.ko 2>/lab/insmod.out ||
			fail refused "$module does not load into the patched kernel: $(cat /lab/insmod.out) ($(since_mark))"
	done
}

all_patched() {
	local module

	for module in $targets; do
		[ ! -d $lp/$name/$module ] || [ "$(cat $lp/$name/$module/patched)" = 1 ] ||
			fail not-redirected "$module: $1, and not patched"
	done
}

load_targets
apply
all_patched 'loaded before the patch'
withdraw
if unload_targets; then
	apply
	load_targets
	all_patched 'loaded into the patched kernel'
	withdraw
	note "before and after the patch: $targets"
else
	load_targets
	note "before the patch only, since they cannot be unloaded: $targets"
fi
