package ticketing

import (
	"encoding/json"
	"fmt"
	"strconv"
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
