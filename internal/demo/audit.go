package demo

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// finding is what a search for tokens found.
type finding struct {
	tokens, files int
	bytes         int64
	leaks         []string // "file: the 3rd token issued"; never the token
}

// audit looks for every token the sandbox ever issued in every file that was written, and in what was narrated.
func (w *world) audit() (finding, error) {
	found, err := search(w.dir, w.sandbox.IssuedTokens())
	if err != nil {
		return finding{}, fmt.Errorf("searching for tokens: %w", err)
	}
	found.look("the narration", w.narrator.transcript(), needles(w.sandbox.IssuedTokens()))
	return found, w.control()
}

// control makes sure that the search could have found something: what is known to be written in clear is where it should
// be. A search through an empty folder finds nothing too.
func (w *world) control() error {
	for name, known := range map[string]string{
		"temporal.db": slackAccount.String(), "vault.db": slackAccount.String(), "worker-1.log": "worker is running",
	} {
		content, err := os.ReadFile(w.path(name))
		if err != nil {
			return err
		}
		if !bytes.Contains(content, []byte(known)) {
			return fmt.Errorf("searching for tokens: %s does not hold %q, so the search proves nothing", name, known)
		}
	}
	return nil
}

// search reads every file below dir.
func search(dir string, tokens []string) (finding, error) {
	found := finding{tokens: len(tokens)}
	needles := needles(tokens)
	files := os.DirFS(dir)
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		found.look(entry.Name(), content, needles)
		return nil
	})
	if err == nil && (found.files == 0 || len(tokens) == 0) {
		err = errors.New("there is nothing to search")
	}
	return found, err
}

// needle is a piece of a token and the token's number.
type needle struct {
	piece  []byte
	number int
}

// needles are the halves of each token: a database may break a value in two, but no break spoils both halves. Payloads
// that hold bytes are base64 in some places, so the encoded token is looked for as well, in the three ways it can be
// aligned.
func needles(tokens []string) []needle {
	var all []needle
	for i, token := range tokens {
		half := len(token) / 2
		pieces := []string{token[:half], token[half:]}
		for shift := range 3 {
			encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + token))
			pieces = append(pieces, encoded[4:len(encoded)-4])
		}
		for _, piece := range pieces {
			all = append(all, needle{piece: []byte(piece), number: i + 1})
		}
	}
	return all
}

func (f *finding) look(name string, content []byte, needles []needle) {
	f.files++
	f.bytes += int64(len(content))
	last := 0
	for _, n := range needles {
		if n.number != last && bytes.Contains(content, n.piece) {
			f.leaks = append(f.leaks, fmt.Sprintf("%s: token number %d that was issued", name, n.number))
			last = n.number
		}
	}
}
