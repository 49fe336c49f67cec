// Package file is the source that reads a file: CSV, JSON lines or Parquet. It is bounded: it gives each row once, as
// a JSON object, and comes to its end. A row's offset is its number in the file, from 0, as in pandas.
//
// A row that is damaged does not stop the run: it is handed over as it stands, and whoever decodes it refuses it, as
// it is no JSON object. Lines of a CSV file with too few or too many fields, or that are not UTF-8, are such rows.
// What stops the run is a file that cannot be read at all, and a Parquet file that is damaged after its start, where no
// row can be told from the next.
//
// It knows nothing of topics and of what happens to the records. It keeps no positions; where a run goes on that was
// interrupted, the engine does, and it asks by Identity whether the file is still the same.
package file
