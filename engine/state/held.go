package state

import "errors"

// ErrHeld is wrapped by the error of Open while another process has the store.
var ErrHeld = errors.New("another process has the state")
