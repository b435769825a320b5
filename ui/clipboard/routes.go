package clipboard

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"unicode/utf16"
)

// pictureTypes is the media types of pictures, the best first: what loses nothing, then
// what was made for photos.
var pictureTypes = []string{"image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp", "image/tiff"}

// textTypes is what text is offered as: by Wayland, then by X11 (ICCCM 2.6.2).
var textTypes = []string{"text/plain;charset=utf-8", "UTF8_STRING", "text/plain", "STRING", "TEXT"}

const filesType = "text/uri-list" // RFC 2483

// bestOf is the type to ask for of those that are offered, empty if none is of use.
func bestOf(offered []string) string {
	for _, t := range slices.Concat(pictureTypes, []string{filesType}, textTypes) {
		if slices.Contains(offered, t) {
			return t
		}
	}
	return ""
}

// as is what data of a type is.
func as(mediaType string, data []byte) Content {
	switch {
	case slices.Contains(pictureTypes, mediaType):
		return Content{Picture: data}
	case mediaType == filesType:
		return Content{Files: files(string(data))}
	}
	return Content{Text: strings.ToValidUTF8(string(data), "\uFFFD")}
}

// files is the addresses of a list without its remarks (RFC 2483).
func files(list string) string {
	var lines []string
	for line := range strings.Lines(list) {
		if line = strings.TrimRight(line, "\r\n\x00"); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// typed is a route by a program that lists types and gives the one that is asked for.
func typed(name string, list []string, give func(mediaType string) []string) func(context.Context, Runner, int) (Content, error) {
	return func(ctx context.Context, run Runner, most int) (Content, error) {
		offered, err := run(ctx, most, name, list...)
		if err != nil {
			return Content{}, err
		}
		best := bestOf(strings.Fields(strings.ReplaceAll(string(offered), "; ", ";")))
		if best == "" {
			return Content{}, nil
		}
		data, err := run(ctx, most, name, give(best)...)
		if err != nil {
			return Content{}, err
		}
		return as(best, data), nil
	}
}

var wayland = route{"wl-clipboard (for its wl-paste)", typed("wl-paste", []string{"--list-types"},
	func(mediaType string) []string { return []string{"--no-newline", "--type", mediaType} })}

var x11 = route{"xclip", typed("xclip", []string{"-selection", "clipboard", "-t", "TARGETS", "-o"},
	func(mediaType string) []string { return []string{"-selection", "clipboard", "-t", mediaType, "-o"} })}

// x11Text is for where only xsel is, which reads no pictures.
var x11Text = route{"xclip", func(ctx context.Context, run Runner, most int) (Content, error) {
	data, err := run(ctx, most, "xsel", "--clipboard", "--output")
	if err != nil {
		return Content{}, err
	}
	if len(data) == 0 { // which it also says of a picture
		return Content{}, fmt.Errorf("xsel reads no pictures: %w", exec.ErrNotFound)
	}
	return as("text/plain", data), nil
}}

// mac is by the programs of macOS, and pngpaste where that is, which is faster.
var mac = route{"pngpaste", func(ctx context.Context, run Runner, most int) (Content, error) {
	script := func(most int, line string) (string, error) {
		out, err := run(ctx, most, "osascript", "-e", line)
		return strings.TrimRight(string(out), "\n"), err
	}
	info, err := script(most, "clipboard info")
	if err != nil {
		return Content{}, err
	}
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.Contains(info, name) })
	}
	switch {
	case has("«class furl»"): // before pictures: of a file, the Finder copies its icon too
		path, err := script(most, "POSIX path of (the clipboard as «class furl»)")
		return Content{Files: path}, err
	case has("«class PNGf»", "TIFF picture", "JPEG picture", "GIF picture"):
		data, err := run(ctx, most, "pngpaste", "-")
		if err == nil && len(data) > 0 {
			return Content{Picture: data}, nil
		}
		if errors.Is(err, ErrTooLarge) {
			return Content{}, err
		}
		written, err := script(2*most+len(macBegin)+len(macEnd)+1, "the clipboard as «class PNGf»")
		if err != nil {
			return Content{}, err
		}
		data, err = macData(written)
		return Content{Picture: data}, err
	case info != "":
		data, err := run(ctx, most, "pbpaste")
		return as("text/plain", data), err
	}
	return Content{}, nil
}}

// How AppleScript writes data: in hexadecimal digits between these.
const macBegin, macEnd = "«data PNGf", "»"

// macData reads data as AppleScript writes it.
func macData(written string) ([]byte, error) {
	digits, begun := strings.CutPrefix(strings.TrimSpace(written), macBegin)
	digits, ended := strings.CutSuffix(digits, macEnd)
	if !begun || !ended {
		return nil, errors.New("osascript: it gave no picture")
	}
	data, err := hex.DecodeString(digits)
	if err != nil {
		return nil, fmt.Errorf("osascript: the picture: %w", err)
	}
	return data, nil
}

// windowsScript writes what the clipboard holds: a word that says what, and the bytes in
// base 64, since the pipe of a console is no place for others.
const windowsScript = `$ErrorActionPreference = 'Stop'
Add-Type -AssemblyName System.Windows.Forms, System.Drawing
$c = [System.Windows.Forms.Clipboard]
if ($c::ContainsFileDropList()) {
  $kind = 'files'; $bytes = [Text.Encoding]::UTF8.GetBytes((@($c::GetFileDropList()) -join [char]10))
} elseif ($c::ContainsImage()) {
  $m = New-Object IO.MemoryStream
  $c::GetImage().Save($m, [System.Drawing.Imaging.ImageFormat]::Png)
  $kind = 'picture'; $bytes = $m.ToArray()
} else {
  $kind = 'text'; $bytes = [Text.Encoding]::UTF8.GetBytes($c::GetText())
}
[Console]::Out.Write($kind + ' ' + [Convert]::ToBase64String($bytes))`

// windows is by the PowerShell that every Windows has.
var windows = route{"PowerShell", func(ctx context.Context, run Runner, most int) (Content, error) {
	out, err := run(ctx, base64.StdEncoding.EncodedLen(most)+len("picture "), "powershell.exe",
		"-NoLogo", "-NoProfile", "-NonInteractive", "-Sta", "-EncodedCommand", encodedCommand(windowsScript))
	if err != nil {
		return Content{}, err
	}
	return windowsContent(string(out))
}}

// encodedCommand is a script as PowerShell takes it without regard to quotes.
func encodedCommand(script string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(script)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return base64.StdEncoding.EncodeToString(b)
}

// windowsContent reads what windowsScript writes.
func windowsContent(written string) (Content, error) {
	kind, coded, _ := strings.Cut(strings.TrimSpace(written), " ")
	data, err := base64.StdEncoding.DecodeString(coded)
	if err != nil {
		return Content{}, fmt.Errorf("powershell: what was copied: %w", err)
	}
	switch kind {
	case "picture":
		return Content{Picture: data}, nil
	case "files":
		return as(filesType, data), nil
	case "text":
		return as("text/plain", data), nil
	}
	return Content{}, errors.New("powershell: it did not say what was copied")
}
