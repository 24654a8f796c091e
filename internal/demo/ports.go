package demo

import (
	"context"
	"errors"
	"net"
	"strconv"

	"tokenkeeper/internal/devserver"
)

const host = "127.0.0.1"

// usualPorts are those of the documents: Temporal's own, and the defaults of the configuration and of the sandbox.
func usualPorts() Ports { return Ports{Temporal: 7233, TemporalUI: 8233, Gateway: 8780, Sandbox: 8790} }

// place is one port, who wants it, and the flag that changes it.
type place struct {
	port       *int
	usual      int
	what, flag string
}

func (p *Ports) places() []place {
	usual := usualPorts()
	return []place{
		{&p.Temporal, usual.Temporal, "the Temporal server", "--temporal-port"},
		{&p.TemporalUI, usual.TemporalUI, "the Temporal Web UI", "--temporal-ui-port"},
		{&p.Gateway, usual.Gateway, "the gateway", "--gateway-port"},
		{&p.Sandbox, usual.Sandbox, "the sandbox", "--sandbox-port"},
	}
}

// settle fills the ports that are zero and makes sure that all are free, before anything starts. The error names every
// port that is not, and how to choose another.
func (p Ports) settle(ctx context.Context, free bool) (Ports, error) {
	var taken []error
	for _, place := range p.places() {
		if *place.port == 0 && free {
			port, err := devserver.FreePort(ctx, host)
			if err != nil {
				return p, err
			}
			*place.port = port
		}
		if *place.port == 0 {
			*place.port = place.usual
		}
		if err := devserver.CheckPort(ctx, place.what, host, *place.port, place.flag); err != nil {
			taken = append(taken, err)
		}
	}
	return p, errors.Join(taken...)
}

func at(port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
