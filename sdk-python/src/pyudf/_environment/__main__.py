"""The entry of ``python -m pyudf._environment``."""

import sys

from pyudf._environment._commands import main

if __name__ == "__main__":
    sys.exit(main())
