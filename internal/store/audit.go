package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
)

// InstanceStream is the audit chain of what concerns no single product.
const InstanceStream = "instance"

// ProductStream returns the audit chain of a product.
func ProductStream(id model.ProductID) string { return "product:" + string(id) }

// Audit is one change: who, when, from where, what, old and new.
type Audit struct {
	Stream    string
	Seq       int64 // 1, 2, 3 ... in its stream, without gaps; set by the store
	At        time.Time
	Actor     string // user id, token id or tracker connection
	ActorKind string // "user", "token", "tracker", "rule", "test", "system"
	Source    string // "api", "web", "cli", "tracker", "test", "system"
	RequestID string
	Action    string          // "threat.accept"
	Object    string          // "threat/thr_..."
	Old, New  json.RawMessage // nil where there was or is nothing
	Hash      string          // hex SHA-256 over the previous row's hash and this row; set by the store
}

type pendingAudit = Audit

// Audit adds entries to the chain of the stream. They are written when the
// function given to Write returns, after everything else and stream by stream in
// sorted order, so that transactions which touch the same streams cannot
// deadlock; Seq and Hash are set then. Stream of an entry is ignored.
func (tx *Tx) Audit(stream string, entries ...Audit) error {
	if !tx.writable {
		return fmt.Errorf("store: audit %s: the transaction only reads", stream)
	}
	for _, e := range entries {
		e.Stream = stream
		for _, doc := range []json.RawMessage{e.Old, e.New} {
			if len(doc) > 0 && !json.Valid(doc) {
				return fmt.Errorf("store: audit %s %s: the document is not JSON", stream, e.Action)
			}
		}
		tx.audited = append(tx.audited, e)
	}
	return nil
}

func (tx *Tx) flushAudit() error {
	if len(tx.audited) == 0 {
		return nil
	}
	slices.SortStableFunc(tx.audited, func(a, b Audit) int { return cmp.Compare(a.Stream, b.Stream) })
	var rows, heads [][]any
	for len(tx.audited) > 0 {
		stream := tx.audited[0].Stream
		n := slices.IndexFunc(tx.audited, func(e Audit) bool { return e.Stream != stream })
		if n < 0 {
			n = len(tx.audited)
		}
		seq, hash, err := tx.claimHead(stream, int64(n))
		if err != nil {
			return fmt.Errorf("store: audit %s: %w", stream, err)
		}
		for i := range tx.audited[:n] {
			e := &tx.audited[i]
			prev := hash
			e.Seq = seq + int64(i) + 1
			hash = e.chain(prev)
			rows = append(rows, []any{
				e.Stream, e.Seq, stamp(e.At), e.Actor, e.ActorKind, e.Source, e.RequestID, e.Action, e.Object,
				string(e.Old), string(e.New), prev, hash,
			})
		}
		heads = append(heads, []any{stream, hash})
		if tx.heads == nil {
			tx.heads = map[string]headMove{}
		}
		tx.heads[stream] = headMove{seq, seq + int64(n)}
		tx.audited = tx.audited[n:]
	}
	if err := tx.bulk("audit", auditColumns, "", rows); err != nil {
		return fmt.Errorf("store: audit: %w", err)
	}
	for _, h := range heads {
		if _, err := tx.exec("UPDATE audit_head SET hash = $2 WHERE stream = $1", h...); err != nil {
			return fmt.Errorf("store: audit: %w", err)
		}
	}
	return nil
}

// headMove is where a stream's head was and where it went in a transaction.
type headMove struct{ from, to int64 }

// AuditMoved tells, in AfterCommit, from which sequence number to which the
// transaction moved the stream's head. Both are 0 where it recorded nothing there.
func (tx *Tx) AuditMoved(stream string) (from, to int64) {
	return tx.heads[stream].from, tx.heads[stream].to
}

var auditColumns = []string{"stream", "seq", "at", "actor", "actor_kind", "source", "request_id", "action", "object", "old_doc", "new_doc", "prev_hash", "hash"}

