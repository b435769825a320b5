package quant

// Super is a block of 256 weights as small integers with two levels of scales:
// weight i is D*S[i/16]*Q[i] - DMin*M[i/16]. It is exact: every format's own
// factors are in Q and S, or are powers of two and in D.
//
// Kernels multiply Q with 8-bit activations in integers, and the sum of
// S*Q*activation over a block fits an int32: the largest is Q6_K's,
// 256 * 128*32 * 127. M is not negative.
type Super struct {
	Q       [256]int8
	S, M    [16]int16
	D, DMin float32
}

// Small is a block of 32 weights as small integers: weight i is D*Q[i] + Min.
type Small struct {
	Q      [32]int8
	D, Min float32
}

// UnpackSuper unpacks one block, t.BlockBytes() long, of a type with 256 weights
// a block. It sets all of dst. For other types, and those that do not decode,
// dst becomes zero.
func UnpackSuper(t Type, dst *Super, block []byte) {
	switch t {
	case Q2_K:
		unpackQ2_K(dst, (*[84]byte)(block))
	case Q3_K:
		unpackQ3_K(dst, (*[110]byte)(block))
	case Q4_K:
		unpackQ4_K(dst, (*[144]byte)(block))
	case Q5_K:
		unpackQ5_K(dst, (*[176]byte)(block))
	case Q6_K:
		unpackQ6_K(dst, (*[210]byte)(block))
	case IQ1S:
		unpackIQ1S(dst, (*[50]byte)(block))
	case IQ1M:
		unpackIQ1M(dst, (*[56]byte)(block))
	case IQ2XXS:
		unpackIQ2XXS(dst, (*[66]byte)(block))
	case IQ2XS:
		unpackIQ2XS(dst, (*[74]byte)(block))
	case IQ2S:
		unpackIQ2S(dst, (*[82]byte)(block))
	case IQ3XXS:
		unpackIQ3XXS(dst, (*[98]byte)(block))
	case IQ3S:
		unpackIQ3S(dst, (*[110]byte)(block))
	case IQ4XS:
		unpackIQ4XS(dst, (*[136]byte)(block))
	case TQ1_0:
		unpackTQ1_0(dst, (*[54]byte)(block))
	case TQ2_0:
		unpackTQ2_0(dst, (*[66]byte)(block))
	default:
		*dst = Super{}
	}
}

// UnpackSmall unpacks one block, t.BlockBytes() long, of a type with 32 weights
// a block. It sets all of dst. For other types, and those that do not decode,
// dst becomes zero.
func UnpackSmall(t Type, dst *Small, block []byte) {
	switch t {
	case Q4_0:
		unpackQ4_0(dst, (*[18]byte)(block))
	case Q4_1:
		unpackQ4_1(dst, (*[20]byte)(block))
	case Q5_0:
		unpackQ5_0(dst, (*[22]byte)(block))
	case Q5_1:
		unpackQ5_1(dst, (*[24]byte)(block))
	case Q8_0:
		unpackQ8_0(dst, (*[34]byte)(block))
	case IQ4NL:
		unpackIQ4NL(dst, (*[18]byte)(block))
	case MXFP4:
		unpackMXFP4(dst, (*[17]byte)(block))
	default:
		*dst = Small{}
	}
}

// withoutMin says that weights are D*S*Q alone.
func (s *Super) withoutMin() {
	s.M, s.DMin = [16]int16{}, 0
}

// withOneScale says that weights are D*Q alone.
func (s *Super) withOneScale() {
	for u := range s.S {
		s.S[u] = 1
	}
	s.withoutMin()
}

// lanes is the eight weights from 8*k on.
func (s *Super) lanes(k int) *[8]int8 { return (*[8]int8)(s.Q[8*k:]) }

// lanes is the eight weights from 8*k on.
func (s *Small) lanes(k int) *[8]int8 { return (*[8]int8)(s.Q[8*k:]) }
