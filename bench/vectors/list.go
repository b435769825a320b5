package main

// vector is one model and one prompt.
type vector struct {
	name   string
	model  string // arguments of synthmodel
	tokens int
	start  int // position of the first token
}

// Arguments that vectors share. Rows of the small models are no multiples of
// 256 and dense layers are wider than experts. Quantised models need rows that
// are, and route by a margin that rounding cannot overcome.
const (
	small     = "-quant f32 -qout f32 -hidden 64 -heads 2 -kv 1 -ff 48 -ffd 80 -vocab 512 "
	quantised = "-hidden 256 -heads 4 -kv 2 -hd 64 -ff 256 -ffd 512 -vocab 512 -layers 5 -ropefreqs -decisive -set token_embd=f32 "
)

// vectors are chosen so that every branch of a graph changes some logit: each
// kind of layer, both RoPE tables, both sides of two chunk borders, Maverick's
// lack of QK norm, no experts at all, a tied output; then the other families;
// then quantised weights.
var vectors = []vector{
	{"llama4-e1", small + "-layers 5 -hd 32 -experts 1", 16, 0},
	{"llama4-e4-step2", small + "-layers 6 -hd 32 -heads 4 -kv 2 -experts 4 -moestep 2", 16, 0},
	{"llama4-e16-freqs", small + "-layers 8 -hd 64 -heads 4 -kv 2 -experts 16 -ropefreqs", 20, 0},
	{"llama4-wide", "-quant f32 -qout f32 -hidden 256 -heads 4 -kv 2 -hd 64 -ff 192 -ffd 320 -vocab 512 -layers 5 -experts 4 -moestep 2 -ropefreqs", 12, 0},
	{"llama4-start8180", small + "-layers 5 -hd 128 -experts 4 -ropefreqs", 24, 8180},
	{"llama4-start16375", small + "-layers 7 -hd 32 -heads 4 -kv 2 -experts 16 -moestep 2 -ropefreqs", 24, 16375},
	{"llama4-e128", "-quant f32 -qout f32 -hidden 64 -heads 2 -kv 1 -hd 32 -ff 16 -ffd 80 -vocab 512 -layers 5 -experts 128 -moestep 2", 12, 0},
	{"llama4-dense", small + "-layers 5 -hd 32 -moestep 99", 12, 8185},
	{"llama4-tied", small + "-layers 5 -hd 64 -experts 4 -tied", 8, 0},
	{"llama", small + "-arch llama -layers 5 -hd 64 -ropefreqs", 12, 0},
	{"qwen2", small + "-arch qwen2 -layers 5 -hd 32", 12, 0},
	{"llama4-q8_0", quantised + "-quant q8_0 -qout q8_0 -experts 4 -moestep 2", 16, 0},
	{"llama4-q4_k", quantised + "-quant q4_k -qdown q6_k -qv q6_k -qout q6_k -experts 4", 16, 0},
	{"llama4-mixed", quantised + "-quant iq4_xs -qdown q5_k -qv q3_k -qout q4_0 -experts 4 -moestep 2" +
		" -set attn_q=q5_1 -set attn_k=iq3_s -set attn_output=q4_1 -set ffn_gate_exps=iq2_xxs -set ffn_up_exps=mxfp4" +
		" -set ffn_down_exps=iq4_nl -set ffn_gate_shexp=q2_k -set ffn_up_shexp=iq1_m -set ffn_gate=q5_0 -set ffn_up=tq2_0", 16, 0},
}
