# SPDX-License-Identifier: GPL-2.0-or-later
"""C as a list of tokens and of top-level items: enough to say what kind of change a fix is, and to
rename one local variable, without a compiler and without the builder's own eyes."""
import functools
import re
from collections import Counter, namedtuple

Token = namedtuple("Token", "text at line column")
# kind: function, prototype, include, macro, conditional, type, call (of a macro), variable.
Item = namedtuple("Item", "kind name head body tokens")

TOKEN = re.compile(
    r"(?P<space>\s+|\\\n)|(?P<comment>//[^\n]*|/\*.*?\*/)"
    r"|(?P<string>L?\"(?:\\.|[^\"\\\n])*\"|L?'(?:\\.|[^'\\\n])*')"
    r"|(?P<word>[A-Za-z_]\w*|\.?\d(?:[eEpP][+-]|[\w.])*)|(?P<other>->|\+\+|--|.)", re.S)
DIRECTIVE = re.compile(r"#(?:[^\n\\/\"]|\\.|\"(?:\\.|[^\"\\\n])*\"|/\*.*?\*/|/(?!\*))*", re.S)
WORD = re.compile(r"[A-Za-z_]\w*")
KEYWORDS = set("""auto break case char const continue default do double else enum extern float for goto if
inline int long register return short signed sizeof static struct switch typedef union unsigned void
volatile while bool typeof __typeof__ asm __asm__ true false NULL""".split())
INIT = re.compile(r"^__(net_|dev|mem|cpu|ref_)?(init|exit)(_or_module|_refok)?$|^__ref$")

# module_init(f), late_initcall(f): f runs only while the kernel or module starts or ends.
REGISTERED = re.compile(r"^module_(init|exit)$|_initcall(_sync)?$|^console_initcall$")


def words_of(text):
    return set(WORD.findall(text))


def tokens(text):
    """Tokens without comments and white space; a directive is one token."""
    out, at, line, start_of_line, fresh = [], 0, 1, 0, True
    while at < len(text):
        if fresh and text[at] == "#":
            m = DIRECTIVE.match(text, at)
            words = re.sub(r"/\*.*?\*/|//[^\n]*", " ", m.group(), flags=re.S)
            out.append(Token("#" + " ".join(words[1:].replace("\\\n", " ").split()), at, line, 0))
        else:
            m = TOKEN.match(text, at)
            if m.lastgroup not in ("space", "comment"):
                out.append(Token(m.group(), at, line, at - start_of_line))
                fresh = False
        newlines = m.group().count("\n")
        if newlines:
            line += newlines
            start_of_line = at + m.group().rindex("\n") + 1
            fresh = fresh or m.lastgroup == "space"
        at = m.end()
    return out


def _name(head):
    """The name of a function: the word before the last group of parentheses that is no attribute."""
    depth, name = 0, None
    for i, t in enumerate(head):
        if t.text == "(":
            if depth == 0 and i and WORD.fullmatch(head[i - 1].text) and (
                    name is None or not head[i - 1].text.startswith("__")):
                name = head[i - 1].text
                if name.isupper() and i + 1 < len(head):
                    name += f"({head[i + 1].text})"
            depth += 1
        elif t.text == ")":
            depth -= 1
    return name or "?"


def _plain(item):
    texts = [t.text for t in item]
    if "{" in texts and "=" not in texts[:texts.index("{")] or texts[0] == "typedef":
        return "type"
    if len(texts) > 1 and texts[1] == "(" and texts[0] not in KEYWORDS:
        return "call"
    if "(" in texts and "=" not in texts:
        return "prototype"
    return "type" if len(texts) <= 3 and texts[0] in ("struct", "union", "enum") else "variable"


def _declared(item, kind):
    words = [t.text for t in item]
    if kind in ("prototype", "call"):
        return _name(item)
    if kind == "type":
        stop = words.index("{") if "{" in words else len(words) - 1
        return words[stop - 1]
    for i, w in enumerate(words):
        if w in ("=", "[", ";"):
            return words[i - 1] if i else "?"
    return "?"


