// Package provider says how each SaaS does OAuth: endpoints, client authentication, lifetimes, rotation, error codes.
//
// The RFCs leave open what decides whether a grant survives an accident: may a refresh token be presented twice, does a
// refresh end the old access token, which word in which answer means that the grant is dead. Those are facts about each
// provider, so they are data here, and code elsewhere asks them instead of naming providers. A fact that nobody
// verified stays out, and the zero value of its field is the careful reading: an unknown rotation is single use.
//
// The embedded catalogue holds one YAML file per provider; a user writes entries of the same schema under `providers:`
// in the configuration. [Provider.Override] turns an entry into the one a connector uses: another installation of
// the same product (GitHub Enterprise Server, GovSlack, a test double), and values for {placeholders}.
//
// Everything in this package is a value: no network, no clock, no state.
package provider
