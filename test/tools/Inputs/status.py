"""status.py N COMMAND...: succeeds if the command exits with status N and
writes nothing to standard output. What it writes to standard error goes on."""
import subprocess
import sys

run = subprocess.run(sys.argv[2:], stdout=subprocess.PIPE, timeout=120)
sys.stdout.buffer.write(run.stdout)
sys.stdout.flush()
if run.returncode != int(sys.argv[1]) or run.stdout:
    sys.exit(f"status {run.returncode}, expected {sys.argv[1]}; "
             f"{len(run.stdout)} bytes on standard output, expected none")
