// What a network computes: operators of ONNX on named values. It does without the library that
// writes the file, so that only writer/ depends on that.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "engine/tensor.hpp"

namespace bptplr {

/// Type of the elements of a value.
enum class ElementType { kFloat32, kFloat16, kUint8 };

struct Attribute {
  std::string name;
  std::variant<std::int64_t, float, std::vector<std::int64_t>> value;
};

struct Operation {
  std::string op;
  std::vector<std::string> inputs;
  std::string output;
  std::vector<Attribute> attributes;
};

/// Values that the file holds: float32, or int64 such as positions.
struct Constant {
  std::string name;
  Tensor values;
  bool half = false;  ///< whether the file holds them as float16
};

/// Input or output of the whole; its first axis is the batch, of any length.
struct GraphValue {
  std::string name;
  ElementType type = ElementType::kFloat32;
  Shape sample;  ///< the other axes
  std::string about;
};

struct Graph {
  std::vector<GraphValue> inputs;
  std::vector<GraphValue> outputs;
  std::vector<Constant> constants;
  std::vector<Operation> operations;  ///< each after those whose outputs it takes
};

}  // namespace bptplr
