#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""diff-constants.py RELEASE [--edits N] [--seed N]: constants edited in real kernel code.

In units of the kernel RELEASE (prepared in the cache), one constant inside one function F is changed,
N times in all (200), each time in the unit as it was; where and how the seed says. The differ must
report exactly the functions that hold code of F: F itself and those that inline it. Which these are
is read from the debug information of gcc, not from the code: no part of the differ decides it.

Steps of gcc that carry facts about values from function to function are switched off: with them, a
constant in F rightly changes code of functions that F calls. An edit that leaves the object as it
was (the constant is in dead code) must be reported as no change. What a unit includes is compiled
once, as a precompiled header. Speaks TAP.
"""
import argparse
import concurrent.futures
import json
import os
import random
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

# Small ones, traced by ftrace: one compilation each is what an edit costs.
UNITS = ["fs/d_path.c", "fs/eventfd.c", "kernel/notifier.c", "mm/mempool.c", "net/core/utils.c"]
SECTIONS = ["-ffunction-sections", "-fdata-sections", "-fno-ipa-cp", "-fno-ipa-vrp", "-fno-ipa-bit-cp", "-fno-ipa-sra"]
NUMBER = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|[A-Za-z_]\w*|0[xX][0-9a-fA-F]+[uUlL]*|\d+\.\d+|\d+[uUlL]*')


def run(argv, **kwargs):
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=300, **kwargs)


def must(argv, **kwargs):
    result = run(argv, **kwargs)
    if result.returncode != 0:
        raise RuntimeError(f"{shlex.join(map(str, argv))[:200]}: exit {result.returncode}\n{result.stderr[:2000]}")
    return result.stdout


class Kernel:
    def __init__(self, release):
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        self.release = release
        self.folder = cache / "suture" / "kernels" / release
        self.build = self.folder / "build"
        self.source = Path(json.loads((self.folder / "prepared.json").read_text())["source"])

    def command(self, path):
        """The compiler's arguments for a unit, as the builder keeps them."""
        target = f" -c -o {path[:-2]}.o "
        for file in [*self.folder.glob("units/list"), *self.folder.glob("units/*/command")]:
            for line in file.read_text(errors="replace").splitlines():
                start = line.find("-gcc-")
                if start > 0 and target in line:
                    start = line.rindex(" ", 0, start) + 1
                    words = shlex.split(line[start:])
                    end = words.index("-c")
                    return [w for w in words[:end] if not w.startswith(("-Wp,-MMD", "-g"))]
        return None

    def learn(self, path, work):
        """Lets the builder find the commands: it asks kbuild for all of them at the first patch."""
        lines = (self.source / path).read_text(errors="surrogateescape").splitlines()
        end = len(lines)
        hunk = (f"--- a/{path}\n+++ b/{path}\n@@ -{end},1 +{end},2 @@\n {lines[-1]}\n"
                "+static int __attribute__((unused)) suture_unused;\n")
        patch = work / "unused.patch"
        patch.write_text(hunk, errors="surrogateescape")
        result = run(["suture-build", "check", "--kernel", self.release, patch])
        if result.returncode not in (0, 3, 4):
            raise RuntimeError(f"{path}: {result.stderr}")


def without_search(words):
    """Arguments without macros and folders: what is compiled is preprocessed already."""
    kept, skip = ["-undef"], False
    for word in words:
        if not skip and word not in ("-include", "-isystem", "-iquote") and not word.startswith(("-I", "-D", "-U")):
            kept.append(word)
        skip = word in ("-include", "-isystem", "-iquote", "-I", "-D")
    return [kept[1], kept[0], *kept[2:]]


