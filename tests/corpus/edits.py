# SPDX-License-Identifier: GPL-2.0-or-later
"""Edits of a C file that change no code: white space, a comment, blank lines, another name for a local
variable."""
import csource


def _functions(text):
    """Functions whose body begins with a brace alone in its line, outside any #if inside them."""
    lines = text.split("\n")
    return [f for f in csource.items(text) if f.kind == "function" and len(f.body) > 2
            and lines[f.body[0].line - 1] == "{" and not any(t.text[0] == "#" for t in f.tokens)]


def _insert(text, line, new):
    lines = text.split("\n")
    return "\n".join(lines[:line] + new + lines[line:])


def white_space(text):
    """A space more at the end of the line in which the middle function ends."""
    functions = _functions(text)
    if not functions:
        return
    line = functions[len(functions) // 2].body[-1].line
    lines = text.split("\n")
    lines[line - 1] += " "
    yield "\n".join(lines)


def comment(text):
    """A comment of two lines before the first function."""
    functions = _functions(text)
    if functions:
        yield _insert(text, functions[0].head[0].line - 1, ["/* One comment", " * of two lines. */"])


def blank_lines(text):
    """Three blank lines where the first function's body begins."""
    functions = _functions(text)
    if functions:
        yield _insert(text, functions[0].body[0].line, ["", "", ""])


def renamed_local(text):
    for new, *_ in csource.rename_local(text):
        yield new


EDITS = {"white space": white_space, "comment": comment, "blank lines": blank_lines,
         "renamed local variable": renamed_local}


def all_at_once(text):
    """Every edit that the file has a place for; the renamed variable is the one that varies."""
    for renamed in list(renamed_local(text))[:5] or [text]:
        for edit in (white_space, blank_lines, comment):
            renamed = next(edit(renamed), renamed)
        yield renamed
