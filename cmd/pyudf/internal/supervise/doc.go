// Package supervise owns what an engine node does with the deployments of its cluster: it brings what runs on this machine to
// what is wanted, and carries out what people ask of the cluster.
//
// A keeper looks after one deployment, in a goroutine of its own: it prepares a new version while the old one runs, lets it take
// over, and goes back if it does not come up. Deploy and Rollback make a version ready on this node before the cluster hears of it.
//
// How a version is made ready and run is for the command to say, by Prepare; what the cluster keeps is for registry.
package supervise
