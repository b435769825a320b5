package picture

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"io"
	"strings"
	"unicode/utf16"
)

// unnamedProfile stands for a profile whose name is not known.
const unnamedProfile = "unnamed"

// profileName is the name of an ICC profile, or of as much of it as there is (ICC.1,
// 7.3 and 9.2.41). It is empty for sRGB, since leaving that out changes nothing.
func profileName(icc []byte) string {
	const table = 132
	if len(icc) < table {
		return unnamedProfile
	}
	n := min(int64(binary.BigEndian.Uint32(icc[128:])), 100)
	for i := range int(n) {
		e := icc[table+min(12*i, len(icc)-table):]
		if len(e) < 12 {
			break
		}
		if string(e[:4]) != "desc" {
			continue
		}
		from, size := int64(binary.BigEndian.Uint32(e[4:])), int64(binary.BigEndian.Uint32(e[8:]))
		if from+size > int64(len(icc)) {
			break
		}
		return notSRGB(profileText(icc[from : from+size]))
	}
	return unnamedProfile
}

// profileText reads the types that a description has: desc of version 2, mluc of
// version 4, of which the first language is taken.
func profileText(b []byte) string {
	if len(b) < 12 {
		return ""
	}
	switch string(b[:4]) {
	case "desc":
		n := min(int64(binary.BigEndian.Uint32(b[8:])), int64(len(b)-12))
		return latin1(bytes.TrimRight(b[12:12+n], "\x00"))
	case "mluc":
		if len(b) < 28 {
			return ""
		}
		size, from := int64(binary.BigEndian.Uint32(b[20:])), int64(binary.BigEndian.Uint32(b[24:]))
		if from+size > int64(len(b)) {
			return ""
		}
		units := make([]uint16, size/2)
		for i := range units {
			units[i] = binary.BigEndian.Uint16(b[from+2*int64(i):])
		}
		return printable(string(utf16.Decode(units)))
	}
	return ""
}

// inflatedProfile is the name of a profile that zlib has compressed. Bytes beyond a
// MB are not looked at.
func inflatedProfile(packed []byte) string {
	r, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return unnamedProfile
	}
	icc, _ := io.ReadAll(io.LimitReader(r, 1<<20)) // what there is of a broken one will do
	return profileName(icc)
}

func notSRGB(name string) string {
	switch {
	case strings.Contains(strings.ToLower(name), "srgb"):
		return ""
	case name == "":
		return unnamedProfile
	}
	return name
}

func latin1(b []byte) string {
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return printable(string(runes))
}

// printable leaves out what would disturb a terminal, and cuts what is no name.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\ufffd' {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60])
	}
	return strings.TrimSpace(s)
}
