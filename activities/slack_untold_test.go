package activities_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
)

const (
	archivedChannel = "the channel is archived"
	infos           = "slack conversations.info"
)

func (w *world) change(c sandbox.Channel) {
	w.t.Helper()
	c.ID, c.Name = bugs, "bug-reports"
	require.NoError(w.t, w.ChangeChannel(c))
}

// The issue is filed: what Slack will never take into the thread is no reason to wait for a person. What somebody can mend is.
func TestAReplyThatNothingHangsOnIsLeftWhereSlackWillNeverTakeIt(t *testing.T) {
	for name, c := range map[string]struct {
		channel sandbox.Channel
		code    string
		untold  string
		asked   int // about the channel
	}{
		"archived":                    {channel: sandbox.Channel{Archived: true}, untold: archivedChannel},
		"archived, and so taken away": {channel: sandbox.Channel{Archived: true, BotAbsent: true}, untold: archivedChannel, asked: 1},
		"taken away":                  {channel: sandbox.Channel{BotAbsent: true}, asked: 1},
		"unknown":                     {code: "channel_not_found", asked: 1},
		"locked":                      {code: "restricted_action_thread_locked", untold: "the thread is locked"},
		"no thread":                   {code: "cannot_reply_to_message", untold: "Slack takes no replies to this message"},
		"forbidden":                   {code: "restricted_action"},
		"no scope":                    {code: "missing_scope"},
	} {
		for _, lookFirst := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				w := newWorld(t, sandbox.Options{})
				w.connect(slackAccount)
				in := w.reply(w.message(crash))
				in.Optional, in.LookFirst = true, lookFirst
				w.change(c.channel)
				if c.code != "" {
					w.fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "chat.postMessage", Kind: sandbox.FaultStatus, Code: c.code})
				}

				got := once(w, w.slack.Reply, in)

				assert.Equal(t, c.asked, w.Books().Requests[infos])
				if c.untold == "" {
					got.fails(t, activities.ErrTypeRejected, in.Report.String())
					return
				}
				require.NoError(t, got.err)
				assert.Equal(t, activities.Posted{Untold: c.untold}, got.out)
				assert.Empty(t, w.Books().Replies)
			})
		}
	}
}

func TestAReplyThatCannotBeEditedInAnArchivedChannelIsLeft(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.reply(w.message(crash))
	require.NoError(t, once(w, w.slack.Reply, in).err)
	in.Optional, in.LookFirst, in.Issue.URL = true, true, "https://github.com/acme/app/issues/9"
	w.change(sandbox.Channel{Archived: true})

	got := once(w, w.slack.Reply, in)

	require.NoError(t, got.err)
	assert.Equal(t, activities.Posted{Untold: archivedChannel}, got.out)
}

// A question is another matter: nobody can answer what nobody was asked.
func TestAQuestionInAnArchivedChannelNeedsAPerson(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := activities.ReplyInput{Account: slackAccount, Report: w.message(crash), Text: "File this?", Stage: "asked"}
	w.change(sandbox.Channel{Archived: true})
	once(w, w.slack.Reply, in).fails(t, activities.ErrTypeRejected, "is_archived", "unarchive")
}

func TestAMarkThatSlackWillNeverTakeIsLeft(t *testing.T) {
	for name, c := range map[string]struct {
		channel sandbox.Channel
		code    string
		why     string
		claimed bool // in the end
	}{
		"archived":                    {channel: sandbox.Channel{Archived: true}, why: archivedChannel, claimed: true},
		"archived, and so taken away": {channel: sandbox.Channel{Archived: true, BotAbsent: true}, why: archivedChannel, claimed: true},
		"too many":                    {code: "too_many_emoji", why: "as many reactions as it may have"},
		"taken away":                  {channel: sandbox.Channel{BotAbsent: true}, claimed: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			w.connect(slackAccount)
			key := w.message(crash)
			in := activities.ReactInput{Account: slackAccount, Report: key, Emoji: "eyes"}
			require.NoError(t, once(w, noResult(w.slack.React), in).err)
			in.Emoji, in.Instead = "white_check_mark", "eyes"
			w.change(c.channel)
			if c.code != "" {
				w.fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "reactions.add", Kind: sandbox.FaultStatus, Code: c.code})
			}

			got := once(w, noResult(w.slack.React), in)

			if c.why == "" {
				got.fails(t, activities.ErrTypeRejected, "not_in_channel", "/invite")
			} else {
				require.NoError(t, got.err)
				assert.Contains(t, w.log.String(), c.why)
			}
			assert.Equal(t, c.claimed, len(w.Books().Reactions[key.String()]) > 0, "a claim would say that it is not filed yet")
		})
	}
}

// What becomes of issues whose channel was archived is no news there, and no trouble.
func TestTheThreadsOfAnArchivedChannelAreNotFollowed(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	w.connect(githubAccount)
	w.change(sandbox.Channel{Archived: true, BotAbsent: true})
	threads := &activities.Threads{Slack: w.slack, GitHub: w.github}
	in := activities.FollowInput{Triage: "acme/bug-reports", Report: triage.Key{Team: "T0SANDBOX", Channel: bugs, TS: "1700000000.000100"}}

	got := once(w, threads.FollowThread, in)

	require.NoError(t, got.err)
	assert.Zero(t, got.out)
	w.change(sandbox.Channel{BotAbsent: true})
	once(w, threads.FollowThread, in).fails(t, activities.ErrTypeRejected, "not_in_channel", "/invite")
}
