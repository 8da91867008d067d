package store

import (
	"fmt"
	"time"
)

// Work is something that is due, or was. It is due while Generation is above
// Done: every cause raises Generation, and a worker that began at one generation
// is done only with that.
type Work struct {
	Kind       string
	Subject    string
	Generation int64
	Done       int64
	NotBefore  time.Time // zero is now
	Failures   int64     // in a row
	Error      string    // of the last failure, for people
}

const workColumns = "kind, subject, generation, done_generation, not_before, failures, error"

func scanWork(row func(...any) error) (w Work, err error) {
	return w, row(&w.Kind, &w.Subject, &w.Generation, &w.Done, (*stamp)(&w.NotBefore), &w.Failures, &w.Error)
}

// RaiseWork makes something due, once more if it is already, and not before the
// time; of two times the earlier one holds as long as the work is open. It
// returns the row as it is now.
func (tx *Tx) RaiseWork(kind, subject string, notBefore time.Time) (Work, error) {
	list, err := collect(tx, scanWork, `INSERT INTO work_due (kind, subject, generation, done_generation, not_before, failures, error) VALUES ($1, $2, 1, 0, $3, 0, '')
		ON CONFLICT (kind, subject) DO UPDATE SET generation = work_due.generation + 1,
			not_before = CASE WHEN work_due.generation > work_due.done_generation AND work_due.not_before < $3 THEN work_due.not_before ELSE $3 END
		RETURNING `+workColumns, kind, subject, stamp(notBefore))
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("no row")
	}
	if err != nil {
		return Work{}, fmt.Errorf("store: work %s of %s: %w", kind, subject, err)
	}
	return list[0], nil
}

// Work returns the state of something; ok is false if it was never due.
func (tx *Tx) Work(kind, subject string) (w Work, ok bool, err error) {
	list, err := collect(tx, scanWork, "SELECT "+workColumns+" FROM work_due WHERE kind = $1 AND subject = $2", kind, subject)
	if err != nil {
		return Work{}, false, fmt.Errorf("store: work %s of %s: %w", kind, subject, err)
	}
	if len(list) == 0 {
		return Work{}, false, nil
	}
	return list[0], true, nil
}

// LockWork is Work, and keeps everybody from making it due until the end of the transaction.
func (tx *Tx) LockWork(kind, subject string) (w Work, ok bool, err error) {
	list, err := collect(tx, scanWork, "UPDATE work_due SET generation = generation WHERE kind = $1 AND subject = $2 RETURNING "+workColumns, kind, subject)
	if err != nil {
		return Work{}, false, fmt.Errorf("store: work %s of %s: %w", kind, subject, err)
	}
	if len(list) == 0 {
		return Work{}, false, nil
	}
	return list[0], true, nil
}

// FinishWork notes that the work as of a generation is done and returns whether
// more became due in the meantime.
func (tx *Tx) FinishWork(kind, subject string, generation int64) (more bool, err error) {
	var now, done int64
	ok, err := tx.one(`UPDATE work_due SET done_generation = CASE WHEN done_generation > $3 THEN done_generation ELSE $3 END, failures = 0, error = ''
		WHERE kind = $1 AND subject = $2 RETURNING generation, done_generation`, []any{kind, subject, generation}, &now, &done)
	if err != nil {
		return false, fmt.Errorf("store: work %s of %s: %w", kind, subject, err)
	}
	return ok && now > done, nil
}

// FailWork counts a failure and puts the work off until the time.
func (tx *Tx) FailWork(kind, subject, reason string, notBefore time.Time) error {
	_, err := tx.exec("UPDATE work_due SET failures = failures + 1, error = $3, not_before = $4 WHERE kind = $1 AND subject = $2 AND generation > done_generation",
		kind, subject, reason, stamp(notBefore))
	if err != nil {
		return fmt.Errorf("store: work %s of %s: %w", kind, subject, err)
	}
	return nil
}

// OpenWork returns what is due at the time, the longest overdue first; after is
// the last row of the page before (nil: the first page).
func (tx *Tx) OpenWork(now time.Time, after *Work, max int) ([]Work, error) {
	var c conditions
	c.add("generation > done_generation")
	c.add("not_before <= ?", stamp(now))
	if after != nil {
		c.add("(not_before, kind, subject) > (?, ?, ?)", stamp(after.NotBefore), after.Kind, after.Subject)
	}
	list, err := collect(tx, scanWork, "SELECT "+workColumns+" FROM work_due"+c.where()+" ORDER BY not_before, kind, subject LIMIT "+c.arg(limit(max)), c.args...)
	if err != nil {
		return nil, fmt.Errorf("store: open work: %w", err)
	}
	return list, nil
}

// CountWork returns how much work of each kind is open, due or not yet.
func (tx *Tx) CountWork() (map[string]int64, error) {
	counts := map[string]int64{}
	err := each(tx, func(row func(...any) error) error {
		var kind string
		var n int64
		err := row(&kind, &n)
		counts[kind] = n
		return err
	}, "SELECT kind, count(*) FROM work_due WHERE generation > done_generation GROUP BY kind")
	if err != nil {
		return nil, fmt.Errorf("store: open work: %w", err)
	}
	return counts, nil
}

// PostponeWork puts the work as of a generation off until the time without
// counting a failure; reason is for people. What became due in the meantime is
// not put off with it: more reports that.
func (tx *Tx) PostponeWork(kind, subject string, generation int64, reason string, notBefore time.Time) (more bool, err error) {
	var now int64
	ok, err := tx.one(`UPDATE work_due SET failures = 0, error = $4, not_before = CASE WHEN generation > $3 THEN not_before ELSE $5 END
		WHERE kind = $1 AND subject = $2 AND generation > done_generation RETURNING generation`,
		[]any{kind, subject, generation, reason, stamp(notBefore)}, &now)
	if err != nil {
		return false, fmt.Errorf("store: work %s of %s: %w", kind, subject, err)
	}
	return ok && now > generation, nil
}
