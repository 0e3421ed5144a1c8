"""Every message of the front end is in ErrorCatalog.def: those that the sources
spell, those of test/errors, and those of the table's own examples, which give
their code, and none once mended. Usage: error_catalog.py ROOT"""
import pathlib
import re
import subprocess
import sys
import tempfile

root = pathlib.Path(sys.argv[1])
frontend = root / "compiler" / "Frontend"
problems = []


def agc(*arguments):
    return subprocess.run(["agc", *arguments], capture_output=True, text=True)


# ------------------------------------------------------------------- the table
page = agc("explain-error", "--all").stdout
patterns = []
examples = []  # code, wrong, mended
for section in page.split("\n## ")[1:]:
    code = section[:6]
    sources = re.findall(r"^```\n(.*?)^```$", section, re.S | re.M)
    examples.append((code, sources))
    for pattern in re.findall(r"^- `` (.*) ``$", section, re.M):
        if pattern in patterns:
            problems.append(f"{code}: the pattern occurs twice: {pattern}")
        patterns.append(pattern)


def to_regex(pattern):
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.S)


regexes = [to_regex(pattern) for pattern in patterns]


def known(message):
    return any(regex.fullmatch(message) for regex in regexes)


# ---------------------------------------------- what the sources spell, roughly
CALL = re.compile(
    r"\b(error|fail|unexpected|poison|unsupported|ConstResult::failed)\s*\("
)


def split_args(text, at):
    """The arguments from behind the `(` at `at`, as text."""
    depth, args, begin, i = 0, [], at, at
    while i < len(text):
        c = text[i]
        if c in "\"'":
            i += 1
            while text[i] != c:
                i += 2 if text[i] == "\\" else 1
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            if depth == 0:
                return args + [text[begin:i]]
            depth -= 1
        elif c == "," and depth == 0:
            args.append(text[begin:i])
            begin = i + 1
        i += 1
    return args


def split_top(text, operators):
    """Splits at single-character operators outside of brackets and strings."""
    parts, depth, begin, i = [], 0, 0, 0
    while i < len(text):
        c = text[i]
        if c in "\"'":
            i += 1
            while i < len(text) and text[i] != c:
                i += 2 if text[i] == "\\" else 1
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif depth == 0 and c in operators and text[i : i + 2] != "::" and text[i - 1 : i + 1] != "::":
            parts.append(text[begin:i])
            begin = i + 1
        i += 1
    return parts + [text[begin:]]


def spellings(expression):
    """The texts that an expression of strings may have; `*` is what varies."""
    expression = expression.strip()
    choice = split_top(expression, "?")
    if len(choice) == 2:
        sides = split_top(choice[1], ":")
        if len(sides) == 2:
            return spellings(sides[0]) + spellings(sides[1])
    if len(choice) > 2:
        return ["*"]
    terms = split_top(expression, "+")
    if len(terms) > 1:
        texts = [""]
        for term in terms:
            texts = [text + more for text in texts for more in spellings(term)]
        return texts
    inner = re.fullmatch(r"(?:std::string|llvm::Twine)?\s*\((.*)\)", expression, re.S)
    if inner:
        return spellings(inner[1])
    literals = re.fullmatch(r'(?:"(?:[^"\\]|\\.)*"\s*)+', expression)
    if literals:
        text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', expression))
        return [text.replace('\\"', '"').replace("\\\\", "\\").replace("\\n", "\n")]
    return ["*"]


count = 0
for path in sorted(frontend.glob("*.cpp")) + sorted(frontend.glob("*.h")):
    text = re.sub(r"^\s*//.*$", "", path.read_text(), flags=re.M)
    for call in CALL.finditer(text):
        args = split_args(text, call.end())
        index = 0 if call[1] in ("unexpected", "ConstResult::failed") else 1
        if len(args) <= index or '"' not in args[index]:
            continue
        for message in spellings(args[index]):
            if call[1] == "unexpected":
                message = f"expected {message}, found *"
            if call[1] == "unsupported":
                message += " is not supported by this version: *"
            count += 1
            # Nothing is left of a message that is made elsewhere.
            if re.search(r"\w", message) and not known(message):
                problems.append(f"{path.name}: not in the table: {message}")
if count < 200:
    problems.append(f"found only {count} messages in the sources")

# ------------------------------------------------------------------ test/errors
ERROR = re.compile(r"^// EXPECT: (?:\{\{FILE\}\}|[^ ]+):\d+:\d+: error: (.*)$", re.M)
for path in sorted((root / "test" / "errors").glob("*.ag")):
    for message in ERROR.findall(path.read_text(errors="surrogateescape")):
        if not known(message):
            problems.append(f"{path.name}: not in the table: {message}")

# ----------------------------------------------------------------- the examples
with tempfile.TemporaryDirectory() as folder:
    file = pathlib.Path(folder) / "example.ag"
    for code, sources in examples:
        if not sources:
            continue
        file.write_text(sources[0])
        said = agc("check", "--codes", file)
        lines = [line for line in said.stderr.split("\n") if ": error: " in line]
        if said.returncode != 1 or not all(l.endswith(f"[{code}]") for l in lines):
            problems.append(f"{code}: the wrong source gives\n{said.stderr}")
        file.write_text(sources[1])
        said = agc("check", file)
        if said.returncode != 0:
            problems.append(f"{code}: the mended source gives\n{said.stderr}")
        said = agc("fmt", "--check", file)
        if said.returncode != 0:
            problems.append(f"{code}: the mended source is not formatted")

# --------------------------------------------------------------------- the page
if page != (root / "docs" / "errors.md").read_text():
    problems.append("docs/errors.md is old: agc explain-error --all > docs/errors.md")

print("\n".join(problems) or "ok")
sys.exit(bool(problems))
