"""docs/grammar.md against the parser. Usage: grammar.py ROOT COUNT [SEED]

Every source that we ship follows the grammar; COUNT sources made from it at
random are read by `agc fmt`; its words are the lexer's."""
import pathlib
import random
import re
import subprocess
import sys

root = pathlib.Path(sys.argv[1])
count = int(sys.argv[2])
seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
page = (root / "docs" / "grammar.md").read_text()
problems = []

# ------------------------------------------------------------- the grammar
# An expression is a string (a token), a name (a rule or kind of token), or a
# tuple: ("seq" | "or", parts) or ("many" | "maybe", part).
TOKEN = re.compile(r'"[^"]+"|[A-Za-z_]+|[=;|{}()\[\]]')


class Reader:
    def __init__(self, text):
        self.tokens = TOKEN.findall(text)
        self.at = 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, expected=None):
        token = self.tokens[self.at]
        assert expected in (None, token), f"expected {expected}, found {token}"
        self.at += 1
        return token

    def choice(self):
        parts = [self.sequence()]
        while self.peek() == "|":
            self.take()
            parts.append(self.sequence())
        return parts[0] if len(parts) == 1 else ("or", parts)

    def sequence(self):
        parts = []
        while self.peek() not in ("|", ";", ")", "]", "}", None):
            parts.append(self.item())
        return parts[0] if len(parts) == 1 else ("seq", parts)

    def item(self):
        token = self.take()
        closer = {"(": ")", "[": "]", "{": "}"}.get(token)
        if not closer:
            return token
        inner = self.choice()
        self.take(closer)
        return {"(": inner, "[": ("maybe", inner), "{": ("many", inner)}[token]

    def rules(self):
        rules = {}
        while self.peek():
            name = self.take()
            self.take("=")
            rules[name] = self.choice()
            self.take(";")
        return rules


rules = Reader(re.search(r"```ebnf\n(.*?)```", page, re.S)[1]).rules()
words = set(re.search(r"Words that name nothing else: `(.*?)`", page, re.S)[1].split())

# The lexer knows the same words.
lexer = (root / "compiler" / "Frontend" / "Lexer.cpp").read_text()
table = re.search(r"keywords\[\] = \{(.*?)\};", lexer, re.S)[1]
if words != set(re.findall(r'\{"(\w+)"', table)):
    problems.append("the words of the page are not those of the lexer")


# ------------------------------------------------- sources follow the grammar
SOURCE = re.compile(
    r"//[^\n]*|/\*.*?\*/|\s+"
    r'|(?P<STRING>"(?:\\.|[^"\\\n])*")'
    r"|(?P<FLOAT>\d[\d_]*\.\d[\d_]*(?:[eE][+-]?\d+)?|\d[\d_]*[eE][+-]?\d+)"
    r"|(?P<INTEGER>0[xX][\da-fA-F_]+|0[bB][01_]+|\d[\d_]*)"
    r"|(?P<NAME>[A-Za-z_]\w*)"
    r"|(?P<MARK><<=|>>=|\*\*|\.\.|\+:|->|<<|>>|==|!=|<=|>=|[-+*/%&|^]=|[-()\[\]{},;:.?=+*/%&|^~<>])",
    re.S,
)


def tokenize(text):
    tokens, at = [], 0
    while at < len(text):
        match = SOURCE.match(text, at)
        if not match:
            return None
        at = match.end()
        kind = match.lastgroup
        if kind:
            word = match[0]
            tokens.append((word if kind == "MARK" or word in words else kind, word))
    return tokens


