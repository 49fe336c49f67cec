package moment_test

import (
	"testing"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/moment"
)

func TestParseReadsWhatPeopleWrite(t *testing.T) {
	noon := time.Date(2013, 7, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		text string
		want time.Time
	}{
		{"2013-07-01T12:00:00Z", noon},
		{"2013-07-01T08:00:00-04:00", noon},
		{"2013-07-01T12:00Z", noon},
		{"2013-07-01T12:00:00", noon},
		{"2013-07-01 12:00:00", noon},
		{"2013-07-01 12:00", noon},
		{" 2013-07-01T12:00:00.250Z ", noon.Add(250 * time.Millisecond)},
		{"2013-07-01", noon.Add(-12 * time.Hour)},
		{"1372680000", noon},
		{"1372680000.25", noon.Add(250 * time.Millisecond)},
		{"1372680000000", noon},
		{"1.37268e12", noon},
		{"0", time.Unix(0, 0)},
		{"-1", time.Unix(-1, 0)},
	} {
		got, err := moment.Parse(test.text)
		if err != nil || !got.Equal(test.want) {
			t.Errorf("%q: got %s (%v), want %s", test.text, got, err, test.want)
		}
	}
}

func TestParseSaysWhatItWants(t *testing.T) {
	for _, text := range []string{"", "yesterday", "NaN", "1e400", "2013-13-01", "12:00"} {
		_, err := moment.Parse(text)
		if err == nil {
			t.Errorf("%q was read as a point in time", text)
		}
	}
	_, err := moment.Parse("yesterday")
	want := `"yesterday" is no point in time: write ISO 8601 such as 2013-07-01T12:00:00Z, or seconds or milliseconds since 1970`
	if err == nil || err.Error() != want {
		t.Fatalf("got %v, want %s", err, want)
	}
}
