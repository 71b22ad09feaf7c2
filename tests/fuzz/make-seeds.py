#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""make-seeds.py: makes the seeds of the fuzz targets that read object files, in corpus/, from the
golden cases of the differ: pairs of objects for fuzz-diff (the first one's length in four bytes,
little-endian, then both), their types for fuzz-layout, single objects for fuzz-sites and
fuzz-convert. Seeds that are there already stay."""
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden"
COMMON = ["-O2", "-fno-pie", "-mcmodel=kernel", "-mno-red-zone", "-ffunction-sections", "-fdata-sections",
          "-fno-asynchronous-unwind-tables", "-fno-common", "-mno-sse", "-mno-mmx", "-pg", "-mfentry",
          "-mrecord-mcount", "-w", "-fno-ident", "-I", str(GOLDEN / "diff")]
FLAVOURS = {
    "6.1": ["-fcf-protection=none"],
    "6.12": ["-fcf-protection=branch", "-fpatchable-function-entry=16,16"],
}
CASES = {
    "6.1": ["alternative", "cold-part", "exception-table", "jump-table", "new-data", "new-function", "once-flag",
            "shared-data-moved", "static-local", "string-change", "trailing-immediate", "unnamed-constant"],
    "6.12": ["alternative", "constant-change", "function-pointer", "inlined-static", "static-local-unclear"],
}


def compile_unit(folder, source, *flags):
    unit, out = folder / "unit.c", folder / "unit.o"
    unit.write_text(source.read_text())
    subprocess.run(["gcc-12", *COMMON, *flags, "-c", unit, "-o", out], check=True)
    return out


def pair(a, b):
    return struct.pack("<I", len(a)) + a + b


def keep(target, name, data):
    path = HERE / "corpus" / target / name
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        path.write_bytes(data)


def types_of(folder, source):
    unit = compile_unit(folder, source, "-gdwarf-5")
    sections = []
    for name in ("info", "abbrev"):
        subprocess.run(["objcopy", "--dump-section", f".debug_{name}={folder / name}", unit], check=True)
        sections.append((folder / name).read_bytes())
    return pair(*sections)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for flavour, cases in CASES.items():
            for case in cases:
                sources = [GOLDEN / "diff" / case / f"{which}.c" for which in ("orig", "patched")]
                objects = [compile_unit(folder, s, *FLAVOURS[flavour]).read_bytes() for s in sources]
                keep("diff", f"{case}-{flavour}", pair(*objects))
                if case in ("alternative", "exception-table"):
                    keep("sites", f"{case}-{flavour}", objects[0])
                    keep("convert", f"{case}-{flavour}", objects[1])
        keep("layout", "changed-type", types_of(folder, GOLDEN / "diff" / "changed-type" / "orig.c"))
        patch = (HERE / "corpus" / "patch_file" / "mana").read_bytes()
        text = b"".join(b"\tline %d of /* a file */ (\"text\");\n" % i for i in range(1, 40))
        change = b"--- a/x.c\n+++ b/x.c\n@@ -2,3 +2,4 @@\n \tline 2 of /* a file */ (\"text\");\n" \
                 b"-\tline 3 of /* a file */ (\"text\");\n+\tnew(\n+\t);\n \tline 4 of /* a file */ (\"text\");\n"
        keep("source", "change", pair(text, change))
        keep("source", "unfit", pair(text, patch))
    return 0


sys.exit(main())
