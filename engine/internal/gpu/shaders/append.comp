// Writes the keys or values of a batch into their cells. A lane writes whole words,
// and of blocks a whole block.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "kv.glsl"
layout(local_size_x = 64) in;
layout(constant_id = 1) const uint KIND = 0u;
layout(binding = 2, std430) readonly buffer BufX { float x[]; };
layout(binding = 3, std430) writeonly buffer BufC { uint cache_[]; };
layout(binding = 7, std430) readonly buffer BufP { uint batch[]; };
layout(push_constant) uniform Push { uint width, cells, scalesAt; };

void blocks(uint from, uint cell, uint b) {
  precise float most = 0.0, top = 0.0;
  for (uint i = 0u; i < 32u; i++) {
    float v = x[from + i];
    if (abs(v) > most) {
      most = abs(v);
      top = v;
    }
  }
  precise float d = KIND == KV_Q8_0 ? most / 127.0 : top / -8.0;
  precise float inverse = d != 0.0 ? 1.0 / d : 0.0;
  cache_[scalesAt + (cell * width) / 32u + b] = floatBitsToUint(half_(toHalf(d)));
  const uint each = KIND == KV_Q8_0 ? 4u : 8u, bits = 32u / each;
  for (uint k = 0u; k < 32u / each; k++) {
    uint word = 0u;
    for (uint i = 0u; i < each; i++) {
      precise float v = x[from + k * each + i] * inverse;
      int q = KIND == KV_Q8_0 ? int(floor(v + 0.5)) : min(15, int(floor(v + 8.5)));
      word |= (uint(q) & ((1u << bits) - 1u)) << (bits * i);
    }
    cache_[(cell * width + 32u * b) / each + k] = word;
  }
}

void main() {
  const uint j = gl_GlobalInvocationID.x, t = gl_WorkGroupID.y;
  const uint cell = (batch[AT_START] + t) % cells, from = t * width;
  if (KIND == KV_F32) {
    if (j < width) cache_[cell * width + j] = floatBitsToUint(x[from + j]);
  } else if (KIND == KV_F16) {
    if (2u * j < width) cache_[(cell * width) / 2u + j] = toHalf(x[from + 2u * j]) | (toHalf(x[from + 2u * j + 1u]) << 16);
  } else if (32u * j < width) blocks(from + 32u * j, cell, j);
}
