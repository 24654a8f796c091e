package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// How often Await looks, and how much of a log an error quotes.
const (
	awaitEvery   = 50 * time.Millisecond
	tailMaxBytes = 4096
	tailLines    = 8
)

// Await asks again and again until ready returns nil. It gives up when the child ends, and then quotes the end of its
// log, or when the context ends, and then says what ready complained about last.
func (p *Process) Await(ctx context.Context, ready func(context.Context) error) error {
	again := time.NewTicker(awaitEvery)
	defer again.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended before it was ready: %w%s", p.name, errors.Join(p.err, err), p.quoteLog())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w (%w)%s", p.name, err, context.Cause(ctx), p.quoteLog())
		case <-again.C:
		}
	}
}

// quoteLog returns the last lines of the log as they go into an error.
func (p *Process) quoteLog() string {
	if p.logFile == "" {
		return ""
	}
	tail, err := readTail(p.logFile)
	if err != nil || len(tail) == 0 {
		return "; its log is " + p.logFile
	}
	return fmt.Sprintf("; the end of %s:\n%s", p.logFile, tail)
}

// readTail returns the last lines of a file, reading no more than its last few kilobytes.
func readTail(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	from := max(0, info.Size()-tailMaxBytes)
	tail, err := io.ReadAll(io.NewSectionReader(f, from, tailMaxBytes))
	if err != nil {
		return nil, err
	}
	lines := bytes.Split(bytes.TrimSpace(tail), []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-tailLines):], []byte("\n")), nil
}
