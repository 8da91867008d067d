package tracker

import "context"

// Vocabulary is what a tracker calls things: what a person chooses from to say what they mean.
type Vocabulary struct {
	Statuses    []StatusName `json:"statuses"`
	Resolutions []string     `json:"resolutions"`
}

// StatusName is a status with the category that the tracker gives it.
type StatusName struct {
	Name     string   `json:"name"`
	Category Category `json:"category"`
}

// Speaker is a Tracker that can say what it calls things.
type Speaker interface {
	// Vocabulary returns the statuses of the target's project, of its issue type
	// where it names one, and the resolutions, each once in the tracker's order.
	Vocabulary(ctx context.Context, in Target) (Vocabulary, error)
}
