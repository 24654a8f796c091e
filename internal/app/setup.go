package app

import (
	"maps"
	"slices"

	"tokenkeeper/config"
	"tokenkeeper/model"
	"tokenkeeper/oauth"
)

// setup is one reading of the configuration, and what is made of it. It never changes; a reload replaces it as a whole.
type setup struct {
	config  *config.Config
	clients map[string]*oauth.Client // :: connector name → the client of its authorization server
	model   *model.Client            // nil where the rules read messages
	spent   *meter                   // outlives a reading: a changed file begins no new day
}

// newSetup keeps the clients of connectors that have not changed. before is nil for the first reading.
func newSetup(c *config.Config, before *setup) *setup {
	s := &setup{config: c, clients: map[string]*oauth.Client{}, spent: &meter{}}
	if before != nil {
		s.spent = before.spent
	}
	if c.Model.InUse() {
		s.model = newModel(c.Model, s.spent)
	}
	for name, connector := range c.Connectors {
		if before != nil && !before.differs(connector) {
			s.clients[name] = before.clients[name]
			continue
		}
		s.clients[name] = newOAuthClient(connector, c.Gateway.RedirectURL(name))
	}
	return s
}

// differs reports whether a connector is new, or another than in this setup.
func (s *setup) differs(next config.Connector) bool {
	old, known := s.config.Connector(next.Name)
	return !known || !old.Same(next)
}

// changedFrom returns the connectors that are new or differ, sorted.
func (s *setup) changedFrom(before *setup) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(s.config.Connectors)), func(name string) bool {
		return !before.differs(s.config.Connectors[name])
	})
}

func newOAuthClient(c config.Connector, redirectURL string) *oauth.Client {
	key, keyID := c.SigningKey()
	return oauth.NewClient(c.Provider, oauth.Registration{
		ClientID: c.ClientID, ClientSecret: c.ClientSecret(), RedirectURL: redirectURL, Scopes: c.Scopes,
		Grant: c.Grant, Key: key, KeyID: keyID, Issuer: c.Issuer(), Subject: c.Subject, Audience: c.Audience,
		InstallationID: c.InstallationID,
	}, oauth.Options{Timeout: c.Timeout})
}
