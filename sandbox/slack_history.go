package sandbox

import (
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"strings"
)

// maxPage is the most a page of history holds; a greater limit is cut to it.
const maxPage = 999

// window is which messages of a channel a call asks for.
type window struct {
	oldest, latest int64
	inclusive      bool
	forward        bool // it has a beginning, and no end
	limit          int
	cursor         int64 // first message of this page; 0 on the first page
}

func parseWindow(c *call, defaultLimit int) (window, error) {
	w := window{latest: math.MaxInt64, limit: defaultLimit, inclusive: truth(c.params.Get("inclusive"))}
	for _, edge := range []struct {
		name   string
		target *int64
	}{{"oldest", &w.oldest}, {"latest", &w.latest}} {
		if value := c.params.Get(edge.name); value != "" {
			micros, ok := parseTS(value)
			if !ok {
				return window{}, slackError("invalid_ts_" + edge.name)
			}
			*edge.target = micros
		}
	}
	w.forward = c.params.Get("oldest") != "" && c.params.Get("latest") == ""
	if err := w.page(c); err != nil {
		return window{}, err
	}
	return w, nil
}

func (w *window) page(c *call) error {
	if value := c.params.Get("limit"); value != "" {
		limit, err := strconv.Atoi(value)
		if err != nil || limit < 1 {
			return slackError("invalid_limit")
		}
		w.limit = min(limit, maxPage)
	}
	if value := c.params.Get("cursor"); value != "" {
		cursor, ok := parseCursor(value)
		if !ok {
			return slackError("invalid_cursor")
		}
		w.cursor = cursor
	}
	return nil
}

// holds reports whether a message lies between the edges, which count only when asked for.
func (w window) holds(m *message) bool {
	if w.inclusive {
		return m.micros >= w.oldest && m.micros <= w.latest
	}
	return m.micros > w.oldest && m.micros < w.latest
}

// A cursor says where the next page begins, in the form Slack's have, and is as opaque to a client.
func formatCursor(m *message) string {
	return base64.StdEncoding.EncodeToString([]byte("next_ts:" + strconv.FormatInt(m.micros, 10)))
}

func parseCursor(cursor string) (micros int64, ok bool) {
	plain, err := base64.StdEncoding.DecodeString(cursor)
	if err != nil {
		return 0, false
	}
	digits, found := strings.CutPrefix(string(plain), "next_ts:")
	if !found {
		return 0, false
	}
	micros, err = strconv.ParseInt(digits, 10, 64)
	return micros, err == nil && micros > 0
}

// page is up to limit messages in the order of the answer, and where the next page begins.
type page struct {
	messages []*message
	next     *message
}

func (p *page) add(m *message, limit int) (full bool) {
	if len(p.messages) == limit {
		p.next = m
		return true
	}
	p.messages = append(p.messages, m)
	return false
}

// conversationsHistory answers newest first, so that a reader who stops after one page of many has seen the end of the
// window and not its beginning. Of a window without an end it is the other way round, as Slack's reference once said
// (github.com/slackhq/slack-api-docs, methods/channels.history.md): its pages go forward from the oldest message.
func (s *Sandbox) conversationsHistory(c *call, g *grant) (map[string]any, error) {
	ch, err := s.joined(c, g)
	if err != nil {
		return nil, err
	}
	w, err := parseWindow(c, 100)
	if err != nil {
		return nil, err
	}
	if s.narrow() {
		w.limit = min(w.limit, narrowPage)
	}
	p, limited := s.newest(ch, w)
	fields := s.pageFields(c, p)
	fields["pin_count"] = 0
	fields["is_limited"] = limited
	return fields, nil
}

func (s *Sandbox) newest(ch *channel, w window) (p page, limited bool) {
	hiddenBefore := int64(0)
	if s.options.HistoryWindow > 0 {
		hiddenBefore = s.now().Add(-s.options.HistoryWindow).UnixMicro()
	}
	if w.forward {
		return s.oldest(ch, w, hiddenBefore)
	}
	for _, m := range slices.Backward(ch.messages) {
		if !m.inHistory(s.now()) || !w.holds(m) || w.cursor != 0 && m.micros > w.cursor {
			continue
		}
		if m.micros < hiddenBefore {
			return p, true
		}
		if p.add(m, w.limit) {
			break
		}
	}
	return p, false
}

// oldest returns the page after the cursor, which has the newest of its messages first.
func (s *Sandbox) oldest(ch *channel, w window, hiddenBefore int64) (p page, limited bool) {
	for _, m := range ch.messages {
		if !m.inHistory(s.now()) || !w.holds(m) || m.micros < w.cursor {
			continue
		}
		if m.micros < hiddenBefore {
			limited = true
			continue
		}
		if p.add(m, w.limit) {
			break
		}
	}
	slices.Reverse(p.messages)
	return p, limited
}

// conversationsReplies answers oldest first with the parent in front, whatever the window. A message without a thread
// comes back alone.
func (s *Sandbox) conversationsReplies(c *call, g *grant) (map[string]any, error) {
	ch, err := s.joined(c, g)
	if err != nil {
		return nil, err
	}
	w, err := parseWindow(c, maxPage)
	if err != nil {
		return nil, err
	}
	if s.narrow() {
		w.limit = min(w.limit, narrowPage)
	}
	root := ch.byTS[c.params.Get("ts")]
	if root == nil {
		return nil, slackError("thread_not_found")
	}
	return s.pageFields(c, oldestFirst(root, w)), nil
}

func oldestFirst(root *message, w window) (p page) {
	if w.cursor == 0 {
		p.add(root, w.limit)
	}
	for _, m := range root.replies {
		if w.holds(m) && m.micros >= w.cursor && p.add(m, w.limit) {
			break
		}
	}
	return p
}

func (s *Sandbox) pageFields(c *call, p page) map[string]any {
	fields := map[string]any{
		"messages": s.wireAll(c, p.messages, truth(c.params.Get("include_all_metadata"))),
		"has_more": p.next != nil,
	}
	if p.next != nil {
		fields["response_metadata"] = map[string]any{"next_cursor": formatCursor(p.next)}
	}
	return fields
}
