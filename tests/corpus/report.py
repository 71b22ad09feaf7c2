# SPDX-License-Identifier: GPL-2.0-or-later
"""The figures of a run: one table for each kernel, what holds, and the same as Markdown."""
import json
from collections import Counter

BUILT_MIN = 0.97
SLOWEST = 5
HEADS = ("fix", "where", "direction", "class", "functions", "verdict", "CPU s", "--all")


def short(text, width):
    return text if len(text) <= width else text[:width - 1] + "…"


def verdict_of(result):
    return result.get("guest", "built") if result["verdict"] == "built" else result["verdict"]


def row(fix, result):
    names = [name for _, name in result["functions"]]
    text = " ".join(names[:3]) + (f" +{len(names) - 3}" if len(names) > 3 else "")
    return (f"{fix['series']}/{fix['patch'].removesuffix('.patch')}", fix["where"], result.get("direction", "-"),
            "code" if fix["code_only"] else "other", text, verdict_of(result), f"{result['cpu']:.1f}",
            f"{result['all']} files" if result.get("all") else "")


class Kernel:
    """The fixes of one kernel: `pairs` of fix and result; `edited`: what became of the edits, by path."""

    def __init__(self, release, build_id, pairs, edited):
        self.release, self.build_id, self.pairs, self.edited = release, build_id, pairs, edited
        self.here = [p for p in pairs if p[1]["verdict"] != "does not fit"]
        self.built = [p for p in self.here if p[1]["verdict"] == "built"]
        code = [p for p in self.here if p[0]["code_only"]]
        self.same_code = [p for p in code if p[1]["verdict"] == "no change"]
        self.no_ftrace = [p for p in code if "no ftrace" in p[0]["kinds"] and p not in self.same_code]
        self.code = [p for p in code if p not in self.same_code and p not in self.no_ftrace]
        self.code_built = [p for p in self.code if p[1]["verdict"] == "built"]
        self.wrong_edits = {path: r["wrong"] for path, r in edited.items() if r["wrong"]}

    def guest(self, verdict):
        return [p for p in self.built if p[1].get("guest") == verdict]

    def edited_files(self):
        return sum(r["places"] for r in self.edited.values())

    def slowest(self):
        return sorted(self.here, key=lambda p: -p[1]["cpu"])[:SLOWEST]

    def not_built(self):
        return [p for p in self.here if p[1]["verdict"] not in ("built", "no change")]

    def holds(self):
        return not self.guest("failed") and not self.wrong_edits

    def write(self, output):
        rows = [{"fix": f"{f['series']}/{f['patch']}", "where": f["where"], "code_only": f["code_only"],
                 "kinds": f["kinds"], **{k: v for k, v in r.items() if k != "key"}} for f, r in self.pairs]
        facts = {"kernel": self.release, "build_id": self.build_id, "holds": self.holds(),
                 "code_only": len(self.code), "code_only_built": len(self.code_built), "built": len(self.built),
                 "failed_in_guest": len(self.guest("failed")), "edited_files": self.edited_files(),
                 "wrong_edits": self.wrong_edits, "fixes": rows}
        (output / f"{self.release}.json").write_text(json.dumps(facts, indent=1) + "\n")
        (output / f"{self.release}.tsv").write_text(
            "".join("\t".join(row(f, r)) + "\n" for f, r in self.pairs))


def share(kernels):
    """(built, all, part) of the fixes of code only of all kernels together."""
    built, total = sum(len(k.code_built) for k in kernels), sum(len(k.code) for k in kernels)
    return built, total, built / total if total else 1.0


def holds(kernels):
    return share(kernels)[2] >= BUILT_MIN and all(k.holds() for k in kernels)


def _sums(kernels):
    """(what, a figure for each kernel and for all of them)."""
    def line(what, count):
        figures = [count(k) for k in kernels]
        return what, [*figures, sum(figures)] if len(kernels) > 1 else figures

    return [line("fixes", lambda k: len(k.pairs)),
            line("do not fit this kernel", lambda k: len(k.pairs) - len(k.here)),
            line("change none of this kernel's code", lambda k: sum(r["verdict"] == "no change" for _, r in k.here)),
            line("built", lambda k: len(k.built)),
            line("looked at with --all", lambda k: sum(bool(r.get("all")) for _, r in k.here)),
            line("passed in the guest", lambda k: len(k.guest("passed"))),
            line("target cannot be loaded in the guest", lambda k: len(k.guest("target not loadable"))),
            line("failed in the guest", lambda k: len(k.guest("failed"))),
            line("not built", lambda k: len(k.not_built())),
            line("code only", lambda k: len(k.code)),
            line("code only, built", lambda k: len(k.code_built)),
            line("code only, but compiled without entries for ftrace", lambda k: len(k.no_ftrace)),
            line("files edited without effect", lambda k: k.edited_files()),
            line("of these, with a changed function", lambda k: len(k.wrong_edits))]


