package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"unicode/utf8"
	"unsafe"
)

// span is where a value stands in a text. The zero span says that the field is missing: no value stands at 0.
type span struct{ start, end int32 }

func (s span) missing() bool { return s.end == 0 }

// maxDepth is how deep arrays and objects may nest, as in encoding/json's sister decoders that guard their stack.
const maxDepth = 512

// scanner checks that a text is one JSON object and finds the values of some of its members. Strict RFC 8259: no NaN,
// no comments, no trailing commas, valid UTF-8. Of members with the same name the last one counts, as in Python.
type scanner struct {
	names []string
	text  []byte
	pos   int
	// guess is the name that probably comes next: records of a topic tend to have their fields in the same order.
	guess int
}

// scan fills found, a span a name, and returns the position of the closing brace.
func (s *scanner) scan(text []byte, found []span) (closing int, err error) {
	s.text, s.pos, s.guess = text, 0, 0
	clear(found)
	if !utf8.Valid(text) {
		return 0, errors.New("the value is not valid UTF-8")
	}
	s.space()
	if s.pos == len(text) {
		return 0, errors.New("the value is empty, a JSON object is needed")
	}
	if text[s.pos] != '{' {
		return 0, s.notObject()
	}
	if err := s.members(found); err != nil {
		return 0, err
	}
	closing = s.pos - 1
	s.space()
	if s.pos != len(text) {
		return 0, s.unexpected("the end of the value")
	}
	return closing, nil
}

func (s *scanner) notObject() error {
	first := s.text[s.pos]
	if err := s.value(0); err != nil {
		return err
	}
	return fmt.Errorf("the value is %s, a JSON object is needed", kindOf(first))
}

// members reads the top-level object. REQUIRES: pos at its opening brace.
func (s *scanner) members(found []span) error {
	s.pos++
	s.space()
	if s.at('}') {
		return nil
	}
	for {
		name, err := s.name()
		if err != nil {
			return err
		}
		start := s.pos
		if err := s.value(1); err != nil {
			return err
		}
		if i := s.wanted(name); i >= 0 {
			found[i] = span{int32(start), int32(s.pos)}
		}
		s.space()
		if s.at(',') {
			s.space()
			continue
		}
		if s.at('}') {
			return nil
		}
		return s.unexpected("',' or '}'")
	}
}

// name reads a member's name and the colon, up to its value.
func (s *scanner) name() ([]byte, error) {
	start := s.pos + 1
	if s.pos == len(s.text) || s.text[s.pos] != '"' {
		return nil, s.unexpected("a field's name in double quotes")
	}
	escapes, err := s.string()
	if err != nil {
		return nil, err
	}
	name := s.text[start : s.pos-1]
	if escapes {
		name, _ = unescape(nil, name)
	}
	s.space()
	if !s.at(':') {
		return nil, s.unexpected("':'")
	}
	s.space()
	return name, nil
}

// wanted returns the index of a name, -1 if nobody asked for it.
func (s *scanner) wanted(name []byte) int {
	for range s.names {
		i := s.guess
		if s.guess++; s.guess == len(s.names) {
			s.guess = 0
		}
		if s.names[i] == string(name) {
			return i
		}
	}
	return -1
}

// value reads a value of any kind that nests depth levels deep.
func (s *scanner) value(depth int) error {
	if s.pos == len(s.text) {
		return s.unexpected("a value")
	}
	switch c := s.text[s.pos]; {
	case c == '"':
		_, err := s.string()
		return err
	case c == '-' || c-'0' < 10:
		return s.number()
	case c == '{' || c == '[':
		return s.nested(depth)
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	default:
		return s.unexpected("a value")
	}
}

func (s *scanner) nested(depth int) error {
	if depth == maxDepth {
		return fmt.Errorf("the value nests deeper than %d levels", maxDepth)
	}
	object := s.text[s.pos] == '{'
	closing := s.text[s.pos] + 2 // ']' and '}' follow their opening two later in ASCII
	s.pos++
	s.space()
	if s.at(closing) {
		return nil
	}
	for {
		if object {
			if _, err := s.name(); err != nil {
				return err
			}
		}
		if err := s.value(depth + 1); err != nil {
			return err
		}
		s.space()
		if s.at(closing) {
			return nil
		}
		if !s.at(',') {
			return s.unexpected("',' or '" + string(closing) + "'")
		}
		s.space()
	}
}

