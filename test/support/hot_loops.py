"""Reads assembly and checks its innermost loops of multiply-adds.

hot_loops.py FILE.s MINIMUM: there must be at least MINIMUM loops whose body, one
basic block that jumps to its own start, holds 8 or more multiply-adds; none of
them may touch the stack (a spill) or call anything. Prints them.
"""
import re
import sys

FMA = re.compile(r"\b(vfmadd\w+ps|vfmadd\w+pd|vdpbf16ps|fmla)\b")
STACK = re.compile(r"\(%rsp|\[sp\b")  # frames keep no frame pointer


def blocks(lines):
    """(label, body) of every basic block."""
    label, body = None, []
    for line in lines:
        text = line.split("#")[0].strip()
        if match := re.match(r"(\.?L\w+):", text):
            if label:
                yield label, body
            label, body = match[1], []
        elif text and not text.startswith("."):
            body.append(text)
            if re.match(r"j\w+|b\.?\w*\b", text) and label:
                yield label, body
                label, body = None, []


def main():
    path, minimum = sys.argv[1], int(sys.argv[2])
    hot = 0
    for label, body in blocks(open(path)):
        multiplies = [line for line in body if FMA.match(line)]
        if len(multiplies) < 8 or not body[-1].endswith(label):
            continue
        hot += 1
        print(f"{label}: {len(multiplies)} multiply-adds of {len(body)}")
        bad = [line for line in body if STACK.search(line) or "call" in line]
        if bad:
            sys.exit(f"{label}: spills in the hot loop: " + "; ".join(bad))
    if hot < minimum:
        sys.exit(f"expected {minimum} hot loops, found {hot}")


main()
