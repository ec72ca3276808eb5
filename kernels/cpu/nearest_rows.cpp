// A pair of blocks of rows is a product that one thread computes and looks through twice, for the
// rows of either block, while it is in the cache. What is kept of a row does not depend on the
// order of its candidates, as no two are equal: the lower index comes first.
#include "kernels/nearest_rows.hpp"

#include <omp.h>

#include <algorithm>
#include <dnnl.hpp>
#include <limits>
#include <mutex>
#include <vector>

#include "kernels/cpu/onednn_errors.hpp"
#include "kernels/parallel.hpp"

namespace bptplr::kernels {
namespace {

/// Rows of a block: the product of two takes 1 MiB.
constexpr std::int64_t kBlock = 512;
/// Candidates that one test passes over.
constexpr std::int64_t kTested = 32;

/// The best candidates of rows so far, sorted, and the product that a candidate must reach.
class Nearest {
 public:
  Nearest(const NearestRowsShape& shape, std::int64_t* index, float* product)
      : k_(shape.neighbours),
        index_(index),
        product_(product),
        least_(static_cast<std::size_t>(shape.count), -std::numeric_limits<float>::infinity()) {
    std::fill_n(index, shape.count * k_, std::numeric_limits<std::int64_t>::max());
    std::fill_n(product, shape.count * k_, -std::numeric_limits<float>::infinity());
  }

  const float* least(std::int64_t row) const { return least_.data() + row; }

  void offer(std::int64_t row, std::int64_t candidate, float product) {
    std::int64_t* indices = index_ + row * k_;
    float* products = product_ + row * k_;
    const auto precedes = [&](std::int64_t place) {
      return product > products[place] ||
             (product == products[place] && candidate < indices[place]);
    };
    std::int64_t place = k_;
    while (place > 0 && precedes(place - 1)) --place;
    if (place == k_) return;
    std::copy_backward(indices + place, indices + k_ - 1, indices + k_);
    std::copy_backward(products + place, products + k_ - 1, products + k_);
    indices[place] = candidate;
    products[place] = product;
    least_[static_cast<std::size_t>(row)] = products[k_ - 1];
  }

 private:
  std::int64_t k_;
  std::int64_t* index_;
  float* product_;
  std::vector<float> least_;
};

/// Block of rows.
struct Block {
  std::int64_t first;
  std::int64_t rows;
};

/// Calls fn(j) for each product of a row of `s` that reaches what is least wanted of column j.
template <class Least, class Fn>
void for_each_reaching(const float* s, std::int64_t columns, Least&& least, Fn&& fn) {
  for (std::int64_t from = 0; from < columns; from += kTested) {
    const std::int64_t to = std::min(from + kTested, columns);
    unsigned any = 0;
    for (std::int64_t j = from; j < to; ++j) any |= s[j] >= least(j) ? 1U : 0U;
    if (any == 0) continue;
    for (std::int64_t j = from; j < to; ++j) {
      if (s[j] >= least(j)) fn(j);
    }
  }
}

/// Offers the rows of block b to those of block a.
void offer_to_rows(const float* s, const Block& a, const Block& b, Nearest& nearest) {
  for (std::int64_t i = 0; i < a.rows; ++i) {
    const float* least = nearest.least(a.first + i);
    for_each_reaching(
        s + i * b.rows, b.rows, [&](std::int64_t) { return *least; },
        [&](std::int64_t j) {
          if (a.first + i != b.first + j) {
            nearest.offer(a.first + i, b.first + j, s[i * b.rows + j]);
          }
        });
  }
}

/// Offers the rows of block a to those of another block b.
void offer_to_columns(const float* s, const Block& a, const Block& b, Nearest& nearest) {
  const float* least = nearest.least(b.first);
  for (std::int64_t i = 0; i < a.rows; ++i) {
    for_each_reaching(
        s + i * b.rows, b.rows, [&](std::int64_t j) { return least[j]; },
        [&](std::int64_t j) { nearest.offer(b.first + j, a.first + i, s[i * b.rows + j]); });
  }
}

}  // namespace

void nearest_rows(const CpuContext& ctx, const NearestRowsShape& shape, const float* x,
                  std::int64_t* index, float* product,
                  const std::function<void(double share)>& progress) {
  const std::int64_t blocks = chunk_count(shape.count, kBlock);
  const std::int64_t tile = kBlock * kBlock;
  float* tiles = ctx.scratch<float>(tile * omp_get_max_threads());
  Nearest nearest(shape, index, product);
  std::vector<std::mutex> owner(static_cast<std::size_t>(blocks));
  const auto block_of = [&](std::int64_t b) {
    return Block{b * kBlock, std::min(kBlock, shape.count - b * kBlock)};
  };
  for (std::int64_t i = 0; i < blocks; ++i) {
    const Block a = block_of(i);
    FirstError error;
#pragma omp parallel for schedule(dynamic, 1)
    for (std::int64_t j = i; j < blocks; ++j) {
      error.guard(j, [&] {
        const Block b = block_of(j);
        float* s = tiles + tile * omp_get_thread_num();
        onednn::require_success(
            dnnl::sgemm('N', 'T', a.rows, b.rows, shape.dim, 1.0F, x + a.first * shape.dim,
                        shape.dim, x + b.first * shape.dim, shape.dim, 0.0F, s, b.rows),
            "a matrix product");
        {
          const std::scoped_lock lock(owner[static_cast<std::size_t>(i)]);
          offer_to_rows(s, a, b, nearest);
        }
        if (i == j) return;
        const std::scoped_lock lock(owner[static_cast<std::size_t>(j)]);
        offer_to_columns(s, a, b, nearest);
      });
    }
    error.rethrow();
    const auto left = static_cast<double>(blocks - i - 1) / static_cast<double>(blocks);
    if (progress) progress(1.0 - left * left);
  }
}

}  // namespace bptplr::kernels
