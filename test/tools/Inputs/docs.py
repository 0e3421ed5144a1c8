"""Every block of the documentation that is marked `ag` is a source without
mistakes, in our format. Usage: docs.py ROOT FOLDER"""
import pathlib
import re
import subprocess
import sys

root, folder = map(pathlib.Path, sys.argv[1:])
problems, blocks = [], 0
for page in sorted([root / "README.md", *(root / "docs").glob("*.md")]):
    text = page.read_text()
    for match in re.finditer(r"^```ag\n(.*?)^```", text, re.S | re.M):
        line = text[: match.start()].count("\n") + 1
        file = folder / "block.ag"
        file.write_text(match[1])
        blocks += 1
        for command in (["check"], ["fmt", "--check"]):
            said = subprocess.run(["agc", *command, file], capture_output=True, text=True)
            if said.returncode:
                problems.append(f"{page.relative_to(root)}:{line}: {command[0]}\n{said.stdout}{said.stderr}")
                if command[0] == "fmt":
                    subprocess.run(["agc", "fmt", file])
                    problems.append(file.read_text())
print("\n".join(problems) or f"ok: {blocks} blocks")
sys.exit(bool(problems))
