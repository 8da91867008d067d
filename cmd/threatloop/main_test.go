package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/threatloop/threatloop/internal/cli"
	"github.com/threatloop/threatloop/internal/licences"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"threatloop": func() { os.Exit(cli.Main()) },
	})
}

// TestScripts runs the scripts in testdata, one per feature.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":   exits,
			"served":  served,
			"stopped": stopped,
		},
		Setup: func(e *testscript.Env) error {
			e.Values[runningKey{}] = &runningServer{}
			return nil
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") == "1",
	})
}

// exits runs a command and checks its exit code, which testscript's own exec does not show:
//
//	exits 3 threatloop model show broken.json
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG...]")
	}
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Dir = ts.Getenv("WORK")
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "THREATLOOP_CONFIG", "THREATLOOP_SERVER", "THREATLOOP_TOKEN", "THREATLOOP_PRODUCT", "THREATLOOP_WITHOUT"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	err := cmd.Run()
	code := cmd.ProcessState.ExitCode()
	if code < 0 {
		ts.Fatalf("%v: %v", args[1:], err)
	}
	if want := args[0]; want != strings.TrimSpace(itoa(code)) {
		ts.Fatalf("%s exits with %d, want %s", strings.Join(args[1:], " "), code, want)
	}
}

func itoa(n int) string { return string(rune('0' + n%10)) }

// TestLicences builds the program and checks that the notices name every module in it.
func TestLicences(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds the program")
	}
	binary := filepath.Join(t.TempDir(), "threatloop")
	build := exec.Command("go", "build", "-o", binary, "./cmd/threatloop")
	build.Dir = sharedtest.Root(t)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	out, err := exec.Command("go", "version", "-m", binary).Output()
	if err != nil {
		t.Fatalf("go version -m: %v", err)
	}
	modules := 0
	for line := range strings.SplitSeq(string(out), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 3 || fields[0] != "dep" {
			continue
		}
		modules++
		if !strings.Contains(licences.Notices(), "\n"+fields[1]+" "+fields[2]+"\n") {
			t.Errorf("module %s %s is not in internal/licences/notices.txt; run make notices", fields[1], fields[2])
		}
	}
	if modules == 0 {
		t.Error("go version -m names no modules")
	}
}
