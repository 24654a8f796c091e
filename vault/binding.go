package vault

import (
	"encoding/binary"

	"tokenkeeper/credential"
)

// sealVersion is the version of the sealed format. It is no part of the SQL schema's version: a migration of the tables
// leaves what is sealed readable.
const sealVersion = 1

// field names what was sealed. Each kind of secret has its own, so that one never opens as another.
type field string

const (
	fieldAccess        field = "access token"
	fieldRefresh       field = "refresh token"
	fieldAuthorization field = "pending authorization"
	fieldCarried       field = "carried tokens"
	fieldVerifier      field = "login's code verifier"
	fieldCanary        field = "key check"
	fieldDataKey       field = "data key"
	fieldSession       field = "session of a person"
	fieldLink          field = "link that letters share"
)

// binding is the place that a sealed value belongs to.
type binding struct {
	account    credential.AccountID
	generation credential.Generation // 0 where there is none yet
	field      field
	row        string // tells the rows of one account and field apart; "" where there is one
}

// associatedData encodes the binding so that no two bindings encode alike: a length stands before each text.
func (b binding) associatedData() []byte {
	var data []byte
	data = appendText(data, "tokenkeeper/vault")
	data = binary.BigEndian.AppendUint32(data, sealVersion)
	data = appendText(data, b.account.Organization)
	data = appendText(data, b.account.User)
	data = appendText(data, b.account.Connector)
	data = binary.BigEndian.AppendUint64(data, uint64(b.generation))
	data = appendText(data, string(b.field))
	return appendText(data, b.row)
}

func appendText(data []byte, text string) []byte {
	data = binary.BigEndian.AppendUint32(data, uint32(len(text)))
	return append(data, text...)
}
