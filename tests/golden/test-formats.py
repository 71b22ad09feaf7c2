#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-formats.py: what docs/formats.md says of the files of suture-build and suture-lab, against formats/*.json.

They are byte by byte what the programs write (tests/unit/test-build_record.c, test-statement.c). Every field
in them is in the document, and every field in the document is in them; so is every code of a reason.
"""
import json
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
DOCUMENT = (TOP / "docs/formats.md").read_text()
FORMATS = TOP / "tests/golden/formats"
REASONS = (TOP / "src/build/output/reason.c").read_text()
failed = count = 0


def check(name, wanted, found):
    global failed, count
    count += 1
    failed += wanted != found
    print(f"{'ok' if wanted == found else 'not ok'} {count} - {name}")
    if wanted != found:
        print(f"# only in the document: {sorted(wanted - found)}, only in the file: {sorted(found - wanted)}")


def section(title):
    return re.search(rf"^## {re.escape(title)}.*?\n(.*?)(?=^## |\Z)", DOCUMENT, re.M | re.S).group(1)


def rows(title, head="field"):
    """(names in the first column, the text of the second) of a section's table with that head."""
    table = re.search(rf"^\| {re.escape(head)} \| value \|\n\| --- \| --- \|\n((?:\|.*\n)+)", section(title), re.M).group(1)
    for line in table.splitlines():
        first, second = line.strip("|").split(" | ", 1)
        yield re.findall(r"`([^`]+)`", first), second


def members(text):
    """Of the first object that a text describes: {"a", "b"} or {"a": n, "b": m}."""
    found = re.search(r'`\{(".*?)\}`', text)
    return set(re.findall(r'"(\w+)"', found.group(1))) if found else None


def documented(title, head="field"):
    """Names of fields, and for those that are objects or lists of them their members."""
    fields, parts = set(), {}
    for names, text in rows(title, head):
        fields |= {n for n in names if "[]" not in n}
        for name in names:
            if members(text) and name != "counts":
                parts[name.replace("[]", "")] = members(text)
    return fields, parts


def values(data, path):
    """All objects at a path such as objects.functions, through lists."""
    found = [data]
    for name in path.split("."):
        found = [v for d in found for v in (d[name] if isinstance(d[name], list) else [d[name]])]
    return found


def keys(objects):
    return set().union(*(o.keys() for o in objects)) if objects else set()


def check_file(title, name):
    data = json.loads((FORMATS / name).read_text())
    fields, parts = documented(title)
    check(f"{name}: fields", fields, set(data))
    for path, wanted in parts.items():
        for value in values(data, path):
            if set(value) != wanted:
                check(f"{name}: {path}", wanted, set(value))
                break
        else:
            check(f"{name}: {path}", wanted, keys(values(data, path)) or wanted)


def check_codes():
    grades = {}
    text = re.search(r"^\| grade \| codes \|\n\| --- \| --- \|\n((?:\|.*\n)+)", section("Report of a patch"), re.M).group(1)
    for line in text.splitlines():
        first, second = line.strip("|").split(" | ", 1)
        grade = re.search(r"`(\w+)`", first).group(1)
        grades.setdefault(grade, set()).update(re.findall(r"`([a-z-]+)`", re.sub(r"\([^)]*\)", "", second)))
    written = re.findall(r'\[REASON_\w+\] = \{\s*"([a-z-]+)",\s*REASON_(\w+)', REASONS)
    for grade in ("refusal", "warning", "note"):
        check(f"codes of a {grade}", grades[grade], {name for name, of in written if of == grade.upper()})


def check_test_record(name):
    data = json.loads((FORMATS / name).read_text())
    fields, parts = documented("Test record")
    predicate, own = data["predicate"], data["predicate"]["suture"]
    check(f"{name}: fields", fields, set(data))
    check(f"{name}: subject", parts["subject"], keys(data["subject"]))
    check(f"{name}: predicate", parts["predicate"], set(predicate))
    rows_of = documented("Test record", "of the predicate")[0] | {"suture"}
    check(f"{name}: rows of the predicate", rows_of, set(predicate))
    fields, parts = documented("Test record", "of `suture`")
    check(f"{name}: suture", fields, set(own))
    check(f"{name}: trials", parts["trials"], keys(own["trials"]))
    check(f"{name}: cases", parts["trials.cases"], keys([c for t in own["trials"] for c in t.get("cases", [])]))
    tests = predicate["passedTests"] + predicate["warnedTests"] + predicate["failedTests"]
    check(f"{name}: no test twice", set(), {t for t in tests if tests.count(t) > 1})


def check_causes():
    causes = re.search(r"^Causes: (.*)$", section("Test record"), re.M).group(1)
    source = (TOP / "src/lab/trial/verdict.c").read_text()
    check("causes", set(re.findall(r"`([a-z-]+)`", causes)), set(re.findall(r'\[CAUSE_\w+\] = "([a-z-]+)"', source)))


check_file("Build record", "build-record.json")
code = json.loads((FORMATS / "code-record.json").read_text())
record = json.loads((FORMATS / "build-record.json").read_text())
listed = re.search(r"((?:`\w+`(?:, | and )?)+) of a build record", section("Code record")).group(1)
check("code-record.json: fields", set(re.findall(r"`(\w+)`", listed)), set(code))
check("code-record.json: is a part of the build record", {json.dumps(record[k]) for k in code}, {json.dumps(v) for v in code.values()})
for status in ("accepted", "no-change", "refused", "mismatch"):
    check_file("Report of a patch", f"report-{status}.json")
    check(f"report-{status}.json: verdict", {status}, {json.loads((FORMATS / f"report-{status}.json").read_text())["verdict"]})
verdicts = next(text for names, text in rows("Report of a patch") if names == ["verdict"])
check("verdicts", set(re.findall(r"`([a-z-]+)`", verdicts)), {"accepted", "no-change", "refused", "mismatch"})
check_codes()
check_test_record("test-record.json")
check_test_record("test-record-matrix.json")
check_causes()
print(f"1..{count}")
sys.exit(failed > 0)
