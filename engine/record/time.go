package record

import "math"

// NoTime stands where there is no moment: a timer that is not set, a watermark before the first record.
const NoTime = math.MinInt64

// MaxTime is the end of time: the watermark after the last record.
const MaxTime = math.MaxInt64
