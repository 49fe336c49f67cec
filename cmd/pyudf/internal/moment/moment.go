// Package moment owns how a user writes a point in time: ISO 8601, or a number of seconds or milliseconds since 1970.
//
// It is pure. Flags and tables are read with it.
package moment

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Hint is the end of a sentence that asks for a point in time.
const Hint = "write ISO 8601 such as 2013-07-01T12:00:00Z, or seconds or milliseconds since 1970"

// milliseconds is the number from which on a number counts milliseconds: as seconds it would lie beyond the year 5138,
// as milliseconds in March 1973.
const milliseconds = 1e11

// layouts are read as UTC where they name no zone.
var layouts = []string{ //nolint:gochecknoglobals // a constant table
	time.RFC3339Nano,
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04:05.999999999",
	"2006-01-02T15:04",
	"2006-01-02",
}

// Parse reads a point in time.
func Parse(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	if at, ok := parseNumber(text); ok {
		return at, nil
	}
	if len(text) > 10 && text[10] == ' ' {
		text = text[:10] + "T" + text[11:]
	}
	for _, layout := range layouts {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no point in time: %s", text, Hint)
}

func parseNumber(text string) (time.Time, bool) {
	if whole, err := strconv.ParseInt(text, 10, 64); err == nil {
		if whole > -milliseconds && whole < milliseconds {
			return time.Unix(whole, 0).UTC(), true
		}
		return time.UnixMilli(whole).UTC(), true
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(number) || math.Abs(number) >= math.MaxInt64 {
		return time.Time{}, false
	}
	if math.Abs(number) < milliseconds {
		number *= 1000
	}
	return time.UnixMilli(int64(math.Round(number))).UTC(), true
}