// claimHead locks the stream's head, moves it on by n and returns where it was.
func (tx *Tx) claimHead(stream string, n int64) (seq int64, hash string, err error) {
	ok, err := tx.one("INSERT INTO audit_head (stream, seq, hash) VALUES ($1, $2, '') ON CONFLICT (stream) DO UPDATE SET seq = audit_head.seq + $2 RETURNING seq, hash",
		[]any{stream, n}, &seq, &hash)
	if err == nil && !ok {
		err = fmt.Errorf("no head")
	}
	return seq - n, hash, err
}

// chain returns the hash of the entry after the row with the hash prev: SHA-256
// over every field, each with its length before it.
func (e *Audit) chain(prev string) string {
	h := sha256.New()
	at, _ := stamp(e.At).Value() // never fails
	for _, field := range []string{
		prev, e.Stream, strconv.FormatInt(e.Seq, 10), fmt.Sprint(at), e.Actor, e.ActorKind, e.Source,
		e.RequestID, e.Action, e.Object, string(e.Old), string(e.New),
	} {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(field)))
		h.Write(size[:])
		h.Write([]byte(field))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// AuditQuery selects a page of a stream.
type AuditQuery struct {
	Stream string
	Object string // exactly this object; "" is all
	Action string // exactly this action; "" is all
	// Actors, Actions and Sources select rows that have one of them each; none is all.
	Actors, Actions, Sources []string
	Kind                     string    // objects of this kind ("threat"); "" is all
	From, Before             time.Time // rows at From or later, and before Before; zero is no bound
	// Floor bounds what is looked at: no row below this sequence; 0 is the first.
	Floor int64
	// Newest gives the newest first, below the sequence After (0: from the end);
	// otherwise the oldest first, above After.
	Newest bool
	After  int64
	Limit  int // 1..1000; 0 is 50
	// Bare leaves Old and New out, which costs less to read.
	Bare bool
}

// AuditPage returns a page of a stream.
func (tx *Tx) AuditPage(q AuditQuery) ([]Audit, error) {
	var c conditions
	c.add("stream = ?", q.Stream)
	if q.Object != "" {
		c.add("object = ?", q.Object)
	}
	if q.Action != "" {
		c.add("action = ?", q.Action)
	}
	c.among("actor", q.Actors)
	c.among("action", q.Actions)
	c.among("source", q.Sources)
	if q.Kind != "" {
		c.add("object >= ? AND object < ?", q.Kind+"/", q.Kind+"0") // the character after the slash
	}
	if !q.From.IsZero() {
		c.add("at >= ?", stamp(q.From))
	}
	if !q.Before.IsZero() {
		c.add("at < ?", stamp(q.Before))
	}
	if q.Floor > 0 {
		c.add("seq >= ?", q.Floor)
	}
	order := " ORDER BY seq"
	if q.Newest {
		order = " ORDER BY seq DESC"
		if q.After > 0 {
			c.add("seq < ?", q.After)
		}
	} else {
		c.add("seq > ?", q.After)
	}
	columns := strings.Join(auditColumns, ", ")
	if q.Bare {
		columns = strings.Replace(columns, "old_doc, new_doc", "'', ''", 1)
	}
	rows, err := collect(tx, func(row func(...any) error) (Audit, error) {
		e, _, err := scanAudit(row)
		return e, err
	}, "SELECT "+columns+" FROM audit"+c.where()+order+" LIMIT "+c.arg(limit(q.Limit)), c.args...)
	if err != nil {
		return nil, fmt.Errorf("store: audit %s: %w", q.Stream, err)
	}
	return rows, nil
}

// AuditValues returns what the actors and the actions of a stream are, each once,
// in order. It looks each of them up, so that it costs as many steps as there are
// values, not as many as there are rows.
func (tx *Tx) AuditValues(stream string) (actors, actions []string, err error) {
	for column, out := range map[string]*[]string{"actor": &actors, "action": &actions} {
		next := "(SELECT min(" + column + ") FROM audit WHERE stream = $1 AND " + column + " > found.v)"
		*out, err = collect(tx, func(row func(...any) error) (v string, err error) { return v, row(&v) },
			"WITH RECURSIVE found(v) AS (SELECT min("+column+") FROM audit WHERE stream = $1 UNION ALL SELECT "+next+
				" FROM found WHERE found.v IS NOT NULL) SELECT v FROM found WHERE v IS NOT NULL ORDER BY v", stream)
		if err != nil {
			return nil, nil, fmt.Errorf("store: %ss of audit %s: %w", column, stream, err)
		}
	}
	return actors, actions, nil
}

