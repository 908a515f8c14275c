// The change of change.h on vectors; included by the loops for each instruction set.

INLINE Floats bent(Floats x, Floats condition, float slope) { return condition > 0 ? x : x * slope; }

/// The change of the channels starting at `channel`.
INLINE Floats changed(Floats x, const Change &change, int64_t channel) {
  if (change.scale) x *= load(change.scale + channel);
  if (change.shift) x += load(change.shift + channel);
  return change.slope == 1 ? x : bent(x, x, change.slope);
}
