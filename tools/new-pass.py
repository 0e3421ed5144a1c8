#!/usr/bin/env python3
"""Writes the places of a new pass from tiles to tiles: its row in Passes.td, its
source, its line in CMakeLists.txt and its test. What it writes builds and does
nothing yet.

    tools/new-pass.py FuseSums "Compute neighbouring sums in one loop"
"""
import argparse
import pathlib
import re
import sys

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("name", metavar="NAME", help="a name such as FuseSums")
parser.add_argument("summary", help="one line: what the pass does")
parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
args = parser.parse_args()

if not re.fullmatch(r"([A-Z][a-z0-9]+)+", args.name):
    sys.exit(f"new-pass.py: expected words such as FuseSums, found {args.name}")
folder = args.root / "compiler" / "Transforms"
dashed = "-".join(word.lower() for word in re.findall(r"[A-Z][a-z0-9]+", args.name))
flag = f"ag-{dashed}"
source = folder / f"{args.name}.cpp"
test = args.root / "test" / "compiler" / "Transforms" / f"{dashed}.mlir"
table, build = folder / "Passes.td", folder / "CMakeLists.txt"
for path in (source, test):
    if path.exists():
        sys.exit(f"new-pass.py: {path} is there already")

row = f"""def {args.name} : Pass<"{flag}", "::attn_grid::ir::KernelOp"> {{
  let summary = "{args.summary}";
  let description = [{{
    What it does, when, and why the kernel's result stays the same.
    Example: test/compiler/Transforms/{dashed}.mlir, @example.
  }}];
}}

"""
text = table.read_text()
table.write_text(text.replace("#endif\n", row + "#endif\n"))

source.write_text(f"""// {args.summary}.
//
// Why it is worth doing.

#include "compiler/Transforms/Passes.h"

using namespace mlir;

namespace attn_grid::compiler {{

#define GEN_PASS_DEF_{args.name.upper()}
#include "compiler/Transforms/Passes.h.inc"

namespace {{
struct {args.name}Pass final : impl::{args.name}Base<{args.name}Pass> {{
  void runOnOperation() override {{
    ir::KernelOp kernel = getOperation();
    (void)kernel;
  }}
}};
}} // namespace

}} // namespace attn_grid::compiler
""")

text = build.read_text()
match = re.search(r"SOURCES\s+(.*?)\n  LINK", text, re.S)
sources = sorted(match[1].split() + [source.name], key=str.lower)
lines, line = [], "  SOURCES  "
for name in sources:
    if len(line) + 1 + len(name) > 79:
        lines.append(line)
        line = "           "
    line += " " + name
build.write_text(text.replace("  " + match[0], "\n".join([*lines, line]) + "\n  LINK"))

test.write_text(f"""// RUN: ag-opt %s -{flag} | FileCheck %s

// What this shows.
// CHECK-LABEL: ag.kernel @example
// CHECK: ag.return
ag.kernel @example(%p: memref<f32> {{ag.name = "p", ag.access = "inout"}}) {{
  ag.return
}}
""")

for path in (table, source, build, test):
    print(path.relative_to(args.root))
print(f"Next: write {source.name} and its test, add the pass to compiler/Pipeline.cpp\n"
      "and a row to compiler/Transforms/README.md.")
