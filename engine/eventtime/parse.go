package eventtime

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

var errNoMoment = errors.New("not ISO 8601 such as 2013-01-01T06:00:00Z")

// Parse reads ISO 8601 as JSON producers, databases and pandas write it: a date; or a date, a T or a space, and a time
// with optional seconds, fraction and zone (Z, +hh:mm, +hhmm or +hh). Without a zone it is UTC.
func Parse(text []byte) (time.Time, error) {
	c := cursor{rest: text}
	year, month, day := c.number(4), c.after('-', 2), c.after('-', 2)
	if c.bad || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return time.Time{}, problem(text)
	}
	moment := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if len(c.rest) == 0 {
		return moment, nil
	}
	if !c.skip('T') && !c.skip('t') && !c.skip(' ') {
		return time.Time{}, problem(text)
	}
	since := c.clock()
	since -= c.zone()
	if c.bad || len(c.rest) > 0 {
		return time.Time{}, problem(text)
	}
	return moment.Add(since), nil
}

// Millis reads an event time, in milliseconds since the epoch: ISO 8601 as Parse reads it, or a number. A number below
// 100 billion in size counts seconds, which reaches to the year 5138, any other one milliseconds, from 1973 on.
func Millis(text []byte) (int64, error) {
	if len(text) > 4 && text[4] == '-' { // else it is a number, and Parse's error would be made for nothing
		if moment, err := Parse(text); err == nil {
			return moment.UnixMilli(), nil
		}
	}
	if whole, err := strconv.ParseInt(string(text), 10, 64); err == nil && (whole >= secondsBelow || whole <= -secondsBelow) {
		return whole, nil
	}
	number, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsNaN(number) || math.Abs(number) > math.MaxInt64/2 {
		return 0, fmt.Errorf("%.40q is %w, and no number of seconds or milliseconds since 1970", text, errNoMoment)
	}
	if math.Abs(number) < secondsBelow {
		number *= 1000
	}
	return int64(math.Round(number)), nil
}

// Number reads an event time that is a number of units, of which perMilli make a millisecond; below it is rounded down.
func Number(text []byte, perMilli float64) (int64, error) {
	if whole, err := strconv.ParseInt(string(text), 10, 64); err == nil && perMilli >= 1 {
		return floorDivide(whole, int64(perMilli)), nil
	}
	number, err := strconv.ParseFloat(string(text), 64)
	moment := math.Floor(number / perMilli)
	if err != nil || math.IsNaN(moment) || math.Abs(moment) > math.MaxInt64/2 {
		return 0, fmt.Errorf("%.40q is no number that can be a time", text)
	}
	return int64(moment), nil
}

func floorDivide(a, b int64) int64 {
	quotient := a / b
	if a%b < 0 {
		quotient--
	}
	return quotient
}

// Format returns a moment, given in milliseconds since the epoch, as ISO 8601; as a number if it has no year of four digits.
func Format(millis int64) string {
	moment := time.UnixMilli(millis).UTC()
	if year := moment.Year(); year < 0 || year > 9999 {
		return strconv.FormatInt(millis, 10) + " ms since 1970"
	}
	return moment.Format("2006-01-02T15:04:05.999Z07:00")
}

const secondsBelow = 100_000_000_000

func problem(text []byte) error { return fmt.Errorf("%.40q is %w", text, errNoMoment) }

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	default:
		return 31
	}
}

// cursor reads fixed fields from the front of a text. After the first that is not there, bad is set.
type cursor struct {
	rest []byte
	bad  bool
}

// number reads exactly digits digits.
func (c *cursor) number(digits int) int {
	if len(c.rest) < digits {
		c.bad = true
		return 0
	}
	n := 0
	for _, digit := range c.rest[:digits] {
		if digit < '0' || digit > '9' {
			c.bad = true
			return 0
		}
		n = n*10 + int(digit-'0')
	}
	c.rest = c.rest[digits:]
	return n
}

func (c *cursor) skip(char byte) bool {
	if len(c.rest) == 0 || c.rest[0] != char {
		return false
	}
	c.rest = c.rest[1:]
	return true
}

func (c *cursor) after(char byte, digits int) int {
	if !c.skip(char) {
		c.bad = true
	}
	return c.number(digits)
}

func (c *cursor) clock() time.Duration {
	hour, minute, second := c.number(2), c.after(':', 2), 0
	var fraction time.Duration
	if c.skip(':') {
		second = c.number(2)
		if c.skip('.') || c.skip(',') {
			fraction = c.fraction()
		}
	}
	// 60 is a leap second, which POSIX time counts as the next one; 24:00 is the end of the day.
	if hour > 24 || minute > 59 || second > 60 || (hour == 24 && (minute > 0 || second > 0 || fraction > 0)) {
		c.bad = true
	}
	return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second + fraction
}

// fraction reads at least one digit of a second; digits beyond the nanoseconds are dropped.
func (c *cursor) fraction() time.Duration {
	n, unit := time.Duration(0), time.Second
	read := 0
	for read < len(c.rest) && c.rest[read] >= '0' && c.rest[read] <= '9' {
		unit /= 10
		n += time.Duration(c.rest[read]-'0') * unit
		read++
	}
	c.bad = c.bad || read == 0
	c.rest = c.rest[read:]
	return n
}

func (c *cursor) zone() time.Duration {
	if len(c.rest) == 0 || c.skip('Z') || c.skip('z') {
		return 0
	}
	west := c.skip('-')
	if !west && !c.skip('+') {
		c.bad = true
	}
	hour, minute := c.number(2), 0
	if c.skip(':') || len(c.rest) > 0 {
		minute = c.number(2)
	}
	if hour > 23 || minute > 59 {
		c.bad = true
	}
	offset := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute
	if west {
		return -offset
	}
	return offset
}
