package fleet

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/overview"
	"github.com/pyudf/pyudf/cmd/pyudf/internal/progress"
)

// none stands where nothing is known.
const none = "-"

// Table writes deployments for people, and below each what its nodes have to say.
func Table(out io.Writer, deployments []Deployment) error {
	columns := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "NAME\tVERSION\tSTATE\tNODES\tDEPLOYED\tBY")
	for i := range deployments {
		d := &deployments[i]
		fmt.Fprintf(columns, "%s\t%d\t%s\t%d of %d\t%s\t%s\n", Plain(d.Name), d.Version, d.State, len(d.Running()), len(d.Nodes),
			at(d.Deployed), word(d.DeployedBy))
	}
	if err := columns.Flush(); err != nil {
		return err
	}
	return messages(out, deployments)
}

// messages writes what nodes say of deployments that do not run there as they are to.
func messages(out io.Writer, deployments []Deployment) error {
	for i := range deployments {
		for _, s := range deployments[i].Nodes {
			if s.Message == "" || (s.Phase == Running && s.Version == deployments[i].Version) {
				continue
			}
			if _, err := fmt.Fprintf(out, "\n%s on %s: %s%s\n", Plain(deployments[i].Name), s.Node, s.Phase, below(s.Message)); err != nil {
				return err
			}
		}
	}
	return nil
}

// HistoryTable writes versions for people.
func HistoryTable(out io.Writer, versions []Version) error {
	columns := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "VERSION\tDEPLOYED\tBY\tBUNDLE\tSIZE\tNOTE")
	for i := range versions {
		v := &versions[i]
		fmt.Fprintf(columns, "%d\t%s\t%s\t%s\t%s\t%s\n", v.Version, at(v.Deployed), word(v.DeployedBy), short(v.Bundle),
			progress.Bytes(int64(v.Bytes)), note(v))
	}
	return columns.Flush()
}

func note(v *Version) string {
	var notes []string
	if v.Current {
		notes = append(notes, "current")
	}
	if v.RollbackOf != 0 {
		notes = append(notes, fmt.Sprintf("rollback to %d", v.RollbackOf))
	}
	if len(notes) == 0 {
		return none
	}
	return strings.Join(notes, ", ")
}

// NodeTable writes nodes for people, as they are at a time.
func NodeTable(out io.Writer, nodes []Node, now time.Time) error {
	columns := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "NODE\tCLUSTER\tADDRESS\tPYUDF\tUP\tSEEN")
	for i := range nodes {
		n := &nodes[i]
		seen := none
		if !n.Seen.IsZero() {
			seen = overview.Age(now.Sub(n.Seen)) + " ago"
		}
		if n.Error != "" {
			seen += ", and does not answer: " + firstLine(n.Error)
		}
		up := none
		if !n.Started.IsZero() {
			up = overview.Age(now.Sub(n.Started))
		}
		fmt.Fprintf(columns, "%s\t%s\t%s\t%s\t%s\t%s\n", n.ID, word(n.Cluster), word(n.Address), word(n.Version), up, seen)
	}
	return columns.Flush()
}

// Lines writes a line for each node and each standing of a deployment: name=value, parted by spaces.
func Lines(out io.Writer, s Status) error {
	for i := range s.Nodes {
		n := &s.Nodes[i]
		if _, err := fmt.Fprintf(out, "node=%s cluster=%s address=%s version=%s answers=%t\n", n.ID, overview.Word(n.Cluster), overview.Word(n.Address),
			overview.Word(n.Version), n.Error == ""); err != nil {
			return err
		}
	}
	for i := range s.Deployments {
		d := &s.Deployments[i]
		if _, err := fmt.Fprintf(out, "deployment=%s version=%d state=%s\n", overview.Word(d.Name), d.Version, d.State); err != nil {
			return err
		}
		for _, at := range d.Nodes {
			if _, err := fmt.Fprintf(out, "deployment=%s node=%s version=%d phase=%s pause_ms=%d\n", overview.Word(d.Name), at.Node, at.Version, at.Phase, at.Pause); err != nil {
				return err
			}
		}
	}
	return nil
}

func at(t time.Time) string {
	if t.IsZero() {
		return none
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// short is as much of a hash as the names of bundles have.
func short(hash string) string {
	if hash == "" {
		return none
	}
	return hash[:min(12, len(hash))]
}

func word(text string) string {
	if text == "" {
		return none
	}
	return Plain(text)
}

// below writes a text of several lines below what it belongs to, one of a single line beside it.
func below(text string) string {
	text = strings.TrimRight(text, "\n")
	if !strings.Contains(text, "\n") {
		return ": " + Plain(text)
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = "\n    " + Plain(line)
	}
	return strings.Join(lines, "")
}

func firstLine(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	return Plain(text)
}
