package generate

import "github.com/threatloop/threatloop/internal/model"

// See brings the evaluation to the model without making a result of it, and
// returns at how many places it looked again.
func (mm *Memo) See(m *model.Model) (int, error) {
	places, err := mm.see(m)
	return len(places), err
}
