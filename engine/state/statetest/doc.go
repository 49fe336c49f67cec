// Package statetest holds the suite of promises that every state store keeps, for tests of the adapters, the overlay's
// among them.
//
// It knows no adapter. Only tests import it.
package statetest
