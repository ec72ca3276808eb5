// OpenMP loops whose results cannot depend on the number of threads: work is cut into chunks whose
// bounds follow from the problem alone, and partial sums are added in the order of the chunks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <vector>

namespace bptplr::kernels {

/// Elements per chunk of an elementwise loop: large enough to hide the scheduling.
inline constexpr std::int64_t kElementGrain = 1 << 14;

inline std::int64_t chunk_count(std::int64_t n, std::int64_t grain) {
  return (n + grain - 1) / grain;
}

/// Keeps the exception of the first chunk that throws one: none may leave a parallel region, where
/// it would end the program.
class FirstError {
 public:
  /// Calls fn, for this chunk.
  template <class Fn>
  void guard(std::int64_t chunk, Fn&& fn) noexcept {
    try {
      fn();
    } catch (...) {
#pragma omp critical(bptplr_first_error)
      if (error_ == nullptr || chunk < chunk_) {
        chunk_ = chunk;
        error_ = std::current_exception();
      }
    }
  }
  /// Throws what was kept, if anything; to be called after the region.
  void rethrow() const {
    if (error_ != nullptr) std::rethrow_exception(error_);
  }

 private:
  std::int64_t chunk_ = 0;
  std::exception_ptr error_;
};

/// Calls fn(begin, end) for every chunk of `grain` consecutive indices of [0, n), in parallel.
/// Of the exceptions that chunks throw, that of the first chunk is rethrown to the caller.
template <class Fn>
void parallel_for(std::int64_t n, std::int64_t grain, Fn&& fn) {
  const std::int64_t chunks = chunk_count(n, grain);
  if (chunks == 1) {
    fn(std::int64_t{0}, n);
    return;
  }
  FirstError error;
#pragma omp parallel for schedule(dynamic, 1)
  for (std::int64_t c = 0; c < chunks; ++c) {
    error.guard(c, [&] { fn(c * grain, std::min(n, (c + 1) * grain)); });
  }
  error.rethrow();
}

/// Calls fn(task) for every task of [0, tasks); the calling thread is one of omp_get_max_threads(),
/// whatever called this. Errors as for parallel_for.
template <class Fn>
void parallel_tasks(std::int64_t tasks, Fn&& fn) {
  FirstError error;
#pragma omp parallel for schedule(dynamic, 1) if (tasks > 1)
  for (std::int64_t task = 0; task < tasks; ++task) {
    error.guard(task, [&] { fn(task); });
  }
  error.rethrow();
}

/// Returns the sum over [0, n) of the results of fn(begin, end) for each chunk, added in chunk
/// order.
template <class Sum, class Fn>
Sum parallel_sum(std::int64_t n, std::int64_t grain, Fn&& fn) {
  std::vector<Sum> partial(static_cast<std::size_t>(chunk_count(n, grain)));
  parallel_for(n, grain, [&](std::int64_t begin, std::int64_t end) {
    partial[static_cast<std::size_t>(begin / grain)] = fn(begin, end);
  });
  Sum total{};
  for (const Sum& value : partial) total += value;
  return total;
}

}  // namespace bptplr::kernels
