package server_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/cli"
	"github.com/threatloop/threatloop/internal/server"
)

// zeros is an endless stream of spaces, which every parser skips.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// inflating is a small archive of a big report.
func inflating(t *testing.T, size int64, asZip bool) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.Writer
	var end func() error
	if asZip {
		z := zip.NewWriter(&out)
		f, err := z.Create("report.xml")
		if err != nil {
			t.Fatal(err)
		}
		w, end = f, z.Close
	} else {
		z := gzip.NewWriter(&out)
		w, end = z, z.Close
	}
	_, err := io.Copy(w, io.MultiReader(strings.NewReader("<testsuite>"), io.LimitReader(zeros{}, size), strings.NewReader("</testsuite>")))
	if err == nil {
		err = end()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// manyFiles is a zip archive with n reports.
func manyFiles(t *testing.T, n int) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i := range n {
		f, err := z.Create(fmt.Sprintf("r%d.xml", i))
		if err == nil {
			_, err = io.WriteString(f, "<testsuite/>")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const laughs = `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">` +
	`<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e SYSTEM "file:///etc/passwd">]><testsuite><testcase name="&d;&e;"/></testsuite>`

// A report that is broken, or means harm, is refused or read as far as it goes;
// the server and the command say the same.
func TestBadReports(t *testing.T) {
	t.Parallel()
	s := openShopWithoutTickets(t)
	whole := junit(true)
	for name, c := range map[string]struct {
		body   []byte
		status int
		code   string // of the problem, "" for a run
		holds  string // what the reasons of an incomplete run, or the problem, say
	}{
		"cut":                {whole[:len(whole)-40], 200, "", "end"},
		"cut after a result": {append(bytes.TrimSuffix(junit(true), []byte("</testsuite></testsuites>")), "<testcase name="...), 200, "", "end"},
		"empty":              {nil, 422, "evidence.empty", "empty"},
		"text":               {[]byte("hello, this is no report at all\n"), 415, "evidence.format", "not a report"},
		"other XML":          {[]byte("<html><body/></html>"), 415, "evidence.format", "not a report"},
		"other JSON":         {[]byte(`{"name":"x"}`), 415, "evidence.format", "not a report"},
		"a picture":          {[]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), 415, "evidence.format", "not a report"},
		"entities":           {[]byte(laughs), 422, "evidence.dtd", "entit"},
		"gzip bomb":          {inflating(t, 64<<20, false), 413, "evidence.inflation", "inflates"},
		"zip bomb":           {inflating(t, 64<<20, true), 413, "evidence.inflation", "inflates"},
		"many files":         {manyFiles(t, 20000), 413, "evidence.zip_entries", "files"},
		"deep XML":           {[]byte("<testsuites>" + strings.Repeat("<testsuite>", 200000)), 413, "evidence.too_deep", "deep"},
		"deep JSON":          {[]byte(`{"version":"2.1.0","runs":` + strings.Repeat("[", 500000)), 413, "evidence.too_deep", "deep"},
		"cut gzip":           {inflating(t, 1<<20, false)[:600], 200, "", "end"},
	} {
		t.Run(name, func(t *testing.T) {
			status, v, p := s.upload(name+".xml", c.body)
			said := p.Detail + strings.Join(v.Reasons, "; ")
			t.Logf("%d %s %s %s %v", status, p.Code, v.State, said, v.Counts)
			if status != c.status || p.Code != c.code {
				t.Errorf("upload = %d %s, want %d %s", status, p.Code, c.status, c.code)
			}
			if status == 200 && (v.Complete || v.State != "done") {
				t.Errorf("upload is %s, complete %v, want done and incomplete", v.State, v.Complete)
			}
			if strings.Contains(said, "root:") || strings.Contains(said, "lollol") {
				t.Errorf("entities were expanded: %s", said)
			}
			if !strings.Contains(strings.ToLower(said), c.holds) {
				t.Errorf("upload says %q, want %q in it", said, c.holds)
			}
			file := filepath.Join(t.TempDir(), "report")
			if err := os.WriteFile(file, c.body, 0o600); err != nil {
				t.Fatal(err)
			}
			var out, errs bytes.Buffer
			code := cli.Run(t.Context(), []string{"results", "show", file}, &cli.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Lookup: noEnv})
			if shown := out.String() + errs.String(); code != 0 != (status != 200) || status == 200 && !strings.Contains(shown, "incomplete") {
				t.Errorf("results show = exit %d, %q; the upload was %d", code, shown, status)
			}
		})
	}
	// Nothing of it stays but what could be read, and the server works on.
	if status, v, _ := s.upload("good.xml", junit(true)); status != 200 || v.State != "done" {
		t.Errorf("a good report afterwards = %d %s, want 200 done", status, v.State)
	}
}

// A key stands for one report.
func TestClientKeyStandsForOneReport(t *testing.T) {
	t.Parallel()
	s := openShopWithoutTickets(t)
	const header = "Idempotency-Key"
	status, first, _ := s.upload("a.xml", junit(true), header, "build-17")
	if status != 200 || first.State != "done" {
		t.Fatalf("upload = %d %+v", status, first)
	}
	if status, again, _ := s.upload("a.xml", junit(true), header, "build-17"); status != 200 || again.ID != first.ID || !again.Repeat {
		t.Errorf("the same upload again = %d %+v, want the first one's answer", status, again)
	}
	if status, v, p := s.upload("a.xml", junit(false), header, "build-17"); status != 409 || p.Code != "idempotency.reused" {
		t.Errorf("another report with the key = %d %s %s, want 409 idempotency.reused", status, p.Code, v.ID)
	}
	if status, v, _ := s.upload("a.xml", junit(true)); status != 200 || v.ID == first.ID {
		t.Errorf("the report without a key = %d %s, want a run of its own", status, v.ID)
	}
	var runs struct{ Items []run }
	s.want(200, "GET", "/products/"+s.product+"/runs", nil, &runs)
	if len(runs.Items) != 2 {
		t.Errorf("%d runs are stored, want 2", len(runs.Items))
	}
}

// A report that was rejected may be sent again, read as what it is said to be.
func TestRejectedReportIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	s := openShopWithoutTickets(t)
	ids := map[string]bool{}
	for range 2 {
		if status, _, p := s.upload("x", []byte("nothing that is known")); status != 415 {
			t.Fatalf("upload = %d %s, want 415", status, p.Detail)
		}
	}
	var runs struct{ Items []run }
	s.want(200, "GET", "/products/"+s.product+"/runs", nil, &runs)
	for _, r := range runs.Items {
		ids[r.ID] = true
		if r.State != "rejected" || r.Error == "" {
			t.Errorf("run %s is %s %q, want rejected with the reason", r.ID, r.State, r.Error)
		}
	}
	if len(ids) != 2 {
		t.Errorf("%d runs, want each attempt told", len(ids))
	}
}

