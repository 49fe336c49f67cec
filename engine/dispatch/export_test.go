package dispatch

// CutOf returns where a call is cut into calls of size rows.
func CutOf(call *Call, size int) []int { return call.cut(size) }

// PartOf returns the groups from (inclusive) to to (exclusive) of a call.
func PartOf(call *Call, from, to int) *Call { return call.part(from, to) }
