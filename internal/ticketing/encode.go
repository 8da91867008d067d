package ticketing

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/threatloop/threatloop/internal/store"
)

// encode returns the JSON of one of this package's own documents, which always has one.
func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		// Only channels, functions and cycles have no JSON; our documents hold none.
		return fmt.Sprintf("%+v", v)
	}
	return string(b)
}

func itoa(n int) string { return strconv.Itoa(n) }

// hash returns the SHA-256 over parts that cannot run into each other.
func hash(parts ...string) []byte {
	h := sha256.New()
	for _, p := range parts {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}

// linkOf reads a stored link.
func linkOf(row store.TicketLink) (Link, error) {
	l := Link{
		Key: Key{row.Object, Purpose(row.Purpose)}, Objects: row.Objects, Connection: row.Connection, TicketID: row.TicketID,
		TicketKey: row.TicketKey, Marker: row.Marker, Own: row.Own, State: LinkState(row.State),
	}
	if err := json.Unmarshal([]byte(row.Snapshot), &l.Snapshot); err != nil {
		return l, fmt.Errorf("ticketing: snapshot of %s: %w", row.TicketKey, err)
	}
	return l, nil
}
