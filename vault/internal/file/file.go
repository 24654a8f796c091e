// Package file reads and writes files that are the owner's alone, whole or not at all.
package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Publish lets build fill a temporary file beside path, and then gives it its name in one step, so that nobody ever sees
// half of it. A file that has the name already stays as it is, and the error wraps [fs.ErrExist].
func Publish(path string, build func(temp string) error) error {
	// Unlike a rename, a link never replaces what is there.
	return inOneStep(path, build, os.Link)
}

// Replace gives the file at path, which exists, another content in one step. Owner and group stay. Where path is a
// symbolic link, the file it leads to is replaced.
func Replace(path string, content []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	build := func(temp string) error {
		if err := WriteDurably(temp, content); err != nil {
			return err
		}
		return copyOwner(path, temp)
	}
	return inOneStep(path, build, os.Rename)
}

func inOneStep(path string, build func(temp string) error, name func(temp, path string) error) error {
	dir := filepath.Dir(path)
	temp, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // mode 0600
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the folder %s is not there: make it, or name another place", dir)
	}
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // its content lives on under the other name, or is worthless
	if err := temp.Close(); err != nil {
		return err
	}
	if err := build(temp.Name()); err != nil {
		return err
	}
	if err := name(temp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a new name survive a loss of power.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // it cannot flush a folder
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// WriteDurably replaces the content of a file that exists, and returns when it is on the disk.
func WriteDurably(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// Read reads a file that is the owner's alone, and says which one it was. It looks at the mode of the file it has open, so
// that nobody can exchange the file in between.
func Read(path string) ([]byte, fs.FileInfo, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%w: restore it from a backup, or create one for a new vault", fs.ErrNotExist)
	}
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	// Windows has no such mode; its files inherit their access from the folder.
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, nil, fmt.Errorf("mode %04o opens it to group or others: run chmod 600 %s", mode, path)
	}
	content, err := io.ReadAll(f)
	return content, info, err
}

// Absolute makes a path that an error can name whatever the working directory is.
func Absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
