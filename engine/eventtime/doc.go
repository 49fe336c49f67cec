// Package eventtime owns how a moment is read from a record: ISO 8601 text, or a number of seconds or milliseconds
// since the epoch.
//
// It knows neither records nor windows. Expressions, the file source and whoever extracts a topic's event time call it.
package eventtime
