package plugin

import (
	"context"
	"net"
)

// DialTCP is how workers on TCP are reached.
func DialTCP(ctx context.Context, host string) (net.Conn, error) { return dialTCP(ctx, host) }
