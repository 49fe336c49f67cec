// Package plan owns the plan of an app as the engine runs it: parsed from what the SDK sent, checked, with a type
// for every column and a tree of steps below every source. A Plan is immutable.
//
// It decides nothing at run time and knows no broker and no worker. Package step runs it.
package plan
