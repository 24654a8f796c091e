package sandbox

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Books is what happened, as the servers saw it. With R reports posted and I issues created it always holds that
// I = R - Missing + Duplicates + Unexpected.
type Books struct {
	MessagesPosted int `json:"messages_posted"` // by people and other apps, thread replies included
	// ReportsPosted are the bug reports among them, in channels that the app is in: it cannot miss what it cannot read. One that
	// was deleted counts if it has an issue.
	ReportsPosted int `json:"reports_posted"`
	Edits         int `json:"edits"` // messages that were edited

	IssuesCreated int `json:"issues_created"` // through the API
	// Duplicates are issues beyond the first whose marker names the same report.
	Duplicates int `json:"duplicates"`
	// Missing are reports without an issue.
	Missing int `json:"missing"`
	// Unexpected are issues whose body marks no report: no marker, several, or the marker of another message.
	Unexpected int `json:"unexpected_issues"`

	Refreshes      int         `json:"refreshes"`
	RefreshesByApp map[App]int `json:"refreshes_by_app"`
	// RefreshesRefused are refresh tokens that the server looked at and refused, for whatever reason.
	RefreshesRefused int `json:"refreshes_refused"`
	// RefreshTokensPresentedTwice counts presentations of a refresh token that was spent before: used, and past its grace
	// where the app has one. A request that a fault kept from the server spends nothing.
	RefreshTokensPresentedTwice int `json:"refresh_tokens_presented_twice"`
	// MintsByApp are tokens that an app got for itself; MintsRefused are its requests for one that were looked at and
	// refused.
	MintsByApp   map[App]int `json:"mints_by_app,omitempty"`
	MintsRefused int         `json:"mints_refused,omitempty"`
	// Reauthorizations are authorization codes exchanged after the first of their app.
	Reauthorizations int `json:"reauthorizations"`
	TokensIssued     int `json:"tokens_issued"`

	// AuthFailures are API requests that carried a token and were refused for it.
	AuthFailures int `json:"auth_failures"`
	// UnreplayedAuthFailures are those after which no such request was accepted; OpenAuthFailures names them. Requests
	// for files of repositories are left out, because readers cache them.
	UnreplayedAuthFailures int      `json:"unreplayed_auth_failures"`
	OpenAuthFailures       []string `json:"open_auth_failures,omitempty"`

	// RateLimited are answers with Retry-After or an exhausted limit; RateLimitsIgnored are requests to the same endpoint
	// that came too early.
	RateLimited       int `json:"rate_limited"`
	RateLimitsIgnored int `json:"rate_limits_ignored"`

	FaultsHit int `json:"faults_hit"`
	// ModelTokens is the number of tokens that the model charged for.
	ModelTokens int            `json:"model_tokens,omitempty"`
	Requests    map[string]int `json:"requests"` // :: "slack conversations.history" → how many arrived

	// Replies and Reactions are what the app did to messages. :: key of the message → how many, → which
	Replies   map[string]int      `json:"replies"`
	Reactions map[string][]string `json:"reactions"`

	MissingReports   []string `json:"missing_reports,omitempty"`   // keys
	DuplicateReports []string `json:"duplicate_reports,omitempty"` // keys
	UnexpectedIssues []string `json:"unexpected_titles,omitempty"` // "owner/name#7 title"
}

// Books returns the books as they are at this moment.
func (s *Sandbox) Books() Books {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.ledger.books()
	reports := s.bookMessages(&b)
	s.bookIssues(&b, reports)
	return b
}

// TokenRequests returns when each request to an endpoint of an authorization server arrived, such as "github token.refresh".
func (s *Sandbox) TokenRequests(endpoint string) []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ledger.tokenRequests[endpoint])
}

func (l *ledger) books() Books {
	b := Books{
		RefreshesByApp: maps.Clone(l.refreshes), RefreshesRefused: l.refused,
		MintsByApp: maps.Clone(l.mints), MintsRefused: l.mintsRefused,
		RefreshTokensPresentedTwice: l.presentedTwice, Reauthorizations: l.reauthorizations(), TokensIssued: len(l.issued),
		AuthFailures: l.authFailures, UnreplayedAuthFailures: len(l.open), OpenAuthFailures: l.openAuthFailures(),
		RateLimited: l.rateLimited, RateLimitsIgnored: l.limitsIgnored, FaultsHit: l.faultsHit, ModelTokens: l.modelTokens,
		Requests: maps.Clone(l.requests), Replies: map[string]int{}, Reactions: map[string][]string{},
	}
	for _, refreshes := range l.refreshes {
		b.Refreshes += refreshes
	}
	return b
}

// bookMessages counts what was said, and returns the keys of the reports in the order they were posted.
func (s *Sandbox) bookMessages(b *Books) (reports []string) {
	for _, ch := range s.workspace.channels {
		for _, m := range slices.Concat(ch.messages, ch.removed) {
			key := m.key(s.options.Team)
			s.bookReplies(b, m, key)
			if m.ours {
				continue
			}
			b.MessagesPosted++
			if m.editedTS != "" {
				b.Edits++
			}
			if m.Report && !ch.BotAbsent && (!m.deleted || s.hub.filed(key)) {
				b.ReportsPosted++
				reports = append(reports, key)
			}
		}
	}
	return reports
}

// filed reports whether there is an issue for a report.
func (h *hub) filed(key string) bool {
	return slices.ContainsFunc(h.repositories, func(r *repository) bool {
		return slices.ContainsFunc(r.issues, func(i *issue) bool { return !i.seeded && i.key() == key })
	})
}

// bookReplies counts what the app did to one message.
func (s *Sandbox) bookReplies(b *Books, m *message, key string) {
	for _, reply := range m.replies {
		if reply.ours {
			b.Replies[key]++
		}
	}
	for _, r := range m.reactions {
		if slices.Contains(r.Users, botUserID) {
			b.Reactions[key] = append(b.Reactions[key], r.Name)
		}
	}
}

// bookIssues compares the issues that were created with the reports that were posted.
func (s *Sandbox) bookIssues(b *Books, reports []string) {
	filed := map[string]int{} // :: key of a report → issues
	for _, key := range reports {
		filed[key] = 0
	}
	for _, r := range s.hub.repositories {
		for _, i := range r.issues {
			if !i.seeded {
				b.IssuesCreated++
				b.bookIssue(i, filed)
			}
		}
	}
	for _, key := range reports {
		if filed[key] == 0 {
			b.Missing++
			b.MissingReports = append(b.MissingReports, key)
		}
	}
}

func (b *Books) bookIssue(i *issue, filed map[string]int) {
	key := i.key()
	if _, isReport := filed[key]; !isReport {
		b.Unexpected++
		b.UnexpectedIssues = append(b.UnexpectedIssues, fmt.Sprintf("%s#%d %s", i.repository.fullName(), i.number, i.title))
		return
	}
	filed[key]++
	if filed[key] > 1 {
		b.Duplicates++
		b.DuplicateReports = append(b.DuplicateReports, key)
	}
}
