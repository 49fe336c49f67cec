package graph

import (
	"fmt"
	"strings"
)

func (g *Graph) text() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s: %s\n", g.App, count(len(g.Stages), "stage"))
	for i, stage := range g.Stages {
		fmt.Fprintf(&out, "\nstage %d\n", i+1)
		writeBox(&out, g.boxes(stage), branch{first: "  ", rest: "  "})
	}
	fmt.Fprintf(&out, "\nRecords that cannot be handled go to %s.\n", g.DeadLetters)
	return out.String()
}

// branch is what stands left of a box: before its title, and before everything below that.
type branch struct {
	first, rest string
}

func writeBox(out *strings.Builder, b *box, at branch) {
	out.WriteString(at.first + b.title)
	if b.note != "" {
		out.WriteString("  (" + b.note + ")")
	}
	out.WriteByte('\n')
	stem := at.rest + "    "
	if len(b.next) > 0 {
		stem = at.rest + "|   "
	}
	for _, line := range b.lines {
		fmt.Fprintf(out, "%s%-8s%s\n", stem, line.lane, line.text)
	}
	for i, next := range b.next {
		below := branch{first: at.rest + "|-- ", rest: at.rest + "|   "}
		if i == len(b.next)-1 {
			below = branch{first: at.rest + "`-- ", rest: at.rest + "    "}
		}
		writeBox(out, next, below)
	}
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
