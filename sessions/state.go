package sessions

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// mostNumber bounds the numbers of records and messages that are believed: it
// is far away, and adding one to it overflows nothing.
const mostNumber = 1 << 53

// state is a conversation with what it takes to go on with it.
type state struct {
	Conversation
	drafts  map[int]*draft
	place   map[int]int // of a message in Messages, by its id
	lastN   int64       // the greatest record number
	lastID  int         // the greatest message id, of placeholders and parents too
	through int64       // records missing up to here are known to be
	regions [][2]int64
	format  int
	// flipped are the records that one wrong bit was put right in, and that no
	// mended record stands for: they are to be written again.
	flipped []record
}

// draft is an answer that is being written.
type draft struct {
	text strings.Builder
	at   int // bytes of the answer so far, those that are lost included
}

func newState(id string) *state {
	return &state{Conversation: Conversation{ID: id}, drafts: map[int]*draft{}, place: map[int]int{}, format: formatVersion}
}

// loadState makes a conversation of the bytes of a journal. It always
// succeeds: what is wrong is in Damage. witness is the greatest record number
// that is known to have been there, 0 if nothing is known.
func loadState(id string, data []byte, witness int64) (s *state, ended bool) {
	found, damage, ended := scanJournal(data)
	s = newState(id)
	s.Damage = damage
	found = slices.DeleteFunc(found, func(r scanned) bool {
		if r.N > 0 && r.N <= mostNumber {
			return false
		}
		s.note(r.offset, fmt.Sprintf("a record with the number %d", r.N))
		return true
	})
	// Records are written again after a failure, so they may come twice and late.
	slices.SortStableFunc(found, func(a, b scanned) int { return compare(a.N, b.N) })
	found = slices.CompactFunc(found, func(a, b scanned) bool { return a.N == b.N })
	for _, r := range found {
		if r.Mended != nil {
			s.regions = append(s.regions, r.Mended.Regions...)
			s.through = max(s.through, r.Mended.Through)
		}
	}
	s.findGaps(found, int64(len(data)), witness)
	for _, r := range found {
		s.apply(&r.record, r.offset)
		s.lastN = r.N
	}
	s.lastN = min(max(s.lastN, witness, s.through), mostNumber)
	s.addPlaceholders()
	s.noteMended(found)
	s.setTitle()
	return s, ended
}

