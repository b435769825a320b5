// Norms over groups of n elements, a workgroup a group: y = x / sqrt(mean(x^2) +
// eps) * w, or with MEAN y = (x - mean) / sqrt(var + eps) * w + bias.
#version 450
layout(local_size_x = 128) in;
layout(constant_id = 1) const bool MEAN = false;
layout(constant_id = 2) const bool WEIGHT = false;
layout(binding = 0, std430) readonly buffer BufW { float w[]; };
layout(binding = 1, std430) readonly buffer BufB { float bias[]; };
layout(binding = 2, std430) readonly buffer BufX { float x[]; };
layout(binding = 3, std430) writeonly buffer BufY { float y[]; };
layout(push_constant) uniform Push { uint width, n; float eps; };
shared float part[128];

// total is the sum of one number a lane.
float total(float mine) {
  const uint lane = gl_LocalInvocationID.x;
  barrier();
  part[lane] = mine;
  for (uint s = 64u; s > 0u; s >>= 1) {
    barrier();
    if (lane < s) {
      precise float sum = part[lane] + part[lane + s];
      part[lane] = sum;
    }
  }
  barrier();
  return part[0];
}

void main() {
  const uint lane = gl_LocalInvocationID.x, at = gl_WorkGroupID.y * width + gl_WorkGroupID.x * n;
  precise float mean = 0.0, sum = 0.0;
  if (MEAN) {
    for (uint i = lane; i < n; i += 128u) sum += x[at + i];
    mean = total(sum) / float(n);
    sum = 0.0;
  }
  for (uint i = lane; i < n; i += 128u) {
    precise float v = x[at + i] - mean;
    sum = fma(v, v, sum);
  }
  precise float scale = 1.0 / sqrt(total(sum) / float(n) + eps);
  for (uint i = lane; i < n; i += 128u) {
    precise float v = (x[at + i] - mean) * scale;
    if (WEIGHT) v *= w[i];
    if (MEAN) v += bias[i];
    y[at + i] = v;
  }
}