def follows(tokens):
    """The furthest token that a prefix of the grammar reaches."""
    sys.setrecursionlimit(100000)
    memo, furthest = {}, [0]

    def ends(expression, at):
        """Where `expression` may end if it begins at token `at`."""
        if isinstance(expression, str):
            if expression in rules:
                key = (expression, at)
                if key not in memo:
                    memo[key] = ends(rules[expression], at)
                return memo[key]
            if at == len(tokens):
                return frozenset()
            kind, word = tokens[at]
            wanted = expression.strip('"')
            if kind == expression or word == wanted and expression[0] == '"':
                furthest[0] = max(furthest[0], at + 1)
                return frozenset([at + 1])
            # `>>` closes two lists.
            return frozenset()
        what, inner = expression
        if what == "or":
            return frozenset().union(*(ends(part, at) for part in inner))
        if what == "maybe":
            return ends(inner, at) | {at}
        if what == "seq":
            places = frozenset([at])
            for part in inner:
                places = frozenset().union(*(ends(part, place) for place in places))
            return places
        places, fresh = frozenset([at]), frozenset([at])
        while fresh:
            fresh = frozenset().union(*(ends(inner, place) for place in fresh)) - places
            places |= fresh
        return places

    return len(tokens) in ends("file", 0), furthest[0]


sources = 0
for path in sorted(root.glob("kernels_dsl/**/*.ag")):
    text = re.sub(r">>(?=\s*[(\[{,>]|\()", "> >", path.read_text())
    tokens = tokenize(text)
    good, furthest = follows(tokens) if tokens is not None else (False, 0)
    sources += 1
    if not good:
        near = " ".join(word for _, word in tokens[max(0, furthest - 8) : furthest + 3])
        problems.append(f"{path.relative_to(root)} does not follow the grammar near: {near}")
if sources < 30:
    problems.append(f"found only {sources} sources")


# --------------------------------------------- what the grammar makes is read
NAMES = ["a", "b2", "_c", "N", "BM", "x", "f32"]
KINDS = {
    "NAME": lambda r: r.choice(NAMES),
    "INTEGER": lambda r: r.choice(["0", "7", "0xff", "0b10", "1_000"]),
    "FLOAT": lambda r: r.choice(["0.5", "1e-5", "2.5e3"]),
    "STRING": lambda r: r.choice(['"x"', '"a\\n"', '"\\"q\\""']),
}


def make(expression, r, depth, out):
    if isinstance(expression, str):
        if expression in rules:
            # Much that parentheses allow is not told from a comparison here.
            make(rules[expression], r, 99 if expression == "small" else depth + 1, out)
        elif expression in KINDS:
            out.append(KINDS[expression](r))
        else:
            out.append(expression.strip('"'))
        return
    what, inner = expression
    deep = depth > 20
    if what == "or":
        # The simplest choice ends what has grown deep.
        make(min(inner, key=weight) if deep else r.choice(inner), r, depth, out)
    elif what == "seq":
        for part in inner:
            make(part, r, depth, out)
    elif what == "maybe":
        if not deep and r.random() < 0.35:
            make(inner, r, depth, out)
    else:
        while not deep and r.random() < 0.3:
            make(inner, r, depth, out)


def weight(expression):
    if isinstance(expression, str):
        return 10 if expression in rules else 1
    what, inner = expression
    if what == "or":
        return min(map(weight, inner))
    if what == "seq":
        return sum(map(weight, inner))
    return 0


# What the notes below the grammar say, and that names differ, is not in it.
NOT_IN_IT = re.compile(
    r"is declared twice|is given twice|is tuned twice|has no grid|one `|1 to 3 dimensions"
    r"|follows a named one|has no candidates|nested more|has no effect|hides no other"
    r"|may not be|comparisons do not chain|parameters are only read"
)
made = good = 0
r = random.Random(seed)
for number in range(count):
    out = []
    make(r.choice(["kernel", "function", "struct", "variant", "const_decl", "file"]), r, 0, out)
    source = " ".join(out) + "\n"
    said = subprocess.run(["agc", "fmt", "--stdin"], input=source, capture_output=True, text=True)
    made += 1
    errors = [line for line in said.stderr.split("\n") if ": error: " in line]
    if said.returncode == 0:
        good += 1
    elif not errors or not NOT_IN_IT.search(errors[0]):
        problems.append(f"made from the grammar but not read:\n{source}{said.stderr}")
if good * 3 < made:
    problems.append(f"only {good} of {made} sources are read")

print("\n".join(problems[:10]) or f"ok: {sources} sources follow it, {good} of {made} made are read")
sys.exit(bool(problems))
