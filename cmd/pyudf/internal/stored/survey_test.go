package stored_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/stored"
	"github.com/pyudf/pyudf/engine/record"
	"github.com/pyudf/pyudf/engine/state/memstate"
)

func TestASurveyShowsWhatAStoreHas(t *testing.T) {
	_, store := filled(t, "topic-weather-0")
	var out bytes.Buffer
	if err := (&stored.Survey{Out: &out}).Show("topic-weather-0", store); err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(out.String(), "\n")
	if !strings.HasPrefix(head, "topic-weather-0  ") || !strings.HasSuffix(head, "  at offset 42  watermark 2024-05-01T12:00:00Z") {
		t.Errorf("got %s", head)
	}
	want := `  heat.py:12  windows of 1h  1 window
    window  {"station":"JFK"}  from 2024-05-01T12:00:00Z  to 2024-05-01T13:00:00Z  3 records  {"n":3}
  heat.py:20  alarm  2 keys, 1 timer
    state  {"station":"JFK","year":2013}  last record 2024-05-01T12:00:00Z  {"total":3,"seen":{"a":[1,false,null],"7":0.5}}  {"quiet":"2024-05-01T13:00:00Z"}
    state  {"station":"LGA","year":2014}  last record 2024-05-01T12:00:00.001Z  {"seen":{"base64":"//4="}}
`
	if rest != want {
		t.Errorf("got\n%s\nwant\n%s", rest, want)
	}
}

func TestASurveyOfAKeyShowsAllOfItAndNothingElse(t *testing.T) {
	_, store := filled(t, "topic-weather-0")
	for key, want := range map[string][]string{
		"JFK":          {"window"},
		`["JFK",2013]`: {"state", "timer"},
		"EWR":          nil,
	} {
		var out bytes.Buffer
		if err := (&stored.Survey{Out: &out, Key: &key}).Show("topic-weather-0", store); err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(out.String()) {
			if entry, ok := strings.CutPrefix(line, "    "); ok {
				got = append(got, strings.Fields(entry)[0])
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", key, got, want)
		}
	}
}

func TestStoresAndClustersAreFoundInTheirOrder(t *testing.T) {
	home := t.TempDir()
	for _, dir := range []string{
		"c1/heat/topic-weather-10", "c1/heat/topic-weather-2", "c1/heat/stage-4-0", "c1/heat/journal", "c1/heat/.installing-topic-weather-2",
		"c2/heat", "c3/other", "c1/heat,nodes/slot-0",
	} {
		if err := os.MkdirAll(filepath.Join(home, dir), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	clusters, err := stored.Clusters(home, "heat")
	if err != nil || !slices.Equal(clusters, []string{"c1", "c2"}) {
		t.Errorf("got %v (%v)", clusters, err)
	}
	names, err := stored.Names(filepath.Join(home, "c1", "heat"))
	if err != nil || !slices.Equal(names, []string{"stage-4-0", "topic-weather-2", "topic-weather-10"}) {
		t.Errorf("got %v (%v)", names, err)
	}
	for _, missing := range []string{filepath.Join(home, "nowhere")} {
		if names, err := stored.Names(missing); err != nil || names != nil {
			t.Errorf("got %v (%v)", names, err)
		}
	}
}

func TestValuesOfStatesAreReadable(t *testing.T) {
	for packed, want := range map[string]string{
		"\xc0":                                   `null`,
		"\xc3":                                   `true`,
		"\xff":                                   `-1`,
		"\xcf\xff\xff\xff\xff\xff\xff\xff\xff":   `18446744073709551615`,
		"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00":   `null`,
		"\xa3a\"b":                               `"a\"b"`,
		"\xc4\x02\xff\xfe":                       `{"base64":"//4="}`,
		"\x81\x93\x01\x02\x03\xc0":               `{"[1,2,3]":null}`,
		"\xd6\xff\x66\x32\x2f\x00":               `"2024-05-01T12:01:04Z"`,
		`{"own": "encoding"}`:                    `{"own": "encoding"}`,
		"\x93\x01\x02":                           `{"base64":"` + base64.StdEncoding.EncodeToString([]byte("\x93\x01\x02")) + `"}`,
		"\xff\xff\xff\xff\x00\x00\x00\x00 arrow": `{"base64":"` + base64.StdEncoding.EncodeToString([]byte("\xff\xff\xff\xff\x00\x00\x00\x00 arrow")) + `"}`,
		"":                                       `{"base64":""}`,
	} {
		root := memstate.New()
		store := open(t, root, "s")
		changes := sample(t)
		changes.DeleteRange([]byte("s5/"), []byte("s50"))
		changes.Set([]byte("s5/sa"), kept(noon, record.NoTime, []byte(packed), nil))
		if err := store.Apply(changes); err != nil {
			t.Fatal(err)
		}
		a := "a"
		var out bytes.Buffer
		if err := (&stored.Survey{Out: &out, Key: &a}).Show("s", store); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), `  {"total":`+want+"}\n") {
			t.Errorf("%q: got %s, want %s", packed, out.String(), want)
		}
	}
}
