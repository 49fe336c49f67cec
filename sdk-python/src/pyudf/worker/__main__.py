"""The entry of a worker process."""

import sys

from pyudf._worker.serve import main

if __name__ == "__main__":
    sys.exit(main())
