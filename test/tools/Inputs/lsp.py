"""A session of an editor with `agc lsp`: every answer by an example, and input
that no editor sends. Usage: lsp.py SUPPORT KERNELS"""
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, sys.argv[1])
from lsp_client import Client  # noqa: E402

kernels = pathlib.Path(sys.argv[2])

SOURCE = """import "softmax.ag";

/// A pair of things.
struct Pair<const M: int> { a: tile<f32>[M], n: int }

/// Twice as much.
fn twice(x: f32) -> f32 { return x + x; }

/// y = 2 x.
kernel k<T: float, const BM: int = 16>(
    /// What is doubled.
    x:     tensor<T>[N],
    out y: tensor<T>[N])
  grid (ceildiv(N, BM))
{
  let start = program_id() * BM;
  let row = x[start +: BM];
  let pair = Pair { a: cast<f32>(row), n: 3 };
  const W = next_pow2(BM);
  for i in 0 .. 3 {
    let inner = pair.a * twice(1.0);
  }
  y[start +: BM] = cast<T>(pair.a);
}
"""
LINES = SOURCE.split("\n")


def place(word, part=None, nth=0):
    """Line and column of the nth line with `word`, at `part` of it."""
    found = [i for i, line in enumerate(LINES) if word in line]
    line = found[nth]
    return line, LINES[line].index(word) + (word.index(part) if part else 0)


def check(condition, *what):
    if not condition:
        print("failed:", *what)
        sys.exit(1)


def hover(client, uri, *where):
    answer = client.at("hover", uri, *place(*where))
    return answer and answer["contents"]["value"]


def test_session(folder):
    uri = (folder / "k.ag").as_uri()
    (folder / "k.ag").write_text(SOURCE)
    with Client(["agc", "lsp"]) as client:
        capabilities = client.start()["capabilities"]
        check(capabilities["hoverProvider"], capabilities)
        check(client.open(uri, SOURCE) == [], client.diagnostics)

        # Hover: the declaration, the type under a representative binding, the doc.
        text = hover(client, uri, "x[start", None)
        check("x: tensor<T>[N]" in text and "What is doubled." in text, text)
        check("`x` is `tensor<f32>[?]`" in text, text)
        check("`row` is `tile<f32>[16]`" in hover(client, uri, "(row)", "row"))
        check("`pair` is `Pair<16>`" in hover(client, uri, "pair.a *"))
        check("a: tile<f32>[M]" in hover(client, uri, "pair.a *", "a *"))
        check("Twice as much." in hover(client, uri, "twice(1.0)"))
        check("an extent, bound by `x`" in hover(client, uri, "(N, BM)", "N"))
        check("`BM` is" in hover(client, uri, "(N, BM)", "BM"))
        check("ceildiv(x, y)" in hover(client, uri, "ceildiv"))
        check("Softmax" not in str(hover(client, uri, "Pair {")), "a struct")
        check(hover(client, uri, "{", None) is None, "nothing at a brace")

        # Definitions, of this file and others.
        answer = client.at("definition", uri, *place("twice(1.0)"))
        line, column = place("fn twice", "twice")
        check(answer["uri"] == uri, answer)
        check(answer["range"]["start"] == {"line": line, "character": column}, answer)
        answer = client.at("definition", uri, *place("pair.a *", "a *"))
        check(answer["range"]["start"]["line"] == place("struct Pair")[0], answer)
        check(client.at("definition", uri, *place("ceildiv")) is None)

        # Completion: names in scope, builtins; behind a `.` the fields.
        names = lambda a: [item["label"] for item in a["items"]]  # noqa: E731
        inside = names(client.at("completion", uri, *place("twice(1.0)")))
        for name in ["pair", "i", "W", "T", "N", "x", "twice", "softmax_init", "dot"]:
            check(name in inside, name, inside)
        outside = names(client.at("completion", uri, *place("fn twice", None)))
        check("pair" not in outside and "twice" in outside, outside)
        fields = names(client.at("completion", uri, *place("pair.a *", "a *")))
        check(fields == ["a", "n"], fields)

        # The outline.
        outline = client.about("documentSymbol", uri)
        check([s["name"] for s in outline] == ["Pair", "twice", "k"], outline)
        check([s["name"] for s in outline[0]["children"]] == ["a", "n"], outline)

        # Formatting.
        check(client.about("formatting", uri) == [], "formatted already")
        client.change(uri, SOURCE.replace("  let row = x[", " let row=x ["))
        edits = client.about("formatting", uri)
        check(len(edits) == 1 and edits[0]["newText"] == SOURCE, edits)

        # A mistake: what `agc check` says; the types are still known.
        wrong = SOURCE.replace("x + x", "x + yy").replace("let pair = ", "let pair ")
        check(client.change(uri, wrong)[0]["message"] == "expected `=` after the name,"
              " found `Pair`", client.diagnostics)
        wrong = SOURCE.replace("x + x", "x + row")
        diagnostics = client.change(uri, wrong)
        (folder / "k.ag").write_text(wrong)
        said = subprocess.run(["agc", "check", folder / "k.ag"], capture_output=True, text=True)
        check(len(diagnostics) == 1, diagnostics)
        check("error: " + diagnostics[0]["message"].split("\n")[0] in said.stderr, said)
        check(diagnostics[0]["range"]["start"]["line"] == place("fn twice")[0])
        check("`row` is `tile<f32>[16]`" in hover(client, uri, "(row)", "row"))
        check(client.about("formatting", uri) != None, "names may be wrong")  # noqa: E711
        check(client.change(uri, "kernel k(") != [])
        check(client.about("formatting", uri) is None, "the syntax may not")

        # Columns are UTF-16 code units.
        odd = "// \U0001f600\nconst A = 1; /* \U0001f600 */ const B = A + C;\n"
        diagnostics = client.change(uri, odd)
        check(diagnostics[0]["range"]["start"] == {"line": 1, "character": 36}, diagnostics)

        # A mistake in an imported file stands at the import.
        (folder / "other.ag").write_text("const = 1;")
        diagnostics = client.change(uri, '\nimport "other.ag";\n')
        check("in " in diagnostics[0]["message"], diagnostics)
        check(diagnostics[0]["range"]["start"]["line"] == 1, diagnostics)

        client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        check("error" in client.request("textDocument/hover", {
            "textDocument": {"uri": uri}, "position": {"line": 0, "character": 0}}))
        check(client.stop() == 0, "exit status")


