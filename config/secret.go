package config

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"

	"tokenkeeper/credential"
)

// clientSecret reads the secret of the connector at path. None is missed where the provider authenticates no client.
func (k *checker) clientSecret(path string, c Connector, needed bool) credential.Secret {
	secret, given := k.secret(join(path, "client_secret"), c.ClientSecretEnv, c.ClientSecretFile)
	if !given && needed {
		k.add(join(path, "client_secret_env"), "the client secret is missing",
			"write client_secret_env: "+envName(c.Name)+" or client_secret_file: PATH; the secret is on the app's page at the provider")
	}
	return secret
}

// secret reads what one of two keys names: stem with _env at its end names a variable, stem with _file a file. It reports
// whether one of them is there, good or bad.
func (k *checker) secret(stem, variable, file string) (secret credential.Secret, given bool) {
	byEnv, byFile := stem+"_env", stem+"_file"
	switch {
	case k.refused[byEnv], k.refused[byFile]:
	case variable != "" && file != "":
		k.add(byFile, pathEnd(byEnv)+" is there too, and one of them would be ignored", "delete one of the two")
	case variable != "":
		secret = credential.NewSecret(k.variable(byEnv, variable))
	case file != "":
		secret = credential.NewSecret(k.secretFile(byFile, k.file(byFile, file)))
	default:
		return credential.Secret{}, false
	}
	return secret, true
}

// pathEnd returns the key that a path without quoted parts ends with.
func pathEnd(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// envName suggests a variable for the secret of a connector.
func envName(connector string) string {
	return regexp.MustCompile(`[^A-Z0-9]+`).ReplaceAllString(strings.ToUpper(connector), "_") + "_CLIENT_SECRET"
}

// usualName is how variables are named. What looks otherwise and is not set may be the secret itself, pasted where its
// name belongs, and is not repeated in a message.
var usualName = regexp.MustCompile(`^[A-Z_][A-Z0-9_]{0,99}$`)

// variable returns what the environment variable holds, "" after a problem.
func (k *checker) variable(path, name string) string {
	value, set := k.env(name)
	value = strings.TrimSpace(value)
	switch {
	case value != "":
		return value
	case !usualName.MatchString(name):
		k.add(path, "this names no environment variable that is set (it is not shown here, in case it is the secret)",
			"write the name of the variable, in capitals, and never the secret")
	case set:
		k.add(path, "environment variable "+name+" is empty", "export "+name+"='…' before the start")
	default:
		k.add(path, "environment variable "+name+" is not set", "export "+name+"='…' before the start")
	}
	return ""
}

// maxSecret is more than any client secret or private key has.
const maxSecret = 64 << 10

// secretFile returns what the file holds, without white space around it, "" after a problem.
func (k *checker) secretFile(path, name string) string {
	if name == "" { // reported already
		return ""
	}
	info, err := os.Stat(name)
	if err != nil {
		k.add(path, name+" cannot be read: "+reason(err), "write the secret into it and chmod 600 it")
		return ""
	}
	switch {
	case !info.Mode().IsRegular(): // reading a pipe would wait for ever
		k.add(path, name+" is no regular file", "name the file that holds the secret")
	case info.Size() > maxSecret:
		k.add(path, fmt.Sprintf("%s has %d bytes, no secret is so long", name, info.Size()), "name the file that holds the secret and nothing else")
	case openToAll(info.Mode()):
		k.add(path, fmt.Sprintf("%s is open to every user of this machine (mode %04o)", name, info.Mode().Perm()), "chmod 600 "+name)
	default:
		return k.secretText(path, name)
	}
	return ""
}

// openToAll reports whether others than owner and group have any right. Windows keeps no such bits.
func openToAll(mode os.FileMode) bool { return runtime.GOOS != "windows" && mode.Perm()&0o007 != 0 }

func (k *checker) secretText(path, name string) string {
	data, err := os.ReadFile(name)
	if err != nil {
		k.add(path, name+" cannot be read: "+reason(err), "let the user of this process read it")
		return ""
	}
	k.sources.note(name, data)
	secret := strings.TrimSpace(string(data))
	if secret == "" {
		k.add(path, name+" is empty", "write the secret into it")
	}
	return secret
}
