package app

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// CommentView is a person's remark on an object of a product; plain text.
type CommentView struct {
	ID         string     `json:"id"`
	Object     string     `json:"object" doc:"Kind and id: threat/ID"`
	Text       string     `json:"text"`
	Author     string     `json:"author" doc:"Account id"`
	AuthorName string     `json:"author_name"`
	At         time.Time  `json:"at"`
	EditedAt   *time.Time `json:"edited_at,omitempty"`
	Mine       bool       `json:"mine" doc:"The caller wrote it and may change it"`
	Version    int64      `json:"version"`
}

// ETag returns the version of the comment.
func (v CommentView) ETag() int64 { return v.Version }

func viewComment(c store.Comment, caller Caller, name string) CommentView {
	v := CommentView{ID: c.ID, Object: c.Object, Text: c.Text, Author: c.Author, AuthorName: cmp.Or(name, c.Author), At: c.At, Mine: c.Author == caller.User, Version: c.Version}
	if !c.EditedAt.IsZero() {
		v.EditedAt = &c.EditedAt
	}
	return v
}

// commentKinds are what can be commented on.
var commentKinds = []string{
	store.KindThreat, store.KindWeakness, store.KindCountermeasure, store.KindComponent, store.KindFlow,
	store.KindZone, store.KindAsset, store.KindDiagram, store.KindProduct,
}

// commentObject reads "kind/id".
func commentObject(object string) (store.ObjectKey, error) {
	kind, id, ok := strings.Cut(object, "/")
	if !ok || id == "" || len(id) > 100 || !slices.Contains(commentKinds, kind) {
		return store.ObjectKey{}, fault.New(fault.Invalid, "comment.object", "comments are on an object of the product").
			With("object", "expected a kind (%s), a slash and an id", strings.Join(commentKinds, ", "))
	}
	return store.ObjectKey{Kind: kind, ID: id}, nil
}

// Comments lists the comments on an object, or of the whole product where object
// is "", oldest first; also those on what is gone.
func (a *App) Comments(ctx context.Context, c Caller, product model.ProductID, object, cursor string, limit int) (Page[CommentView], error) {
	return query(ctx, a, c, policy.ProductRead, product, func(tx *store.Tx) (Page[CommentView], error) {
		page := Page[CommentView]{Items: []CommentView{}}
		if object != "" {
			if _, err := commentObject(object); err != nil {
				return page, err
			}
		}
		var after *store.Comment
		if cursor != "" {
			after = &store.Comment{}
			if err := decodeCursor(cursor, after); err != nil {
				return page, err
			}
		}
		limit = clampLimit(limit)
		list, err := tx.Comments(product, object, after, limit)
		if err != nil {
			return page, err
		}
		if cursor == "" {
			counts, err := tx.CountComments(product)
			if err != nil {
				return page, err
			}
			total := counts[object]
			if object == "" {
				for _, n := range counts {
					total += n
				}
			}
			page.Total = &total
		}
		ids := make([]string, len(list))
		for i := range list {
			ids[i] = list[i].Author
		}
		names, err := accountNames(tx, ids)
		for _, x := range list {
			page.Items = append(page.Items, viewComment(x, c, names[x.Author]))
		}
		if len(list) == limit {
			last := list[len(list)-1]
			page.Next = encodeCursor(store.Comment{ID: last.ID, At: last.At})
		}
		return page, err
	})
}

// CommentInput is a new comment.
type CommentInput struct {
	Object string `json:"object" maxLength:"120" doc:"Kind and id: threat/ID, weakness/ID, countermeasure/ID, component/ID, flow/ID, zone/ID, asset/ID, diagram/ID, product/ID"`
	Text   string `json:"text" minLength:"1" maxLength:"10000" doc:"Plain text"`
}

// commentText is a text as it is kept: line ends are one kind, and it says something.
func commentText(text string) (string, error) {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	if text == "" || utf8.RuneCountInString(text) > 10000 || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return "", fault.New(fault.Invalid, "comment.text", "the comment's text is not usable").With("body.text", "expected 1 to 10,000 characters that say something")
	}
	return text, nil
}

// AddComment comments on an object of a product.
func (a *App) AddComment(ctx context.Context, c Caller, product model.ProductID, in CommentInput) (CommentView, error) {
	return attach(ctx, a, c, policy.CommentWrite, product, func(ch *changing) (CommentView, error) {
		key, err := commentObject(in.Object)
		if err != nil {
			return CommentView{}, err
		}
		text, err := commentText(in.Text)
		if err != nil {
			return CommentView{}, err
		}
		there, err := ch.tx.HasObject(product, key)
		if err != nil {
			return CommentView{}, err
		}
		if !there {
			return CommentView{}, notFound(key.Kind, key.ID)
		}
		x := store.Comment{ID: a.id("cmt"), Product: product, Object: in.Object, Author: c.actor(), Text: text, At: ch.at, Version: 1}
		if err := ch.tx.AddComment(x); err != nil {
			return CommentView{}, err
		}
		v := viewComment(x, c, c.Name)
		return v, ch.record("comment.add", x.Object, nil, map[string]string{"id": x.ID, "text": text})
	})
}

