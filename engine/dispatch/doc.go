// Package dispatch owns the way of a batch through the workers: cutting it into calls, credits, deadlines, retries,
// the isolation of records that kill a worker, and putting the answers back in order.
//
// Calls over groups are cut between groups. What a function keeps for a key travels there and back with the call, so
// that a call which is run again applies nothing twice; if a row of a group kills, the group's other rows are run one
// after the other, each with what the one before it left. A group takes its rows up to one before which a timer is due;
// the caller sees to that and calls for the rest.
//
// It knows workers only by the interface that it defines here; udfworker/host implements it. The task calls it.
package dispatch
