package graph

import (
	"fmt"
	"strings"
)

func (g *Graph) dot() string {
	d := &dotWriter{senders: map[string]string{}}
	fmt.Fprintf(&d.out, "digraph %s {\n", quoteDot(g.App))
	d.out.WriteString("  rankdir=TB; node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=monospace, fontsize=11];\n")
	for i, stage := range g.Stages {
		fmt.Fprintf(&d.out, "  subgraph cluster_%d {\n    label=\"stage %d\"; fontname=monospace;\n", i+1, i+1)
		d.write(g.boxes(stage))
		d.out.WriteString("  }\n")
	}
	d.out.WriteString(d.ways.String() + "}\n")
	return d.out.String()
}

type dotWriter struct {
	out   strings.Builder
	nodes int
	// ways lead from stage to stage; senders are the nodes at which they begin, by their step.
	ways    strings.Builder
	senders map[string]string
}

// write writes a box with all below it and returns the name of its node.
func (d *dotWriter) write(b *box) string {
	d.nodes++
	name := fmt.Sprintf("n%d", d.nodes)
	if b.sends != "" {
		d.senders[b.sends] = name
	}
	if b.takes != "" {
		fmt.Fprintf(&d.ways, "  %s -> %s [style=dashed];\n", d.senders[b.takes], name)
	}
	fmt.Fprintf(&d.out, "    %s [label=%s%s];\n", name, b.dotLabel(), b.dotStyle())
	for _, next := range b.next {
		below := d.write(next)
		fmt.Fprintf(&d.out, "    %s -> %s;\n", name, below)
	}
	return name
}

func (b *box) dotLabel() string {
	title := b.title
	if b.note != "" {
		title += "  (" + b.note + ")"
	}
	label := quoteDot(title + "\n")
	for _, line := range b.lines {
		text := quoteDot(fmt.Sprintf("%-8s%s\n", line.lane, line.text))
		label = label[:len(label)-1] + text[1:]
	}
	return label
}

func (b *box) dotStyle() string {
	switch {
	case b.kind == topicBox:
		return `, shape=cylinder, style=filled, fillcolor="` + topicColour + `"`
	case b.kind == fileBox:
		return `, shape=note, style=filled, fillcolor="` + topicColour + `"`
	case b.inPython():
		return `, fillcolor="` + pythonColour + `"`
	default:
		return `, fillcolor="` + goColour + `"`
	}
}

func (b *box) inPython() bool {
	for _, line := range b.lines {
		if line.lane == inPython {
			return true
		}
	}
	return false
}

// quoteDot writes a text as dot wants it; line ends align to the left.
func quoteDot(text string) string {
	text = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\l`).Replace(text)
	return `"` + text + `"`
}
