package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
)

func history(p slack.GetConversationHistoryParameters) *slack.GetConversationHistoryParameters {
	p.ChannelID = orElse(p.ChannelID, bugs)
	return &p
}

func (w *world) say(text string) string {
	return w.Post(bugs, sandbox.Message{User: "ada", Text: text})
}

func texts(messages []slack.Message) []string {
	all := []string{}
	for _, m := range messages {
		all = append(all, m.Text)
	}
	return all
}

func TestHistoryPagesNewestFirst(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedSlack()
	var want []string
	for i := range 300 {
		want = append([]string{fmt.Sprint("message ", i)}, want...)
		w.say(fmt.Sprint("message ", i))
	}
	var got []string
	var sizes []int
	parameters := history(slack.GetConversationHistoryParameters{Limit: 70})
	for {
		page, err := client.GetConversationHistoryContext(t.Context(), parameters)
		require.NoError(t, err)
		got = append(got, texts(page.Messages)...)
		sizes = append(sizes, len(page.Messages))
		parameters.Cursor = page.ResponseMetaData.NextCursor
		assert.Equal(t, page.HasMore, parameters.Cursor != "")
		// What is said meanwhile does not move the pages behind the cursor.
		w.say("meanwhile")
		if !page.HasMore {
			break
		}
	}
	assert.Equal(t, want, got)
	assert.Equal(t, []int{70, 70, 70, 70, 20}, sizes)
}

func TestPagesOfAWindowWithoutAnEndGoForward(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedSlack()
	begin := w.say("before")
	for i := range 5 {
		w.say(fmt.Sprint(i))
	}
	for latest, want := range map[string][][]string{
		"":                  {{"1", "0"}, {"3", "2"}, {"4"}},
		"9999999999.999999": {{"4", "3"}, {"2", "1"}, {"0"}},
	} {
		parameters := history(slack.GetConversationHistoryParameters{Oldest: begin, Latest: latest, Limit: 2})
		var got [][]string
		for more := true; more; more = parameters.Cursor != "" {
			page, err := client.GetConversationHistoryContext(t.Context(), parameters)
			require.NoError(t, err)
			got = append(got, texts(page.Messages))
			parameters.Cursor = page.ResponseMetaData.NextCursor
		}
		assert.Equal(t, want, got)
	}
}

func TestHistoryLimits(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedSlack()
	for i := range 1100 {
		w.say(fmt.Sprint(i))
	}
	for limit, want := range map[int]int{0: 100, 15: 15, 999: 999, 5000: 999} {
		page, err := client.GetConversationHistoryContext(t.Context(), history(slack.GetConversationHistoryParameters{Limit: limit}))
		require.NoError(t, err)
		assert.Len(t, page.Messages, want)
	}
	_, err := client.GetConversationHistoryContext(t.Context(), history(slack.GetConversationHistoryParameters{Limit: -1}))
	require.EqualError(t, err, "invalid_limit")
}

func TestHistoryWindow(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedSlack()
	var ts []string
	for i := range 5 {
		w.clock.advance(time.Second)
		ts = append(ts, w.say(fmt.Sprint(i)))
	}
	for _, test := range []struct {
		name           string
		oldest, latest string
		inclusive      bool
		want           []string
	}{
		{name: "everything", want: []string{"4", "3", "2", "1", "0"}},
		{name: "oldest is exclusive", oldest: ts[1], want: []string{"4", "3", "2"}},
		{name: "latest is exclusive", latest: ts[3], want: []string{"2", "1", "0"}},
		{name: "both inclusive", oldest: ts[1], latest: ts[3], inclusive: true, want: []string{"3", "2", "1"}},
		{name: "inclusive without edges", inclusive: true, want: []string{"4", "3", "2", "1", "0"}},
		{name: "a short ts", oldest: strings.TrimSuffix(ts[2], ".000000"), want: []string{"4", "3"}},
		{name: "nothing newer", oldest: ts[4], want: []string{}},
		{name: "zero", oldest: "0", want: []string{"4", "3", "2", "1", "0"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			page, err := client.GetConversationHistoryContext(t.Context(), history(slack.GetConversationHistoryParameters{
				Oldest: test.oldest, Latest: test.latest, Inclusive: test.inclusive,
			}))
			require.NoError(t, err)
			assert.Equal(t, test.want, texts(page.Messages))
		})
	}
}

