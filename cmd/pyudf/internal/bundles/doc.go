// Package bundles owns the bundles that lie on a node as files, each under the hash of its bytes.
//
// What is in one it does not read itself: the SDK does, which checks all of it before the file gets its name. It knows
// neither where bundles come from nor who runs them. The node calls it.
package bundles
