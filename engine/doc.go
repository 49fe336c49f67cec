// Package engine runs the plan of an app: it opens sources, sinks and workers, gives every partition a task, and
// commits what the tasks have finished.
//
// It meets brokers, files and workers only through ports; cmd brings the adapters.
package engine
