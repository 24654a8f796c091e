// Package config reads tokenkeeper.yaml and refuses to start on anything it does not understand.
//
// A wrong setting costs most when it is found late: an unknown key is a setting that silently does nothing, a missing
// secret is a grant that dies at the first refresh. So [Load] is strict, looks at the whole file, and returns every fault
// at once, each with its line, column, path and the fix:
//
//	tokenkeeper.yaml:12:18: triages.acme/bug-reports.routes[1].channel: "#bugs" is a name, …; fix: …
//
// The file passes through three steps: the parser's tree (parse.go), the tree into the structs below with a position for
// every path (decode.go), and what the values mean together (the check files). Only text that is no YAML ends at the first;
// the faults of the other two are reported together, and a value that was refused once is not complained about again.
//
// Secrets are never in the file. A connector names an environment variable or a file, and Load reads it into a
// [credential.Secret], so that a printed Config shows none. Relative file names are relative to the folder of the
// configuration file, not to where the process happens to start: the worker, the command line and a service manager then
// agree about which vault they open.
//
// What can only be asked of the world (does the repository exist, is the bot in the channel) is asked elsewhere;
// [Config.Problem] gives those answers the file, line and shape of the faults found here.
package config
