// Package addresstest has certificates for tests of what listens with TLS: workers and nodes.
package addresstest