func scanAudit(row func(...any) error) (e Audit, prev string, err error) {
	var before, after string
	err = row(&e.Stream, &e.Seq, (*stamp)(&e.At), &e.Actor, &e.ActorKind, &e.Source, &e.RequestID, &e.Action, &e.Object, &before, &after, &prev, &e.Hash)
	if before != "" {
		e.Old = json.RawMessage(before)
	}
	if after != "" {
		e.New = json.RawMessage(after)
	}
	return e, prev, err
}

// AuditHeads returns the last sequence number of each stream that has one: what
// a subscriber polls. Sequences of one stream commit in order.
func (tx *Tx) AuditHeads(streams ...string) (map[string]int64, error) {
	heads := map[string]int64{}
	for chunk := range slices.Chunk(streams, inChunk) {
		args := make([]any, len(chunk))
		for i, s := range chunk {
			args[i] = s
		}
		err := each(tx, func(row func(...any) error) error {
			var stream string
			var seq int64
			err := row(&stream, &seq)
			heads[stream] = seq
			return err
		}, "SELECT stream, seq FROM audit_head WHERE stream IN ("+placeholders(1, len(args))+")", args...)
		if err != nil {
			return nil, fmt.Errorf("store: audit heads: %w", err)
		}
	}
	return heads, nil
}

// VerifyAudit checks the chain of a stream from its first row to its head. The
// error is a fault.Conflict that names the first row that does not fit: changed,
// missing, out of order, or cut off at the end.
func (db *DB) VerifyAudit(ctx context.Context, stream string) error {
	return db.Read(ctx, func(_ context.Context, tx *Tx) error { return tx.verifyAudit(stream) })
}

func (tx *Tx) verifyAudit(stream string) error {
	broken := func(seq int64, what string) error {
		return fault.New(fault.Conflict, "audit.broken", "the audit trail %s is broken at row %d: %s", stream, seq, what)
	}
	var last Audit
	err := each(tx, func(row func(...any) error) error {
		e, prev, err := scanAudit(row)
		switch {
		case err != nil:
			return err
		case e.Seq != last.Seq+1:
			return broken(last.Seq+1, "it is missing")
		case prev != last.Hash:
			return broken(e.Seq, "it does not follow from the row before")
		case e.Hash != e.chain(prev):
			return broken(e.Seq, "its content was changed")
		}
		last = e
		return nil
	}, "SELECT "+strings.Join(auditColumns, ", ")+" FROM audit WHERE stream = $1 ORDER BY seq", stream)
	if err != nil {
		return fmt.Errorf("store: verify audit: %w", err)
	}
	var seq int64
	var hash string
	if _, err := tx.one("SELECT seq, hash FROM audit_head WHERE stream = $1", []any{stream}, &seq, &hash); err != nil {
		return fmt.Errorf("store: verify audit: %w", err)
	}
	if seq > last.Seq {
		return broken(last.Seq+1, "it is missing")
	}
	if seq < last.Seq || hash != last.Hash {
		return broken(last.Seq, "the head of the chain does not agree")
	}
	return nil
}

// AllAuditHeads returns the last sequence number of every stream.
func (tx *Tx) AllAuditHeads() (map[string]int64, error) {
	heads := map[string]int64{}
	err := each(tx, func(row func(...any) error) error {
		var stream string
		var seq int64
		err := row(&stream, &seq)
		heads[stream] = seq
		return err
	}, "SELECT stream, seq FROM audit_head")
	if err != nil {
		return nil, fmt.Errorf("store: audit heads: %w", err)
	}
	return heads, nil
}