def _make(item, brace):
    if brace is not None:
        head = item[:brace]
        return Item("function", _name(head), head, item[brace:], item)
    kind = _plain(item)
    return Item(kind, _declared(item, kind), item, [], item)


def _directive(token):
    word = token.text[1:].split(None, 1)[0] if len(token.text) > 1 else ""
    kind = {"include": "include", "define": "macro", "undef": "macro"}.get(word, "conditional")
    rest = token.text[1:].split(None, 1)[1:] or [""]
    name = WORD.match(rest[0])
    return Item(kind, name.group() if kind == "macro" and name else rest[0], [token], [], [token])


class _Splitter:
    def __init__(self):
        self.items, self.item, self.depth, self.brace, self.saved = [], [], 0, None, []

    def end(self):
        if self.item:
            self.items.append(_make(self.item, self.brace))
        self.item, self.depth, self.brace = [], 0, None

    def directive(self, t):
        word = t.text[1:].split(None, 1)[0] if len(t.text) > 1 else ""
        # Of branches that open a brace each, one is counted.
        if word.startswith("if"):
            self.saved.append(self.depth)
        elif word.startswith("el") and self.saved:
            self.depth = self.saved[-1]
        elif word == "endif" and self.saved:
            self.saved.pop()
        if self.item:
            self.item.append(t)
        else:
            self.items.append(_directive(t))

    def is_function(self):
        texts = [t.text for t in self.item[:-1]]
        return ")" in texts and "=" not in texts and texts[0] != "typedef"

    def take(self, t):
        if t.text[0] == "#":
            self.directive(t)
            return
        self.item.append(t)
        if t.text in "([{":
            if t.text == "{" and self.depth == 0 and self.brace is None and self.is_function():
                self.brace = len(self.item) - 1
            self.depth += 1
        elif t.text in ")]}":
            self.depth -= 1
            if t.text == "}" and t.column == 0 or self.depth < 0:
                self.depth = 0
            if t.text == "}" and self.depth == 0 and self.brace is not None:
                self.end()
        elif t.text == ";" and self.depth == 0:
            self.end()


@functools.lru_cache(maxsize=8)
def items(text):
    """The top-level items of a C file; their order is the file's."""
    splitter = _Splitter()
    for t in tokens(text):
        splitter.take(t)
    splitter.end()
    return splitter.items


def _texts(ts):
    return tuple(t.text for t in ts)


def _is_static(function):
    return "static" in _texts(function.head)


def init_functions(found):
    """Names of functions that run only while the kernel or module starts or ends: marked so, or
    static and named by nothing but such functions."""
    functions = {i.name: i for i in found if i.kind == "function"}
    registered = object()
    init = {registered} | {n for n, i in functions.items() if any(INIT.match(t.text) for t in i.head)}
    users = {}
    for item in found:
        if item.kind in ("include", "prototype"):
            continue
        for word in {w for t in item.tokens for w in ([t.text] if t.text in functions else
                     WORD.findall(t.text) if t.text[0] == "#" else [])}:
            if word != item.name:
                by_name = item.kind == "call" and REGISTERED.search(item.name)
                users.setdefault(word, set()).add(item.name if item.kind == "function" else
                                                  registered if by_name else None)
    grown = True
    while grown:
        more = {n for n, i in functions.items() if n not in init and _is_static(i)
                and users.get(n) and users[n] <= init}
        init |= more
        grown = bool(more)
    return init - {registered}


def _static_locals(body):
    """The declarations in a body that begin with `static`."""
    texts, out = _texts(body), []
    for i, t in enumerate(texts):
        if t == "static":
            end = texts.index(";", i) if ";" in texts[i:] else len(texts)
            out.append(texts[i:end])
    return Counter(out)


def _function_kinds(old, new, init):
    if (new or old).name in init:
        return {"init"}
    kinds = {"code"}
    if _static_locals(old.body if old else []) != _static_locals(new.body if new else []):
        kinds.add("static local")
    if old and new and _texts(old.head) != _texts(new.head) and not _is_static(old):
        kinds.add("interface")
    if old and not new and not _is_static(old):
        kinds.add("interface")
    return kinds