func TestHistoryErrors(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedSlack()
	for want, parameters := range map[string]slack.GetConversationHistoryParameters{
		"channel_not_found": {ChannelID: "C0NOSUCH"},
		"not_in_channel":    {ChannelID: "C0RANDOM"},
		"invalid_cursor":    {Cursor: "bm9uc2Vuc2U="},
		"invalid_ts_oldest": {Oldest: "yesterday"},
		"invalid_ts_latest": {Latest: "1.2.3"},
	} {
		_, err := client.GetConversationHistoryContext(t.Context(), history(parameters))
		assert.EqualError(t, err, want)
	}
}

func TestFreeWorkspacesHideOldMessages(t *testing.T) {
	w := newWorld(t, sandbox.Options{HistoryWindow: time.Hour})
	token := w.connect(sandbox.Slack).Access
	w.say("old")
	read := func(oldest string) (answer struct {
		Messages  []slack.Message `json:"messages"`
		IsLimited bool            `json:"is_limited"`
	}) {
		_, body := w.post("/slack/api/conversations.history", url.Values{"token": {token}, "channel": {bugs}, "oldest": {oldest}})
		require.NoError(t, json.Unmarshal(body, &answer))
		return answer
	}
	assert.False(t, read("").IsLimited)
	w.clock.advance(2 * time.Hour)
	recent := w.say("new")
	assert.Equal(t, []string{"new"}, texts(read("").Messages))
	assert.True(t, read("").IsLimited)
	assert.False(t, read(recent).IsLimited, "nothing is hidden in this window")
}

func TestTimestampsAreUniqueAndIncreasing(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	assert.Equal(t, "1800000000.000000", w.say("first"))
	assert.Equal(t, "1800000000.000001", w.say("in the same microsecond"))
	w.clock.advance(-time.Minute)
	assert.Equal(t, "1800000000.000002", w.say("after the clock was set back"))
	assert.Equal(t, "1799999940.000000", w.Post("support", sandbox.Message{Text: "each channel has its own"}))
}

func TestShapesOfMessages(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedSlack()
	typed := w.Post(bugs, sandbox.Message{User: "ada", Text: "typed", Files: []sandbox.File{{Name: "a.png", Mimetype: "image/png", Size: 7}}})
	w.Post(bugs, sandbox.Message{Bot: "deploybot", Text: "posted"})
	w.Post(bugs, sandbox.Message{User: "zoë", Text: "<@U0ZO> has joined the channel", Subtype: "channel_join"})
	w.clock.advance(time.Minute)
	require.NoError(t, w.Edit(bugs, typed, "typed better"))

	page, err := client.GetConversationHistoryContext(t.Context(), history(slack.GetConversationHistoryParameters{}))
	require.NoError(t, err)
	join, bot, person := page.Messages[0], page.Messages[1], page.Messages[2]

	assert.Equal(t, "message", person.Type)
	assert.Equal(t, "U0ADA", person.User)
	assert.Equal(t, typed, person.Timestamp)
	assert.Equal(t, "typed better", person.Text)
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, person.ClientMsgID)
	assert.Equal(t, "T0SANDBOX", person.Team)
	assert.Equal(t, &slack.Edited{User: "U0ADA", Timestamp: "1800000060.000000"}, person.Edited)
	require.Len(t, person.Files, 1)
	assert.Equal(t, "a.png", person.Files[0].Name)
	assert.Equal(t, "png", person.Files[0].Filetype)
	assert.Empty(t, person.BotID)

	assert.Empty(t, bot.SubType, "an app's post has no subtype today")
	assert.Equal(t, "B0DEPLOYBOT", bot.BotID)
	assert.Equal(t, "deploybot", bot.BotProfile.Name)
	assert.Empty(t, bot.ClientMsgID)

	assert.Equal(t, "channel_join", join.SubType)
	assert.Equal(t, "U0ZO", join.User)
	assert.Empty(t, join.ClientMsgID)
}

