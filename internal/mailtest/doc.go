// Package mailtest is a mail server for tests. It speaks SMTP as real ones do, keeps what it is sent, and refuses what a test
// wants refused.
package mailtest