// EditComment changes the text of the caller's own comment.
func (a *App) EditComment(ctx context.Context, c Caller, product model.ProductID, id string, version int64, text string) (CommentView, error) {
	return attach(ctx, a, c, policy.CommentWrite, product, func(ch *changing) (CommentView, error) {
		x, err := ch.tx.Comment(product, id)
		if err != nil {
			return CommentView{}, err
		}
		if x.Author != c.actor() {
			return CommentView{}, fault.New(fault.Forbidden, "comment.author", "only its author may change a comment")
		}
		if version != 0 && version != x.Version {
			return CommentView{}, fault.New(fault.Stale, "comment.stale", "the comment was changed meanwhile; look at it again").With("header.If-Match", "is %d, now %d", version, x.Version)
		}
		before := x.Text
		if x.Text, err = commentText(text); err != nil {
			return CommentView{}, err
		}
		if x.Text != before {
			x.EditedAt = ch.at
			if err := ch.tx.EditComment(x); err != nil {
				return CommentView{}, err
			}
			x.Version++
			err = ch.record("comment.change", x.Object, map[string]string{"id": id, "text": before}, map[string]string{"id": id, "text": x.Text})
		}
		return viewComment(x, c, c.Name), err
	})
}

// DeleteComment deletes a comment: one's own, or anybody's for who manages comments.
func (a *App) DeleteComment(ctx context.Context, c Caller, product model.ProductID, id string) error {
	_, err := attach(ctx, a, c, policy.CommentWrite, product, func(ch *changing) (struct{}, error) {
		x, err := ch.tx.Comment(product, id)
		if err != nil {
			return struct{}{}, err
		}
		if x.Author != c.actor() {
			if err := a.allow(ch.tx, c, policy.CommentManage, product); err != nil {
				return struct{}{}, err
			}
		}
		if err := ch.tx.RemoveComment(product, id); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, ch.record("comment.remove", x.Object, removedComment{ID: id, Author: x.Author, Text: x.Text, At: x.At, EditedAt: x.EditedAt, Version: x.Version}, nil)
	})
	return err
}

// removedComment is what the audit trail keeps of a comment that was deleted: all of it.
type removedComment struct {
	ID       string    `json:"id"`
	Author   string    `json:"author"`
	Text     string    `json:"text"`
	At       time.Time `json:"at,omitzero"` // absent in trails from before comments came back
	EditedAt time.Time `json:"edited_at,omitzero"`
	Version  int64     `json:"version,omitempty"`
}

// RestoreComment brings a deleted comment back as it was, with its id, author and
// times: who deleted it may, and who manages comments. One that is there is returned as it is.
func (a *App) RestoreComment(ctx context.Context, c Caller, product model.ProductID, id string) (CommentView, error) {
	return attach(ctx, a, c, policy.CommentWrite, product, func(ch *changing) (CommentView, error) {
		x, err := ch.tx.Comment(product, id)
		if fault.Is(err, fault.NotFound) {
			if x, err = ch.removedComment(product, id); err == nil {
				err = ch.tx.AddComment(x)
			}
			if err == nil {
				err = ch.record("comment.restore", x.Object, nil, map[string]string{"id": id, "author": x.Author, "text": x.Text})
			}
		}
		if err != nil {
			return CommentView{}, err
		}
		names, err := accountNames(ch.tx, []string{x.Author})
		return viewComment(x, c, names[x.Author]), err
	})
}

// removedComment finds a deleted comment in the audit trail of the product.
func (ch *changing) removedComment(product model.ProductID, id string) (store.Comment, error) {
	q := store.AuditQuery{Stream: store.ProductStream(product), Action: "comment.remove", Newest: true, Limit: 200}
	for {
		rows, err := ch.tx.AuditPage(q)
		if err != nil {
			return store.Comment{}, err
		}
		for i := range rows {
			r := &rows[i]
			var was removedComment
			if json.Unmarshal(r.Old, &was) != nil || was.ID != id || was.At.IsZero() {
				continue
			}
			if r.Actor != ch.caller.actor() {
				if err := ch.app.allow(ch.tx, ch.caller, policy.CommentManage, product); err != nil {
					return store.Comment{}, err
				}
			}
			return store.Comment{ID: id, Product: product, Object: r.Object, Author: was.Author, Text: was.Text, At: was.At, EditedAt: was.EditedAt, Version: was.Version}, nil
		}
		if len(rows) < q.Limit {
			return store.Comment{}, notFound("comment", id)
		}
		q.After = rows[len(rows)-1].Seq
	}
}
