#include "engine/profile/work.hpp"

namespace bptplr {

Work moved(std::int64_t values, DType type) {
  return {0.0, static_cast<double>(values) * static_cast<double>(element_size(type))};
}

Work conv2d_work(const kernels::Conv2dShape& s, DType type, DType weight_type) {
  const std::int64_t x = s.n * s.h * s.w * s.c;
  const std::int64_t pixels = s.n * s.out_h() * s.out_w();
  Work work = moved(x + pixels * s.k, type);
  work += moved(s.weights(), weight_type);
  work.operations = 2.0 * static_cast<double>(pixels) * static_cast<double>(s.weights());
  return work;
}

Work linear_work(const kernels::LinearShape& s, int products, DType type) {
  Work work = moved(products * (s.n * s.in + s.n * s.out + s.in * s.out), type);
  work.operations = 2.0 * products * static_cast<double>(s.n * s.in) * static_cast<double>(s.out);
  return work;
}

}  // namespace bptplr
