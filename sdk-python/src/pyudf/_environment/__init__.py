"""What an engine node asks of its own Python to make environments for bundles.

It knows what is installed here and what pyudf itself needs, and installs nothing: that is the
node's part, ``cmd/pyudf/internal/environments``, which calls ``python -m pyudf._environment``.
"""
