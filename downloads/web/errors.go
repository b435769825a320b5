package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode"
)

// maxErrorBody is how much of an error's page is looked at.
const maxErrorBody = 4 << 10

// StatusError is an answer that is not the thing asked for.
type StatusError struct {
	Host string
	Code int
	Wait Wait // how long the server asks us to keep away

	// Reason is the server's own short name of what is wrong: the header
	// X-Error-Code of the Hugging Face hub, the <Code> of storage servers.
	Reason string
	// Message is the server's sentence, fit to print.
	Message string
}

func (e *StatusError) Error() string {
	s := fmt.Sprintf("%s answered %d", e.Host, e.Code)
	if text := http.StatusText(e.Code); text != "" {
		s += " " + text
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}

// StatusError makes the answer an error, closes its body, and reads of it what
// helps.
func (r *Response) StatusError() *StatusError {
	defer r.Body.Close()
	e := &StatusError{
		Host:    Printable(r.URL.Host),
		Code:    r.StatusCode,
		Wait:    waitFrom(r.Header),
		Reason:  Printable(r.Header.Get("X-Error-Code")),
		Message: Printable(r.Header.Get("X-Error-Message")),
	}
	if e.Reason == "" {
		body, _ := io.ReadAll(io.LimitReader(r.Body, maxErrorBody)) // half an explanation will do
		_, rest, _ := strings.Cut(string(body), "<Code>")
		if code, _, ok := strings.Cut(rest, "</Code>"); ok {
			e.Reason = Printable(code)
		}
	}
	return e
}

// NetworkError is a failure to reach a server.
type NetworkError struct {
	Host string
	Err  error
}

func (e *NetworkError) Error() string {
	var dns *net.DNSError
	if errors.As(e.Err, &dns) {
		return fmt.Sprintf("cannot find %s: %s", e.Host, dns.Err)
	}
	return fmt.Sprintf("cannot reach %s: %v", e.Host, e.Err)
}

func (e *NetworkError) Unwrap() error { return e.Err }

// CertificateError is a server whose certificate is not to be trusted.
type CertificateError struct {
	Host   string
	Issuer string // who signed it, or ""
	Err    error
}

func (e *CertificateError) Error() string {
	var (
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		name    x509.HostnameError
	)
	switch {
	case errors.As(e.Err, &unknown):
		return fmt.Sprintf("the certificate of %s is signed by %q, which this system does not know; "+
			"if your network inspects TLS, name its root certificate with --ca-cert FILE", e.Host, e.Issuer)
	case errors.As(e.Err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("the certificate of %s, signed by %q, is out of date; is the clock of this machine right?", e.Host, e.Issuer)
	case errors.As(e.Err, &name):
		return fmt.Sprintf("the certificate that %s shows, signed by %q, is for another host; "+
			"something on the way answers in its place", e.Host, e.Issuer)
	}
	return fmt.Sprintf("the certificate of %s cannot be checked: %v", e.Host, e.Err)
}

func (e *CertificateError) Unwrap() error { return e.Err }

// ProxyError is a proxy that does not let us through.
type ProxyError struct {
	Proxy string
	Code  int
}

func (e *ProxyError) Error() string {
	if e.Code == http.StatusProxyAuthRequired {
		return fmt.Sprintf("the proxy %s wants a name and a password: put them into HTTPS_PROXY, http://NAME:PASSWORD@%s", e.Proxy, e.Proxy)
	}
	return fmt.Sprintf("the proxy %s answered %d %s", e.Proxy, e.Code, http.StatusText(e.Code))
}

// explain makes an error of net/http one of ours. The address is named by its
// host: the rest may be signed and is nobody's business.
func explain(ctx context.Context, at *url.URL, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	host := Printable(at.Host)
	var (
		address     *AddressError
		proxy       *ProxyError
		certificate *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &address):
		return address
	case errors.As(err, &proxy):
		return proxy
	case errors.As(err, &certificate):
		e := &CertificateError{Host: host, Err: err}
		if len(certificate.UnverifiedCertificates) > 0 {
			e.Issuer = Printable(certificate.UnverifiedCertificates[0].Issuer.String())
		}
		return e
	}
	return &NetworkError{Host: host, Err: err}
}

// maxPrintable is how many letters of a server's words are worth showing.
const maxPrintable = 300

// Printable is text from a server fit to be shown: one line, no control or
// formatting characters, of a sane length.
func Printable(text string) string {
	var b strings.Builder
	n := 0
	for _, r := range strings.ToValidUTF8(text, "\uFFFD") {
		switch {
		case n >= maxPrintable:
			return b.String() + "..."
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			continue
		}
		n++
	}
	return strings.TrimSpace(b.String())
}
