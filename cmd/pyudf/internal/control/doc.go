// Package control owns how people and programs speak to an engine node: the API that a node serves, who may call what, and
// the client that commands and other nodes use.
//
// It is the only package that speaks Connect, which is gRPC, gRPC-Web and JSON over HTTP on one port. What the calls do is
// an Engine's, which the node brings; it knows neither Kafka nor bundles nor workers.
package control

// Protocol is what commands and nodes of this version say to each other.
const Protocol = 1

// oldest is the least protocol of another side that this version gets along with.
const oldest = 1

// DefaultAddr is where a node listens unless it is told otherwise, and DefaultURL where commands look for one.
const (
	DefaultAddr = "127.0.0.1:9191"
	DefaultURL  = "http://" + DefaultAddr
)

// The headers by which both sides say who they are. userHeader has the user of the machine that a command runs for: nodes
// that ask for no token believe it, as everybody may do everything there.
const (
	protocolHeader = "Pyudf-Protocol"
	versionHeader  = "Pyudf-Version"
	userHeader     = "Pyudf-User"
)
