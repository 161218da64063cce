"""Renders everything from the spec at once, where groundplan is installed."""

import shutil
import subprocess
import sys
from pathlib import Path

SPEC = Path("groundplan.yaml")

for folder in (Path(".github/workflows"), Path(".github")):
    if not any(folder.iterdir()):
        folder.rmdir()
command = shutil.which("groundplan")
if not SPEC.is_file():
    print("next: groundplan lint .")
elif command is None:
    print("groundplan is not installed here; next, where it is:")
    print("groundplan schema > groundplan.schema.json && groundplan generate")
else:
    with Path("groundplan.schema.json").open("wb") as schema:
        subprocess.run([command, "schema"], stdout=schema, check=True)
    sys.exit(subprocess.run([command, "generate", "--quiet"], check=False).returncode)
