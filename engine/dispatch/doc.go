// Package dispatch owns the way of a batch through the workers: cutting it into calls, credits, deadlines, retries,
// the isolation of records that kill a worker, and putting the answers back in order.
//
// It knows workers only by the interface that it defines here; udfworker/host implements it. The task calls it.
package dispatch
