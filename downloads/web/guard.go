package web

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
)

// AddressError refuses an address before anything is sent to it.
type AddressError struct {
	Host string // that was to be asked
	From string // the host that sent us there; empty for an address given by the person
	Why  string
}

func (e *AddressError) Error() string {
	if e.From != "" {
		return fmt.Sprintf("%s sends us on to %s: refused, %s", e.From, e.Host, e.Why)
	}
	return fmt.Sprintf("refused to ask %s: %s", e.Host, e.Why)
}

// check looks at an address before it is asked. from is the host that named
// it, or empty.
func (c *Client) check(u *url.URL, from string) error {
	refuse := func(why string) error { return &AddressError{Host: Printable(u.Host), From: from, Why: why} }
	host := strings.ToLower(u.Hostname())
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return &AddressError{Host: Printable(u.Scheme + ":"), From: from, Why: "only https is followed"}
	case host == "":
		return refuse("it names no host")
	case u.User != nil:
		return refuse("it carries a name and a password")
	case u.Scheme == "http" && !(isLoopback(host) && c.trusts(u.Host)):
		return refuse("it is not encrypted (http)")
	case c.trusts(u.Host):
		return nil
	case isLoopback(host), strings.HasSuffix(host, ".localhost"):
		return refuse("it is this machine")
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if why := inside(ip); why != "" {
			return refuse(why)
		}
	}
	return nil
}

// isLoopback tells whether a host name is this machine by its spelling.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// inside says why an address is not one of the internet, or "".
func inside(ip netip.Addr) string {
	ip = ip.Unmap().WithZone("")
	switch {
	case ip.IsLoopback(), ip.IsUnspecified():
		return "it is this machine"
	case ip.IsPrivate(), sharedAddresses.Contains(ip):
		return "it is inside a private network"
	case ip.IsLinkLocalUnicast(), ip.IsLinkLocalMulticast(), ip.IsInterfaceLocalMulticast():
		return "it is an address of the local link"
	case ip.IsMulticast(), ip == broadcast:
		return "it is not the address of one machine"
	case zeroNetwork.Contains(ip):
		return "it is this machine"
	}
	// Addresses of version 4 inside those of version 6.
	if ip.Is6() {
		b := ip.As16()
		switch {
		case nat64.Contains(ip):
			return inside(netip.AddrFrom4([4]byte(b[12:16])))
		case sixToFour.Contains(ip):
			return inside(netip.AddrFrom4([4]byte(b[2:6])))
		}
	}
	return ""
}

var (
	sharedAddresses = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598
	zeroNetwork     = netip.MustParsePrefix("0.0.0.0/8")     // RFC 1122, 3.2.1.3
	broadcast       = netip.MustParseAddr("255.255.255.255") // RFC 919
	nat64           = netip.MustParsePrefix("64:ff9b::/96")  // RFC 6052
	sixToFour       = netip.MustParsePrefix("2002::/16")     // RFC 3056
)

// isRedirect tells the statuses that send a GET elsewhere.
func isRedirect(code int) bool {
	switch code {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// redirect is where an answer sends us, if we may go there.
func (c *Client) redirect(at *url.URL, answer *http.Response, hops int) (*url.URL, error) {
	from := Printable(at.Host)
	if hops >= maxRedirects {
		return nil, &AddressError{Host: from, From: from, Why: fmt.Sprintf("that was redirect %d, at most %d are followed", hops+1, maxRedirects)}
	}
	location := answer.Header.Get("Location")
	if location == "" {
		return nil, &AddressError{Host: "nowhere", From: from, Why: "the redirect has no address"}
	}
	to, err := at.Parse(location)
	if err != nil {
		return nil, &AddressError{Host: Printable(location), From: from, Why: "that is no address"}
	}
	if at.Scheme == "https" && to.Scheme == "http" {
		return nil, &AddressError{Host: Printable(to.Host), From: from, Why: "it is not encrypted (http)"}
	}
	return to, c.check(to, from)
}

// guard dials, and looks at the addresses that a name resolved to.
type guard struct {
	trusts func(address string) bool
}

func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout, KeepAlive: dialTimeout}
	if !g.trusts(address) {
		d.ControlContext = func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
			return refuseInside(address, resolved)
		}
	}
	return d.DialContext(ctx, network, address)
}

// refuseInside refuses a resolved address of this machine or network.
func refuseInside(address, resolved string) error {
	ap, err := netip.ParseAddrPort(resolved)
	if err != nil {
		return &AddressError{Host: address, Why: "it resolved to " + resolved + ", which is no address"}
	}
	if why := inside(ap.Addr()); why != "" {
		return &AddressError{Host: address, Why: fmt.Sprintf("its name resolved to %s, %s", ap.Addr(), why)}
	}
	return nil
}
