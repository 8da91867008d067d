//go:build !race

// Without the race detector, whose own memory would be measured.

package evidence_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/evidence"
)

// generated is a report of any size that exists only while it is read: a head,
// blocks of one length that differ in their number, and a tail.
type generated struct {
	head, tail string
	block      []byte // holds marks of eight "#" that become the block's number
	marks      []int
	blocks     int64
}

func newGenerated(head, block, tail string, size int64) *generated {
	g := &generated{head: head, tail: tail, block: []byte(block), blocks: max(size/int64(len(block)), 1)}
	for at := 0; ; at += 8 {
		i := strings.Index(block[at:], "########")
		if i < 0 {
			return g
		}
		at += i
		g.marks = append(g.marks, at)
	}
}

func (g *generated) size() int64 {
	return int64(len(g.head)) + g.blocks*int64(len(g.block)) + int64(len(g.tail))
}

func (g *generated) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) {
		at := off + int64(n)
		body := at - int64(len(g.head))
		switch {
		case at < int64(len(g.head)):
			n += copy(p[n:], g.head[at:])
		case body < g.blocks*int64(len(g.block)):
			i := body / int64(len(g.block))
			for _, m := range g.marks {
				copy(g.block[m:], fmt.Sprintf("%08d", i))
			}
			n += copy(p[n:], g.block[body%int64(len(g.block)):])
		case at < g.size():
			n += copy(p[n:], g.tail[at-g.size()+int64(len(g.tail)):])
		default:
			return n, io.EOF
		}
	}
	return n, nil
}

// junitOf returns a JUnit report of about size bytes: suites of 200 cases, one in fifty failing.
func junitOf(size int64) (*generated, evidence.Counts) {
	var b strings.Builder
	b.WriteString("<testsuite name=\"com.example.suite########\" tests=\"200\">\n")
	for i := range 200 {
		fmt.Fprintf(&b, `<testcase classname="com.example.suite########.Case%03d" name="rejects input number %d" time="0.0%02d">`, i, i, i%100)
		if i%50 == 0 {
			b.WriteString(`<failure message="expected 403 but was 200" type="AssertionError">at com.example.Case(Case.java:` + strconv.Itoa(i) + ")\n" + strings.Repeat("at frame ", 20) + "</failure>")
		}
		b.WriteString("<system-out>" + strings.Repeat("log line of the test; ", 3) + "</system-out></testcase>\n")
	}
	b.WriteString("</testsuite>\n")
	g := newGenerated("<?xml version=\"1.0\"?>\n<testsuites name=\"all\">\n", b.String(), "</testsuites>\n", size)
	return g, evidence.Counts{Fail: int(g.blocks) * 4, Pass: int(g.blocks) * 196}
}

