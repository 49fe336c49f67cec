// Package memstate keeps state in memory: for tests, and for runs that nobody wants to go on with. It passes the suite of
// statetest.
//
// It knows the port and nothing of what is stored. cmd and tests open it.
package memstate
