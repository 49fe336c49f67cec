"""The entry of ``python -m pyudf.bundling``."""

import sys

from pyudf.bundling._commands import main

if __name__ == "__main__":
    sys.exit(main())
