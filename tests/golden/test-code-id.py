#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-code-id.py CODE-ID: TAP: tools/code-id names code, whatever its comments and layout."""
import subprocess
import sys
import tempfile
from pathlib import Path

BASE = """/* What it does. */
#include "build/text.h"
#include <stdio.h>

static const char text[] = "a /* b */ // c";
int f(void) { return text[0] == '"' ? 1 : 2; } // done
"""
SAME = {
    "a comment": BASE.replace("What it does", "What it does not"),
    "a comment at a line's end": BASE.replace("// done", ""),
    "another place of a header": BASE.replace("build/text.h", "build/kernel/text.h"),
    "layout": BASE.replace("{ ", "{\n\t"),
}
OTHER = {
    "a constant": BASE.replace("1 :", "3 :"),
    "a string": BASE.replace("// c", "// d"),
    "white space in a string": BASE.replace("/* b", "/*  b"),
    "a name": BASE.replace("int f", "int g"),
    "two words instead of one": BASE.replace("static const", "staticconst"),
    "another header of the system": BASE.replace("stdio.h", "string.h"),
    "an operator": BASE.replace("==", "!="),
}
count = failed = 0


def code_id(*texts):
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, text in enumerate(texts):
            paths.append(Path(folder) / f"{number}.c")
            paths[-1].write_text(text)
        return subprocess.run([sys.argv[1], "name", *paths], check=True, capture_output=True, text=True).stdout


def result(ok, name):
    global count, failed
    count, failed = count + 1, failed + (not ok)
    print(f"{'ok' if ok else 'not ok'} {count} - {name}")


base = code_id(BASE)
result('const char name[] = "' in base, "a definition in C")
for what, text in SAME.items():
    result(code_id(text) == base, f"{what} is no other code")
for what, text in OTHER.items():
    result(code_id(text) != base, f"{what} is other code")
result(code_id(BASE, "int b;") == code_id("int b;", BASE), "the order of files is no matter")
one, two = '#include "a.h"\nint x;', '#include "b.h"\nint y;'
result(code_id(one, two) == code_id(one.replace("a.h", "z.h"), two), "nor is where their headers lie")
result(code_id(BASE, "") != base and code_id("int a;", "int b;") != code_id("int a; int b;", ""), "a file more is other code")
print(f"1..{count}")
sys.exit(failed > 0)
