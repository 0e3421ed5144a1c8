#!/usr/bin/env python3
"""Runs clang-format on all C++ sources; exit status 1 if one would change.
With --fix, changes them."""
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ["dialect", "compiler", "runtime", "kernels_dsl", "tools", "test", "examples"]


def main(arguments):
    tool = shutil.which("clang-format-22")
    if not tool:
        print("clang-format-22 is missing: run tools/install-deps")
        return 1
    files = sorted(
        str(path.relative_to(ROOT))
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".h", ".hpp", ".cpp"}
    )
    mode = ["-i"] if "--fix" in arguments else ["--dry-run", "-Werror"]
    return 1 if subprocess.run([tool, *mode, *files], cwd=ROOT).returncode else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