// openShopWithoutTickets is a shop whose product only takes results.
func openShopWithoutTickets(t *testing.T) *shop {
	t.Helper()
	s := &shop{rig: boot(t, quick(t)).setup()}
	s.newProduct()
	return s
}

// The memory of a server that reads a big report is measured in a process of its own.
const uploadChild = "THREATLOOP_UPLOAD_CHILD"

// TestUploadChild is the process that TestBigReport measures; alone it does nothing.
func TestUploadChild(t *testing.T) {
	what, dir, _ := strings.Cut(os.Getenv(uploadChild), ":")
	switch what {
	default:
		t.Skip("runs only as the child of TestBigReport")
	case "show":
		var out, errs bytes.Buffer
		if code := cli.Run(t.Context(), []string{"results", "show", "--summary", dir}, &cli.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Lookup: noEnv}); code != 0 {
			t.Fatalf("results show = exit %d, %s", code, errs.String())
		}
	case "serve":
		c := quick(t)
		c.Data = dir
		s, err := server.New(t.Context(), c, "test")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("url=%s\n", s.URL())
		_, _ = io.Copy(io.Discard, os.Stdin) // until the parent closes it
		end, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Stop(end); err != nil {
			t.Error(err)
		}
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	fmt.Printf("peak=%s\n", strings.Fields(rest)[0])
}

// suites is a stream of a JUnit report of about size bytes.
func suites(size int64) io.Reader {
	var b strings.Builder
	b.WriteString(`<testsuite name="s">`)
	for i := range 1000 {
		fmt.Fprintf(&b, `<testcase classname="com.example.Case%03d" name="rejects input number %d" time="0.1"><system-out>%s</system-out></testcase>`+"\n", i, i, strings.Repeat("a line of the log; ", 50))
	}
	b.WriteString("</testsuite>\n")
	parts := []io.Reader{strings.NewReader("<testsuites>")}
	for n := int64(0); n < size; n += int64(b.Len()) {
		parts = append(parts, strings.NewReader(b.String()))
	}
	return io.MultiReader(append(parts, strings.NewReader("</testsuites>"))...)
}

