// What change.h says, on lanes; included by the loops that need it, for each instruction set.

INLINE Floats bent(Floats x, Floats condition, float slope) { return condition > 0 ? x : x * slope; }

/// `change` of the channels from `channel` on.
INLINE Floats changed(Floats x, const Change &change, int64_t channel) {
  if (change.scale) x *= load(change.scale + channel);
  if (change.shift) x += load(change.shift + channel);
  return change.slope == 1 ? x : bent(x, x, change.slope);
}
