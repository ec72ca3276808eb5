// Reads golden files: tensors that tests/golden/make_golden.py computed with PyTorch, scikit-learn
// and Pillow; tests/golden/README.md describes the keys.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <set>
#include <string>

#include "engine/error.hpp"
#include "engine/io/safetensors.hpp"

namespace bptplr {

class Golden {
 public:
  /// Reads the file NAME.safetensors.
  explicit Golden(const std::string& name)
      : tensors_(
            load_safetensors(std::filesystem::path(BPTPLR_GOLDEN_DIR) / (name + ".safetensors"))) {}

  bool has(const std::string& key) const { return tensors_.count(key) > 0; }

  const Tensor& operator[](const std::string& key) const {
    const auto found = tensors_.find(key);
    if (found == tensors_.end()) throw Error("the golden file has no tensor '{}'", key);
    return found->second;
  }

  /// Returns the distinct CASE of all keys "prefix/CASE/...". Throws Error if there is none: a test
  /// that loops over nothing would pass.
  std::set<std::string> cases(const std::string& prefix) const {
    std::set<std::string> names;
    for (const auto& [key, tensor] : tensors_) {
      if (key.rfind(prefix + "/", 0) != 0) continue;
      const std::size_t begin = prefix.size() + 1;
      names.insert(key.substr(begin, key.find('/', begin) - begin));
    }
    if (names.empty()) throw Error("the golden file has no case of '{}'", prefix);
    return names;
  }

  /// Returns all tensors whose key starts with `prefix`, under the rest of the key.
  TensorMap with_prefix(const std::string& prefix) const {
    TensorMap found;
    for (const auto& [key, tensor] : tensors_) {
      if (key.rfind(prefix, 0) == 0) found.emplace(key.substr(prefix.size()), tensor);
    }
    return found;
  }

 private:
  TensorMap tensors_;
};

/// Returns ||actual - expected|| / ||expected||, or ||actual|| if the expected one is zero. Tensors
/// may be on any device.
inline double relative_error(const Tensor& actual_values, const Tensor& expected_values) {
  const Tensor actual = actual_values.to(Device{});
  const Tensor expected = expected_values.to(Device{});
  EXPECT_EQ(actual.numel(), expected.numel());
  if (actual.numel() != expected.numel()) return INFINITY;
  const auto value = [](const Tensor& t, std::int64_t i) -> double {
    return t.dtype() == DType::kFloat64 ? t.data<double>()[i] : t.data<float>()[i];
  };
  double difference = 0.0;
  double norm = 0.0;
  for (std::int64_t i = 0; i < actual.numel(); ++i) {
    const double d = value(actual, i) - value(expected, i);
    difference += d * d;
    norm += value(expected, i) * value(expected, i);
  }
  return norm > 0.0 ? std::sqrt(difference / norm) : std::sqrt(difference);
}

}  // namespace bptplr
