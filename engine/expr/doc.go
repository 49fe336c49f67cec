// Package expr owns the evaluation of a plan's expressions over columns: it infers what types the fields must have,
// compiles an expression to typed loops, and runs them batch by batch.
//
// Nulls are SQL's: every operation on a null gives null, except for the null tests, for `and` and `or` where the other
// side decides alone, and for nulls in the list of is_in, which are ignored. Arithmetic is Python's: / is true division,
// // and % round towards negative infinity, int64 and float64 mix as float64. A float divided by zero is an infinity or
// NaN; an integer that // or % divides by zero, or that overflows, fails its own row and no other. Decimals compare by
// their exact value, timestamps as instants.
//
// It knows neither records nor JSON: the codec decodes the columns that a Program reads. A task's steps call it.
package expr
