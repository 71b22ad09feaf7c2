#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-diff.py SUTURE_BUILD [--update] [CASE...]: golden tests of the differ.

Each folder of diff/ holds orig.c and patched.c, which are compiled as the kernel's 6.1 and 6.12 are
(before objtool), and expected.json: exit status and what `suture-build diff --format json` says of
the two. Where there is a run.c, the original, the extracted object and run.c are linked into one
program, the kernel's own symbols resolved as a livepatch would resolve them; it must exit 0.
Where there is an explain.FUNCTION.txt, that is what `--explain FUNCTION` prints (as for 6.1). A file
`flags` holds more options of the compiler (-g: with debugging data).
Speaks TAP. --update writes expected.json anew (then read the difference).
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent / "diff"
COMMON = ["-O2", "-fno-pie", "-mcmodel=kernel", "-mno-red-zone", "-ffunction-sections", "-fdata-sections",
          "-fno-asynchronous-unwind-tables", "-fno-common", "-fno-strict-aliasing", "-fno-stack-protector",
          "-mno-sse", "-mno-mmx", "-mpreferred-stack-boundary=4", "-pg", "-mfentry", "-mrecord-mcount", "-w",
          "-fno-strict-overflow", "-I", str(HERE)]
FLAVOURS = {
    "6.1": ["-fcf-protection=none"],
    "6.12": ["-fcf-protection=branch", "-fpatchable-function-entry=16,16"],
}


def run(*argv, **kwargs):
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=60, **kwargs)


def must(*argv):
    result = run(*argv)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, argv))}: exit {result.returncode}\n{result.stdout}{result.stderr}")
    return result


def compile_unit(case, name, out, flags):
    # Both are compiled under one name, as the kernel compiles one path before and after.
    source = out.parent / "unit.c"
    source.write_text((case / name).read_text())
    own = case / "flags"
    must("gcc-12", *COMMON, *flags, *(own.read_text().split() if own.exists() else []), "-c", source, "-o", out)


def execute(case, work, symbols):
    """Links original and extracted code into one program and runs it."""
    defsym, globals_ = [], []
    for symbol in symbols:
        if symbol["own"] and symbol["local"]:
            globals_ += ["--globalize-symbol", symbol["name"]]
            defsym += [f"-Wl,--defsym={symbol['symbol']}={symbol['name']}"]
    must("objcopy", *globals_, work / "orig.o", work / "kernel.o")
    must("gcc-12", "-O1", "-no-pie", "-static", "-w", "-I", HERE, "-o", work / "program", case / "run.c",
         work / "kernel.o", work / "out.o", *defsym)
    must(work / "program")


def explain(tool, work, path, update):
    """explain.FUNCTION.txt holds what --explain FUNCTION prints."""
    function = path.name[len("explain."):-len(".txt")]
    said = run(tool, "diff", work / "orig.o", work / "patched.o", "--name", "unit.o", "--explain", function).stdout
    if update:
        path.write_text(said)
    if said != path.read_text():
        (work / "said.txt").write_text(said)
        raise RuntimeError(run("diff", "-u", path, work / "said.txt").stdout)


def check(tool, case, flavour, flags, update):
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        compile_unit(case, "orig.c", work / "orig.o", flags)
        compile_unit(case, "patched.c", work / "patched.o", flags)
        result = run(tool, "diff", work / "orig.o", work / "patched.o", "--name", "unit.o", "-o", work / "out.o",
                     "--format", "json")
        if not result.stdout:
            raise RuntimeError(f"exit {result.returncode}: {result.stderr}")
        said = {"exit": result.returncode, **json.loads(result.stdout)}
        for reason in said["reasons"]:
            reason.pop("hint")  # wording, not a finding
        text = json.dumps(said, indent=2) + "\n"
        expected = case / "expected.json"
        if update and flavour == "6.1":
            expected.write_text(text)
        if text != expected.read_text():
            (work / "said.json").write_text(text)
            raise RuntimeError(run("diff", "-u", expected, work / "said.json").stdout)
        if (work / "out.o").exists() != (result.returncode == 0):
            raise RuntimeError("an object is written if, and only if, the change is accepted")
        if result.returncode == 0:
            must("ld", "-r", work / "out.o", "-o", work / "linked.o")
        if (case / "run.c").exists():
            execute(case, work, said["symbols"])
        if flavour == "6.1":
            for path in sorted(case.glob("explain.*.txt")):
                explain(tool, work, path, update)


def main():
    tool, names = sys.argv[1], [a for a in sys.argv[2:] if a != "--update"]
    cases = sorted(p.parent for p in HERE.glob("*/orig.c") if not names or p.parent.name in names)
    print(f"1..{len(cases) * len(FLAVOURS)}")
    number = failed = 0
    for case in cases:
        for flavour, flags in FLAVOURS.items():
            number += 1
            try:
                check(tool, case, flavour, flags, "--update" in sys.argv)
                print(f"ok {number} - {case.name} ({flavour})", flush=True)
            except (RuntimeError, subprocess.TimeoutExpired, FileNotFoundError) as e:
                failed += 1
                print(f"not ok {number} - {case.name} ({flavour})", flush=True)
                print("".join(f"# {line}\n" for line in str(e).splitlines()), flush=True)
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
