"""Generated from proto/pyudf/plan/v1/plan.proto."""
