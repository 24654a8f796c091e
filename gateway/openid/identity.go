package openid

import (
	"slices"
	"strings"
)

// Identity is a person as the provider knows them. Issuer and Subject together are who it is, for ever; the rest may change.
type Identity struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
	// Email is "" where the provider does not say that it has verified it: whoever may write any address would be anybody.
	Email string `json:"email,omitempty"`
	// Groups are those that the registration names, sorted. Some people are in hundreds, and a cookie has to hold this.
	Groups []string `json:"groups,omitempty"`
}

// Name returns the address, or else the subject, for people and the audit log.
func (i Identity) Name() string {
	if i.Email != "" {
		return i.Email
	}
	return i.Subject
}

// claims are those of an ID token or of the UserInfo endpoint.
type claims map[string]any

func (c claims) text(name string) string {
	text, _ := c[name].(string)
	return text
}

// yes reports whether a claim is true. AWS Cognito writes it as text.
func (c claims) yes(name string) bool { return c[name] == true || c[name] == "true" }

// list returns a claim that is a list of texts, or one.
func (c claims) list(name string) []string {
	switch value := c[name].(type) {
	case string:
		return []string{value}
	case []any:
		var texts []string
		for _, item := range value {
			if text, ok := item.(string); ok {
				texts = append(texts, text)
			}
		}
		return texts
	}
	return nil
}

// lack reports whether the claims leave out what decides who a person is to us.
func (c claims) lack(r Registration) bool {
	_, email := c["email"]
	_, groups := c[r.groupsClaim()]
	return !email || len(r.Groups) > 0 && !groups
}

// complete takes over what is left out. An address and whether it is verified belong together.
func (c claims) complete(more claims, groups string) {
	if _, own := c["email"]; !own {
		c["email"], c["email_verified"] = more["email"], more["email_verified"]
	}
	if _, own := c[groups]; !own {
		c[groups] = more[groups]
	}
}

// maxSubject is what OpenID Connect Core §2 allows, and maxEmail what RFC 5321 §4.5.3.1 does.
const maxSubject, maxEmail = 255, 254

func (c claims) identity(r Registration, subject string) (Identity, *Error) {
	if subject == "" || len(subject) > maxSubject || strings.ContainsFunc(subject, notVisible) {
		return Identity{}, refused("the ID token names nobody")
	}
	person := Identity{Issuer: r.Issuer, Subject: subject}
	if email := c.text("email"); c.yes("email_verified") && len(email) <= maxEmail && !strings.ContainsFunc(email, notVisible) {
		person.Email = email
	}
	for _, group := range c.list(r.groupsClaim()) {
		if slices.Contains(r.Groups, group) {
			person.Groups = append(person.Groups, group)
		}
	}
	slices.Sort(person.Groups)
	person.Groups = slices.Compact(person.Groups)
	return person, nil
}

// notVisible reports what could make a name read differently. OpenID subjects are ASCII, and so are verified addresses.
func notVisible(r rune) bool { return r <= ' ' || r > '~' }
