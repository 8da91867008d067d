package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/threatloop/threatloop/internal/client"
)

// runningServer is the server of one script.
type runningServer struct{ cmd *exec.Cmd }

type runningKey struct{}

// served starts `threatloop serve` on a free port with its data in $WORK/data,
// makes the first administrator and a token, and sets THREATLOOP_SERVER and
// THREATLOOP_TOKEN:
//
//	served [FLAG...]
func served(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: served [FLAG...]")
	}
	cmd := exec.Command(program(ts), append([]string{"serve", "--data", ts.MkAbs("data"), "--listen", "127.0.0.1:0", "--poll-every", "500ms"}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+ts.Getenv("HOME"), "TMPDIR="+ts.Getenv("TMPDIR"))
	log, err := os.Create(ts.MkAbs("serve.log"))
	ts.Check(err)
	defer log.Close()
	cmd.Dir, cmd.Stderr = ts.Getenv("WORK"), log
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() { stop(ts, cmd) })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		ts.Fatalf("threatloop serve said nothing: %v", err)
	}
	url := strings.TrimSpace(strings.TrimPrefix(line, "Threatloop serves on "))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	anybody, err := client.New(url, "")
	ts.Check(err)
	admin, err := anybody.SetUp(ctx, client.Account{Email: "ada@example.org", Name: "Ada", Password: "a long enough passphrase"})
	ts.Check(err)
	for name, scope := range map[string]string{"THREATLOOP_TOKEN": "admin", "UPLOAD_TOKEN": "upload"} {
		var token struct {
			Token string `json:"token"`
		}
		ts.Check(admin.Post(ctx, "/tokens", map[string]any{"name": scope, "scopes": []string{scope}}, &token))
		ts.Setenv(name, token.Token)
	}
	ts.Setenv("THREATLOOP_SERVER", url)
	ts.Value(runningKey{}).(*runningServer).cmd = cmd
}

// stopped ends the server of `served` with SIGTERM and checks that it ends well.
func stopped(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: stopped")
	}
	stop(ts, ts.Value(runningKey{}).(*runningServer).cmd)
}

func stop(ts *testscript.TestScript, cmd *exec.Cmd) {
	if cmd.ProcessState != nil {
		return // it was stopped before
	}
	ts.Check(cmd.Process.Signal(syscall.SIGTERM))
	if err := cmd.Wait(); err != nil {
		ts.Fatalf("threatloop serve after SIGTERM: %v", err)
	}
}

// program is the path of the program that scripts run as "threatloop".
func program(ts *testscript.TestScript) string {
	for _, dir := range strings.Split(ts.Getenv("PATH"), string(os.PathListSeparator)) {
		path := dir + string(os.PathSeparator) + "threatloop"
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path
		}
	}
	ts.Fatalf("threatloop is not in PATH")
	return ""
}
