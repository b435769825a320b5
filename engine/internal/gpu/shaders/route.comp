// Picks the K experts with the largest logits of each row; ties go to the lowest.
// Out: rows of K ids, as floats, and K weights.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
layout(local_size_x = 1) in;
layout(constant_id = 1) const bool SOFTMAX = false;
layout(binding = 2, std430) readonly buffer BufX { float x[]; };
layout(binding = 3, std430) buffer BufY { float y[]; };
layout(push_constant) uniform Push { uint experts, topK; };
void main() {
  const uint t = gl_WorkGroupID.y, at = t * experts, to = t * 2u * topK;
  precise float total = 0.0, most = 0.0;
  for (uint k = 0u; k < topK; k++) {
    int best = -1;
    float value = 0.0;
    for (uint e = 0u; e < experts; e++) {
      bool taken = false;
      for (uint j = 0u; j < k; j++) taken = taken || y[to + j] == float(e);
      const float v = x[at + e];
      if (!taken && (best < 0 || v > value)) {
        best = int(e);
        value = v;
      }
    }
    y[to + k] = float(best);
    if (k == 0u) most = value;
    precise float w = SOFTMAX ? exp_(value - most) : 1.0 / (1.0 + exp_(-value));
    y[to + topK + k] = w;
    total += w;
  }
  if (SOFTMAX) {
    for (uint k = 0u; k < topK; k++) y[to + topK + k] = y[to + topK + k] / total;
  }
}
