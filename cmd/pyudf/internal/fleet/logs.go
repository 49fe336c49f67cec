package fleet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	controlv1 "github.com/pyudf/pyudf/proto/pyudf/control/v1"
)

// LogText returns a log line as people read it: time, node, level, message, and what else it has.
func LogText(from *controlv1.LogsResponse) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s ", moment(from.GetTimeMs()).Format("2006-01-02T15:04:05.000Z"), from.GetNode())
	fields, ok := members(from.GetLine())
	if !ok {
		text.WriteString(indented(from.GetLine()))
		return text.String()
	}
	level, message := "info", ""
	rest := fields[:0]
	for _, f := range fields {
		switch f.name {
		case "level":
			level = strings.ToLower(f.text())
		case "msg":
			message = f.text()
		case "time":
		default:
			rest = append(rest, f)
		}
	}
	fmt.Fprintf(&text, "%-5s  %s", Plain(level), indented(message))
	for _, f := range rest {
		fmt.Fprintf(&text, " %s=%s", Plain(f.name), f.shown())
	}
	return text.String()
}

// LogJSON returns a log line as a JSON object: that of the line, with the node and the time in it.
func LogJSON(from *controlv1.LogsResponse) []byte {
	var out bytes.Buffer
	out.WriteString(`{"node":`)
	out.Write(encode(from.GetNode()))
	fields, ok := members(from.GetLine())
	if !ok {
		fields = []member{{"msg", encode(from.GetLine())}}
	}
	at := moment(from.GetTimeMs()).Format(time.RFC3339Nano)
	out.WriteString(`,"time":`)
	out.Write(encode(at))
	for _, f := range fields {
		if f.name == "node" || f.name == "time" {
			continue
		}
		out.WriteByte(',')
		out.Write(encode(f.name))
		out.WriteByte(':')
		out.Write(f.value)
	}
	out.WriteByte('}')
	return out.Bytes()
}

// member is one of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// members returns those of an object in their order; ok tells whether it is one.
func members(line string) (found []member, ok bool) {
	decoder := json.NewDecoder(strings.NewReader(line))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return nil, false
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, false
		}
		text, isText := name.(string)
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil || !isText {
			return nil, false
		}
		found = append(found, member{text, value})
	}
	_, err := decoder.Token()
	return found, err == nil
}

// text returns a string without its quotes, anything else as it is.
func (m member) text() string {
	var text string
	if json.Unmarshal(m.value, &text) == nil {
		return text
	}
	return string(m.value)
}

// shown returns the value as the engine's own log lines for people have it.
func (m member) shown() string {
	text := m.text()
	switch {
	case strings.Contains(text, "\n"):
		return indented("\n" + strings.TrimRight(text, "\n"))
	case text == "" || strings.ContainsAny(text, " \t\"="):
		return strconv.Quote(text)
	default:
		return Plain(text)
	}
}

// indented puts further lines of a text below the first.
func indented(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = Plain(line)
	}
	return strings.Join(lines, "\n    ")
}

// Plain returns a text of one line as it is if it can do no harm on a terminal, else quoted with escapes.
func Plain(text string) string {
	harmful := func(r rune) bool { return unicode.IsControl(r) && r != '\t' }
	if !utf8.ValidString(text) || strings.ContainsFunc(text, harmful) {
		return strconv.Quote(text)
	}
	return text
}

func encode(text string) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string always has a JSON form
	return bytes.TrimRight(out.Bytes(), "\n")
}
