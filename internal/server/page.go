package server

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/threatloop/threatloop/internal/api"
)

// nonceWord is what the page's build leaves where each answer has its own nonce.
const nonceWord = "{{nonce}}"

// pages serves the embedded page: files as they are, everything else the page
// itself, which finds its place by the address.
type pages struct {
	files  fs.FS
	static http.Handler
	index  []byte
	log    *slog.Logger
	packed sync.Map // name -> []byte, compressed when first asked for
}

func page(files fs.FS, log *slog.Logger) (http.Handler, error) {
	index := "index.html"
	if _, err := fs.Stat(files, index); err != nil {
		index = "placeholder.html"
	}
	content, err := fs.ReadFile(files, index)
	if err != nil {
		return nil, fmt.Errorf("server: the embedded page: %w", err)
	}
	return &pages{files: files, static: http.FileServerFS(files), index: content, log: log}, nil
}

// ServeHTTP implements http.Handler.
func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	name := strings.TrimPrefix(r.URL.Path, "/")
	if info, err := fs.Stat(p.files, name); name == "" || name == "index.html" || err != nil || info.IsDir() {
		if strings.HasPrefix(name, "assets/") {
			http.NotFound(w, r)
			return
		}
		p.serveIndex(w, r)
		return
	}
	h.Set("Content-Security-Policy", policyOf(""))
	if strings.HasPrefix(name, "assets/") {
		h.Set("Cache-Control", "public, max-age=31536000, immutable") // names carry the content's hash
	}
	if contentType(name) != "" {
		h.Add("Vary", "Accept-Encoding")
	}
	if small := p.compressed(name, r); small != nil {
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Type", contentType(name))
		h.Set("Content-Length", strconv.Itoa(len(small)))
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(small))
		return
	}
	p.static.ServeHTTP(w, r)
}

// serveIndex answers with the page, in which style elements are let in by a word
// that no one else knows.
func (p *pages) serveIndex(w http.ResponseWriter, r *http.Request) {
	var word [16]byte
	if _, err := rand.Read(word[:]); err != nil {
		http.Error(w, "no random numbers", http.StatusInternalServerError)
		return
	}
	nonce := base64.RawStdEncoding.EncodeToString(word[:])
	h := w.Header()
	h.Set("Content-Security-Policy", policyOf(nonce))
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(bytes.ReplaceAll(p.index, []byte(nonceWord), []byte(nonce))))
}

// policyOf is the content security policy. Pictures made in the page (the export
// of a diagram) are blobs.
func policyOf(nonce string) string {
	style := "'self'"
	if nonce != "" {
		style += " 'nonce-" + nonce + "'"
	}
	return "default-src 'self'; style-src " + style + "; img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
}

// compressed returns a text file compressed, or nil where that is not asked for
// or gains nothing.
func (p *pages) compressed(name string, r *http.Request) []byte {
	if contentType(name) == "" || r.Header.Get("Range") != "" || !api.TakesGzip(r) {
		return nil
	}
	if got, ok := p.packed.Load(name); ok {
		return got.([]byte)
	}
	plain, err := fs.ReadFile(p.files, name)
	if err != nil {
		return nil
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(plain)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		p.log.Warn("cannot compress a file of the page", "file", name, "error", err)
		return nil
	}
	p.packed.Store(name, out.Bytes())
	return out.Bytes()
}

func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return ""
}
