package demo

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"
)

// narrator writes plain lines with the seconds since the beginning, and keeps a copy for the search through all that was
// written. Several acts speak at once.
type narrator struct {
	to    io.Writer
	begun time.Time

	mu   sync.Mutex // guards the order of what is written, and said
	said bytes.Buffer
}

func newNarrator(to io.Writer) *narrator { return &narrator{to: to, begun: time.Now()} }

// sayf writes one line with the time.
func (n *narrator) sayf(format string, args ...any) {
	n.write(fmt.Sprintf("%4.0fs  %s\n", n.elapsed().Seconds(), fmt.Sprintf(format, args...)))
}

// notef writes text as it is.
func (n *narrator) notef(format string, args ...any) { n.write(fmt.Sprintf(format, args...) + "\n") }

func (n *narrator) elapsed() time.Duration { return time.Since(n.begun) }

func (n *narrator) write(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.said.WriteString(text)
	_, _ = io.WriteString(n.to, text) // a terminal that went away stops no story
}

func (n *narrator) transcript() []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	return bytes.Clone(n.said.Bytes())
}
