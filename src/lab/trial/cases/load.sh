# SPDX-License-Identifier: GPL-2.0-or-later
# The module loads, the transition ends, and every object of the patch is patched; one that is not
# loaded yet is loaded into the patched kernel.
case $1 in
again)
	name=$(ls $lp)
	for module in $(unpatched); do
		fail not-redirected "$module: loaded and not patched"
	done
	;;
back)
	name=$(ls $lp)
	withdraw
	exit
	;;
*)
	begin=$(now)
	apply
	ms=$((($(now) - begin) * 10))
	missing=$(unpatched)
	for module in $missing; do
		echo "@missing $module"
		note "$module was loaded into the patched kernel"
	done
	echo "@seconds $ms"
	[ -z "$missing" ] || exit 10
	;;
esac
replaced | sed 's/^/@function /'
withdraw
