"""Every op of the dialect documents an example, and every example's lines occur
in the file given, which another RUN line parses. Run from anywhere:

    check-examples.py DIALECT_FOLDER EXAMPLES.mlir
"""
import pathlib
import re
import sys


def squeeze(text):
    return " ".join(text.split())


def main(folder, examples):
    tested = {squeeze(line) for line in open(examples, encoding="utf-8")}
    problems = 0
    for path in sorted(pathlib.Path(folder).glob("*Ops.td")):
        ops = re.split(r"\ndef (?=\w+ : Ag_Op<)", path.read_text(encoding="utf-8"))
        for op in ops[1:]:
            name = re.search(r'Ag_Op<"([^"]+)"', op)[1]
            block = re.search(r"Example:\s*```mlir\n(.*?)```", op, re.S)
            line = re.search(r"Example: `([^`]+)`", op)
            if not block and not line:
                print(f"{path.name}: ag.{name} has no example")
                problems += 1
                continue
            for text in (block or line)[1].splitlines():
                if squeeze(text) and squeeze(text) not in tested:
                    print(f"{path.name}: ag.{name}: not tested: {text.strip()}")
                    problems += 1
    return 1 if problems else 0


sys.exit(main(*sys.argv[1:]))
