package hub

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"
)

var (
	// shard is the name of a part of a split set (gguf-split of llama.cpp).
	shard = regexp.MustCompile(`^(.+)-([0-9]{5})-of-([0-9]{5})\.gguf$`)
	// quantName is a quantization as file names have it. "UD-" (dynamic, of
	// unsloth) before it belongs to it.
	quantName = regexp.MustCompile(`(?i)^((I?Q|TQ)[0-9]+(_[A-Z0-9]+)*|BF16|FP?16|FP?32|MXFP4(_MOE)?|NVFP4)$`)
	// besides are GGUF files that are no models: vision towers, importance
	// matrices and drafts (the list is llama.cpp's, common/download.cpp).
	besides = regexp.MustCompile(`(?i)mmproj|imatrix|^mtp-|^eagle3-|^dflash-|^dspark-`)
)

const maxParts = 1000

// ShardError is a split set that is not whole.
type ShardError struct {
	Set  string
	Why  string
	Part int
}

func (e *ShardError) Error() string {
	return fmt.Sprintf("the set %s is not whole on the hub: part %d %s; the repository has to be completed by its owner, or choose another quantization", e.Set, e.Part, e.Why)
}

// Group sorts a repository's GGUF files into variants. Sets that are not whole
// are left out and reported.
func Group(files []File) (variants []Variant, broken []error) {
	sets := map[string][]File{}
	counts := map[string]int{}
	var projectors []File
	for _, f := range files {
		base := path.Base(f.Path)
		switch {
		case !strings.HasSuffix(strings.ToLower(base), ".gguf"):
		case besides.MatchString(base):
			if strings.Contains(strings.ToLower(base), "mmproj") {
				projectors = append(projectors, f)
			}
		default:
			key, count := f.Path, 1
			if m := shard.FindStringSubmatch(f.Path); m != nil {
				count, _ = strconv.Atoi(m[3])
				key = m[1] + "-of-" + m[3]
			}
			sets[key] = append(sets[key], f)
			counts[key] = count
		}
	}
	for key, set := range sets {
		slices.SortFunc(set, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
		if err := whole(key, set, counts[key]); err != nil {
			broken = append(broken, err)
			continue
		}
		v := Variant{Files: set}
		v.Quant, v.Base = quantOf(set[0].Path)
		v.Projector = pair(v, projectors)
		variants = append(variants, v)
	}
	slices.SortFunc(variants, func(a, b Variant) int {
		return cmp.Or(cmp.Compare(a.Size(), b.Size()), cmp.Compare(a.Files[0].Path, b.Files[0].Path))
	})
	slices.SortFunc(broken, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return variants, broken
}

// whole tells whether a set has all its parts, each once.
func whole(key string, set []File, count int) error {
	name := path.Base(key)
	if count < 1 || count > maxParts {
		return &ShardError{Set: name, Why: fmt.Sprintf("is of %d", count), Part: 1}
	}
	for i := range count {
		if count == 1 && shard.FindStringSubmatch(set[0].Path) == nil {
			break
		}
		if i >= len(set) {
			return &ShardError{Set: name, Part: i + 1, Why: "is missing"}
		}
		m := shard.FindStringSubmatch(set[i].Path)
		switch number, _ := strconv.Atoi(m[2]); {
		case number < i+1:
			return &ShardError{Set: name, Part: number, Why: "is one too many"}
		case number > i+1:
			return &ShardError{Set: name, Part: i + 1, Why: "is missing"}
		}
	}
	if len(set) > count {
		return &ShardError{Set: name, Part: count + 1, Why: "is one too many"}
	}
	return nil
}

// quantOf takes the quantization out of a file's path: from its name, or from
// the folder it is in.
func quantOf(p string) (quant, base string) {
	name := strings.TrimSuffix(path.Base(p), path.Ext(p))
	if m := shard.FindStringSubmatch(path.Base(p)); m != nil {
		name = m[1]
	}
	if quant, base = cutQuant(name); quant != "" {
		return quant, base
	}
	quant, _ = cutQuant(path.Base(path.Dir(p)))
	return quant, name
}

// cutQuant looks for a quantization between the dashes and dots of a name,
// from the end.
func cutQuant(name string) (quant, rest string) {
	end := len(name)
	for end > 0 {
		start := strings.LastIndexAny(name[:end], "-.") + 1
		if quantName.MatchString(name[start:end]) {
			quant = strings.ToUpper(name[start:end])
			before := strings.TrimRight(name[:max(start-1, 0)], "-.")
			if cut, ok := strings.CutSuffix(strings.ToUpper(before), "UD"); ok && (cut == "" || strings.HasSuffix(cut, "-") || strings.HasSuffix(cut, ".")) {
				quant, before = "UD-"+quant, strings.TrimRight(before[:len(cut)], "-.")
			}
			return quant, before
		}
		end = start - 1
	}
	return "", name
}

// pair finds a variant's vision tower among those of the repository, as
// llama.cpp does: the one that shares most folders with it, then the one whose
// bits are nearest.
func pair(v Variant, projectors []File) *File {
	var best *File
	better := func(a, b File) bool {
		da, db := sharedFolders(a.Path, v.Files[0].Path), sharedFolders(b.Path, v.Files[0].Path)
		if da != db {
			return da > db
		}
		bits := bitsOf(v.Quant)
		na, nb := abs(bitsOf(quantIn(a.Path))-bits), abs(bitsOf(quantIn(b.Path))-bits)
		return cmp.Or(cmp.Compare(na, nb), cmp.Compare(a.Size, b.Size), cmp.Compare(a.Path, b.Path)) < 0
	}
	for _, p := range projectors {
		// One in a folder beside is another model's.
		if dir := path.Dir(p.Path); dir != "." && !strings.HasPrefix(v.Files[0].Path, dir+"/") {
			continue
		}
		if best == nil || better(p, *best) {
			best = &p
		}
	}
	return best
}

func quantIn(p string) string { q, _ := quantOf(p); return q }

func abs(n int) int { return max(n, -n) }

// sharedFolders is how many folders two paths have in common from the top.
func sharedFolders(a, b string) int {
	as, bs := strings.Split(path.Dir(a), "/"), strings.Split(path.Dir(b), "/")
	n := 0
	for n < min(len(as), len(bs)) && as[n] == bs[n] {
		n++
	}
	return n
}

// bitsOf is about how many bits a weight takes.
func bitsOf(quant string) int {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return ' '
	}, quant)
	if f := strings.Fields(digits); len(f) > 0 {
		if n, err := strconv.Atoi(f[0]); err == nil {
			return n
		}
	}
	return 16
}