func TestAForwardedMessageIsAnAttachment(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedSlack()
	status, body := w.postJSON("/control/messages", `{"channel":"bug-reports","user":"ada","text":"","forwards":[{"user":"chen","text":"it crashes"}]}`)
	require.Equal(t, http.StatusOK, status, string(body))
	w.Post(bugs, sandbox.Message{User: "ada", Text: "look", Forwards: []sandbox.Forward{{User: "chen", Text: "it crashes", Linked: true}}})

	page, err := client.GetConversationHistoryContext(t.Context(), history(slack.GetConversationHistoryParameters{}))
	require.NoError(t, err)
	assert.Equal(t, []string{"look", ""}, texts(page.Messages))
	for i, m := range page.Messages {
		require.Len(t, m.Attachments, 1)
		a := m.Attachments[0]
		assert.Equal(t, "it crashes", a.Text)
		assert.Equal(t, "chen", a.AuthorName)
		assert.True(t, a.IsMsgUnfurl)
		assert.Equal(t, i == 1, a.IsShare)
	}
	assert.Equal(t, []string{"it crashes"}, w.State().Channels[0].Messages[0].Forwarded)
}

func TestThreads(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedSlack()
	parent := w.say("parent")
	w.say("other")
	for i := range 3 {
		w.Post(bugs, sandbox.Message{User: []string{"bjorn", "chen", "bjorn"}[i], Text: fmt.Sprint("reply ", i), ThreadTS: parent})
	}
	_, broadcast, err := client.PostMessageContext(t.Context(), bugs, slack.MsgOptionText("from the app", false),
		slack.MsgOptionTS(parent), slack.MsgOptionBroadcast())
	require.NoError(t, err)

	page, err := client.GetConversationHistoryContext(t.Context(), history(slack.GetConversationHistoryParameters{}))
	require.NoError(t, err)
	assert.Equal(t, []string{"from the app", "other", "parent"}, texts(page.Messages), "replies stay in their thread")
	root := page.Messages[2]
	assert.Equal(t, 4, root.ReplyCount)
	assert.Equal(t, parent, root.ThreadTimestamp)
	assert.Equal(t, broadcast, root.LatestReply)
	assert.Equal(t, []string{"U0BJORN", "U0CHEN", "U0TRIAGEBOT"}, root.ReplyUsers)

	var got []string
	parameters := &slack.GetConversationRepliesParameters{ChannelID: bugs, Timestamp: parent, Limit: 2}
	for more := true; more; {
		var messages []slack.Message
		messages, more, parameters.Cursor, err = client.GetConversationRepliesContext(t.Context(), parameters)
		require.NoError(t, err)
		got = append(got, texts(messages)...)
	}
	assert.Equal(t, []string{"parent", "reply 0", "reply 1", "reply 2", "from the app"}, got)

	alone, _, _, err := client.GetConversationRepliesContext(t.Context(), &slack.GetConversationRepliesParameters{ChannelID: bugs, Timestamp: broadcast})
	require.NoError(t, err)
	assert.Equal(t, []string{"from the app"}, texts(alone))
	assert.Equal(t, "U0ADA", alone[0].ParentUserId)

	none, _, _, err := client.GetConversationRepliesContext(t.Context(), &slack.GetConversationRepliesParameters{ChannelID: bugs, Timestamp: "1.000000"})
	require.EqualError(t, err, "thread_not_found")
	assert.Empty(t, none)
}

