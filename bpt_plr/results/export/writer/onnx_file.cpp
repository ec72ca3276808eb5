#include "bpt_plr/results/export/writer/onnx_file.hpp"

#include <onnx/onnx_pb.h>

#include <bit>
#include <cstring>
#include <span>

#include "bpt_plr/results/export/graph_builder.hpp"
#include "engine/error.hpp"
#include "kernels/float16.hpp"

// The elements of TensorProto.raw_data are little-endian.
static_assert(std::endian::native == std::endian::little);

namespace bptplr {
namespace {

/// Version of the format that came with kOpset.
constexpr int kIrVersion = 7;
/// What Protobuf can write and read in one piece.
constexpr std::int64_t kLargestModel = (std::int64_t{1} << 31) - 1;

void fill(onnx::ValueInfoProto& proto, const GraphValue& value) {
  proto.set_name(value.name);
  proto.set_doc_string(value.about);
  auto& tensor = *proto.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(static_cast<int>(onnx_type(value.type)));
  tensor.mutable_shape()->add_dim()->set_dim_param("N");
  for (const std::int64_t size : value.sample)
    tensor.mutable_shape()->add_dim()->set_dim_value(size);
}

std::string halves(std::span<const float> values) {
  std::string bytes(values.size() * sizeof(kernels::float16), '\0');
  char* to = bytes.data();
  for (const float value : values) {
    const kernels::float16 half = kernels::to_float16(value);
    std::memcpy(to, &half, sizeof(half));
    to += sizeof(half);
  }
  return bytes;
}

void fill(onnx::TensorProto& proto, const Constant& constant) {
  const Tensor& values = constant.values;
  proto.set_name(constant.name);
  for (const std::int64_t size : values.shape()) proto.add_dims(size);
  if (constant.half) {
    proto.set_data_type(onnx::TensorProto::FLOAT16);
    proto.set_raw_data(halves(values.span<float>()));
    return;
  }
  const bool is_float = values.dtype() == DType::kFloat32;
  proto.set_data_type(is_float ? onnx::TensorProto::FLOAT : onnx::TensorProto::INT64);
  proto.set_raw_data(values.raw(),
                     static_cast<std::size_t>(values.numel()) * element_size(values.dtype()));
}

void fill(onnx::AttributeProto& proto, std::int64_t value) {
  proto.set_type(onnx::AttributeProto::INT);
  proto.set_i(value);
}
void fill(onnx::AttributeProto& proto, float value) {
  proto.set_type(onnx::AttributeProto::FLOAT);
  proto.set_f(value);
}
void fill(onnx::AttributeProto& proto, const std::vector<std::int64_t>& values) {
  proto.set_type(onnx::AttributeProto::INTS);
  for (const std::int64_t value : values) proto.add_ints(value);
}

void fill(onnx::NodeProto& proto, const Operation& operation) {
  proto.set_op_type(operation.op);
  proto.set_name(operation.output);
  for (const std::string& input : operation.inputs) proto.add_input(input);
  proto.add_output(operation.output);
  for (const Attribute& attribute : operation.attributes) {
    onnx::AttributeProto& to = *proto.add_attribute();
    to.set_name(attribute.name);
    std::visit([&](const auto& value) { fill(to, value); }, attribute.value);
  }
}

std::int64_t bytes_of(const Graph& graph) {
  std::int64_t bytes = 0;
  for (const Constant& constant : graph.constants) {
    const auto size =
        constant.half ? sizeof(kernels::float16) : element_size(constant.values.dtype());
    bytes += constant.values.numel() * static_cast<std::int64_t>(size);
  }
  return bytes;
}

}  // namespace

std::string onnx_bytes(Graph graph, const OnnxNotes& notes) {
  onnx::ModelProto model;
  model.set_ir_version(kIrVersion);
  model.set_producer_name("bptplr");
  model.set_producer_version(BPTPLR_VERSION);
  model.set_doc_string(notes.about);
  onnx::OperatorSetIdProto& operators = *model.add_opset_import();
  operators.set_domain("");
  operators.set_version(kOpset);
  for (const auto& [key, value] : notes.metadata) {
    onnx::StringStringEntryProto& entry = *model.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  onnx::GraphProto& to = *model.mutable_graph();
  to.set_name("bptplr");
  for (const GraphValue& value : graph.inputs) fill(*to.add_input(), value);
  for (const GraphValue& value : graph.outputs) fill(*to.add_output(), value);
  for (const Operation& operation : graph.operations) fill(*to.add_node(), operation);
  const std::int64_t weights = bytes_of(graph);
  require(weights + static_cast<std::int64_t>(model.ByteSizeLong()) < kLargestModel - (1 << 20),
          "the networks take {} MiB, and a file of ONNX holds at most 2048; export one model file, "
          "or with --half",
          weights >> 20);
  for (Constant& constant : graph.constants) {
    fill(*to.add_initializer(), constant);
    constant.values = {};
  }
  std::string bytes;
  require(model.SerializeToString(&bytes), "the networks cannot be written as ONNX");
  return bytes;
}

}  // namespace bptplr
