package main

import (
	"context"
	"errors"

	"github.com/pyudf/pyudf/cmd/pyudf/internal/bundles"
)

type sidecarAt struct{}

func (f *nodeFlags) sidecars() (map[string]sidecarAt, error) { return nil, nil }

func (c *candidate) attach(context.Context, sidecarAt, *bundles.Bundle, func(string)) error {
	return errors.New("not yet")
}