// AmbiguousError is a name that stands for several models.
type AmbiguousError struct {
	Name    string
	Quant   string // that was asked for; empty if none was
	Choices []Variant
}

func (e *AmbiguousError) Error() string {
	if e.Quant != "" {
		return fmt.Sprintf("%s has %d files of %s: name one, %s:%s for instance", e.Name, len(e.Choices), e.Quant, e.Name, e.Choices[0].longLabel())
	}
	return fmt.Sprintf("%s has %d quantizations: name one, %s:%s for instance", e.Name, len(e.Choices), e.Name, e.Choices[0].Label())
}

// Label is what a variant is asked for by, behind the colon of a name.
func (v Variant) Label() string { return asPart(cmp.Or(v.Quant, v.Base)) }

// longLabel tells apart variants that are of one quantization.
func (v Variant) longLabel() string { return asPart(strings.Trim(v.Base+"-"+v.Quant, "-")) }

// asPart makes a file's name one that ParseRef reads.
func asPart(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x80 && isPart(string(r)) || r == '.' {
			return r
		}
		return '-'
	}, s)
	for strings.Contains(s, "..") {
		s = strings.ReplaceAll(s, "..", ".")
	}
	s = strings.Trim(s[:min(len(s), maxPart)], ".")
	return cmp.Or(s, "model")
}

// Named is the reference by which a variant of the listing is kept: with its
// quantization, and the file's name where that is not enough.
func (l Listing) Named(v Variant) Ref {
	ref := l.Ref
	if ref.Kind == Ollama {
		return ref
	}
	ref.File, ref.Quant = "", v.Label()
	same := 0
	for _, other := range l.Variants {
		if strings.EqualFold(other.Label(), ref.Quant) {
			same++
		}
	}
	if same > 1 {
		ref.Quant = v.longLabel()
	}
	return ref
}

// NoVariantError is a quantization that a repository does not have.
type NoVariantError struct {
	Name, Quant string
	Near        string // a label it may have been meant for; empty if none is near
	Choices     []Variant
}

func (e *NoVariantError) Error() string {
	s := fmt.Sprintf("%s has no %s", e.Name, e.Quant)
	if e.Near != "" {
		s += fmt.Sprintf("; did you mean %s?", e.Near)
	}
	return s
}

// Pick is the variant that the listing's reference asks for.
func (l Listing) Pick() (Variant, error) {
	name := Ref{Kind: l.Ref.Kind, Repo: l.Ref.Repo, Rev: l.Ref.Rev}.Name()
	if l.Ref.Kind == Ollama {
		name = l.Ref.Name()
	}
	asked := l.Ref.Quant
	var found []Variant
	for _, v := range l.Variants {
		switch {
		case l.Ref.Kind == Ollama, l.Ref.File == "" && asked == "":
			found = append(found, v)
		case l.Ref.File != "" && slices.ContainsFunc(v.Files, func(f File) bool { return f.Path == l.Ref.File }):
			found = append(found, v)
		case l.Ref.File == "" && strings.EqualFold(asked, v.Label()):
			found = append(found, v)
		}
	}
	if len(found) == 0 && l.Ref.File == "" { // "Q4_K_XL" for "UD-Q4_K_XL", or the whole file name
		for _, v := range l.Variants {
			if strings.EqualFold("UD-"+asked, v.Quant) || strings.EqualFold(v.longLabel(), strings.TrimSuffix(asked, ".gguf")) {
				found = append(found, v)
			}
		}
	}
	switch {
	case len(l.Variants) == 0:
		return Variant{}, fmt.Errorf("%s has no GGUF files: look for a repository whose name ends in -GGUF", name)
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return Variant{}, &AmbiguousError{Name: name, Quant: asked, Choices: found}
	}
	labels := make([]string, len(l.Variants))
	for i, v := range l.Variants {
		labels[i] = v.Label()
	}
	return Variant{}, &NoVariantError{Name: name, Quant: cmp.Or(asked, l.Ref.File), Near: nearest(asked, labels), Choices: l.Variants}
}

// nearest is the string that is least unlike s, or "" if none is like it.
func nearest(s string, all []string) string {
	if len(s) > maxPart {
		return ""
	}
	best, bestDistance := "", len(s)/2+1
	for _, a := range all {
		if d := levenshtein.ComputeDistance(strings.ToLower(s), strings.ToLower(a)); d < bestDistance {
			best, bestDistance = a, d
		}
	}
	return best
}
