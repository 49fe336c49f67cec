// Package file is the sink that writes a file: JSON lines or Parquet.
//
// A file is written anew by every run, beside its name with ".partial" at the end, and gets its name when it is complete:
// when Close follows a Flush that went well. So readers never see half a file, and a run that fails leaves the file of
// the run before as it was. What a run that was killed has left is kept under another name and never written over.
//
// A Parquet file has one schema, which is inferred from the first rows: see Create.
//
// It knows nothing of topics and of where the records come from. Keys, times and headers are not written.
package file
