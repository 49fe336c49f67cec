package replay

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/harness"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// Job is what is to be done. It comes as one line of JSON.
type Job struct {
	// Inputs are one for each source of the plan.
	Inputs []Input `json:"inputs"`
	// Directory is where the results go.
	Directory string `json:"directory"`
	// Flush closes what is open at the end.
	Flush bool `json:"flush"`
	// Raise ends the run at the first record for which a function raises, unless it was told to skip such records.
	Raise bool `json:"raise"`
	// Kafka are the settings of the cluster that slices are read from.
	Kafka map[string]string `json:"kafka,omitempty"`
	// Raw are the fields of results that come as JSON texts, with all their digits.
	Raw []string `json:"raw,omitempty"`
}

// Input is what a source reads. Exactly one of Chunks, File and Slice is set.
type Input struct {
	// Source is the topic or the path that the app names.
	Source string `json:"source"`
	// Chunks is a file of chunks.
	Chunks string `json:"chunks,omitempty"`
	// Lean tells that the chunks have only the fields that the plan reads, and that it reads no whole records. Results then
	// have only the fields that the plan made, and say which rows they come from.
	Lean bool `json:"lean,omitempty"`
	// File is the path of a CSV, JSON lines or Parquet file.
	File  string `json:"file,omitempty"`
	Slice *Slice `json:"slice,omitempty"`
	// Time is the field with the records' timestamps; empty: they are their numbers.
	Time string `json:"time,omitempty"`
}

// Slice is a stretch of a topic, by its records' timestamps in ms since the epoch. A nil end is open.
type Slice struct {
	Topic string `json:"topic"`
	Since *int64 `json:"since,omitempty"`
	Until *int64 `json:"until,omitempty"`
}

// prepared returns the plan as it is replayed: from and to topics of JSON, as those in memory are, but for CSV lines of a
// slice; without looks at the clock; and ending at what raises if that is wanted.
func (j *Job) prepared(given *planv1.Plan) (*planv1.Plan, error) {
	plan := harness.WithoutFiles(given)
	var errs []error
	for _, source := range plan.GetSources() {
		input := j.input(source.GetTopic().GetName())
		if input == nil {
			errs = append(errs, fmt.Errorf("there is no data for %s", source.GetTopic().GetName()))
			continue
		}
		if input.Slice == nil {
			source.GetTopic().Format = planv1.Format_FORMAT_JSON
		}
		source.GetTime().MaxFutureMs = 0
	}
	for _, function := range plan.GetFunctions() {
		function.TimeoutMs = 0 // who waits can interrupt
		if j.Raise {
			if function.GetOnError() == planv1.OnError_ON_ERROR_DLQ || function.GetOnError() == planv1.OnError_ON_ERROR_UNSPECIFIED {
				function.OnError = planv1.OnError_ON_ERROR_STOP
			}
		}
	}
	return plan, errors.Join(errs...)
}

func (j *Job) input(source string) *Input {
	for i := range j.Inputs {
		if j.Inputs[i].Source == source {
			return &j.Inputs[i]
		}
	}
	return nil
}

// ofFile returns the source that a file is read as: its records' timestamps are in the field that the input names.
func (i *Input) ofFile(from *planv1.Source) *planv1.Source {
	file := proto.CloneOf(from)
	file.Kind = &planv1.Source_File{File: &planv1.File{Path: i.File}}
	file.Time = &planv1.EventTime{Field: i.Time}
	return file
}
