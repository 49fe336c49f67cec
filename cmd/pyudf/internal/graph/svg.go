package graph

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// The colours tell Go, Python and storage apart, in SVG and dot.
const (
	goColour     = "#e0f2fe"
	pythonColour = "#fef3c7"
	topicColour  = "#f1f5f9"
)

// The measures of the drawing, in pixels.
const (
	charWidth  = 7
	lineHeight = 17
	padding    = 12
	laneWidth  = 8 * charWidth
	gapAcross  = 28
	gapDown    = 34
	margin     = 24
)

// placed is a box with its place on the sheet.
type placed struct {
	box         *box
	x, y, w, h  int
	next        []*placed
	treeW, endY int
}

func (g *Graph) svg() string {
	var body strings.Builder
	width, y := 0, margin
	for i, stage := range g.Stages {
		fmt.Fprintf(&body, `<text x="%d" y="%d" class="stage">stage %d</text>`+"\n", margin, y+lineHeight-4, i+1)
		root := measure(g.boxes(stage))
		root.place(margin, y+lineHeight+8)
		root.draw(&body)
		width = max(width, root.treeW)
		y = root.endY + gapDown
	}
	return svgHead(g.App, width+2*margin, y) + body.String() + "</svg>\n"
}

func svgHead(app string, width, height int) string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="11.5">
<title>plan of %s</title>
<style>.stage{fill:#64748b}.title{font-weight:bold}.note,.more{fill:#64748b}.lane{fill:#0369a1}.lane.python{fill:#b45309}path{fill:none;stroke:#64748b}rect{stroke:#94a3b8}</style>
<rect width="100%%" height="100%%" fill="white" stroke="none"/>
`, width, height, width, height, html.EscapeString(app))
}

// measure sizes a box and all below it.
func measure(b *box) *placed {
	p := &placed{box: b, h: 2*padding + lineHeight*(1+len(b.lines)) - 4}
	p.w = textWidth(b.title) + charWidth*2 + textWidth(b.note)
	for _, line := range b.lines {
		p.w = max(p.w, laneWidth+textWidth(line.text))
	}
	p.w += 2 * padding
	below := -gapAcross
	for _, next := range b.next {
		child := measure(next)
		p.next = append(p.next, child)
		below += child.treeW + gapAcross
	}
	p.treeW = max(p.w, below)
	return p
}

func textWidth(text string) int { return utf8.RuneCountInString(text) * charWidth }

// place puts the tree into the rectangle of its width that starts at left and top.
func (p *placed) place(left, top int) {
	p.x, p.y = left+(p.treeW-p.w)/2, top
	p.endY = p.y + p.h
	below := -gapAcross
	for _, child := range p.next {
		below += child.treeW + gapAcross
	}
	x := left + (p.treeW-below)/2
	for _, child := range p.next {
		child.place(x, p.y+p.h+gapDown)
		p.endY = max(p.endY, child.endY)
		x += child.treeW + gapAcross
	}
}

func (p *placed) draw(out *strings.Builder) {
	fmt.Fprintf(out, `<rect x="%d" y="%d" width="%d" height="%d" rx="%d" fill="%s"/>`+"\n", p.x, p.y, p.w, p.h, p.box.radius(), p.box.colour())
	y := p.y + padding + lineHeight - 6
	fmt.Fprintf(out, `<text x="%d" y="%d" class="title">%s</text>`+"\n", p.x+padding, y, html.EscapeString(p.box.title))
	if p.box.note != "" {
		fmt.Fprintf(out, `<text x="%d" y="%d" class="note" text-anchor="end">%s</text>`+"\n", p.x+p.w-padding, y, html.EscapeString(p.box.note))
	}
	for _, line := range p.box.lines {
		y += lineHeight
		line.draw(out, p.x+padding, y)
	}
	for _, child := range p.next {
		p.connect(out, child)
		child.draw(out)
	}
}

func (l line) draw(out *strings.Builder, x, y int) {
	class := "text"
	if l.lane == more {
		class = "more"
	} else {
		fmt.Fprintf(out, `<text x="%d" y="%d" class="lane %s">%s</text>`+"\n", x, y, strings.ToLower(string(l.lane)), l.lane)
	}
	fmt.Fprintf(out, `<text x="%d" y="%d" class="%s">%s</text>`+"\n", x+laneWidth, y, class, html.EscapeString(l.text))
}

// connect draws the line to a child, with its arrow.
func (p *placed) connect(out *strings.Builder, child *placed) {
	fromX, fromY, toX, toY := p.x+p.w/2, p.y+p.h, child.x+child.w/2, child.y
	middle := (fromY + toY) / 2
	fmt.Fprintf(out, `<path d="M%d %d C%d %d %d %d %d %d"/>`+"\n", fromX, fromY, fromX, middle, toX, middle, toX, toY)
	fmt.Fprintf(out, `<path d="M%d %d L%d %d L%d %d"/>`+"\n", toX-4, toY-6, toX, toY, toX+4, toY-6)
}

func (b *box) radius() int {
	if b.kind == stepBox {
		return 6
	}
	return 0
}

func (b *box) colour() string {
	switch {
	case b.kind != stepBox:
		return topicColour
	case b.inPython():
		return pythonColour
	default:
		return goColour
	}
}
