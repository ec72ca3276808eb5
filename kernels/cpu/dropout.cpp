#include "kernels/dropout.hpp"

#include <algorithm>

#include "kernels/parallel.hpp"

namespace bptplr::kernels {

// Blocks of four draws are the unit of work, so that each is drawn once. A block may reach from the
// last channels of an image into the first of the next.
template <class Context, class T>
void dropout(const Context&, const DropoutShape& s, const PhiloxStream& stream, const T* x, T* y) {
  const T keep = T{1} / (T{1} - static_cast<T>(s.rate));
  const std::int64_t before = s.first / 4;
  const std::int64_t last = s.first + s.draws();
  const std::int64_t blocks = s.draws() == 0 ? 0 : (last + 3) / 4 - before;
  const std::int64_t grain = kElementGrain / std::max<std::int64_t>(4, 4 * s.pixels) + 1;
  parallel_for(blocks, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = before + begin; block < before + end; ++block) {
      const PhiloxBlock words = philox_block(stream, static_cast<std::uint32_t>(block));
      const std::int64_t to = std::min(4 * block + 4, last);
      for (std::int64_t word = std::max(4 * block, s.first); word < to; ++word) {
        const std::int64_t draw = word - s.first;
        const T factor = philox_uniform(words.word[word % 4]) < s.rate ? T{0} : keep;
        std::int64_t at = draw / s.channels * s.pixels * s.channels + draw % s.channels;
        for (std::int64_t p = 0; p < s.pixels; ++p, at += s.channels) y[at] = factor * x[at];
      }
    }
  });
}

template void dropout(const CpuContext&, const DropoutShape&, const PhiloxStream&, const float*,
                      float*);
template void dropout(const CpuContext&, const DropoutShape&, const PhiloxStream&, const double*,
                      double*);

}  // namespace bptplr::kernels
