"""The files for editors are well-formed and know every word of the language.
Usage: editors.py ROOT"""
import json
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
editors = root / "tools" / "editors"
for path in editors.rglob("*.json"):
    json.loads(path.read_text())

lexer = (root / "compiler/Frontend/Lexer.cpp").read_text()
words = set(re.findall(r'\{"(\w+)",\s*Kind::Kw', lexer))
assert len(words) > 20, words
for name in ["vscode/syntaxes/ag.tmLanguage.json", "vim/syntax/ag.vim"]:
    known = set(re.findall(r"\w+", (editors / name).read_text().replace("\\\\b", " ")))
    missing = words - known
    if missing:
        sys.exit(f"{name} lacks {sorted(missing)}")
print("ok")
