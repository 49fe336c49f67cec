package window_test

import (
	"testing"

	"github.com/pyudf/pyudf/engine/window"
)

func TestWindowsAreNamedAsPeopleSayThem(t *testing.T) {
	const minute, hour = 60_000, 3_600_000
	for _, c := range []struct {
		config window.Config
		want   string
	}{
		{window.Config{Kind: window.Aligned, Size: hour, Every: hour}, "windows of 1h"},
		{window.Config{Kind: window.Aligned, Size: 90 * minute, Every: 10 * minute, Offset: 5_500}, "windows of 1h30m every 10m, shifted by 5.5s"},
		{window.Config{Kind: window.Sliding, Length: 250}, "sliding windows of 250ms"},
		{window.Config{Kind: window.Session, Gap: 45 * minute}, "sessions with a gap of 45m"},
		{window.Config{Kind: window.Session, Gap: 61_000, MaxDuration: 24 * hour, CloseOn: true}, "sessions with a gap of 1m1s, at most 24h long, ended by a condition"},
		{window.Config{Kind: window.Count, Size: 10, Every: 5}, "windows of 10 records after every 5"},
		{window.Config{Kind: window.Global}, "one window"},
	} {
		if got := c.config.String(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
