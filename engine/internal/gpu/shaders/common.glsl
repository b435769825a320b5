// What all shaders share. They are plain Vulkan 1.2: no subgroups, no 8- or 16-bit
// storage, so that every device runs the same arithmetic in the same order. Sums
// are made by fused multiply-adds and trees of fixed shape, and what decides a
// number's bits is marked precise: a row's result must not depend on which other
// rows are in the batch.

// The words of a batch that the host writes (batch.go has the same numbers).
const uint AT_TOKENS = 0u;
const uint AT_OUTPUTS = 1u;
const uint AT_START = 2u;

// half_ is an IEEE half as a float, subnormals included, which devices may flush.
float half_(uint h) {
  uint m = h & 0x7fffu;
  uint sign = (h & 0x8000u) << 16;
  if (m < 0x400u) return uintBitsToFloat(sign | floatBitsToUint(float(m) * 5.9604644775390625e-8));
  if (m < 0x7c00u) return uintBitsToFloat(sign | ((m << 13) + 0x38000000u));
  return uintBitsToFloat(sign | 0x7f800000u | (m << 13));
}

// toHalf rounds to half precision, to nearest with ties to even.
uint toHalf(float f) {
  uint bits = floatBitsToUint(f), sign = (bits >> 16) & 0x8000u, m = bits & 0x7fffffffu;
  if (m > 0x7f800000u) return sign | 0x7e00u;
  if (m >= 0x47800000u) return sign | 0x7c00u;
  if (m < 0x38800000u) {
    precise float r = uintBitsToFloat(m) + 0.5;
    return sign | (floatBitsToUint(r) - 0x3f000000u);
  }
  uint v = m - 0x38000000u;
  return sign | ((v + 0xfffu + ((v >> 13) & 1u)) >> 13);
}

// exp_ is e to the power x within 2 units in the last place: Cody and Waite's
// reduction, and the polynomial of the CPU's kernels. The built-in one of a device
// may be off by 3 + 2|x| units.
float exp_(float x) {
  x = clamp(x, -104.0, 89.0);
  precise float k = roundEven(x * 1.44269504088896341);
  precise float r = fma(k, -0.693359375, x);
  r = fma(k, 2.12194440054690583e-4, r);
  precise float p = 0.00138145401768;
  p = fma(p, r, 0.00836874510894);
  p = fma(p, r, 0.0416683907835);
  p = fma(p, r, 0.16666520399);
  p = fma(p, r, 0.499999934321);
  precise float e = fma(p, r * r, r) + 1.0;
  int n = int(k), part = n >> 1;
  precise float y = e * uintBitsToFloat(uint(part + 127) << 23);
  return y * uintBitsToFloat(uint(n - part + 127) << 23);
}

// silu is x / (1 + e^-x).
float silu(float x) {
  precise float d = 1.0 + exp_(-x);
  return x / d;
}
