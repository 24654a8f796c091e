//go:build unix

package file

import (
	"os"
	"syscall"
)

// copyOwner gives the file temp the owner and group of the file at path: who rotates as root must not lock the worker out.
func copyOwner(path, temp string) error {
	was, err := os.Stat(path)
	if err != nil {
		return err
	}
	owner, ok := was.Sys().(*syscall.Stat_t)
	if !ok || int(owner.Uid) == os.Geteuid() && int(owner.Gid) == os.Getegid() {
		return nil
	}
	return os.Chown(temp, int(owner.Uid), int(owner.Gid))
}
