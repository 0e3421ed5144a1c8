#!/usr/bin/env python3
"""Who may include whom: the picture of the architecture, as a test.

    tools, test -> kernels_dsl -> compiler -> dialect -> MLIR
                        |            |
                        +------------+-----> runtime -> the standard library

Prints every include that points the wrong way; exit status 1 if there is one.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ["dialect", "compiler", "runtime", "kernels_dsl", "tools", "test", "examples"]
SUFFIXES = {".h", ".hpp", ".cpp", ".td", ".inc"}
INCLUDE = re.compile(r'^\s*#?\s*include\s*(["<])([^">]+)[">]')

# What each folder may include of ours, by the path it spells. `public` is
# `attn_grid/*.hpp`.
ALLOWED = {
    "dialect": ["dialect/"],
    "compiler": ["dialect/", "compiler/", "public"],
    "runtime": ["runtime/", "public"],
    "kernels_dsl": ["kernels_dsl/", "compiler/Compiler.h", "public"],
    "tools": [
        "dialect/", "compiler/", "runtime/", "kernels_dsl/", "tools/", "test/support/", "public",
    ],
    "test": [
        "dialect/", "compiler/", "runtime/", "kernels_dsl/", "tools/", "test/", "public",
    ],
    "examples": ["public"],
}  # fmt: skip
# The plain data that crosses between compiler and runtime.
PLAIN_DATA = {"ahead", "artifact", "dtype", "error", "export", "signature", "target"}
OUTSIDE = re.compile(r"^(mlir|llvm|llvm-c|clang)/")
MAY_USE_MLIR = {"dialect", "compiler", "tools", "test"}


def complaints(folder, path, name, quoted):
    """Why this file may not include that, one string per reason."""
    inside = path.relative_to(ROOT).as_posix()
    if OUTSIDE.match(name):
        if folder not in MAY_USE_MLIR:
            yield f"{folder}/ knows no MLIR and no LLVM"
        if path.suffix == ".hpp":
            yield "a public header includes no MLIR and no LLVM"
        return
    if name.startswith("../") or "/../" in name or name.startswith("./"):
        yield "spell the path from the root"
        return
    if name.startswith("attn_grid/"):
        if "public" not in ALLOWED[folder]:
            yield f"{folder}/ does not know the runtime"
        elif folder == "compiler" and pathlib.Path(name).stem not in PLAIN_DATA:
            yield "compiler/ takes only plain data from the runtime: " + ", ".join(
                sorted(PLAIN_DATA)
            )
        return
    first = name.split("/")[0]
    if first not in FOLDERS:
        return  # the standard library, or a library of others
    if not any(
        name == allowed or (allowed.endswith("/") and name.startswith(allowed))
        for allowed in ALLOWED[folder]
    ):
        yield f"{folder}/ may include of ours only " + ", ".join(ALLOWED[folder])
    if folder == "kernels_dsl" and first == "compiler" and path.suffix != ".cpp":
        yield "only a .cpp of kernels_dsl/ includes the compiler's facade"
    if "/include/" in inside and path.suffix == ".hpp":
        yield "a public header includes only public headers"
    if not quoted:
        yield "write our own headers in quotes"
    # The two targets of the compiler never see each other.
    for own, other in (("Cpu", "Gpu"), ("Gpu", "Cpu")):
        if inside.startswith(f"compiler/Conversion/{own}/") and name.startswith(
            f"compiler/Conversion/{other}/"
        ):
            yield "the CPU and GPU lowerings do not see each other"


def guard_of(path):
    """The include guard that spells the path."""
    inside = path.relative_to(ROOT).as_posix()
    if "include/attn_grid/" in inside:
        spelled = "ATTN_GRID_" + inside.split("include/attn_grid/")[1]
    else:
        spelled = "AG_" + inside
    return re.sub(r"[^A-Za-z0-9]", "_", spelled).upper()


def main():
    found = 0
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in SUFFIXES or not path.is_file():
                continue
            text = path.read_text(encoding="utf-8")
            for number, line in enumerate(text.splitlines(), 1):
                match = INCLUDE.match(line)
                if not match:
                    continue
                for why in complaints(folder, path, match[2], match[1] == '"'):
                    found += 1
                    place = f"{path.relative_to(ROOT)}:{number}"
                    print(f"{place}: error: includes '{match[2]}': {why}")
            guard = guard_of(path)
            if path.suffix in {".h", ".hpp", ".td"} and f"#ifndef {guard}" not in text:
                found += 1
                print(f"{path.relative_to(ROOT)}:1: error: expected guard {guard}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
