package key_test

import (
	"testing"

	"github.com/pyudf/pyudf/engine/key"
)

func TestAKeyGoesToKafkaAsItsTextAndToRecordsAsJSON(t *testing.T) {
	for value, want := range map[string]string{`"KJFK"`: "KJFK", `"caf\u00e9"`: "caf\u00e9", `12`: "12", `true`: "true", `["a",1]`: `["a",1]`} {
		k, err := key.AppendJSON(nil, []byte(value))
		if err != nil || string(key.Bytes(k)) != want {
			t.Errorf("%s: %q, %v", value, key.Bytes(k), err)
		}
	}
	k, _ := key.AppendJSON(nil, []byte(`"a\"b"`))
	if got := key.AppendValue(nil, k); string(got) != `"a\"b"` {
		t.Error(string(got))
	}
}

func TestAStringAndANumberAreDifferentKeys(t *testing.T) {
	number, _ := key.AppendJSON(nil, []byte(`1`))
	text, _ := key.AppendJSON(nil, []byte(`"1"`))
	if string(number) == string(text) {
		t.Error("equal")
	}
}
