"""Generated from proto/pyudf/worker/v1/worker.proto."""
