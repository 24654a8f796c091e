package gateway_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/gateway"
)

// slowBoard tells what it saw first only when it is let go on.
type slowBoard struct {
	*fakeBoard

	waited    atomic.Bool
	begun, on chan struct{}
}

func (b *slowBoard) LookAtAccounts(ctx context.Context, patience time.Duration) ([]gateway.AccountView, error) {
	seen, err := b.fakeBoard.LookAtAccounts(ctx, patience)
	if !b.waited.Swap(true) {
		close(b.begun)
		select {
		case <-b.on:
		case <-ctx.Done():
		}
	}
	return seen, err
}

// Somebody presses a button while a page looks. What that look saw is of before, and neither shown after it nor kept.
func TestALookOfBeforeAChangeIsNotShownAfterIt(t *testing.T) {
	f := newFixture(t)
	board := &slowBoard{fakeBoard: f.board, begun: make(chan struct{}), on: make(chan struct{})}
	f.server.Board = board
	f.board.show([]gateway.AccountView{viewOf(f.clock.Now(), account.String(), func(v *gateway.AccountView) { v.Status = credential.Degraded })})
	const before, after = "1 of 1 account has trouble.", "Everything works: 1 account, 0 triages."
	slow := make(chan *httptest.ResponseRecorder, 1)
	go func() {
		recorder := httptest.NewRecorder()
		f.server.Handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, f.url+"/", nil))
		slow <- recorder
	}()
	<-board.begun

	f.board.show([]gateway.AccountView{viewOf(f.clock.Now(), account.String(), nil)})
	b := f.browser()
	assert.Contains(t, b.back(buttonsOf+"refresh"), after, "it does not wait for the look that is under way")
	close(board.on)
	select {
	case recorder := <-slow:
		assert.Contains(t, recorder.Body.String(), after, "whoever waited gets the newest there is")
	case <-time.After(waitLimit):
		require.Fail(t, "the slow look did not end")
	}
	assert.NotContains(t, b.open("/").body, before)
	assert.Equal(t, 2, board.looks, "the newer look is good for as long as any")
}

// The look of before is the only one there is: it is shown, and the next page looks anew.
func TestALookThatAChangeOvertookIsGoodOnce(t *testing.T) {
	f := newFixture(t)
	changed := false
	f.board.looking = func() {
		if !changed {
			changed = true
			request := httptest.NewRequest(http.MethodPost, f.url+buttonsOf+"refresh", nil)
			f.server.Handler().ServeHTTP(httptest.NewRecorder(), request)
		}
	}
	b := f.browser()
	assert.Contains(t, b.open("/").body, "Nothing is connected yet.")
	f.board.show([]gateway.AccountView{viewOf(f.clock.Now(), account.String(), nil)})
	assert.Contains(t, b.open("/").body, "Everything works: 1 account, 0 triages.")
}
