#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-diff-scale.py SUTURE_BUILD: the differ on one very large unit.

Functions that call each other, each with a static local of one name, and one function with as many
static locals of another name; all numbers differ between the builds, one constant does too. Four
times the size may take little more than four times the CPU, which no quadratic search keeps. The
large unit has more sections than a 16-bit number counts. Speaks TAP.
"""
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

SMALL, LARGE, CHANGED = 5000, 20000, 1234
RATIO_MAX = 9  # 16 if something is quadratic


def variable(name):
    return f'.section .bss.{name},"aw",@nobits\n.type {name},@object\n.size {name},4\n{name}: .zero 4\n'


def unit(count, first_number, changed):
    lines = ['.file "unit.c"\n']
    for i in range(count):
        local = f"count.{i + first_number}"
        lines.append(f'.section .text.f{i},"ax",@progbits\n.type f{i},@function\nf{i}:\ncall __fentry__\n'
                     f"movl {local}(%rip),%eax\naddl ${i + (i == changed)},%eax\nmovl %eax,{local}(%rip)\n"
                     + (f"call f{i - 1}\n" if i else "") + f"ret\n.size f{i},.-f{i}\n" + variable(local))
    lines.append('.section .text.all,"ax",@progbits\n.globl all\n.type all,@function\nall:\ncall __fentry__\n')
    lines += [f"incl same.{i + first_number}(%rip)\n" for i in range(count)]
    lines.append("ret\n.size all,.-all\n")
    lines += [variable(f"same.{i + first_number}") for i in range(count)]
    return "".join(lines)


def assemble(folder, name, text):
    (folder / f"{name}.s").write_text(text)
    subprocess.run(["as", f"{name}.s", "-o", f"{name}.o"], cwd=folder, check=True, timeout=300)
    return folder / f"{name}.o"


def cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def compare(tool, folder, count):
    original = assemble(folder, f"original{count}", unit(count, 0, -1))
    patched = assemble(folder, f"patched{count}", unit(count, 7, CHANGED))
    before = cpu()
    result = subprocess.run([tool, "diff", original, patched, "--format", "json"], capture_output=True, text=True,
                            timeout=300)
    seconds = cpu() - before
    said = json.loads(result.stdout) if result.stdout else {"reasons": result.stderr}
    good = result.returncode == 0 and said["changed_functions"] == [f"f{CHANGED}"] and said["new_data"] == []
    print(f"# {count} functions, {2 * count} static locals: {seconds:.2f} s of CPU")
    if not good:
        print(f"# {str(said)[:500]}")
    return good, seconds


def main():
    print("1..3")
    with tempfile.TemporaryDirectory() as name:
        small, small_s = compare(sys.argv[1], Path(name), SMALL)
        large, large_s = compare(sys.argv[1], Path(name), LARGE)
    in_proportion = large_s < RATIO_MAX * max(small_s, 0.02)
    for number, (good, what) in enumerate([(small, "the one changed function of a large unit"),
                                           (large, "of a unit with more than 65,279 sections"),
                                           (in_proportion, "CPU grows with the size, not its square")], 1):
        print(f"{'ok' if good else 'not ok'} {number} - {what}")
    return 0 if small and large and in_proportion else 1


if __name__ == "__main__":
    sys.exit(main())
