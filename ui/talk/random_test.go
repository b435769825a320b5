package talk

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"scout/engine"
	"scout/sessions"
)

// plain is a talk as it should be, without goroutines, disk or model: a second, slower
// way to the same branch. Texts decide what the model does: one that ends in "?" is
// refused, after "!" the reply fails half way, before "-" nothing comes until released.
type plain struct {
	nodes   []*plainNode // by id, from 1 on
	head    int
	system  *string
	queue   []plainPrompt
	answers *plainAnswer // nil: idle
	calls   int
	told    []string
	back    string // the prompt that was handed back
	failed  bool
}

type plainNode struct {
	id, parent int
	role, text string
	cut        bool
	live       bool
	refused    bool
}

type plainPrompt struct {
	text string
	held bool
}

// plainAnswer is a reply under way.
type plainAnswer struct {
	node   *plainNode // nil: it has not begun
	after  int
	back   int
	asked  bool // something was said for it
	prompt string
	call   int
	fails  bool
}

func (p *plain) node(id int) *plainNode {
	if id < 1 || id > len(p.nodes) {
		return &plainNode{}
	}
	return p.nodes[id-1]
}

func (p *plain) path(id int) (path []*plainNode) {
	for ; id != 0; id = p.node(id).parent {
		path = append(path, p.node(id))
	}
	slices.Reverse(path)
	return path
}

func (p *plain) add(after int, role, text string) int {
	for _, n := range p.nodes {
		if n.parent == after && n.role == role && n.text == text && (n.refused || role == "system") && role != "assistant" {
			n.refused = false
			return n.id
		}
	}
	p.nodes = append(p.nodes, &plainNode{id: len(p.nodes) + 1, parent: after, role: role, text: text})
	return len(p.nodes)
}

func (p *plain) instruct(after int) int {
	inForce := ""
	for _, n := range p.path(after) {
		if n.role == "system" {
			inForce = n.text
		}
	}
	if p.system == nil || *p.system == inForce {
		return after
	}
	return p.add(after, "system", *p.system)
}

// tell is what the model should be told, and the last question in it.
func (p *plain) tell(after int) (told, question string) {
	system, last := "", ""
	for _, n := range p.path(after) {
		switch {
		case n.role == "system":
			system = n.text
		case n.role == "assistant" && n.text == "":
		case n.role == "user" && last == "user":
			told += "\n\n" + n.text
		case n.role == "assistant" && last == "assistant":
			told += n.text
		default:
			told += "<" + n.role + ">" + n.text
			last = n.role
		}
		if n.role == "user" {
			question = n.text
		}
	}
	if system != "" {
		told = "<system>" + system + told
	}
	if last != "assistant" {
		told += "<assistant>"
	}
	return told, question
}

// begin has the model answer what is after.
func (p *plain) begin(after, back int, asked bool, prompt string) {
	p.failed, p.back = false, ""
	told, question := p.tell(after)
	p.told = append(p.told, told)
	a := &plainAnswer{after: after, back: back, asked: asked, prompt: prompt, call: p.calls, fails: strings.HasSuffix(question, "!")}
	p.calls++
	p.head = after
	switch {
	case strings.HasSuffix(question, "?"):
		p.head, p.failed = back, true
		if asked {
			p.node(after).refused = true
			p.back = prompt
		}
		p.hold()
		return
	case !strings.HasSuffix(question, "-"):
		p.write(a)
	}
	p.answers = a
}

// write begins the reply.
func (p *plain) write(a *plainAnswer) {
	id := p.add(a.after, "assistant", fmt.Sprintf("r%da", a.call))
	a.node = p.node(id)
	a.node.live = true
	for _, n := range p.path(a.after) {
		n.refused = false
	}
	p.head = id
}

func (p *plain) hold() {
	for i := range p.queue {
		p.queue[i].held = true
	}
}

// end ends the reply under way and goes on with the queue.
func (p *plain) end(cut bool) {
	a := p.answers
	p.answers = nil
	if a.node != nil {
		a.node.live, a.node.cut = false, cut
	} else if !a.asked {
		p.head = a.back
	}
	p.pump()
}

func (p *plain) pump() {
	for p.answers == nil {
		i := slices.IndexFunc(p.queue, func(q plainPrompt) bool { return !q.held })
		if i < 0 {
			return
		}
		text := p.queue[i].text
		p.queue = slices.Delete(p.queue, i, i+1)
		p.say(text, p.head)
	}
}

func (p *plain) say(text string, after int) {
	back := p.head
	p.begin(p.add(p.instruct(after), "user", text), back, true, text)
}

func (p *plain) send(text string) {
	if p.answers != nil {
		p.queue = append(p.queue, plainPrompt{text: text})
		return
	}
	p.say(text, p.head)
}

func (p *plain) stop() {
	p.hold()
	if p.answers != nil {
		p.end(true)
	}
}

