package progress

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// State is all that a progress line shows.
type State struct {
	Counts
	// Rate is records in a second, of late.
	Rate    float64
	Elapsed time.Duration
}

// OfRun shows a run of an app.
func OfRun() View { return View{Line: State.Line, Attrs: State.Attrs} }

// OfSending shows records on their way into a topic; they are counted as In.
func OfSending() View {
	return View{
		Line: func(s State) string {
			return fmt.Sprintf("%s sent  %s/s  %s", Number(s.In), Number(int64(s.Rate)), clock(s.Elapsed))
		},
		Attrs: func(s State) []slog.Attr {
			return []slog.Attr{slog.Int64("sent", s.In), slog.Int64("rate", int64(s.Rate)), slog.Int64("elapsed_ms", s.Elapsed.Milliseconds())}
		},
	}
}

// Sent says how a file got into a topic.
func (s State) Sent(topic string) string {
	return fmt.Sprintf("%s sent to %s; %s, %s records/s", Count(s.In, "record"), topic, seconds(s.Elapsed), Number(int64(PerSecond(s.In, s.Elapsed))))
}

// Line says where a run stands.
func (s State) Line() string {
	parts := []string{
		Number(s.In) + " in",
		Number(s.Out) + " out",
		Number(s.Dead) + " dead",
		Number(int64(s.Rate)) + "/s",
	}
	if s.Behind >= 0 {
		parts = append(parts, Number(s.Behind)+" behind")
	}
	return strings.Join(append(parts, s.incidents()...), "  ") + "  " + clock(s.Elapsed)
}

// Attrs is Line for a log that programs read.
func (s State) Attrs() []slog.Attr {
	return []slog.Attr{
		slog.Int64("in", s.In), slog.Int64("out", s.Out), slog.Int64("dead", s.Dead), slog.Int64("late", s.Late), slog.Int64("skipped", s.Skipped),
		slog.Int64("nulls", s.Nulls), slog.Int64("restarts", s.Restarts), slog.Int64("behind", s.Behind),
		slog.Int64("rate", int64(s.Rate)), slog.Int64("elapsed_ms", s.Elapsed.Milliseconds()),
	}
}

// Summary says what a run did.
func (s State) Summary() string {
	parts := []string{
		Count(s.In, "record") + " in",
		Number(s.Out) + " out",
		Count(s.Dead, "dead letter"),
	}
	parts = append(parts, s.incidents()...)
	return fmt.Sprintf("%s; %s, %s records/s", strings.Join(parts, ", "), seconds(s.Elapsed), Number(int64(PerSecond(s.In, s.Elapsed))))
}

// incidents are what is worth a word only if it happened.
func (s State) incidents() []string {
	var parts []string
	if s.Late > 0 {
		parts = append(parts, Number(s.Late)+" late")
	}
	if s.Skipped > 0 {
		parts = append(parts, Number(s.Skipped)+" skipped")
	}
	if s.Nulls > 0 {
		parts = append(parts, Count(s.Nulls, "null result"))
	}
	if s.Restarts > 0 {
		parts = append(parts, Count(s.Restarts, "worker restart"))
	}
	return parts
}

// OftenLate tells whether so many records are late that their disorder was not reckoned with: more than one in a hundred.
func (s State) OftenLate() bool { return s.Late*100 > s.In }

// PerSecond returns how many of n there were in a second; 0 in no time.
func PerSecond(n int64, elapsed time.Duration) float64 {
	if elapsed <= 0 {
		return 0
	}
	return float64(n) / elapsed.Seconds()
}

// Number writes a number with commas between the thousands.
func Number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return sign + digits
}

// Count writes how many there are of something.
func Count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Number(n) + " " + noun + "s"
}

// Bytes writes a size as people read it.
func Bytes(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	default:
		return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
	}
}

// clock writes a duration as people write the time of a run: 0:42, 1:02:03.
func clock(d time.Duration) string {
	whole := int64(d.Seconds())
	if whole < 3600 {
		return fmt.Sprintf("%d:%02d", whole/60, whole%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", whole/3600, whole/60%60, whole%60)
}

func seconds(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return clock(d)
}
