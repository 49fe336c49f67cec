package tail

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pyudf/pyudf/engine/record"
)

// appendText adds a record as people read it: time, partition:offset, key and value on a line, headers below.
func appendText(out []byte, batch *record.Batch, i int) []byte {
	at := "no time"
	if ms := batch.Times[i]; ms >= 0 {
		at = timeText(ms)
	}
	out = fmt.Appendf(out, "%s  %d:%d  %s  %s\n", at, batch.Partition.Index, batch.Offsets[i], plain(batch.Keys.At(i)), plain(batch.Values.At(i)))
	if batch.Headers == nil {
		return out
	}
	for _, header := range batch.Headers[i] {
		out = appendHeader(out, header)
	}
	return out
}

// appendHeader puts a value of several lines, such as a traceback, below its name.
func appendHeader(out []byte, header record.Header) []byte {
	value := strings.TrimRight(string(header.Value), "\n")
	lines := strings.Split(value, "\n")
	if len(lines) == 1 {
		return fmt.Appendf(out, "    %s: %s%s\n", plain([]byte(header.Key)), plain(header.Value), moment(header))
	}
	out = fmt.Appendf(out, "    %s:\n", plain([]byte(header.Key)))
	for _, line := range lines {
		out = fmt.Appendf(out, "        %s\n", plain([]byte(strings.TrimRight(line, "\r"))))
	}
	return out
}

// moment says when it was, behind a header of the engine's own that has it in ms.
func moment(header record.Header) string {
	switch header.Key {
	case "pyudf.window_start", "pyudf.window_end", "pyudf.watermark":
	default:
		return ""
	}
	ms, err := strconv.ParseInt(string(header.Value), 10, 64)
	if err != nil || ms < firstMS || ms > lastMS {
		return "" // such as the end of time
	}
	return "  (" + timeText(ms) + ")"
}

// The years 0 to 9999, which ISO 8601 can say.
const (
	firstMS = -62_167_219_200_000
	lastMS  = 253_402_300_799_999
)

// plain returns a text as it is if it can do no harm on a terminal, else quoted with escapes. A null is a dash.
func plain(text []byte) string {
	if text == nil {
		return "-"
	}
	if !utf8.Valid(text) || bytes.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
		return strconv.Quote(string(text))
	}
	return string(text)
}

// shown is the JSON form of a record. It is an interface: fields are added, never changed.
type shown struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	content
}

// content is a record without its place in a topic.
type content struct {
	Time    *string                    `json:"time"`
	Key     any                        `json:"key"`
	Headers map[string]json.RawMessage `json:"headers,omitempty"`
	Value   json.RawMessage            `json:"value"`
}

// appendJSON adds a record as a JSON object on a line. A value that is JSON stands in it as it is.
func appendJSON(out []byte, batch *record.Batch, i int) []byte {
	r := shown{Topic: batch.Partition.Topic, Partition: batch.Partition.Index, Offset: batch.Offsets[i]}
	r.content = newContent(batch.Keys.At(i), batch.Values.At(i), batch.Times[i])
	if batch.Headers != nil {
		r.Headers = jsonHeaders(batch.Headers[i])
	}
	return append(append(out, encode(r)...), '\n')
}

// Message returns a message as a JSON object: what tail shows of a record, but for its place in a topic.
func Message(messages *record.Messages, i int) []byte {
	var key []byte
	if messages.Keys.Len() > 0 {
		key = messages.Keys.At(i)
	}
	c := newContent(key, messages.Values.At(i), messages.Times[i])
	if messages.Headers != nil {
		c.Headers = jsonHeaders(messages.Headers[i])
	}
	return encode(c)
}

func newContent(key, value []byte, ms int64) content {
	c := content{Key: jsonText(key), Value: jsonValue(value)}
	if ms >= 0 {
		at := timeText(ms)
		c.Time = &at
	}
	return c
}

// jsonHeaders gives each header its text; a name that occurs more than once gets the list of its texts.
func jsonHeaders(headers []record.Header) map[string]json.RawMessage {
	texts := map[string][]any{}
	for _, header := range headers {
		texts[header.Key] = append(texts[header.Key], jsonText(header.Value))
	}
	out := map[string]json.RawMessage{}
	for name, values := range texts {
		if len(values) == 1 {
			out[name] = encode(values[0])
		} else {
			out[name] = encode(values)
		}
	}
	return out
}

// jsonText is a string, null, or {"base64": ...} for what is no text.
func jsonText(text []byte) any {
	switch {
	case text == nil:
		return nil
	case utf8.Valid(text):
		return string(text)
	default:
		return map[string]string{"base64": base64.StdEncoding.EncodeToString(text)}
	}
}

func jsonValue(value []byte) json.RawMessage {
	var compact bytes.Buffer
	if utf8.Valid(value) && json.Compact(&compact, value) == nil {
		return compact.Bytes()
	}
	return encode(jsonText(value))
}

// encode writes what always has a JSON form, with digits and characters as they are.
func encode(value any) json.RawMessage {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic("a record has no JSON form: " + err.Error())
	}
	return bytes.TrimRight(out.Bytes(), "\n")
}

func timeText(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.999Z07:00")
}
