// Package sqlite keeps a vault in one file that the processes of one machine share.
//
// Transactions that write take the file's write lock at their beginning, so they are serial over all processes. Readers
// wait for nobody, by the write-ahead log.
package sqlite
