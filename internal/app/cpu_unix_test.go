//go:build unix

package app

import (
	"syscall"
	"time"
)

// cpuTime returns the processor time that this process has used, which other
// programs on the machine do not lengthen as they do the time on the wall.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
