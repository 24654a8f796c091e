package devserver

import (
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tokenkeeper/workflows"
)

// Options say where a dev server runs and keeps its data. The zero value of each field but Dir is a good default.
type Options struct {
	// CLI is the Temporal CLI; empty means what [FindCLI] finds.
	CLI string
	// Dir is where database and log file go unless they are named. It is created.
	Dir string
	// Host is the address to listen on; empty means 127.0.0.1.
	Host string
	// Port is the port of the frontend, which workers and the CLI connect to; zero means 7233, or a free one with
	// FreePorts.
	Port int
	// UIPort is the port of the Web UI; zero means 8233, or a free one with FreePorts.
	UIPort int
	// FreePorts chooses ports for those that are zero, as tests want it.
	FreePorts bool
	// PortSetting and UIPortSetting are what the user changes when the port is taken; empty means the flags
	// --temporal-port and --temporal-ui-port.
	PortSetting, UIPortSetting string
	// Namespace is created when it is not there; empty means "default".
	Namespace string
	// DBFile holds all data of the server; empty means temporal.db in Dir.
	DBFile string
	// LogFile receives what the server prints; empty means temporal.log in Dir.
	LogFile string
	// LogLevel is debug, info, warn or error; empty means warn, as info is some hundred lines for each start.
	LogLevel string
	// SearchAttributes by name with their type; nil means those of tokenkeeper's Workflows.
	SearchAttributes map[string]string
	// DynamicConfig by key with a JSON value; nil means what makes one machine fast.
	DynamicConfig map[string]string
	// StartTimeout bounds the wait for the server to answer; zero means one minute. A quiet machine needs less than two
	// seconds, a busy one several times that.
	StartTimeout time.Duration
}

// The ports that the Temporal CLI and every document about it use.
const (
	defaultPort   = 7233
	defaultUIPort = 8233
)

// withDefaults fills what is empty, all but CLI and free ports, which can fail.
func (o Options) withDefaults() Options {
	fill(&o.Host, "127.0.0.1")
	fill(&o.Namespace, "default")
	fill(&o.LogLevel, "warn")
	fill(&o.DBFile, filepath.Join(o.Dir, "temporal.db"))
	fill(&o.LogFile, filepath.Join(o.Dir, "temporal.log"))
	fill(&o.PortSetting, "--temporal-port")
	fill(&o.UIPortSetting, "--temporal-ui-port")
	fill(&o.StartTimeout, time.Minute)
	if !o.FreePorts {
		fill(&o.Port, defaultPort)
		fill(&o.UIPort, defaultUIPort)
	}
	if o.SearchAttributes == nil {
		o.SearchAttributes = map[string]string{}
		for _, key := range workflows.SearchAttributes() {
			o.SearchAttributes[key.GetName()] = key.GetValueType().String()
		}
	}
	if o.DynamicConfig == nil {
		// The server's one shard looks for tasks at most 20 times a second by default, so a chain of activities takes
		// 100 ms for each; with 1000 it is 10 ms.
		o.DynamicConfig = map[string]string{"history.transferProcessorMaxPollRPS": "1000"}
	}
	return o
}

// fill sets what is still zero.
func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// arguments returns the command line after the CLI's name.
func (o Options) arguments() []string {
	args := []string{
		"server", "start-dev",
		"--ip", o.Host, "--port", strconv.Itoa(o.Port), "--ui-port", strconv.Itoa(o.UIPort),
		"--namespace", o.Namespace, "--db-filename", o.DBFile, "--log-level", o.LogLevel,
	}
	for _, name := range slices.Sorted(maps.Keys(o.SearchAttributes)) {
		args = append(args, "--search-attribute", name+"="+o.SearchAttributes[name])
	}
	for _, key := range slices.Sorted(maps.Keys(o.DynamicConfig)) {
		args = append(args, "--dynamic-config-value", key+"="+o.DynamicConfig[key])
	}
	return args
}

// environment returns that of this process without TEMPORAL_*: those variables and the profile they choose are about
// the server a client talks to, and a log level or a missing profile in them must not change the one started here.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "TEMPORAL_") })
}

// hostPort joins host and port into an address.
func hostPort(host string, port int) string {
	return net.JoinHostPort(host, strconv.Itoa(port))
}
