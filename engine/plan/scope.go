package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pyudf/pyudf/engine/record"
	planv1 "github.com/pyudf/pyudf/proto/pyudf/plan/v1"
)

// scope is what is known of the fields at one place of the tree. Scopes are values: a step makes a new one.
type scope struct {
	// types of the fields whose type is known: declared in the schema or made by a step.
	types map[string]record.Type
	// made are the fields that a step computed: they have exactly the type that types says.
	made map[string]bool
	// dropped are fields that are there no more.
	dropped map[string]bool
	// only are the fields that a select left; nil: all.
	only map[string]bool
	// key are the fields that the records are keyed by; nil: the record's own key.
	key []string
	// home are the fields that records of one partition have in common; nil: nobody knows.
	home []string
	// lost is a field of the key that was replaced or removed since.
	lost string
	// scan collects the names that the texts of this part of the tree are scanned for, shared by all its scopes.
	scan map[string]bool
	// reads are those of them that steps read, and as what; shared as scan is.
	reads map[string]record.Type
}

func newScope(schema []*planv1.Field) scope {
	types := map[string]record.Type{}
	for _, field := range schema {
		types[field.GetName()] = TypeOf(field.GetType())
	}
	return scope{types: types, scan: map[string]bool{}, reads: map[string]record.Type{}}
}

// read notes that a field is read as type t and returns an error if it cannot be.
func (s scope) read(field string, t record.Type) error {
	if !s.has(field) {
		return fmt.Errorf("there is no field %q any more here%s", field, s.known())
	}
	if s.made[field] {
		if have := s.types[field]; !Converts(have, t) {
			return fmt.Errorf("field %q is %s here, %s is needed", field, have, t)
		}
		return nil
	}
	s.scan[field], s.reads[field] = true, t
	return nil
}

// readAhead notes that what a later scope reads of the records is read here already.
func (s scope) readAhead(later scope) {
	for field := range later.scan {
		if !s.made[field] {
			s.scan[field] = true
		}
	}
}

// has tells whether records may have the field: no step dropped it or left it out.
func (s scope) has(field string) bool {
	return !s.dropped[field] && (s.only == nil || s.only[field])
}

// Converts tells whether values of a computed column can be read as another type without loss of meaning.
func Converts(have, want record.Type) bool {
	return have == want || want == record.JSON || have == record.Int64 && want == record.Float64
}

func (s scope) known() string {
	if s.only == nil {
		return ""
	}
	return "; the fields are " + strings.Join(slices.Sorted(maps.Keys(s.only)), ", ")
}

// typeOf returns the type to read a field as where any will do.
func (s scope) typeOf(field string) record.Type {
	if t := s.types[field]; t != record.Unknown {
		return t
	}
	return record.JSON
}

// reread returns the scope of records that were written and are read back: what was computed has its type still.
func (s scope) reread() scope {
	s.made, s.dropped, s.scan, s.reads = nil, nil, map[string]bool{}, map[string]record.Type{}
	return s
}

// without notes that a field has another value or none from here on.
func (s scope) without(field string) scope {
	if slices.Contains(s.key, field) {
		s.lost = field
	}
	if slices.Contains(s.home, field) {
		s.home = nil
	}
	return s
}

func (s scope) make(field string, t record.Type) scope {
	s = s.without(field)
	s.scan[field] = true
	s.types = with(s.types, field, t)
	s.made = with(s.made, field, true)
	s.dropped = with(s.dropped, field, false)
	if s.only != nil {
		s.only = with(s.only, field, true)
	}
	return s
}

func (s scope) drop(field string) scope {
	s = s.without(field)
	s.scan[field] = true
	s.dropped = with(s.dropped, field, true)
	s.made = with(s.made, field, false)
	if s.only != nil {
		s.only = maps.Clone(s.only)
		delete(s.only, field)
	}
	return s
}

func (s scope) selectOnly(fields []string) scope {
	only := map[string]bool{}
	for _, field := range fields {
		only[field] = true
		s.scan[field] = true
	}
	for _, field := range append(slices.Clone(s.key), s.home...) {
		if !only[field] {
			s = s.without(field)
		}
	}
	s.only = only
	return s
}

// with returns a copy of m in which key is value.
func with[V comparable](m map[string]V, key string, value V) map[string]V {
	m = maps.Clone(m)
	if m == nil {
		m = map[string]V{}
	}
	m[key] = value
	return m
}

func names(scan map[string]bool) []string { return slices.Sorted(maps.Keys(scan)) }
