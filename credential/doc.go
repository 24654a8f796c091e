// Package credential holds the words of the domain: who a credential belongs to, what it is, and what can go wrong with it.
//
// A connected account (organization, user, connector) owns at most one grant: the chain of tokens that a provider issued
// to one subject. The tokens of a grant now are a credential; its [Generation] counts up with each new set, and every
// report of success or failure carries the generation it speaks of, so that a late answer never speaks for newer tokens.
//
// The package needs the standard library only, and no other package of this module.
package credential
