package interchange

// Summary is what `threatloop model show --json` prints. Its JSON is a promise:
// keys are added, never renamed or removed.
type Summary struct {
	Format   Format   `json:"format"`
	Diagrams int      `json:"diagrams"`
	Elements Elements `json:"elements"`
	Threats  int      `json:"threats"`
	Notes    []Note   `json:"notes"` // in the order of the file; never null
}

// Elements counts what is drawn, by kind; a boundary is a box or a curve.
type Elements struct {
	Actor    int `json:"actor"`
	Process  int `json:"process"`
	Store    int `json:"store"`
	Flow     int `json:"flow"`
	Boundary int `json:"boundary"`
	Text     int `json:"text"`
}

// Summarise returns what the file held, as counted in the file.
func Summarise(i *Import) Summary {
	c := i.Counts
	s := Summary{
		Format: i.Format, Diagrams: c.Diagrams, Threats: c.Threats, Notes: i.Notes,
		Elements: Elements{Actor: c.Actor, Process: c.Process, Store: c.Store, Flow: c.Flow, Boundary: c.Boundary, Text: c.Text},
	}
	if s.Notes == nil {
		s.Notes = []Note{}
	}
	return s
}
