# SPDX-License-Identifier: GPL-2.0-or-later
# The same module, made for another kernel: its name, and the versions of the symbols that it uses, are
# another's. (A kernel with MODVERSIONS looks at the latter only.)
[ -e /lab/wrong.ko ] || skip 'the module names no kernel'
if insert /lab/wrong.ko; then
	fail accepted 'the kernel took a module that is made for another one'
fi
case $why in
*'version magic'* | *'disagrees about version'*) note "$why" ;;
*) fail lab "refused for another reason: $why" ;;
esac
