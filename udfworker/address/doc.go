// Package address owns how a worker that somebody else runs is named: where it listens, and the certificates with which
// it is spoken to.
//
// It is pure: it reads texts, and neither dials nor opens files. Commands and udfworker/plugin call it.
package address
