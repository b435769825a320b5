package hub

import (
	"strings"

	"scout/downloads/transfer"
)

// Listing is what there is under a reference, at one commit.
type Listing struct {
	Ref      Ref
	Revision string // the commit, or the digest of the manifest
	License  License
	Gated    bool // the licence has to be accepted on the hub's site
	Variants []Variant
	// Warnings are sentences for the person.
	Warnings []string
}

// License is what a model may be used for.
type License struct {
	Name string // "llama4", "apache-2.0"; empty if the hub does not say
	Link string
	Text string // where the hub carries it
}

// open are licences without clauses a person would want to see before using a
// model: everyone may do everything, with attribution at most. Hugging Face
// names them by their identifiers; what the Ollama registry carries is the
// text, whose first line stands for its name.
const open = " apache-2.0 mit bsd bsd-2-clause bsd-3-clause isc zlib cc0-1.0 unlicense wtfpl ecl-2.0 afl-3.0 ms-pl bsl-1.0 postgresql ncsa artistic-2.0 cc-by-4.0 cc-by-3.0 pddl odc-by " +
	"apache_license mit_license the_mit_license the_mit_license_(mit) bsd_3-clause_license "

// HasClauses tells whether the licence is to be shown once before a pull.
func (l License) HasClauses() bool {
	name := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(l.Name)), " ", "_")
	return (name != "" || l.Text != "") && !strings.Contains(open, " "+name+" ")
}

// File is a file of a hub.
type File struct {
	Path   string // on the hub
	SHA256 string
	Size   int64
}

// Blob is the file's content.
func (f File) Blob() transfer.Blob { return transfer.Blob{SHA256: f.SHA256, Size: f.Size} }

// Variant is one quantization of a model: all its parts and its vision tower.
type Variant struct {
	Quant     string // "Q4_K_M"; empty if the name of the file does not tell
	Base      string // the file's name without quantization and part
	Files     []File // the parts, in order
	Projector *File  // nil if it has none, or has it inside
}

// Size is the bytes of all files.
func (v Variant) Size() int64 {
	var sum int64
	for _, f := range v.Files {
		sum += f.Size
	}
	if v.Projector != nil {
		sum += v.Projector.Size
	}
	return sum
}
