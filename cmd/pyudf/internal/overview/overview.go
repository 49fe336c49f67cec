package overview

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/progress"
	"github.com/pyudf/pyudf/engine/status"
)

// Table writes runs for people, as they are at a time.
func Table(out io.Writer, runs []status.Run, now time.Time) error {
	for i := range runs {
		if i > 0 {
			fmt.Fprintln(out)
		}
		if err := table(out, &runs[i], now); err != nil {
			return err
		}
	}
	return nil
}

func table(out io.Writer, run *status.Run, now time.Time) error {
	node := run.Node
	if run.Engine != "" {
		node += "  engine " + run.Engine
	}
	fmt.Fprintf(out, "%s  group %s  node %s  pid %d  %s, every %s  up %s\n", run.App, run.Group, node, run.PID, run.Guarantee,
		milliseconds(run.CommitInterval), Age(now.Sub(run.Started)))
	if len(run.Tasks) == 0 {
		fmt.Fprintln(out, "  no partitions yet")
		return nil
	}
	columns := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "  TASK\tPHASE\tEPOCH\tLAG\tWATERMARK\tSTATE\tSNAPSHOT\tRESTORE TAKES")
	for i := range run.Tasks {
		fmt.Fprintln(columns, "  "+strings.Join(cells(&run.Tasks[i], now), "\t"))
	}
	return columns.Flush()
}

// none stands where nothing is known.
const none = "-"

func cells(t *status.Task, now time.Time) []string {
	snapshot, restore := none, none
	if !t.Snapshot.Time.IsZero() {
		snapshot = Age(now.Sub(t.Snapshot.Time)) + " ago"
	}
	if t.RestoreEstimate != nil {
		restore = "about " + milliseconds(max(1000, (*t.RestoreEstimate+500)/1000*1000))
	}
	return []string{
		fmt.Sprintf("%s [%d]", t.Source, t.Partition), phase(t), progress.Number(t.Epoch), progress.Number(t.Lag), watermark(t),
		progress.Bytes(t.StateBytes), snapshot, restore,
	}
}

// phase says what a task does, and of a restore what is left.
func phase(t *status.Task) string {
	if t.Phase != status.Restoring {
		return string(t.Phase)
	}
	text := "restoring"
	if t.RestoreTotal > 0 {
		text += fmt.Sprintf(", %s of %s records left", progress.Number(max(0, t.RestoreTotal-t.RestoreDone)), progress.Number(t.RestoreTotal))
	}
	if t.RestoreLeft > 0 {
		text += ", " + Age(time.Duration(t.RestoreLeft)*time.Millisecond)
	}
	return text
}

func watermark(t *status.Task) string {
	if t.Watermark == nil {
		return none
	}
	at := time.UnixMilli(*t.Watermark).UTC()
	if at.Year() > 9999 {
		return "the end"
	}
	return at.Format("2006-01-02T15:04:05.999Z07:00")
}

// Lines writes a line for each task: name=value, parted by spaces. What is not known is left out.
func Lines(out io.Writer, runs []status.Run, now time.Time) error {
	for i := range runs {
		run := &runs[i]
		head := fmt.Sprintf("app=%s group=%s node=%s pid=%d", Word(run.App), Word(run.Group), Word(run.Node), run.PID)
		if run.Engine != "" {
			head += " engine=" + Word(run.Engine)
		}
		if len(run.Tasks) == 0 {
			if _, err := fmt.Fprintln(out, head); err != nil {
				return err
			}
		}
		for j := range run.Tasks {
			if _, err := fmt.Fprintln(out, head+" "+strings.Join(pairs(&run.Tasks[j], now), " ")); err != nil {
				return err
			}
		}
	}
	return nil
}

func pairs(t *status.Task, now time.Time) []string {
	out := []string{
		fmt.Sprintf("source=%s partition=%d phase=%s epoch=%d lag=%d", Word(t.Source), t.Partition, t.Phase, t.Epoch, t.Lag),
	}
	if t.Watermark != nil {
		out = append(out, "watermark="+Word(watermark(t)))
	}
	out = append(out, fmt.Sprintf("state_bytes=%d", t.StateBytes))
	if !t.Snapshot.Time.IsZero() {
		out = append(out, fmt.Sprintf("snapshot_age_s=%d", int64(now.Sub(t.Snapshot.Time).Seconds())))
	}
	if t.RestoreEstimate != nil {
		out = append(out, fmt.Sprintf("restore_estimate_ms=%d", *t.RestoreEstimate))
	}
	if t.Phase == status.Restoring {
		out = append(out, fmt.Sprintf("records_left=%d", max(0, t.RestoreTotal-t.RestoreDone)))
		if t.RestoreLeft > 0 {
			out = append(out, fmt.Sprintf("left_ms=%d", t.RestoreLeft))
		}
	}
	return out
}

// Word returns a text that is one word of a line, quoted if it would be several.
func Word(text string) string {
	if text == "" || strings.ContainsAny(text, " \t\n\"=") {
		return fmt.Sprintf("%q", text)
	}
	return text
}

// milliseconds writes a number of ms as a duration: 200ms, 1s.
func milliseconds(ms int64) string { return (time.Duration(ms) * time.Millisecond).String() }

// Age writes how long something is ago, in one or two units: 12s, 3m04s, 5h02m, 3d04h.
func Age(d time.Duration) string {
	whole := max(0, int64(d.Seconds()))
	switch {
	case whole < 60:
		return fmt.Sprintf("%ds", whole)
	case whole < 3600:
		return fmt.Sprintf("%dm%02ds", whole/60, whole%60)
	case whole < 24*3600:
		return fmt.Sprintf("%dh%02dm", whole/3600, whole/60%60)
	default:
		return fmt.Sprintf("%dd%02dh", whole/(24*3600), whole/3600%24)
	}
}