// string reads a string and tells whether it has escapes. REQUIRES: pos at its opening quote.
func (s *scanner) string() (escapes bool, err error) {
	text := s.text
	for i := s.pos + 1; ; {
		i = ordinary(text, i)
		if i == len(text) {
			s.pos = i
			return escapes, s.unexpected("'\"'")
		}
		switch c := text[i]; c {
		case '"':
			s.pos = i + 1
			return escapes, nil
		case '\\':
			n := escapeLength(text[i:])
			if n == 0 {
				s.pos = i
				return escapes, s.unexpected("a valid escape")
			}
			escapes = true
			i += n
		default:
			s.pos = i
			return escapes, s.unexpected("a character that is not a control character")
		}
	}
}

// ordinary returns the position of the first quote, backslash or control character from i on, or the end. It looks at
// eight bytes at a time, by the usual arithmetic: (v - 0x01...) &^ v has the high bit of the lowest zero byte set.
func ordinary(text []byte, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(text); i += 8 {
		v := binary.LittleEndian.Uint64(text[i:])
		quote, backslash := v^(ones*'"'), v^(ones*'\\')
		special := (quote-ones)&^quote | (backslash-ones)&^backslash | (v-ones*' ')&^v
		if special &= highs; special != 0 {
			return i + bits.TrailingZeros64(special)/8
		}
	}
	for i < len(text) && text[i] >= ' ' && text[i] != '"' && text[i] != '\\' {
		i++
	}
	return i
}

// escapeLength returns the length of the escape that text begins with, 0 if it is none.
func escapeLength(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(text) < 6 {
			return 0
		}
		for _, c := range text[2:6] {
			if !isHex(c) {
				return 0
			}
		}
		return 6
	default:
		return 0
	}
}

func isHex(c byte) bool {
	return c-'0' < 10 || (c|0x20)-'a' < 6
}

func (s *scanner) number() error {
	s.at('-')
	if !s.at('0') && s.digits() == 0 {
		return s.unexpected("a digit")
	}
	if s.at('.') && s.digits() == 0 {
		return s.unexpected("a digit")
	}
	if s.at('e') || s.at('E') {
		if !s.at('+') {
			s.at('-')
		}
		if s.digits() == 0 {
			return s.unexpected("a digit")
		}
	}
	return nil
}

func (s *scanner) digits() int {
	start := s.pos
	for s.pos < len(s.text) && s.text[s.pos]-'0' < 10 {
		s.pos++
	}
	return s.pos - start
}

func (s *scanner) word(word string) error {
	if len(s.text)-s.pos < len(word) || string(s.text[s.pos:s.pos+len(word)]) != word {
		return s.unexpected("a value")
	}
	s.pos += len(word)
	return nil
}

func (s *scanner) space() {
	if s.pos < len(s.text) && s.text[s.pos] > ' ' {
		return
	}
	s.skipSpace()
}

func (s *scanner) skipSpace() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// at steps over c if it is next.
func (s *scanner) at(c byte) bool {
	if s.pos < len(s.text) && s.text[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

func (s *scanner) unexpected(want string) error {
	if s.pos >= len(s.text) {
		return fmt.Errorf("the JSON ends at byte %d where %s should be", s.pos, want)
	}
	rest := s.text[s.pos:]
	for _, word := range []string{"NaN", "Infinity"} {
		if bytes.HasPrefix(rest, []byte(word)) {
			return fmt.Errorf("%s at byte %d is not JSON; write null for a missing number", word, s.pos)
		}
	}
	r, _ := utf8.DecodeRune(rest)
	return fmt.Errorf("unexpected %q at byte %d where %s should be", r, s.pos, want)
}

// kindOf names the kind of the value that begins with c.
func kindOf(c byte) string {
	switch c {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "a list"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}

// view reads bytes as a string without a copy. The bytes must not change while the string is in use.
func view(text []byte) string { return unsafe.String(unsafe.SliceData(text), len(text)) }
