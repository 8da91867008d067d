// Package pgtest gives tests a real PostgreSQL: one server per test binary,
// started on first use from the binaries that the operating system's package
// installed, and one database per test. The server ends and its files go when
// the test binary ends, however it ends. Only tests use it.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// server is the one server of this test binary; the sync.Once makes a start
// that failed fail every test, not only the first.
var server struct {
	once      sync.Once
	err       error
	admin     string // URL of the maintenance database
	lifeline  io.WriteCloser
	prefix    string
	databases atomic.Int64
	templates sync.Map // name -> *template
}

type template struct {
	once sync.Once
	err  error
}

// URL returns the URL of a new database that is dropped when the test ends. It
// is a copy of the template with the name, which prepare fills once per test
// binary; a nil prepare gives an empty database. Where PostgreSQL is not
// installed the test is skipped, or failed if THREATLOOP_REQUIRE_SHARED=1.
func URL(t testing.TB, name string, prepare func(url string) error) string {
	t.Helper()
	bin := binaries()
	if bin == "" {
		if os.Getenv("THREATLOOP_REQUIRE_SHARED") == "1" {
			t.Fatal("PostgreSQL is required and not installed (/usr/lib/postgresql/*/bin)")
		}
		t.Skip("PostgreSQL is not installed (/usr/lib/postgresql/*/bin)")
	}
	server.once.Do(func() { server.err = start(bin) })
	if server.err != nil {
		t.Fatalf("start PostgreSQL: %v", server.err)
	}
	from := "template1"
	if prepare != nil {
		v, _ := server.templates.LoadOrStore(name, &template{})
		tpl := v.(*template)
		from = "template_" + name
		tpl.once.Do(func() {
			if tpl.err = admin("CREATE DATABASE " + from); tpl.err == nil {
				tpl.err = prepare(server.prefix + from)
			}
		})
		if tpl.err != nil {
			t.Fatalf("prepare template %s: %v", name, tpl.err)
		}
	}
	db := fmt.Sprintf("test_%d", server.databases.Add(1))
	if err := admin("CREATE DATABASE " + db + " TEMPLATE " + from); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		if err := admin("DROP DATABASE IF EXISTS " + db + " WITH (FORCE)"); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return server.prefix + db
}

// Admin runs a statement as the server's owner, outside the test's database: to
// end a database's connections, for example.
func Admin(t testing.TB, statement string) {
	t.Helper()
	if err := admin(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func admin(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, server.admin)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

// binaries returns the folder of the newest installed server, or "".
func binaries() string {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	best, newest := "", -1
	for _, f := range found {
		n, e := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(f))))
		if e == nil && n > newest {
			best, newest = filepath.Dir(f), n
		}
	}
	if err != nil {
		return ""
	}
	return best
}

func start(bin string) error {
	dir, err := os.MkdirTemp("", "pgtest")
	if err != nil {
		return err
	}
	var as *syscall.Credential
	if os.Geteuid() == 0 { // initdb and postgres refuse to run as root
		if as, err = unprivileged(); err == nil {
			err = os.Chown(dir, int(as.Uid), int(as.Gid))
		}
		if err != nil {
			return errors.Join(err, os.RemoveAll(dir))
		}
	}
	data := filepath.Join(dir, "data")
	// A linguistic default collation, so that a forgotten COLLATE "C" shows.
	init := exec.Command(filepath.Join(bin, "initdb"), "--no-sync", "--auth=trust", "--username=test", "--encoding=UTF8",
		"--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en", "-D", data)
	init.Dir = dir
	init.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	if out, err := init.CombinedOutput(); err != nil {
		return errors.Join(fmt.Errorf("initdb: %w: %s", err, out), os.RemoveAll(dir))
	}
	for try := 0; ; try++ {
		if err = launch(bin, dir, data, as); err == nil || try == 4 {
			return err
		}
	}
}

// launch starts the server under a shell that holds the read end of a pipe whose
// write end is ours: when this process ends, by whatever means, the shell stops
// the server and removes its files.
func launch(bin, dir, data string, as *syscall.Credential) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	const script = `"$@" >"$0/log" 2>&1 </dev/null & pid=$!; cat >/dev/null; kill -QUIT $pid 2>/dev/null; wait $pid; cd /; rm -rf "$0"`
	cmd := exec.Command("/bin/sh", "-c", script, dir, filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "full_page_writes=off",
		"-c", "synchronous_commit=off", "-c", "max_connections=300", "-c", "shared_buffers=64MB", "-c", "deadlock_timeout=100ms")
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as, Setpgid: true}
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	prefix := fmt.Sprintf("postgres://test@127.0.0.1:%d/", port)
	server.admin = prefix + "postgres?sslmode=disable"
	deadline := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		<-tick.C
		if err = admin("SELECT 1"); err == nil {
			server.lifeline, server.prefix = lifeline, prefix
			return nil
		}
		gone := strings.Contains(readLog(dir), "could not bind")
		if gone || time.Now().After(deadline) {
			log := readLog(dir)
			lifeline.Close()
			<-ended
			return fmt.Errorf("postgres: %w\n%s", err, log)
		}
	}
}

func readLog(dir string) string {
	b, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil {
		return ""
	}
	return string(b)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func unprivileged() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("neither the user postgres nor nobody exists")
}
