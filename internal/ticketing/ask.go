package ticketing

import (
	"fmt"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
)

// AskKey names the setting whose version grows when a person asks for another try
// on a connection or a product; it goes with it.
func AskKey(of string) string { return "tickets.asked/" + of }

// ask notes that a person asked for another try on a connection or a product. A
// run that is under way then does not put off, or hold, what it began before that.
func ask(tx *store.Tx, connection string, p model.ProductID) error {
	for _, of := range []string{connection, string(p)} {
		if of == "" {
			continue
		}
		s, err := tx.Setting(AskKey(of))
		if err != nil {
			return fmt.Errorf("ticketing: another try for %s: %w", of, err)
		}
		s.Key, s.Doc = AskKey(of), "{}"
		if err := tx.SetSetting(s); err != nil {
			return fmt.Errorf("ticketing: another try for %s: %w", of, err)
		}
	}
	return nil
}

// asked tells how often people asked for another try of a product's tickets on a connection.
func asked(tx *store.Tx, connection string, p model.ProductID) (int64, error) {
	n := int64(0)
	for _, of := range []string{connection, string(p)} {
		s, err := tx.Setting(AskKey(of))
		if err != nil {
			return 0, fmt.Errorf("ticketing: another try for %s: %w", of, err)
		}
		n += s.Version
	}
	return n, nil
}
