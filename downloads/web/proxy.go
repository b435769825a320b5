package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// proxies is what the environment says of proxies.
type proxies struct {
	choose func(*url.URL) (*url.URL, error)
	hosts  map[string]bool // host:port of every proxy
}

// proxiesFrom reads HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, in
// capitals or small letters. ALL_PROXY, which curl has, stands in for the
// first two. A proxy may be http, https, socks5 or socks5h.
func proxiesFrom(env func(string) string) (*proxies, error) {
	get := func(name string) string {
		if v := env(name); v != "" {
			return v
		}
		return env(strings.ToLower(name))
	}
	all := get("ALL_PROXY")
	config := httpproxy.Config{HTTPProxy: get("HTTP_PROXY"), HTTPSProxy: get("HTTPS_PROXY"), NoProxy: get("NO_PROXY")}
	if config.HTTPProxy == "" {
		config.HTTPProxy = all
	}
	if config.HTTPSProxy == "" {
		config.HTTPSProxy = all
	}
	p := &proxies{choose: config.ProxyFunc(), hosts: map[string]bool{}}
	for _, value := range []string{config.HTTPProxy, config.HTTPSProxy} {
		if value == "" {
			continue
		}
		if !strings.Contains(value, "://") { // "host:port" is understood too
			value = "http://" + value
		}
		u, err := url.Parse(value)
		if err != nil || u.Host == "" {
			// The value may hold a password: it is not shown.
			return nil, fmt.Errorf("web: a proxy variable of the environment is no address: want http://host:port")
		}
		port := u.Port()
		if port == "" {
			port = map[string]string{"https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
		}
		if port == "" {
			port = "80"
		}
		p.hosts[strings.ToLower(u.Hostname())+":"+port] = true
	}
	return p, nil
}

// forRequest is the proxy of a request, or nil.
func (p *proxies) forRequest(r *http.Request) (*url.URL, error) { return p.choose(r.URL) }

// isProxy tells whether an address is a proxy's, which the person named.
func (p *proxies) isProxy(address string) bool { return p.hosts[strings.ToLower(address)] }
