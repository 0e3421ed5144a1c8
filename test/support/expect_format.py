"""The lit format of test/errors: `agc check FILE` must fail with exactly the
message that the file's own `// EXPECT: ` lines spell."""
import difflib
import os
import subprocess

import lit.formats
import lit.Test

MARK = "// EXPECT:"


class ExpectFormat(lit.formats.FileBasedTest):
    def __init__(self, agc, environment):
        super().__init__()
        self.agc = agc
        self.environment = environment

    def execute(self, test, config):
        path = test.getSourcePath()
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
        wanted = [line[len(MARK) :] for line in lines if line.startswith(MARK)]
        # One space after the mark; an empty line of the message has none.
        wanted = [line[1:] if line.startswith(" ") else line for line in wanted]
        wanted = [line.replace("{{FILE}}", path).rstrip() for line in wanted]
        if not wanted:
            return lit.Test.UNRESOLVED, f"{path} has no line '{MARK} ...'"
        try:
            run = subprocess.run(
                [self.agc, "check", path],
                capture_output=True,
                timeout=60,
                env=self.environment,
                cwd=os.path.dirname(path),
            )
        except subprocess.TimeoutExpired:
            return lit.Test.TIMEOUT, "agc check took more than 60 s"
        found = run.stderr.decode(errors="surrogateescape").splitlines()
        found = [line.rstrip() for line in found]
        problems = []
        if run.returncode != 1:
            problems.append(f"exit status {run.returncode}, expected 1")
        if run.stdout:
            problems.append("expected nothing on standard output")
        problems += difflib.unified_diff(
            wanted, found, "expected", "found", lineterm=""
        )
        if problems:
            return lit.Test.FAIL, "\n".join(problems)
        return lit.Test.PASS, ""