class Unit:
    """A unit, preprocessed, with the places of its constants and what gcc says of its functions."""

    def __init__(self, kernel, path, work):
        self.path, self.kernel = path, kernel
        self.name = path[:-2].replace("/", "_")
        if not kernel.command(path):
            kernel.learn(path, work)
        self.compiler = kernel.command(path)
        if not self.compiler:
            raise RuntimeError(f"{path}: its command line is not in the kernel's cache")
        self.compiler += SECTIONS
        text = work / f"{self.name}.i"
        must([*self.compiler, "-E", "-o", text, kernel.source / path], cwd=kernel.build)
        included, self.text = self.split(text.read_text(errors="surrogateescape"))
        self.header = work / f"{self.name}.h"
        self.header.write_text(included, errors="surrogateescape")
        self.compiler = without_search(self.compiler)
        (work / f"{self.name}.h.gch").mkdir()
        for kind in ("plain", "debug"):  # gcc takes the one that fits its options
            must([*self.compiler, *(["-g"] if kind == "debug" else []), "-x", "c-header",
                  "-o", work / f"{self.name}.h.gch" / kind, self.header], cwd=kernel.build)
        self.original = self.compile(self.text, work / f"{self.name}.o")
        self.debug = self.compile(self.text, work / f"{self.name}.debug.o", "-g")
        self.holders = holders(self.debug)
        self.traced = traced(self.original)
        self.functions = self.find_functions()

    def split(self, text):
        """What headers say, and what the file says behind its last #include."""
        back = [m.start() for m in re.finditer(r'^# \d+ "(.*?)" 2', text, re.M) if m.group(1).endswith(self.path)]
        return text[:back[-1]], text[back[-1]:]

    def compile(self, text, output, *more):
        source = output.with_suffix("") / "unit.c"  # its name is in the object
        source.parent.mkdir(exist_ok=True)
        source.write_text(f'#include "{self.header}"\n{text}', errors="surrogateescape")
        must([*self.compiler, *more, "-c", "-o", output, source], cwd=self.kernel.build)
        return output

    def find_functions(self):
        """{name: [(start, end) of each constant]} of functions in the file itself."""
        found, file, at, name, body, place = {}, "", 0, None, None, 0
        for line in self.text.splitlines(keepends=True):
            marker = re.match(r'# (\d+) "(.*?)"', line)
            place += 1
            if marker:
                file, place = marker.group(2), int(marker.group(1)) - 1
            elif file.endswith(self.path):
                head = re.match(r"(?![#\s}{]|typedef|struct \w+ \{)[^;=]*?\b(\w+)\((?!.*;)", line)
                if head and body is None:
                    name = head.group(1)
                elif line.rstrip() == "{" and name:
                    body = []
                elif line.rstrip() == "}" and body is not None:
                    found[name], name, body = body, None, None
                if body is not None:
                    # a number that is its own line's was __LINE__, which does not count
                    body += [(at + m.start(), at + m.end()) for m in NUMBER.finditer(line)
                             if m.group()[0].isdigit() and m.group() != str(place)]
            at += len(line)
        return {name: places for name, places in found.items() if places and name in self.holders and
                self.holders[name] <= self.traced}


def holders(path):
    """{function: symbols whose code holds code of it}, from DWARF."""
    dump = must(["readelf", "--debug-dump=info", "--wide", path])
    dies, stack = {}, []
    for block in re.split(r"\n <(?=[0-9a-f]+><[0-9a-f]+>: Abbrev Number: [1-9])", dump)[1:]:
        depth, offset, tag = re.match(r"([0-9a-f]+)><([0-9a-f]+)>: Abbrev Number: \d+ \((\w+)\)", block).groups()
        die = {"tag": tag, "depth": int(depth, 16), "code": bool(re.search(r"DW_AT_(low_pc|ranges|entry_pc)", block))}
        for key, pattern in (("name", r"DW_AT_name\s*: (?:\(\w+\) )?(?:\(.*?\): )?(.+)"),
                             ("origin", r"DW_AT_abstract_origin: (?:\(\w+\) )?<0x([0-9a-f]+)>"),
                             ("spec", r"DW_AT_specification\s*: (?:\(\w+\) )?<0x([0-9a-f]+)>")):
            match = re.search(pattern, block)
            die[key] = match.group(1).strip() if match else None
        stack = [d for d in stack if d["depth"] < die["depth"]]
        die["parents"] = list(stack)
        stack.append(die)
        dies[offset] = die

    def name_of(die):
        for _ in range(4):
            if die.get("name"):
                return die["name"]
            die = dies.get(die["origin"] or die["spec"] or "", {"name": None, "origin": None, "spec": None})
        return None

    result = {}
    for die in dies.values():
        if die["tag"] in ("DW_TAG_subprogram", "DW_TAG_inlined_subroutine") and not name_of(die):
            raise RuntimeError(f"{path}: readelf names a function in a way that is not understood")
        if die["tag"] == "DW_TAG_subprogram" and die["code"]:
            result.setdefault(name_of(die), set()).add(name_of(die))
        elif die["tag"] == "DW_TAG_inlined_subroutine":
            outer = [d for d in die["parents"] if d["tag"] == "DW_TAG_subprogram"]
            if outer and outer[-1]["code"]:
                result.setdefault(name_of(die), set()).add(name_of(outer[-1]))
    return result


