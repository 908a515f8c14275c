// The loops of warp.cpp over one picture with four numbers per pixel; included for each instruction set.

/// The channels of a pixel, the last one unused; a vector of the widest registers.
template <class T>
struct Lane;
template <>
struct Lane<float> {
  typedef float Pixel __attribute__((vector_size(16)));
  typedef float Block __attribute__((vector_size(64)));
};
template <>
struct Lane<double> {
  typedef double Pixel __attribute__((vector_size(32)));
  typedef double Block __attribute__((vector_size(64)));
};

/// Pixels per row, rounded up to whole blocks.
inline int64_t stride_of(int64_t width) { return (width + 3) / 4 * 4; }

/// to[i] = sum of weighted rows, over `stride` pixels.
template <class T>
void sum_rows(const Sums &sums, const typename Lane<T>::Pixel *from, typename Lane<T>::Pixel *to, int64_t stride) {
  using Block = typename Lane<T>::Block;
  constexpr int64_t BLOCKS = 4;
  const int64_t length = 4 * stride, step = sizeof(Block) / sizeof(T);
  const T *values = reinterpret_cast<const T *>(from);
  for (int64_t row = 0; row < sums.count(); row++) {
    T *out = reinterpret_cast<T *>(to + row * stride);
    const auto *begin = sums.terms.data() + sums.starts[row], *end = sums.terms.data() + sums.starts[row + 1];
    int64_t at = 0;
    for (; at + BLOCKS * step <= length; at += BLOCKS * step) {
      Block sum[BLOCKS] = {};
      for (const auto *term = begin; term < end; term++) {
        const T *place = values + term->index * length + at, weight = term->template as<T>();
        for (int64_t b = 0; b < BLOCKS; b++) {
          Block value;
          __builtin_memcpy(&value, place + b * step, sizeof value);
          sum[b] += value * weight;
        }
      }
      __builtin_memcpy(out + at, sum, sizeof sum);
    }
    for (; at < length; at += step) {
      Block sum{};
      for (const auto *term = begin; term < end; term++) {
        Block value;
        __builtin_memcpy(&value, values + term->index * length + at, sizeof value);
        sum += value * term->template as<T>();
      }
      __builtin_memcpy(out + at, &sum, sizeof sum);
    }
  }
}

/// The same within one row.
template <class T>
void sum_columns(const Sums &sums, const typename Lane<T>::Pixel *from, typename Lane<T>::Pixel *to) {
  const auto *term = sums.terms.data();
  for (int64_t column = 0; column < sums.count(); column++) {
    typename Lane<T>::Pixel sum{};
    for (const auto *end = sums.terms.data() + sums.starts[column + 1]; term < end; term++)
      sum += from[term->index] * term->template as<T>();
    to[column] = sum;
  }
}

/// Position of a sample in the box, and the weights of its neighbors.
template <class T>
struct Place {
  int32_t offset;
  T right, below;
};

/// Scratch memory of one thread.
template <class T>
struct Scratch {
  using Pixel = typename Lane<T>::Pixel;
  // The picture; its upsampled rows; the box of it that is read; one row and all rows of the upsampled result;
  // the result.
  std::vector<Pixel> source, wide, box, row, narrow, result;
  std::vector<Place<T>> places;

  void prepare(const Plan &plan) {
    auto grow = [](std::vector<Pixel> &scratch, int64_t count) {
      if (static_cast<int64_t>(scratch.size()) < count) scratch.resize(count);
    };
    const int64_t stride = stride_of(plan.x.size), boxStride = stride_of(plan.x.box);
    grow(source, plan.y.size * stride);
    grow(wide, plan.y.size * boxStride);
    grow(box, plan.y.box * boxStride);
    grow(row, plan.x.frame);
    places.resize(plan.x.frame);
    grow(narrow, plan.y.frame * stride);
    grow(result, plan.y.size * stride);
  }
};

/// Copies between pictures of any strides and the scratch memory.
template <class T>
void read(const T *from, const Layout &layout, typename Lane<T>::Pixel *to, const Plan &plan) {
  const int64_t stride = stride_of(plan.x.size);
  for (int64_t y = 0; y < plan.y.size; y++)
    for (int64_t x = 0; x < plan.x.size; x++) {
      const T *place = from + y * layout.row + x * layout.column;
      typename Lane<T>::Pixel pixel{};
      if (layout.channels == 3)
        pixel = typename Lane<T>::Pixel{place[0], place[layout.channel], place[2 * layout.channel], 0};
      else
        for (int64_t c = 0; c < layout.channels; c++) pixel[c] = place[c * layout.channel];
      to[y * stride + x] = pixel;
    }
}
template <class T>
void write(const typename Lane<T>::Pixel *from, T *to, const Layout &layout, const Plan &plan) {
  const int64_t stride = stride_of(plan.x.size);
  for (int64_t y = 0; y < plan.y.size; y++)
    for (int64_t x = 0; x < plan.x.size; x++) {
      const typename Lane<T>::Pixel pixel = from[y * stride + x];
      T *place = to + y * layout.row + x * layout.column;
      if (layout.channels == 3)
        place[0] = pixel[0], place[layout.channel] = pixel[1], place[2 * layout.channel] = pixel[2];
      else
        for (int64_t c = 0; c < layout.channels; c++) place[c * layout.channel] = pixel[c];
    }
}