func compare(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// note adds damage that has no bytes of its own.
func (s *state) note(offset int64, what string) {
	s.Damage = append(s.Damage, Damage{Offset: offset, What: what})
}

// findGaps finds the records that are missing by their numbers, and lays them
// to the damage between their neighbours, if there is any.
func (s *state) findGaps(found []scanned, size, witness int64) {
	var before int64 // offset of the record before
	var last int64
	gap := func(offset, next int64) {
		missing := next - last - 1
		if missing <= 0 {
			return
		}
		for i, d := range s.Damage {
			if d.Length > 0 && d.Missing == 0 && before <= d.Offset && d.Offset <= offset && !isRepair(d) {
				s.Damage[i].Missing = missing
				return
			}
		}
		s.Damage = append(s.Damage, Damage{Offset: offset, Missing: missing, What: "records are gone", Noted: next-1 <= s.through})
	}
	for _, r := range found {
		gap(r.offset, r.N)
		before, last = r.offset, r.N
	}
	gap(size, min(witness, mostNumber)+1)
}

// isRepair reports damage that lost nothing.
func isRepair(d Damage) bool { return strings.HasSuffix(d.What, "put right") }

// noteMended marks the damage that an earlier opening has noted.
func (s *state) noteMended(found []scanned) {
	known := joined(s.regions)
	slices.SortStableFunc(s.Damage, func(a, b Damage) int { return compare(a.Offset, b.Offset) })
	for i := range s.Damage {
		d := &s.Damage[i]
		d.Noted = d.Noted || (d.Length > 0 || d.Missing == 0) && within(known, d)
	}
	for _, r := range found {
		if r.flipped && !s.isNoted(r.offset) {
			s.flipped = append(s.flipped, r.record)
		}
	}
}

// joined is regions in order, those that touch or share a line break as one.
func joined(regions [][2]int64) [][2]int64 {
	regions = slices.Clone(regions)
	slices.SortFunc(regions, func(a, b [2]int64) int { return compare(a[0], b[0]) })
	var all [][2]int64
	for _, r := range regions {
		if n := len(all) - 1; n >= 0 && r[0] <= all[n][0]+all[n][1]+1 {
			all[n][1] = max(all[n][1], r[0]+r[1]-all[n][0])
			continue
		}
		all = append(all, r)
	}
	return all
}

// within reports whether all of d lies in one of the regions.
func within(regions [][2]int64, d *Damage) bool {
	return slices.ContainsFunc(regions, func(r [2]int64) bool {
		return r[0] <= d.Offset && d.Offset+d.Length <= r[0]+r[1]
	})
}

// isNoted reports whether the damage at offset has been noted before.
func (s *state) isNoted(offset int64) bool {
	return slices.ContainsFunc(s.Damage, func(d Damage) bool { return d.Offset == offset && d.Noted })
}

// unnoted is the damage that no opening has noted yet.
func (s *state) unnoted() []Damage {
	return slices.DeleteFunc(slices.Clone(s.Damage), func(d Damage) bool { return d.Noted })
}

// apply carries out a record. Records of a journal come in the order of their
// numbers; what makes no sense is noted and left out.
func (s *state) apply(r *record, offset int64) {
	switch {
	case r.Session != nil:
		s.applyHeader(r)
	case r.Message != nil:
		s.applyMessage(*r.Message, offset)
	case r.Part != nil:
		s.applyPart(r, offset)
	case r.Head != nil:
		s.Head = *r.Head
	case r.Title != nil:
		s.Title, s.Titled = *r.Title, *r.Title != ""
	case r.Pinned != nil:
		s.Pinned = *r.Pinned
	case r.Deleted != nil:
		s.Deleted = time.Time{}
		if *r.Deleted {
			s.Deleted = r.Time
		}
	case r.Mended != nil:
		return // not something that was said
	default:
		s.Newer = true
	}
	if s.Created.IsZero() {
		s.Created = r.Time
	}
	if r.Time.After(s.Updated) {
		s.Updated = r.Time
	}
}

func (s *state) applyHeader(r *record) {
	s.Origin = r.Session.Origin
	s.format = max(s.format, r.Session.Format)
	s.Newer = s.Newer || s.format > formatVersion
	s.Created = r.Time
}

// applyMessage adds a message, or ends the draft of it.
func (s *state) applyMessage(m Message, offset int64) {
	if why := misplaced(m.ID, m.Parent); why != "" {
		s.note(offset, "a message "+why)
		return
	}
	m.Text = strings.ToValidUTF8(m.Text, "\uFFFD")
	delete(s.drafts, m.ID)
	s.put(m)
	s.Head = m.ID
}

// applyPart adds to a draft, or begins it.
func (s *state) applyPart(r *record, offset int64) {
	p := r.Part
	if why := misplaced(p.ID, p.Parent); why != "" {
		s.note(offset, "a part of an answer "+why)
		return
	}
	d := s.drafts[p.ID]
	if d == nil {
		if _, done := s.place[p.ID]; done {
			return // it is there, whole
		}
		d = &draft{}
		s.drafts[p.ID] = d
		s.put(Message{ID: p.ID, Parent: p.Parent, Role: Assistant, Time: r.Time, Reply: p.Reply, Unfinished: true})
		s.Head = p.ID
	}
	i := s.place[p.ID]
	if d.add(p) {
		s.Messages[i].Damaged = true
	}
	s.Messages[i].Text = d.text.String()
}

// add adds a part, unless it is there already. It reports whether text before
// it is missing, for which a replacement character then stands.
func (d *draft) add(p *part) (gap bool) {
	text := strings.ToValidUTF8(p.Text, "\uFFFD")
	switch {
	case p.At > d.at:
		d.text.WriteRune('\uFFFD')
		d.text.WriteString(text)
		d.at = p.At + len(p.Text)
		return true
	case p.At == d.at:
		d.text.WriteString(text)
		d.at += len(p.Text)
	}
	return false
}

// misplaced says what is wrong with a place in the tree, "" if nothing is.
func misplaced(id, parent int) string {
	switch {
	case id < 1 || id > mostNumber:
		return fmt.Sprintf("with the number %d", id)
	case parent < 0 || parent >= id:
		return fmt.Sprintf("with the number %d that follows %d", id, parent)
	}
	return ""
}

// put adds a message at the end, or replaces the one that has its id.
func (s *state) put(m Message) {
	s.lastID = max(s.lastID, m.ID)
	if i, known := s.place[m.ID]; known {
		s.Messages[i] = m
		return
	}
	s.place[m.ID] = len(s.Messages)
	s.Messages = append(s.Messages, m)
}

// sortMessages brings messages into the order of their ids. A journal has them
// in it, unless it was damaged.
func (s *state) sortMessages() {
	slices.SortFunc(s.Messages, func(a, b Message) int { return a.ID - b.ID })
	for i, m := range s.Messages {
		s.place[m.ID] = i
	}
}

// addPlaceholders puts an empty message in the place of each that another
// follows and that is lost, after the one that was said before it.
func (s *state) addPlaceholders() {
	lost := map[int]time.Time{}
	for _, m := range s.Messages {
		if _, known := s.place[m.Parent]; !known && m.Parent != 0 {
			lost[m.Parent] = m.Time
		}
	}
	for id, t := range lost {
		s.put(Message{ID: id, Time: t, Damaged: true})
	}
	s.sortMessages()
	for i, m := range s.Messages {
		if _, is := lost[m.ID]; is && i > 0 {
			s.Messages[i].Parent = s.Messages[i-1].ID
		}
	}
	if _, known := s.place[s.Head]; !known && s.Head != 0 { // 0 was asked for, or nothing was said
		s.Head = 0
		if n := len(s.Messages); n > 0 {
			s.Head = s.Messages[n-1].ID
		}
	}
}
