#include "engine/io/safetensors.hpp"

#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/error.hpp"
#include "engine/io/budget.hpp"
#include "engine/io/elements.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::json;

const char* type_name(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return "F32";
    case DType::kFloat64:
      return "F64";
    case DType::kInt64:
      return "I64";
    case DType::kUint8:
      return "U8";
    case DType::kBfloat16:
      return "BF16";
  }
  return "";
}

/// Finds a tensor by its header entry (dtype, shape, offsets), checked against the bytes present.
StoredTensor stored_tensor(const std::string& name, const Json& entry, std::string_view data,
                           const std::string& file) {
  const auto malformed = [&](const char* what) {
    return Error("{}: tensor '{}' {}; the file is damaged or not a safetensors file", file, name,
                 what);
  };
  if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") ||
      !entry.contains("data_offsets")) {
    throw malformed("has no dtype, shape and data_offsets");
  }
  const Json& offsets = entry["data_offsets"];
  const auto is_size = [](const Json& n) {
    return n.is_number_unsigned() && n.get<std::uint64_t>() < (std::uint64_t{1} << 40);
  };
  if (!offsets.is_array() || offsets.size() != 2 || !is_size(offsets[0]) || !is_size(offsets[1])) {
    throw malformed("has malformed data_offsets");
  }
  const auto begin = offsets[0].get<std::size_t>();
  const auto end = offsets[1].get<std::size_t>();
  if (begin > end || end > data.size()) throw malformed("lies outside the file");
  Shape shape;
  std::uint64_t count = 1;
  for (const Json& n : entry["shape"]) {
    if (!is_size(n)) throw malformed("has a malformed shape");
    shape.push_back(n.get<std::int64_t>());
    // A wrapped count is harmless: the check below accepts only that of the bytes present.
    if (__builtin_mul_overflow(count, n.get<std::uint64_t>(), &count)) {
      throw malformed("has an impossible shape");
    }
  }
  const FileElements* type =
      entry["dtype"].is_string()
          ? safetensors_elements(entry["dtype"].get_ref<const std::string&>())
          : nullptr;
  if (type == nullptr) {
    throw malformed("has a type other than F64, F32, F16, BF16, I8 to I64, U8 to U64 and BOOL");
  }
  if (count > data.size() || count * type->bytes != end - begin) {
    throw malformed("has a shape that does not match its bytes");
  }
  return {name, type, std::move(shape), data.substr(begin, end - begin)};
}

}  // namespace

TensorMap load_safetensors(const std::filesystem::path& path, Metadata* metadata) {
  return parse_safetensors(read_file(path), path.string(), metadata);
}

std::vector<StoredTensor> stored_tensors(std::string_view bytes, const std::string& file,
                                         Metadata* metadata) {
  std::uint64_t header_size = 0;
  require(bytes.size() >= sizeof header_size,
          "{} is too short to be a safetensors file; it may have been cut off", file);
  std::memcpy(&header_size, bytes.data(), sizeof header_size);
  require(header_size <= bytes.size() - sizeof header_size,
          "{} is cut short or not a safetensors file; copy it again", file);
  const std::string_view text = bytes.substr(sizeof header_size, header_size);
  const std::string_view data = bytes.substr(sizeof header_size + header_size);
  const Json header = parse_json_or_none(text);
  require(header.is_object(), "{} is not a safetensors file: its header is no JSON object", file);
  std::vector<StoredTensor> tensors;
  for (const auto& [name, entry] : header.items()) {
    if (name != "__metadata__") {
      tensors.push_back(stored_tensor(name, entry, data, file));
    } else if (metadata != nullptr && entry.is_object()) {
      for (const auto& [key, value] : entry.items()) {
        if (value.is_string()) (*metadata)[key] = value.get<std::string>();
      }
    }
  }
  return tensors;
}

TensorMap parse_safetensors(std::string_view bytes, const std::string& file, Metadata* metadata) {
  TensorMap tensors;
  Budget budget(file, bytes.size());
  for (StoredTensor& stored : stored_tensors(bytes, file, metadata)) {
    budget.hold(stored.bytes.size() / stored.type->bytes * element_size(stored.type->dtype));
    tensors.emplace(stored.name, tensor_of(*stored.type, std::move(stored.shape), stored.bytes));
  }
  return tensors;
}

void save_safetensors(const std::filesystem::path& path, const TensorMap& tensors,
                      const Metadata& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::size_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const std::size_t size =
        static_cast<std::size_t>(tensor.numel()) * element_size(tensor.dtype());
    header[name] = {{"dtype", type_name(tensor.dtype())},
                    {"shape", tensor.shape()},
                    {"data_offsets", {offset, offset + size}}};
    offset += size;
  }
  std::string text = to_text(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');  // elements start on an 8-byte boundary
  const std::uint64_t header_size = text.size();
  std::string bytes(sizeof header_size, '\0');
  std::memcpy(bytes.data(), &header_size, sizeof header_size);
  bytes += text;
  bytes.reserve(bytes.size() + offset);
  for (const auto& [name, tensor] : tensors) {
    bytes.append(static_cast<const char*>(tensor.raw()),
                 static_cast<std::size_t>(tensor.numel()) * element_size(tensor.dtype()));
  }
  write_file_atomically(path, bytes);
}

}  // namespace bptplr
