# SPDX-License-Identifier: GPL-2.0-or-later
# The module loads, the transition ends, and every object of the patch is patched; one that is not
# loaded yet is loaded into the patched kernel.
if [ "$1" = again ]; then
	name=$(ls $lp)
	for module in $(unpatched); do
		fail not-redirected "$module: loaded and not patched"
	done
else
	begin=$(now)
	apply
	ms=$((($(now) - begin) * 10))
	missing=$(unpatched)
	for module in $missing; do
		echo "@missing $module"
	done
	echo "@seconds $ms"
	[ -z "$missing" ] || exit 10
fi
replaced | sed 's/^/@function /'
withdraw
