// Package kms opens the key that encrypts a keyset, and that never leaves a key management service, by its URI:
//
//	aws-kms://arn:aws:kms:eu-central-1:111122223333:key/…                       AWS KMS
//	gcp-kms://projects/…/locations/…/keyRings/…/cryptoKeys/…                    Google Cloud KMS
//	hcvault://vault.example.com:8200/transit/keys/tokenkeeper                   HashiCorp Vault or OpenBao, transit engine
//
// Who may use it each service learns in its own way: AWS from AWS_* variables, profile or role; Google from application
// default credentials; Vault from VAULT_TOKEN, VAULT_NAMESPACE and VAULT_CACERT. Vault is spoken to by https, unless
// VAULT_ADDR names the same host with http.
//
// The service is asked when a keyset is read or written: at the start of a process, and when a key is rotated. What it is
// given is the keyset, never a token.
package kms
