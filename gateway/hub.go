package gateway

import (
	"context"
	"sync"
)

// hub has one watcher look on behalf of all listeners, for as long as there are any.
type hub struct {
	mu        sync.Mutex
	listeners map[chan string]struct{} // guarded by mu; each holds the newest version that its owner has not read yet
	version   string                   // guarded by mu; told last, "" for none
	unwatch   context.CancelFunc       // guarded by mu; nil while nobody watches
	stopped   bool                     // guarded by mu
}

// join returns a channel of versions, the present one first, which is closed when the hub stops. The first listener starts
// the watcher. It reports false when there are too many listeners, or when the hub has stopped.
func (h *hub) join(watch func(context.Context)) (told <-chan string, leave func(), ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped || len(h.listeners) >= maxListeners {
		return nil, nil, false
	}
	if h.listeners == nil {
		h.listeners = map[chan string]struct{}{}
	}
	listener := make(chan string, 1)
	h.listeners[listener] = struct{}{}
	if h.unwatch == nil {
		var ctx context.Context
		ctx, h.unwatch = context.WithCancel(context.Background()) // the watcher outlives the listener that came first
		h.version = ""
		go watch(ctx)
	}
	if h.version != "" {
		listener <- h.version
	}
	return listener, func() { h.leave(listener) }, true
}

func (h *hub) leave(listener chan string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.listeners, listener)
	if len(h.listeners) == 0 && h.unwatch != nil {
		h.unwatch()
		h.unwatch = nil
	}
}

// tell gives a new version to all listeners; "" is none. A listener that is slow finds only the newest.
func (h *hub) tell(version string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped || version == "" || h.version == version {
		return
	}
	h.version = version
	for listener := range h.listeners {
		select {
		case <-listener:
		default:
		}
		listener <- version
	}
}

// stop ends all streams, for good.
func (h *hub) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
	for listener := range h.listeners {
		close(listener)
	}
	h.listeners = nil
	if h.unwatch != nil {
		h.unwatch()
		h.unwatch = nil
	}
}