/// Positions of the samples of an output row.
template <class T>
void find_places(const Plan &plan, int64_t row, int64_t stride, Place<T> *places) {
  const double alongX = plan.x.alongX, alongY = plan.y.alongX, startX = plan.x.at(0, row), startY = plan.y.at(0, row);
  const auto firstX = static_cast<int32_t>(plan.x.first), firstY = static_cast<int32_t>(plan.y.first);
  for (int32_t column = 0; column < plan.x.frame; column++) {
    const double x = startX + alongX * column, y = startY + alongY * column;
    const double left = __builtin_floor(x), top = __builtin_floor(y);
    const int32_t across = static_cast<int32_t>(left) - firstX, down = static_cast<int32_t>(top) - firstY;
    places[column] = {down * static_cast<int32_t>(stride) + across, static_cast<T>(x - left), static_cast<T>(y - top)};
  }
}

/// The transformed picture.
template <class T>
void warp_picture(const Plan &plan, const T *from, T *to, const Layout &layout, Scratch<T> &scratch) {
  using Pixel = typename Lane<T>::Pixel;
  scratch.prepare(plan);
  const int64_t stride = stride_of(plan.x.size), boxStride = stride_of(plan.x.box);
  read<T>(from, layout, scratch.source.data(), plan);
  for (int64_t y = 0; y < plan.y.size; y++)
    sum_columns<T>(plan.x.up, scratch.source.data() + y * stride, scratch.wide.data() + y * boxStride);
  sum_rows<T>(plan.y.up, scratch.wide.data(), scratch.box.data(), boxStride);
  for (int64_t y = 0; y < plan.y.frame; y++) {
    find_places(plan, y, boxStride, scratch.places.data());
    for (int64_t x = 0; x < plan.x.frame; x++) {
      const Place<T> place = scratch.places[x];
      const Pixel *above = scratch.box.data() + place.offset, *below = above + boxStride;
      const Pixel top = above[0] + (above[1] - above[0]) * place.right;
      const Pixel bottom = below[0] + (below[1] - below[0]) * place.right;
      scratch.row[x] = top + (bottom - top) * place.below;
    }
    sum_columns<T>(plan.x.down, scratch.row.data(), scratch.narrow.data() + y * stride);
  }
  sum_rows<T>(plan.y.down, scratch.narrow.data(), scratch.result.data(), stride);
  write<T>(scratch.result.data(), to, layout, plan);
}

/// The transpose: the sums above in reverse order.
template <class T>
void warp_picture_back(const Plan &plan, const T *from, T *to, const Layout &layout, Scratch<T> &scratch) {
  using Pixel = typename Lane<T>::Pixel;
  scratch.prepare(plan);
  const int64_t stride = stride_of(plan.x.size), boxStride = stride_of(plan.x.box);
  read<T>(from, layout, scratch.result.data(), plan);
  sum_rows<T>(plan.y.downBack, scratch.result.data(), scratch.narrow.data(), stride);
  std::fill_n(scratch.box.data(), plan.y.box * boxStride, Pixel{});
  for (int64_t y = 0; y < plan.y.frame; y++) {
    sum_columns<T>(plan.x.downBack, scratch.narrow.data() + y * stride, scratch.row.data());
    find_places(plan, y, boxStride, scratch.places.data());
    for (int64_t x = 0; x < plan.x.frame; x++) {
      const Place<T> place = scratch.places[x];
      Pixel *above = scratch.box.data() + place.offset, *below = above + boxStride;
      const Pixel bottom = scratch.row[x] * place.below, top = scratch.row[x] - bottom;
      const Pixel topRight = top * place.right, bottomRight = bottom * place.right;
      above[0] += top - topRight;
      above[1] += topRight;
      below[0] += bottom - bottomRight;
      below[1] += bottomRight;
    }
  }
  sum_rows<T>(plan.y.upBack, scratch.box.data(), scratch.wide.data(), boxStride);
  for (int64_t y = 0; y < plan.y.size; y++)
    sum_columns<T>(plan.x.upBack, scratch.wide.data() + y * boxStride, scratch.source.data() + y * stride);
  write<T>(scratch.source.data(), to, layout, plan);
}

template <class T>
void warp_pictures(const Work &work, const T *from, T *to) {
  parallel(work.count, [&](int64_t first, int64_t last) {
    Scratch<T> scratch;
    for (int64_t n = first; n < last; n++) {
      const Plan plan(work, n);
      const int64_t at = n * work.layout.picture;
      if (work.isBack)
        warp_picture_back<T>(plan, from + at, to + at, work.layout, scratch);
      else
        warp_picture<T>(plan, from + at, to + at, work.layout, scratch);
    }
  });
}