def _causes(kernels):
    """[(cause, {numbers of fixes}, an example)], the most frequent first: a fix counts once for each cause."""
    groups = {}
    for kernel in kernels:
        for fix, result in kernel.not_built():
            for code, text in result["causes"]:
                group = groups.setdefault(code, ({}, text))
                group[0].setdefault(f"{fix['series']}/{fix['id']}{'*' if fix['code_only'] else ''}")
    return sorted(((code, list(fixes), text) for code, (fixes, text) in groups.items()),
                  key=lambda g: (-len(g[1]), g[0]))


def _verdict_line(kernels):
    built, total, part = share(kernels)
    return (f"code only: {built} of {total} build ({100 * part:.1f} %, {100 * BUILT_MIN:.0f} % are asked for); "
            f"{'everything holds' if holds(kernels) else 'a limit is missed'}")


def _limits_said(kernels):
    """(fix, class, verdict, cause) of all that was not built, not loaded with its target, or failed."""
    for kernel in kernels:
        for fix, result in kernel.pairs:
            if (fix, result) in kernel.not_built():
                said = "; ".join(f"{text} [{code}]" for code, text in result["causes"][:2])
            elif result.get("guest") in ("failed", "target not loadable"):
                said = result["why"]
            else:
                continue
            yield row(fix, result)[0], row(fix, result)[3], verdict_of(result), said


def print_all(kernels):
    limits = (56, 6, 9, 5, 56, 19, 7, 10)
    for kernel in kernels:
        print(f"\n== {kernel.release} ==")
        for cells in (HEADS, *(row(f, r) for f, r in kernel.pairs)):
            print("  ".join(short(c, w).ljust(w) for c, w in zip(cells, limits)).rstrip())
        for path, wrong in kernel.wrong_edits.items():
            for name, said in wrong.items():
                print(f"wrong edit: {path}: {name}: {short(said, 140)}")
        print("slowest: " + ", ".join(f"{f['series']}/{f['id']} {r['cpu']:.1f} s of CPU" for f, r in kernel.slowest()))
    print("\ncauses (* code only):")
    for code, fixes, text in _causes(kernels):
        print(f"{len(fixes):4}  {code}: {' '.join(fixes)}\n      such as: {short(text, 150)}")
    print("\nwhat is not built, or not tried with its target:")
    for fix, kind, verdict, said in _limits_said(kernels):
        print(f"  {fix} ({kind}) {verdict}: {short(said, 300)}")
    print("\n" + "  ".join(["".ljust(52), *(k.release for k in kernels), *(["all"] if len(kernels) > 1 else [])]))
    for what, figures in _sums(kernels):
        print(what.ljust(52) + "  " + "  ".join(
            str(n).rjust(len(k)) for n, k in zip(figures, [k.release for k in kernels] + ["all"])))
    print(_verdict_line(kernels))


def _table(heads, rows):
    return ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads),
            *("| " + " | ".join(str(c).replace("|", "\\|") for c in r) + " |" for r in rows)]


def markdown(kernels):
    """The whole as one document."""
    names = [k.release for k in kernels]
    yield from ["# What the corpus shows", "",
                f"Written by [run](run) for {' and '.join(names)}; [README.md](README.md) says what is tried and how fixes are counted.",
                "Seconds are processor time of all that a build starts.", "",
                *_table(["", *names, *(["all"] if len(names) > 1 else [])], ([w, *f] for w, f in _sums(kernels))), "",
                _verdict_line(kernels)[0].upper() + _verdict_line(kernels)[1:] + ".", "",
                "## What is not built, or not tried with its target", "",
                "By cause (`*` marks fixes of code only; one fix may have several causes):", "",
                *_table(["cause", "count", "fixes", "such as"],
                        ([f"`{c}`", len(f), " ".join(f).replace("*", "\\*"), short(t, 160)]
                         for c, f, t in _causes(kernels))), "",
                *_table(["fix", "class", "verdict", "what is said"],
                        ([f, c, v, short(s, 240)] for f, c, v, s in _limits_said(kernels))), ""]
    for kernel in kernels:
        counts = Counter(verdict_of(r) for _, r in kernel.pairs)
        yield from [f"## {kernel.release}", "", ", ".join(f"{n} {v}" for v, n in counts.most_common()) + ".", "",
                    "The slowest: " + ", ".join(f"{row(f, r)[0]} ({r['cpu']:.1f} s)"
                                                for f, r in kernel.slowest()) + ".", "",
                    *_table(HEADS, (row(f, r) for f, r in kernel.pairs)), ""]
