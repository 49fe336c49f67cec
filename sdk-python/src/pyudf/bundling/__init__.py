"""Bundles: what of a notebook, file or package goes to production, in one file.

Nothing of a target is run to find that out. It owns how bundles are made, read and unpacked, and
knows neither apps nor engines; ``pyudf.loading`` and the command call it.
"""

from pyudf.bundling._building import Bundle, build
from pyudf.bundling._cache import Unpacked, read_bundle, unpacked, write_bundle
from pyudf.bundling._faults import Fault, Refused
from pyudf.bundling._manifest import Manifest
from pyudf.bundling._notebooks import new_notebook_module, new_packed_module
from pyudf.bundling._targets import Target, resolve

__all__ = [
    "Bundle",
    "Fault",
    "Manifest",
    "Refused",
    "Target",
    "Unpacked",
    "build",
    "new_notebook_module",
    "new_packed_module",
    "read_bundle",
    "resolve",
    "unpacked",
    "write_bundle",
]
