// Package integration_test holds what pyudf promises to its users, one promise a file: each is tried with the real
// program, real Python workers, and on both brokers where a broker matters.
//
// What the tests run against comes from package kafkatest.
package integration_test

import (
	"os"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }
