// Package controltest has a node without Kafka for tests of what speaks to nodes.
package controltest
