package plugin

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// maxLine is how much of a line is kept. The rest of it is read and dropped.
const maxLine = 4 << 20

// eachLine reads to the end and calls use with each line that is not empty, without its end. The line is valid until
// use returns. It closes the reader.
func eachLine(from io.ReadCloser, use func(line []byte)) {
	defer func() { _ = from.Close() }() // pipes lose nothing
	reader := bufio.NewReaderSize(from, 64<<10)
	var line []byte
	for {
		piece, err := reader.ReadSlice('\n')
		line = append(line, piece[:min(len(piece), maxLine-len(line))]...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if text := bytes.TrimRight(line, "\r\n"); len(text) > 0 {
			use(text)
		}
		if err != nil {
			return
		}
		line = line[:0]
	}
}