func peakOf(t *testing.T, out []byte) int {
	t.Helper()
	_, rest, ok := bytes.Cut(out, []byte("peak="))
	if !ok {
		t.Fatalf("the child said nothing about its memory:\n%s", out)
	}
	kib, err := strconv.Atoi(string(bytes.Fields(rest)[0]))
	if err != nil {
		t.Fatal(err)
	}
	return kib
}

// A big report is shown, uploaded and read in bounded memory.
func TestBigReport(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("peak memory is read from /proc")
	}
	child := func(what, arg string) *exec.Cmd {
		cmd := exec.Command(os.Args[0], "-test.run=^TestUploadChild$", "-test.v", "-test.timeout=20m")
		cmd.Env = append(os.Environ(), uploadChild+"="+what+":"+arg)
		return cmd
	}
	file := filepath.Join(t.TempDir(), "big.xml")
	f, err := os.Create(file)
	if err == nil {
		_, err = io.Copy(f, suites(100<<20))
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := child("show", file).CombinedOutput()
	if err != nil {
		t.Fatalf("show: %v\n%s", err, out)
	}
	kib := peakOf(t, out)
	t.Logf("results show of 100 MiB of JUnit: peak %d KiB", kib)
	if kib >= 64<<10 {
		t.Errorf("results show of 100 MiB of JUnit: peak %d KiB, want below 64 MiB", kib)
	}
	sizes := []int64{1 << 10, 100 << 20, 1 << 30}
	switch {
	case testing.Short():
		sizes = sizes[:1]
	case os.Getenv("THREATLOOP_SOAK") != "1":
		sizes = sizes[:2] // a gibibyte takes minutes; the reader's own test has it always
	}
	peaks := map[int64]int{}
	for _, size := range sizes {
		cmd := child("serve", t.TempDir())
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		said := make([]byte, 0, 4096)
		buf := make([]byte, 4096)
		for !bytes.Contains(said, []byte("url=http")) || !bytes.HasSuffix(said, []byte("\n")) {
			n, err := stdout.Read(buf)
			said = append(said, buf[:n]...)
			if err != nil {
				t.Fatalf("the server did not start: %v\n%s", err, said)
			}
		}
		_, rest, _ := bytes.Cut(said, []byte("url="))
		s := &shop{rig: &rig{t: t, url: string(bytes.Fields(rest)[0])}}
		s.setup()
		s.newProduct()
		began := time.Now()
		var r run
		status, data, err := s.send("POST", "/products/"+s.product+"/results?source=ci&name=big.xml", suites(size))
		if err != nil || status != http.StatusAccepted {
			t.Fatalf("upload of %d bytes = %d %s, %v", size, status, data, err)
		}
		taken := time.Since(began)
		var runs struct{ Items []run }
		for r.State != "done" {
			if time.Since(began) > 10*time.Minute {
				t.Fatalf("the report of %d bytes is still %s", size, r.State)
			}
			s.want(200, "GET", "/products/"+s.product+"/runs", nil, &runs)
			r = runs.Items[0]
			pause(t.Context(), 50*time.Millisecond)
		}
		t.Logf("%d MiB taken in %s, read after %s: %v", size>>20, taken.Round(time.Millisecond), time.Since(began).Round(time.Millisecond), r.Counts)
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
		out, err := io.ReadAll(stdout)
		if err := cmd.Wait(); err != nil {
			t.Fatalf("the server: %v\n%s", err, out)
		}
		if err != nil {
			t.Fatal(err)
		}
		peaks[size] = peakOf(t, out)
		t.Logf("the server's peak with a report of %d MiB: %.1f MiB", size>>20, float64(peaks[size])/1024)
	}
	if big := peaks[1<<30]; big > peaks[100<<20]*3/2 {
		t.Errorf("peak with 1 GiB is %d KiB, with 100 MiB %d KiB; want memory that does not grow with the report", big, peaks[100<<20])
	}
}

func noEnv(string) (string, bool) { return "", false }
