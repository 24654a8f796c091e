//go:build unix && !linux

package process

import "syscall"

// attributes gives the child its own process group. Only Linux can tie a child to the life of its parent.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
