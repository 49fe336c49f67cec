package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/pyudf/pyudf/engine/record"
)

// Command is one line of input. Exactly one field is set.
type Command struct {
	Push *Push `json:"push,omitempty"`
	// Look has what was pushed go through all stages.
	Look bool `json:"look,omitempty"`
	// Advance moves the clock on, by ms.
	Advance int64 `json:"advance,omitempty"`
	// Finish closes what is open, as at the end of all input.
	Finish bool `json:"finish,omitempty"`
	// Restart stops the engine and starts it again. Crash stops it in the middle of what was pushed: the results are
	// on their way, and nothing is committed.
	Restart bool `json:"restart,omitempty"`
	Crash   bool `json:"crash,omitempty"`
}

// Push sends records to a topic that the app reads.
type Push struct {
	Topic   string   `json:"topic"`
	Records []Record `json:"records"`
}

// Record is one of a topic. Bytes are base64 on the wire, as encoding/json has them.
type Record struct {
	Key   []byte `json:"key"`
	Value []byte `json:"value"`
	// Time is in ms since the epoch; nil: the clock's.
	Time    *int64   `json:"time,omitempty"`
	Headers []Header `json:"headers,omitempty"`
	// Partition is where the record belongs; nil: where its key says.
	Partition *int32 `json:"partition,omitempty"`
}

// Header is one of a record.
type Header struct {
	Key   string `json:"key"`
	Value []byte `json:"value"`
}

func (r *Record) headers() []record.Header {
	var all []record.Header
	for _, h := range r.Headers {
		all = append(all, record.Header{Key: h.Key, Value: h.Value})
	}
	return all
}

// Answer is one line of output: one for each command, and one before the first.
type Answer struct {
	// Topics are the records that the app wrote since the last answer, by their topic.
	Topics map[string][]Record `json:"topics,omitempty"`
	// Error says what went wrong; the next command finds the engine started again.
	Error string `json:"error,omitempty"`
	// Names is set in the first answer.
	Names *Names `json:"names,omitempty"`
}

// Names are the topics of the app, and files in their stead.
type Names struct {
	Inputs  []string `json:"inputs"`
	Outputs []string `json:"outputs"`
	Late    []string `json:"late"`
	Dead    string   `json:"dead"`
}

// Serve reads commands until the end of in, and answers each.
func (s *Session) Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	decoder, encoder := json.NewDecoder(in), json.NewEncoder(out)
	answer := Answer{Names: &s.names}
	for {
		if err := encoder.Encode(answer); err != nil {
			return fmt.Errorf("answer: %w", err)
		}
		var command Command
		if err := decoder.Decode(&command); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read a command: %w", err)
		}
		answer = Answer{}
		if err := s.Do(ctx, command); err != nil {
			answer.Error = err.Error()
		}
		answer.Topics = s.Take()
	}
}
