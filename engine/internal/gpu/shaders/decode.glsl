// Weights of a matrix as floats. Include it with
//
//   WORDS  the array of 32-bit words that holds the file's bytes as they are,
//   TYPE   the type's number in a GGUF file,
//   UNIT   the name of the function to define:
//
// UNIT(o, u, cols, w) decodes weights 32u to 32u+31 of the row that begins at byte
// o; behind the row's end they are 0. The formats are told in engine/quant, which
// is the definition.

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define U32 JOIN(UNIT, _u32)
#define U16 JOIN(UNIT, _u16)
#define U8 JOIN(UNIT, _u8)

uint U32(uint o) {
  uint i = o >> 2, s = (o & 3u) << 3;
  uint lo = WORDS[i];
  if (s == 0u) return lo;
  return (lo >> s) | (WORDS[i + 1u] << (32u - s));
}
uint U8(uint o) { return (WORDS[o >> 2] >> ((o & 3u) << 3)) & 0xffu; }
uint U16(uint o) { return U8(o) | (U8(o + 1u) << 8); }

void JOIN(UNIT, _floats)(uint o, uint u, uint cols, out float w[32]) {
  for (uint i = 0u; i < 32u; i++) {
    uint e = u * 32u + i;
    w[i] = 0.0;
    if (e < cols) {
      if (TYPE == T_F32) w[i] = uintBitsToFloat(WORDS[(o >> 2) + e]);
      else {
        uint h = (WORDS[(o + 2u * e) >> 2] >> (((o + 2u * e) & 2u) << 3)) & 0xffffu;
        w[i] = TYPE == T_F16 ? half_(h) : uintBitsToFloat(h << 16);
      }
    }
  }
}

// Formats with a block for 32 weights.
void JOIN(UNIT, _small)(uint o, uint u, out float w[32]) {
  if (TYPE == T_Q8_0) {
    uint b = o + 34u * u;
    float d = half_(U16(b));
    for (uint k = 0u; k < 8u; k++) {
      uint q = U32(b + 2u + 4u * k);
      for (int i = 0; i < 4; i++) w[4u * k + uint(i)] = float(bitfieldExtract(int(q), 8 * i, 8)) * d;
    }
    return;
  }
  uint size = TYPE == T_Q4_1 ? 20u : TYPE == T_Q5_0 ? 22u : TYPE == T_Q5_1 ? 24u : TYPE == T_MXFP4 ? 17u : 18u;
  uint b = o + size * u, qs = b + size - 16u, high = 0u;
  float d = 0.0, m = 0.0;
  if (TYPE == T_MXFP4) {
    uint e = U8(b);
    d = e < 2u ? uintBitsToFloat(0x00200000u << e) : uintBitsToFloat((e - 1u) << 23);
  } else d = half_(U16(b));
  if (TYPE == T_Q4_1 || TYPE == T_Q5_1) m = half_(U16(b + 2u));
  if (TYPE == T_Q5_0 || TYPE == T_Q5_1) high = U32(qs - 4u);
  for (uint k = 0u; k < 4u; k++) {
    uint q = U32(qs + 4u * k);
    for (uint i = 0u; i < 4u; i++) {
      for (uint side = 0u; side < 2u; side++) {
        uint at = 4u * k + i + 16u * side;
        uint n = (q >> (8u * i + 4u * side)) & 15u;
        n |= ((high >> at) & 1u) << 4;
        float v;
        if (TYPE == T_IQ4_NL) v = float(ladder[n]) * d;
        else if (TYPE == T_MXFP4) v = float(fp4[n]) * d;
        else if (TYPE == T_Q4_1 || TYPE == T_Q5_1) v = fma(float(n), d, m);
        else v = (float(n) - (TYPE == T_Q5_0 ? 16.0 : 8.0)) * d;
        w[at] = v;
      }
    }
  }
}

