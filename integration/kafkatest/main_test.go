package kafkatest_test

import (
	"os"
	"testing"

	"github.com/pyudf/pyudf/integration/kafkatest"
)

func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }
