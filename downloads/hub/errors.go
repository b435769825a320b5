package hub

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"scout/downloads/web"
)

// AccessError is a hub that does not let us have something, and will not as
// long as nobody does anything about it.
type AccessError struct {
	Sentence string
	Err      error
}

func (e *AccessError) Error() string { return e.Sentence }
func (e *AccessError) Unwrap() error { return e.Err }

// Permanent ends a transfer.
func (e *AccessError) Permanent() bool { return true }

// NotFoundError is something that a hub does not have, or does not show us.
type NotFoundError struct {
	What string   // "the repository user/repo"
	Near []string // what may have been meant
	Err  error
}

func (e *NotFoundError) Error() string {
	s := "there is no " + e.What
	if len(e.Near) > 0 {
		s += "; did you mean " + strings.Join(e.Near, ", ") + "?"
	}
	return s
}

func (e *NotFoundError) Unwrap() error { return e.Err }

// Permanent ends a transfer.
func (e *NotFoundError) Permanent() bool { return true }

// ListingError is an answer of a hub that cannot be a listing.
type ListingError struct{ Host, Why string }

func (e *ListingError) Error() string {
	return fmt.Sprintf("bad listing from %s: %s", e.Host, e.Why)
}

// Permanent ends a transfer.
func (e *ListingError) Permanent() bool { return true }

// explain makes a status of the Hugging Face hub a sentence. Its reasons are
// in X-Error-Code (huggingface_hub, hf_raise_for_status).
func (h *huggingFace) explain(err error, repository, rev, file string) error {
	var status *web.StatusError
	if !errors.As(err, &status) {
		return err
	}
	site := h.base
	switch {
	case status.Reason == "GatedRepo":
		return &AccessError{h.gated(repository), err}
	case status.Reason == "RevisionNotFound":
		return &NotFoundError{What: fmt.Sprintf("revision %s of %s", rev, repository), Err: err}
	case status.Reason == "EntryNotFound", status.Code == http.StatusNotFound && file != "":
		return &NotFoundError{What: fmt.Sprintf("file %s in %s", web.Printable(file), repository), Err: err}
	case status.Reason == "RepoNotFound", status.Code == http.StatusNotFound:
		return &NotFoundError{What: fmt.Sprintf("repository %s at %s (or it is private, and needs a token that may see it)", repository, status.Host), Err: err}
	case status.Code == http.StatusUnauthorized && h.token.IsZero():
		return &NotFoundError{What: fmt.Sprintf("repository %s at %s that may be seen without a token (set HF_TOKEN if it is private)", repository, status.Host), Err: err}
	case status.Code == http.StatusUnauthorized:
		return &AccessError{fmt.Sprintf("%s does not accept the token for %s: make another at %s/settings/tokens", status.Host, repository, site), err}
	case status.Code == http.StatusForbidden:
		return &AccessError{fmt.Sprintf("%s does not let us have %s: %s", status.Host, repository, orStatus(status)), err}
	}
	return err
}

// gated says what to do for a repository whose licence has to be accepted. A
// mirror does not take that: it is done at the hub that it mirrors.
func (h *huggingFace) gated(repository string) string {
	s := fmt.Sprintf("%s needs you to accept its licence: do that at %s/%s", repository, officialEndpoint, repository)
	switch {
	case h.withheld:
		return s + fmt.Sprintf(", and set %s=1, so that the mirror %s is shown your token", trustMirror, hostOf(h.base))
	case h.token.IsZero():
		return s + ", then make a token at " + officialEndpoint + "/settings/tokens and set HF_TOKEN to it"
	}
	return s + " with the account that your token is of, and wait if its owner wants to agree"
}

func orStatus(e *web.StatusError) string {
	if e.Message != "" {
		return e.Message
	}
	return fmt.Sprintf("%d %s", e.Code, http.StatusText(e.Code))
}
