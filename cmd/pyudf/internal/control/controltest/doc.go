// Package controltest has a node without Kafka, and the certificates of one, for tests of what speaks to nodes.
package controltest