func TestPostMessageIsReadBackWithItsMetadata(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedSlack()
	parent := w.say("it is broken")
	metadata := slack.SlackMetadata{EventType: "tokenkeeper_report", EventPayload: map[string]any{"key": "T/C/1"}}
	channel, ts, err := client.PostMessageContext(t.Context(), bugs, slack.MsgOptionText("filed", false),
		slack.MsgOptionTS(parent), slack.MsgOptionMetadata(metadata))
	require.NoError(t, err)
	assert.Equal(t, bugs, channel)

	for include, want := range map[bool]slack.SlackMetadata{true: metadata, false: {}} {
		replies, _, _, err := client.GetConversationRepliesContext(t.Context(), &slack.GetConversationRepliesParameters{
			ChannelID: bugs, Timestamp: parent, IncludeAllMetadata: include,
		})
		require.NoError(t, err)
		require.Len(t, replies, 2)
		assert.Equal(t, ts, replies[1].Timestamp)
		assert.Equal(t, "U0TRIAGEBOT", replies[1].User)
		assert.Equal(t, "B0TRIAGEBOT", replies[1].BotID)
		assert.Equal(t, want, replies[1].Metadata)
	}
	_, _, text, err := client.UpdateMessageContext(t.Context(), bugs, ts, slack.MsgOptionText("filed and closed", false))
	require.NoError(t, err)
	assert.Equal(t, "filed and closed", text)
	for want, target := range map[string]string{"cant_update_message": parent, "message_not_found": "1.000000"} {
		_, _, text, err = client.UpdateMessageContext(t.Context(), bugs, target, slack.MsgOptionText("mine now", false))
		require.EqualError(t, err, want)
		assert.Empty(t, text)
	}
}

// Nothing in Slack's answer is an error where the message is gone: only thread_ts is missing from it.
func TestAReplyToWhatIsNotThereStandsInTheChannel(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	_, body := w.post("/slack/api/chat.postMessage", url.Values{
		"token": {w.connect(sandbox.Slack).Access}, "channel": {bugs}, "text": {"filed"}, "thread_ts": {"1.000000"},
	})
	assert.Contains(t, string(body), `"ok":true`)
	assert.NotContains(t, string(body), "thread_ts")
	assert.Equal(t, "filed", w.State().Channels[0].Messages[0].Text)
}

func TestADeletedMessageIsGone(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedSlack()
	ts := w.say("oops")
	require.NoError(t, w.Delete(bugs, ts))

	page, err := client.GetConversationHistoryContext(t.Context(), history(slack.GetConversationHistoryParameters{}))
	require.NoError(t, err)
	assert.Empty(t, page.Messages)
	none, _, _, err := client.GetConversationRepliesContext(t.Context(), &slack.GetConversationRepliesParameters{ChannelID: bugs, Timestamp: ts})
	require.EqualError(t, err, "thread_not_found")
	assert.Empty(t, none)
	_, err = client.GetPermalinkContext(t.Context(), &slack.PermalinkParameters{Channel: bugs, Ts: ts})
	require.EqualError(t, err, "message_not_found")
	require.EqualError(t, client.AddReactionContext(t.Context(), "eyes", slack.NewRefToMessage(bugs, ts)), "message_not_found")
	require.ErrorContains(t, w.Delete(bugs, ts), "no such message")
	require.ErrorContains(t, w.Delete("C0NOSUCH", ts), "no such channel")
	assert.Equal(t, 1, w.Books().MessagesPosted)
	assert.Greater(t, w.say("anew"), ts)
}

func TestADeletedMessageWithRepliesLeavesATombstone(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedSlack()
	ts := w.Post(bugs, sandbox.Message{User: "ada", Text: "oops", Files: []sandbox.File{{Name: "a.png"}}})
	first := w.Post(bugs, sandbox.Message{User: "bjorn", Text: "what?", ThreadTS: ts})
	require.NoError(t, w.Delete(bugs, ts))

	page, err := client.GetConversationHistoryContext(t.Context(), history(slack.GetConversationHistoryParameters{}))
	require.NoError(t, err)
	require.Len(t, page.Messages, 1)
	tombstone := page.Messages[0]
	assert.Equal(t, []any{"tombstone", "USLACKBOT", "This message was deleted.", true, ts, ts, 1}, []any{
		tombstone.SubType, tombstone.User, tombstone.Text, tombstone.Hidden, tombstone.Timestamp, tombstone.ThreadTimestamp, tombstone.ReplyCount,
	})
	assert.Empty(t, tombstone.Files)
	_, second, err := client.PostMessageContext(t.Context(), bugs, slack.MsgOptionText("gone", false), slack.MsgOptionTS(ts))
	require.NoError(t, err)
	replies, _, _, err := client.GetConversationRepliesContext(t.Context(), &slack.GetConversationRepliesParameters{ChannelID: bugs, Timestamp: ts})
	require.NoError(t, err)
	assert.Equal(t, []string{"This message was deleted.", "what?", "gone"}, texts(replies), "its thread goes on")

	for want, target := range map[string]string{"cant_delete_message": first, "message_not_found": "1.000000"} {
		_, _, err = client.DeleteMessageContext(t.Context(), bugs, target)
		require.EqualError(t, err, want)
	}
	_, _, err = client.DeleteMessageContext(t.Context(), bugs, second)
	require.NoError(t, err)
	require.NoError(t, w.Delete(bugs, first))
	assert.Empty(t, w.State().Channels[0].Messages, "it goes with the last reply")
}

