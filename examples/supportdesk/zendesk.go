package supportdesk

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// Zendesk holds the Activities that write to Zendesk.
type Zendesk struct {
	APIs activities.APIs
}

// TicketInput asks for one ticket of one message.
type TicketInput struct {
	Account credential.AccountID `json:"account"`
	Message triage.Message       `json:"message"`
	// LookFirst says that the ticket may exist although this is the first attempt.
	LookFirst bool `json:"look_first,omitempty"`
}

// Ticket is what Zendesk made of a message.
type Ticket struct {
	ID int `json:"id"`
}

func (t Ticket) reply() string {
	return "Opened ticket #" + strconv.Itoa(t.ID) + ". We will answer here."
}

// envelope is how Zendesk wraps a ticket.
type envelope struct {
	Ticket ticket `json:"ticket"`
}

// ticket has the members that matter here, by developer.zendesk.com/api-reference/ticketing/tickets/tickets.
type ticket struct {
	ID         int      `json:"id,omitempty"`
	ExternalID string   `json:"external_id"` // our mark: the message's key
	Subject    string   `json:"subject"`
	Comment    *comment `json:"comment,omitempty"`
	Tags       []string `json:"tags,omitempty"`
}

type comment struct {
	Body string `json:"body"` // plain text
}

// OpenTicket opens the message's ticket, once. Zendesk knows an Idempotency-Key, which holds for two hours; whoever comes
// later looks for the external id.
// Errors: those of [activities.CallError] and [activities.Write.Once].
func (z *Zendesk) OpenTicket(ctx context.Context, in TicketInput) (Ticket, error) {
	key := in.Message.String()
	doing := "opening the ticket of message " + key
	return activities.Write[Ticket]{
		Doing:     doing,
		LookFirst: in.LookFirst,
		Find: func(ctx context.Context) (Ticket, bool, error) {
			var list struct {
				Tickets []ticket `json:"tickets"`
			}
			err := activities.Call{
				Account: in.Account, Method: http.MethodGet, Path: "api/v2/tickets.json", Query: url.Values{"external_id": {key}},
			}.Do(ctx, z.APIs, &list)
			switch {
			case err != nil:
				return Ticket{}, false, activities.CallError("looking for the ticket of message "+key, err)
			case len(list.Tickets) == 0:
				return Ticket{}, false, nil
			}
			return Ticket{ID: list.Tickets[0].ID}, true, nil
		},
		Do: func(ctx context.Context) (Ticket, error) {
			var opened envelope
			err := activities.Call{
				Account: in.Account, Method: http.MethodPost, Path: "api/v2/tickets.json",
				Header: http.Header{"Idempotency-Key": {key}},
				Body: envelope{ticket{
					ExternalID: key, Subject: in.Message.Title(), Comment: &comment{body(in.Message)}, Tags: []string{"slack"},
				}},
			}.Do(ctx, z.APIs, &opened)
			return Ticket{ID: opened.Ticket.ID}, err
		},
		Failed: func(_ time.Duration, err error) error { return activities.CallError(doing, err) },
	}.Once(ctx)
}

// body is the message as an agent at the desk wants to read it.
func body(m triage.Message) string {
	who := m.UserName
	if who == "" {
		who = m.User
	}
	return m.PlainText() + "\n\n" + who + " in Slack: " + m.Permalink
}
