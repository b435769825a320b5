package tensor

// Op is one operation of a graph. The types in this file are all there are.
type Op interface{ op() }

// Pairing says which elements of a head one RoPE angle rotates together.
type Pairing uint8

// The two pairings in use: (2i, 2i+1) for the Llama family as GGUF stores it,
// (i, i+d/2) for the Qwen family.
const (
	Interleaved Pairing = iota
	Halves
)

// Gating is how a router turns logits into expert weights.
type Gating uint8

const (
	// SigmoidInput picks by raw logits and multiplies the expert's input by
	// sigmoid(logit). This is Llama 4: weighting the output instead is wrong,
	// SwiGLU is not linear.
	SigmoidInput Gating = iota
	// SoftmaxOutput takes softmax over all logits, keeps the top k, renormalises
	// them to sum 1 and weights the experts' outputs. This is Mixtral.
	SoftmaxOutput
)

type (
	// Embed looks token ids up in W [vocabulary, width], or takes the batch's own
	// rows where a token id is negative (an image patch). Out: [tokens, width].
	Embed struct{ W *Weight }

	// RMSNorm divides each group of Group elements by its root mean square:
	// y = x / sqrt(mean(x^2) + Eps) * W. W [width] may be nil; Group is the width
	// for a layer norm and the head dimension for a QK norm.
	RMSNorm struct {
		W     *Weight
		Eps   float32
		Group int
	}

	// MatMul is y[t,o] = sum_i W[o,i] x[t,i] + Bias[o]. Bias may be nil.
	MatMul struct {
		W    *Weight // [out, in]
		Bias *Weight // [out]
	}

	// RoPE rotates pairs of each head by position * Base^(-2i/HeadDim) / Factors[i].
	RoPE struct {
		HeadDim int
		Pairs   Pairing
		Base    float32
		Factors []float32 // [HeadDim/2], or nil for all ones
	}

	// Temper multiplies a query at position p by
	// ln(floor((p+Offset)/Floor) + 1) * Scale + 1, Llama 4's attention temperature
	// on layers without RoPE.
	Temper struct {
		Floor, Offset int
		Scale         float32
	}

	// Attend appends this batch's keys and values to cache layer Layer and attends
	// to it. In: q [tokens, Heads*HeadDim], k and v [tokens, KVHeads*HeadDim].
	// Query position p sees cached positions max(origin, chunk start)..p, where
	// chunk start is p/Chunk*Chunk, or 0 when Chunk is 0. Out: [tokens, Heads*HeadDim].
	Attend struct {
		Layer   int
		Heads   int
		KVHeads int
		HeadDim int
		Scale   float32
		Chunk   int
	}

	// FFN is Down(silu(Gate x) * (Up x)).
	FFN struct{ Gate, Up, Down *Weight } // Gate, Up [ff, width]; Down [width, ff]

	// Route picks the TopK experts of each token from the router's logits
	// [tokens, experts]. Ties go to the lowest expert. Out is a routing value of
	// width TopK.
	Route struct {
		TopK   int
		Gating Gating
	}

	// ExpertFFN adds up the routed experts' FFNs. In: n [tokens, width] and the
	// routing value. Experts lists the experts of the stack that this node
	// computes; tokens routed elsewhere get zero, so that the experts of one layer
	// can be divided over devices and the parts added. nil means all.
	ExpertFFN struct {
		Gate, Up, Down *Weight // [experts, ff, width], [experts, ff, width], [experts, width, ff]
		Gating         Gating
		Experts        []int
	}

	// Add is x + y, element by element.
	Add struct{}

	// Select keeps the rows the batch asks logits for. Out: [outputs, width].
	Select struct{}
)

// What encoders of pictures need beside the above. Their rows are patches and
// not positions of a sequence: they have no cache, see each other in both
// directions, and lie where Batch.Places says.
type (
	// Input is the batch's own rows alone: row t of Batch.Embeds for each of its
	// tokens, whose ids do not matter. Out: [tokens, Width].
	Input struct{ Width int }

	// LayerNorm is y = (x - mean(x)) / sqrt(var(x) + Eps) * W + Bias over each row,
	// with the biased variance (divided by the width). "Layer Normalization",
	// arXiv:1607.06450.
	LayerNorm struct {
		W, Bias *Weight // [width]
		Eps     float32
	}

	// GELU is x * Phi(x) = x/2 * (1 + erf(x/sqrt(2))), element by element: the exact
	// one, and not the approximation by tanh. arXiv:1606.08415.
	GELU struct{}

	// AddRows adds rows of the table W [n, width] to the rows of x, which come in
	// groups of len(Index): row t gets row Index[t mod len(Index)] of W, or nothing
	// where that is negative. These are learned positions in a fixed grid, and what
	// stands in for a row that is no patch.
	AddRows struct {
		W     *Weight
		Index []int32
	}

	// RoPE2D rotates pairs of each head by where the row lies in its picture. Pair i,
	// as Pairs has it, turns by Freqs[i] times Batch.Places[t][Axes[i]].
	RoPE2D struct {
		HeadDim int
		Pairs   Pairing
		Freqs   []float32 // [HeadDim/2]
		Axes    []uint8   // [HeadDim/2], each 0 or 1
	}

	// AttendSpan is attention among the rows of one span, all of them to all of
	// them: softmax(q k^T Scale) v. Batch.Spans[Spans] says where spans end. In: q,
	// k and v, each [tokens, Heads*HeadDim]. Out: the same.
	AttendSpan struct {
		Heads   int
		HeadDim int
		Scale   float32
		Spans   int
	}

	// Merge makes one row of several: for each row the batch asks for, that row of x
	// and the Rows-1 that follow it, side by side. Out: [outputs, Rows*width].
	Merge struct{ Rows int }
)

func (Embed) op()     {}
func (RMSNorm) op()   {}
func (MatMul) op()    {}
func (RoPE) op()      {}
func (Temper) op()    {}
func (Attend) op()    {}
func (FFN) op()       {}
func (Route) op()     {}
func (ExpertFFN) op() {}
func (Add) op()       {}
func (Select) op()    {}

func (Input) op()      {}
func (LayerNorm) op()  {}
func (GELU) op()       {}
func (AddRows) op()    {}
func (RoPE2D) op()     {}
func (AttendSpan) op() {}
func (Merge) op()      {}
