# SPDX-License-Identifier: GPL-2.0-or-later
# Modules that the patch is for: loaded before it, and loaded into the patched kernel.
unload_targets() {
	local module

	for module in $objects; do
		[ ! -d /sys/module/$module ] || rmmod $module 2>/dev/null || return 1
	done
}

load_targets() {
	local module

	for module in $objects; do
		[ -d /sys/module/$module ] || insmod /lib/modules/suture-lab/$module.ko 2>/lab/insmod.out ||
			fail refused "$module does not load into the patched kernel: $(cat /lab/insmod.out) ($(since_mark))"
	done
}

all_patched() {
	local module

	for module in $objects; do
		[ "$(cat $lp/$name/$module/patched)" = 1 ] || fail not-redirected "$module: $1, and not patched"
	done
}

# A patch whose callbacks are all that it has for a module has no function of it.
apply
objects=$(ls -d $lp/$name/*/ | sed 's,/$,,; s,.*/,,' | grep -vx vmlinux)
for module in $targets; do
	echo "$objects" | grep -qx "$module" || fail not-redirected "$module: a target of the patch that the kernel knows nothing of"
done
if [ -z "$objects" ]; then
	withdraw
	skip 'the patch is for no module'
fi
missing=$(unpatched)
[ "$1" = again ] || [ -z "$missing" ] || {
	withdraw
	for module in $missing; do
		echo "@missing $module"
	done
	exit 10
}
all_patched 'loaded before the patch'
withdraw
if unload_targets; then
	apply
	load_targets
	all_patched 'loaded into the patched kernel'
	withdraw
	note "before and after the patch: $(echo $objects)"
else
	load_targets
	note "before the patch only, since they cannot be unloaded: $(echo $objects)"
fi