func (p *plain) release() {
	a := p.answers
	if a == nil {
		return
	}
	if a.node == nil {
		p.write(a)
	}
	if a.fails {
		p.failed = true
		p.hold()
		p.end(true)
		return
	}
	a.node.text += fmt.Sprintf("r%db", a.call)
	p.end(false)
}

func (p *plain) first(id int) int {
	for p.node(id).role == "assistant" && p.node(p.node(id).parent).role == "assistant" {
		id = p.node(id).parent
	}
	return id
}

func (p *plain) regenerate() bool {
	after := p.head
	if p.node(after).role == "assistant" {
		after = p.node(p.first(after)).parent
	}
	top := after
	for p.node(top).role == "system" {
		top = p.node(top).parent
	}
	if top == 0 || p.node(top).role == "assistant" {
		return false
	}
	p.begin(p.instruct(after), p.head, false, "")
	return true
}

func (p *plain) continues() bool {
	if n := p.node(p.head); n.role != "assistant" || !n.cut {
		return false
	}
	p.begin(p.head, p.head, false, "")
	return true
}

// show goes to the latest message below id.
func (p *plain) show(id int) {
	for _, n := range p.nodes {
		below, refused := n.id, false
		for below > id {
			refused = refused || p.node(below).refused
			below = p.node(below).parent
		}
		if below == id && !refused {
			p.head = n.id
		}
	}
}

// above is the nearest message before id that is no system prompt.
func (p *plain) above(id int) int {
	id = p.node(id).parent
	for p.node(id).role == "system" {
		id = p.node(id).parent
	}
	return id
}

// said is the branch as said writes it.
func (p *plain) said() string {
	var list []string
	path := p.path(p.head)
	text := ""
	for i, n := range path {
		text += n.text
		if i+1 < len(path) && n.role == "assistant" && path[i+1].role == "assistant" {
			continue
		}
		first, at, all := p.first(n.id), 0, 0
		for _, other := range p.nodes {
			if n.role != "system" && other.role == n.role && p.above(other.id) == p.above(first) {
				all++
				if other.id == first {
					at = all
				}
			}
		}
		who := n.role[:1]
		if all > 1 {
			who += fmt.Sprintf("%d/%d", at, all)
		}
		mark := ""
		if n.live {
			mark = "..."
		} else if n.cut {
			mark = "~"
		}
		list = append(list, who+":"+text+mark)
		text = ""
	}
	return strings.Join(list, " ")
}

// reopen is what is left when the session is opened again.
func (p *plain) reopen() {
	p.stop()
	p.queue, p.system, p.back, p.failed = nil, nil, "", false
	for _, n := range p.nodes {
		n.refused = false
	}
}

// scripted is a model that does what texts say, and waits where it is told to.
type scripted struct {
	fakeModel
	mu   sync.Mutex
	gate chan struct{}
}

func newScripted() *scripted {
	s := &scripted{}
	s.fakeModel = fakeModel{context: 1 << 20}
	s.script = func(call int, told string, _ engine.Sampling) []step {
		s.mu.Lock()
		s.gate = make(chan struct{})
		gate := s.gate
		s.mu.Unlock()
		question := told[:strings.LastIndex(told, "<assistant>")]
		if i := strings.LastIndex(question, "<user>"); i >= 0 {
			question = question[i:]
		}
		a, b := step{text: fmt.Sprintf("r%da", call)}, step{text: fmt.Sprintf("r%db", call)}
		end := step{done: engine.EndOfTurn}
		switch question[len(question)-1] {
		case '?':
			return []step{{err: &engine.ContextError{Need: 2, Have: 1}}}
		case '!':
			return []step{{read: 1}, a, {block: gate, err: errMemory}}
		case '-':
			a.block = gate
			return []step{a, b, end}
		}
		b.block = gate
		return []step{{read: 1}, a, b, end}
	}
	return s
}

func (s *scripted) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gate != nil {
		close(s.gate)
		s.gate = nil
	}
}

