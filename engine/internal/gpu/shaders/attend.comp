// Attention of one head of one row: softmax(q k^T scale) v over the positions that
// the batch says the row sees, in steps of LANES positions with a running maximum
// (arXiv:2205.14135). Cells wrap. The row's numbers do not depend on its batch.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "kv.glsl"
layout(local_size_x = 64) in;
const uint LANES = 64u, MOST_DIM = 256u;
layout(constant_id = 1) const uint KIND = 0u;
layout(binding = 0, std430) readonly buffer BufK { uint k[]; };
layout(binding = 1, std430) readonly buffer BufV { uint v[]; };
layout(binding = 2, std430) readonly buffer BufQ { float q[]; };
layout(binding = 3, std430) writeonly buffer BufO { float o[]; };
layout(binding = 7, std430) readonly buffer BufP { uint batch[]; };
layout(push_constant) uniform Push {
  uint heads, kvHeads, dim;
  float scale;
  uint cells, scalesAt;
  uint seenAt; // where the batch has the first position of each row, and how many
};
shared float query[MOST_DIM];
shared float weight[LANES];
shared float tree[LANES];

float number(uint word, uint i, float d) {
  if (KIND == KV_F32) return uintBitsToFloat(word);
  if (KIND == KV_F16) return half_((word >> ((i & 1u) << 4)) & 0xffffu);
  if (KIND == KV_Q8_0) return float(bitfieldExtract(int(word), int((i & 3u) << 3), 8)) * d;
  return (float((word >> ((i & 7u) << 2)) & 15u) - 8.0) * d;
}
uint wordOf(uint i) { return KIND == KV_F32 ? i : KIND == KV_F16 ? i >> 1 : KIND == KV_Q8_0 ? i >> 2 : i >> 3; }
bool blocks() { return KIND == KV_Q8_0 || KIND == KV_Q4_0; }

float keyAt(uint i) { return number(k[wordOf(i)], i, blocks() ? uintBitsToFloat(k[scalesAt + i / 32u]) : 1.0); }
float valueAt(uint i) { return number(v[wordOf(i)], i, blocks() ? uintBitsToFloat(v[scalesAt + i / 32u]) : 1.0); }

void main() {
  const uint lane = gl_LocalInvocationID.x, h = gl_WorkGroupID.x, t = gl_WorkGroupID.y;
  const uint width = kvHeads * dim, head = h / (heads / kvHeads) * dim;
  const uint first = batch[seenAt + 2u * t], count = batch[seenAt + 2u * t + 1u];
  for (uint i = lane; i < dim; i += LANES) query[i] = q[(t * heads + h) * dim + i];
  precise float acc[MOST_DIM / LANES];
  for (uint i = 0u; i < MOST_DIM / LANES; i++) acc[i] = 0.0;
  precise float most = -3.0e38, total = 0.0;
  for (uint j0 = 0u; j0 < count; j0 += LANES) {
    const uint n = min(LANES, count - j0);
    barrier();
    precise float s = -3.0e38;
    if (lane < n) {
      const uint at = ((first + j0 + lane) % cells) * width + head;
      precise float d[8];
      for (uint c = 0u; c < 8u; c++) d[c] = 0.0;
      for (uint i = 0u; i < dim; i += 8u) {
        for (uint c = 0u; c < 8u; c++) {
          if (i + c < dim) d[c] = fma(query[i + c], keyAt(at + i + c), d[c]);
        }
      }
      s = (((d[0] + d[4]) + (d[1] + d[5])) + ((d[2] + d[6]) + (d[3] + d[7]))) * scale;
    }
    tree[lane] = s;
    for (uint w = LANES / 2u; w > 0u; w >>= 1) {
      barrier();
      if (lane < w) tree[lane] = max(tree[lane], tree[lane + w]);
    }
    barrier();
    const float now = max(most, tree[0]);
    precise float mine = lane < n ? exp_(s - now) : 0.0;
    weight[lane] = mine;
    barrier();
    tree[lane] = mine;
    for (uint w = LANES / 2u; w > 0u; w >>= 1) {
      barrier();
      if (lane < w) {
        precise float sum = tree[lane] + tree[lane + w];
        tree[lane] = sum;
      }
    }
    barrier();
    precise float fade = exp_(most - now);
    total = fma(total, fade, tree[0]);
    most = now;
    for (uint c = 0u; c < MOST_DIM / LANES; c++) {
      const uint i = lane + c * LANES;
      if (i >= dim) break;
      precise float a = acc[c] * fade;
      for (uint j = 0u; j < n; j++) a = fma(weight[j], valueAt(((first + j0 + j) % cells) * width + head + i), a);
      acc[c] = a;
    }
  }
  for (uint c = 0u; c < MOST_DIM / LANES; c++) {
    const uint i = lane + c * LANES;
    if (i < dim) o[(t * heads + h) * dim + i] = acc[c] / total;
  }
}
