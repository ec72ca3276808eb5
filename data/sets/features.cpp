#include "data/sets/features.hpp"

#include <utility>

#include "data/vector_statistics.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

/// Returns the rows of an array of float16 or float32, in `file` for errors. Elements that are not
/// aligned, as those of a safetensors file may be, are copied.
Split stored_vectors(const StoredTensor& array, std::shared_ptr<const MappedFile> mapped,
                     const std::string& file) {
  const bool is_half = array.type->numpy == "f2";
  require(is_half || array.type->numpy == "f4",
          "{}: features are float16 or float32, but these are of another type; save "
          "X.astype('float32')",
          file);
  require(array.shape.size() == 2,
          "{}: features are a matrix with a row for each sample, but this array has {} axes; save "
          "X.reshape(len(X), -1)",
          file, array.shape.size());
  Split split;
  Vectors& vectors = split.vectors;
  vectors.count = array.shape[0];
  vectors.dim = array.shape[1];
  vectors.type = is_half ? kernels::VectorType::kFloat16 : kernels::VectorType::kFloat32;
  require(vectors.count >= 1 && vectors.dim >= 1 && vectors.dim <= kMaxFeatures,
          "{}: a matrix of {} x {}, but there must be at least one row, and 1 to {} values in each",
          file, vectors.count, vectors.dim, kMaxFeatures);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(array.bytes.data());
  if (reinterpret_cast<std::uintptr_t>(bytes) % array.type->bytes == 0) {
    vectors.bytes = {bytes, array.bytes.size()};
    vectors.owner = std::move(mapped);
    vectors.on_disk = true;
  } else {
    const auto copy =
        std::make_shared<const std::vector<std::uint8_t>>(bytes, bytes + array.bytes.size());
    vectors.bytes = *copy;
    vectors.owner = copy;
  }
  return split;
}

void check_test_vectors(const Split& train, const std::string& file, const Split& test,
                        const std::string& test_file) {
  require(test.vectors.dim == train.vectors.dim,
          "{} has {} values in a row, but {} has {}; compute both with the same network", test_file,
          test.vectors.dim, file, train.vectors.dim);
}

void describe_vectors(Dataset& dataset, const std::string& file, const LoadReport& report) {
  Vectors& train = dataset.train.vectors;
  Vectors& test = dataset.test.vectors;
  train.root = are_nonnegative(train);
  test.root = train.root;
  dataset.test.hashes = vector_statistics(test, file, report).hashes;
  VectorStatistics statistics = vector_statistics(train, file, report);
  dataset.train.hashes = std::move(statistics.hashes);
  dataset.mean = std::move(statistics.mean);
  dataset.std = std::move(statistics.std);
}

}  // namespace

Dataset load_features(const SampleFiles& files, const TestSplit& split, const LoadReport& report) {
  static const StoredKind kKind{"features",
                                "features, x or X",
                                {"", "features", "x", "X"},
                                {"test_features", "x_test", "X_test"},
                                stored_vectors,
                                check_test_vectors,
                                describe_vectors};
  return load_stored_samples(kKind, files, split, report);
}

}  // namespace bptplr
