package snapshot_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"
	"gocloud.dev/gcerrors"
)

// slow is a bucket around another, in which everything takes a while, and writing may fail halfway.
type slow struct {
	driver.Bucket // the methods that nobody calls

	around *blob.Bucket
	// delay returns how long the next operation takes.
	delay func() time.Duration
	// full fails writes, if it is there, after the first bytes.
	full func(key string) error
}

// wait passes the time, on the clock of the test's bubble.
func (s *slow) wait(ctx context.Context) error {
	select {
	case <-time.After(s.delay()):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *slow) ErrorCode(err error) gcerrors.ErrorCode { return gcerrors.Code(err) }

func (s *slow) Close() error { return nil }

func (s *slow) ListPaged(ctx context.Context, opts *driver.ListOptions) (*driver.ListPage, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	page := &driver.ListPage{}
	all := s.around.List(&blob.ListOptions{Prefix: opts.Prefix})
	for {
		object, err := all.Next(ctx)
		if errors.Is(err, io.EOF) {
			return page, nil
		}
		if err != nil {
			return nil, err
		}
		page.Objects = append(page.Objects, &driver.ListObject{Key: object.Key, ModTime: object.ModTime, Size: object.Size})
	}
}

// slowReader is what is read of a blob.
type slowReader struct {
	*blob.Reader
}

func (r slowReader) Attributes() *driver.ReaderAttributes {
	return &driver.ReaderAttributes{Size: r.Size(), ModTime: r.ModTime()}
}

func (s *slow) NewRangeReader(ctx context.Context, key string, offset, length int64, _ *driver.ReaderOptions) (driver.Reader, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	r, err := s.around.NewRangeReader(ctx, key, offset, length, nil)
	return slowReader{r}, err
}

// slowWriter fails when it is written to, if it is to fail.
type slowWriter struct {
	*blob.Writer

	err error
}

func (w slowWriter) Write(data []byte) (int, error) {
	if w.err == nil {
		return w.Writer.Write(data)
	}
	n, _ := w.Writer.Write(data[:len(data)/2])
	return n, w.err
}

func (s *slow) NewTypedWriter(ctx context.Context, key, kind string, _ *driver.WriterOptions) (driver.Writer, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	w, err := s.around.NewWriter(ctx, key, &blob.WriterOptions{ContentType: kind})
	if err != nil || s.full == nil {
		return slowWriter{w, nil}, err
	}
	return slowWriter{w, s.full(key)}, nil
}

func (s *slow) Delete(ctx context.Context, key string, _ *driver.DeleteOptions) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	return s.around.Delete(ctx, key)
}

// upTo returns delays that are drawn evenly, up to a longest one.
func upTo(longest time.Duration, random *rand.Rand) func() time.Duration {
	var mu sync.Mutex // guards random
	return func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return time.Duration(random.Int64N(int64(longest)))
	}
}
