package tracker_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/threatloop/threatloop/internal/tracker"
)

func TestAsError(t *testing.T) {
	t.Parallel()
	if got := tracker.AsError(nil); got != nil {
		t.Errorf("AsError(nil) = %v, want nil", got)
	}
	own := &tracker.Error{Outcome: tracker.Rejected, Kind: tracker.KindInvalid, Op: "create issue"}
	if got := tracker.AsError(fmt.Errorf("ticketing: %w", own)); got != own {
		t.Errorf("AsError(wrapped) = %v, want the tracker error inside", got)
	}
	got := tracker.AsError(context.Canceled)
	if got.Outcome != tracker.Ambiguous || got.Kind != tracker.KindUnavailable || !errors.Is(got, context.Canceled) {
		t.Errorf("AsError(unknown) = %+v, want ambiguous and unavailable", got)
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*tracker.Error{
		"tracker: create issue: invalid (HTTP 400): summary: too long": {Op: "create issue", Kind: tracker.KindInvalid, Status: 400, Reason: "summary: too long", Err: errors.New("x")},
		"tracker: read issue: unavailable: connection refused":         {Op: "read issue", Kind: tracker.KindUnavailable, Err: errors.New("connection refused")},
		"tracker: read issue: auth (HTTP 401)":                         {Op: "read issue", Kind: tracker.KindAuth, Status: 401},
	} {
		if got := e.Error(); got != want {
			t.Errorf("Error() = %q, want %q", got, want)
		}
	}
}

func TestErrorPlain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  tracker.Error
		want string
	}{
		{tracker.Error{Op: "search issues", Kind: tracker.KindAuth, Status: 401, Reason: "no"}, "it answered HTTP 401: no"},
		{tracker.Error{Op: "search issues", Kind: tracker.KindAuth, Status: 401}, "it answered HTTP 401"},
		{tracker.Error{Op: "read", Kind: tracker.KindUnavailable, Err: &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connect: connection refused")}}, "connect: connection refused"},
		{tracker.Error{Op: "read", Kind: tracker.KindUnavailable, Err: &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "jira.invalid", Server: "10.0.0.1:53", IsNotFound: true}}}, "there is no host jira.invalid"},
		{tracker.Error{Op: "read", Kind: tracker.KindProtocol}, "protocol"},
	} {
		if got := c.err.Plain(); got != c.want {
			t.Errorf("Plain() = %q, want %q", got, c.want)
		}
	}
}
