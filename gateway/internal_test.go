package gateway

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/oauth"
	"tokenkeeper/provider"
)

func TestFailuresOfOurOwnSayNothingOfTheirCause(t *testing.T) {
	m := unauthorized(credential.AccountID{}, activities.Connection{}, errors.New("secret-bearing text"))
	assert.Equal(t, http.StatusInternalServerError, m.status)
	assert.NotContains(t, m.Text[0], "secret-bearing")
}

func TestFailureOfAKindOfLater(t *testing.T) {
	m := unauthorized(credential.AccountID{}, activities.Connection{}, &oauth.Error{Kind: "of later"})
	assert.Equal(t, "The consent brought no tokens", m.Title)
}

// Reports may wait for an account that the triage itself does not need.
func TestATriageWhoseReportsWaitIsNotFine(t *testing.T) {
	view := TriageView{State: triagePolling}
	assert.Equal(t, fine, triageTone(view))
	view.Reports.Waiting = []WaitedFor{{Reports: 1}}
	assert.Equal(t, warn, triageTone(view))
}

func TestWait(t *testing.T) {
	assert.Equal(t, "in a minute", wait(&oauth.Error{}))
	assert.Equal(t, "in 30s", wait(&oauth.Error{RetryAfter: 30 * time.Second}))
}

func TestAuthorizeEndpointThatIsNoURL(t *testing.T) {
	conn := activities.Connection{Provider: provider.Provider{Endpoints: provider.Endpoints{Authorize: ":"}}}
	assert.Equal(t, "'self' https:", formTargets(conn))
}

func TestStreamingPassesTheLog(t *testing.T) {
	recorder := httptest.NewRecorder()
	require.NoError(t, http.NewResponseController(&statusWriter{ResponseWriter: recorder}).Flush())
	assert.True(t, recorder.Flushed)
}

func TestClean(t *testing.T) {
	assert.Equal(t, "a b", clean("a\nb"))
	assert.Equal(t, "ab", clean("a\u202e\x00b"))
	assert.Equal(t, "emoji 🐛 und ü", clean("emoji 🐛 und ü"))
}
