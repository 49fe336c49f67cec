// Package registry owns what the nodes of a cluster know together: deployments, the bundles that they name, and each other. It
// is kept in a compacted topic of one partition, which every node follows; a record's key says what it is:
//
//	deployment/NAME       a controlv1.Deployment
//	bundle/SHA256/000001  a part of an archive, with its place in the archive and the size of it as headers
//	node/ID               a controlv1.Node, which the node writes every few seconds
//
// A view is made of the records alone (view.go), so that all nodes have the same at the same offset. Deployments are changed
// by one node at a time (change.go): a transaction fences whoever else is about to, and is written by a node that has read
// everything before it. Parts of bundles and heartbeats are written at any time.
//
// It knows nothing of what nodes do with a deployment. Records that it cannot read, or that need nodes of another version,
// it leaves as they are and says so. Callers: the node's own loop, and the control API.
package registry