func TestPostMessageErrors(t *testing.T) {
	w := newWorld(t, sandbox.Options{Channels: []sandbox.Channel{
		{ID: bugs, Name: "bug-reports"}, {ID: "C0OLD", Name: "old", Archived: true}, {ID: "C0RANDOM", Name: "random", BotAbsent: true},
	}})
	token := w.connect(sandbox.Slack).Access
	for want, form := range map[string]url.Values{
		"channel_not_found":       {"channel": {"C0NOSUCH"}, "text": {"x"}},
		"not_in_channel":          {"channel": {"C0RANDOM"}, "text": {"x"}},
		"is_archived":             {"channel": {"C0OLD"}, "text": {"x"}},
		"no_text":                 {"channel": {bugs}},
		"msg_too_long":            {"channel": {bugs}, "text": {strings.Repeat("ß", 40001)}},
		"invalid_metadata_format": {"channel": {bugs}, "text": {"x"}, "metadata": {"{}"}},
		"":                        {"channel": {"#bug-reports"}, "text": {strings.Repeat("ß", 40000)}},
	} {
		form.Set("token", token)
		_, body := w.post("/slack/api/chat.postMessage", form)
		var answer tokens
		require.NoError(t, json.Unmarshal(body, &answer))
		assert.Equal(t, want, answer.Error)
	}
}

func TestJSONBodiesAndUnknownMethods(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	token := w.connect(sandbox.Slack).Access
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/slack/api/chat.postMessage", strings.NewReader(
		`{"channel":"`+bugs+`","text":"as JSON","unfurl_links":false,"metadata":{"event_type":"e","event_payload":{"n":1}}}`))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("Authorization", "Bearer "+token)
	response, body := w.do(request)
	assert.Contains(t, string(body), `"text":"as JSON"`)
	assert.Contains(t, string(body), `"event_payload":{"n":1}`)
	assert.Contains(t, response.Header.Get("X-Oauth-Scopes"), "chat:write")
	assert.Equal(t, "chat:write", response.Header.Get("X-Accepted-Oauth-Scopes"))

	_, body = w.post("/slack/api/chat.shout", url.Values{"token": {token}})
	assert.JSONEq(t, `{"ok":false,"error":"unknown_method","req_method":"chat.shout"}`, string(body))
}

func TestMissingScope(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	narrow := w.token(sandbox.Slack, url.Values{
		"code":         {w.consent(sandbox.Slack, "", map[string]string{"scope": "channels:history,users:read"})},
		"redirect_uri": {callback},
	})
	_, _, err := w.slack(narrow.Access).PostMessageContext(t.Context(), bugs, slack.MsgOptionText("x", false))
	var refused slack.SlackErrorResponse
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "missing_scope", refused.Err)
	assert.Equal(t, "chat:write", refused.Needed)
	assert.Equal(t, "channels:history,users:read", refused.Provided)
}

