package gateway_test

import (
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/gateway"
	"tokenkeeper/internal/chromiumtest"
)

// busyBoard has one of everything.
func busyBoard(f *fixture) {
	now := f.clock.Now()
	dead := deadView(now, "acme/triage/slack")
	conn := connection("fake", f.auth.provider(), f.url, f.clock.Now)
	f.server.Connections = connections{"fake": conn, "slack": conn, "github": conn, "drive-with-a-long-name.example": conn}
	f.board.show([]gateway.AccountView{
		viewOf(now, "acme/triage/github", nil), dead,
		viewOf(now, "acme/jane/drive-with-a-long-name.example", func(v *gateway.AccountView) {
			v.Status, v.Reason = credential.Degraded, "the provider did not answer: HTTP 503; the token is good for 3h12m"
			v.Quarantine = &credential.Quarantine{
				Expected: credential.Holder{Subject: "108204268033311374519", Display: "jane@example.com"},
				Got:      credential.Holder{Subject: "117201475532672775807", Display: "somebody-else-with-a-long-address@example.com"},
				Missing:  []string{"https://www.googleapis.com/auth/drive.readonly", "https://www.googleapis.com/auth/drive.metadata.readonly"},
				Since:    now.Add(-time.Hour), Until: now.Add(71 * time.Hour),
			}
		}),
		viewOf(now, "acme/new/fake", func(v *gateway.AccountView) {
			v.AccountStatus = credential.AccountStatus{Account: v.Account, Provider: "fake", Status: credential.Pending}
			v.Reason, v.WebUI = "no Workflow owns it", ""
		}),
	}, triageOf(now, nil), triageOf(now, func(v *gateway.TriageView) {
		v.Triage, v.State = "acme/support", "waiting"
		v.Waiting = []activities.Unavailable{{Account: dead.Account, Status: dead.Status}}
		v.Channels[0].Channel, v.Channels[0].Trouble = "C0SUPPORT", "not_in_channel"
		v.Reports.Waiting = []gateway.WaitedFor{{Account: dead.Account, Status: dead.Status, Reports: 3}}
		v.Reports.Parked = []gateway.ParkedReport{{Report: "T1/C1/1700000000.000100", Reason: "issues are disabled in acme/app"}}
	}))
}

func TestStatusPageInABrowser(t *testing.T) {
	for name, s := range map[string]chromiumtest.Screen{"light": chromiumtest.Desktop, "dark": chromiumtest.Night, "phone": chromiumtest.Phone} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			busyBoard(f)
			b := chromiumtest.New(t, s)
			b.Open(f.url + "/")
			b.See("2 of 4 accounts need a person")
			b.Picture("status-" + name)
			assert.Zero(t, b.Overflow(), "nobody has to scroll sideways")
			background := chromiumtest.Ask[string](b, `getComputedStyle(document.body).backgroundColor`)
			assert.Equal(t, s.Dark, background == "rgb(18, 22, 28)", background)
			assert.Empty(t, b.LowContrast(), "too little contrast")
			if s.Mobile {
				assert.Empty(t, b.SmallTargets(), "too small for a thumb")
			}
		})
	}
}

// What a screen reader goes by: landmarks, headings in order, names.
func TestStatusPageForAScreenReader(t *testing.T) {
	f := newFixture(t)
	busyBoard(f)
	b := chromiumtest.New(t, chromiumtest.Desktop)
	b.Open(f.url + "/")
	b.See("1 of 4 accounts")
	seen := map[string]bool{}
	for _, n := range chromiumtest.Command(b, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes {
		if n.Ignored || n.Role == nil || n.Name == nil {
			continue
		}
		role, name := string(n.Role.Value), string(n.Name.Value)
		seen[role+" "+name] = true
		if role == `"link"` || role == `"button"` || role == `"textbox"` {
			require.NotEqual(t, `""`, name, "a %s without a name", role)
		}
	}
	for _, want := range []string{
		`"main" ""`, `"region" "Accounts"`, `"region" "Triages"`, `"heading" "acme/triage/slack"`, `"heading" "acme/support"`,
		`"link" "Workflow in Temporal of acme/triage/slack"`,
	} {
		assert.True(t, seen[want], "%s is not in the accessibility tree", want)
	}
	levels := chromiumtest.Ask[[]int](b, `[...document.querySelectorAll('h1, h2, h3, h4')].map(h => Number(h.tagName[1]))`)
	require.Equal(t, 1, levels[0])
	for i := range levels[1:] {
		assert.LessOrEqual(t, levels[i+1], levels[i]+1, "a level of headings is left out")
	}
	assert.Equal(t, "en", chromiumtest.Ask[string](b, `document.documentElement.lang`))
}
