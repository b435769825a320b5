package engine

import (
	"time"

	"scout/engine/model"
	"scout/engine/tensor"
)

// Options says how to open a model. The zero value is a sensible choice.
type Options struct {
	Threads int // worker threads; 0 means one per usable core
	Context int // positions to make room for; 0 means DefaultContext, or the model's limit if that is lower
	// KV is the element type of the key/value cache: "f16" (also when empty), "f32",
	// or "q8_0" and "q4_0", which take about a half and a quarter of f16's memory, cost
	// some accuracy, and need heads of a multiple of 32 elements.
	KV string
	// Tower is the file of the vision tower that the model sees pictures with, often
	// called mmproj; TowerData, if not nil, is such a file in memory instead, called
	// Tower in messages. With neither, a tower inside the model's own file is used.
	Tower     string
	TowerData []byte
	// MostTiles limits the tiles that a picture is cut into; 0 means what the model
	// was trained with, 16 for Llama 4. Fewer cost less and show less.
	MostTiles int
	Embeds    EmbedCache
	// Placement says which device runs which part; nil means everything on the CPU.
	Placement *Placement
	// Split, without a Placement, puts the last layers on GPUs.
	Split GPUSplit
	// GPUs says which of Devices() the placement's devices 1, 2, ... are. nil means
	// the GPUs of the machine in order, without software ones.
	GPUs []int
	// Routed, if not nil, is told which experts each token went to, layer by layer
	// after each batch; in the last layer only of the tokens whose logits were asked
	// for. It must not keep Logits nor call the model.
	Routed func(Routed)
	// Answered, if not nil, is told the counts of every answer that came to its end,
	// before the last step is handed out. It must be quick.
	Answered func(Stats)
}

// EmbedCache says where the embeddings of pictures are kept, so that a picture goes
// through the tower once. They tell what is in it.
type EmbedCache struct {
	Dir         string // a folder of their own, made when it is needed; empty: in memory only
	DiskBytes   int64  // at most, in Dir; 0 means 2 GiB
	MemoryBytes int64  // at most, in memory; 0 means 128 MiB, negative none
}

// Placement says which device runs which part of a model.
type (
	Placement      = model.Placement
	LayerPlacement = model.LayerPlacement
	// DeviceNumber is 0 for the CPU and main memory, and 1, 2, ... for GPUs.
	DeviceNumber = tensor.Device
)

// DefaultContext is the context made room for when nobody says. The cache is
// touched only as far as it is used, so unused room costs address space and
// not memory.
const DefaultContext = 16384

// Sampling says how the next token is chosen and when to stop. The zero value
// is greedy decoding until the model ends its turn or the context is full.
type Sampling struct {
	Temperature      float32 // 0 is greedy
	TopK             int     // 0 keeps all
	TopP             float32 // 0 or 1 keeps all
	MinP             float32 // 0 keeps all
	RepeatPenalty    float32 // 0 or 1 is none
	PresencePenalty  float32
	FrequencyPenalty float32
	PenaltyWindow    int      // last tokens the penalties look at; 0 means 64, negative means all
	Seed             uint64   // same seed, same model, same prompt: same answer
	MaxTokens        int      // 0 means no limit but the context
	Stop             []string // the answer ends before the first of these
	TopLogProbs      int      // report log-probabilities: of each token and of this many most likely ones
}

// Delta is one step of an answer.
type Delta struct {
	Text   string      // what to append to the answer; may be empty
	Tokens []Token     // the tokens behind this step, none while the prompt is read
	Stats  Stats       // counts so far
	Seen   []ImagePlan // pictures that the model has seen with this step, that is, not found in the sequence
	Done   bool        // the last step
	Reason Reason      // why it ended, with Done
}

// Token is one generated token.
type Token struct {
	ID      int32          `json:"id"`
	Piece   string         `json:"piece"`
	LogProb float32        `json:"logprob"` // natural logarithm, before any sampling setting; 0 unless TopLogProbs asks for it
	Top     []TokenLogProb `json:"top,omitempty"`
}

// TokenLogProb is an alternative that was considered.
type TokenLogProb struct {
	ID      int32   `json:"id"`
	Piece   string  `json:"piece"`
	LogProb float32 `json:"logprob"`
}

// Reason is why an answer ended.
type Reason string

// The reasons an answer ends without an error.
const (
	EndOfTurn   Reason = "end"     // the model ended its turn
	StopString  Reason = "stop"    // a stop string came up
	TokenLimit  Reason = "length"  // MaxTokens reached
	ContextFull Reason = "context" // no room left
)

// Stats counts one answer.
type Stats struct {
	PromptTokens int           // tokens of the whole conversation
	Reused       int           // of these, taken from the cache
	PromptDone   int           // of these, in the cache by now (reused ones included)
	Generated    int           // tokens generated
	Prefill      time.Duration // spent reading the prompt, without what the caller did meanwhile
	Decode       time.Duration // spent generating, likewise
	Context      int           // positions there is room for
	Tiles        int           // of the pictures that the sequence did not hold yet
	TilesDone    int           // of these, ready, whether they went through the tower or were in a cache
	Vision       time.Duration // spent on pictures before they are read like other tokens
}

// PrefillPerSecond is the speed of reading the prompt, in tokens per second,
// reused tokens left out.
func (s Stats) PrefillPerSecond() float64 { return rate(s.PromptDone-s.Reused, s.Prefill) }

// DecodePerSecond is the speed of generating, in tokens per second. The first
// token comes out of the prefill, so it is not counted.
func (s Stats) DecodePerSecond() float64 { return rate(s.Generated-1, s.Decode) }

func rate(n int, d time.Duration) float64 {
	if n <= 0 || d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}
