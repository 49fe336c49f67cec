"""The worker process (``python -m pyudf.worker``) and the protocol that the engine speaks to it."""
