package store

import (
	"fmt"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
)

// Comment is a person's remark on an object of a product.
type Comment struct {
	ID       string
	Product  model.ProductID
	Object   string // "threat/thr_..."
	Author   string
	Text     string
	At       time.Time
	EditedAt time.Time // zero is never
	Version  int64     // for If-Match; raised by the store, 1 when new
}

const commentColumns = "id, product_id, object, author, body, at, edited_at, version"

func scanComment(row func(...any) error) (c Comment, err error) {
	return c, row(&c.ID, (*string)(&c.Product), &c.Object, &c.Author, &c.Text, (*stamp)(&c.At), (*stamp)(&c.EditedAt), &c.Version)
}

// AddComment stores a comment as it is given, at version 1 at least: a new one, or
// one that was removed and comes back; fault.NotFound if the product does not
// exist, fault.Conflict if the comment is there already.
func (tx *Tx) AddComment(c Comment) error {
	_, err := tx.exec("INSERT INTO comment ("+commentColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		c.ID, string(c.Product), c.Object, c.Author, c.Text, stamp(c.At), stamp(c.EditedAt), max(c.Version, 1))
	if err != nil {
		return fmt.Errorf("store: comment %s: %w", c.ID, err)
	}
	return nil
}

// Comment returns a comment of a product; fault.NotFound if there is none.
func (tx *Tx) Comment(product model.ProductID, id string) (Comment, error) {
	list, err := collect(tx, scanComment, "SELECT "+commentColumns+" FROM comment WHERE product_id = $1 AND id = $2", string(product), id)
	if err != nil {
		return Comment{}, fmt.Errorf("store: comment: %w", err)
	}
	if len(list) == 0 {
		return Comment{}, noComment()
	}
	return list[0], nil
}

func noComment() error {
	return fault.New(fault.NotFound, "comment.not_found", "there is no such comment")
}

// EditComment stores another text of a comment with the time of the edit, and
// raises its version; fault.Stale if it is not at c.Version, fault.NotFound if
// there is none.
func (tx *Tx) EditComment(c Comment) error {
	n, err := tx.exec("UPDATE comment SET body = $3, edited_at = $4, version = version + 1 WHERE product_id = $1 AND id = $2 AND version = $5",
		string(c.Product), c.ID, c.Text, stamp(c.EditedAt), c.Version)
	if err != nil {
		return fmt.Errorf("store: comment %s: %w", c.ID, err)
	}
	if n == 0 {
		if _, err := tx.Comment(c.Product, c.ID); err != nil {
			return err
		}
		return fault.New(fault.Stale, "comment.stale", "the comment was changed meanwhile; look at it again")
	}
	return nil
}

// Comments returns comments on an object, or of the product where object is "", oldest first, after the given one (nil: from the first).
func (tx *Tx) Comments(product model.ProductID, object string, after *Comment, max int) ([]Comment, error) {
	var c conditions
	c.add("product_id = ?", string(product))
	if object != "" {
		c.add("object = ?", object)
	}
	if after != nil {
		c.add("(at, id) > (?, ?)", stamp(after.At), after.ID)
	}
	list, err := collect(tx, scanComment, "SELECT "+commentColumns+" FROM comment"+c.where()+" ORDER BY at, id LIMIT "+c.arg(limit(max)), c.args...)
	if err != nil {
		return nil, fmt.Errorf("store: comments on %s: %w", strings.ToValidUTF8(object, "?"), err)
	}
	return list, nil
}

// CountComments returns how many comments a product's objects have, by object;
// objects without comments are absent.
func (tx *Tx) CountComments(product model.ProductID) (map[string]int, error) {
	out := map[string]int{}
	err := each(tx, func(row func(...any) error) error {
		var object string
		var n int
		if err := row(&object, &n); err != nil {
			return err
		}
		out[object] = n
		return nil
	}, "SELECT object, count(*) FROM comment WHERE product_id = $1 GROUP BY object", string(product))
	if err != nil {
		return nil, fmt.Errorf("store: comments of product %s: %w", product, err)
	}
	return out, nil
}

// RemoveComment removes a comment of a product; fault.NotFound if there is none.
func (tx *Tx) RemoveComment(product model.ProductID, id string) error {
	n, err := tx.exec("DELETE FROM comment WHERE product_id = $1 AND id = $2", string(product), id)
	if err != nil {
		return fmt.Errorf("store: comment %s: %w", id, err)
	}
	if n == 0 {
		return noComment()
	}
	return nil
}
