package client

import "context"

// Account is who is to be the first administrator of an installation.
type Account struct {
	Email    string `json:"email"`
	Name     string `json:"name"`
	Password string `json:"password"`
	Token    string `json:"token,omitempty"` // that the server printed, where it demands one
}

type session struct {
	Token string `json:"token"`
}

// SetUp makes the first administrator of a fresh installation and returns a
// client that acts for them; fault.Conflict once there is an account.
func (c *Client) SetUp(ctx context.Context, a Account) (*Client, error) {
	var s session
	if err := c.Post(ctx, "/setup", a, &s); err != nil {
		return nil, err
	}
	return c.WithToken(s.Token), nil
}
