package app

import (
	"context"
	"errors"
	"testing"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/store"
)

// What was done to a product can be read after it is gone, deleting it included.
func TestTrailOfDeletedProduct(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if _, err := d.ArchiveProduct(d.ctx, d.admin, d.product, 0, true); err != nil {
		t.Fatal(err)
	}
	p, err := d.Product(d.ctx, d.admin, d.product)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.DeleteProduct(d.ctx, d.admin, d.product, p.Name); err != nil {
		t.Fatal(err)
	}
	page, err := d.Audit(d.ctx, d.admin, d.product, AuditFilter{})
	if err != nil || len(page.Items) < 4 || page.Items[0].Action != "product.delete" || page.Items[0].Named != p.Name {
		t.Errorf("Audit(deleted product) = %+v, %v, want its rows from product.delete of %s on", page.Items, err, p.Name)
	}
	if check, err := d.VerifyAudit(d.ctx, d.admin, d.product); err != nil || !check.Whole || check.Rows < 4 {
		t.Errorf("VerifyAudit(deleted product) = %+v, %v, want it whole", check, err)
	}
	if _, err := d.Audit(d.ctx, d.admin, "prd_none", AuditFilter{}); !fault.Is(err, fault.NotFound) {
		t.Errorf("Audit(no product) = %v, want not found", err)
	}
}

// Only a chain that does not fit is broken; a check that cannot be made says nothing of it.
func TestBrokenTrailIsTold(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	err := d.DB.Write(d.ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.SQLite().ExecContext(ctx, "UPDATE audit SET actor = 'somebody' WHERE stream = 'instance' AND seq = 1")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	check, err := d.VerifyAudit(d.ctx, d.admin, "")
	want := AuditCheck{Rows: check.Rows, Text: "the audit trail instance is broken at row 1: its content was changed"}
	if err != nil || check != want {
		t.Errorf("VerifyAudit(changed row) = %+v, %v, want %+v", check, err, want)
	}
	for _, err := range []error{context.Canceled, errors.New("store: verify audit: disk"), fault.New(fault.Unavailable, "store.unavailable", "gone")} {
		if check, got := verified(AuditCheck{Rows: 1}, err); !errors.Is(got, err) {
			t.Errorf("a check that failed by %v = %+v, %v, want the error", err, check, got)
		}
	}
}
