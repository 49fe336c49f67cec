package eventtime_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pyudf/pyudf/engine/eventtime"
)

func TestParseReadsISO8601InItsUsualForms(t *testing.T) {
	for text, want := range map[string]string{
		"2013-01-01T06:00:00Z":                "2013-01-01T06:00:00Z",
		"2013-01-01t06:00:00z":                "2013-01-01T06:00:00Z",
		"2013-01-01 06:00:00":                 "2013-01-01T06:00:00Z",
		"2013-01-01T06:00":                    "2013-01-01T06:00:00Z",
		"2013-01-01":                          "2013-01-01T00:00:00Z",
		"2013-01-01T06:00:00.5Z":              "2013-01-01T06:00:00.5Z",
		"2013-01-01T06:00:00,123456789Z":      "2013-01-01T06:00:00.123456789Z",
		"2013-01-01T06:00:00.1234567899+0000": "2013-01-01T06:00:00.123456789Z",
		"2013-01-01T06:00:00+05:30":           "2013-01-01T00:30:00Z",
		"2013-01-01T06:00:00-0500":            "2013-01-01T11:00:00Z",
		"2013-01-01T06:00:00-05":              "2013-01-01T11:00:00Z",
		"2016-12-31T23:59:60Z":                "2017-01-01T00:00:00Z",
		"2016-02-29T24:00":                    "2016-03-01T00:00:00Z",
		"0001-01-01T00:00:00Z":                "0001-01-01T00:00:00Z",
		"9999-12-31T23:59:59Z":                "9999-12-31T23:59:59Z",
	} {
		got, err := eventtime.Parse([]byte(text))
		if err != nil || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: got %v, %v, want %s", text, got.Format(time.RFC3339Nano), err, want)
		}
	}
}

func TestParseRefusesWhatIsNoMoment(t *testing.T) {
	for _, text := range []string{
		"", "x", "2013", "2013-13-01", "2013-02-29", "2013-00-01", "2013-01-32", "2013-1-1", "2013-01-01T", "2013-01-01T25:00",
		"2013-01-01T06:60", "2013-01-01T06:00:61", "2013-01-01T06:00:00.", "2013-01-01T06:00:00+", "2013-01-01T06:00:00+5",
		"2013-01-01T06:00:00+05:", "2013-01-01T06:00:00Zx", "2013-01-01T24:00:01", "2013-01-01x06:00", "2013-01-01T06:00:00+24:00",
		"-013-01-01", " 2013-01-01", "2013-01-01 ",
	} {
		if got, err := eventtime.Parse([]byte(text)); err == nil {
			t.Errorf("%q was read as %v", text, got)
		} else if !strings.Contains(err.Error(), "ISO 8601") {
			t.Errorf("%q: the error does not say what is right: %v", text, err)
		}
	}
}

func TestMillisReadsTextSecondsAndMilliseconds(t *testing.T) {
	for text, want := range map[string]int64{
		"2013-01-01T06:00:00.25Z": 1357020000250,
		"1357020000":              1357020000000,
		"1357020000.25":           1357020000250,
		"1.35702e9":               1357020000000,
		"1357020000250":           1357020000250,
		"1357020000250.7":         1357020000251,
		"0":                       0,
		"-1":                      -1000,
		"99999999999":             99999999999000,
		"100000000000":            100000000000,
		"9007199254740993":        9007199254740993,
	} {
		got, err := eventtime.Millis([]byte(text))
		if err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", text, got, err, want)
		}
	}
}

func TestMillisRefusesWhatIsNoMoment(t *testing.T) {
	for _, text := range []string{"", "NaN", "inf", "1e300", "yesterday", "NA"} {
		if got, err := eventtime.Millis([]byte(text)); err == nil {
			t.Errorf("%q was read as %d", text, got)
		}
	}
}

func FuzzParseAgreesWithTheStandardLibrary(f *testing.F) {
	f.Add("2013-01-01T06:00:00Z")
	f.Add("2013-01-01T06:00:00.123+05:30")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := eventtime.Parse([]byte(text))
		want, wantErr := time.Parse(time.RFC3339Nano, text)
		if wantErr == nil && (err != nil || !got.Equal(want)) {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	})
}