// drive does what the bytes say to a talk and to its plain counterpart, and expects
// them to agree after each step, and the session on disk at the end.
func drive(t *testing.T, ops []byte, st *sessions.Store) {
	m := newScripted()
	k, err := Open(Options{Store: st, Model: m})
	must(t, err)
	defer func() { k.Close() }()
	p := &plain{}
	texts := []string{"a", "b", "c?", "d!", "e-", "f"}
	var trace []string
	for len(ops) >= 2 {
		op, arg := ops[0]%14, int(ops[1])
		ops = ops[2:]
		text, id := texts[arg%len(texts)], 1
		if len(p.nodes) > 0 {
			id = 1 + arg%len(p.nodes)
		}
		busy := p.answers != nil
		trace = append(trace, fmt.Sprintf("%d %d", op, arg))
		var err error
		var ok bool
		switch op {
		case 0, 1, 2:
			err, ok = k.Send(text, nil), true
			p.send(text)
		case 3, 4, 5:
			m.release()
			p.release()
			ok = true
		case 6:
			k.Stop()
			p.stop()
			ok = true
		case 7:
			err = k.Edit(id, text)
			if ok = !busy && p.node(id).role == "user"; ok {
				p.say(text, p.node(id).parent)
			}
		case 8:
			err = k.Regenerate()
			ok = !busy && p.regenerate()
		case 9:
			err = k.Continue()
			ok = !busy && p.continues()
		case 10:
			err = k.Show(id)
			if ok = !busy && len(p.nodes) > 0; ok {
				p.show(id)
			}
		case 11:
			k.Resume()
			for i := range p.queue {
				p.queue[i].held = false
			}
			p.pump()
			ok = true
		case 12:
			system := []string{"", "S", "T"}[arg%3]
			k.SetSystem(system)
			p.system = &system
			ok = true
		case 13:
			if arg%2 == 0 {
				got, found := k.Unqueue(arg % 3)
				want := arg%3 < len(p.queue)
				if found != want || want && got != p.queue[arg%3].text {
					t.Fatalf("%v: taken out is %q, %v, of %v", trace, got, found, p.queue)
				}
				if want {
					p.queue = slices.Delete(p.queue, arg%3, arg%3+1)
				}
			} else if st != nil {
				must(t, k.Close())
				k, err = Open(Options{Store: st, Session: savedID(k, p), Model: m})
				must(t, err)
				p.reopen()
			}
			ok = true
		}
		synctest.Wait()
		if (err == nil) != ok {
			t.Fatalf("%v: error %v, want one: %v", trace, err, !ok)
		}
		agree(t, k, m, p, trace)
	}
	k.Stop()
	p.stop()
	must(t, k.Close())
	if st == nil || len(p.nodes) == 0 {
		return
	}
	c, err := st.Read(k.ID())
	must(t, err)
	if len(c.Damage) > 0 || len(c.Messages) != len(p.nodes) {
		t.Fatalf("%v: %d messages were saved, want %d; damage %v", trace, len(c.Messages), len(p.nodes), c.Damage)
	}
	for i, n := range p.nodes {
		if got := c.Messages[i]; got.ID != n.id || got.Parent != n.parent || string(got.Role) != n.role || got.Text != n.text || got.Unfinished {
			t.Fatalf("%v: saved is %+v, want %+v", trace, got, n)
		}
	}
	if c.Head != p.head {
		t.Fatalf("%v: shown in the session is %d, want %d", trace, c.Head, p.head)
	}
}

// savedID is the id to open a talk again with: a new one if nothing was said.
func savedID(k *Talk, p *plain) string {
	if len(p.nodes) == 0 {
		return ""
	}
	return k.ID()
}

// agree compares a talk with its plain counterpart.
func agree(t *testing.T, k *Talk, m *scripted, p *plain, trace []string) {
	t.Helper()
	if got, want := said(k.Turns()), p.said(); got != want {
		t.Fatalf("%v: shown is\n%s\nwant\n%s", trace, got, want)
	}
	if !slices.Equal(m.told, p.told) {
		t.Fatalf("%v: the model was told\n%q\nwant\n%q", trace, m.told, p.told)
	}
	var queue []plainPrompt
	for _, q := range k.Prompts() {
		queue = append(queue, plainPrompt{q.Text, q.Held})
	}
	if !slices.Equal(queue, p.queue) {
		t.Fatalf("%v: waiting is %v, want %v", trace, queue, p.queue)
	}
	if (k.Failure() != nil) != p.failed || (k.Live().Phase != Idle) != (p.answers != nil) {
		t.Fatalf("%v: failure %v, phase %d; want %v, %v", trace, k.Failure(), k.Live().Phase, p.failed, p.answers != nil)
	}
	if k.returned == nil != (p.back == "") || k.returned != nil && k.returned.Text != p.back {
		t.Fatalf("%v: handed back is %+v, want %q", trace, k.returned, p.back)
	}
}

// TestRandom does many things in random order.
func TestRandom(t *testing.T) {
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 5))
		ops := make([]byte, 2+2*rng.IntN(40))
		for i := range ops {
			ops[i] = byte(rng.Uint32())
		}
		bubble(t, func(t *testing.T) {
			if seed%8 != 0 { // most without a disk, which is slow
				drive(t, ops, nil)
				return
			}
			st, _ := testStore(t)
			drive(t, ops, st)
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// FuzzTalk does what a fuzzer thinks of.
func FuzzTalk(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 3, 0, 3, 0, 7, 0, 3, 0, 10, 1})
	f.Add([]byte{12, 1, 0, 2, 0, 3, 3, 0, 9, 0, 3, 0, 13, 1, 8, 0, 6, 0, 13, 1})
	f.Add([]byte{0, 4, 0, 0, 6, 0, 11, 0, 3, 0, 12, 2, 8, 0, 3, 0, 10, 0, 0, 2, 0, 2})
	f.Fuzz(func(t *testing.T, ops []byte) {
		if len(ops) > 200 {
			return
		}
		bubble(t, func(t *testing.T) {
			st, _ := testStore(t)
			drive(t, ops, st)
		})
	})
}
