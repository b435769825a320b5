// Package web makes the HTTP requests of downloads, so that nobody else has to
// think of what a server may do to us.
//
//   - A token goes to the one host and port it belongs to, over TLS, and is in
//     no error and no log.
//   - Redirects are followed by hand: five at most, never to a lesser scheme
//     and never to an address inside this network, unless the person named
//     that host. Names are looked at again after they have been resolved.
//   - What is read is bounded, bodies are taken as they are (no gzip), and
//     headers have to come within half a minute.
//   - A proxy comes from the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY,
//     NO_PROXY), own root certificates from a file.
//
// HTTP/2 is off: it would fold the connections of a download into one.
package web
