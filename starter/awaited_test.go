package main

import (
	"bytes"
	"strings"
	"sync"
)

// awaited is a writer that says when a text has appeared in it.
type awaited struct {
	text string
	seen chan struct{}

	mu      sync.Mutex
	written bytes.Buffer
	told    bool
}

func newAwaited(text string) *awaited { return &awaited{text: text, seen: make(chan struct{})} }

func (a *awaited) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, err := a.written.Write(p)
	if !a.told && strings.Contains(a.written.String(), a.text) {
		a.told = true
		close(a.seen)
	}
	return n, err
}

func (a *awaited) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.written.String()
}
