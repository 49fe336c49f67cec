// Package csv owns how a line of CSV becomes a JSON object: where a record ends, what its fields are, and which of them
// are numbers, booleans, nulls or text.
//
// RFC 4180, and what real files do besides: a quote in the middle of a field stands for itself, blank lines do not
// count, lines end with \n or \r\n, and a byte order mark is skipped. An empty field and NA are null, unless
// the caller names other texts.
//
// It knows neither files nor topics. The file source, the sources of CSV topics and `pyudf produce` call it.
package csv
