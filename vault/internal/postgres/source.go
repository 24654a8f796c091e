package postgres

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// defaultSchema is where the tables are when the connection string has no search_path.
const defaultSchema = "tokenkeeper"

// errURL does not quote the string, nor what the parser says of it: either may hold the password.
var errURL = errors.New("its connection string cannot be read (it is not shown, it may hold a password): " +
	"write postgres://user:password@host:5432/database?sslmode=verify-full, with special characters of the password percent-encoded")

// parse reads a connection string, and adds what it leaves open.
func parse(url string) (*pgx.ConnConfig, error) {
	if !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
		return nil, errURL
	}
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errURL
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	for name, value := range map[string]string{
		"search_path":      defaultSchema,
		"application_name": "tokenkeeper",
		// Statements take milliseconds. What takes longer waits for something that will not come.
		"statement_timeout": "10s",
		"lock_timeout":      "5s",
		// A worker that stopped in the middle of a transaction holds up nobody for longer.
		"idle_in_transaction_session_timeout": "15s",
		// A commit that returned survives a loss of power, whatever the database has for its default.
		"synchronous_commit": "on",
		// Every statement but the listings finds its rows by an index. Without this, PostgreSQL reads a table this small as
		// a whole, and a serializable transaction that has read the whole table conflicts with everybody.
		"enable_seqscan": "off",
		// And without this it would compile what still has to read a table, for 15 ms, because that is so dear now.
		"jit": "off",
	} {
		config.RuntimeParams[name] = cmp.Or(config.RuntimeParams[name], value)
	}
	if schema := config.RuntimeParams["search_path"]; !plainName.MatchString(schema) {
		return nil, fmt.Errorf("search_path %q of its connection string is not one plain name: write letters, digits and _", schema)
	}
	return config, nil
}

// plainName is a name that needs no quotes.
var plainName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// Name returns how errors and logs call the database: the connection string without password and settings.
func Name(url string) string {
	config, err := parse(url)
	if err != nil {
		return "in PostgreSQL"
	}
	host := net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))
	name := "postgres://" + config.User + "@" + host + "/" + config.Database
	if schema := config.RuntimeParams["search_path"]; schema != defaultSchema {
		name += "?search_path=" + schema
	}
	return name
}
