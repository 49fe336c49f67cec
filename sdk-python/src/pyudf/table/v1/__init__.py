"""Generated from proto/pyudf/table/v1/table.proto."""
