package jinja

// Expressions. line is where an operation stands, for error messages.
type (
	expr interface{ isExpr() }

	literal  struct{ value Value }
	nameExpr struct {
		name string
		line int
	}
	listExpr struct {
		items []expr
		tuple bool
	}
	dictExpr struct {
		keys, values []expr
		line         int
	}
	unaryExpr struct {
		op   string // "-", "+", "not"
		x    expr
		line int
	}
	binaryExpr struct {
		op   string // an operator, "and", "or"
		x, y expr
		line int
	}
	// compareExpr is x op y op y...: true when every neighbouring pair compares so.
	compareExpr struct {
		x    expr
		ops  []string // "==", "!=", "<", "<=", ">", ">=", "in", "not in"
		ys   []expr
		line int
	}
	condExpr struct{ cond, then, otherwise expr } // otherwise may be nil
	attrExpr struct {
		x    expr
		name string
		line int
	}
	itemExpr struct {
		x, key expr
		line   int
	}
	sliceExpr struct {
		x                 expr
		start, stop, step expr // each may be nil
		line              int
	}
	callExpr struct {
		fn   expr
		args argExprs
		line int
	}
	filterExpr struct {
		x    expr // nil in a filter block: the block's text
		name string
		args argExprs
		line int
	}
	testExpr struct {
		x    expr
		name string
		args argExprs
		not  bool
		line int
	}
)

// argExprs are the arguments of a call.
type argExprs struct {
	positional []expr
	keywords   []keywordExpr
	star       expr // *args
	stars      expr // **kwargs
}

type keywordExpr struct {
	name  string
	value expr
}

func (literal) isExpr()      {}
func (nameExpr) isExpr()     {}
func (listExpr) isExpr()     {}
func (dictExpr) isExpr()     {}
func (*unaryExpr) isExpr()   {}
func (*binaryExpr) isExpr()  {}
func (*compareExpr) isExpr() {}
func (*condExpr) isExpr()    {}
func (*attrExpr) isExpr()    {}
func (*itemExpr) isExpr()    {}
func (*sliceExpr) isExpr()   {}
func (*callExpr) isExpr()    {}
func (*filterExpr) isExpr()  {}
func (*testExpr) isExpr()    {}

// Statements.
type (
	stmt interface{ isStmt() }

	dataStmt  struct{ text Text }
	printStmt struct{ x expr }
	ifStmt    struct {
		conds  []expr
		bodies [][]stmt
		orElse []stmt
	}
	forStmt struct {
		target    target
		iter      expr
		cond      expr // may be nil
		body      []stmt
		orElse    []stmt
		recursive bool
		line      int
	}
	setStmt struct {
		target target
		x      expr
		line   int
	}
	// setBlockStmt assigns the text of its body, filtered.
	setBlockStmt struct {
		target  target
		filters []*filterExpr
		body    []stmt
		line    int
	}
	macroStmt struct {
		name string
		macro
	}
	callStmt struct {
		caller macro
		call   expr
		line   int
	}
	filterStmt struct {
		filters []*filterExpr
		body    []stmt
	}
	withStmt struct {
		targets []target
		values  []expr
		body    []stmt
		line    int
	}
	groupStmt    struct{ body []stmt } // a generation block: only its body counts
	breakStmt    struct{}
	continueStmt struct{}
)

// macro is what a macro or a call block defines.
type macro struct {
	params   []string
	defaults []expr // of the last parameters
	body     []stmt
}

// target is what a value is assigned to: one name, an attribute of a
// namespace, or several of them for the items of the value.
type target struct {
	name  string
	attr  string // "" for a plain name
	items []target
}

func (dataStmt) isStmt()      {}
func (printStmt) isStmt()     {}
func (*ifStmt) isStmt()       {}
func (*forStmt) isStmt()      {}
func (*setStmt) isStmt()      {}
func (*setBlockStmt) isStmt() {}
func (*macroStmt) isStmt()    {}
func (*callStmt) isStmt()     {}
func (*filterStmt) isStmt()   {}
func (*withStmt) isStmt()     {}
func (groupStmt) isStmt()     {}
func (breakStmt) isStmt()     {}
func (continueStmt) isStmt()  {}
