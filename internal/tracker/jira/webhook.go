package jira

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/tracker"
)

// Hint implements tracker.Tracker. The signature is HMAC-SHA256 over the raw
// body in X-Hub-Signature ("sha256=" and hex digits). Without a configured
// secret every delivery is refused. Of the content only the issue ids are used.
// A delivery is told from others by the digest of its body, which bears a time
// stamp: the header with Jira's own identifier is not signed, and whoever
// recorded a delivery could send it again under another one.
func (c *Client) Hint(h http.Header, body []byte, secret string) (tracker.Hint, error) {
	const op = "read webhook"
	forged := func(why string) (tracker.Hint, error) {
		return tracker.Hint{}, &tracker.Error{Outcome: tracker.Rejected, Kind: tracker.KindForged, Op: op, Reason: why}
	}
	if secret == "" {
		return forged("no secret is configured, so no delivery can be trusted")
	}
	given, ok := strings.CutPrefix(h.Get("X-Hub-Signature"), "sha256=")
	if !ok {
		return forged("the delivery has no sha256 signature")
	}
	sum, err := hex.DecodeString(given)
	if err != nil {
		return forged("the signature is not one")
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	if !hmac.Equal(sum, mac.Sum(nil)) {
		return forged("the signature does not match the body")
	}
	var event struct {
		Timestamp json.Number `json:"timestamp"`
		Issue     struct {
			ID json.Number `json:"id"`
		} `json:"issue"`
		Link struct {
			Source      json.Number `json:"sourceIssueId"`
			Destination json.Number `json:"destinationIssueId"`
		} `json:"issueLink"`
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return tracker.Hint{}, &tracker.Error{Outcome: tracker.Rejected, Kind: tracker.KindProtocol, Op: op, Reason: "the delivery is not a Jira event"}
	}
	hint := tracker.Hint{Delivery: h.Get("X-Atlassian-Webhook-Identifier")}
	if event.Timestamp != "" {
		digest := sha256.Sum256(body)
		hint.Delivery = "sha256:" + hex.EncodeToString(digest[:])
	}
	for _, id := range []json.Number{event.Issue.ID, event.Link.Source, event.Link.Destination} {
		if s := id.String(); digits.MatchString(s) && !slices.Contains(hint.Tickets, s) {
			hint.Tickets = append(hint.Tickets, s)
		}
	}
	return hint, nil
}
