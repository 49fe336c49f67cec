// Package host runs functions in a worker process: it starts `python -m pyudf.worker` or attaches to one that runs,
// asks what it offers, and answers calls over one long-lived stream.
//
// A worker that others run, a Sidecar, is waited for when it goes. It is told apart by the errors of its calls:
// dispatch.ErrAway if it was stopped in good order, dispatch.ErrLost if nobody knows what became of it.
//
// A Process is a dispatch.Worker. It is disposable: once it died, hung or broke the protocol, every call fails and
// another one is started. It owns nothing that the engine could not rebuild, and decides nothing about retries, which
// are dispatch's. cmd starts it.
package host
