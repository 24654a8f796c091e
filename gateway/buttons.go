package gateway

import "tokenkeeper/credential"

// buttons are what an operator may do to an account now.
type buttons struct {
	Connect     bool
	Reauthorize bool
	Needed      bool // the consent is what the account waits for
	Refresh     bool
	Disconnect  bool
}

// Any reports whether there is one.
func (b buttons) Any() bool { return b.Connect || b.Reauthorize || b.Refresh || b.Disconnect }

// buttonsFor returns the buttons of an account; none for somebody who may only look.
func (s *Server) buttonsFor(who Person, view AccountView) buttons {
	if !who.May(Operator) {
		return buttons{}
	}
	conn, err := s.Connections.Connection(view.Account)
	configured, mints := err == nil, err == nil && conn.Grant.Mints()
	b := buttons{Needed: view.Status == credential.Pending || view.Status == credential.ReauthorizationRequired}
	switch view.Status {
	case credential.Pending, credential.Disconnected:
		b.Connect, b.Disconnect = configured, view.Disconnecting
	case credential.ReauthorizationRequired:
		b.Reauthorize, b.Refresh, b.Disconnect = configured && !mints, configured && mints, true
	case credential.Active, credential.Degraded, credential.ClientMisconfigured:
		b.Reauthorize, b.Refresh, b.Disconnect = configured && !mints, configured, true
	}
	return b
}