def traced(path):
    """The functions that ftrace can redirect. Of any other, those that call it are reported too."""
    sections = must(["readelf", "-rW", path]).split("\nRelocation section '.rela.text.")[1:]
    return {section.split("'")[0] for section in sections if " __fentry__" in section}


def changed_constant(text, generator):
    number = re.match(r"(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)$", text)
    digits = number.group(1)
    base = 16 if digits[:2] in ("0x", "0X") else 8 if digits[0] == "0" and len(digits) > 1 else 10
    return f"{int(digits, base) + generator.choice([1, 2, 5])}{number.group(2)}"


def try_edit(unit, function, place, new, work, number):
    """None if it does not compile; else what is wrong, "" if nothing is."""
    output = work / f"{unit.name}.{number}.o"
    text = unit.text[:place[0]] + new + unit.text[place[1]:]
    try:
        unit.compile(text, output)
    except RuntimeError:
        return None
    result = run(["suture-build", "diff", unit.original, output, "--name", unit.path, "--format", "json"])
    if not result.stdout:
        return f"exit {result.returncode}: {result.stderr}"
    said = json.loads(result.stdout)
    names = {re.sub(r"\..*", "", n) for n in said["changed_functions"] + said["new_functions"]}
    if output.read_bytes() == unit.original.read_bytes():
        return "" if result.returncode == 3 and not names else f"equal objects, and it says {said}"
    want = unit.holders[function]
    if names == want:
        return ""
    # the constant may have moved the compiler to inline otherwise
    now = holders(unit.compile(text, output, "-g"))
    both = want | now.get(function, set())
    for name in {*now, *unit.holders}:
        both |= now.get(name, set()) ^ unit.holders.get(name, set())
    return "" if names and names <= both else f"reported {sorted(names)}, DWARF says {sorted(want)}"


def edit(job):
    """One edit: another place is taken where the changed constant does not compile."""
    units, seed, number, work = job
    generator = random.Random(f"{seed}.{number}")
    for _ in range(20):
        unit = units[number % len(units)]
        function = generator.choice(sorted(unit.functions))
        place = generator.choice(unit.functions[function])
        old = unit.text[place[0]:place[1]]
        new = changed_constant(old, generator)
        wrong = try_edit(unit, function, place, new, work, number)
        if wrong is not None:
            return f"{unit.path}: {function}: {old} to {new}", wrong
    return unit.path, "no constant can be edited"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("release")
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    kernel = Kernel(arguments.release)
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        work = Path(folder)
        units = list(pool.map(lambda path: Unit(kernel, path, work), UNITS))
        jobs = [(units, arguments.seed, number, work) for number in range(arguments.edits)]
        print(f"1..{len(jobs)}", flush=True)
        failed = 0
        for number, (what, wrong) in enumerate(pool.map(edit, jobs), 1):
            failed += bool(wrong)
            print(f"{'not ok' if wrong else 'ok'} {number} - {what}", flush=True)
            if wrong:
                print(f"# {wrong}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
