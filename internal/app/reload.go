package app

import (
	"context"
	"fmt"
	"strings"

	"tokenkeeper/config"
)

// OnReload has f called after each [App.Reload] that found a configuration without a fault, with the connectors that are new
// or differ, secrets and keys included; changed is empty where only other parts do. Calls come one after the other, and f
// must not call Reload itself.
func (a *App) OnReload(f func(ctx context.Context, changed []string)) {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	a.onReload = append(a.onReload, f)
}

// Reload reads the configuration anew and replaces the old one as a whole. A faulty one is an error that names every
// fault with its line, and the old one stays in force. What only a restart can change stays as it is, and is logged.
func (a *App) Reload(ctx context.Context) error {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	next, err := config.Load(a.options.ConfigPath, a.options.Env)
	if err != nil {
		return err
	}
	before := a.current.Load()
	if len(next.Connectors) == 0 && len(before.config.Connectors) > 0 {
		return fmt.Errorf("%s has no connectors any more, as if it had been emptied; fix: restore it, or restart the process to run without any",
			next.Path)
	}
	kept := next.Keep(before.config)
	if len(kept) > 0 {
		a.Log.WarnContext(ctx, "the configuration changed what a running process cannot change; restart it to take that over",
			"keys", strings.Join(kept, ", "))
	}
	s := newSetup(next, before)
	a.current.Store(s)
	changed := s.changedFrom(before)
	a.Log.InfoContext(ctx, "the configuration was read anew", "changed_connectors", strings.Join(changed, ", "))
	for _, f := range a.onReload {
		f(ctx, changed)
	}
	return nil
}
