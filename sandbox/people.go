package sandbox

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Kind is what somebody means by a message.
type Kind string

// The kinds of messages that [People] write.
const (
	KindReport  Kind = "report"  // a bug report: the only kind with Message.Report set
	KindChatter Kind = "chatter" // questions, thanks, notices
	KindReply   Kind = "reply"   // in the thread of an earlier report
	KindBot     Kind = "bot"     // another app; may well speak of errors
	KindJoin    Kind = "join"    // a system message with a subtype
	KindEdit    Kind = "edit"    // changes an earlier message, reports too
)

// hand is what people write in twelve turns, in any order: half of it reports.
var hand = [...]Kind{
	KindReport, KindReport, KindReport, KindReport, KindReport, KindReport,
	KindChatter, KindChatter, KindChatter, KindReply, KindEdit, KindBot,
}

// People write what people write into a channel of a team that ships software. The same seed writes the same.
// They are for one goroutine.
type People struct {
	seed    uint64
	random  *rand.Rand
	users   []User
	written int
	turns   []Kind
	decks   map[Kind]*deck
	reports []Message // to reply to
	edits   []Message // to edit, each once
}

// NewPeople returns the people of a seed.
func NewPeople(seed uint64) *People {
	p := &People{seed: seed, random: rand.New(rand.NewPCG(seed, 0)), users: roster(), decks: map[Kind]*deck{}} //nolint:gosec // nothing to guard
	for _, pile := range []struct {
		kind Kind
		file string
	}{{KindReport, "reports"}, {KindChatter, "chatter"}, {KindReply, "replies"}, {KindBot, "apps"}, {KindEdit, "edits"}} {
		p.decks[pile.kind] = &deck{random: p.random, cards: words(pile.file)}
	}
	return p
}

// Next returns the next message. Replies and edits name an earlier one by Ref, so messages have to be delivered in order.
func (p *People) Next() Message {
	p.written++
	switch p.turn() {
	case KindChatter:
		return p.chat()
	case KindReply:
		return p.reply()
	case KindEdit:
		return p.edit()
	case KindBot:
		return p.bot()
	default:
		return p.Report()
	}
}

// Report returns a bug report out of turn.
func (p *People) Report() Message {
	report := p.decks[KindReport].draw()
	m := Message{
		Ref: p.ref(), Kind: KindReport, User: p.user().ID, Text: p.fill(report.text), Files: report.files, Report: true,
	}
	p.reports, p.edits = append(p.reports, m), append(p.edits, m)
	return m
}

// turn deals kinds; replies and edits become reports as long as there is nothing to speak of.
func (p *People) turn() Kind {
	if len(p.turns) == 0 {
		p.turns = append(p.turns, hand[:]...)
		p.random.Shuffle(len(p.turns), func(i, j int) { p.turns[i], p.turns[j] = p.turns[j], p.turns[i] })
	}
	kind := p.turns[0]
	p.turns = p.turns[1:]
	if kind == KindReply && len(p.reports) == 0 || kind == KindEdit && len(p.edits) == 0 {
		return KindReport
	}
	return kind
}

// chat is mostly people talking, and now and then somebody who joins.
func (p *People) chat() Message {
	user := p.user()
	if p.random.IntN(8) == 0 {
		return Message{
			Ref: p.ref(), Kind: KindJoin, User: user.ID, Subtype: "channel_join", Text: "<@" + user.ID + "> has joined the channel",
		}
	}
	m := Message{Ref: p.ref(), Kind: KindChatter, User: user.ID, Text: p.say(KindChatter)}
	p.edits = append(p.edits, m)
	return m
}

func (p *People) reply() Message {
	parent := p.reports[p.random.IntN(len(p.reports))]
	return Message{
		Ref: p.ref(), Kind: KindReply, User: p.user().ID, ReplyTo: parent.Ref, Text: p.say(KindReply),
	}
}

func (p *People) bot() Message {
	name, text, _ := strings.Cut(p.say(KindBot), ": ")
	return Message{Ref: p.ref(), Kind: KindBot, Bot: name, Text: text}
}

func (p *People) edit() Message {
	i := p.random.IntN(len(p.edits))
	m := p.edits[i]
	p.edits = append(p.edits[:i], p.edits[i+1:]...)
	return Message{
		Ref: p.ref(), Kind: KindEdit, User: m.User, EditOf: m.Ref, Text: m.Text + "\n" + p.say(KindEdit),
	}
}

func (p *People) ref() string { return fmt.Sprintf("people-%d-%d", p.seed, p.written) }

func (p *People) user() User { return p.users[p.random.IntN(len(p.users))] }

// say draws a text of a kind.
func (p *People) say(kind Kind) string { return p.fill(p.decks[kind].draw().text) }

// fill puts details into the {places} of a text; a place that occurs twice is the same twice.
func (p *People) fill(text string) string {
	for _, d := range details() {
		if strings.Contains(text, d.place) {
			text = strings.ReplaceAll(text, d.place, d.values[p.random.IntN(len(d.values))])
		}
	}
	return strings.ReplaceAll(text, "{number}", itoa(1000+p.random.IntN(9000)))
}

// deck deals every card once, in a random order, before it deals one again.
type deck struct {
	random *rand.Rand
	cards  []entry
	order  []int
}

func (d *deck) draw() entry {
	if len(d.order) == 0 {
		d.order = d.random.Perm(len(d.cards))
	}
	card := d.cards[d.order[0]]
	d.order = d.order[1:]
	return card
}
