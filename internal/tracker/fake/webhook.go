package fake

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// webhook is the registration and what was not delivered yet.
type webhook struct {
	url, secret string
	serial      int
	queue       []Delivery
	wake        chan struct{}
}

// Delivery is one webhook event that waits to be sent.
type Delivery struct {
	ID    string // the same over retries
	Event string // "jira:issue_updated"
	Body  []byte
	Retry int
}

// SetWebhook registers an address with a secret ("" sends unsigned); "" as
// address removes the registration.
func (s *Server) SetWebhook(url, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook.url, s.hook.secret = url, secret
}

func (s *Server) queueEvent(event string, i *issue) {
	if s.hook.url == "" {
		return
	}
	s.hook.serial++
	body := map[string]any{
		"timestamp": s.now().UnixMilli(), "webhookEvent": event,
		"issue": map[string]any{"id": fmt.Sprint(i.id), "key": i.key, "fields": map[string]any{
			"summary": i.summary, "labels": anyList(i.labels),
			"status": map[string]any{"id": i.status.ID, "name": i.status.Name},
		}},
	}
	b, err := json.Marshal(body)
	if err != nil {
		return
	}
	s.hook.queue = append(s.hook.queue, Delivery{ID: fmt.Sprintf("delivery-%d", s.hook.serial), Event: event, Body: b})
	if s.hook.wake != nil {
		select {
		case s.hook.wake <- struct{}{}:
		default:
		}
	}
}

// TakeDeliveries empties the queue of webhook events. A test may lose, reorder,
// repeat or alter them and hand them to Send.
func (s *Server) TakeDeliveries() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.hook.queue
	s.hook.queue = nil
	return q
}

// Send posts one delivery as Jira does and returns the receiver's status.
func (s *Server) Send(ctx context.Context, d Delivery) (int, error) {
	s.mu.Lock()
	url, secret := s.hook.url, s.hook.secret
	s.mu.Unlock()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(d.Body))
	if err != nil {
		return 0, fmt.Errorf("fake: webhook: %w", err)
	}
	req.Header.Set("Content-Type", "application/json; charset=UTF-8")
	req.Header.Set("X-Atlassian-Webhook-Identifier", d.ID)
	req.Header.Set("X-Atlassian-Webhook-Flow", "Primary")
	if d.Retry > 0 {
		req.Header.Set("X-Atlassian-Webhook-Retry", fmt.Sprint(d.Retry))
	}
	if secret != "" {
		req.Header.Set("X-Hub-Signature", Sign(d.Body, secret))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("fake: webhook: %w", err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode, nil
}

// Sign returns the X-Hub-Signature of a body.
func Sign(body []byte, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// DeliverAll sends what is queued, in order, each up to five times more where
// the receiver asks for it, without waiting between the tries. Each event is
// sent copies times.
func (s *Server) DeliverAll(ctx context.Context, copies int) error {
	for _, d := range s.TakeDeliveries() {
		for range max(1, copies) {
			if err := s.deliver(ctx, d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Server) deliver(ctx context.Context, d Delivery) error {
	for d.Retry = 0; ; d.Retry++ {
		code, err := s.Send(ctx, d)
		if err == nil && !retried(code) {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if d.Retry == 5 {
			return fmt.Errorf("fake: webhook %s was not accepted (status %d): %w", d.ID, code, errNotDelivered(err))
		}
	}
}

func errNotDelivered(err error) error {
	if err == nil {
		return fmt.Errorf("the receiver refused")
	}
	return err
}

func retried(code int) bool {
	return code == http.StatusRequestTimeout || code == http.StatusConflict || code == http.StatusTooEarly || code == http.StatusTooManyRequests || code >= 500
}

// DeliverLive sends events as they arise until the context ends. Failed ones
// are tried again as DeliverAll does.
func (s *Server) DeliverLive(ctx context.Context) {
	s.mu.Lock()
	s.hook.wake = make(chan struct{}, 1)
	wake := s.hook.wake
	s.mu.Unlock()
	for {
		_ = s.DeliverAll(ctx, 1) // a receiver that is down misses the event, as with Jira
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-time.After(time.Second):
		}
	}
}
