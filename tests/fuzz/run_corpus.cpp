// Runs a harness without libFuzzer over every seed file of the folders on the command line:
// complete, truncated at many places and with changed bytes, the same in every run. Each has to
// stay within bounds of time and memory.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <vector>

#include "engine/random.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kCuts = 60;
constexpr int kChanges = 300;

Bytes read(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Bounds of one input, far above what any takes, also under sanitizers on a busy machine.
constexpr double kMostSeconds = 30;
constexpr std::int64_t kMostMemory = std::int64_t{2} << 30;

/// Returns the greatest memory of this process so far, in bytes.
std::int64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return std::int64_t{usage.ru_maxrss} * 1024;
}

/// The seed whose variants run.
fs::path current;

void run(const Bytes& bytes) {
  const auto start = std::chrono::steady_clock::now();
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  if (time.count() <= kMostSeconds && peak_memory() <= kMostMemory) return;
  std::fprintf(stderr, "run_corpus: %s or a variant of it took %.1f s, and up to here %lld MiB\n",
               current.c_str(), time.count(), static_cast<long long>(peak_memory() >> 20));
  std::exit(1);
}

/// Changes one to four bytes: to any value, or by one bit.
Bytes changed(Bytes bytes, bptplr::Philox& random) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  for (std::uint32_t count = 1 + random.below(4); count > 0; --count) {
    // Half of the changes are near the beginning, where headers are.
    const std::uint32_t at =
        random.below(2) == 0 ? random.below(std::min(size, 200U)) : random.below(size);
    const std::uint32_t value = random.next();
    bytes[at] = static_cast<std::uint8_t>(value % 2 == 0 ? value >> 8
                                                         : bytes[at] ^ (1U << (value >> 8) % 8));
  }
  return bytes;
}

void run_variants(const Bytes& seed, std::uint32_t number) {
  run(seed);
  const std::size_t step = std::max<std::size_t>(seed.size() / kCuts, 1);
  for (std::size_t size = 0; size < seed.size(); size += step) {
    run({seed.begin(), seed.begin() + static_cast<std::ptrdiff_t>(size)});
  }
  if (seed.empty()) return;
  bptplr::Philox random(1, bptplr::Purpose::kTest, number);
  for (int i = 0; i < kChanges; ++i) run(changed(seed, random));
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<fs::path> seeds;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : fs::directory_iterator(argv[i])) seeds.push_back(entry.path());
  }
  std::sort(seeds.begin(), seeds.end());
  if (seeds.empty()) {
    std::fprintf(stderr, "run_corpus: no seeds; name a folder that has some\n");
    return 1;
  }
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    current = seeds[i];
    run_variants(read(seeds[i]), static_cast<std::uint32_t>(i));
  }
  std::printf("%zu seeds, at most %lld MiB\n", seeds.size(),
              static_cast<long long>(peak_memory() >> 20));
  return 0;
}
