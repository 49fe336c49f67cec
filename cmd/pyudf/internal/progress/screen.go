package progress

import (
	"io"
	"sync"
)

// eraseLine goes to the start of the line and empties it.
const eraseLine = "\r\x1b[K"

// Screen is a terminal whose last line is kept for the progress. Log lines written to it appear above.
type Screen struct {
	out  io.Writer
	lock sync.Mutex // guards line and the order of writes to out
	line string
}

// NewScreen returns the screen of a terminal.
func NewScreen(out io.Writer) *Screen { return &Screen{out: out} }

// Write writes whole lines above the last one.
func (s *Screen) Write(text []byte) (int, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.line == "" {
		return s.out.Write(text)
	}
	whole := append([]byte(eraseLine), text...)
	if _, err := s.out.Write(append(whole, s.line...)); err != nil {
		return 0, err
	}
	return len(text), nil
}

// Show makes line the last one, cut to the width of the terminal; an empty line takes it away.
func (s *Screen) Show(line string, width int) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	if width > 0 && len(line) >= width {
		line = line[:width-1]
	}
	s.line = line
	_, err := io.WriteString(s.out, eraseLine+line)
	return err
}
