"""Pin every dependency by version and hash, for all supported Pythons and platforms, without an address.

`make lock` runs this. The pins are those of the public registry: settings of the machine that would let
another index or a folder of wheels take part are left out.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PINS = ROOT / "requirements" / "dev.txt"
OPTIONS = (
    "--universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-config "
    "--no-emit-index-url --no-emit-find-links --quiet --upgrade --no-build --extra dev"
).split()


def lock() -> None:
    """Rewrite `requirements/dev.txt`."""
    uv = Path(sys.executable).with_name("uv")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_"))}
    command = [str(uv), "pip", "compile", *OPTIONS, "--output-file", str(PINS), "pyproject.toml"]
    subprocess.run(command, cwd=ROOT, env=clean, check=True, stdout=subprocess.DEVNULL)
    if "://" in PINS.read_text():
        sys.exit(f"{PINS} names an address; pins must hold for any registry")


if __name__ == "__main__":
    lock()
