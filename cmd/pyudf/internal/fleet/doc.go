// Package fleet owns how deployments and the nodes that run them are shown: tables and lines for people, JSON for programs.
//
// It is pure: it takes what a node answered, and knows nobody who asks. Names in JSON are an interface: some are added, none
// are changed.
package fleet
