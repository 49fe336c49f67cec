"""The plan of an app as data. Generated code; see proto/pyudf/plan/v1/plan.proto."""