func TestReactions(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedSlack()
	ts := w.say("broken")
	item := slack.NewRefToMessage(bugs, ts)
	require.NoError(t, client.AddReactionContext(t.Context(), "eyes", item))
	require.NoError(t, client.AddReactionContext(t.Context(), ":bug:", item))
	require.EqualError(t, client.AddReactionContext(t.Context(), "eyes", item), "already_reacted")
	require.EqualError(t, client.AddReactionContext(t.Context(), "", item), "invalid_name")
	require.EqualError(t, client.AddReactionContext(t.Context(), "eyes", slack.NewRefToMessage(bugs, "1.000000")), "message_not_found")

	got, err := client.GetReactionsContext(t.Context(), item, slack.GetReactionsParameters{})
	require.NoError(t, err)
	assert.Equal(t, []slack.ItemReaction{
		{Name: "eyes", Users: []string{"U0TRIAGEBOT"}, Count: 1}, {Name: "bug", Users: []string{"U0TRIAGEBOT"}, Count: 1},
	}, got.Reactions)

	require.NoError(t, client.RemoveReactionContext(t.Context(), "eyes", item))
	require.EqualError(t, client.RemoveReactionContext(t.Context(), "eyes", item), "no_reaction")
	assert.Equal(t, map[string][]string{key(ts): {"bug"}}, w.Books().Reactions)
}

func TestDirectory(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedSlack()
	info, err := client.GetConversationInfoContext(t.Context(), &slack.GetConversationInfoInput{ChannelID: "C0RANDOM"})
	require.NoError(t, err)
	assert.Equal(t, "random", info.Name)
	assert.False(t, info.IsMember)

	channels, next, err := client.GetConversationsContext(t.Context(), &slack.GetConversationsParameters{})
	require.NoError(t, err)
	assert.Len(t, channels, 3)
	assert.Empty(t, next)

	members, _, err := client.GetUsersInConversationContext(t.Context(), &slack.GetUsersInConversationParameters{ChannelID: bugs})
	require.NoError(t, err)
	assert.Contains(t, members, "U0TRIAGEBOT")
	assert.Contains(t, members, "U0ADA")

	user, err := client.GetUserInfoContext(t.Context(), "U0BJORN")
	require.NoError(t, err)
	assert.Equal(t, "Björn Lindqvist", user.RealName)
	self, err := client.GetUserInfoContext(t.Context(), "U0TRIAGEBOT")
	require.NoError(t, err)
	assert.True(t, self.IsBot)
	_, err = client.GetUserInfoContext(t.Context(), "U0NOBODY")
	require.EqualError(t, err, "user_not_found")
}

func TestPermalinksLeadToAPage(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedSlack()
	parent := w.say("a <b>bold</b> claim")
	reply := w.Post(bugs, sandbox.Message{Text: "indeed", ThreadTS: parent})
	for _, ts := range []string{parent, reply} {
		link, err := client.GetPermalinkContext(t.Context(), &slack.PermalinkParameters{Channel: bugs, Ts: ts})
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(link, w.url+"/archives/"+bugs+"/p"+strings.ReplaceAll(ts, ".", "")), link)
		status, page := w.get(strings.TrimPrefix(link, w.url))
		assert.Equal(t, http.StatusOK, status)
		assert.Contains(t, string(page), "a &lt;b&gt;bold&lt;/b&gt; claim")
		assert.Contains(t, string(page), "indeed")
	}
	_, err := client.GetPermalinkContext(t.Context(), &slack.PermalinkParameters{Channel: bugs, Ts: "1.000000"})
	require.EqualError(t, err, "message_not_found")
}

func TestDeliverErrors(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	for want, m := range map[string]sandbox.Message{
		`message "nobody": nothing was posted under this ref`: {Text: "x", ReplyTo: "nobody"},
		`message "never": nothing was posted under this ref`:  {Text: "x", EditOf: "never"},
		"thread 1.000000: no such message in channel " + bugs: {Text: "x", ThreadTS: "1.000000"},
	} {
		_, err := w.Deliver(bugs, m)
		assert.EqualError(t, err, want)
	}
	_, err := w.Deliver("C0NOSUCH", sandbox.Message{Text: "x"})
	require.EqualError(t, err, `channel "C0NOSUCH": no such channel`)
	assert.Panics(t, func() { w.Post("C0NOSUCH", sandbox.Message{Text: "x"}) })
	require.EqualError(t, w.Edit("C0NOSUCH", "1.0", "x"), `channel "C0NOSUCH": no such channel`)
	require.EqualError(t, w.Edit(bugs, "1.0", "x"), "message 1.0: no such message in channel "+bugs)
}
