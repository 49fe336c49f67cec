package dispatch

// CutOf returns where a call is cut into calls of size rows.
func CutOf(call *Call, size int) []int { return call.cut(size) }
