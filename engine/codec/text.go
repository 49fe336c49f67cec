package codec

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// unescape appends the characters that the inside of a JSON string stands for. REQUIRES: a scanner accepted it.
// A lone surrogate becomes U+FFFD and is reported, as it stands for no character.
func unescape(dst, text []byte) ([]byte, error) {
	var err error
	for i := 0; i < len(text); {
		if text[i] != '\\' {
			dst = append(dst, text[i])
			i++
			continue
		}
		if text[i+1] != 'u' {
			dst = append(dst, simpleEscape(text[i+1]))
			i += 2
			continue
		}
		r := hexRune(text[i+2:])
		i += 6
		if utf16.IsSurrogate(r) {
			low := rune(-1)
			if len(text)-i >= 6 && text[i] == '\\' && text[i+1] == 'u' {
				low = hexRune(text[i+2:])
			}
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
				err = errors.New("the string has half of a surrogate pair")
			} else {
				i += 6
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst, err
}

func simpleEscape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	default:
		return c
	}
}

func hexRune(text []byte) rune {
	var r rune
	for _, c := range text[:4] {
		switch {
		case c <= '9':
			c -= '0'
		default:
			c = (c | 0x20) - 'a' + 10
		}
		r = r<<4 | rune(c)
	}
	return r
}

// AppendUnquoted appends the characters of a JSON string. REQUIRES: a scanner accepted it.
func AppendUnquoted(dst, text []byte) ([]byte, error) {
	inside := text[1 : len(text)-1]
	if !slices.Contains(inside, '\\') {
		return append(dst, inside...), nil
	}
	return unescape(dst, inside)
}

// AppendString appends text as a JSON string. Bytes that are not UTF-8 become U+FFFD.
func AppendString(dst, text []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			r, size := utf8.DecodeRune(text[i:])
			dst = utf8.AppendRune(dst, r)
			i += size
			continue
		}
		i++
	}
	return append(dst, '"')
}

// AppendFloat appends the shortest number that reads back as the same float64, the digits that Python's repr gives;
// NaN and infinities, which JSON lacks, become null.
func AppendFloat(dst []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(dst, "null"...)
	}
	format := byte('f')
	if abs := math.Abs(v); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		format = 'e'
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, v, format, -1, 64)
	if format == 'e' {
		return dst
	}
	if slices.Contains(dst[start:], '.') {
		return dst
	}
	return append(dst, ".0"...)
}
