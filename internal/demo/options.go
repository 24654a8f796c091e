package demo

import (
	"io"
	"time"
)

// Options say how to tell the story. Worker and Out are required.
type Options struct {
	// Worker is the worker's binary.
	Worker string
	// CLI is the Temporal CLI; empty means what devserver.FindCLI finds.
	CLI string
	// Dir keeps databases, configuration and logs; empty means a temporary folder that is removed after a good end.
	Dir string
	// Out gets the narration.
	Out io.Writer
	// Interactive leaves the consent after the revocation to a person.
	Interactive bool
	// Stay keeps everything running after the table, until the context ends.
	Stay bool
	// FreePorts chooses ports for those that are zero; otherwise they are the usual ones.
	FreePorts bool
	Ports     Ports
	// PostEvery is the pause between two messages; zero means a second.
	PostEvery time.Duration
	// Seed chooses what people say.
	Seed uint64
}

// Ports on 127.0.0.1.
type Ports struct {
	Temporal, TemporalUI, Gateway, Sandbox int
}

func (o Options) postEvery() time.Duration {
	if o.PostEvery <= 0 {
		return time.Second
	}
	return o.PostEvery
}

// patience bounds each wait for something that has to happen. A quiet machine needs a tenth of it.
const patience = 90 * time.Second
