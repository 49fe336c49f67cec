// Package aggregate owns what windows compute: columns of accumulators, one accumulator a cell, of which the caller says
// which cell stands for which key and window.
//
// No result depends on the order in which values are added and accumulators are merged, to the last bit: sums are exact
// (docs/adr/0004), what needs an order brings its own (Stamp), and sketches are chosen by the values that they have seen,
// never by the way that these came. So batches, partial results and the interleaving of partitions cannot change an
// output. Nulls are left out, and so is NaN, which pandas takes for a missing value.
//
// It knows no window, no key, no watermark and no store, and does no I/O. The code of windows calls it.
package aggregate
