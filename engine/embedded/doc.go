// Package embedded owns the broker inside the program: a Kafka in one process, for `pyudf dev` and for tests.
//
// It is the only importer of kfake. It knows nothing of plans and workers; the command and tests call it. It serves
// one node without security and is meant for one machine, not for production.
package embedded
