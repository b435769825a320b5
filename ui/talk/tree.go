package talk

import (
	"fmt"
	"slices"
	"strings"

	"scout/engine"
	"scout/sessions"
)

// tree is the messages of a conversation in memory, which is what is shown; the
// session on disk follows it.
type tree struct {
	root  *node // stands before the first message
	nodes []*node
	head  *node // the last message that is shown
}

// node is a message. What is in Message does not change once it is there, but for
// Reply and Text of a live one, at its end.
type node struct {
	sessions.Message
	parent   *node
	children []*node
	before   string           // of a reply: what the replies say that it goes on with
	all      string           // before and Text, unless it is live
	draft    *strings.Builder // of a live reply: before, and its own text so far
	refused  bool             // the model could not be told; it is not gone into by itself

	stored int // id in the session, 0 if it is not there; the saver's own
}

func newTree() *tree {
	root := &node{}
	return &tree{root: root, head: root}
}

// load fills an empty tree. A message whose parent is not there follows nothing.
func (t *tree) load(c *sessions.Conversation) {
	byID := map[int]*node{0: t.root}
	for _, m := range c.Messages {
		parent := byID[m.Parent]
		if parent == nil {
			parent = t.root
		}
		n := t.put(parent, m)
		n.stored = m.ID
		byID[m.ID] = n
	}
	if n := byID[c.Head]; n != nil {
		t.head = n
	}
}

// add adds a message after another, with the id that the session will give it.
func (t *tree) add(parent *node, m sessions.Message) *node {
	m.ID = 1
	if n := len(t.nodes); n > 0 {
		m.ID = t.nodes[n-1].ID + 1
	}
	return t.put(parent, m)
}

func (t *tree) put(parent *node, m sessions.Message) *node {
	m.Parent = parent.ID
	n := &node{Message: m, parent: parent}
	if n.isReply() && parent.isReply() {
		n.before = parent.whole()
	}
	n.all = n.before + m.Text
	parent.children = append(parent.children, n)
	t.nodes = append(t.nodes, n)
	return n
}

// find is the message with that id, nil if there is none.
func (t *tree) find(id int) *node {
	i, found := slices.BinarySearchFunc(t.nodes, id, func(n *node, id int) int { return n.ID - id })
	if !found {
		return nil
	}
	return t.nodes[i]
}

func (n *node) isRoot() bool  { return n.parent == nil }
func (n *node) isReply() bool { return n.Role == sessions.Assistant }

// whole is the text with what it goes on with.
func (n *node) whole() string {
	if n.draft != nil {
		return n.draft.String()
	}
	return n.all
}

// own is the text alone.
func (n *node) own() string {
	if n.draft != nil {
		return n.draft.String()[len(n.before):]
	}
	return n.Text
}

// path is the messages from the first to n.
func (n *node) path() []*node {
	var path []*node
	for ; !n.isRoot(); n = n.parent {
		path = append(path, n)
	}
	slices.Reverse(path)
	return path
}

// first is the reply that a continued one began with, or n itself.
func (n *node) first() *node {
	for n.isReply() && n.parent.isReply() {
		n = n.parent
	}
	return n
}

// system is the system prompt after n: the last on the way to it.
func (n *node) system() string {
	for ; !n.isRoot(); n = n.parent {
		if n.Role == sessions.System {
			return n.Text
		}
	}
	return ""
}

// leaf is the end of the branch below n that was last added to, leaving out what
// was refused.
func (n *node) leaf() *node {
	last, rest := n, []*node{n}
	for len(rest) > 0 {
		at := rest[len(rest)-1]
		rest = rest[:len(rest)-1]
		for _, c := range at.children {
			if c.refused {
				continue
			}
			if c.ID > last.ID {
				last = c
			}
			rest = append(rest, c)
		}
	}
	return last
}

// branches is the turns that could stand in n's place, in the order in which they
// were begun. A system prompt that was changed on the way is no turn that parts
// them: an edited question under another prompt still stands beside the first.
func (n *node) branches() []*node {
	n = n.first()
	if n.Role == sessions.System {
		return []*node{n}
	}
	above := n.parent
	for above.Role == sessions.System {
		above = above.parent
	}
	list := above.answers(nil, n.Role)
	slices.SortFunc(list, func(a, b *node) int { return a.ID - b.ID })
	return list
}

// answers appends the children of n that are of a role, looking through changes of
// the system prompt.
func (n *node) answers(list []*node, role sessions.Role) []*node {
	for _, c := range n.children {
		switch c.Role {
		case role:
			list = append(list, c)
		case sessions.System:
			list = c.answers(list, role)
		}
	}
	return list
}

// cut is whether a reply is not whole, so that it can be gone on with.
func (n *node) cut() bool {
	if !n.isReply() || n.draft != nil {
		return false
	}
	if n.Unfinished || n.Reply == nil {
		return n.Unfinished
	}
	switch engine.Reason(n.Reply.Reason) {
	case Interrupted, Failed, engine.TokenLimit, engine.ContextFull:
		return true
	}
	return false
}

// turn is n as it is shown.
func (n *node) turn() Turn {
	first, at, of := n.first(), 1, 1
	if above := first.parent; len(above.children) > 1 || above.Role == sessions.System {
		branches := n.branches()
		at, of = slices.Index(branches, first)+1, len(branches)
	}
	return Turn{
		ID: n.ID, Role: n.Role, Text: n.whole(), Time: first.Time, Files: n.Attachments, Reply: n.Reply,
		Live: n.draft != nil, Unfinished: n.cut(), Damaged: n.Damaged,
		Sibling: at, Siblings: of,
	}
}

// Turns is the branch that is shown, oldest first. A live reply is the last; there
// is one as soon as the model has begun to read.
func (t *Talk) Turns() []Turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	path := t.tree.head.path()
	turns := make([]Turn, 0, len(path))
	for i, n := range path {
		if i+1 < len(path) && n.isReply() && path[i+1].isReply() {
			continue // shown with the one that goes on with it
		}
		turns = append(turns, n.turn())
	}
	return turns
}

// Branches is the ids of the turns that stand in the place of the one with that id,
// itself included, oldest first, for Show. It is empty if there is no such turn.
func (t *Talk) Branches(id int) []int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.tree.find(id)
	if n == nil {
		return nil
	}
	var ids []int
	for _, b := range n.branches() {
		ids = append(ids, b.ID)
	}
	return ids
}

// Show shows the branch that a message is in: up to it, and from there on as the
// conversation last went. It is ErrBusy while a reply is written.
func (t *Talk) Show(id int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.free(); err != nil {
		return err
	}
	n := t.tree.find(id)
	if n == nil {
		return fmt.Errorf("talk: showing message %d: %w", id, ErrNotFound)
	}
	t.show(n.leaf())
	return nil
}

// show makes n the last message that is shown, here and in the session.
func (t *Talk) show(n *node) {
	if t.tree.head != n {
		t.tree.head = n
		t.saver.add(op{kind: opShow, node: n})
	}
	t.notify()
}

// LiveText is the text so far of the reply that is being written; id is 0 if there is
// none. Nothing is copied.
func (t *Talk) LiveText() (id int, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.tree.head; n.draft != nil {
		return n.ID, n.whole()
	}
	return 0, ""
}
