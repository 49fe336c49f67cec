package file

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"
)

// readRows is how many rows of a Parquet file are decoded at once.
const readRows = 256

// parquetRows reads a Parquet file, row group by row group, and of each group a page of each column at a time.
type parquetRows struct {
	file   *os.File
	shape  *object
	groups []parquet.RowGroup
	rows   parquet.Rows // of the current group; nil before the first and between two
	buffer []parquet.Row
	// ready are the rows of buffer that were not yet handed out.
	ready []parquet.Row
	// columns are the values of the row at hand, by column.
	columns [][]parquet.Value
}

func openParquet(file *os.File) (opened rows, err error) {
	defer guard(&err)
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() == 0 {
		return nil, errors.New("it is empty, which no Parquet file is")
	}
	contents, err := parquet.OpenFile(file, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("it is no Parquet file, or it is damaged: %w", err)
	}
	shape, err := shapeOf(contents)
	if err != nil {
		return nil, err
	}
	return &parquetRows{
		file:    file,
		shape:   shape,
		groups:  contents.RowGroups(),
		buffer:  make([]parquet.Row, readRows),
		columns: make([][]parquet.Value, len(contents.Schema().Columns())),
	}, nil
}

func (r *parquetRows) append(dst []byte) (out []byte, err error) {
	defer guard(&err)
	for len(r.ready) == 0 {
		if err := r.fill(); err != nil {
			return dst, err
		}
	}
	row := r.ready[0]
	r.ready = r.ready[1:]
	clear(r.columns)
	row.Range(func(column int, values []parquet.Value) bool {
		r.columns[column] = values
		return true
	})
	return r.shape.append(dst, r.columns), nil
}

// fill reads more rows, or returns io.EOF.
func (r *parquetRows) fill() error {
	if r.rows == nil {
		if len(r.groups) == 0 {
			return io.EOF
		}
		r.rows, r.groups = r.groups[0].Rows(), r.groups[1:]
	}
	n, err := r.rows.ReadRows(r.buffer)
	r.ready = r.buffer[:n]
	switch {
	case n > 0 && errors.Is(err, io.EOF):
		return nil
	case errors.Is(err, io.EOF):
		err, r.rows = r.rows.Close(), nil
	case n == 0 && err == nil:
		err = io.ErrNoProgress
	}
	return err
}

// Close implements io.Closer.
func (r *parquetRows) Close() error {
	var err error
	if r.rows != nil {
		err = r.rows.Close()
	}
	return errors.Join(err, r.file.Close())
}

// guard turns a panic into an error: parquet-go panics on some files that are damaged.
func guard(err *error) {
	if problem := recover(); problem != nil {
		*err = fmt.Errorf("the file is damaged: %v", problem)
	}
}