def test_protocol():
    with Client(["agc", "lsp"]) as client:
        code = lambda answer: answer["error"]["code"]  # noqa: E731
        check(code(client.request("textDocument/hover", {})) == -32002)
        client.start()
        check(code(client.request("no/method")) == -32601)
        check(code(client.request("textDocument/hover", {})) == -32602)
        client.send_text("{")
        check(code(client.receive()) == -32700)
        for text in ["[]", "1", '"x"', "{}", '{"id": 1}', '{"id": {}, "method": 3}',
                     '{"id": [1], "method": "shutdown"}', "[" * 100000 + "]" * 100000]:
            client.send_text(text)
            check(code(client.receive()) == -32600, text[:40])
        # Nonsense without an id is passed over.
        for params in [None, [], 1, {"textDocument": 1}, {"textDocument": {"uri": 1}},
                       {"textDocument": {"uri": "a"}, "contentChanges": 3},
                       {"textDocument": {"uri": "a"}, "contentChanges": [[]]}]:
            for method in ["didOpen", "didChange", "didClose"]:
                client.notify("textDocument/" + method, params)
        uri = "untitled:one"
        client.open(uri, "const A = 1;")
        for position in [None, [], {}, {"line": -1, "character": 0},
                         {"line": 1.5, "character": 0}, {"line": 2**40, "character": 0}]:
            answer = client.request("textDocument/hover", {
                "textDocument": {"uri": uri}, "position": position})
            check(code(answer) == -32602, position)
        far = {"line": 2**31, "character": 2**31}
        answer = client.request("textDocument/completion", {
            "textDocument": {"uri": uri}, "position": far})
        check("result" in answer, answer)
        check(client.stop() == 0)
    # What no message begins with ends the server, with status 1.
    for content in [b"", b"\r\n\r\n", b"x" * 10000, b"Content-Length: 99999999999\r\n\r\n",
                    b"Content-Length: -1\r\n\r\n", b"Content-Length: 10\r\n\r\n{"]:
        run = subprocess.run(["agc", "lsp"], input=content, capture_output=True, timeout=60)
        check(run.returncode == 1 and not run.stdout, content, run)


def test_broken_sources():
    """Every request about mutilated kernels gets an answer."""
    texts = [path.read_text() for path in sorted(kernels.rglob("*.ag"))]
    rng = random.Random(1)
    uri = "untitled:broken"
    with Client(["agc", "lsp"]) as client:
        client.start()
        client.open(uri, "")
        for _ in range(150):
            text = rng.choice(texts)
            for _ in range(rng.randrange(4)):
                at = rng.randrange(len(text) + 1)
                other = rng.choice(texts)
                cut = rng.randrange(len(other) + 1)
                text = text[:at] + other[cut:cut + rng.randrange(40)] + \
                    text[at + rng.randrange(40):]
            if rng.random() < 0.3:
                text = text[: rng.randrange(len(text) + 1)]
            client.change(uri, text)
            lines = text.split("\n")
            for method in ["hover", "definition", "completion"]:
                line = rng.randrange(len(lines))
                client.at(method, uri, line, rng.randrange(len(lines[line]) + 2))
            client.about("documentSymbol", uri)
            client.about("formatting", uri)
        check(client.stop() == 0)


with tempfile.TemporaryDirectory() as name:
    test_session(pathlib.Path(name))
test_protocol()
test_broken_sources()
print("ok")