def change_kinds(old_text, new_text):
    """What kinds of change lead from one text to the other: a set of code, init, static local,
    interface, prototype, include, macro, conditional, type, call, variable. Empty: comments only."""
    old, new = items(old_text), items(new_text)
    init = init_functions(old) & init_functions(new) | (
        init_functions(old) ^ init_functions(new)) - (
        {i.name for i in old if i.kind == "function"} & {i.name for i in new if i.kind == "function"})
    old_f = {i.name: i for i in old if i.kind == "function"}
    new_f = {i.name: i for i in new if i.kind == "function"}
    kinds = set()
    for name in old_f.keys() | new_f.keys():
        a, b = old_f.get(name), new_f.get(name)
        if not a or not b or _texts(a.tokens) != _texts(b.tokens):
            kinds |= _function_kinds(a, b, init)
    count_old = Counter((i.kind, _texts(i.tokens)) for i in old if i.kind != "function")
    count_new = Counter((i.kind, _texts(i.tokens)) for i in new if i.kind != "function")
    kinds |= {kind for kind, _ in (count_old - count_new) + (count_new - count_old)}
    return kinds


CODE_ONLY = {"code", "prototype", "include", "no ftrace"}


def is_code_only(kinds):
    """Only function bodies (and static functions as a whole, prototypes, includes) changed."""
    return "code" in kinds and kinds <= CODE_ONLY


def _is_shared(item, is_header):
    if is_header:
        return True
    return item.kind in ("function", "variable") and "static" not in _texts(item.head)


def changed_names(old_text, new_text, is_header):
    """What a file declares for others in one version only, or in another way: (names of functions,
    macros and variables, words of types: members and constants)."""
    sides = []
    for text in (old_text, new_text):
        names, members = {}, Counter()
        for item in items(text):
            if item.kind in ("include", "conditional") or not _is_shared(item, is_header):
                continue
            if item.kind == "type":
                members += Counter(t.text for t in item.tokens if WORD.fullmatch(t.text))
            else:
                name = re.sub(r".*\(|\)", "", item.name)
                names[name] = names.get(name, ()) + _texts(item.head)
        sides.append((names, members))
    (a, m), (b, n) = sides
    names = {w for w in a.keys() | b.keys() if a.get(w) != b.get(w) and w not in KEYWORDS and WORD.fullmatch(w)}
    return names, set((m - n) + (n - m)) - KEYWORDS - LOCAL_TYPES


LOCAL_TYPES = {"int", "long", "bool", "char", "u8", "u16", "u32", "u64", "size_t", "ssize_t", "s64", "s32"}


def _local_of(function, taken):
    """A local variable that one plain declaration introduces and that is surely nothing else: its
    word is no member, no label, no field of an initialiser, and no word outside this function."""
    body = _texts(function.body)
    for i in range(1, len(body) - 2):
        name = body[i]
        if (body[i - 1] in LOCAL_TYPES and WORD.fullmatch(name) and body[i + 1] in ("=", ";", ",")
                and body[i - 2] in (";", "{", "}", "unsigned", "signed", "const") and name not in KEYWORDS):
            places = [k for k, t in enumerate(body) if t == name]
            risky = any(body[k - 1] in ("->", ".", "goto", "struct", "union", "enum") or
                        body[k + 1] in (":", "(") or body[k - 1] in ("##", "#") for k in places)
            if not risky and name not in taken and len(places) > 1:
                return name
    return None


def rename_local(text):
    """Yields the text with one local variable renamed, function by function: (text, function, old
    name, new name). A name that a directive of the file holds is not taken. Where the name is a
    member's too, by way of a macro's argument, the result does not compile: take the next."""
    directives = {w for t in tokens(text) if t.text[0] == "#" for w in WORD.findall(t.text)}
    for function in items(text):
        if function.kind != "function" or any(t.text[0] == "#" for t in function.body):
            continue
        name = _local_of(function, directives | {t.text for t in function.head})
        if name is None:
            continue
        new, out, last = name + "_renamed", [], 0
        for t in function.body:
            if t.text == name:
                out += [text[last:t.at], new]
                last = t.at + len(name)
        yield "".join(out) + text[last:], function.name, name, new
