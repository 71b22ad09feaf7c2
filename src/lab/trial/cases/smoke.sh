# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel's services do what they should, patched as unpatched. A group of checks that fails in the
# unpatched kernel says nothing of the patch.
/lab/exercise check >/lab/unpatched.out 2>&1
failing() {
	sed -n 's/^\([a-z0-9-]*\) FAIL.*/\1/p' /lab/unpatched.out | tr '\n' ' '
}

# A machine that is busy for a moment must not cost a check: only what fails three times is left out.
for again in 1 2; do
	[ -n "$(failing)" ] || break
	/lab/exercise check $(failing) >/lab/again.out 2>&1
	sed -n '/^[a-z0-9-]* ok/p' /lab/unpatched.out >>/lab/again.out
	mv /lab/again.out /lab/unpatched.out
done
groups=$(sed -n 's/^\([a-z0-9-]*\) ok.*/\1/p' /lab/unpatched.out)
bad=$(failing)
[ -n "$groups" ] || fail lab "no check passes in the unpatched kernel: $(tail -n 1 /lab/unpatched.out)"
[ $(echo $bad | wc -w) -le 3 ] || fail lab "too many checks fail in the unpatched kernel: $bad"
[ -z "$bad" ] || note "left out, fails in the unpatched kernel too: $bad"
apply
/lab/exercise check $groups >/lab/patched.out 2>&1 || {
	wrong=$(grep -m 1 ' FAIL' /lab/patched.out || tail -n 1 /lab/patched.out)
	fail wrong-data "${wrong:-the checks ended early}"
}
# What the kernel lacked unpatched it may lack now, and nothing else: a call that refuses says "without".
sed -n '/^[a-z0-9-]* ok/p' /lab/unpatched.out >/lab/expected
sed -n '/^[a-z0-9-]* ok/p' /lab/patched.out | grep -vxFf /lab/expected >/lab/other &&
	fail wrong-data "patched: $(head -n 1 /lab/other); unpatched: $(grep "^$(cut -d ' ' -f 1 /lab/other | head -n 1) " /lab/expected)"
note "$(grep -c ' ok' /lab/patched.out) groups of checks"
withdraw
/lab/exercise check $groups >/lab/restored.out 2>&1 ||
	fail wrong-data "after taking back: $(grep -m 1 ' FAIL' /lab/restored.out)"
