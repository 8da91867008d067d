package api

import (
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
)

// leastCompressed is the size in bytes from which on an answer is worth compressing.
const leastCompressed = 1024

// compressor compresses an answer where its client takes gzip, its type is text
// and its first write shows that it is large enough. Streams of events are left
// alone: they must leave at once. Whoever uses it calls finish at the end.
type compressor struct {
	http.ResponseWriter
	s       *API
	status  int // asked for and not written yet
	decided bool
	gz      *gzip.Writer
}

// TakesGzip reports whether the client of a request takes gzip.
func TakesGzip(r *http.Request) bool {
	for _, header := range r.Header.Values("Accept-Encoding") {
		for part := range strings.SplitSeq(header, ",") {
			coding, params, _ := strings.Cut(part, ";")
			if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
				continue
			}
			q, found := strings.CutPrefix(strings.TrimSpace(params), "q=")
			weight, err := strconv.ParseFloat(q, 64)
			return !found || err == nil && weight > 0
		}
	}
	return false
}

// WriteHeader waits for the first write, which decides about the headers.
func (c *compressor) WriteHeader(status int) {
	if c.decided || c.status != 0 {
		return
	}
	if status < http.StatusOK || status == http.StatusNoContent || status == http.StatusNotModified {
		c.ResponseWriter.WriteHeader(status)
		c.decided = status >= http.StatusOK
		return
	}
	c.status = status
}

// Write compresses what is worth it.
func (c *compressor) Write(p []byte) (int, error) {
	if !c.decided {
		c.decide(len(p))
	}
	if c.gz != nil {
		return c.gz.Write(p)
	}
	return c.ResponseWriter.Write(p)
}

func (c *compressor) decide(size int) {
	c.decided = true
	h := c.Header()
	if size >= leastCompressed && h.Get("Content-Encoding") == "" && compressible(h.Get("Content-Type")) {
		h.Set("Content-Encoding", "gzip")
		h.Del("Content-Length")
		c.gz, _ = c.s.zippers.Get().(*gzip.Writer)
		if c.gz == nil {
			c.gz, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level exists
		}
		c.gz.Reset(c.ResponseWriter)
	}
	if c.status != 0 {
		c.ResponseWriter.WriteHeader(c.status)
	}
}

func compressible(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	kind = strings.TrimSpace(kind)
	if kind == "text/event-stream" {
		return false
	}
	return kind == "application/json" || strings.HasSuffix(kind, "+json") || strings.HasPrefix(kind, "text/")
}

// FlushError sends what was written so far.
func (c *compressor) FlushError() error {
	if !c.decided {
		c.decide(0)
	}
	if c.gz != nil {
		if err := c.gz.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(c.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach the connection.
func (c *compressor) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// finish ends the answer. After a panic it must not be called: what is cut off
// has to look cut off.
func (c *compressor) finish() {
	if !c.decided {
		c.decide(0)
	}
	if c.gz != nil {
		_ = c.gz.Close() // the client is gone; there is nobody to tell
		c.s.zippers.Put(c.gz)
		c.gz = nil
	}
}
