package devserver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
)

// A PortTakenError says that another process listens where we wanted to.
type PortTakenError struct {
	// What is who wanted the port: "the Temporal server".
	What string
	// Host and Port are the address.
	Host string
	Port int
	// Setting is what the user changes to get another port: a flag, an environment variable.
	Setting string
}

func (e *PortTakenError) Error() string {
	return fmt.Sprintf("port %d for %s is in use on %s: stop the process that listens there, or choose another port with %s",
		e.Port, e.What, e.Host, e.Setting)
}

// CheckPort returns a [PortTakenError] when something listens on the port already. What and setting go into its text.
// The demo checks all its ports before it starts anything.
func CheckPort(ctx context.Context, what, host string, port int, setting string) error {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return &PortTakenError{What: what, Host: host, Port: port, Setting: setting}
	case err != nil:
		return fmt.Errorf("port %d for %s cannot be used (another one: %s): %w", port, what, setting, err)
	}
	return l.Close()
}

// Free ports are looked for below the ranges that Linux (from 32768) and macOS (from 49152) take for outgoing
// connections. In those a port may be gone again while a server restarts.
const (
	freePortsFrom = 20_000
	freePortsTo   = 32_000
	freePortTries = 100
)

// FreePort returns a TCP port on which nothing listens on the host, and which no outgoing connection will take.
func FreePort(ctx context.Context, host string) (int, error) {
	var err error
	for range freePortTries {
		port := freePortsFrom + rand.IntN(freePortsTo-freePortsFrom) //nolint:gosec // a port is no secret
		if err = CheckPort(ctx, "a server", host, port, "nothing: it is chosen at random"); err == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port on %s after %d tries: %w", host, freePortTries, err)
}

// freePortOtherThan returns a free port that is not the one given to somebody a moment ago.
func freePortOtherThan(ctx context.Context, host string, given int) (int, error) {
	for {
		port, err := FreePort(ctx, host)
		if err != nil || port != given {
			return port, err
		}
	}
}
