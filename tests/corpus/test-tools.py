#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""TAP: what the corpus stands on: reading C, turning patches round, judging what a guest says."""
import subprocess
import sys
import tempfile
from pathlib import Path

import csource
import edits
import guest
import patchtext

BASE = """#include <a.h>
#define LIMIT 3
struct s { int a; };
static int table[] = { 1, 2 };
static int __init start(void)
{
	return helper();
}
static int helper(void)
{
	return 1;
}
int work(struct s *s, int n)
{
	int count = 0;

#if LIMIT > 2
	if (n > LIMIT) {
#else
	if (n) {
#endif
		s->count = count;
	}
	return count + n; /* } */
}
int other(int n)
{
	int total = n;
	char *text = "{";

	return total + *text;
}
EXPORT_SYMBOL(other);
"""
KINDS = [  # old, new, kinds
    ("return count + n; /* } */", "return count + n;\n\n\t/* another */", set()),
    ("return count + n;", "return count - n;", {"code"}),
    ("char *text = \"{\";", "char *text = \"}\";", {"code"}),
    ("int count = 0;", "static int count = 0;", {"code", "static local"}),
    ("return 1;", "return 2;", {"init"}),
    ("return helper();", "return 0;", {"init"}),
    ("int other(int n)", "static int more(void)\n{\n\treturn 1;\n}\nint other(int n)", {"code"}),
    ("int other(int n)", "int other(long n)", {"code", "interface"}),
    ("#define LIMIT 3", "#define LIMIT 4", {"macro"}),
    ("struct s { int a; };", "struct s { long a; };", {"type"}),
    ("{ 1, 2 }", "{ 1, 3 }", {"variable"}),
    ("#include <a.h>", "#include <a.h>\n#include <b.h>", {"include"}),
    ("EXPORT_SYMBOL(other)", "EXPORT_SYMBOL_GPL(other)", {"call"}),
]


def test_kinds():
    for old, new, kinds in KINDS:
        assert BASE.count(old) == 1, old
        found = csource.change_kinds(BASE, BASE.replace(old, new))
        assert found == kinds, f"{old!r} to {new!r}: {found}"
    assert csource.is_code_only({"code", "include"})
    assert not csource.is_code_only({"code", "macro"}) and not csource.is_code_only({"include"})


def test_functions():
    found = [i.name for i in csource.items(BASE) if i.kind == "function"]
    assert found == ["start", "helper", "work", "other"], found
    text = "SYSCALL_DEFINE2(kill, pid_t, pid, int, sig)\n{\n\treturn 0;\n}\nvoid f(void) __releases(x)\n{\n}\n"
    found = [i.name for i in csource.items(text)]
    assert found == ["SYSCALL_DEFINE2(kill)", "f"], found


def test_registered():
    text = "static void gone(void)\n{\n\ta();\n}\nmodule_exit(gone);\nstatic void both(void)\n{\n\ta();\n}\n" \
        "module_exit(both);\nvoid f(void)\n{\n\tboth();\n}\n"
    assert csource.init_functions(csource.items(text)) == {"gone"}, csource.init_functions(csource.items(text))


def test_changed_names():
    names, members = csource.changed_names("struct s { int a; };\nint f(int x);\n",
                                           "struct s { int a; int more; };\nint f(long x);\n", True)
    assert names == {"f"} and members == {"more"}, (names, members)
    names, members = csource.changed_names("static int f(void) { }\n", "static int g(void) { }\n", False)
    assert not names and not members, (names, members)


def test_rename():
    renamed = list(csource.rename_local(BASE))
    # `count` is a member too, and its function holds a directive.
    assert [r[1:] for r in renamed] == [("other", "total", "total_renamed")], [r[1:] for r in renamed]
    assert "int total_renamed = n;" in renamed[0][0] and "return total_renamed + *text;" in renamed[0][0]
    for name, edit in edits.EDITS.items():
        text = next(edit(BASE))
        assert text != BASE, name
        assert (csource.change_kinds(BASE, text) == set()) == (name != "renamed local variable"), name
    assert "total_renamed" in next(edits.all_at_once(BASE))


def test_reverse():
    new = BASE.replace("return 1;", "return 2;\n\t;").replace("EXPORT_SYMBOL(other);\n", "x")
    patch = patchtext.make("a.c", BASE, new)
    assert patchtext.reverse(patchtext.reverse(patch)) == patch
    for start, text, end in ((BASE, patch, new), (new, patchtext.reverse(patch), BASE)):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "a.c").write_text(start)
            assert patchtext.fits(text, folder)
            subprocess.run(["patch", "-p1", "-s", "-d", folder], input=text, text=True, check=True)
            assert (Path(folder) / "a.c").read_text() == end
            assert not patchtext.fits(text, folder)


GOOD = """@taints 0
@functions
f (1) R I   M \ttramp: 0xffffffffc0 (klp_ftrace_handler+0x0/0x1f0)
g [mod] (1) R I   M \ttramp: 0xffffffffc0 (klp_ftrace_handler+0x0/0x1f0)
h (1) I \tbpf_trampoline_6442
@end
@taints 45056
@log
<6>[    1.0] livepatch: enabling patch 'x'
<4>[    1.0] x: tainting kernel with TAINT_LIVEPATCH
"""


def complaint(out, functions=(("vmlinux", "f"), ("mod", "g")), code=0):
    try:
        guest.judge(code, out, "", functions)
        return ""
    except guest.Failure as failure:
        return str(failure)


def test_judge():
    assert complaint(GOOD) == ""
    assert "h (vmlinux)" in complaint(GOOD, [("vmlinux", "h")])
    assert "g (vmlinux)" in complaint(GOOD, [("vmlinux", "g")])
    assert "WARNING: x" in complaint(GOOD + "<4>[ 2.0] WARNING: x\n")
    assert "new taints 512" in complaint(GOOD.replace("45056", "45568"))
    assert "the guest failed" in complaint(GOOD, code=1)
    assert "the guest failed" in complaint(GOOD.split("@log")[0])
    assert "load: refused" in complaint("@fail load: refused\n<3>[ 1.0] why\n", code=1)


def main():
    tests = [(name, f) for name, f in globals().items() if name.startswith("test_")]
    print(f"1..{len(tests)}")
    failed = 0
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} - {name}")
        except (AssertionError, KeyError, IndexError, ValueError, StopIteration) as e:
            failed += 1
            print(f"not ok {number} - {name}\n# {type(e).__name__} {e}".replace("\n#", "\n# "))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