// Formats with a block for 256 weights, of which unit g is 32.
void JOIN(UNIT, _super)(uint o, uint u, out float w[32]) {
  uint g = u & 7u, s = u >> 3;
  if (TYPE == T_Q4_K || TYPE == T_Q5_K) {
    uint b = o + s * (TYPE == T_Q4_K ? 144u : 176u);
    uint dd = U32(b), scale, low;
    if (g < 4u) {
      scale = U8(b + 4u + g) & 63u;
      low = U8(b + 8u + g) & 63u;
    } else {
      uint e = U8(b + 8u + g);
      scale = (e & 15u) | ((U8(b + g) >> 6) << 4);
      low = (e >> 4) | ((U8(b + 4u + g) >> 6) << 4);
    }
    float d = half_(dd & 0xffffu) * float(scale), m = half_(dd >> 16) * float(low);
    uint qs = b + (TYPE == T_Q4_K ? 16u : 48u) + 32u * (g >> 1);
    for (uint k = 0u; k < 8u; k++) {
      uint q = (U32(qs + 4u * k) >> (4u * (g & 1u))) & 0x0f0f0f0fu;
      if (TYPE == T_Q5_K) q |= ((U32(b + 16u + 4u * k) >> g) & 0x01010101u) << 4;
      for (uint i = 0u; i < 4u; i++) w[4u * k + i] = fma(float((q >> (8u * i)) & 0xffu), d, -m);
    }
    return;
  }
  if (TYPE == T_Q6_K) {
    uint b = o + 210u * s;
    float d = half_(U16(b + 208u));
    float d0 = d * float(bitfieldExtract(int(U8(b + 192u + 2u * g)), 0, 8));
    float d1 = d * float(bitfieldExtract(int(U8(b + 193u + 2u * g)), 0, 8));
    uint low = b + 64u * (g >> 2) + 32u * (g & 1u), high = b + 128u + 32u * (g >> 2);
    for (uint k = 0u; k < 8u; k++) {
      uint q = (U32(low + 4u * k) >> (4u * ((g & 3u) >> 1))) & 0x0f0f0f0fu;
      q |= ((U32(high + 4u * k) >> (2u * (g & 3u))) & 0x03030303u) << 4;
      for (uint i = 0u; i < 4u; i++) w[4u * k + i] = (float((q >> (8u * i)) & 0xffu) - 32.0) * (k < 4u ? d0 : d1);
    }
    return;
  }
  if (TYPE == T_Q2_K || TYPE == T_Q3_K) {
    bool two = TYPE == T_Q2_K;
    uint b = o + s * (two ? 84u : 110u);
    float d[2], m[2];
    for (uint k = 0u; k < 2u; k++) {
      uint at = 2u * g + k;
      if (two) {
        uint scale = U8(b + at);
        d[k] = half_(U16(b + 80u)) * float(scale & 15u);
        m[k] = half_(U16(b + 82u)) * float(scale >> 4);
      } else {
        uint low = (U8(b + 96u + (at & 7u)) >> (4u * (at >> 3))) & 15u;
        uint top = (U8(b + 104u + (at & 3u)) >> (2u * (at >> 2))) & 3u;
        d[k] = half_(U16(b + 108u)) * (float(low | (top << 4)) - 32.0);
        m[k] = 0.0;
      }
    }
    uint qs = b + (two ? 16u : 32u) + 32u * (g >> 2);
    for (uint k = 0u; k < 8u; k++) {
      uint q = (U32(qs + 4u * k) >> (2u * (g & 3u))) & 0x03030303u;
      if (!two) q |= ((U32(b + 4u * k) >> g) & 0x01010101u) << 2;
      for (uint i = 0u; i < 4u; i++) {
        float n = float((q >> (8u * i)) & 0xffu);
        uint half16 = k >> 2;
        w[4u * k + i] = two ? fma(n, d[half16], -m[half16]) : (n - 4.0) * d[half16];
      }
    }
    return;
  }
  // IQ4_XS
  uint b = o + 136u * s;
  uint scale = ((U8(b + 4u + (g >> 1)) >> (4u * (g & 1u))) & 15u) | (((U16(b + 2u) >> (2u * g)) & 3u) << 4);
  float d = half_(U16(b)) * (float(scale) - 32.0);
  for (uint k = 0u; k < 4u; k++) {
    uint q = U32(b + 8u + 16u * g + 4u * k);
    for (uint i = 0u; i < 4u; i++) {
      w[4u * k + i] = d * float(ladder[(q >> (8u * i)) & 15u]);
      w[4u * k + i + 16u] = d * float(ladder[(q >> (8u * i + 4u)) & 15u]);
    }
  }
}

void UNIT(uint o, uint u, uint cols, out float w[32]) {
  if (TYPE == T_F32 || TYPE == T_F16 || TYPE == T_BF16) JOIN(UNIT, _floats)(o, u, cols, w);
  else if (TYPE == T_Q2_K || TYPE == T_Q3_K || TYPE == T_Q4_K || TYPE == T_Q5_K || TYPE == T_Q6_K || TYPE == T_IQ4_XS)
    JOIN(UNIT, _super)(o, u, w);
  else JOIN(UNIT, _small)(o, u, w);
}

#undef U32
#undef U16
#undef U8
#undef WORDS
#undef TYPE
#undef UNIT