func countAll(t testing.TB, src io.ReaderAt, size int64) evidence.Summary {
	t.Helper()
	r, err := evidence.Open(src, size, evidence.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := r.Read(context.Background(), func(evidence.Result) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// TestMemoryChild is the process that TestPeakMemory measures; alone it does nothing.
func TestMemoryChild(t *testing.T) {
	shape, size, found := strings.Cut(os.Getenv("THREATLOOP_EVIDENCE_CHILD"), ":")
	if !found {
		t.Skip("runs only as the child of TestPeakMemory")
	}
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	switch shape {
	case "cases":
		g, want := junitOf(n)
		if got := countAll(t, g, g.size()); got.Counts != want || !got.Complete {
			t.Fatalf("read %d bytes = %+v, complete %v, want %+v, complete", g.size(), got.Counts, got.Complete, want)
		}
	case "output": // one system-out, one message and one comment of a third of the size each
		third := strings.Repeat("0123456789abcdef", 64)
		for _, part := range [][2]string{
			{`<testsuite name="s"><testcase name="c"><system-out><![CDATA[`, `]]></system-out></testcase></testsuite>`},
			{`<testsuite name="s"><testcase name="c"><skipped message="`, `"/></testcase></testsuite>`},
			{`<testsuite name="s"><testcase name="c"/><!--`, `--></testsuite>`},
			{`[{"uri":"f","elements":[{"name":"c","steps":[{"embeddings":[{"data":"`, `"}],"result":{"status":"passed"}}]}]}]`},
		} {
			g := newGenerated(part[0], third, part[1], n/3)
			if got := countAll(t, g, g.size()); got.Counts.Total() != 1 || !got.Complete {
				t.Fatalf("read %.40s = %+v, complete %v, want one result, complete", part[0], got.Counts, got.Complete)
			}
		}
	}
	for _, g := range otherFormats(shape, n) {
		if got := countAll(t, g, g.size()); got.Counts.Total() < int(g.blocks) || !got.Complete {
			t.Fatalf("read %.40s = %+v, complete %v %q, want %d results, complete", g.head, got.Counts, got.Complete, got.Reasons, g.blocks)
		}
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	fmt.Printf("peak=%s\n", strings.Fields(rest)[0])
}

// otherFormats returns a report of about size bytes in each of the other formats, for the shape "formats".
func otherFormats(shape string, size int64) []*generated {
	if shape != "formats" {
		return nil
	}
	pad := strings.Repeat("some text of a finding; ", 40)
	return []*generated{
		newGenerated(`{"runs":[{"tool":{"driver":{"name":"T","rules":[{"id":"R"}]}},"results":[`,
			`{"ruleId":"R","message":{"text":"`+pad+`"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"src/########.go"},"region":{"startLine":3}}}],"codeFlows":[{"x":"`+pad+`"}]},`,
			`{"ruleId":"R"}]}]}`, size),
		newGenerated(`<OWASPZAPReport><site name="s"><alerts>`,
			`<alertitem><pluginid>########</pluginid><riskcode>1</riskcode><instances><instance><uri>https://s/########</uri><responsebody>`+pad+pad+`</responsebody></instance></instances></alertitem>`,
			`</alerts></site></OWASPZAPReport>`, size),
		newGenerated(`[`,
			`{"uri":"f########","name":"n","elements":[{"name":"s","type":"scenario","steps":[{"name":"`+pad+pad+`","result":{"status":"failed","error_message":"`+pad+`"}}]}]},`,
			`{"elements":[]}]`, size),
		newGenerated(`<FVDL><Vulnerabilities>`,
			`<Vulnerability><ClassInfo><ClassID>R</ClassID></ClassInfo><InstanceInfo><InstanceID>########</InstanceID></InstanceInfo><AnalysisInfo><Unified><Trace><Primary><Entry><Node isDefault="true"><SourceLocation path="src/########.c" line="1"/><Fact>`+pad+pad+`</Fact></Node></Entry></Primary></Trace></Unified></AnalysisInfo></Vulnerability>`,
			`</Vulnerabilities></FVDL>`, size),
	}
}

// peak returns the peak resident memory in KiB of a process that reads such a report.
func peak(t *testing.T, shape string, size int64) int {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestMemoryChild$", "-test.v")
	cmd.Env = append(os.Environ(), fmt.Sprintf("THREATLOOP_EVIDENCE_CHILD=%s:%d", shape, size))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("child for %d bytes of %s: %v\n%s", size, shape, err, out)
	}
	_, rest, found := bytes.Cut(out, []byte("peak="))
	if !found {
		t.Fatalf("child said nothing about its memory:\n%s", out)
	}
	kib, err := strconv.Atoi(string(bytes.Fields(rest)[0]))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d MiB of %s: peak %.1f MiB", size>>20, shape, float64(kib)/1024)
	return kib
}

func TestPeakMemory(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("peak memory is read from /proc")
	}
	const limit = 64 << 10
	small := peak(t, "cases", 100<<20)
	if small >= limit {
		t.Errorf("100 MiB of JUnit: peak %d KiB, want below %d", small, limit)
	}
	if got := peak(t, "output", 100<<20); got >= limit {
		t.Errorf("100 MiB in single tokens: peak %d KiB, want below %d", got, limit)
	}
	if testing.Short() {
		return
	}
	if got := peak(t, "formats", 100<<20); got >= limit {
		t.Errorf("100 MiB of each other format: peak %d KiB, want below %d", got, limit)
	}
	small = max(small, peak(t, "cases", 100<<20)) // the collector's timing moves it by a few per cent
	if got := peak(t, "cases", 1<<30); got > small*11/10 {
		t.Errorf("1 GiB of JUnit: peak %d KiB, want within 10 %% of %d", got, small)
	}
}

func BenchmarkReadJUnit(b *testing.B) {
	g, _ := junitOf(20 << 20)
	var buf bytes.Buffer
	if _, err := io.Copy(&buf, io.NewSectionReader(g, 0, g.size())); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(buf.Len()))
	b.ReportAllocs()
	for b.Loop() {
		countAll(b, bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	}
}
