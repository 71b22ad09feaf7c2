# SPDX-License-Identifier: GPL-2.0-or-later
"""Unified diffs as texts: turned round, made from two texts, tried against a source tree."""
import difflib
import re
import subprocess

HUNK = re.compile(r"^@@ -(\S+) \+(\S+) @@", re.M)


def reverse(text):
    """The patch that takes this one back. Knows what tests/corpus/make writes."""
    out, block = [], []

    def flush():
        out.extend(sorted(block, key=lambda entry: entry[0] == "+"))
        block.clear()

    for line in text.splitlines(keepends=True):
        if line.startswith("--- a/"):
            flush()
            old = line
        elif line.startswith("+++ b/"):
            out += ["--- a/" + line[6:], "+++ b/" + old[6:]]
        elif line[0] in "+-":
            block.append({"+": "-", "-": "+"}[line[0]] + line[1:])
        elif line[0] == "\\" and block:
            block[-1] += line
        else:
            flush()
            out.append(HUNK.sub(r"@@ -\2 +\1 @@", line))
    flush()
    return "".join(out)


def make(path, old, new):
    """A patch of one file, "" if both texts are the same."""
    lines = difflib.unified_diff(old.splitlines(True), new.splitlines(True), f"a/{path}", f"b/{path}")
    return "".join(l if l.endswith("\n") else l + "\n\\ No newline at end of file\n" for l in lines)


def fits(text, tree):
    """Does every hunk find its place in the tree, context and all?"""
    done = subprocess.run(["patch", "--dry-run", "--force", "--fuzz=0", "-p1", "-d", str(tree)],
                          input=text.encode(errors="surrogateescape"), capture_output=True)
    return done.returncode == 0
