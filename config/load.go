package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Load reads the file at path, [DefaultPath] when path is empty, with secrets from env and from the files it names. A nil
// env is the environment of the process. The error is always an [*Error] with every problem of the file.
func Load(path string, env func(string) (string, bool)) (*Config, error) {
	if path == "" {
		path = DefaultPath
	}
	if env == nil {
		env = os.LookupEnv
	}
	r := newReport(path)
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, unreadable(r, err)
	}
	data, err := read(path)
	if err != nil {
		return nil, unreadable(r, err)
	}
	r.sources.note(path, data)
	return build(data, r, env, folder)
}

// build makes a Config of the text of a file that stands in folder.
func build(data []byte, r *report, env func(string) (string, bool), folder string) (*Config, error) {
	root := parse(data, r)
	if err := r.err(); err != nil {
		return nil, err
	}
	c := &Config{Path: r.file, places: r.places, sources: r.sources}
	if decode(root, c, r) {
		check(c, r, env, folder)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// read returns at most one byte more than parse accepts.
func read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	return data, errors.Join(err, file.Close())
}

func unreadable(r *report, err error) *Error {
	fix := "check the file and the rights to it"
	if errors.Is(err, fs.ErrNotExist) {
		fix = "cp tokenkeeper.example.yaml " + r.file + ", then edit it"
	}
	r.add("", "cannot be read: "+reason(err), fix)
	e := newError(r.problems)
	e.cause = err
	return e
}

// reason returns what the operating system said, without the path that the message names already.
func reason(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}
