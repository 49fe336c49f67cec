// Package state is the port of the state store: what the steps of one task remember from one epoch to the next, as keys
// and values that are bytes. It owns the contract of a store, the changes that are applied to it as one batch, and the
// overlay that holds an epoch's writes until they are committed.
//
// It does not know what the keys and values mean, nor how they are kept: memstate and pebblestate do that, and statetest has the
// suite that both pass. The steps that keep state call Overlay; the task commits it together with its positions.
package state
