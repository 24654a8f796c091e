package gateway_test

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/gateway"
	"tokenkeeper/internal/chromiumtest"
)

func TestChangesAppearWithoutReload(t *testing.T) {
	f := newFixture(t)
	f.server.Now = time.Now
	busyBoard(f)
	b := chromiumtest.New(t, chromiumtest.Desktop)
	b.Open(f.url + "/")
	b.See("2 of 4 accounts need a person")
	chromiumtest.Ask[any](b, `(() => { window.mark = 'not reloaded'; document.querySelector('form[action="/accounts/acme/triage/github/refresh"] button').focus(); return 0 })()`)
	f.board.show([]gateway.AccountView{
		viewOf(time.Now(), "acme/triage/github", nil), viewOf(time.Now(), "acme/triage/slack", nil),
		viewOf(time.Now(), "acme/zoe/slack", func(v *gateway.AccountView) { v.Status = credential.Degraded }),
	})
	b.See("1 of 3 accounts has trouble")
	assert.Equal(t, "not reloaded", chromiumtest.Ask[string](b, `window.mark`))
	assert.Equal(t, "/accounts/acme/triage/github/refresh", chromiumtest.Ask[string](b, `document.activeElement.form.getAttribute('action')`), "the focus stays")
	assert.Contains(t, chromiumtest.Ask[string](b, `document.getElementById('news').textContent`), "acme/triage/slack: active", "it is read out")
	assert.Equal(t, 3, chromiumtest.Ask[int](b, `document.querySelectorAll('.card').length`))
	assert.Equal(t, []string{"account/acme/zoe/slack", "account/acme/triage/github", "account/acme/triage/slack"},
		chromiumtest.Ask[[]string](b, `[...document.querySelectorAll('.card')].map(c => c.id)`))
}

func TestTheLivePageComesBack(t *testing.T) {
	l := listen(t)
	address := l.Addr().String()
	board := &fakeBoard{}
	board.show([]gateway.AccountView{viewOf(time.Now(), "acme/triage/slack", nil)})
	serve := func(l net.Listener) (stop func()) {
		server := &gateway.Server{
			Board: board, PublicURL: parseURL(t, "http://"+address), Log: slog.New(slog.DiscardHandler), Connections: connections{},
		}
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- server.Serve(ctx, l) }()
		return func() {
			cancel()
			require.NoError(t, <-served)
		}
	}
	stop := serve(l)
	b := chromiumtest.New(t, chromiumtest.Desktop)
	b.Open("http://" + address + "/")
	b.See("Everything works")
	stop()
	b.See("The connection is lost")
	b.Picture("lost")
	board.show([]gateway.AccountView{deadView(time.Now(), "acme/triage/slack")})
	again, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	require.NoError(t, err)
	t.Cleanup(serve(again))
	b.See("1 of 1 account needs a person")
	assert.True(t, chromiumtest.Ask[bool](b, `document.getElementById('lost').hidden`))
}
