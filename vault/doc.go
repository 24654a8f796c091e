// Package vault keeps the tokens of connected accounts, sealed, in one database that several processes share: a SQLite
// file on one machine, or PostgreSQL for many.
//
// The hard idea is that a token has two ways to be lost, and encryption helps against neither: an older answer can
// replace a newer one, and a refresh token can be spent without anybody remembering it. So every set of tokens has a
// generation, each write is a compare-and-swap on it, and a refresh token is written down as presented before it is sent:
//
//	Present(g) ──▶ POST to the provider ──▶ Swap(g) ──▶ generation g+1
//	    │                │                     │
//	    │                │                     └─ somebody was faster: ErrConflict, the newer tokens stay
//	    │                └─ nothing was consumed: Withdraw, as if never presented
//	    └─ the process died: Get shows Presented, and the provider's facts decide what may be tried
//
// A first consent, and each later one, arrives as a pending [Authorization]. [Vault.Adopt] makes it the next generation
// of its account, in one transaction. Generations go on counting over [Vault.Shred], so that a late answer of a grant
// that was disconnected never fits the grant that came after it.
//
// Tokens are sealed with AES-256-GCM by Tink, in an envelope: each generation of an account has a data key of its own, which is
// in the row of its tokens, sealed by the keyset. What is sealed is bound to its place by associated data: format version,
// account, generation and field. A row that was copied over another, or given another generation, does not open and
// yields an [IntegrityError]. A keyset that lacks the key is told apart from that, by [WrongKeyError].
//
//	keyset ──seals──▶ data key of (account, generation) ──seals──▶ access token │ refresh token │ an answer that the database
//	                                                                                              could not take (history)
//
// [Vault.Shred] and the next generation delete the data key. What it sealed and a history of Temporal still holds opens no more; a
// copy of the row itself, in a backup or where PostgreSQL has not overwritten it yet, has the key beside it.
//
// The keys of the keyset are in a [KeysetFile], in the clear or encrypted by a key management service (package kms). Which of them
// seals is written in the vault, and every transaction that seals reads it there, so a rotation needs no worker to stop:
//
//	key added to the file ──▶ put in force in the vault ──▶ data key after data key sealed anew ──▶ old key dropped from the file
//	                                  │                                                                  │
//	  who meets a key he lacks reads the file again                                 only what seals nothing, and not for a day
//
// It may end at each arrow: [Vault.Rotate] finds out how far it has come. [Verify] opens everything and changes nothing.
//
// [Cache] stands in front of the vault: a token that is good by the clock costs no lock, no write and no allocation.
package vault
