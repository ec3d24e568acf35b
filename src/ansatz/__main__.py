"""`python -m ansatz` is `ansatz`."""

import sys

from ansatz.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
