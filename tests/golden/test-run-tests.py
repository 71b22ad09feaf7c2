#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-run-tests.py RUN-TESTS: TAP: what tools/run-tests says at its end of tests that failed."""
import importlib.machinery
import importlib.util
import sys

sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("run_tests", sys.argv[1])
run_tests = importlib.util.module_from_spec(importlib.util.spec_from_loader("run_tests", loader))
loader.exec_module(run_tests)
count = failed = 0


def check(what, good):
    global count, failed
    count += 1
    failed += not good
    print(f"{'' if good else 'not '}ok {count} - {what}")


def closing(stdout, result="FAIL"):
    failures = []
    run_tests.count_cases({"name": "one", "stdout": stdout, "result": result}, failures)
    return failures


SOME = "ok 1 - a\n# of a\nnoise\nnot ok 2 - b\n# why\n  # and why\nnoise\nok 3 - c # skip none\nnot ok 4 - d\n1..4\n"
check("a test that passed is not named", closing("ok 1 - a\n1..1\n", "OK") == [])
check("each failed case with what is below it", closing(SOME) == [
    "FAILED: one: FAIL, 1 passed, 3 failed", "  not ok 2 - b", "  # why", "    # and why", "  ok 3 - c # skip none",
    "  not ok 4 - d"])
long = closing("not ok 1 - a\n" + "# x\n" * 100 + "1..1\n")
check("bounded", len(long) == run_tests.LINES_MAX + 2 and long[-1] == "  (71 more lines)")
check("a test that broke off: its last lines", closing("ok 1 - a\nlast words\n", "TIMEOUT")[1:] == ["  ok 1 - a", "  last words"])
print(f"1..{count}")
sys.exit(1 if failed else 0)
