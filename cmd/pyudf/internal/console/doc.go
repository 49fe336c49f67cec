// Package console owns how a process that runs an app answers its user on the same machine: HTTP over a unix socket in
// the process' slot. GET /v1/status says how its tasks are, POST /v1/checkpoint makes a copy of its state.
//
// It knows neither the engine nor stores: what it serves is given to it. run serves, status and state ask.
package console
